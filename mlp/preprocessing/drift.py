"""Inputs that are far off what was learned: another unit, columns that changed places, a sensor that stands still.

What the rows to train on looked like is kept with the model: how far each column runs, and how close together a tenth
of its values lie. Rows that come later are held against that. Few rows prove little, and tails may be heavy: what
counts is how unlikely it is that the next rows from the same source lie beyond all that were seen, whatever their
distribution. Arrays and names only; knows no network.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, lgamma
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data import Scaling
from mlp.data.blocks import row_blocks, selected
from mlp.data.complaints import counted, quoted
from mlp.data.encoding import Column
from mlp.errors import DriftedInputsWarning

LOOKED_AT, SCREENED, FIRST = (
    1024,
    32,
    5,
)  # rows that are judged; that tell which columns to judge; that tell whether any
SORTED = 512  # training rows in which a tenth is measured
ROUNDING = 1e-6  # ranges by which float32 and scaling back may move a value
BEYOND = 0.1  # ranges beyond which a middle is clearly outside what was learned
FAR, FAR_ALONE = 10.0, 30.0  # ranges beyond which nothing has to be proved: of several rows, of one
UNLIKELY, IMPOSSIBLE = (
    1e-4,
    1e-6,
)  # chance over all columns below which rows that lie so far beyond, or anywhere, are odd
STILL, ENOUGH = 0.25, 10  # a column stands still within a quarter of what holds a tenth, in so many rows
NEW = 3  # rows with a category that nobody has seen, and at least half of all


@dataclass(frozen=True, eq=False)
class Learned:
    """What the columns of `rows` rows to train on were: the smallest and the largest value, (n_features,).

    `tenth`: the width of the narrowest interval that holds a tenth of the values; 0 where one value is that frequent.
    """

    rows: int
    low: Array
    high: Array
    tenth: Array

    @cached_property
    def _width(self) -> Array:
        """From the smallest to the largest; of a constant column what its value is, and 1 of none."""
        width = self.high - self.low
        return np.where(width > 0, width, np.maximum(1.0, np.abs(self.low)))

    @cached_property
    def _alone(self) -> tuple[Array, Array]:
        """Where a value of one row is too small or too large."""
        return self.low - FAR_ALONE * self._width, self.high + FAR_ALONE * self._width

    @cached_property
    def _edges(self) -> tuple[Array, Array]:
        """Where a value is outside, and not only rounded."""
        return self.low - ROUNDING * self._width, self.high + ROUNDING * self._width

    @cached_property
    def _still(self) -> Array:
        """Within what a column stands still."""
        return STILL * self.tenth

    def find_drift(self, X: Array, names: Sequence[str]) -> list[Drift]:
        """The columns of raw rows X (n, n_features) that are far off, by name. One row costs two comparisons."""
        if self._is_usual(X):
            return []
        rows = np.asarray(X if len(X) <= LOOKED_AT else X[:: -(-len(X) // LOOKED_AT)])
        columns = np.flatnonzero(self._screen(X)).tolist()
        found = (self._judge(rows[:, j], j, names[j]) for j in columns)
        return [drift for drift in found if drift is not None]

    def _is_usual(self, X: Array) -> bool:
        """Whether the only row, or the few that are looked at first, show nothing: the answer to nearly all rows."""
        low, high = self._alone if len(X) == 1 else self._edges
        few = X if len(X) <= FIRST else X[:: -(-len(X) // FIRST)]
        if np.count_nonzero(few > high) or np.count_nonzero(few < low):
            return False
        return len(X) < ENOUGH or not np.count_nonzero((np.abs(few[1:] - few[0]) < self._still).all(0))

    def _screen(self, X: Array) -> Array:
        """Which columns some rows of X tell to be judged, (n_features,)."""
        some = X if len(X) <= SCREENED else X[:: -(-len(X) // SCREENED)]
        low, high = self._edges
        outside = np.maximum(np.count_nonzero(some > high, 0), np.count_nonzero(some < low, 0))
        odd = np.asarray(3 * outside >= len(some))
        return odd if len(X) < ENOUGH else odd | (np.fmax.reduce(some) < np.fmin.reduce(some) + self._still)

    def _judge(self, values: Array, column: int, name: str) -> Drift | None:
        """Whether the values of one column are far off, as far as they are there."""
        values = values[np.isfinite(values)].astype(np.float64)
        if not len(values):
            return None
        low, high, width = float(self.low[column]), float(self.high[column]), float(self._width[column])
        outside = max(int((values > high + ROUNDING * width).sum()), int((values < low - ROUNDING * width).sum()))
        middle = float(np.median(values))
        beyond = max(middle - high, low - middle, 0.0) / width
        drift = Drift(name, low, high, float(values.min()), float(values.max()), len(values), beyond)
        if len(values) == 1:
            return drift if beyond > FAR_ALONE else None
        if beyond > FAR:
            return drift
        chance = len(self.low) * chance_beyond(self.rows, len(values), outside)
        if beyond > ROUNDING and chance < (UNLIKELY if beyond > BEYOND else IMPOSSIBLE):
            return drift
        is_still = len(values) >= ENOUGH and drift.most - drift.least < self._still[column]
        return drift._replace(is_still=True) if is_still and beyond <= ROUNDING else None

    def widened(self, X: Array) -> Learned:
        """The same, of more rows to train on too."""
        low, high = np.fmin(self.low, np.fmin.reduce(X)), np.fmax(self.high, np.fmax.reduce(X))
        return Learned(self.rows + len(X), low, high, self.tenth)

    def fits(self, n_features: int) -> bool:
        """Whether it is about so many columns."""
        return self.low.shape == self.high.shape == self.tenth.shape == (n_features,)

    def to_json(self) -> dict[str, Any]:
        """In Python's numbers."""
        return {
            "rows": self.rows, "low": self.low.tolist(), "high": self.high.tolist(), "tenth": self.tenth.tolist()
        }  # fmt: skip

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Learned:
        """What `to_json` wrote."""
        return cls(saved["rows"], *(np.array(saved[name], np.float64) for name in ("low", "high", "tenth")))


