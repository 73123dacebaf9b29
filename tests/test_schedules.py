"""Schedules: learning rates by worked numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import SCHEDULES

import mlp
from mlp import schedules

EVERY = pytest.mark.parametrize("name", SCHEDULES)


def rates(schedule: Any, losses: Any) -> list[float]:
    """The learning rate of each update, for the losses met."""
    memory = schedule.init()
    return [schedule.rate(t, loss, memory) for t, loss in enumerate(losses)]


@EVERY
def test_rates_are_finite_and_never_negative(name: str) -> None:
    found = rates(SCHEDULES[name], np.ones(200))
    assert np.isfinite(found).all()
    assert min(found) >= 0


@EVERY
def test_two_runs_of_one_schedule_do_not_share_a_memory(name: str) -> None:
    assert rates(SCHEDULES[name], np.ones(50)) == rates(SCHEDULES[name], np.ones(50))


@EVERY
def test_the_state_shows_the_rate_of_the_latest_update(name: str) -> None:
    rule = mlp.SGD(SCHEDULES[name])
    params, out = np.zeros(1), np.empty(1)
    state = rule.init(params)
    expected = rates(SCHEDULES[name], np.ones(20))
    for t in range(20):
        rule.update(mlp.Evaluation(params, 1.0, np.ones(1)), state, out)
        assert state.learning_rate == expected[t] == -out[0]
        assert state.t == t + 1


@EVERY
def test_a_schedule_is_a_value_that_can_be_compared_and_printed(name: str) -> None:
    assert eval(repr(SCHEDULES[name]), vars(schedules)) == SCHEDULES[name]


TORCH = {
    "step_decay": mlp.StepDecay(0.1, every=10),
    "multi_step": mlp.MultiStep(0.1, [10, 15]),
    "exponential": mlp.Exponential(0.1, every=10),
    "polynomial": mlp.Polynomial(0.1, steps=30, power=2.0),
    "cosine_restarts": mlp.CosineRestarts(0.1, steps=10, final=0.01),
    "one_cycle": mlp.OneCycle(0.1, steps=40),
    "triangular": mlp.Triangular(0.1, steps=7),
    "triangular2": mlp.Triangular(0.1, steps=7, factor=0.5),
}


@pytest.mark.parametrize("name", TORCH)
def test_a_schedule_is_that_of_torch(name: str) -> None:
    reference = np.load(Path(__file__).parent / "reference" / "optimizers.npz")[f"schedule/{name}"]
    np.testing.assert_allclose(rates(TORCH[name], np.ones(40)), reference, rtol=1e-10, atol=1e-15)


def test_step_decay_by_worked_numbers() -> None:
    found = rates(mlp.StepDecay(0.8, every=2, factor=0.5), range(6))
    assert found == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]


def test_exponential_passes_through_the_steps_of_step_decay() -> None:
    found = rates(mlp.Exponential(0.8, every=2, factor=0.25), range(5))
    np.testing.assert_allclose(found, [0.8, 0.4, 0.2, 0.1, 0.05], rtol=1e-15)  # one power


def test_cosine_by_worked_numbers() -> None:
    """From 1 to 0.2: cos 0 = 1, cos ⅓π = ½, cos ½π = 0, cos ⅔π = -½, cos π = -1, and there it stays."""
    found = np.array(rates(mlp.Cosine(1.0, steps=6, final=0.2), range(9)))[[0, 2, 3, 4, 6, 8]]
    np.testing.assert_allclose(found, [1, 0.8, 0.6, 0.4, 0.2, 0.2], rtol=1e-15)  # one cosine


def test_multi_step_falls_at_its_updates() -> None:
    assert rates(mlp.MultiStep(0.8, (2, 3), factor=0.5), range(5)) == [0.8, 0.8, 0.4, 0.2, 0.2]


def test_inverse_time_by_worked_numbers() -> None:
    """1/(1 + t/2): halved after 2 updates, a third after 4; its root at power ½."""
    np.testing.assert_allclose(rates(mlp.InverseTime(1.0, every=2), range(5))[::2], [1, 1 / 2, 1 / 3], rtol=1e-15)
    np.testing.assert_allclose(rates(mlp.InverseTime(1.0, every=1, power=0.5), range(4))[3], 0.5, rtol=1e-15)


def test_polynomial_of_power_1_is_a_straight_line_to_its_end() -> None:
    found = rates(mlp.Polynomial(1.0, steps=4, final=0.2), range(7))
    np.testing.assert_allclose(found, [1, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2], rtol=1e-15)


def test_one_cycle_stays_at_its_end() -> None:
    assert rates(mlp.OneCycle(1.0, steps=10, final=0.5), range(20))[9:] == [0.5] * 11


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_one_cycle_of_hardly_any_steps_has_rates_all_the_same(steps: int) -> None:
    found = rates(mlp.OneCycle(1.0, steps=steps), range(5))
    assert max(found) <= 1 and min(found) > 0


def test_warm_up_climbs_in_a_straight_line_to_the_rate_itself() -> None:
    np.testing.assert_allclose(rates(mlp.WarmUp(0.4, steps=4), range(6)), [0.1, 0.2, 0.3, 0.4, 0.4, 0.4], rtol=1e-15)


def test_warm_up_around_cosine_is_their_product() -> None:
    cosine = rates(mlp.Cosine(1.0, steps=10), range(12))
    both = rates(mlp.WarmUp(mlp.Cosine(1.0, steps=10), steps=5), range(12))
    np.testing.assert_allclose(both, [c * min(1, (t + 1) / 5) for t, c in enumerate(cosine)], rtol=1e-15)


def test_warm_up_around_plateau_hands_the_losses_on() -> None:
    inner = mlp.ReduceOnPlateau(1.0, window=1, factor=0.5, patience=1)
    assert rates(mlp.WarmUp(inner, steps=1), np.ones(4)) == rates(inner, np.ones(4)) == [1, 1, 0.5, 0.25]


def test_plateau_waits_for_its_patience() -> None:
    """Windows of two: means 4, 3, 3, 3, 3, judged at t = 2, 4, ...; the third and fourth are no better: ½ from 8."""
    losses = [5, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    found = rates(mlp.ReduceOnPlateau(1.0, window=2, factor=0.5, patience=2), losses)
    assert found == [1, 1, 1, 1, 1, 1, 1, 1, 0.5, 0.5]


def test_plateau_leaves_a_falling_loss_alone() -> None:
    assert set(rates(mlp.ReduceOnPlateau(0.1, window=1, patience=1), 0.9 ** np.arange(100))) == {0.1}


def test_plateau_lets_a_negative_loss_fall_and_stops_one_that_stands() -> None:
    """A Poisson loss may be negative: 'lower by a share of it' must still mean lower."""
    rule = mlp.ReduceOnPlateau(1.0, window=1, factor=0.5, patience=1)
    assert rates(rule, -1.0 - np.arange(5.0)) == [1] * 5
    assert rates(rule, np.full(5, -1.0)) == [1, 1, 0.5, 0.25, 0.125]


def test_plateau_forgets_a_best_that_the_loss_has_leapt_away_from() -> None:
    """Targets 100 times as large: the loss falls, and never comes near the best of before. The rate went to 0."""
    rule = mlp.ReduceOnPlateau(1.0, window=1, factor=0.1, patience=3)
    assert set(rates(rule, [1, 0.5, 0.4, *100 * 0.9 ** np.arange(30)])) == {1}
    assert rates(rule, [0.4, *[100] * 8])[-3:] == [1, 0.1, 0.1]  # forgotten after 3, as it stands slower after 6


def test_plateau_still_slows_a_loss_that_explodes() -> None:
    rule = mlp.ReduceOnPlateau(1.0, window=1, factor=0.1, patience=3)
    for growth in (1.05, 3.0, np.inf):
        losses = np.full(10, np.inf) if growth == np.inf else growth ** np.arange(10.0)
        found = rates(rule, [1, *losses])
        assert found[:4] == [1, 1, 1, 1]
        assert found[-1] < 0.02, growth


def test_plateau_stays_at_or_above_its_minimum() -> None:
    found = rates(mlp.ReduceOnPlateau(0.1, window=1, patience=1, minimum=0.03), np.ones(50))
    assert min(found) == 0.03


def test_plateau_takes_a_loss_that_is_not_a_number_for_no_progress() -> None:
    found = rates(mlp.ReduceOnPlateau(1.0, window=1, factor=0.5, patience=1), [1, np.nan, np.nan, np.nan])
    assert found == [1, 1, 0.5, 0.25]


def test_a_rate_set_by_hand_holds() -> None:
    rule = mlp.SGD(0.1)
    params, out = np.zeros(1), np.empty(1)
    state = rule.init(params)
    state.pace.learning_rate = 0.5
    rule.update(mlp.Evaluation(params, 1.0, np.ones(1)), state, out)
    assert out[0] == -0.5
