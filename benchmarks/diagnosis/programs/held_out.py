"""Programs that are scored once, at the end: nothing was tuned on them.

Facts from the reports that each `source` names: Stack Overflow and Stack Exchange posts, the benchmark of DeepLocalize
(Wardat, Le & Rajan, ICSE 2021), the fixes in that of DeepFD (Cao et al., ICSE 2022), issues of Keras, textbooks. Images
are the embedded digits, other data is drawn by a formula of the same kind. Where a report trains for minutes, rows,
widths or epochs are fewer, and that is said.
"""

from __future__ import annotations

import numpy as np
from program import Experiment, Loop, Program

import mlp
from mlp import data
from mlp.arrays import Array
from mlp.initializers import Normal

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def _xor(rng, n):
    X = XOR[rng.permutation(np.arange(n) % 4)]
    return X, (X.sum(1) == 1).astype(int)


def _ones_and_zeros(rng, n):
    y = rng.permutation(np.arange(n) % 2)
    return np.repeat(y[:, None].astype(float), 128, 1), y


def _digits(rng, n):
    found = data.load("digits")
    chosen = rng.permutation(len(found.X))[:n] if n < 1500 else rng.integers(0, len(found.X), n)
    return found.X[chosen] / 16.0, found.y[chosen]


def _line(rng, n):
    x = rng.uniform(0, 10, (n, 1))
    return x, 0.5 * x[:, 0] + 1 + 0.2 * rng.standard_normal(n)


def _two_columns(rng, n):
    X = rng.normal(size=(n, 2))
    return X, np.tanh(X[:, 0] - 0.5 * X[:, 1]) + 0.1 * rng.standard_normal(n)


def _bits(rng, n):
    numbers = rng.permutation(np.arange(n) % 256)
    X = (numbers[:, None] >> np.arange(8)[::-1] & 1).astype(float)
    return X, X.astype(int)


def _parabola(rng, n):
    x = rng.uniform(0, 5, (n, 1))
    return x, 5 * x[:, 0] ** 2 + rng.standard_normal(n) ** 3


def _two_squares(rng, n):
    y = rng.permutation(np.arange(n) % 2)
    return rng.uniform(0, 0.2, (n, 2)) + np.where(y == 0, 0.2, 0.5)[:, None], y


def _fourth_power(rng, n):
    x = rng.uniform(-100, 100, (n, 1))
    return x, x[:, 0] ** 4


def _television(rng, n):
    x = rng.uniform(50, 300, (n, 1))
    return x, 5 * x[:, 0] + 40 + 60 * rng.standard_normal(n)


def _square_of_rank(rng, n):
    x = rng.uniform(0, 99, (n, 1))
    return (x - 49.5) / 28.87, x[:, 0] ** 2 + 3


def _sepal(rng, n):
    """Three correlated lengths and the fourth, like those of Fisher's irises."""
    size = rng.normal(size=n)
    X = np.column_stack([size + 0.5 * rng.normal(size=n), 1.7 * size + 0.4 * rng.normal(size=n), rng.normal(size=n)])
    return X, 5.8 + 0.7 * size + 0.15 * rng.normal(size=n)


def _price(rng, n):
    X = rng.normal(size=(n, 6))
    return X, 200 + 60 * X[:, 0] + 40 * X[:, 1] * (X[:, 2] > 0) + 5 * rng.normal(size=n)


def _fraud(rng, n):
    y = (rng.random(n) < 0.02).astype(int)
    return rng.normal(size=(n, 8)) + 1.4 * y[:, None] * np.array([1, -1, 1, 0, 0, 1, 0, 0]), y


def _clouds(rng, n):
    y = rng.integers(0, 4, n)
    centres = 1.6 * np.array([[1, 1, 0], [-1, 1, 1], [1, -1, -1], [-1, -1, 1]])
    return centres[y] + rng.normal(size=(n, 3)), y


def _many_columns(rng, n):
    X = rng.normal(size=(n, 41))
    y = (X[:, 0] + 0.8 * X[:, 1] + 0.4 * rng.normal(size=n) > 0).astype(int)
    return X, y


def _days(rng, n):
    X = rng.normal(size=(n, 4))
    days = 180 + 70 * X[:, 0] - 50 * np.tanh(X[:, 1]) + 6 * rng.normal(size=n)
    return X, np.clip(np.round(days), 0, 365).astype(int)


