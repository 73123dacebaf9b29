"""Newton's method without a Hessian: its products with vectors are enough for conjugate gradients to solve H d = -g.

The objective gives H v (`hvp`) and the Gauss-Newton matrix G v (`gnvp`), exactly and for the price of about two passes.
H may have negative curvature, which the rules here notice and use; G has none. For full batches, one network at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.errors import check_count, check_fraction, check_positive
from mlp.optimizers.least_squares import check_radius, judge, to_radius
from mlp.optimizers.line import StrongWolfe
from mlp.optimizers.optimizer import Evaluation
from mlp.optimizers.search import LEAST_DAMPING, MOST_DAMPING, Searching, SearchState, begin, is_lost, searching, trial


@dataclass
class NewtonState(SearchState):
    """`products`: matrix-vector products so far; each is one of `evaluations` too. `inner`: CG steps in the latest."""

    products: int
    inner: int


def counted(multiply: Any, state: Any) -> Callable[[Array], Array]:
    """A product that is counted."""

    def product(v: Array) -> Array:
        out = np.empty_like(v)
        multiply(v, out)
        state.products += 1
        state.gradients += 1
        state.inner += 1
        return out

    return product


@dataclass(frozen=True)
class NewtonCG(Searching):
    """Newton's direction as far as conjugate gradients take it, and a line search along it.

        H d ≈ -g   until  ‖H d + g‖ ≤ min(½, √‖g‖) ‖g‖,  or curvature that is not positive: then d so far, or -g
        u = α d

    α = 1 is tried first; it meets the strong Wolfe conditions with c₁ = `decrease`, c₂ = `curvature`. At most `inner`
    products for a step, 0: as many as there are parameters.

    Nocedal & Wright (2006), algorithm 7.1.
    """

    decrease: float = 1e-4
    curvature: float = 0.9
    tries: int = 25
    inner: int = 200

    def __post_init__(self) -> None:
        check_count("inner", self.inner)
        self._search()

    def init(self, params: Array) -> NewtonState:
        """Nothing but counts."""
        return NewtonState(*searching(self, params), 0, 0)

    def update(self, at: Evaluation, state: NewtonState, out: Array) -> None:
        """α d."""
        objective = begin(self, at, state, "value_and_grad", "hvp")
        state.inner = 0
        d = self._direction(at.grad, counted(objective.hvp, state))
        self._search().step(at, state, objective, d, 1.0, out)

    def _direction(self, g: Array, times: Callable[[Array], Array]) -> Array:
        """CG on H d = -g from d = 0."""
        d, r, p = np.zeros_like(g), g.copy(), -g
        size = float(np.sqrt(g @ g))
        enough = min(0.5, size**0.5) * size
        for _ in range(min(self.inner, g.size) if size else 0):
            hp = times(p)
            bend, square = float(p @ hp), float(r @ r)
            if bend <= 0:
                return d if d.any() else -g
            d += (square / bend) * p
            r += (square / bend) * hp
            if np.sqrt(r @ r) <= enough:
                break
            p *= float(r @ r) / square
            p -= r
        return d

    def _search(self) -> StrongWolfe:
        return StrongWolfe(self.decrease, self.curvature, self.tries)


@dataclass
class TrustState(NewtonState):
    """`radius`: Δ now. `ratio`: ρ of the latest step, what the loss fell over what the model foretold."""

    radius: float
    ratio: float


@dataclass(frozen=True)
class TrustRegion(Searching):
    """The Hessian's quadratic model, trusted within a radius, minimised by conjugate gradients that may not leave it.

        m(u) = L + gᵀ u + ½ uᵀ H u,   ‖u‖ ≤ Δ

    CG ends at ‖H u + g‖ ≤ min(½, √‖g‖) ‖g‖, or at the edge: on its way out, or along a direction of negative curvature.
    ρ, what the loss fell over what the model foretold, sets the radius: under ¼ it becomes a quarter, above ¾ at the
    edge twice as large, up to `max_radius`. Where ρ ≤ `accept` the step is 0.

    Steihaug (1983); Nocedal & Wright (2006), algorithms 4.1 and 7.2. SciPy's trust-ncg, step for step, but for what
    becomes of a Δ that is 1e-30, or lost in rounding: it stays. That of another objective is forgotten: see `search`.
    """

    radius: float = 1.0
    max_radius: float = 1000.0
    accept: float = 0.15

    def __post_init__(self) -> None:
        check_radius(self)

    def init(self, params: Array) -> TrustState:
        """Δ as given."""
        return TrustState(*searching(self, params), 0, 0, self.radius, 1.0)

    def update(self, at: Evaluation, state: TrustState, out: Array) -> None:
        """The model's step, or 0 where the model was wrong."""
        objective = begin(self, at, state, "value", "hvp")
        state.inner = 0
        state.gradients += 1
        state.pace.next(at.loss)
        state.ahead, state.resting = float(at.loss), True
        out.fill(0)
        if at.grad @ at.grad > 0:  # of a gradient that is there its square may underflow: CG has nothing to divide by
            step, fall = steihaug(at.grad, counted(objective.hvp, state), state.radius)
            judge(self, at, state, objective, step, fall, out)


