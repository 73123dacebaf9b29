"""Adam and its relatives: the mean gradient over the root of the mean squared gradient.

θ are the parameters, g the gradient, u the update, t the number of the update (1, 2, ...), η `learning_rate`,
ε `epsilon`; a hat marks a mean without its bias: m̂ = m / (1 - β₁ᵗ). Products, roots and maxima are elementwise. Rules
with other means stand in `adam_variants`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mlp.arrays import Array
from mlp.hyperparameters import EachFraction, EachNotNegative, EachPositive
from mlp.optimizers.moving_averages import (
    MeansState,
    ScratchState,
    as_python_float,
    update_mean,
    update_mean_square,
    write_unbiased_root,
)
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State


def write_direction(m: Array, v: Array, g: Array, numbers: tuple[Any, Any, Any], t: int, out: Array) -> None:
    """Move the means `m` and `v` on by g, and write m̂ / (√v̂ + ε) into `out`. `numbers`: β₁, β₂, ε."""
    beta1, beta2, epsilon = numbers
    update_mean(m, beta1, g, out)
    update_mean_square(v, beta2, g, out)
    write_unbiased_root(v, beta2, epsilon, t, out)
    np.divide(m, out, out=out)
    out *= 1 / (1 - beta1**t)


@dataclass(frozen=True)
class AdamNumbers(Optimizer):
    """The numbers of Adam and its kin."""

    keeps: ClassVar[type[State]] = MeansState

    learning_rate: Rate = 0.001
    beta1: EachFraction = 0.9
    beta2: EachFraction = 0.999
    epsilon: EachPositive = 1e-8


@dataclass(kw_only=True)
class AdamState(MeansState):
    """`m` and `v`: the paper's moments divided by 1 - β₁ and 1 - β₂, which saves two passes over the parameters.

    `room`: for β₁, β₂ and ε/k in turn. With an array NumPy computes in 0.3 µs what takes 0.6 with Python's number: 0.7
    of the 17 µs that a step of 2-4-2 takes.
    """

    room: Array


@dataclass(frozen=True)
class Adam(AdamNumbers):
    """Adaptive moments.

        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) g²          v̂ = v / (1 - β₂ᵗ)
        u = -η m̂ / (√v̂ + ε)

    Steps are at most about η for each parameter, whatever the size of the gradient.

    Kingma & Ba (2015), algorithm 1: ε after the bias correction, not the ε̂ of section 2. The state keeps m/(1 - β₁)
    and v/(1 - β₂).

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Adam(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9, 3.9],
           [7.8, 3.8]])
    """

    name, usual_rate, keeps = "adam", 0.005, AdamState

    def begin(self, params: Array) -> dict[str, Any]:
        """Room for a number; for one of each member where a hyperparameter is an array."""
        shape = np.broadcast_shapes(*map(np.shape, (self.beta1, self.beta2, self.epsilon)))
        return {"room": np.zeros(shape, params.dtype)}

    def update(self, at: Evaluation, state: AdamState, out: Array) -> None:
        """-η m̂ / (√v̂ + ε), with √v̂ = k √v and k² = (1 - β₂)/(1 - β₂ᵗ)."""
        g, m, v, number, beta1, beta2 = at.grad, state.m, state.v, state.room, self.beta1, self.beta2
        rate = state.pace.next(at.loss)
        t = state.pace.t
        k = ((1 - beta2) / (1 - beta2**t)) ** 0.5
        number[()] = beta1
        m *= number
        m += g
        np.multiply(g, g, out=out)
        number[()] = beta2
        v *= number
        v += out
        np.sqrt(v, out=out)
        number[()] = self.epsilon / k
        out += number
        np.divide(m, out, out=out)
        out *= -rate * (1 - beta1) / ((1 - beta1**t) * k)


@dataclass(frozen=True)
class AdamW(AdamNumbers):
    """Adam with decoupled weight decay.

        u = -η (m̂ / (√v̂ + ε) + λ θ)

    λ is `weight_decay`.

    Loshchilov & Hutter (2019), algorithm 2, with the schedule multiplier folded into η as in PyTorch. Every parameter
    decays, bias weights too: a rule does not know which they are. To spare them use a dense layer's l2, which is not
    decoupled.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(AdamW(0.1), [8.0, 4.0], 2).round(3)
    array([[7.892, 3.896],
           [7.784, 3.792]])
    """

    name, usual_rate, keeps = "adamw", 0.005, AdamState

    weight_decay: EachNotNegative = 0.01
    begin = Adam.begin

    def update(self, at: Evaluation, state: AdamState, out: Array) -> None:
        """Adam's step, and -η λ θ."""
        Adam.update(self, at, state, out)  # type: ignore[arg-type]
        out -= (state.pace.learning_rate * self.weight_decay) * at.params


@dataclass(kw_only=True)
class AMSGradState(MeansState):
    """`m` and `v`: the means of the gradients met and of their squares; `highest`: the largest v so far."""

    highest: Array


@dataclass(frozen=True)
class AMSGrad(AdamNumbers):
    """Adam whose step lengths never grow again.

        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) g²
        w ← max(w, v)                   ŵ = w / (1 - β₂ᵗ)
        u = -η m̂ / (√ŵ + ε)

    Reddi, Kale & Kumar (2018), algorithm 2, with Adam's bias corrections as in PyTorch; the paper has none, and optax
    takes the maximum of v̂.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(AMSGrad(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9, 3.9],
           [7.8, 3.8]])
    """

    name, usual_rate, keeps = "amsgrad", 0.005, AMSGradState

    def update(self, at: Evaluation, state: AMSGradState, out: Array) -> None:
        """-η m̂ / (√ŵ + ε)."""
        rate, t = state.pace.next(at.loss), state.t
        update_mean(state.m, self.beta1, at.grad, out)
        update_mean_square(state.v, self.beta2, at.grad, out)
        np.maximum(state.highest, state.v, out=state.highest)
        write_unbiased_root(state.highest, self.beta2, self.epsilon, t, out)
        np.divide(state.m, out, out=out)
        out *= -rate / (1 - self.beta1**t)


