"""A verdict says what it could not see."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from histories import typed

import mlp

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
FULL: dict[str, Any] = {
    "loss": [2.0, 1.0, 0.5, 0.4], "reference_loss": [2.0], "validation_accuracy": [0.9],
    "baseline_train_accuracy": [0.9],
    "input_size": [1.0], "learning_rate": [0.1] * 4, "grad_norm_by_layer": {"dense1": [1.0] * 4, "dense2": [1.0] * 4},
}  # fmt: skip


def test_a_history_that_has_all_leaves_nothing_open() -> None:
    assert mlp.diagnose(typed(**FULL)).unseen == ()


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ({"loss": None}, "losses"),
        ({"reference_loss": None}, "targets"),
        ({"validation_accuracy": None}, "rows that were held out"),
        ({"baseline_train_accuracy": None, "validation_accuracy": None}, "a plain network"),
        ({"input_size": None}, "inputs"),
        ({"learning_rate": None}, "the learning rate"),
        ({"grad_norm_by_layer": None}, "gradients of the layers"),
        ({"grad_norm_by_layer": {"dense1": [np.nan] * 4, "dense2": [1.0] * 4}}, "the gradient of dense1"),
    ],
)
def test_what_is_missing_is_named(missing: dict[str, Any], told: str) -> None:
    assert any(what.startswith(told) for what in mlp.diagnose(typed(**FULL | missing)).unseen)


def test_a_loop_by_hand_is_told_what_it_does_not_show() -> None:
    recorder = mlp.Recorder()
    network = mlp.Network([mlp.Dense(3, 8), mlp.ReLU(), mlp.Dense(8, 1)], rng=0)
    data = mlp.batches(X, X[:, :1], size=20, rng=0, epochs=2)
    for _ in recorder.tap(mlp.train(network, data, mlp.SquaredError(), mlp.SGD(1e-5))):
        pass
    before = mlp.diagnose(recorder.history)
    assert [what.partition(":")[0] for what in before.unseen] == [
        "rows that were held out", "a plain network on the same rows"
    ]  # fmt: skip
    recorder.lay_baseline(X, X[:, :1])
    after = mlp.diagnose(recorder.history)
    assert [what.partition(":")[0] for what in after.unseen] == ["rows that were held out"]
    lines = str(after).splitlines()
    assert lines[0].startswith("warning: no_progress: ") and lines[1].startswith("    learning_rate_too_low: ")
    assert lines[-1] == "not seen: rows that were held out: whether what it learned holds for others"


def test_the_findings_of_a_history_are_a_tuple_that_can_be_sent() -> None:
    found = mlp.diagnose({"loss": [0.7, 2.0, float("nan")]})
    assert isinstance(found, tuple) and found == tuple(found) and found[0].kind == "divergence"
    back = pickle.loads(pickle.dumps(found))
    assert back == found and back.unseen == found.unseen


def test_a_run_without_held_out_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    y = (X[:, 0] > 0).astype(int)
    for share, unseen in ((0.0, ("rows that were held out: whether what it learned holds for others",)), (0.2, ())):
        run = mlp.run({"data": {"validation": share}, "training": {"epochs": 20}}, (X, y))
        assert run.findings.unseen == unseen  # type: ignore[attr-defined]