def steihaug(g: Array, times: Callable[[Array], Array], radius: float) -> tuple[Array, float]:
    """The step within `radius` that CG finds for gᵀ u + ½ uᵀ H u, and how much that falls. Algorithm 7.2."""
    u, r, d = np.zeros_like(g), g.copy(), -g
    hu = np.zeros_like(g)
    size = float(np.sqrt(g @ g))
    enough = min(0.5, size**0.5) * size
    for _ in range(2 * g.size + 10):  # exact arithmetic would need no more than n
        square = float(r @ r)
        if not square:
            break
        hd = times(d)
        bend = float(d @ hd)
        further = square / bend if bend > 0 else np.inf
        ahead = u + further * d if bend > 0 else u
        if bend <= 0 or np.sqrt(ahead @ ahead) >= radius:
            far = to_radius(u, d, radius) if bend > 0 else _lower_end(g, u, hu, d, hd, radius)
            u, hu = u + far * d, hu + far * hd
            break
        u, hu = ahead, hu + further * hd
        r += further * hd
        if np.sqrt(r @ r) < enough:
            break
        d *= float(r @ r) / square
        d -= r
    return u, -float(g @ u) - 0.5 * float(u @ hu)


def _lower_end(g: Array, u: Array, hu: Array, d: Array, hd: Array, radius: float) -> float:
    """Along a line of negative curvature: the end, at `radius`, where the model is lower."""
    ends = (to_radius(u, d, radius), -to_radius(u, -d, radius))

    def model(t: float) -> float:
        return t * float(g @ d + d @ hu) + 0.5 * t * t * float(d @ hd)

    return min(ends, key=model)


@dataclass
class HessianFreeState(NewtonState):
    """`d`: where CG ended, and where it begins next time. `damping`: λ now. `ratio`: ρ of the latest step."""

    d: Array
    damping: float
    ratio: float


