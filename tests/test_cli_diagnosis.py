"""mlp train --repair, mlp diagnose, mlp findings, and alarms on a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.diagnosis.causes import CAUSES
from mlp.diagnosis.glossary import kinds
from mlp.experiment import Epoch
from mlp.report.progress import alarm_line, show_epochs

FAULT = ("--set", "network.init=zeros")


# train --repair


def test_repair_prints_trials_changes_and_before_after_and_writes_both(cli: Any) -> None:
    said = cli("train", "rings", *FAULT, "--repair", "-o", "run")
    assert (said.status, said.err) == (0, "")
    for part in (
        "as it is", "constant_initialization", "a plain network", "repair: healthy after 1 full run",
        'network.init "zeros" → "auto" because of constant_initialization', "test_accuracy", " → 1.0000",
        "healthy: training loss", "repaired experiment: run/repaired.toml; run directory: run-repaired",
    ):  # fmt: skip
        assert part in said.out
    assert mlp.load_run("run").config.network.init == "zeros"
    assert mlp.load_run("run-repaired").config.network.init == "auto"


def test_the_repaired_experiment_file_trains_to_the_repaired_run(cli: Any) -> None:
    cli("train", "rings", *FAULT, "--repair", "-o", "run")
    assert cli("train", "-c", "run/repaired.toml", "-o", "again").status == 0
    again, repaired = mlp.load_run("again"), mlp.load_run("run-repaired")
    assert np.array_equal(again.network.params, repaired.network.params)


def test_json_gains_the_repair(cli: Any) -> None:
    said = cli("train", "rings", *FAULT, "--repair", "--json", "-o", "run")
    found = json.loads(said.out.splitlines()[-1], parse_constant=pytest.fail)
    repair = found["repair"]
    assert found["healthy"] is False
    assert (repair["repaired"], repair["healthy"], repair["tries"], repair["run"]) == (True, True, 1, "run-repaired")
    assert repair["changes"][0]["cause"] == "constant_initialization"
    assert repair["changes"][0]["changes"] == {"network": {"init": "auto"}}
    assert repair["metrics"] == mlp.load_run("run-repaired").metrics
    assert repair["trials"][0]["causes"] == []


def test_a_healthy_run_is_not_repaired(cli: Any) -> None:
    said = cli("train", "iris", "--repair", "--json", "-o", "run")
    assert "repair: nothing to do, the run is healthy" in said.out
    assert json.loads(said.out.splitlines()[-1])["repair"]["repaired"] is False
    assert not Path("run-repaired").exists()
    assert not Path("run/repaired.toml").exists()


def test_what_no_setting_mends_is_for_the_user(cli: Any) -> None:
    rng = np.random.default_rng(0)
    np.savez("noise.npz", X=rng.normal(size=(300, 4)), y=rng.integers(0, 2, 300))
    said = cli("train", "noise.npz", "--repair", "--set", "training.epochs=30")
    assert f"for you: uninformative_labels: {CAUSES['uninformative_labels'].remedy}" in said.out


def test_a_run_that_diverged_and_is_repaired_is_status_0(cli: Any) -> None:
    diverges = ("--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1e30",
                "--set", "loss.name=squared_error", "--set", "network.output=identity")  # fmt: skip
    assert cli("train", "rings", *diverges, "-o", "one").status == 1
    assert cli("train", "rings", *diverges, "--repair", "-o", "two").status == 0


def test_a_place_for_the_repaired_run_that_is_taken_is_refused_before_training(cli: Any) -> None:
    Path("run-repaired").write_text("mine")
    said = cli("train", "rings", "--repair", "-o", "run")
    assert said.status == 2
    assert said.err.startswith("mlp: run-repaired is a file.")
    assert not Path("run").exists()


# diagnose


def test_diagnose_says_offline_what_train_said(cli: Any) -> None:
    trained = cli("train", "rings", *FAULT, "-o", "run")
    said = cli("diagnose", "run")
    assert (said.status, said.err) == (0, "")
    assert said.out.strip() in trained.out
    assert "critical: symmetric_units" in said.out
    found = json.loads(cli("diagnose", "run", "--json").out)
    assert found["findings"] == json.loads(Path("run/findings.json").read_text())
    assert found["healthy"] is False


def test_diagnose_judges_by_the_history_not_by_what_was_found_then(cli: Any) -> None:
    cli("train", "iris", "-o", "run")
    Path("run/findings.json").write_text('[{"kind": "plateau", "severity": "warning", "message": "", "layers": [],'
                                         ' "step": 0, "evidence": {}, "causes": []}]')  # fmt: skip
    assert cli("diagnose", "run").out.startswith("healthy: ")


@pytest.mark.parametrize("arguments", [("diagnose",), ("diagnose", "nowhere"), ("diagnose", "."), ("findings", "x"),
                                       ("diagnose", "http://x/run")])  # fmt: skip
def test_bad_input_is_one_line_and_status_2(cli: Any, arguments: tuple[str, ...]) -> None:
    said = cli(*arguments)
    assert (said.status, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1


def test_a_damaged_history_is_named(cli: Any) -> None:
    cli("train", "iris", "--set", "training.epochs=1", "-o", "run")
    Path("run/history.npz").write_bytes(b"PK")
    said = cli("diagnose", "run")
    assert said.status == 2
    assert "history.npz" in said.err


# findings


def test_findings_are_listed_with_meaning_and_remedy_one_line_each(cli: Any) -> None:
    lines = cli("findings").out.splitlines()
    assert len(lines) == len(kinds()) + len(CAUSES)
    assert lines[0].startswith("kind   divergence ")
    assert all("; remedy: " in line for line in lines if line.startswith("cause"))


# alarms while it trains

ALARM = mlp.Finding("no_progress", "warning", "It stands.", causes=(mlp.Cause("frozen_layer", "why", "frozen = []"),))
EPOCHS = [Epoch(1, 2, 0.7, {}), Epoch(2, 2, 0.7, {}, (ALARM,))]
LINE = "epoch 2: warning: no_progress: It stands. (frozen_layer: frozen = [])"


def test_an_alarm_is_a_line_with_its_likeliest_cause() -> None:
    assert alarm_line(EPOCHS[1], ALARM) == LINE


@pytest.mark.parametrize("tqdm", [True, False])
def test_alarms_stand_above_the_progress_on_a_terminal(
    tqdm: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(show_epochs(iter(EPOCHS), 2)) == EPOCHS
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{LINE}\n" in said.err


def test_elsewhere_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(show_epochs(iter(EPOCHS), 2)) == EPOCHS
    assert capsys.readouterr() == ("", "")
