"""The problem of optimizers.npz: a rotated, ill-conditioned quadratic plus a quartic, in 12 dimensions.

    L(θ) = ½ dᵀ A d + ¼ Σ d⁴,  d = θ - θ*          eigenvalues of A from 0.02 to 20

θ is seen as a matrix of 3 × 3 and a vector of 3 by rules that see blocks. Without torch and without mlp.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SIZE, MATRIX, STEPS = 12, (3, 3), 100
SEEN = (1, 2, 5, 10, 20, 50, 100)  # the updates after which parameters are kept


class Problem:
    """Also what a rule may ask of an objective. Points (*population, 12); `at` is where `hvp` is."""

    def __init__(self, matrix: np.ndarray, minimum: np.ndarray) -> None:
        self.matrix, self.minimum, self.at = matrix, minimum, minimum

    def value(self, params: np.ndarray) -> Any:
        d = params - self.minimum
        return 0.5 * (d * (d @ self.matrix)).sum(-1) + 0.25 * (d**4).sum(-1)

    def value_and_grad(self, params: np.ndarray, out: np.ndarray) -> Any:
        d = params - self.minimum
        out[...] = d @ self.matrix + d**3
        return self.value(params)

    def hvp(self, v: np.ndarray, out: np.ndarray) -> None:
        out[...] = v @ self.matrix + 3 * (self.at - self.minimum) ** 2 * v


def drawn(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A, θ* and the start."""
    q = np.linalg.qr(rng.standard_normal((SIZE, SIZE)))[0]
    matrix = (q * np.geomspace(0.02, 20, SIZE)) @ q.T
    return (matrix + matrix.T) / 2, rng.standard_normal(SIZE), 1.5 * rng.standard_normal(SIZE)
