"""What a chart is before it is drawn: a description as JSON, and the arrays that it draws.

A curve keeps of each bucket the points that its picture needs. A heat map keeps of each column the least, the typical
and the greatest number: of a mean alone a spike of a single step is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.page import bucket_extremes

COLUMNS = 512  # of a heat map, at most: as many as it has pixels on a page of two charts a row


class Chart(NamedTuple):
    """`about`: what the page reads as JSON; `arrays`: by name, what it draws."""

    about: dict[str, Any]
    arrays: dict[str, Array]


class Series(NamedTuple):
    """A curve: `values` (n,) recorded at `steps` (n,)."""

    name: str
    steps: Array
    values: Array


class Words(NamedTuple):
    """What a chart is called, what one of it is, and what it says to who cannot see it."""

    title: str
    unit: str
    text: str


def draw_curves(
    key: str, words: Words, series: Sequence[Series], gates: Mapping[str, float], *, log: bool = False
) -> Chart:
    """Curves over the steps; `gates` are levels to compare with, by name."""
    arrays, names = dict[str, Array](), list[dict[str, Any]]()
    for k, (name, steps, values) in enumerate(series):
        kept = bucket_extremes(np.asarray(values, np.float64))
        arrays |= {f"{key}/{k}/steps": steps[kept], f"{key}/{k}/values": values[kept]}
        names.append({"name": name, "records": len(steps), "kept": len(kept)})
    levels = [{"text": name, "value": float(value)} for name, value in gates.items() if np.isfinite(value)]
    about = {"key": key, **words._asdict(), "log": log, "series": names, "gates": levels}
    return Chart(about, arrays)


def draw_heat_map(key: str, words: Words, labels: Sequence[str], steps: Array, values: Array) -> Chart:
    """`values` (n, n_labels) over `steps` (n,): norms on a logarithmic scale, shares (unit "share") from 0 to 1."""
    share = words.unit == "share"
    starts = _starts(len(steps))
    bounds = np.append(steps[starts], steps[-1] + 1)
    least, typical, greatest = summarize_columns(values, starts, share)
    arrays = {"bounds": bounds, "least": least, "typical": typical, "greatest": greatest}
    about = {
        **{"key": key, **words._asdict(), "labels": list(labels), "share": share},
        **{"records": len(steps), "columns": len(starts)},
    }
    return Chart(about, {f"{key}/{name}": np.asarray(array, np.float32) for name, array in arrays.items()})


def _starts(n: int) -> Array:
    """The first record of each column."""
    columns = min(n, COLUMNS)
    return np.linspace(0, n, columns + 1).astype(int)[:-1]


def summarize_columns(values: Array, starts: Array, share: bool) -> tuple[Array, Array, Array]:
    """Least, typical and greatest of each column, (n_labels, n_columns) each.

    Typical is the geometric mean of norms, of those above 0, and the mean of shares. A column with a number that is
    none has NaN as its typical number.

    >>> least, typical, greatest = summarize_columns(np.array([[1.0], [100.0], [0.0]]), np.array([0, 2]), False)
    >>> least.tolist(), typical.round(12).tolist(), greatest.tolist()
    ([[1.0, 0.0]], [[10.0, 0.0]], [[100.0, 0.0]])
    """
    values = np.asarray(values, np.float64)
    finite = np.isfinite(values)
    least = np.minimum.reduceat(np.where(finite, values, np.inf), starts)
    greatest = np.maximum.reduceat(np.where(finite, values, -np.inf), starts)
    sizes = np.diff(np.append(starts, len(values)))[:, None]
    if share:
        typical = np.add.reduceat(values, starts) / sizes
    else:
        above = finite & (values > 0)
        logs = np.add.reduceat(np.log(np.where(above, values, 1)), starts)
        n_above = np.add.reduceat(above.astype(int), starts)
        typical = np.where(n_above > 0, np.exp(logs / np.maximum(n_above, 1)), 0)
    whole = np.logical_and.reduceat(finite, starts)
    none = np.where(np.isfinite(least), least, np.nan), np.where(np.isfinite(greatest), greatest, np.nan)
    return none[0].T, np.where(whole, typical, np.nan).T, none[1].T


def merge(charts: Sequence[Chart]) -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """The descriptions of all charts, and all their arrays."""
    arrays: dict[str, Array] = {}
    for chart in charts:
        arrays |= chart.arrays
    return [chart.about for chart in charts], arrays


def describe_range(values: Array) -> str:
    """What a curve does, for who cannot see it.

    >>> describe_range(np.array([2.0, 0.5, 1.0]))
    'from 2 to 1, between 0.5 and 2'
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return "no number in it"
    lost = "" if len(finite) == len(values) else f", {len(values) - len(finite)} records are no numbers"
    return f"from {finite[0]:.3g} to {finite[-1]:.3g}, between {finite.min():.3g} and {finite.max():.3g}{lost}"
