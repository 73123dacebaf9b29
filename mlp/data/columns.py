"""What the columns of a training table are: numbers, categories, or nothing to learn from.

A column whose cells are mostly numbers is a number; others are categories if they have few texts, or texts that come
again. Numbers in spellings that are not read, and texts that are nearly all different, are refused: each text would
become an input of its own. `ColumnRules` say what a user knows better. Makes an `Encoding`, which is then all that is
needed of the table.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

import numpy as np

from mlp.arrays import Array
from mlp.data.cells import MISSING, Cells, exact_number, numbers
from mlp.data.complaints import counted, names, quoted
from mlp.data.encoding import Column, Encoding, codes, finite_numbers, refuse_missing
from mlp.data.spelling import find_spelling
from mlp.data.table import Table
from mlp.errors import DataError, UnknownNameError

FEW_TEXTS = 20  # so many categories are taken without a question
LOOKED_AT = 1000  # texts: 20 µs each
RARE = 2  # rows: a text that has no more of them is more likely a name than a category


@dataclass(frozen=True)
class ColumnRules:
    """What a user says of the columns of a table, by their names.

    `ignore`: left out, whatever stands in them. `categorical`: each text is a category, or of the target a class, even
    if it is a number. `classes`: the target is known to be classes.

    >>> ColumnRules(ignore=["id"], categorical=["postcode"]).categorical
    ['postcode']
    """

    ignore: Sequence[str] = ()
    categorical: Sequence[str] = ()
    classes: bool = False

    def check(self, table: Table) -> None:
        """Refuse names that the table does not have."""
        for key, given in (("ignore", self.ignore), ("categorical", self.categorical)):
            for name in given:
                if name not in table.names:
                    raise UnknownNameError(f"column for [data] {key} in {table.path}:", name, table.names)


def fit_encoding(table: Table, target: int, rules: ColumnRules) -> tuple[Encoding, Array]:
    """The encoding of a training table whose column number `target` is to be learned, and its inputs X in float64.

    A column whose cells are all numbers is a number; one of which no more than half are is a category; in between, the
    cells that are not numbers are taken for mistakes and refused.
    """
    inputs = [i for i, name in enumerate(table.names) if i != target and name not in rules.ignore]
    if not inputs:
        remedy = "check the separator (comma in .csv, tab in .tsv)" if not rules.ignore else "ignore fewer columns"
        raise DataError(
            f"{table.path} has only the column {names([table.names[target]])}. Training needs a target and a feature: "
            f"{remedy}."
        )
    check_all_present(table, [*inputs, target])
    fitted = [_fit(table.cells(i), rules) for i in inputs]
    class_names = _class_names(table.cells(target), rules)
    columns = tuple(column for column, _ in fitted)
    return Encoding(columns, table.names[target], class_names), np.hstack([values for _, values in fitted])


def check_all_present(table: Table, columns: Iterable[int]) -> None:
    """Refuse a table with missing cells in some columns, in the order of its lines."""
    wanted = sorted(columns)
    missing = [
        f"{table.place(i)}, column {quoted(table.names[j])}"
        for i, row in enumerate(table.rows)
        if not MISSING.isdisjoint(row)
        for j in wanted
        if row[j] in MISSING
    ]
    refuse_missing(missing, table.path)


def _fit(cells: Cells, rules: ColumnRules) -> tuple[Column, Array]:
    """An input column and its values (n, columns of X)."""
    if cells.name not in rules.categorical:
        values = numbers(cells.values)
        if _are_numbers(values):
            return Column(cells.name), (values if np.isfinite(values).all() else finite_numbers(cells))[:, np.newaxis]
        setting = _setting("categorical", cells.name)
        check_categories(
            cells,
            f"If each text is a category: {setting}; to leave the column out: {_setting('ignore', cells.name)}.",
        )
    categories = distinct_texts(cells)
    return Column(cells.name, categories), np.eye(len(categories))[codes(cells, categories)]


def _class_names(cells: Cells, rules: ColumnRules) -> tuple[str, ...] | None:
    """The classes of a target that is no column of numbers."""
    if cells.name not in rules.categorical:
        if _are_numbers(numbers(cells.values)):
            return None
        if not rules.classes:
            setting = _setting("categorical", cells.name)
            check_categories(cells, f"It is the target: name another one, or, if each text is a class, {setting}.")
    return distinct_texts(cells)


def _setting(key: str, name: str) -> str:
    """How an experiment file says it.

    >>> _setting("ignore", "id")
    '[data] ignore = ["id"]'
    """
    return f"[data] {key} = [{json.dumps(name, ensure_ascii=False)}]"


def _are_numbers(values: Array) -> bool:
    """Whether most cells are numbers."""
    return bool(2 * np.count_nonzero(~np.isnan(values)) > len(values))


def check_categories(cells: Cells, advice: str) -> None:
    """Refuse texts that are numbers in another spelling, or nearly all different; `advice` ends the message."""
    counts = Counter(cells.values)
    check_spelling(cells, counts, advice)
    if mostly_rare(counts.values()):
        rare = [i for i, cell in enumerate(cells.values) if counts[cell] <= RARE]
        raise DataError(
            f"{cells.title}: {len(counts)} different texts in {counted(len(cells.values), 'row')}, most of them once "
            f"or twice ({cells.shown(rare)}). Names and free text are no categories, and numbers need plain digits, "
            f"like 1.5. {advice}"
        )


def mostly_rare(counts: Collection[int]) -> bool:
    """Whether there are more than a few texts, and most of them stand in one or two rows; from how often each does."""
    return len(counts) > FEW_TEXTS and 2 * sum(n <= RARE for n in counts) > len(counts)


def check_spelling(cells: Cells, counts: Mapping[str, int], advice: str) -> None:
    """Refuse texts, each with its count, that in most rows are numbers or dates, but not all of them written plainly.

    Of very many texts the first ones are looked at.
    """
    some = dict(islice(counts.items(), LOOKED_AT))
    remedies = {text: find_spelling(text) for text in some if exact_number(text) is None}
    n_odd = sum(some[text] for text, remedy in remedies.items() if remedy)
    n_plain = sum(n for text, n in some.items() if text not in remedies)
    if n_odd and 2 * (n_odd + n_plain) > sum(some.values()):
        first, *others = [i for i, cell in enumerate(cells.values) if remedies.get(cell)]
        likewise = f" Likewise {cells.shown(others)}." if others else ""
        cell = cells.values[first]
        raise DataError(f"{cells.title_at(first)}: {quoted(cell)} is not a number. {remedies[cell]}{likewise} {advice}")


def distinct_texts(cells: Cells) -> tuple[str, ...]:
    """The texts of a column, each once: of numbers in their order, and only if no number is written in two ways."""
    values = {text: exact_number(text) for text in dict.fromkeys(cells.values)}
    if None in values.values():
        return tuple(sorted(values))
    texts: dict[Decimal | None, str] = {}
    for text, value in values.items():
        if value in texts:
            _refuse_two_spellings(cells, texts[value], text)
        texts[value] = text
    return tuple(sorted(values, key=lambda text: Decimal(text)))


def _refuse_two_spellings(cells: Cells, one: str, other: str) -> None:
    places = [cells.values.index(text) for text in (one, other)]
    raise DataError(
        f"{cells.title}: {cells.shown(places)}: one number in two spellings, and a category has one name. "
        "Write it in one way."
    )
