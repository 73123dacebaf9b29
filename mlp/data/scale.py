"""Features brought to one scale: x' = (x - shift) · factor, column by column.

Fitted on the rows to train on, saved with the model, applied to everything after. All is streamed in blocks
of rows, so that a memory-mapped matrix may be larger than memory. Knows nothing of tables or networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mlp.arrays import Array, all_finite
from mlp.data.blocks import row_blocks, selected
from mlp.data.complaints import SHOWN, counted, first_few, quoted
from mlp.errors import DataError, ShapeError

METHODS = ("standard", "minmax", "none")
CELLS = 1 << 16  # that are scaled at once: 512 kB of float64, which stay in the cache for all passes


class Transform(Protocol):
    """What raw rows go through on their way to a network."""

    def apply(self, X: Array, dtype: npt.DTypeLike = np.float64, rows: Array | slice | None = None) -> Array:
        """The rows of X, all or those given, as a network takes them, in a new array of `dtype`."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """x' = (x - shift) · factor; both (n_features,) in float64, in which the formula is computed as well.

    `feature_names` are for messages only. `constant` (n_features,): which columns were the same in every row but for
    rounding; `extremes`: the smallest and the largest value of each; None where nobody looked. None is part of what is
    saved.

    >>> Scaling(np.array([10.0]), np.array([0.5])).apply(np.array([[10.0], [14.0]])).ravel()
    array([0., 2.])
    """

    shift: Array
    factor: Array
    feature_names: tuple[str, ...] = field(default=(), repr=False)
    constant: Array | None = field(default=None, repr=False)
    extremes: tuple[Array, Array] | None = field(default=None, repr=False)

    def apply(self, X: Array, dtype: npt.DTypeLike = np.float64, rows: Array | slice | None = None) -> Array:
        """The scaled rows of X, all or those given, as a new array of `dtype`."""
        n_rows = len(X) if rows is None else len(X[rows]) if isinstance(rows, slice) else len(rows)
        out = np.empty((n_rows, self.shift.size), dtype)
        self.apply_into(X, out, rows)
        return out

    def apply_into(self, X: Array, out: Array, rows: Array | slice | None = None) -> None:
        """Write the scaled rows of X, all or those given, into `out`; X itself may be `out`.

        DataError if a result is not finite in the dtype of `out`.
        """
        self._check_width(X)
        first, chosen = (rows.start or 0, None) if isinstance(rows, slice) else (0, rows)
        X = X[rows] if isinstance(rows, slice) else X
        for part in row_blocks(len(out), self.shift.size, CELLS):
            self._write(selected(X, chosen, part), out[part])
            if not all_finite(out[part]):
                numbers = np.arange(part.start, part.stop) + first if chosen is None else chosen[part]
                self.refuse(numbers, out[part])

    @np.errstate(over="ignore", invalid="ignore")  # reported by whoever calls, with the place
    def _write(self, rows: Array, out: Array) -> None:
        block = np.subtract(rows, self.shift)
        block *= self.factor
        out[...] = block

    def refuse(self, numbers: Array, scaled: Array) -> None:
        """Raise DataError at the cells of the rows of those `numbers` that are not finite when scaled."""
        bad = np.argwhere(~np.isfinite(scaled))
        places = [f"row {numbers[i]}, column {_name(j, self.feature_names)}" for i, j in bad[:SHOWN]]
        values = "1 value is" if len(bad) == 1 else f"{len(bad)} values are"
        wider = "" if scaled.dtype == np.float64 else ", or compute in float64"
        if np.isnan(scaled[tuple(bad[0])]):
            wider += '; or, to have missing cells filled, train with [data] missing = "impute"'
        raise DataError(
            f"{values} not finite after scaling to {scaled.dtype}: {first_few(places, len(bad))}. "
            f"Correct or rescale them{wider}."
        )

    def undo(self, scaled: Array) -> Array:
        """X again, from what `apply` made of it: x = x' / factor + shift, in float64."""
        return np.asarray(scaled, dtype=np.float64) / self.factor + self.shift

    def to_json(self) -> dict[str, Any]:
        """The numbers as lists of Python floats, which JSON keeps exactly."""
        return {"shift": self.shift.tolist(), "factor": self.factor.tolist()}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Scaling:
        """The scaling that `to_json` wrote."""
        return cls(np.array(saved["shift"], dtype=np.float64), np.array(saved["factor"], dtype=np.float64))

    def _check_width(self, X: Array) -> None:
        if X.ndim != 2 or X.shape[1] != self.shift.size:
            raise ShapeError(
                f"X has shape {X.shape}, but the scaling was fitted on "
                f"{counted(self.shift.size, 'feature')}. Give X of shape (n, {self.shift.size})."
            )


