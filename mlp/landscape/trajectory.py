"""The way that a training took, in the plane that holds most of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.curvature.surface import Surface
from mlp.errors import ShapeError, check_count
from mlp.landscape.sections import Plane, plane_losses

MARGIN = 0.2  # of the extent of the way, that the plane shows on each side


class Trajectory(NamedTuple):
    """`path` (K, 2): where the training was after `steps` (K,), in the coordinates of `plane`; the last is (0, 0).

    `losses` (K,) are those at the points themselves, which lie off the plane. `outside`: the share of Σ ‖θ_k - θ_K‖²
    that the plane does not hold. A random walk in many dimensions has such a plane too: it holds a half or more.
    """

    plane: Plane
    path: Array
    steps: Array
    losses: Array
    outside: float


def trajectory(surface: Surface, points: Array, steps: Array, n: int = 51) -> Trajectory:
    """The plane of the first two principal directions of θ_k - θ_K, for `points` θ_1 … θ_K, (K, P), K ≥ 3.

    Li et al. (2018), section 7.
    """
    check_count("n", n)
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != surface.size or len(points) < 3:
        raise ShapeError(
            f"a trajectory needs three points or more of {surface.size} parameters; given was {points.shape}."
        )
    away = points[:-1] - points[-1]
    _, sizes, axes = np.linalg.svd(away, full_matrices=False)
    axes = axes[:2] * np.where(away[0] @ axes[:2].T < 0, -1, 1)[:, None]  # so that the way begins at positive numbers
    whole = float(np.sum(sizes**2))
    path = np.vstack([away @ axes.T, np.zeros(2)])
    x, y = (_around(path[:, k], n) for k in range(2))
    losses = plane_losses(surface, points[-1], axes, x, y)
    plane = Plane("the principal plane of the trajectory", x, y, losses)
    outside = max(0.0, 1 - float(np.sum(sizes[:2] ** 2)) / whole) if whole else 0.0
    return Trajectory(plane, path, np.asarray(steps), surface.values_at(points), outside)


def _around(values: Array, n: int) -> Array:
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, n)
