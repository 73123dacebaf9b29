"""Least squares: rules that see every residual, not only the gradient of their sum.

L = ½ ‖r‖² with residuals r and their Jacobian J = ∂r/∂θ, one row for each output of each sample, so ∂L/∂θ = Jᵀ r and,
where residuals are small or nearly linear in θ, ∂²L/∂θ² ≈ Jᵀ J. They ask the objective for J: a network with a
`SquaredError` has one. For full batches and networks of at most some thousand parameters: each step solves P equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log, pi
from typing import Any, ClassVar

import numpy as np

from mlp.arrays import Array, norm
from mlp.errors import HyperparameterError, check_fraction, check_positive
from mlp.optimizers.line import StrongWolfe
from mlp.optimizers.matrix import eigen
from mlp.optimizers.optimizer import Evaluation, Optimizer
from mlp.optimizers.search import LEAST_DAMPING, Searching, SearchState, begin, is_lost, searching, trial


@dataclass
class ResidualState(SearchState):
    """`jacobian` (n_residuals, P) and `residuals` (n_residuals,) where the latest step began; None before the first."""

    jacobian: Any
    residuals: Any


def _look(rule: Optimizer, at: Evaluation, state: ResidualState, *methods: str) -> Any:
    """Fill the state's residuals and Jacobian; return the objective."""
    objective = begin(rule, at, state, "jacobian", *methods)
    state.residuals = objective.jacobian(_room(state, objective, at))
    _count(at, state)
    return objective


def _room(state: ResidualState, objective: Any, at: Evaluation) -> Array:
    """The state's Jacobian, as large as this batch needs it."""
    shape = (objective.n_residuals, at.params.size)
    if state.jacobian is None or state.jacobian.shape != shape:
        state.jacobian = np.empty(shape, at.params.dtype)
    return np.asarray(state.jacobian)


def _count(at: Evaluation, state: ResidualState) -> None:
    state.gradients += 2
    state.pace.next(at.loss)


def newton_step(state: ResidualState, rank: float) -> Array:
    """-J⁺ r, singular values under `rank` times the largest being 0; no step where J or r holds what is no number."""
    if not (np.isfinite(state.jacobian).all() and np.isfinite(state.residuals).all()):
        return np.zeros_like(state.jacobian[0])
    return np.asarray(-np.linalg.lstsq(state.jacobian, state.residuals, rcond=rank)[0])


@dataclass(frozen=True)
class GaussNewton(Searching):
    """The linear least squares problem that J makes of this one, solved, and a line search towards its solution.

        d = -J⁺ r,   u = α d

    J⁺ is the pseudo-inverse: the shortest d where there are several. α = 1 is tried first; it meets the strong Wolfe
    conditions with c₁ = `decrease`, c₂ = `curvature`. Singular values under `rank` times the largest count
    as 0: the Jacobian of a network is close to singular nearly always. On the 1-5-1 sine (40 steps, median of 8) the
    loss ends at 3e-1 with 1e-10, at 1e-6 with 1e-3 and at 2e-2 with 1e-1.

    Gauss (1809); Nocedal & Wright (2006), section 10.3.
    """

    least_squares: ClassVar[bool] = True

    decrease: float = 1e-4
    curvature: float = 0.9
    tries: int = 25
    rank: float = 1e-3

    def __post_init__(self) -> None:
        check_fraction("rank", self.rank)
        self._search()

    def init(self, params: Array) -> ResidualState:
        """Nothing seen."""
        return ResidualState(*searching(self, params), None, None)

    def update(self, at: Evaluation, state: ResidualState, out: Array) -> None:
        """-α J⁺ r."""
        objective = _look(self, at, state, "value_and_grad")
        d = newton_step(state, self.rank)
        if not d @ at.grad < 0:
            np.negative(at.grad, out=d)
        state.gradients, state.pace.t = state.gradients - 1, state.t - 1  # `step` counts them
        self._search().step(at, state, objective, d, 1.0, out)

    def _search(self) -> StrongWolfe:
        return StrongWolfe(self.decrease, self.curvature, self.tries)


@dataclass
class DampedState(ResidualState):
    """`damping`: μ now. At `max_damping` nothing lowers the loss any more, and steps are 0."""

    damping: float


