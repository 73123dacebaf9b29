"""Rules that ask for the curvature along random directions, to estimate the diagonal of the Hessian H = ∇²L.

θ are the parameters, g the gradient, u the update, η `learning_rate`, ε `epsilon`, λ `weight_decay`. The estimate is
Hutchinson's: z · (H z), elementwise, has the mean diag H where the components of z are independent with variance 1. All
members of a population meet the same z, drawn from a generator that `seed` starts. H z comes from the objective's own
`hvp`, if it has one, and else from two gradients on both sides (see `hessian_times`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp.arrays import Array, each_norm, generator
from mlp.errors import DerivativeError, HyperparameterError, check_count
from mlp.optimizers.memory import MeansState, begun, fade, fade_squares, shrink, unbiased_root
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, check_numbers


def hessian_times(at: Evaluation, z: Array, out: Array) -> None:
    """Write H z into `out`: the objective's `hvp(z, out)`, or (∇L(θ + h z) - ∇L(θ - h z)) / 2h without one.

    h = ∛(rounding unit) (1 + ‖θ‖/‖z‖) balances what the difference leaves out against what rounding takes away: about
    1e-10 of H z is wrong in float64, 1e-4 in float32. Two gradients is what it costs.
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


def _check_seed(seed: Any) -> None:
    """Refuse what is no seed, by the name that it has here."""
    try:
        generator(seed)
    except HyperparameterError:
        raise HyperparameterError("seed", seed, "a whole number, 0 or more") from None


@dataclass
class CurvatureState(MeansState):
    """`m`: the mean gradient; `v`: the mean of the estimates, or of their squares; `rng` draws z; `room`: scratch."""

    room: Array
    rng: np.random.Generator = field(default_factory=np.random.default_rng)


@dataclass(frozen=True)
class AdaHessian(Optimizer):
    """Adam with the diagonal of the Hessian in the place of the gradient's square.

        z = ± 1 at random               D = z · (H z)
        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) D²          v̂ = v / (1 - β₂ᵗ)
        u = -η m̂ / (√v̂ + ε)

    Yao et al. (2021), algorithm 1, with Hessian power 1 and without averaging D over neighbouring weights.
    """

    learning_rate: Rate = 0.1
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-8
    seed: int = 0

    def __post_init__(self) -> None:
        check_numbers(self)
        _check_seed(self.seed)

    def init(self, params: Array) -> CurvatureState:
        """No gradients met."""
        return begun(CurvatureState, self, params, rng=generator(self.seed))

    def update(self, at: Evaluation, state: CurvatureState, out: Array) -> None:
        """-η m̂ / (√v̂ + ε)."""
        m, v, room, rate = state.m, state.v, state.room, state.pace.next(at.loss)
        z = 2.0 * state.rng.integers(0, 2, at.params.shape[-1]) - 1
        room[...] = z
        hessian_times(at, room, out)
        room *= out
        fade(m, self.beta1, at.grad, out)
        fade_squares(v, self.beta2, room, out)
        unbiased_root(v, self.beta2, self.epsilon, state.t, out)
        np.divide(m, out, out=out)
        out *= -rate / (1 - self.beta1**state.t)


@dataclass(frozen=True)
class SophiaH(Optimizer):
    """Newton's step in every parameter alone, with a mean gradient, and never longer than η.

        z ~ N(0, 1)                     every `every` updates: D = z · (H z), v ← β₂ v + (1 - β₂) D
        m ← β₁ m + (1 - β₁) g
        u = -η (m / max(γ v, ε), held within ± 1, + λ θ)

    γ is `gamma`. Where the curvature is negative or unknown the step is η sign(m).

    Liu et al. (2023), algorithm 3 with Hutchinson's estimator (algorithm 1). The first update estimates, too.
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.96
    beta2: float | Array = 0.99
    gamma: float | Array = 0.01
    epsilon: float = 1e-12
    weight_decay: float | Array = 0.0
    every: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        check_numbers(self)
        check_count("every", self.every)
        _check_seed(self.seed)

    def init(self, params: Array) -> CurvatureState:
        """No gradients met."""
        return begun(CurvatureState, self, params, rng=generator(self.seed))

    def update(self, at: Evaluation, state: CurvatureState, out: Array) -> None:
        """-η (m / max(γ v, ε), held within ± 1, + λ θ)."""
        m, v, room, rate = state.m, state.v, state.room, state.pace.next(at.loss)
        if (state.t - 1) % self.every == 0:
            room[...] = state.rng.standard_normal(at.params.shape[-1])
            hessian_times(at, room, out)
            room *= out
            fade(v, self.beta2, room, room)
        fade(m, self.beta1, at.grad, room)
        np.multiply(v, self.gamma, out=room)
        np.maximum(room, self.epsilon, out=room)
        _held(m, room, out)
        out *= -rate
        shrink(out, rate * self.weight_decay, at.params, room)


def _held(m: Array, divisor: Array, out: Array) -> None:
    """m / divisor within ± 1, without an overflow where the divisor is tiny. `divisor` is overwritten."""
    np.abs(m, out=out)
    np.maximum(divisor, out, out=divisor)
    np.divide(m, divisor, out=out)