class Drift(NamedTuple):
    """A column that is far off: what was learned, and what `rows` rows hold now.

    `beyond`: by how many learned ranges their middle lies outside.
    `is_still`: it hardly varies any more. `new`: in so many rows it has a category that was not seen in training.
    """

    name: str
    low: float
    high: float
    least: float
    most: float
    rows: int
    beyond: float = 0.0
    is_still: bool = False
    new: int = 0

    def __str__(self) -> str:
        """What was seen, and what was learned."""
        of = counted(self.rows, "row")
        if self.new:
            return f"column {quoted(self.name)} has categories that nobody has seen in {self.new} of {of}"
        ran = f"ran from {self.low:.4g} to {self.high:.4g} in training"
        if self.is_still:
            return f"column {quoted(self.name)} stays within {self.least:.4g} and {self.most:.4g} in {of}, and {ran}"
        if self.least == self.most:
            return f"column {quoted(self.name)} is {self.least:.4g} in {of}, and {ran}"
        return f"column {quoted(self.name)} runs from {self.least:.4g} to {self.most:.4g} in {of}, and {ran}"


def chance_beyond(learned: int, n: int, outside: int) -> float:
    """The chance that of n more rows `outside` or more lie above all that were learned, or below, whatever they are.

    All orders of the learned + n values are equally likely: the `outside` largest are all new with the chance
    Π (n - i) / (learned + n - i) over i < outside.

    >>> round(chance_beyond(9, 1, 1), 12), round(chance_beyond(1, 3, 3), 12)
    (0.2, 0.5)
    """
    total = learned + n
    return 2 * exp(lgamma(n + 1) - lgamma(n - outside + 1) + lgamma(total - outside + 1) - lgamma(total + 1))


def learn_ranges(X: Array, rows: Array, scaling: Scaling) -> Learned:
    """What the columns of some rows of X (n, n_features) are, missing cells left out.

    `scaling` was fitted on the same rows and has seen how far they run, unless it leaves everything as it is.
    """
    n_in = X.shape[1]
    if scaling.extremes is not None:
        low, high = (values[:n_in] for values in scaling.extremes)
    else:
        blocks = (selected(X, rows, part) for part in row_blocks(len(rows), n_in))
        each = [(np.fmin.reduce(block), np.fmax.reduce(block)) for block in blocks]
        low, high = np.fmin.reduce([lows for lows, _ in each]), np.fmax.reduce([highs for _, highs in each])
    sample = np.sort(np.asarray(X[rows[:SORTED]], np.float64), axis=0)  # missing cells, NaN, come last
    n_steps = max(1, len(sample) // 10)
    width = np.fmin.reduce(sample[n_steps:] - sample[:-n_steps]) if len(sample) >= 2 * ENOUGH else np.zeros(n_in)
    return Learned(len(rows), np.asarray(low, np.float64), np.asarray(high, np.float64), np.nan_to_num(width))


def find_new_categories(X: Array, columns: Sequence[Column]) -> Iterator[Drift]:
    """Columns of categories that are none of those that were seen, in three rows or more and in at least half of them.

    Encoded they are zeros only. Missing cells are NaN, and no category.
    """
    start = 0
    for column in columns:
        stop = start + len(column.feature_names)
        if column.categories is not None:
            new = int((~X[:, start:stop].any(axis=1)).sum())
            if new >= NEW and 2 * new >= len(X):
                yield Drift(column.name, 0, 1, 0, 1, len(X), new=new)
        start = stop


def describe_drift(found: Sequence[Drift], most: int = 3) -> str:
    """One line: which columns, what was learned, what is there, and what to do."""
    said = "; ".join(map(str, found[:most])) + (f"; {len(found) - most} more columns" if len(found) > most else "")
    units = "Give the columns in the order and the units of the training, or train on rows like these."
    remedy = "Train on rows that have them." if all(drift.new for drift in found) else units
    return f"drifted_inputs: {said}. The answers are guesses there. {remedy}"


def warn_of_drift(found: Sequence[Drift]) -> None:
    """Warn on the line that called into this package, where there is anything to warn of."""
    if found:
        frame, level = sys._getframe(1), 2
        while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "mlp":
            frame, level = frame.f_back, level + 1  # type: ignore[assignment]
        warnings.warn(DriftedInputsWarning(describe_drift(found), [drift.name for drift in found]), stacklevel=level)
