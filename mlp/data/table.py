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

from mlp.arrays import Array
from mlp.data.cells import MISSING, Cells, number, numbers
from mlp.data.complaints import counted, first_few, names, one_line, quoted
from mlp.errors import DataError, FileFormatError
from mlp.storage.reading import read_file

DELIMITERS = {".csv": ",;\t", ".tsv": "\t"}  # in order of preference
QUOTED = re.compile(r'"[^"]*"')
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all but tab and line breaks
PLAIN_NUMBER = re.compile(r"[0-9]+")  # how columns are numbered, and years are written


class Table(NamedTuple):
    """Cells as text, without white space around them; row i begins on line `lines[i]` of the file."""

    path: str
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def column(self, index: int) -> list[str]:
        """The cells of one column."""
        return [row[index] for row in self.rows]

    def cells(self, index: int) -> Cells:
        """The same with their places."""
        return Cells(self.column(index), self.path, self.names[index], self.lines)

    def place(self, row: int) -> str:
        """Where a row stands, for a message."""
        return f"line {self.lines[row]}"


def read_table(path: Path) -> Table:
    """Read a table whose first line names its columns.

    A .tsv is separated by tabs. A .csv is separated by commas, or, if its header has no comma, by semicolons
    or tabs.
    """
    text = _decoded(path)
    delimiter = _delimiter(path, text)
    lines, rows = _parsed(path, text, delimiter)
    if not rows:
        raise DataError(f"{path} is empty. A table needs a header line with column names, and rows below it.")
    if CONTROL.search(text):
        _check_printable(path, lines, rows)
    header = tuple(one_line(name) for name in rows[0])
    table = Table(str(path), header, rows[1:], lines[1:])
    place = f"{path}, line {lines[0]}"
    _check_not_numbers(place, header, delimiter)
    _check_rows(table)
    _check_not_data(place, table, delimiter)
    _check_names(place, header)
    return table


def _decoded(path: Path) -> str:
    content = read_file(path)
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


def _check_printable(path: Path, lines: Sequence[int], rows: Sequence[Sequence[str]]) -> None:
    """Refuse cells with control characters: "a" alone and "a" with a NUL look alike, and would be two classes."""
    found = [
        f"line {line}, column {j + 1}: {quoted(cell)}"
        for line, row in zip(lines, rows, strict=True)
        for j, cell in enumerate(row)
        if CONTROL.search(cell)
    ]
    if found:
        raise DataError(
            f"{path}: {counted(len(found), 'cell')} with control characters: {first_few(found)}. "
            "Delete these characters; if there are many, save the file as UTF-8."
        )


def _check_not_numbers(place: str, header: Sequence[str], delimiter: str) -> None:
    if np.all(np.isfinite(numbers(header))):
        raise DataError(
            f"{place}: {names(header, 4)} are all numbers. "
            f"Put a header line with column names above them: {_header_to_add(len(header), delimiter)}"
        )


def _check_not_data(place: str, table: Table, delimiter: str) -> None:
    """Refuse a first line that is a row: it would be lost, and lend its cells to the columns as names.

    Cells are weighed against those below them. A text above numbers settles that it is a name. Otherwise a text
    that stands again in its own column speaks for a row, one that does not for a header; a number for a row if it
    lies in the range of its column and is not written as columns are numbered: pandas names them 0, 1, ...,
    pivot tables 2001, 2002, ..., and wavelengths are far from what is measured at them.
    """
    votes = 0
    for j, name in enumerate(table.names):
        if name in MISSING:
            continue
        cells = table.column(j)
        value = number(name)
        if np.isnan(value):
            if np.count_nonzero(np.isfinite(numbers(cells))) * 2 > len(cells):
                return
            votes += 1 if name in cells else -1
        elif not PLAIN_NUMBER.fullmatch(name):
            votes += int(_in_range(value, numbers(cells)))
    if votes > 0:
        raise DataError(
            f"{place}: {names(table.names, 5)} look like data, not like names of columns. "
            f"Put a header line with column names above them: {_header_to_add(len(table.names), delimiter)}"
        )


def _in_range(value: float, column: Array) -> bool:
    known = column[np.isfinite(column)]
    return 2 * len(known) > len(column) and bool(known.min() <= value <= known.max())


def _header_to_add(n_columns: int, delimiter: str) -> str:
    """Names for columns that have none; the last is what most files have there.

    >>> _header_to_add(3, ","), _header_to_add(785, ";")
    ('x0,x1,label', 'x0;x1;...;x783;label')
    """
    features = [f"x{j}" for j in range(n_columns - 1)]
    if n_columns > 12:
        features[2:-1] = ["..."]
    return delimiter.join([*features, "label"])


def _check_names(place: str, header: Sequence[str]) -> None:
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
