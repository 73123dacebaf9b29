"""How many threads NumPy takes. That is settled when it is imported, so the command line is read for it before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


def limit_threads(arguments: Sequence[str]) -> None:
    """Do as `--threads N` says; whether N makes sense is checked later, with all other arguments."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    for option, number in pairwise(words):
        if option == "--threads" and number.isdecimal() and int(number) > 0:
            os.environ.update(dict.fromkeys(VARIABLES, number))
