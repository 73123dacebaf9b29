"""Rules with a learning rate for each parameter, made from the gradients it has met.

θ are the parameters, g the gradient, u the update, η `learning_rate`, ε `epsilon`; products and roots are elementwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlp.arrays import Array
from mlp.errors import check_each, check_fraction, check_not_negative, check_positive
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_rate, pace


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


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Gradients divided by their recent root mean square.

        s ← α s + (1 - α) g²
        u = -η g / (√s + ε)

    α is `decay`. Tieleman & Hinton (2012), lecture 6e. ε stands outside the root and α is 0.99 as in PyTorch; optax and
    Keras put ε inside and take 0.9.
    """

    learning_rate: Rate = 0.01
    decay: float | Array = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_rate(self.learning_rate)
        check_each(check_fraction, "decay", self.decay)
        check_each(check_positive, "epsilon", self.epsilon)

    def init(self, params: Array) -> SquaresState:
        """No gradients met."""
        return SquaresState(pace(self, params), np.zeros_like(params))

    def update(self, at: Evaluation, state: SquaresState, out: Array) -> None:
        """-η g / (√s + ε)."""
        g, s = at.grad, state.s
        np.multiply(g, g, out=out)
        out *= 1 - self.decay
        s *= self.decay
        s += out
        np.sqrt(s, out=out)
        out += self.epsilon
        np.divide(g, out, out=out)
        out *= -state.pace.next(at.loss)


@dataclass
class AdamState(State):
    """`m` and `v`: the paper's moments divided by 1 - β₁ and 1 - β₂, which saves two passes over the parameters."""

    m: Array
    v: Array


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moments.

        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) g²          v̂ = v / (1 - β₂ᵗ)
        u = -η m̂ / (√v̂ + ε)

    Steps are at most about η for each parameter, whatever the size of the gradient.

    Kingma & Ba (2015), algorithm 1: ε after the bias correction, not the ε̂ of section 2. The state keeps m/(1 - β₁)
    and v/(1 - β₂).
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_rate(self.learning_rate)
        check_each(check_fraction, "beta1", self.beta1)
        check_each(check_fraction, "beta2", self.beta2)
        check_each(check_positive, "epsilon", self.epsilon)

    def init(self, params: Array) -> AdamState:
        """No gradients met."""
        return AdamState(pace(self, params), np.zeros_like(params), np.zeros_like(params))

    def update(self, at: Evaluation, state: AdamState, out: Array) -> None:
        """-η m̂ / (√v̂ + ε), with √v̂ = k √v and k² = (1 - β₂)/(1 - β₂ᵗ)."""
        g, m, v, beta1, beta2 = at.grad, state.m, state.v, self.beta1, self.beta2
        rate = state.pace.next(at.loss)
        t = state.pace.t
        k = ((1 - beta2) / (1 - beta2**t)) ** 0.5
        m *= beta1
        m += g
        np.multiply(g, g, out=out)
        v *= beta2
        v += out
        np.sqrt(v, out=out)
        out += self.epsilon / k
        np.divide(m, out, out=out)
        out *= -rate * (1 - beta1) / ((1 - beta1**t) * k)


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay.

        u = -η (m̂ / (√v̂ + ε) + λ θ)

    λ is `weight_decay`. Loshchilov & Hutter (2019), algorithm 2, with the schedule multiplier folded into η as in
    PyTorch. Every parameter decays, bias weights too: a rule does not know which they are. To spare them use a dense
    layer's l2, which is not decoupled.
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-8
    weight_decay: float | Array = 0.01

    def __post_init__(self) -> None:
        self._adam()
        check_each(check_not_negative, "weight_decay", self.weight_decay)

    def init(self, params: Array) -> AdamState:
        """No gradients met."""
        return AdamState(pace(self, params), np.zeros_like(params), np.zeros_like(params))

    def update(self, at: Evaluation, state: AdamState, out: Array) -> None:
        """Adam's step, and -η λ θ."""
        Adam.update(self, at, state, out)  # type: ignore[arg-type]
        out -= (state.pace.learning_rate * self.weight_decay) * at.params

    def _adam(self) -> Adam:
        return Adam(self.learning_rate, self.beta1, self.beta2, self.epsilon)
