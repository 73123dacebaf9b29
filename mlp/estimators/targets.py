"""Targets of estimators: labels of any kind as codes and back, rows of yes or no, numbers.

What y means is read from its shape and values alone, as in scikit-learn: a column is one class for each row, or numbers
for a regressor; several columns of 0 and 1 are labels of yes or no.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.errors import DataError, DtypeError, ShapeError
from mlp.estimators.rows import check_finite, dense


class Labels(NamedTuple):
    """`y`: class codes (n,), or 0 and 1 for each label (n, k). `classes`: what codes and columns stand for."""

    task: str
    classes: Array
    y: Array


def plain(y: Any) -> Array:
    """An array (n,) or (n, k) of one kind of values, none of them missing."""
    if y is None:
        raise DataError("fitting requires y to be passed, but the target y is None.")
    try:
        found = np.asarray(dense(y, "y"))
        found = np.array(found.tolist()) if found.dtype.kind == "O" else found
    except ValueError as error:
        raise DataError(f"y is no array: {' '.join(str(error).split())}") from None
    _check_text(y, found)
    if found.dtype.kind == "c":
        raise DataError(f"Complex data not supported: y holds {found.dtype}.")
    if found.dtype.kind not in "biufUS":
        raise DataError(f"Unknown label type: y holds {found.dtype} values. Give numbers, text or truth values.")
    if found.ndim not in (1, 2):
        raise ShapeError(f"y should be a 1d array, or have a column for each output; its shape is {found.shape}.")
    check_finite(found, "y") if len(found) else None
    return found


def _check_text(y: Any, found: Array) -> None:
    """Refuse text among which other things stood: NumPy would write those out, a missing label as 'nan'."""
    if found.dtype.kind not in "US" or getattr(getattr(y, "dtype", None), "kind", "O") in ("U", "S"):
        return
    others = [(place, cell) for place, cell in np.ndenumerate(np.array(y, object)) if not isinstance(cell, str | bytes)]
    if not others:
        return
    (row, *_), cell = others[0]
    if any(missing != missing for _, missing in others):
        rows = "; ".join(f"row {place[0]}" for place, missing in others[:5] if missing != missing)
        raise DataError(f"Input y contains NaN: {rows}. Fill these cells in, or leave their rows out.")
    raise DataError(f"Unknown label type: y holds text and, in row {row}, {cell!r}. Give labels of one kind.")


def labels(found: Array) -> Labels:
    """What a classifier is to learn, from a plain array."""
    if found.ndim == 2 and found.shape[1] == 1:
        _warn_of_column()
        found = found[:, 0]
    if found.ndim == 2:
        return _flags(found)
    if found.dtype.kind == "f" and (found != np.floor(found)).any():
        raise DataError(
            "Unknown label type: continuous. A classifier takes classes, and y holds numbers with fractions: "
            "use MLPRegressor, or make them classes."
        )
    classes, codes = np.unique(found, return_inverse=True)
    return Labels("classification", classes, codes.astype(np.int64))


def _flags(y: Array) -> Labels:
    if y.dtype.kind not in "biuf" or not ((y == 0) | (y == 1)).all():
        raise DataError(
            f"y has shape {y.shape} and holds more than 0 and 1: multiclass-multioutput is not supported. Give one "
            "label for each row (n,), or 0 and 1 for each label (n, k)."
        )
    return Labels("multilabel", np.arange(y.shape[1]), y.astype(np.int64))


def recoded(found: Labels, classes: Any) -> Labels:
    """The labels as codes into `classes`, all there will ever be, given in any order; refuses others."""
    known = np.unique(plain(classes))
    if found.task == "multilabel":
        if len(known) != len(found.classes):
            raise DataError(f"y has {len(found.classes)} labels, and {len(known)} were named in classes or fitted.")
        return found._replace(classes=known)
    unknown = [label for label in found.classes.tolist() if label not in known.tolist()]
    if unknown:
        raise DataError(f"y holds {unknown}, and the classes are {known.tolist()}. Name all classes at the first call.")
    return Labels(found.task, known, np.searchsorted(known, found.classes)[found.y])


def check_several(found: Labels) -> None:
    """Refuse labels of one class."""
    if found.task == "classification" and len(found.classes) < 2:
        only = found.classes.tolist()[0]
        raise DataError(f"y holds one class, {only!r}. A classifier needs rows of at least two classes.")


def _warn_of_column() -> None:
    message = "A column-vector y was passed when a 1d array was expected. Give y.ravel()."
    warnings.warn(message, _conversion_warning(), stacklevel=6)


def _conversion_warning() -> type[Warning]:
    """scikit-learn's own where it is in use."""
    exceptions = sys.modules.get("sklearn.exceptions")
    return UserWarning if exceptions is None else exceptions.DataConversionWarning


def numbers(found: Array) -> Array:
    """What a regressor is to learn, from a plain array: finite numbers (n,) or (n, k)."""
    if found.dtype.kind in "US":
        raise DtypeError(f"y holds text ({str(found.ravel()[0])!r}), and a regressor takes numbers: use MLPClassifier.")
    found = found.astype(np.float64)
    return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
