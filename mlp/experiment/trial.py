"""Trials: short trainings beside a run, on the same rows.

A trial has a setup and a state of its own, and trains in the loop of every run. The *baseline* is the trial of a plain
network: if it learns these rows in a few hundred steps and the network of the run does not, the rows are not the cause.
A trial changes nothing in the run, and never reads the test part.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.config import Config, parse, settle
from mlp.data.scale import is_constant, standard
from mlp.experiment.loop import epochs
from mlp.experiment.setup import RUN_SEEDS, SCORED, Seeds, set_up
from mlp.experiment.state import answering_model, initial_state, kept_model
from mlp.model import Model, quiet, score_name
from mlp.preprocessing import Part, Prepared
from mlp.preprocessing.prepare import balance
from mlp.statistics.ridge import fit_ridge

TRIAL_ROWS = 4096  # rows that a trial trains on at most
COMPARED = 600  # training rows whose labels are compared with those of their neighbours
FEW = range(16, 150)  # numbers of training rows from which `cross_fit` makes five folds, and not two
BASELINE_STEPS = 800  # 25 ms for two inputs, 60 ms for 784
BASELINE_WIDTH = 64
BASELINE_ROWS = 32  # of a batch
BASELINE_SEEDS = Seeds(network=(0,), shuffle=(1,), augment=(1, 0), pretrain=(1, 1))


class Scores(NamedTuple):
    """Accuracy or r² on the first rows of two parts; NaN without such a part."""

    train: float
    validation: float


def first_rows(prepared: Prepared, dtype: np.dtype[Any]) -> Prepared:
    """The first rows of the training and the validation part, in memory and scaled as in the run."""
    validation = None if prepared.validation is None else prepared.validation.first(SCORED, dtype)
    return replace(prepared, train=prepared.train.first(TRIAL_ROWS, dtype), validation=validation, test=None)


def standardise(prepared: Prepared, dtype: np.dtype[Any]) -> Prepared:
    """The same rows, with inputs and regression targets that have deviation 1."""
    first = first_rows(prepared, dtype)
    scaling, known = standard(first.train.X), prepared.preprocessing.scaling.constant
    if known is not None:  # what scaling leaves of a constant feature is rounding
        scaling = replace(scaling, factor=np.where(known, 1, scaling.factor))
    centre, spread = (np.mean(first.train.y, 0), np.std(first.train.y, 0)) if _is_regression(prepared) else (0, 1)
    spread = np.where(is_constant(np.asarray(spread), np.asarray(centre), np.float64), 1, spread)

    def scale(part: Part) -> Part:
        target = (part.y - centre) / spread if _is_regression(prepared) else part.y
        return replace(part, X=scaling.apply(part.X, dtype), y=target)

    return replace(
        first,
        preprocessing=replace(prepared.preprocessing, targets=None),
        train=scale(first.train),
        validation=None if first.validation is None else scale(first.validation),
    )


def _is_regression(prepared: Prepared) -> bool:
    return prepared.preprocessing.task == "regression"


def run_trial(config: Config, prepared: Prepared, steps: int, seeds: Seeds = RUN_SEEDS) -> Model:
    """Train one network of `config` on the training rows for so many steps; the model that answers then.

    A loss that is no number stops it earlier, and so does early stopping, by the validation part; without that the part
    is left out. With the seeds of a run, the trial begins as that run does.
    """
    single, stops = replace(config.training, restarts=1, ensemble=False), config.training.early_stopping is not False
    config = settle(replace(config, training=single))
    n_epochs = ceil(steps / config.training.steps_per_epoch(len(prepared.train)))
    config = replace(config, training=replace(config.training, epochs=n_epochs))
    setup = set_up(config, prepared if stops else replace(prepared, validation=None), seeds=seeds)
    setup = replace(setup, n_steps=steps, instruments=())
    state = initial_state(setup)
    for _ in epochs(setup, state):
        pass
    return kept_model(setup, state) if stops and not state.diverged else answering_model(setup, state)


def run_baseline(config: Config, prepared: Prepared, steps: int = BASELINE_STEPS) -> tuple[Scores, Scores]:
    """The scores of a plain network that is trained on the standardised rows of a run with this configuration.

    Then the same with all classes counting alike; NaN for numbers.
    """
    model = train_baseline(config, prepared, steps=steps)
    parts = prepared.train, prepared.validation
    is_classes = model.task == "classification"
    alike = (None if part is None or not is_classes else balance_part(part) for part in parts)
    return Scores(*(score_part(model, part) for part in parts)), Scores(*(score_part(model, part) for part in alike))


def balance_part(part: Part) -> Part:
    """The first rows of a part with weights by which every class counts the same."""
    first = part.first(SCORED, part.X.dtype)
    return replace(first, weights=balance(first.y, first.weights))


def train_baseline(
    config: Config, prepared: Prepared, seeds: Seeds = BASELINE_SEEDS, steps: int = BASELINE_STEPS
) -> Model:
    """The model of that plain network."""
    return run_trial(baseline_config(config), prepared, steps, seeds)


def baseline_config(config: Config) -> Config:
    """The experiment of the plain network: 64 rectifiers and Adam, with seed and class weights of the run."""
    return parse(
        {
            "data": {"class_weight": config.data.class_weight},
            "network": {"hidden": [BASELINE_WIDTH]},
            "optimizer": {"learning_rate": 0.01, "schedule": "cosine"},
            "training": {"seed": config.training.seed, "batch_size": BASELINE_ROWS},
        }
    )


def run_classifier(config: Config, prepared: Prepared, given: Prepared, steps: int = BASELINE_STEPS) -> float:
    """The accuracy of a plain classifier on standardised rows whose whole numbers, as `given`, are taken for classes.

    It is on the rows to validate on; without those, on the rows it learned from.
    """
    parts = [part for part in (given.train, given.validation) if part is not None]
    labels = np.unique(np.concatenate([part.y for part in parts]))
    task = replace(
        prepared.preprocessing, task="classification", targets=None, n_targets=len(labels), class_labels=labels,
        class_names=tuple(f"{label:g}" for label in labels),
    )  # fmt: skip
    n = len(prepared.train)
    train = replace(prepared.train, y=np.searchsorted(labels, given.train.y[:n]))
    rows = replace(prepared, preprocessing=task, train=train, validation=None)
    model = train_baseline(config, rows, steps=steps)
    if prepared.validation is None or given.validation is None:
        return score_part(model, train)
    held_out = given.validation.y[: len(prepared.validation)]
    return score_part(model, replace(prepared.validation, y=np.searchsorted(labels, held_out)))


def share_rounded(model: Model, part: Part) -> float:
    """The share of rows whose answer, of a model of numbers, is nearest to the whole number that is right."""
    single = model if not model.network.population else replace(model, network=model.network.member(0))
    return float(np.mean(np.round(single.answers(single.raw(part))) == part.y))


def score_part(model: Model, part: Part | None) -> float:
    """Accuracy or r² on the first rows of a part; NaN without one."""
    if part is None:
        return np.nan
    return float(model.evaluate(part.first(SCORED, model.network.dtype))[score_name(model.task)])


def n_folds(n_rows: int) -> int:
    """Into how many parts `cross_fit` splits so many rows: few rows into five, more into two, which costs less."""
    return 5 if n_rows in FEW else 2


class CrossFit(NamedTuple):
    """What plain networks know of training rows that they had not seen.

    `score`: accuracy, or r². `error`: its standard error. `signal`: by how many standard errors their answers fit the
    targets better than targets drawn at random; 3 or more proves that there is something to learn.
    """

    score: float
    error: float
    signal: float


def cross_fit(config: Config, prepared: Prepared, steps: int = BASELINE_STEPS) -> CrossFit:
    """What the baseline knows of training rows: each is predicted once, by a network that was not trained on it.

    It is for runs whose validation part is missing, or too small to judge by. An r² is one minus the sum of all
    errors over the spread of the folds.
    """
    X, y = prepared.train.X, prepared.train.y
    order = np.random.default_rng(config.training.seed).permutation(len(X))
    parts = np.array_split(order, n_folds(len(X)))
    judged = []
    for part in parts:
        others = np.setdiff1d(order, part)
        fold = replace(prepared, train=Part(X[others], y[others]), validation=None)
        judged.append(credit_rows(train_baseline(config, fold, steps=steps), Part(X[part], y[part])))
    credit, fit, scale = (np.concatenate(columns) for columns in zip(*judged, strict=True))
    n, whole = len(credit), max(float(scale.mean()), 1e-12)
    error = float(credit.std() / whole / np.sqrt(n))
    return CrossFit(float(credit.mean() / whole), error, float(fit.sum() / np.sqrt(np.square(fit).sum() + 1e-12)))


def credit_rows(model: Model, part: Part) -> tuple[Array, Array, Array]:
    """For each row of a part (n,): its credit, how well answer and target go together, and the most credit there is.

    Credit is 1 for a right class, or the spread of a number minus its squared error. Answer and target go together
    where the product of their deviations from their means is positive: its sum is 0 on average if they are independent.
    """
    with quiet():
        raw, y = model.raw(part), part.y
        if model.task == "regression":
            answers, truth = (values.reshape(len(y), -1).astype(np.float64) for values in (model.head.values(raw), y))
            spread = np.square(truth - truth.mean(0)).sum(-1)
            return spread - np.square(truth - answers).sum(-1), _covariance_by_row(answers, truth), spread
        right = model.head.decide(raw) == y
        chances = model.probabilities_of(raw)
        truth = y if model.task == "multilabel" else np.eye(chances.shape[-1])[y]
        return (
            (right.all(-1) if right.ndim == 2 else right).astype(float),
            _covariance_by_row(chances, truth),
            np.ones(len(y)),
        )


def _covariance_by_row(answers: Array, truth: Array) -> Array:
    """The product of both deviations, summed over the columns, (n,)."""
    return np.asarray(((answers - answers.mean(0)) * (truth - truth.mean(0))).sum(-1))


def line_score(train: Part, task: str) -> tuple[float, float]:
    """The r² of a line or a quadratic through all rows but one, asked about that one, and its standard error.

    For classes it is the accuracy, of a number for each class.
    """
    y = train.y
    t = np.eye(int(y.max()) + 1)[y] if task == "classification" else y.reshape(len(y), -1).astype(np.float64)
    whole, fit = np.square(t - t.mean(0)).sum(1), fit_ridge(train.X, t)
    if fit is None or not whole.any():
        return 0.0, inf
    if task == "classification":
        right = fit.left_out.argmax(1) == y
        return float(right.mean()), float(right.std() / np.sqrt(len(y)))
    wrong = np.square(t - fit.left_out).sum(1)
    return float(1 - wrong.sum() / whole.sum()), float(wrong.std() / whole.mean() / np.sqrt(len(y)))


def label_noise(train: Part, most: int = COMPARED) -> tuple[float, float]:
    """The share of labels that are wrong at random, and its standard error.

    It is estimated from the fifth of the rows whose nearest neighbours agree most. Where classes merely overlap, a row
    deep inside a class mostly has that class. Where labels are wrong at random, such a row has another class as often
    as any other row does. So the share of such rows counts if it is at least 0.8 of that among all rows; otherwise the
    estimate is 0. A row's own label has no vote.
    """
    X, y = train.X[:most].astype(np.float64), train.y[:most]
    n = len(X)
    if n < 25 or y.ndim != 1:
        return 0.0, np.inf
    answer, agreement = _ask_neighbours(X, y, min(25, max(5, n // 25)))
    sure, wrong = agreement >= np.quantile(agreement, 0.8), answer != y
    share = float(wrong[sure].mean())
    error = float(np.sqrt(max(share * (1 - share), 1 / n) / sure.sum()))
    return (share if share + error >= 0.8 * wrong.mean() else 0.0), error


def _ask_neighbours(X: Array, y: Array, k: int) -> tuple[Array, Array]:
    """For each row the class that most of its k nearest neighbours have, and how many of them have it."""
    squares = np.square(X).sum(1)
    distances = squares[:, None] + squares - 2 * X @ X.T
    np.fill_diagonal(distances, np.inf)
    near = np.argpartition(distances, k, axis=1)[:, :k]
    n_classes = int(y.max()) + 1
    places = np.arange(len(X))[:, None] * n_classes + y[near]
    votes = np.bincount(places.ravel(), minlength=len(X) * n_classes).reshape(len(X), n_classes)
    return votes.argmax(1), votes.max(1)