@dataclass(frozen=True)
class HessianFree(Searching):
    """Newton's method on the damped Gauss-Newton matrix, for networks too large to have one.

        (G + λ I) d = -g   by CG from ξ d′, until m falls by less than `progress` per step, over max(10, k/10) steps
        ρ = (L(θ) - L(θ + d)) / (-½ dᵀ G d - gᵀ d)
        ρ < ¼: λ ← 3/2 λ.   ρ > ¾: λ ← 2/3 λ.   u = α d, α the first of 1, 0.8, 0.8², ... with sufficient decrease

    d′ is the latest solution, ξ `memory`, λ starts as `damping`; at most `inner` products for a step.

    Martens (2010), sections 4.1-4.5 and algorithm 2. Left out: his preconditioner, and going back along CG's path. λ
    stays between 1e-20 and 1e20, and as it is where rounding leaves nothing of d. What it learned of another
    objective is forgotten: see `search`.
    """

    damping: float = 1.0
    memory: float = 0.95
    progress: float = 5e-4
    inner: int = 250

    def __post_init__(self) -> None:
        check_positive("damping", self.damping)
        check_fraction("memory", self.memory)
        check_positive("progress", self.progress)
        check_count("inner", self.inner)

    def init(self, params: Array) -> HessianFreeState:
        """No solution yet."""
        return HessianFreeState(*searching(self, params), 0, 0, np.zeros_like(params), self.damping, 1.0)

    def update(self, at: Evaluation, state: HessianFreeState, out: Array) -> None:
        """α d."""
        objective = begin(self, at, state, "value", "gnvp")
        state.inner = 0
        state.gradients += 1
        state.pace.next(at.loss)
        loss = float(at.loss)
        state.ahead, state.resting = loss, True
        out.fill(0)
        if not at.grad.any():
            return
        times = counted(objective.gnvp, state)
        solution = damped_cg(at.grad, times, state, self)
        d, slope = solution.d, float(solution.d @ at.grad)
        state.d.fill(0)
        foretold = -slope - 0.5 * (float(d @ solution.product) - state.damping * float(d @ d))
        ahead = trial(objective, state, at.params + d)
        state.ratio = (loss - ahead) / foretold if foretold > 0 else -np.inf
        if state.ratio > 0.75:
            state.damping = max(state.damping / 1.5, LEAST_DAMPING)
        elif state.ratio < 0.25 and is_lost(at, d):
            return
        elif state.ratio < 0.25:
            state.damping = min(state.damping * 1.5, MOST_DAMPING)
        alpha = self._backtrack(at, state, objective, d, slope, ahead)
        if alpha:
            np.copyto(state.d, d)
            np.multiply(d, alpha, out=out)
            state.pace.learning_rate = alpha

    def _backtrack(
        self, at: Evaluation, state: HessianFreeState, objective: Any, d: Array, slope: float, ahead: float
    ) -> float:
        """The first α with sufficient decrease; 0 where none down to 1e-6 has, or d points uphill."""
        alpha = 1.0
        while slope < 0 and alpha >= 1e-6:  # CG that ends where it began, at ξ d′, may point uphill
            if ahead <= float(at.loss) + 1e-2 * alpha * slope:
                state.ahead, state.resting = ahead, False
                return alpha
            alpha *= 0.8
            ahead = trial(objective, state, at.params + alpha * d)
        return 0.0


class Solution(NamedTuple):
    """`d`, and (G + λ I) d."""

    d: Array
    product: Array


def damped_cg(g: Array, times: Callable[[Array], Array], state: HessianFreeState, rule: HessianFree) -> Solution:
    """CG on (G + λ I) d = -g from ξ d′, with Martens' end: progress of the model that is small for its length."""
    d = rule.memory * state.d
    product = times(d) + state.damping * d if d.any() else np.zeros_like(d)
    r = product + g
    p, models = -r, [0.5 * float(d @ (r + g))]
    for k in range(1, rule.inner + 1):
        gp = times(p) + state.damping * p
        bend, square = float(p @ gp), float(r @ r)
        if not bend > 0:
            break
        d, product = d + (square / bend) * p, product + (square / bend) * gp
        r = product + g
        models.append(0.5 * float(d @ (r + g)))
        gap = max(10, k // 10)
        if k > gap and models[-1] < 0 and models[-1] - models[-1 - gap] > gap * rule.progress * models[-1]:
            break
        if np.sqrt(r @ r) <= 1e-12 * np.sqrt(g @ g):
            break
        p *= float(r @ r) / square
        p -= r
    return Solution(d, product)
