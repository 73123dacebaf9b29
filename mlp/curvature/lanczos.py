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
    size = float(np.linalg.norm(start))
    if not np.isfinite(size) or size == 0:
        raise HyperparameterError("start", size, "a vector with a length, finite and above 0")
    check_count("steps", steps)
    steps = min(steps, start.size)
    check_room(steps, start.size, start.itemsize)
    rows, alpha, beta = np.empty((steps, start.size), start.dtype), [], [size]
    image = start
    for k in range(steps):
        rows[k] = image / start.dtype.type(beta[-1])
        image = times(rows[k])
        alpha.append(float(rows[k] @ image))
        for _ in range(2):
            image = image - rows[: k + 1].T @ (rows[: k + 1] @ image)
        beta.append(float(np.linalg.norm(image)))
        if beta[-1] <= 10 * np.finfo(image.dtype).eps * max(map(abs, [*alpha, *beta[1:-1]])) or k + 1 == start.size:
            beta[-1] = 0.0  # the span holds its own image
            break
    return _ritz(rows[: len(alpha)], alpha, beta[1:])


def _ritz(rows: Array, alpha: list[float], beta: list[float]) -> Ritz:
    """Eigenvalues and eigenvectors within the span of `rows` (k, P)."""
    beside = np.diag(beta[:-1], 1)
    values, within = np.linalg.eigh(np.diag(alpha) + beside + beside.T)
    return Ritz(values, within[0], np.abs(beta[-1] * within[-1]), rows.T @ within.astype(rows.dtype))
