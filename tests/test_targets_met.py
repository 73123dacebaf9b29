"""What a loop that is driven by hand shows of its targets, in its first epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlp
from mlp.instruments.targets_met import best_constant_loss

RNG = np.random.default_rng(0)
X = RNG.standard_normal((96, 4))
LABELS = np.arange(96) % 3 // 2 + np.arange(96) % 2
NUMBERS = 5 + X[:, :1] ** 2


def drive(layers: list[mlp.Layer], t: Any, loss: Any, rule: Any, epochs: int = 3, size: int = 8) -> mlp.Recorder:
    recorder = mlp.Recorder()
    data = mlp.batches(X, t, size=size, rng=0, epochs=epochs)
    for _ in recorder.tap(mlp.train(mlp.Network(layers, rng=0), data, loss, rule)):
        pass
    return recorder


@pytest.mark.parametrize(
    ("loss", "t", "width", "expected"),
    [
        (mlp.SquaredError(), NUMBERS, 1, 0.5 * NUMBERS.var()),
        (mlp.AbsoluteError(), NUMBERS, 1, np.abs(NUMBERS - np.median(NUMBERS)).mean()),
        (mlp.SoftmaxCrossEntropy(), LABELS, 3, -sum(p * np.log(p) for p in np.bincount(LABELS) / 96)),
        (mlp.SigmoidCrossEntropy(), (LABELS[:, None] == 0) * 1.0, 1,
         -sum(p * np.log(p) for p in ((LABELS == 0).mean(), (LABELS != 0).mean()))),
    ],
    ids=["squares", "absolute", "softmax", "sigmoid"],
)  # fmt: skip
def test_the_loss_of_the_best_constant_answer_is_that_of_all_targets(
    loss: Any, t: Any, width: int, expected: float
) -> None:
    """The first loss was the reference, so that whatever fell from a bad start passed."""
    recorder = drive([mlp.Dense(4, width)], t, loss, mlp.SGD(1e-9))
    assert recorder.history["constant_loss"][-1] == pytest.approx(expected, rel=1e-12)
    assert recorder.history.steps("constant_loss").tolist() == [0, 1, 3, 7, 11]  # doubling, and the end of the epoch


def test_a_loss_that_fell_from_a_bad_start_to_a_constant_answer_is_no_progress() -> None:
    recorder = drive([mlp.Dense(4, 8), mlp.Tanh(), mlp.Dense(8, 1)], NUMBERS, mlp.SquaredError(), mlp.SGD(0.003), 20)
    history = recorder.history
    assert history["loss"][-12:].mean() < 0.5 * history["loss"][0]
    assert not all(finding.severity == "info" for finding in mlp.diagnose(history))


def test_targets_that_the_last_layer_cannot_give_are_looked_for_in_every_batch() -> None:
    """Sorted rows: the first batch has none that a rectifier cannot give."""
    t = np.sort(X[:, 0])[::-1, None].copy()
    layers = [mlp.Dense(4, 8), mlp.Tanh(), mlp.Dense(8, 1), mlp.ReLU()]
    recorder = mlp.Recorder()
    data = mlp.batches(X, t, size=8, rng=None, epochs=2)
    for _ in recorder.tap(mlp.train(mlp.Network(layers, rng=0), data, mlp.SquaredError(), mlp.SGD(0.01))):
        pass
    reach = recorder.history["out_of_reach"]
    assert reach[0] == 0 and reach[-1] == pytest.approx((t < 0).mean())


def test_a_softmax_cannot_give_rows_that_do_not_sum_to_one() -> None:
    """Labels of several classes under a softmax and squared errors passed as healthy."""
    t = (X[:, :3] > 0).astype(float)
    layers = [mlp.Dense(4, 8), mlp.ReLU(), mlp.Dense(8, 3), mlp.Softmax()]
    recorder = drive(layers, t, mlp.SquaredError(), mlp.Adam(0.01))
    assert recorder.history["out_of_reach"][-1] == pytest.approx((t.sum(1) != 1).mean())
    assert "output_loss_mismatch" in {f.kind for f in mlp.diagnose(recorder.history) if f.severity == "warning"}


def test_of_a_loss_that_takes_other_things_nothing_is_said() -> None:
    class Own(mlp.SquaredError):
        def value(self, output: Any, target: Any, weights: Any) -> Any:
            if output.shape[-1] > 8:
                raise ValueError("this loss knows batches of 8 only")
            return super().value(output, target, weights)

    recorder = drive([mlp.Dense(4, 1)], NUMBERS, Own(), mlp.SGD(0.01))
    assert len(recorder.history["constant_loss"]) == 1  # of the first batch


def test_recording_the_targets_changes_no_bit() -> None:
    params = []
    for instruments in (mlp.STANDARD, mlp.ESSENTIAL):
        network = mlp.Network([mlp.Dense(4, 8), mlp.ReLU(), mlp.Dense(8, 3)], rng=0)
        recorder = mlp.Recorder(instruments)
        data = mlp.batches(X, LABELS, size=8, rng=0, epochs=3)
        for _ in recorder.tap(mlp.train(network, data, mlp.SoftmaxCrossEntropy(), mlp.Adam(0.01))):
            pass
        params.append(network.params.copy())
    assert (params[0] == params[1]).all()


def test_weights_count_in_the_best_constant_answer() -> None:
    weights = np.where(LABELS == 0, 3.0, 1.0)
    repeated = LABELS.repeat(weights.astype(int))
    found = best_constant_loss(mlp.SoftmaxCrossEntropy(), LABELS, 3, weights)
    assert found == pytest.approx(best_constant_loss(mlp.SoftmaxCrossEntropy(), repeated, 3), rel=1e-12)


def test_a_baseline_beside_a_loop_says_what_the_rows_allow_and_changes_nothing_of_it() -> None:
    """A linear network on a product: its loss alone says that it learns nothing, the baseline that it could."""
    t = X[:, :1] * X[:, 1:2]
    recorder = drive([mlp.Dense(4, 1)], t, mlp.SquaredError(), mlp.Adam(0.01), 20)
    before = {name: recorder.history[name].copy() for name in recorder.history}
    recorder.lay_baseline(X, t)
    history = recorder.history
    assert history["baseline_train_r2"][-1] > 0.95 > 0.5 > history["train_r2"][-1]
    assert mlp.diagnose(history)[0].causes[0].name == "too_little_capacity"
    assert all(np.array_equal(history[name], before[name], equal_nan=True) for name in before)


@pytest.mark.parametrize(
    ("t", "loss", "width", "name"),
    [
        (LABELS, mlp.SoftmaxCrossEntropy(), 3, "accuracy"),
        (np.eye(3)[LABELS], mlp.SquaredError(), 3, "accuracy"),
        ((X[:, :1] > 0) * 1.0, mlp.SigmoidCrossEntropy(), 1, "accuracy"),
        ((X[:, :2] > 0) * 1.0, mlp.SigmoidCrossEntropy(), 2, "accuracy"),
        (X[:, 0], mlp.SquaredError(), 1, "r2"),
    ],
    ids=["labels", "one of k", "yes or no", "several", "numbers"],
)
def test_a_baseline_reads_targets_of_every_kind(t: Any, loss: Any, width: int, name: str) -> None:
    recorder = drive([mlp.Dense(4, width)], t, loss, mlp.Adam(0.01))
    recorder.lay_baseline(X, t)
    for column in ("train", "baseline_train", "crossed"):
        assert np.isfinite(recorder.history[f"{column}_{name}"]).all()


def test_a_baseline_needs_a_loop_and_as_many_targets_as_rows() -> None:
    with pytest.raises(mlp.MLPError, match="a loop that was recorded"):
        mlp.Recorder().lay_baseline(X, LABELS)
    recorder = drive([mlp.Dense(4, 3)], LABELS, mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1))
    with pytest.raises(mlp.MLPError, match="96 rows"):
        recorder.lay_baseline(X, LABELS[:5])
