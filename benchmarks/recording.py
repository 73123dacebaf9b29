"""What recording costs: µs per step bare, with ESSENTIAL and with STANDARD, every step.

    python benchmarks/recording.py [--repeats 15]

The step is that of `step.py`: gather a minibatch, forward, loss, backward, Adam, float32, ReLU. One training is
recorded and not recorded by turns of 253 steps (11 in large networks), so both have the same arrays in the same places:
two trainings side by side differ by up to 3 % for nothing. Ratios are medians of the ratios of 23 turns each, so that
every period is in it; counts over epochs come up to twice as often as in a training that is recorded throughout.
`growth` is what Python and NumPy hold more after 1,000 recorded steps, beside what the history's numbers and steps
take, 8 bytes each; their room grows in leaps of an eighth.
"""

from __future__ import annotations

import argparse
import statistics
import tracemalloc
from itertools import islice
from typing import Any

from step import microseconds, plain, ratio

import mlp

NETS = [((784, 1000, 500, 100, 10), 128, 5), ((784, 128, 64, 10), 128, 8), ((2, 32, 32, 2), 32, 20)]  # limit in %


def by_turns(widths: tuple[int, ...], size: int, kind: Any, repeats: int) -> tuple[list[float], list[float]]:
    """Mean times of a step not recorded, and recorded, in each repeat."""
    steps = plain(widths, size)
    runs = steps, mlp.Recorder(kind).tap(steps)
    count = 253 if microseconds(steps, 20) < 200 else 11
    times: list[tuple[float, ...]] = []
    for _ in range(repeats + 1):
        turns = [[microseconds(run, count) for run in runs] for _ in range(23)]
        times.append(tuple(map(statistics.fmean, zip(*turns, strict=True))))
    bare, recorded = zip(*times[1:], strict=True)  # the first is a warm-up
    return list(bare), list(recorded)


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
    head = f"{'network, batch':28}{'bare µs':>9}{'ESSENTIAL + %':>15}{'STANDARD + %':>14}{'limit':>7}"
    print(head + f"{'growth B':>10}{'history B':>11}")
    for widths, size, limit in NETS:
        times = [by_turns(widths, size, kind, repeats) for kind in (mlp.ESSENTIAL, mlp.STANDARD)]
        essential, standard = (100 * ratio(recorded, bare) - 100 for bare, recorded in times)
        row = f"{'-'.join(map(str, widths)) + f', {size}':28}{statistics.median(times[0][0]):9.1f}"
        row += f"{essential:15.1f}{standard:14.1f}"
        print(row + "{:6}%{:10}{:11}".format(limit, *memory(widths, size)), flush=True)


if __name__ == "__main__":
    main()
