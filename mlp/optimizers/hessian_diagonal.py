"""Rules that ask for the curvature along random directions, to estimate the diagonal of the Hessian H = ∇²L.

θ are the parameters, g the gradient, u the update, η `learning_rate`, ε `epsilon`, λ `weight_decay`. The estimate is
Hutchinson's: z · (H z), elementwise, has the mean diag H where the components of z are independent with variance 1. All
members of a population meet the same z, drawn from a generator that `seed` starts. H z comes from the objective's own
`hvp`, if it has one, and else from two gradients on both sides (see `multiply_hessian`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mlp.arrays import Array, each_norm, generator
from mlp.errors import DerivativeError, HyperparameterError
from mlp.hyperparameters import Count, EachFraction, EachNotNegative, EachPositive, Whole
from mlp.optimizers.adam import AdamNumbers
from mlp.optimizers.moving_averages import (
    ScratchState,
    decay_weights,
    update_mean,
    update_mean_square,
    write_unbiased_root,
)
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State


def multiply_hessian(at: Evaluation, z: Array, out: Array) -> None:
    """Write H z into `out`: the objective's `hvp(z, out)`, or (∇L(θ + h z) - ∇L(θ - h z)) / 2h without one.

    h = ∛(rounding unit) (1 + ‖θ‖/‖z‖) balances the error of the difference against that of rounding: the relative error
    of H z is about 1e-10 in float64 and 1e-4 in float32. It costs two gradients.
    """
    if at.objective is None:
        raise HyperparameterError("objective", None, "given in the Evaluation: this rule asks for the curvature")
    if hasattr(at.objective, "hvp"):
        with suppress(DerivativeError):  # a loss without a second derivative, focal say
            at.objective.hvp(z, out)
            return
    h = np.finfo(at.params.dtype).eps ** (1 / 3) * (1 + each_norm(at.params) / np.maximum(each_norm(z), 1e-30))
    h = h.astype(at.params.dtype)
    behind = np.empty_like(out)
    at.objective.value_and_grad(at.params + h * z, out)
    at.objective.value_and_grad(at.params - h * z, behind)
    out -= behind
    out /= 2 * h


@dataclass(kw_only=True)
class CurvatureState(ScratchState):
    """`m`: the mean gradient; `v`: the mean of the estimates, or of their squares; `rng` draws z."""

    rng: np.random.Generator


class Seeded(Optimizer):
    """A rule that draws random directions."""

    keeps: ClassVar[type[State]] = CurvatureState
    seed: Whole

    def begin(self, params: Array) -> dict[str, Any]:
        """No gradients met."""
        return {"rng": generator(self.seed)}


@dataclass(frozen=True)
class AdaHessian(Seeded, AdamNumbers):
    """Adam with the diagonal of the Hessian in the place of the gradient's square.

        z = ± 1 at random               D = z · (H z)
        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) D²          v̂ = v / (1 - β₂ᵗ)
        u = -η m̂ / (√v̂ + ε)

    Yao et al. (2021), algorithm 1, with Hessian power 1 and without averaging D over neighbouring weights.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(AdaHessian(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2  , 3.6  ],
           [6.442, 3.221]])
    """

    name, usual_rate = "adahessian", 0.05

    learning_rate: Rate = 0.1
    seed: Whole = 0

    def update(self, at: Evaluation, state: CurvatureState, out: Array) -> None:
        """-η m̂ / (√v̂ + ε)."""
        m, v, scratch, rate = state.m, state.v, state.scratch, state.pace.next(at.loss)
        z = 2.0 * state.rng.integers(0, 2, at.params.shape[-1]) - 1
        scratch[...] = z
        multiply_hessian(at, scratch, out)
        scratch *= out
        update_mean(m, self.beta1, at.grad, out)
        update_mean_square(v, self.beta2, scratch, out)
        write_unbiased_root(v, self.beta2, self.epsilon, state.t, out)
        np.divide(m, out, out=out)
        out *= -rate / (1 - self.beta1**state.t)


@dataclass(frozen=True)
class SophiaH(Seeded):
    """Newton's step in every parameter by itself, with a mean gradient, and never longer than η.

        z ~ N(0, 1)                     every `every` updates: D = z · (H z), v ← β₂ v + (1 - β₂) D
        m ← β₁ m + (1 - β₁) g
        u = -η (m / max(γ v, ε), held within ± 1, + λ θ)

    γ is `gamma`. Where the curvature is negative or unknown the step is η sign(m).

    Liu et al. (2023), algorithm 3 with Hutchinson's estimator (algorithm 1). The first update estimates, too.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(SophiaH(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9, 3.9],
           [7.8, 3.8]])
    """

    name, usual_rate, aliases = "sophia", 0.002, ("sophiah",)

    learning_rate: Rate = 0.001
    beta1: EachFraction = 0.96
    beta2: EachFraction = 0.99
    gamma: EachPositive = 0.01
    epsilon: EachPositive = 1e-12
    weight_decay: EachNotNegative = 0.0
    every: Count = 10
    seed: Whole = 0

    def update(self, at: Evaluation, state: CurvatureState, out: Array) -> None:
        """-η (m / max(γ v, ε), held within ± 1, + λ θ)."""
        m, v, scratch, rate = state.m, state.v, state.scratch, state.pace.next(at.loss)
        if (state.t - 1) % self.every == 0:
            scratch[...] = state.rng.standard_normal(at.params.shape[-1])
            multiply_hessian(at, scratch, out)
            scratch *= out
            update_mean(v, self.beta2, scratch, scratch)
        update_mean(m, self.beta1, at.grad, scratch)
        np.multiply(v, self.gamma, out=scratch)
        np.maximum(scratch, self.epsilon, out=scratch)
        np.abs(m, out=out)
        np.maximum(scratch, out, out=scratch)  # m / its own size is ± 1, and nothing overflows where γ v is tiny
        np.divide(m, scratch, out=out)
        out *= -rate
        decay_weights(out, rate * self.weight_decay, at.params, scratch)
