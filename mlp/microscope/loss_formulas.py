"""Losses as a textbook writes them, for one output of one sample: ℓ, and ∂L/∂(output) with its share of the mean.

`L` is the mean over the samples; a target here is what the loss compares with: labels as 0 and 1, smoothed if it
smooths them. Twins of `mlp.losses`, for checking; the page has the same in `network.js`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, exp
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.errors import ShapeError
from mlp.losses import AbsoluteError, Huber, Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError
from mlp.losses.loss import as_one_hot


class LossFormula(NamedTuple):
    """ℓ in words; ∂ℓ/∂o in words, and as a function of (outputs, targets, j, loss)."""

    words: str
    slope_words: str
    slope: Callable[[Array, Array, int, Any], float]


def _sigmoid(z: float) -> float:
    return 1 / (1 + exp(min(-z, 709.0)))


def _softmax(z: Array) -> Array:
    p: Array = np.exp(z - z.max())
    p /= p.sum()
    return p


def _sign(e: float) -> float:
    return copysign(1.0, e) if e else 0.0


LOSS_FORMULAS: dict[type, LossFormula] = {
    SquaredError: LossFormula("½(o − t)²", "o − t", lambda o, t, j, _: o[j] - t[j]),
    AbsoluteError: LossFormula("|o − t|", "sign(o − t)", lambda o, t, j, _: _sign(o[j] - t[j])),
    Huber: LossFormula(
        "½e² if |e| ≤ δ, else δ(|e| − ½δ), e = o − t",
        "o − t, within ±δ",
        lambda o, t, j, loss: min(max(o[j] - t[j], -loss.delta), loss.delta),
    ),
    SigmoidCrossEntropy: LossFormula("ln(1 + eᵒ) − t·o", "σ(o) − t", lambda o, t, j, _: _sigmoid(o[j]) - t[j]),
    SoftmaxCrossEntropy: LossFormula(
        "−Σ t ln p, p = softmax(o)", "p − t", lambda o, t, j, _: float(_softmax(o)[j]) - t[j]
    ),
}


def loss_formula(loss: Loss) -> LossFormula:
    """The formula of a loss; ShapeError where the microscope has none."""
    if type(loss) not in LOSS_FORMULAS:
        known = ", ".join(kind.__name__ for kind in LOSS_FORMULAS)
        raise ShapeError(f"the microscope has no formula of {type(loss).__name__}; it has those of {known}.")
    return LOSS_FORMULAS[type(loss)]


def compared_targets(loss: Loss, target: Array, n_out: int) -> Array:
    """What the loss compares the outputs with, (n_out, N): labels as 0 and 1, smoothed where it smooths them."""
    t = as_one_hot(target, n_out, np.float64) if isinstance(loss, SoftmaxCrossEntropy) else target
    t = t.reshape(n_out, -1).astype(np.float64)
    if isinstance(loss, SoftmaxCrossEntropy):
        return (1 - loss.label_smoothing) * t + loss.label_smoothing / n_out if loss.label_smoothing else t
    if isinstance(loss, SigmoidCrossEntropy) and loss.label_smoothing:
        return (1 - loss.label_smoothing) * t + 0.5 * loss.label_smoothing
    return t
