"""A learning rate of 0: nothing moves, whatever the rule. Tests and schedules want it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.errors import HyperparameterError
from mlp.optimizers import OPTIMIZERS
from mlp.schedules import SCHEDULES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
T = X[:, :1] * X[:, 1:2]
GROWS = {"bold_driver", "delta_bar_delta", "rprop", "rprop_minus", "irprop_plus", "irprop_minus"}
"""They multiply the rate that they are given, so that 0 would stay 0 for ever."""
TAKES_ANY = [
    name for name, kind in OPTIMIZERS.items() if "learning_rate" in [f.name for f in fields(kind)] and name not in GROWS
]


def trained(rule: Any) -> tuple[mlp.Network, mlp.Network]:
    """A network before and after 6 steps."""
    net, before = (mlp.Network([mlp.Dense(3, 4), mlp.Tanh(), mlp.Dense(4, 1)], rng=0) for _ in range(2))
    for _ in mlp.train(net, mlp.batches(X, T, 20, rng=0, epochs=6), mlp.SquaredError(), rule):
        pass
    return before, net


@pytest.mark.parametrize("name", TAKES_ANY)
def test_with_a_rate_of_0_nothing_moves(name: str) -> None:
    """Schedule-free rules weigh places by η²: 0 / 0 was NaN, also in a warm-up that begins at 0."""
    config = {
        "data": {"validation": 0.0, "test": 0.0},
        "network": {"hidden": [3]},
        "optimizer": {"name": name, "learning_rate": 0.0},
        "training": {"epochs": 2, "dtype": "float64"},
        "record": {"baseline": "never"},
    }
    run = mlp.run(config, (X, T))
    assert (run.history["learning_rate"] == 0).all()
    start = mlp.run({**config, "training": {"epochs": 1, "dtype": "float64"}}, (X, T))
    assert run.network.params.tobytes() == start.network.params.tobytes()
    assert "divergence" not in [finding.kind for finding in run.findings]


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_that_begins_at_0_stays_there(name: str) -> None:
    config = {
        "network": {"hidden": [3]},
        "optimizer": {"name": "sgd", "learning_rate": 0.0, "schedule": name},
        "training": {"epochs": 3},
        "record": {"baseline": "never"},
    }
    assert (mlp.run(config, (X, T)).history["learning_rate"] == 0).all()


@pytest.mark.parametrize("kind", [mlp.ScheduleFreeSGD, mlp.ScheduleFreeAdamW])
def test_a_schedule_free_rule_goes_on_after_rates_of_0(kind: Any) -> None:
    class FromZero:
        def init(self) -> None:
            return None

        def rate(self, t: int, loss: Any, memory: Any) -> float:
            return 0.0 if t < 3 else 0.1

    before, net = trained(kind(FromZero()))
    assert np.isfinite(net.params).all()
    assert not np.array_equal(net.params, before.params)


@pytest.mark.parametrize("rate", [-1e-9, float("nan"), float("inf"), "0"])
def test_other_rates_are_refused_as_before(rate: Any) -> None:
    with pytest.raises(HyperparameterError, match="a finite number, 0 or more"):
        mlp.SGD(rate)


def test_rules_whose_rate_grows_from_the_one_given_refuse_0() -> None:
    for name in GROWS:
        with pytest.raises(HyperparameterError, match="above 0"):
            OPTIMIZERS[name](learning_rate=0.0)
