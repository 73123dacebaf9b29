"""The bold driver: gradient descent with one learning rate, which grows while the loss falls.

It needs full batches: a loss that rises because the batch is another one says nothing about the rate. θ are the
parameters, g the gradient, u the update, η `learning_rate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, check_positive
from mlp.hyperparameters import EachAboveOne, EachBetween, EachFraction, each
from mlp.optimizers.optimizer import Evaluation, Optimizer, State


def check_fixed_rate(name: str, value: Any) -> None:
    """Refuse a schedule where the rule itself decides how fast it goes."""
    if hasattr(value, "rate"):
        raise HyperparameterError(name, value, "a number: this rule changes it by itself, not by a schedule")
    each(check_positive)(name, value)


def check_at_least_one(name: str, value: Any) -> None:
    """Refuse factors under 1."""
    check_positive(name, value)
    if value < 1:
        raise HyperparameterError(name, value, "1 or more")


FixedRate: TypeAlias = Annotated[float | Array, check_fixed_rate]


def fill_like(like: Array, value: Any) -> Array:
    """`value` for every entry of `like`, in its dtype; ∞ where it is too large for that."""
    with np.errstate(over="ignore"):
        return np.asarray((np.zeros_like(like) + value).astype(like.dtype))


def as_column(values: Any) -> Array:
    """One number for each member of a population, as a column beside its parameters."""
    return np.asarray(values)[..., None]


@dataclass(kw_only=True)
class BoldState(State):
    """`rate` (*population, 1): η now. `base`, `grad`, `loss`: the latest point that was accepted. `v`: the latest step.

    `rejected`: how many steps were taken back, `running` of them in a row up to update `latest`.
    """

    rate: Array
    base: Array
    grad: Array
    v: Array
    loss: Array
    rejected: Array
    running: Any = 0
    latest: Any = 0


PATIENCE = 20
"""After so many steps taken back η is 1e-3 of what it was: a loss that is still higher is not to be blamed on it."""


@dataclass(frozen=True)
class BoldDriver(Optimizer):
    """Gradient descent whose learning rate grows while the loss falls; a step that raises it is taken back.

        L > 1.04 L′:   back to θ′,  η ← 0.7 η,   v ← -η g′
        otherwise:     η ← 1.05 η if L < L′,     v ← μ v - (1 - μ) η g
        u = v

    L′, θ′, g′ are those of the latest point that was not taken back; 1.05, 0.7 and 1.04 are `increase`, `decrease` and
    `max_rise`, μ is `momentum`. A step back and the next try are one update, so every update asks for one gradient.

    The first v is -η g, without the factor (1 - μ). A loss that is not finite counts as risen.

    A loss above L′ is only a suspicion: with other rows, dropout or another penalty L′ is no longer the loss at θ′.
    Unless g itself explains the rise, L - L′ ≤ g·(θ - θ′), the loss at θ′ is measured again before a step is taken
    back. If it has changed, θ takes the place of θ′, and η falls only where L is higher than the loss that θ′ has now.
    Without an objective to ask, the rule forgets L′ after 20 steps in a row that were taken back.

    Vogl et al. (1988); the constants and the factor (1 - μ) are those in the code of MATLAB's traingda (μ = 0) and
    traingdx (μ = 0.9), whose manual has μ η in place of (1 - μ) η. neurolab's copy does not take the step back.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(BoldDriver(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2  , 3.6  ],
           [6.444, 3.222]])
    """

    name, usual_rate, keeps = "bold_driver", 0.1, BoldState
    full_batch = True

    learning_rate: FixedRate = 0.01
    momentum: EachFraction = 0.0
    increase: EachAboveOne = 1.05
    decrease: EachBetween = 0.7
    max_rise: Annotated[float | Array, each(check_at_least_one)] = 1.04

    def begin(self, params: Array) -> dict[str, Any]:
        """No point accepted yet: any loss is less than infinity."""
        column = np.zeros((*params.shape[:-1], 1), params.dtype)
        rate, rejected = fill_like(column, self.learning_rate), np.zeros_like(column, int)
        return {"rate": rate, "loss": np.full_like(column, np.inf), "rejected": rejected}

    def update(self, at: Evaluation, state: BoldState, out: Array) -> None:
        """From where the step begins, minus where the parameters are, plus v."""
        loss, rate, first = as_column(at.loss), state.rate, not state.t
        state.pace.next(at.loss)
        fresh: Any = first
        risen: Any = self._has_risen(loss, state.loss) & (not first)
        fallen, back = (loss < state.loss) & (not first), risen
        if np.count_nonzero(risen):
            before = self._look_again(at, state, risen, out)
            back = risen & ((before == state.loss) | ~np.isfinite(loss))
            fresh = np.isposinf(before)
            risen = back | risen & self._has_risen(loss, before)
            fallen = (loss < before) & ~fresh
            self._count(back, state)
        rate *= np.where(risen, self.decrease, np.where(fallen, self.increase, 1)).astype(rate.dtype)
        np.copyto(state.base, at.params, where=~back)
        np.copyto(state.grad, at.grad, where=~back)
        np.copyto(state.loss, loss, where=~back)
        momentum = np.where(risen | fresh, 0, self.momentum).astype(rate.dtype)
        state.v *= momentum
        state.v -= (1 - momentum) * rate * state.grad
        np.subtract(state.base, at.params, out=out)  # 0 where nothing is taken back
        out += state.v
        state.pace.learning_rate = rate[..., 0] if rate.ndim > 1 else float(rate[0])

    def _count(self, back: Array, state: BoldState) -> None:
        """Count the steps that are taken back, and how many of them in a row."""
        state.rejected += back
        state.running = np.where(state.latest == state.t - 1, state.running, 0) + back
        state.latest = np.where(back, state.t, state.latest)

    def _has_risen(self, loss: Array, before: Array) -> Array:
        """L > 1.04 L′; for losses below 0 as far above L′."""
        return np.asarray(~(loss <= self.max_rise * np.where(before > 0, before, before / self.max_rise**2)))

    def _look_again(self, at: Evaluation, state: BoldState, risen: Array, out: Array) -> Array:
        """The loss that θ′ has now: L′ where the objective is the same, ∞ where it can no longer be asked."""
        if at.objective is None:
            lasting = (state.running >= PATIENCE) & (state.latest == state.t - 1)
            return np.where(lasting, np.inf, state.loss)
        np.subtract(at.params, state.base, out=out)
        explained = as_column(at.loss) - state.loss <= np.vecdot(at.grad, out)[..., None]
        if (explained | ~risen).all():
            return state.loss
        with np.errstate(all="ignore"):
            found = as_column(at.objective.value(state.base)).astype(state.loss.dtype)
            gap, size = np.abs(found - state.loss), np.maximum(np.abs(found), np.abs(state.loss))
        same = gap <= np.finfo(size.dtype).eps ** 0.5 * size
        return np.where(same | explained | ~risen, state.loss, found)
