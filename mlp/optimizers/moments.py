"""Adam with other means: of deviations, of differences, or over a longer time.

θ are the parameters, g the gradient, u the update, t the number of the update (1, 2, ...), η `learning_rate`,
ε `epsilon`, λ `weight_decay`, a hat a mean without its bias: m̂ = m / (1 - β₁ᵗ). Products and roots are elementwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError
from mlp.optimizers.memory import MeansState, begun, fade, fade_squares, shrink, unbiased_root
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, check_numbers, check_params


@dataclass(frozen=True)
class AdaBelief(Optimizer):
    """Adam that divides by how far gradients are from what was expected, not by how large they are.

        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂)(g - m)² + ε
        u = -η m̂ / (√v̂ + ε)

    Zhuang et al. (2020), algorithm 2. ε = 1e-16 at both places, as in its code and in optax.
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-16

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> MeansState:
        """No gradients met."""
        return begun(MeansState, self, params)

    def update(self, at: Evaluation, state: MeansState, out: Array) -> None:
        """-η m̂ / (√v̂ + ε)."""
        m, v, rate, t = state.m, state.v, state.pace.next(at.loss), state.t
        fade(m, self.beta1, at.grad, out)
        np.subtract(at.grad, m, out=out)
        fade_squares(v, self.beta2, out, out)
        v += self.epsilon
        unbiased_root(v, self.beta2, self.epsilon, t, out)
        np.divide(m, out, out=out)
        out *= -rate / (1 - self.beta1**t)


@dataclass
class YogiState(MeansState):
    """`m` and `v`: the means of the gradients met and, nearly, of their squares."""

    room: Array


@dataclass(frozen=True)
class Yogi(Optimizer):
    """Adam whose mean square moves by a bounded share of g², so that rare gradients are not forgotten at once.

        m ← β₁ m + (1 - β₁) g
        v ← v - (1 - β₂) sign(v - g²) g²
        u = -η m̂ / (√v̂ + ε)

    Zaheer et al. (2018), algorithm 2, with v starting at 1e-6, and Adam's bias corrections as in optax, which the paper
    has not; optax starts m at 1e-6, too.
    """

    learning_rate: Rate = 0.01
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> YogiState:
        """No gradients met."""
        check_params(params)
        return begun(YogiState, self, params, v=np.full_like(params, 1e-6))

    def update(self, at: Evaluation, state: YogiState, out: Array) -> None:
        """-η m̂ / (√v̂ + ε)."""
        m, v, room, rate, t = state.m, state.v, state.room, state.pace.next(at.loss), state.t
        fade(m, self.beta1, at.grad, out)
        np.multiply(at.grad, at.grad, out=room)
        np.subtract(v, room, out=out)
        np.sign(out, out=out)
        room *= out
        room *= 1 - self.beta2
        v -= room
        unbiased_root(v, self.beta2, self.epsilon, t, out)
        np.divide(m, out, out=out)
        out *= -rate / (1 - self.beta1**t)


@dataclass
class AdanState(MeansState):
    """`m`, `d`, `v`: the means of gradients, of their differences, of squares; `last`: the gradient before."""

    d: Array
    last: Array
    room: Array


@dataclass(frozen=True)
class Adan(Optimizer):
    """Adaptive Nesterov momentum: means of gradients and of their differences.

        Δ = g - g₋₁                     0 at the first update
        m ← β₁ m + (1 - β₁) g
        d ← β₂ d + (1 - β₂) Δ
        v ← β₃ v + (1 - β₃)(g + β₂ Δ)²
        θ ← (θ - η (m̂ + β₂ d̂) / (√v̂ + ε)) / (1 + η λ)

    Xie et al. (2022), algorithm 1, with 1 - β for its β, as its code and everyone has it. optax takes 1 - β₂ where this
    rule has a factor β₂.
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.98
    beta2: float | Array = 0.92
    beta3: float | Array = 0.99
    epsilon: float = 1e-8
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> AdanState:
        """No gradients met."""
        return begun(AdanState, self, params)

    def update(self, at: Evaluation, state: AdanState, out: Array) -> None:
        """The way from θ to the new θ."""
        rate, t, m, d, v, room = state.pace.next(at.loss), state.t, state.m, state.d, state.v, state.room
        np.subtract(at.grad, at.grad if t == 1 else state.last, out=out)
        np.copyto(state.last, at.grad)
        fade(m, self.beta1, at.grad, room)
        fade(d, self.beta2, out, room)
        out *= self.beta2
        out += at.grad
        fade_squares(v, self.beta3, out, room)
        np.multiply(d, self.beta2 / (1 - self.beta2**t), out=out)
        np.multiply(m, 1 / (1 - self.beta1**t), out=room)
        out += room
        unbiased_root(v, self.beta3, self.epsilon, t, room)
        out /= room
        out *= -rate
        shrink(out, rate * self.weight_decay, at.params, room)
        out /= 1 + rate * self.weight_decay


@dataclass
class AdEMAMixState(MeansState):
    """`m`, `slow` and `v`: the means of the gradients met, over a short and a long time, and of their squares."""

    slow: Array
    room: Array


@dataclass(frozen=True)
class AdEMAMix(Optimizer):
    """Adam with a second mean gradient that remembers ten thousand steps.

        m ← β₁ m + (1 - β₁) g
        s ← β₃ s + (1 - β₃) g
        v ← β₂ v + (1 - β₂) g²
        u = -η ((m̂ + α s) / (√v̂ + ε) + λ θ)

    In the first T = `warm_up` updates α and β₃ grow to what they are: α t/T, and β₃ from β₁ so that the half-life of s
    grows evenly. 0: no warm-up.

    Pagliardini, Ablin & Grangier (2024), algorithm 1 and section 3. The half-life is log ½/log β; the paper's own
    approximation of that is followed, β = exp(ln β₁ ln β₃ / ((1 - t/T) ln β₃ + t/T ln β₁)).
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    beta3: float | Array = 0.9999
    alpha: float | Array = 5.0
    epsilon: float = 1e-8
    weight_decay: float | Array = 0.0
    warm_up: int = 0

    def __post_init__(self) -> None:
        check_numbers(self)
        if isinstance(self.warm_up, bool) or not isinstance(self.warm_up, int | np.integer) or self.warm_up < 0:
            raise HyperparameterError("warm_up", self.warm_up, "a whole number, 0 or more")

    def init(self, params: Array) -> AdEMAMixState:
        """No gradients met."""
        return begun(AdEMAMixState, self, params)

    def update(self, at: Evaluation, state: AdEMAMixState, out: Array) -> None:
        """-η ((m̂ + α s) / (√v̂ + ε) + λ θ)."""
        rate, t, m, slow, v, room = state.pace.next(at.loss), state.t, state.m, state.slow, state.v, state.room
        alpha, beta3 = self._grown(t)
        fade(m, self.beta1, at.grad, room)
        fade(slow, beta3, at.grad, room)
        fade_squares(v, self.beta2, at.grad, room)
        np.multiply(m, 1 / (1 - self.beta1**t), out=out)
        np.multiply(slow, alpha, out=room)
        out += room
        unbiased_root(v, self.beta2, self.epsilon, t, room)
        out /= room
        out *= -rate
        shrink(out, rate * self.weight_decay, at.params, room)

    def _grown(self, t: int) -> tuple[Any, Any]:
        """α and β₃ of update t."""
        if t >= self.warm_up:
            return self.alpha, self.beta3
        done, short, long = t / self.warm_up, np.log(self.beta1), np.log(self.beta3)
        return self.alpha * done, np.exp(short * long / ((1 - done) * long + done * short))
