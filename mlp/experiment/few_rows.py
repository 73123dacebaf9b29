"""What few rows allow: the run's own experiment and ridge regression, asked about training rows they had not seen.

Of few rows only few are held out, or none, and a plain network memorises the others as the run may do. So where a
verdict on few rows is in doubt, the same experiment is trained again on parts of them, and each row is answered by a
network that had not seen it. Ridge regression answers the same rows from the same parts. If it does no better, the rows
allow no more; if it does, the run memorises what harms it. Nothing of the run is changed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import judge
from mlp.diagnosis.few_rows import LeftOut
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.thresholds import FEW_HELD_OUT, GAP, SHORT
from mlp.errors import MLPError
from mlp.experiment.before_training import note_once
from mlp.experiment.setup import Setup
from mlp.experiment.state import State, answering_model
from mlp.experiment.trial import credit_rows, first_rows, run_trial
from mlp.model import Model, quiet
from mlp.preprocessing import Part, Prepared
from mlp.statistics.ridge import fit_ridge

ROWS = range(30, 600)  # numbers of training rows of which each matters, and a run costs little
WORK = 2 * 10**9  # a quarter of a second on one core; or as much as the run, where that was longer
UPDATE = 64  # rows whose products cost as much as an update
FOLDS = (5, 2)  # parts, in the order in which they are preferred; two cost as much as the run


def note_few_rows(setup: Setup, state: State) -> None:
    """Note what few rows allow, where the run raises an alarm, or there is a doubt.

    It answers those that it has seen suspiciously well, or those held out worse than others do rows they had not seen.
    """
    rows = first_rows(setup.prepared, setup.dtype)
    if not _is_wanted(setup, state, rows):
        return
    steps = setup.n_steps - setup.past.steps
    size = min(setup.config.training.rows_per_batch(len(rows.train)), len(rows.train))
    a_step = setup.layout.size * (size + UPDATE)
    for folds in FOLDS:
        if a_step * steps * (folds - 1) <= max(WORK, a_step * (state.steps - setup.past.steps)):
            break
    else:
        return
    try:
        with quiet():
            found = compare_left_out(setup, rows, steps, folds, answering_model(setup, state))
    except MLPError:  # a part that has one class only, or a training that comes to no numbers
        return
    if np.isfinite(found).all():
        note_once(state.history, "few_rows", list(found), found._fields)


def _is_wanted(setup: Setup, state: State, rows: Prepared) -> bool:
    """Whether there are few rows, and there is a doubt."""
    config = setup.config
    is_plain = config.data.class_weight == "none" and not config.training.early_stopping
    if config.record.baseline != "auto" or state.diverged or not is_plain or setup.prepared.dataset.complete:
        return False
    if len(rows.train) not in ROWS or len(setup.prepared.train) not in ROWS:
        return False
    r = Reading(state.history)
    with quiet():
        if any(finding.severity != "info" for finding in judge(r, setup.detectors)):
            return True
    if rows.validation is not None and len(rows.validation) >= FEW_HELD_OUT:
        return False
    ridge = ridge_score(rows, split_rows(len(rows.train), FOLDS[0], config.training.seed))
    others = max(ridge, r.one("unseen", "score", ridge))
    return r.score("train") - ridge > GAP or others - r.score("validation") > SHORT


def split_rows(n: int, folds: int, seed: int) -> list[Array]:
    """Rows 0 … n-1 in random parts of about the same size."""
    return np.array_split(np.random.default_rng(seed).permutation(n), folds)


def ridge_score(rows: Prepared, parts: list[Array]) -> float:
    """The score of ridge regression on training rows that it had not seen."""
    credit, scale = _credit_ridge(replace(rows, validation=None), parts)
    return float(credit.mean() / scale.mean())


def compare_left_out(setup: Setup, rows: Prepared, steps: int, folds: int, model: Model) -> LeftOut:
    """Train the experiment on all parts of the rows but one, ask it about that one, and ridge regression likewise.

    The rows to validate on are as new to the `model` of the run, and count with them.
    """
    train = rows.train
    parts = split_rows(len(train), folds, setup.config.training.seed)
    order, asked = np.concatenate(parts), []
    for part in parts:
        fold = replace(rows, train=_choose(train, np.setdiff1d(order, part)), validation=None)
        asked.append((run_trial(setup.config, fold, steps), _choose(train, part)))
    if rows.validation is not None:
        asked.append((model if not model.network.population else _first(model), rows.validation))
    judged = [credit_rows(*pair) for pair in asked]
    own, fit, scale = (np.concatenate(columns) for columns in zip(*judged, strict=True))
    losses = [float(model.evaluate(part)["loss"]) for model, part in asked]
    ridge, whole = _credit_ridge(rows, parts)
    own = own + whole - scale  # errors of both beside the same spread
    unit, apart = max(float(whole.mean()), 1e-12), ridge - own
    return LeftOut(
        own=float(own.mean() / unit),
        loss=float(np.average(losses, weights=[len(part) for _, part in asked])),
        signal=float(fit.sum() / np.sqrt(np.square(fit).sum() + 1e-12)),
        ridge=float(ridge.mean() / unit),
        missing=float(apart.mean() / unit),
        error=float(apart.std() / unit / np.sqrt(len(own))),
    )


def _choose(part: Part, rows: Array) -> Part:
    return Part(part.X[rows], part.y[rows], weights=None if part.weights is None else part.weights[rows])


def _first(model: Model) -> Model:
    return replace(model, network=model.network.member(0))


def _credit_ridge(rows: Prepared, parts: list[Array]) -> tuple[Array, Array]:
    """The credit of ridge regression for each row in the order of the parts, and the most there is, (n,) each.

    Then that for the rows to validate on, from all rows to train on.
    """
    train, held_out = rows.train, rows.validation
    n, order = len(train), np.concatenate(parts)
    X, y = train.X, train.y
    if held_out is not None:
        X, y = np.concatenate([X, held_out.X]), np.concatenate([y, held_out.y])
    task = rows.preprocessing.task
    t = np.eye(int(y.max()) + 1)[y] if task == "classification" else y.reshape(len(y), -1).astype(np.float64)
    answers = np.tile(t[:n].mean(0), (len(t), 1))
    for part in [*parts, np.arange(n, len(y))]:
        others = np.setdiff1d(order, part)
        if len(part) and (fit := fit_ridge(X[others], t[others])) is not None:
            answers[part] = fit.answer(X[part])
    places = np.concatenate([order, np.arange(n, len(y))])
    answers, t = answers[places], t[places]
    if task == "classification":
        return (answers.argmax(1) == t.argmax(1)).astype(float), np.ones(len(y))
    if task == "multilabel":
        return ((answers > 0.5) == t).all(1).astype(float), np.ones(len(y))
    spread = np.square(t - t[:n].mean(0)).sum(1)
    return spread - np.square(t - answers).sum(1), spread
