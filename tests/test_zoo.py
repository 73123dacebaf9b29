"""A miniature of the zoo in benchmarks/diagnosis: faults that alarm with the right cause first, and healthy runs.

Small enough for every day; the rates that are promised are measured there, on runs that are labelled one by one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import mlp
from mlp.experiment import begin, finish, watch_epochs

RNG = np.random.default_rng(0)
CENTRES = 1.6 * RNG.standard_normal((3, 6))
CLASS = RNG.integers(0, 3, 400)
X = CENTRES[CLASS] + RNG.standard_normal((400, 6))
NUMBER = np.sin(X[:, 0]) + X[:, 1] - 0.5 * X[:, 2]
CLASSES = (X, CLASS)
NUMBERS = (X, NUMBER)
EPOCHS: dict[str, Any] = {"epochs": 15}


class Fault(NamedTuple):
    """What is wrong, its cause, and the rows."""

    sections: dict[str, Any]
    cause: str
    data: Any = CLASSES


def rule(name: str, **keys: Any) -> dict[str, Any]:
    return {"optimizer": {"name": name, **keys}}


def net(**keys: Any) -> dict[str, Any]:
    return {"network": keys}


FAULTS = {
    "all weights 0": Fault(net(init="zeros"), "constant_initialization"),
    "all weights equal": Fault(
        net(hidden=[16, 16], init={"name": "constant", "value": 0.1}), "constant_initialization"
    ),
    "a bias of -100": Fault(net(bias=-100.0), "negative_bias"),
    "eight sigmoids": Fault(net(hidden=[16] * 8, activation="sigmoid"), "saturating_activations"),
    "weights of 3": Fault(net(hidden=[32] * 4, init={"name": "normal", "std": 3.0}), "initialization_too_large"),
    "weights of a thousandth": Fault(
        net(hidden=[32] * 5, activation="tanh", init={"name": "normal", "std": 1e-3}), "initialization_too_small"
    ),
    "a rate of a millionth": Fault(rule("sgd", learning_rate=1e-6), "learning_rate_too_low"),
    "a rate of 100": Fault(rule("sgd", learning_rate=100.0), "learning_rate_too_high"),
    "an epsilon of 100": Fault(rule("adam", epsilon=100.0), "epsilon_too_large"),
    "gradients cut to nothing": Fault(rule("sgd", learning_rate=0.1, clip_norm=1e-5), "clipping_too_low"),
    "a penalty of 3": Fault({"loss": {"l2": 3.0}}, "weight_decay_too_high"),
    "all layers frozen": Fault(net(frozen=["dense1", "dense2"]), "frozen_layer"),
    "dropout of 97 %": Fault(net(dropout=0.97), "dropout_too_high"),
    "one hidden unit": Fault(net(hidden=[1]), "too_little_capacity"),
    "five steps": Fault({"training": {"epochs": 5, "batch_size": "full"}}, "batch_too_large"),
    "labels at random": Fault({}, "uninformative_labels", (X, RNG.permutation(CLASS))),
    "a third of the labels wrong": Fault(
        {}, "noisy_labels", (X, np.where(RNG.random(400) < 0.33, (CLASS + RNG.integers(1, 3, 400)) % 3, CLASS))
    ),
    "inputs that are constant": Fault({}, "constant_features", (np.ones((400, 3)), CLASS)),
    "inputs in the thousands": Fault(
        {"data": {"scale": "none"}}, "unscaled_inputs", (X * [1e3, 1, 1, 1, 1, 1] + [3e4, 0, 0, 0, 0, 0], CLASS)
    ),
    "numbers of a hundred thousand": Fault(
        {"data": {"scale_target": "none"}}, "unscaled_targets", (X, 1e5 * NUMBER + 3e5)
    ),
    "a sigmoid that should give any number": Fault(
        net(output="sigmoid") | {"loss": {"name": "squared_error"}}, "loss_output_mismatch", NUMBERS
    ),
}

HEALTHY: dict[str, tuple[dict[str, Any], Any]] = {
    "defaults": ({}, CLASSES),
    "plain descent, 0.1": (rule("sgd", learning_rate=0.1), CLASSES),
    "tanh": (net(activation="tanh"), CLASSES),
    "batch norm": (net(batch_norm=True), CLASSES),
    "a little dropout": (net(dropout=0.2), CLASSES),
    "four rectifiers deep": (net(hidden=[32] * 4), CLASSES),
    "batches of eight": ({"training": {"epochs": 15, "batch_size": 8}}, CLASSES),
    "a falling rate": (rule("momentum", learning_rate=0.05, schedule="cosine"), CLASSES),
    "numbers": ({"training": {"epochs": 60}}, NUMBERS),
    "a regression from zeros": (net(hidden=[], init="zeros") | rule("sgd", learning_rate=0.1), (X, X @ np.ones(6))),
    "trained until the loss is gone": ({"training": {"epochs": 120}}, CLASSES),
}


def told(sections: dict[str, Any], data: Any) -> tuple[list[str], mlp.Run]:
    """The kinds that were alarms while it trained, and the run."""
    setup, state = begin({"training": EPOCHS} | sections, data)
    shown = [alarm.kind for epoch in watch_epochs(setup, state) for alarm in epoch.alarms]
    return shown, finish(setup, state)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_alarms_and_its_cause_comes_first(name: str) -> None:
    fault = FAULTS[name]
    shown, run = told(fault.sections, fault.data)
    harmless = fault.cause == "noisy_labels"  # the network learned what the wrong labels leave: said, and no alarm
    alarms = [finding for finding in run.findings if finding.severity != "info" or harmless]
    assert run.healthy == harmless
    assert alarms[0].causes[0].name == fault.cause
    assert shown or run.steps < 20 or harmless
    if name != "a rate of 100":  # it is told of its step
        assert min(finding.step for finding in alarms if finding.step is not None) <= 0.5 * run.steps


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_never_alarms(name: str) -> None:
    shown, run = told(*HEALTHY[name])
    assert not shown
    assert run.healthy
