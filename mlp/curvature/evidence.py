"""Everything that a verdict on a point may rest on, measured when it is first asked for.

Eigenvalues at the two ends, the escape time, what the run's own rule and other rates do over a part of the budget, what
minibatches make of it, a trust region, pushes. It measures and decides nothing. Falls are in units of what is left to
gain, loss - floor: 1 would reach the floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.curvature.blocks import Reach, reaches
from mlp.curvature.escape import Escape, Motion, escape, motion
from mlp.curvature.floor import Scale, scale
from mlp.curvature.lanczos import lanczos
from mlp.curvature.preconditioner import precondition
from mlp.curvature.spectrum import Ends, ends
from mlp.curvature.surface import Surface
from mlp.curvature.trials import displaced, has_rate, losses_along, noisy_levels, polished, steps_until
from mlp.optimizers import SGD, Optimizer

MATERIAL = 0.05  # a smaller fall is none
EXACT = 200  # parameters up to which a dense Hessian costs less than it spares
STEPS, MOST = 20, 60  # of Lanczos' method: at first, and where the lower end is not sure
LOWER = 4.0 ** np.arange(-6, 1)  # rates below the run's own, and that
LARGE = 1e7  # parameters times rows, above which every other of them must do
RESOLVED = 1e-14  # of ‖θ‖ max|λ|: a smaller slope is rounding, and nothing that a step could follow
WORK = 3e8  # products of a weight with a row that one trial may cost
REPEATS, MARKS = 4, 24  # runs on minibatches, and looks at the loss in each
APART = 5.0  # deviations of those losses: a place that is farther above them is no place of theirs


@dataclass(frozen=True)
class Course:
    """How the run goes on: steps of `rule`, with its memory, at `rate` on `batch_size` rows, `budget` of them.

    `losses`: those of the latest steps, one each, or None.
    """

    rate: float | None
    batch_size: int | None
    budget: int
    rule: Optimizer | None
    state: Any
    losses: Array | None


class Curves(NamedTuple):
    """Eigenvalues or Ritz values, the slope along each of their `vectors` (P, k), and the lower end's own vector."""

    values: Array
    slopes: Array
    vectors: Array
    least: float
    largest: float
    residual: float
    vector: Array


class Pace(NamedTuple):
    """By how much of what is left to gain the loss falls in a whole budget, and its standard error."""

    value: float
    error: float