def none(n_features: int, feature_names: Sequence[str] = ()) -> Scaling:
    """Leave everything as it is: x' = x."""
    return Scaling(np.zeros(n_features), np.ones(n_features), tuple(feature_names))


Widen = Callable[[Array], Array]
"""What is done with rows of X before they are looked at."""


def _as_they_are(block: Array) -> Array:
    return block


def standard(
    X: Array,
    rows: Array | None = None,
    feature_names: Sequence[str] = (),
    weights: Array | None = None,
    widen: Widen = _as_they_are,
) -> Scaling:
    """Bring mean and deviation to 0 and 1: x' = (x - mean) / std over the rows given (None: all).

    The variance is the one with 1/n, as in scikit-learn's StandardScaler. `weights` has one number for each of those
    rows: a row of weight k counts like k rows.

    A column that is constant but for rounding becomes 0 but for rounding: its factor is 1.
    """
    columns = _summary(X, rows, widen) if weights is None else _weighted_summary(X, rows, weights, widen)
    return _scaling(columns.mean, columns.deviation, columns, feature_names, X.dtype)


def minmax(
    X: Array, rows: Array | None = None, feature_names: Sequence[str] = (), widen: Widen = _as_they_are
) -> Scaling:
    """Bring the range to 0 ... 1: x' = (x - min) / (max - min) over the rows given (None: all).

    A column that is constant but for rounding becomes 0 but for rounding: its factor is 1.
    """
    columns = _summary(X, rows, widen)
    return _scaling(columns.low, columns.range, columns, feature_names, X.dtype)


def is_constant(deviation: Array, mean: Array, dtype: npt.DTypeLike) -> Array:
    """Which columns of this deviation and mean are constant but for the rounding of `dtype`.

        deviation = 0  or  deviation < t |mean|

    t is 512 ε of float64, 1.1e-13: a number that was computed from others is wrong in its last digits, and no data vary
    as little (the microseconds since 1970 of a fifth of a millisecond). Of float32, which has few digits to spare, it
    is 4 ε, 4.8e-7. Whole numbers of an integer dtype are exact, and t is 0. scikit-learn's StandardScaler has n ε for
    n rows, of float64 always.
    """
    return np.asarray((deviation == 0) | (deviation < _rounding(np.dtype(dtype)) * np.abs(mean)))


def _rounding(dtype: np.dtype[Any]) -> float:
    """How far apart, relative to their size, numbers of `dtype` may be and still differ by rounding only."""
    if dtype.kind != "f":
        return 0.0
    return float(np.finfo(dtype).eps) * 4 if dtype.itemsize < 8 else float(np.finfo(np.float64).eps) * 512


