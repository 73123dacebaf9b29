"""How many threads NumPy takes. That is settled when it is imported, so the command line is read for it before."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from math import inf
from pathlib import Path

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


def limit_threads(arguments: Sequence[str]) -> None:
    """Do as `--threads N` says; whether N makes sense is checked later, with all other arguments."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    for option, number in pairwise(words):
        if option == "--threads" and number.isdecimal() and int(number) > 0:
            os.environ.update(dict.fromkeys(VARIABLES, number))


THREADED = 1 << 18
"""Up to so many multiplications OpenBLAS computes a product in one thread, whatever it was told."""

GROUP = Path("/sys/fs/cgroup/cpu.max")
"""How much of the processors a container may use: microseconds in so many, or max."""


def advise_threads(multiplications: int) -> str:
    """What to say where fewer threads would plainly be faster for products of so many multiplications; else "".

    It is said from what is known without measuring. Threads of one product wait for one another. Where one of them has
    no processor, because a container may not use all or other programs do, the others wait as well: a step of
    784-128-10 took 0.6 ms with one thread, and up to 280 ms with two, on two cores with a load of 19.
    """
    asked = next((value for name in VARIABLES if (value := os.environ.get(name, "")).isdecimal()), "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = int(asked or cores)
    if threads < 2 or multiplications <= THREADED:
        return ""
    allowed = min(cores, _quota())
    if threads >= 1.5 * allowed:
        return _advice(threads, f"this process may use {allowed:.3g} of the processors", max(1, int(allowed)))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load >= 1.5 * cores:
        return _advice(threads, f"other programs keep the machine busy (load {load:.0f}, {cores} processors)", 1)
    return ""


OLDER = ("Haswell", "Zen", "Sandybridge", "Nehalem", "Prescott", "Core2", "Penryn", "Barcelona", "Bulldozer")
"""Kernels of OpenBLAS that do without AVX-512."""


def advise_kernels(multiplications: int) -> str:
    """What to say where the environment holds OpenBLAS to kernels for older processors; else "".

    Products of 128 × 785 × 128 took 1.5 to 1.9 times as long so, and a step of 784-128-10 1.4 times.
    """
    kernel = os.environ.get("OPENBLAS_CORETYPE", "")
    if kernel not in OLDER or multiplications <= THREADED or not _has_avx512():
        return ""
    return (
        f"note: OPENBLAS_CORETYPE={kernel} keeps NumPy from this processor's AVX-512; without it large products are "
        "up to 1.9 times as fast: mlp doctor measures it."
    )


def _has_avx512() -> bool:
    """Whether NumPy found AVX-512; False where it does not say."""
    found = getattr(sys.modules.get("numpy._core._multiarray_umath"), "__cpu_features__", {})
    return bool(found.get("AVX512F", found.get("X86_V4", False)))


def _advice(threads: int, why: str, better: int) -> str:
    return f"note: NumPy takes {threads} threads, and {why}: --threads {better} is faster; mlp doctor measures it."


def _quota() -> float:
    """How many processors the container may use; infinity where nothing is said."""
    try:
        most, period = GROUP.read_text(encoding="ascii").split()
        return int(most) / int(period)
    except (OSError, ValueError):
        return inf
