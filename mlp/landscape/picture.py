"""A landscape as a picture, one panel for each part. Imports matplotlib when it draws, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import DataError, MissingExtraError
from mlp.landscape.extremes import Extremes
from mlp.landscape.landscape import Landscape, Spectrum
from mlp.landscape.sections import Line, Plane
from mlp.landscape.trajectory import Trajectory
from mlp.storage.atomic import writing

LEVELS, ACROSS = 24, 3  # contours of a plane, and panels in a row


def check_pictures() -> None:
    """Refuse where there is no matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("a picture", "plot") from None


def draw_landscape(found: Landscape, path: Path) -> None:
    """Draw all parts, three in a row, into a file, without a window."""
    check_pictures()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = list(_panels(found))
    if not panels:
        raise DataError(f"{path}: there is nothing to draw. Ask for a line, a plane, a trajectory or a spectrum.")
    columns = min(len(panels), ACROSS)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.5 * columns, 4.5 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for k, panel in enumerate(panels):
        DRAWING[type(panel)](figure, figure.add_subplot(rows, columns, k + 1), panel)
    with writing(path) as file:
        figure.savefig(file, dpi=120, format=path.suffix[1:].lower())


def _panels(found: Landscape) -> Iterator[Any]:
    """The parts that there are."""
    parts = (*found.lines, found.plane, found.extremes, found.trajectory, found.spectrum)
    return (part for part in parts if part is not None)


def _draw_line(figure: Any, axes: Any, line: Line) -> None:
    axes.plot(line.x, np.where(np.isfinite(line.losses), line.losses, np.nan))
    axes.set(title=line.what, xlabel="x", ylabel="loss")
    axes.grid(alpha=0.3)


def _draw_plane(figure: Any, axes: Any, plane: Plane) -> None:
    figure.colorbar(axes.contourf(plane.x, plane.y, _shown(plane.losses), LEVELS), ax=axes, label="log10 loss")
    axes.set(title=plane.what, xlabel="x", ylabel="y")


def _shown(losses: Array) -> Array:
    """The logarithm of the loss above its lowest, which differs by decades."""
    positive = losses if losses.min() > 0 else losses - losses.min() + 1e-12
    found: Array = np.log10(np.where(np.isfinite(positive), positive, np.nan))
    return found


def _draw_extremes(figure: Any, axes: Any, found: Extremes) -> None:
    ratio = np.abs(found.least / np.where(found.largest != 0, found.largest, np.nan))
    shades = axes.pcolormesh(found.x, found.y, ratio, shading="nearest")
    figure.colorbar(shades, ax=axes, label="|least / largest eigenvalue|")
    axes.set(title="how much the loss curves down", xlabel="x", ylabel="y")


def _draw_trajectory(figure: Any, axes: Any, way: Trajectory) -> None:
    _draw_plane(figure, axes, way.plane)
    axes.plot(*way.path.T, "o-", color="white", markersize=3, linewidth=1)
    axes.set(title=f"{way.plane.what}; {100 * way.outside:.1f} % outside")


def _draw_spectrum(figure: Any, axes: Any, found: Spectrum) -> None:
    axes.hist(found.values, bins=min(80, max(10, len(found.values) // 4)), weights=found.shares)
    axes.set(title="eigenvalues of the Hessian", xlabel="eigenvalue", ylabel="share", yscale="log")
    axes.grid(alpha=0.3)


DRAWING: dict[type, Callable[[Any, Any, Any], None]] = {
    Line: _draw_line,
    Plane: _draw_plane,
    Extremes: _draw_extremes,
    Trajectory: _draw_trajectory,
    Spectrum: _draw_spectrum,
}
