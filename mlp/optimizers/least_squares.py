"""Least squares: rules that see every residual, not only the gradient of their sum.

L = ½ ‖r‖² with residuals r and their Jacobian J = ∂r/∂θ, one row for each output of each sample, so ∂L/∂θ = Jᵀ r and,
where residuals are small or nearly linear in θ, ∂²L/∂θ² ≈ Jᵀ J. They ask the objective for J: a network with a
`SquaredError` has one. For full batches and networks of at most some thousand parameters: each step solves P equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, nan, pi
from typing import Any, ClassVar

import numpy as np

from mlp.arrays import Array
from mlp.hyperparameters import AboveOne, Between, Fraction, Positive
from mlp.optimizers.line_search import WolfeNumbers
from mlp.optimizers.matrices import decompose
from mlp.optimizers.optimizer import Evaluation, State
from mlp.optimizers.search import LEAST_DAMPING, Searching, SearchState


@dataclass(kw_only=True)
class ResidualState(SearchState):
    """`jacobian` (n_residuals, P) and `residuals` (n_residuals,) where the latest step began; None before the first."""

    jacobian: Any = None
    residuals: Any = None

    def fit(self, objective: Any, at: Evaluation) -> Array:
        """The Jacobian, as large as this batch needs it."""
        shape = (objective.n_residuals, at.params.size)
        if self.jacobian is None or self.jacobian.shape != shape:
            self.jacobian = np.empty(shape, at.params.dtype)
        return np.asarray(self.jacobian)

    def solve(self, rank: float) -> Array:
        """-J⁺ r; singular values under `rank` times the largest count as 0. No step where J or r is not finite."""
        if not (np.isfinite(self.jacobian).all() and np.isfinite(self.residuals).all()):
            return np.zeros_like(self.jacobian[0])
        return np.asarray(-np.linalg.lstsq(self.jacobian, self.residuals, rcond=rank)[0])


class LeastSquares(Searching):
    """A rule that minimises squares only."""

    keeps: ClassVar[type[State]] = ResidualState
    least_squares = True

    def measure(self, at: Evaluation, state: ResidualState, *methods: str) -> Any:
        """Fill the state's residuals and Jacobian; return the objective, which can answer `methods` too."""
        objective = self.ask(at, state, "jacobian", *methods)
        state.residuals = objective.jacobian(state.fit(objective, at))
        return objective


@dataclass(frozen=True)
class GaussNewton(WolfeNumbers, LeastSquares):
    """The linear least squares problem that J makes of this one, solved, and a line search towards its solution.

        d = -J⁺ r,   u = α d

    J⁺ is the pseudo-inverse: the shortest d where there are several. α = 1 is tried first; it meets the strong Wolfe
    conditions with c₁ = `decrease`, c₂ = `curvature`. Singular values under `rank` times the largest count
    as 0: the Jacobian of a network is close to singular nearly always. On the 1-5-1 sine (40 steps, median of 8) the
    loss ends at 3e-1 with 1e-10, at 1e-6 with 1e-3 and at 2e-2 with 1e-1.

    Gauss (1809); Nocedal & Wright (2006), section 10.3.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(GaussNewton(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "gauss_newton", ResidualState

    rank: Fraction = 1e-3

    def update(self, at: Evaluation, state: ResidualState, out: Array) -> None:
        """-α J⁺ r."""
        objective = self.measure(at, state, "value_and_grad")
        d = state.solve(self.rank)
        if not d @ at.grad < 0:
            np.negative(at.grad, out=d)
        state.gradients += 1  # the Jacobian
        self.line_search().step(at, state, objective, d, 1.0, out)


@dataclass(kw_only=True)
class DampedState(ResidualState):
    """`damping`: μ now. At `max_damping` nothing lowers the loss any more, and steps are 0."""

    damping: float


@dataclass(frozen=True)
class Damped(Searching):
    """Gauss-Newton's step with a damping μ that rises until the step is good, and falls after it."""

    keeps: ClassVar[type[State]] = DampedState

    damping: Positive = 1e-3
    increase: AboveOne = 10.0
    decrease: Between = 0.1
    max_damping: Positive = 1e10

    def begin(self, params: Array) -> dict[str, Any]:
        """μ as given."""
        return {"damping": self.damping}

    def accept(self, state: DampedState, step: Array, ahead: float, out: Array) -> None:
        """Take a step, and trust the next one more."""
        state.damping = max(state.damping * self.decrease, LEAST_DAMPING)
        state.take(step, ahead, out)


