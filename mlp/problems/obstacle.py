"""What an obstacle is: a problem with one known difficulty, a dial for how hard it is, and what *past it* means.

An obstacle is a row like every problem, so any rule runs on it. It asks another question than a benchmark does: not how
low the loss ends but whether a rule gets past the one thing that is in its way, in how many gradients, and where it
stands if it does not. A member stops once it is past. All rules meet the same noise, also those that want full batches:
where the noise is the obstacle, nobody is spared it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple, Protocol

import numpy as np

from mlp.arrays import Array
from mlp.optimizers import Evaluation, Optimizer
from mlp.problems.functions import Formula
from mlp.problems.problem import Descent, Measures, Problem, Seeds, Target, Update

BUDGET = 1000  # gradients that a member may ask for
N = 10  # dimensions of bowls and ravines
FLAT = 1e-6  # a gradient that has shrunk to this share of the largest one on the way counts as none


Draw = Callable[[np.random.Generator], Array]


class Place(NamedTuple):
    """Where a member stands that did not get past: the `kind` of point, the `finding` it means, `why` in a sentence."""

    kind: str
    finding: str
    why: str


FINDINGS = {
    "diverged": "divergence",
    "saddle": "saddle_point",
    "plateau": "plateau",
    "local_minimum": "local_minimum",
    "global_minimum": "local_minimum",
    "bouncing": "oscillation",
    "noise_floor": "noisy_gradients",
    "valley": "slow_progress",
    "descending": "unfinished",
    "undecided": "unfinished",
}
"""What a finding calls a member that ends at such a point."""
DIVERGED = Place("diverged", FINDINGS["diverged"], "its numbers have left the range of floating point")


class ObstacleDescent(Descent, Protocol):
    """A descent that can say where a member stands."""

    def locate(self, index: int | None, rate: Any) -> Place:
        """Where member `index` stands (None: the single vector), for a rule of that learning rate."""


@dataclass(frozen=True)
class Obstacle(Problem):
    """One row of the suite.

    `dial`: what the number in its name turns, and `hardness` its setting. `past`: what *past it* means, in words;
    `target` says the same as a measure. `answer`: what is known of it beforehand. `sort`: "vector" or "network".

    >>> from mlp.problems import problem_named
    >>> problem_named("ravine-100").dial, problem_named("ravine-100").hardness
    ('condition', 100.0)
    """

    dial: str = ""
    hardness: float = 0.0
    past: str = ""
    answer: str = ""
    sort: str = "vector"


class Past:
    """Stops a member once it is past."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def begin(self, n_members: int) -> Callable[[Array, Measures], Array]:
        """A judge that asks nothing but the target."""
        return lambda losses, measures: np.asarray(self._target.met(measures))


class VectorObjective:
    """A formula as an objective, with its Hessian and, where it is a sum of squares, its residuals.

    H v is a central difference of gradients at the point of the latest step: exact for quadratics, with an error of
    order 1e-10 elsewhere. `residuals(params)` gives r and ∂r/∂params with L = ½ ‖r‖².
    """

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.params = np.zeros(1)

    def value(self, params: Array) -> Any:
        """L(params)."""
        return self.formula(params, np.empty_like(params))

    def value_and_grad(self, params: Array, out: Array) -> Any:
        """Write the gradient into `out`; return L(params)."""
        return self.formula(params, out)

    def hvp(self, v: Array, out: Array) -> None:
        """Write H v into `out`."""
        size = np.sqrt((v * v).sum(-1, keepdims=True))
        step = 1e-5 * (1 + np.sqrt((self.params * self.params).sum(-1, keepdims=True))) / np.where(size > 0, size, 1)
        behind = np.empty_like(out)
        self.formula(self.params + step * v, out)
        self.formula(self.params - step * v, behind)
        out -= behind
        out /= 2 * step