class Evidence:
    """What is known of one point of a course. `rounding`: ε of the dtype that the run computes in."""

    def __init__(self, surface: Surface, course: Course, rounding: float, rng: np.random.Generator) -> None:
        self.surface, self.course, self.rounding, self.rng = surface, course, rounding, rng
        self.scale: Scale = scale(surface.loss, surface.batch, surface.network.n_out)
        self.gap = surface.value - self.scale.floor
        self.grad_norm = float(np.linalg.norm(surface.grad))
        self.size = max(float(np.linalg.norm(surface.params)), 1.0)

    def fall(self, loss: Any) -> Any:
        """From here to `loss`."""
        return (self.surface.value - loss) / self.gap

    # curvature

    @cached_property
    def curves(self) -> Curves:
        """All eigenpairs of a small network; else Ritz pairs from the gradient, the ends from a random start too."""
        if self.surface.size <= EXACT:
            values, vectors = np.linalg.eigh(self.surface.hessian())
            lower = float(values[0]), float(values[-1]), 0.0, vectors[:, 0]
            return Curves(values, vectors.T @ self.surface.grad, vectors, *lower)
        found = self._ends()
        lower = found.least, found.largest, found.residuals[0], found.vectors[:, 0]
        if not self.grad_norm:
            return Curves(np.array(lower[:2]), np.zeros(2), found.vectors, *lower)
        mine = lanczos(self.surface.times, self.surface.grad, STEPS)
        largest = max(found.largest, float(mine.values[-1]))
        lower = found.least, largest, found.residuals[0], found.vectors[:, 0]
        if mine.values[0] < found.least:
            lower = float(mine.values[0]), largest, float(mine.residuals[0]), mine.vectors[:, 0]
        return Curves(mine.values, mine.vectors.T @ self.surface.grad, mine.vectors, *lower)

    def _ends(self) -> Ends:
        """From a random vector, until both are sure to a tenth."""
        led = precondition(self.surface, self.rng)
        size, rng = self.surface.size, self.rng
        return ends(self.surface.times, size, steps=STEPS, most=MOST, accuracy=0.1, rng=rng, precondition=led)

    @property
    def curvature(self) -> float:
        """max |λ|."""
        return max(abs(self.curves.least), abs(self.curves.largest))

    @property
    def tolerance(self) -> float:
        """How negative an eigenvalue must be to be more than rounding."""
        return max(30 * self.rounding, 1e-6) * self.curvature

    @property
    def curves_down(self) -> bool:
        """Whether an eigenvalue is negative, beyond rounding."""
        return self.curves.least < -self.tolerance

    @property
    def predicted_newton_decrease(self) -> float:
        """What Newton's step would gain by the model, along directions that curve up: ½ Σ c²/λ."""
        up = self.curves.values > 1e-6 * self.curvature
        return float(0.5 * np.sum(self.curves.slopes[up] ** 2 / self.curves.values[up]) / self.gap)

    # how the run goes on

    @cached_property
    def natural(self) -> float:
        """A rate that gradient descent stands here: half of 2/max|λ|, and no step longer than a tenth of ‖θ‖."""
        bounds = [1 / self.curvature if self.curvature else inf, 0.1 * self.size / max(self.grad_norm, 1e-300)]
        return min(bounds)

    @cached_property
    def rate(self) -> float:
        """The run's own; where it is not known a tenth of `natural`."""
        course = self.course
        known = (course.rate, getattr(course.state, "learning_rate", None), getattr(course.rule, "learning_rate", None))
        numbers = (rate for rate in known if isinstance(rate, int | float) and isfinite(rate))
        return next(numbers, 0.1 * self.natural)

    @cached_property
    def rule(self) -> Optimizer:
        """The run's own, else plain gradient descent."""
        return self.course.rule or SGD(self.rate)

    @property
    def noisy(self) -> bool:
        """Whether a step sees a part of the rows only."""
        return self.course.batch_size is not None and self.course.batch_size < self.surface.batch.x.n_samples

    @property
    def work(self) -> int:
        """Products of a weight with a row in one pass."""
        return self.surface.size * self.surface.batch.x.n_samples

    @cached_property
    def window(self) -> int:
        """Steps of a trial: a quarter of the budget, 50 to 300, fewer of a large network."""
        return int(max(50, min(self.course.budget // 4, 300, 3 * WORK / self.work / len(LOWER))))

    @cached_property
    def paths(self) -> Array:
        """Losses along the window at `LOWER` times the own rate, the rule's own path last: (window + 1, R)."""
        lower = LOWER[::2] if self.work > LARGE else LOWER
        if has_rate(self.rule):
            return losses_along(self.surface, self.rule, self.course.state, self.rate * lower, self.window)
        descent = losses_along(self.surface, SGD(self.rate), None, self.natural * lower[:-1], self.window)
        own = losses_along(self.surface, self.rule, self.course.state, np.ones(1), self.window)
        return np.hstack([descent, own])

    def fell(self, paths: Array) -> Array:
        """By how much each path fell; its last tenth is averaged."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nan_to_num(self.fall(paths[-_tenth(paths) :].mean(0)), nan=-inf))

    def forecast(self, paths: Array) -> Array:
        """The same after the whole budget, as if the fall of each half window shrank by the same factor again."""
        wide, here = _tenth(paths), self.surface.value
        begin = (len(paths) - wide) // 2
        early, late = begin + (wide - 1) / 2, len(paths) - 1 - (wide - 1) / 2  # steps that the two means stand for
        with np.errstate(all="ignore"):
            middle, end = paths[begin:][:wide].mean(0), paths[-wide:].mean(0)
            first, second = (here - middle) / early, (middle - end) / (late - early)
            ratio = np.clip(np.where(first > 0, second / first, 0), 0, 1)
            halves = max(self.course.budget - late, 0) / (late - early)
            whole = np.where(ratio < 1 - 1e-9, ratio / (1 - ratio) * (1 - ratio**halves), halves)
            more = second * (late - early) * whole
        fell, real = self.fell(paths), here - end > 20 * np.finfo(np.float64).eps * abs(here)
        return np.where((fell > 0) & real, fell + np.maximum(np.nan_to_num(more), 0) / self.gap, fell)

    @cached_property
    def higher_rates(self) -> Array:
        """Rates of gradient descent up to half the natural one, above the run's own if that is gradient descent's."""
        above = self.natural * 4.0 ** np.arange(-4, 0)
        if self.course.rule is None:
            above = self.rate * 4.0 ** np.arange(1, 13)
        return np.append(above[above < self.natural], 0.5 * self.natural)

    @cached_property
    def higher_forecast(self) -> Array:
        """The forecast at each of those."""
        return self.forecast(losses_along(self.surface, SGD(self.rate), None, self.higher_rates, self.window))

    # out of a saddle

    @cached_property
    def predicted_escape(self) -> Escape:
        """Steps of the rule on all rows until the first material fall, by the quadratic model alone.

        The share is that of gradient flow.
        """
        target, curves = MATERIAL * self.gap, self.curves
        flow = Motion(0.0, 0.0, 0.0, -0.1 * self.natural)
        return Escape(self._foretold(target), escape(curves.values, curves.slopes, flow, target).share)

    @cached_property
    def escape(self) -> Escape:
        """The same, tried out where that is cheap: kinks and curvature that grows on the way make the model wrong."""
        target, (foretold, share) = MATERIAL * self.gap, self.predicted_escape
        most = self._affordable()
        if foretold > most and self._is_linear:
            return Escape(foretold, share)
        tried = steps_until(self.surface, self.rule, self.course.state, self.rate, self.surface.value - target, most)
        return Escape(tried if isfinite(tried) else max(float(most), foretold), share)

    @property
    def _is_linear(self) -> bool:
        return motion(self.rule, self.course.state, self.rate) is not None

    def _foretold(self, target: float) -> float:
        """By the quadratic model; inf for a rule that is not linear in the gradients."""
        moving = motion(self.rule, self.course.state, self.rate)
        if moving is None:
            return inf
        if moving.metric is not None:
            return self._preconditioned(target, moving)
        velocity = None if moving.velocity is None else self.curves.vectors.T @ moving.velocity
        slopes = np.where(np.abs(self.curves.slopes) > RESOLVED * self.size * self.curvature, self.curves.slopes, 0)
        return escape(self.curves.values, slopes, moving, target, velocity).steps

    def _affordable(self) -> int:
        """Steps on all rows that may be taken to see."""
        return int(min(10 * self.course.budget, max(WORK / self.work, 100), 5000))

    def _preconditioned(self, target: float, moving: Motion) -> float:
        """In the coordinates √D θ, in which the rule is gradient descent with a velocity."""
        assert moving.metric is not None and moving.velocity is not None
        root = np.sqrt(moving.metric)
        ritz = lanczos(lambda v: self.surface.times(v / root) / root, self.surface.grad / root, STEPS)
        slopes, velocity = ritz.vectors.T @ (self.surface.grad / root), ritz.vectors.T @ (moving.velocity / root)
        return escape(ritz.values, slopes, moving, target, velocity).steps

    @cached_property
    def fall_after_perturbation(self) -> float:
        """Steps along the most negative direction alone, started by rounding at least; inf where that is unknown."""
        moving, least = motion(self.rule, None, self.rate), self.curves.least
        slope = max(abs(float(self.curves.vector @ self.surface.grad)), self.rounding * self.size * abs(least))
        if moving is None:
            return inf
        return escape(np.array([least]), np.array([slope]), moving, MATERIAL * self.gap).steps

    # minibatches

    @property
    def noisy_steps(self) -> int:
        """Steps of a run on minibatches: half of the budget, 60 to 600."""
        return int(min(max(self.course.budget // 2, 60), 600))

    @cached_property
    def noisy_levels(self) -> Array:
        """The loss on all rows at moments of a few runs on minibatches, a fifth of the steps left out."""
        course, steps = self.course, self.noisy_steps
        assert course.batch_size is not None
        marks = np.unique(np.linspace(0.2 * steps, steps - 1, MARKS).astype(int))
        own = self.surface, self.rule, course.state, self.rate, course.batch_size, marks, self.rng
        return np.array([noisy_levels(*own) for _ in range(REPEATS)])

    @cached_property
    def noisy_pace(self) -> Pace:
        """What the rule gains on minibatches: the second half of the levels against the first.

        Medians, as losses on minibatches spike.
        """
        half = self.noisy_levels.shape[1] // 2
        with np.errstate(invalid="ignore"):
            first, second = self.noisy_levels[:, :half], self.noisy_levels[:, half:]
            falls = np.median(first, 1) - np.median(second, 1)
            between = float(falls.std(ddof=1)) / REPEATS**0.5
            spreads = [np.subtract(*np.quantile(part, (0.84, 0.16), axis=1)).mean() / 2 for part in (first, second)]
            within = 1.25 * float(np.hypot(*spreads)) / (half * REPEATS) ** 0.5  # √(π/2): the median's, if normal
        budgets = self.course.budget / (0.4 * self.noisy_steps) / self.gap
        return Pace(float(falls.mean()) * budgets, max(between, within) * budgets)

    @property
    def noisy_fall(self) -> float:
        """From here to the highest of the levels; 0 where they scatter so widely that this place is one of them."""
        with np.errstate(invalid="ignore"):
            scatter = float(np.subtract(*np.quantile(self.noisy_levels, (0.84, 0.16)))) / 2
            middle = float(np.median(self.noisy_levels))
        apart = self.surface.value - middle > APART * scatter
        return float(self.fall(self.noisy_levels.max())) if apart else 0.0

    @cached_property
    def past_pace(self) -> Pace:
        """The same from the losses of the latest steps, at most a budget of them; nothing where they are few."""
        losses = np.empty(0) if self.course.losses is None else self.course.losses[-self.course.budget :]
        if len(losses) < 64 or not np.isfinite(losses).all():
            return Pace(0.0, inf)
        blocks = losses[len(losses) % 16 :].reshape(16, -1).mean(1)
        fall, error = blocks[:8].mean() - blocks[8:].mean(), blocks.std(ddof=1) / 2
        budgets = self.course.budget / (len(losses) / 2) / self.gap
        return Pace(float(fall) * budgets, float(error) * budgets)

    # what would help

    @cached_property
    def reaches(self) -> tuple[Reach, ...]:
        """How far each layer reaches."""
        return reaches(self.surface, rng=self.rng)

    @cached_property
    def trust_region_decrease(self) -> float:
        """By 60 steps of a trust region."""
        return float(self.fall(polished(self.surface, 60)))

    @cached_property
    def fall_along_least(self) -> float:
        """By the same from the lowest place near by along the least eigenvector, to either side."""
        reach = 0.3 * self.size * 4.0 ** -np.arange(6)
        line = self.surface.params + np.append(reach, -reach)[:, None] * self.curves.vector
        values = self.surface.values_at(line)
        lowest = int(np.argmin(np.where(np.isfinite(values), values, inf)))
        return float(self.fall(polished(self.surface.at(line[lowest]), 60)))

    def fall_after_push(self, size: float) -> float:
        """The most by a short-sighted trust region after any of three random pushes of `size` times the weights."""
        starts = [displaced(self.surface, size, self.rng) for _ in range(3)]
        return float(self.fall(min(polished(self.surface.at(start), 40, 0.02) for start in starts)))


def _tenth(paths: Array) -> int:
    return max(3, len(paths) // 10)
