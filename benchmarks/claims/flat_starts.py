"""A loss and first weights that are chosen well keep training out of flat regions.

Two hidden layers of 8 sigmoids on two moons, gradient descent at 0.5 on all rows, first weights N(0, σ²) with σ from a
hundredth of 1/√n_in to a hundred times that: the share of 20 starts whose error comes below 15 % in 2,000 steps, under
squared error behind a sigmoid and under cross-entropy; and the gradient of the first layer at the first step.
"""

from __future__ import annotations

import numpy as np
from claim import Claim, main, moons

import mlp
from mlp.backprop import value_and_grad
from mlp.data.batches import as_batch

STARTS, STEPS, WIDTH = 20, 2000, 8
SIZES = (0.01, 0.1, 1.0, 4.0, 20.0, 100.0)


def learn(size: float, loss: mlp.Loss) -> tuple[float, float]:
    """Per cent of the starts that learn, and the median gradient norm of the first layer at the first step."""
    X, y = moons(200)
    t = y[:, None].astype(float)
    squash: list[mlp.Layer] = [mlp.Sigmoid()] if isinstance(loss, mlp.SquaredError) else []
    layers = [mlp.Dense(2, WIDTH), mlp.Sigmoid(), mlp.Dense(WIDTH, WIDTH), mlp.Sigmoid(), mlp.Dense(WIDTH, 1), *squash]
    network = mlp.Network(layers, rng=0, population=(STARTS,), dtype=np.float64)
    network.params *= size  # the usual first weights are N(0, 1/n_in), with biases of 0
    workspace = mlp.Workspace(network, len(X))
    value_and_grad(network, loss, as_batch(X, t, dtype=np.float64), workspace)
    first = float(np.median(np.linalg.norm(workspace.grads[0].reshape(STARTS, -1), axis=1)))
    for step in mlp.train(network, mlp.batches(X, t, size=len(X), rng=None, epochs=STEPS), loss, mlp.SGD(0.5)):
        outputs = step.workspace.nodes[-1].values
    threshold = 0.5 if squash else 0.0
    errors = ((outputs[:, 0] > threshold) != y).mean(1)
    return 100 * float((errors < 0.15).mean()), first


def measure() -> Claim:
    """Which losses and first weights meet flat regions."""
    rows, curves = [], {}
    for name, loss in (("squared error", mlp.SquaredError()), ("cross-entropy", mlp.SigmoidCrossEntropy())):
        found = [learn(size, loss) for size in SIZES]
        rows += [[name, size, share, first] for size, (share, first) in zip(SIZES, found, strict=True)]
        curves[name] = (SIZES, [share for share, _ in found])
    squared, sure = rows[: len(SIZES)], rows[len(SIZES) :]
    best = [row[1] for row in squared if row[2] > 90], [row[1] for row in sure if row[2] > 90]
    where = [f"{min(b):g} to {max(b):g} times the usual ones" if b else "none of the first weights" for b in best]
    why = (
        f"more than nine starts in ten learn with {where[0]} under squared error, and with {where[1]} under "
        f"cross-entropy; with weights a hundredth as large {squared[0][2]:.0f} and {sure[0][2]:.0f} % do, with weights "
        f"of a hundred times {squared[-1][2]:.0f} and {sure[-1][2]:.0f} %"
    )
    verdict = "holds" if sum(map(len, best)) and len(best[1]) > len(best[0]) else "depends"
    columns = ["loss", "times the usual weights", "learn %", "first layer's first ‖g‖"]
    said = "a loss and first weights that are chosen well keep training out of flat regions"
    return Claim(
        said, columns, rows, verdict, why, curves, ("first weights, times the usual", "starts that learn, %"), "x"
    )


if __name__ == "__main__":
    main(measure, "flat_starts")
