"""What an earlier version wrote, this one reads, judges and goes on with (`reference/make_runs.py`)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.storage.snapshot import restore

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


MEMORIES = dict(np.load(SAVED.parent / "memories.npz"))
WRAPPED = {
    "lookahead": mlp.Lookahead(mlp.Adam(0.01), 3),
    "moving_average": mlp.MovingAverage(mlp.Momentum(0.01), 0.9),
    "clip_norm": mlp.ClipNorm(mlp.Lion(0.01), 1.0),
    "plateau": mlp.Adam(mlp.ReduceOnPlateau(0.01, window=2, patience=1)),
}


def memory_of(name: str) -> tuple[mlp.Optimizer, Any, dict[str, np.ndarray]]:
    """A rule, what version 0.1 saved of its memory, and the arrays of that."""
    rule = WRAPPED[name] if name in WRAPPED else mlp.OPTIMIZERS[name]()  # type: ignore[call-arg]
    prefix = f"{name}/arrays/"
    arrays = {key.removeprefix(prefix): array for key, array in MEMORIES.items() if key.startswith(prefix)}
    return rule, json.loads(str(MEMORIES[f"{name}/saved"])), arrays


@pytest.mark.parametrize("name", [key.removesuffix("/saved") for key in MEMORIES if key.endswith("/saved")])
def test_a_rule_goes_on_from_the_memory_that_an_earlier_version_saved(name: str) -> None:
    """Fields that were renamed since then are found, and those that are new keep their fresh values.

    BFGS counts its pairs anew and scales its matrix by the next one, K-FAC begins its means anew: both go on well.
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 2))
    net, batch = mlp.Network([mlp.Dense(2, 3), mlp.Tanh(), mlp.Dense(3, 1)]), mlp.as_batch(X, np.sin(X[:, :1]))
    net.params = MEMORIES[f"{name}/there"]
    rule, saved, arrays = memory_of(name)
    state = restore(saved, arrays, rule.init(net.params))
    losses = [step.loss for step in mlp.train(net, [batch] * 5, mlp.SquaredError(), rule, state=state)]
    if name in ("bfgs", "kfac"):
        assert losses[-1] < losses[0]
        return
    np.testing.assert_allclose(net.params, MEMORIES[f"{name}/further"], rtol=1e-9, atol=1e-12)


def test_a_memory_that_lacks_what_a_rule_cannot_begin_with_is_refused() -> None:
    _, saved, arrays = memory_of("momentum")
    with pytest.raises(mlp.FileFormatError, match="it remembers fields"):
        restore(saved, arrays, mlp.Adam().init(np.zeros(13)))
