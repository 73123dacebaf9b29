"""How much each row counts: weights of samples, and of classes.

A row of weight k counts like k rows, and one of weight 0 is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.labels import label_name
from mlp.errors import DataError, HyperparameterError


def sample_weights(given: Any, n: int, name: str = "sample_weight") -> Array | None:
    """One finite number ≥ 0 for each of n rows, at least one of them above 0; None where none were given."""
    if given is None:
        return None
    try:
        found = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} must hold a number for each row.") from None
    if found.ndim == 0:
        found = np.full(n, found)
    if found.shape != (n,):
        raise DataError(f"{name} has shape {found.shape}; X has {n} rows, and each needs one weight.")
    if not np.isfinite(found).all() or (found < 0).any():
        row = int(np.argmin(np.isfinite(found) & (found >= 0)))
        raise DataError(f"{name} must be finite and 0 or more; row {row} has {found[row]}.")
    if not found.any():
        raise DataError(f"{name} is zero for all rows: Sample weights must contain at least one non-zero number.")
    return found


def check_class_weight(given: Any) -> None:
    """Refuse what is neither None, "balanced" nor a weight for each class."""
    is_table = isinstance(given, Mapping) and all(_is_weight(weight) for weight in given.values())
    if given is not None and not is_table and (not isinstance(given, str) or given != "balanced"):
        raise HyperparameterError("class_weight", given, 'None, "balanced", or {class: weight ≥ 0}')


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value) and value >= 0)


def by_class(given: Mapping[Any, float], classes: Array, codes: Array) -> Array:
    """The weight of each class (n_classes,); one that is not named counts 1."""
    names = [label_name(label) for label in classes]
    found = np.ones(len(classes))
    for label, weight in given.items():
        if label_name(label) not in names:
            raise DataError(f"class_weight names {label!r}, and the classes are {classes.tolist()}.")
        found[names.index(label_name(label))] = weight
    if not found[codes].any():
        raise DataError("class_weight is zero for all classes that y holds: no row counts.")
    return found
