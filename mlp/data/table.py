"""A text file with a header and rows of cells, and on which line of the file each row begins.

Knows what a header is, and what is wrong when a file has none, or rows of other lengths. How a file becomes lines is
for `reading`. Does not know what the cells mean.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.cells import MISSING, Cells, number, numbers
from mlp.data.complaints import counted, first_few, names, one_line, quoted
from mlp.data.number_blocks import read_blocks
from mlp.data.numerals import find_decimal, read_numbers, read_numerals
from mlp.data.progress import follow_columns, follow_lines
from mlp.data.reading import (
    AS_USUAL,
    SEPARATORS,
    Reading,
    decode,
    find_separator,
    kind_of,
    leave_out_comments,
    parse_lines,
    read_bytes,
)
from mlp.data.stray_lines import Rows, find_nameless, leave_out_end, leave_out_headers, leave_out_title
from mlp.errors import DataError

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all but tab and line breaks
NO_HEADER = "; or, to call them by their numbers, set [data] header = false (--set data.header=false)."
FAST = 1 << 20  # bytes
PLAIN_NUMBER = re.compile(r"[0-9]+")  # how columns are numbered, and years are written


class Table(NamedTuple):
    """Columns of cells by name: texts without white space around them, or numbers, of which NaN is a missing cell.

    Row i begins on line `lines[i]` of the file at `path`, or is row `lines[i]` of a frame (`unit` "row"). `texts` reads
    a column once more, where its numbers were read without their texts. `left_out`: what of the file is no part of the
    table, in words.
    """

    path: str
    names: tuple[str, ...]
    columns: Sequence[Sequence[Any] | Array]
    lines: Sequence[int]
    unit: str = "line"
    texts: Callable[[int], list[str]] | None = None
    left_out: tuple[str, ...] = ()

    def cells(self, index: int) -> Cells:
        """The cells of one column, with their places."""
        return Cells(self.columns[index], self.path, self.names[index], self.lines, self.unit)

    def with_numbers(self, inputs: Sequence[int], targets: Sequence[int], decimal: str) -> Table:
        """The table with numbers in those of the columns that hold some; `decimal` "" is found out.

        Plain numbers among the `targets` stay texts: they may be the names of classes.
        """
        every = list(self.columns)
        mark = decimal or find_decimal(map(self.cells, [*inputs, *targets]))
        for j in follow_columns(inputs, self.path, len(self.lines)):
            every[j] = read_numbers(self.cells(j), mark).values
        for j in targets:
            every[j] = read_numerals(self.cells(j), mark).values
        return self._replace(columns=every)

    def as_written(self, columns: Iterable[int]) -> Table:
        """The table with the texts of some columns where these may matter: whole numbers that may be names."""
        if self.texts is None:
            return self
        every = list(self.columns)
        for j in columns:
            values = every[j]
            if isinstance(values, np.ndarray) and bool(np.all(np.isnan(values) | (values == np.floor(values)))):
                every[j] = self.texts(j)
        return self._replace(columns=every)

    def without(self, silent: Mapping[int, str]) -> Table:
        """The table without some columns, of which is said why."""
        kept, texts = [j for j in range(len(self.names)) if j not in silent], self.texts
        return self._replace(
            names=tuple(self.names[j] for j in kept),
            columns=[self.columns[j] for j in kept],
            texts=None if texts is None else lambda j: texts(kept[j]),
            left_out=(*self.left_out, *(f"column {j + 1} without a name ({why})" for j, why in silent.items())),
        )

    def take(self, rows: Sequence[int]) -> Table:
        """Some of the rows, which keep their places."""
        columns = [self.cells(j).take(rows).values for j in range(len(self.names))]
        return self._replace(columns=columns, texts=None, lines=[self.lines[i] for i in rows])


def read_table(path: Path, reading: Reading = AS_USUAL, fast: int = FAST) -> Table:
    """Read a table whose first line names its columns, but for what `reading` says.

    A .tsv is separated by tabs, a .csv by what divides its lines alike: commas, semicolons, tabs or bars. Files of
    `fast` bytes or more are read by blocks of plain numbers where they hold them: the same table in less time.
    """
    if _is_long(path, fast) and (found := read_blocks(path, reading)) is not None:
        table = Table(str(path), found.names, found.columns, range(2, 2 + found.n_rows), texts=found.texts)
        return _check_header(f"{path}, line 1", table, found.separator)
    text = leave_out_comments(decode(path, read_bytes(path), reading.encoding), reading.comment)
    separator, text = find_separator(text, kind_of(str(path)), reading.separator)
    every = follow_lines(io.StringIO(text, newline=""), path, len(text))
    lines, rows = parse_lines(path, every, separator)
    if not rows:
        raise DataError(f"{path} is empty. A table needs a header line with column names, and rows below it.")
    if CONTROL.search(text):
        _check_printable(path, lines, rows)
    kept = leave_out_end(Rows(lines, rows))
    if not reading.header:
        names = tuple(map(str, range(len(rows[0]))))
        return _as_table(path, names, kept)
    kept = leave_out_title(kept)
    header = tuple(one_line(name) for name in kept.cells[0])
    place = f"{path}, line {kept.lines[0]}"
    _check_not_numbers(place, header, separator)
    kept = kept._replace(lines=kept.lines[1:], cells=kept.cells[1:])
    return _check_header(place, _as_table(path, header, leave_out_headers(header, kept)), separator)


def _as_table(path: Path, names: tuple[str, ...], rows: Rows) -> Table:
    """Rows as columns. DataError where rows are longer or shorter than there are names."""
    _check_rows(path, names, rows.cells, rows.lines)
    return Table(str(path), names, list(zip(*rows.cells, strict=True)), rows.lines, left_out=rows.left_out)


def _is_long(path: Path, fast: int) -> bool:
    return path.suffix.lower() in SEPARATORS and path.is_file() and path.stat().st_size >= fast


def _check_header(place: str, table: Table, separator: str) -> Table:
    """The table without columns that have no name and say nothing. Refuse a first line that does not name the rest."""
    _check_not_numbers(place, table.names, separator)
    _check_not_data(place, table, separator)
    silent = find_nameless(table.names, table.columns)
    if 0 < len(silent) < len(table.names):
        table = table.without(silent)
    _check_names(place, table.names)
    return table


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
            f"Put a header line with column names above them: {_header_to_add(len(header), delimiter)}{NO_HEADER}"
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
        cells = table.columns[j]
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
            f"Put a header line with column names above them: {_header_to_add(len(table.names), delimiter)}{NO_HEADER}"
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


def check_unique(table: Table, used: Callable[[str], bool]) -> None:
    """Refuse names that stand above several columns, of those that are used."""
    repeated = [name for name, count in Counter(table.names).items() if count > 1 and used(name)]
    if repeated:
        shown = ", ".join(f'"{name}"' for name in repeated[:3])
        raise DataError(
            f"{table.path}: {names(repeated)} named more than once. Give every column a name of its own; to leave "
            f"{'it' if len(repeated) == 1 else 'them'} out: [data] ignore = [{shown}]."
        )


def _check_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[int]) -> None:
    if not rows:
        raise DataError(f"{path} has a header but no rows. Add at least one row below line 1.")
    n_columns = len(header)
    ragged = [
        f"line {line} has {counted(len(row), 'cell')}"
        for line, row in zip(lines, rows, strict=True)
        if len(row) != n_columns
    ]
    if ragged:
        first = next((cell for row in (header, *rows) for cell in row[:1] if cell[:1] in ("#", "%")), "")
        hint = (
            f' Are lines comments? Set [data] comment = "{first[0]}" (--set \'data.comment="{first[0]}"\').'
            if first
            else ""
        )
        raise DataError(
            f"{path}: the header names {counted(n_columns, 'column')}, but {first_few(ragged)}. "
            f"Give each row one cell for each column.{hint}"
        )
