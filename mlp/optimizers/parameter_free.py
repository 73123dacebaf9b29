"""Rules that find their own learning rate: from the loss, or from how far the parameters have come.

θ are the parameters, θ₀ those of the first update, g the gradient, u the update; ‖·‖ is the norm of everything and Σ|·|
its sum of magnitudes, one for each member of a population. `learning_rate` is a factor on what the rule finds, and is
usually 1. It may be a schedule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array, each_norm
from mlp.hyperparameters import EachFinite, EachFraction, EachNotNegative, EachPositive
from mlp.optimizers.moving_averages import ScratchState, decay_weights
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State


def _repeat(params: Array, value: Any) -> Array:
    """`value` once for every member, (*population, 1)."""
    found = np.zeros_like(params[..., :1])
    found += value
    return found


@dataclass(frozen=True)
class PolyakStep(Optimizer):
    """The step that would reach the lowest loss if the loss were linear.

        u = -min((L - L*) / ‖g‖², η) g

    η is `learning_rate`, here the longest step allowed; L* is `lowest`, the lowest loss there can be: 0 for most
    losses. A loss below it stops the rule. On minibatches it converges where all of them can be fitted at once.

    Polyak (1987), section 5.3; with the bound η it is SPS_max of Loizou et al. (2021), c = 1.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(PolyakStep(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2 , 3.6 ],
           [6.48, 3.24]])
    """

    name, usual_rate, aliases = "polyak", 1.0, ("sps",)

    learning_rate: Rate = 1.0
    lowest: EachFinite = 0.0

    def update(self, at: Evaluation, state: State, out: Array) -> None:
        """-min((L - L*)/‖g‖, η ‖g‖)/‖g‖ · g: no square stands in it, which a large or small gradient would overflow."""
        gap = np.maximum(np.asarray(at.loss)[..., None] - self.lowest, 0)
        size = each_norm(at.grad)
        divisor = np.where(size > 0, size, 1)
        share = np.minimum(gap / divisor, state.pace.next(at.loss) * size) / divisor
        np.multiply(at.grad, -share.astype(out.dtype), out=out)


@dataclass(kw_only=True)
class DoGState(State):
    """`start`: θ₀; `far`: the largest distance from it; `total`: √Σ‖g‖². `scratch`: memory for differences."""

    start: Array
    far: Array
    total: Array
    scratch: Array

    @property
    def squares(self) -> Array:
        """Σ‖g‖², which version 0.1 kept."""
        return np.square(self.total)

    @squares.setter
    def squares(self, squares: Array) -> None:
        self.total = np.sqrt(squares)


@dataclass(frozen=True)
class DoG(Optimizer):
    """Distance over gradients: the farther it has come, the longer its steps.

        r ← max(r, ‖θ - θ₀‖)            from r = δ (1 + ‖θ₀‖)
        s ← s + ‖g‖²
        u = -η r / √(s + ε) · g

    δ is `distance`, a relative length. It may be far too small, because r grows quickly. The state keeps √s: a gradient
    whose square is not a number would stop the rule for ever.

    Ivgi, Hinder & Carmon (2023), eq. DoG, with ε = 1e-8. They average the iterates as well: MovingAverage(DoG()).

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(DoG(), [8.0, 4.0], 500)[-1]).max() < 0.1)
    True
    """

    name, usual_rate, keeps = "dog", 1.0, DoGState

    learning_rate: Rate = 1.0
    distance: EachPositive = 1e-6
    epsilon: EachPositive = 1e-8

    def begin(self, params: Array) -> dict[str, Any]:
        """Where it starts."""
        far = _repeat(params, self.distance * (1 + each_norm(params)))
        return {"start": params.copy(), "far": far, "total": _repeat(params, 0)}

    def update(self, at: Evaluation, state: DoGState, out: Array) -> None:
        """-η r / √(s + ε) · g."""
        np.subtract(at.params, state.start, out=state.scratch)
        np.maximum(state.far, each_norm(state.scratch), out=state.far)
        np.hypot(state.total, each_norm(at.grad), out=state.total)  # its square may leave the range of numbers
        rate = state.pace.next(at.loss) * state.far / np.hypot(state.total, self.epsilon**0.5)
        np.multiply(at.grad, -rate, out=out)


@dataclass(kw_only=True)
class DistanceState(ScratchState):
    """`m` and `v`: Adam's means; `s`: a weighted sum of gradients; `d`: the distance found; `bound`: b."""

    s: Array
    d: Array
    bound: Array


