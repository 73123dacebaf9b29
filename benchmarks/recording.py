"""What recording costs: µs per step bare, with ESSENTIAL and with STANDARD, every step.

    python benchmarks/recording.py [--repeats 15]

The step is that of `step.py`: gather a minibatch, forward, loss, backward, Adam, float32, ReLU. Runs take turns every
11 steps or more, and the ratios are medians of the ratios over 253 or more: instruments have periods of up to 150.
`growth` is what Python and NumPy hold more after 1,000 recorded steps, beside what the history's numbers and steps
take, 8 bytes each; their room grows in leaps of an eighth.
"""

from __future__ import annotations

import argparse
import statistics
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from typing import Any

from step import microseconds, plain, ratio

import mlp

NETS = [((784, 1000, 500, 100, 10), 128, 5), ((784, 128, 64, 10), 128, 8), ((2, 32, 32, 2), 32, 20)]  # limit in %


def interleaved(runs: list[Iterator[Any]], repeats: int) -> list[list[float]]:
    """Mean times of each run. A repeat is 23 rounds of 11 steps or more of each, so that it has every period in it."""
    count = 11 * max(1, int(5e3 / 11 / microseconds(runs[0], 20)))
    times: list[list[float]] = [[] for _ in runs]
    for repeat in range(repeats + 1):
        took = [[microseconds(run, count) for run in runs] for _ in range(23)]
        for found, mine in zip(times, zip(*took, strict=True), strict=True):
            if repeat:  # the first is a warm-up
                found.append(statistics.fmean(mine))
    return times


def memory(widths: tuple[int, ...], size: int) -> tuple[int, int]:
    """Bytes held more after 1,000 recorded steps, and what the history's numbers take of that."""
    recorder = mlp.Recorder(mlp.STANDARD)
    steps = recorder.tap(plain(widths, size))
    for _ in islice(steps, 300):
        pass
    tracemalloc.start()
    before, held = tracemalloc.get_traced_memory()[0], numbers(recorder.history)
    for _ in islice(steps, 1000):
        pass
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return grown, numbers(recorder.history) - held


def numbers(history: mlp.History) -> int:
    """Bytes of everything in a history."""
    return sum(history[name].nbytes + history.steps(name).nbytes for name in history)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    head = f"{'network, batch':28}{'bare µs':>9}{'ESSENTIAL':>11}{'+ %':>6}{'STANDARD':>11}{'+ %':>6}{'limit':>7}"
    print(head + f"{'growth B':>10}{'history B':>11}")
    for widths, size, limit in NETS:
        tapped = [mlp.Recorder(kind).tap(plain(widths, size)) for kind in (mlp.ESSENTIAL, mlp.STANDARD)]
        bare, *recorded = interleaved([plain(widths, size), *tapped], repeats)
        row = f"{'-'.join(map(str, widths)) + f', {size}':28}{statistics.median(bare):9.1f}"
        row += "".join(f"{statistics.median(t):11.1f}{100 * ratio(t, bare) - 100:6.1f}" for t in recorded)
        print(row + "{:6}%{:10}{:11}".format(limit, *memory(widths, size)), flush=True)


if __name__ == "__main__":
    main()