@dataclass(frozen=True)
class LevenbergMarquardt(Damped):
    """Gauss-Newton, damped: between its step (μ → 0) and a short one downhill (μ → ∞).

        u = -(Jᵀ J + μ I)⁻¹ g,   g = Jᵀ r
        while L(θ + u) ≥ L(θ):   μ ← 10 μ, and u with it
        then:                    μ ← 0.1 μ

    μ starts as `damping`, 10 is `increase`, 0.1 `decrease`. Where μ would pass `max_damping` the step is 0.

    Levenberg (1944), Marquardt (1963); for networks Hagan & Menhaj (1994), with the schedule and constants of MATLAB's
    trainlm. r carries the 1/√N of the mean over samples, so that μ means the same whatever N. For a loss that is no sum
    of squares but convex in the outputs, the cross-entropies say, Jᵀ J is its Gauss-Newton matrix: Schraudolph (2002).
    A μ that came to its end with another objective is forgotten: see `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(LevenbergMarquardt(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name = "levenberg_marquardt"

    def update(self, at: Evaluation, state: DampedState, out: Array) -> None:
        """-(Jᵀ J + μ I)⁻¹ g with the first μ of the schedule that lowers the loss."""
        objective = self.ask(at, state, "value", "root_jacobian")
        objective.root_jacobian(state.fit(objective, at))
        state.begin_step(at, 2, out)
        square, grad = state.jacobian.T @ state.jacobian, at.grad
        diagonal = np.einsum("ii->i", square)
        undamped, loss = diagonal.copy(), float(at.loss)
        while state.damping <= self.max_damping:
            np.add(undamped, state.damping, out=diagonal)
            step = try_solve(square, -grad)
            if step is not None and (ahead := state.try_at(objective, at.params + step)) < loss:
                self.accept(state, step, ahead, out)
                return
            if not grad.any():
                return
            state.damping *= self.increase
        state.damping = self.max_damping


def try_solve(matrix: Array, right: Array) -> Array | None:
    """matrix⁻¹ right; None where there is none."""
    try:
        return np.asarray(np.linalg.solve(matrix, right))
    except np.linalg.LinAlgError:
        return None


@dataclass(kw_only=True)
class BayesState(DampedState):
    """`alpha`, `beta`: the inverse variances of weights and of residuals. `gamma`: the effective number of parameters.

    `evidence`: ln p(data | α, β) in Laplace's approximation, with the α and β before the latest re-estimation; NaN
    before the first. Residuals carry 1/√N, so the noise of the targets has the variance N/β.
    """

    alpha: float = nan
    beta: float = nan
    gamma: float
    evidence: float = nan


@dataclass(frozen=True)
class BayesianRegularization(Damped, LeastSquares):
    """Levenberg-Marquardt on F = β E_D + α E_W, where the data themselves say how much the weights should weigh.

        E_D = ½ ‖r‖² = L,   E_W = ½ ‖θ‖²,   A = β Jᵀ J + α I
        u = -(A + μ I)⁻¹ (β Jᵀ r + α θ),   μ as in Levenberg-Marquardt, for F
        γ = P - α tr A⁻¹                                      parameters that the data determine, 0 < γ < P
        α ← γ / 2E_W,   β ← (n - γ) / 2E_D                    n residuals; before every step but the first

    At the start γ = P (β = 1 where n ≤ P). All parameters are held small, bias weights too, as in MATLAB's trainbr; the
    loss that `train` reports is E_D alone.

    MacKay (1992), eq. 4.6-4.10; Foresee & Hagan (1997), steps 1-4, whose E are not halved. μ starts at MATLAB's 0.005.
    It forgets what it learned about another objective: see `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(BayesianRegularization(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "bayesian_regularization", BayesState

    damping: Positive = 5e-3

    def begin(self, params: Array) -> dict[str, Any]:
        """Nothing known of α and β."""
        return super().begin(params) | {"gamma": float(params.size)}

    def update(self, at: Evaluation, state: BayesState, out: Array) -> None:
        """-(A + μ I)⁻¹ (β Jᵀ r + α θ), with the first μ of the schedule that lowers F."""
        objective = self.measure(at, state, "value")
        state.begin_step(at, 2, out)
        curvatures, axes = decompose(state.jacobian.T @ state.jacobian)
        curvatures = np.maximum(curvatures, 0)  # rounding may leave -1e-17
        self._estimate(at, state, curvatures, getattr(objective, "n_observed", len(state.residuals)))
        alpha, beta, params = state.alpha, state.beta, at.params
        grad = beta * (state.jacobian.T @ state.residuals) + alpha * params
        slopes, before = axes.T @ grad, beta * float(at.loss) + alpha * half_square(params)
        while state.damping <= self.max_damping:
            step = -axes @ (slopes / (beta * curvatures + alpha + state.damping))
            ahead = state.try_at(objective, params + step)
            if beta * ahead + alpha * half_square(params + step) < before:
                self.accept(state, step, ahead, out)
                return
            state.damping *= self.increase
        state.damping = self.max_damping

    def _estimate(self, at: Evaluation, state: BayesState, curvatures: Array, n: float) -> None:
        """γ, α and β from where the parameters are; `curvatures` are the eigenvalues of Jᵀ J, n counts residuals."""
        size, tiny = at.params.size, float(np.finfo(at.params.dtype).tiny)
        data, weights = max(float(at.loss), tiny), max(half_square(at.params), tiny)
        if state.alpha == state.alpha:
            scaled = state.beta * curvatures
            state.gamma = float((scaled / (scaled + state.alpha)).sum())
            state.evidence = 0.5 * (
                size * log(state.alpha) + n * log(state.beta) - n * log(2 * pi)
                - float(np.log(scaled + state.alpha).sum())
            ) - state.alpha * weights - state.beta * data  # fmt: skip
        state.alpha = min(max(state.gamma / (2 * weights), tiny), 1 / tiny)  # above 0 where no weight is left: ln α
        left = n - state.gamma
        state.beta = min(max(left / (2 * data), tiny), 1 / tiny) if left > 0 else 1.0


def half_square(values: Array) -> float:
    """½ ‖v‖²."""
    return 0.5 * float(values @ values)
