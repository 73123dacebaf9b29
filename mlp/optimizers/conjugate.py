"""Conjugate gradients: directions that do not undo one another, and a line search along each.

On a quadratic of n parameters and with exact searches the minimum is reached in n steps. The rules here differ in β
only, in how much of the last direction the next one keeps; on a quadratic all βs are equal. For full batches, one
network at a time. g is the gradient, d the direction, y = g - g′ the change of the gradient; ′ marks the step before.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.optimizers.line import StrongWolfe, first_length
from mlp.optimizers.optimizer import Evaluation
from mlp.optimizers.search import Searching, SearchState, begin, searching


@dataclass
class ConjugateState(SearchState):
    """`d`: the direction. `grad`: g′. `since`: steps since a restart, 0: restart. `slope`: d·g before the step."""

    d: Array
    grad: Array
    since: int
    slope: float


@dataclass(frozen=True)
class _ConjugateGradient(Searching):
    """d ← -g + β d, and α by a search for the strong Wolfe conditions with c₁ = `decrease`, c₂ = `curvature`.

    d is -g again after n steps (n parameters), where d would not go down, and after a search that found nothing. The
    first α to be tried changes the loss, to first order, as much as the step before did (Nocedal & Wright 2006, p. 59);
    after one that changed nothing it is that of the first step.
    """

    decrease: float = 1e-4
    curvature: float = 0.1
    tries: int = 25

    def __post_init__(self) -> None:
        self._search()

    def init(self, params: Array) -> ConjugateState:
        """No direction yet."""
        return ConjugateState(*searching(self, params), np.zeros_like(params), np.zeros_like(params), 0, 0.0)

    def update(self, at: Evaluation, state: ConjugateState, out: Array) -> None:
        """α d."""
        objective = begin(self, at, state, "value_and_grad")
        if state.since and (state.since >= at.params.size or not self._conjugate(at.grad, state)):
            state.since = 0
        if not state.since:
            self._restart(at.grad, state)
        slope = float(at.grad @ state.d)
        first = state.learning_rate * state.slope / slope if slope else 0.0
        if not 0 < first < inf:  # no step before, or one along which nothing changed
            first = first_length(at.grad)
        found = self._search().step(at, state, objective, state.d, first, out)
        state.since = state.since + 1 if found.alpha else 0
        state.slope = slope
        np.copyto(state.grad, at.grad)
        if not found.alpha:
            state.pace.learning_rate, state.slope = first_length(at.grad), -float(at.grad @ at.grad)

    def _restart(self, g: Array, state: ConjugateState) -> None:
        """The steepest way down."""
        np.negative(g, out=state.d)

    def _conjugate(self, g: Array, state: ConjugateState) -> bool:
        """d ← -g + β d; whether that goes down."""
        y = g - state.grad
        beta = self.beta(g, y, state)
        state.d *= beta
        state.d -= g
        return bool(state.d @ g < 0)

    @abstractmethod
    def beta(self, g: Array, y: Array, state: ConjugateState) -> float:
        """How much of the last direction is kept."""

    def _search(self) -> StrongWolfe:
        return StrongWolfe(self.decrease, self.curvature, self.tries)


def ratio(above: Any, below: Any) -> float:
    """Above / below; 0 where that is no number, and d starts again."""
    return float(above / below) if below else 0.0


@dataclass(frozen=True)
class FletcherReeves(_ConjugateGradient):
    """Conjugate gradients with β = g·g / g′·g′.

    Fletcher & Reeves (1964). After a bad direction it takes many short steps: MATLAB's traincgf. c₁, c₂, restarts and
    first α as described in `conjugate`. What it learned of another objective is forgotten: see `search`.
    """

    def beta(self, g: Array, y: Array, state: ConjugateState) -> float:
        """g·g / g′·g′."""
        return ratio(g @ g, state.grad @ state.grad)


@dataclass(frozen=True)
class PolakRibiere(_ConjugateGradient):
    """Conjugate gradients with β = max(0, g·y / g′·g′), "PR+": after a bad direction it starts again by itself.

    Polak & Ribière (1969); the max of Powell (1986), Nocedal & Wright (2006), eq. 5.45. MATLAB's traincgp, SciPy's CG.
    What it learned of another objective is forgotten: see `search`.
    """

    def beta(self, g: Array, y: Array, state: ConjugateState) -> float:
        """max(0, g·y / g′·g′)."""
        return max(0.0, ratio(g @ y, state.grad @ state.grad))


@dataclass(frozen=True)
class HestenesStiefel(_ConjugateGradient):
    """Conjugate gradients with β = g·y / d·y, which makes d conjugate to the last direction however long its step was.

    Hestenes & Stiefel (1952); Nocedal & Wright (2006), eq. 5.46. What it learned of another objective is forgotten: see
    `search`.
    """

    def beta(self, g: Array, y: Array, state: ConjugateState) -> float:
        """g·y / d·y."""
        return ratio(g @ y, state.d @ y)


@dataclass
class PowellBealeState(ConjugateState):
    """`d0`, `y0`: the direction of the latest restart and how it changed the gradient."""

    d0: Array
    y0: Array


@dataclass(frozen=True)
class PowellBeale(_ConjugateGradient):
    """Conjugate gradients that restart when gradients are no longer orthogonal, and from where they are.

        d ← -g + β d + γ d₀,   β = g·y / d·y,   γ = g·y₀ / d₀·y₀
        restart (d₀ ← d, y₀ ← y, γ = 0)  where |g·g′| ≥ 0.2 g·g,  or d·g is not within -1.2 … -0.8 g·g

    d₀ and y₀ are the direction of the restart and the gradient's change along it. Not -g but any direction may begin
    a cycle, so that a restart forgets nothing of the last step. Beale (1972); the tests of Powell (1977), eq. 9-11.
    MATLAB's traincgb. What it learned of another objective is forgotten: see `search`.
    """

    def init(self, params: Array) -> PowellBealeState:
        """No direction yet."""
        return PowellBealeState(**vars(super().init(params)), d0=np.zeros_like(params), y0=np.zeros_like(params))

    def beta(self, g: Array, y: Array, state: ConjugateState) -> float:
        """g·y / d·y."""
        return ratio(g @ y, state.d @ y)

    def _conjugate(self, g: Array, state: ConjugateState) -> bool:
        assert isinstance(state, PowellBealeState)
        y, size = g - state.grad, float(g @ g)
        if abs(float(g @ state.grad)) >= 0.2 * size or state.since == 1:
            self._begin(y, state)
        three = self._three_terms(g, y, state)
        if state.since > 1 and not -1.2 * size <= float(three @ g) <= -0.8 * size:
            self._begin(y, state)
            three = self._three_terms(g, y, state)
        np.copyto(state.d, three)
        return bool(three @ g < 0)

    def _begin(self, y: Array, state: PowellBealeState) -> None:
        """A cycle begins with the direction just taken."""
        np.copyto(state.d0, state.d)
        np.copyto(state.y0, y)
        state.since = 1

    def _three_terms(self, g: Array, y: Array, state: PowellBealeState) -> Array:
        """-g + β d + γ d₀; a cycle's second direction has no γ."""
        found: Any = self.beta(g, y, state) * state.d - g
        if state.since > 1:
            found += ratio(g @ state.y0, state.d0 @ state.y0) * state.d0
        return np.asarray(found)
