"""Parts that somebody writes outside the package: they go by their names, and hold to all that is asked of its own.

What a part costs is seen here: its class, which says its name, and one row of a table in `cases`. Every test that takes
the rows of that table then takes the new one.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
import test_backprop
import test_gradcheck
import test_instruments
import test_layers
import test_losses
import test_network
import test_objective
import test_onnx
import test_optimizers
import test_population
import test_recorder
import test_training
import test_troubles
from cases import LAYERS, LOSSES, RULES, LossCase

import mlp
from mlp.family import Operator
from mlp.hyperparameters import EachFraction
from mlp.instruments import STANDARD
from mlp.optimizers.optimizer import Rate

MODULES = (
    test_backprop, test_gradcheck, test_layers, test_losses, test_network, test_objective, test_onnx, test_optimizers,
    test_population, test_recorder, test_training, test_troubles,
)  # fmt: skip


@dataclass(kw_only=True)
class DriftState(mlp.State):
    """`v`: the velocity."""

    v: np.ndarray


@dataclass(frozen=True)
class Drift(mlp.Optimizer):
    """v ← μ v - η g,  u = v."""

    name, usual_rate, keeps = "drift", 0.05, DriftState

    learning_rate: Rate = 0.05
    momentum: EachFraction = 0.5

    def update(self, at: mlp.Evaluation, state: DriftState, out: np.ndarray) -> None:
        """v."""
        state.v *= self.momentum
        np.multiply(at.grad, -state.pace.next(at.loss), out=out)
        state.v += out
        np.copyto(out, state.v)


@dataclass(frozen=True)
class Sine(mlp.Activation):
    """y = sin x."""

    name, output_range, onnx = "sine", (-1, 1), Operator("Sin")

    def forward(self, params: Any, x: Any, y: Any, scratch: Any) -> None:
        """sin x."""
        np.sin(x.values, out=y.values)

    def slope(self, x: np.ndarray, y: np.ndarray, scratch: Any, out: np.ndarray) -> None:
        """cos x."""
        np.cos(x, out=out)

    def second_derivative(self, x: np.ndarray, y: np.ndarray, scratch: Any) -> Any:
        """-sin x."""
        return -y


@dataclass(frozen=True)
class FourthPower(mlp.losses.loss.Pointwise):
    """p = ¼ e⁴."""

    name = "fourth_power"

    def point(self, z: np.ndarray, t: np.ndarray) -> np.ndarray:
        """¼ e⁴."""
        return 0.25 * (z - t) ** 4

    def slope(self, z: np.ndarray, t: np.ndarray, out: np.ndarray) -> None:
        """e³."""
        np.copyto(out, (z - t) ** 3)

    def second_derivative(self, z: np.ndarray, t: np.ndarray) -> Any:
        """3 e²."""
        return 3 * (z - t) ** 2


def largest_weight(step: mlp.Step) -> Any:
    """The largest |θ|."""
    return np.abs(step.network.params).max(-1)


LARGEST = mlp.Instrument("largest_weight", largest_weight)


def inherited(rows: dict[str, Any]) -> Iterator[Any]:
    """The tests that take each row of a table, as functions of its name; one for each choice of what else they take."""
    for module in MODULES:
        for test in vars(module).values():
            marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
            takes = {mark.args[0]: mark.args[1] for mark in marks}
            if takes.get("name") is not rows or set(inspect.signature(test).parameters) != set(takes):
                continue
            others = [name for name in takes if name != "name"]
            for i, values in enumerate(product(*(takes[name] for name in others))):
                chosen = dict(zip(others, values, strict=True))
                yield pytest.param(partial(test, **chosen), id=f"{module.__name__}.{test.__name__}.{i}")


@pytest.mark.parametrize("test", [*inherited(LAYERS)])
def test_an_activation_holds_to_all_that_is_asked_of_layers(test: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "sine", Sine())
    test(name="sine")


@pytest.mark.parametrize("test", [*inherited(LOSSES)])
def test_a_loss_holds_to_all_that_is_asked_of_losses(test: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOSSES, "fourth_power", LossCase(FourthPower(), "values"))
    test(name="fourth_power")


@pytest.mark.parametrize("test", [*inherited(RULES)])
def test_a_rule_holds_to_all_that_is_asked_of_rules(test: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "drift", Drift(0.05))
    test(name="drift")


def test_so_many_tests_are_inherited() -> None:
    """None at all would pass."""
    assert min(len([*inherited(rows)]) for rows in (LAYERS, LOSSES, RULES)) >= 10


@pytest.mark.parametrize("name", LAYERS)
def test_an_instrument_reads_any_layer_and_changes_nothing(name: str) -> None:
    test_instruments.test_a_measurement_is_finite_whatever_the_layer(name, LARGEST)
    test_instruments.test_a_measurement_changes_no_bit_of_the_step(LARGEST)


X = np.random.default_rng(0).standard_normal((200, 3))
CONFIG = {
    "network": {"hidden": [8], "activation": "sine"},
    "loss": {"name": "fourth_power"},
    "optimizer": {"name": "drift", "learning_rate": 0.05},
    "training": {"epochs": 30},
    "record": {"baseline": "never"},
}


def test_an_experiment_knows_them_by_name_and_checks_their_gradients() -> None:
    run = mlp.run(CONFIG, (X, X @ [1.0, 2.0, -1.0]), use=[Drift, Sine, FourthPower])
    assert run.metrics["validation_r2"] > 0.9
    assert {type(layer) for layer in run.network.layers} == {mlp.Dense, Sine}
    assert max(np.ravel(run.history["gradient_error"][0])) < 1e-6  # of parts that are not the package's own


def test_what_it_measures_is_recorded() -> None:
    net = mlp.Network([mlp.Dense(3, 4), Sine(), mlp.Dense(4, 1)], rng=0)
    recorder = mlp.Recorder((*STANDARD, LARGEST))
    batch = mlp.as_batch(X, X[:, :1])
    steps = [largest_weight(s) for s in recorder.tap(mlp.train(net, [batch] * 9, FourthPower(), Drift()))]
    assert recorder.history["largest_weight"].tolist() == steps
