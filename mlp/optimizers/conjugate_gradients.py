"""Conjugate gradients: directions that do not undo one another.

On a quadratic of n parameters and with exact searches the minimum is reached in n steps. The rules with a line search
differ in β only, in how much of the last direction the next one keeps; on a quadratic all βs are equal. The scaled
rule has a model of the loss instead of a line search. For full batches, one network at a time. g is the gradient, d the
direction, y = g - g′ the change of the gradient; ′ marks the step before.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import numpy as np

from mlp.arrays import Array, each_norm, inner
from mlp.hyperparameters import Positive
from mlp.optimizers.line_search import WolfeNumbers, choose_first
from mlp.optimizers.optimizer import Evaluation, State
from mlp.optimizers.search import LEAST_DAMPING, MOST_DAMPING, Searching, SearchState, is_lost


@dataclass(kw_only=True)
class ConjugateState(SearchState):
    """`d`: the direction. `grad`: g′. `since`: steps since a restart, 0: restart. `slope`: d·g before the step."""

    d: Array
    grad: Array
    since: int = 0
    slope: float = 0.0


@dataclass(frozen=True)
class _ConjugateGradient(WolfeNumbers):
    """d ← -g + β d, and α by a search for the strong Wolfe conditions with c₁ = `decrease`, c₂ = `curvature`.

    d is -g again after n steps (n parameters), where d would not go down, and after a search without success. The first
    α that is tried changes the loss, to first order, as much as the last step did (Nocedal & Wright 2006, p. 59). If
    that step changed nothing, it is the α of the very first step.
    """

    keeps: ClassVar[type[State]] = ConjugateState

    curvature: float = 0.1

    def update(self, at: Evaluation, state: ConjugateState, out: Array) -> None:
        """α d."""
        objective = self.ask(at, state, "value_and_grad")
        if state.since and (state.since >= at.params.size or not self._conjugate(at.grad, state)):
            state.since = 0
        if not state.since:
            np.negative(at.grad, out=state.d)  # the steepest way down
        slope = float(at.grad @ state.d)
        first = state.learning_rate * state.slope / slope if slope else 0.0
        if not 0 < first < inf:  # no step before, or one along which nothing changed
            first = choose_first(at.grad)
        found = self.line_search().step(at, state, objective, state.d, first, out)
        state.since = state.since + 1 if found.alpha else 0
        state.slope = slope
        np.copyto(state.grad, at.grad)
        if not found.alpha:
            state.pace.learning_rate, state.slope = choose_first(at.grad), -float(at.grad @ at.grad)

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


def divide(above: Any, below: Any) -> float:
    """above / below; 0 where that is not a number, so that d starts again."""
    return float(above / below) if below else 0.0


@dataclass(frozen=True)
class FletcherReeves(_ConjugateGradient):
    """Conjugate gradients with β = g·g / g′·g′.

    Fletcher & Reeves (1964). After a bad direction it takes many short steps: MATLAB's traincgf. c₁, c₂, restarts and
    first α as described above. It forgets what it learned about another objective: see `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(FletcherReeves(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name = "fletcher_reeves"

    def beta(self, g: Array, y: Array, state: ConjugateState) -> float:
        """g·g / g′·g′."""
        return divide(g @ g, state.grad @ state.grad)


@dataclass(frozen=True)
class PolakRibiere(_ConjugateGradient):
    """Conjugate gradients with β = max(0, g·y / g′·g′), "PR+": after a bad direction it starts again by itself.

    Polak & Ribière (1969); the max of Powell (1986), Nocedal & Wright (2006), eq. 5.45. MATLAB's traincgp, SciPy's CG.
    It forgets what it learned about another objective: see `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(PolakRibiere(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name = "polak_ribiere"

    def beta(self, g: Array, y: Array, state: ConjugateState) -> float:
        """max(0, g·y / g′·g′)."""
        return max(0.0, divide(g @ y, state.grad @ state.grad))


@dataclass(frozen=True)
class HestenesStiefel(_ConjugateGradient):
    """Conjugate gradients with β = g·y / d·y, which makes d conjugate to the last direction however long its step was.

    Hestenes & Stiefel (1952); Nocedal & Wright (2006), eq. 5.46. It forgets what it learned about another objective:
    see `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(HestenesStiefel(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name = "hestenes_stiefel"

    def beta(self, g: Array, y: Array, state: ConjugateState) -> float:
        """g·y / d·y."""
        return divide(g @ y, state.d @ y)


@dataclass(kw_only=True)
class PowellBealeState(ConjugateState):
    """`d0`, `y0`: the direction of the latest restart and how it changed the gradient."""

    d0: Array
    y0: Array


@dataclass(frozen=True)
class PowellBeale(_ConjugateGradient):
    """Conjugate gradients that restart when gradients are no longer orthogonal, and keep their direction then.

        d ← -g + β d + γ d₀,   β = g·y / d·y,   γ = g·y₀ / d₀·y₀
        restart (d₀ ← d, y₀ ← y, γ = 0)  where |g·g′| ≥ 0.2 g·g,  or d·g is not within -1.2 … -0.8 g·g

    d₀ and y₀ are the direction of the restart and the gradient's change along it. A cycle may begin with any direction,
    not only with -g, so a restart forgets nothing of the last step. Beale (1972); the tests of Powell (1977), eq. 9-11.
    MATLAB's traincgb. It forgets what it learned about another objective: see `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(PowellBeale(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "powell_beale", PowellBealeState

    def beta(self, g: Array, y: Array, state: ConjugateState) -> float:
        """g·y / d·y."""
        return divide(g @ y, state.d @ y)

    def _conjugate(self, g: Array, state: ConjugateState) -> bool:
        assert isinstance(state, PowellBealeState)
        y, size = g - state.grad, float(g @ g)
        if abs(float(g @ state.grad)) >= 0.2 * size or state.since == 1:
            self._restart(y, state)
        three = self._three_terms(g, y, state)
        if state.since > 1 and not -1.2 * size <= float(three @ g) <= -0.8 * size:
            self._restart(y, state)
            three = self._three_terms(g, y, state)
        np.copyto(state.d, three)
        return bool(three @ g < 0)

    def _restart(self, y: Array, state: PowellBealeState) -> None:
        """A cycle begins with the direction just taken."""
        np.copyto(state.d0, state.d)
        np.copyto(state.y0, y)
        state.since = 1

    def _three_terms(self, g: Array, y: Array, state: PowellBealeState) -> Array:
        """-g + β d + γ d₀; a cycle's second direction has no γ."""
        found: Any = self.beta(g, y, state) * state.d - g
        if state.since > 1:
            found += divide(g @ state.y0, state.d0 @ state.y0) * state.d0
        return np.asarray(found)


@dataclass(kw_only=True)
class ScaledState(SearchState):
    """`p`: the direction. `r`: minus the gradient before. `curvature`: p·H p, of either sign. `damping`: λ.

    `success`: whether the latest step was taken. `since`: steps since p was -g.
    """

    p: Array
    r: Array
    curvature: float = 0.0
    damping: float
    success: bool = True
    since: int = 0


@dataclass(frozen=True)
class ScaledConjugateGradient(Searching):
    """Conjugate gradients whose step length comes from the curvature, made positive where it is not.

        s = (∇L(θ + σₖ p) - g)/σₖ,   δ = p·s + λ p·p,   σₖ = σ/‖p‖
        where δ ≤ 0:  λ ← 2(λ - δ/p·p) and δ with it
        α = p·r/δ,   Δ = 2δ (L(θ) - L(θ + α p))/(p·r)²,   r = -g
        Δ ≥ 0:  u = α p;  then p ← r + β p,  β = (r·r - r·r′)/p·r′          Δ < 0:  u = 0
        λ ← λ/4 where Δ ≥ ¾;   λ ← λ + δ(1 - Δ)/p·p where Δ < ¼

    Δ says how well the quadratic model predicted the loss; p is r again every n steps. σ is `sigma` and λ starts as
    `damping`. There is no line search and no parameter that matters; a step asks for at most three evaluations.

    Møller (1993), section 4, steps 1-9; constants σ = 5e-5, λ₁ = 5e-7 of MATLAB's trainscg. λ stays between 1e-20 and
    1e20, and does not change where rounding leaves nothing of α p. It forgets what it learned about another objective:
    see `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(ScaledConjugateGradient(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "scaled_conjugate_gradient", ScaledState

    sigma: Positive = 5e-5
    damping: Positive = 5e-7

    def begin(self, params: Array) -> dict[str, Any]:
        """λ as given, no direction yet."""
        return {"damping": self.damping}

    def update(self, at: Evaluation, state: ScaledState, out: Array) -> None:
        """α p, or nothing where the model failed."""
        objective = self.ask(at, state, "value", "value_and_grad")
        state.begin_step(at, 1, out)
        if state.success or not state.p @ at.grad < 0:  # downhill it was for another gradient, of other rows say
            self._turn(at, state)
            state.success = True
        size, mu = inner(state.p, state.p), -inner(state.p, at.grad)
        if not (0 < size < inf and 0 < mu * mu < inf):  # no gradient, or one whose square is no number
            return
        if state.success:
            state.curvature = self._measure_curvature(at, objective, state)
        self._try_step(at, state, objective, size, mu, out)

    def _try_step(self, at: Evaluation, state: ScaledState, objective: Any, size: float, mu: float, out: Array) -> None:
        """α p, if the loss falls there, and the next λ. `size` is p·p, `mu` p·r."""
        delta = state.curvature + state.damping * size
        if delta <= 0:
            state.damping = 2 * (state.damping - delta / size)
            delta = state.curvature + state.damping * size
        alpha = mu / delta
        step = alpha * state.p
        ahead = state.try_at(objective, at.params + step)
        comparison = 2 * delta * (float(at.loss) - ahead) / (mu * mu)
        state.success = comparison >= 0  # not, where the loss is no number
        if state.success:
            state.take(step, ahead, out)
            state.pace.learning_rate = alpha
        if comparison >= 0.75:
            state.damping = max(state.damping * 0.25, LEAST_DAMPING)
        elif not comparison >= 0.25:
            growth = delta * (1 - comparison if comparison > -np.inf else 4) / size  # 4: no number to go by
            state.resting = state.damping >= MOST_DAMPING or is_lost(at, step)
            state.damping = state.damping if state.resting else min(state.damping + growth, MOST_DAMPING)

    def _turn(self, at: Evaluation, state: ScaledState) -> None:
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

    def _measure_curvature(self, at: Evaluation, objective: Any, state: ScaledState) -> float:
        """p·H p by a difference of gradients."""
        sigma = self.sigma / float(each_norm(state.p)[0])
        near = np.empty_like(at.grad)
        objective.value_and_grad(at.params + sigma * state.p, near)
        state.gradients += 1
        return inner(state.p, near - at.grad) / sigma
