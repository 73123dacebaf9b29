"""Frames of other libraries (pandas, polars, Arrow) as tables, without importing any of them.

A column of numbers stays one, with NaN for what is missing. All else becomes text, as it would stand in a file, so that
a frame is read as its CSV would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.boxed import is_missing
from mlp.data.cells import MISSING, as_integers, number
from mlp.data.complaints import names
from mlp.data.table import Table
from mlp.errors import DataError

MISSING_TEXT = ""


def is_frame(values: Any) -> bool:
    """Whether it has columns with names: a frame of pandas or polars, or a table of Arrow."""
    return frame_names(values) is not None and hasattr(values, "__getitem__") and hasattr(values, "shape")


def frame_names(values: Any) -> list[Any] | None:
    """The names of a frame's columns; None where there are none."""
    given = getattr(values, "column_names", None)  # of Arrow, whose `columns` are the columns themselves
    if given is None:
        given = getattr(values, "columns", None)
    return None if given is None or callable(given) else list(given)


def read_frame(frame: Any, name: str = "data") -> Table:
    """A frame as a table. `name` is what messages call it."""
    known = frame_names(frame) or []
    labels = tuple(map(str, known))
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice or not labels:
        what = f"has the column {names(twice)} more than once" if twice else "has no columns"
        raise DataError(f"{name} {what}. Give every column a name of its own.")
    columns = [_read_column(frame[label]) for label in known]
    n_rows = len(columns[0])
    if not n_rows:
        raise DataError(f"{name} has no rows. Give at least one.")
    return Table(name, labels, columns, range(n_rows), "row")


def text_table(frame: Any, name: str = "data") -> Table | None:
    """A frame as a table, where some of its columns hold words; None where none does, and for all that is no frame."""
    if not is_frame(frame) or not all(isinstance(label, str) for label in frame_names(frame) or ()):
        return None
    columns = [np.asarray(frame[label]) for label in frame_names(frame) or ()]
    return read_frame(frame, name) if any(map(_has_words, columns)) else None


def _has_words(values: Array) -> bool:
    """Whether some cells are texts, and neither numbers nor missing."""
    if values.dtype.kind not in "OUT" or not values.size:
        return False
    texts = {cell for cell in values.tolist() if isinstance(cell, str)}
    return any(text.strip() not in MISSING and np.isnan(number(text)) for text in texts)


def read_cells(held: Sequence[Any]) -> Sequence[str] | Array:
    """Values as an array where all that are not missing are numbers, else as text."""
    cells = [None if is_missing(cell) else cell for cell in held]
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {int} and None not in cells:
        whole = as_integers(list(held))
        return np.array([_as_float(cell) for cell in cells], np.float64) if whole is None else whole
    if kinds and kinds <= {int, float}:
        return np.array([np.nan if cell is None else _as_float(cell) for cell in cells], np.float64)
    return [_write(cell) for cell in cells]


def _read_column(column: Any) -> Sequence[str] | Array:
    """Numbers as an array, all else as text."""
    values = np.asarray(column)
    if values.dtype.kind in "iuf":
        return values.astype(np.float64) if values.dtype == np.float16 else values
    if values.dtype.kind == "O":
        return read_cells(values.tolist())
    if values.dtype.kind in "Mm":
        return [MISSING_TEXT if text == "NaT" else text for text in values.astype(str).tolist()]
    return [_write(cell) for cell in values.tolist()]


def _as_float(number: Any) -> float:
    """The number; infinite where it is a whole one that no float holds."""
    try:
        return float(number)
    except OverflowError:
        return np.inf if number > 0 else -np.inf


def _write(cell: Any) -> str:
    """A cell as a file has it."""
    return MISSING_TEXT if cell is None else str(cell).strip()
