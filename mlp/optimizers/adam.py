"""Adam and its kin: the mean gradient over the root of the mean squared gradient.

θ are the parameters, g the gradient, u the update, t the number of the update (1, 2, ...), η `learning_rate`,
ε `epsilon`; products, roots and maxima are elementwise. Rules with other means stand in `moments`, those with
another beginning in `start`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import check_each, check_fraction, check_not_negative, check_positive
from mlp.optimizers.memory import MeansState, begun, fade, fade_squares, unbiased_root
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_numbers, check_rate, pace


def direction(m: Array, v: Array, g: Array, numbers: tuple[Any, Any, float], t: int, out: Array) -> None:
    """Move the means `m` and `v` on by g, and write m̂ / (√v̂ + ε) into `out`. `numbers`: β₁, β₂, ε."""
    beta1, beta2, epsilon = numbers
    fade(m, beta1, g, out)
    fade_squares(v, beta2, g, out)
    unbiased_root(v, beta2, epsilon, t, out)
    np.divide(m, out, out=out)
    out *= 1 / (1 - beta1**t)


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

    λ is `weight_decay`.

    Loshchilov & Hutter (2019), algorithm 2, with the schedule multiplier folded into η as in PyTorch. Every parameter
    decays, bias weights too: a rule does not know which they are. To spare them use a dense layer's l2, which is not
    decoupled.
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


@dataclass
class AMSGradState(MeansState):
    """`m` and `v`: the means of the gradients met and of their squares; `highest`: the largest v so far."""

    highest: Array


@dataclass(frozen=True)
class AMSGrad(Optimizer):
    """Adam whose step lengths never grow again.

        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) g²
        w ← max(w, v)                   ŵ = w / (1 - β₂ᵗ)
        u = -η m̂ / (√ŵ + ε)

    Reddi, Kale & Kumar (2018), algorithm 2, with Adam's bias corrections as in PyTorch; the paper has none, and optax
    takes the maximum of v̂.
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> AMSGradState:
        """No gradients met."""
        return begun(AMSGradState, self, params)

    def update(self, at: Evaluation, state: AMSGradState, out: Array) -> None:
        """-η m̂ / (√ŵ + ε)."""
        rate, t = state.pace.next(at.loss), state.t
        fade(state.m, self.beta1, at.grad, out)
        fade_squares(state.v, self.beta2, at.grad, out)
        np.maximum(state.highest, state.v, out=state.highest)
        unbiased_root(state.highest, self.beta2, self.epsilon, t, out)
        np.divide(state.m, out, out=out)
        out *= -rate / (1 - self.beta1**t)


@dataclass
class AdamaxState(MeansState):
    """`m`: the mean of the gradients met; `v`: the largest of them, fading."""


@dataclass(frozen=True)
class Adamax(Optimizer):
    """Adam with the largest gradient met instead of the mean square.

        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← max(β₂ v, |g| + ε)
        u = -η m̂ / v

    Kingma & Ba (2015), algorithm 2, and ε as in PyTorch: the paper divides 0 by 0 where there was no gradient yet.
    """

    learning_rate: Rate = 0.002
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> AdamaxState:
        """No gradients met."""
        return begun(AdamaxState, self, params)

    def update(self, at: Evaluation, state: AdamaxState, out: Array) -> None:
        """-η m̂ / v."""
        rate, v = state.pace.next(at.loss), state.v
        fade(state.m, self.beta1, at.grad, out)
        np.abs(at.grad, out=out)
        out += self.epsilon
        v *= self.beta2
        np.maximum(v, out, out=v)
        np.divide(state.m, v, out=out)
        out *= -rate / (1 - self.beta1**state.t)
