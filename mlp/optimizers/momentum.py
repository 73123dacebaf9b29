"""More ways to remember where one was going than `gradient` has: velocities mixed with the gradient, and several.

θ are the parameters, g the gradient, u the update, η `learning_rate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, check_each, check_fraction
from mlp.optimizers.memory import MeansState, MeanState, begun, fade, fade_squares
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_numbers, check_params


@dataclass(frozen=True)
class QHM(Optimizer):
    """Quasi-hyperbolic momentum: a mixture of the gradient and the mean gradient.

        m ← β m + (1 - β) g
        u = -η ((1 - ν) g + ν m)

    β is `momentum`. ν = 0 is SGD; ν = 1 is Momentum with (1 - β) η for its η; ν = β is Nesterov likewise.

    Ma & Yarats (2019), eq. 3-4.
    """

    learning_rate: Rate = 0.1
    momentum: float | Array = 0.999
    nu: float | Array = 0.7

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> MeanState:
        """No gradients met."""
        return begun(MeanState, self, params)

    def update(self, at: Evaluation, state: MeanState, out: Array) -> None:
        """-η ((1 - ν) g + ν m) as -η (g + ν (m - g))."""
        fade(state.m, self.momentum, at.grad, out)
        np.subtract(state.m, at.grad, out=out)
        out *= self.nu
        out += at.grad
        out *= -state.pace.next(at.loss)


@dataclass
class QHAdamState(MeansState):
    """`m` and `v`: the means of the gradients met and of their squares; `room`: scratch."""

    room: Array


@dataclass(frozen=True)
class QHAdam(Optimizer):
    """Adam with quasi-hyperbolic means.

        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) g²          v̂ = v / (1 - β₂ᵗ)
        u = -η ((1 - ν₁) g + ν₁ m̂) / (√((1 - ν₂) g² + ν₂ v̂) + ε)

    ν₁ = ν₂ = 1 is Adam.

    Ma & Yarats (2019); the defaults are those they recommend.
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.995
    beta2: float | Array = 0.999
    nu1: float | Array = 0.7
    nu2: float | Array = 1.0
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> QHAdamState:
        """No gradients met."""
        return begun(QHAdamState, self, params)

    def update(self, at: Evaluation, state: QHAdamState, out: Array) -> None:
        """-η times one mixture over the root of the other."""
        g, m, v, room, rate = at.grad, state.m, state.v, state.room, state.pace.next(at.loss)
        fade(m, self.beta1, g, room)
        fade_squares(v, self.beta2, g, room)
        np.multiply(g, g, out=room)
        room *= 1 - self.nu2
        np.multiply(v, self.nu2 / (1 - self.beta2**state.t), out=out)
        room += out
        np.sqrt(room, out=room)
        room += self.epsilon
        np.multiply(m, self.nu1 / (1 - self.beta1**state.t), out=out)
        np.divide(out, room, out=out)
        np.divide(g, room, out=room)
        room *= 1 - self.nu1
        out += room
        out *= -rate


@dataclass
class VelocitiesState(State):
    """`v` (K, *population, P): the velocity of each momentum."""

    v: Array


@dataclass(frozen=True)
class AggMo(Optimizer):
    """Aggregated momentum: the mean of K velocities, slow ones for speed and fast ones against oscillation.

        vₖ ← μₖ vₖ - g        k = 1 … K
        u = η/K · Σₖ vₖ

    μ are the `momenta`.

    Lucas, Sun, Zemel & Grosse (2019), section 3.
    """

    learning_rate: Rate = 0.1
    momenta: Sequence[float] = (0.0, 0.9, 0.99)

    def __post_init__(self) -> None:
        check_numbers(self)
        if not isinstance(self.momenta, Sequence) or isinstance(self.momenta, str) or not len(self.momenta):
            raise HyperparameterError("momenta", self.momenta, "momenta in the range 0 ≤ value < 1: (0, 0.9, 0.99)")
        for momentum in self.momenta:
            check_each(check_fraction, "momenta", momentum)
        object.__setattr__(self, "momenta", tuple(self.momenta))  # equal to what was given as a list

    def init(self, params: Array) -> VelocitiesState:
        """At rest."""
        check_params(params)
        return begun(VelocitiesState, self, params, v=np.zeros((len(self.momenta), *params.shape), params.dtype))

    def update(self, at: Evaluation, state: VelocitiesState, out: Array) -> None:
        """η/K · Σ v."""
        for momentum, v in zip(self.momenta, state.v, strict=True):
            v *= momentum
            v -= at.grad
        np.sum(state.v, axis=0, out=out)
        out *= state.pace.next(at.loss) / len(self.momenta)
