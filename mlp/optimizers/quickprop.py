"""Quickprop: a parabola for every parameter, through its last two gradients. For full batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mlp.arrays import Array
from mlp.errors import check_each, check_not_negative, check_positive
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_rate, pace


@dataclass
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
    """

    full_batch: ClassVar[bool] = True

    learning_rate: Rate = 0.1
    max_growth: float | Array = 1.75
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_rate(self.learning_rate)
        check_each(check_positive, "max_growth", self.max_growth)
        check_each(check_not_negative, "weight_decay", self.weight_decay)

    def init(self, params: Array) -> QuickpropState:
        """At rest: the first step is one of gradient descent."""
        return QuickpropState(pace(self, params), np.zeros_like(params), np.zeros_like(params))

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
