"""µs per step of five networks, alone and recorded, beside a reference sketch and PyTorch in the same run.

    python benchmarks/step.py [--sketch ../shared/sketch.py] [--repeats 15] [--without-torch]

A step is: gather a minibatch, forward, loss, backward, Adam, float32. Figures are medians over interleaved repeats
and ratios are medians of ratios repeat by repeat, so a machine that slows down slows all columns: read the ratios.
The column for PyTorch (eager, fused Adam) stands where torch is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

import mlp

PAUSE = 0.3  # seconds before each measurement: PyTorch's idle threads spin for 0.2 s and slow down whoever comes next
NETS = [
    ((2, 4, 2), 4),
    ((64, 32, 10), 32),
    ((784, 128, 10), 128),
    ((784, 512, 512, 10), 128),
    ((784, 1024, 1024, 10), 512),
]


def layers(widths: tuple[int, ...], dense: Any, relu: Callable[[int], Any]) -> list[Any]:
    """Dense, ReLU, ..., Dense."""
    found = [dense(widths[0], widths[1])]
    for n_in, n_out in pairwise(widths[1:]):
        found += [relu(n_in), dense(n_in, n_out)]
    return found


def problem(widths: tuple[int, ...], size: int) -> tuple[Any, Any]:
    """Eight batches of noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8 * size, widths[0])).astype(np.float32)
    return X, rng.integers(0, widths[-1], 8 * size)


def plain(widths: tuple[int, ...], size: int, population: tuple[int, ...] = ()) -> Iterator[Any]:
    """Endless steps of this library."""
    X, y = problem(widths, size)
    net = mlp.Network(layers(widths, mlp.Dense, lambda n: mlp.ReLU()), population=population, dtype=np.float32)
    return mlp.train(net, mlp.batches(X, y, size, epochs=10**9), mlp.SoftmaxCrossEntropy(), mlp.Adam())


def recorded(widths: tuple[int, ...], size: int) -> Iterator[Any]:
    """The same, with the loss and the gradient norm of every layer recorded at each step."""
    return mlp.Recorder(mlp.ESSENTIAL).tap(plain(widths, size))


def sketched(sketch: Any, widths: tuple[int, ...], size: int) -> Iterator[Any]:
    """The same step in the sketch."""
    X, y = problem(widths, size)
    targets = np.eye(widths[-1], dtype=np.float32)[y]
    net = sketch.Network(layers(widths, sketch.Dense, sketch.ReLU))
    data = sketch.batches(X, targets, size, np.random.default_rng(0), 10**9, np.float32)
    return sketch.train(net, data, sketch.SoftmaxCE(), sketch.Adam(), size)


def torched(widths: tuple[int, ...], size: int) -> Iterator[Any]:
    """The same step in PyTorch."""
    import torch

    X, y = (torch.as_tensor(values) for values in problem(widths, size))
    net = torch.nn.Sequential(*layers(widths, torch.nn.Linear, lambda n: torch.nn.ReLU()))
    criterion, rule = torch.nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), fused=True)
    while True:
        for rows in torch.randperm(len(X)).split(size):
            rule.zero_grad()
            loss = criterion(net(X[rows]), y[rows])
            loss.backward()
            rule.step()
            yield loss.item()


def microseconds(steps: Iterator[Any], count: int) -> float:
    """The time of one step, over `count` of them."""
    start = time.perf_counter()
    for _ in range(count):
        next(steps)
    return (time.perf_counter() - start) / count * 1e6


def side_by_side(runs: list[Iterator[Any]], repeats: int) -> list[list[float]]:
    """Times of each run, measured in turn; the first of each is a warm-up."""
    guess = microseconds(runs[0], 20)
    count = max(10, int(5e4 / guess))
    times: list[list[float]] = [[] for _ in runs]
    for repeat in range(repeats + 1):
        for run, found in zip(runs, times, strict=True):
            time.sleep(PAUSE if "torch" in sys.modules else 0)
            took = microseconds(run, count)
            if repeat:
                found.append(took)
    return times


def ratio(over: list[float], under: list[float]) -> float:
    """The median of the ratios, pair by pair."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def memory_growth(widths: tuple[int, ...], size: int) -> int:
    """Bytes that Python and NumPy hold more after 1,000 steps than before them."""
    steps = plain(widths, size)
    for _ in range(300):  # past the small integers that Python keeps anyway
        next(steps)
    traced = np.zeros(2, np.int64)  # Python numbers kept to compare or to count with would count themselves
    tracemalloc.start()
    for i, count in enumerate((10, 1000)):
        for _ in islice(steps, count):
            pass
        traced[i] = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return int(traced[1] - traced[0])


def load(path: Path) -> Any:
    """The sketch as a module."""
    spec = importlib.util.spec_from_file_location("sketch", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sketch", type=Path, default=Path("../shared/sketch.py"))
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--without-torch", action="store_true", help="its threads make the other columns noisier")
    arguments = parser.parse_args()
    rivals: dict[str, Callable[..., Iterator[Any]]] = {}
    if arguments.sketch.exists():
        rivals["sketch"] = partial(sketched, load(arguments.sketch))
    if importlib.util.find_spec("torch") and not arguments.without_torch:
        rivals["PyTorch"] = torched
    beside = "".join(f"{name:>10}{'mlp/it':>8}" for name in rivals)
    print(f"{'network, batch':24}{'step µs':>9}{'recorded':>10}{'+ %':>7}{beside}{'growth B':>10}")
    for widths, size in NETS:
        runs = [plain(widths, size), recorded(widths, size), *(rival(widths, size) for rival in rivals.values())]
        alone, watched, *others = side_by_side(runs, arguments.repeats)
        row = f"{'-'.join(map(str, widths)) + f', {size}':24}{statistics.median(alone):9.1f}"
        row += f"{statistics.median(watched):10.1f}{100 * ratio(watched, alone) - 100:7.1f}"
        row += "".join(f"{statistics.median(other):10.1f}{ratio(alone, other):8.2f}" for other in others)
        print(row + f"{memory_growth(widths, size):10d}", flush=True)
    one, many = side_by_side([plain((2, 4, 2), 4), plain((2, 4, 2), 4, (32,))], arguments.repeats)
    print(f"a population of 32 2-4-2 networks costs {ratio(many, one):.2f} × one")


if __name__ == "__main__":
    main()
