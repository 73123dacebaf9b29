"""Every rule on every data set, full batch, for 2,000 steps: what happens long after there is anything to learn.

    python benchmarks/past_convergence.py [--rules trust_region,dogleg] [--data iris,sine] [--steps 2000] [--changed]

At a minimum radii shrink, dampings grow and squares of gradients underflow. A line for each rule and data set: the
lowest loss in float32 and in float64, how many steps at the end moved nothing, µs a step. `!` stands where a step was
no number or an error was raised; NumPy's warnings are errors here. With --changed the targets are then others, and a
second line says how far the loss came down within 100 steps, beside a rule without a memory.
"""

from __future__ import annotations

import argparse
import time
import traceback
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import mlp
from mlp.optimizers import OPTIMIZERS

ROWS = 150


class Case(NamedTuple):
    """Rows and targets to fit, and others that take their place."""

    X: Any
    target: Any
    other: Any


def cases() -> dict[str, Case]:
    """Three sets with classes as 0 and 1, so that rules for squares fit them too, and a curve."""
    found = {}
    for name in ("iris", "wine", "digits"):
        data = mlp.data.load(name)
        rows = np.random.default_rng(0).permutation(len(data.X))[:ROWS]
        X, labels = np.asarray(data.X[rows], float), np.unique(data.y[rows], return_inverse=True)[1]
        X = (X - X.mean(0)) / np.maximum(X.std(0), 1e-3)
        target = np.eye(labels.max() + 1)[labels]
        found[name] = Case(X, target, 30 * target[::-1])
    x = np.linspace(-1, 1, 41)[:, None]
    return found | {"sine": Case(x, np.sin(np.pi * x), 30 * np.cos(np.pi * x))}


def network(case: Case, dtype: Any) -> mlp.Network:
    """Six units between inputs and targets."""
    layers = [mlp.Dense(case.X.shape[1], 6), mlp.Tanh(), mlp.Dense(6, case.target.shape[1])]
    return mlp.Network(layers, rng=1, dtype=dtype)


def steps(net: mlp.Network, case: Case, target: Any, rule: Any, count: int, state: Any = None) -> Iterator[mlp.Step]:
    """So many steps on all rows at once."""
    batch = mlp.as_batch(case.X.astype(net.dtype), target.astype(net.dtype), dtype=net.dtype)
    return mlp.train(net, [batch] * count, mlp.SquaredError(), rule, state=state)


def past_convergence(case: Case, rule: Any, dtype: Any, count: int) -> tuple[str, mlp.Network, Any]:
    """What became of it, the network and the rule's memory."""
    net, lowest, still, state, fine = network(case, dtype), np.inf, 0, None, True
    start = time.perf_counter()
    for step in steps(net, case, case.target, rule, count):
        lowest, state = min(lowest, float(step.loss)), step.state
        still = 0 if step.update.any() else still + 1
        fine &= bool(np.isfinite(step.update).all())
    spent = (time.perf_counter() - start) / count * 1e6
    return f"{'' if fine else '!'}{lowest:.2g} {still:5d} {spent:6.0f}", net, state


def changed(case: Case, rule: Any, net: mlp.Network, state: Any) -> str:
    """Losses with other targets: at once, and the lowest in 100 steps with the old memory and without one."""
    found = []
    for memory in (state, None):
        other = net.at(net.params.copy())
        found.append([float(step.loss) for step in steps(other, case, case.other, rule, 100, memory)])
    return f"{found[0][0]:.2g} → {min(found[0]):.2g} ({min(found[1]):.2g})"


def line(case: Case, rule: Any, dtype: Any, arguments: argparse.Namespace) -> tuple[str, str]:
    """What happened, and what after a change; an error in one line."""
    try:
        told, net, state = past_convergence(case, rule, dtype, arguments.steps)
        return told, changed(case, rule, net, state) if arguments.changed else ""
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"! {type(error).__name__}: {error} ({where.filename.rpartition('/')[2]}:{where.lineno})", ""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", default=",".join(OPTIMIZERS))
    parser.add_argument("--data", default="iris,wine,digits,sine")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--changed", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    known, troubles = cases(), 0
    print(f"{'':26}{'':8}{'float32: lowest, still, µs':30}float64")
    for name in arguments.rules.split(","):
        for data in arguments.data.split(","):
            told = [line(known[data], OPTIMIZERS[name](), dtype, arguments) for dtype in (np.float32, np.float64)]
            print(f"{name:26}{data:8}{told[0][0]:30}{told[1][0]}", flush=True)
            if arguments.changed:
                print(f"{'':34}{told[0][1]:30}{told[1][1]}", flush=True)
            troubles += sum(part.startswith("!") for part, _ in told)
    print(f"{troubles} troubles")


if __name__ == "__main__":
    main()
