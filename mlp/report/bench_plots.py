"""A comparison of optimizers as pictures: curves, sensitivity to the learning rate, performance profiles.

Draws into files, without a window. Needs matplotlib when it draws, and not before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlp.arrays import Array
from mlp.bench import Comparison, profiles, sensitivity
from mlp.bench.protocol import Cell
from mlp.bench.summary import FACTORS
from mlp.problems import larger_is_better

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES = ("-", "--", ":", "-.")  # ten colours, and then again in another style


def draw(comparison: Comparison, folder: Path) -> None:
    """Write curves-PROBLEM.png and sensitivity-PROBLEM.png for each problem, and profile.png.

    ImportError where there is no matplotlib, before anything is written.
    """
    import matplotlib  # noqa: F401  -- before anything is written

    for problem in dict.fromkeys(name for name, _ in comparison):
        cells = [cell for (name, _), cell in comparison.items() if name == problem and cell.members]
        if cells:
            _save(_curves(cells), folder / f"curves-{problem}.png")
        if any(cell.tuning for cell in cells):
            _save(_sensitivity(cells), folder / f"sensitivity-{problem}.png")
    _save(_profile(comparison), folder / "profile.png")


def _axes(title: str, x: str, y: str) -> tuple[Figure, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    return figure, axes


def _look(i: int) -> dict[str, Any]:
    return {"color": f"C{i % 10}", "linestyle": STYLES[i // 10 % len(STYLES)]}


def _save(figure: Figure, path: Path) -> None:
    for axes in figure.axes:
        axes.legend(fontsize="small", ncols=1 + len(axes.lines) // 16)
    figure.savefig(path, dpi=120)


def _curves(cells: list[Cell]) -> Figure:
    """The score on the way: the median of the seeds, and the range of their middle half."""
    score = cells[0].problem.score
    figure, axes = _axes(cells[0].problem.name, "updates", score)
    for i, cell in enumerate(cells):
        steps, values = _stacked(cell, score)
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0, method="nearest")
        axes.plot(steps, middle, label=f"{cell.rule} {'' if cell.rate is None else f'{cell.rate:g}'}", **_look(i))
        axes.fill_between(steps, low, high, alpha=0.15, color=f"C{i % 10}", linewidth=0)
    if not larger_is_better(score):
        axes.set_yscale("log")
    return figure


def _stacked(cell: Cell, score: str) -> tuple[Array, Array]:
    """Steps, and a row of scores for each seed; one that ended early stays where it was."""
    longest = max((member["curve"]["step"] for member in cell.members), key=lambda steps: int(steps[-1]))
    rows = []
    for member in cell.members:
        values = [np.nan if v is None else v for v in member["curve"][score]]
        rows.append(np.interp(longest, member["curve"]["step"], values))
    return np.array(longest), np.nan_to_num(np.array(rows), nan=np.inf)


def _sensitivity(cells: list[Cell]) -> Figure:
    """What rates are chosen by, over the learning rates; a ring around the one that was chosen."""
    name = cells[0].problem.chosen_by
    figure, axes = _axes(f"{cells[0].problem.name}: learning rates", "learning rate", f"{name} at the end of tuning")
    for i, cell in enumerate(cells):
        points = [(rate, interval.value) for rate, interval in sensitivity(cell) if np.isfinite(interval.value)]
        if points:
            axes.plot(*np.transpose(points), marker=".", label=cell.rule, **_look(i))
            axes.plot(*np.transpose([p for p in points if p[0] == cell.rate] or [(np.nan, np.nan)]), "o", mfc="none")
    axes.set_xscale("log")
    if not larger_is_better(name):
        axes.set_yscale("log")
    return figure


def _profile(comparison: Comparison) -> Figure:
    """The share of problems and seeds that are solved within a factor of the least cost. Dolan & Moré (2002)."""
    figure, axes = _axes("performance profile", "gradients, as a multiple of the best rule's", "share solved")
    finite = [factor for factor in FACTORS if np.isfinite(factor)]
    for i, (rule, shares) in enumerate(profiles(comparison).items()):
        axes.step(finite, shares[: len(finite)], where="post", label=rule, **_look(i))
    axes.set(xscale="log", ylim=(0, 1.02))
    return figure
