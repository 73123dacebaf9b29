"""A table file as a data set: which column is the target, and the rest as numbers.

Joins `table` (text with line numbers) and `encoding` (columns to numbers); knows nothing else.
"""

from __future__ import annotations

import re
from pathlib import Path

from mlp.arrays import Array
from mlp.data.cells import Cells
from mlp.data.columns import ColumnRules, fit_encoding
from mlp.data.complaints import quoted
from mlp.data.dataset import Dataset
from mlp.data.encoding import Encoding, target_values
from mlp.data.table import Table, read_table
from mlp.errors import DataError, UnknownNameError


def load_table(
    path: Path,
    target: str | int | None = None,
    encoding: Encoding | None = None,
    rules: ColumnRules = ColumnRules(),  # noqa: B008  -- frozen
) -> Dataset:
    """A table to train on; or, with the encoding of an earlier one, a table to predict on or evaluate.

    `target`: name or number of a column (negative: from the end), by default the last that is not ignored. With an
    `encoding` the target is the encoding's, and the columns are, whatever is asked for here: a file to predict on need
    not have a target.
    """
    table = read_table(path)
    if encoding is not None:
        return _dataset(path, encoding, encoding.encode(table), encoding.encode_target(table), None)
    rules.check(table)
    index = _target_index(table, target, rules)
    encoding, X = fit_encoding(table, index, rules)
    cells = table.cells(index)
    y = target_values(cells, encoding.class_names)
    return _dataset(path, encoding, X, y, cells if encoding.class_names is None else None)


def _dataset(path: Path, encoding: Encoding, X: Array, y: Array | None, written: Cells | None) -> Dataset:
    return Dataset(
        X,
        y,
        encoding.feature_names,
        encoding.target_name,
        encoding.class_names,
        encoding,
        name=path.stem,
        written=written,
    )


def _target_index(table: Table, target: str | int | None, rules: ColumnRules) -> int:
    """The number of the target column: a name first, a number otherwise (a command line gives text only)."""
    if target is None:
        return max((i for i, name in enumerate(table.names) if name not in rules.ignore), default=0)
    index = _named_index(table, target)
    if table.names[index] in rules.ignore:
        raise DataError(f"{table.path}: [data] ignore has the target {quoted(table.names[index])}. Take it out.")
    return index


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
