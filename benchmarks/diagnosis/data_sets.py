"""The problems that the zoo's networks are trained on, one row each.

Every problem is drawn from a seed as rows to hand to a run and rows that only the zoo sees. Where a formula makes the
data, the second part has 2000 rows, so that a score on it is good to about one point; a real data set gives 40 % of
its rows. Half of the problems are SEEN: detectors may be tuned on them. Nobody looks at single runs of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlp import data
from mlp.arrays import Array

TRAIN, HELD_OUT = 500, 2000

Draw = Callable[[np.random.Generator, int], tuple[Array, Array]]
"""Rows X and targets y, n of them."""


@dataclass(frozen=True)
class Problem:
    """A data set: `draw` makes n rows, or of a real data set as many as there are.

    `classes`: how many; 0 for numbers. `epochs`: enough for every base experiment. `curved`: a network without
    activations falls far behind on it.
    """

    name: str
    seen: bool
    classes: int
    draw: Draw
    epochs: int = 40
    curved: bool = False
    real_rows: int = 0

    def parts(self, seed: int) -> tuple[Array, Array, Array, Array]:
        """X and y for the run, X and y to score it on."""
        rng = np.random.default_rng([seed, *self.name.encode()])
        n_train = round(0.6 * self.real_rows) if self.real_rows else TRAIN
        X, y = self.draw(rng, self.real_rows or TRAIN + HELD_OUT)
        order = rng.permutation(len(X))
        train, held_out = order[:n_train], order[n_train:]
        return X[train], y[train], X[held_out], y[held_out]


def _real(name: str) -> Draw:
    """Rows of an embedded data set, drawn without replacement."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        found = data.load(name)
        chosen = rng.permutation(len(found.X))[:n]
        return found.X[chosen], found.y[chosen]

    return draw


def _formula(make: Callable[..., data.Dataset], **keys: float) -> Draw:
    """Rows of a problem in `mlp.data`."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        found = make(n, rng=rng, **keys)
        return found.X, found.y

    return draw


def _gaussians(n_classes: int, n_features: int, distance: float) -> Draw:
    """Normal clouds of deviation 1 whose centres are about `distance` · √2 apart."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        centres = rng.standard_normal((n_classes, n_features)) * distance / np.sqrt(n_features)
        y = rng.integers(0, n_classes, n)
        return centres[y] + rng.standard_normal((n, n_features)), y

    return draw


def _crosswise(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Four clouds around (±1, ±1), the class the sign of the product: exclusive or with noise."""
    signs = rng.choice([-1.0, 1.0], (n, 2))
    return signs + 0.3 * rng.standard_normal((n, 2)), (signs.prod(1) > 0).astype(np.int64)


def _overlap(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Two clouds in five dimensions, 2.1 deviations apart: nobody can do better than Φ(1.05) = 85 %."""
    y = rng.integers(0, 2, n)
    X = rng.standard_normal((n, 5))
    X[:, 0] += 2.1 * y
    return X, y


def _spirals(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Two spirals of one turn."""
    y = rng.integers(0, 2, n)
    along = np.sqrt(rng.uniform(0.05, 1, n))
    angle = 2 * np.pi * along + np.pi * y
    X = 2 * along[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return X + 0.08 * rng.standard_normal((n, 2)), y


def _regression(n_features: int, function: Callable[[Array], Array]) -> Draw:
    """Inputs uniform in [-1, 1], the function's values of mean 0 and deviation 1, and noise of deviation 0.1."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        X = rng.uniform(-1, 1, (n, n_features))
        y = function(X)
        return X, (y - y.mean()) / y.std() + 0.1 * rng.standard_normal(n)

    return draw


def _friedman(X: Array) -> Array:
    """Friedman (1991), problem 1, on [-1, 1]; the last of six inputs says nothing."""
    U = (X + 1) / 2
    product = 10 * np.sin(np.pi * U[:, 0] * U[:, 1])
    return np.asarray(product + 20 * (U[:, 2] - 0.5) ** 2 + 10 * U[:, 3] + 5 * U[:, 4])


def _interaction(X: Array) -> Array:
    return np.asarray(X[:, 0] - 0.5 * X[:, 1] + 2 * X[:, 2] * X[:, 3])


def _sine(X: Array) -> Array:
    return np.asarray(np.sin(3 * X[:, 0]) + 0.5 * np.cos(2 * X[:, 1]))


def _bump(X: Array) -> Array:
    return np.asarray(np.exp(-3 * np.square(X[:, :2]).sum(1)) + 0.4 * X[:, 2])


PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("rings", True, 2, _formula(data.rings, noise=0.15), 40, curved=True),
        Problem("blobs", True, 4, _formula(data.blobs, n_classes=4, n_features=3), 30),
        Problem("digits", True, 10, _real("digits"), 30, real_rows=1000),
        Problem("wine", True, 3, _real("wine"), 50, real_rows=178),
        Problem("gaussians", True, 10, _gaussians(10, 20, 4.5), 30),
        Problem("crosswise", True, 2, _crosswise, 40, curved=True),
        Problem("friedman", True, 0, _regression(6, _friedman), 50),
        Problem("interaction", True, 0, _regression(4, _interaction), 50, curved=True),
        Problem("moons", False, 2, _formula(data.moons, noise=0.15), 60),
        Problem("breast_cancer", False, 2, _real("breast_cancer"), 40, real_rows=569),
        Problem("iris", False, 3, _real("iris"), 60, real_rows=150),
        Problem("spirals", False, 2, _spirals, 80, curved=True),
        Problem("overlap", False, 2, _overlap, 20),
        Problem("clouds", False, 6, _gaussians(6, 8, 4.0), 30),
        Problem("sine", False, 0, _regression(2, _sine), 60, curved=True),
        Problem("bump", False, 0, _regression(3, _bump), 60, curved=True),
    )
}


def seen_seed(seed: int) -> bool:
    """Even seeds may be tuned on."""
    return seed % 2 == 0


def quarter(problem: str, seed: int) -> str:
    """Where a run belongs: "seen" and "unseen" in data and seed alike, or "crossed" in one of the two."""
    pair = PROBLEMS[problem].seen, seen_seed(seed)
    return "seen" if all(pair) else "crossed" if any(pair) else "unseen"


def two(problem: Problem) -> bool:
    """Two classes."""
    return problem.classes == 2


def many(problem: Problem) -> bool:
    """Three classes or more."""
    return problem.classes > 2


def classes(problem: Problem) -> bool:
    """Any classes."""
    return problem.classes > 0


def numbers(problem: Problem) -> bool:
    """Regression."""
    return not problem.classes


def curved(problem: Problem) -> bool:
    """No straight line does it."""
    return problem.curved
