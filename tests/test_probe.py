"""The probe beside a run: what it notes, that it costs what it may, and that the run does not feel it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.curvature import KINDS, classify_point
from mlp.curvature.work import Meter, OutOfWorkError, pass_work
from mlp.diagnosis.evidence import latest_resting_point
from mlp.diagnosis.reading import Reading
from mlp.experiment import begin, watch_epochs
from mlp.experiment.probe import LAST_LEAST, LEAST, SHARE, note_brief

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0])
ALL = {"validation": 0, "test": 0}
STUCK: dict[str, Any] = {
    "equal units": {"network": {"hidden": [6], "activation": "tanh", "init": "zeros"}, "training": {"epochs": 8}},
    "tiny": {
        "network": {"hidden": [6, 6], "activation": "tanh", "init": {"name": "normal", "std": 1e-3}},
        "optimizer": {"name": "momentum", "learning_rate": 0.01},
        "training": {"epochs": 8},
    },
    "cut off": {
        "network": {"hidden": [12] * 5, "activation": "sigmoid", "dropout": 0.1},
        "optimizer": {"name": "sgd", "learning_rate": 0.1},
        "training": {"epochs": 8},
    },
    "population": {
        "network": {"hidden": [3], "activation": "tanh", "init": "zeros"},
        "training": {"epochs": 8, "restarts": 2},
    },
}


@pytest.mark.parametrize("name", STUCK)
def test_a_run_is_the_same_bits_with_a_probe_and_without(name: str) -> None:
    """A probe shared the generator of the network: dropout then drew other noise after a look."""
    seen, unseen = (mlp.run({**STUCK[name], "record": {"probe": probe}}, (X, Y)) for probe in ("auto", "never"))
    assert "point_kind" in seen.history and "point_kind" not in unseen.history
    assert (seen.network.params == unseen.network.params).all()
    for column in unseen.history:
        np.testing.assert_array_equal(seen.history[column], unseen.history[column])


def test_equal_seeds_note_equal_points() -> None:
    first, again = (mlp.run(STUCK["cut off"], (X, Y)).history for _ in range(2))
    for column in (name for name in first if name.startswith("point_")):
        np.testing.assert_array_equal(first[column], again[column])


def test_brief_looks_together_stay_within_their_allowance() -> None:
    setup, state = begin(STUCK["tiny"], (X, Y))
    for _ in watch_epochs(setup, state):
        pass
    for _ in range(200):
        note_brief(setup, state)
    spent = float(state.history["point_work"].sum())
    assert 0 < spent <= max(LEAST, SHARE * state.steps * pass_work(state.network, 32))


def test_what_an_allowance_does_not_reach_is_undecided_and_said(capsys: Any, tmp_path: Path) -> None:
    setup, state = begin(STUCK["tiny"], (X, Y))
    found = classify_point(state.network, setup.head.loss, X[:50].astype(np.float32), Y[:50], work=1e5)
    assert found.kind == "undecided" and "allowance" in found.why and found.work <= 1e5
    run = mlp.run(STUCK["tiny"], (X, Y))
    for name, kind in (("point_kind", "undecided"),):
        run.history.append(name, [float(other == kind) for other in KINDS], run.steps - 1)
    run.save(tmp_path)
    assert main(["diagnose", str(tmp_path)]) == 0
    assert "run mlp landscape RUN" in capsys.readouterr().out


def test_a_meter_stops_before_it_would_go_beyond() -> None:
    network = mlp.Network([mlp.Dense(2, 1)], rng=0)
    one = pass_work(network, 10)
    meter = Meter(2.5 * one)
    meter.spend(network, 10)
    meter.spend(network, 10)
    with pytest.raises(OutOfWorkError):
        meter.spend(network, 10)
    assert meter.done == 2 * one < LAST_LEAST


def found_in(run: Any) -> dict[str, str]:
    return {finding.kind: finding.severity for finding in run.findings}


def test_equal_units_rest_at_a_saddle_and_the_file_says_so_too(tmp_path: Path) -> None:
    run = mlp.run(STUCK["equal units"], (X, Y), out=tmp_path)
    assert found_in(run)["saddle_point"] == "warning"
    assert mlp.diagnose(mlp.History.load(tmp_path / "history.npz")) == run.findings


def test_a_deep_stack_of_sigmoids_is_on_a_plateau_with_its_layers_named() -> None:
    run = mlp.run(STUCK["cut off"], (X, Y))
    finding = next(finding for finding in run.findings if finding.kind == "plateau")
    assert finding.severity == "warning" and finding.layers and finding.layers[0] == "dense1"
    assert finding.causes[0].name == "flat_region"


def test_two_units_may_rest_in_a_minimum_of_xor() -> None:
    """Hamey (1998): the loss of 2-2-1 has places at infinity that are not global; starts end there or near them."""
    config: dict[str, Any] = {
        "data": ALL, "network": {"hidden": [2], "activation": "sigmoid"},
        "training": {"epochs": 2000, "seed": 2}, "optimizer": {"name": "adam", "learning_rate": 0.05},
    }  # fmt: skip
    run = mlp.run(config, XOR)
    assert found_in(run).get("local_minimum") == "warning"


def test_a_place_that_was_left_says_nothing_of_where_the_run_is() -> None:
    loss = [1.0] * 100
    kinds = [[float(name == "saddle") for name in KINDS]]
    for step, expected in ((95, "saddle"), (30, None)):
        history = mlp.History({"loss": loss, "point_kind": kinds}, steps={"point_kind": [step]},
                              labels={"point_kind": KINDS})  # fmt: skip
        found = latest_resting_point(Reading(history))
        assert (None if found is None else found.kind) == expected


def test_a_healthy_run_is_not_alarmed_by_what_it_passed() -> None:
    config = {"network": {"hidden": [16], "activation": "tanh"}, "training": {"epochs": 60}}
    run = mlp.run(config, (X, Y))
    assert run.healthy
