"""How the columns of a table become columns of numbers, so that further tables become them in the same way.

A column is a number, or a category that becomes one column of zeros and ones for each of its values. An
encoding is made from the training table once, saved with the model, and then only applied: what it has not
seen, it refuses by line and column. Knows cells and columns; knows neither files nor networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.cells import looks_like_decimal_comma, numbers, which_missing, whole_numbers
from mlp.data.complaints import counted, first_few, names, quoted
from mlp.data.table import Table
from mlp.errors import DataError

Place = Callable[[int], str]  # where the i-th cell of a column stands: "line 17", "row 3"
MOST_CATEGORIES = 100


@dataclass(frozen=True)
class Column:
    """An input column: a number, or with `categories` one column of 0 and 1 for each of them."""

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

    def encode(self, cells: Sequence[Any], where: str, place: Place) -> Array:
        """The cells as float64 (n, len(feature_names)); DataError names each cell that cannot be one."""
        check_present(cells, where, self.name, place)
        if self.categories is None:
            return finite_numbers(cells, where, self.name, place)[:, np.newaxis]
        return np.eye(len(self.categories))[codes(cells, self.categories, where, self.name, place)]


@dataclass(frozen=True)
class Encoding:
    """The input columns of a table in the order of X, and its target.

    `class_names` are the sorted texts of a target column that is text, None where the target is a number. In
    a further table, columns are found by name: their order does not matter, a missing one is an error, others
    are ignored (an id or a remark may ride along), and the target may be absent.
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
        return np.hstack(
            [column.encode(table.column(index[column.name]), table.path, table.place) for column in self.columns]
        )

    def encode_rows(self, rows: Sequence[Sequence[Any]] | Array) -> Array:
        """Rows in memory, cells in the order of `columns`, as X in float64; errors count rows from 0."""
        for i, row in enumerate(rows):
            if isinstance(row, str) or not hasattr(row, "__len__") or len(row) != len(self.columns):
                raise DataError(
                    f"row {i} is {quoted(row)}. Give {counted(len(self.columns), 'cell')} in each row: "
                    f"{names(column.name for column in self.columns)}."
                )
        encoded = [
            column.encode([row[j] for row in rows], "the rows given", lambda i: f"row {i}")
            for j, column in enumerate(self.columns)
        ]
        return np.hstack(encoded)

    def encode_target(self, table: Table) -> Array | None:
        """The target of a further table; None if it has no such column, or if every cell of it is missing."""
        if self.target_name not in table.names:
            return None
        cells = table.column(table.names.index(self.target_name))
        if len(which_missing(cells)) == len(cells):
            return None
        return target_values(cells, self.class_names, table, self.target_name)

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


def fit_encoding(table: Table, target: int) -> Encoding:
    """The encoding of a training table whose column number `target` is to be learned.

    A column whose cells are all numbers is a number; one of which no more than half are is a category; in
    between, the cells that are not numbers are taken for mistakes and refused.
    """
    if len(table.names) < 2:
        raise DataError(
            f"{table.path} has only the column {names(table.names)}. Training needs a target and a "
            "feature: check the separator (comma in .csv, tab in .tsv)."
        )
    check_all_present(table)
    columns = [Column(name, _categories(table, i)) for i, name in enumerate(table.names) if i != target]
    for column in columns:
        _check_not_identifier(column, table)
    return Encoding(tuple(columns), table.names[target], _categories(table, target))


def target_values(cells: Sequence[str], class_names: tuple[str, ...] | None, table: Table, name: str) -> Array:
    """A target column: codes into its class names; else int64 if all cells are whole numbers, or float64."""
    check_present(cells, table.path, name, table.place)
    if class_names is not None:
        return codes(cells, class_names, table.path, name, table.place)
    values = finite_numbers(cells, table.path, name, table.place)
    whole = whole_numbers(cells)
    return values if whole is None else whole


def codes(cells: Sequence[Any], categories: tuple[str, ...], where: str, name: str, place: Place) -> Array:
    """The position of each cell's text among the categories, as int64."""
    index = {category: i for i, category in enumerate(categories)}
    texts = [str(cell).strip() for cell in cells]
    unknown = [i for i, text in enumerate(texts) if text not in index]
    if unknown:
        found = first_few([f"{place(i)}: {quoted(texts[i])}" for i in unknown])
        raise DataError(
            f"{where}, column {quoted(name)}: {counted(len(unknown), 'cell')} not seen in training "
            f"({found}). Known: {names(categories)}."
        )
    return np.array([index[text] for text in texts], dtype=np.int64)


def finite_numbers(cells: Sequence[Any], where: str, name: str, place: Place) -> Array:
    """The cells as float64, all finite; DataError names the others."""
    values = numbers(cells)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        found = [f"{place(i)}, column {quoted(name)}: {_not_a_number(cells[i])}" for i in bad.tolist()]
        raise DataError(
            f"{where}, {first_few(found)}. "
            "The column needs a finite number in every row: correct these cells or delete these rows."
        )
    return values


def check_present(cells: Sequence[Any], where: str, name: str, place: Place) -> None:
    """Refuse a column with missing cells."""
    _refuse_missing([f"{place(i)}, column {quoted(name)}" for i in which_missing(cells)], where)


def check_all_present(table: Table) -> None:
    """Refuse a table with missing cells, in the order of its lines."""
    missing = [
        f"{table.place(i)}, column {quoted(table.names[j])}"
        for i, row in enumerate(table.rows)
        for j in which_missing(row)
    ]
    _refuse_missing(missing, table.path)


def _refuse_missing(missing: Sequence[str], where: str) -> None:
    if missing:
        raise DataError(
            f"{where}: {counted(len(missing), 'missing cell')}: {first_few(missing)}. "
            "Fill them in, or delete these rows or columns."
        )


def _categories(table: Table, index: int) -> tuple[str, ...] | None:
    """The sorted texts of a column that is a category; None for a column of numbers."""
    cells, name = table.column(index), table.names[index]
    n_numbers = np.count_nonzero(~np.isnan(numbers(cells)))
    if 2 * n_numbers > len(cells):
        finite_numbers(cells, table.path, name, table.place)
        return None
    _check_no_decimal_commas(cells, table, name)
    return tuple(sorted(set(cells)))


def _check_no_decimal_commas(cells: Sequence[str], table: Table, name: str) -> None:
    commas = [i for i, cell in enumerate(cells) if looks_like_decimal_comma(cell)]
    if 2 * len(commas) > len(cells):
        i = commas[0]
        raise DataError(
            f"{table.path}, {table.place(i)}, column {quoted(name)}: {quoted(cells[i])} is not a number. "
            "Write decimals with a point and thousands without a comma: 1.5, 1000."
        )


def _check_not_identifier(column: Column, table: Table) -> None:
    """Refuse texts that differ nearly everywhere: a column of X for each is memory without information."""
    n_categories = len(column.categories or ())
    if n_categories > MOST_CATEGORIES and 2 * n_categories > len(table.rows):
        raise DataError(
            f"{table.path}, column {quoted(column.name)}: {n_categories} different texts in "
            f"{len(table.rows)} rows, which look like names or free text, not categories. "
            "Delete the column, or turn it into numbers."
        )


def _not_a_number(cell: Any) -> str:
    return f"{quoted(cell)} is not a {'finite ' if np.isinf(numbers([cell])[0]) else ''}number"


def _tuple(saved: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if saved is None else tuple(saved)
