"""Eigenvalues of the Hessian: all of them where the network is small, those at the two ends where it is not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array, Seed, generator
from mlp.curvature.davidson import Davidson, Precondition
from mlp.curvature.lanczos import Times
from mlp.curvature.surface import Surface
from mlp.errors import ShapeError

MOST = 2000
"""Parameters up to which all eigenvalues are computed: above that a dense matrix takes minutes."""


class Ends(NamedTuple):
    """The most negative and the most positive eigenpair found, and how well they are known.

    `least` ≥ λ_min and `largest` ≤ λ_max always. `residuals`: some eigenvalue lies that near to each. `vectors` (P, 2).

    >>> found = ends(lambda v: np.array([-1.0, 2.0, 4.0]) * v, size=3)
    >>> round(found.least, 6), round(found.largest, 6)
    (-1.0, 4.0)
    """

    least: float
    largest: float
    residuals: tuple[float, float]
    vectors: Array
    products: int


def spectrum(surface: Surface) -> Array:
    """All eigenvalues of the Hessian, ascending, (P,). Exact but for rounding; P products and O(P³) operations."""
    if surface.size > MOST:
        raise ShapeError(
            f"the network has {surface.size:,} parameters; all eigenvalues are computed up to {MOST:,}. "
            "Ask for ends(...) or density(...)."
        )
    return np.linalg.eigvalsh(surface.hessian())


def ends(
    times: Times,
    size: int,
    *,
    steps: int = 20,
    most: int = 60,
    accuracy: float = 0.01,
    rng: Seed = 0,
    start: Array | None = None,
    precondition: Precondition | None = None,
) -> Ends:
    """The two ends of a spectrum by Davidson's method, from a random vector, with the direction of `start` (P,) added.

    After every `steps` products it stops if both residuals are within `accuracy` of their values, and after `most`.
    `precondition`: see `mlp.curvature.preconditioner`. Without it the method is that of Lanczos.
    """
    begin = _unit(generator(rng).standard_normal(size))
    found = Davidson(times, begin if start is None else begin + _unit(start), precondition)
    while not found.closed and found.products < most:
        found.grow(min(steps, most - found.products))
        if (_residuals(found) <= accuracy * np.abs(found.values[[0, -1]])).all():
            break
    least, largest = _residuals(found).tolist()
    vectors = np.stack([found.vector(0), found.vector(-1)], 1)
    return Ends(float(found.values[0]), float(found.values[-1]), (least, largest), vectors, found.products)


def _residuals(found: Davidson) -> Array:
    return np.array([np.linalg.norm(found.residual(k)) for k in (0, -1)])


def _unit(v: Array) -> Array:
    """The direction of a vector; of one without a length, nothing."""
    size = float(np.linalg.norm(v))
    return v / size if size else v
