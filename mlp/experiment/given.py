"""Rows that a caller has in memory, and knows more of than X and y say.

A pair (X, y) is enough for most; an estimator also knows the classes there will ever be, what each row counts, and
which rows to validate on. Data, no verbs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from mlp.arrays import Array
from mlp.data import Dataset


@dataclass(frozen=True, eq=False)
class Given:
    """Rows in memory and what a caller knows of them beside X and y.

    Where the data set has class names, its rows need not be of two classes: they may be the first of more to come.
    `weights` (n,) is what each row of `dataset` counts, in the scaling of inputs too, and `class_weight` (n_classes,)
    what rows of each class count beside that, in training only: in the loss and in batch norm. `validation` holds rows
    of their own: X, y as labels or numbers and not as codes, and weights or None.
    """

    dataset: Dataset
    weights: Array | None = None
    class_weight: Array | None = None
    validation: tuple[Array, Array, Array | None] | None = None


Source: TypeAlias = tuple[Any, Any] | Given | None
"""Where rows come from: a pair (X, y), rows of which more is known, or None for what the configuration names."""
