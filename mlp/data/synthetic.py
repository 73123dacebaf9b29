"""Problems made by a formula: the classics of the field, and pictures in the plane.

XOR, parity, two spirals and the encoder are fixed; rings, blobs and moons are drawn from a seed. Knows no
files.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.arrays import Array, Seed, generator
from mlp.data.dataset import Dataset, column_names
from mlp.errors import HyperparameterError, check_count, check_not_negative

MOST_BITS = 16


def xor() -> Dataset:
    """Exclusive or: four points that no straight line separates (Minsky and Papert 1969)."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return _made(
        X,
        np.array([0, 1, 1, 0]),
        name="xor",
        description="exclusive or of two bits",
        source="Minsky and Papert, Perceptrons (1969)",
        complete=True,
    )


def parity(n_bits: int = 4) -> Dataset:
    """All 2ⁿ patterns of n bits, class 1 where an odd number is set (Rumelhart, Hinton, Williams 1986)."""
    _check_bits(n_bits)
    X = ((np.arange(2**n_bits)[:, np.newaxis] >> np.arange(n_bits)[::-1]) & 1).astype(np.float64)
    return _made(
        X,
        X.sum(axis=1).astype(np.int64) % 2,
        name=f"parity-{n_bits}",
        description=f"whether {n_bits} bits hold an odd number of ones",
        source="Rumelhart, Hinton, Williams, Learning internal representations by error propagation (1986)",
        complete=True,
    )


def two_spirals() -> Dataset:
    """Two interlocking spirals of 97 points and three turns each (Lang and Witbrock 1988).

        angle = iπ/16,  radius = 6.5 (104 - i)/104,  i = 0 ... 96

    (radius sin angle, radius cos angle) is of class 1 and its negative of class 0, in turn; as in CMU's
    mkspiral.c, but not rounded to five decimals.
    """
    i = np.arange(97)
    angle, radius = i * np.pi / 16, 6.5 * (104 - i) / 104
    one = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    return _made(
        np.stack([one, -one], axis=1).reshape(194, 2),
        np.tile([1, 0], 97),
        name="two_spirals",
        description="two interlocking spirals, three turns, 194 points",
        source="Lang and Witbrock, Learning to tell two spirals apart (1988); CMU benchmark, mkspiral.c",
    )


def encoder(n: int = 10) -> Dataset:
    """N patterns with a single 1, each its own target (Ackley, Hinton, Sejnowski 1985).

    The task is to pass them through M < N hidden units (N-M-N; "encoder-10-5-10" names N = 10 and M = 5). M
    belongs to the network, not to the data: set it as `hidden`. Customary reading of outputs: below 0.4 is 0,
    above 0.6 is 1 (Fahlman 1988).
    """
    check_count("n", n)
    if n < 2:
        raise HyperparameterError("n", n, "a whole number, 2 or more")
    patterns = np.eye(n)
    return Dataset(
        patterns,
        patterns.copy(),
        column_names(n),
        "pattern",
        name=f"encoder-{n}",
        description=f"{n} patterns with a single 1, to be reproduced through fewer hidden units",
        source="Ackley, Hinton, Sejnowski, A learning algorithm for Boltzmann machines (1985)",
        licence=LICENCE,
        complete=True,
    )


def rings(n_samples: int = 400, n_rings: int = 2, noise: float = 0.1, rng: Seed = 0) -> Dataset:
    """Concentric rings of radius 1, 2, ..., one class each, with normal noise of deviation `noise`."""
    _check_sampling(n_samples, noise, n_rings=n_rings)
    rng = generator(rng)
    y = np.arange(n_samples) % n_rings
    angle = rng.uniform(0, 2 * np.pi, n_samples)
    X = (y + 1)[:, np.newaxis] * _on_circle(angle)
    return _drawn(X, y, noise, rng, name="rings", description=f"{n_rings} concentric rings with noise")


def blobs(n_samples: int = 400, n_classes: int = 3, n_features: int = 2, noise: float = 1.0, rng: Seed = 0) -> Dataset:
    """Normal clouds of standard deviation `noise`, one class each, around centres uniform in [-5, 5]."""
    _check_sampling(n_samples, noise, n_classes=n_classes)
    check_count("n_features", n_features)
    rng = generator(rng)
    y = np.arange(n_samples) % n_classes
    centres = rng.uniform(-5, 5, (n_classes, n_features))
    return _drawn(centres[y], y, noise, rng, name="blobs", description=f"{n_classes} normal clouds")


def moons(n_samples: int = 400, noise: float = 0.1, rng: Seed = 0) -> Dataset:
    """Two half circles that reach into each other: scikit-learn's make_moons, with angles drawn at random."""
    _check_sampling(n_samples, noise, n_classes=2)
    rng = generator(rng)
    y = np.arange(n_samples) % 2
    upper = _on_circle(rng.uniform(0, np.pi, n_samples))
    X = np.where(y[:, np.newaxis] == 0, upper, np.array([1.0, 0.5]) - upper)
    return _drawn(X, y, noise, rng, name="moons", description="two interlocking half circles with noise")


LICENCE = "none needed (made by a formula)"


def _on_circle(angle: Array) -> Array:
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _drawn(X: Array, y: Array, noise: float, rng: np.random.Generator, **about: Any) -> Dataset:
    return _made(X + noise * rng.standard_normal(X.shape), y, source="drawn from a seed by mlp.data.synthetic", **about)


def _made(X: Array, y: Array, **about: Any) -> Dataset:
    class_names = tuple(str(code) for code in range(int(y.max()) + 1))
    return Dataset(X, y, column_names(X.shape[1]), "class", class_names, licence=LICENCE, **about)


def _check_bits(n_bits: int) -> None:
    check_count("n_bits", n_bits)
    if n_bits > MOST_BITS:
        raise HyperparameterError("n_bits", n_bits, f"{MOST_BITS} or less, since all 2^n_bits patterns are made")


def _check_sampling(n_samples: int, noise: float, **n_classes: int) -> None:
    """Refuse what nothing can be drawn by; `n_classes` under the name that the caller gives it."""
    check_count("n_samples", n_samples)
    check_not_negative("noise", noise)
    for name, n in n_classes.items():
        check_count(name, n)
        if n_samples < n:
            raise HyperparameterError("n_samples", n_samples, f"{n} or more, one for each class")
