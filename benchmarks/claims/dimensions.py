"""The more dimensions, the farther apart are random points, and the rarer is a minimum among critical points.

Distances of points that are uniform in a cube. For critical points the model of Bray & Dean (2007) and Dauphin et al.
(2014): the Hessian is a symmetric normal matrix, shifted by how low the loss is; how often has it no negative
eigenvalue? Beside it networks at their first weights, where the whole spectrum is computed.
"""

from __future__ import annotations

import numpy as np
from claim import Claim, layered, main, moons

import mlp
from mlp.curvature import Surface

SIZES = (1, 2, 3, 4, 6, 10, 30, 100)
DRAWS = 20_000


def distances(n: int) -> tuple[float, float]:
    """Mean distance of two points in the unit cube, and its deviation relative to that."""
    rng = np.random.default_rng(0)
    found = np.linalg.norm(rng.random((4000, n)) - rng.random((4000, n)), axis=1)
    return float(found.mean()), float(found.std() / found.mean())


def minima(n: int, shift: float) -> float:
    """The share of normal symmetric matrices, eigenvalues within about ±1, that are positive when shifted."""
    rng, draws = np.random.default_rng(0), max(200, min(DRAWS, 2_000_000 // n**2))
    A = rng.standard_normal((draws, n, n)) / (2 * n) ** 0.5
    values = np.linalg.eigvalsh((A + A.transpose(0, 2, 1)) / 2**0.5)
    return 100 * float((values[:, 0] + shift > 0).mean())


def negative(width: int) -> tuple[int, float]:
    """Parameters of a network, and the share of negative eigenvalues at its first weights, mean of five starts."""
    X, y = moons(60)
    shares = []
    for seed in range(5):
        here = Surface(layered([2, width, 2], seed=seed), mlp.SoftmaxCrossEntropy(), X, y)
        values = np.linalg.eigvalsh(here.hessian())
        shares.append((values < -1e-6 * np.abs(values).max()).mean())
    return here.size, 100 * float(np.mean(shares))


def measure() -> Claim:
    """Distances, and minima among critical points, against dimension."""
    rows = []
    for n in SIZES:
        mean, spread = distances(n)
        width = max(1, (n - 2) // 5)
        rows.append([n, mean, spread, minima(n, 0.0), minima(n, 0.5), minima(n, 1.5), *negative(width)])
    few, many = rows[3], rows[-1]
    why = (
        f"from 1 to {many[0]} dimensions the mean distance grows from {rows[0][1]:.2f} to {many[1]:.2f}, and its "
        f"deviation shrinks from {100 * rows[0][2]:.0f} to {100 * many[2]:.0f} % of it; a normal Hessian is that of a "
        f"minimum in {rows[0][3]:.0f} % with 1 dimension, {few[3]:.1f} % with 4 and {rows[5][3]:.2g} % with 10. "
        f"But where the loss is low and eigenvalues are shifted by 1.5, {many[5]:.0f} % are minima with {many[0]} "
        "dimensions: what is rare is a minimum high up"
    )
    columns = ["dimensions", "mean distance", "deviation / mean", "minima %", "shifted by 0.5", "by 1.5",
               "network: parameters", "negative eigenvalues %"]  # fmt: skip
    curves = {f"shifted by {shift:g}": (SIZES, [row[k] for row in rows]) for k, shift in ((3, 0.0), (4, 0.5), (5, 1.5))}
    said = "with many dimensions everything is far away, and critical points are saddles"
    return Claim(said, columns, rows, "depends", why, curves, ("dimensions", "minima, % of critical points"), "x")


if __name__ == "__main__":
    main(measure, "dimensions")
