"""The classic small problems of the field: all rows in every step, weights and bias weights from U(±1).

A share of the starts ends in a local minimum or on a plateau, so the success rate says more than the mean number of
epochs. Outputs are read by the 40-20-40 rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mlp.data import Dataset, encoder, parity, two_spirals, xor
from mlp.layers import Sigmoid, Tanh
from mlp.losses import SigmoidCrossEntropy, SquaredError
from mlp.problems.networks import Cube, Task, begin_network, measure_accuracy, measure_bits, stack_layers
from mlp.problems.problem import Problem, Target


def _make_logistic(data: Dataset, widths: Sequence[int], flat_spot: float) -> Task:
    """A sigmoid after every dense layer, ½ (t - y)²."""
    assert data.y is not None
    sigmoid = partial(Sigmoid, flat_spot)
    layers = (*stack_layers(widths, sigmoid, Cube(1.0)), sigmoid())
    return Task(layers, SquaredError(), {"train": (data.X, data.y.astype(float))}, None, measure_bits)


def _make_spirals() -> Task:
    data = two_spirals()
    assert data.y is not None
    layers = stack_layers((2, 20, 20, 1), Tanh, Cube(1.0))
    return Task(layers, SigmoidCrossEntropy(), {"train": (data.X / 6.5, data.y)}, None, measure_accuracy)


def _logistic_problem(
    name: str, data: Dataset, widths: Sequence[int], epochs: int, every: int, flat_spot: float = 0.0
) -> Problem:
    return Problem(
        name,
        f"{data.description}; {'-'.join(map(str, widths))} sigmoids",
        data.source,
        partial(begin_network, partial(_make_logistic, data, widths, flat_spot)),
        epochs=epochs,
        target=Target("train_solved", 1),
        every=every,
    )


def parity_problem(n_bits: int) -> Problem:
    """Parity of n bits with n hidden units, which are just enough (Rumelhart, Hinton & Williams 1986)."""
    return _logistic_problem(f"parity-{n_bits}", parity(n_bits), (n_bits, n_bits, 1), epochs=2000, every=5)


def encoder_problem(n: int, m: int, flat_spot: float = 0.0) -> Problem:
    """N-M-N encoder. Fahlman (1988) adds a `flat_spot` of 0.1 to every slope of a sigmoid, against its flat spots."""
    name = f"encoder-{n}-{m}-{n}" + ("-flat_spot" if flat_spot else "")
    return _logistic_problem(name, encoder(n), (n, m, n), epochs=1000, every=1, flat_spot=flat_spot)


TOYS = (
    _logistic_problem("xor", xor(), (2, 2, 1), epochs=1000, every=5),
    parity_problem(3),
    parity_problem(4),
    encoder_problem(10, 5),
    encoder_problem(12, 2),
    encoder_problem(12, 2, flat_spot=0.1),
    Problem(
        "two_spirals",
        "two interlocking spirals, 194 points; 2-20-20-1 tanh",
        "Lang and Witbrock (1988); CMU benchmark",
        partial(begin_network, _make_spirals),
        epochs=2000,
        target=Target("train_accuracy", 1),
        every=10,
        members=64,
    ),
)
