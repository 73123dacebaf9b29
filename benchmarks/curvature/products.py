"""What a product with the Hessian costs, in passes forward and backward, beside what its matrix products must cost.

    OPENBLAS_NUM_THREADS=1 python benchmarks/curvature/products.py [--repeats 60]

Ratios of the least times over many short repeats, which a busy machine leaves alone. `bound` counts matrix products:
two in the first dense layer either way, six against three in every other. `growth` is what Python and NumPy hold more
after 300 products than after 10, in bytes.
"""

from __future__ import annotations

import argparse
import gc
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import mlp

NETS: list[tuple[str, tuple[int, ...], int, type[mlp.Activation], tuple[int, ...]]] = [
    ("2-4-2, 4 rows", (2, 4, 2), 4, mlp.Tanh, ()),
    ("2-16-16-2, 32 rows", (2, 16, 16, 2), 32, mlp.Tanh, ()),
    ("2-16-16-2, 700 rows", (2, 16, 16, 2), 700, mlp.Tanh, ()),
    ("2-32-32-2, 700 rows, GELU", (2, 32, 32, 2), 700, mlp.GELU, ()),
    ("64-32-10, 32 rows", (64, 32, 10), 32, mlp.ReLU, ()),
    ("64-32-10, 1258 rows", (64, 32, 10), 1258, mlp.ReLU, ()),
    ("64-32×8-10, 1258 rows", (64, *[32] * 8, 10), 1258, mlp.Sigmoid, ()),
    ("784-128-10, 128 rows", (784, 128, 10), 128, mlp.ReLU, ()),
    ("784-512-512-10, 128 rows", (784, 512, 512, 10), 128, mlp.ReLU, ()),
    ("256 × 2-4-2, 4 rows", (2, 4, 2), 4, mlp.Tanh, (256,)),
]


def chain(widths: tuple[int, ...], activation: type[mlp.Activation]) -> list[mlp.Layer]:
    found: list[mlp.Layer] = []
    for n_in, n_out in pairwise(widths):
        found += [mlp.Dense(n_in, n_out), activation()]
    return found[:-1]


def bound(widths: tuple[int, ...]) -> float:
    sizes = [a * b for a, b in pairwise(widths)]
    return (2 * sizes[0] + 6 * sum(sizes[1:])) / (2 * sizes[0] + 3 * sum(sizes[1:]))


def took(call: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def growth(call: Callable[[], Any]) -> int:
    for _ in range(300):  # past the small integers that Python keeps anyway
        call()
    held = np.zeros(2, np.int64)
    tracemalloc.start()
    for i, count in enumerate((10, 300)):
        for _ in range(count):
            call()
        gc.collect()  # Python keeps up to 2,000 tuples of each length that were given back
        held[i] = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return int(held[1] - held[0])


def measure(row: Any, dtype: Any, repeats: int) -> str:
    name, widths, n, activation, population = row
    net = mlp.Network(chain(widths, activation), dtype=dtype, population=population)
    rng, loss = np.random.default_rng(0), mlp.SoftmaxCrossEntropy()
    batch = mlp.as_batch(rng.standard_normal((n, widths[0])).astype(dtype), rng.integers(0, widths[-1], n))
    workspace = mlp.Workspace(net, n)
    objective = mlp.Objective(net, loss)
    objective.batch, objective.workspace = batch, workspace
    mlp.value_and_grad(net, loss, batch, workspace)
    v, out = rng.standard_normal(net.params.shape).astype(dtype), np.empty_like(net.params)
    aside = mlp.Workspace(net, n)
    calls: list[Callable[[], Any]] = [
        lambda: mlp.value_and_grad(net, loss, batch, aside),
        lambda: objective.hvp(v, out),
        lambda: objective.gnvp(v, out),
    ]
    count = max(1, int(0.003 / took(calls[0], 3)))
    times = np.array([[took(call, count) for call in calls] for _ in range(repeats)])
    least = times.min(0)
    ratios, once = least[1:] / least[0], least[0] * 1e6
    return (
        f"{name:27}{np.dtype(dtype).name:9}{once:10.1f}{ratios[0]:8.2f}{ratios[1]:8.2f}{bound(widths):8.2f}"
        f"{growth(calls[1]):8d}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=60)
    arguments = parser.parse_args()
    print(f"{'network':36}{'pass µs':>10}{'H v':>8}{'G v':>8}{'bound':>8}{'growth':>8}")
    for dtype in (np.float32, np.float64):
        for row in NETS:
            print(measure(row, dtype, arguments.repeats), flush=True)


if __name__ == "__main__":
    main()
