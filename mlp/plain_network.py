"""A plain network, trained beside a loop that is driven by hand: what these rows allow.

64 rectifiers and Adam on standardised rows, as in the baseline of an experiment. It has a network and generators of its
own, and changes nothing of the loop's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.backprop import predict
from mlp.data.batches import batches
from mlp.layers import Dense, ReLU
from mlp.losses import Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError
from mlp.network import Network
from mlp.optimizers import Adam
from mlp.schedules import Cosine
from mlp.training import train

STEPS = 800
WIDTH = 64
ROWS = 4096
CROSSED = range(16, 150)
"""Numbers of rows from which five networks are asked about rows they had not seen; of more, two are."""


class Target(NamedTuple):
    """Targets as a plain network learns them: `t` (n,) or (n, k), for `loss`; `name` of the score."""

    t: Array
    loss: Loss
    n_out: int
    name: str


def read_target(t: Array) -> Target:
    """Labels (n,), yes or no (n, 1), one of k or several (n, k), or numbers, from what a loop trains on."""
    if t.dtype.kind in "iu" and t.ndim == 1:
        return Target(t, SoftmaxCrossEntropy(), int(t.max()) + 1, "accuracy")
    values = t.reshape(len(t), -1).astype(np.float64)
    if ((values == 0) | (values == 1)).all():
        if values.shape[1] > 1 and (values.sum(1) == 1).all():
            return Target(values.argmax(1), SoftmaxCrossEntropy(), values.shape[1], "accuracy")
        return Target(values, SigmoidCrossEntropy(), values.shape[1], "accuracy")
    spread = values.std(0)
    return Target((values - values.mean(0)) / np.where(spread > 0, spread, 1), SquaredError(), values.shape[1], "r2")


def score_answers(answers: Array, t: Array) -> float:
    """The accuracy of answers (n, n_out) that a loss makes of outputs, or the r²; for targets t as a loop has them."""
    target = read_target(t)
    if target.name == "r2":
        truth = t.reshape(len(t), -1)
        return float(1 - np.square(answers - truth).sum() / np.square(truth - truth.mean(0)).sum())
    if target.t.ndim == 1:
        return float(np.mean((answers.argmax(1) if answers.shape[1] > 1 else answers[:, 0] > 0.5) == target.t))
    return float(np.mean(((answers > 0.5) == target.t).all(1)))


def answer_with(network: Network, loss: Any, X: Array) -> Array:
    """What the loss makes of the outputs for rows X, (n, n_out)."""
    return np.asarray(loss.predict(predict(network, X).T).T)


def compare_rows(X: Array, t: Array) -> Iterator[tuple[str, float]]:
    """The score of a plain network on rows X and targets t; and of others on rows that they had not seen.

    As columns of a history: `baseline_train_accuracy` and `crossed_accuracy`, or `..._r2`.
    """
    X, t = np.asarray(X, np.float64)[:ROWS], np.asarray(t)[:ROWS]
    spread = X.std(0)
    X, target = (X - X.mean(0)) / np.where(spread > 0, spread, 1), read_target(t)
    yield f"baseline_train_{target.name}", _score(_train(X, target), X, target)
    if len(X) < CROSSED.start:
        return
    order = np.random.default_rng(0).permutation(len(X))
    answers = np.empty((len(X), target.n_out))
    for part in np.array_split(order, 5 if len(X) in CROSSED else 2):
        others = np.setdiff1d(order, part)
        answers[part] = answer_with(_train(X[others], target._replace(t=target.t[others])), target.loss, X[part])
    yield f"crossed_{target.name}", score_answers(answers, target.t)


def _train(X: Array, target: Target) -> Network:
    network = Network([Dense(X.shape[1], WIDTH), ReLU(), Dense(WIDTH, target.n_out)], rng=0)
    size = min(32, len(X))
    epochs = -(-STEPS * size // len(X))
    rule = Adam(Cosine(0.01, STEPS))
    for step in train(network, batches(X, target.t, size, rng=1, epochs=epochs), target.loss, rule):
        if step.index + 1 >= STEPS:
            break
    return network


def _score(network: Network, X: Array, target: Target) -> float:
    return score_answers(answer_with(network, target.loss, X), target.t)
