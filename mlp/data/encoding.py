"""How the columns of a table become columns of numbers, so that further tables become them in the same way.

A column is a number, or a category that becomes one column of zeros and ones for each of its values. An encoding is
made from the training table once (`columns`), saved with the model, and then only applied: what it has not seen, it
refuses by line and column, or as its `Policy` says. A missing cell that is let pass becomes NaN in all of its columns.
Knows cells and columns; knows neither files nor networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.cells import Cells, exact_number, numbers, which_missing, whole_numbers
from mlp.data.complaints import FILL, counted, first_few, names, quoted
from mlp.data.labels import find_numbers, find_texts
from mlp.data.reading import AS_USUAL, Reading
from mlp.data.spelling import find_spelling
from mlp.data.table import Table
from mlp.errors import DataError


@dataclass(frozen=True)
class Policy:
    """What is done with cells that say nothing, or something new.

    `missing`: "refuse", "impute" (NaN, to be filled) or "drop" (the row is left out). `unseen`: "refuse", or "ignore":
    a category that was not seen in training is none of those that were. `decimal` is the decimal mark, "" where the
    cells of a file say it themselves, and `reading` how its lines are read.
    """

    missing: str = "refuse"
    unseen: str = "refuse"
    decimal: str = ""
    reading: Reading = AS_USUAL


REFUSE = Policy()


@dataclass(frozen=True)
class Column:
    """An input column: a number, or with `categories` one column of 0 and 1 for each of them.

    `numeric`: a cell that is no number is taken for a missing one.

    >>> Column("age").feature_names, Column("colour", ("blue", "red")).feature_names
    (('age',), ('colour=blue', 'colour=red'))
    """

    name: str
    categories: tuple[str, ...] | None = None
    numeric: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of X that this column becomes.

        >>> Column("age").feature_names, Column("colour", ("blue", "red")).feature_names
        (('age',), ('colour=blue', 'colour=red'))
        """
        if self.categories is None:
            return (self.name,)
        return tuple(f"{self.name}={category}" for category in self.categories)

    def encode(self, cells: Cells, policy: Policy = REFUSE) -> Array:
        """The cells as float64 (n, len(feature_names)); DataError names each cell that cannot be one."""
        missing = self.which_missing(cells)
        if missing and policy.missing == "refuse":
            refuse_missing([f"{cells.place(i)}, column {quoted(cells.name)}" for i in missing], cells.where)
        if self.categories is None:
            values = numbers(cells.values) if self.numeric else finite_numbers(cells, missing)
            return values[:, np.newaxis]
        found = one_hot(codes(cells, self.categories, missing, policy.unseen), len(self.categories))
        found[missing] = np.nan
        return found

    def which_missing(self, cells: Cells) -> list[int]:
        """The positions of the cells that say nothing."""
        if self.numeric:
            return [int(i) for i in np.flatnonzero(np.isnan(numbers(cells.values)))]
        return which_missing(cells.values)


