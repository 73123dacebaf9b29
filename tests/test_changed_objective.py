"""What a rule remembers is of an objective that may be another at the next step: rows, targets, penalty, dropout."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.optimizers import OPTIMIZERS
from mlp.optimizers.line_search import Point, minimise_cubic

REMEMBERING = sorted(name for name, kind in OPTIMIZERS.items() if kind.full_batch)
PENALISED = {"gauss_newton", "dogleg", "levenberg_marquardt", "bayesian_regularization", "kfac"}  # refuse a penalty


def sine(l2: float = 0.0) -> mlp.Network:
    return mlp.Network(
        [mlp.Dense(1, 6, "nguyen_widrow", l2=l2), mlp.Tanh(), mlp.Dense(6, 1, l2=l2)], rng=0, dtype=np.float32
    )


X = np.linspace(-1, 1, 41, dtype=np.float32)[:, None]
SINE = mlp.as_batch(X, np.sin(np.pi * X))
OTHERS = {
    "targets 30 times as large": mlp.as_batch(X, 30 * np.sin(np.pi * X)),
    "targets a 30th as large": mlp.as_batch(X, np.sin(np.pi * X) / 30),
    "targets elsewhere": mlp.as_batch(X, 100 + np.sin(np.pi * X)),
    "other rows": mlp.as_batch(X[::2] + 1, np.cos(2 * X[::2]) + 1),
    "other weights": mlp.as_batch(X, np.sin(np.pi * X), np.where(X[:, 0] > 0, 10, 0.1).astype(np.float32)),
}


def trained(net: mlp.Network, batch: mlp.Batch, rule: Any, steps: int, state: Any = None) -> tuple[list[float], Any]:
    """The losses met, and the rule's memory."""
    losses = []
    for step in mlp.train(net, [batch] * steps, mlp.SquaredError(), rule, state=state):
        losses.append(float(step.loss))
        state = step.state
    return losses, state


def kept_and_fresh(rule: Any, net: mlp.Network, batch: mlp.Batch, state: Any, steps: int) -> tuple[float, float, float]:
    """The loss at first, and the lowest with the old memory and without one."""
    runs = [trained(net.at(net.params.copy()), batch, rule, steps, memory)[0] for memory in (deepcopy(state), None)]
    return runs[0][0], min(runs[0]), min(runs[1])


@pytest.mark.parametrize("name", REMEMBERING)
def test_a_rule_that_has_converged_learns_something_else_as_well_as_a_fresh_one(name: str) -> None:
    """At the end of the first training radii had shrunk to where float32 loses them, dampings were at their limits,
    the first α of a line search followed from a slope of 1e-10, and the loss remembered could not be met again: after
    2,000 updates eleven rules stood still for ever. Only Rprop's steps need a while, 64 updates from 1e-6 to 0.1."""
    rule, net = OPTIMIZERS[name](), sine()
    _, state = trained(net, SINE, rule, 150)
    for what, batch in OTHERS.items():
        first, kept, fresh = kept_and_fresh(rule, net, batch, state, 150 if "prop" in name else 30)
        assert kept <= 2 * fresh + 0.03 * first, what


@pytest.mark.parametrize("name", sorted(set(REMEMBERING) - PENALISED))
def test_a_penalty_that_comes_later_is_minimised_too(name: str) -> None:
    rule, net = OPTIMIZERS[name](), sine()
    _, state = trained(net, SINE, rule, 60)
    penalised = sine(l2=0.02)
    penalised.params = net.params
    first, kept, fresh = kept_and_fresh(rule, penalised, SINE, state, 150 if "prop" in name else 30)
    assert kept < 0.95 * first
    assert kept <= 2 * fresh + 0.03 * first


@pytest.mark.parametrize("name", ["trust_region", "dogleg", "hessian_free", "scaled_conjugate_gradient", "kfac"])
def test_radii_and_dampings_stay_numbers_long_after_there_is_anything_to_gain(name: str) -> None:
    """Δ became Δ/4 at every step that was refused, until Δ² was 0 and a division by it an error; λ became ∞."""
    losses, state = trained(sine(), SINE, OPTIMIZERS[name](), 500)
    assert min(losses) == losses[-1]
    assert 1e-30 <= getattr(state, "radius", 1.0) <= 1e3
    assert 1e-20 <= getattr(state, "damping", 1.0) <= 1e20


