"""Eigenvalues of the Hessian: all of them where the network is small, those at the two ends where it is not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array, Seed, generator
from mlp.curvature.lanczos import Krylov, Ritz, Times
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


def ends(times: Times, size: int, *, steps: int = 20, most: int = 60, accuracy: float = 0.01, rng: Seed = 0) -> Ends:
    """The two ends of a spectrum by Lanczos' method from a random vector.

    After every `steps` products it stops if both residuals are within `accuracy` of their values, and after `most`.
    """
    krylov = Krylov(times, generator(rng).standard_normal(size))
    while True:
        krylov.grow(min(steps, most - krylov.products))
        found = krylov.ritz()
        if krylov.closed or krylov.products >= most or _sure(found, accuracy):
            break
    vectors = np.stack([found.vectors[:, 0], found.vectors[:, -1]], 1)
    residuals = float(found.residuals[0]), float(found.residuals[-1])
    return Ends(float(found.values[0]), float(found.values[-1]), residuals, vectors, krylov.products)


def _sure(ritz: Ritz, accuracy: float) -> bool:
    return bool((ritz.residuals[[0, -1]] <= accuracy * np.abs(ritz.values[[0, -1]])).all())
