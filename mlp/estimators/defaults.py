"""What the defaults of an estimator follow from: how many rows and inputs there are, and how even the classes are.

The penalty: the loss is a mean over n rows, so that a prior on the weights is 1/n of it; and of many inputs each needs
a smaller weight: LeCun's start has the variance 1/inputs. Copies of a row count once: a row of weight k is like k
rows, and says no more.

Smoothed labels: their probability is spread evenly over all classes, which pulls answers to rare ones. Where the rarest
class has a share s of k classes, only s·k of it is spread.

Both were chosen by folds of training rows of `benchmarks/tables.py`, on scikit-learn's and on made-up tables.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.estimators.targets import Target
from mlp.preprocessing.data_facts import hash_rows

PENALTIES = {"classification": 0.05, "multilabel": 0.05, "regression": 0.2}
"""By task: numbers leave more to chance than classes do.

Twice as much for classes costs digits 0.5 % of accuracy, half as much costs heart and card 1 %.
"""
LARGEST_PENALTY = 0.03
SMOOTHING = 0.1
"""The share of each label that is spread where classes are even.

Accuracy on held-out training rows without, with 0.05 and with 0.1 of it: digits 0.979, 0.985, 0.986; thyroid, of which
2 % are of one class, 0.990, 0.988, 0.985; the same on iris, wine and heart to 0.006.
"""
KEPT = 4096
"""Rows that are remembered from one portion to the next; of more the number is estimated, to 2 %."""


class Facts(NamedTuple):
    """What is known of the rows to train on: how many, different ones, inputs; how even their classes are, 0 … 1."""

    task: str
    n_rows: int
    n_different: float
    n_inputs: int
    evenness: float = 1.0

    @property
    def l2(self) -> float:
        """The penalty: factor · inputs / different rows, at most `LARGEST_PENALTY`.

        >>> Facts("classification", 200, 100, 4).l2, Facts("regression", 690, 690, 35).l2
        (0.002, 0.01)
        """
        return float(f"{min(LARGEST_PENALTY, PENALTIES[self.task] * self.n_inputs / self.n_different):.2g}")

    @property
    def smoothing(self) -> float:
        """The share of each label that is spread over all classes."""
        return float(f"{SMOOTHING * self.evenness:.2g}")


def find_facts(X: Array, target: Target, class_sums: Array | None, marks: Array, share: float = 1.0) -> Facts:
    """The facts of rows X of which a `share` is trained on; `marks`: of the different ones, also those before.

    `class_sums` (n_classes,): what each class weighs in the loss, None where there are no classes.
    """
    n_rows = max(1, round(len(X) * share))
    even = 1.0 if class_sums is None else float(len(class_sums) * class_sums.min() / class_sums.sum())
    return Facts(target.task, n_rows, share * count_marked(marks), X.shape[1], even)


def mark_rows(X: Array, before: Array | None = None) -> Array:
    """Marks of the different rows of X, and of those that were marked before: the `KEPT` smallest, in order."""
    marks = hash_rows(X) if before is None else np.concatenate([before, hash_rows(X)])
    return np.unique(marks)[:KEPT]


def count_marked(marks: Array) -> float:
    """How many rows were marked: exactly, or by how close the smallest of many marks lie (Bar-Yossef et al. 2002)."""
    if len(marks) < KEPT:
        return float(max(1, len(marks)))
    return (KEPT - 1) * 2.0**64 / float(marks[-1])