@dataclass(frozen=True)
class LevenbergMarquardt(Searching):
    """Gauss-Newton, damped: between its step (μ → 0) and a short one downhill (μ → ∞).

        u = -(Jᵀ J + μ I)⁻¹ g,   g = Jᵀ r
        while L(θ + u) ≥ L(θ):   μ ← 10 μ, and u with it
        then:                    μ ← 0.1 μ

    μ starts as `damping`, 10 is `increase`, 0.1 `decrease`. Where μ would pass `max_damping` the step is 0.

    Levenberg (1944), Marquardt (1963); for networks Hagan & Menhaj (1994), with the schedule and constants of MATLAB's
    trainlm. r carries the 1/√N of the mean over samples, so that μ means the same whatever N. For a loss that is no sum
    of squares but convex in the outputs, the cross-entropies say, Jᵀ J is its Gauss-Newton matrix: Schraudolph (2002).
    A μ that came to its end with another objective is forgotten: see `search`.
    """

    damping: float = 1e-3
    increase: float = 10.0
    decrease: float = 0.1
    max_damping: float = 1e10

    def __post_init__(self) -> None:
        check_damping(self)

    def init(self, params: Array) -> DampedState:
        """μ as given."""
        return DampedState(*searching(self, params), None, None, self.damping)

    def update(self, at: Evaluation, state: DampedState, out: Array) -> None:
        """-(Jᵀ J + μ I)⁻¹ g with the first μ of the schedule that lowers the loss."""
        objective = begin(self, at, state, "value", "root_jacobian")
        objective.root_jacobian(_room(state, objective, at))
        _count(at, state)
        square, grad = state.jacobian.T @ state.jacobian, at.grad
        diagonal = np.einsum("ii->i", square)
        undamped, loss = diagonal.copy(), float(at.loss)
        state.ahead, state.resting = loss, True
        out.fill(0)
        while state.damping <= self.max_damping:
            np.add(undamped, state.damping, out=diagonal)
            step = solve(square, -grad)
            if step is not None and (ahead := trial(objective, state, at.params + step)) < loss:
                state.damping = max(state.damping * self.decrease, LEAST_DAMPING)
                state.ahead, state.resting = ahead, False
                np.copyto(out, step)
                return
            if not grad.any():
                return
            state.damping *= self.increase
        state.damping = self.max_damping


def check_damping(rule: Any) -> None:
    """Refuse schedules of μ that do not rise and fall."""
    check_positive("damping", rule.damping)
    check_fraction("decrease", rule.decrease)
    check_positive("decrease", rule.decrease)
    check_positive("max_damping", rule.max_damping)
    check_positive("increase", rule.increase)
    if rule.increase <= 1:
        raise HyperparameterError("increase", rule.increase, "above 1")


def solve(matrix: Array, right: Array) -> Array | None:
    """matrix⁻¹ right; None where there is none."""
    try:
        return np.asarray(np.linalg.solve(matrix, right))
    except np.linalg.LinAlgError:
        return None


@dataclass
class BayesState(DampedState):
    """`alpha`, `beta`: the inverse variances of weights and of residuals. `gamma`: the effective number of parameters.

    `evidence`: ln p(data | α, β) in Laplace's approximation, with the α and β before the latest re-estimation; NaN
    before the first. Residuals carry 1/√N, so the noise of the targets has the variance N/β.
    """

    alpha: float
    beta: float
    gamma: float
    evidence: float


