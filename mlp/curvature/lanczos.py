"""Lanczos' method: a few eigenvalues of a symmetric matrix that is known by its products only.

k products turn a vector and the matrix into a small tridiagonal matrix, whose eigenvalues, the Ritz values, approach
first those at the two ends. It knows vectors and products, and neither networks nor losses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from mlp.arrays import Array
from mlp.curvature.memory import check_room
from mlp.errors import HyperparameterError, check_count

Times: TypeAlias = Callable[[Array], Array]
"""v (P,) -> A v, the product with a symmetric matrix."""


class Ritz(NamedTuple):
    """What k steps from one vector know of a symmetric matrix.

    `values` (k,): θ₁ ≤ … ≤ θ_k. `first` (k,): s₁ᵢ, the part of the starting vector's direction that lies along the
    i-th Ritz vector; θᵢ and s₁ᵢ² are nodes and weights of a Gauss quadrature (Golub & Meurant 2010, theorem 6.2).
    `residuals` (k,): ‖A yᵢ - θᵢ yᵢ‖; *some* eigenvalue lies that near to θᵢ. `vectors` (P, k): yᵢ, in columns.

    λ_min ≤ θ₁ and θ_k ≤ λ_max always, so that a negative θ₁ proves negative curvature; a positive one proves nothing.

    >>> lanczos(lambda v: np.array([1.0, 2.0, 4.0]) * v, np.ones(3), 3).values.round(6)
    array([1., 2., 4.])
    """

    values: Array
    first: Array
    residuals: Array
    vectors: Array


def lanczos(times: Times, start: Array, steps: int) -> Ritz:
    """`steps` products from `start` (P,), or fewer where the vectors met span all that there is to find.

        β_j q_{j+1} = A q_j - α_j q_j - β_{j-1} q_{j-1}

    Every new vector is made orthogonal to all the others, twice: without that, Ritz values come back as ghosts of
    themselves. Memory: `steps` vectors. Lanczos (1950); Parlett & Scott (1979) for orthogonality.

    >>> ritz = lanczos(lambda v: np.array([1.0, 2.0, -3.0]) * v, np.array([1.0, 1.0, 1.0]), 20)
    >>> np.round(ritz.values, 12)
    array([-3.,  1.,  2.])
    """
    krylov = Krylov(times, start)
    krylov.grow(steps)
    return krylov.ritz()


class Krylov:
    """The orthonormal vectors that a matrix makes of one, and the matrix within their span; it can grow.

    `closed`: the span holds its own image, so that more steps find nothing new and every Ritz value is an eigenvalue.
    """

    def __init__(self, times: Times, start: Array) -> None:
        size = float(np.linalg.norm(start))
        if not np.isfinite(size) or size == 0:
            raise HyperparameterError("start", size, "a vector with a length, finite and above 0")
        self.times = times
        self.closed = False
        self._rows = np.empty((0, start.size), start.dtype)
        self._next = start / size
        self._alpha: list[float] = []
        self._beta: list[float] = []

    @property
    def products(self) -> int:
        """How many were asked for."""
        return len(self._alpha)

    def grow(self, steps: int) -> None:
        """Make `steps` more products, unless closed."""
        check_count("steps", steps)
        steps = min(steps, self._next.size - self.products)
        check_room(self.products + steps, self._next.size, self._next.itemsize)
        rows = np.empty((self.products + max(steps, 0), self._next.size), self._next.dtype)
        rows[: self.products] = self._rows
        for k in range(self.products, len(rows)):
            if self.closed:
                break
            rows[k] = self._next
            self._step(rows[: k + 1])
        self._rows = rows[: self.products]

    def _step(self, rows: Array) -> None:
        """One product with the latest of `rows`."""
        image = self.times(rows[-1])
        self._alpha.append(float(rows[-1] @ image))
        image = image - rows.T @ (rows @ image)
        image -= rows.T @ (rows @ image)
        beta = float(np.linalg.norm(image))
        size = max(map(abs, [*self._alpha, *self._beta]))
        self.closed = beta <= 10 * np.finfo(image.dtype).eps * size or len(rows) == image.size
        self._beta.append(0.0 if self.closed else beta)
        if not self.closed:
            self._next = image / image.dtype.type(beta)

    def ritz(self) -> Ritz:
        """Eigenvalues and eigenvectors within the span."""
        beside = np.diag(self._beta[:-1], 1)
        values, within = np.linalg.eigh(np.diag(self._alpha) + beside + beside.T)
        vectors = self._rows.T @ within.astype(self._rows.dtype)
        return Ritz(values, within[0], np.abs(self._beta[-1] * within[-1]), vectors)
