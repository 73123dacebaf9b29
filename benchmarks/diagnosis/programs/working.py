"""Programs to work with: their verdicts are looked at. Those that are scored once stand in `held_out.py`.

Kinds that people report again and again; each `source` names where. The data is drawn by a formula of the same kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from program import Experiment, Loop, Program

import mlp
from mlp.arrays import Array
from mlp.initializers import Constant, Normal

MISMATCH, HIGH, LOW = "loss_output_mismatch", "learning_rate_too_high", "learning_rate_too_low"
CLASSES, NUMBERS = {"task": "classification"}, {"task": "regression"}
SCALED = {**NUMBERS, "scale_target": "standard"}


# rows


def _crosswise(rng, n):
    signs = rng.choice([-1.0, 1.0], (n, 2))
    return signs + 0.25 * rng.standard_normal((n, 2)), (signs.prod(1) > 0).astype(int)


def _gates(rng, n):
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)[rng.permutation(np.arange(n) % 4)]
    return X, (X.sum(1) == 1).astype(int)


def _logistic(rng, n, noise=1.0):
    X = rng.normal(size=(n, 4))
    return X, (X @ np.array([1.0, -1.0, 0.8, 0.0]) + noise * rng.logistic(size=n) > 0).astype(int)


def _passengers(rng, n):
    """Class, sex and port of passengers, and who survived: few discrete columns, and chance."""
    X = np.column_stack([rng.integers(1, 4, n), rng.random(n) < 0.35, rng.integers(0, 3, n)]).astype(float)
    return X, (rng.random(n) < 0.2 + 0.5 * X[:, 1] + 0.1 * (X[:, 0] == 1)).astype(int)


def _doses(rng, n):
    """Five doses, each measured many times."""
    X = rng.integers(0, 5, (n, 2)).astype(float)
    return X, X[:, 0] ** 2 - 3 * X[:, 1] + 0.05 * rng.normal(size=n)


def _weak(rng, n):
    """A majority class and labels of which many are by chance; .80 is possible, .68 is a guess."""
    X = rng.normal(size=(n, 6))
    clean = X[:, 0] + 0.7 * X[:, 1] > 0.65
    return X, (clean ^ (rng.random(n) < 0.18)).astype(int)


def _rare(rng, n):
    y = (rng.random(n) < 0.015).astype(int)
    return rng.normal(size=(n, 6)) + y[:, None] * np.array([1.5, -1.0, 0.8, 0, 0, 0]), y


def _clouds(rng, n):
    y = rng.integers(0, 5, n)
    angle = 2 * np.pi * np.array([0, 3, 1, 4, 2])[y] / 5  # neighbours have no order
    return np.column_stack([3 * np.cos(angle), 3 * np.sin(angle)]) + rng.normal(size=(n, 2)), y


def _numbers(rng, n):
    X = rng.uniform(-1, 1, (n, 4))
    return X, np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.05 * rng.normal(size=n)


def _house(rng, n):
    X = np.column_stack([rng.uniform(40, 300, n), rng.integers(1, 7, n), rng.uniform(1900, 2020, n)])
    return X, 2000.0 * X[:, 0] + 15000 * X[:, 1] + 300 * (X[:, 2] - 1900) + 8000 * rng.normal(size=n)


def _square(rng, n):
    x = rng.uniform(-3, 3, (n, 1))
    return x, x[:, 0] ** 2 + 0.1 * rng.normal(size=n)


def _straight(rng, n):
    x = np.linspace(-3, 3, n)[:, None] if n < 100 else rng.uniform(-3, 3, (n, 1))
    return x, 2 * x[:, 0] + 1


def _minutes(rng, n):
    X = rng.normal(size=(n, 5))
    return X, np.clip(np.round(60 + 25 * X[:, 0] + 15 * np.sin(X[:, 1])), 0, 150).astype(int)


def _wide(rng, n):
    X = rng.normal(size=(n, 45))
    clean = X[:, 0] + X[:, 1] > 0
    return X, (clean ^ (rng.random(n) < 0.1)).astype(int)


def _pixels(rng, n):
    y = rng.integers(0, 3, n)
    prototypes = np.random.default_rng(7).uniform(0, 255, (3, 36))
    return np.clip(prototypes[y] + 45 * rng.normal(size=(n, 36)), 0, 255), y


# how rows are spoiled


def shuffle_targets(rng, X, y):
    return X, y[rng.permutation(len(y))]


def sort_rows(rng, X, y):
    order = np.argsort(y, kind="stable")
    return X[order], y[order]


def copy_target(rng, X, y):
    return np.column_stack([X, y]), y


def number_rows(rng, X, y):
    """A column that numbers the rows, which stand sorted by class."""
    X, y = sort_rows(rng, X, y)
    return np.column_stack([X, np.arange(len(X))]), y


def repeat_rows(rng, X, y):
    """Every row four times, and 30 % of the labels wrong, alike in all four."""
    wrong = rng.random(len(y)) < 0.3
    y = np.where(wrong, rng.permutation(y), y)
    return np.tile(X, (4, 1)), np.tile(y, 4)


def contradict(rng, X, y):
    """Every row twice, the second time with another's target."""
    return np.tile(X, (2, 1)), np.concatenate([y, y[rng.permutation(len(y))]])


