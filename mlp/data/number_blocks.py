"""Long tables of plain numbers, read line by line through NumPy's own reader.

It is for files in UTF-8 without quotes, whose columns are plain numbers or single words. What is anything else is not
read here (None), and `table` then says what is wrong with it, or reads it slowly. The numbers are the same either way.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.cells import MISSING, number
from mlp.data.complaints import one_line
from mlp.data.progress import follow_lines
from mlp.data.reading import Reading, find_separator, kind_of, parse_lines
from mlp.data.stray_lines import Rows, leave_out_headers

SNIFFED = 200
"""Rows by which the columns are told apart."""


class Blocks(NamedTuple):
    """The columns of a file: numbers as views of one array, NaN for a missing cell, or texts."""

    path: Path
    separator: str
    names: tuple[str, ...]
    columns: list[Sequence[str] | Array]
    n_rows: int

    def texts(self, column: int) -> list[str]:
        """The cells of one column as they are written."""
        return _read_texts(self.path, self.separator, column, len(self.names))


class _IrregularError(ValueError):
    """A line that is not for this module."""


def read_blocks(path: Path, reading: Reading) -> Blocks | None:
    """The columns of a table with a header; None where the file is not of plain lines."""
    if reading.encoding or reading.comment or not reading.header:
        return None
    try:
        with path.open(encoding="utf-8-sig") as file:
            start = "".join(islice(file, SNIFFED))
        separator, rest = find_separator(start, kind_of(str(path)), reading.separator)
        if rest is not start or '"' in start or not start.endswith("\n"):
            return None
        header, *rows = parse_lines(path, io.StringIO(start, newline=""), separator)[1]
        if not rows or any(len(row) != len(header) for row in rows):
            return None
        names = tuple(map(one_line, header))
        if leave_out_headers(names, Rows(range(len(rows)), rows)).left_out:
            return None
        of_numbers = [j for j in range(len(header)) if all(_may_be_number(row[j]) for row in rows)]
        return _read(path, separator, names, of_numbers)
    except (ValueError, OverflowError):  # also UnicodeDecodeError, and what parse_lines raises
        return None


def _may_be_number(cell: str) -> bool:
    return cell in MISSING or not np.isnan(number(cell))


def _read(path: Path, separator: str, names: tuple[str, ...], of_numbers: list[int]) -> Blocks | None:
    lines = follow_lines(_lines(path, separator, len(names)), path, path.stat().st_size)
    how: dict[str, Any] = {"delimiter": separator, "comments": None, "usecols": of_numbers, "ndmin": 2}
    if not of_numbers:
        return None
    matrix = np.loadtxt(lines, **how)
    if np.isinf(matrix).any():
        return None
    columns: list[Sequence[str] | Array] = [matrix[:, 0]] * len(names)
    for place, j in enumerate(of_numbers):
        columns[j] = matrix[:, place]
    for j in set(range(len(names))) - set(of_numbers):
        columns[j] = _read_texts(path, separator, j, len(names))
    return Blocks(path, separator, names, columns, len(matrix))


def _lines(path: Path, separator: str, n_columns: int) -> Iterator[str]:
    """The lines below the header, empty cells as nan; _IrregularError for lines of other lengths, quoted or blank."""
    empty, filled, last = separator * 2, f"{separator}nan{separator}", separator + "\n"
    n_separators = n_columns - 1
    bare = separator * n_separators + "\n"  # a row of nothing
    with path.open(encoding="utf-8-sig") as file:
        next(file)
        for line in file:
            if line.count(separator) != n_separators or '"' in line or line == bare:
                raise _IrregularError
            while empty in line:
                line = line.replace(empty, filled)
            if line.startswith(separator):
                line = "nan" + line
            if line.endswith(last) or line.endswith(separator):
                line = line.rstrip("\n") + "nan\n"
            yield line


def _read_texts(path: Path, separator: str, column: int, n_columns: int) -> list[str]:
    """The cells of a column; lines are split from the end that is nearer to it: the last of 50 takes a fifth so."""
    behind = n_columns - column
    with path.open(encoding="utf-8-sig") as file:
        next(file)
        if column < behind:
            found = [line.split(separator, column + 1)[column].strip() for line in file]
        else:
            found = [line.rsplit(separator, behind)[-behind].strip() for line in file]
    if any(not text.isprintable() for text in set(found)):
        raise _IrregularError
    return found
