"""How time grows: with width, depth, rows of a batch, members of a population and recorded steps.

    python benchmarks/scaling.py [--repeats 5]

One thing grows at a time, in fours. Each figure is the lowest of some repeats, in process time. The exponent is the
slope of a straight line through the logarithms of the upper half: 0 is no cost, 1 in proportion, 2 with the square.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from step import plain

import mlp


def microseconds(steps: Iterator[Any], repeats: int) -> float:
    """The least time of a step."""
    list(islice(steps, 3))
    found = []
    for _ in range(repeats):
        start, count = time.process_time(), 0
        while count < 5 or time.process_time() - start < 0.05:
            next(steps)
            count += 1
        found.append((time.process_time() - start) / count)
    return min(found) * 1e6


def recorded(widths: tuple[int, ...], size: int, before: int) -> Iterator[Any]:
    """Steps that are recorded, after so many."""
    steps = mlp.Recorder().tap(plain(widths, size))
    for _ in islice(steps, before):
        pass
    return steps


ROWS: dict[str, tuple[list[int], Callable[[int], Iterator[Any]]]] = {
    "width, 64-n-n-10, batch 32": ([16, 64, 256, 1024], lambda n: plain((64, n, n, 10), 32)),
    "depth, n layers of 64, batch 32": ([2, 8, 32, 128], lambda n: plain((64,) * (n + 1) + (10,), 32)),
    "rows of a batch, 64-64-10": ([8, 32, 128, 512, 2048], lambda n: plain((64, 64, 10), n)),
    "members, 64-32-10, batch 32": ([1, 4, 16, 64, 256], lambda n: plain((64, 32, 10), 32, (n,))),
    "steps recorded before, 2-4-2": ([400, 4000, 16000, 64000], lambda n: recorded((2, 4, 2), 4, n)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    for name, (sizes, make) in ROWS.items():
        times = [microseconds(make(n), repeats) for n in sizes]
        half = len(sizes) // 2
        exponent = np.polyfit(np.log(sizes[half:]), np.log(times[half:]), 1)[0]
        cells = "  ".join(f"{n}: {took:.1f}" for n, took in zip(sizes, times, strict=True))
        print(f"{name:34}{cells} µs; exponent {exponent:.2f}", flush=True)


if __name__ == "__main__":
    main()
