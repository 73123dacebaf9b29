"""Trust regions: a model of the loss, trusted within a radius that follows from how well it predicted the loss.

`Dogleg` has the Gauss-Newton model of a sum of squares and walks along two legs of a path. `TrustRegion` has the
Hessian, by its products only, and walks with conjugate gradients. For full batches, one network at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from mlp.arrays import Array, norm
from mlp.errors import HyperparameterError
from mlp.hyperparameters import Fraction, Positive
from mlp.optimizers.least_squares import LeastSquares, ResidualState
from mlp.optimizers.newton import NewtonState
from mlp.optimizers.optimizer import Evaluation
from mlp.optimizers.search import Searching, SearchState, is_lost

LEAST_RADIUS = 1e-30
"""Its square is a number in float64."""


@dataclass(kw_only=True)
class RadiusState(SearchState):
    """`radius`: Δ now. `ratio`: ρ of the latest step, how far the loss fell, over what the model predicted."""

    radius: float
    ratio: float = 1.0


@dataclass(frozen=True)
class WithRadius(Searching):
    """A model that is trusted within a radius."""

    radius: Positive = 1.0
    max_radius: Positive = 1000.0
    accept: Fraction = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.radius > self.max_radius:
            raise HyperparameterError("radius", self.radius, f"at most max_radius = {self.max_radius}")
        if self.accept >= 0.25:
            raise HyperparameterError("accept", self.accept, "under 1/4, where the radius shrinks")

    def begin(self, params: Array) -> dict[str, Any]:
        """Δ as given."""
        return {"radius": self.radius}

    def judge(
        self, at: Evaluation, state: RadiusState, objective: Any, step: Array, foretold: float, out: Array
    ) -> None:
        """Take the step or not, and fit the radius. Nocedal & Wright (2006), algorithm 4.1.

        ρ = (L(θ) - L(θ + u)) / (m(0) - m(u)).  ρ < ¼: Δ ← Δ/4.  ρ > ¾ at the edge: Δ ← 2Δ.  ρ > `accept`: u is taken.

        But Δ shrinks no further where rounding leaves nothing of u, or it is 1e-30: at a minimum it would come to 0.
        """
        edge = float(np.sqrt(step @ step)) >= state.radius * (1 - 1e-12)
        ahead = state.try_at(objective, at.params + step)
        state.ratio = (float(at.loss) - ahead) / foretold if foretold > 0 else -inf
        state.resting = state.ratio < 0.25 and (state.radius <= LEAST_RADIUS or is_lost(at, step))
        if state.ratio < 0.25 and not state.resting:
            state.radius *= 0.25
        elif state.ratio > 0.75 and edge:
            state.radius = min(2 * state.radius, self.max_radius)
        if state.ratio > self.accept:
            state.take(step, ahead, out)


@dataclass(kw_only=True)
class DoglegState(RadiusState, ResidualState):
    """`radius` and `ratio`, `jacobian` and `residuals`."""


@dataclass(frozen=True)
class Dogleg(WithRadius, LeastSquares):
    """Gauss-Newton within a radius: down the gradient first, then towards Gauss-Newton's step.

        m(u) = L + gᵀ u + ½ ‖J u‖²,   ‖u‖ ≤ Δ
        u_C = -(‖g‖² / ‖J g‖²) g,   u_N = -J⁺ r
        u = u_N within the radius;  else u_C + τ (u_N - u_C) up to it;  else -Δ g/‖g‖

    The radius follows from how well the model predicted the loss, as in `TrustRegion`; where ρ ≤ `accept` the step is
    0.

    Powell (1970); Nocedal & Wright (2006), eq. 4.16 and algorithm 4.1. A Δ of another objective is forgotten: see
    `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(Dogleg(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "dogleg", DoglegState

    rank: Fraction = 1e-4

    def update(self, at: Evaluation, state: DoglegState, out: Array) -> None:
        """The dogleg step, or 0 where the model was wrong."""
        objective = self.measure(at, state, "value")
        state.begin_step(at, 2, out)
        g, jacobian = at.grad, state.jacobian
        if is_negligible(g):
            return
        newton = state.solve(self.rank)
        along = jacobian @ g
        step = find_dogleg(g, float(along @ along), newton, state.radius)
        moved = jacobian @ step
        foretold = -float(g @ step) - 0.5 * float(moved @ moved)
        self.judge(at, state, objective, step, foretold, out)


def is_negligible(g: Array) -> bool:
    """Whether a gradient is 0, or so small that there may be no number for 1/‖g‖."""
    limits = np.finfo(g.dtype)
    return not norm(g) > float(limits.tiny / limits.eps)


def find_dogleg(g: Array, curvature: float, newton: Array, radius: float) -> Array:
    """The point of the path 0 → Cauchy → Newton at `radius`, or its end; `curvature` is gᵀ B g."""
    if np.sqrt(newton @ newton) <= radius:
        return newton
    size = float(np.sqrt(g @ g)) or norm(g)
    cauchy = -(size**2 / curvature) * g if curvature > 0 else -(radius / size) * g
    if np.sqrt(cauchy @ cauchy) >= radius:
        return np.asarray(-(radius / size) * g)
    return np.asarray(cauchy + reach(cauchy, newton - cauchy, radius) * (newton - cauchy))


def reach(start: Array, d: Array, radius: float) -> float:
    """τ ≥ 0 with ‖start + τ d‖ = radius."""
    a, b, c = float(d @ d), 2 * float(start @ d), float(start @ start) - radius**2
    root = float(np.sqrt(b * b - 4 * a * c))
    return (-b + root) / (2 * a) if b < 0 else -2 * c / (b + root)  # no difference of neighbours


@dataclass(kw_only=True)
class TrustState(RadiusState, NewtonState):
    """`radius` and `ratio`; `products`: matrix-vector products so far; `inner`: CG steps in the latest."""


@dataclass(frozen=True)
class TrustRegion(WithRadius):
    """The Hessian's quadratic model, trusted within a radius, minimised by conjugate gradients that may not leave it.

        m(u) = L + gᵀ u + ½ uᵀ H u,   ‖u‖ ≤ Δ

    CG ends at ‖H u + g‖ ≤ min(½, √‖g‖) ‖g‖, or at the edge: on its way out, or along a direction of negative curvature.
    ρ, how far the loss fell over what the model predicted, sets the radius: it becomes a quarter where ρ < ¼, and twice
    as large where ρ > ¾ at the edge, up to `max_radius`. Where ρ ≤ `accept` the step is 0.

    Steihaug (1983); Nocedal & Wright (2006), algorithms 4.1 and 7.2. The steps are those of SciPy's trust-ncg, except
    that a Δ of 1e-30, or one that is lost in rounding, stays as it is. A Δ of another objective is forgotten: see
    `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(TrustRegion(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "trust_region", TrustState

    accept: Fraction = 0.15

    def update(self, at: Evaluation, state: TrustState, out: Array) -> None:
        """The model's step, or 0 where the model was wrong."""
        objective = self.ask(at, state, "value", "hvp")
        state.begin_step(at, 1, out)
        times = state.count(objective.hvp)
        if at.grad @ at.grad > 0:  # of a gradient that is there its square may underflow: CG has nothing to divide by
            step, fall = minimise_within(at.grad, times, state.radius)
            self.judge(at, state, objective, step, fall, out)


def minimise_within(g: Array, times: Callable[[Array], Array], radius: float) -> tuple[Array, float]:
    """The step within `radius` that CG finds for gᵀ u + ½ uᵀ H u, and how much that falls.

    Steihaug (1983); Nocedal & Wright (2006), algorithm 7.2.
    """
    u, r, d = np.zeros_like(g), g.copy(), -g
    hu = np.zeros_like(g)
    size = float(np.sqrt(g @ g))
    enough = min(0.5, size**0.5) * size
    for _ in range(2 * g.size + 10):  # exact arithmetic would need no more than n
        square = float(r @ r)
        if not square:
            break
        hd = times(d)
        curvature = float(d @ hd)
        further = square / curvature if curvature > 0 else np.inf
        ahead = u + further * d if curvature > 0 else u
        if curvature <= 0 or np.sqrt(ahead @ ahead) >= radius:
            far = reach(u, d, radius) if curvature > 0 else _choose_end(g, u, hu, d, hd, radius)
            u, hu = u + far * d, hu + far * hd
            break
        u, hu = ahead, hu + further * hd
        r += further * hd
        if np.sqrt(r @ r) < enough:
            break
        d *= float(r @ r) / square
        d -= r
    return u, -float(g @ u) - 0.5 * float(u @ hu)


def _choose_end(g: Array, u: Array, hu: Array, d: Array, hd: Array, radius: float) -> float:
    """Along a line of negative curvature: the end, at `radius`, where the model is lower."""
    ends = (reach(u, d, radius), -reach(u, -d, radius))

    def model(t: float) -> float:
        return t * float(g @ d + d @ hu) + 0.5 * t * t * float(d @ hd)

    return min(ends, key=model)
