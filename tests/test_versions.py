"""What an earlier version wrote, this one reads, judges and goes on with (`reference/make_runs.py`)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp

SAVED = Path(__file__).parent / "reference" / "version_0_1"
EXPECTED = json.loads((SAVED / "expected.json").read_text())
ROUNDING = {"rtol": 2e-5, "atol": 1e-7}  # float32 on other kernels; bit-equal where it was made


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run directories, with the table where their configurations look for it."""
    shutil.copytree(SAVED, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_told(run: mlp.Run, expected: dict[str, Any]) -> None:
    assert run.steps == expected["steps"]
    for name, value in expected["metrics"].items():
        np.testing.assert_allclose(run.metrics[name], value, **ROUNDING, err_msg=name)
    np.testing.assert_allclose(run.history["loss"][-5:], expected["last_losses"], **ROUNDING)


@pytest.mark.parametrize("name", ["finished", "stuck"])
def test_a_run_of_an_earlier_version_answers_as_it_did(name: str) -> None:
    run = mlp.load_run(name)
    assert_told(run, EXPECTED[name])
    assert [finding.kind for finding in run.findings] == EXPECTED[name]["kinds"]
    X, y = run.load("table.csv")
    np.testing.assert_allclose(run.predict_proba(X), EXPECTED[name]["probabilities"], **ROUNDING)
    assert run.evaluate(X, y)["accuracy"] > 0.4


@pytest.mark.parametrize("name", ["finished", "stuck"])
def test_its_history_is_judged_as_it_was(name: str) -> None:
    """Columns that have another name today, those of the plain network beside a run say, are found by the old one."""
    run = mlp.load_run(name)
    assert {f.kind for f in mlp.diagnose(run.history)} >= set(EXPECTED[name]["kinds"])


@pytest.mark.parametrize("name", ["finished", "stopped", "stuck"])
def test_its_checkpoint_goes_on_as_it_would_have(name: str) -> None:
    more = {"finished": 7, "stuck": 8, "stopped": None}[name]
    assert_told(mlp.resume(name, epochs=more), EXPECTED[name]["further"])
