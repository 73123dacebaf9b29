"""Plateaus stop first-order rules for ever.

One sigmoid behind another, the second saturated by a bias of -b: every gradient shrinks like e⁻ᵇ. How many steps does a
rule need until the loss has fallen by half, as the gradient is halved again and again, and under which loss?
"""

from __future__ import annotations

import numpy as np
from claim import Claim, main

import mlp

MOST = 20_000
X = np.linspace(-1, 1, 20)[:, None]
T = (X > 0).astype(float)
HALVINGS = (0, 4, 8, 12, 16, 20)


def saturated(halvings: int, squash: bool) -> mlp.Network:
    """Outputs near 0 by a bias of -2 - halvings · ln 2; the gradient of the squared error is 2^-halvings as large."""
    layers: list[mlp.Layer] = [mlp.Dense(1, 3), mlp.Tanh(), mlp.Dense(3, 1)]
    network = mlp.Network([*layers, mlp.Sigmoid()] if squash else layers, rng=1, dtype=np.float64)
    network.params[-1] = -2 - halvings * np.log(2)
    return network


def steps_off(halvings: int, rule: mlp.Optimizer, loss: mlp.Loss) -> float:
    """Steps until the loss is half of its first value; inf beyond the most."""
    network = saturated(halvings, isinstance(loss, mlp.SquaredError))
    first = None
    for k, step in enumerate(mlp.train(network, mlp.batches(X, T, size=20, rng=None, epochs=MOST), loss, rule)):
        first = step.loss if first is None else first
        if step.loss < 0.5 * first:
            return float(k)
    return np.inf


def measure() -> Claim:
    """How long a plateau holds a rule."""
    rules = {"SGD 1": mlp.SGD(1.0), "momentum 0.3": mlp.Momentum(0.3), "RMSprop": mlp.RMSprop(0.01),
             "Adam": mlp.Adam(0.01), "Rprop": mlp.RpropMinus()}  # fmt: skip
    rows, curves = [], {}
    for loss_name, loss in (("squared error", mlp.SquaredError()), ("cross-entropy", mlp.SigmoidCrossEntropy())):
        for name, rule in rules.items():
            found = [steps_off(h, rule, loss) for h in HALVINGS]
            rows.append([loss_name, name, *found])
            curves[f"{name}, {loss_name}"] = (HALVINGS, found)
    sgd, adam, sure = rows[0][2:], rows[3][2:], rows[5][2:]
    held = next((h for h, steps in zip(HALVINGS, sgd, strict=True) if steps == np.inf), None)
    why = (
        f"under squared error steps of gradient descent grow with the inverse of the gradient ({sgd[0]:.0f}, "
        f"{sgd[1]:.0f}, {sgd[2]:.0f}, ...; more than {MOST:,} from 2^-{held} on), those of Adam with its logarithm "
        f"({adam[0]:.0f} … {adam[-1]:.0f}), as its steps do not feel the size of a gradient; under cross-entropy "
        f"gradient descent needs {sure[0]:.0f} … {sure[-1]:.0f}: there is no plateau"
    )
    columns = ["loss", "rule", *(f"2^-{h}" for h in HALVINGS)]
    said = "plateaus stop first-order rules for ever (steps until the loss is halved, at gradients of ...)"
    return Claim(said, columns, rows, "depends", why, curves, ("halvings of the gradient", "steps"), "y")


if __name__ == "__main__":
    main(measure, "plateaus")
