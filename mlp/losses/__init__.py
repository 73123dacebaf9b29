"""Losses: what the network is asked to make small, always on raw outputs.

`loss` states the contract. To add one, write its class, one line here and one row in `tests/cases.py`.
"""

from mlp.losses.classification import (
    BinaryHinge,
    Focal,
    Hinge,
    SigmoidCrossEntropy,
    SigmoidFocal,
    SoftmaxCrossEntropy,
)
from mlp.losses.loss import Loss
from mlp.losses.regression import AbsoluteError, Huber, LogCosh, Poisson, Quantile, SquaredError

__all__ = [
    "AbsoluteError",
    "BinaryHinge",
    "Focal",
    "Hinge",
    "Huber",
    "LogCosh",
    "Loss",
    "Poisson",
    "Quantile",
    "SigmoidCrossEntropy",
    "SigmoidFocal",
    "SoftmaxCrossEntropy",
    "SquaredError",
]