@dataclass(frozen=True)
class Encoding:
    """The input columns of a table in the order of X, and its target.

    `class_names` are the sorted texts of a target column that is text, None where the target is a number. In
    a further table, columns are found by name: their order does not matter, a missing one is an error, others
    are ignored (an id or a remark may ride along), and the target may be absent.

    `target_names` are the columns of several targets, all of them numbers; of one there are none.

    >>> Encoding((Column("age"), Column("colour", ("blue", "red"))), "price").feature_names
    ('age', 'colour=blue', 'colour=red')
    """

    columns: tuple[Column, ...]
    target_name: str
    class_names: tuple[str, ...] | None = None
    policy: Policy = REFUSE
    target_names: tuple[str, ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of X, such as "age" or "colour=red"."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def text_columns(self, table: Table) -> list[int]:
        """The columns of a table whose cells may be names: categories and targets."""
        known = {column.name for column in self.columns if column.categories is not None}
        known |= {self.target_name, *self.target_names}
        return [j for j, name in enumerate(table.names) if name in known]

    def read(self, table: Table) -> Table:
        """A table with numbers in the columns that hold some, whatever their spelling. The other methods need it."""
        inputs = {column.name for column in self.columns if column.categories is None}
        targets = set(self.target_names or (() if self.class_names else (self.target_name,)))
        of_inputs, of_targets = (
            [j for j, name in enumerate(table.names) if name in known] for known in (inputs, targets)
        )
        return table.with_numbers(of_inputs, of_targets, self.policy.decimal)

    def encode(self, table: Table) -> Array:
        """The input columns of a table as X (n, len(feature_names)) in float64."""
        self._check_columns(table)
        index = {name: i for i, name in enumerate(table.names)}
        return np.hstack([column.encode(table.cells(index[column.name]), self.policy) for column in self.columns])

    def encode_rows(self, rows: Sequence[Sequence[Any]] | Array) -> Array:
        """Rows in memory, cells in the order of `columns`, as X in float64; errors count rows from 0."""
        for i, row in enumerate(rows):
            if isinstance(row, str) or not hasattr(row, "__len__") or len(row) != len(self.columns):
                raise DataError(
                    f"row {i} is {quoted(row)}. Give {counted(len(self.columns), 'cell')} in each row: "
                    f"{names(column.name for column in self.columns)}."
                )
        encoded = [
            column.encode(Cells([row[j] for row in rows], "the rows given", column.name), self.policy)
            for j, column in enumerate(self.columns)
        ]
        return np.hstack(encoded)

    def encode_target(self, table: Table) -> Array | None:
        """The target of a further table; None if it lacks such a column, or if every cell of one is missing."""
        every = self.target_names or (self.target_name,)
        if not set(every) <= set(table.names):
            return None
        columns = [table.cells(table.names.index(name)) for name in every]
        if any(len(which_missing(cells.values)) == len(cells.values) for cells in columns):
            return None
        if self.target_names:
            return several_targets(columns)
        return target_values(columns[0], self.class_names)

    def rows_to_keep(self, table: Table, *, targets: bool) -> Array | None:
        """The rows of a table that are not left out for a missing cell, None for all of them.

        Where cells are dropped that is any cell of an input; where they are filled only one of a target, and neither
        where they are refused. A table without `targets` is asked for its inputs only.
        """
        if self.policy.missing == "refuse":
            return None
        lost = np.zeros(len(table.lines), bool)
        if targets:
            for name in self.target_names or (self.target_name,):
                if name in table.names:
                    gone = which_missing(table.cells(table.names.index(name)).values)
                    lost[gone] |= len(gone) < len(lost)  # a column with nothing in it is no target
        if self.policy.missing == "drop":
            for column in self.columns:
                if column.name in table.names:
                    lost[column.which_missing(table.cells(table.names.index(column.name)))] = True
        return np.flatnonzero(~lost) if lost.any() else None

    def to_json(self) -> dict[str, Any]:
        """The encoding in lists, dicts and strings. What is as usual is left out."""
        usual = {"policy": asdict(self.policy), "target_names": list(self.target_names)}
        known = {"policy": asdict(REFUSE), "target_names": []}
        return {
            "columns": [
                {"name": c.name, "categories": _list(c.categories), **({"numeric": True} if c.numeric else {})}
                for c in self.columns
            ],
            "target_name": self.target_name,
            "class_names": _list(self.class_names),
            **{name: value for name, value in usual.items() if value != known[name]},
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Encoding:
        """The encoding that `to_json` wrote."""
        columns = tuple(
            Column(column["name"], _tuple(column["categories"]), column.get("numeric", False))
            for column in saved["columns"]
        )
        policy = _policy(saved.get("policy", {}))
        targets = tuple(saved.get("target_names", ()))
        return cls(columns, saved["target_name"], _tuple(saved["class_names"]), policy, targets)

    def _check_columns(self, table: Table) -> None:
        absent = [column.name for column in self.columns if column.name not in table.names]
        if absent:
            raise DataError(
                f"{table.path} has no column {names(absent)}, which the model was trained on. "
                f"It has {names(table.names)}. Add the missing ones."
            )


def several_targets(columns: Sequence[Cells]) -> Array:
    """Target columns of numbers as (n, k) in float64."""
    for cells in columns:
        check_present(cells)
    return np.column_stack([finite_numbers(cells) for cells in columns])


def target_values(cells: Cells, class_names: tuple[str, ...] | None) -> Array:
    """A target column: codes into its class names; else whole numbers as int64 or uint64, others as float64."""
    check_present(cells)
    if class_names is not None:
        return codes(cells, class_names)
    values = finite_numbers(cells)
    whole = whole_numbers(cells.values)
    return values if whole is None else whole


def one_hot(chosen: Array, n: int) -> Array:
    """Codes 0 … n-1 as rows with one 1 among zeros, (len(chosen), n); -1 as zeros only."""
    found = np.zeros((len(chosen), n))
    known = np.flatnonzero(chosen >= 0)
    found[known, chosen[known]] = 1
    return found


def codes(cells: Cells, categories: Sequence[str], missing: Sequence[int] = (), unseen: str = "refuse") -> Array:
    """The position of each cell's text among the categories, as int64; of numbers also by another spelling of them.

    -1 for the cells that are `missing`, and for unknown texts where `unseen` is "ignore"; else these are refused.
    """
    are_numbers = all(exact_number(category) is not None for category in categories)
    texts = cells.texts()
    for i in missing:
        texts[i] = ""
    distinct = list(dict.fromkeys(texts))
    places = (find_numbers if are_numbers else find_texts)(distinct, categories)
    found = dict(zip(distinct, places, strict=True))
    passed = set(missing)
    unknown = (
        [i for i, text in enumerate(texts) if found[text] < 0 and i not in passed] if min(places, default=0) < 0 else []
    )
    if unknown and unseen == "refuse":
        raise DataError(
            f"{cells.where}, column {quoted(cells.name)}: {counted(len(unknown), 'cell')} not seen in training "
            f"({cells._replace(values=texts).shown(unknown)}). Known: {names(categories)}. "
            'Correct these cells; or train with unseen = "ignore" (--set data.unseen=ignore).'
        )
    return np.array([found[text] for text in texts], dtype=np.int64)


def _as_missing(name: str) -> str:
    """How to say that cells which are no numbers are missing."""
    return f'; or, to count them as missing: [data] numeric = ["{name}"] and missing = "impute"' if name else ""


def finite_numbers(cells: Cells, missing: Sequence[int] = ()) -> Array:
    """The cells as float64, all finite but the `missing` ones, which are NaN; DataError names the others."""
    values = numbers(cells.values)
    finite = np.isfinite(values)
    finite[missing] = True
    bad = [int(i) for i in np.flatnonzero(~finite)]
    if bad:
        found = [f"{cells.place(i)}, column {quoted(cells.name)}: {_not_a_number(cells.values[i])}" for i in bad]
        remedy = find_spelling(str(cells.values[bad[0]]))
        raise DataError(
            f"{cells.where}, {first_few(found)}. {'' if remedy is None else f'{remedy} '}"
            "The column needs a finite number in every row: correct these cells or delete these rows"
            f"{_as_missing(cells.name)}."
        )
    return values


def check_present(cells: Cells) -> None:
    """Refuse a column with missing cells."""
    missing = [f"{cells.place(i)}, column {quoted(cells.name)}" for i in which_missing(cells.values)]
    refuse_missing(missing, cells.where)


def refuse_missing(missing: Sequence[str], where: str) -> None:
    """Raise DataError where there are missing cells."""
    if missing:
        raise DataError(f"{where}: {counted(len(missing), 'missing cell')}: {first_few(missing)}. {FILL}")


def _not_a_number(cell: Any) -> str:
    return f"{quoted(cell)} is not a {'finite ' if np.isinf(numbers([cell])[0]) else ''}number"


def _policy(saved: dict[str, Any]) -> Policy:
    return Policy(**{**saved, "reading": Reading(**saved.get("reading", {}))})


def _list(known: Sequence[str] | None) -> list[str] | None:
    return None if known is None else list(known)


def _tuple(saved: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if saved is None else tuple(saved)