@dataclass(frozen=True)
class BayesianRegularization(Searching):
    """Levenberg-Marquardt on F = β E_D + α E_W, where the data themselves say how much the weights should weigh.

        E_D = ½ ‖r‖² = L,   E_W = ½ ‖θ‖²,   A = β Jᵀ J + α I
        u = -(A + μ I)⁻¹ (β Jᵀ r + α θ),   μ as in Levenberg-Marquardt, for F
        γ = P - α tr A⁻¹                                      parameters that the data determine, 0 < γ < P
        α ← γ / 2E_W,   β ← (n - γ) / 2E_D                    n residuals; before every step but the first

    At the start γ = P (β = 1 where n ≤ P). All parameters are held small, bias weights too, as in MATLAB's trainbr; the
    loss that `train` reports is E_D alone.

    MacKay (1992), eq. 4.6-4.10; Foresee & Hagan (1997), steps 1-4, whose E are not halved. μ starts at MATLAB's 0.005.
    What it learned of another objective is forgotten: see `search`.
    """

    least_squares: ClassVar[bool] = True

    damping: float = 5e-3
    increase: float = 10.0
    decrease: float = 0.1
    max_damping: float = 1e10

    def __post_init__(self) -> None:
        check_damping(self)

    def init(self, params: Array) -> BayesState:
        """Nothing known of α and β."""
        unknown = float("nan")
        begun = DampedState(*searching(self, params), None, None, self.damping)
        return BayesState(**vars(begun), alpha=unknown, beta=unknown, gamma=float(params.size), evidence=unknown)

    def update(self, at: Evaluation, state: BayesState, out: Array) -> None:
        """-(A + μ I)⁻¹ (β Jᵀ r + α θ), with the first μ of the schedule that lowers F."""
        objective = _look(self, at, state, "value")
        bends, axes = eigen(state.jacobian.T @ state.jacobian)
        bends = np.maximum(bends, 0)  # rounding may leave -1e-17
        self._estimate(at, state, bends, getattr(objective, "n_observed", len(state.residuals)))
        alpha, beta, params = state.alpha, state.beta, at.params
        grad = beta * (state.jacobian.T @ state.residuals) + alpha * params
        slopes, before = axes.T @ grad, beta * float(at.loss) + alpha * halved_square(params)
        state.ahead, state.resting = float(at.loss), True
        out.fill(0)
        while state.damping <= self.max_damping:
            step = -axes @ (slopes / (beta * bends + alpha + state.damping))
            ahead = trial(objective, state, params + step)
            if beta * ahead + alpha * halved_square(params + step) < before:
                state.damping = max(state.damping * self.decrease, LEAST_DAMPING)
                state.ahead, state.resting = ahead, False
                np.copyto(out, step)
                return
            state.damping *= self.increase
        state.damping = self.max_damping

    def _estimate(self, at: Evaluation, state: BayesState, bends: Array, n: float) -> None:
        """γ, α and β from where the parameters are; `bends` are the eigenvalues of Jᵀ J, n counts residuals."""
        size, tiny = at.params.size, float(np.finfo(at.params.dtype).tiny)
        data, weights = max(float(at.loss), tiny), max(halved_square(at.params), tiny)
        if state.alpha == state.alpha:
            scaled = state.beta * bends
            state.gamma = float((scaled / (scaled + state.alpha)).sum())
            state.evidence = 0.5 * (
                size * log(state.alpha) + n * log(state.beta) - n * log(2 * pi)
                - float(np.log(scaled + state.alpha).sum())
            ) - state.alpha * weights - state.beta * data  # fmt: skip
        state.alpha = min(max(state.gamma / (2 * weights), tiny), 1 / tiny)  # above 0 where no weight is left: ln α
        left = n - state.gamma
        state.beta = min(max(left / (2 * data), tiny), 1 / tiny) if left > 0 else 1.0


def halved_square(values: Array) -> float:
    """½ ‖v‖²."""
    return 0.5 * float(values @ values)


@dataclass
class RadiusState(ResidualState):
    """`radius`: Δ now. `ratio`: ρ of the latest step, what the loss fell over what the model foretold."""

    radius: float
    ratio: float


