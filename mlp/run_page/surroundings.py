"""Where a run stands: what kind of point was found on its way, and the loss around its end, where somebody looked."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.history import History

if TYPE_CHECKING:
    from mlp.curvature import Point
    from mlp.landscape import Landscape, Plane

POINT_COLUMNS = ("after step", "kind", "loss", "floor", "‖gradient‖", "least curvature", "largest", "steps to leave it")
NUMBERS = ("loss", "floor", "grad", "least", "largest", "escape")
"""Columns `point_…` of a history, in the order of the table."""


class Looked(NamedTuple):
    """What was seen where a run ended: `run.point()` and `run.landscape(...)`, each None if nobody looked."""

    point: Point | None = None
    landscape: Landscape | None = None


def list_points(history: History) -> list[list[str]]:
    """A row for each look that a training took at the point where it stood: `POINT_COLUMNS`."""
    return [] if "point_kind" not in history else [*_list_points(history)]


def _list_points(history: History) -> Iterator[list[str]]:
    kinds = history.labels("point_kind")
    for step, marks in zip(history.steps("point_kind"), history["point_kind"], strict=True):
        kind = kinds[int(np.argmax(marks))]
        layers = _at(history, "point_layers", int(step))
        names = (
            [name for name, cut in zip(history.labels("point_layers"), layers, strict=True) if cut] if layers else []
        )
        said = f"{kind.replace('_', ' ')}, cut off: {', '.join(names)}" if names else kind.replace("_", " ")
        numbers = (_at(history, f"point_{name}", int(step)) for name in NUMBERS)
        yield [str(step), said, *("" if number is None else _number(number) for number in numbers)]


def _at(history: History, name: str, step: int) -> Any:
    """What a column says at a step; None for nothing."""
    if name not in history:
        return None
    places = np.flatnonzero(history.steps(name) == step)
    return history[name][places[-1]].tolist() if len(places) else None


def describe_point(point: Point) -> dict[str, Any]:
    """A point in words, and its numbers."""
    numbers = {
        **{"loss": point.loss, "lowest possible loss": point.floor, "best constant answer": point.reference},
        **{"‖gradient‖": point.grad_norm, "least curvature": point.least, "largest curvature": point.largest},
        **{"steps to leave it": point.escape_steps, "rate × largest curvature": point.sharpness},
    }
    rows = [[name, _number(value)] for name, value in numbers.items() if not isnan(value)]
    return {
        "kind": point.kind.replace("_", " "),
        "why": f"{point.why[:1].upper()}{point.why[1:]}.",
        "rows": rows,
        "looked": point.rows,
    }


def describe_landscape(found: Landscape) -> tuple[dict[str, Any], dict[str, Array]]:
    """What is drawn of a landscape."""
    arrays = dict[str, Array]()
    for k, line in enumerate(found.lines):
        arrays |= {f"landscape/line/{k}/x": line.x, f"landscape/line/{k}/losses": line.losses}
    about: dict[str, Any] = {"lines": [line.what for line in found.lines], "said": str(found).splitlines()}
    if found.plane is not None:
        arrays |= _plane("plane", found.plane)
        about["plane"] = {"what": found.plane.what}
    if found.trajectory is not None:
        way = found.trajectory
        arrays |= _plane("trajectory", way.plane) | {"landscape/trajectory/path": way.path}
        arrays["landscape/trajectory/steps"] = way.steps
        about["trajectory"] = {"what": f"the way of the training; {way.outside:.1%} of it lies outside this plane"}
    if found.spectrum is not None:
        arrays |= {
            "landscape/spectrum/values": found.spectrum.values,
            "landscape/spectrum/shares": found.spectrum.shares,
        }
        about["spectrum"] = {"exact": found.spectrum.exact}
    return about, arrays


def _plane(name: str, plane: Plane) -> dict[str, Array]:
    return {f"landscape/{name}/{part}": getattr(plane, part) for part in ("x", "y", "losses")}


def _number(value: float) -> str:
    return "never" if value == inf else f"{value:.4g}" if isfinite(value) else ""
