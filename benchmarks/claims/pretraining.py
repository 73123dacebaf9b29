"""What pretraining is good for: gradients that vanish, better minima, or less overfitting? Measured apart.

Digits, sigmoids, restricted Boltzmann machines on all rows without their labels, then Adam at 0.003 with cross-entropy.
Vanishing: six hidden layers, how far training comes in 20 epochs. Minima: one hidden layer, the training loss after
300 epochs, when nothing vanishes and nothing is in a hurry. Overfitting: 100 rows with labels, the error on the others
when those 100 are learned. Erhan et al. (2010) found the last two in deep networks. Three seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from claim import Claim, main

import mlp

DIGITS = mlp.data.load("digits")
X, Y = DIGITS.X / 16, DIGITS.y
LOSS = mlp.SoftmaxCrossEntropy()
SEEDS = 3


def train(hidden: list[int], first: bool, rows: np.ndarray, epochs: int, seed: int) -> mlp.Network:
    """A network of sigmoids, pretrained on all rows if that is asked for, trained on some."""
    layers: list[mlp.Layer] = []
    for n_in, n_out in zip([64, *hidden], hidden, strict=False):
        layers += [mlp.Dense(n_in, n_out), mlp.Sigmoid()]
    network = mlp.Network([*layers, mlp.Dense(hidden[-1], 10)], rng=seed)
    if first:
        mlp.pretrain(network, X, mlp.RBM(epochs=10), rng=seed)
    batches = mlp.batches(X[rows], Y[rows], size=32, rng=seed, epochs=epochs)
    for _ in mlp.train(network, batches, LOSS, mlp.Adam(0.003)):
        pass
    return network


def error(network: mlp.Network, rows: np.ndarray) -> float:
    """Wrong answers in per cent."""
    return 100 * float((mlp.predict(network, X[rows]).argmax(1) != Y[rows]).mean())


def loss_of(network: mlp.Network, rows: np.ndarray, _: np.ndarray) -> float:
    """The mean loss of the rows that were learned."""
    outputs = mlp.predict(network, X[rows]).T.astype(np.float64)
    return float(LOSS.value(outputs, Y[rows], None))


Score: TypeAlias = Callable[[mlp.Network, np.ndarray, np.ndarray], float]
"""Of a network, the rows that it learned, and the others."""


def compare(hidden: list[int], n: int, epochs: int, score: Score) -> list[list[float]]:
    """The score of each seed, without and with pretraining: (2, seeds)."""
    found: list[list[float]] = [[], []]
    for seed in range(SEEDS):
        order = np.random.default_rng(seed).permutation(len(X))
        rows, others = order[:n], order[n:]
        for first, scores in zip((False, True), found, strict=True):
            scores.append(score(train(hidden, first, rows, epochs, seed), rows, others))
    return found


def on_its_own(network: mlp.Network, rows: np.ndarray, _: np.ndarray) -> float:
    """The error on the rows that were learned."""
    return error(network, rows)


def on_others(network: mlp.Network, _: np.ndarray, others: np.ndarray) -> float:
    """The error on rows that were not learned."""
    return error(network, others)


def measure() -> Claim:
    """Three uses of pretraining."""
    cases = [
        (
            "vanishing: 6 layers, 20 epochs",
            "training error %",
            compare([32] * 6, 1200, 20, on_its_own),
        ),
        (
            "minima: 1 layer, 300 epochs",
            "training loss",
            compare([16], 400, 300, loss_of),
        ),
        ("overfitting: 1 layer, 100 rows", "error on others %", compare([64], 100, 200, on_others)),
        ("overfitting: 3 layers, 100 rows", "error on others %", compare([64] * 3, 100, 200, on_others)),
    ]
    rows = [[name, what, np.mean(a), np.std(a), np.mean(b), np.std(b)] for name, what, (a, b) in cases]
    helps = [row[2] - row[4] > 2 * max(row[3], row[5]) / SEEDS**0.5 and row[4] < 0.9 * row[2] for row in rows]
    why = (
        f"six layers come to a training error of {rows[0][2]:.0f} % without and {rows[0][4]:.1f} % with it; one layer "
        f"ends at a training loss of {rows[1][2]:.2g} without and {rows[1][4]:.2g} with it; with 100 labels the error "
        f"on other rows is {rows[2][2]:.1f} and {rows[2][4]:.1f} % with one layer, {rows[3][2]:.1f} and "
        f"{rows[3][4]:.1f} % with three"
    )
    columns = ["for", "measure", "without", "deviation", "with", "deviation"]
    said = "pretraining is for gradients that vanish, for better minima and against overfitting"
    names = [row[0].replace(": ", "\n").replace(", ", "\n") for row in rows]
    curves = {"with / without": (names, [row[4] / row[2] for row in rows])}
    verdict, axes = "holds" if all(helps) else "depends", ("used for", "measure with pretraining / without")
    return Claim(said, columns, rows, verdict, why, curves, axes)


if __name__ == "__main__":
    main(measure, "pretraining")
