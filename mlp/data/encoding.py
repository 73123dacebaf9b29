"""How the columns of a table become columns of numbers, so that further tables become them in the same way.

A column is a number, or a category that becomes one column of zeros and ones for each of its values. An encoding is
made from the training table once (`columns`), saved with the model, and then only applied: what it has not seen, it
refuses by line and column. Knows cells and columns; knows neither files nor networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.cells import Cells, exact_number, numbers, which_missing, whole_numbers
from mlp.data.complaints import counted, first_few, names, quoted
from mlp.data.labels import find_numbers, find_texts
from mlp.data.spelling import find_spelling
from mlp.data.table import Table
from mlp.errors import DataError


@dataclass(frozen=True)
class Column:
    """An input column: a number, or with `categories` one column of 0 and 1 for each of them.

    >>> Column("age").feature_names, Column("colour", ("blue", "red")).feature_names
    (('age',), ('colour=blue', 'colour=red'))
    """

    name: str
    categories: tuple[str, ...] | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of X that this column becomes.

        >>> Column("age").feature_names, Column("colour", ("blue", "red")).feature_names
        (('age',), ('colour=blue', 'colour=red'))
        """
        if self.categories is None:
            return (self.name,)
        return tuple(f"{self.name}={category}" for category in self.categories)

    def encode(self, cells: Cells) -> Array:
        """The cells as float64 (n, len(feature_names)); DataError names each cell that cannot be one."""
        check_present(cells)
        if self.categories is None:
            return finite_numbers(cells)[:, np.newaxis]
        return np.eye(len(self.categories))[codes(cells, self.categories)]


@dataclass(frozen=True)
class Encoding:
    """The input columns of a table in the order of X, and its target.

    `class_names` are the sorted texts of a target column that is text, None where the target is a number. In
    a further table, columns are found by name: their order does not matter, a missing one is an error, others
    are ignored (an id or a remark may ride along), and the target may be absent.

    >>> Encoding((Column("age"), Column("colour", ("blue", "red"))), "price").feature_names
    ('age', 'colour=blue', 'colour=red')
    """

    columns: tuple[Column, ...]
    target_name: str
    class_names: tuple[str, ...] | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of X, such as "age" or "colour=red"."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def encode(self, table: Table) -> Array:
        """The input columns of a table as X (n, len(feature_names)) in float64."""
        self._check_columns(table)
        index = {name: i for i, name in enumerate(table.names)}
        return np.hstack([column.encode(table.cells(index[column.name])) for column in self.columns])

    def encode_rows(self, rows: Sequence[Sequence[Any]] | Array) -> Array:
        """Rows in memory, cells in the order of `columns`, as X in float64; errors count rows from 0."""
        for i, row in enumerate(rows):
            if isinstance(row, str) or not hasattr(row, "__len__") or len(row) != len(self.columns):
                raise DataError(
                    f"row {i} is {quoted(row)}. Give {counted(len(self.columns), 'cell')} in each row: "
                    f"{names(column.name for column in self.columns)}."
                )
        encoded = [
            column.encode(Cells([row[j] for row in rows], "the rows given", column.name))
            for j, column in enumerate(self.columns)
        ]
        return np.hstack(encoded)

    def encode_target(self, table: Table) -> Array | None:
        """The target of a further table; None if it has no such column, or if every cell of it is missing."""
        if self.target_name not in table.names:
            return None
        cells = table.cells(table.names.index(self.target_name))
        if len(which_missing(cells.values)) == len(cells.values):
            return None
        return target_values(cells, self.class_names)

    def to_json(self) -> dict[str, Any]:
        """The encoding in lists, dicts and strings."""
        return {
            "columns": [
                {
                    "name": column.name,
                    "categories": None if column.categories is None else list(column.categories),
                }
                for column in self.columns
            ],
            "target_name": self.target_name,
            "class_names": None if self.class_names is None else list(self.class_names),
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Encoding:
        """The encoding that `to_json` wrote."""
        columns = tuple(Column(column["name"], _tuple(column["categories"])) for column in saved["columns"])
        return cls(columns, saved["target_name"], _tuple(saved["class_names"]))

    def _check_columns(self, table: Table) -> None:
        absent = [column.name for column in self.columns if column.name not in table.names]
        if absent:
            raise DataError(
                f"{table.path} has no column {names(absent)}, which the model was trained on. "
                f"It has {names(table.names)}. Add the missing ones."
            )


def target_values(cells: Cells, class_names: tuple[str, ...] | None) -> Array:
    """A target column: codes into its class names; else whole numbers as int64 or uint64, others as float64."""
    check_present(cells)
    if class_names is not None:
        return codes(cells, class_names)
    values = finite_numbers(cells)
    whole = whole_numbers(cells.values)
    return values if whole is None else whole


def codes(cells: Cells, categories: Sequence[str]) -> Array:
    """The position of each cell's text among the categories, as int64; of numbers also by another spelling of them."""
    are_numbers = all(exact_number(category) is not None for category in categories)
    texts = [str(cell).strip() for cell in cells.values]
    distinct = list(dict.fromkeys(texts))
    places = (find_numbers if are_numbers else find_texts)(distinct, categories)
    found = dict(zip(distinct, places, strict=True))
    unknown = [i for i, text in enumerate(texts) if found[text] < 0] if min(places, default=0) < 0 else []
    if unknown:
        raise DataError(
            f"{cells.where}, column {quoted(cells.name)}: {counted(len(unknown), 'cell')} not seen in training "
            f"({cells._replace(values=texts).shown(unknown)}). Known: {names(categories)}."
        )
    return np.array([found[text] for text in texts], dtype=np.int64)


def finite_numbers(cells: Cells) -> Array:
    """The cells as float64, all finite; DataError names the others."""
    values = numbers(cells.values)
    bad = np.flatnonzero(~np.isfinite(values)).tolist()
    if bad:
        found = [f"{cells.place(i)}, column {quoted(cells.name)}: {_not_a_number(cells.values[i])}" for i in bad]
        remedy = find_spelling(str(cells.values[bad[0]]))
        raise DataError(
            f"{cells.where}, {first_few(found)}. {'' if remedy is None else f'{remedy} '}"
            "The column needs a finite number in every row: correct these cells or delete these rows."
        )
    return values


def check_present(cells: Cells) -> None:
    """Refuse a column with missing cells."""
    missing = [f"{cells.place(i)}, column {quoted(cells.name)}" for i in which_missing(cells.values)]
    refuse_missing(missing, cells.where)


def refuse_missing(missing: Sequence[str], where: str) -> None:
    """Raise DataError where there are missing cells."""
    if missing:
        raise DataError(
            f"{where}: {counted(len(missing), 'missing cell')}: {first_few(missing)}. "
            "Fill them in, or delete these rows or columns."
        )


def _not_a_number(cell: Any) -> str:
    return f"{quoted(cell)} is not a {'finite ' if np.isinf(numbers([cell])[0]) else ''}number"


def _tuple(saved: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if saved is None else tuple(saved)
