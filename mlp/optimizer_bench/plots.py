"""A bench as pictures: curves, sensitivity to the learning rate, performance profiles.

Draws into files, without a window. Imports matplotlib when it draws, and not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import MissingExtraError
from mlp.optimizer_bench.protocol import Cell, Cells
from mlp.optimizer_bench.setting import format_setting
from mlp.optimizer_bench.summary import FACTORS, compute_profiles, group_by_problem, measure_sensitivity
from mlp.problems import larger_is_better
from mlp.storage.atomic import writing_itself
from mlp.storage.marks import AUTHOR

STYLES = ("-", "--", ":", "-.")  # ten colours, and then again in another style


def draw_plots(cells: Cells, folder: Path) -> None:
    """Write curves-PROBLEM.png and sensitivity-PROBLEM.png for each problem, and profile.png; nothing of obstacles.

    MissingExtraError where there is no matplotlib, before anything is written.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("a plot", "plot") from None
    cells = {place: cell for place, cell in cells.items() if not cell.problem.by_target}
    if not cells:
        return
    for name, group in group_by_problem(cells).items():
        problem = name.replace("/", "_").replace("\\", "_")  # the path of a data set is no folder to draw into
        ready = [cell for cell in group if cell.members]
        if ready:
            with picture(folder / f"curves-{problem}.png") as axes:
                draw_curves(axes, ready)
        if any(cell.tuning for cell in ready):
            with picture(folder / f"sensitivity-{problem}.png") as axes:
                draw_sensitivity(axes, ready)
    with picture(folder / "profile.png") as axes:
        draw_profiles(axes, cells)


@contextmanager
def picture(path: Path, title: str = "", x: str = "", y: str = "") -> Iterator[Any]:
    """Axes to draw on; the picture is written at the end, with a title and names of the axes where they are given."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    yield axes
    if title:
        _finish(axes, title, x, y)
    with writing_itself(path) as file:
        figure.savefig(file, format="png", dpi=120, metadata=AUTHOR)


def _style(i: int) -> dict[str, Any]:
    return {"color": f"C{i % 10}", "linestyle": STYLES[i // 10 % len(STYLES)]}


def _scale(measure: str) -> str:
    return "linear" if larger_is_better(measure) else "log"


def _finish(axes: Any, title: str, x: str, y: str) -> None:
    """What every picture has."""
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", ncols=1 + len(axes.lines) // 16)


def draw_curves(axes: Any, cells: Sequence[Cell]) -> None:
    """Draw into `axes` the score on the way: the median of the seeds, and the range of their middle half."""
    problem = cells[0].problem
    for i, cell in enumerate(cells):
        steps, values = stack_curves(cell)
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0, method="nearest")
        label = f"{cell.rule} {format_setting(cell.rate)}"
        axes.plot(steps, middle, label=label, **_style(i))
        axes.fill_between(steps, low, high, alpha=0.15, color=f"C{i % 10}", linewidth=0)
    axes.set_yscale(_scale(problem.score))
    _finish(axes, problem.name, "updates", problem.score)


def stack_curves(cell: Cell) -> tuple[Array, Array]:
    """Steps, and a row of scores for each seed. A curve that ended early stays where it was; NaN is worst of all."""
    curves = [member["curve"] for member in cell.members]
    longest = max((curve["step"] for curve in curves), key=lambda steps: int(steps[-1]))
    rows = [np.interp(longest, curve["step"], np.array(curve[cell.problem.score], float)) for curve in curves]
    worst = -np.inf if larger_is_better(cell.problem.score) else np.inf
    return np.array(longest, float), np.nan_to_num(np.array(rows), nan=worst)


def draw_sensitivity(axes: Any, cells: Sequence[Cell]) -> None:
    """Draw into `axes` what rates are chosen by, over the learning rates; a ring around the chosen one."""
    problem = cells[0].problem
    for i, cell in enumerate(cells):
        points = [(rate, found.value) for rate, found in measure_sensitivity(cell) if np.isfinite(found.value)]
        if points:
            chosen = [point for point in points if point[0] == cell.rate] or [(np.nan, np.nan)]
            axes.plot(*np.transpose(points), marker=".", label=cell.rule, **_style(i))
            axes.plot(*np.transpose(chosen), "o", mfc="none")
    axes.set(xscale="log", yscale=_scale(problem.chosen_by))
    y = f"{problem.chosen_by} at the end of tuning"
    _finish(axes, f"{problem.name}: learning rates", "learning rate", y)


def draw_profiles(axes: Any, cells: Cells) -> None:
    """Draw into `axes` the share of problems and seeds that are solved within a factor of the least cost.

    Dolan & Moré (2002).
    """
    finite = [factor for factor in FACTORS if np.isfinite(factor)]
    for i, (rule, shares) in enumerate(compute_profiles(cells).items()):
        axes.step(finite, shares[: len(finite)], where="post", label=rule, **_style(i))
    axes.set(xscale="log", ylim=(0, 1.02))
    _finish(axes, "performance profile", "gradients, as a multiple of the best rule's", "share solved")
