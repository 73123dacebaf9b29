"""Deeper networks take longer to train.

Two moons of 200 rows, hidden layers of 16 units, all rows at once, Adam at 0.01 under cross-entropy. How many steps
until the loss is below 0.1, and how many products of a weight with a row, as hidden layers are added?
"""

from __future__ import annotations

import numpy as np
from claim import Claim, main, moons

import mlp

DEPTHS = (1, 2, 4, 8, 16)
STARTS, MOST, GOAL = 7, 1500, 0.1


def blocks(name: str, depth: int) -> list[mlp.Layer]:
    """Hidden layers after the first."""
    found: list[mlp.Layer] = []
    for _ in range(depth - 1):
        if name == "residual":
            found.append(mlp.Residual([mlp.Tanh(), mlp.Dense(16, 16)]))
        else:
            found += [UNITS[name](), mlp.Dense(16, 16)]
    return found


UNITS: dict[str, type[mlp.Layer]] = {"sigmoid": mlp.Sigmoid, "tanh": mlp.Tanh, "relu": mlp.ReLU, "residual": mlp.Tanh}


def steps_to_goal(name: str, depth: int) -> float:
    """The median over starts; inf beyond the most."""
    X, y = moons(200)
    layers = [mlp.Dense(2, 16), *blocks(name, depth), UNITS[name](), mlp.Dense(16, 2)]
    network = mlp.Network(layers, rng=0, population=(STARTS,), dtype=np.float64)
    first = np.full(STARTS, np.inf)
    batches = mlp.batches(X, y, size=len(X), rng=None, epochs=MOST)
    for k, step in enumerate(mlp.train(network, batches, mlp.SoftmaxCrossEntropy(), mlp.Adam(0.01))):
        first = np.where((np.asarray(step.loss) < GOAL) & np.isinf(first), k, first)
        if np.isfinite(first).sum() > STARTS / 2:
            break
    return float(np.median(first))


def measure() -> Claim:
    """Steps and work against depth."""
    rows, curves = [], {}
    for name in UNITS:
        steps = [steps_to_goal(name, depth) for depth in DEPTHS]
        work = [s * (34 + 272 * depth) / (34 + 272) for s, depth in zip(steps, DEPTHS, strict=True)]
        rows.append([name, *steps, work[-1] / work[0]])
        curves[name] = (DEPTHS, steps)
    said = "deeper networks take longer to train"
    parts = {row[0]: (row[1], row[-2], row[-1]) for row in rows}
    why = "; ".join(
        f"{name}: {first:.0f} steps with one hidden layer and "
        + (f"{last:.0f} with {DEPTHS[-1]}" if np.isfinite(last) else f"more than {MOST:,} with {DEPTHS[-1]}")
        for name, (first, last, _) in parts.items()
    )
    longer = [last > 1.5 * first for first, last, _ in parts.values()]
    verdict = "holds" if all(longer) else "depends" if any(longer) else "does not hold"
    columns = ["hidden units", *(f"{depth} layer{'s' * (depth > 1)}" for depth in DEPTHS), f"work, {DEPTHS[-1]} to 1"]
    return Claim(said, columns, rows, verdict, why, curves, ("hidden layers", "steps to a loss of 0.1"), "xy")


if __name__ == "__main__":
    main(measure, "depth")
