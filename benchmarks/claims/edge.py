"""Gradient descent stays where the curvature is below 2/η.

Cohen et al. (2021): trained on all rows at rate η, networks go on until the largest eigenvalue of the Hessian reaches
2/η, hover there, and the loss falls on, not at every step.
"""

from __future__ import annotations

import numpy as np
from claim import Claim, layered, main, moons

import mlp
from mlp.curvature import Surface, ends

STEPS, LOOKS = 3000, 60


def follow(rate: float, loss: mlp.Loss, t: np.ndarray, n_out: int) -> tuple[np.ndarray, np.ndarray, float]:
    """η λ_max and the loss at 60 moments, and the share of steps at which the loss rose."""
    X = moons(200)[0]
    network = layered([2, 24, 24, n_out])
    seen, losses = [], []
    steps = mlp.train(network, mlp.batches(X, t, size=len(X), rng=None, epochs=STEPS), loss, mlp.SGD(rate))
    for k, step in enumerate(steps):
        losses.append(float(step.loss))
        if k % (STEPS // LOOKS) == 0:
            here = Surface(network, loss, X, t)
            seen.append(rate * ends(here.times, here.size, steps=15, most=15).largest)
    return np.array(seen), np.array(losses[:: STEPS // LOOKS]), 100 * float((np.diff(losses) > 0).mean())


def measure() -> Claim:
    """Networks train at the edge of stability."""
    y = moons(200)[1]
    rows, curves = [], {}
    for name, loss, t, n_out in (
        ("squared error", mlp.SquaredError(), 2.0 * y[:, None] - 1, 1),
        ("cross-entropy", mlp.SoftmaxCrossEntropy(), y, 2),
    ):
        for rate in (0.1, 0.5, 1.0):
            sharp, losses, rose = follow(rate, loss, t, n_out)
            late = sharp[-LOOKS // 3 :]
            rows.append([name, rate, sharp[0], sharp.max(), float(np.median(late)), losses[0], losses[-1], rose])
            curves[f"{name}, rate {rate:g}"] = (np.arange(LOOKS) * (STEPS // LOOKS), sharp)
    beyond = [row for row in rows if row[3] > 2]
    fell = sum(row[6] < 0.5 * row[5] for row in beyond)
    hover = sum(1.5 < row[4] < 2.6 for row in rows)
    why = (
        f"η λ_max went beyond 2 in {len(beyond)} of {len(rows)} trainings, and the loss fell below half all the same "
        f"in {fell} of them; in {hover} it hovered about 2 in the last third; at low rates it never came there, and "
        "with cross-entropy it sinks again as rows become sure"
    )
    columns = ["loss", "rate", "first η λ", "largest", "median late", "first loss", "last", "steps uphill %"]
    said = "gradient descent cannot stay where the curvature is above 2/η, so λ_max < 2/η all the way"
    verdict = "does not hold" if beyond else "holds"
    return Claim(said, columns, rows, verdict, why, curves, ("step", "rate times the largest eigenvalue"))


if __name__ == "__main__":
    main(measure, "edge")
