"""Davidson's method: the two ends of a spectrum from products, the lower one sooner than by Lanczos' method.

Late in a training a few large eigenvalues and many next to nothing make the lower end slow to come. Where a part of the
matrix is known that can be inverted, its residual leads there faster. It knows vectors and products, and no networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from mlp.arrays import Array
from mlp.curvature.lanczos import Times
from mlp.curvature.memory import check_room
from mlp.errors import HyperparameterError

FIRST = 6
"""Products without the preconditioner: the upper end is then within 1 %, and it loses nothing more."""

Precondition: TypeAlias = Callable[[Array, float], Array]
"""(r, θ) -> (M - θ)⁻¹ r for a negative θ, where M is like the matrix and has no negative eigenvalue."""


class Davidson:
    """A subspace of orthonormal vectors with their products; it grows by one vector a product.

        t = (M - θ)⁻¹ (A x - θ x)       (θ, x) the lowest Ritz pair so far; t = A q without M, as Lanczos has it

    Ritz values lie between λ_min and λ_max whatever M is. `values` (k,), ascending, `least` and `largest` with their
    residuals ‖A x - θ x‖: *some* eigenvalue lies that near. Memory: two vectors a product.

    Davidson (1975), eq. 12, with a matrix in the place of a diagonal; Saad (2011), algorithm 8.2.

    >>> found = Davidson(lambda v: np.array([1.0, 2.0, -3.0]) * v, np.ones(3))
    >>> found.grow(20)
    >>> found.values.round(12), found.products
    (array([-3.,  1.,  2.]), 3)
    """

    def __init__(self, times: Times, start: Array, precondition: Precondition | None = None) -> None:
        size = float(np.linalg.norm(start))
        if not np.isfinite(size) or size == 0:
            raise HyperparameterError("start", size, "a vector with a length, finite and above 0")
        self.times, self.precondition, self.closed = times, precondition, False
        self._rows, self._images = np.empty((2, 0, start.size))
        self._next: Array = start / size

    @property
    def products(self) -> int:
        """How many were asked for."""
        return len(self._rows)

    def grow(self, steps: int) -> None:
        """Make `steps` more products, unless the span holds its own image: it is `closed` then."""
        check_room(2 * (self.products + steps), self._next.size)
        for _ in range(steps):
            if self.closed:
                break
            self._rows = np.vstack([self._rows, self._next])
            self._images = np.vstack([self._images, self.times(self._next)])
            self._solve()
            self._choose_next()

    def _solve(self) -> None:
        inside = self._rows @ self._images.T
        self.values, self._within = np.linalg.eigh((inside + inside.T) / 2)

    def vector(self, k: int) -> Array:
        """The k-th Ritz vector, (P,)."""
        found: Array = self._within[:, k] @ self._rows
        return found

    def residual(self, k: int) -> Array:
        """A x - θ x of the k-th Ritz pair, (P,)."""
        found: Array = self._within[:, k] @ self._images - self.values[k] * self.vector(k)
        return found

    def _choose_next(self) -> None:
        """The part of t that is orthogonal to all vectors so far."""
        found = self._images[-1]
        if self.precondition is not None and self.products >= FIRST and self.values[0]:
            found = self.precondition(self.residual(0), -abs(float(self.values[0])))
        size = float(np.linalg.norm(found))
        for _ in range(2):
            found = found - (self._rows @ found) @ self._rows
        rest = float(np.linalg.norm(found))
        self.closed = rest <= 1e-14 * size or self.products == found.size or size == 0
        if not self.closed:
            self._next = found / rest
