"""Numbers as people write them: 1.234,56, 5%, $ 3, (3) and −3, read as numbers where that is certain.

Whether a comma is a decimal mark cannot be seen in every cell, but most often in a file: 12,5 and 1.234,56 say that it
is, 1,234.5 says that it is none. Where a file says nothing, or both, it is refused with the setting that decides.
Dates, units and digits of other bases are no numbers (`spelling` says what to write). Knows columns, no files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.cells import MISSING, PLAIN_NUMBER, Cells, numbers, which_missing
from mlp.data.complaints import quoted
from mlp.data.spelling import CURRENCIES, INVISIBLE, LONGEST
from mlp.errors import DataError

LOOKED_AT = 1000  # texts of a column
CURRENCY = re.compile(rf"(?:{CURRENCIES})\s?(?P<n>.+)|(?P<n2>.*[^a-zA-Z\s])\s?(?:{CURRENCIES})")
MINUS = re.compile(r"[−–—‐‑‒-]\s?(?P<n>\D{0,4}[\d.,].*)")
GROUPED_BY_COMMA = re.compile(r"\d{1,3}(,\d{2})*(,\d{3})+(\.\d*)?")
GROUPED_BY_POINT = re.compile(r"\d{1,3}(\.\d{3})+(,\d*)?")
GROUPED_OTHERWISE = re.compile(r"\d{1,3}(?P<s>[ '’`])\d{3}((?P=s)\d{3})*([.,]\d+)?")


def _certain(mark: str, group: str) -> re.Pattern[str]:
    """Digits in which `mark` is the decimal mark for certain, whether it stands there or not; `group` is the other."""
    m, g = re.escape(mark), re.escape(group)
    return re.compile(
        rf"\d{{1,3}}({g}\d{{2,3}})*{g}\d{{3}}{m}\d*|\d{{1,3}}({g}\d{{3}}){{2,}}|\d{{1,2}}({g}\d{{2}})+{g}\d{{3}}"
        rf"|0*{m}\d+|\d*{m}(\d{{0,2}}|\d{{4,}})|\d{{4,}}{m}\d+"
    )


CERTAIN = {",": _certain(",", "."), ".": _certain(".", ",")}
EITHER = re.compile(r"[1-9]\d{0,2},\d{3}")
"""Digits of which that cannot be told: 1,234."""


class Numeral(NamedTuple):
    """A text that may be a number: its digits with what separates them, and what stands around these."""

    digits: str
    negative: bool = False
    percent: bool = False
    currency: str = ""


def parse_numeral(text: str) -> Numeral | None:
    """What stands around the digits taken off; None where what is left does not begin and end with digits.

    >>> parse_numeral("(5,5 %)")
    Numeral(digits='5,5', negative=True, percent=True, currency='')
    >>> parse_numeral("red"), parse_numeral("12-05")
    (None, None)
    """
    if len(text) > LONGEST or not any(map(str.isdigit, text)):
        return None
    rest = INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip().strip("\"“”„«»'’‘")
    negative, percent, currency = False, False, ""
    for _ in range(3):  # -$5, $(5), (5%)
        if rest.startswith("(") and rest.endswith(")") and not negative:
            rest, negative = rest[1:-1].strip(), True
        elif (found := MINUS.fullmatch(rest)) and not negative:
            rest, negative = found["n"].strip(), True
        if rest.endswith("%") and not percent:
            rest, percent = rest[:-1].strip(), True
        if not currency and (found := CURRENCY.fullmatch(rest)):
            inner = (found["n"] or found["n2"]).strip()
            rest, currency = inner, rest.replace(inner, "").strip()
    rest = rest.removeprefix("+") if not negative else rest
    is_number = bool(re.fullmatch(r"[\d.,][\d.,  '’`]*([eE][+-]?\d+)?", rest)) and any(map(str.isdigit, rest))
    return Numeral(rest, negative, percent, currency) if is_number else None


def numeral_value(found: Numeral, decimal: str) -> float:
    """The number, with `decimal` as the decimal mark; NaN where it is none then.

    >>> numeral_value(Numeral("1.234,5"), ","), numeral_value(Numeral("5", percent=True), ".")
    (1234.5, 0.05)
    """
    digits = found.digits
    if GROUPED_OTHERWISE.fullmatch(digits):
        digits = re.sub(r"[ '’`]", "", digits)
    elif (GROUPED_BY_POINT if decimal == "," else GROUPED_BY_COMMA).fullmatch(digits):
        digits = digits.replace("." if decimal == "," else ",", "")
    if decimal == ",":
        if "." in digits:
            return float("nan")
        digits = digits.replace(",", ".")
    if not PLAIN_NUMBER.fullmatch(digits):
        return float("nan")
    value = float(f"{digits}e-2" if found.percent and "e" not in digits.lower() else digits)
    value = value / 100 if found.percent and "e" in digits.lower() else value
    return -value if found.negative else value


def find_decimal(columns: Iterable[Cells]) -> str:
    """The decimal mark of a file by the columns that are not plain numbers: "," or "."; "" where nothing tells.

    DataError where one column tells a comma and another one a point.
    """
    texts = [cells for cells in columns if _is_text(cells.values)]
    is_plain = [_is_plain(numbers(cells.values), which_missing(cells.values), cells.values, "") for cells in texts]
    told: dict[str, tuple[Cells, str]] = {}
    odd = [_note_marks(cells, told) for cells, plain in zip(texts, is_plain, strict=True) if not plain]
    if not any(odd):
        return ""
    for cells, plain in zip(texts, is_plain, strict=True):  # 1.5 stands against a comma elsewhere
        if plain:
            _note_marks(cells, told)
    if len(told) > 1:
        (one, comma), (other, point) = told[","], told["."]
        raise DataError(
            f"{one.where}: column {quoted(one.name)} has {quoted(comma)}, and column {quoted(other.name)} "
            f'{quoted(point)}. Which is the decimal mark? Set [data] decimal = "." or "," (--set data.decimal=,).'
        )
    return next(iter(told), "")


def _note_marks(cells: Cells, told: dict[str, tuple[Cells, str]]) -> bool:
    """Note for either mark the first cell in which it is one for certain. Whether the column is one of numerals."""
    some = islice((text for text in dict.fromkeys(cells.values) if text not in MISSING), LOOKED_AT)
    found = {text: parse_numeral(text) for text in some}
    if 2 * sum(numeral is not None for numeral in found.values()) <= len(found):
        return False
    for text, numeral in found.items():
        for mark, pattern in CERTAIN.items():
            if numeral is not None and pattern.fullmatch(re.sub(r"[ '’`]|[eE].*", "", numeral.digits)):
                told.setdefault(mark, (cells, text))
    return True


def read_numbers(cells: Cells, decimal: str) -> Cells:
    """A column of numbers, plain ones or numerals, as numbers: an array where all are, NaN for missing cells.

    A text that is no numeral stays as it is; so does a column that is none of numbers. DataError where it cannot be
    told what the numbers are.
    """
    if not _is_text(cells.values):
        return cells
    found, missing = numbers(cells.values), which_missing(cells.values)
    if _is_plain(found, missing, cells.values, decimal):
        return cells._replace(values=found) if len(missing) < len(found) else cells
    return _read_numerals(cells, decimal, len(found) - len(missing))


def read_numerals(cells: Cells, decimal: str) -> Cells:
    """The same, but plain numbers stay texts: those of a target may be the names of classes."""
    if not _is_text(cells.values):
        return cells
    found, missing = numbers(cells.values), which_missing(cells.values)
    if _is_plain(found, missing, cells.values, decimal):
        return cells
    return _read_numerals(cells, decimal, len(found) - len(missing))


def _is_text(values: Sequence[Any] | Array) -> bool:
    return not isinstance(values, np.ndarray) and all(isinstance(cell, str) for cell in values)


def _is_plain(found: Array, missing: Sequence[int], texts: Sequence[Any] | Array, decimal: str) -> bool:
    """Whether all cells but the missing ones are numbers as they stand; 1.234 is none where the comma is decimal."""
    finite = np.isfinite(found)
    finite[missing] = True
    return bool(finite.all()) and (decimal != "," or not any("." in text for text in texts))


def _read_numerals(cells: Cells, decimal: str, n_present: int) -> Cells:
    found = {text: parse_numeral(text) for text in dict.fromkeys(cells.values) if text not in MISSING}
    known = {text: numeral_value(numeral, decimal or ".") for text, numeral in found.items() if numeral is not None}
    known = {text: value for text, value in known.items() if np.isfinite(value)}
    percents = {text for text in known if found[text].percent}  # type: ignore[union-attr]
    if any(known[text] for text in known.keys() - percents):  # 5 and 5% in one column: which of them is 0.05?
        known = {text: value for text, value in known.items() if text not in percents}
    if 2 * sum(text in known for text in cells.values) <= n_present:
        return cells
    _check_certain(cells, found, decimal)
    known |= dict.fromkeys(MISSING, np.nan)
    values: list[Any] = [known.get(text, text) for text in cells.values]
    return cells._replace(values=values if any(isinstance(v, str) for v in values) else np.array(values))


def _check_certain(cells: Cells, found: dict[str, Numeral | None], decimal: str) -> None:
    """Refuse a column of which it cannot be told what its numbers are."""
    numerals = {text: numeral for text, numeral in found.items() if numeral is not None}
    doubtful = [text for text, numeral in numerals.items() if EITHER.fullmatch(numeral.digits)]
    if doubtful and not decimal:
        marks = 'comma, or thousands? Set [data] decimal = "," or "." (--set data.decimal=.)'
        _refuse(cells, doubtful[0], f"is this a decimal {marks}")
    currencies = {numeral.currency: text for text, numeral in numerals.items() if numeral.currency}
    if len(currencies) > 1:
        _refuse(cells, list(currencies.values())[1], "there are several currencies. Write all amounts in one")


def _refuse(cells: Cells, text: str, why: str) -> None:
    raise DataError(
        f"{cells.title_at(list(cells.values).index(text))}: {quoted(text)} is not certainly a number: {why}; "
        f'to leave the column out: [data] ignore = ["{cells.name}"].'
    )
