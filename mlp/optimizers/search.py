"""Rules that look around before they step: what they ask the objective, and when they forget what they learned.

Such a rule has measured the loss where its step leads. If the next update reports another one there, the objective is
no longer the same: other rows, other weights, another penalty. Directions, curvatures, dampings and radii of the old
one could lead anywhere, or have shrunk until nothing moves, so the rule begins anew. Knows nothing of networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import numpy as np

from mlp.arrays import Array
from mlp.errors import DerivativeError, ShapeError
from mlp.optimizers.optimizer import Evaluation, Optimizer, State, check_params

COUNTS = ("pace", "gradients", "values", "products")
"""What a state counts, whatever the objective."""

APART = 30
"""A loss so many times as large as the one that was measured, or as small, is another objective's.

Portions of 25 rows of one data set have losses that differ by less, and there old dampings and pairs are better than
none: begun anew at every factor of 2, Hessian-free's r² after 80 of them is 0.93, at every factor of 30 it is 0.99.
"""

LEAST_DAMPING, MOST_DAMPING = 1e-20, 1e20
"""Where dampings end on their way down and up: from 0 or ∞ none would come back. MATLAB's trainbr has the first."""


@dataclass(kw_only=True)
class SearchState(State):
    """The memory of rules that look around before they step.

    `gradients`: how many were asked for, with the one that each update begins with; products with a second derivative
    and Jacobians count as one each. `values`: losses asked for without a gradient. `ahead`: the loss that was measured
    where the latest step leads; None before the first, and in a checkpoint of version 0.1. `resting`: that step is 0,
    and as things stand the next one will be. `learning_rate` is the latest α.
    """

    gradients: int = 0
    values: int = 0
    ahead: float | None = None
    resting: bool = False

    @property
    def evaluations(self) -> int:
        """Gradients asked for, products and Jacobians among them."""
        return self.gradients

    def begin_step(self, at: Evaluation, gradients: int, out: Array) -> None:
        """Count an update that asks for so many gradients. Its step is 0 until it takes another."""
        self.gradients += gradients
        self.pace.next(at.loss)
        self.ahead, self.resting = float(at.loss), True
        out.fill(0)

    def take(self, step: Array, ahead: float, out: Array) -> None:
        """Write `step` into `out`. `ahead` is the loss that was measured where it leads."""
        np.copyto(out, step)
        self.ahead, self.resting = ahead, False

    def try_at(self, objective: Any, params: Array) -> float:
        """The loss at `params`; infinite where it is no number."""
        with np.errstate(all="ignore"):  # a trial may well go too far
            loss = float(objective.value(params))
        self.values += 1
        return loss if loss == loss else inf


class Searching(Optimizer):
    """A rule that looks around before it steps. It works for one network at a time, and on full batches."""

    keeps: ClassVar[type[State]] = SearchState
    full_batch, single_network = True, True

    def init(self, params: Array) -> Any:
        """The memory of a run that starts at `params` (P,)."""
        check_params(params)
        if params.ndim != 1:
            raise ShapeError(
                f"{type(self).__name__} searches for one network at a time, and the parameters {params.shape} are "
                "those of a population. Train network.member(i), or take a rule like IRpropPlus or Adam."
            )
        return super().init(params)

    def ask(self, at: Evaluation, state: SearchState, *methods: str) -> Any:
        """The objective, if it can answer what is asked. What `state` remembers of another one is forgotten."""
        missing = [name for name in methods if not hasattr(at.objective, name)]
        if missing:
            raise DerivativeError(
                f"{type(self).__name__} asks its objective for {', '.join(missing)}; "
                f"{type(at.objective).__name__} has none. "
                "train() gives one that does."
            )
        if state.t and has_changed(at, state):
            counts = {name: value for name, value in vars(state).items() if name in COUNTS}
            vars(state).update(vars(self.init(at.params)) | counts)
        return at.objective


def has_changed(at: Evaluation, state: SearchState) -> bool:
    """Whether the loss is not the one that was measured here, at the end of the step before.

    A rule at rest has not moved, so any difference beyond rounding says it; for other rules it takes a factor of 30.
    """
    loss, ahead = float(at.loss), state.ahead
    if ahead is None or loss == ahead:
        return False
    allowed = float(np.finfo(at.params.dtype).eps) ** 0.5 if state.resting else 1 - 1 / APART
    return not abs(loss - ahead) <= allowed * max(abs(loss), abs(ahead))


def is_lost(at: Evaluation, step: Array) -> bool:
    """Whether rounding leaves nothing of a step, so that a shorter one is no better."""
    return bool((at.params + step == at.params).all())
