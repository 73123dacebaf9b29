"""Losses: what the network is asked to make small, always on raw outputs.

`loss` states the contract. To add one, write its class, name it in one line here and give it one row in
`tests/cases.py`.
"""
# ruff: noqa: I001  # imported in the order in which losses are listed

import typing as _typing

from mlp.family import collect as _collect, list_public as _list_public
from mlp.losses.loss import Labelled as Labelled, Loss as Loss, Pointwise as Pointwise

from mlp.losses.regression import SquaredError as SquaredError, AbsoluteError as AbsoluteError, Huber as Huber
from mlp.losses.regression import LogCosh as LogCosh, Quantile as Quantile, Poisson as Poisson
from mlp.losses.classification import SoftmaxCrossEntropy as SoftmaxCrossEntropy, Focal as Focal
from mlp.losses.classification import SigmoidCrossEntropy as SigmoidCrossEntropy, SigmoidFocal as SigmoidFocal
from mlp.losses.hinge import Hinge as Hinge, BinaryHinge as BinaryHinge

LOSSES: dict[str, dict[str, type[Loss]]] = {
    "numbers": _collect(Loss, vars(), targets="numbers"),
    "one_of_many": _collect(Loss, vars(), targets="one_of_many"),
    "yes_or_no": _collect(Loss, vars(), targets="yes_or_no"),
}
"""By what the targets are, and by name: one name may stand for a loss for each kind of targets."""

if not _typing.TYPE_CHECKING:  # a list that is computed would hide from type checkers what is imported `as` itself
    __all__ = _list_public(vars())
