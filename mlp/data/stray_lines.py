"""What stands in a file beside its table: titles, remarks, units, headers that come again, columns without a name.

Only what is certain is left out, and said. Everything else stays, for `table` to refuse. Knows rows of texts, and the
lines on which they begin; not what columns mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.cells import MISSING, numbers


class Rows(NamedTuple):
    """Rows of texts, the line on which each begins, and which lines were left out, in words."""

    lines: Sequence[int]
    cells: Sequence[list[str]]
    left_out: tuple[str, ...] = ()

    def without(self, indices: Iterable[int], what: str) -> Rows:
        """All but some rows, which are called `what`."""
        gone = set(indices)
        if not gone:
            return self
        kept = [i for i in range(len(self.cells)) if i not in gone]
        said = f"{what} (line {', '.join(str(self.lines[i]) for i in sorted(gone)[:3])}{', ...' * (len(gone) > 3)})"
        return Rows([self.lines[i] for i in kept], [self.cells[i] for i in kept], (*self.left_out, said))


def leave_out_title(rows: Rows) -> Rows:
    """Without the lines of one text that stand above a header of several names."""
    title = list(takewhile(lambda i: _is_remark(rows, i), range(len(rows.cells))))
    header = rows.cells[len(title)] if len(title) < len(rows.cells) else []
    return rows.without(title, "a title") if len(header) > 1 and all(header) else rows


def leave_out_end(rows: Rows) -> Rows:
    """Without empty rows below the last one, and without remarks that follow on an empty line."""
    end = first = len(rows.cells)
    while first > 1 and (not any(rows.cells[first - 1]) or _is_remark(rows, first - 1)):
        first -= 1
    while first < end and any(rows.cells[first]) and not _is_after_a_gap(rows, first):
        first += 1
    remarks = [i for i in range(first, end) if any(rows.cells[i])]
    found = rows.without(range(first, end), "a remark")
    return found if remarks else found._replace(left_out=rows.left_out)


def _is_remark(rows: Rows, i: int) -> bool:
    """Whether a row of a table of several columns is one text, with separators at most where there are many."""
    first, *others = rows.cells[i] or [""]
    width = max(map(len, rows.cells))
    is_one = not any(others) and (not others or width > 2)
    return width > 1 and is_one and first not in MISSING and bool(np.isnan(numbers([first]))[0])


def _is_after_a_gap(rows: Rows, i: int) -> bool:
    """Whether an empty line stands above a row."""
    height = 1 + sum(cell.count("\n") for cell in rows.cells[i - 1])
    return rows.lines[i] - rows.lines[i - 1] > height


def leave_out_headers(header: Sequence[str], rows: Rows) -> Rows:
    """Without the header where it comes again, as in files that were joined, and without a line of units below it.

    Both are certain only where some column holds numbers in every other row. Units are texts in two such columns at
    least, in a first row that has no text of any other column.
    """
    if any(len(cells) != len(header) for cells in rows.cells):
        return rows
    again = {i for i, cells in enumerate(rows.cells) if tuple(cells) == tuple(header)}
    if again:
        rest = [cells for i, cells in enumerate(rows.cells) if i not in again]
        return rows.without(again, "the header again") if rest and any(_of_numbers(rest)) else rows
    if len(rows.cells) < 3 or not _may_be_units(rows.cells[0]):
        return rows
    of_numbers = _of_numbers(rows.cells[1:])
    units = [cell for cell, is_number in zip(rows.cells[0], of_numbers, strict=True) if is_number and cell]
    others = [cell for cell, is_number in zip(rows.cells[0], of_numbers, strict=True) if not is_number]
    return rows.without([0], "units") if len(units) > 1 and not any(others) else rows


def _may_be_units(first: Sequence[str]) -> bool:
    """Whether no cell of a first row is a number, and some are texts."""
    return any(first) and not np.isfinite(numbers(first)).any()


def _of_numbers(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Which columns hold plain numbers, or nothing, in every row; there must be some."""
    return [
        any(np.isfinite(numbers(column))) and all(cell in MISSING for cell in _words(column))
        for column in zip(*rows, strict=True)
    ]


def _words(column: Sequence[str]) -> list[str]:
    return [cell for cell, value in zip(column, numbers(column), strict=True) if np.isnan(value)]


def find_nameless(names: Sequence[str], columns: Sequence[Sequence[str] | Array]) -> dict[int, str]:
    """The columns without a name that say nothing, and why: empty ones, and one that counts the rows from 0 or 1."""
    found = {}
    for j, column in enumerate(columns):
        if names[j]:
            continue
        values = numbers(column)
        is_empty = np.isnan(values).all() if isinstance(column, np.ndarray) else not any(column)
        if is_empty:
            found[j] = "empty"
        elif len(values) > 1 and values[0] in (0, 1) and np.array_equal(values, values[0] + np.arange(len(values))):
            found[j] = "counts the rows"
    return found
