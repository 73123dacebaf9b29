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

TICKS = 6


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
    best, chosen = rows[0], next(row for row in rows if row.chosen)
    sizes, means = [row.parameters for row in rows], [row.score.value for row in rows]
    errors = [row.error if isfinite(row.error) else 0.0 for row in rows]
    with picture(path, "score and cost", "parameters", search.score) as axes:
        axes.set_xscale("log")
        axes.errorbar(sizes, means, errors, fmt="o", capsize=3, label="mean and standard error")
        if isfinite(best.error):
            label = "one standard error below the best"
            axes.axhline(best.score.value - best.error, color="grey", linestyle=":", label=label)
        for row, name, size in ((best, "best", 18), (chosen, "smallest as good", 12)):
            label = f"{name}: {describe(row)}"
            axes.plot([row.parameters], [row.score.value], "o", mfc="none", ms=size, label=label)
        shown = sorted(set(sizes))[:: max(1, len(set(sizes)) // TICKS)]
        axes.set_xticks(shown, [f"{size:,}" for size in shown])
        axes.minorticks_off()
