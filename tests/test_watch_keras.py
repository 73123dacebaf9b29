"""Keras models that are watched, on the backend of PyTorch.

Against real Keras: `.ci/run` installs it. Elsewhere these tests are skipped where it is missing.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import mlp

pytest.importorskip("torch")
os.environ["KERAS_BACKEND"] = "torch"  # read once, when Keras is first imported
keras: Any = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own

X = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
Y = np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])


def model(*, output: str | None = None, hidden: str = "relu", loss: Any = None, rule: Any = None, **dense: Any) -> Any:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    found = keras.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(16, activation=hidden, **dense),
            layers.Dropout(0.1),
            layers.Dense(3, activation=output, **dense),
        ]
    )
    loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=output is None)
    found.compile(optimizer=rule or keras.optimizers.Adam(0.02), loss=loss)
    return found


def fit(found: Any, *, epochs: int = 10, **options: Any) -> Any:
    watch = mlp.watch_keras(found)
    found.fit(X, Y, epochs=epochs, batch_size=16, verbose=0, callbacks=[watch], **options)
    return watch


def causes(watch: Any) -> list[str]:
    return [cause.name for f in watch.findings if f.severity != "info" for cause in f.causes[:1]]


def test_training_is_the_same_bit_for_bit() -> None:
    ends = []
    for watched in (False, True):
        found = model()
        callbacks = [mlp.watch_keras(found)] if watched else []
        found.fit(X, Y, epochs=3, batch_size=16, verbose=0, callbacks=callbacks)
        ends.append(found.get_weights())
        assert "compute_loss" not in found.__dict__ and "apply" not in found.optimizer.__dict__
    assert all(np.array_equal(a, b) for a, b in zip(*ends, strict=True))


def test_a_healthy_model_has_no_alarm_and_all_the_columns() -> None:
    held_out = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    target = np.digitize(held_out[:, 0] + held_out[:, 1], [-0.7, 0.7])
    watch = fit(model(), epochs=30, validation_data=(held_out, target))
    assert causes(watch) == []
    assert len(watch.history.labels("grad_norm_by_layer")) == 2
    assert len(watch.history["loss"]) == 240
    assert len(watch.history["validation_loss"]) == 30
    assert {"backward_gain", "silent_units", "weight_gain", "reference_loss", "train_accuracy"} <= set(watch.history)


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda: model(output="softmax", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                       rule=keras.optimizers.SGD(1e-3)), "loss_output_mismatch"),
        (lambda: model(loss="sparse_categorical_crossentropy"), "loss_output_mismatch"),
        (lambda: model(kernel_initializer="zeros"), "constant_initialization"),
        (lambda: model(rule=keras.optimizers.SGD(1e-6)), "learning_rate_too_low"),
        (lambda: model(rule=keras.optimizers.Adam(10.0)), "learning_rate_too_high"),
    ],
)  # fmt: skip
def test_a_failing_model_is_told_its_cause(make: Any, cause: str) -> None:
    assert causes(fit(make()))[0] == cause


def test_a_second_fit_goes_on_with_the_history() -> None:
    found = model()
    watch = mlp.watch_keras(found)
    for _ in range(2):
        found.fit(X, Y, epochs=2, batch_size=16, verbose=0, callbacks=[watch])
    assert len(watch.history["loss"]) == len(watch.history["grad_norm"]) == 32


def test_what_cannot_be_watched_is_refused() -> None:
    with pytest.raises(mlp.HyperparameterError, match="a model of Keras"):
        mlp.watch_keras(3)
    with pytest.raises(mlp.HyperparameterError, match="compile"):
        mlp.watch_keras(keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)]))
    with pytest.raises(mlp.HyperparameterError, match="fit"):
        _ = mlp.watch_keras(model()).findings


def test_a_report_is_that_of_the_loop_inside() -> None:
    watch = fit(model(), epochs=2)
    text = watch.report()
    assert text.startswith("<!doctype html>") and "loop of" in text


def test_the_experiment_of_a_model_fails_for_the_same_cause() -> None:
    """A softmax before Keras' loss of probabilities is part of the cross-entropy here; Glorot's weights have a name."""
    found = model(output="softmax", hidden="tanh", loss="sparse_categorical_crossentropy",
                  rule=keras.optimizers.SGD(1e-6))  # fmt: skip
    watch = fit(found)
    said = watch.experiment()
    assert said["network"] == {
        "hidden": [16], "activation": "tanh", "dropout": 0.1, "output": "softmax", "init": "glorot_uniform",
    }  # fmt: skip
    assert said["optimizer"] == {"name": "sgd", "learning_rate": 1e-6}
    assert said["training"] == {"epochs": 10, "batch_size": 16, "shuffle": True, "dtype": "float32"}
    assert causes(mlp.run(said, watch.rows)) == causes(watch) == ["learning_rate_too_low"]


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: model(kernel_regularizer="l2"), "kernel_regularizer"),
        (lambda: model(hidden="hard_silu"), "hard_silu"),
        (lambda: model(rule=keras.optimizers.Ftrl(0.01)), "Ftrl"),
        (lambda: model(rule=keras.optimizers.SGD(0.1, global_clipnorm=1.0)), "clip"),
    ],
)
def test_what_no_experiment_can_say_of_a_model_is_named(make: Any, named: str) -> None:
    with pytest.raises(mlp.ConfigError, match=named):
        fit(make(), epochs=2).experiment()
