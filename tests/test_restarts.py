"""Many starts of one network: into which minima they fell, and what they answer together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import LOSSES

import mlp
from mlp.cli import main
from mlp.errors import ConfigError, FileFormatError
from mlp.experiment import begin, finish, watch_epochs
from mlp.model import group_minima

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 3))
TARGETS: dict[str, Any] = {
    "binary": (X[:, 0] > 0).astype(int),
    "classes": np.digitize(X[:, 0], [-0.5, 0.5]),
    "labels": (X[:, :2] > 0).astype(int),
    "number": X @ [1.0, 2.0, -1.0],
    "counts": RNG.poisson(np.exp(0.5 * X[:, 0])),
}
LOSS = {"counts": {"loss": {"name": "poisson"}, "data": {"task": "regression"}}}


def together(target: str, **training: Any) -> mlp.Run:
    given = {"epochs": 3, "restarts": 4, "ensemble": True, "dtype": "float64", **training}
    return mlp.run({"training": given, "record": {"probe": "never"}, **LOSS.get(target, {})}, (X, TARGETS[target]))


# minima


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([0.3, 0.3, 0.3], [[0.3, 0.3, 0.3]]),
        ([0.0, 0.04, 0.08], [[0.0, 0.04], [0.08]]),  # each counts from the lowest of its group: no chains
        ([float("nan"), 0.5, float("inf"), 0.1], [[0.1], [0.5]]),
        ([float("nan")], []),
    ],
)
def test_losses_within_5_percent_of_a_guess_are_one_minimum(losses: list[float], expected: list[list[float]]) -> None:
    assert group_minima(losses, guess=1.0) == expected


def test_xor_with_two_hidden_units_has_its_known_minima() -> None:
    """Beside the solution, minima where rows are not told apart (Lisboa & Perantonis 1991, for squared errors).

    Two rows answered by a half cost ½ ln 2 = 0.347; three, one of which is of the other class, by a third, cost 0.477.
    """
    config: dict[str, Any] = {
        "data": {"source": "xor"},
        "network": {"hidden": [2], "activation": "tanh"},
        "training": {"epochs": 1500, "batch_size": 4, "restarts": 20},
    }
    run = mlp.run(config)
    losses = np.array(run.metrics["restart_train_losses"])
    third = -(3 * (np.log(1 / 3) / 3 + 2 * np.log(2 / 3) / 3)) / 4
    known = np.array([0.0, np.log(2) / 2, third])
    assert np.abs(losses[:, None] - known).min(1).max() < 0.02  # they have not wholly arrived
    assert run.metrics["restart_worse"] == (losses > 0.1).sum() > 0
    assert run.metrics["train_loss"] == pytest.approx(losses.min())


def test_one_network_has_no_restarts_to_report() -> None:
    assert not [
        name for name in mlp.run({"training": {"epochs": 1}}, (X, TARGETS["number"])).metrics if "restart" in name
    ]


# the way back from what is said to raw outputs


@pytest.mark.parametrize("name", LOSSES)
def test_outputs_for_is_the_inverse_of_predict(name: str) -> None:
    loss, output = LOSSES[name].loss, RNG.normal(size=(4, 7))
    said = loss.predict(output)
    np.testing.assert_allclose(loss.predict(loss.outputs_for(said)), said, rtol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_certainty_gives_finite_outputs(name: str) -> None:
    assert np.isfinite(LOSSES[name].loss.outputs_for(np.array([[0.0, 1.0], [1.0, 0.0]]))).all()


# ensembles


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize(
    ("target", "link"), [("classes", softmax), ("binary", sigmoid), ("labels", sigmoid), ("counts", np.exp)]
)
def test_an_ensemble_says_the_mean_of_what_its_members_say(target: str, link: Any) -> None:
    run = together(target)
    rows = run.model.preprocessing.scaling.apply(X)
    mean = np.mean([link(mlp.predict(run.network.member(i), rows)) for i in range(4)], axis=0)
    said = run.predict(X)[:, None] if target == "counts" else run.predict_proba(X)
    np.testing.assert_allclose(said[:, -mean.shape[1] :], mean, rtol=1e-9)


def test_an_ensemble_predicts_the_mean_of_numbers() -> None:
    run = together("number")
    rows = run.model.preprocessing.scaling.apply(X)
    mean = np.mean([mlp.predict(run.network.member(i), rows)[:, 0] for i in range(4)], axis=0)
    assert run.model.preprocessing.targets is not None
    np.testing.assert_allclose(run.predict(X), run.model.preprocessing.targets.undo(mean), rtol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_an_ensemble_is_no_worse_than_its_members_are_on_average(target: str) -> None:
    """Jensen: these losses are convex in what is said."""
    run = together(target)
    members = [run.metrics["restart_losses"], run.metrics["restart_train_losses"]]
    assert run.metrics["validation_loss"] <= np.mean(members[0])
    assert run.metrics["train_loss"] <= np.mean(members[1])


@pytest.mark.parametrize("target", TARGETS)
def test_an_ensemble_comes_back_from_its_directory_and_says_the_same(target: str, tmp_path: Path) -> None:
    run = together(target, dtype="float32")
    run.save(tmp_path / "run")
    again = mlp.load_run(tmp_path / "run")
    assert again.network.population == (4,)
    np.testing.assert_array_equal(again.predict(X), run.predict(X))
    assert again.evaluate(X, TARGETS[target]) == run.evaluate(X, TARGETS[target])


def test_a_file_with_members_for_a_run_without_an_ensemble_is_refused(tmp_path: Path) -> None:
    """And never read as a larger network than the experiment describes."""
    run = together("classes")
    run.save(tmp_path / "run")
    with np.load(tmp_path / "run" / "model.npz") as file:
        saved = dict(file)
    saved["params"] = saved["params"][0]
    np.savez(tmp_path / "run" / "model.npz", **saved)
    with pytest.raises(FileFormatError, match=r"model\.npz"):
        mlp.load_run(tmp_path / "run")


def test_a_member_that_diverged_has_no_say() -> None:
    setup, state = begin({"training": {"restarts": 3, "ensemble": True, "epochs": 1}}, (X, TARGETS["classes"]))
    state.network.params[1] = np.nan
    for _ in watch_epochs(setup, state):
        pass
    run = finish(setup, state)
    assert run.network.population == (2,)
    assert np.isfinite(run.predict_proba(X)).all()


def test_members_of_an_ensemble_are_the_restarts_of_a_run_without_one() -> None:
    one, all_of_them = together("classes", ensemble=False), together("classes")
    best = all_of_them.network.params[all_of_them.metrics["restart_chosen"]]
    np.testing.assert_array_equal(one.network.params, best)


def test_an_ensemble_of_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"ensemble = true .* restarts = 1"):
        together("classes", restarts=1)


def test_the_command_line_counts_minima_and_members(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = ["training.restarts=3", "training.ensemble=true", "training.epochs=1"]
    assert main(["train", "iris", *(part for key in keys for part in ("--set", key)), "-o", str(tmp_path / "r")]) == 0
    shown = capsys.readouterr().out
    assert "of a guess from the best training loss" in shown
    assert "3 networks answer together" in shown
    assert main(["predict", str(tmp_path / "r"), "iris"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 151
