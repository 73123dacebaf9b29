"""Ridge regression: what straight lines and quadratics say of few rows. No iteration, no random numbers.

How strong the penalty is, and whether squares and products of columns are used, is chosen by the errors of rows that
were left out. These are known in closed form, so that a fit costs one decomposition for each degree.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array

PENALTIES = (1e-9, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""λ over the number of rows, for columns of deviation 1. The least is none: rows without noise are met exactly."""
MOST_PRODUCTS = 200  # columns of a quadratic; of more inputs only straight lines are asked
FREEDOM = 2.0  # rows that a fit must leave: else each is met exactly, and says nothing of others


class Ridge(NamedTuple):
    """A fit: `answer` gives (n, k) for rows (n, d). `left_out` (n, k): its answers to each row, by all others."""

    degree: int
    penalty: float
    centre: Array
    spread: Array
    coefficients: Array
    mean: Array
    left_out: Array

    def answer(self, X: Array) -> Array:
        """The answers to rows X (n, d), (n, k)."""
        Z = (spread_columns(X, self.degree) - self.centre) / self.spread
        return np.asarray(Z @ self.coefficients + self.mean)


def fit_ridge(X: Array, t: Array) -> Ridge | None:
    """The ridge regression of targets t (n, k) on rows X (n, d) that answers rows best which it has not seen.

        β = (ZᵀZ + λI)⁻¹ Zᵀ(t - t̄),  Z the columns, and for degree 2 their squares and products, of deviation 1

    The error of a row that is left out is e / (1 - h), e its error and h its diagonal entry of the hat matrix. Allen
    (1974), "The relationship between variable selection and data augmentation". None where there are too few rows.
    """
    X, t = np.asarray(X, np.float64), np.asarray(t, np.float64).reshape(len(t), -1)
    fits = [fit for degree in (1, 2) if _n_columns(X, degree) <= MOST_PRODUCTS or degree == 1
            for fit in _fits(X, t, degree)]  # fmt: skip
    return min(fits, key=lambda fit: float(np.square(t - fit.left_out).sum()), default=None)


def spread_columns(X: Array, degree: int) -> Array:
    """The columns, and for degree 2 also their squares and products.

    >>> spread_columns(np.array([[2.0, 3.0]]), 2).tolist()
    [[2.0, 3.0, 4.0, 6.0, 9.0]]
    """
    X = np.asarray(X, np.float64)
    if degree == 1:
        return X
    first, second = np.triu_indices(X.shape[1])
    return np.concatenate([X, X[:, first] * X[:, second]], axis=1)


def _n_columns(X: Array, degree: int) -> int:
    d = int(X.shape[1])
    return d if degree == 1 else d + d * (d + 1) // 2


def _fits(X: Array, t: Array, degree: int) -> list[Ridge]:
    """One fit for each penalty that leaves rows to judge it by."""
    Z = spread_columns(X, degree)
    centre, spread, mean = Z.mean(0), Z.std(0), t.mean(0)
    spread = np.where(spread > 1e-9 * np.abs(centre), spread, np.inf)  # a column that does not vary says nothing
    U, s, V = np.linalg.svd((Z - centre) / spread, full_matrices=False)
    residual, found = t - mean, []
    for penalty in PENALTIES:
        kept = np.square(s) / (np.square(s) + penalty * len(t))
        hat = np.square(U) @ kept + 1 / len(t)
        if len(t) - hat.sum() < FREEDOM:
            continue
        fitted = U @ (kept[:, None] * (U.T @ residual))
        left_out = t - (residual - fitted) / np.maximum(1 - hat, 1e-9)[:, None]
        inverse = s / (np.square(s) + penalty * len(t))
        coefficients = V.T @ (inverse[:, None] * (U.T @ residual))
        found.append(Ridge(degree, penalty, centre, spread, coefficients, mean, left_out))
    return found
