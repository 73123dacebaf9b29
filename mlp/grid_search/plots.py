"""A search as a picture: scores over what they cost. Imports matplotlib when it draws, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from mlp.errors import MissingExtraError
from mlp.grid_search.plan import Cell, Search
from mlp.grid_search.summary import summarize
from mlp.grid_search.tables import describe
from mlp.optimizer_bench.plots import picture

NAMED = 12  # combinations with a name in the legend


def draw_plot(search: Search, cells: Sequence[Cell], path: Path) -> None:
    """Write the picture: the mean of each combination with its standard error, over the number of parameters.

    MissingExtraError where there is no matplotlib, before anything is written.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("a plot", "plot") from None
    rows = [row for row in summarize(search, cells) if isfinite(row.score.value)]
    if not rows:
        return
    with picture(path, "score and cost", "parameters", search.score) as axes:
        axes.set_xscale("log")
        for i, row in enumerate(rows):
            error = row.error if isfinite(row.error) else None
            label = describe(row) if i < NAMED else None
            axes.errorbar([row.parameters], [row.score.value], yerr=error, fmt="o", label=label, capsize=3)
        best, chosen = rows[0], next(row for row in rows if row.chosen)
        if isfinite(best.error):
            axes.axhline(best.score.value - best.error, color="grey", linestyle=":", label="one standard error")
        axes.plot([chosen.parameters], [chosen.score.value], "o", mfc="none", ms=14, color="black", label="chosen")
