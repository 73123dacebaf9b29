"""Answers that are right or wrong: the confusion matrix and what is read from it.

Classes are codes 0 ... C-1. Everything here is computed from the matrix, rows of which are the truth.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.scores.pairs import check_pairs


class ClassScores(NamedTuple):
    """Of each class, (C,) each: `precision`, `recall`, `f1`, and `support`, how many rows are of it."""

    precision: Array
    recall: Array
    f1: Array
    support: Array

    @property
    def occurring(self) -> Array:
        """Which classes are in the truth or among the answers: over these scikit-learn's macro means run."""
        return np.asarray((self.support > 0) | ~np.isnan(self.precision))

    def macro(self, name: str) -> float:
        """The mean of one score over the classes that occur; what is undefined counts as 0, as in scikit-learn."""
        values: Array = np.nan_to_num(getattr(self, name))
        return float(values[self.occurring].mean()) if self.occurring.any() else float("nan")


def confusion(truth: Array, answers: Array, n_classes: int) -> Array:
    """How many rows of class i were taken for class j: (C, C) whole numbers, the truth in rows.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    check_pairs(truth=truth, answers=answers)
    found = np.bincount(np.asarray(truth) * n_classes + np.asarray(answers), minlength=n_classes**2)
    return found.reshape(n_classes, n_classes)


def balanced_accuracy(matrix: Array) -> float:
    """The mean recall of the classes that have rows. Brodersen et al. (2010)."""
    rows = matrix.sum(1)
    return float((np.diag(matrix)[rows > 0] / rows[rows > 0]).mean()) if rows.any() else float("nan")


def by_class(matrix: Array) -> ClassScores:
    """Precision (of those answered so, how many are), recall (of those that are, how many were found), and F1.

        precision = TP / (TP + FP)     recall = TP / (TP + FN)     F1 = 2 TP / (2 TP + FP + FN)

    NaN where that is 0/0: the precision of a class that is never answered, the recall of one without rows.
    """
    right, answered, support = np.diag(matrix), matrix.sum(0), matrix.sum(1)
    with np.errstate(invalid="ignore"):
        return ClassScores(right / answered, right / support, 2 * right / (answered + support), support)
