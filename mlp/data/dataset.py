"""What a source of data comes to: a matrix, a target, and the names of both.

Knows how arrays of any shape become rows of features, and what cannot: text, objects, complex numbers,
nothing at all. Does not know where data comes from, nor what will be learned from it. Values are as the
source has them: not scaled, and in the source's own dtype, so that 8-bit pixels stay 8-bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mlp.arrays import Array
from mlp.data.boxed import unboxed
from mlp.data.cells import Cells
from mlp.data.encoding import Encoding
from mlp.data.labels import check_names, check_writable
from mlp.errors import DataError, HyperparameterError, check_kind


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set in memory, or mapped into it.

    `X` (n, n_features) numbers; `y` (n,) or (n, k), None where the source has no target (a file to predict
    on). `class_names`: names of the classes where the source knows them; a 1-D `y` then holds integer codes
    into them, a 2-D one has a column for each. `encoding`: how the columns of a table became those of X.
    `test`: (X, y) of an official split, apart from X and y. `complete`: X is every pattern there is (XOR,
    parity, encoder), so that holding some of them out for validation leaves another problem.
    `class_labels` (n_classes,): the classes as the source holds them, where their names do not say it (bytes, "1" as
    text). `written`: a target of numbers as a table writes it; should they be classes, these are their names.
    `groups` and `times` (n,): by which rows are parted, in the order of the rows. `left_out`: what of a file is no part
    of its table, in words.

    >>> from mlp.data import load
    >>> iris = load("iris")
    >>> iris.X.shape, iris.y.shape, iris.class_names
    ((150, 4), (150,), ('setosa', 'versicolor', 'virginica'))
    """

    X: Array = field(repr=False)
    y: Array | None = field(repr=False)
    feature_names: tuple[str, ...] = field(repr=False)
    target_name: str = "label"
    class_names: tuple[str, ...] | None = None
    encoding: Encoding | None = field(default=None, repr=False)
    test: tuple[Array, Array] | None = field(default=None, repr=False)
    name: str = ""
    description: str = ""
    source: str = ""
    licence: str = ""
    complete: bool = False
    class_labels: Array | None = field(default=None, repr=False)
    written: Cells | None = field(default=None, repr=False)
    groups: Array | None = field(default=None, repr=False)
    times: Array | None = field(default=None, repr=False)
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_kind("X", self.X, np.ndarray, "an array (n_samples, n_features)")
        check_kind("y", self.y, np.ndarray | None, "an array (n_samples,) or (n_samples, n_outputs), or None")
        check_kind("feature_names", self.feature_names, Sequence, "a tuple of names, one for each column")
        pair = isinstance(self.test, tuple | list) and len(self.test) == 2
        if self.test is not None and not (pair and all(isinstance(part, np.ndarray) for part in self.test)):
            raise HyperparameterError("test", self.test, "a pair of arrays (X, y), or None")
        _check_lengths(self.X, self.y, "X", "y")
        if self.test is not None:
            _check_lengths(*self.test, "X_test", "y_test")
            _check_widths(self.X, self.test[0])
        check_names("class_names", self.class_names or ())
        check_writable("feature_names", self.feature_names)
        check_writable("target_name", (self.target_name,))
        if len(self.feature_names) != self.X.shape[1]:
            raise DataError(
                f"X has {self.X.shape[1]} columns, but {len(self.feature_names)} feature names were given. "
                "Give one name for each column."
            )


def as_features(X: Array, where: str = "X") -> Array:
    """Rows of numbers: one row for each entry of the first axis, everything else flattened, dtype kept.

    A 1-D array is one feature. A memory-mapped array stays one.
    """
    _check_numeric(X, where)
    if X.ndim == 0 or X.size == 0:
        raise DataError(f"{where} has shape {X.shape}: there is nothing in it. Give at least one row of numbers.")
    return X if X.ndim == 2 else X.reshape(X.shape[0], X.size // X.shape[0])


def as_target(y: Array, where: str = "y") -> Array:
    """A target (n,) or (n, k) of numbers, or (n,) of text or bytes; a single column (n, 1) becomes (n,).

    A column (n,) of objects stays one, so that labels come back as they came, but all of a kind and none missing.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim not in (1, 2):
        raise DataError(f"{where} has shape {y.shape}. Give a target of shape (n,) or (n, n_outputs).")
    held = unboxed(y, where)
    if held.ndim == 2 or held.dtype.kind not in "US":
        _check_numeric(held, where)
    return y if y.ndim == 1 else held


def column_names(n_features: int) -> tuple[str, ...]:
    """Names for columns that have none: x0, x1, ... as NumPy counts them."""
    return tuple(f"x{i}" for i in range(n_features))


def _check_numeric(values: Array, where: str) -> None:
    if values.dtype.kind not in "biuf":
        raise DataError(
            f"{where} holds {values.dtype} values. Numbers are needed (integers, floats or booleans); "
            "turn text into numbers or classes first, or give a table with a header (.csv, .tsv)."
        )


def _check_lengths(X: Array, y: Array | None, name_X: str, name_y: str) -> None:
    if X.ndim != 2:
        raise DataError(f"{name_X} has shape {X.shape}. Give one row for each sample: (n_samples, n_features).")
    if y is not None and len(y) != len(X):
        raise DataError(
            f"{name_X} has {len(X)} rows, {name_y} has {len(y)}. Each row needs its target: make them equally long."
        )


def _check_widths(X: Array, X_test: Array) -> None:
    if X.shape[1] != X_test.shape[1]:
        raise DataError(
            f"X_train has {X.shape[1]} features, X_test has {X_test.shape[1]}. Both need the same features."
        )
