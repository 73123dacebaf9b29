"""Short trainings beside the run: what another setting would do on the same rows.

A trial builds a variant of an experiment from a changed configuration, trains it for some steps and measures it. The
*yardstick* is the trial of the default experiment: if a plain network learns these rows in a few hundred steps and the
one at hand does not, then not the data is to blame. Nothing of the run itself is touched: networks, rules and
generators are the trial's own, and the test part is never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.augment import augmented
from mlp.data.batches import batches
from mlp.data.scale import is_constant, standard
from mlp.experiment import build, metrics
from mlp.experiment.answering import answering
from mlp.experiment.config import Config, parse
from mlp.experiment.prepare import Part, Prepared
from mlp.experiment.pretraining import pretrain
from mlp.experiment.regularizers import augmentations
from mlp.network import Network
from mlp.training import train

ROWS = 4096  # rows that a trial trains on at most
SCORED = 1024  # rows of each part that it is measured on
COMPARED = 600  # training rows whose labels are held against those of their neighbours
FEW = range(16, 150)  # so many training rows are split into parts, and each asked about with the others learned
STEPS = 800  # of the yardstick: 25 ms for two inputs, 60 ms for 784
MARKS = (8, 16, 32, 64, 128, 256, 512)  # where the yardstick's training loss is noted


class Outcome(NamedTuple):
    """What a trial came to. Scores are accuracies or r², `losses` the training loss of each step."""

    train_score: float
    validation_score: float
    losses: Array


class Rows(NamedTuple):
    """What trials train and are measured on, in memory, inputs standardised or as the run has them."""

    train: Part
    validation: Part | None


def score_name(task: str) -> str:
    """The metric that says how good answers are."""
    return "r2" if task == "regression" else "accuracy"


def standardised(prepared: Prepared, dtype: Any) -> Rows:
    """The first rows of the training and validation part; inputs, and targets of regression, of deviation 1."""
    as_given = some(prepared, dtype)
    X, y = as_given.train.X, as_given.train.y
    scaling, known = standard(X), prepared.preprocessing.scaling.constant
    if known is not None:  # scaled, they are what rounding left
        scaling = replace(scaling, factor=np.where(known, 1, scaling.factor))
    centre, spread = (np.mean(y, 0), np.std(y, 0)) if prepared.preprocessing.task == "regression" else (0, 1)
    spread = np.where(is_constant(np.asarray(spread), np.asarray(centre), np.float64), 1, spread)

    def scaled(part: Part) -> Part:
        target = (part.y - centre) / spread if prepared.preprocessing.task == "regression" else part.y
        return Part(scaling.apply(part.X, dtype), target)

    return Rows(scaled(as_given.train), None if as_given.validation is None else scaled(as_given.validation))


def some(prepared: Prepared, dtype: Any) -> Rows:
    """The first rows of the training and validation part, as the run sees them."""
    train = _first(prepared.train, ROWS, dtype)
    return Rows(train, None if prepared.validation is None else _first(prepared.validation, SCORED, dtype))


def _first(part: Part, most: int, dtype: Any) -> Part:
    X = next(iter(part.blocks(dtype)))[:most]
    return Part(np.asarray(X, dtype), part.y[: len(X)])


def tried(config: Config, rows: Rows, task: str, n_targets: int, steps: int) -> Outcome:
    """Train the network of `config` on `rows` for some steps, and measure it."""
    head = build.head(config, task, n_targets)
    network, losses = trained(config, rows, head, steps, np.random.default_rng(config.training.seed).spawn(2))
    scored = [_score(network, head, task, part) for part in (rows.train, rows.validation)]
    return Outcome(scored[0], scored[1], losses)


def trained(
    config: Config, rows: Rows, head: build.Head, steps: int, rngs: Sequence[np.random.Generator]
) -> tuple[Network, Array]:
    """The network of `config` after some steps on `rows`, fewer where the loss is no number; and the losses met.

    `rngs`: for the network, and for the order of the rows.
    """
    dtype = np.dtype(config.training.dtype)
    n_in, n = rows.train.X.shape[1], len(rows.train)
    network_rng, order = rngs
    network = Network(build.layers(config, n_in, head), network_rng, dtype=dtype)
    augment_rng, pretrain_rng = order.spawn(2)
    pretrain(config, rows.train, network, pretrain_rng)
    size = n if config.training.batch_size == "full" else min(int(config.training.batch_size), n)
    per_epoch = ceil(n / size)
    epochs = ceil(steps / per_epoch)
    frozen = build.frozen_slices(config, network.layers, network.layout.slices)
    longer = replace(config, training=replace(config.training, epochs=epochs))
    rule = build.rule(longer, per_epoch, frozen, network.layout)
    target = metrics.target(head, rows.train.y, dtype)
    weights = metrics.balanced(rows.train.y) if config.data.class_weight == "balanced" else None
    shuffled = order if config.training.shuffle else None
    data = batches(rows.train.X, target, size, rng=shuffled, epochs=epochs, weights=weights, dtype=dtype)
    data = augmented(data, *augmentations(config, head, n_in), rng=augment_rng)
    losses = np.full(steps, np.nan)
    for step in train(network, data, head.loss, rule):
        losses[step.index] = step.loss
        if step.index + 1 == steps or not np.isfinite(step.loss):
            break
    return answering(network, step.state, rows.train, weights), losses


def _score(network: Network, head: build.Head, task: str, part: Part | None) -> float:
    """Accuracy or r² on the first rows of a part; NaN without one."""
    if part is None:
        return np.nan
    first = Part(part.X[:SCORED], part.y[:SCORED])
    return float(metrics.evaluate(network, head, task, first)[score_name(task)])


def yardstick(config: Config, rows: Rows, task: str, n_targets: int) -> Outcome:
    """The trial of a plain network on standardised rows."""
    return tried(plain(config.training.seed, config.data.class_weight), rows, task, n_targets, STEPS)


def plain(seed: int, class_weight: str = "none") -> Config:
    """The yardstick's configuration: 64 rectifiers and Adam. Classes weigh what they weigh in the run beside it."""
    return parse(
        {
            "data": {"class_weight": class_weight},
            "network": {"hidden": [64]},
            "optimizer": {"learning_rate": 0.01, "schedule": "cosine"},
            "training": {"seed": seed},
        }
    )