# how a search knows


class Moving:
    """½ Σ c (θ - m)² + offset, which somebody changes: c is `scale`."""

    def __init__(self, scale: Any = 1.0) -> None:
        self.minimum, self.scale, self.offset, self.asked = 1.0, scale, 0.0, 0

    def value(self, params: np.ndarray) -> Any:
        self.asked += 1
        return 0.5 * (self.scale * (params - self.minimum) ** 2).sum(-1) + self.offset

    def value_and_grad(self, params: np.ndarray, out: np.ndarray) -> Any:
        out[...] = self.scale * (params - self.minimum)
        return self.value(params)


def update(rule: Any, params: np.ndarray, state: Any, objective: Any, *, tell: bool = True) -> None:
    """One update; `tell`: the rule may ask."""
    grad, out = np.empty_like(params), np.empty_like(params)
    loss = objective.value_and_grad(params, grad)
    rule.update(mlp.Evaluation(params, loss, grad, objective if tell else None), state, out)
    params += out


def test_a_search_begins_anew_where_the_loss_is_not_the_one_it_measured() -> None:
    """30 times as much is another objective. Less may be dropout, through which old pairs are worth keeping."""
    rule, params, objective = mlp.LBFGS(curvature=0.1), np.zeros(6), Moving(np.array([1.0, 2, 4, 9, 20, 50]))
    state, kept = rule.init(params), []
    for objective.offset in (1e3, 1e3, 2e4, 1e6, 1e6, 5e4, 1e3, -1e3):
        update(rule, params, state, objective)
        kept.append(state.kept)
        assert state.ahead == pytest.approx(objective.value(params))
    assert kept == [0, 1, 2, 0, 1, 2, 0, 0]


def test_a_search_at_rest_begins_anew_at_any_other_loss() -> None:
    rule, params, objective = mlp.TrustRegion(), np.ones(3), Moving()
    objective.hvp = lambda v, out: np.copyto(out, v)  # type: ignore[attr-defined]
    objective.offset = 1.0
    state = rule.init(params)
    update(rule, params, state, objective)
    assert state.resting
    state.radius = 1e-12  # as after many refusals
    objective.minimum, objective.offset = 1.05, 1.0
    update(rule, params, state, objective)
    np.testing.assert_allclose(params, 1.05, rtol=1e-12)
    assert state.radius == 1.0
    assert state.gradients == state.t + state.products == 3  # counts go on


def test_a_search_that_goes_on_with_its_objective_forgets_nothing() -> None:
    """In float32, with rows in another order at every step: the sums differ by rounding only."""
    rng = np.random.default_rng(0)
    net, rule, state = sine(), mlp.LBFGS(memory=10), None
    for step in range(40):
        rows = rng.permutation(41)
        _, state = trained(net, mlp.as_batch(X[rows], np.sin(np.pi * X[rows])), rule, 1, state)
        assert state.kept == min(step, 10) or step == 0


def test_factors_begin_anew_with_the_rest() -> None:
    """K-FAC's running means would have counted the steps before, and met an empty list."""
    rule, net = mlp.KFAC(), sine()
    _, state = trained(net, SINE, rule, 5)
    trained(net, OTHERS["targets 30 times as large"], rule, 2, state)
    assert state.met == 2
    assert state.t == 7


# BoldDriver


