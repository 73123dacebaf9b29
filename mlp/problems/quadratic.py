"""DeepOBS' noisy quadratic in 100 dimensions, in both orders of its batches.

    L(θ) = mean over x of ½ (θ - x)ᵀ Q (θ - x)

Q has 90 eigenvalues from U(0, 1) and 10 from U(30, 60), as those of deep networks' Hessians are spread; x ~ N(0, 0.6²),
1,000 to train on, 1,000 to test on, batches of 128, what remains of an epoch dropped. Every run starts from θ = 1, so a
seed draws nothing but the order of the batches.

Schneider, Balles & Hennig (2019), "DeepOBS: a deep learning optimizer benchmark suite"; problem, generator and seeds
as in its TensorFlow code, whose loss at the start is ours to seven digits. Its published figures are those of one
permutation for each seed, used again in every epoch: drawn anew they differ, and the ranking of the rules with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial
from itertools import repeat
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.problems.functions import FunctionCourse
from mlp.problems.problem import Measures, Problem, Target

DIMENSIONS, ROWS, SIZE, EPOCHS = 100, 1000, 128, 100
PER_EPOCH = ROWS // SIZE
REACHED = 87.7032  # the "convergence performance" that DeepOBS' baselines define


class Quadratic:
    """½ (θ - m)ᵀ Q (θ - m) + c: the mean over samples with mean m, of which c is what no θ can take away.

    m (*population, n) may be another one for each member.
    """

    def __init__(self, hessian: Array, mean: Array, constant: Any) -> None:
        self.hessian, self.mean, self.constant = hessian, mean, constant

    def value(self, params: Array) -> Any:
        """L(params)."""
        return self.value_and_grad(params, np.empty_like(params))

    def value_and_grad(self, params: Array, out: Array) -> Any:
        """Write Q (θ - m) into `out`; return L(params)."""
        apart = params - self.mean
        np.matmul(apart, self.hessian, out=out)
        return 0.5 * (apart * out).sum(-1) + self.constant

    def hvp(self, v: Array, out: Array) -> None:
        """Write Q v into `out`."""
        np.matmul(v, self.hessian, out=out)

    gnvp = hvp


def over(hessian: Array, samples: Array) -> Quadratic:
    """The quadratic of the mean over samples (N, n)."""
    mean = samples.mean(0)
    apart = samples - mean
    return Quadratic(hessian, mean, 0.5 * ((apart @ hessian) * apart).sum(-1).mean())


@cache
def hessian() -> Array:
    """Q = Rᵀ D R with R uniform over rotations, by the subgroup algorithm of Diaconis & Shahshahani (1987)."""
    rng = np.random.RandomState(42)
    eigenvalues = np.concatenate([rng.uniform(0, 1, 90), rng.uniform(30, 60, 10)])
    angle = 2 * np.pi * rng.uniform()
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for n in range(3, DIMENSIONS + 1):  # a rotation of n - 1 dimensions, and where it takes the new axis
        v = rng.normal(size=n)
        mirror = np.eye(n)[0] - v / np.linalg.norm(v)
        mirror /= np.linalg.norm(mirror)
        larger = np.eye(n)
        larger[1:, 1:] = rotation
        rotation = larger - 2 * np.outer(mirror, mirror @ larger)
    found: Array = rotation.T @ (eigenvalues[:, None] * rotation)
    return found


@cache
def samples(seed: int) -> Array:
    """1,000 draws: seed 42 to train on, 43 to test on."""
    drawn = np.random.RandomState(seed).normal(0, 0.6, (ROWS, DIMENSIONS))
    return drawn.astype(np.float32).astype(np.float64)


@cache
def train_and_test() -> tuple[Quadratic, Quadratic]:
    """What is trained on, all of it; and what is tested on, the remainder dropped as in DeepOBS."""
    return over(hessian(), samples(42)), over(hessian(), samples(43)[: PER_EPOCH * SIZE])


def _measure(params: Array) -> Measures:
    train, test = train_and_test()
    return {"train_loss": train.value(params), "test_loss": test.value(params)}


def _epoch(rng: np.random.Generator) -> Array:
    """The means of an epoch's batches, (7, 100)."""
    rows = rng.permutation(ROWS)[: PER_EPOCH * SIZE]
    means: Array = samples(42)[rows].reshape(PER_EPOCH, SIZE, DIMENSIONS).mean(1)
    return means


def means(seed: int, reshuffled: bool) -> Iterator[Array]:
    """The mean of each batch, for ever: in one order, or in a new one for each epoch."""
    rng = np.random.default_rng(seed)
    first = _epoch(rng)
    while True:
        yield from first
        if reshuffled:
            first = _epoch(rng)


def _stochastic(seeds: Sequence[int] | int, reshuffled: bool) -> Iterator[Quadratic]:
    """The objective of each step; every member meets batches of its own. Losses leave out what θ cannot change."""
    if isinstance(seeds, int):
        yield from (Quadratic(hessian(), mean, 0.0) for mean in means(seeds, reshuffled))
    else:
        together = zip(*(means(seed, reshuffled) for seed in seeds), strict=True)
        yield from (Quadratic(hessian(), np.array(mean), 0.0) for mean in together)


def _begin(reshuffled: bool, seeds: Sequence[int] | int, order: int, full_batch: bool) -> FunctionCourse:
    params = np.ones(DIMENSIONS) if isinstance(seeds, int) else np.ones((len(seeds), DIMENSIONS))
    if full_batch:
        return FunctionCourse(params, repeat(train_and_test()[0]), _measure)
    return FunctionCourse(params, _stochastic(seeds, reshuffled), _measure)


def _row(name: str, order: str, reshuffled: bool) -> Problem:
    return Problem(
        name,
        f"noisy quadratic in 100 dimensions, {order}",
        "Schneider, Balles, Hennig, DeepOBS (2019)",
        partial(_begin, reshuffled),
        epochs=EPOCHS,
        every=1,
        per_epoch=PER_EPOCH,
        score="test_loss",
        chosen_by="train_loss",
        target=Target("test_loss", REACHED),
    )


QUADRATICS = (
    _row("quadratic_deep", "batches in one order in every epoch, as published", False),
    _row("quadratic_deep_reshuffled", "batches in a new order in every epoch", True),
)
