"""Rules with a learning rate for each parameter, made from the gradients it has met.

θ are the parameters, g the gradient, u the update, η `learning_rate`, ε `epsilon`; products and roots are elementwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlp.arrays import Array
from mlp.hyperparameters import EachFraction, EachPositive
from mlp.optimizers.gradient import move_velocity
from mlp.optimizers.moving_averages import is_on, update_mean, update_mean_square
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State


@dataclass(kw_only=True)
class SquaresState(State):
    """`s`: the squares of the gradients met, summed or averaged."""

    s: Array


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Step lengths that shrink where gradients have been large.

        s ← s + g²
        u = -η g / (√s + ε)

    Duchi, Hazan & Singer (2011), section 1.1. s starts at 0 as in PyTorch; optax and Keras start it at 0.1.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Adagrad(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9 , 3.9 ],
           [7.83, 3.83]])
    """

    name, usual_rate, keeps = "adagrad", 0.02, SquaresState

    learning_rate: Rate = 0.01
    epsilon: EachPositive = 1e-10

    def update(self, at: Evaluation, state: SquaresState, out: Array) -> None:
        """-η g / (√s + ε)."""
        g, s = at.grad, state.s
        np.multiply(g, g, out=out)
        s += out
        np.sqrt(s, out=out)
        out += self.epsilon
        np.divide(g, out, out=out)
        out *= -state.pace.next(at.loss)


@dataclass(kw_only=True)
class RMSpropState(SquaresState):
    """`s`: the mean of the squares of the gradients met; `v`: the velocity, unless the momentum is 0."""

    v: Array


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Gradients divided by their recent root mean square.

        s ← α s + (1 - α) g²
        v ← μ v - η g / (√s + ε)
        u = v

    α is `decay`, μ is `momentum`.

    Tieleman & Hinton (2012), lecture 6e. ε stands outside the root and α is 0.99 as in PyTorch; optax and Keras put ε
    inside and take 0.9. PyTorch keeps v/(-η), which differs once η changes.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(RMSprop(0.1), [8.0, 4.0], 2).round(3)
    array([[7.   , 3.   ],
           [6.34 , 2.398]])
    """

    name, usual_rate, keeps = "rmsprop", 0.003, RMSpropState

    learning_rate: Rate = 0.01
    decay: EachFraction = 0.99
    epsilon: EachPositive = 1e-8
    momentum: EachFraction = 0.0

    def update(self, at: Evaluation, state: RMSpropState, out: Array) -> None:
        """v, moved on by -η g / (√s + ε)."""
        update_mean_square(state.s, self.decay, at.grad, out)
        np.sqrt(state.s, out=out)
        out += self.epsilon
        np.divide(at.grad, out, out=out)
        out *= -state.pace.next(at.loss)
        if is_on(self.momentum):
            move_velocity(state.v, self.momentum, out)


@dataclass(kw_only=True)
class CenteredState(RMSpropState):
    """`s` and `m`: the means of the squares of the gradients met and of the gradients; `v`: the velocity."""

    m: Array


@dataclass(frozen=True)
class CenteredRMSprop(Optimizer):
    """Gradients divided by their recent deviation.

        s ← α s + (1 - α) g²
        m ← α m + (1 - α) g
        v ← μ v - η g / √(s - m² + ε)
        u = v

    α is `decay`, μ is `momentum`. A gradient that hardly changes gives steps of up to η g/√ε.

    Graves (2013), eq. 38-41, with his defaults; a variance that rounding makes negative counts as 0. PyTorch has ε =
    1e-8 outside the root and no such floor.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(CenteredRMSprop(0.1), [8.0, 4.0], 2).round(3)
    array([[7.541, 3.541],
           [6.801, 2.812]])
    """

    name, usual_rate, aliases, keeps = "centered_rmsprop", 0.001, ("graves",), CenteredState

    learning_rate: Rate = 0.0001
    decay: EachFraction = 0.95
    epsilon: EachPositive = 1e-4
    momentum: EachFraction = 0.9

    def update(self, at: Evaluation, state: CenteredState, out: Array) -> None:
        """v, moved on by -η g / √(s - m² + ε)."""
        g, s, m = at.grad, state.s, state.m
        update_mean_square(s, self.decay, g, out)
        update_mean(m, self.decay, g, out)
        np.multiply(m, m, out=out)
        np.subtract(s, out, out=out)
        np.maximum(out, 0, out=out)
        out += self.epsilon
        np.sqrt(out, out=out)
        np.divide(g, out, out=out)
        out *= -state.pace.next(at.loss)
        move_velocity(state.v, self.momentum, out)


@dataclass(kw_only=True)
class AdadeltaState(SquaresState):
    """`s` and `d`: the means of the squares of the gradients and of the steps. `scratch`: memory for products."""

    d: Array
    scratch: Array


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Steps in the unit of the parameters: the root mean square step over the root mean square gradient, times g.

        s ← ρ s + (1 - ρ) g²
        x = √(d + ε) / √(s + ε) · g
        d ← ρ d + (1 - ρ) x²
        u = -η x

    ρ is `decay`. From d = 0 the steps grow slowly from about √ε.

    Zeiler (2012), algorithm 1, with η = 1; ε = 1e-6 and ρ = 0.9 as in PyTorch and optax, where the paper tries
    ρ = 0.95 as well.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(Adadelta(), [8.0, 4.0], 500)[-1]).max() < 0.1)
    False
    """

    name, usual_rate, keeps = "adadelta", 1.0, AdadeltaState

    learning_rate: Rate = 1.0
    decay: EachFraction = 0.9
    epsilon: EachPositive = 1e-6

    def update(self, at: Evaluation, state: AdadeltaState, out: Array) -> None:
        """-η x."""
        s, d, scratch = state.s, state.d, state.scratch
        update_mean_square(s, self.decay, at.grad, out)
        np.add(s, self.epsilon, out=scratch)
        np.add(d, self.epsilon, out=out)
        out /= scratch
        np.sqrt(out, out=out)
        out *= at.grad
        update_mean_square(d, self.decay, out, scratch)
        out *= -state.pace.next(at.loss)
