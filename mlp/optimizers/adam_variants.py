"""Adam with other means: of deviations, of differences, over a longer time, mixed with the newest gradient.

θ are the parameters, g the gradient, u the update, t the number of the update (1, 2, ...), η `learning_rate`,
ε `epsilon`, λ `weight_decay`, a hat a mean without its bias: m̂ = m / (1 - β₁ᵗ). Products and roots are elementwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.hyperparameters import EachFraction, EachNotNegative, EachPositive, Whole
from mlp.optimizers.adam import AdamNumbers
from mlp.optimizers.moving_averages import (
    MeansState,
    ScratchState,
    decay_weights,
    update_mean,
    update_mean_square,
    write_unbiased_root,
)
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate


@dataclass(frozen=True)
class AdaBelief(AdamNumbers):
    """Adam that divides by how far gradients are from what was expected, not by how large they are.

        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂)(g - m)² + ε
        u = -η m̂ / (√v̂ + ε)

    Zhuang et al. (2020), algorithm 2. ε = 1e-16 at both places, as in its code and in optax.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(AdaBelief(0.1), [8.0, 4.0], 2).round(3)
    array([[7.889, 3.889],
           [7.772, 3.772]])
    """

    name, usual_rate = "adabelief", 0.005

    epsilon: EachPositive = 1e-16

    def update(self, at: Evaluation, state: MeansState, out: Array) -> None:
        """-η m̂ / (√v̂ + ε)."""
        m, v, rate, t = state.m, state.v, state.pace.next(at.loss), state.t
        update_mean(m, self.beta1, at.grad, out)
        np.subtract(at.grad, m, out=out)
        update_mean_square(v, self.beta2, out, out)
        v += self.epsilon
        write_unbiased_root(v, self.beta2, self.epsilon, t, out)
        np.divide(m, out, out=out)
        out *= -rate / (1 - self.beta1**t)


@dataclass(frozen=True)
class Yogi(AdamNumbers):
    """Adam whose mean square moves by a bounded share of g², so that rare gradients are not forgotten at once.

        m ← β₁ m + (1 - β₁) g
        v ← v - (1 - β₂) sign(v - g²) g²
        u = -η m̂ / (√v̂ + ε)

    Zaheer et al. (2018), algorithm 2. v starts at 1e-6. Adam's bias corrections are optax'; the paper has none. optax
    starts m at 1e-6, too.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Yogi(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9, 3.9],
           [7.8, 3.8]])
    """

    name, usual_rate, keeps = "yogi", 0.01, ScratchState

    learning_rate: Rate = 0.01
    epsilon: EachPositive = 1e-3

    def begin(self, params: Array) -> dict[str, Any]:
        """No gradients met."""
        return {"v": np.full_like(params, 1e-6)}

    def update(self, at: Evaluation, state: ScratchState, out: Array) -> None:
        """-η m̂ / (√v̂ + ε)."""
        m, v, scratch, rate, t = state.m, state.v, state.scratch, state.pace.next(at.loss), state.t
        update_mean(m, self.beta1, at.grad, out)
        np.multiply(at.grad, at.grad, out=scratch)
        np.subtract(v, scratch, out=out)
        np.sign(out, out=out)
        scratch *= out
        scratch *= 1 - self.beta2
        v -= scratch
        write_unbiased_root(v, self.beta2, self.epsilon, t, out)
        np.divide(m, out, out=out)
        out *= -rate / (1 - self.beta1**t)


@dataclass(kw_only=True)
class AdanState(ScratchState):
    """`m`, `d`, `v`: the means of gradients, of their differences, of squares; `last`: the gradient before."""

    d: Array
    last: Array


@dataclass(frozen=True)
class Adan(Optimizer):
    """Adaptive Nesterov momentum: means of gradients and of their differences.

        Δ = g - g₋₁                     0 at the first update
        m ← β₁ m + (1 - β₁) g
        d ← β₂ d + (1 - β₂) Δ
        v ← β₃ v + (1 - β₃)(g + β₂ Δ)²
        θ ← (θ - η (m̂ + β₂ d̂) / (√v̂ + ε)) / (1 + η λ)

    Xie et al. (2022), algorithm 1. Its β is 1 - β here, as in its code and everywhere else. optax takes 1 - β₂ where
    this rule has a factor β₂.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Adan(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9, 3.9],
           [7.8, 3.8]])
    """

    name, usual_rate, keeps = "adan", 0.01, AdanState

    learning_rate: Rate = 0.001
    beta1: EachFraction = 0.98
    beta2: EachFraction = 0.92
    beta3: EachFraction = 0.99
    epsilon: EachPositive = 1e-8
    weight_decay: EachNotNegative = 0.0

    def update(self, at: Evaluation, state: AdanState, out: Array) -> None:
        """The way from θ to the new θ."""
        rate, t, m, d, v, scratch = state.pace.next(at.loss), state.t, state.m, state.d, state.v, state.scratch
        np.subtract(at.grad, at.grad if t == 1 else state.last, out=out)
        np.copyto(state.last, at.grad)
        update_mean(m, self.beta1, at.grad, scratch)
        update_mean(d, self.beta2, out, scratch)
        out *= self.beta2
        out += at.grad
        update_mean_square(v, self.beta3, out, scratch)
        np.multiply(d, self.beta2 / (1 - self.beta2**t), out=out)
        np.multiply(m, 1 / (1 - self.beta1**t), out=scratch)
        out += scratch
        write_unbiased_root(v, self.beta3, self.epsilon, t, scratch)
        out /= scratch
        out *= -rate
        decay_weights(out, rate * self.weight_decay, at.params, scratch)
        out /= 1 + rate * self.weight_decay


@dataclass(kw_only=True)
class AdEMAMixState(ScratchState):
    """`m`, `slow` and `v`: the means of the gradients met, over a short and a long time, and of their squares."""

    slow: Array


@dataclass(frozen=True)
class AdEMAMix(Optimizer):
    """Adam with a second mean gradient that remembers ten thousand steps.

        m ← β₁ m + (1 - β₁) g
        s ← β₃ s + (1 - β₃) g
        v ← β₂ v + (1 - β₂) g²
        u = -η ((m̂ + α s) / (√v̂ + ε) + λ θ)

    In the first T = `warm_up` updates α and β₃ grow to their values: α t/T, and β₃ from β₁ so that the half-life of s
    grows evenly. 0: no warm-up.

    Pagliardini, Ablin & Grangier (2024), algorithm 1 and section 3. The half-life is log ½/log β. Its growth follows
    the paper's own approximation, β = exp(ln β₁ ln β₃ / ((1 - t/T) ln β₃ + t/T ln β₁)).

    >>> from mlp.optimizers.bowl import follow
    >>> follow(AdEMAMix(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9, 3.9],
           [7.8, 3.8]])
    """

    name, usual_rate, keeps = "ademamix", 0.003, AdEMAMixState

    learning_rate: Rate = 0.001
    beta1: EachFraction = 0.9
    beta2: EachFraction = 0.999
    beta3: EachFraction = 0.9999
    alpha: EachNotNegative = 5.0
    epsilon: EachPositive = 1e-8
    weight_decay: EachNotNegative = 0.0
    warm_up: Whole = 0

    def update(self, at: Evaluation, state: AdEMAMixState, out: Array) -> None:
        """-η ((m̂ + α s) / (√v̂ + ε) + λ θ)."""
        rate, t, m, slow, v, scratch = state.pace.next(at.loss), state.t, state.m, state.slow, state.v, state.scratch
        alpha, beta3 = self._warm(t)
        update_mean(m, self.beta1, at.grad, scratch)
        update_mean(slow, beta3, at.grad, scratch)
        update_mean_square(v, self.beta2, at.grad, scratch)
        np.multiply(m, 1 / (1 - self.beta1**t), out=out)
        np.multiply(slow, alpha, out=scratch)
        out += scratch
        write_unbiased_root(v, self.beta2, self.epsilon, t, scratch)
        out /= scratch
        out *= -rate
        decay_weights(out, rate * self.weight_decay, at.params, scratch)

    def _warm(self, t: int) -> tuple[Any, Any]:
        """α and β₃ of update t."""
        if t >= self.warm_up:
            return self.alpha, self.beta3
        done, short, long = t / self.warm_up, np.log(self.beta1), np.log(self.beta3)
        return self.alpha * done, np.exp(short * long / ((1 - done) * long + done * short))


@dataclass(frozen=True)
class ADOPT(AdamNumbers):
    """Adam in another order: a gradient is divided by what was known before it, and only then averaged.

        x = g / max(√v, ε), held within ± (t - 1)^¼
        m ← β₁ m + (1 - β₁) x
        v ← β₂ v + (1 - β₂) g²
        u = -η m

    The first update only sets v = g² and moves nothing. Converges for every β₂, which Adam does not.

    Taniguchi et al. (2024), with the clipping of its second version, as in optax.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(ADOPT(0.1), [8.0, 4.0], 2).round(3)
    array([[8.  , 4.  ],
           [7.99, 3.99]])
    """

    name, usual_rate = "adopt", 0.005

    beta2: EachFraction = 0.9999
    epsilon: EachPositive = 1e-6

    def update(self, at: Evaluation, state: MeansState, out: Array) -> None:
        """-η m; nothing at the first update."""
        g, m, v, rate, t = at.grad, state.m, state.v, state.pace.next(at.loss), state.t
        if t == 1:
            np.multiply(g, g, out=v)
            out.fill(0)
            return
        np.sqrt(v, out=out)
        np.maximum(out, self.epsilon, out=out)
        np.divide(g, out, out=out)
        np.clip(out, -((t - 1) ** 0.25), (t - 1) ** 0.25, out=out)
        update_mean(m, self.beta1, out, out)
        update_mean_square(v, self.beta2, g, out)
        np.multiply(m, -rate, out=out)


@dataclass(frozen=True)
class QHAdam(Optimizer):
    """Adam with quasi-hyperbolic means.

        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        u = -η ((1 - ν₁) g + ν₁ m̂) / (√((1 - ν₂) g² + ν₂ v̂) + ε)

    ν₁ = ν₂ = 1 is Adam.

    Ma & Yarats (2019); the defaults are those they recommend.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(QHAdam(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9, 3.9],
           [7.8, 3.8]])
    """

    name, usual_rate, keeps = "qhadam", 0.01, ScratchState

    learning_rate: Rate = 0.001
    beta1: EachFraction = 0.995
    beta2: EachFraction = 0.999
    nu1: EachNotNegative = 0.7
    nu2: EachNotNegative = 1.0
    epsilon: EachPositive = 1e-8

    def update(self, at: Evaluation, state: ScratchState, out: Array) -> None:
        """-η times one mixture over the root of the other."""
        g, m, v, scratch, rate = at.grad, state.m, state.v, state.scratch, state.pace.next(at.loss)
        update_mean(m, self.beta1, g, scratch)
        update_mean_square(v, self.beta2, g, scratch)
        np.multiply(g, g, out=scratch)
        scratch *= 1 - self.nu2
        np.multiply(v, self.nu2 / (1 - self.beta2**state.t), out=out)
        scratch += out
        np.sqrt(scratch, out=scratch)
        scratch += self.epsilon
        np.multiply(m, self.nu1 / (1 - self.beta1**state.t), out=out)
        np.divide(out, scratch, out=out)
        np.divide(g, scratch, out=scratch)
        scratch *= 1 - self.nu1
        out += scratch
        out *= -rate
