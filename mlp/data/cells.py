"""What single cells of a table say: a number, a class, nothing.

A cell is text (from a file) or any Python or NumPy scalar (from memory). `Cells` are those of one column, with what a
message calls them. Knows nothing of encodings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.complaints import SHOWN, first_few, quoted

MISSING = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "NaT", "null", "NULL", "None", "<NA>", "?", "#N/A"})
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Cells(NamedTuple):
    """The cells of a column, from a file or from memory, and how a message calls it and them.

    `values`: texts, or what stands in memory; numbers may be an array, in which NaN is a missing cell. `lines[i]` is
    the line of the file on which the i-th cell stands, or with the `unit` "row" the row; None: they are counted from 0.
    """

    values: Sequence[Any] | Array
    where: str
    name: str
    lines: Sequence[int] | None = None
    unit: str = "line"

    def place(self, i: int) -> str:
        """Where the i-th cell stands: "line 17", "row 3"."""
        return f"row {i}" if self.lines is None else f"{self.unit} {self.lines[i]}"

    def take(self, rows: Sequence[int]) -> Cells:
        """Some of the cells, which keep their places."""
        lines = rows if self.lines is None else [self.lines[i] for i in rows]
        values = self.values[rows] if isinstance(self.values, np.ndarray) else [self.values[i] for i in rows]
        return self._replace(values=values, lines=lines, unit="row" if self.lines is None else self.unit)

    def texts(self) -> list[str]:
        """The cells as text."""
        values = self.values.tolist() if isinstance(self.values, np.ndarray) else self.values
        return [str(cell).strip() for cell in values]

    @property
    def title(self) -> str:
        """What a message calls the column."""
        return f"{self.where}, column {quoted(self.name)}" if self.name else self.where

    def title_at(self, i: int) -> str:
        """What a message calls the i-th cell."""
        column = [f"column {quoted(self.name)}"] if self.name else []
        return ", ".join([self.where, self.place(i), *column])

    def shown(self, places: Sequence[int]) -> str:
        """The first of some cells, where and what.

        >>> Cells(["a", "b"], "t.csv", "x", [2, 3]).shown([0, 1])
        "line 2: 'a'; line 3: 'b'"
        """
        return first_few([f"{self.place(i)}: {quoted(self.values[i])}" for i in places[:SHOWN]], len(places))


def which_missing(cells: Sequence[Any] | Array) -> list[int]:
    """The positions of missing cells."""
    if is_number_array(cells):
        return [int(i) for i in np.flatnonzero(np.isnan(cells))]
    texts = list(map(str.strip, map(str, cells)))
    if MISSING.isdisjoint(texts):  # nearly always, and ten times faster than asking cell by cell
        return []
    return [i for i, text in enumerate(texts) if text in MISSING]


def is_number_array(cells: Any) -> bool:
    """Whether the cells of a column were read as numbers already."""
    return isinstance(cells, np.ndarray) and cells.dtype.kind in "iuf"


def number(cell: Any) -> float:
    """The number in a cell, ±inf included; NaN where there is none.

    Python's digit separator is no number here: a cell 1_000 is more likely a code than a thousand.
    """
    if (isinstance(cell, str) and "_" in cell) or np.iscomplexobj(cell):
        return float("nan")
    try:
        return float(cell)
    except OverflowError:  # a Python integer beyond 1e308
        return float("inf")
    except (TypeError, ValueError):
        return float("nan")


def numbers(cells: Sequence[Any] | Array) -> Array:
    """The numbers in some cells as float64; NaN where a cell is none."""
    if is_number_array(cells):
        return np.asarray(cells, np.float64)
    try:
        together = "".join(cells)
    except TypeError:  # not text only
        return np.array([number(cell) for cell in cells], dtype=np.float64)
    if "_" not in together:
        with suppress(ValueError):  # all of it numbers: three times faster in one go
            return np.array(list(map(float, cells)), dtype=np.float64)
    known = {text: number(text) for text in set(cells)}
    return np.array([known[text] for text in cells], dtype=np.float64)


def whole_numbers(cells: Sequence[Any] | Array) -> Array | None:
    """The cells as int64, or as uint64 where only that holds them; None if one is not written as a whole number."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iuf":
        return None if cells.dtype.kind == "f" else cells.astype(np.uint64 if cells.dtype == np.uint64 else np.int64)
    if not all(WHOLE_NUMBER.fullmatch(str(cell)) and len(str(cell)) < 400 for cell in cells):
        return None
    return as_integers([int(cell) for cell in cells])


def as_integers(values: Sequence[int]) -> Array | None:
    """Python's whole numbers as int64, or as uint64 where only that holds them; None where neither does.

    NumPy itself makes float64 of 1 and 2⁶³ in one list.
    """
    low, high = min(values, default=0), max(values, default=0)
    for dtype in (np.int64, np.uint64):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return np.array(values, dtype)
    return None


def exact_number(text: str) -> Decimal | None:
    """The number that a text writes, with all its digits; None where it is none."""
    try:
        return Decimal(text) if PLAIN_NUMBER.fullmatch(text) else None
    except InvalidOperation:  # an exponent of more than 18 digits
        return None