def _card(rng, n):
    """Who gets a credit card, from age, income, dependents, reports of default."""
    X = rng.normal(size=(n, 4))
    return X, (X[:, 1] - 0.8 * X[:, 3] + 1.2 * rng.normal(size=n) > 0).astype(int)


def _several(rng, n):
    X = rng.normal(size=(n, 20))
    return X, (X[:, :3] + 0.5 * X[:, 3:6] > np.array([0.0, 0.3, -0.3])).astype(int)


def _rings(rng, n):
    found = data.rings(n, noise=0.1, rng=rng)
    return found.X, found.y


def shuffle_targets(rng, X, y):
    return X, y[rng.permutation(len(y))]


def sort_by_class(rng, X, y):
    order = np.argsort(y, kind="stable")
    return X[order], y[order]


def add_expenditure(rng, X, y):
    """A column that is known only afterwards: what was spent with the card, nothing without one."""
    return np.column_stack([X, np.where(y == 1, rng.gamma(2.0, 1.0, len(y)), 0.0)]), y


def column(y: Array) -> Array:
    return np.asarray(y, float).reshape(len(y), -1)


def one_hot(y: Array) -> Array:
    return np.eye(10)[y]


def above(limit: float):
    return lambda raw: (raw[:, 0] > limit).astype(int)


def values(raw: Array) -> Array:
    return raw[:, 0]


def largest(raw: Array) -> Array:
    return raw.argmax(1)


def times(factor: float, shift: float = 0.0):
    return lambda raw: raw[:, 0] * factor + shift


NO_SCALING = {"scale": "none", "scale_target": "none"}
CLASSES, NUMBERS = {"task": "classification"}, {"task": "regression"}
SCALED = {"task": "regression", "scale_target": "standard"}
MISMATCH, HIGH, LOW = "loss_output_mismatch", "learning_rate_too_high", "learning_rate_too_low"

