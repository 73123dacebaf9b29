"""The trace of a symmetric matrix that is known by its products only, with an interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array, Seed, generator
from mlp.curvature.lanczos import Times
from mlp.errors import HyperparameterError

LEAST = 12
"""Products below which too few samples are left for an interval."""


class Estimate(NamedTuple):
    """A number, and an interval that holds the truth in 95 of 100 draws; `products` is what it cost.

    >>> found = trace(lambda v: np.array([1.0, 2.0, 4.0]) * v, size=3)
    >>> round(found.value, 6), found.low <= 7 <= found.high
    (7.0, True)
    """

    value: float
    low: float
    high: float
    products: int


def trace(times: Times, size: int, products: int = 60, *, rng: Seed = 0) -> Estimate:
    """Hutch++: the trace within a subspace exactly, outside of it by random signs.

        Q = orth(A S)           S random signs, (P, m/3)
        tr A ≈ tr QᵀAQ + mean over g of gᵀ(I - QQᵀ) A (I - QQᵀ) g

    Q catches the large eigenvalues, which make Hutchinson's estimate vary. The interval is Student's for the mean over
    the m/3 vectors g; where Q holds all of A it has no width but rounding.

    Meyer, Musco, Musco & Woodruff (2021), algorithm 1. An interval is not in the paper.
    """
    if products < LEAST:
        raise HyperparameterError("products", products, f"{LEAST} or more, for an interval")
    third, draw = products // 3, generator(rng)
    if third >= size:
        return _exact(times, size)
    basis = np.linalg.qr(_each(times, _signs(draw, third, size)).T)[0]  # (P, third)
    inside = float(np.einsum("kp,pk->", _each(times, basis.T), basis))
    g = _signs(draw, third, size)
    g -= (g @ basis) @ basis.T
    samples = np.einsum("kp,kp->k", _each(times, g), g)
    spread = float(samples.std(ddof=1)) / third**0.5
    half = student(third - 1) * spread + 10 * np.finfo(basis.dtype).eps * size**0.5 * abs(inside)
    value = inside + float(samples.mean())
    return Estimate(value, value - half, value + half, 3 * third)


def _exact(times: Times, size: int) -> Estimate:
    """By unit vectors: there are fewer of them than a subspace would take."""
    value = float(np.trace(_each(times, np.eye(size))))
    return Estimate(value, value, value, size)


def _signs(rng: np.random.Generator, n: int, size: int) -> Array:
    return rng.choice([-1.0, 1.0], (n, size))


def _each(times: Times, rows: Array) -> Array:
    """The product with each row."""
    return np.array([times(row) for row in rows])


def student(n: int) -> float:
    """The 97.5 % point of Student's t with n degrees of freedom, to 0.01 from n = 3 on. Abramowitz & Stegun, 26.7.5.

    >>> round(student(10), 3), round(student(19), 3)
    (2.228, 2.093)
    """
    z = 1.959963984540054
    terms = [
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    ]
    return float(z + sum(term / n ** (k + 1) for k, term in enumerate(terms)))
