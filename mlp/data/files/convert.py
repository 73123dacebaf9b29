"""Makes the .npz files beside it from scikit-learn's copies of the UCI data sets; kept for the record.

    python mlp/data/files/convert.py

Measurements are stored as whole numbers and, for each column, the power of ten to divide them by. That
division is rounded correctly, so that it gives back every decimal as scikit-learn reads it, bit for bit: the
script checks this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

from mlp.arrays import Array

LOADERS: dict[str, Any] = {
    "digits": datasets.load_digits,
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
}


def divisor_of(column: Array) -> int:
    """The smallest power of ten that makes every value of a column whole."""
    return next(
        int(10**digits) for digits in range(9) if np.array_equal(np.round(column * 10**digits) / 10**digits, column)
    )


def smallest_integers(values: Array) -> Array:
    """Whole numbers ≥ 0 in the smallest unsigned dtype that holds them."""
    return values.astype(np.min_scalar_type(int(values.max())))


def convert(name: str) -> None:
    """Write NAME.npz with X (whole numbers), divisor, y and the names."""
    bunch = LOADERS[name]()
    divisor = np.array([divisor_of(column) for column in bunch.data.T])
    X = smallest_integers(np.round(bunch.data * divisor))
    if not np.array_equal(X / divisor, bunch.data):
        raise SystemExit(f"{name}: the conversion is not exact")
    np.savez_compressed(
        Path(__file__).with_name(f"{name}.npz"),
        X=X,
        divisor=divisor,
        y=bunch.target.astype(np.uint8),
        feature_names=np.array(bunch.feature_names),
        class_names=np.array([str(label) for label in bunch.target_names]),
    )


if __name__ == "__main__":
    for name in LOADERS:
        convert(name)
