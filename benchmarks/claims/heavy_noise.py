"""Begin under heavy noise, and cool: it finds better minima than a start in a valley.

Exclusive or with 2-2-1: gradient descent, and the same with `GradientNoise` of several sizes, which fades. Ten groups
of 200 starts; all of a group meet the same noise.
"""

from __future__ import annotations

import numpy as np
from claim import LEARNED, TRUE, XOR, Claim, main, starts, train_on

import mlp

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


def measure() -> Claim:
    """Noise that fades finds better minima."""
    rows = []
    for scale in (0.0, 0.1, 0.3, 1.0, 3.0):
        found = share(scale)
        rows.append([scale, found.mean(), found.std(ddof=1) / len(found) ** 0.5])
    best = max(rows[1:], key=lambda row: row[1])
    gain, error = best[1] - rows[0][1], float(np.hypot(best[2], rows[0][2]))
    verdict = "holds" if gain > 2 * error and gain > 2 else "does not hold"
    why = (
        f"{rows[0][1]:.1f} % learn without noise, {best[1]:.1f} ± {best[2]:.1f} % with noise of {best[0]:g} that "
        f"fades, and {rows[-1][1]:.1f} % with noise of {rows[-1][0]:g}"
    )
    curves = {"learn": ([r[0] for r in rows], [r[1] for r in rows])}
    columns = ["noise σ", "learn %", "standard error"]
    said = "beginning under heavy noise and cooling leads to better minima"
    return Claim(said, columns, rows, verdict, why, curves, ("σ of the first step", "starts that learn, %"))


if __name__ == "__main__":
    main(measure, "heavy_noise")
