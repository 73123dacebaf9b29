"""Losses along a line and in a plane through the parameters, many points at once as populations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.backprop import forward
from mlp.curvature.surface import Surface
from mlp.errors import ShapeError, check_count, check_positive
from mlp.network import Network, Workspace

BYTES = 1 << 20
"""What the nodes of the widest layer may take for a population: more no longer fits the cache, and is slower."""


class Line(NamedTuple):
    """`losses` (n,) at the places `x` (n,) of a line; `what` it is, and what x counts."""

    what: str
    x: Array
    losses: Array


class Plane(NamedTuple):
    """`losses` (m, n) at the places `x` (n,) and `y` (m,) of a plane; `what` it is."""

    what: str
    x: Array
    y: Array
    losses: Array


def line_between(surface: Surface, start: Array, end: Array, points: int = 61, beyond: float = 0.25) -> Line:
    """The loss along the straight line from `start` (P,), at 0, to `end` (P,), at 1, and a part `beyond` both.

    Goodfellow, Vinyals & Saxe (2015), section 2. A loss that falls all the way says nothing of what the training met.
    """
    check_count("points", points)
    _check_vectors(surface, start, end)
    x = np.linspace(-beyond, 1 + beyond, points)
    origin, way = np.asarray(start, np.float64), np.asarray(end, np.float64) - start
    return Line("from the first weights (0) to the last (1)", x, losses_at(surface, origin, way[None], x[:, None]))


def line_along(surface: Surface, direction: Array, points: int = 51, reach: float = 1.0) -> Line:
    """The loss along θ + x `direction`, x from -`reach` to `reach`."""
    check_count("points", points)
    check_positive("reach", reach)
    _check_vectors(surface, direction)
    x = np.linspace(-reach, reach, points)
    return Line(
        "along a random direction, filter by filter", x, losses_at(surface, surface.params, direction[None], x[:, None])
    )


def plane_along(surface: Surface, first: Array, second: Array, points: int = 51, reach: float = 1.0) -> Plane:
    """The loss at θ + x `first` + y `second`, x and y from -`reach` to `reach`. Li et al. (2018), section 3."""
    check_count("points", points)
    check_positive("reach", reach)
    _check_vectors(surface, first, second)
    x = np.linspace(-reach, reach, points)
    what = "two random directions, filter by filter"
    return Plane(what, x, x, plane_losses(surface, surface.params, np.stack([first, second]), x, x))


def plane_losses(surface: Surface, origin: Array, axes: Array, x: Array, y: Array) -> Array:
    """The loss at origin + x axes[0] + y axes[1], (m, n)."""
    places = np.stack([np.tile(x, len(y)), np.repeat(y, len(x))], 1)
    return losses_at(surface, origin, axes, places).reshape(len(y), len(x))


def losses_at(surface: Surface, origin: Array, axes: Array, places: Array) -> Array:
    """L at `origin` (P,) + `places` (K, d) @ `axes` (d, P): (K,), penalties included; inf where it is no number.

    Places are taken in chunks of about a MB of nodes, forward only.
    """
    found, workspace = np.empty(len(places)), None
    size = _members(surface)
    for start in range(0, len(places), size):
        part = slice(start, start + size)
        network = surface.network.at(origin + places[part] @ axes)
        if workspace is None or len(network.params) != len(places[:size]):
            workspace = Workspace(network, surface.batch.x.n_samples)
        surface.meter.spend(network, surface.batch.x.n_samples, 0.5)
        found[part] = _losses(surface, network, workspace)
    return np.where(np.isfinite(found), found, np.inf)


def _losses(surface: Surface, network: Network, workspace: Workspace) -> Array:
    batch = surface.batch
    with np.errstate(all="ignore"):
        outputs = forward(network, batch.x, workspace, batch.weights)
        value = surface.loss.value(outputs, batch.target, batch.weights)
        for i in network.penalised:
            value = value + network.layers[i].penalty(network.views[i], workspace.grads[i])
    return np.asarray(value)


def _members(surface: Surface) -> int:
    """How many members a population may have."""
    widest = max(surface.network.n_in, *(layer.n_out for layer in surface.network.layers))
    return max(1, BYTES // (8 * widest * surface.batch.x.n_samples))


def _check_vectors(surface: Surface, *vectors: Array) -> None:
    for vector in vectors:
        if np.shape(vector) != (surface.size,):
            raise ShapeError(f"a direction has shape {np.shape(vector)}; the network has ({surface.size},) parameters.")
