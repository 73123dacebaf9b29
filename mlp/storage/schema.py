"""What the JSON in files that are read must look like: one schema for each, in one place.

A seal says that a file was not damaged; it does not say who sealed it. Whatever is read is held to its schema before it
is used. A schema is a test and the words for it; `check` raises FileFormatError with the place of what does not fit.
Keys that a schema does not name are left alone: they may be of another version. How numbers in several places agree
(widths, counts of classes) is for those who know what they mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from mlp.errors import FileFormatError, in_one_line

LARGEST = 1 << 63
Complaint = tuple[str, Any, str]  # place, what stands there, what is needed


class Schema(NamedTuple):
    """`find_fault(value, place)`: what does not fit, and where; None where all does."""

    find_fault: Callable[[Any, str], Complaint | None]


def check(value: Any, schema: Schema, place: str) -> None:
    """Refuse what does not fit the schema."""
    fault = schema.find_fault(value, place)
    if fault is not None:
        where, found, needed = fault
        raise FileFormatError(f"{where} is {in_one_line(found)}, and {needed} is needed")


def leaf(fits: Callable[[Any], bool], needed: str) -> Schema:
    """A value that passes a test."""
    return Schema(lambda value, place: None if fits(value) else (place, value, needed))


def each(schema: Schema, least: int = 0) -> Schema:
    """A list of values that fit, `least` of them or more."""

    def find_fault(value: Any, place: str) -> Complaint | None:
        if not isinstance(value, list) or len(value) < least:
            return place, value, f"a list of {least} or more" if least else "a list"
        return next((f for i, v in enumerate(value) if (f := schema.find_fault(v, f"{place}[{i}]"))), None)

    return Schema(find_fault)


def by_name(schema: Schema) -> Schema:
    """A dict by names, of values that fit."""

    def find_fault(value: Any, place: str) -> Complaint | None:
        if not isinstance(value, dict):
            return place, value, "a table by names"
        named = next(((place, name, "a name") for name in value if not is_text(name)), None)
        return named or next((f for k, v in value.items() if (f := schema.find_fault(v, f"{place}.{k}"))), None)

    return Schema(find_fault)


def table(optional: dict[str, Schema] | None = None, /, **needed: Schema) -> Schema:
    """A dict that has these keys; those that are `optional` may be missing."""
    known = {**needed, **(optional or {})}

    def find_fault(value: Any, place: str) -> Complaint | None:
        if not isinstance(value, dict):
            return place, value, "a table"
        missing = next((name for name in needed if name not in value), None)
        if missing is not None:
            return f"{place}.{missing}", None, "a value"
        return next((f for k, s in known.items() if k in value and (f := s.find_fault(value[k], f"{place}.{k}"))), None)

    return Schema(find_fault)


def nullable(schema: Schema) -> Schema:
    """What fits, or null."""
    return Schema(lambda value, place: None if value is None else schema.find_fault(value, place))


def is_text(value: Any) -> bool:
    """Whether it is text that a file can hold: half of a surrogate pair is none."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def is_count(value: Any) -> bool:
    """Whether it is a whole number from 0 to 2⁶³."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST


def is_number(value: Any) -> bool:
    """Whether it is a number that a float holds."""
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST
    return whole or isinstance(value, float)


def is_class(value: Any) -> bool:
    """Whether it is what a class may be: a whole number of 64 bits, text or a truth value."""
    return is_text(value) or (isinstance(value, int) and abs(value) < 2 * LARGEST) or isinstance(value, float)


def is_finite(value: Any) -> bool:
    """Whether it is a finite number."""
    return is_number(value) and math.isfinite(value)


def is_exact(value: Any) -> bool:
    """Whether it is a number, or one of the words for those that JSON has no number for."""
    return is_number(value) or value in ("nan", "inf", "-inf")


ANY = leaf(lambda value: True, "anything")
TEXT = leaf(is_text, "text")
COUNT = leaf(is_count, "a whole number, 0 or more")
NUMBER = leaf(is_number, "a number")
FINITE = leaf(is_finite, "a finite number")
EXACT = leaf(lambda value: isinstance(value, float | int | str) and is_exact(value), "a number")
FLAG = leaf(lambda value: isinstance(value, bool), "true or false")
TABLE = by_name(ANY)
TASK = leaf(lambda value: value in ("classification", "multilabel", "regression"), "the name of a task")
SCALING = table(shift=each(FINITE), factor=each(FINITE))

READING = table({"encoding": TEXT, "separator": TEXT, "header": FLAG, "comment": TEXT})
POLICY = table({"missing": TEXT, "unseen": TEXT, "decimal": TEXT, "reading": READING})
ENCODING = table(
    {"policy": POLICY, "target_names": each(TEXT)},
    columns=each(table({"numeric": FLAG}, name=TEXT, categories=nullable(each(TEXT)))),
    target_name=TEXT,
    class_names=nullable(each(TEXT)),
)
IMPUTATION = table(fill=each(NUMBER), indicators=each(COUNT))
LEARNED = table(rows=COUNT, low=each(FINITE), high=each(FINITE), tenth=each(FINITE))
PREPROCESSING = table(
    {
        "label_kind": nullable(TEXT),
        "targets": nullable(SCALING),
        "missing": TEXT,
        "imputation": IMPUTATION,
        "learned": LEARNED,
    },
    task=TASK,
    feature_names=each(TEXT, 1),
    target_name=TEXT,
    class_names=nullable(each(TEXT)),
    class_labels=nullable(each(leaf(is_class, "a class"))),
    n_targets=COUNT,
    scaling=SCALING,
    encoding=nullable(ENCODING),
)
METRICS = by_name(
    Schema(lambda value, place: (each(EXACT) if isinstance(value, list) else EXACT).find_fault(value, place))
)
NUMBERS = table(metrics=METRICS, steps=COUNT, seconds=EXACT)
MODEL = table(
    {"seals": table({"history": TEXT, "findings": TEXT, "trajectory": TEXT})},
    config=TABLE,
    numbers=NUMBERS,
    preprocessing=PREPROCESSING,
)
COLUMNS = by_name(table({"shared": FLAG}, unit=TEXT, labels=each(TEXT)))
PLACE = leaf(
    lambda value: (
        isinstance(value, list)
        and len(value) == 4
        and is_text(value[0])
        and is_text(value[1])
        and isinstance(value[2], list)
        and all(map(is_count, value[2]))
        and value[3] in ("C", "F")
    ),
    "a name, a dtype, a shape and an order",
)
CHECKPOINT = table(
    config=TABLE,
    data=table(features=COUNT, rows=by_name(COUNT), preparation=TEXT, content=by_name(TEXT)),
    state=table(epoch=COUNT, steps=COUNT, seconds=NUMBER, diverged=FLAG, over=FLAG, losses=TABLE, watching=TABLE),
    columns=COLUMNS,
    places=each(PLACE),
)
FINDINGS = each(
    table(
        {"evidence": TABLE, "step": nullable(COUNT)},
        kind=TEXT,
        severity=TEXT,
        message=TEXT,
        layers=each(TEXT),
        causes=each(table(name=TEXT, why=TEXT, remedy=TEXT)),
    )
)
MEASURES = by_name(nullable(NUMBER))
SETTING = Schema(lambda value, place: (by_name(ANY) if isinstance(value, dict) else NUMBER).find_fault(value, place))
MEMBER = table(
    {"place": table(kind=TEXT, finding=TEXT, why=TEXT)},
    rate=nullable(SETTING), seed=COUNT, final=MEASURES, best=nullable(MEASURES), reached=nullable(MEASURES),
    curve=by_name(each(nullable(NUMBER))),
)  # fmt: skip
RESULT = table({"members": each(MEMBER), "seconds_per_update": NUMBER, "error": TEXT})
"""What each file holds beside its arrays, and what a line of a bench's journal says of a trial."""
