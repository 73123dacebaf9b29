"""What pytest must not open: the scripts behind the reference files need torch and more, the tests do not."""

from hypothesis import settings

settings.register_profile("mlp", deadline=None)  # nothing here is about time
settings.load_profile("mlp")

collect_ignore = [
    "reference/make.py",
    "reference/make_optimizers.py",
    "reference/classic.py",
    "reference/make_state.py",
]
