"""Rules for full batches with a step length for each parameter, made from how its gradient changes.

Delta-bar-delta has a rate for each parameter and asks whether its gradient kept its sign. Rprop has a step length Δ
that follows the gradient's signs and never its size: Δ grows while the sign stays, and shrinks when it changes, because
the step jumped over a minimum. The four variants differ in what they do at such a jump. Quickprop lays a parabola
through the last two gradients of each parameter.

θ are the parameters, g the gradient, u the update, η `learning_rate`; for Rprop `learning_rate` is Δ at the start, as
in PyTorch. Between minibatches signs change for another reason. The harm to Rprop is bounded: it misleads one step,
because g′, u′ and L′ belong to the step before, and Δ grows from its least length to 0.1 in 64 updates.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError
from mlp.hyperparameters import EachAboveOne, EachBetween, EachFraction, EachNotNegative, EachPositive
from mlp.optimizers.bold_driver import FixedRate, as_column, fill_like
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State


@dataclass(kw_only=True)
class DeltaBarDeltaState(State):
    """`rates`: η of each parameter. `trend`: δ̄, the exponential mean of its gradients."""

    rates: Array
    trend: Array


@dataclass(frozen=True)
class DeltaBarDelta(Optimizer):
    """Gradient descent with a rate for each parameter: κ more while its gradient keeps its sign, φ less if not.

        η ← η + κ           where δ̄ g > 0
        η ← (1 - φ) η       where δ̄ g < 0
        u = -η g
        δ̄ ← (1 - ϑ) g + ϑ δ̄

    κ is `increase`, φ `decrease`, ϑ `memory`; `learning_rate` is every η at the start. Rates grow by sums and fall by
    factors, so that they grow slowly and fall fast.

    Jacobs (1988), eq. 5-6, without the momentum of his "hybrid" rule.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(DeltaBarDelta(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2  , 3.6  ],
           [6.473, 3.236]])
    """

    name, usual_rate, keeps = "delta_bar_delta", 0.05, DeltaBarDeltaState
    full_batch = True

    learning_rate: FixedRate = 0.01
    increase: EachNotNegative = 0.001
    decrease: EachFraction = 0.2
    memory: EachFraction = 0.7

    def begin(self, params: Array) -> dict[str, Any]:
        """All rates equal, no gradient met."""
        return {"rates": fill_like(params, self.learning_rate)}

    def update(self, at: Evaluation, state: DeltaBarDeltaState, out: Array) -> None:
        """-η g."""
        g, rates, trend = at.grad, state.rates, state.trend
        np.multiply(trend, g, out=out)
        np.copyto(rates, rates + self.increase, where=out > 0, casting="same_kind")
        np.copyto(rates, rates * (1 - self.decrease), where=out < 0, casting="same_kind")
        np.multiply(rates, g, out=out)
        np.negative(out, out=out)
        trend *= self.memory
        trend += (1 - self.memory) * g
        state.pace.next(at.loss)


@dataclass(kw_only=True)
class RpropState(State):
    """`delta`: Δ. `grad`: the gradient that the next one is compared with. `u`: the latest step. `loss`: the latest."""

    delta: Array
    grad: Array
    u: Array
    loss: Array


@dataclass(frozen=True)
class _Rprop(Optimizer):
    """What the four have in common: how Δ grows and shrinks.

        Δ ← min(1.2 Δ, 50)        where g g′ > 0
        Δ ← max(0.5 Δ, 10⁻⁶)      where g g′ < 0

    1.2 is `increase`, 0.5 `decrease`, 50 `max_step`, 10⁻⁶ `min_step`, g′ the gradient remembered.
    """

    usual_rate, keeps, full_batch = 0.1, RpropState, True

    learning_rate: FixedRate = 0.1
    increase: EachAboveOne = 1.2
    decrease: EachBetween = 0.5
    max_step: EachPositive = 50.0
    min_step: EachNotNegative = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.any(np.greater(self.min_step, self.max_step)):
            raise HyperparameterError("min_step", self.min_step, f"at most max_step = {self.max_step}")

    def begin(self, params: Array) -> dict[str, Any]:
        """Every Δ as given; no gradient met."""
        unknown = np.full((*params.shape[:-1], 1), np.inf, params.dtype)
        return {"delta": fill_like(params, self.learning_rate), "loss": unknown}

    def update(self, at: Evaluation, state: RpropState, out: Array) -> None:
        """-sign(g) Δ, but where the sign has changed."""
        agreement, delta = np.sign(at.grad) * np.sign(state.grad), state.delta  # a product of gradients may underflow
        same, jumped = agreement > 0, agreement < 0
        np.multiply(delta, self.increase, out=delta, where=same, casting="same_kind")
        np.multiply(delta, self.decrease, out=delta, where=jumped, casting="same_kind")
        np.clip(delta, self.min_step, self.max_step, out=delta, casting="same_kind")
        np.copyto(state.grad, at.grad)
        np.sign(at.grad, out=out)
        out *= delta
        np.negative(out, out=out)
        self._correct(jumped, as_column(at.loss) > state.loss, state, out)
        np.copyto(state.u, out)
        state.loss[...] = as_column(at.loss)
        state.pace.next(at.loss)

    @abstractmethod
    def _correct(self, jumped: Array, risen: Array, state: RpropState, out: Array) -> None:
        """Change the step and the remembered gradient where a minimum was jumped over. `risen`: the loss is larger."""


@dataclass(frozen=True)
class Rprop(_Rprop):
    """Rprop with weight backtracking (Rprop+): a step over a minimum is taken back.

        Δ ← min(1.2 Δ, 50),       u = -sign(g) Δ                where g g′ > 0
        Δ ← max(0.5 Δ, 10⁻⁶),     u = -u′,  g ← 0               where g g′ < 0
                                  u = -sign(g) Δ                where g g′ = 0

    u′ and g′ are the step and the gradient before; a g set to 0 lets Δ rest at the next step. 1.2 is `increase`, 0.5
    `decrease`, 50 `max_step`, 10⁻⁶ `min_step`, and `learning_rate` Δ₀ = 0.1.

    Riedmiller & Braun (1993), eq. 4-7, with the constants of their section IV; Igel & Hüsken (2003), algorithm 1.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Rprop(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9 , 3.9 ],
           [7.78, 3.78]])
    """

    name = "rprop"

    def _correct(self, jumped: Array, risen: Array, state: RpropState, out: Array) -> None:
        np.negative(state.u, out=out, where=jumped)
        np.copyto(state.grad, 0, where=jumped)


@dataclass(frozen=True)
class RpropMinus(_Rprop):
    """Rprop without backtracking (Rprop-): after a jump over a minimum, half as far in the other direction.

        u = -sign(g) Δ,   Δ as in Rprop

    Riedmiller (1994); Igel & Hüsken (2003), algorithm 2.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(RpropMinus(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9 , 3.9 ],
           [7.78, 3.78]])
    """

    name = "rprop_minus"

    def _correct(self, jumped: Array, risen: Array, state: RpropState, out: Array) -> None:
        pass


@dataclass(frozen=True)
class IRpropPlus(_Rprop):
    """Rprop with backtracking only where it helps (iRprop+): a jump is taken back only if the loss has risen.

        where g g′ < 0:   u = -u′ if L > L′, else 0;   g ← 0

    Everything else as in Rprop. Igel & Hüsken (2003), algorithm 3: in their comparison the fastest of the four.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(IRpropPlus(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9 , 3.9 ],
           [7.78, 3.78]])
    """

    name = "irprop_plus"

    def _correct(self, jumped: Array, risen: Array, state: RpropState, out: Array) -> None:
        np.copyto(out, np.where(risen, -state.u, 0), where=jumped, casting="same_kind")
        np.copyto(state.grad, 0, where=jumped)


@dataclass(frozen=True)
class IRpropMinus(_Rprop):
    """Rprop that waits after a jump (iRprop-): u = 0 there, and Δ rests at the step after it.

        where g g′ < 0:   u = 0,   g ← 0

    Everything else as in Rprop. Igel & Hüsken (2003), algorithm 4. This is what PyTorch and FANN call Rprop.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(IRpropMinus(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9 , 3.9 ],
           [7.78, 3.78]])
    """

    name = "irprop_minus"

    def _correct(self, jumped: Array, risen: Array, state: RpropState, out: Array) -> None:
        np.copyto(out, 0, where=jumped)
        np.copyto(state.grad, 0, where=jumped)


@dataclass(kw_only=True)
class QuickpropState(State):
    """`u`: the latest step. `slope`: S′, the slope that came before it."""

    u: Array
    slope: Array


@dataclass(frozen=True)
class Quickprop(Optimizer):
    """Jump to the minimum of the parabola through the last two slopes, at most μ times as far as the last jump.

        S = g + λ θ
        q = μ u′                  where S goes on as steeply as before or more: S/S′ ≥ μ/(1 + μ)
        q = u′ S/(S′ - S)         otherwise
        u = q - η S               where u′ goes downhill still (u′ S < 0), or u′ = 0
        u = q                     where u′ has passed the minimum

    u′ and S′ are the step and the slope before; μ is `max_growth`, λ `weight_decay`, η `learning_rate`.

    Fahlman (1988), "The Quickprop Algorithm", with the case distinctions of his program (quickprop.c), which FANN has
    too (there a u′ under 0.001 counts as 0). But no q is longer than μ |u′|, as the paper says: in the program it can
    be, after a step that went uphill. There η is divided by the number of a unit's inputs; a rule here does not know
    units, so η is the same for all, and after u′ = 0 there is no momentum (his 0.9, or 0). The program's sums of errors
    run over the training set: for a loss that is a mean over N samples, η is N times as large here. Where sigmoids
    saturate he adds 0.1 to their slope: `Sigmoid(flat_spot=0.1)`.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(Quickprop(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2 , 3.6 ],
           [5.08, 2.54]])
    """

    name, usual_rate, keeps = "quickprop", 0.1, QuickpropState
    full_batch = True

    learning_rate: Rate = 0.1
    max_growth: EachPositive = 1.75
    weight_decay: EachNotNegative = 0.0

    def update(self, at: Evaluation, state: QuickpropState, out: Array) -> None:
        """The jump, and the gradient's step where it helps."""
        u, before = state.u, state.slope
        slope = at.grad + (self.weight_decay * at.params).astype(at.params.dtype, copy=False)
        down, was = -np.sign(u) * slope, -np.sign(u) * before  # along u′: above 0 is downhill
        shrink = self.max_growth / (1 + self.max_growth)
        far = down >= shrink * was
        np.multiply(slope, -state.pace.next(at.loss), out=out)
        np.copyto(out, 0, where=down < 0)
        gap, limit = before - slope, np.abs(self.max_growth * u)
        jump = np.divide(u * slope, gap, out=np.zeros_like(gap), where=gap != 0)
        jump = np.where(far, self.max_growth * u, np.clip(jump, -limit, limit))
        out += jump.astype(out.dtype, copy=False)
        np.copyto(u, out)
        np.copyto(before, slope)
