"""Quasi-Newton rules: the curvature, learned from how the gradient changes from step to step.

Each keeps an approximation H of the inverse Hessian that maps the last change of the gradient, y, to the step that made
it, s: H y = s, the secant equation. They go along d = -H g as far as a line search says. For full batches, one network
at a time: between two batches y says more about the batches than about the curvature.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.hyperparameters import Count, Positive
from mlp.optimizers.conjugate_gradients import divide
from mlp.optimizers.line_search import LineSearching, Point, WolfeNumbers, choose_first
from mlp.optimizers.optimizer import Evaluation
from mlp.optimizers.search import SearchState


@dataclass(kw_only=True)
class SecantState(SearchState):
    """`s`: the latest step. `grad`: the gradient before it. `d`: the direction."""

    s: Array
    grad: Array
    d: Array


def is_curved(s: Array, y: Array) -> bool:
    """Whether the loss was convex along s, as H needs it: s·y > 0 by more than rounding."""
    product = float(s @ y)
    return product > 0 and product > float(np.finfo(s.dtype).eps) * sqrt(s @ s) * sqrt(y @ y)


@dataclass(kw_only=True)
class BFGSState(SecantState):
    """`h`: H, the inverse Hessian as far as it is known, (P, P). `learned`: from how many pairs."""

    h: Array
    learned: int = 0


@dataclass(frozen=True)
class BFGS(WolfeNumbers):
    """The inverse Hessian, updated at every step.

        d = -H g,   u = α d
        H ← (I - ρ s yᵀ) H (I - ρ y sᵀ) + ρ s sᵀ,   ρ = 1/(y·s)

    s is the latest step, y the change of the gradient along it. α meets the strong Wolfe conditions with c₁ =
    `decrease` and c₂ = `curvature`, α = 1 tried first. H starts as I and becomes (s·y / y·y) I before its
    first update. Memory P²: for small networks.

    Broyden, Fletcher, Goldfarb, Shanno (1970); Nocedal & Wright (2006), algorithm 6.1 with eq. 6.17 and 6.20. SciPy's
    BFGS does not scale the first H. MATLAB's trainbfg. It forgets what it learned about another objective: see
    `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(BFGS(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "bfgs", BFGSState

    def begin(self, params: Array) -> dict[str, Any]:
        """H = I."""
        return {"h": np.eye(params.shape[-1], dtype=params.dtype)}

    def update(self, at: Evaluation, state: BFGSState, out: Array) -> None:
        """-α H g."""
        objective = self.ask(at, state, "value_and_grad")
        y = at.grad - state.grad
        if is_curved(state.s, y):
            update_inverse(state.h, state.s, y, fresh=not state.learned)
            state.learned += 1
        np.matmul(state.h, at.grad, out=state.d)
        np.negative(state.d, out=state.d)
        if not step_along(self, at, state, objective, 1.0, out).alpha:
            state.h.fill(0)
            np.fill_diagonal(state.h, 1)  # the next direction is the steepest


def step_along(
    rule: LineSearching, at: Evaluation, state: SecantState, objective: Any, first: float, out: Array
) -> Point:
    """Search along `state.d`, α = `first` first, and remember the step and the gradient before it."""
    first = first if state.s.any() else choose_first(at.grad)
    found = rule.line_search().step(at, state, objective, state.d, first, out)
    np.copyto(state.s, out)
    np.copyto(state.grad, at.grad)
    return found


def update_inverse(h: Array, s: Array, y: Array, *, fresh: bool) -> None:
    """Update `h` by the secant pair s, y; a `fresh` one is scaled first. Nocedal & Wright (2006), eq. 6.17, 6.20."""
    if fresh:
        h *= (s @ y) / (y @ y)
    rho, hy = 1 / (y @ s), h @ y
    h += np.outer(s, s * (rho * rho * (y @ hy) + rho))
    h -= rho * (np.outer(hy, s) + np.outer(s, hy))


@dataclass(kw_only=True)
class LBFGSState(SecantState):
    """`steps`, `changes`: the pairs s and y remembered, (m, P), the latest last. `kept`: how many there are."""

    steps: Array
    changes: Array
    kept: int = 0


@dataclass(frozen=True)
class LBFGS(LineSearching):
    """BFGS with a memory of m pairs instead of a matrix.

        d = -H g,   u = α d
        H: m BFGS updates of (s·y / y·y) I, by the two-loop recursion

    m is `memory`; α as in BFGS.

    Liu & Nocedal (1989); Nocedal & Wright (2006), algorithms 7.4 and 7.5. PyTorch's LBFGS with
    line_search_fn="strong_wolfe", step for step; it keeps 100 pairs, and those of another objective: see `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(LBFGS(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "lbfgs", LBFGSState

    memory: Count = 10
    decrease: float = 1e-4
    curvature: float = 0.9
    tries: int = 25

    def begin(self, params: Array) -> dict[str, Any]:
        """No pair met."""
        return {name: np.zeros((self.memory, params.shape[-1]), params.dtype) for name in ("steps", "changes")}

    def update(self, at: Evaluation, state: LBFGSState, out: Array) -> None:
        """-α H g."""
        objective = self.ask(at, state, "value_and_grad")
        y = at.grad - state.grad
        if is_curved(state.s, y):
            _remember(state, y)
        np.negative(at.grad, out=state.d)
        apply_pairs(state.steps[self.memory - state.kept :], state.changes[self.memory - state.kept :], state.d)
        if not step_along(self, at, state, objective, 1.0, out).alpha:
            state.kept = 0


def _remember(state: LBFGSState, y: Array) -> None:
    """Put the pair s, y last; the first falls out."""
    for rows, new in ((state.steps, state.s), (state.changes, y)):
        rows[:-1] = rows[1:]
        rows[-1] = new
    state.kept = min(state.kept + 1, len(state.steps))


def apply_pairs(steps: Array, changes: Array, d: Array) -> None:
    """d ← H d by the pairs in the rows of `steps` and `changes`: Nocedal & Wright (2006), algorithm 7.4."""
    shares = []
    for s, y in zip(reversed(steps), reversed(changes), strict=True):
        shares.append((s @ d) / (y @ s))
        d -= shares[-1] * y
    if len(steps):
        d *= (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for s, y in zip(steps, changes, strict=True):
        d += (shares.pop() - (y @ d) / (y @ s)) * s


@dataclass(frozen=True)
class OneStepSecant(WolfeNumbers):
    """BFGS that forgets everything but the latest step, between conjugate gradients and quasi-Newton.

        d = -g + A s + B y,   B = s·g / s·y,   A = -(1 + y·y / s·y) B + y·g / s·y
        u = α d

    s is the latest step, y the change of the gradient along it. No matrix: H is one BFGS update of I. α meets the
    strong Wolfe conditions with c₁ = `decrease` and c₂ = `curvature`; the first to be tried is the latest one.

    Battiti (1992), eq. 3.6-3.8. MATLAB's trainoss. It forgets what it learned about another objective: see `search`.

    >>> from mlp.optimizers.bowl import follow
    >>> bool(abs(follow(OneStepSecant(), [8.0, 4.0], 20)[-1]).max() < 1e-3)
    True
    """

    name, keeps = "one_step_secant", SecantState

    curvature: float = 0.1
    shortest: Positive = 1e-12

    def update(self, at: Evaluation, state: SecantState, out: Array) -> None:
        """α d."""
        objective = self.ask(at, state, "value_and_grad")
        g, s, y = at.grad, state.s, at.grad - state.grad
        np.negative(g, out=state.d)
        if is_curved(s, y):
            b = (s @ g) / (s @ y)
            a = divide(y @ g, s @ y) - (1 + (y @ y) / (s @ y)) * b
            state.d += a * s + b * y
        if not step_along(self, at, state, objective, max(state.learning_rate, self.shortest), out).alpha:
            state.pace.learning_rate = choose_first(g)
