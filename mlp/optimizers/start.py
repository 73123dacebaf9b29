"""Adam with another beginning: when little has been met, means over it mislead.

θ are the parameters, g the gradient, u the update, t the number of the update (1, 2, ...), η `learning_rate`,
ε `epsilon`; products, roots and maxima are elementwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.optimizers.memory import MeansState, begun, fade, fade_squares, plain, unbiased_root
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, check_numbers


@dataclass
class NAdamState(MeansState):
    """`m` and `v`: the means of the gradients met and of their squares; `product`: that of all μ so far."""

    product: Any
    room: Array


@dataclass(frozen=True)
class NAdam(Optimizer):
    """Adam with Nesterov's look ahead.

        μₜ = β₁ (1 - ½ 0.96^(ψ t))      Πₜ = μ₁ μ₂ … μₜ
        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²          v̂ = v / (1 - β₂ᵗ)
        u = -η ((1 - μₜ) g / (1 - Πₜ) + μₜ₊₁ m / (1 - Πₜ₊₁)) / (√v̂ + ε)

    ψ is `decay`.

    Dozat (2016), with his schedule of μ, and m faded by β₁, as in PyTorch; optax's nadam is another rule: μₜ = β₁.
    """

    learning_rate: Rate = 0.002
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-8
    decay: float | Array = 0.004

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> NAdamState:
        """No gradients met."""
        return begun(NAdamState, self, params, product=1.0)

    def update(self, at: Evaluation, state: NAdamState, out: Array) -> None:
        """Both parts over √v̂ + ε."""
        rate, t, room = state.pace.next(at.loss), state.t, state.room
        mu, mu_next = self._mu(t), self._mu(t + 1)
        state.product = state.product * mu
        fade(state.m, self.beta1, at.grad, out)
        fade_squares(state.v, self.beta2, at.grad, out)
        np.multiply(at.grad, (1 - mu) / (1 - state.product), out=out)
        np.multiply(state.m, mu_next / (1 - state.product * mu_next), out=room)
        out += room
        unbiased_root(state.v, self.beta2, self.epsilon, t, room)
        np.divide(out, room, out=out)
        out *= -rate

    def _mu(self, t: int) -> Any:
        """The momentum of update t."""
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.decay))


@dataclass(frozen=True)
class RAdam(Optimizer):
    """Adam that waits until the mean square can be relied on.

        m ← β₁ m + (1 - β₁) g           m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) g²          k = √(1 - β₂ᵗ)
        ρ∞ = 2/(1 - β₂) - 1             ρ = ρ∞ - 2t β₂ᵗ/(1 - β₂ᵗ)
        r² = (ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ)
        u = -η m̂ r k / (√v + ε)         where ρ > 5, else   u = -η m̂

    The first steps, 5 at β₂ = 0.999, are those of plain momentum: choose η with that in mind.

    Liu et al. (2020), algorithm 2, with PyTorch's threshold of 5 for ρ (the paper has 4) and its ε, before the bias
    correction.
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> MeansState:
        """No gradients met."""
        return begun(MeansState, self, params)

    def update(self, at: Evaluation, state: MeansState, out: Array) -> None:
        """-η m̂, times r k / (√v + ε) where ρ > 5."""
        rate, t = state.pace.next(at.loss), state.t
        fade(state.m, self.beta1, at.grad, out)
        fade_squares(state.v, self.beta2, at.grad, out)
        steady, gain = self._rectified(t)
        np.sqrt(state.v, out=out)
        out += self.epsilon
        out /= plain(gain)
        np.copyto(out, 1, where=~steady)
        np.divide(state.m, out, out=out)
        out *= -rate / (1 - self.beta1**t)

    def _rectified(self, t: int) -> tuple[Any, Any]:
        """Whether ρ > 5, and r k; where ρ is less, it is taken for 5, and nobody asks."""
        faded = np.asarray(self.beta2**t)
        most = 2 / (1 - self.beta2) - 1
        length = most - 2 * t * faded / (1 - faded)
        rho, rho_most = np.maximum(length, 5), np.maximum(most, 5)
        squared = (rho - 4) * (rho - 2) * rho_most / ((rho_most - 4) * (rho_most - 2) * rho)
        return length > 5, np.sqrt(squared * (1 - faded))


@dataclass(frozen=True)
class ADOPT(Optimizer):
    """Adam in another order: a gradient is divided by what was known before it, and only then averaged.

        x = g / max(√v, ε), held within ± (t - 1)^¼
        m ← β₁ m + (1 - β₁) x
        v ← β₂ v + (1 - β₂) g²
        u = -η m

    The first update only sets v = g² and moves nothing. Converges for every β₂, which Adam does not.

    Taniguchi et al. (2024), with the clipping of its second version, as in optax.
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.9
    beta2: float | Array = 0.9999
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> MeansState:
        """No gradients met."""
        return begun(MeansState, self, params)

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
        fade(m, self.beta1, out, out)
        fade_squares(v, self.beta2, g, out)
        np.multiply(m, -rate, out=out)
