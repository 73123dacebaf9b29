"""Training ends where the gradient is small.

Goodfellow, Bengio & Courville (2016), figure 8.1: the norm of the gradient stays large, and even grows, while the loss
falls. Minibatches of 32, and the norm on all rows beside it: is it the noise of the batch?
"""

from __future__ import annotations

import numpy as np
from claim import Claim, layered, main, moons

import mlp
from mlp.curvature import Surface


def follow(rate: float, size: int, activation: type[mlp.Layer], begin: float) -> tuple[np.ndarray, ...]:
    """After each of 60 parts of a training: loss and gradient norm on all rows, and the mean norm of its batches."""
    X, y = moons(400)
    network, loss = layered([2, 24, 24, 2], activation), mlp.SoftmaxCrossEntropy()
    network.params *= begin
    batches = mlp.batches(X, y, size=size, rng=0, epochs=120)
    norms: list[float] = []
    found = []
    every = max(1, 120 * (len(X) // size) // 60)
    for k, step in enumerate(mlp.train(network, batches, loss, mlp.SGD(rate))):
        norms.append(float(np.linalg.norm(step.workspace.grad)))
        if k % every == every - 1 or k == 0:
            here = Surface(network, loss, X, y)
            found.append((here.value, float(np.linalg.norm(here.grad)), float(np.mean(norms))))
            norms = []
    return tuple(np.array(found).T)


def measure() -> Claim:
    """The gradient is small where training ends."""
    rows, curves = [], {}
    for name, rate, size, activation in (
        ("tanh, batches of 32", 0.1, 32, mlp.Tanh), ("relu, batches of 32", 0.1, 32, mlp.ReLU),
        ("relu, batches of 32, rate 0.5", 0.5, 32, mlp.ReLU), ("tanh, all rows", 0.5, 400, mlp.Tanh),
        ("tanh from weights of a fifth", 0.1, 32, mlp.Tanh),
    ):  # fmt: skip
        loss, whole, batch = follow(rate, size, activation, 0.2 if name.endswith("fifth") else 1.0)
        rows.append([name, loss[0], loss[-1], whole[0], whole.max(), whole[-1], batch[-1]])
        curves[name] = (np.arange(len(batch)), batch)
    grew = [row[0] for row in rows if row[4] > 1.5 * row[3]]
    small = [row[0] for row in rows if row[5] < 0.1 * row[3]]
    why = (
        f"in {len(grew)} of {len(rows)} the norm on all rows grew beyond 1.5 times its first value while the loss "
        f"fell; it ended below a tenth of it in {len(small)}; a batch shows {rows[0][6] / rows[0][5]:.1f} times the "
        "norm of all rows at the end"
    )
    columns = ["training", "first loss", "last", "first ‖g‖", "largest", "last", "last, of batches"]
    verdict = "holds" if len(small) == len(rows) and not grew else "depends"
    said = "the gradient shrinks as the loss falls, and is small where training ends"
    return Claim(said, columns, rows, verdict, why, curves, ("part of the training", "mean ‖g‖ of batches"), "y")


if __name__ == "__main__":
    main(measure, "gradient_norm")
