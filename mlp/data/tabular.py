"""A table file as a data set: which column is the target, and the rest as numbers.

Joins `table` (text with line numbers) and `encoding` (columns to numbers); knows nothing else.
"""

from __future__ import annotations

import re
from pathlib import Path

from mlp.arrays import Array
from mlp.data.dataset import Dataset
from mlp.data.encoding import Encoding, fit_encoding, target_values
from mlp.data.table import Table, read_table
from mlp.errors import DataError, UnknownNameError


def load_table(path: Path, target: str | int | None = None, encoding: Encoding | None = None) -> Dataset:
    """A table to train on; or, with the encoding of an earlier one, a table to predict on or evaluate.

    `target`: name or number of a column (negative: from the end), by default the last. With an `encoding` the
    target is the encoding's, whatever is asked for here: a file to predict on need not have one.
    """
    table = read_table(path)
    y: Array | None
    if encoding is None:
        encoding = fit_encoding(table, _target_index(table, target))
        index = table.names.index(encoding.target_name)
        y = target_values(table.column(index), encoding.class_names, table, encoding.target_name)
    else:
        y = encoding.encode_target(table)
    return Dataset(
        encoding.encode(table),
        y,
        encoding.feature_names,
        encoding.target_name,
        encoding.class_names,
        encoding,
        name=path.stem,
    )


def _target_index(table: Table, target: str | int | None) -> int:
    """The number of the target column: a name first, a number otherwise (a command line gives text only)."""
    if target is None:
        return len(table.names) - 1
    if target in table.names:
        return table.names.index(target)
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