class AdamaxState(MeansState):
    """`m`: the mean of the gradients met; `v`: the largest of them, where older ones count less."""


@dataclass(frozen=True)
class Adamax(AdamNumbers):
    """Adam with the largest gradient met instead of the mean square.

        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← max(β₂ v, |g| + ε)
        u = -η m̂ / v

    Kingma & Ba (2015), algorithm 2, and ε as in PyTorch: the paper divides 0 by 0 where there was no gradient yet.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Adamax(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9  , 3.9  ],
           [7.801, 3.801]])
    """

    name, usual_rate, keeps = "adamax", 0.02, AdamaxState

    learning_rate: Rate = 0.002

    def update(self, at: Evaluation, state: AdamaxState, out: Array) -> None:
        """-η m̂ / v."""
        rate, v = state.pace.next(at.loss), state.v
        update_mean(state.m, self.beta1, at.grad, out)
        np.abs(at.grad, out=out)
        out += self.epsilon
        v *= self.beta2
        np.maximum(v, out, out=v)
        np.divide(state.m, v, out=out)
        out *= -rate / (1 - self.beta1**state.t)


@dataclass(kw_only=True)
class NAdamState(ScratchState):
    """`m` and `v`: the means of the gradients met and of their squares; `product`: that of all μ so far."""

    product: Any = 1.0


@dataclass(frozen=True)
class NAdam(AdamNumbers):
    """Adam with Nesterov's look ahead.

        μₜ = β₁ (1 - ½ 0.96^(ψ t))      Πₜ = μ₁ μ₂ … μₜ
        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²          v̂ = v / (1 - β₂ᵗ)
        u = -η ((1 - μₜ) g / (1 - Πₜ) + μₜ₊₁ m / (1 - Πₜ₊₁)) / (√v̂ + ε)

    ψ is `decay`.

    Dozat (2016), with his schedule of μ, and β₁ in the mean m, as in PyTorch; optax's nadam is another rule: μₜ = β₁.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(NAdam(0.1), [8.0, 4.0], 2).round(3)
    array([[7.894, 3.894],
           [7.816, 3.817]])
    """

    name, usual_rate, keeps = "nadam", 0.005, NAdamState

    learning_rate: Rate = 0.002
    decay: EachFraction = 0.004

    def update(self, at: Evaluation, state: NAdamState, out: Array) -> None:
        """Both parts over √v̂ + ε."""
        rate, t, scratch = state.pace.next(at.loss), state.t, state.scratch
        mu, mu_next = self._mu(t), self._mu(t + 1)
        state.product = state.product * mu
        update_mean(state.m, self.beta1, at.grad, out)
        update_mean_square(state.v, self.beta2, at.grad, out)
        np.multiply(at.grad, (1 - mu) / (1 - state.product), out=out)
        np.multiply(state.m, mu_next / (1 - state.product * mu_next), out=scratch)
        out += scratch
        write_unbiased_root(state.v, self.beta2, self.epsilon, t, scratch)
        np.divide(out, scratch, out=out)
        out *= -rate

    def _mu(self, t: int) -> Any:
        """The momentum of update t."""
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.decay))


@dataclass(frozen=True)
class RAdam(AdamNumbers):
    """Adam that waits until the mean square can be relied on.

        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) g²          k = √(1 - β₂ᵗ)
        ρ∞ = 2/(1 - β₂) - 1             ρ = ρ∞ - 2t β₂ᵗ/(1 - β₂ᵗ)
        r² = (ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ)
        u = -η m̂ r k / (√v + ε)         where ρ > 5, else   u = -η m̂

    The first steps, 5 at β₂ = 0.999, are those of plain momentum: choose η with that in mind.

    Liu et al. (2020), algorithm 2, with PyTorch's threshold of 5 for ρ (the paper has 4) and its ε, before the bias
    correction.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(RAdam(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2  , 3.6  ],
           [6.442, 3.221]])
    """

    name, usual_rate = "radam", 0.01

    def update(self, at: Evaluation, state: MeansState, out: Array) -> None:
        """-η m̂, times r k / (√v + ε) where ρ > 5."""
        rate, t = state.pace.next(at.loss), state.t
        update_mean(state.m, self.beta1, at.grad, out)
        update_mean_square(state.v, self.beta2, at.grad, out)
        steady, gain = self._rectify(t)
        np.sqrt(state.v, out=out)
        out += self.epsilon
        out /= as_python_float(gain)
        np.copyto(out, 1, where=~steady)
        np.divide(state.m, out, out=out)
        out *= -rate / (1 - self.beta1**t)

    def _rectify(self, t: int) -> tuple[Any, Any]:
        """Whether ρ > 5, and r k; where ρ is less, it is taken for 5, and r k is not used."""
        power = np.asarray(self.beta2**t)
        most = 2 / (1 - self.beta2) - 1
        length = most - 2 * t * power / (1 - power)
        rho, rho_most = np.maximum(length, 5), np.maximum(most, 5)
        squared = (rho - 4) * (rho - 2) * rho_most / ((rho_most - 4) * (rho_most - 2) * rho)
        return length > 5, np.sqrt(squared * (1 - power))
