"""A fourth set of programs: tables, slips and settings that the other three do not have, most of them driven by hand.

The causes were written down before any verdict was seen. `SO` is Stack Overflow, `DS` Data Science and `CV` Cross
Validated of Stack Exchange. Sums, sines, gates, temperatures, marks, digits, reconstruction; own layers, losses, rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from program import Experiment, Loop, Program
from working import (
    CLASSES,
    HIGH,
    LOW,
    MISMATCH,
    NUMBERS,
    SCALED,
    above,
    column,
    largest,
    one_hot,
    setting,
    sort_rows,
    values,
)

import mlp
from mlp.arrays import Array, Nodes
from mlp.initializers import Constant, Normal, Uniform

FLAT = {**NUMBERS, "scale_target": "none"}

# rows


def _again(rng, rows: Array, n: int) -> Array:
    """n of the rows, each as often as the others, in any order."""
    return rows[rng.permutation(np.arange(n) % len(rows))]


def _bits(rng, n, width=4):
    """Every row of bits, and whether an odd number of them is on."""
    X = _again(rng, (np.arange(2**width)[:, None] >> np.arange(width) & 1).astype(float), n)
    return X, X.sum(1).astype(int) % 2


def _adder(rng, n):
    """A full adder: two bits and a carry; their sum and the next carry."""
    X = _again(rng, (np.arange(8)[:, None] >> np.arange(3) & 1).astype(float), n)
    return X, np.column_stack([X.sum(1) % 2, X.sum(1) >= 2]).astype(int)


def _and(rng, n):
    X = _again(rng, np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), n)
    return X, X.prod(1).astype(int)


def _numbered(rng, n):
    """The four rows of two bits, and the number of each, 1 ... 4."""
    X = _again(rng, np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), n)
    return X, 1 + 2 * X[:, 0] + X[:, 1]


def _line(rng, n):
    x = np.arange(-1.0, 6.0)[np.arange(n) % 7][:, None]
    return x, 2 * x[:, 0] - 1


def _celsius(rng, n):
    """Thirteen temperatures in °C, and in °F."""
    x = np.linspace(-40.0, 80, 13)[np.arange(n) % 13][:, None]
    return x, 1.8 * x[:, 0] + 32


def _sine(rng, n):
    x = rng.uniform(-3, 3, (n, 1))
    return x, np.sin(2 * x[:, 0])


def _sum(rng, n):
    X = rng.integers(0, 101, (n, 2)).astype(float)
    return X, X.sum(1)


def _marks(rng, n):
    """Hours slept, studied, before a screen, and at play; marks of 50."""
    X = rng.uniform(0, 8, (n, 4))
    return X, np.clip(12 + 3.2 * X[:, 1] + 1.5 * X[:, 0] - 1.2 * X[:, 2] - 0.4 * X[:, 3] + rng.normal(size=n), 0, 50)


def _digits(rng, n):
    """Real digits, 8 × 8 pixels of 0 ... 1."""
    data = mlp.data.load("digits")
    rows = rng.permutation(len(data.X))[:n]
    return data.X[rows] / 16, np.asarray(data.y)[rows]


def _letters(rng, n):
    """Sixteen classes, each a cloud around its own place."""
    y = rng.integers(0, 16, n)
    return np.random.default_rng(3).normal(size=(16, 10))[y] * 1.4 + rng.normal(size=(n, 10)) * 0.7, y


def _mixture(rng, n):
    """Shares of a mixture, and its strength."""
    X = rng.random((n, 6))
    y = 3 * X[:, 0] * X[:, 1] - 2 * X[:, 2] ** 2 + np.sin(4 * X[:, 3]) + X[:, 4]
    return X, y + 0.05 * rng.normal(size=n)


def _spirals(rng, n):
    y = rng.integers(0, 2, n)
    t = 0.4 + 1.6 * rng.random(n)
    angle = 1.3 * np.pi * t + np.pi * y
    return t[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]) + 0.06 * rng.normal(size=(n, 2)), y


def _halves(rng, n):
    X = rng.normal(size=(n, 5))
    return X, np.where(X[:, 0] - X[:, 1] + 0.5 * X[:, 2] ** 2 > 0.4, 1, -1)


def _faults(rng, n):
    """Four machines in a hundred fail; where they stand in two of seven measurements tells most of them."""
    y = (rng.random(n) < 0.04).astype(int)
    return rng.normal(size=(n, 7)) + y[:, None] * np.array([1.8, -1.5, 0, 0, 0, 0, 0]), y


def _tags(rng, n):
    """Which of four tags, each rather rare, a text has."""
    X = rng.normal(size=(n, 8))
    return X, (X[:, :4] + X[:, 4:] > 1.2).astype(int)


def _copies(rng, n):
    """Eight measurements of three hidden causes; they are their own targets."""
    X = rng.normal(size=(n, 3)) @ np.random.default_rng(5).normal(size=(3, 8))
    return X, X


def _salaries(rng, n):
    """Age, years of work, and a salary that says little; whether a loan was paid back."""
    X = np.column_stack([rng.uniform(18, 70, n), rng.uniform(0, 40, n), rng.normal(4e5, 1.5e5, n)])
    return X, ((X[:, 0] - 44) * (X[:, 1] - 20) > 0).astype(int)


def _shops(rng, n):
    """Which of sixty shops, as one-hot columns, and three numbers."""
    X = rng.normal(size=(n, 3))
    return np.column_stack([np.eye(60)[rng.integers(0, 60, n)], X]), (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


def _counts(rng, n):
    X = rng.normal(size=(n, 4))
    return X, rng.poisson(np.exp(1.5 + 0.8 * X[:, 0] - 0.5 * X[:, 1])).astype(float)


def shuffle_apart(rng, X, y):
    return X[rng.permutation(len(X))], y


def sort_inputs(rng, X, y):
    order = np.argsort(X[:, 0])
    return X[order], y[order]


def balance(rng, X, y):
    """The rare rows repeated until there are as many."""
    rare = np.flatnonzero(y == 1)
    more = rare[rng.integers(0, len(rare), int((y == 0).sum()) - len(rare))]
    return np.concatenate([X, X[more]]), np.concatenate([y, y[more]])


def with_zeros(rng, X, y):
    """Some cells are 0."""
    return np.where(rng.random(X.shape) < 0.02, 0.0, X), y


# own parts, each with the slip of the report


@dataclass(frozen=True)
class Marks(mlp.Activation):
    """y = 50 σ(x)."""

    def forward(self, params, x, y, scratch):
        np.multiply(25, 1 + np.tanh(0.5 * x.values), out=y.values)

    def slope(self, x, y, scratch, out):
        np.multiply(y, 1 - y / 50, out=out)


@dataclass(frozen=True)
class Logarithm(mlp.Activation):
    """y = ln x: minus infinity at 0."""

    def forward(self, params, x, y, scratch):
        with np.errstate(all="ignore"):
            np.log(x.values, out=y.values)

    def slope(self, x, y, scratch, out):
        with np.errstate(all="ignore"):
            np.divide(1, x, out=out)


@dataclass(frozen=True)
class Summed(mlp.SquaredError):
    """½ Σ e² over all rows of the batch, where others take the mean."""

    def value(self, output, target, weights):
        return super().value(output, target, weights) * output.shape[-1]

    def value_and_grad(self, output, target, weights, d_output):
        value = super().value_and_grad(output, target, weights, d_output)
        d_output *= output.shape[-1]
        return value * output.shape[-1]


@dataclass(frozen=True)
class SquaredSlope(mlp.SquaredError):
    """The gradient of ½ e² written as e²."""

    def value_and_grad(self, output, target, weights, d_output):
        value = super().value_and_grad(output, target, weights, d_output)
        d_output[...] = (output - target) ** 2 / output.shape[-1]
        return value


@dataclass(frozen=True)
class Uphill(mlp.Optimizer):
    """u = +η g: the error was taken as output minus target, and the update kept its plus."""

    learning_rate: float = 0.1

    def update(self, at, state, out):
        np.multiply(at.grad, state.pace.next(at.loss), out=out)


class Unmoved(mlp.Dense):
    """A layer that is missing from the list of parameters to train."""

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Array, d_x: Array | None
    ) -> None:
        super().backward(params, x, y, d_y, scratch, grad, d_x)
        grad.fill(0)


class WithoutBias(mlp.Dense):
    """The bias weights get no gradient and stay 0."""

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Array, d_x: Array | None
    ) -> None:
        super().backward(params, x, y, d_y, scratch, grad, d_x)
        grad[..., -1] = 0


class Uncoupled(mlp.Dense):
    """∂L/∂x is Wᵀ ∂L/∂y with the sign of the weights lost."""

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Array, d_x: Array | None
    ) -> None:
        super().backward(params, x, y, d_y, scratch, grad, d_x)
        if d_x is not None:
            np.matmul(-np.abs(params[..., :-1]).mT, d_y, out=d_x)


def chain(*widths: int, by: Any = mlp.Tanh, last: Any = None, **how: Any):
    """Dense layers of these widths with `by` between them, and `last` at the end."""

    def layers():
        found: list[Any] = []
        for n_in, n_out in pairwise(widths):
            found += [mlp.Dense(n_in, n_out, **how), by()]
        return found[:-1] + ([last()] if last else [])

    return layers


BINARY, SOFTMAX, SQUARED = mlp.SigmoidCrossEntropy(), mlp.SoftmaxCrossEntropy(), mlp.SquaredError()


def yes(raw: Array) -> Array:
    return (raw > 0).astype(int)


def signed(raw: Array) -> Array:
    return np.where(raw[:, 0] > 0, 1, -1)


def half(raw: Array) -> Array:
    return (raw > 0.5).astype(int)


def nearest(raw: Array) -> Array:
    return np.round(raw[:, 0])


FINE_SPIRALS = Loop(chain(2, 32, 32, 1), BINARY, mlp.Adam(0.01), 32, 80, column, above(0.0))
FINE_DIGITS = Loop(chain(64, 32, 10, by=mlp.ReLU), SOFTMAX, mlp.Adam(0.01), 32, 30, np.asarray, largest)
FINE_MIXTURE = Loop(chain(6, 32, 1), SQUARED, mlp.Adam(0.01), 32, 80, column, values)
FINE_LETTERS = Loop(chain(10, 32, 16, by=mlp.ReLU), SOFTMAX, mlp.Adam(0.01), 32, 40, np.asarray, largest)
GOOD = setting(SCALED, ("adam", 0.01), 80, hidden=[32])
GOOD_SPIRALS = setting(CLASSES, ("adam", 0.01), 80, hidden=[32, 32])

PROGRAMS = (
    Program("sine_with_three_sigmoids", "DS 44698", "sigmoid last and three units for a sine, SGD 0.1",
            (MISMATCH, "too_little_capacity"), _sine, 50,
            Loop(chain(1, 3, 1, by=mlp.Sigmoid, last=mlp.Sigmoid), SQUARED, mlp.SGD(0.1), 50, 2000, column, values),
            Loop(chain(1, 20, 1), SQUARED, mlp.Adam(0.02), 50, 1500, column, values), "r2", 0.95, by_hand=True),
    Program("uphill_by_a_plus", "DS 44698, its second slip", "the update is added where the error is output minus target",
            ("wrong_gradient", HIGH), _sine, 100,
            Loop(chain(1, 20, 1), SQUARED, Uphill(0.01), 25, 100, column, values),
            Loop(chain(1, 20, 1), SQUARED, mlp.Adam(0.02), 25, 400, column, values), "r2", 0.9, by_hand=True),
    Program("parity_of_four_bits", "SO, perceptron for the parity problem", "4-4-1 sigmoids, squared error, SGD 0.1",
            (LOW, "too_few_epochs", MISMATCH), _bits, 16,
            Loop(chain(4, 4, 1, by=mlp.Sigmoid, last=mlp.Sigmoid), SQUARED, mlp.SGD(0.1), 1, 200, column, above(0.5)),
            Loop(chain(4, 12, 1), BINARY, mlp.Adam(0.05), 16, 600, column, above(0.0)), "accuracy", 1.0, by_hand=True),
    Program("one_to_four_by_tanh", "SO 3644795", "targets 1, 2, 3, 4 and a tanh at the end", (MISMATCH, "unscaled_targets"),
            _numbered, 4, Loop(chain(2, 3, 1, last=mlp.Tanh), SQUARED, mlp.SGD(0.2), 1, 1000, column, values),
            Loop(chain(2, 6, 1), SQUARED, mlp.SGD(0.1), 4, 2000, column, values), "r2", 0.98, by_hand=True),
    Program("sums_of_raw_numbers", "SO, many: learn to add", "numbers to 100 and sums to 200 into sigmoids, SGD 0.1",
            ("unscaled_inputs", "unscaled_targets", HIGH), _sum, 400,
            Loop(chain(2, 10, 1, by=mlp.Sigmoid), SQUARED, mlp.SGD(0.1), 16, 40, column, values),
            Loop(chain(2, 10, 1), SQUARED, mlp.Adam(0.01), 16, 60, lambda y: column(y) / 100, lambda raw: 100 * raw[:, 0],
                 see=lambda X: X / 100), "r2", 0.98, by_hand=True),
    Program("sum_over_the_batch", "CV 76329; CV 183840", "100 tanh units, the loss is a sum over 128 rows, SGD 0.2", (HIGH,),
            _sine, 128, Loop(chain(1, 100, 1), Summed(), mlp.SGD(0.2), 128, 200, column, values),
            Loop(chain(1, 100, 1), SQUARED, mlp.Adam(0.01), 32, 300, column, values), "r2", 0.9, by_hand=True),
    Program("rectified_line", "deeplearning.ai forum 324182", "y = 2x - 1, ReLU 4-2-1 with ReLU last, Adam 0.001",
            (MISMATCH, "dead_relu", LOW), _line, 7,
            Loop(chain(1, 4, 2, 1, by=mlp.ReLU, last=mlp.ReLU), SQUARED, mlp.Adam(0.001), 7, 500, column, values),
            Loop(chain(1, 1), SQUARED, mlp.SGD(0.05), 7, 500, column, values), "r2", 0.98, by_hand=True),
    Program("fahrenheit_too_short", "DS 68962", "one linear unit, raw °C, Adam 0.01, 500 epochs: the bias never arrives",
            ("too_few_epochs", LOW, "unscaled_targets"), _celsius, 13,
            Loop(chain(1, 1), SQUARED, mlp.Adam(0.005), 13, 150, column, values),
            Loop(chain(1, 1), SQUARED, mlp.Adam(0.1), 13, 2000, column, values), "r2", 0.999, by_hand=True),
    Program("fahrenheit_explodes", "TensorFlow forum, many", "raw °C with SGD 0.1", ("unscaled_inputs", HIGH,
            "unscaled_targets"), _celsius, 13, Loop(chain(1, 1), SQUARED, mlp.SGD(0.1), 13, 500, column, values),
            Loop(chain(1, 1), SQUARED, mlp.SGD(0.1), 13, 500, lambda y: column(y) / 100, lambda raw: 100 * raw[:, 0],
                 see=lambda X: X / 100), "r2", 0.99, by_hand=True),
    Program("ten_digits_and_one_unit", "DS 38604", "digits with one sigmoid unit and class ids", (MISMATCH,
            "classes_as_numbers"), _digits, 600,
            Loop(chain(64, 64, 1, by=mlp.ReLU, last=mlp.Sigmoid), SQUARED, mlp.Adam(0.001), 32, 20, column, nearest),
            FINE_DIGITS, "accuracy", 0.88, by_hand=True),
    Program("fifty_marks_for_all", "SO, same prediction every time", "50 times a sigmoid of two sigmoids, GD 0.05",
            (HIGH, "unscaled_targets", "saturating_activations"), _marks, 60,
            Loop(chain(4, 2, 1, by=mlp.Sigmoid, last=Marks, weights=Normal(1.0)), SQUARED, mlp.SGD(0.05), 60, 1000, column,
                 values),
            Loop(chain(4, 8, 1), SQUARED, mlp.Adam(0.02), 20, 200, lambda y: (column(y) - 25) / 10,
                 lambda raw: 25 + 10 * raw[:, 0], see=lambda X: (X - 4) / 2.3, n=200), "r2", 0.9, by_hand=True),
    Program("tags_squashed_twice", "PyTorch forums, many", "sigmoid layer before BCEWithLogits, four tags", (MISMATCH,),
            _tags, 800, Loop(chain(8, 32, 4, by=mlp.ReLU, last=mlp.Sigmoid), BINARY, mlp.Adam(0.005), 32, 30, column, yes),
            Loop(chain(8, 32, 4, by=mlp.ReLU), BINARY, mlp.Adam(0.005), 32, 40, column, yes), "accuracy", 0.8,
            by_hand=True),
    Program("failures_are_rare", "SO and CV, many", "4 % positives, nothing weighted", ("class_imbalance",
            "minority_class_ignored", LOW), _faults, 1500,
            Loop(chain(7, 16, 1, by=mlp.ReLU), BINARY, mlp.SGD(0.01), 64, 15, column, above(0.0)),
            Loop(chain(7, 8, 1, by=mlp.ReLU), BINARY, mlp.Adam(0.003), 64, 10, column, above(0.0), rows=balance), "recall",
            0.7, by_hand=True),
    Program("reconstruction_by_sigmoids", "CV 441750; SO, many", "standardised rows rebuilt by sigmoids", (MISMATCH,),
            _copies, 500, Loop(chain(8, 4, 8, by=mlp.ReLU, last=mlp.Sigmoid), SQUARED, mlp.Adam(0.01), 32, 40, column,
                               np.asarray),
            Loop(chain(8, 4, 8), SQUARED, mlp.Adam(0.01), 32, 200, column, np.asarray), "r2", 0.8, by_hand=True),
    Program("minus_one_by_sigmoid", "SO, many", "targets -1 and 1, sigmoid last, the sign is taken", (MISMATCH,), _halves,
            500, Loop(chain(5, 16, 1, last=mlp.Sigmoid), SQUARED, mlp.SGD(0.1), 32, 40, column, signed),
            Loop(chain(5, 16, 1, last=mlp.Tanh), SQUARED, mlp.Adam(0.01), 32, 60, column, signed), "accuracy", 0.85,
            by_hand=True),
    Program("and_gate_by_softmax", "SO 34886605", "an AND gate, one unit with softmax", (MISMATCH,), _and, 4,
            Loop(chain(2, 1, last=mlp.Softmax), SQUARED, mlp.SGD(0.5), 4, 500, column, above(0.5)),
            Loop(chain(2, 1), BINARY, mlp.SGD(1.0), 4, 500, column, above(0.0)), "accuracy", 1.0, by_hand=True),
    Program("adder_one_row_at_a_time", "SO, many", "a full adder, 3-3-2 sigmoids, SGD 0.01", (LOW, "too_few_epochs"),
            _adder, 8,
            Loop(chain(3, 3, 2, by=mlp.Sigmoid, last=mlp.Sigmoid), SQUARED, mlp.SGD(0.01), 1, 300, column, half),
            Loop(chain(3, 12, 2), BINARY, mlp.Adam(0.05), 8, 400, column, yes), "accuracy", 1.0, by_hand=True),
    Program("sixteen_yes_or_no", "SO, many: binary_crossentropy of many classes", "one-hot of 16, sigmoids, SGD 0.001",
            (LOW, MISMATCH, "too_few_epochs"), _letters, 800,
            Loop(chain(10, 32, 16, by=mlp.ReLU), BINARY, mlp.SGD(0.001), 32, 20, one_hot(16), largest), FINE_LETTERS,
            "accuracy", 0.85, by_hand=True),
    Program("velocity_of_a_hundred", "CV, many", "SGD 0.1 with momentum 0.99", ("momentum_too_high", HIGH), _mixture, 500,
            Loop(chain(6, 32, 1, by=mlp.ReLU), SQUARED, mlp.Momentum(0.1, 0.99), 16, 30, column, values), FINE_MIXTURE,
            "r2", 0.85, by_hand=True),
    Program("five_steps", "SO 44164749", "all rows in a batch, five epochs", ("too_few_epochs", LOW, "batch_too_large"),
            _letters, 800, Loop(chain(10, 32, 16, by=mlp.ReLU), SOFTMAX, mlp.Adam(0.001), 800, 5, np.asarray, largest),
            FINE_LETTERS, "accuracy", 0.85, by_hand=True),
    Program("nine_of_ten_dropped", "Keras issues; AutoTrainer", "two layers of dropout 0.9 in a regression",
            ("dropout_too_high",), _mixture, 500,
            Loop(lambda: [mlp.Dense(6, 32), mlp.ReLU(), mlp.Dropout(0.9), mlp.Dense(32, 32), mlp.ReLU(), mlp.Dropout(0.9),
                          mlp.Dense(32, 1)], SQUARED, mlp.Adam(0.005), 32, 60, column, values), FINE_MIXTURE, "r2", 0.85,
            by_hand=True),
    Program("penalty_of_one", "SO, many: kernel_regularizer", "l2 of 1 in every layer", ("weight_decay_too_high",), _digits,
            600, Loop(chain(64, 32, 10, by=mlp.ReLU, l2=1.0), SOFTMAX, mlp.Adam(0.005), 32, 30, np.asarray, largest),
            FINE_DIGITS, "accuracy", 0.88, by_hand=True),
    Program("clipped_to_a_thousandth", "Keras issues: clipnorm", "clipnorm 0.001 with SGD 0.05", ("clipping_too_low", LOW),
            _letters, 800, Loop(chain(10, 32, 16, by=mlp.ReLU), SOFTMAX, mlp.ClipNorm(mlp.SGD(0.05), 0.001), 32, 30,
                                np.asarray, largest), FINE_LETTERS, "accuracy", 0.85, by_hand=True),
    Program("weights_below_zero", "Humbatova et al., weights initialisation", "weights of U(-1, 0) before rectifiers",
            ("dead_relu", "initialization_too_large", "negative_bias"), _digits, 600,
            Loop(chain(64, 32, 10, by=mlp.ReLU, weights=Uniform(-1.0, 0.0)), SOFTMAX, mlp.Adam(0.001), 32, 20, np.asarray,
                 largest), FINE_DIGITS, "accuracy", 0.88, by_hand=True),
    Program("six_sigmoids_deep", "CV, many; AutoTrainer", "six layers of sigmoids for digits, SGD 0.1",
            ("saturating_activations", "initialization_too_small", LOW), _digits, 600,
            Loop(chain(64, 24, 24, 24, 24, 24, 24, 10, by=mlp.Sigmoid), SOFTMAX, mlp.SGD(0.1), 32, 30, np.asarray, largest),
            FINE_DIGITS, "accuracy", 0.88, by_hand=True),
    Program("digits_in_order", "SO 50306988 and others", "rows sorted by class, never shuffled", ("unshuffled_batches",),
            _digits, 600, Loop(chain(64, 32, 10, by=mlp.ReLU), SOFTMAX, mlp.SGD(0.3), 8, 8, np.asarray, largest,
                               rows=sort_rows, is_shuffled=False), FINE_DIGITS, "accuracy", 0.88, by_hand=True),
    Program("a_sine_from_left_to_right", "CV, many", "x in order, never shuffled", ("unshuffled_batches", HIGH), _sine, 400,
            Loop(chain(1, 32, 1), SQUARED, mlp.SGD(0.2), 8, 30, column, values, rows=sort_inputs, is_shuffled=False),
            Loop(chain(1, 32, 1), SQUARED, mlp.Adam(0.02), 32, 300, column, values), "r2", 0.95, by_hand=True),
    Program("shuffled_apart", "SO 39217567", "inputs and targets shuffled, each on its own", ("uninformative_labels",
            "noisy_labels"), _mixture, 500, Loop(chain(6, 16, 1), SQUARED, mlp.Adam(0.005), 32, 40, column, values,
                                                 rows=shuffle_apart), FINE_MIXTURE, "r2", 0.85, by_hand=True),
    Program("a_square_for_a_slope", "SO, many: own losses", "the gradient of the squared error written as e²",
            ("wrong_gradient", HIGH), _mixture, 500,
            Loop(chain(6, 32, 1), SquaredSlope(), mlp.SGD(0.05), 32, 40, column, values), FINE_MIXTURE, "r2", 0.85,
            by_hand=True),
    Program("unregistered_layer", "PyTorch forums: layers in a Python list", "the hidden layer is not trained",
            ("frozen_layer", "wrong_gradient"), _spirals, 500,
            Loop(lambda: [Unmoved(2, 6), mlp.Tanh(), mlp.Dense(6, 1)], BINARY, mlp.Adam(0.01), 32, 60, column, above(0.0)),
            FINE_SPIRALS, "accuracy", 0.9, by_hand=True),
    Program("bias_left_out", "DeepCrime: remove bias; SO, many", "no bias is ever moved, and the targets lie around 5",
            ("no_biases", "frozen_layer", "wrong_gradient"), _sine, 300,
            Loop(lambda: [WithoutBias(1, 16), mlp.Tanh(), WithoutBias(16, 1)], SQUARED, mlp.Adam(0.01), 32, 60,
                 lambda y: column(y) + 5, lambda raw: raw[:, 0] - 5),
            Loop(chain(1, 16, 1), SQUARED, mlp.Adam(0.02), 32, 300, lambda y: column(y) + 5, lambda raw: raw[:, 0] - 5), "r2",
            0.93, by_hand=True),
    Program("backward_without_signs", "SO, many: own backpropagation", "the error is handed back by -|W|",
            ("wrong_gradient",), _spirals, 500,
            Loop(lambda: [mlp.Dense(2, 8), mlp.Tanh(), Uncoupled(8, 8), mlp.Tanh(), Uncoupled(8, 1)], BINARY,
                 mlp.SGD(0.1), 32, 40, column, above(0.0)), FINE_SPIRALS, "accuracy", 0.9, by_hand=True),
    Program("logarithm_of_nothing", "gDefects4DL; SO, many", "the logarithm of features that are 0 at times",
            ("non_finite_data",), lambda rng, n: (lambda X, y: (np.exp(X), y))(*_mixture(rng, n)), 400,
            Loop(lambda: [Logarithm(n_in=6), mlp.Dense(6, 32), mlp.Tanh(), mlp.Dense(32, 1)], SQUARED, mlp.Adam(0.01), 32, 60,
                 column, values, rows=with_zeros),
            Loop(lambda: [Logarithm(n_in=6), mlp.Dense(6, 32), mlp.Tanh(), mlp.Dense(32, 1)], SQUARED, mlp.Adam(0.01), 32, 80,
                 column, values), "r2", 0.85, by_hand=True),
    Program("ones_everywhere", "DeepCrime: initial weights", "all weights 1", ("constant_initialization",
            "initialization_too_large"), _letters, 800,
            Loop(chain(10, 32, 16, weights=Constant(1.0)), SOFTMAX, mlp.SGD(0.1), 32, 30, np.asarray, largest), FINE_LETTERS,
            "accuracy", 0.85, by_hand=True),
    Program("salary_among_small_numbers", "SO 47932589; UMLAUT", "one column is 10 000 times the others",
            ("unscaled_inputs",), _salaries, 600,
            Experiment(setting({**CLASSES, "scale": "none"}, ("adam", 0.001), 30, hidden=[16])),
            Experiment(setting(CLASSES, ("adam", 0.01), 60, hidden=[16])), "accuracy", 0.93),
    Program("sixty_shops", "Kaggle forums; CV", "one-hot columns of sixty shops for ninety rows", ("too_few_rows",
            "too_little_regularization"), _shops, 90,
            Experiment(setting({**CLASSES, "scale": "none"}, ("adam", 0.01), 100, hidden=[64])),
            Experiment(setting({**CLASSES, "scale": "none"}, ("adam", 0.01), 15, hidden=[16], l2=0.003), n=4000), "accuracy",
            0.9),
    Program("a_millionth", "DeepFD; SO, many", "SGD 1e-6 in a regression", (LOW,), _mixture, 500,
            Experiment(setting(SCALED, ("sgd", 1e-6), 40, hidden=[32])), Experiment(GOOD), "r2", 0.85),
    Program("one_epoch", "SO 37213388; DeepFD", "one epoch, SGD 0.01", ("too_few_epochs", LOW), _digits, 600,
            Experiment(setting(CLASSES, ("sgd", 0.01), 1, hidden=[32])), Experiment(setting(CLASSES, ("adam", 0.01), 30)),
            "accuracy", 0.88),
    Program("weights_of_five", "PyTorch forums", "N(0, 5²) in three rectified layers", ("initialization_too_large",
            HIGH, "unscaled_targets"), _mixture, 500,
            Experiment(setting(SCALED, ("adam", 0.001), 40, hidden=[32, 32, 32], init={"name": "normal", "std": 5.0})),
            Experiment(GOOD), "r2", 0.85),
    Program("epsilon_of_ten", "Keras issues: epsilon", "Adam with epsilon 10", ("epsilon_too_large", LOW), _letters, 800,
            Experiment(setting(CLASSES, ("adam", 0.01, {"epsilon": 10.0}), 30, hidden=[32])),
            Experiment(setting(CLASSES, ("adam", 0.01), 30, hidden=[32])), "accuracy", 0.85),
    Program("two_units_for_spirals", "SO 50306988, its second cause", "one hidden layer of two units",
            ("too_little_capacity", "local_minimum"), _spirals, 500,
            Experiment(setting(CLASSES, ("adam", 0.02), 80, hidden=[2], activation="tanh")), Experiment(GOOD_SPIRALS),
            "accuracy", 0.9),
    Program("a_straight_sine", "SO 48385830; UMLAUT", "hidden layers without an activation", ("missing_nonlinearity",), _sine,
            400, Experiment(setting(SCALED, ("adam", 0.01), 60, hidden=[32, 32], activation="identity")),
            Experiment(setting(SCALED, ("adam", 0.01), 250, hidden=[32, 32], activation="tanh")), "r2", 0.93),
    Program("counts_by_tanh", "SO, many", "tanh at the end for counts", (MISMATCH, "unscaled_targets"), _counts, 500,
            Experiment(setting(FLAT, ("adam", 0.01), 60, output={"name": "tanh", "force": True})),
            Experiment(setting(SCALED, ("adam", 0.005), 30, hidden=[16])), "r2", 0.55),
    Program("pixels_and_a_fast_step", "SO 55328966; SO 48934338", "pixels of 0 ... 255, rectifiers, SGD 0.1",
            ("unscaled_inputs", HIGH, "dead_relu"), lambda rng, n: (lambda X, y: (255 * X, y))(*_digits(rng, n)), 600,
            Experiment(setting({**CLASSES, "scale": "none"}, ("sgd", 0.1), 20, hidden=[32, 32])),
            Experiment(setting(CLASSES, ("sgd", 0.1), 40, hidden=[32, 32])), "accuracy", 0.88),
)  # fmt: skip
"""Every one is a fault, with its published fix as the twin; three in four are driven by hand."""
