"""Gradient descent: plain, with a memory of where it was going, or by the signs of gradients only.

θ are the parameters, g the gradient, u the update, v the velocity, m the mean gradient, η `learning_rate`, μ
`momentum`, λ `weight_decay`. Rules that look at signs move every parameter by the same length, whatever the size of its
gradient. No step gets smaller by itself then: they circle around a minimum at a distance of η, so give them a schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, check_fraction
from mlp.hyperparameters import EachFraction, EachNotNegative, each
from mlp.optimizers.moving_averages import MeanState, decay_weights, update_mean
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent; "stochastic" when the gradient is a minibatch's.

        u = -η g

    Robbins & Monro (1951).

    >>> from mlp.optimizers.bowl import follow
    >>> follow(SGD(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2 , 3.6 ],
           [6.48, 3.24]])
    """

    name, usual_rate, aliases = "sgd", 0.1, ("gd",)

    learning_rate: Rate = 0.1

    def update(self, at: Evaluation, state: State, out: Array) -> None:
        """-η g."""
        np.multiply(at.grad, -state.pace.next(at.loss), out=out)


@dataclass(kw_only=True)
class VelocityState(State):
    """`v`: the velocity; of AggMo that of each momentum, (K, *population, P)."""

    v: Array


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Heavy-ball gradient descent.

        v ← μ v - η g
        u = v

    0 ≤ μ < 1. Steady downhill steps settle at η/(1-μ) times the gradient.

    Polyak (1964), in the form of Sutskever et al. (2013, eq. 1-2). PyTorch keeps v/(-η) instead, which differs once
    η changes from step to step.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Momentum(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2 , 3.6 ],
           [5.76, 2.88]])
    """

    name, usual_rate, aliases, keeps = "momentum", 0.02, ("heavyball",), VelocityState

    learning_rate: Rate = 0.01
    momentum: EachFraction = 0.9

    def update(self, at: Evaluation, state: VelocityState, out: Array) -> None:
        """v, moved on."""
        np.multiply(at.grad, -state.pace.next(at.loss), out=out)
        move_velocity(state.v, self.momentum, out)


def move_velocity(v: Array, momentum: Any, out: Array) -> None:
    """v ← μ v + out, and `out` becomes v."""
    v *= momentum
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

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Nesterov(0.1), [8.0, 4.0], 2).round(3)
    array([[6.48 , 3.24 ],
           [4.601, 2.3  ]])
    """

    name, usual_rate, aliases, keeps = "nesterov", 0.02, ("nag",), VelocityState

    learning_rate: Rate = 0.01
    momentum: EachFraction = 0.9

    def update(self, at: Evaluation, state: VelocityState, out: Array) -> None:
        """μ v - η g with the new v: one step along v ← μ v - η g, and one more push."""
        v = state.v
        np.multiply(at.grad, -state.pace.next(at.loss), out=out)
        v *= self.momentum
        v += out
        out += self.momentum * v


@dataclass(frozen=True)
class QHM(Optimizer):
    """Quasi-hyperbolic momentum: a mixture of the gradient and the mean gradient.

        m ← μ m + (1 - μ) g
        u = -η ((1 - ν) g + ν m)

    ν = 0 is SGD; ν = 1 is Momentum with (1 - μ) η for its η; ν = μ is Nesterov likewise.

    Ma & Yarats (2019), eq. 3-4.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(QHM(0.1), [8.0, 4.0], 2).round(3)
    array([[7.759, 3.88 ],
           [7.526, 3.763]])
    """

    name, usual_rate, keeps = "qhm", 0.3, MeanState

    learning_rate: Rate = 0.1
    momentum: EachFraction = 0.999
    nu: EachNotNegative = 0.7

    def update(self, at: Evaluation, state: MeanState, out: Array) -> None:
        """-η ((1 - ν) g + ν m) as -η (g + ν (m - g))."""
        update_mean(state.m, self.momentum, at.grad, out)
        np.subtract(state.m, at.grad, out=out)
        out *= self.nu
        out += at.grad
        out *= -state.pace.next(at.loss)