class _Summary(NamedTuple):
    """Of each column: how many rows, their mean, Σ(x - mean)², the smallest and the largest."""

    n: int
    mean: Array
    squares: Array
    low: Array
    high: Array

    @property
    def range(self) -> Array:
        """From the smallest to the largest."""
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(self.high - self.low)

    @property
    def deviation(self) -> Array:
        """√(Σ(x - mean)² / n)."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(self.squares / self.n)


def _summary(X: Array, rows: Array | None, widen: Widen) -> _Summary:
    n_rows = len(X) if rows is None else len(rows)
    if n_rows == 0:
        raise DataError("scaling is fitted on no rows. Give at least one row to train on.")
    parts = row_blocks(n_rows, X.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):  # refused in _scaling, by the name of the column
        columns = _block_summary(widen(selected(X, rows, next(parts))))
        for part in parts:
            columns = _merged(columns, _block_summary(widen(selected(X, rows, part))))
    return columns


def _weighted_summary(X: Array, rows: Array | None, weights: Array, widen: Widen) -> _Summary:
    """The summary of rows that count more or less, their weights brought to a mean of 1. Reads them all at once."""
    values = np.asarray(widen(selected(X, rows, slice(None))), dtype=np.float64)
    shares = weights / weights.sum()
    low, high = values.min(axis=0), values.max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):  # refused in _scaling, by the name of the column
        mean = np.clip(shares @ values, low, high)
        apart = values - mean
        rough = _Summary(len(values), mean, len(values) * (shares @ np.square(apart)), low, high)
        return _corrected(rough, shares @ apart)


def _block_summary(block: Array) -> _Summary:
    values = np.asarray(block, dtype=np.float64)
    low, high = values.min(axis=0), values.max(axis=0)
    mean = np.clip(values.mean(axis=0), low, high)  # the mean of equal numbers is that number, rounding or not
    apart = values - mean
    return _corrected(_Summary(len(values), mean, np.square(apart).sum(axis=0), low, high), apart.mean(axis=0))


def _corrected(columns: _Summary, error: Array) -> _Summary:
    """The summary of a mean that is wrong by `error`, put right where that shows: where the spread is small beside it.

    Chan, Golub & LeVeque (1983), eq. 1.7. A sum of a million numbers near 1e9 is wrong by more than a millisecond each.
    """
    squares = columns.squares - columns.n * error**2
    shows = squares < columns.squares
    mean = np.clip(np.where(shows, columns.mean + error, columns.mean), columns.low, columns.high)
    return columns._replace(mean=mean, squares=np.where(shows, np.maximum(squares, 0), columns.squares))


def _merged(a: _Summary, b: _Summary) -> _Summary:
    """Summary of both: Chan, Golub, LeVeque (1979), eq. 2.1; no large sums are subtracted from each other."""
    n = a.n + b.n
    distance = b.mean - a.mean
    mean = a.mean + distance * (b.n / n)
    squares = a.squares + b.squares + distance**2 * (a.n * b.n / n)
    return _Summary(n, mean, squares, np.minimum(a.low, b.low), np.maximum(a.high, b.high))


def _scaling(
    shift: Array, spread: Array, columns: _Summary, feature_names: Sequence[str], dtype: np.dtype[Any]
) -> Scaling:
    """What brings `spread` to 1; columns that are constant but for the rounding of `dtype` are only shifted."""
    squares_vanish = (columns.squares == 0) & (columns.range > 0)  # of numbers near 1e-170
    deviation = np.where(squares_vanish, columns.range, columns.deviation)
    constant = is_constant(deviation, columns.mean, dtype)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shift, factor = np.where(constant, columns.low, shift), np.where(constant, 1.0, 1 / spread)
    impossible = np.flatnonzero(~(np.isfinite(shift) & np.isfinite(factor) & (factor > 0)))
    if impossible.size:
        found = [_range(j, columns, feature_names) for j in impossible[:4]]
        raise DataError(
            f"{counted(impossible.size, 'column')} cannot be scaled: {first_few(found, impossible.size)}. "
            "Numbers are needed whose squares are finite too: correct or rescale the column, or delete it."
        )
    return Scaling(shift, factor, tuple(feature_names), constant, (columns.low, columns.high))


def _range(column: int, columns: _Summary, feature_names: Sequence[str]) -> str:
    name = _name(column, feature_names)
    return f"column {name} runs from {columns.low[column]:g} to {columns.high[column]:g}"


def _name(column: int, feature_names: Sequence[str]) -> str:
    return quoted(str(feature_names[column])) if feature_names else str(column)
