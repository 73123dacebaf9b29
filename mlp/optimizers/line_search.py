"""Line searches: how far to go along a direction, and what it cost to find out.

A `Line` is the loss along θ + α d. It counts what it is asked, so that a rule can report how many gradients it used.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array, inner
from mlp.errors import HyperparameterError
from mlp.hyperparameters import Count, Positive, check_fields
from mlp.optimizers.optimizer import Evaluation
from mlp.optimizers.search import Searching, SearchState


class Point(NamedTuple):
    """A point of a line: α, the loss there, its slope dL/dα, and the gradient."""

    alpha: float
    loss: float
    slope: float
    grad: Array


class Line:
    """The loss at params + α d for α ≥ 0. `evaluations` counts the points that were tried."""

    def __init__(self, objective: Any, at: Evaluation, direction: Array) -> None:
        self.objective, self.at, self.direction = objective, at, direction
        self.start = Point(0.0, float(at.loss), inner(at.grad, direction), at.grad)
        self.evaluations = 0

    def look(self, alpha: float) -> Point:
        """What is at α. A loss that is not a number counts as infinite."""
        grad = np.empty_like(self.at.grad)
        with np.errstate(all="ignore"):  # a trial may well go too far
            loss = float(self.objective.value_and_grad(self.at.params + alpha * self.direction, grad))
        self.evaluations += 1
        return Point(alpha, loss if loss == loss else inf, inner(grad, self.direction), grad)


@dataclass(frozen=True)
class StrongWolfe:
    """Find an α that lowers the loss enough and leaves little slope.

        L(α) ≤ L(0) + c₁ α L′(0)        sufficient decrease
        |L′(α)| ≤ c₂ |L′(0)|            curvature

    c₁ is `decrease`, c₂ `curvature`, 0 < c₁ < c₂ < 1. The search walks outward until an interval must hold such a
    point, then narrows it, both by the minimum of the cubic through two points and their slopes. It asks for at most
    `tries` gradients; if none is good enough, it returns the lowest point it has seen, the start included.

    Nocedal & Wright (2006), algorithms 3.5 and 3.6, eq. 3.59, with the safeguards of Schmidt's minFunc as PyTorch's
    LBFGS has them: an expansion is 1 to 10 times as far, and a trial that comes within a tenth of the interval's end
    twice moves to that tenth. PyTorch ends at an interval shorter than 1e-9 in its largest component; here `tolerance`.
    """

    decrease: Positive = 1e-4
    curvature: Positive = 0.9
    tries: Count = 25
    tolerance: Positive = 1e-9

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.decrease < self.curvature < 1:
            raise HyperparameterError("curvature", self.curvature, f"between decrease = {self.decrease} and 1")

    def step(self, at: Evaluation, state: SearchState, objective: Any, d: Array, first: float, out: Array) -> Point:
        """Write α d into `out`, move `state` on and return the point found. α is 0 where d does not go down."""
        line = Line(objective, at, d)
        found = self.search(line, first) if line.start.slope < 0 else line.start
        out.fill(0)
        if found.alpha:  # 0 · d is NaN where d holds ∞: a search that found nothing stays where it is
            np.multiply(d, found.alpha, out=out)
        state.ahead, state.resting = found.loss, not found.alpha
        state.gradients += 1 + line.evaluations
        state.pace.next(at.loss)
        state.pace.learning_rate = found.alpha
        return found

    def search(self, line: Line, first: float) -> Point:
        """The point found, beginning with α = `first`."""
        low, high, done = self._bracket(line, first)
        found = low if done else self._zoom(line, low, high)
        return found if found.loss <= line.start.loss else line.start

    def _low_enough(self, line: Line, p: Point) -> bool:
        return p.loss <= line.start.loss + self.decrease * p.alpha * line.start.slope

    def _flat_enough(self, line: Line, p: Point) -> bool:
        return abs(p.slope) <= -self.curvature * line.start.slope

    def _bracket(self, line: Line, first: float) -> tuple[Point, Point, bool]:
        """Algorithm 3.5: two points with an acceptable one between them, or an acceptable one itself."""
        before, now = line.start, line.look(first)
        while True:
            first_try = line.evaluations <= 2  # so in minFunc; the book compares from the second on
            if not self._low_enough(line, now) or (not first_try and now.loss >= before.loss):
                return before, now, False
            if self._flat_enough(line, now):
                return now, now, True
            if now.slope >= 0:
                return before, now, False
            if line.evaluations >= self.tries:
                return now, now, True
            nearest, furthest = now.alpha + 0.01 * (now.alpha - before.alpha), 10 * now.alpha
            before, now = now, line.look(minimise_cubic(before, now, nearest, furthest))

    def _zoom(self, line: Line, a: Point, b: Point) -> Point:
        """Algorithm 3.6: narrow the interval between two points; the lower of them is always the better known."""
        low, high = (a, b) if a.loss <= b.loss else (b, a)
        near_end = False
        width = float(np.abs(line.direction).max())
        while line.evaluations < self.tries and abs(high.alpha - low.alpha) * width >= self.tolerance:
            alpha, near_end = _choose_between(low, high, near_end)
            now = line.look(alpha)
            if not self._low_enough(line, now) or now.loss >= low.loss:
                low, high = (low, now) if low.loss <= now.loss else (now, low)
                continue
            if self._flat_enough(line, now):
                return now
            if now.slope * (high.alpha - low.alpha) >= 0:
                high = low
            low = now
        return low


def _choose_between(low: Point, high: Point, near_end: bool) -> tuple[float, bool]:
    """The next α to try between two points, and whether it came too near to one of them."""
    left, right = sorted((low.alpha, high.alpha))
    alpha, tenth = minimise_cubic(low, high, left, right), 0.1 * (right - left)
    if min(right - alpha, alpha - left) >= tenth:
        return alpha, False
    if near_end or alpha >= right or alpha <= left:
        return (right - tenth if right - alpha < alpha - left else left + tenth), False
    return alpha, True


class LineSearching(Searching):
    """A rule that goes along a direction, as far as a search for the strong Wolfe conditions says."""

    decrease: float
    curvature: float
    tries: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self.line_search()

    def line_search(self) -> StrongWolfe:
        """The search with c₁ = `decrease`, c₂ = `curvature`."""
        return StrongWolfe(self.decrease, self.curvature, self.tries)


@dataclass(frozen=True)
class WolfeNumbers(LineSearching):
    """The numbers of a line search. c₁ is `decrease`, c₂ `curvature`; a search asks for at most `tries` gradients."""

    decrease: float = 1e-4
    curvature: float = 0.9
    tries: int = 25


def choose_first(g: Array) -> float:
    """The first α of all: a step that is no longer than 1 in the sum of its components."""
    size = float(np.abs(g).sum())
    if size == inf:
        return 1 / float(np.abs(g).max()) / g.size
    return min(1.0, 1 / size) if size else 1.0


def minimise_cubic(a: Point, b: Point, nearest: float, furthest: float) -> float:
    """Where the cubic through two points and their slopes is lowest, held within two bounds.

        d₁ = L′ₐ + L′_b - 3 (Lₐ - L_b)/(α_a - α_b),   d₂ = √(d₁² - L′ₐ L′_b)
        α = α_b - (α_b - α_a)(L′_b + d₂ - d₁)/(L′_b - L′ₐ + 2 d₂)

    Nocedal & Wright (2006), eq. 3.59. It is the middle of the bounds where the cubic has no minimum, or the two points
    are the same.
    """
    if a.alpha > b.alpha:
        a, b = b, a
    middle = (nearest + furthest) / 2
    if a.alpha == b.alpha or not all(map(isfinite, (a.loss, b.loss, a.slope, b.slope))):
        return middle
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.alpha - b.alpha)
    square = d1 * d1 - a.slope * b.slope
    if not 0 <= square < inf:
        return middle
    d2 = sqrt(square)
    below = b.slope - a.slope + 2 * d2
    if below == 0:
        return middle
    alpha = b.alpha - (b.alpha - a.alpha) * ((b.slope + d2 - d1) / below)
    return min(max(alpha, nearest), furthest)
