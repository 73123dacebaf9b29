"""Values out of lists, arrays and columns of other libraries, as arrays that hold them exactly.

NumPy's own way writes out what stands among text (1 as '1', NaN as 'nan'), and makes floats of -1 and 2⁶³ in one list.
Here what is whole stays whole, what is missing is named, and several kinds in one column are refused. Does not know
what the values are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlp.arrays import Array, is_masked
from mlp.data.cells import as_integers
from mlp.data.complaints import SHOWN, first_few, one_line, quoted
from mlp.errors import DataError

KINDS: dict[str, tuple[type[Any], ...]] = {
    "truth values": (bool, np.bool_),
    "numbers": (int, float, np.integer, np.floating),
    "text": (str,),
    "bytes": (bytes,),
}
"""What values may be; of two that fit, the first."""
NEVER_MISSING = {bool, int, str, bytes}
EXACT = 2.0**53  # from here on a float stands for several whole numbers


def exact_array(values: Any, where: str = "y") -> Array:
    """Values as an array, of a list that of its kind; what another library hands out as objects stays objects.

    DataError for rows of different lengths, for a masked array, and for a list that `unboxed` refuses.
    """
    try:
        found: Array = np.asanyarray(values)
        listed = None if hasattr(values, "__array__") else np.array(values, dtype=object)
    except Exception as error:  # a ValueError, or whatever a frame raises that has no array
        raise DataError(f"{where} is no array: {one_line(error)}") from None
    if is_masked(found):
        raise DataError(f"{where} is masked in places. Fill them, or delete these rows.")
    if listed is not None and listed.shape == found.shape and _is_changed(found, listed):
        return unboxed(listed, where)
    return found.astype(object) if found.dtype.kind == "T" else found


def boxed(values: Any) -> Array:
    """Rows as an array whose cells are as they were given: of a frame of whole numbers and floats, both."""
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "columns"):
        return np.array([list(values[name]) for name in values.columns], dtype=object).T
    return np.array(values, dtype=object)


def _is_changed(found: Array, listed: Array) -> bool:
    """Whether the type that NumPy found for a list holds other values than the list, or just any."""
    if found.dtype.kind == "O":
        return True
    if found.dtype.kind in "US":
        return bool(found.tolist() != listed.tolist())
    return found.dtype.kind == "f" and bool((np.abs(found) >= EXACT).any())


def unboxed(values: Array, where: str = "y") -> Array:
    """What an array of objects holds, as an array of its kind; other arrays as they are.

    DataError where cells are missing, of several kinds, or of a kind that is none of `KINDS`.
    """
    if values.dtype.kind != "O" or not values.size or not values.ndim:
        return values
    cells = values.ravel().tolist()
    rows = np.indices(values.shape)[0].ravel()
    _check_present(cells, rows, where)
    kind = _kind(cells, rows, where)
    found = _numbers(cells, where) if kind == "numbers" else np.array(cells)
    if kind in ("text", "bytes") and found.tolist() != cells:
        raise DataError(f"{where} holds text that ends in a NUL character, which NumPy drops. Delete it.")
    return found.reshape(values.shape)


def _check_present(cells: Sequence[Any], rows: Array, where: str) -> None:
    """Refuse missing cells: None, NaN, NaT, <NA>."""
    if NEVER_MISSING.issuperset(map(type, cells)):
        return
    missing = [i for i, cell in enumerate(cells) if is_missing(cell)]
    if missing:
        cell = cells[missing[0]]
        name = "NaN" if isinstance(cell, float) else str(cell)
        places = first_few([f"row {rows[i]}" for i in missing[:SHOWN]], len(missing))
        raise DataError(f"Input {where} contains {name}: {places}. Fill these cells in, or leave their rows out.")


def is_missing(cell: Any) -> bool:
    """None, and what does not equal itself; pandas' <NA> does not even say whether it does."""
    if cell is None or type(cell).__name__ == "NAType":
        return True
    try:
        return bool(cell != cell)
    except (TypeError, ValueError, ArithmeticError):
        return False


def _kind(cells: Sequence[Any], rows: Array, where: str) -> str:
    """Of which kind all cells are; truth values among numbers are numbers."""
    by_type = {kind: _kind_of(kind) for kind in dict.fromkeys(map(type, cells))}
    first, *others = dict.fromkeys(by_type.values())
    if {first, *others} == {"truth values", "numbers"}:
        return "numbers"
    for i, cell in enumerate(cells if others or not first else ()):
        kind = by_type[type(cell)]
        if not kind:
            called = f"{type(cell).__name__} values ({quoted(cell)})"
            raise DataError(f"Unknown label type: {where} holds {called}. Give numbers, text or truth values.")
        if kind != first:
            odd = f"{first} and, in row {rows[i]}, {quoted(cell)}"
            raise DataError(f"Unknown label type: {where} holds {odd}. Give values of one kind.")
    return first


def _kind_of(of: type[Any]) -> str:
    return next((kind for kind, types in KINDS.items() if issubclass(of, types)), "")


def _numbers(cells: Sequence[Any], where: str) -> Array:
    """Whole numbers as int64 or uint64, others as float64; DataError where neither holds what is there."""
    if not any(isinstance(cell, float | np.floating) for cell in cells):
        whole = as_integers(list(map(int, cells)))
        if whole is None:
            raise DataError(
                f"{where} holds whole numbers that 64 bits do not hold: give classes as text, numbers as floats."
            )
        return whole
    try:
        values = np.array(cells, dtype=np.float64)
    except OverflowError:
        raise DataError(f"{where} holds whole numbers beyond 1e308. Rescale them.") from None
    changed = [cell for cell, value in zip(cells, values.tolist(), strict=True) if cell != value]
    if changed and all(value.is_integer() for value in values.tolist()):
        raise DataError(
            f"{where} holds {changed[0]} among floats, and no float is that number. Give whole numbers only."
        )
    return values
