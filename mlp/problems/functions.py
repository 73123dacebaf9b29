"""Functions of a vector that optimizers have been tried on for sixty years. They know no networks.

Each takes θ (*population, n), writes the gradient into `out` and returns the value (*population,). The minimum of each
is 0. A function with a number is as in Moré, Garbow & Hillstrom (1981), "Testing unconstrained optimization software",
the others are as in the source they name. The sources begin at one point; here a seed draws the start from a box. For
Beale's and Rastrigin's functions it is ± 2, which is smaller than the usual ± 4.5 and ± 5.12, and Beale's minimum lies
outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from mlp.arrays import Array, as_array
from mlp.errors import HyperparameterError, check_kind, check_positive
from mlp.optimizers import Evaluation, Optimizer
from mlp.problems.problem import Measures, Problem, Seeds, Target, Update

Formula = Callable[[Array, Array], Any]
Box = Sequence[tuple[float, float]]


def rosenbrock(params: Array, out: Array) -> Any:
    """Σ 100 (x_{i+1} - x_i²)² + (1 - x_i)²: a curved valley with a flat floor. Rosenbrock (1960)."""
    x, y = params[..., :-1], params[..., 1:]
    across, along = y - x * x, 1 - x
    out.fill(0)
    out[..., :-1] = -400 * across * x - 2 * along
    out[..., 1:] += 200 * across
    return (100 * across * across + along * along).sum(-1)


def beale(params: Array, out: Array) -> Any:
    """Σ (c_i - x (1 - yⁱ))², c = 1.5, 2.25, 2.625: flat far from its minimum (3, ½). Number 5; Beale (1958)."""
    x, y = params[..., :1], params[..., 1:]
    i = np.arange(1, 4)
    r = np.array([1.5, 2.25, 2.625]) - x * (1 - y**i)
    out[..., 0] = (-2 * r * (1 - y**i)).sum(-1)
    out[..., 1] = (2 * r * x * i * y ** (i - 1)).sum(-1)
    return (r * r).sum(-1)


def branin(params: Array, out: Array) -> Any:
    """(y - b x² + c x - 6)² + 10 (1 - 1/8π) cos x + 10 - 0.397887: three minima of equal depth. Branin (1972)."""
    x, y = params[..., 0], params[..., 1]
    b, c, s = 5.1 / (4 * np.pi**2), 5 / np.pi, 10 * (1 - 1 / (8 * np.pi))
    r = y - b * x * x + c * x - 6
    out[..., 0] = 2 * r * (c - 2 * b * x) - s * np.sin(x)
    out[..., 1] = 2 * r
    return r * r + s * np.cos(x) + 10 - 10 / (8 * np.pi)  # at the minima r = 0 and cos x = -1


def himmelblau(params: Array, out: Array) -> Any:
    """(x² + y - 11)² + (x + y² - 7)²: four minima, a maximum between them. Himmelblau (1972)."""
    x, y = params[..., 0], params[..., 1]
    a, b = x * x + y - 11, x + y * y - 7
    out[..., 0] = 4 * x * a + 2 * b
    out[..., 1] = 2 * a + 4 * y * b
    return a * a + b * b


def powell(params: Array, out: Array) -> Any:
    """(x₁ + 10 x₂)² + 5 (x₃ - x₄)² + (x₂ - 2 x₃)⁴ + 10 (x₁ - x₄)⁴: its Hessian is singular at 0. Number 13."""
    x1, x2, x3, x4 = (params[..., i] for i in range(4))
    a, b, c, d = x1 + 10 * x2, x3 - x4, x2 - 2 * x3, x1 - x4
    out[..., 0] = 2 * a + 40 * d**3
    out[..., 1] = 20 * a + 4 * c**3
    out[..., 2] = 10 * b - 8 * c**3
    out[..., 3] = -10 * b - 40 * d**3
    return a**2 + 5 * b**2 + c**4 + 10 * d**4


def rastrigin(params: Array, out: Array) -> Any:
    """Σ x² - 10 cos 2πx + 10: a minimum near every whole number, the lowest at 0. Rastrigin (1974)."""
    turn = 2 * np.pi * params
    out[...] = 2 * params + 20 * np.pi * np.sin(turn)
    return (params * params - 10 * np.cos(turn) + 10).sum(-1)


@dataclass(frozen=True)
class Function:
    """A formula as an objective."""

    formula: Formula

    def value(self, params: Array) -> Any:
        """f(params)."""
        return self.formula(params, np.empty_like(params))

    def value_and_grad(self, params: Array, out: Array) -> Any:
        """Write the gradient into `out`; return f(params)."""
        return self.formula(params, out)


class FunctionDescent:
    """A descent on objectives, one for each update; they are all the same one unless there is noise."""

    def __init__(self, params: Array, objectives: Iterator[Any], measure: Callable[[Array], Measures]) -> None:
        self.params, self._objectives, self.measure = params, objectives, measure

    def steps(self, rule: Optimizer) -> Iterator[Update]:
        """θ ← θ + u."""
        params, grad, out = self.params, np.empty_like(self.params), np.empty_like(self.params)
        state = rule.init(params)
        for objective in self._objectives:
            loss = objective.value_and_grad(params, grad)
            rule.update(Evaluation(params, loss, grad, objective), state, out)
            params += out
            yield Update(state, loss)


def draw_start(box: Box, seeds: Seeds) -> Array:
    """A point of the box for each seed."""
    low, high = np.transpose(box)
    if isinstance(seeds, int):
        return np.asarray(np.random.default_rng(seeds).uniform(low, high))
    return np.array([draw_start(box, seed) for seed in seeds])


def _begin_function(formula: Formula, box: Box, seeds: Seeds, order: int, full_batch: bool) -> FunctionDescent:
    function, start = Function(formula), draw_start(box, seeds)
    return FunctionDescent(start, repeat(function), lambda params: {"train_loss": function.value(params)})


def _check_box(box: Any) -> None:
    """Refuse what is not a pair of bounds for each number."""
    bounds = as_array("box", box)
    if bounds.ndim != 2 or bounds.shape[1] != 2 or bounds.dtype.kind not in "iuf":
        raise HyperparameterError("box", box, "a pair (low, high) for each number: [(-1, 1)] * 2")
    if not (bounds[:, 0] < bounds[:, 1]).all():
        raise HyperparameterError("box", box, "pairs whose first number is the lower one: [(-1, 1)] * 2")


def function_problem(
    name: str, formula: Formula, box: Box, description: str = "", source: str = "", solved: float = 1e-6
) -> Problem:
    """A function of a vector as a problem. It counts as solved where its value is at most `solved`.

    `formula(params, out)` writes the gradient at `params` (*population, n) into `out` and returns the values
    (*population,). A seed draws the start from `box`, which has a pair (low, high) for each of the n numbers.
    """
    for what, text in {"name": name, "description": description, "source": source}.items():
        check_kind(what, text, str, "text")
    if not callable(formula):
        raise HyperparameterError("formula", formula, "a function of params and out")
    check_positive("solved", solved)
    _check_box(box)
    begin = partial(_begin_function, formula, box)
    return Problem(name, description, source, begin, epochs=2000, target=Target("train_loss", solved), every=5)


FUNCTIONS = (
    function_problem("rosenbrock", rosenbrock, [(-2, 2)] * 2, "a curved valley with a flat floor", "Rosenbrock (1960)"),
    function_problem("rosenbrock-10", rosenbrock, [(-2, 2)] * 10, "the same in ten dimensions", "Rosenbrock (1960)"),
    function_problem("beale", beale, [(-2, 2)] * 2, "flat far from its minimum", "Beale (1958)"),
    function_problem("branin", branin, [(-5, 10), (0, 15)], "three minima of equal depth", "Branin (1972)"),
    function_problem("himmelblau", himmelblau, [(-5, 5)] * 2, "four minima and a maximum", "Himmelblau (1972)"),
    function_problem("powell", powell, [(-4, 5)] * 4, "a minimum with a singular Hessian", "Powell (1962)"),
    function_problem("rastrigin", rastrigin, [(-2, 2)] * 2, "a minimum near every whole number", "Rastrigin (1974)"),
)
