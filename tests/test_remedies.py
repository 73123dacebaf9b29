"""What is changed for which cause."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp import History
from mlp.config import parse
from mlp.diagnosis.words import CAUSES
from mlp.errors import ConfigError
from mlp.experiment import begin
from mlp.experiment.remedies import FURTHER, REMEDIES, alternatives, changed, changes, described, together

HISTORY = History({"settings": [[400.0, 4.0, 100.0]]}, labels={"settings": ("rows", "epochs", "planned_steps")})
FOR_THE_USER = {
    "non_finite_data", "constant_features", "uninformative_labels", "contradictory_labels", "wrong_gradient",
}  # fmt: skip

AWRY: dict[str, Any] = {
    "data": {"scale": "none"},
    "network": {
        "hidden": [2, 3], "activation": ["sigmoid", "identity"], "output": "sigmoid", "init": "zeros", "bias": -10.0,
        "dropout": [0.9, 0.8], "frozen": ["dense1", "dense2"],
    },
    "loss": {"name": "huber", "delta": 2.0, "l1": 1.0, "l2": 1.0},
    "optimizer": {
        "name": "adamw", "learning_rate": 5.0, "beta1": 0.999, "epsilon": 1.0, "weight_decay": 3.0, "clip_norm": 1e-6,
        "schedule": "exponential",
    },
    "training": {"epochs": 4, "batch_size": 1, "shuffle": False},
}  # fmt: skip
"""Every setting that can be wrong."""


def awry(task: str) -> Any:
    """The same, for a task, and its rows."""
    X = np.random.default_rng(0).normal(size=(400, 3))
    y = X[:, 0] if task == "regression" else (X[:, 0] > 0).astype(int)
    return AWRY | {"data": {"scale": "none", "task": task}}, (X, y)


def test_every_cause_has_a_remedy_or_is_for_the_user_to_mend() -> None:
    assert set(REMEDIES) | FOR_THE_USER == set(CAUSES)
    assert not set(REMEDIES) & FOR_THE_USER


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("cause", sorted(REMEDIES))
def test_every_remedy_makes_an_experiment_that_can_be_built(cause: str, task: str) -> None:
    config, data = awry(task)
    parsed = parse(config)
    found = changes(cause, parsed, HISTORY)
    if found is None:
        assert (cause, task) in {("unscaled_targets", "classification"), ("class_imbalance", "regression")}
        return
    repaired = changed(parsed, found)
    assert repaired != parsed
    assert changes(cause, repaired, HISTORY) is None or cause in {*FURTHER, "too_few_epochs"}
    for made in alternatives(cause, parsed, HISTORY):
        begin(changed(parsed, made).to_dict(), data)


@pytest.mark.parametrize(
    ("cause", "given", "expected"),
    [
        ("learning_rate_too_high", {"optimizer": {"name": "sgd", "learning_rate": 25.0}}, {"learning_rate": 0.1}),
        ("learning_rate_too_high", {"optimizer": {"name": "sgd", "learning_rate": 0.1}}, {"learning_rate": 0.01}),
        ("learning_rate_too_low", {"optimizer": {"name": "adam", "learning_rate": 1e-7}}, {"learning_rate": 0.005}),
        ("momentum_too_high", {"optimizer": {"name": "momentum", "learning_rate": 0.1, "momentum": 0.999}},
         {"momentum": 0.9, "learning_rate": 0.02}),
        ("momentum_too_high", {"optimizer": {"name": "adam", "learning_rate": 0.001, "beta1": 0.99}}, {"beta1": 0.9}),
    ],
)  # fmt: skip
def test_rates_become_the_usual_ones(cause: str, given: Any, expected: Any) -> None:
    assert changes(cause, parse(given), HISTORY) == {"optimizer": pytest.approx(expected)}


def test_trials_may_choose_a_rate_five_times_as_far_from_the_one_given() -> None:
    given = {"optimizer": {"name": "sgd", "learning_rate": 25.0}}
    rates = [
        made["optimizer"]["learning_rate"] for made in alternatives("learning_rate_too_high", parse(given), HISTORY)
    ]
    assert rates == [0.1, 0.02]
    given["optimizer"]["learning_rate"] = 1e-6
    rates = [
        made["optimizer"]["learning_rate"] for made in alternatives("learning_rate_too_low", parse(given), HISTORY)
    ]
    assert rates == [0.1, 0.5]


@pytest.mark.parametrize("cause", ["momentum_too_high", "epsilon_too_large"])
def test_a_rule_without_the_key_is_left_alone(cause: str) -> None:
    assert changes(cause, parse({"optimizer": {"name": "sgd", "learning_rate": 0.1}}), HISTORY) is None


def test_longer_training_has_1500_steps() -> None:
    """400 rows in batches of 32 are 13 steps; 1500 / 13 = 115.4."""
    found = changes("too_few_epochs", parse({"training": {"epochs": 1}}), HISTORY)
    assert found == {"training": {"epochs": 116}}


def test_without_settings_in_the_history_training_is_three_times_as_long() -> None:
    assert changes("too_few_epochs", parse({"training": {"epochs": 7}}), History({})) == {"training": {"epochs": 21}}


def test_the_keys_of_a_loss_go_with_it() -> None:
    config = parse({"loss": {"name": "huber", "delta": 2.0}})
    found = changes("loss_output_mismatch", config, HISTORY)
    assert found == {"loss": {"name": "auto", "delta": None}}
    assert changed(config, found).loss.own == {}
    assert list(described(config, found)) == ['loss.name "huber" → "auto"', "loss.delta left out"]


def test_where_two_remedies_disagree_the_first_counts() -> None:
    first, second = {"network": {"activation": "relu"}}, {"network": {"activation": "leaky_relu", "bias": 0.0}}
    assert together(first, second) == {"network": {"activation": "relu", "bias": 0.0}}


def test_changes_are_said_as_an_experiment_file_says_them() -> None:
    config = parse({"network": {"init": {"name": "normal", "std": 0.1}}})
    assert list(described(config, {"network": {"init": "auto"}, "training": {"early_stopping": {"patience": 5}}})) == [
        'network.init {name = "normal", std = 0.1} → "auto"',
        "training.early_stopping false → {patience = 5}",
    ]


def test_a_change_changes_these_keys_and_no_others() -> None:
    config = parse({})
    found = changed(config, {"optimizer": {"learning_rate": 0.5}, "network": {"hidden": [3, 3]}})
    assert found.optimizer.own["learning_rate"] == 0.5
    assert found.network.hidden == [3, 3]
    assert (found.data, found.loss, found.training) == (config.data, config.loss, config.training)
    assert config.network.hidden == [32]


def test_a_change_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="learning_rte"):
        changed(parse({}), {"training": {"learning_rte": 0.5}})
