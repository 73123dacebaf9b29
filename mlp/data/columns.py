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
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice

import numpy as np

from mlp.arrays import Array
from mlp.data.cells import Cells, exact_number, numbers
from mlp.data.complaints import counted, names, quoted
from mlp.data.encoding import REFUSE, Column, Encoding, Policy, refuse_missing
from mlp.data.numerals import find_decimal
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
    if it is a number. `numeric`: a number, and a cell that is none is a missing one. `group` and `time`: columns by
    which rows are parted; they are no inputs. `classes`: the target is known to be classes. `policy`: what is done with
    cells that say nothing, or something new.

    >>> ColumnRules(ignore=["id"], categorical=["postcode"]).categorical
    ['postcode']
    """

    ignore: Sequence[str] = ()
    categorical: Sequence[str] = ()
    classes: bool = False
    numeric: Sequence[str] = ()
    group: str = ""
    time: str = ""
    policy: Policy = REFUSE

    @property
    def is_for_tables(self) -> bool:
        """Whether they say something of columns by name."""
        return bool(self.ignore or self.categorical or self.numeric or self.group or self.time)

    @property
    def left_out(self) -> set[str]:
        """The columns that are no inputs: those to ignore, and those by which rows are parted."""
        return {*self.ignore, self.group, self.time}

    def check(self, table: Table) -> None:
        """Refuse names that the table does not have, or that contradict each other."""
        named: dict[str, Sequence[str]] = {
            "ignore": self.ignore,
            "categorical": self.categorical,
            "numeric": self.numeric,
            "group": [self.group] if self.group else [],
            "time": [self.time] if self.time else [],
        }
        for key, given in named.items():
            for name in given:
                if name not in table.names:
                    raise UnknownNameError(f"column for [data] {key} in {table.path}:", name, table.names)
        both = [name for name in self.numeric if name in self.categorical]
        if both:
            raise DataError(f"[data] numeric and categorical both have {names(both)}. Take it out of one of them.")


def fit_encoding(table: Table, targets: Sequence[int], rules: ColumnRules) -> tuple[Table, Encoding, Array]:
    """The rows of a training table that are kept, their encoding, and their inputs X in float64.

    The columns `targets` are to be learned; there are none where targets stand elsewhere. A column whose cells are all
    numbers is a number; one of which no more than half are is a category; in between, the cells that are not numbers
    are taken for mistakes and refused.
    """
    inputs = [i for i, name in enumerate(table.names) if i not in targets and name not in rules.left_out]
    if not inputs:
        found = [table.names[j] for j in targets]
        remedy = "ignore fewer columns" if rules.ignore else _how_to_part("".join(found))
        raise DataError(
            f"{table.path} has only the column {names(found)}. Training needs a target and a feature: {remedy}."
        )
    of_numbers = [j for j in inputs if table.names[j] not in rules.categorical]
    values = [j for j in targets if table.names[j] not in rules.categorical and not rules.classes]
    decimal = rules.policy.decimal or find_decimal(map(table.cells, [*of_numbers, *values]))
    table = table.with_numbers(of_numbers, values, decimal)
    if rules.policy.missing == "refuse":
        check_all_present(table, [*inputs, *targets], rules)
    every = tuple(table.names[j] for j in targets)
    several = every if len(every) > 1 else ()
    first = Encoding(
        tuple(Column(table.names[i], numeric=table.names[i] in rules.numeric) for i in inputs),
        ", ".join(every) or "y",
        policy=replace(rules.policy, decimal=decimal),
        target_names=several,
    )
    kept = first.rows_to_keep(table, targets=True)
    if kept is not None:
        table = table.take(kept.tolist())
        if not len(kept):
            raise DataError(f"{table.path}: every row misses a cell, and all are left out. {_FEWER}")
    columns = tuple(_fit_column(table.cells(i), rules) for i in inputs)
    class_names = _class_names(table.cells(targets[0]), rules) if len(every) == 1 else None
    encoding = replace(first, columns=columns, class_names=class_names)
    return table, encoding, encoding.encode(table)


def _how_to_part(line: str) -> str:
    """What to set where a line of a file was read as one column."""
    if line[:1] in ("#", "%"):
        return f'are lines comments? Set [data] comment = "{line[0]}" (--set \'data.comment="{line[0]}"\')'
    mark = next((mark for mark in (" ", ":", "/") if mark in line), ";")
    usual = "say what separates cells, if it is neither a comma, a semicolon, a tab nor a bar"
    return f'{usual}: [data] separator = "{mark}" (--set \'data.separator="{mark}"\')'


_FEWER = 'Leave out the columns that are mostly empty, [data] ignore = ["..."], or set [data] missing = "impute".'


def check_all_present(table: Table, columns: Iterable[int], rules: ColumnRules) -> None:
    """Refuse a table with missing cells in some columns, in the order of its lines."""
    missing = sorted(
        (i, j)
        for j in columns
        for i in Column(table.names[j], numeric=table.names[j] in rules.numeric).which_missing(table.cells(j))
    )
    places = [f"{table.unit} {table.lines[i]}, column {quoted(table.names[j])}" for i, j in missing]
    refuse_missing(places, table.path)


def _fit_column(cells: Cells, rules: ColumnRules) -> Column:
    """What an input column is: a number, or which categories."""
    missing = Column(cells.name, numeric=cells.name in rules.numeric).which_missing(cells)
    if missing:
        gone = set(missing)
        cells = cells.take([i for i in range(len(cells.values)) if i not in gone])
    if not len(cells.values):
        raise DataError(f"{cells.title} has no value in any row. Leave it out: {_setting('ignore', cells.name)}.")
    if cells.name in rules.numeric:
        return Column(cells.name, numeric=True)
    if cells.name not in rules.categorical:
        if _are_numbers(numbers(cells.values)):
            return Column(cells.name)
        setting = _setting("categorical", cells.name)
        check_categories(
            cells,
            f"If each text is a category: {setting}; to leave the column out: {_setting('ignore', cells.name)}.",
        )
    return Column(cells.name, distinct_texts(cells))


def _class_names(cells: Cells, rules: ColumnRules) -> tuple[str, ...] | None:
    """The classes of a target that is no column of numbers."""
    if cells.name in rules.numeric:
        return None
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
    values = {text: exact_number(text) for text in dict.fromkeys(cells.texts())}
    if None in values.values():
        return tuple(sorted(values))
    texts: dict[Decimal | None, str] = {}
    for text, value in values.items():
        if value in texts:
            _refuse_two_spellings(cells, texts[value], text)
        texts[value] = text
    return tuple(sorted(values, key=lambda text: Decimal(text)))


def _refuse_two_spellings(cells: Cells, one: str, other: str) -> None:
    places = [cells.texts().index(text) for text in (one, other)]
    raise DataError(
        f"{cells.title}: {cells.shown(places)}: one number in two spellings, and a category has one name. "
        "Write it in one way."
    )
