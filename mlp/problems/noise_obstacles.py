"""Obstacles as functions of a vector whose gradients are not those of what is measured: noise, and a moving minimum.

Each row is a function that takes the dial. Its docstring is the definition. Every member draws its own noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.problems.obstacle import (
    BUDGET,
    N,
    Obstacle,
    VectorDescent,
    VectorObjective,
    build_vector_row,
    draw_each,
    draw_normal,
    draw_steps,
)
from mlp.problems.problem import Measures, Seeds

CURVATURES = np.geomspace(1, 10, N)


def bowl_formula(centre: Any, params: Array, out: Array) -> Any:
    """½ Σ λᵢ (θᵢ - c)², λ from 1 to 10."""
    apart = params - centre
    np.multiply(apart, CURVATURES, out=out)
    return 0.5 * (apart * out).sum(-1)


def pushed_formula(push: Array, params: Array, out: Array) -> Any:
    """The bowl as a sample sees it: L + ξ · θ, so that the gradient is ∇L + ξ."""
    loss = bowl_formula(0.0, params, out)
    out += push
    return loss + (push * params).sum(-1)


def _begin_noisy(draw: Any, seeds: Seeds, order: int, full_batch: bool) -> VectorDescent:
    """From θ₀ ~ N(0, 9)."""
    objectives = (VectorObjective(partial(pushed_formula, push)) for push in draw_steps(seeds, draw))
    return VectorDescent(
        3 * draw_each(seeds, draw_normal), VectorObjective(partial(bowl_formula, 0.0)), objectives, True
    )


def _draw_batch(size: float, rng: np.random.Generator, block: int) -> Array:
    return np.asarray(5 / np.sqrt(size) * rng.standard_normal((block, N)))


def gradient_noise(batch: float = 1.0) -> Obstacle:
    """½ Σ λᵢ θᵢ² with ∇L + ξ, ξ ~ N(0, 25/batch) in every component: minibatches of so many rows."""
    return build_vector_row(
        "gradient_noise", partial(_begin_noisy, partial(_draw_batch, batch)), 0.3,
        description=f"the noise of batches of {batch:g}", source="Robbins & Monro (1951); Bottou et al. (2018)",
        dial="batch", hardness=batch, default=1.0,
        answer="gradient descent settles at Σ ½ η σ² / (2 - η λ); Rprop's steps die; line searches follow the noise",
    )  # fmt: skip


def _draw_heavy(freedom: float, rng: np.random.Generator, block: int) -> Array:
    return rng.standard_t(freedom, (block, N))


def heavy_noise(freedom: float = 1.2) -> Obstacle:
    """½ Σ λᵢ θᵢ² with ∇L + ξ, ξ of Student's t: below two degrees of freedom its variance is infinite."""
    return build_vector_row(
        "heavy_noise", partial(_begin_noisy, partial(_draw_heavy, freedom)), 1.0,
        description=f"noise of Student's t with {freedom:g} degrees of freedom",
        source="Zhang et al. (2020), Why are adaptive methods good for attention models?", dial="freedom",
        hardness=freedom, default=1.2, answer="clipping and signs bound a step; the mean of gradients has no variance",
    )  # fmt: skip


def masked_formula(mask: Array, params: Array, out: Array) -> Any:
    """½ Σ mᵢ θᵢ², m of 0 and 1: only features that occur in the sample have a gradient."""
    np.multiply(mask, params, out=out)
    return 0.5 * (out * params).sum(-1)


def _draw_mask(rarest: float, rng: np.random.Generator, block: int) -> Array:
    return (rng.random((block, N)) < np.geomspace(1, rarest, N)).astype(float)


def _begin_sparse(rarest: float, seeds: Seeds, order: int, full_batch: bool) -> VectorDescent:
    masks = draw_steps(seeds, partial(_draw_mask, rarest))
    objectives = (VectorObjective(partial(masked_formula, mask)) for mask in masks)
    start = draw_each(seeds, lambda rng: 3 * np.sign(rng.standard_normal(N)))
    return VectorDescent(start, VectorObjective(partial(masked_formula, np.ones(N))), objectives, True)


def sparse_gradients(rarest: float = 0.01) -> Obstacle:
    """½ Σ mᵢ θᵢ², mᵢ = 1 with a chance from 1 down to `rarest`, from θ = ±3."""
    return build_vector_row(
        "sparse_gradients", partial(_begin_sparse, rarest), 0.01,
        description=f"features that occur in {rarest:.0%} of the steps", source="Duchi, Hazan & Singer (2011)",
        dial="rarest", hardness=rarest, default=0.01,
        answer="a rate for each parameter that counts its own gradients reaches rare features",
    )  # fmt: skip


class MovingDescent(VectorDescent):
    """A bowl that jumps away after half of the steps; `train_solved`: it has jumped, and the loss is low again."""

    def __init__(self, params: Array, distance: float) -> None:
        self._distance, self._jumped = distance, False
        super().__init__(params, VectorObjective(partial(bowl_formula, 0.0)), self._follow())

    def _follow(self) -> Iterator[VectorObjective]:
        for t in count():
            if t == BUDGET // 2:
                self.whole, self._jumped = VectorObjective(partial(bowl_formula, self._distance)), True
            yield self.whole

    def measure(self, params: Array) -> Measures:
        """The loss now, and whether the rule has followed."""
        loss = np.asarray(self.whole.value(params))
        return {"train_loss": loss, "train_solved": (self._jumped & (loss <= 0.01)).astype(float)}


def moving_objective(distance: float = 3.0) -> Obstacle:
    """½ Σ λᵢ (θᵢ - c)²: c jumps from 0 to `distance` in every component after half of the steps."""
    return build_vector_row(
        "moving_objective", partial(_begin_moving, distance), 1.0, measure="train_solved",
        description="a minimum that jumps away when everybody has settled", source="Widrow & Hoff (1960): tracking",
        dial="distance", hardness=distance, default=3.0, past="loss ≤ 0.01 again after the jump",
        answer="rules whose steps only shrink stay behind",
    )  # fmt: skip


def _begin_moving(distance: float, seeds: Seeds, order: int, full_batch: bool) -> MovingDescent:
    return MovingDescent(draw_each(seeds, draw_normal), distance)


NOISES: tuple[Callable[..., Obstacle], ...] = (gradient_noise, heavy_noise, sparse_gradients, moving_objective)
"""Those whose objective changes from update to update."""