def crossed(config: Config, rows: Rows, task: str, n_targets: int) -> float:
    """The yardstick's score on training rows it was not trained on: on every fifth with the others, on each once.

    For a validation part too small to judge by, or none. Of more than a few rows halves do, and cost less. An r² counts
    by the spread of the targets it was measured on, so that together they are one minus all errors over all spread.
    """
    X, y = rows.train.X, rows.train.y
    order = np.random.default_rng(config.training.seed).permutation(len(X))
    parts = np.array_split(order, 5 if len(X) in FEW else 2)
    scores, sizes = [], []
    for part in parts:
        others = np.setdiff1d(order, part)
        fold = Rows(Part(X[others], y[others]), Part(X[part], y[part]))
        scores.append(yardstick(config, fold, task, n_targets).validation_score)
        sizes.append(len(part) * (float(y[part].var()) + 1e-12 if task == "regression" else 1.0))
    return float(np.average(scores, weights=sizes))


def label_noise(rows: Rows, most: int = COMPARED) -> tuple[float, float]:
    """The share of labels that contradict their surroundings, if that is the same everywhere, and its standard error.

    Looked at is the fifth of the rows whose nearest others agree most: where classes merely overlap, a row deep inside
    a class mostly has that class; where labels are wrong at random, it has another one as often there as anywhere. So
    the share counts if it is at least 0.8 of that among all rows, and is 0 else. A row's own label has no vote.
    """
    X, y = rows.train.X[:most].astype(np.float64), rows.train.y[:most]
    n = len(X)
    if n < 25 or y.ndim != 1:
        return 0.0, np.inf
    answer, agreement = _neighbours(X, y, min(25, max(5, n // 25)))
    sure, wrong = agreement >= np.quantile(agreement, 0.8), answer != y
    share = float(wrong[sure].mean())
    error = float(np.sqrt(max(share * (1 - share), 1 / n) / sure.sum()))
    return (share if share + error >= 0.8 * wrong.mean() else 0.0), error


def _neighbours(X: Array, y: Array, k: int) -> tuple[Array, Array]:
    """For each row the class that most of its k nearest others have, and how many of them have it."""
    squares = np.square(X).sum(1)
    distances = squares[:, None] + squares - 2 * X @ X.T
    np.fill_diagonal(distances, np.inf)
    near = np.argpartition(distances, k, axis=1)[:, :k]
    votes = (y[near][..., None] == np.arange(y.max() + 1)).sum(1)
    return votes.argmax(1), votes.max(1)


def variant(config: Config, changes: Mapping[str, Mapping[str, Any]]) -> Config:
    """The configuration with some keys changed: {"optimizer": {"learning_rate": 0.1}}."""
    given = config.to_dict()
    for section, keys in changes.items():
        given[section] = {**given[section], **keys}
    return parse(given)
