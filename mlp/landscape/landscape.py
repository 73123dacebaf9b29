"""What was seen of a landscape, all of it or a part: as text, as JSON values, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.curvature.density import density
from mlp.curvature.spectrum import MOST, spectrum
from mlp.curvature.surface import Surface
from mlp.landscape.extremes import Extremes
from mlp.landscape.sections import Line, Plane
from mlp.landscape.trajectory import Trajectory

COLUMNS = ("section", "x", "y", "loss", "least", "largest", "step", "share")
"""Those of a table: one row for each number that was computed."""


class Spectrum(NamedTuple):
    """`values` (k,) of the Hessian, ascending, each with its share of all eigenvalues; `exact`: all there are."""

    values: Array
    shares: Array
    exact: bool


def find_spectrum(surface: Surface, rng: int = 0) -> Spectrum:
    """All eigenvalues where there are at most 2,000; else the nodes of five Lanczos quadratures."""
    if surface.size <= MOST:
        values = spectrum(surface)
        return Spectrum(values, np.full(len(values), 1 / len(values)), True)
    found = density(surface.times, surface.size, rng=rng)
    return Spectrum(found.nodes, found.weights, False)


@dataclass(frozen=True)
class Landscape:
    """Lines, a plane, a trajectory, a map of extreme eigenvalues and a spectrum, as far as they were asked for."""

    lines: tuple[Line, ...] = ()
    plane: Plane | None = None
    extremes: Extremes | None = None
    trajectory: Trajectory | None = None
    spectrum: Spectrum | None = None

    def __str__(self) -> str:
        return "\n".join(self._sentences())

    def _sentences(self) -> Iterator[str]:
        for line in self.lines:
            yield _about_line(line)
        if self.plane is not None:
            yield _about_plane(self.plane)
        if self.extremes is not None:
            down = 100 * self.extremes.curving_down
            n = self.extremes.least.size
            yield f"map: the loss curves down at {down:.0f} % of {n} places (least eigenvalue below -0.001 largest)"
        if self.trajectory is not None:
            yield _about_trajectory(self.trajectory)
        if self.spectrum is not None:
            yield _about_spectrum(self.spectrum)

    def to_json(self) -> dict[str, Any]:
        """In lists, dicts, strings and numbers."""
        found: dict[str, Any] = {"lines": [_listed(line) for line in self.lines]}
        for name in ("plane", "extremes", "trajectory", "spectrum"):
            part = getattr(self, name)
            if part is not None:
                found[name] = _listed(part)
        return found

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Rows of a table with `COLUMNS`; "" where a column says nothing."""
        for k, line in enumerate(self.lines):
            for x, loss in zip(line.x, line.losses, strict=True):
                yield f"line{k + 1}", x, "", loss, "", "", "", ""
        if self.plane is not None:
            yield from _grid("plane", self.plane)
        if self.extremes is not None:
            for (j, i), least in np.ndenumerate(self.extremes.least):
                yield "map", self.extremes.x[i], self.extremes.y[j], "", least, self.extremes.largest[j, i], "", ""
        if self.trajectory is not None:
            yield from _grid("trajectory_plane", self.trajectory.plane)
            t = self.trajectory
            for (x, y), step, loss in zip(t.path, t.steps, t.losses, strict=True):
                yield "trajectory", x, y, loss, "", "", step, ""
        if self.spectrum is not None:
            for value, share in zip(self.spectrum.values, self.spectrum.shares, strict=True):
                yield "eigenvalue", value, "", "", "", "", "", share


def _grid(name: str, plane: Plane) -> Iterator[tuple[Any, ...]]:
    for (j, i), loss in np.ndenumerate(plane.losses):
        yield name, plane.x[i], plane.y[j], loss, "", "", "", ""


def _listed(part: Any) -> Any:
    """A named tuple as a dict of lists."""
    if hasattr(part, "_asdict"):
        return {name: _listed(value) for name, value in part._asdict().items()}
    return part.tolist() if isinstance(part, np.ndarray) else part


def _about_line(line: Line) -> str:
    lowest, highest = int(np.argmin(line.losses)), int(np.argmax(line.losses))
    inside = line.losses[(line.x >= 0) & (line.x <= 1)]
    rises = int((np.diff(inside) > 1e-9 * max(abs(float(inside[0])), 1e-300)).sum()) if len(inside) > 1 else 0
    found = (
        f"line {line.what}: loss {line.losses[lowest]:.4g} at {line.x[lowest]:.2g} to {line.losses[highest]:.4g} at "
        f"{line.x[highest]:.2g}"
    )
    if not line.what.startswith("from"):
        return found
    way = f"rises in {rises} of {len(inside) - 1} steps" if rises else "falls all the way"
    return f"{found}; between 0 and 1 it {way}"


def _about_plane(plane: Plane) -> str:
    j, i = np.unravel_index(np.argmin(plane.losses), plane.losses.shape)
    m, n = plane.losses.shape
    return (
        f"plane of {plane.what}, {m} × {n}: loss {plane.losses[m // 2, n // 2]:.4g} in the middle, lowest "
        f"{plane.losses[j, i]:.4g} at ({plane.x[i]:.2g}, {plane.y[j]:.2g}), highest {plane.losses.max():.4g}"
    )


def _about_trajectory(t: Trajectory) -> str:
    return (
        f"trajectory: {len(t.steps)} points from step {t.steps[0]:.0f} to {t.steps[-1]:.0f}; "
        f"{100 * t.outside:.1f} % of it lies outside its principal plane; loss {t.losses[0]:.4g} → {t.losses[-1]:.4g}"
    )


def _about_spectrum(s: Spectrum) -> str:
    below = 100 * float(s.shares[s.values < -1e-6 * np.abs(s.values).max()].sum())
    how = f"all {len(s.values)} eigenvalues" if s.exact else f"eigenvalues, by {len(s.values)} products"
    return f"spectrum: {how}, {s.values[0]:.3e} … {s.values[-1]:.3e}; {below:.1f} % are negative beyond rounding"
