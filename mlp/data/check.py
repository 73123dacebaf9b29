"""Whether data can be trained on, and for what.

Refuses what would only fail later, or learn nothing, and says where it is: rows and columns are counted from
0, columns named where names are given. Reads a large matrix in blocks. Knows arrays and the three tasks, no
files and no networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlp.arrays import Array, as_array, is_masked
from mlp.data.blocks import row_blocks, selected
from mlp.data.boxed import exact_array, unboxed
from mlp.data.cells import number
from mlp.data.complaints import FILL, SHOWN, counted, first_few, names, one_line, quoted
from mlp.data.labels import as_labels, label_name
from mlp.data.spelling import find_spelling
from mlp.errors import DataError, UnknownNameError, check_kind

TASKS = ("classification", "multilabel", "regression")
FEW_VALUES = 20


def infer_task(y: Array, class_names: Sequence[str] | None = None) -> str:
    """The task that a target most likely means: "classification", "multilabel" or "regression".

    - (n, k): multilabel if all values are 0 or 1, else regression. One-hot rows are multilabel too, as in
      scikit-learn: k yes-or-no outputs, predictions in the shape of y.
    - (n,) text, bytes or booleans, or with class names: classification.
    - (n,) numbers with a fractional part anywhere: regression.
    - (n,) whole numbers (also as floats): classification, but regression if they take more than 20 different
      values and more than one for every ten rows, or if more than half of them differ and lie apart, as prices
      do and codes of classes do not: evidently a quantity.
    """
    y = as_array("y", y)
    if y.ndim == 2 and y.shape[1] != 1:
        return "multilabel" if _zero_or_one(y) else "regression"
    y = _as_numbers(y.ravel())
    if class_names is not None or y.dtype.kind not in "iuf":
        return "classification"
    return "regression" if _is_fractional(y) or _is_quantity(y) else "classification"


def check_trainable(
    X: Array,
    y: Array | None,
    task: str,
    feature_names: Sequence[str] = (),
    class_names: Sequence[str] | None = None,
    target: str = "y",
    *,
    missing: bool = False,
) -> None:
    """Raise DataError if (X, y) cannot be trained on for `task`; otherwise do nothing.

    Refused in X: anything but rows of real numbers, no rows, no columns, NaN, infinity. In y: another length,
    missing or infinite values, what does not fit the task, one class only, codes beyond `class_names`.
    ShapeError is not used: these are facts about data. `target` is what a message calls y. With
    `missing`, cells of X may be NaN: they will be filled.
    """
    if not isinstance(task, str) or task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    check_kind("class_names", class_names, Sequence | None, "a list of names, or None")
    X = _array(X, "X")
    _check_features(X)
    y = _target_of(X, y)
    _check_finite(X, feature_names, missing)
    if task == "classification":
        _check_classes(y, class_names, target)
    else:
        {"multilabel": _check_flags, "regression": _check_values}[task](y, target)


def _array(values: Any, name: str) -> Array:
    if is_masked(values):
        raise DataError(f"{name} is masked in places. Fill them, or leave out their rows.")
    try:
        return np.asanyarray(values)
    except ValueError as error:  # rows of different lengths
        raise DataError(f"{name} is no array ({one_line(error)}). Give rows of equal length.") from error


def _check_features(X: Array) -> None:
    if X.ndim != 2:
        raise DataError(f"X has shape {X.shape}. Give one row for each sample: (n_samples, n_features).")
    if X.shape[0] == 0 or X.shape[1] == 0:
        raise DataError(f"X has shape {X.shape}: there is nothing to train on. Give at least one row and one column.")
    check_numeric(X)


def check_numeric(X: Array, names: Sequence[str] = ()) -> None:
    """Refuse an X (n, n_features) that holds anything but real numbers, and show the first cell that is none."""
    if X.dtype.kind in "biuf":
        return
    cells = ((i, j, X[i, j]) for i, j in np.ndindex(X.shape))
    i, j, cell = next((place for place in cells if np.isnan(number(place[2]))), (0, 0, X[0, 0]))
    column = quoted(str(names[j])) if len(names) else j
    spelling = find_spelling(cell) if isinstance(cell, str) else None
    remedy = spelling or "Convert X to float, one-hot encode text columns, or train on a table with a header."
    raise DataError(
        f"X holds {X.dtype} values (row {i}, column {column}: {quoted(cell)}). Numbers are needed. {remedy}"
    )


def _target_of(X: Array, y: Array | None) -> Array:
    if y is None:
        raise DataError("there is no target y. Name the target column, or give y: for a .npy file target = 'y.npy'.")
    y = unboxed(exact_array(y))
    if y.ndim not in (1, 2):
        raise DataError(f"y has shape {y.shape}. Give a target of shape (n,) or (n, n_outputs).")
    if len(y) != len(X):
        raise DataError(f"X has {len(X)} rows, y has {len(y)}. Each row needs its target: make them equally long.")
    return y


def _check_finite(X: Array, feature_names: Sequence[str], missing: bool) -> None:
    if X.dtype.kind != "f":
        return
    places: list[str] = []
    n_bad = 0
    for part in row_blocks(*X.shape):
        block = selected(X, None, part)
        bad = np.argwhere(np.isinf(block) if missing else ~np.isfinite(block))
        n_bad += len(bad)
        for i, j in bad[: SHOWN - len(places)]:
            name = quoted(str(feature_names[j])) if len(feature_names) else str(j)
            places.append(f"row {part.start + i}, column {name}: {X[part.start + i, j]}")
    if n_bad:
        raise DataError(
            f"X holds {counted(n_bad, 'value')} that cannot be computed with: {first_few(places, n_bad)}. {FILL}"
        )


def _check_classes(y: Array, class_names: Sequence[str] | None, target: str) -> None:
    if y.ndim == 2 and y.shape[1] != 1:
        raise DataError(
            f"{target} has shape {y.shape}, but classification takes one label for each row. "
            "Give y of shape (n,), from one-hot rows as y.argmax(axis=1), or task = 'multilabel'."
        )
    labels = as_labels(y.ravel())
    if labels.dtype.kind == "c":
        raise DataError(f"{target} holds {labels.dtype} values. Give labels as integers or text.")
    if labels.dtype.kind == "f":
        _refuse(np.isfinite(labels), labels, target, "not finite", "Fill them in, or delete these rows")
        whole = labels == np.floor(labels)
        _refuse(whole, labels, target, "not whole", "Give integer labels, or task = 'regression'")
    if class_names is not None:
        _check_codes(y, class_names, target)
    if (labels == labels[0]).all():
        name = label_name(labels[0])
        if class_names is not None and labels.dtype.kind in "iuf":
            name = class_names[int(labels[0])]
        rows = "the only row has" if len(labels) == 1 else f"all {len(labels)} rows have"
        raise DataError(
            f"{rows} the label {quoted(name)} in {target}. A classifier needs rows of at least two classes."
        )


def _check_flags(y: Array, target: str) -> None:
    if y.dtype.kind not in "biuf":
        raise DataError(f"{target} holds {y.dtype} values. For task = 'multilabel' give 0 or 1 for each label.")
    flags = (y == 0) | (y == 1)
    _refuse(flags, y, target, "neither 0 nor 1", "For task = 'multilabel' give 0 or 1 for each label")


def _check_values(y: Array, target: str) -> None:
    if y.dtype.kind not in "biuf":
        raise DataError(f"{target} holds {y.dtype} values. For task = 'regression' give numbers.")
    _refuse(np.isfinite(y), y, target, "not finite", "Fill them in, or delete these rows")


def _check_codes(y: Array, class_names: Sequence[str], target: str) -> None:
    if y.dtype.kind in "iuf":
        fine = (y >= 0) & (y < len(class_names))
        n_classes = "1 class" if len(class_names) == 1 else f"{len(class_names)} classes"
        _refuse(fine, y, target, f"none of the {n_classes} {names(class_names)}", "Give 0 for the first")


def _refuse(fine: Array, y: Array, target: str, complaint: str, remedy: str) -> None:
    """Raise DataError at the values of y that are not fine."""
    bad = np.argwhere(~fine)
    if len(bad):
        found = [f"row {index[0]}: {_value(y, index)}" for index in bad[:SHOWN]]
        values = f"{counted(len(bad), 'value')} that {'is' if len(bad) == 1 else 'are'} {complaint}"
        raise DataError(f"{target} holds {values}: {first_few(found, len(bad))}. {remedy}.")


def _value(y: Array, index: Array) -> Any:
    return y[tuple(index)]


def _zero_or_one(y: Array) -> bool:
    return y.dtype.kind in "biuf" and bool(np.all((y == 0) | (y == 1)))


def _as_numbers(y: Array) -> Array:
    """Numbers that are boxed in objects as such; what else objects may be as it is."""
    try:
        return unboxed(y)
    except DataError:
        return y


def _is_fractional(y: Array) -> bool:
    return bool(np.any(y[np.isfinite(y)] % 1 != 0))


def _is_quantity(y: Array) -> bool:
    values = np.unique(y)
    n = len(values)
    lie_apart = n > 2 and float(values[-1]) - float(values[0]) > 2 * n
    return (n > FEW_VALUES and 10 * n > len(y)) or (2 * n > len(y) and lie_apart)