@dataclass(frozen=True)
class AggMo(Optimizer):
    """Aggregated momentum: the mean of K velocities, slow ones for speed and fast ones against oscillation.

        vₖ ← μₖ vₖ - g        k = 1 … K
        u = η/K · Σₖ vₖ

    μ are the `momenta`.

    Lucas, Sun, Zemel & Grosse (2019), section 3.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(AggMo(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2  , 3.6  ],
           [5.976, 2.988]])
    """

    name, usual_rate, keeps = "aggmo", 0.01, VelocityState

    learning_rate: Rate = 0.1
    momenta: Sequence[float] = (0.0, 0.9, 0.99)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.momenta, Sequence) or isinstance(self.momenta, str) or not len(self.momenta):
            raise HyperparameterError("momenta", self.momenta, "momenta in the range 0 ≤ value < 1: (0, 0.9, 0.99)")
        for momentum in self.momenta:
            each(check_fraction)("momenta", momentum)
        object.__setattr__(self, "momenta", tuple(self.momenta))  # equal to what was given as a list

    def begin(self, params: Array) -> dict[str, Any]:
        """At rest."""
        return {"v": np.zeros((len(self.momenta), *params.shape), params.dtype)}

    def update(self, at: Evaluation, state: VelocityState, out: Array) -> None:
        """η/K · Σ v."""
        for momentum, v in zip(self.momenta, state.v, strict=True):
            v *= momentum
            v -= at.grad
        np.sum(state.v, axis=0, out=out)
        out *= state.pace.next(at.loss) / len(self.momenta)


@dataclass(frozen=True)
class SignSGD(Optimizer):
    """Steps of one length in every parameter, downhill.

        u = -η sign(g)

    Bernstein et al. (2018), algorithm 1.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(SignSGD(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9, 3.9],
           [7.8, 3.8]])
    """

    name, usual_rate = "sign_sgd", 0.003

    learning_rate: Rate = 0.001

    def update(self, at: Evaluation, state: State, out: Array) -> None:
        """-η sign(g)."""
        np.sign(at.grad, out=out)
        out *= -state.pace.next(at.loss)


@dataclass(frozen=True)
class Signum(Optimizer):
    """The sign of the mean gradient.

        m ← μ m + (1 - μ) g
        u = -η sign(m)

    Bernstein et al. (2018), algorithm 2.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Signum(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9, 3.9],
           [7.8, 3.8]])
    """

    name, usual_rate, keeps = "signum", 0.001, MeanState

    learning_rate: Rate = 0.001
    momentum: EachFraction = 0.9

    def update(self, at: Evaluation, state: MeanState, out: Array) -> None:
        """-η sign(m)."""
        update_mean(state.m, self.momentum, at.grad, out)
        np.sign(state.m, out=out)
        out *= -state.pace.next(at.loss)


@dataclass(kw_only=True)
class LionState(MeanState):
    """`m`: the mean of the gradients met. `scratch`: memory for products."""

    scratch: Array


@dataclass(frozen=True)
class Lion(Optimizer):
    """The sign of a mean gradient in which the newest one weighs more than in the memory.

        u = -η (sign(β₁ m + (1 - β₁) g) + λ θ)
        m ← β₂ m + (1 - β₂) g

    Chen et al. (2023), program 1. Every parameter decays, bias weights too; λ is 0 unless given.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Lion(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9, 3.9],
           [7.8, 3.8]])
    """

    name, usual_rate, keeps = "lion", 0.002, LionState

    learning_rate: Rate = 0.0003
    beta1: EachFraction = 0.9
    beta2: EachFraction = 0.99
    weight_decay: EachNotNegative = 0.0

    def update(self, at: Evaluation, state: LionState, out: Array) -> None:
        """-η (sign(β₁ m + (1 - β₁) g) + λ θ), with the m of before."""
        m, scratch, rate = state.m, state.scratch, state.pace.next(at.loss)
        np.multiply(at.grad, 1 - self.beta1, out=out)
        np.multiply(m, self.beta1, out=scratch)
        out += scratch
        np.sign(out, out=out)
        out *= -rate
        decay_weights(out, rate * self.weight_decay, at.params, scratch)
        update_mean(m, self.beta2, at.grad, scratch)
