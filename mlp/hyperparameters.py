"""The ranges of numbers that somebody chooses. They stand in the type of a field, and one function checks them all.

    @dataclass(frozen=True)
    class Dropout(Layer):
        rate: Fraction = 0.5

Rules may take an array (R, 1) with a number for each member of a population: `EachFraction` and so on say so. A field
of plain type is not checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Annotated, Any, TypeAlias, get_type_hints

import numpy as np

from mlp.arrays import Array
from mlp.errors import (
    check_above_one,
    check_between,
    check_count,
    check_finite,
    check_fraction,
    check_not_negative,
    check_positive,
    check_whole,
)

Check: TypeAlias = Callable[[str, Any], None]

Finite: TypeAlias = Annotated[float, check_finite]
Positive: TypeAlias = Annotated[float, check_positive]
NotNegative: TypeAlias = Annotated[float, check_not_negative]
Fraction: TypeAlias = Annotated[float, check_fraction]
Between: TypeAlias = Annotated[float, check_between]
AboveOne: TypeAlias = Annotated[float, check_above_one]
Count: TypeAlias = Annotated[int, check_count]
Whole: TypeAlias = Annotated[int, check_whole]


def each(check: Check) -> Check:
    """The check of a number, or of all numbers of an array: one for each member of a population."""

    def check_each(name: str, value: Any) -> None:
        for number in value.ravel() if isinstance(value, np.ndarray) and value.size else (value,):
            check(name, number)

    return check_each


EachFinite: TypeAlias = Annotated[float | Array, each(check_finite)]
EachPositive: TypeAlias = Annotated[float | Array, each(check_positive)]
EachNotNegative: TypeAlias = Annotated[float | Array, each(check_not_negative)]
EachFraction: TypeAlias = Annotated[float | Array, each(check_fraction)]
EachBetween: TypeAlias = Annotated[float | Array, each(check_between)]
EachAboveOne: TypeAlias = Annotated[float | Array, each(check_above_one)]


def check_fields(part: Any) -> None:
    """Refuse a number of a dataclass that is outside the range its field states."""
    kind: Any = type(part)
    for name, check in _checks(kind):
        check(name, getattr(part, name))


@cache
def _checks(kind: Any) -> list[tuple[str, Check]]:
    """The names of the fields that state a range, and what checks it."""
    try:
        hints = get_type_hints(kind, include_extras=True)
    except NameError:  # a class of one's own, made inside a function, whose types cannot be read from here
        return []
    return [(f.name, check) for f in fields(kind) for check in getattr(hints[f.name], "__metadata__", ())]
