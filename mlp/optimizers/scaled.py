"""Scaled conjugate gradients: a model of the loss instead of a line search.

For full batches, one network at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from mlp.arrays import Array, each_norm, inner
from mlp.errors import check_positive
from mlp.optimizers.optimizer import Evaluation, check_params
from mlp.optimizers.search import (
    LEAST_DAMPING,
    MOST_DAMPING,
    Searching,
    SearchState,
    begin,
    is_lost,
    searching,
    trial,
)


@dataclass
class ScaledState(SearchState):
    """`p`: the direction. `r`: minus the gradient before. `curvature`: p·H p, of either sign. `damping`: λ.

    `success`: whether the latest step was taken. `since`: steps since p was -g.
    """

    p: Array
    r: Array
    curvature: float
    damping: float
    success: bool
    since: int


@dataclass(frozen=True)
class ScaledConjugateGradient(Searching):
    """Conjugate gradients whose step length comes from the curvature, made positive where it is not.

        s = (∇L(θ + σₖ p) - g)/σₖ,   δ = p·s + λ p·p,   σₖ = σ/‖p‖
        where δ ≤ 0:  λ ← 2(λ - δ/p·p) and δ with it
        α = p·r/δ,   Δ = 2δ (L(θ) - L(θ + α p))/(p·r)²,   r = -g
        Δ ≥ 0:  u = α p;  then p ← r + β p,  β = (r·r - r·r′)/p·r′          Δ < 0:  u = 0
        λ ← λ/4 where Δ ≥ ¾;   λ ← λ + δ(1 - Δ)/p·p where Δ < ¼

    Δ says how well the quadratic model foretold the loss; p is r again every n steps. σ is `sigma` and λ starts as
    `damping`. No search, no parameter that matters: at most three evaluations for a step.

    Møller (1993), section 4, steps 1-9; constants σ = 5e-5, λ₁ = 5e-7 of MATLAB's trainscg. λ stays between 1e-20 and
    1e20, and as it is where rounding leaves nothing of α p. What it learned of another
    objective is forgotten: see `search`.
    """

    sigma: float = 5e-5
    damping: float = 5e-7

    def __post_init__(self) -> None:
        check_positive("sigma", self.sigma)
        check_positive("damping", self.damping)

    def init(self, params: Array) -> ScaledState:
        """No direction yet."""
        check_params(params)
        p, r = np.zeros_like(params), np.zeros_like(params)
        return ScaledState(*searching(self, params), p, r, 0.0, self.damping, True, 0)

    def update(self, at: Evaluation, state: ScaledState, out: Array) -> None:
        """α p, or nothing where the model failed."""
        objective = begin(self, at, state, "value", "value_and_grad")
        state.gradients += 1
        state.pace.next(at.loss)
        state.ahead, state.resting = float(at.loss), True
        out.fill(0)
        if state.success or not state.p @ at.grad < 0:  # downhill it was for another gradient, of other rows say
            self._direction(at, state)
            state.success = True
        size, mu = inner(state.p, state.p), -inner(state.p, at.grad)
        if not (0 < size < inf and 0 < mu * mu < inf):  # no gradient, or one whose square is no number
            return
        if state.success:
            state.curvature = self._curvature(at, objective, state)
        self._step(at, state, objective, size, mu, out)

    def _step(self, at: Evaluation, state: ScaledState, objective: object, size: float, mu: float, out: Array) -> None:
        """α p, if the loss falls there, and the next λ. `size` is p·p, `mu` p·r."""
        delta = state.curvature + state.damping * size
        if delta <= 0:
            state.damping = 2 * (state.damping - delta / size)
            delta = state.curvature + state.damping * size
        alpha = mu / delta
        step = alpha * state.p
        ahead = trial(objective, state, at.params + step)
        comparison = 2 * delta * (float(at.loss) - ahead) / (mu * mu)
        state.success = comparison >= 0  # not, where the loss is no number
        if state.success:
            np.copyto(out, step)
            state.pace.learning_rate = alpha
            state.ahead, state.resting = ahead, False
        if comparison >= 0.75:
            state.damping = max(state.damping * 0.25, LEAST_DAMPING)
        elif not comparison >= 0.25:
            growth = delta * (1 - comparison if comparison > -np.inf else 4) / size  # 4: no number to go by
            state.resting = state.damping >= MOST_DAMPING or is_lost(at, step)
            state.damping = state.damping if state.resting else min(state.damping + growth, MOST_DAMPING)

    def _direction(self, at: Evaluation, state: ScaledState) -> None:
        """p ← r + β p, or r at a restart."""
        r, below = -at.grad, float(state.p @ state.r)
        if state.since % at.params.size == 0 or below <= 0:
            state.since = 0
            np.copyto(state.p, r)
        else:
            state.p *= (r @ r - r @ state.r) / below
            state.p += r
            if not state.p @ r > 0:
                np.copyto(state.p, r)
        state.since += 1
        np.copyto(state.r, r)

    def _curvature(self, at: Evaluation, objective: object, state: ScaledState) -> float:
        """p·H p by a difference of gradients."""
        sigma = self.sigma / float(each_norm(state.p)[0])
        near = np.empty_like(at.grad)
        objective.value_and_grad(at.params + sigma * state.p, near)  # type: ignore[attr-defined]
        state.gradients += 1
        return inner(state.p, near - at.grad) / sigma