def test_bold_driver_goes_on_with_portions_of_rows() -> None:
    """Each portion has a loss of its own; it kept the lowest, took every step back, and its rate went to 1e-57."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(600, 3))
    y = np.sin(rows[:, 0]) + rows[:, 1] * rows[:, 2]
    model = mlp.MLPRegressor(hidden=16, random_state=0, optimizer="bold_driver", batch_size="full")
    for start in [*range(0, 600, 100)] * 15:
        model.partial_fit(rows[start : start + 100], y[start : start + 100])
    assert model.score(rows, y) > 0.5
    assert model._trained.memory.learning_rate > 1e-3


def test_bold_driver_learns_through_dropout() -> None:
    """Every step meets another mask, so a loss that was low by chance is never met again."""
    net = mlp.Network([mlp.Dense(1, 16), mlp.Tanh(), mlp.Dropout(0.3), mlp.Dense(16, 1)], rng=0)
    losses, state = trained(net, mlp.as_batch(X.astype(float), np.sin(np.pi * X)), mlp.BoldDriver(), 300)
    assert np.mean(losses[-50:]) < 0.5 * losses[0]
    assert state.learning_rate > 1e-3


def test_bold_driver_asks_only_where_the_gradient_does_not_explain_the_rise() -> None:
    """Along a parabola it always does: one objective costs no evaluation."""
    rule, params, objective = mlp.BoldDriver(3.0), np.zeros(2), Moving()
    state = rule.init(params)
    for _ in range(60):
        update(rule, params, state, objective)
    assert state.rejected.item() > 3
    assert objective.asked == 60


def test_bold_driver_goes_on_from_where_it_is_when_the_objective_has_changed() -> None:
    """The step itself was no mistake, so the rate stays; the old point and its gradient are no more."""
    rule, params, objective = mlp.BoldDriver(0.1), np.zeros(2), Moving()
    state = rule.init(params)
    update(rule, params, state, objective)
    objective.offset = 100.0
    here = params.copy()
    update(rule, params, state, objective)
    np.testing.assert_array_equal(state.base, here)
    assert state.rejected == 0
    np.testing.assert_allclose(params - here, 0.105 * (1 - here), rtol=1e-12)  # it fell, as it is now: 5 % faster


def test_bold_driver_slows_down_where_the_step_was_too_long_for_the_new_objective() -> None:
    rule, params, objective = mlp.BoldDriver(1.0), np.zeros(2), Moving()
    state = rule.init(params)
    update(rule, params, state, objective)  # to the minimum at 1
    objective.minimum, objective.offset = -3.0, 50.0
    update(rule, params, state, objective)
    np.testing.assert_allclose(params, 1 - 0.7 * 4)


def test_bold_driver_that_nobody_answers_forgets_after_20_steps_taken_back() -> None:
    rule, params, objective = mlp.BoldDriver(0.1), np.zeros(2), Moving()
    state = rule.init(params)
    for t in range(60):
        objective.offset = 100.0 if t else 0.0
        update(rule, params, state, objective, tell=False)
    assert state.rejected == 20
    assert 0.1 * 0.7**20 < state.learning_rate < 0.1
    assert state.loss > 100


def test_bold_driver_asks_for_all_members_and_believes_each_its_own() -> None:
    rule, objective = mlp.BoldDriver(0.1), Moving()
    params = np.zeros((3, 2))
    state = rule.init(params)
    objective.offset = np.zeros(3)
    update(rule, params, state, objective)
    objective.offset = np.array([0, 100.0, 0])
    params[2] = 9.0  # somebody moves it far up, and its step is taken back
    update(rule, params, state, objective)
    assert state.rejected.ravel().tolist() == [0, 0, 1]
    np.testing.assert_allclose(state.rate.ravel(), [0.105, 0.105, 0.07], rtol=1e-12)


# a line search between points that are one


def test_the_cubic_through_one_point_twice_is_lowest_in_the_middle() -> None:
    """Two αs of 0 were a ZeroDivisionError, in the step after one whose gradient was exactly 0."""
    point = Point(0.5, 1.0, -1.0, np.ones(1))
    assert minimise_cubic(point, point, 0.0, 3.0) == 1.5


@pytest.mark.parametrize("kind", [mlp.FletcherReeves, mlp.PolakRibiere, mlp.HestenesStiefel, mlp.PowellBeale])
def test_conjugate_gradients_find_a_length_where_the_step_before_says_none(kind: Any) -> None:
    rule, params, objective = kind(), np.zeros(2), Moving()
    state = rule.init(params)
    objective.scale = 0.0
    update(rule, params, state, objective)
    objective.scale = 1.0
    update(rule, params, state, objective)
    assert objective.value(params) < 0.5
