"""A page of things side by side: rules of a bench, or runs. Tables, curves of each, and shares with their intervals.

All charts take the same things, in the same colours, and one row of buttons says which of them are drawn. Knows neither
rules nor runs: who calls says what the tables and curves are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite, isnan
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.page.build import BLOCK_SCRIPTS, BLOCK_STYLES, build_page

STYLES = (*BLOCK_STYLES, "mlp.page/side_by_side.css")
SCRIPTS = (*BLOCK_SCRIPTS, "mlp.page/side_by_side.js")


class Block(NamedTuple):
    """A part of the page: `about` as JSON has it, and the `arrays` that it draws."""

    about: dict[str, Any]
    arrays: dict[str, Array]


class Curve(NamedTuple):
    """A curve of the thing number `of`: `y` (n,) over `x` (n,) of each axis; an area from `low` to `high`."""

    of: int
    x: Mapping[str, Array]
    y: Array
    low: Array | None = None
    high: Array | None = None


class Axes(NamedTuple):
    """What a chart is called, what its curves go up to, and what it says to who cannot see it."""

    title: str
    y: str
    text: str
    log: bool = False
    x_log: bool = False
    extent: Sequence[float] = ()


def build_side_by_side(
    title: str, lead: str, verdict: str, names: Sequence[str], blocks: Iterable[Block], what: str
) -> str:
    """The text of the page. `names` are those of the things, which are all of the kind `what`: "rules", say."""
    parts = [*blocks]
    head = {"title": title, "lead": lead, "verdict": verdict, "names": [*names], "what": what}
    arrays = {name: array for part in parts for name, array in part.arrays.items()}
    return build_page(title, {**head, "blocks": [part.about for part in parts]}, arrays, STYLES, SCRIPTS)


def section(title: str, text: str, blocks: Iterable[Block]) -> Block:
    """Blocks under one heading."""
    parts = [*blocks]
    arrays = {name: array for part in parts for name, array in part.arrays.items()}
    about = {"kind": "section", "title": title, "text": text, "blocks": [part.about for part in parts]}
    return Block(about, arrays)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], notes: Sequence[str] = ()) -> Block:
    """A table. A cell is a text, or what `share` gives; the first of a row is its head."""
    return Block(
        {"kind": "table", "title": title, "columns": [*columns], "rows": [[*row] for row in rows], "notes": [*notes]},
        {},
    )


def share(value: float, low: float, high: float) -> dict[str, Any] | str:
    """A cell with a share from 0 to 1 and its interval, as a bar and as text; empty for none."""
    if isnan(value):
        return ""
    return {"share": [value, low, high], "text": f"{value:.0%}", "interval": f"{low:.0%} … {high:.0%}"}


def matrix(
    title: str, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[float]]], notes: Sequence[str] = ()
) -> Block:
    """A table of shares as colours, NaN for an empty cell."""
    cells = [[name, *("" if isnan(v) else {"shade": v, "text": f"{v:.0%}"} for v in values)] for name, values in rows]
    return Block({"kind": "table", "title": title, "columns": [*columns], "rows": cells, "notes": [*notes]}, {})


def chart(key: str, axes: Axes, curves: Sequence[Curve], notes: Sequence[str] = ()) -> Block:
    """Curves, over the first of their x until somebody asks for another."""
    arrays = dict[str, Array]()
    for k, curve in enumerate(curves):
        parts = {**{f"x/{name}": x for name, x in curve.x.items()}, "y": curve.y, "low": curve.low, "high": curve.high}
        arrays |= {f"{key}/{k}/{name}": np.asarray(v, np.float64) for name, v in parts.items() if v is not None}
    xs = list(dict.fromkeys(name for curve in curves for name in curve.x))
    about = {"kind": "chart", "key": key, **axes._asdict(), "x": xs, "of": [c.of for c in curves], "notes": [*notes]}
    return Block(about, arrays)


def figure(value: float) -> str:
    """Four digits; nothing for what is not known, – for what never happened.

    >>> figure(0.123456), figure(float("inf"))
    ('0.1235', '–')
    """
    return "" if isnan(value) else f"{value:.4g}" if isfinite(value) else "–"
