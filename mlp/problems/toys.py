"""The classic small problems of the field: all rows in every step, weights and bias weights from U(±1).

What counts is whether a network finds the way at all: a share of the starts ends in a local minimum or on a plateau, so
the success rate says more than the mean number of epochs. Outputs are read by the 40-20-40 rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from mlp.data import Dataset, encoder, parity, two_spirals, xor
from mlp.layers import Activation, Dense, Layer, Sigmoid, Tanh
from mlp.losses import SigmoidCrossEntropy, SquaredError
from mlp.problems.networks import Cube, Part, Task, beginning, bits, classes
from mlp.problems.problem import Problem, Target


def chain(widths: Sequence[int], activation: Callable[[], Activation], cube: float) -> list[Layer]:
    """Dense, activation, ..., Dense: every weight from U(± `cube`)."""
    found: list[Layer] = []
    for n_in, n_out in pairwise(widths):
        found += [Dense(n_in, n_out, Cube(cube)), activation()]
    return found[:-1]


def _logistic(data: Dataset, widths: Sequence[int], flat_spot: float) -> Task:
    """Sigmoids all through, ½ (t - y)²."""
    assert data.y is not None
    part = Part(data.X, data.y.astype(float))
    sigmoid = partial(Sigmoid, flat_spot)
    layers = [*chain(widths, sigmoid, 1.0), sigmoid()]
    return Task(layers, SquaredError(), {"train": part}, None, bits)


def _spirals() -> Task:
    data = two_spirals()
    assert data.y is not None
    layers = chain((2, 20, 20, 1), Tanh, 1.0)
    return Task(layers, SigmoidCrossEntropy(), {"train": Part(data.X / 6.5, data.y)}, None, classes)


def _row(name: str, data: Dataset, widths: Sequence[int], epochs: int, every: int, flat_spot: float = 0.0) -> Problem:
    shape = "-".join(map(str, widths))
    return Problem(
        name,
        f"{data.description}; {shape} sigmoids",
        data.source,
        beginning(partial(_logistic, data, widths, flat_spot)),
        epochs=epochs,
        every=every,
        score="train_loss",
        chosen_by="train_loss",
        target=Target("train_solved", 1),
    )


def parity_problem(n_bits: int) -> Problem:
    """Parity of n bits with n hidden units, which are just enough (Rumelhart, Hinton & Williams 1986)."""
    return _row(f"parity-{n_bits}", parity(n_bits), (n_bits, n_bits, 1), epochs=2000, every=5)


def encoder_problem(n: int, m: int) -> Problem:
    """N-M-N encoder."""
    return _row(f"encoder-{n}-{m}-{n}", encoder(n), (n, m, n), epochs=1000, every=1)


def flat_spot_problem(n: int, m: int) -> Problem:
    """The encoder with 0.1 added to every slope of a sigmoid, against its flat spots: Fahlman (1988)."""
    return _row(f"encoder-{n}-{m}-{n}-flat_spot", encoder(n), (n, m, n), epochs=1000, every=1, flat_spot=0.1)


TOYS = (
    _row("xor", xor(), (2, 2, 1), epochs=1000, every=5),
    parity_problem(3),
    parity_problem(4),
    encoder_problem(10, 5),
    encoder_problem(12, 2),
    flat_spot_problem(12, 2),
    Problem(
        "two_spirals",
        "two interlocking spirals, 194 points; 2-20-20-1 tanh",
        "Lang and Witbrock (1988); CMU benchmark",
        beginning(_spirals),
        epochs=2000,
        every=10,
        score="train_loss",
        chosen_by="train_loss",
        target=Target("train_accuracy", 1),
        members=64,
    ),
)
