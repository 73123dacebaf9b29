"""Rules that keep an average answer with it: in what is measured, what is kept, and what is saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.errors import ConfigError
from mlp.experiment import begin, epochs, finish, initial_state, watch_epochs
from mlp.optimizers.moving_averages import find_average

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((60, 4)), RNG.integers(0, 3, 60)


def config(**optimizer: Any) -> dict[str, Any]:
    return {
        "optimizer": {"name": "sgd", "learning_rate": 0.3} | optimizer,
        "network": {"hidden": [5]},
        "training": {"epochs": 4, "batch_size": 10},
        "record": {"probe": "never"},
    }


AVERAGING = {
    "averaged_sgd": config(name="averaged_sgd"),
    "schedule_free_sgd": config(name="schedule_free_sgd"),
    "schedule_free_adamw": config(name="schedule_free_adamw", learning_rate=0.01),
    "moving": config(average=0.9),
    "clipped": config(name="averaged_sgd", clip_norm=0.5),
}


@pytest.mark.parametrize("name", AVERAGING)
def test_the_network_of_a_run_is_where_the_average_is(name: str) -> None:
    setup, state = begin(AVERAGING[name], (X, Y))
    list(watch_epochs(setup, state))
    run = finish(setup, state)
    mean = find_average(state.memory)
    assert mean is not None and not np.array_equal(mean, state.network.params)
    np.testing.assert_array_equal(run.network.params, mean)


def test_what_is_measured_after_an_epoch_is_the_average() -> None:
    setup, state = begin(AVERAGING["moving"], (X, Y))
    for epoch in watch_epochs(setup, state):
        mean = find_average(state.memory)
        assert mean is not None and setup.prepared.validation is not None
        there = mlp.predict(state.network.at(mean), setup.prepared.validation.X)
        right = there.argmax(-1) == setup.prepared.validation.y
        assert epoch.validation["accuracy"] == pytest.approx(right.mean())


def test_a_moving_average_is_the_definition_worked_out_beside_plain_training() -> None:
    """θ̄ ← 0.9 θ̄ + 0.1 θ from the first θ on; the training itself stays as it is."""
    params = mlp.Instrument("params", lambda step: step.network.params.copy(), labels=_numbered)
    setup = replace(begin(config(), (X, Y))[0], instruments=(params,))
    state = initial_state(setup)
    list(epochs(setup, state))
    places = state.history["params"]
    mean = places[0]
    for place in places[1:]:
        mean = 0.9 * mean + 0.1 * place
    run = mlp.run(config(average=0.9), (X, Y))
    np.testing.assert_allclose(run.network.params, mean, rtol=1e-4, atol=1e-6)  # in float32


def _numbered(step: mlp.Step) -> tuple[str, ...]:
    return tuple(map(str, range(step.network.params.size)))


@pytest.mark.parametrize("name", AVERAGING)
def test_early_stopping_brings_back_the_best_average(name: str) -> None:
    given = AVERAGING[name] | {"training": {"epochs": 30, "batch_size": 10, "early_stopping": {"patience": 2}}}
    run = mlp.run(given, (X, Y))
    assert run.metrics["validation_loss"] == pytest.approx(float(run.history["validation_loss"].min()), rel=1e-6)


def test_a_run_that_is_read_again_answers_the_same(tmp_path: Path) -> None:
    run = mlp.run(AVERAGING["moving"], (X, Y), out=tmp_path / "run")
    np.testing.assert_array_equal(mlp.load_run(tmp_path / "run").predict_proba(X), run.predict_proba(X))


@pytest.mark.parametrize("name", AVERAGING)
def test_frozen_parameters_stay_in_the_average_too(name: str) -> None:
    """The average followed steps that were taken back: it was of places where the parameters had never been."""
    given = AVERAGING[name] | {"network": {"hidden": [5], "frozen": ["dense1"]}}
    setup, state = begin(given, (X, Y))
    began = state.network.params.copy()
    list(watch_epochs(setup, state))
    part = state.network.layout.slices[0]
    np.testing.assert_array_equal(finish(setup, state).network.params[part], began[part])


@pytest.mark.parametrize(
    "keys", [{"sam": 0.05}, {"lookahead": 5}, {"average": 0.9, "sam": 0.1, "lookahead": 3}], ids=str
)
def test_what_stands_around_a_rule_trains(keys: dict[str, Any]) -> None:
    run = mlp.run(config(**keys) | {"data": {"source": "iris"}, "training": {"epochs": 30}})
    assert run.metrics["test_accuracy"] > 0.85


@pytest.mark.parametrize("keys", [{"sam": 0.05}, {"lookahead": 5}, {"clip_norm": 0.1}], ids=str)
def test_a_rule_that_searches_is_not_led_elsewhere(keys: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="searches by itself"):
        mlp.run({"optimizer": {"name": "lbfgs"} | keys}, (X, Y))


@pytest.mark.parametrize(
    "around",
    [
        lambda r: mlp.ClipNorm(r, 1.0),
        lambda r: mlp.ClipValue(r, 1.0),
        mlp.Lookahead,
        mlp.GradientNoise,
        mlp.SAM,
        lambda r: mlp.MaxNorm(r, 1.0),
    ],
)
def test_a_wrapper_refuses_a_rule_that_searches(around: Any) -> None:
    """It saw a gradient that was not its objective's: scaled conjugate gradients ended at 0.5 instead of 3e-4."""
    with pytest.raises(mlp.HyperparameterError, match="follows its gradient"):
        around(mlp.LBFGS())