@dataclass(frozen=True)
class Dogleg(Searching):
    """Gauss-Newton within a radius: down the gradient first, then towards Gauss-Newton's step.

        m(u) = L + gᵀ u + ½ ‖J u‖²,   ‖u‖ ≤ Δ
        u_C = -(‖g‖² / ‖J g‖²) g,   u_N = -J⁺ r
        u = u_N within the radius;  else u_C + τ (u_N - u_C) up to it;  else -Δ g/‖g‖

    The radius follows from how well the model foretold the loss, as in `TrustRegion`; where ρ ≤ `accept` the step is 0.

    Powell (1970); Nocedal & Wright (2006), eq. 4.16 and algorithm 4.1. A Δ of another objective is forgotten: see
    `search`.
    """

    least_squares: ClassVar[bool] = True

    radius: float = 1.0
    max_radius: float = 1000.0
    accept: float = 1e-4
    rank: float = 1e-4

    def __post_init__(self) -> None:
        check_radius(self)
        check_fraction("rank", self.rank)

    def init(self, params: Array) -> RadiusState:
        """Δ as given."""
        return RadiusState(*searching(self, params), None, None, self.radius, 1.0)

    def update(self, at: Evaluation, state: RadiusState, out: Array) -> None:
        """The dogleg step, or 0 where the model was wrong."""
        objective = _look(self, at, state, "value")
        g, jacobian = at.grad, state.jacobian
        state.ahead, state.resting = float(at.loss), True
        out.fill(0)
        if is_negligible(g):
            return
        newton = newton_step(state, self.rank)
        along = jacobian @ g
        step = dogleg(g, float(along @ along), newton, state.radius)
        moved = jacobian @ step
        foretold = -float(g @ step) - 0.5 * float(moved @ moved)
        judge(self, at, state, objective, step, foretold, out)


def dogleg(g: Array, bend: float, newton: Array, radius: float) -> Array:
    """The point of the path 0 → Cauchy → Newton at `radius`, or its end; `bend` is gᵀ B g."""
    if np.sqrt(newton @ newton) <= radius:
        return newton
    size = float(np.sqrt(g @ g)) or norm(g)
    cauchy = -(size**2 / bend) * g if bend > 0 else -(radius / size) * g
    if np.sqrt(cauchy @ cauchy) >= radius:
        return np.asarray(-(radius / size) * g)
    return np.asarray(cauchy + to_radius(cauchy, newton - cauchy, radius) * (newton - cauchy))


def to_radius(start: Array, d: Array, radius: float) -> float:
    """τ ≥ 0 with ‖start + τ d‖ = radius."""
    a, b, c = float(d @ d), 2 * float(start @ d), float(start @ start) - radius**2
    root = float(np.sqrt(b * b - 4 * a * c))
    return (-b + root) / (2 * a) if b < 0 else -2 * c / (b + root)  # no difference of neighbours


def check_radius(rule: Any) -> None:
    """Refuse radii and thresholds out of range."""
    check_positive("radius", rule.radius)
    check_positive("max_radius", rule.max_radius)
    check_fraction("accept", rule.accept)
    if rule.radius > rule.max_radius:
        raise HyperparameterError("radius", rule.radius, f"at most max_radius = {rule.max_radius}")
    if rule.accept >= 0.25:
        raise HyperparameterError("accept", rule.accept, "under 1/4, where the radius shrinks")


LEAST_RADIUS = 1e-30
"""Its square is a number in float64."""


def is_negligible(g: Array) -> bool:
    """Whether a gradient is 0, or so small that there may be no number for 1/‖g‖."""
    limits = np.finfo(g.dtype)
    return not norm(g) > float(limits.tiny / limits.eps)


def judge(rule: Any, at: Evaluation, state: Any, objective: Any, step: Array, foretold: float, out: Array) -> None:
    """Take the step or not, and fit the radius. Nocedal & Wright (2006), algorithm 4.1.

    ρ = (L(θ) - L(θ + u)) / (m(0) - m(u)).   ρ < ¼: Δ ← Δ/4.   ρ > ¾ at the edge: Δ ← 2Δ.   ρ > `accept`: u is taken.

    But Δ shrinks no further where rounding leaves nothing of u, or it is 1e-30: at a minimum it would come to 0.
    """
    edge = float(np.sqrt(step @ step)) >= state.radius * (1 - 1e-12)
    ahead = trial(objective, state, at.params + step)
    state.ratio = (float(at.loss) - ahead) / foretold if foretold > 0 else -inf
    state.resting = state.ratio < 0.25 and (state.radius <= LEAST_RADIUS or is_lost(at, step))
    if state.ratio < 0.25 and not state.resting:
        state.radius *= 0.25
    elif state.ratio > 0.75 and edge:
        state.radius = min(2 * state.radius, rule.max_radius)
    if state.ratio > rule.accept:
        np.copyto(out, step)
        state.ahead, state.resting = ahead, False
