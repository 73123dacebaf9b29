"""What pytest must not open: the script behind the reference file needs torch, the tests do not."""

from hypothesis import settings

settings.register_profile("mlp", deadline=None)  # nothing here is about time
settings.load_profile("mlp")

collect_ignore = ["reference/make.py"]