@dataclass(frozen=True)
class DAdaptAdam(Optimizer):
    """Adam with a learning rate that is a lower bound of ‖θ₀ - θ*‖, growing as more is known.

        b ← √β₂ b + (1 - √β₂) d η Σ g s / (√v + ε)
        m ← β₁ m + (1 - β₁) d η g
        v ← β₂ v + (1 - β₂) g²
        s ← √β₂ s + (1 - √β₂) d η g
        u = -m / (√v + ε)
        d ← max(d, b / ((1 - √β₂) Σ|s|))

    d starts at `distance`.

    Defazio & Mishchenko (2023), algorithm 5, as in its code: without Adam's bias corrections (optax has them), with the
    old s and v in b. d bounds the largest component's distance, ‖·‖∞.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(DAdaptAdam(), [8.0, 4.0], 500)[-1]).max() < 0.1)
    True
    """

    name, usual_rate, aliases, keeps = "dadapt_adam", 1.0, ("dadaptation",), DistanceState

    learning_rate: Rate = 1.0
    beta1: EachFraction = 0.9
    beta2: EachFraction = 0.999
    epsilon: EachPositive = 1e-8
    distance: EachPositive = 1e-6

    def begin(self, params: Array) -> dict[str, Any]:
        """No gradients met."""
        return {"d": _repeat(params, self.distance), "bound": _repeat(params, 0)}

    def update(self, at: Evaluation, state: DistanceState, out: Array) -> None:
        """-m / (√v + ε)."""
        g, m, v, s, d, scratch = at.grad, state.m, state.v, state.s, state.d, state.scratch
        rate, slow = d * state.pace.next(at.loss), self.beta2**0.5
        np.sqrt(v, out=scratch)
        scratch += self.epsilon
        np.divide(s, scratch, out=scratch)
        scratch *= g
        state.bound *= slow
        state.bound += (1 - slow) * rate * scratch.sum(-1, keepdims=True)
        _add(m, self.beta1, g, (1 - self.beta1) * rate, scratch)
        np.multiply(g, g, out=out)
        _add(v, self.beta2, out, 1 - self.beta2, scratch)
        _add(s, slow, g, (1 - slow) * rate, scratch)
        np.abs(s, out=scratch)
        _grow(d, state.bound, (1 - slow) * scratch.sum(-1, keepdims=True))
        np.sqrt(v, out=out)
        out += self.epsilon
        np.divide(m, out, out=out)
        np.negative(out, out=out)


@dataclass(kw_only=True)
class ProdigyState(DistanceState):
    """As in D-Adaptation, and `start`: θ₀."""

    start: Array


@dataclass(frozen=True)
class Prodigy(Optimizer):
    """D-Adaptation that gets to its distance sooner: later gradients weigh more, as d has grown.

        b ← √β₂ b + d/δ · d η Σ g (θ₀ - θ)
        m ← β₁ m + (1 - β₁) d g
        v ← β₂ v + (1 - β₂) d² g²
        s ← √β₂ s + d/δ · d η g
        d′ = max(d, b / Σ|s|)
        u = -d η m / (√v + d′ ε) - d η λ θ                then d ← d′

    δ is `distance`, with which d starts; λ is `weight_decay`. A cosine schedule in place of η = 1 is what its authors
    train with.

    Mishchenko & Defazio (2024), algorithm 4, as in its code: without bias corrections (optax has them), and b and s
    over δ, which only scales both.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(Prodigy(), [8.0, 4.0], 500)[-1]).max() < 0.1)
    True
    """

    name, usual_rate, keeps = "prodigy", 1.0, ProdigyState

    learning_rate: Rate = 1.0
    beta1: EachFraction = 0.9
    beta2: EachFraction = 0.999
    epsilon: EachPositive = 1e-8
    weight_decay: EachNotNegative = 0.0
    distance: EachPositive = 1e-6

    def begin(self, params: Array) -> dict[str, Any]:
        """Where it starts."""
        return {"d": _repeat(params, self.distance), "bound": _repeat(params, 0), "start": params.copy()}

    def update(self, at: Evaluation, state: ProdigyState, out: Array) -> None:
        """-d η m / (√v + d′ ε) - d η λ θ."""
        g, m, v, s, d, scratch = at.grad, state.m, state.v, state.s, state.d, state.scratch
        rate, slow = d * state.pace.next(at.loss), self.beta2**0.5
        weight = d / self.distance * rate
        np.subtract(state.start, at.params, out=scratch)
        scratch *= g
        state.bound *= slow
        state.bound += weight * scratch.sum(-1, keepdims=True)
        _add(m, self.beta1, g, (1 - self.beta1) * d, scratch)
        np.multiply(g, g, out=out)
        _add(v, self.beta2, out, (1 - self.beta2) * d * d, scratch)
        _add(s, slow, g, weight, scratch)
        np.abs(s, out=scratch)
        _grow(d, state.bound, scratch.sum(-1, keepdims=True))
        np.sqrt(v, out=out)
        out += d * self.epsilon
        np.divide(m, out, out=out)
        out *= -rate
        decay_weights(out, rate * self.weight_decay, at.params, scratch)


def _add(total: Array, decay: Any, new: Array, share: Any, scratch: Array) -> None:
    """total ← decay · total + share · new. `scratch` is overwritten."""
    np.multiply(new, share, out=scratch)
    total *= decay
    total += scratch


def _grow(d: Array, above: Array, below: Array) -> None:
    """d ← max(d, above / below); nothing where no gradient was met."""
    known = below > 0
    np.maximum(d, np.where(known, above / np.where(known, below, 1), d), out=d)
