"""Rules with a learning rate for each parameter, made from the gradients it has met.

θ are the parameters, g the gradient, u the update, η `learning_rate`, ε `epsilon`; products and roots are elementwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlp.arrays import Array
from mlp.errors import check_each, check_positive
from mlp.optimizers.memory import begun, fade, fade_squares, is_on
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_numbers, check_rate, pace


@dataclass
class SquaresState(State):
    """`s`: the squares of the gradients met, summed or averaged."""

    s: Array


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Step lengths that shrink where gradients have been large.

        s ← s + g²
        u = -η g / (√s + ε)

    Duchi, Hazan & Singer (2011), section 1.1. s starts at 0 as in PyTorch; optax and Keras start it at 0.1.
    """

    learning_rate: Rate = 0.01
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        check_rate(self.learning_rate)
        check_each(check_positive, "epsilon", self.epsilon)

    def init(self, params: Array) -> SquaresState:
        """No gradients met."""
        return SquaresState(pace(self, params), np.zeros_like(params))

    def update(self, at: Evaluation, state: SquaresState, out: Array) -> None:
        """-η g / (√s + ε)."""
        g, s = at.grad, state.s
        np.multiply(g, g, out=out)
        s += out
        np.sqrt(s, out=out)
        out += self.epsilon
        np.divide(g, out, out=out)
        out *= -state.pace.next(at.loss)


@dataclass
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

    Tieleman & Hinton (2012), lecture 6e. ε stands outside the root and α is 0.99 as in
    PyTorch; optax and Keras put ε inside and take 0.9. PyTorch keeps v/(-η), which differs once η changes.
    """

    learning_rate: Rate = 0.01
    decay: float | Array = 0.99
    epsilon: float = 1e-8
    momentum: float | Array = 0.0

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> RMSpropState:
        """No gradients met."""
        return begun(RMSpropState, self, params)

    def update(self, at: Evaluation, state: RMSpropState, out: Array) -> None:
        """v, moved on by -η g / (√s + ε)."""
        g, s, v = at.grad, state.s, state.v
        fade_squares(s, self.decay, g, out)
        np.sqrt(s, out=out)
        out += self.epsilon
        np.divide(g, out, out=out)
        out *= -state.pace.next(at.loss)
        if is_on(self.momentum):
            v *= self.momentum
            v += out
            np.copyto(out, v)


@dataclass
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
    """

    learning_rate: Rate = 0.0001
    decay: float | Array = 0.95
    epsilon: float = 1e-4
    momentum: float | Array = 0.9

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> CenteredState:
        """No gradients met."""
        return begun(CenteredState, self, params)

    def update(self, at: Evaluation, state: CenteredState, out: Array) -> None:
        """v, moved on by -η g / √(s - m² + ε)."""
        g, s, m, v = at.grad, state.s, state.m, state.v
        fade_squares(s, self.decay, g, out)
        fade(m, self.decay, g, out)
        np.multiply(m, m, out=out)
        np.subtract(s, out, out=out)
        np.maximum(out, 0, out=out)
        out += self.epsilon
        np.sqrt(out, out=out)
        np.divide(g, out, out=out)
        out *= -state.pace.next(at.loss)
        v *= self.momentum
        v += out
        np.copyto(out, v)


@dataclass
class AdadeltaState(SquaresState):
    """`s` and `d`: the means of the squares of the gradients and of the steps."""

    d: Array
    room: Array


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Steps in the unit of the parameters: the root mean square step over the root mean square gradient, times g.

        s ← ρ s + (1 - ρ) g²
        x = √(d + ε) / √(s + ε) · g
        d ← ρ d + (1 - ρ) x²
        u = -η x

    ρ is `decay`. From d = 0 the steps grow slowly from about √ε.

    Zeiler (2012), algorithm 1, with η = 1; ε = 1e-6 and
    ρ = 0.9 as in PyTorch and optax, where the paper tries ρ = 0.95 as well.
    """

    learning_rate: Rate = 1.0
    decay: float | Array = 0.9
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> AdadeltaState:
        """No gradients met, no steps made."""
        return begun(AdadeltaState, self, params)

    def update(self, at: Evaluation, state: AdadeltaState, out: Array) -> None:
        """-η x."""
        s, d, room = state.s, state.d, state.room
        fade_squares(s, self.decay, at.grad, out)
        np.add(s, self.epsilon, out=room)
        np.add(d, self.epsilon, out=out)
        out /= room
        np.sqrt(out, out=out)
        out *= at.grad
        fade_squares(d, self.decay, out, room)
        out *= -state.pace.next(at.loss)