class LeastSquaresObjective(VectorObjective):
    """A sum of squares as an objective: ½ ‖r‖²."""

    def __init__(self, formula: Formula, residuals: Callable[[Array], tuple[Array, Array]]) -> None:
        super().__init__(formula)
        self.residuals_of = residuals

    @property
    def n_residuals(self) -> int:
        """How many numbers are squared."""
        return len(self.residuals(self.params))

    @property
    def n_observed(self) -> float:
        """All of them count."""
        return float(self.n_residuals)

    def residuals(self, params: Array) -> Array:
        """r(params), (n_residuals,)."""
        return self.residuals_of(params)[0]

    def jacobian(self, out: Array) -> Array:
        """Write ∂r/∂params at the point of the latest step into `out`; return r."""
        r, out[...] = self.residuals_of(self.params)
        return r

    def root_jacobian(self, out: Array) -> None:
        """Write ∂r/∂params into `out`: the loss is ½ ‖r‖², so the root of its second derivative is 1."""
        self.jacobian(out)

    def gnvp(self, v: Array, out: Array) -> None:
        """Write Jᵀ J v into `out`."""
        jacobian = self.residuals_of(self.params)[1]
        out[...] = jacobian.T @ (jacobian @ v)


class VectorDescent:
    """A descent on an objective for each update: the same one without end, or one with noise that is drawn anew.

    `whole` is the objective that is measured; `noisy`: whether the gradients that rules see are others than its own.
    """

    def __init__(
        self, params: Array, whole: VectorObjective, objectives: Iterator[VectorObjective], noisy: bool = False
    ) -> None:
        self.params, self.whole, self._objectives, self._noisy = params, whole, objectives, noisy
        self._largest = np.zeros(params.shape[:-1])
        self._latest = np.zeros_like(self._largest)

    def steps(self, rule: Optimizer) -> Iterator[Update]:
        """θ ← θ + u."""
        params, grad, out = self.params, np.empty_like(self.params), np.empty_like(self.params)
        state = rule.init(params)
        for objective in self._objectives:
            objective.params = self.whole.params = params
            loss = objective.value_and_grad(params, grad)
            self._latest = np.sqrt((grad * grad).sum(-1))
            self._largest = np.fmax(self._largest, self._latest)
            rule.update(Evaluation(params, loss, grad, objective), state, out)
            params += out
            yield Update(state, loss)

    def measure(self, params: Array) -> Measures:
        """The loss without noise."""
        return {"train_loss": np.asarray(self.whole.value(params))}

    def locate(self, index: int | None, rate: Any) -> Place:
        """The kind of point that a member stands at, by its gradient and the eigenvalues of its Hessian."""
        params = self.params if index is None else self.params[index]
        if not np.isfinite(params).all():
            return DIVERGED
        largest = float(self._largest if index is None else self._largest[index])
        kind, why = classify_vector(self.whole.formula, params, largest, self._noisy, rate)
        return Place(kind, FINDINGS[kind], why)


def classify_vector(formula: Formula, params: Array, largest: float, noisy: bool, rate: Any = None) -> tuple[str, str]:
    """The kind of point at `params` (n,), and why. `largest`: the norm of the largest gradient on the way.

    The same kinds as `mlp.curvature.classify_point` has. With so few numbers the whole Hessian is there, from 2 n
    gradients, and nothing has to be estimated.
    """
    grad = np.empty_like(params)
    formula(params, grad)
    size, eigenvalues = float(np.sqrt(grad @ grad)), compute_eigenvalues(formula, params)
    if not np.isfinite(size + eigenvalues.sum()):
        return "diverged", DIVERGED.why
    least, most = float(eigenvalues[0]), float(eigenvalues[-1])
    tolerance = 1e-6 * max(abs(least), abs(most), 1e-12)
    seen = f"gradient {size:.1e}, eigenvalues {least:.2g} … {most:.2g}"
    if size <= FLAT * max(largest, 1e-300) or size < 1e-12:
        if least < -tolerance:
            return "saddle", f"{seen}: a way down that the gradient does not point to"
        if max(abs(least), abs(most)) < 1e-6:
            return "plateau", f"{seen}: flat"
        return "local_minimum", f"{seen}: no way down nearby"
    if noisy:
        return "noise_floor", f"{seen}, and the noise of a step is larger"
    if isinstance(rate, float) and rate * most > 2:
        return "bouncing", f"{seen}: rate times curvature is {rate * most:.2g}, above 2"
    along = grad @ (compute_hessian(formula, params) @ grad) / max(size * size, 1e-300)
    if least < -tolerance and size < 1e-2 * largest and along > least / 2:
        return "saddle", f"{seen}: near a saddle, and still on the way out"
    if most > 100 * max(abs(least), 1e-12):
        return "valley", f"{seen}: {most / max(abs(least), 1e-12):.1g} times steeper across than along"
    return "descending", f"{seen}: still on the way down"


