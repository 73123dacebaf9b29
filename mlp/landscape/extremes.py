"""Where in a plane the loss curves down: the two ends of the Hessian's spectrum at each of its points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.curvature.preconditioner import precondition
from mlp.curvature.spectrum import ends
from mlp.curvature.surface import Surface
from mlp.errors import check_count, check_positive

EXACT = 200  # parameters up to which a dense Hessian costs less than products one by one


class Extremes(NamedTuple):
    """`least` and `largest` (m, n) at the places `x` (n,) and `y` (m,) of a plane.

    |least / largest| near 0: the plane passes a region that is nearly convex (Li et al. 2018, section 6).
    """

    x: Array
    y: Array
    least: Array
    largest: Array

    @property
    def curving_down(self) -> float:
        """The share of the places where the least eigenvalue is below minus a thousandth of the largest."""
        return float((self.least < -1e-3 * np.abs(self.largest)).mean())


def extremes(
    surface: Surface, first: Array, second: Array, points: int = 11, reach: float = 1.0, products: int = 20
) -> Extremes:
    """λ_min and λ_max at θ + x `first` + y `second`; by `products` of Davidson's method where the network is large."""
    check_count("points", points)
    check_positive("reach", reach)
    x = np.linspace(-reach, reach, points)
    found = np.array([[_ends(surface.at(surface.params + a * first + b * second), products) for a in x] for b in x])
    return Extremes(x, x, found[..., 0], found[..., 1])


def _ends(there: Surface, products: int) -> tuple[float, float]:
    if not np.isfinite(there.grad).all():
        return np.nan, np.nan
    if there.size <= EXACT:
        values = np.linalg.eigvalsh(there.hessian())
        return float(values[0]), float(values[-1])
    led = precondition(there, np.random.default_rng(0))
    found = ends(there.times, there.size, steps=products, most=products, start=there.grad, precondition=led)
    return found.least, found.largest
