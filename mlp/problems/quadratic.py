"""DeepOBS' noisy quadratic in 100 dimensions, in both orders of its batches.

    L(θ) = mean over x of ½ (θ - x)ᵀ Q (θ - x)

Q has 90 eigenvalues from U(0, 1) and 10 from U(30, 60): they are spread as those of the Hessians of deep networks.
x ~ N(0, 0.6²), 1,000 to train on and 1,000 to test on, in batches of 128. What remains of an epoch is dropped. Every
run starts from θ = 1, so a seed draws nothing but the order of the batches.

Schneider, Balles & Hennig (2019), "DeepOBS: a deep learning optimizer benchmark suite". Problem, generator and seeds
are as in its TensorFlow code, and the loss at the start agrees to seven digits. The published figures are those of one
permutation for each seed, which every epoch uses again. With a new permutation for each epoch they differ, and so does
the ranking of the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from itertools import repeat
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.problems.functions import FunctionDescent
from mlp.problems.problem import Measures, Problem, Seeds, Target

DIMENSIONS, ROWS, SIZE = 100, 1000, 128
PER_EPOCH = ROWS // SIZE
REACHED = 87.7032  # the "convergence performance" that DeepOBS' baselines define


class Quadratic:
    """½ (θ - m)ᵀ Q (θ - m) + c: the mean over samples with mean m. c is the part that no θ can change.

    m (*population, n) may differ from member to member.
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


def average_over(samples: Array) -> Quadratic:
    """The mean of the quadratics of all samples (N, n)."""
    mean = samples.mean(0)
    apart = samples - mean
    return Quadratic(hessian(), mean, 0.5 * ((apart @ hessian()) * apart).sum(-1).mean())


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
    """The objective over all training samples, and over those test samples that fill batches, as in DeepOBS."""
    return average_over(samples(42)), average_over(samples(43)[: PER_EPOCH * SIZE])


def _measure_losses(params: Array) -> Measures:
    train, test = train_and_test()
    return {"train_loss": train.value(params), "test_loss": test.value(params)}


def _draw_epoch(rng: np.random.Generator) -> Array:
    """The means of an epoch's batches, (7, 100)."""
    rows = rng.permutation(ROWS)[: PER_EPOCH * SIZE]
    means: Array = samples(42)[rows].reshape(PER_EPOCH, SIZE, DIMENSIONS).mean(1)
    return means


def means(seed: int, reshuffled: bool) -> Iterator[Array]:
    """The mean of each batch, without end: in one order, or in a new order for each epoch."""
    rng = np.random.default_rng(seed)
    epoch = _draw_epoch(rng)
    while True:
        yield from epoch
        if reshuffled:
            epoch = _draw_epoch(rng)


def _objectives(seeds: Seeds, reshuffled: bool) -> Iterator[Quadratic]:
    """The objective of each step, without its constant. Every member meets batches of its own."""
    if isinstance(seeds, int):
        yield from (Quadratic(hessian(), mean, 0.0) for mean in means(seeds, reshuffled))
    else:
        for of_members in zip(*(means(seed, reshuffled) for seed in seeds), strict=True):
            yield Quadratic(hessian(), np.array(of_members), 0.0)


def _begin_quadratic(reshuffled: bool, seeds: Seeds, order: int, full_batch: bool) -> FunctionDescent:
    params = np.ones(DIMENSIONS) if isinstance(seeds, int) else np.ones((len(seeds), DIMENSIONS))
    objectives = repeat(train_and_test()[0]) if full_batch else _objectives(seeds, reshuffled)
    return FunctionDescent(params, objectives, _measure_losses)


QUADRATICS = tuple(
    Problem(
        name,
        f"noisy quadratic in 100 dimensions, batches in {order}",
        "Schneider, Balles, Hennig, DeepOBS (2019)",
        partial(_begin_quadratic, reshuffled),
        epochs=100,
        target=Target("test_loss", REACHED),
        score="test_loss",
        per_epoch=PER_EPOCH,
    )
    for name, order, reshuffled in (
        ("quadratic_deep", "one order in every epoch, as published", False),
        ("quadratic_deep_reshuffled", "a new order in every epoch", True),
    )
)
