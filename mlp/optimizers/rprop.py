"""Resilient propagation: steps whose length follows the gradient's signs and never its size.

Every parameter has a step length Δ of its own. It grows while the gradient keeps its sign and shrinks when the sign
changes, for then a minimum was jumped over; the four variants differ in what they do at such a jump. For full batches:
between batches signs change for another reason. What that does is bounded: one step is misled, for g′, u′ and L′ are
those of the step before, and from its least length Δ is back at 0.1 after 64 updates. `learning_rate` is Δ at the
start, as in PyTorch.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, check_each, check_not_negative, check_positive
from mlp.optimizers.optimizer import Evaluation, Optimizer, State, check_params, pace
from mlp.optimizers.rates import check_above_one, check_between, check_number, per_member, per_parameter


@dataclass
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

    full_batch: ClassVar[bool] = True

    learning_rate: float | Array = 0.1
    increase: float | Array = 1.2
    decrease: float | Array = 0.5
    max_step: float | Array = 50.0
    min_step: float | Array = 1e-6

    def __post_init__(self) -> None:
        check_number(self)
        check_each(check_above_one, "increase", self.increase)
        check_each(check_between, "decrease", self.decrease)
        check_each(check_not_negative, "min_step", self.min_step)
        check_each(check_positive, "max_step", self.max_step)
        if np.any(np.greater(self.min_step, self.max_step)):
            raise HyperparameterError("min_step", self.min_step, f"at most max_step = {self.max_step}")

    def init(self, params: Array) -> RpropState:
        """Every Δ as given; no gradient met."""
        check_params(params)
        check_each(check_positive, "learning_rate", self.learning_rate)
        delta = per_parameter(params, self.learning_rate)
        unknown = np.full((*params.shape[:-1], 1), np.inf, params.dtype)
        return RpropState(pace(self, params), delta, np.zeros_like(params), np.zeros_like(params), unknown)

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
        self._jump(jumped, per_member(at.loss) > state.loss, state, out)
        np.copyto(state.u, out)
        state.loss[...] = per_member(at.loss)
        state.pace.next(at.loss)

    @abstractmethod
    def _jump(self, jumped: Array, risen: Array, state: RpropState, out: Array) -> None:
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
    """

    def _jump(self, jumped: Array, risen: Array, state: RpropState, out: Array) -> None:
        np.negative(state.u, out=out, where=jumped)
        np.copyto(state.grad, 0, where=jumped)


@dataclass(frozen=True)
class RpropMinus(_Rprop):
    """Rprop without backtracking (Rprop-): after a jump over a minimum, half as far in the other direction.

        u = -sign(g) Δ,   Δ as in Rprop

    Riedmiller (1994); Igel & Hüsken (2003), algorithm 2.
    """

    def _jump(self, jumped: Array, risen: Array, state: RpropState, out: Array) -> None:
        pass


@dataclass(frozen=True)
class IRpropPlus(_Rprop):
    """Rprop with backtracking only where it helps (iRprop+): a jump is taken back only if the loss has risen.

        where g g′ < 0:   u = -u′ if L > L′, else 0;   g ← 0

    Everything else as in Rprop. Igel & Hüsken (2003), algorithm 3: in their comparison the fastest of the four.
    """

    def _jump(self, jumped: Array, risen: Array, state: RpropState, out: Array) -> None:
        np.copyto(out, np.where(risen, -state.u, 0), where=jumped, casting="same_kind")
        np.copyto(state.grad, 0, where=jumped)


@dataclass(frozen=True)
class IRpropMinus(_Rprop):
    """Rprop that waits after a jump (iRprop-): u = 0 there, and Δ rests at the step after it.

        where g g′ < 0:   u = 0,   g ← 0

    Everything else as in Rprop. Igel & Hüsken (2003), algorithm 4. This is what PyTorch and FANN call Rprop.
    """

    def _jump(self, jumped: Array, risen: Array, state: RpropState, out: Array) -> None:
        np.copyto(out, 0, where=jumped)
        np.copyto(state.grad, 0, where=jumped)
