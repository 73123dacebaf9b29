"""Gradient descent, and gradient descent that remembers where it was going.

θ are the parameters, g the gradient, u the update, v the velocity, η `learning_rate`, μ `momentum`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlp.arrays import Array
from mlp.errors import check_each, check_fraction
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_rate, pace


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent; "stochastic" when the gradient is a minibatch's.

        u = -η g

    Robbins & Monro (1951).
    """

    learning_rate: Rate = 0.1

    def __post_init__(self) -> None:
        check_rate(self.learning_rate)

    def init(self, params: Array) -> State:
        """Nothing but the pace."""
        return State(pace(self, params))

    def update(self, at: Evaluation, state: State, out: Array) -> None:
        """-η g."""
        np.multiply(at.grad, -state.pace.next(at.loss), out=out)


@dataclass
class MomentumState(State):
    """`v`: the velocity."""

    v: Array


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Heavy-ball gradient descent.

        v ← μ v - η g
        u = v

    0 ≤ μ < 1. Steady downhill steps settle at η/(1-μ) times the gradient.

    Polyak (1964), in the form of Sutskever et al. (2013, eq. 1-2). PyTorch keeps v/(-η) instead, which differs once
    η changes from step to step.
    """

    learning_rate: Rate = 0.01
    momentum: float | Array = 0.9

    def __post_init__(self) -> None:
        check_rate(self.learning_rate)
        check_each(check_fraction, "momentum", self.momentum)

    def init(self, params: Array) -> MomentumState:
        """At rest."""
        return MomentumState(pace(self, params), np.zeros_like(params))

    def update(self, at: Evaluation, state: MomentumState, out: Array) -> None:
        """v, moved on."""
        v = state.v
        np.multiply(at.grad, -state.pace.next(at.loss), out=out)
        v *= self.momentum
        v += out
        np.copyto(out, v)


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Nesterov's accelerated gradient.

        v ← μ v - η g
        u = μ v - η g

    The second line is the next step's look ahead, so that g is always taken where the parameters are.

    Nesterov (1983), in the form of Sutskever et al. (2013, eq. 3-4) after Bengio et al.'s (2013) change of variables;
    PyTorch's and scikit-learn's rule for a constant η.
    """

    learning_rate: Rate = 0.01
    momentum: float | Array = 0.9

    def __post_init__(self) -> None:
        check_rate(self.learning_rate)
        check_each(check_fraction, "momentum", self.momentum)

    def init(self, params: Array) -> MomentumState:
        """At rest."""
        return MomentumState(pace(self, params), np.zeros_like(params))

    def update(self, at: Evaluation, state: MomentumState, out: Array) -> None:
        """μ v - η g with the new v: one step along v ← μ v - η g, and one more push."""
        v = state.v
        rate = state.pace.next(at.loss)
        np.multiply(at.grad, -rate, out=out)
        v *= self.momentum
        v += out
        out += self.momentum * v