PROGRAMS = (
    Program(
        "softmax_of_one_unit", "SO 31880720, DeepLocalize",
        "128 inputs all 1 or all 0, relu 50-50, one unit with softmax, RMSprop; fix: sigmoid",
        (MISMATCH,), _ones_and_zeros, 400,
        Loop(lambda: [mlp.Dense(128, 50), mlp.ReLU(), mlp.Dropout(0.2), mlp.Dense(50, 50), mlp.ReLU(),
                      mlp.Dropout(0.2), mlp.Dense(50, 1), mlp.Softmax()],
             mlp.SquaredError(), mlp.RMSprop(0.001), 16, 6, column, above(0.5)),
        Loop(lambda: [mlp.Dense(128, 50), mlp.ReLU(), mlp.Dropout(0.2), mlp.Dense(50, 50), mlp.ReLU(),
                      mlp.Dropout(0.2), mlp.Dense(50, 1)],
             mlp.SigmoidCrossEntropy(), mlp.RMSprop(0.001), 16, 6, column, above(0.0)),
        "accuracy", 0.99, by_hand=True,
    ),
    Program(
        "xor_softmax_of_one", "SO 34311586, DeepLocalize",
        "exclusive or, sigmoid 2-3, one unit with softmax, squared error, SGD 0.001 for 20 epochs; fix: sigmoid, a "
        "learning rate and epochs that suffice (here with 8 units and Adam, so that it arrives)",
        (MISMATCH, LOW, "too_few_epochs"), _xor, 8,
        Experiment({"data": {**CLASSES, "validation": 0.0, "test": 0.0, "scale": "none"},
                    "network": {"hidden": [2, 3], "activation": "sigmoid", "output": {"name": "softmax", "force": True},
                                "init": {"name": "uniform", "low": -0.05, "high": 0.05}},
                    "loss": {"name": "squared_error"},
                    "optimizer": {"name": "nesterov", "learning_rate": 0.001, "momentum": 0.9},
                    "training": {"epochs": 20}}),
        Experiment({"data": {**CLASSES, "validation": 0.0, "test": 0.0, "scale": "none"},
                    "network": {"hidden": [8], "activation": "tanh", "output": "sigmoid"},
                    "optimizer": {"name": "adam", "learning_rate": 0.03}, "training": {"epochs": 400}}),
        "accuracy", 1.0,
    ),
    Program(
        "xor_absolute_error", "SO 31556268, DeepLocalize, DeepFD",
        "exclusive or, sigmoid 4, sigmoid, absolute error, SGD 0.05 with momentum 0.11, 1000 epochs; fix: squared "
        "error, rate 0.1, 50 000 epochs (here 2.0 and 4000)",
        ("too_few_epochs", LOW, MISMATCH), _xor, 4,
        Experiment({"data": {**CLASSES, "validation": 0.0, "test": 0.0, "scale": "none"},
                    "network": {"hidden": [4], "activation": "sigmoid", "output": "sigmoid", "init": "glorot_uniform"},
                    "loss": {"name": "absolute_error"},
                    "optimizer": {"name": "momentum", "learning_rate": 0.05, "momentum": 0.11},
                    "training": {"epochs": 1000, "batch_size": 4}}),
        Experiment({"data": {**CLASSES, "validation": 0.0, "test": 0.0, "scale": "none"},
                    "network": {"hidden": [4], "activation": "sigmoid", "output": "sigmoid", "init": "glorot_uniform"},
                    "loss": {"name": "squared_error"},
                    "optimizer": {"name": "momentum", "learning_rate": 2.0, "momentum": 0.11},
                    "training": {"epochs": 4000, "batch_size": 4}}),
        "accuracy", 1.0,
    ),
    Program(
        "weights_of_one_and_steps_of_three", "SO 48385830, DeepLocalize",
        "digits, 30 units without an activation, all weights N(0, 1), squared error, SGD 3.0, batches of 10; fix: "
        "sigmoid units",
        (HIGH, "initialization_too_large", "missing_nonlinearity", "unscaled_inputs"), _digits, 1000,
        Loop(lambda: [mlp.Dense(64, 30, Normal(std=1.0)), mlp.Dense(30, 10, Normal(std=1.0))],
             mlp.SquaredError(), mlp.SGD(3.0), 10, 5, one_hot, largest),
        Loop(lambda: [mlp.Dense(64, 30), mlp.Sigmoid(), mlp.Dense(30, 10), mlp.Sigmoid()],
             mlp.SquaredError(), mlp.SGD(1.5), 10, 30, one_hot, largest),
        "accuracy", 0.9, by_hand=True,
    ),
    Program(
        "relu_last_for_numbers", "SO 48251943, DeepLocalize",
        "two columns, 4 relu units, relu last, squared error, SGD, 50 epochs, targets below 0 too; fix: another output",
        (MISMATCH, "dead_relu"), _two_columns, 300,
        Experiment({"data": {**NUMBERS, "scale_target": "none"},
                    "network": {"hidden": [4], "output": {"name": "relu", "force": True}},
                    "optimizer": {"name": "sgd", "learning_rate": 0.01},
                    "training": {"epochs": 50, "batch_size": 10}}),
        Experiment({"data": {**NUMBERS, "scale_target": "none"}, "network": {"hidden": [8]},
                    "optimizer": {"name": "sgd", "learning_rate": 0.05},
                    "training": {"epochs": 100, "batch_size": 10}}),
        "r2", 0.9,
    ),
    Program(
        "sigmoid_last_for_a_line", "SO 48221692, DeepLocalize",
        "a line up to 6, 5 sigmoid units, sigmoid last, squared error, SGD with all rows for 1000 epochs; fix: linear",
        (MISMATCH, "unscaled_targets"), _line, 200,
        Loop(lambda: [mlp.Dense(1, 5), mlp.Sigmoid(), mlp.Dense(5, 1), mlp.Sigmoid()],
             mlp.SquaredError(), mlp.SGD(0.01), 200, 1000, column, values),
        Loop(lambda: [mlp.Dense(1, 5), mlp.Sigmoid(), mlp.Dense(5, 1)],
             mlp.SquaredError(), mlp.SGD(0.1), 50, 1000, column, values, lambda X: (X - 5) / 2.9),
        "r2", 0.9, by_hand=True,
    ),
    Program(
        "shuffled_bits", "SO 39217567, DeepLocalize",
        "8 bits are to give themselves, but the targets were shuffled alone; fix: shuffle both alike",
        ("uninformative_labels", "noisy_labels"), _bits, 256,
        Experiment({"data": {"task": "multilabel"}, "network": {"hidden": [16, 16], "activation": "sigmoid"},
                    "optimizer": {"name": "adam", "learning_rate": 0.02}, "training": {"epochs": 150}},
                   shuffle_targets),
        Experiment({"data": {"task": "multilabel"}, "network": {"hidden": [16, 16], "activation": "sigmoid"},
                    "optimizer": {"name": "adam", "learning_rate": 0.02}, "training": {"epochs": 150}}),
        "accuracy", 0.95,
    ),
    Program(
        "five_epochs_of_large_batches", "SO 44164749, DeepLocalize",
        "digits, wide relu layers with dropout 0.1, SGD 0.01 with momentum 0.9, batches of 2000 for 5 epochs; fix: "
        "batches of 128, more epochs (here 64-32 units, 1000 rows, batches of 500; then 32 and 40 epochs)",
        ("batch_too_large", "too_few_epochs"), _digits, 1000,
        Experiment({"data": {**CLASSES, "scale": "none"}, "network": {"hidden": [64, 32], "dropout": 0.1},
                    "optimizer": {"name": "nesterov", "learning_rate": 0.01, "momentum": 0.9},
                    "training": {"epochs": 5, "batch_size": 500}}),
        Experiment({"data": {**CLASSES, "scale": "none"}, "network": {"hidden": [64, 32], "dropout": 0.1},
                    "optimizer": {"name": "nesterov", "learning_rate": 0.01, "momentum": 0.9},
                    "training": {"epochs": 40, "batch_size": 32}}),
        "accuracy", 0.9,
    ),
    Program(
        "parabola_at_a_tenth", "SO 48934338, DeepLocalize, DeepFD",
        "5x² on 0 ... 5 unscaled, relu 50-30, SGD 0.1: no number after a few steps; fix: 0.001 (here with scaled rows)",
        (HIGH, "unscaled_targets", "unscaled_inputs"), _parabola, 100,
        Experiment({"data": {**NUMBERS, **NO_SCALING}, "network": {"hidden": [50, 30]},
                    "optimizer": {"name": "sgd", "learning_rate": 0.1}, "training": {"epochs": 200}}),
        Experiment({"data": SCALED, "network": {"hidden": [50, 30]},
                    "optimizer": {"name": "sgd", "learning_rate": 0.05}, "training": {"epochs": 200}}),
        "r2", 0.9,
    ),
    Program(
        "two_squares_five_epochs", "SO 50306988, DeepLocalize",
        "two classes in small squares, 2 sigmoid units, softmax, Adam 0.001 for 5 epochs; fix: 50 epochs and more",
        ("too_few_epochs", LOW, "unscaled_inputs"), _two_squares, 200,
        Experiment({"data": {**CLASSES, "scale": "none"},
                    "network": {"hidden": [2], "activation": "sigmoid", "output": "softmax"},
                    "optimizer": {"name": "adam", "learning_rate": 0.001}, "training": {"epochs": 5}}),
        Experiment({"data": {**CLASSES, "scale": "none"},
                    "network": {"hidden": [2], "activation": "sigmoid", "output": "softmax"},
                    "optimizer": {"name": "adam", "learning_rate": 0.02}, "training": {"epochs": 200}}),
        "accuracy", 0.97,
    ),
    Program(
        "fourth_power", "SO 52800582, DeepFD",
        "x⁴ on -100 ... 100, 50 sigmoid and 50 elu units, nothing scaled; fix: scale inputs and targets",
        ("unscaled_targets", "unscaled_inputs"), _fourth_power, 400,
        Experiment({"data": {**NUMBERS, **NO_SCALING},
                    "network": {"hidden": [50, 50], "activation": ["sigmoid", "elu"], "init": "glorot_uniform"},
                    "optimizer": {"name": "adam", "learning_rate": 0.001}, "training": {"epochs": 60}}),
        Experiment({"data": SCALED,
                    "network": {"hidden": [50, 50], "activation": ["sigmoid", "elu"], "init": "glorot_uniform"},
                    "optimizer": {"name": "adam", "learning_rate": 0.01}, "training": {"epochs": 200}}),
        "r2", 0.9,
    ),
    Program(
        "one_unit_on_raw_television", "Cross Validated 284189",
        "one linear unit, inputs of hundreds, SGD 0.01, batches of 1, rows in order: NaN; fix: standardise both",
        ("unscaled_inputs", HIGH, "unscaled_targets"), _television, 40,
        Loop(lambda: [mlp.Dense(1, 1)], mlp.SquaredError(), mlp.SGD(0.01), 1, 30, column, values,
             is_shuffled=False),
        Loop(lambda: [mlp.Dense(1, 1)], mlp.SquaredError(), mlp.SGD(0.01), 1, 30,
             lambda y: column((y - 915) / 366), times(366, 915), lambda X: (X - 175) / 72),
        "r2", 0.9, by_hand=True,
    ),
    Program(
        "linear_tower_raw_targets", "Cross Validated 418955",
        "x² + 3 of 0 ... 99, inputs scaled and targets not, two linear layers of 1, SGD: diverges; fix: scale targets "
        "(here also tanh units, so that the square can be said)",
        ("unscaled_targets", HIGH, "missing_nonlinearity"), _square_of_rank, 100,
        Experiment({"data": {**NUMBERS, "scale": "none", "scale_target": "none"},
                    "network": {"hidden": [1], "activation": "identity"},
                    "optimizer": {"name": "sgd", "learning_rate": 0.01}, "training": {"epochs": 100}}),
        Experiment({"data": {**SCALED, "scale": "none"}, "network": {"hidden": [16], "activation": "tanh"},
                    "optimizer": {"name": "sgd", "learning_rate": 0.1},
                    "training": {"epochs": 300, "batch_size": 16}}),
        "r2", 0.95,
    ),
    Program(
        "xor_relu_everywhere", "Cross Validated 433365",
        "exclusive or many times over, a linear layer of 2, relu 2, relu last, squared error, SGD for 5 epochs; fix: "
        "a nonlinearity in the first layer, sigmoid last, cross-entropy, more epochs",
        (MISMATCH, "dead_relu", "too_little_capacity", "too_few_epochs", "local_minimum", LOW), _xor, 800,
        Loop(lambda: [mlp.Dense(2, 2), mlp.Dense(2, 2), mlp.ReLU(), mlp.Dense(2, 1), mlp.ReLU()],
             mlp.SquaredError(), mlp.SGD(0.01), 32, 5, column, above(0.5)),
        Loop(lambda: [mlp.Dense(2, 8), mlp.Tanh(), mlp.Dense(8, 1)],
             mlp.SigmoidCrossEntropy(), mlp.SGD(0.5), 32, 60, column, above(0.0)),
        "accuracy", 0.99, by_hand=True,
    ),
    Program(
        "two_hundred_steps_of_adam", "SO 72410071",
        "standardised lengths, targets near 6, relu 100, Adam 0.001, all rows in a batch, 200 steps; fix: more "
        "iterations (here a higher rate too)",
        ("too_few_epochs", LOW, "batch_too_large", "unscaled_targets"), _sepal, 150,
        Experiment({"data": {**NUMBERS, "scale_target": "none"}, "network": {"hidden": [100]},
                    "optimizer": {"name": "adam", "learning_rate": 0.001},
                    "training": {"epochs": 200, "batch_size": "full"}}),
        Experiment({"data": SCALED, "network": {"hidden": [100]},
                    "optimizer": {"name": "adam", "learning_rate": 0.003},
                    "training": {"epochs": 60, "batch_size": 32}}),
        "r2", 0.85,
    ),
    Program(
        "errors_summed_over_the_batch", "TheDeepChecker 43611745, 51146597: a sum where a mean is meant",
        "the squared errors of a batch of 64 are summed, which is a rate of 64 times 0.02; fix: take the mean",
        (HIGH, "wrong_gradient"), _price, 400,
        Loop(lambda: [mlp.Dense(6, 32), mlp.ReLU(), mlp.Dense(32, 1)],
             mlp.SquaredError(), mlp.SGD(0.02 * 64), 64, 40, lambda y: column((y - 200) / 70), times(70, 200)),
        Loop(lambda: [mlp.Dense(6, 32), mlp.ReLU(), mlp.Dense(32, 1)],
             mlp.SquaredError(), mlp.SGD(0.1), 16, 100, lambda y: column((y - 200) / 70), times(70, 200)),
        "r2", 0.9, by_hand=True,
    ),
    Program(
        "adam_at_a_half", "keras-team/keras issue 2711",
        "the loss does not change after the first epoch, since the rate is far too high; fix: lower it",
        (HIGH, "dead_relu"), _digits, 800,
        Experiment({"data": {**CLASSES}, "network": {"hidden": [64, 64]},
                    "optimizer": {"name": "adam", "learning_rate": 0.5}, "training": {"epochs": 20}}),
        Experiment({"data": {**CLASSES}, "network": {"hidden": [64, 64]},
                    "optimizer": {"name": "adam", "learning_rate": 0.002}, "training": {"epochs": 20}}),
        "accuracy", 0.9,
    ),
    Program(
        "constant_of_each_sign", "github.com/ayush9818/MLDS-SQ, Dying ReLU",
        "relu 10-10 with weights of 0.5 in the first layer and -0.5 in the second; fix: draw them at random",
        ("constant_initialization", "dead_relu"), _rings, 400,
        Experiment({"data": {**CLASSES},
                    "network": {"hidden": [10, 10], "init": [{"name": "constant", "value": 0.5},
                                                             {"name": "constant", "value": -0.5}, "auto"]},
                    "optimizer": {"name": "adam", "learning_rate": 0.01}, "training": {"epochs": 60}}),
        Experiment({"data": {**CLASSES}, "network": {"hidden": [10, 10]},
                    "optimizer": {"name": "adam", "learning_rate": 0.01}, "training": {"epochs": 100}}),
        "accuracy", 0.95,
    ),
    Program(
        "zeros_in_four_layers", "taourl.com, from a Stack Overflow post on a fixed number for all samples",
        "relu 64-64-64 for the sum of ten columns, all weights 0; fix: draw them at random",
        ("constant_initialization",), _price, 500,
        Experiment({"data": SCALED, "network": {"hidden": [64, 64, 64], "init": "zeros"},
                    "training": {"epochs": 30}}),
        Experiment({"data": SCALED, "network": {"hidden": [64, 64, 64]},
                    "optimizer": {"name": "adam", "learning_rate": 0.003}, "training": {"epochs": 60}}),
        "r2", 0.9,
    ),
    Program(
        "softmax_before_cross_entropy", "PyTorch forums, many; TheDeepChecker, redundant softmax",
        "digits, softmax in the network and again in the loss, SGD 0.01; fix: raw outputs (here also a rate of 0.1)",
        (MISMATCH, LOW, "too_few_epochs"), _digits, 1000,
        Loop(lambda: [mlp.Dense(64, 64), mlp.ReLU(), mlp.Dense(64, 10), mlp.Softmax()],
             mlp.SoftmaxCrossEntropy(), mlp.SGD(0.01), 32, 20, np.asarray, largest),
        Loop(lambda: [mlp.Dense(64, 64), mlp.ReLU(), mlp.Dense(64, 10)],
             mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1), 32, 20, np.asarray, largest),
        "accuracy", 0.9, by_hand=True,
    ),
    Program(
        "softmax_for_several_labels", "SO 38648195, DeepLocalize",
        "three yes-or-no labels, relu 20-20 with dropout 0.5, softmax, squared error, SGD 0.01, batches of 20; fix: "
        "sigmoids with cross-entropy",
        (MISMATCH, "dropout_too_high"), _several, 1000,
        Loop(lambda: [mlp.Dense(20, 20), mlp.ReLU(), mlp.Dropout(0.5), mlp.Dense(20, 20), mlp.ReLU(),
                      mlp.Dropout(0.5), mlp.Dense(20, 3), mlp.Softmax()],
             mlp.SquaredError(), mlp.SGD(0.01), 20, 20, column, lambda raw: (raw > 0.5).astype(int)),
        Loop(lambda: [mlp.Dense(20, 20), mlp.ReLU(), mlp.Dense(20, 3)],
             mlp.SigmoidCrossEntropy(), mlp.SGD(0.3), 20, 60, column, lambda raw: (raw > 0).astype(int)),
        "accuracy", 0.75, by_hand=True,
    ),
    Program(
        "fraud_never_found", "TensorFlow tutorial on imbalanced data; TheDeepChecker 59196793",
        "2 % of the rows are frauds, accuracy is 98 % and none is found; fix: class weights",
        ("class_imbalance", "minority_class_ignored"), _fraud, 1500,
        Experiment({"data": {**CLASSES}, "network": {"hidden": [16]}, "loss": {"l2": 0.01},
                    "optimizer": {"name": "adam", "learning_rate": 0.001}, "training": {"epochs": 15}}),
        Experiment({"data": {**CLASSES, "class_weight": "balanced"}, "network": {"hidden": [16]},
                    "loss": {"l2": 0.01}, "optimizer": {"name": "adam", "learning_rate": 0.003},
                    "training": {"epochs": 30}}),
        "recall", 0.6,
    ),
    Program(
        "classes_one_after_another", "SO 50306988 (answer), TheDeepChecker",
        "rows sorted by class and not shuffled, small batches; fix: shuffle",
        ("unshuffled_batches",), _clouds, 600,
        Experiment({"data": {**CLASSES}, "network": {"hidden": [32]},
                    "optimizer": {"name": "momentum", "learning_rate": 0.1},
                    "training": {"epochs": 20, "batch_size": 8, "shuffle": False}}, sort_by_class),
        Experiment({"data": {**CLASSES}, "network": {"hidden": [32]},
                    "optimizer": {"name": "momentum", "learning_rate": 0.01},
                    "training": {"epochs": 20, "batch_size": 8}}),
        "accuracy", 0.85,
    ),
    Program(
        "seventy_rows_of_forty_columns", "Cross Validated, many: more columns than a few rows can tell apart",
        "70 rows, 41 columns of which 2 count, relu 64; fix: more rows (here 2000)",
        ("too_few_rows", "too_little_regularization"), _many_columns, 70,
        Experiment({"data": {**CLASSES}, "network": {"hidden": [64]}, "training": {"epochs": 60}}),
        Experiment({"data": {**CLASSES}, "network": {"hidden": [8]}, "loss": {"l2": 0.003},
                    "training": {"epochs": 20}}, n=2000),
        "accuracy", 0.85,
    ),
    Program(
        "digit_as_a_quantity", "Stack Overflow, many: Dense(1) and squared error for ten classes",
        "the class of a digit as a number under a squared error; fix: ten outputs and cross-entropy",
        (MISMATCH, "classes_as_numbers"), _digits, 1000,
        Experiment({"data": SCALED, "network": {"hidden": [64]}, "training": {"epochs": 40}}),
        Experiment({"data": {**CLASSES}, "network": {"hidden": [64]}, "training": {"epochs": 30}}),
        "accuracy", 0.9,
    ),
    Program(
        "days_as_classes", "Stack Overflow, many: accuracy 0 for whole numbers that are a quantity",
        "days from 0 to 365 as classes; fix: regression",
        ("numbers_as_classes",), _days, 1200,
        Experiment({"data": {**CLASSES, "validation": 0.15}, "network": {"hidden": [64]}, "training": {"epochs": 20}}),
        Experiment({"data": SCALED, "network": {"hidden": [64]}, "training": {"epochs": 40}}),
        "r2", 0.96,
    ),
    Program(
        "expenditure_tells_the_card", "Kaggle Learn, Data Leakage (credit card applications)",
        "a column that is known only when the card was given; the score is perfect; fix: leave it out",
        ("leaked_target",), _card, 600,
        Experiment({"data": {**CLASSES}, "network": {"hidden": [16]}, "training": {"epochs": 30}}, add_expenditure,
                   see=lambda X: X if X.shape[1] == 5 else np.column_stack([X, np.zeros(len(X))])),
        Experiment({"data": {**CLASSES}, "network": {"hidden": [8]}, "training": {"epochs": 30}}),
        "accuracy", 0.7,
    ),
    Program(
        "six_sigmoid_layers", "Nielsen, Neural Networks and Deep Learning, chapter 5",
        "digits, six layers of 30 sigmoids, SGD 0.1: the first layers learn nothing; fix: rectifiers",
        ("saturating_activations", "initialization_too_small", LOW), _digits, 1000,
        Experiment({"data": {**CLASSES}, "network": {"hidden": [30] * 6, "activation": "sigmoid"},
                    "optimizer": {"name": "sgd", "learning_rate": 0.1}, "training": {"epochs": 20}}),
        Experiment({"data": {**CLASSES}, "network": {"hidden": [30] * 6},
                    "optimizer": {"name": "sgd", "learning_rate": 0.05}, "training": {"epochs": 20}}),
        "accuracy", 0.88,
    ),
)  # fmt: skip
"""28 programs; 8 are driven by hand."""