def column(y: Array) -> Array:
    return np.asarray(y, float).reshape(len(y), -1)


def one_hot(n: int):
    return lambda y: np.eye(n)[y]


def above(limit: float):
    return lambda raw: (raw[:, 0] > limit).astype(int)


def values(raw: Array) -> Array:
    return raw[:, 0]


def largest(raw: Array) -> Array:
    return raw.argmax(1)


def setting(data: Mapping[str, Any], rule: Any = None, epochs: int = 40, **network: Any) -> dict[str, Any]:
    """Sections; `rule` is a name and a rate, further keys of [training] and [loss] are told from those of [network]."""
    training = {key: network.pop(key) for key in ("batch_size", "shuffle") if key in network}
    loss = {key: network.pop(key) for key in ("l2", "loss") if key in network}
    found: dict[str, Any] = {"data": data, "network": network, "training": {"epochs": epochs, **training}}
    if loss:
        found["loss"] = {("name" if key == "loss" else key): value for key, value in loss.items()}
    if rule is not None:
        name, rate, *more = rule
        found["optimizer"] = {"name": name, "learning_rate": rate, **(more[0] if more else {})}
    return found


def without_last(X: Array) -> Array:
    return X


def pad_zero(width: int):
    return lambda X: X if X.shape[1] == width else np.column_stack([X, np.zeros(len(X))])


FINE = setting(CLASSES, ("adam", 0.01), 60, hidden=[32])
ADAM = ("adam", 0.005)


def _loop(layers, loss, rule, size, epochs, target, answer, **more):
    return Loop(layers, loss, rule, size, epochs, target, answer, **more)


