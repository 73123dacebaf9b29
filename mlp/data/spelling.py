"""Numbers and dates in spellings that are not read as numbers: 5%, 1.234,56, 3/5/2021.

A column of such cells is no category: each of its texts would become an input of its own. `find_spelling` says which
spelling a text is in, so that a refusal can say what to change. Nothing is converted here: that 1,234 is a thousand in
one file and near one in another cannot be seen in a cell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from mlp.data.cells import PLAIN_NUMBER

LONGEST = 40  # letters of a cell; what is longer is no number
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


class Spelling(NamedTuple):
    """A way to write numbers: a pattern, whose group `n` is what stays when it is undone, and what to write instead.

    `re` compiles the pattern when it is first needed, and keeps it: all of them take 3 ms.
    """

    pattern: str
    remedy: str
    flags: int = 0

    def match(self, text: str) -> re.Match[str] | None:
        """The match of the whole text; None where it is not written so."""
        return re.fullmatch(self.pattern, text, self.flags)


LENGTHS = "nm µm um mm cm dm km in inch(es)? ft foot feet yd mi miles?"
WEIGHTS = "ng µg ug mcg mg kg tons? lbs? oz"
VOLUMES = "µl ul ml cl dl gal"
TIMES = "ns µs us ms sec(onds?)? mins? minutes? hrs? hours? days? wks? weeks? mo months? yrs? years? am pm"
ELECTRICAL = "mv kv ma mw kw kwh wh kj kcal cal hz khz mhz ghz ohm Ω db dbm"
OTHERS = "pa kpa hpa bar mbar psi mmhg °c? °f? ppm ppb px pt rpm bpm mph kph kb mb gb tb pct percent bn mio"
UNITS = "|".join(" ".join((LENGTHS, WEIGHTS, VOLUMES, TIMES, ELECTRICAL, OTHERS)).split())
LETTERS = "(?-i:[mglshdtLWVKNJ°])"  # a unit of one letter stands apart: 5 m; while 5m, 2A and 2 A may be names
CURRENCIES = r"[$€£¥₹₽₩₺₪₫฿¢]|USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|Rs\.?|kr\.?|R\$|US\$"
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s?[ap]\.?m\.?)?"
TIME_ZONE = r"(\s?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?))?"
DAY = (
    r"(\d{4}(?P<a>[-/. ])\d{1,2}(?P=a)\d{1,2}|\d{1,2}(?P<b>[-/. ])\d{1,2}(?P=b)(\d{4}|\d{2})|\d{8}(?=T)"
    r"|\d{4}[-/](0[1-9]|1[0-2])"
    r"|((mon|tue|wed|thu|fri|sat|sun)[a-z]*[, ]+)?(\d{1,2}[-. ]+)?"
    rf"({MONTHS})[a-z]*[-., ]*(\d{{1,2}},? ?)?(\d{{2}}){{0,2}})"
)

DATES = Spelling(
    rf"{DAY}([T ,]+({CLOCK}|\d{{4,6}}){TIME_ZONE})?",
    "Write a date as numbers: days since the first one, or year, month and day in columns of their own.",
    re.IGNORECASE,
)
CLOCKS = Spelling(rf"{CLOCK}{TIME_ZONE}", "Write a time as one number: 12:30 as 12.5.", re.IGNORECASE)

AROUND = (
    Spelling(
        "[\"'“”„‘’«»](?P<n>[^\"'“”„‘’«»]+)[\"'“”„‘’«»]?",
        "Write numbers without quotes, or with the quotes directly after the separator.",
    ),
    Spelling(r"\((?P<n>.+)\)", "Write a negative number with a minus sign: -3."),
    Spelling(
        rf"[+-]?(?:{CURRENCIES})\s?(?P<n>.+?)\s?(?:[kKmM]|[bB]n?)?|(?P<n2>.*[^a-zA-Z])(?:{CURRENCIES})",
        "Write the number without the currency.",
    ),
    Spelling(r"(?P<n>.+?)\s?[%‰٪]", "Write the number without the percent sign."),
    Spelling(
        rf"(?P<n>.*[\d.,])(?:\s?(?:{UNITS})|\s(?:{LETTERS}))(?:[²³]|\^?[23])?(?:\s?/\s?[a-zµ]{{1,4}}[²³23]?)?",
        "Write the number without the unit: the name of the column can have it.",
        re.IGNORECASE,
    ),
    Spelling(
        r"[+−–—‐‑‒-]\s?(?P<n>[\d.,].*)|(?P<n2>.*[\d.,])\s?[−–—-]",
        "Write the sign as '-' directly before the digits.",
    ),
)
"""What may stand around a number, in the order in which it is taken off."""

DIGITS = (
    Spelling(r"0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+", "Write whole numbers in digits from 0 to 9: 0x1f as 31."),
    Spelling(
        r"(\d+[.,]?\d*|[.,]\d+)\s?([eEdDqQ]|[x×·*]\s?10\s?(\^|\*\*)?)\s?[+−-]?\s?\d+",
        "Write the exponent with E: 1.5D0 as 1.5E0.",
    ),
    Spelling(
        r"\d+(,\d+)+(\.\d+)?|,\d+|\d+,\d+[eE][+-]?\d+|\d+(_\d+)+(\.\d+)?|\d+[·٫]\d+"
        r"|\d{1,3}(?P<s>[ .'’`])\d{3}((?P=s)\d{3})*([.,]\d+)?",
        "Write decimals with a point and thousands without a separator: 1.5, 1000.",
    ),
)
CHARACTERS = "Write digits, points and signs as plain ASCII, without invisible characters."


def find_spelling(text: str) -> str | None:
    """What to write instead, where a text is a number or a date in a spelling that is not read; None where it is none.

    >>> find_spelling("5%"), find_spelling("red"), find_spelling("1st")
    ('Write the number without the percent sign.', None, None)
    """
    if len(text) > LONGEST or not any(map(str.isdigit, text)):
        return None
    rest = INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()
    for known in (DATES, CLOCKS):
        if known.match(rest):
            return known.remedy
    remedies = [] if rest == text else [CHARACTERS]
    for known in AROUND * 2:  # ($5) and $(5)
        if found := known.match(rest):
            rest = next(filter(None, found.groupdict().values())).strip()
            remedies.append(known.remedy)
    return _first_remedy(rest, remedies)


def _first_remedy(digits: str, remedies: Iterable[str]) -> str | None:
    """The first of the remedies met on the way to the digits, or that of the digits; None where these are no number."""
    if PLAIN_NUMBER.fullmatch(digits):
        return next(iter(remedies), None)
    own = [known.remedy for known in DIGITS if known.match(digits)]
    return next(iter([*remedies, *own])) if own else None