def compute_hessian(formula: Formula, params: Array) -> Array:
    """∂²L/∂params² (n, n), by central differences of gradients in one pass, made symmetric."""
    step = 1e-5 * np.maximum(1, np.abs(params))
    apart = np.diag(step)
    ahead, behind = np.empty_like(apart), np.empty_like(apart)
    formula(params + apart, ahead)
    formula(params - apart, behind)
    found = (ahead - behind) / (2 * step[:, None])
    return 0.5 * (found + found.T)


def compute_eigenvalues(formula: Formula, params: Array) -> Array:
    """Those of the Hessian, in rising order; NaN where it is not finite."""
    hessian = compute_hessian(formula, params)
    return np.linalg.eigvalsh(hessian) if np.isfinite(hessian).all() else np.full(len(params), np.nan)


def draw_each(seeds: Seeds, draw: Callable[[np.random.Generator], Array]) -> Array:
    """What `draw` gives for the generator of each seed, (R, ...); for a single seed without the first axis."""
    if isinstance(seeds, int):
        return np.asarray(draw(np.random.default_rng(seeds)), float)
    return np.array([draw(np.random.default_rng(seed)) for seed in seeds], float)


def draw_steps(seeds: Seeds, draw: Callable[[np.random.Generator, int], Array], block: int = 100) -> Iterator[Array]:
    """One draw for each update, (*population, n), without end. Each member has a generator of its own.

    So a member meets the same noise whoever trains beside it. `draw(rng, block)` gives `block` updates at a time.
    """
    single = isinstance(seeds, int)
    listed: Sequence[int] = [seeds] if isinstance(seeds, int) else seeds
    generators = [np.random.default_rng([seed, 1]) for seed in listed]
    while True:
        drawn = np.stack([draw(rng, block) for rng in generators], axis=1)
        yield from (drawn[:, 0] if single else drawn)


def draw_normal(rng: np.random.Generator) -> Array:
    """θ ~ N(0, 1) in `N` dimensions."""
    return rng.standard_normal(N)


def build_vector_row(
    name: str,
    begin: Callable[[Seeds, int, bool], Any],
    level: float,
    *,
    description: str,
    source: str,
    dial: str,
    hardness: float,
    default: float,
    answer: str,
    past: str = "",
    measure: str = "train_loss",
) -> Obstacle:
    """An obstacle; with another dial than the usual one, its number stands in its name."""
    target = Target(measure, level)
    return Obstacle(
        name if hardness == default else f"{name}-{hardness:g}",
        description, source, begin,
        epochs=BUDGET, target=target, stop=Past(target), budget=BUDGET, by_target=True,
        dial=dial, hardness=hardness, past=past or f"loss ≤ {level:g}", answer=answer,
    )  # fmt: skip


def _begin_without_noise(
    formula: Formula, start: Draw, residuals: Any, seeds: Seeds, order: int, full_batch: bool
) -> VectorDescent:
    """Without noise: one objective for all updates."""
    whole = LeastSquaresObjective(formula, residuals) if residuals else VectorObjective(formula)
    return VectorDescent(draw_each(seeds, start), whole, repeat(whole))


def without_noise(formula: Formula, start: Draw, residuals: Any = None) -> Callable[[Seeds, int, bool], VectorDescent]:
    """How a descent begins whose objective is the same in every update."""
    return partial(_begin_without_noise, formula, start, residuals)
