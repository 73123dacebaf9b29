"""Batches that are changed on their way: shifted images, and mixtures of samples."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.errors import ConfigError, DataError, HyperparameterError, ShapeError
from mlp.experiment import begin
from mlp.repairs import repair_run

RNG = np.random.default_rng(0)
ROWS = np.random.default_rng(1).normal(size=(200, 3))
NUMBER = ROWS @ [1.0, 2.0, -1.0]


def shifted(image: np.ndarray, dy: int, dx: int, fill: float) -> np.ndarray:
    """A slow twin: pixel by pixel, what lies dy below and dx to the right."""
    found = np.full_like(image, fill)
    for y, x in np.ndindex(*image.shape[:2]):
        if 0 <= y + dy < image.shape[0] and 0 <= x + dx < image.shape[1]:
            found[y, x] = image[y + dy, x + dx]
    return found


# shift


@pytest.mark.parametrize("image", [(4, 4), (3, 5), (3, 4, 2)])
@pytest.mark.parametrize("pixels", [1, 2])
def test_a_shifted_image_is_one_of_those_that_a_pixel_by_pixel_shift_gives(image: tuple[int, ...], pixels: int) -> None:
    original = RNG.normal(size=image)
    rows = np.repeat(original.reshape(1, -1), 400, 0)
    found = mlp.Shift(pixels, image, -7.0).apply(mlp.as_batch(rows, np.zeros(400)), np.random.default_rng(1))
    offsets = product(range(-pixels, pixels + 1), repeat=2)
    possible = {shifted(original, dy, dx, -7.0).tobytes() for dy, dx in offsets}
    met = {np.ascontiguousarray(row).tobytes() for row in found.x.values.T}
    assert met == possible  # 400 draws of at most 25: one is missed with probability 25 · (24/25)^400 = 2e-6


def test_the_bias_node_and_the_original_stay_as_they_are() -> None:
    batch = mlp.as_batch(RNG.normal(size=(5, 9)), np.zeros(5))
    before = batch.x.with_bias.copy()
    found = mlp.Shift(1, (3, 3)).apply(batch, np.random.default_rng(0))
    assert (found.x.with_bias[-1] == 1).all()
    np.testing.assert_array_equal(batch.x.with_bias, before)


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(ShapeError, match="8 features, and an image 3 × 3 has 9"):
        mlp.Shift(1, (3, 3)).apply(mlp.as_batch(np.ones((2, 8)), np.zeros(2)), RNG)


@pytest.mark.parametrize("given", [(3, (3, 3)), (1, (9,)), (0, (3, 3)), (1, (3, 0))])
def test_a_shift_that_cannot_be_is_refused(given: Any) -> None:
    with pytest.raises(HyperparameterError):
        mlp.Shift(*given)


# mixup


def test_a_mixture_is_that_of_zhang() -> None:
    """Eq. 1, with λ and the order of the partners drawn by hand from an equal generator."""
    X, labels, twin = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 0, 1, 2]), np.random.default_rng(4)
    found = mlp.Mixup(0.4, 3).apply(mlp.as_batch(X, labels), np.random.default_rng(4))
    share, other = twin.beta(0.4, 0.4), twin.permutation(6)
    for i, j in enumerate(other):
        np.testing.assert_allclose(found.x.values[:, i], share * X[i] + (1 - share) * X[j], rtol=1e-12)
        expected = share * np.eye(3)[labels[i]] + (1 - share) * np.eye(3)[labels[j]]
        np.testing.assert_allclose(found.target[:, i], expected, rtol=1e-12)


@pytest.mark.parametrize("target", [RNG.random(6), RNG.random((6, 2))])
def test_values_are_mixed_as_their_inputs_are(target: np.ndarray) -> None:
    """Where targets are a linear function of the inputs, they still are after mixing."""
    X = np.c_[target, RNG.normal(size=6)]
    found = mlp.Mixup(1.0).apply(mlp.as_batch(X, target), np.random.default_rng(0))
    np.testing.assert_allclose(np.atleast_2d(found.target), found.x.values[:-1], rtol=1e-12)


def test_mixup_keeps_the_mean_of_inputs_and_targets() -> None:
    X, labels = RNG.normal(size=(8, 3)), np.arange(8) % 2
    found = mlp.Mixup(1.0, 2).apply(mlp.as_batch(X, labels), np.random.default_rng(0))
    np.testing.assert_allclose(found.x.values.mean(1), X.mean(0), atol=1e-12)
    np.testing.assert_allclose(found.target.mean(1), [0.5, 0.5], atol=1e-12)


def test_labels_need_the_number_of_classes_and_weights_are_refused() -> None:
    with pytest.raises(HyperparameterError, match="n_classes"):
        mlp.Mixup(1.0).apply(mlp.as_batch(np.ones((2, 2)), np.array([0, 1])), RNG)
    with pytest.raises(DataError, match="label 5"):
        mlp.Mixup(1.0, 3).apply(mlp.as_batch(np.ones((2, 2)), np.array([0, 5])), RNG)
    with pytest.raises(DataError, match="weights"):
        mlp.Mixup(1.0, 2).apply(mlp.as_batch(np.ones((2, 2)), np.array([0, 1]), np.ones(2)), RNG)


# by hand, and from an experiment


def digits(**data: Any) -> dict[str, Any]:
    found = {"source": "digits", "scale": "minmax", **data}
    return {"data": found, "training": {"epochs": 3}, "record": {"probe": "never"}}


def test_augmented_batches_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    def met(seed: int) -> np.ndarray:
        plain = mlp.batches(np.eye(9), np.arange(9), 3, rng=0, epochs=2)
        found = mlp.augmented(plain, mlp.Shift(1, (3, 3)), mlp.Mixup(0.5, 9), rng=seed)
        return np.concatenate([batch.x.values.copy() for batch in found], axis=1)

    np.testing.assert_array_equal(met(0), met(0))
    assert (met(0) != met(1)).any()


def test_a_network_trains_on_augmented_batches_by_hand() -> None:
    X, y = np.eye(4), np.arange(4)
    net = mlp.Network([mlp.Dense(4, 4)], rng=0)
    data = mlp.augmented(mlp.batches(X, y, 4, rng=0, epochs=300), mlp.Mixup(0.2, 4), rng=0)
    steps = list(mlp.train(net, data, mlp.SoftmaxCrossEntropy(), mlp.SGD(1.0)))
    assert len(steps) == 300
    assert (mlp.predict(net, X).argmax(1) == y).all()


@pytest.mark.parametrize("data", [{"shift": 1}, {"mixup": 0.2}, {"shift": 1, "mixup": 0.2, "image": [8, 8]}])
@pytest.mark.parametrize("restarts", [1, 2])
def test_an_experiment_learns_from_augmented_rows(data: dict[str, Any], restarts: int) -> None:
    config = digits(**data) | {"training": {"epochs": 12, "restarts": restarts}}
    run = mlp.run(config)
    assert run.metrics["test_accuracy"] > 0.8  # a guess is 0.1; to know shifted images takes longer than 12 epochs
    np.testing.assert_array_equal(run.network.params, mlp.run(config).network.params)


def test_what_is_measured_is_measured_on_the_rows_as_they_are() -> None:
    (plain, state), (changed, other) = begin(digits()), begin(digits(shift=2, mixup=0.5))
    np.testing.assert_array_equal(plain.prepared.train.X, changed.prepared.train.X)
    np.testing.assert_array_equal(state.network.params, other.network.params)


@pytest.mark.parametrize("y", [NUMBER > 0, np.digitize(NUMBER, [-1, 1]), np.c_[NUMBER > 0, NUMBER > 1], NUMBER])
def test_every_task_can_be_mixed(y: np.ndarray) -> None:
    run = mlp.run({"data": {"mixup": 0.2}, "training": {"epochs": 30}, "record": {"probe": "never"}}, (ROWS, y * 1))
    assert run.metrics.get("train_accuracy", run.metrics.get("train_r2")) > 0.8


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (digits(shift=-1), "shift = -1 .*0 or more"),
        (digits(mixup=-1), "mixup = -1 .*0 or more"),
        (digits(image=[8]), r"image = \[8\] .*rows, columns"),
        (digits(shift=1, image=[7, 9]), r"64 features; image = \[7, 9\], which has 63"),
        (digits(shift=8), "shift = 8 moves all of an image 8 × 8"),
        ({"data": {"source": "wine", "shift": 1, "scale": "minmax"}}, "13 features; no image is given"),
        ({"data": {"source": "iris", "shift": 1, "scale": "minmax"}}, "4 features; no image is given"),
        ({"data": {"source": "digits", "shift": 1}}, "scale = 'standard'"),
        (digits(mixup=0.2) | {"loss": {"name": "focal"}}, "focal takes whole labels"),
        (digits(mixup=0.2, class_weight="balanced"), "class_weight"),
    ],
)
def test_what_cannot_be_augmented_says_so(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        mlp.run(config)


def test_an_augmented_ensemble_can_be_repaired() -> None:
    """Trials meet changed batches too, and [data] keys that are lists are no obstacle."""
    X = np.random.default_rng(0).random((120, 9))
    config = {
        "data": {"scale": "minmax", "shift": 1, "mixup": 0.2, "image": [3, 3]},
        "network": {"hidden": [8]},
        "training": {"restarts": 2, "ensemble": True, "epochs": 2},
        "optimizer": {"name": "sgd", "learning_rate": 1e-5},
    }
    data = X, (X.sum(1) > 4.5).astype(int)
    repair = repair_run(mlp.run(config, data), data, tries=1)
    assert repair.changes
    assert repair.after.network.population == (2,)
    assert repair.after.metrics["train_accuracy"] > repair.before.metrics["train_accuracy"]


def test_the_command_line_says_how_batches_are_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = ["data.scale=minmax", "data.shift=1", "data.mixup=0.2", "network.max_norm=3", "training.epochs=1"]
    assert main(["train", "digits", *(part for key in keys for part in ("--set", key)), "-o", str(tmp_path / "r")]) == 0
    shown = capsys.readouterr().out
    assert "range 0 to 1, shifted by up to 1 pixel, mixed (α = 0.2)" in shown
    assert ", max-norm 3," in shown
