"""A table file as a data set: which column is the target, and the rest as numbers.

Joins `table` (text with line numbers) and `encoding` (columns to numbers); knows nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mlp.arrays import Array
from mlp.data.cells import Cells, numbers
from mlp.data.columns import ColumnRules, fit_encoding
from mlp.data.complaints import quoted
from mlp.data.dataset import Dataset
from mlp.data.encoding import Encoding, check_present, several_targets, target_values
from mlp.data.other_tables import JSON_LINES, READERS, read_json_lines, read_with_polars
from mlp.data.reading import STANDARD_INPUT, Reading, kind_of
from mlp.data.table import Table, check_unique, read_table
from mlp.errors import DataError, UnknownNameError

ISO = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?Z?)?)?")
Targets = str | int | Sequence[str | int] | None


def load_table(
    path: Path,
    target: Targets = None,
    encoding: Encoding | None = None,
    rules: ColumnRules = ColumnRules(),  # noqa: B008  -- frozen
) -> Dataset:
    """A table to train on; or, with the encoding of an earlier one, a table to predict on or evaluate.

    `target`: name or number of a column (negative: from the end), by default the last that is not ignored; or several
    of them, whose columns are numbers. With an `encoding` the target is the encoding's, and the columns are, whatever
    is asked for here: a file to predict on need not have a target.
    """
    reading = (rules.policy if encoding is None else encoding.policy).reading
    name = Path(path.stem).stem if str(path) != STANDARD_INPUT else "data"
    return table_dataset(_read(path, reading), name, target, encoding, rules)


def _read(path: Path, reading: Reading) -> Table:
    """A table file by its ending."""
    suffix = kind_of(str(path))
    if suffix in JSON_LINES:
        return read_json_lines(path, reading)
    return read_with_polars(path, suffix) if suffix in READERS else read_table(path, reading)


def table_dataset(
    table: Table,
    name: str,
    target: Targets = None,
    encoding: Encoding | None = None,
    rules: ColumnRules = ColumnRules(),  # noqa: B008  -- frozen
) -> Dataset:
    """The same for a table that was read."""
    if encoding is not None:
        check_unique(
            table,
            {*(column.name for column in encoding.columns), *encoding.target_names, encoding.target_name}.__contains__,
        )
        table = encoding.read(table.as_written(encoding.text_columns(table)))
        kept = encoding.rows_to_keep(table, targets=bool(encoding.target_name))
        table = table if kept is None else table.take(kept.tolist())
        return _dataset(name, encoding, encoding.encode(table), encoding.encode_target(table), None)
    check_unique(table, lambda name: name not in rules.ignore)
    rules.check(table)
    indices = _target_indices(table, target, rules)
    categorical = [j for j, name in enumerate(table.names) if name in rules.categorical]
    table, encoding, X = fit_encoding(table.as_written([*indices, *categorical]), indices, rules)
    groups, times = _read_groups(table, rules.group), _read_times(table, rules.time)
    if encoding.target_names:
        found = _dataset(name, encoding, X, several_targets([table.cells(j) for j in indices]), None)
        return replace(found, groups=groups, times=times, left_out=table.left_out)
    cells = table.cells(indices[0])
    y = target_values(cells, encoding.class_names)
    found = _dataset(name, encoding, X, y, cells if encoding.class_names is None else None)
    return replace(found, groups=groups, times=times, left_out=table.left_out)


def _read_groups(table: Table, name: str) -> Array | None:
    """The group of each row by its text, as codes; None where no column has groups."""
    if not name:
        return None
    cells = table.cells(table.names.index(name))
    check_present(cells)
    return np.unique(cells.texts(), return_inverse=True)[1]


def _read_times(table: Table, name: str) -> Array | None:
    """The times of the rows in their order; DataError where texts do not sort as the times they write."""
    if not name:
        return None
    cells = table.cells(table.names.index(name))
    check_present(cells)
    values = numbers(cells.values)
    if np.isfinite(values).all():
        return values
    texts = cells.texts()
    odd = [i for i, text in enumerate(texts) if not ISO.fullmatch(text)]
    if odd or len(set(map(len, texts))) > 1:
        raise DataError(
            f"{cells.title}: {cells.shown(odd or [0])}: times are numbers, or dates written as 2024-03-05 (12:30), all "
            "alike: only these sort by time. Write them so."
        )
    return np.unique(texts, return_inverse=True)[1]


def _dataset(name: str, encoding: Encoding, X: Array, y: Array | None, written: Cells | None) -> Dataset:
    return Dataset(
        X,
        y,
        encoding.feature_names,
        encoding.target_name,
        encoding.target_names or encoding.class_names,
        encoding,
        name=name,
        written=written,
    )


def _target_indices(table: Table, target: Targets, rules: ColumnRules) -> list[int]:
    """The numbers of the target columns: a name first, a number otherwise (a command line gives text only)."""
    if target is None:
        return [max((i for i, name in enumerate(table.names) if name not in rules.left_out), default=0)]
    found = [_named_index(table, one) for one in ([target] if isinstance(target, str | int) else target)]
    for name in (table.names[index] for index in found):
        if name in rules.left_out:
            key = "ignore" if name in rules.ignore else "group" if name == rules.group else "time"
            raise DataError(f"{table.path}: [data] {key} has the target {quoted(name)}. Take it out.")
    if len(set(found)) < len(found) or not found:
        raise DataError(f"{table.path}: [data] target names a column twice, or none. Give each once.")
    return found


def _named_index(table: Table, target: str | int) -> int:
    if target in table.names:
        return table.names.index(str(target))
    if isinstance(target, str) and not re.fullmatch(r"-?[0-9]{1,9}", target):
        raise UnknownNameError(f"target column in {table.path}:", target, table.names)
    return _checked_index(table, int(target))


def _checked_index(table: Table, index: int) -> int:
    n_columns = len(table.names)
    if not -n_columns <= index < n_columns:
        raise DataError(
            f"{table.path} has no column {index}: it has {n_columns}. "
            f"Give 0 ... {n_columns - 1}, -1 for the last, or a name."
        )
    return index % n_columns
