"""The truth that answers are held against: of their shape and kind, or refused.

NumPy compares arrays of any shape that has as many cells, and text with numbers; the share of equal cells is then a
number that means nothing. What is refused here is what scikit-learn's metrics refuse.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import DataError, ShapeError
from mlp.estimators.targets import numbers, plain

KINDS = {"U": "text", "S": "bytes"}


def right_rows(answers: Array, y: Any) -> Array:
    """Which rows a classifier answered right, (n,): of several labels, with all of them.

    `y` has the shape of the answers, (n,) or (n, k); a column (n, 1) is taken as (n,). A label that was never seen is
    no error: no answer equals it.
    """
    truth = _in_shape(plain(y), answers)
    _check_labels(truth, answers)
    if {"f"} < {truth.dtype.kind, answers.dtype.kind}:  # NumPy would compare whole numbers as floats, Python is exact
        truth = truth.astype(object)
    right = np.asarray(answers == truth)
    return right if right.ndim == 1 else np.asarray(right.all(1))


def true_numbers(answers: Array, y: Any) -> Array:
    """The numbers `y` in the shape of a regressor's answers, (n,) or (n, k); a column (n, 1) is taken as (n,)."""
    return _in_shape(numbers(plain(y)), answers)


def _in_shape(truth: Array, answers: Array) -> Array:
    if answers.ndim == 1 and truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    if truth.shape != answers.shape:
        raise ShapeError(f"y has shape {truth.shape}, and the answers for X {answers.shape}. Give y in that shape.")
    return truth


def _check_labels(truth: Array, answers: Array) -> None:
    """Refuse labels that cannot be the truth of these answers."""
    given, needed = (KINDS.get(labels.dtype.kind, "numbers") for labels in (truth, answers))
    if given != needed:
        first = truth.ravel()[:1].tolist()[0]
        raise DataError(f"y holds {given} ({first!r}), and the answers are {needed}. Give labels as in fit.")
    if answers.ndim == 2 and not ((truth == 0) | (truth == 1)).all():
        raise DataError(f"y has shape {truth.shape} and holds more than 0 and 1. Give 0 and 1 for each label.")
    if truth.dtype.kind == "f" and (truth != np.floor(truth)).any():
        raise DataError("y holds numbers with fractions, and the answers are classes. Give labels as in fit.")
