"""Begin under heavy noise, and cool: it finds better minima than a start in a valley.

Exclusive or with 2-2-1: gradient descent, and the same with `GradientNoise` of several sizes, which fades. Ten groups
of 200 starts; all of a group meet the same noise. Beside it a start in a valley: the lowest of ten starts.
"""

from __future__ import annotations

import numpy as np
from claim import LEARNED, TRUE, XOR, Claim, main, starts, train_on

import mlp
from mlp.backprop import value_and_grad
from mlp.data.batches import as_batch

STEPS, RATE = 2000, 0.5


def share(scale: float) -> np.ndarray:
    """The share of each group that learns."""
    found = []
    for group in range(10):
        network = starts([2, 2, 1], 200, seed=group)
        rule: mlp.Optimizer = mlp.SGD(RATE)
        rule = mlp.GradientNoise(rule, scale, 1.0, seed=group) if scale else rule
        found.append((train_on(network, XOR, TRUE, mlp.SquaredError(), rule, STEPS) < LEARNED).mean())
    return 100 * np.array(found)


def share_from_valleys(n: int = 10) -> np.ndarray:
    """The same without noise, from the lowest of `n` starts each."""
    found = []
    for group in range(10):
        network = starts([2, 2, 1], 200 * n, seed=group)
        workspace = mlp.Workspace(network, len(XOR))
        losses = value_and_grad(network, mlp.SquaredError(), as_batch(XOR, TRUE, dtype=np.float64), workspace)
        lowest = losses.reshape(200, n).argmin(1) + n * np.arange(200)
        low = starts([2, 2, 1], 200)
        low.params[...] = network.params[lowest]
        found.append((train_on(low, XOR, TRUE, mlp.SquaredError(), mlp.SGD(RATE), STEPS) < LEARNED).mean())
    return 100 * np.array(found)


def measure() -> Claim:
    """Noise that fades finds better minima."""
    rows = []
    for scale in (0.0, 0.1, 0.3, 1.0, 3.0):
        found = share(scale)
        rows.append([scale, found.mean(), found.std(ddof=1) / len(found) ** 0.5])
    low = share_from_valleys()
    best = max(rows[1:], key=lambda row: row[1])
    gain, error = best[1] - rows[0][1], float(np.hypot(best[2], rows[0][2]))
    verdict = "holds" if gain > 2 * error and gain > 2 else "does not hold"
    why = (
        f"{rows[0][1]:.1f} % learn without noise, {best[1]:.1f} ± {best[2]:.1f} % with noise of {best[0]:g} that "
        f"fades, {rows[-1][1]:.1f} % with noise of {rows[-1][0]:g}, and {low.mean():.1f} % without noise from the "
        "lowest of ten starts"
    )
    rows.append(["0, lowest of 10 starts", low.mean(), low.std(ddof=1) / len(low) ** 0.5])
    curves = {"learn": ([r[0] for r in rows[:-1]], [r[1] for r in rows[:-1]])}
    columns = ["noise σ", "learn %", "standard error"]
    said = "beginning under heavy noise and cooling leads to better minima"
    return Claim(said, columns, rows, verdict, why, curves, ("σ of the first step", "starts that learn, %"))


if __name__ == "__main__":
    main(measure, "heavy_noise")
