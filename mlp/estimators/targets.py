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
from mlp.data.boxed import exact_array, unboxed
from mlp.data.cells import Cells
from mlp.data.columns import FEW_TEXTS, check_spelling, mostly_rare
from mlp.data.labels import distinct_labels, label_name
from mlp.data.spelling import find_spelling
from mlp.errors import DataError, DtypeError, ShapeError
from mlp.estimators.rows import check_finite, dense


class Labels(NamedTuple):
    """`y`: class codes (n,), or 0 and 1 for each label (n, k). `classes`: what codes and columns stand for."""

    task: str
    classes: Array
    y: Array


def plain(y: Any) -> Array:
    """An array (n,) or (n, k) of one kind of values, none of them missing; what was boxed in objects is taken out."""
    if y is None:
        raise DataError("fitting requires y to be passed, but the target y is None.")
    found = unboxed(exact_array(dense(y, "y")))
    if found.dtype.kind == "c":
        raise DataError(f"Complex data not supported: y holds {found.dtype}.")
    if found.dtype.kind not in "biufUS":
        raise DataError(f"Unknown label type: y holds {found.dtype} values. Give numbers, text or truth values.")
    if found.ndim not in (1, 2):
        raise ShapeError(f"y should be a 1d array, or have a column for each output; its shape is {found.shape}.")
    check_finite(found, "y") if len(found) else None
    return found


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
    return Labels("classification", *distinct_labels(found))


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
    position = {label: code for code, label in enumerate(known.tolist())}  # NumPy compares int64 and uint64 as floats
    unknown = [label for label in found.classes.tolist() if label not in position]
    if unknown:
        raise DataError(f"y holds {unknown}, and the classes are {known.tolist()}. Name all classes at the first call.")
    return Labels(found.task, known, np.array([position[label] for label in found.classes.tolist()])[found.y])


def check_several(found: Labels) -> None:
    """Refuse labels of one class."""
    if found.task == "classification" and len(found.classes) < 2:
        only = found.classes.tolist()[0]
        raise DataError(f"y holds one class, {only!r}. A classifier needs rows of at least two classes.")


def check_texts(found: Labels) -> None:
    """Of texts that are nearly all different, refuse numbers in another spelling, and warn of others."""
    if found.task != "classification" or found.classes.dtype.kind not in "US" or len(found.classes) <= FEW_TEXTS:
        return
    names, counts = list(map(label_name, found.classes.tolist())), np.bincount(found.y).tolist()
    if mostly_rare(counts):
        texts = Cells([names[code] for code in found.y.tolist()], "y", "")
        check_spelling(texts, dict(zip(names, counts, strict=True)), "Give the numbers to MLPRegressor.")
        message = f"y holds {len(names)} classes in {len(found.y)} rows, most of them once or twice. Are they names?"
        warnings.warn(message, UserWarning, stacklevel=3)


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
        first = str(found.ravel()[0])
        remedy = find_spelling(first) or "Use MLPClassifier."
        raise DtypeError(f"y holds text ({first!r}), and a regressor takes numbers. {remedy}")
    found = found.astype(np.float64)
    return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
