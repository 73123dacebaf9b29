"""Short twins that decide between the leading causes of a run that came to nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from histories import typed

import mlp
from mlp.diagnosis.causes import suspicions
from mlp.diagnosis.counterfactuals import AS_IT_IS, MEASURABLE
from mlp.diagnosis.reading import Reading
from mlp.experiment import begin
from mlp.experiment.counterfactual import LEAST, SHARE, UPDATE, affordable_steps

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 5, 400)
ANGLE = 2 * np.pi * np.array([0, 3, 1, 4, 2])[Y] / 5
X = np.column_stack([3 * np.cos(ANGLE), 3 * np.sin(ANGLE)]) + RNG.standard_normal((400, 2))
SLOW_TOWER = {
    "network": {"activation": "sigmoid", "hidden": [12] * 5},
    "optimizer": {"name": "sgd", "learning_rate": 0.02},
    "training": {"epochs": 20},
}


def names(r: Reading) -> list[str]:
    return [suspicion.cause.name for suspicion in suspicions(r)]


def history(scores: dict[str, float] | None) -> Reading:
    """A rate that is too high, and inputs that nothing scaled, and what twins came to."""
    columns: dict[str, Any] = {
        "loss": [2.0] * 40,
        "settings": {"learning_rate": 1.0, "usual_rate": 0.1, "dropout": 0.85},
    }
    if scores is not None:
        columns |= {"counterfactuals": scores, "counterfactual_steps": [200.0]}
    return Reading(typed(**columns))


def test_a_cause_whose_remedy_does_nothing_comes_after_one_whose_remedy_helps() -> None:
    before = names(history(None))
    assert before[:2] == ["dropout_too_high", "learning_rate_too_high"]
    found = history({AS_IT_IS: 0.2, "dropout_too_high": 0.23, "learning_rate_too_high": 0.9})
    assert names(found)[:2] == ["learning_rate_too_high", "dropout_too_high"]
    first, second, *_ = suspicions(found)
    assert first.weight >= second.weight
    assert first.cause.why.endswith(
        "with the remedy the mean recall of the classes after 200 steps is 0.900 instead of 0.200"
    )
    assert "0.230 instead of 0.200" in second.cause.why


@pytest.mark.parametrize(
    "scores",
    [
        {AS_IT_IS: 0.2, "dropout_too_high": 0.9, "learning_rate_too_high": 0.92},  # both help
        {AS_IT_IS: 0.2, "dropout_too_high": 0.45, "learning_rate_too_high": 0.92},  # a rate helps many a fault
        {AS_IT_IS: 0.2, "dropout_too_high": 0.2, "learning_rate_too_high": 0.28},  # neither does
        {AS_IT_IS: 0.9, "dropout_too_high": 0.5, "learning_rate_too_high": 0.95},
    ],
)
def test_what_twins_do_not_decide_stays_in_its_order(scores: dict[str, float]) -> None:
    assert names(history(scores))[:2] == names(history(None))[:2]


def test_a_run_that_comes_to_nothing_is_told_what_its_remedies_would_do() -> None:
    """And stays what it is, bit for bit."""
    found = mlp.run(SLOW_TOWER, (X, Y))
    plain = mlp.run({**SLOW_TOWER, "record": {"baseline": "never", "probe": "never"}}, (X, Y))
    assert np.array_equal(found.network.params, plain.network.params)
    assert "counterfactuals" not in plain.history
    measured = dict(zip(found.history.labels("counterfactuals"), found.history["counterfactuals"][-1], strict=True))
    assert (
        measured["saturating_activations"] > 0.6 > 0.4 > measured[AS_IT_IS] and set(measured) - {AS_IT_IS} <= MEASURABLE
    )
    first = next(finding for finding in found.findings if finding.severity != "info").causes[0]
    assert first.name == "saturating_activations" and "; measured: with the remedy the mean recall" in first.why


def test_a_healthy_run_has_no_twins() -> None:
    assert "counterfactuals" not in mlp.run({"training": {"epochs": 20}}, (X, Y)).history


@pytest.mark.parametrize("epochs", [2, 200])
def test_twins_take_a_quarter_of_the_work_of_a_run(epochs: int) -> None:
    setup, state = begin({**SLOW_TOWER, "training": {"epochs": epochs}}, (X, Y))
    state.steps = setup.n_steps
    a_step = setup.layout.size * (32 + UPDATE)
    for twins in (3, 4):
        steps = affordable_steps(setup, state, twins)
        assert steps * twins * a_step <= max(SHARE * setup.n_steps * a_step, LEAST) and steps <= setup.n_steps


def test_a_place_to_rest_comes_after_the_cause_that_led_there() -> None:
    """Softmax units inside: the run rests near a saddle, and other activations are what helps."""
    scores = {AS_IT_IS: 0.3, "saturating_activations": 0.95}
    looked = {"point_kind": {"saddle": 1.0}, "point_layers": {"dense1": 0.0}, "point_least": [-1.0]}
    flat = {"initial_saturated_fraction": {"sigmoid1": 0.9}, "loss": [1.0] * 40, **looked}
    before = names(Reading(typed(**flat)))
    assert before[:2] == ["saddle_point", "saturating_activations"]
    after = names(Reading(typed(**flat, counterfactuals=scores, counterfactual_steps=[100.0])))
    assert after[:2] == ["saturating_activations", "saddle_point"]