PROGRAMS = (
    Program("xor_two_sigmoids_slow", "Stack Overflow, many; facts, 15", "2-2-1 sigmoids, squared error, SGD 0.1, 1000 epochs",
            (LOW, "too_few_epochs", "too_little_capacity", "local_minimum", MISMATCH), _gates, 4,
            _loop(lambda: [mlp.Dense(2, 2), mlp.Sigmoid(), mlp.Dense(2, 1), mlp.Sigmoid()], mlp.SquaredError(),
                  mlp.SGD(0.1), 4, 1000, column, above(0.5)),
            _loop(lambda: [mlp.Dense(2, 6), mlp.Tanh(), mlp.Dense(6, 1)], mlp.SigmoidCrossEntropy(), mlp.Adam(0.05), 4,
                  500, column, above(0.0)), "accuracy", 1.0, by_hand=True),
    Program("xor_without_a_hidden_layer", "textbooks", "no hidden layer", ("too_little_capacity",), _crosswise, 400,
            Experiment(setting(CLASSES, ADAM, 40, hidden=[])), Experiment(FINE), "accuracy", 0.97),
    Program("xor_linear_units", "SO 48385830", "identity units", ("missing_nonlinearity",), _crosswise, 400,
            Experiment(setting(CLASSES, ADAM, 40, activation="identity")), Experiment(FINE), "accuracy", 0.97),
    Program("classes_by_squared_error_of_one", "Stack Overflow, many", "class ids as one number",
            (MISMATCH, "classes_as_numbers"), _clouds, 600,
            Experiment(setting(NUMBERS, ADAM, 60)), Experiment(FINE), "accuracy", 0.85),
    Program("one_hot_sigmoids_squared", "SO 34673164", "one-hot targets, sigmoids, squared error, SGD 0.01",
            (MISMATCH, LOW), _clouds, 600,
            _loop(lambda: [mlp.Dense(2, 16), mlp.Sigmoid(), mlp.Dense(16, 5), mlp.Sigmoid()], mlp.SquaredError(),
                  mlp.SGD(0.01), 32, 30, one_hot(5), largest),
            _loop(lambda: [mlp.Dense(2, 16), mlp.Tanh(), mlp.Dense(16, 5)], mlp.SoftmaxCrossEntropy(), mlp.Adam(0.01),
                  32, 40, np.asarray, largest), "accuracy", 0.85, by_hand=True),
    Program("softmax_of_one", "SO 45337371", "one unit with softmax", (MISMATCH,), _logistic, 500,
            Experiment(setting(CLASSES, ADAM, 20, output={"name": "softmax", "force": True}, loss="squared_error")),
            Experiment(setting(CLASSES, ADAM, 20, hidden=[8])), "accuracy", 0.7),
    Program("sigmoid_last", "SO 48221692", "sigmoid at the end of a regression", (MISMATCH, "unscaled_targets"), _numbers,
            500, Experiment(setting(NUMBERS, ADAM, 60, output="sigmoid")), Experiment(setting(SCALED, ADAM, 80)), "r2",
            0.9),
    Program("tanh_last", "Stack Overflow, many", "tanh at the end of a regression", (MISMATCH, "unscaled_targets"), _square,
            300, Experiment(setting(NUMBERS, ADAM, 60, output={"name": "tanh", "force": True})),
            Experiment(setting(SCALED, ("adam", 0.01), 100)), "r2", 0.9),
    Program("relu_last", "SO 44066044", "relu before the cross-entropy", (MISMATCH, "dead_relu"), _clouds, 500,
            _loop(lambda: [mlp.Dense(2, 16), mlp.ReLU(), mlp.Dense(16, 5), mlp.ReLU()], mlp.SoftmaxCrossEntropy(),
                  mlp.SGD(0.3), 32, 30, np.asarray, largest),
            _loop(lambda: [mlp.Dense(2, 16), mlp.ReLU(), mlp.Dense(16, 5)], mlp.SoftmaxCrossEntropy(), mlp.Adam(0.01),
                  32, 40, np.asarray, largest), "accuracy", 0.85, by_hand=True),
    Program("raw_pixels", "SO 55328966", "pixels of 0 ... 255 into sigmoids", ("unscaled_inputs", "saturating_activations"),
            _pixels, 400, Experiment(setting({**CLASSES, "scale": "none"}, ("sgd", 0.1), 30, activation="sigmoid")),
            Experiment(setting(CLASSES, ("sgd", 0.1), 60, activation="sigmoid")), "accuracy", 0.95),
    Program("raw_houses", "kaggle-melbourne_properties", "prices of hundred thousands, nothing scaled",
            ("unscaled_targets", "unscaled_inputs", HIGH), _house, 500,
            Experiment(setting({**NUMBERS, "scale": "none"}, ADAM, 60)), Experiment(setting(SCALED, ADAM, 60)), "r2", 0.9),
    Program("rate_of_ten", "facts, 9", "SGD 10", (HIGH, "dead_relu"), _clouds, 500,
            Experiment(setting(CLASSES, ("sgd", 10.0), 30)), Experiment(FINE), "accuracy", 0.85),
    Program("rate_of_a_millionth", "facts, 11", "Adam 1e-6", (LOW,), _clouds, 500,
            Experiment(setting(CLASSES, ("adam", 1e-6), 30)), Experiment(FINE), "accuracy", 0.85),
    Program("dying_relu_by_hand", "facts, 5", "SGD 3 kills rectifiers", (HIGH, "dead_relu"), _clouds, 500,
            _loop(lambda: [mlp.Dense(2, 32), mlp.ReLU(), mlp.Dense(32, 32), mlp.ReLU(), mlp.Dense(32, 5)],
                  mlp.SoftmaxCrossEntropy(), mlp.SGD(3.0), 16, 20, np.asarray, largest),
            _loop(lambda: [mlp.Dense(2, 32), mlp.ReLU(), mlp.Dense(32, 32), mlp.ReLU(), mlp.Dense(32, 5)],
                  mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1), 16, 40, np.asarray, largest), "accuracy", 0.85, by_hand=True),
    Program("zeros", "facts, 6", "zero weights", ("constant_initialization",), _crosswise, 400,
            Experiment(setting(CLASSES, ADAM, 40, init="zeros")), Experiment(FINE), "accuracy", 0.97),
    Program("constants_by_hand", "facts, 7", "constant weights", ("constant_initialization",), _crosswise, 400,
            _loop(lambda: [mlp.Dense(2, 8, Constant(0.3)), mlp.Tanh(), mlp.Dense(8, 1, Constant(0.3))],
                  mlp.SigmoidCrossEntropy(), mlp.Adam(0.01), 32, 40, column, above(0.0)),
            _loop(lambda: [mlp.Dense(2, 8), mlp.Tanh(), mlp.Dense(8, 1)], mlp.SigmoidCrossEntropy(), mlp.Adam(0.02),
                  32, 60, column, above(0.0)), "accuracy", 0.97, by_hand=True),
    Program("shuffled_labels", "facts, 21", "labels shuffled against rows", ("uninformative_labels", "noisy_labels"), _clouds,
            500, Experiment(FINE, shuffle_targets), Experiment(FINE), "accuracy", 0.85),
    Program("shuffled_numbers", "facts, 21", "numbers shuffled against rows", ("uninformative_labels", "noisy_labels"),
            _numbers, 400, Experiment(setting(SCALED, ADAM, 40), shuffle_targets), Experiment(setting(SCALED, ADAM, 80)),
            "r2", 0.9),
    Program("sorted_rows", "SO 50306988", "sorted, not shuffled", ("unshuffled_batches",), _clouds, 600,
            Experiment(setting(CLASSES, ("momentum", 0.1), 15, batch_size=8, shuffle=False), sort_rows), Experiment(FINE),
            "accuracy", 0.85),
    Program("unsorted_rows_unshuffled", "facts, 2", "not shuffled, and the order does not matter: the rate is too low",
            (LOW,), _clouds, 600, Experiment(setting(CLASSES, ("sgd", 1e-5), 15, batch_size=8, shuffle=False)),
            Experiment(setting(CLASSES, ("adam", 0.01), 40, batch_size=16, shuffle=False)), "accuracy", 0.85),
    Program("seventy_wide_rows", "issue 5", "70 rows, 45 columns, labels of which a tenth are wrong",
            ("too_few_rows", "too_little_regularization"), _wide, 70,
            Experiment(setting(CLASSES, None, 60, hidden=[32])),
            Experiment(setting(CLASSES, None, 10, hidden=[8], l2=0.01), n=2500), "accuracy", 0.8),
    Program("passengers", "issue 2", "healthy: few discrete columns and chance; the fault is a rate", (LOW,), _passengers,
            600, Experiment(setting(CLASSES, ("sgd", 1e-6), 20)), Experiment(setting(CLASSES, ADAM, 30, hidden=[8])),
            "accuracy", 0.7),
    Program("doses", "issue 2", "healthy: doses measured many times; the fault is a rate", (LOW,), _doses, 400,
            Experiment(setting(SCALED, ("sgd", 1e-6), 20)), Experiment(setting(SCALED, ("adam", 0.01), 80)), "r2", 0.95),
    Program("contradictory_pairs", "facts, 23", "every row twice, with another's target", ("contradictory_labels",
            "noisy_labels"), _clouds, 300, Experiment(FINE, contradict), Experiment(FINE), "accuracy", 0.85),
    Program("small_logistic", "issue 4", "healthy: 100 rows of noise; the fault is a rate", (LOW, "too_few_epochs"), _logistic,
            100, Experiment(setting(CLASSES, ("adam", 1e-6), 20)), Experiment(setting(CLASSES, None, 15, hidden=[8])),
            "accuracy", 0.65),
    Program("weak_majority", "issue 9", "healthy: 500 noisy rows with a majority; the fault is a rate", (LOW,
            "too_few_epochs"), _weak, 500, Experiment(setting(CLASSES, ("adam", 1e-6), 20)),
            Experiment(setting(CLASSES, None, 10, hidden=[8])), "accuracy", 0.72),
    Program("rare_and_unweighted", "facts, 25", "1.5 % positives", ("class_imbalance", "minority_class_ignored"), _rare, 1500,
            Experiment(setting(CLASSES, ("adam", 0.001), 20, hidden=[16])),
            Experiment(setting({**CLASSES, "class_weight": "balanced"}, ("adam", 0.003), 30, hidden=[8], l2=0.01)), "recall",
            0.6),
    Program("minutes_as_classes", "issue 1", "minutes as classes", ("numbers_as_classes",), _minutes, 2000,
            Experiment(setting(CLASSES, None, 20, hidden=[64])), Experiment(setting(SCALED, ADAM, 40)), "r2", 0.97),
    Program("copy_of_the_target", "issue 6", "a column equals the target", ("leaked_target",), _clouds, 500,
            Experiment(FINE, copy_target, pad_zero(3)), Experiment(FINE), "accuracy", 0.85),
    Program("numbered_rows", "issue 6", "a column numbers the rows", ("identifier_feature", "leaked_identifier"), _clouds, 500,
            Experiment(FINE, number_rows, pad_zero(3)), Experiment(FINE), "accuracy", 0.85),
    Program("rows_in_both_parts", "issue 6", "rows stand in both parts", ("leaked_rows",), _clouds, 150,
            Experiment(setting(CLASSES, ("adam", 0.01), 200, hidden=[128, 128]), repeat_rows), Experiment(FINE), "accuracy", 0.8),
    Program("seven_rows_of_a_line", "issue 11", "training ended too early", ("too_few_epochs", LOW), _straight, 7,
            Experiment(setting({**SCALED, "validation": 0.0, "test": 0.0}, ("adam", 0.005), 30, hidden=[8])),
            Experiment(setting({**SCALED, "validation": 0.0, "test": 0.0}, ("adam", 0.01), 500, hidden=[8])), "r2", 0.97),
    Program("square_of_five_sigmoids", "issue 12", "underfitting", ("too_few_epochs", LOW, "too_little_capacity",
            "saturating_activations"), _square, 150, Experiment(setting(SCALED, ("sgd", 0.03), 30, hidden=[5],
            activation="sigmoid")), Experiment(setting(SCALED, ("adam", 0.03), 200, hidden=[8], activation="tanh")), "r2", 0.97),
    Program("softmax_for_several", "SO 38648195", "softmax against rows that do not sum to 1", (MISMATCH,),
            lambda rng, n: (lambda X: (X, (X[:, :3] > 0).astype(int)))(rng.normal(size=(n, 6))), 500,
            _loop(lambda: [mlp.Dense(6, 16), mlp.ReLU(), mlp.Dense(16, 3), mlp.Softmax()], mlp.SquaredError(), mlp.Adam(0.01),
                  16, 40, column, lambda raw: (raw > 0.5).astype(int)),
            _loop(lambda: [mlp.Dense(6, 16), mlp.ReLU(), mlp.Dense(16, 3)], mlp.SigmoidCrossEntropy(), mlp.Adam(0.01),
                  16, 40, column, lambda raw: (raw > 0).astype(int)), "accuracy", 0.9, by_hand=True),
    Program("slow_from_a_bad_start", "issue 16", "a first loss far above a constant answer's hides that nothing is learned",
            (LOW, "too_few_epochs", "unscaled_targets", "initialization_too_large"), _numbers, 400,
            _loop(lambda: [mlp.Dense(4, 16), mlp.Tanh(), mlp.Dense(16, 1)], mlp.SquaredError(), mlp.SGD(0.003), 100, 100,
                  lambda y: column(y) + 5, lambda raw: raw[:, 0] - 5),
            _loop(lambda: [mlp.Dense(4, 16), mlp.Tanh(), mlp.Dense(16, 1)], mlp.SquaredError(), mlp.Adam(0.02), 20, 100,
                  column, values), "r2", 0.9, by_hand=True),
    Program("sigmoid_tower_on_bits", "issue 14", "0/1 inputs hide vanishing gradients", ("saturating_activations",
            "initialization_too_small"), lambda rng, n: (lambda X: (X, (X[:, 0] == X[:, 1]).astype(int)))(
            rng.integers(0, 2, (n, 6)).astype(float)), 400,
            Experiment(setting({**CLASSES, "scale": "none"}, ("adam", 0.003), 40, hidden=[24] * 7, activation="sigmoid")),
            Experiment(setting({**CLASSES, "scale": "none"}, ("adam", 0.003), 60, hidden=[24] * 3)), "accuracy", 0.97),
    Program("weights_of_a_hundredth", "PyTorch forums", "N(0, 0.01²) in four tanh layers", ("initialization_too_small",
            "saddle_point", LOW), _clouds, 500,
            _loop(lambda: [part for n_in in (2, 24, 24, 24) for part in (mlp.Dense(n_in, 24, Normal(0.01)), mlp.Tanh())] +
                  [mlp.Dense(24, 5, Normal(0.01))], mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1), 16, 20, np.asarray, largest),
            _loop(lambda: [part for n_in in (2, 24, 24, 24) for part in (mlp.Dense(n_in, 24), mlp.Tanh())] +
                  [mlp.Dense(24, 5)], mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1), 16, 40, np.asarray, largest),
            "accuracy", 0.85, by_hand=True),
)  # fmt: skip
"""By name: two in five of them are driven by hand."""
