"""The penalty on weights where none is given: by how many inputs there are for each row.

The loss is a mean over n rows, so that a prior on the weights is 1/n of it. Of many inputs each needs a smaller weight:
LeCun's start has the variance 1/inputs. Copies of a row count once: a row of weight k is like k rows, and says no more.
The factors were chosen by folds of training rows, beside those of `benchmarks/tables.py` on scikit-learn's and made-up
tables: from 0.05 to 0.2 little changes.
"""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array
from mlp.preprocessing.data_facts import hash_rows

FACTORS = {"classification": 0.1, "multilabel": 0.1, "regression": 0.2}
"""By task: numbers leave more to chance than classes do."""
MOST = 0.03
KEPT = 4096
"""Rows that are remembered from one portion to the next; of more the number is estimated, to 2 %."""


def usual_l2(task: str, n_inputs: int, n_rows: float) -> float:
    """factor · inputs / rows, at most `MOST`; `n_rows` are different ones.

    >>> usual_l2("classification", 4, 100), usual_l2("regression", 35, 690)
    (0.004, 0.01)
    """
    return float(f"{min(MOST, FACTORS[task] * n_inputs / n_rows):.2g}")


def mark_rows(X: Array, before: Array | None = None) -> Array:
    """Marks of the different rows of X, and of those that were marked before: the `KEPT` smallest, in order."""
    marks = hash_rows(X) if before is None else np.concatenate([before, hash_rows(X)])
    return np.unique(marks)[:KEPT]


def count_marked(marks: Array) -> float:
    """How many rows were marked: exactly, or by how close the smallest of many marks lie (Bar-Yossef et al. 2002)."""
    if len(marks) < KEPT:
        return float(len(marks))
    return (KEPT - 1) * 2.0**64 / float(marks[-1])
