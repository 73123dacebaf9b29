"""Rules that look at signs: every parameter moves by the same length, whatever the size of its gradient.

θ are the parameters, g the gradient, u the update, η `learning_rate`, λ `weight_decay`. As no step gets smaller by
itself, these rules circle around a minimum at a distance of η: give them a schedule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlp.arrays import Array
from mlp.optimizers.memory import MeanState, begun, fade, shrink
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_numbers, pace


@dataclass(frozen=True)
class SignSGD(Optimizer):
    """Steps of one length in every parameter, downhill.

        u = -η sign(g)

    Bernstein et al. (2018), algorithm 1.
    """

    learning_rate: Rate = 0.001

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> State:
        """Nothing but the pace."""
        return State(pace(self, params))

    def update(self, at: Evaluation, state: State, out: Array) -> None:
        """-η sign(g)."""
        np.sign(at.grad, out=out)
        out *= -state.pace.next(at.loss)


@dataclass(frozen=True)
class Signum(Optimizer):
    """The sign of the mean gradient.

        m ← μ m + (1 - μ) g
        u = -η sign(m)

    μ is `momentum`.

    Bernstein et al. (2018), algorithm 2.
    """

    learning_rate: Rate = 0.001
    momentum: float | Array = 0.9

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> MeanState:
        """No gradients met."""
        return begun(MeanState, self, params)

    def update(self, at: Evaluation, state: MeanState, out: Array) -> None:
        """-η sign(m)."""
        fade(state.m, self.momentum, at.grad, out)
        np.sign(state.m, out=out)
        out *= -state.pace.next(at.loss)


@dataclass
class LionState(MeanState):
    """`m`: the mean of the gradients met; `room`: scratch."""

    room: Array


@dataclass(frozen=True)
class Lion(Optimizer):
    """The sign of a mean gradient that weighs the newest one more than the memory does.

        u = -η (sign(β₁ m + (1 - β₁) g) + λ θ)
        m ← β₂ m + (1 - β₂) g

    Chen et al. (2023), program 1. Every parameter decays, bias weights too; λ is 0 unless given.
    """

    learning_rate: Rate = 0.0003
    beta1: float | Array = 0.9
    beta2: float | Array = 0.99
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> LionState:
        """No gradients met."""
        return begun(LionState, self, params)

    def update(self, at: Evaluation, state: LionState, out: Array) -> None:
        """-η (sign(β₁ m + (1 - β₁) g) + λ θ), with the m of before."""
        m, room, rate = state.m, state.room, state.pace.next(at.loss)
        np.multiply(at.grad, 1 - self.beta1, out=out)
        np.multiply(m, self.beta1, out=room)
        out += room
        np.sign(out, out=out)
        out *= -rate
        shrink(out, rate * self.weight_decay, at.params, room)
        fade(m, self.beta2, at.grad, room)
