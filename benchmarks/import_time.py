"""What it costs to import `mlp`, beside numpy: seconds until a new interpreter has done it, and ends.

    python benchmarks/import_time.py [--repeats 15]

The interpreters take turns, so that a machine that slows down slows all rows. Medians; the ratio is that of the medians
of the user's time, which a busy machine changes least. Compiled files are there from a first round that is not counted.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from resource import RUSAGE_CHILDREN, getrusage
from typing import NamedTuple

COMMANDS = {
    "python": ["-c", ""],
    "import numpy": ["-c", "import numpy"],
    "import mlp": ["-c", "import mlp"],
    "mlp.Dense, mlp.SGD, mlp.train": ["-c", "import mlp; mlp.Dense; mlp.SGD; mlp.train"],
    "from mlp import *": ["-c", "from mlp import *"],
    "mlp --help": ["-m", "mlp", "--help"],
    "mlp data": ["-m", "mlp", "data"],
}


class Seconds(NamedTuple):
    """Of one interpreter, from its start to its end."""

    user: float
    wall: float


def measured(arguments: list[str]) -> Seconds:
    """One new interpreter."""
    user, wall = getrusage(RUSAGE_CHILDREN).ru_utime, time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return Seconds(getrusage(RUSAGE_CHILDREN).ru_utime - user, time.perf_counter() - wall)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    rounds = [{name: measured(command) for name, command in COMMANDS.items()} for _ in range(repeats + 1)][1:]
    median = {name: Seconds(*map(statistics.median, zip(*(r[name] for r in rounds), strict=True))) for name in COMMANDS}
    print(f"{'':32}{'user s':>8}{'wall s':>8}{'× numpy':>9}")
    for name, found in median.items():
        print(f"{name:32}{found.user:8.3f}{found.wall:8.3f}{found.user / median['import numpy'].user:9.2f}")


if __name__ == "__main__":
    main()
