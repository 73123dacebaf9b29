"""Missing cells of X, which are NaN: filled with what is usual in the rows to train on, and marked.

A number is filled with the mean, a category with the most frequent one. A column that missed cells in the rows to train
on gets an indicator: 1 where the cell was missing, else 0. That a cell is missing may say something too. Fitted on the
rows to train on, saved with the model. Reads a large matrix in blocks. Knows nothing of tables or networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp.arrays import Array, all_finite
from mlp.data.blocks import row_blocks, selected
from mlp.data.complaints import first_few, quoted
from mlp.data.scale import Scaling
from mlp.errors import DataError, ShapeError


@dataclass(frozen=True, eq=False)
class Imputation:
    """What fills the missing cells of X, (n_features,), and the columns that have an `indicators` column, (k,)."""

    fill: Array
    indicators: Array

    def apply(self, X: Array) -> Array:
        """X without missing cells, and the indicators behind it: (n, n_features + k) in float64."""
        if X.ndim != 2 or X.shape[1] != len(self.fill):
            raise ShapeError(f"X has shape {X.shape}, and {len(self.fill)} features were fitted. Give these.")
        values = np.asarray(X, np.float64)
        missing = np.isnan(values)
        return np.hstack([np.where(missing, self.fill, values), missing[:, self.indicators]])

    def names(self, feature_names: Sequence[str]) -> tuple[str, ...]:
        """What the columns are called that come of it."""
        return (*feature_names, *(f"{feature_names[j]} is missing" for j in self.indicators))

    def to_json(self) -> dict[str, Any]:
        """In lists of Python's numbers."""
        return {"fill": self.fill.tolist(), "indicators": self.indicators.tolist()}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Imputation:
        """The imputation that `to_json` wrote."""
        return cls(np.array(saved["fill"], np.float64), np.array(saved["indicators"], np.int64))


@dataclass(frozen=True, eq=False)
class ImputedScaling:
    """Missing cells filled, then scaled: what stands for a `Scaling` where cells may be missing."""

    imputation: Imputation
    scaling: Scaling

    def apply(self, X: Array, dtype: npt.DTypeLike = np.float64, rows: Array | slice | None = None) -> Array:
        """The filled and scaled rows of X, all or those given, as a new array of `dtype`."""
        numbers = np.arange(len(X))[slice(None) if rows is None else rows]
        out = np.empty((len(numbers), len(self.scaling.shift)), dtype)
        for part in row_blocks(*out.shape):
            with np.errstate(over="ignore", invalid="ignore"):  # reported below, with the place
                block = self.imputation.apply(selected(X, numbers, part))
                block -= self.scaling.shift
                block *= self.scaling.factor
                out[part] = block
            if not all_finite(out[part]):
                self.scaling.refuse(numbers[part], out[part])
        return out


def fit_imputation(
    X: Array,
    rows: Array,
    feature_names: Sequence[str],
    groups: Sequence[slice],
    weights: Array | None = None,
) -> Imputation:
    """The imputation that is fitted on some rows of X; `weights` (len(rows),) are what each of them counts.

    `groups` are the columns of X that one column of the source became: a number, or the 0 and 1 of a category.
    DataError for a column without any value in these rows.
    """
    total, known, n_missing = np.zeros((3, X.shape[1]))
    for part in row_blocks(len(rows), X.shape[1]):
        values = np.asarray(selected(X, rows, part), np.float64)
        there = ~np.isnan(values)
        counts = np.ones(len(values)) if weights is None else weights[part]
        total += counts @ np.where(there, values, 0)
        known += counts @ there
        n_missing += np.count_nonzero(~there, axis=0)
    empty = [quoted(feature_names[group.start]) for group in groups if not known[group.start]]
    if empty:
        raise DataError(
            f"column {first_few(empty)}: no value in the rows to train on, so nothing to fill in. "
            "Leave it out with [data] ignore."
        )
    fill = total / known
    for group in groups:
        if group.stop - group.start > 1:
            most = np.argmax(fill[group])
            fill[group] = np.arange(group.stop - group.start) == most
    return Imputation(fill, np.array([group.start for group in groups if n_missing[group.start]], np.int64))


def rows_with_all(X: Array) -> Array | None:
    """The rows of X without missing cells; None where that is all of them."""
    if X.dtype.kind != "f":
        return None
    missing = np.zeros(len(X), bool)
    for part in row_blocks(*X.shape):
        missing[part] = np.isnan(selected(X, None, part)).any(axis=1)
    return np.flatnonzero(~missing) if missing.any() else None
