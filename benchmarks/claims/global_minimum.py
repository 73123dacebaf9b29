"""The global minimum overfits.

Two moons of 100 rows, with labels as they are and with a fifth of them wrong, networks of 2 to 256 hidden units, Adam
at 0.02 on all rows until nothing is left to learn. Is the loss on 2,000 other rows worse there than on the way?
"""

from __future__ import annotations

import numpy as np
from claim import Claim, main, moons, starts

import mlp
from mlp.backprop import infer
from mlp.data.batches import as_batch

STEPS, STARTS = 3000, 5
WIDTHS = (2, 8, 32, 128)


def follow(width: int, wrong: float) -> list[float]:
    """Training loss at the end; loss and error % on other rows at their best and at the end; means over starts."""
    rng = np.random.default_rng(1)
    X, y = moons(100, seed=1)
    other, truth = moons(2000, seed=2)
    y = np.where(rng.random(len(y)) < wrong, 1 - y, y)
    network, loss = starts([2, width, 2], STARTS), mlp.SoftmaxCrossEntropy()
    seen = as_batch(other, truth, dtype=np.float64)
    workspace, losses, errors = mlp.Workspace(network, len(other)), [], []
    steps = mlp.train(network, mlp.batches(X, y, size=len(X), rng=None, epochs=STEPS), loss, mlp.Adam(0.02))
    for k, step in enumerate(steps):
        if k % 25 == 0 or k == STEPS - 1:
            outputs = infer(network, seen.x, workspace)
            losses.append(loss.value(outputs, seen.target, None))
            errors.append(100 * (outputs.argmax(-2) != truth).mean(-1))
        last = step.loss
    losses, errors = np.array(losses), np.array(errors)
    best = losses.argmin(0)
    members = np.arange(STARTS)
    return [
        float(np.mean(last)), float(losses.min(0).mean()), float(losses[-1].mean()),
        float(errors[best, members].mean()), float(errors[-1].mean()),
    ]  # fmt: skip


def measure() -> Claim:
    """Other rows at the global minimum, and on the way to it."""
    rows, curves = [], {}
    for wrong in (0.0, 0.2):
        found = [[f"{100 * wrong:.0f} %", width, *follow(width, wrong)] for width in WIDTHS]
        rows += found
        curves[f"best, {100 * wrong:.0f} % wrong"] = (WIDTHS, [row[5] for row in found])
        curves[f"end, {100 * wrong:.0f} % wrong"] = (WIDTHS, [row[6] for row in found])
    clean, noisy = rows[len(WIDTHS) - 1], rows[-1]
    why = (
        f"with right labels {clean[1]} units end at an error of {clean[6]:.1f} % on other rows, after {clean[5]:.1f} % "
        f"at the best moment; with a fifth wrong at {noisy[6]:.0f} % after {noisy[5]:.1f} %, and the loss there is "
        f"{noisy[4] / noisy[3]:.0f} times the best. It is the wrong labels that are learned by heart, not the minimum "
        "that is at fault"
    )
    columns = [
        "wrong labels",
        "units",
        "last training loss",
        "other rows: best loss",
        "last",
        "error % at best",
        "last",
    ]
    said = "the global minimum overfits"
    return Claim(said, columns, rows, "depends", why, curves, ("hidden units", "error on other rows, %"), "x")


if __name__ == "__main__":
    main(measure, "global_minimum")
