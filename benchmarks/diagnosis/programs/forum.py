"""A third set of programs, written after the verdicts had been tuned on `working.py`: other data, other settings.

The same kinds of report, from other people: each `source` names where such programs are posted. Their verdicts were
looked at before anything was mended after them; `benchmarks/README.md` has both rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from program import Experiment, Program
from working import (
    CLASSES,
    HIGH,
    LOW,
    MISMATCH,
    NUMBERS,
    SCALED,
    _loop,
    above,
    column,
    largest,
    one_hot,
    setting,
    values,
)  # fmt: skip

import mlp
from mlp.arrays import Array

# rows


def _moons(rng, n):
    y = rng.integers(0, 2, n)
    angle = np.pi * rng.random(n)
    X = np.column_stack([np.cos(angle) + y, (1 - 2 * y) * np.sin(angle) + 0.5 * y])
    return X + 0.15 * rng.normal(size=(n, 2)), y


def _rings(rng, n):
    y = rng.integers(0, 3, n)
    angle, radius = 2 * np.pi * rng.random(n), 1 + y + 0.2 * rng.normal(size=n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


def _friedman(rng, n):
    X = rng.random((n, 5))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
    return X, y + 0.5 * rng.normal(size=n)


def _wave(rng, n):
    x = rng.uniform(-2, 2, (n, 1))
    return x, np.sin(2 * x[:, 0])


def _digits(rng, n):
    """Real digits, 8 × 8 pixels, drawn with their 0 ... 16 spread to 0 ... 255."""
    data = mlp.data.load("digits")
    rows = rng.permutation(len(data.X))[:n]
    return data.X[rows] * 255 / 16, np.asarray(data.y)[rows]


def _fraud(rng, n):
    y = (rng.random(n) < 0.02).astype(int)
    return rng.normal(size=(n, 8)) + y[:, None] * np.array([1.2, -1.2, 1.0, 0.8, 0, 0, 0, 0]), y


def _genes(rng, n):
    X = rng.normal(size=(n, 120))
    return X, (X[:, 0] + X[:, 1] - X[:, 2] > 0).astype(int)


def _months(rng, n):
    """Months 0 ... 11 as four inputs, and sales that go with them."""
    X = rng.normal(size=(n, 6))
    return X, 50 + 12 * X[:, 0] - 7 * X[:, 1] * X[:, 2] + rng.normal(size=n)


# how rows are spoiled


def next_target(rng, X, y):
    """A join that is off by one row."""
    return X, np.roll(y, 1)


def same_row(rng, X, y):
    """Features are read from the same record again and again."""
    return np.tile(X[:1], (len(X), 1)) + 0.0, y


def signs(y: Array) -> Array:
    return 2 * column(y) - 1


@dataclass(frozen=True)
class Accumulating(mlp.Optimizer):
    """Gradient descent whose gradients nobody sets back to 0: u = -η Σ g."""

    learning_rate: float = 0.1

    def init(self, params):
        return np.zeros_like(params)

    def update(self, at, state, out):
        state += at.grad
        np.multiply(state, -self.learning_rate, out=out)


@dataclass(frozen=True)
class LogOfProbability(mlp.Loss):
    """-t log p - (1 - t) log(1 - p) of probabilities, as it stands in textbooks: not a number where p comes to 0 or 1."""

    def value(self, output, target, weights):
        with np.errstate(all="ignore"):
            return -(target * np.log(output) + (1 - target) * np.log(1 - output)).sum(-2).mean(-1)

    def value_and_grad(self, output, target, weights, d_output):
        with np.errstate(all="ignore"):
            d_output[...] = (output - target) / (output * (1 - output)) / output.shape[-1]
        return self.value(output, target, weights)


GOOD = setting(CLASSES, ("adam", 0.01), 60, hidden=[32])
GOOD_NUMBERS = setting(SCALED, ("adam", 0.01), 80, hidden=[32])
FLAT = {**NUMBERS, "scale_target": "none"}


def _relu(n_in: int, n_out: int, *last: Any, width: int = 24, **how: Any):
    return lambda: [mlp.Dense(n_in, width, **how), mlp.ReLU(), mlp.Dense(width, n_out, **how), *last]


def forced(name: str) -> dict[str, Any]:
    return {"name": name, "force": True}


FINE_LOOP = _loop(_relu(2, 3), mlp.SoftmaxCrossEntropy(), mlp.Adam(0.01), 32, 60, np.asarray, largest)
FINE_MOONS = _loop(_relu(2, 1), mlp.SigmoidCrossEntropy(), mlp.Adam(0.01), 32, 60, column, above(0.0))

PROGRAMS = (
    Program("softmax_squared_and_slow", "Stack Overflow, many", "softmax, squared error, SGD 0.01", (MISMATCH, LOW), _rings,
            600, Experiment({**setting(CLASSES, ("sgd", 0.01), 20, output=forced("softmax"), loss="squared_error")}),
            Experiment(GOOD), "accuracy", 0.85),
    Program("join_off_by_one", "Cross Validated", "targets of the row before", ("uninformative_labels", "noisy_labels"),
            _moons, 500, Experiment(GOOD, next_target), Experiment(GOOD), "accuracy", 0.9),
    Program("numbers_off_by_one", "Cross Validated", "targets of the row before", ("uninformative_labels", "noisy_labels"),
            _friedman, 500, Experiment(GOOD_NUMBERS, next_target), Experiment(GOOD_NUMBERS), "r2", 0.85),
    Program("adam_at_ten", "Keras issues", "Adam 10", (HIGH, "dead_relu"), _moons, 500,
            Experiment(setting(CLASSES, ("adam", 10.0), 30, hidden=[32, 32])), Experiment(GOOD), "accuracy", 0.9),
    Program("gradients_never_zeroed", "PyTorch forums, many", "no zero_grad", (HIGH, "momentum_too_high", "wrong_gradient"),
            _rings, 500, _loop(_relu(2, 3), mlp.SoftmaxCrossEntropy(), Accumulating(0.1), 32, 30, np.asarray, largest),
            FINE_LOOP, "accuracy", 0.85, by_hand=True),
    Program("bytes_into_tanh", "Stack Overflow, many", "pixels of 0 ... 255 into tanh, SGD 0.1",
            ("unscaled_inputs", "saturating_activations"), _digits, 800,
            Experiment(setting({**CLASSES, "scale": "none"}, ("sgd", 0.1), 20, activation="tanh", hidden=[32])),
            Experiment(setting(CLASSES, ("sgd", 0.1), 40, activation="tanh", hidden=[32])), "accuracy", 0.9),
    Program("zeros_into_tanh", "Cross Validated 27112", "zero weights", ("constant_initialization", "saddle_point"),
            _friedman, 500, Experiment(setting(SCALED, ("adam", 0.01), 60, activation="tanh", init="zeros", hidden=[32])),
            Experiment(GOOD_NUMBERS), "r2", 0.85),
    Program("sigmoid_for_signed_targets", "Stack Overflow, many", "sigmoid last, targets -1 ... 1", (MISMATCH,), _wave, 400,
            Experiment(setting(FLAT, ("adam", 0.01), 80, output="sigmoid")),
            Experiment(setting(FLAT, ("adam", 0.01), 120, output=forced("tanh"))), "r2", 0.95),
    Program("one_relu_last", "Keras issues", "ReLU last, half of the targets below 0", (MISMATCH, "dead_relu"), _wave, 400,
            Experiment(setting(FLAT, ("adam", 0.01), 80, output=forced("relu"))),
            Experiment(setting(FLAT, ("adam", 0.01), 120)), "r2", 0.95),
    Program("all_rows_and_a_rate_that_dies", "fast.ai forums", "batch of all rows, rate halved every epoch",
            (LOW, "batch_too_large", "too_few_epochs"), _moons, 500,
            Experiment(setting(CLASSES, ("sgd", 0.1, {"schedule": {"name": "step", "every": 1, "factor": 0.5}}), 40,
                               batch_size="full")), Experiment(GOOD), "accuracy", 0.9),
    Program("fraud_unweighted", "kaggle, credit card fraud", "2 % positives", ("class_imbalance", "minority_class_ignored"),
            _fraud, 1500, Experiment(setting(CLASSES, ("adam", 0.001), 15, hidden=[16])),
            Experiment(setting({**CLASSES, "class_weight": "balanced"}, ("adam", 0.003), 30, hidden=[8], l2=0.01)),
            "recall", 0.6),
    Program("dropout_of_nine_tenths", "Stack Overflow", "dropout 0.9 in two layers", ("dropout_too_high",), _rings, 600,
            Experiment(setting(CLASSES, ("adam", 0.003), 30, hidden=[24, 24], dropout=0.9)), Experiment(GOOD), "accuracy",
            0.85),
    Program("l2_of_one", "Stack Overflow", "kernel_regularizer l2(1)", ("weight_decay_too_high",), _friedman, 500,
            Experiment(setting(SCALED, ("adam", 0.01), 60, hidden=[32], l2=1.0)), Experiment(GOOD_NUMBERS), "r2", 0.85),
    Program("log_of_zero", "Stack Overflow, many", "log(p) where p comes to 0",
            (HIGH, "unscaled_inputs", "non_finite_data", MISMATCH), lambda rng, n: (lambda X, y: (X * 50, y))(*_moons(rng, n)),
            400, _loop(_relu(2, 1, mlp.Sigmoid()), LogOfProbability(), mlp.SGD(0.5), 32, 60, column, above(0.5)),
            _loop(_relu(2, 1), mlp.SigmoidCrossEntropy(), mlp.Adam(0.01), 32, 80, column, above(0.0), see=lambda X: X / 50),
            "accuracy", 0.9, by_hand=True),
    Program("one_record_again_and_again", "PyTorch forums", "every feature row is the same", ("constant_features",
            "contradictory_labels", "uninformative_labels"), _rings, 500, Experiment(GOOD, same_row), Experiment(GOOD),
            "accuracy", 0.85),
    Program("patience_of_one", "Keras issues", "EarlyStopping(patience=1)", ("too_few_epochs", LOW), _friedman, 500,
            Experiment({**setting(SCALED, ("adam", 0.001), 200, hidden=[32]), "training": {"epochs": 200, "early_stopping":
                        {"patience": 1, "min_delta": 0.05}}}),
            Experiment(GOOD_NUMBERS), "r2", 0.85),
    Program("momentum_of_almost_one", "Cross Validated", "SGD 0.1, momentum 0.999", ("momentum_too_high", HIGH), _rings, 500,
            Experiment(setting(CLASSES, ("momentum", 0.1, {"momentum": 0.999}), 20)), Experiment(GOOD), "accuracy", 0.85),
    Program("tanh_against_zero_and_one", "Stack Overflow, many", "tanh last, one-hot targets, squared error, SGD 0.01",
            (MISMATCH, LOW), _rings, 500,
            _loop(_relu(2, 3, mlp.Tanh()), mlp.SquaredError(), mlp.SGD(0.01), 32, 20, one_hot(3), largest), FINE_LOOP,
            "accuracy", 0.85, by_hand=True),
    Program("sigmoid_then_its_cross_entropy", "PyTorch forums, many", "sigmoid before BCEWithLogits", (MISMATCH,), _rings,
            500, _loop(_relu(2, 3, mlp.Sigmoid()), mlp.SoftmaxCrossEntropy(), mlp.SGD(0.05), 32, 20, np.asarray, largest),
            FINE_LOOP, "accuracy", 0.85, by_hand=True),
    Program("sales_in_cents", "Stack Overflow, many", "targets of 5000, nothing scaled, SGD 0.001",
            ("unscaled_targets", HIGH), lambda rng, n: (lambda X, y: (X, 100 * y))(*_months(rng, n)), 400,
            _loop(_relu(6, 1), mlp.SquaredError(), mlp.SGD(0.001), 32, 40, column, values),
            Experiment(GOOD_NUMBERS), "r2", 0.75, by_hand=True),
    Program("weights_of_ten", "PyTorch forums", "N(0, 10²) into tanh", ("initialization_too_large",
            "saturating_activations"), _moons, 500,
            Experiment(setting(CLASSES, ("sgd", 0.05), 20, activation="tanh", hidden=[32, 32],
                               init={"name": "normal", "std": 10.0})), Experiment(GOOD), "accuracy", 0.9),
    Program("ten_thin_layers", "Cross Validated", "ten sigmoid layers of 8, SGD 0.1", ("saturating_activations", LOW), _moons,
            500, Experiment(setting(CLASSES, ("sgd", 0.1), 30, activation="sigmoid", hidden=[8] * 10)), Experiment(GOOD),
            "accuracy", 0.9),
    Program("forty_patients", "Cross Validated", "40 rows, 120 columns, no penalty", ("too_few_rows",
            "too_little_regularization"), _genes, 40, Experiment(setting(CLASSES, ("adam", 0.005), 60, hidden=[64])),
            Experiment(setting(CLASSES, ("adam", 0.005), 20, hidden=[16], l2=0.03), n=3000), "accuracy", 0.85),
    Program("one_at_a_time_and_fast", "Stack Overflow", "batch of one, SGD 0.5", (HIGH, "batch_too_small", "dead_relu"),
            _rings, 400, Experiment(setting(CLASSES, ("sgd", 0.5), 10, hidden=[24, 24], batch_size=1)), Experiment(GOOD),
            "accuracy", 0.85),
    Program("one_number_for_three_rings", "Stack Overflow, many", "class ids by squared error", (MISMATCH,
            "classes_as_numbers"), lambda rng, n: (lambda X, y: (X, np.array([1, 2, 0])[y]))(*_rings(rng, n)), 600,
            _loop(_relu(2, 1), mlp.SquaredError(), mlp.SGD(0.01), 32, 30, column, lambda raw: np.clip(np.round(raw[:, 0]), 0, 2)),
            _loop(_relu(2, 3), mlp.SoftmaxCrossEntropy(), mlp.Adam(0.01), 32, 60, np.asarray, largest), "accuracy", 0.85,
            by_hand=True),
    Program("hidden_layer_left_out", "PyTorch forums", "the optimizer knows the last layer only", ("frozen_layer",), _rings,
            500, Experiment(setting(CLASSES, ("adam", 0.01), 40, hidden=[4], frozen=["dense1"])), Experiment(GOOD),
            "accuracy", 0.85),
)  # fmt: skip
"""Every one is a fault, with its published fix as the twin."""
