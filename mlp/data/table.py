"""A text file with a header and rows of cells, and on which line of the file each row begins.

Knows the CSV dialects that spreadsheets write (byte order mark, quoted cells, quoted line breaks, semicolons)
and what is wrong when a file is none of them. Does not know what the cells mean.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlp.data.cells import numbers
from mlp.data.complaints import counted, first_few, names, one_line
from mlp.errors import DataError, FileFormatError

DELIMITERS = {".csv": ",;\t", ".tsv": "\t"}  # in order of preference
QUOTED = re.compile(r'"[^"]*"')


class Table(NamedTuple):
    """Cells as text, without white space around them; row i begins on line `lines[i]` of the file."""

    path: str
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def column(self, index: int) -> list[str]:
        """The cells of one column."""
        return [row[index] for row in self.rows]

    def place(self, row: int) -> str:
        """Where a row stands, for a message."""
        return f"line {self.lines[row]}"


def read_table(path: Path) -> Table:
    """Read a table whose first line names its columns.

    A .tsv is separated by tabs. A .csv is separated by commas, or, if its header has no comma, by semicolons
    or tabs.
    """
    text = _decoded(path)
    lines, rows = _parsed(path, text, _delimiter(path, text))
    if not rows:
        raise DataError(f"{path} is empty. A table needs a header line with column names, and rows below it.")
    header = tuple(one_line(name) for name in rows[0])
    _check_header(path, header, lines[0])
    table = Table(str(path), header, rows[1:], lines[1:])
    _check_rows(table)
    return table


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileFormatError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8. "
            "Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')."
        ) from None


def _delimiter(path: Path, text: str) -> str:
    """The first delimiter that divides the header; the first of all where none does (a single column)."""
    candidates = DELIMITERS[path.suffix.lower()]
    header = QUOTED.sub("", text.lstrip().partition("\n")[0])
    return next((delimiter for delimiter in candidates if delimiter in header), candidates[0])


def _parsed(path: Path, text: str, delimiter: str) -> tuple[list[int], list[list[str]]]:
    """The lines on which rows begin, and the rows; blank lines are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines, rows, line = [], [], 1
    try:
        for row in reader:
            if row:
                lines.append(line)
                rows.append([cell.strip() for cell in row])
            line = reader.line_num + 1
    except csv.Error as error:
        raise FileFormatError(
            f"{path}, line {line}: {one_line(error)}. "
            'Put cells that hold quotes, line breaks or the separator in quotes ("), inner quotes doubled.'
        ) from None
    return lines, rows


def _check_header(path: Path, header: Sequence[str], line: int) -> None:
    place = f"{path}, line {line}"
    if np.all(np.isfinite(numbers(header))):
        raise DataError(f"{place}: {names(header, 4)} are all numbers. Put a header line with column names above them.")
    unnamed = [f"column {i + 1}" for i, name in enumerate(header) if not name]
    if unnamed:
        raise DataError(
            f"{place}: {first_few(unnamed)} without a name. Give every column a name "
            "(an index column written by pandas: save with index=False)."
        )
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise DataError(f"{place}: {names(repeated)} named more than once. Give every column a name of its own.")


def _check_rows(table: Table) -> None:
    if not table.rows:
        raise DataError(f"{table.path} has a header but no rows. Add at least one row below line 1.")
    n_columns = len(table.names)
    ragged = [
        f"{table.place(i)} has {counted(len(row), 'cell')}" for i, row in enumerate(table.rows) if len(row) != n_columns
    ]
    if ragged:
        raise DataError(
            f"{table.path}: the header names {counted(n_columns, 'column')}, but {first_few(ragged)}. "
            "Give each row one cell for each column."
        )
