"""In high dimension a critical point is almost surely a saddle, and the more of one the higher its loss.

Dauphin et al. (2014), figure 1: critical points that Newton's method for ∇L = 0 finds from places along trainings. Here
Gauss-Newton steps on ½ ‖∇L‖² with the exact Hessian, from places on the way of several starts and near them.
"""

from __future__ import annotations

import numpy as np
from claim import Claim, layered, main, moons

import mlp
from mlp.curvature import Surface

SIZES = ([2, 2, 2], [2, 4, 2], [2, 8, 2], [2, 6, 6, 2])
SMALL = 1e-5  # a gradient norm below which a place counts as critical
NEGATIVE = 1e-6  # of the largest eigenvalue: a more negative one counts


def to_critical_point(surface: Surface, steps: int = 50) -> Surface | None:
    """Levenberg's steps on ½ ‖∇L‖²; None where they do not arrive."""
    damping = 1e-3
    for _ in range(steps):
        size = float(np.linalg.norm(surface.grad))
        if size < SMALL:
            return surface
        H = surface.hessian()
        while damping < 1e4:
            step = -np.linalg.solve(H @ H + damping * np.eye(len(H)), H @ surface.grad)
            there = surface.at(surface.params + step)
            if float(np.linalg.norm(there.grad)) < size:
                break
            damping *= 10
        else:
            return None
        surface, damping = there, max(damping / 8, 1e-12)
    return None


def critical_points(sizes: list[int]) -> list[tuple[float, float]]:
    """Loss and share of negative eigenvalues of the critical points that were found."""
    X, y = moons(60)
    loss, found = mlp.SoftmaxCrossEntropy(), []
    for seed in range(16):
        network = layered(sizes, seed=seed)
        rng = np.random.default_rng(seed)
        steps = mlp.train(network, mlp.batches(X, y, size=60, rng=None, epochs=300), loss, mlp.Momentum(0.05))
        for k, _ in enumerate(steps):
            if k in (0, 30, 100, 250):
                nearby = network.at(network.params + 0.1 * rng.standard_normal(network.params.shape))
                there = to_critical_point(Surface(nearby, loss, X, y))
                if there is not None:
                    values = np.linalg.eigvalsh(there.hessian())
                    found.append((float(there.value), float((values < -NEGATIVE * np.abs(values).max()).mean())))
    return found


def measure() -> Claim:
    """Share of negative eigenvalues against the loss of critical points."""
    rows, curves = [], {}
    for sizes in SIZES:
        points = np.array(sorted(critical_points(sizes)))
        losses, shares = points.T
        ranks = np.argsort(np.argsort(losses)), np.argsort(np.argsort(shares))
        order = float(np.corrcoef(*ranks)[0, 1]) if len(points) > 3 else np.nan
        size = layered(sizes).layout.size
        rows.append(["-".join(map(str, sizes)), size, len(points), 100 * float((shares > 0).mean()),
                     100 * float(shares.mean()), order])  # fmt: skip
        curves["-".join(map(str, sizes))] = (losses, 100 * shares)
    more = rows[-1][3] >= rows[0][3]
    weakest, strongest = min(row[5] for row in rows), max(row[5] for row in rows)
    why = (
        f"from {rows[0][1]} to {rows[-1][1]} parameters the share of saddles among the critical points that were found "
        f"goes from {rows[0][3]:.0f} to {rows[-1][3]:.0f} %; the rank correlation of the share of negative eigenvalues "
        f"with the loss is {weakest:.2f} to {strongest:.2f}. What Newton's method finds is no fair sample"
    )
    columns = [
        "network",
        "parameters",
        "critical points",
        "saddles %",
        "negative eigenvalues, mean %",
        "rank corr. with loss",
    ]
    verdict = "holds" if more and rows[-1][3] > 90 and rows[-1][5] > 0.3 else "depends"
    said = "in high dimension a critical point is almost surely a saddle, the more so the higher its loss"
    return Claim(said, columns, rows, verdict, why, curves, ("loss", "negative eigenvalues, %"))


if __name__ == "__main__":
    main(measure, "critical_points")
