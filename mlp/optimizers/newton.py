"""Newton's method without a Hessian: its products with vectors are enough for conjugate gradients to solve H d = -g.

The objective gives H v (`hvp`) and the Gauss-Newton matrix G v (`gnvp`), exactly and for the price of about two passes.
H may have negative curvature, which the rules here notice and use; G has none. For full batches, one network at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.hyperparameters import Count, Fraction, Positive
from mlp.optimizers.least_squares import try_solve
from mlp.optimizers.line_search import WolfeNumbers
from mlp.optimizers.optimizer import Evaluation
from mlp.optimizers.search import LEAST_DAMPING, MOST_DAMPING, Searching, SearchState, is_lost


@dataclass(kw_only=True)
class NewtonState(SearchState):
    """`products`: matrix-vector products so far; each is one of `evaluations` too. `inner`: CG steps in the latest."""

    products: int = 0
    inner: int = 0

    def count(self, multiply: Any) -> Callable[[Array], Array]:
        """The products of an update, counted."""
        self.inner = 0

        def product(v: Array) -> Array:
            out = np.empty_like(v)
            multiply(v, out)
            self.products += 1
            self.gradients += 1
            self.inner += 1
            return out

        return product


@dataclass(frozen=True)
class NewtonCG(WolfeNumbers):
    """Newton's direction as far as conjugate gradients take it, and a line search along it.

        H d ≈ -g   until  ‖H d + g‖ ≤ min(½, √‖g‖) ‖g‖,  or curvature that is not positive: then d so far, or -g
        u = α d

    α = 1 is tried first; it meets the strong Wolfe conditions with c₁ = `decrease`, c₂ = `curvature`. At most `inner`
    products for a step, 0: as many as there are parameters.

    Nocedal & Wright (2006), algorithm 7.1.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(NewtonCG(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "newton_cg", NewtonState

    inner: Count = 200

    def update(self, at: Evaluation, state: NewtonState, out: Array) -> None:
        """α d."""
        objective = self.ask(at, state, "value_and_grad", "hvp")
        d = self._solve(at.grad, state.count(objective.hvp))
        self.line_search().step(at, state, objective, d, 1.0, out)

    def _solve(self, g: Array, times: Callable[[Array], Array]) -> Array:
        """CG on H d = -g from d = 0."""
        d, r, p = np.zeros_like(g), g.copy(), -g
        size = float(np.sqrt(g @ g))
        enough = min(0.5, size**0.5) * size
        for _ in range(min(self.inner, g.size) if size else 0):
            hp = times(p)
            curvature, square = float(p @ hp), float(r @ r)
            if curvature <= 0:
                return d if d.any() else -g
            d += (square / curvature) * p
            r += (square / curvature) * hp
            if np.sqrt(r @ r) <= enough:
                break
            p *= float(r @ r) / square
            p -= r
        return d


@dataclass(kw_only=True)
class HessianFreeState(NewtonState):
    """`d`: where CG ended, and where it begins next time. `damping`: λ now. `ratio`: ρ of the latest step."""

    d: Array
    damping: float
    ratio: float = 1.0


@dataclass(frozen=True)
class HessianFree(Searching):
    """Newton's method on the damped Gauss-Newton matrix, for networks too large to have one.

        (G + λ I) d = -g   by CG from ξ d′, until m falls by less than `progress` per step, over max(10, k/10) steps
        ρ = (L(θ) - L(θ + d)) / (-½ dᵀ G d - gᵀ d)
        ρ < ¼: λ ← 3/2 λ.   ρ > ¾: λ ← 2/3 λ.   u = α d, α the first of 1, 0.8, 0.8², ... with sufficient decrease

    d′ is the latest solution, ξ `memory`, λ starts as `damping`; at most `inner` products for a step.

    Martens (2010), sections 4.1-4.5 and algorithm 2. Left out: his preconditioner, and going back along CG's path. λ
    stays between 1e-20 and 1e20, and does not change where rounding leaves nothing of d. It forgets what it learned
    about another objective: see `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(HessianFree(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "hessian_free", HessianFreeState

    damping: Positive = 1.0
    memory: Fraction = 0.95
    progress: Positive = 5e-4
    inner: Count = 250

    def begin(self, params: Array) -> dict[str, Any]:
        """λ as given, no solution yet."""
        return {"damping": self.damping}

    def update(self, at: Evaluation, state: HessianFreeState, out: Array) -> None:
        """α d."""
        objective = self.ask(at, state, "value", "gnvp")
        state.begin_step(at, 1, out)
        times = state.count(objective.gnvp)
        if not at.grad.any():
            return
        solution = solve_damped(at.grad, times, state, self)
        d, slope = solution.d, float(solution.d @ at.grad)
        state.d.fill(0)
        foretold = -slope - 0.5 * (float(d @ solution.product) - state.damping * float(d @ d))
        ahead = state.try_at(objective, at.params + d)
        state.ratio = (float(at.loss) - ahead) / foretold if foretold > 0 else -np.inf
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
            ahead = state.try_at(objective, at.params + alpha * d)
        return 0.0


class Solution(NamedTuple):
    """`d`, and (G + λ I) d."""

    d: Array
    product: Array


def solve_damped(g: Array, times: Callable[[Array], Array], state: HessianFreeState, rule: HessianFree) -> Solution:
    """CG on (G + λ I) d = -g from ξ d′. It ends as Martens says: when the model falls too little for so many steps."""
    d = rule.memory * state.d
    product = times(d) + state.damping * d if d.any() else np.zeros_like(d)
    r = product + g
    p, models = -r, [0.5 * float(d @ (r + g))]
    for k in range(1, rule.inner + 1):
        gp = times(p) + state.damping * p
        curvature, square = float(p @ gp), float(r @ r)
        if not curvature > 0:
            break
        d, product = d + (square / curvature) * p, product + (square / curvature) * gp
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


@dataclass(kw_only=True)
class KFACState(NewtonState):
    """`inputs`: A of each dense layer, `signals`: its G, running means of `met` steps. `damping`: λ now. `ratio`: ρ."""

    inputs: list[Array]
    signals: list[Array]
    met: int = 0
    damping: float
    ratio: float = 1.0


@dataclass(frozen=True)
class KFAC(Searching):
    """Each dense layer's gradient, divided by what is usual for its inputs and for its errors.

        A = E[x̃ x̃ᵀ],   G = E[Σ δ δᵀ]                       running means, weight `memory` on the past
        Δ = -(G + √λ/π I)⁻¹ ∂L/∂W (A + π √λ I)⁻¹,   π² = (tr A / dim A) / (tr G / dim G)
        α = -gᵀ Δ / Δᵀ(B + λ I)Δ,   u = α Δ                  B: the whole Gauss-Newton matrix, exactly
        ρ = (L(θ) - L(θ + u)) / (-½ α gᵀ Δ);   ρ < ¼: λ ← λ/ω;   ρ > ¾: λ ← ω λ,   ω = (19/20)⁵

    x̃ = [x; 1] is what goes into a layer and δ what comes back to its output from the columns of the root of the loss's
    second derivative: G is exact where the paper samples targets. λ starts as `damping`. A step that would raise the
    loss is not taken. All parameters must be those of dense layers.

    Martens & Grosse (2015), sections 4-6 (block-diagonal, without momentum; λ is adapted at every step, not every
    fifth, and rises to 1e20 at most); Botev, Ritter & Barber (2017) for the exact G. It forgets what it learned about
    another objective: see `search`.

    >>> import mlp
    >>> network = mlp.Network([mlp.Dense(2, 1)], rng=0)
    >>> batch = mlp.as_batch(np.eye(2), np.ones((2, 1)))
    >>> *_, step = mlp.train(network, [batch] * 20, mlp.SquaredError(), KFAC())
    >>> bool(step.loss < 1e-3)
    True
    """

    name, keeps = "kfac", KFACState

    damping: Positive = 1.0
    memory: Fraction = 0.95
    least_damping: Positive = 1e-8

    def begin(self, params: Array) -> dict[str, Any]:
        """λ as given, no factors yet."""
        return {"damping": self.damping, "inputs": [], "signals": []}

    def update(self, at: Evaluation, state: KFACState, out: Array) -> None:
        """α Δ."""
        objective = self.ask(at, state, "value", "gnvp", "kronecker", "shares")
        state.begin_step(at, 2, out)
        blocks = objective.kronecker()
        self._average(blocks, objective.shares, state)
        direction = np.zeros_like(out)
        for block, a, g in zip(blocks, state.inputs, state.signals, strict=True):
            shape = (len(g), len(a))
            direction[block.part] = self._divide(at.grad[block.part].reshape(shape), a, g, state.damping).ravel()
        self._try_step(at, state, objective, direction, out)

    def _average(self, blocks: Any, shares: Any, state: KFACState) -> None:
        """A and G, with less memory while there is little to remember (section 5). Samples count their `shares`."""
        fresh = [((b.inputs * shares) @ b.inputs.T, _sum_products(b.signals)) for b in blocks]
        state.met += 1
        keep = min(1 - 1 / state.met, self.memory)
        if state.met == 1:
            state.inputs, state.signals = [a for a, _ in fresh], [g for _, g in fresh]
            return
        for old_a, old_g, (a, g) in zip(state.inputs, state.signals, fresh, strict=True):
            for mine, new in ((old_a, a), (old_g, g)):
                mine *= keep
                mine += (1 - keep) * new

    def _divide(self, grad: Array, a: Array, g: Array, damping: float) -> Array:
        """-(G + √λ/π I)⁻¹ ∂L/∂W (A + π √λ I)⁻¹."""
        sizes = [max(float(np.trace(m)) / len(m), float(np.finfo(m.dtype).tiny)) for m in (a, g)]
        pi, root = (sizes[0] / sizes[1]) ** 0.5, damping**0.5
        left = _solve_shortest(g + (root / pi) * np.eye(len(g), dtype=g.dtype), grad)
        return -_solve_shortest(a + (pi * root) * np.eye(len(a), dtype=a.dtype), left.T).T

    def _try_step(self, at: Evaluation, state: KFACState, objective: Any, d: Array, out: Array) -> None:
        """u = α Δ, where it lowers the loss, and the next λ."""
        slope, loss, times = float(at.grad @ d), float(at.loss), state.count(objective.gnvp)
        if not slope < 0:
            return
        curvature = float(d @ times(d)) + state.damping * float(d @ d)
        alpha = -slope / curvature if curvature > 0 else 0.0
        ahead = state.try_at(objective, at.params + alpha * d)
        foretold = -0.5 * alpha * slope
        state.ratio = (loss - ahead) / foretold if foretold > 0 else -inf
        state.resting = state.ratio < 0.25 and (state.damping >= MOST_DAMPING or is_lost(at, alpha * d))
        if state.ratio < 0.25 and not state.resting:
            state.damping = min(state.damping / 0.95**5, MOST_DAMPING)
        elif state.ratio > 0.75:
            state.damping = max(state.damping * 0.95**5, self.least_damping)
        if ahead < loss:
            state.take(alpha * d, ahead, out)
            state.pace.learning_rate = alpha


def _solve_shortest(matrix: Array, right: Array) -> Array:
    """matrix⁻¹ right; the shortest solution where λ is lost beside large entries, and the matrix is singular."""
    found = try_solve(matrix, right)
    return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0]) if found is None else found


def _sum_products(signals: Array) -> Array:
    """Σ δ δᵀ over columns and samples, (n_out, n_out)."""
    flat = signals.swapaxes(0, 1).reshape(signals.shape[1], -1)
    return np.asarray(flat @ flat.T)
