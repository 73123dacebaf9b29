"""What pytest must not open: the script behind the reference file needs torch, the tests do not."""

collect_ignore = ["reference/make.py"]
