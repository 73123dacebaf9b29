"""Targets of estimators: labels of any kind as codes and back, rows of yes or no, numbers.

As in scikit-learn, shape and values alone say what y means. One column is a class for each row, or a number for a
regressor. Several columns of 0 and 1 are labels of yes or no. Targets that answers are compared with must have the
shape and kind of the answers: NumPy also compares other shapes, and text with numbers, but the share of equal cells
then means nothing.
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
from mlp.estimators.rows import as_dense, check_finite


class Target(NamedTuple):
    """What is to be learned: class codes (n,), 0 and 1 for each label (n, k), or numbers (n,) or (n, k).

    `classes`: what codes and columns stand for; None for numbers.
    """

    task: str
    y: Array
    classes: Array | None = None


def as_target_array(y: Any) -> Array:
    """An array (n,) or (n, k) of one kind of values, none of them missing. Values are taken out of objects."""
    if y is None:
        raise DataError("fitting requires y to be passed, but the target y is None.")
    found = unboxed(exact_array(as_dense(y, "y")))
    if found.dtype.kind == "c":
        raise DataError(f"Complex data not supported: y holds {found.dtype}.")
    if found.dtype.kind not in "biufUS":
        raise DataError(f"Unknown label type: y holds {found.dtype} values. Give numbers, text or truth values.")
    if found.ndim not in (1, 2):
        raise ShapeError(f"y should be a 1d array, or have a column for each output; its shape is {found.shape}.")
    check_finite(found, "y") if len(found) else None
    return found


def read_labels(found: Array) -> Target:
    """What a classifier is to learn, from an array of one kind."""
    if found.ndim == 2 and found.shape[1] == 1:
        _warn_of_column()
        found = found[:, 0]
    if found.ndim == 2:
        return _read_flags(found)
    if found.dtype.kind == "f" and (found != np.floor(found)).any():
        raise DataError(
            "Unknown label type: continuous. A classifier takes classes, and y holds numbers with fractions: "
            "use MLPRegressor, or make them classes."
        )
    classes, codes = distinct_labels(found)
    return Target("classification", codes, classes)


def _read_flags(y: Array) -> Target:
    if y.dtype.kind not in "biuf" or not ((y == 0) | (y == 1)).all():
        raise DataError(
            f"y has shape {y.shape} and holds more than 0 and 1: multiclass-multioutput is not supported. Give one "
            "label for each row (n,), or 0 and 1 for each label (n, k)."
        )
    return Target("multilabel", y.astype(np.int64), np.arange(y.shape[1]))


def recode(found: Target, classes: Any) -> Target:
    """The labels as codes into `classes`, all there will ever be, given in any order; refuses others."""
    known = np.unique(as_target_array(classes))
    assert found.classes is not None
    labels = found.classes.tolist()
    if found.task == "multilabel":
        if len(known) != len(found.classes):
            raise DataError(f"y has {len(labels)} labels, and {len(known)} were named in classes or fitted.")
        return found._replace(classes=known)
    position = {label: code for code, label in enumerate(known.tolist())}  # NumPy compares int64 and uint64 as floats
    unknown = [label for label in labels if label not in position]
    if unknown:
        raise DataError(f"y holds {unknown}, and the classes are {known.tolist()}. Name all classes at the first call.")
    return Target(found.task, np.array([position[label] for label in labels])[found.y], known)


def check_several_classes(found: Target) -> None:
    """Refuse labels of one class."""
    if found.task == "classification" and found.classes is not None and len(found.classes) < 2:
        only = found.classes.tolist()[0]
        raise DataError(f"y holds one class, {only!r}. A classifier needs rows of at least two classes.")


def check_texts(found: Target) -> None:
    """Where texts are nearly all different, refuse numbers in another spelling, and warn of other texts."""
    if found.task != "classification" or found.classes is None or found.classes.dtype.kind not in "US":
        return
    names, counts = list(map(label_name, found.classes.tolist())), np.bincount(found.y).tolist()
    if len(names) > FEW_TEXTS and mostly_rare(counts):
        texts = Cells([names[code] for code in found.y.tolist()], "y", "")
        check_spelling(texts, dict(zip(names, counts, strict=True)), "Give the numbers to MLPRegressor.")
        message = f"y holds {len(names)} classes in {len(found.y)} rows, most of them once or twice. Are they names?"
        warnings.warn(message, UserWarning, stacklevel=4)


def _warn_of_column() -> None:
    message = "A column-vector y was passed when a 1d array was expected. Give y.ravel()."
    warnings.warn(message, _conversion_warning(), stacklevel=6)


def _conversion_warning() -> type[Warning]:
    """scikit-learn's own warning where that is in use."""
    exceptions = sys.modules.get("sklearn.exceptions")
    return UserWarning if exceptions is None else exceptions.DataConversionWarning


def read_numbers(found: Array) -> Target:
    """What a regressor is to learn, from an array of one kind: finite numbers (n,) or (n, k)."""
    if found.dtype.kind in "US":
        first = str(found.ravel()[0])
        remedy = find_spelling(first) or "Use MLPClassifier."
        raise DtypeError(f"y holds text ({first!r}), and a regressor takes numbers. {remedy}")
    found = found.astype(np.float64)
    return Target("regression", found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found)


# targets that answers are compared with

KINDS = {"U": "text", "S": "bytes"}


def right_rows(answers: Array, y: Any) -> Array:
    """Which rows a classifier answered right, (n,): with several labels, all of them.

    `y` has the shape of the answers, (n,) or (n, k); a column (n, 1) is taken as (n,). A label that `fit` has never
    seen is no error: no answer equals it.
    """
    truth = _in_shape(as_target_array(y), answers)
    _check_labels(truth, answers)
    if {"f"} < {truth.dtype.kind, answers.dtype.kind}:  # NumPy compares whole numbers as floats, Python exactly
        truth = truth.astype(object)
    right = np.asarray(answers == truth)
    return right if right.ndim == 1 else np.asarray(right.all(1))


def true_numbers(answers: Array, y: Any) -> Array:
    """The numbers `y` in the shape of a regressor's answers, (n,) or (n, k); a column (n, 1) is taken as (n,)."""
    return _in_shape(read_numbers(as_target_array(y)).y, answers)


def _in_shape(truth: Array, answers: Array) -> Array:
    if answers.ndim == 1 and truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    if truth.shape != answers.shape:
        raise ShapeError(f"y has shape {truth.shape}, and the answers for X {answers.shape}. Give y in that shape.")
    return truth


def _check_labels(truth: Array, answers: Array) -> None:
    """Refuse labels that these answers cannot be compared with."""
    given, needed = (KINDS.get(labels.dtype.kind, "numbers") for labels in (truth, answers))
    if given != needed:
        first = truth.ravel()[:1].tolist()[0]
        raise DataError(f"y holds {given} ({first!r}), and the answers are {needed}. Give labels as in fit.")
    if answers.ndim == 2 and not ((truth == 0) | (truth == 1)).all():
        raise DataError(f"y has shape {truth.shape} and holds more than 0 and 1. Give 0 and 1 for each label.")
    if truth.dtype.kind == "f" and (truth != np.floor(truth)).any():
        raise DataError("y holds numbers with fractions, and the answers are classes. Give labels as in fit.")
