"""A program that people reported as failing: its rows, how it trains, the published cause, and the published fix.

Only facts are taken from a report: the architecture, the settings, the cause, the fix. A program trains in one of two
ways. An `Experiment` is a configuration that `mlp.run` gets. A `Loop` is layers, a loss and a rule that are driven by
hand, with a recorder beside them. Either way rows that the training never saw give its score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import mlp
from mlp.arrays import Array
from mlp.backprop import predict
from mlp.layers import Layer

Draw = Callable[[np.random.Generator, int], tuple[Array, Array]]
"""n rows X (n, n_in) and what is true of them, y."""
Spoil = Callable[[np.random.Generator, Array, Array], tuple[Array, Array]]
"""The rows as the program trains on them."""


def as_drawn(rng: np.random.Generator, X: Array, y: Array) -> tuple[Array, Array]:
    """The same rows."""
    return X, y


@dataclass(frozen=True)
class Experiment:
    """A configuration for `mlp.run`. `rows` spoils the rows to train on; `n` of them are drawn."""

    sections: Mapping[str, Mapping[str, Any]]
    rows: Spoil = as_drawn
    see: Callable[[Array], Array] = np.asarray
    n: int = 0


@dataclass(frozen=True)
class Loop:
    """Layers, a loss and a rule, driven by hand for so many epochs of batches of `size`.

    `see` and `target` make inputs and targets of the rows, `answer` makes answers of raw outputs (n, n_out).
    """

    layers: Callable[[], Sequence[Layer]]
    loss: Any
    rule: Any
    size: int
    epochs: int
    target: Callable[[Array], Array]
    answer: Callable[[Array], Array]
    see: Callable[[Array], Array] = np.asarray
    rows: Spoil = as_drawn
    n: int = 0
    is_shuffled: bool = True


@dataclass(frozen=True)
class Program:
    """One report. `causes`: what the report blames, then what its fix mends as well; names of causes or of kinds.

    `measure`: "accuracy", "r2", or "recall" of class 1, on rows drawn afresh. The fixed program must reach `reach`.
    """

    name: str
    source: str
    report: str
    causes: tuple[str, ...]
    draw: Draw
    n: int
    faulty: Experiment | Loop
    fixed: Experiment | Loop | None
    measure: str
    reach: float
    by_hand: bool = False


class Outcome(NamedTuple):
    """What became of one training: its score on fresh rows, and the findings."""

    score: float
    findings: tuple[mlp.Finding, ...]
    run: Any = None
    refused: str = ""


Rows = tuple[Array, Array]


def rows_of(program: Program, way: Experiment | Loop, seed: int, fresh: int = 2000) -> tuple[Rows, Rows]:
    """The rows X, y as one way of a program trains on them, and fresh ones that give its score."""
    rng = np.random.default_rng([seed, *program.name.encode()])
    X, y = program.draw(rng, way.n or program.n)
    drawn_afresh = program.draw(rng, fresh)
    return way.rows(rng, X, y), drawn_afresh


def sections_of(way: Experiment, seed: int) -> dict[str, dict[str, Any]]:
    """Its configuration with a seed."""
    sections = {name: dict(keys) for name, keys in way.sections.items()}
    return sections | {"training": {"seed": seed, **sections.get("training", {})}}


def train(program: Program, way: Experiment | Loop, seed: int, fresh: int = 2000) -> Outcome:
    """Train one way of a program with a seed."""
    (X, y), (X_fresh, y_fresh) = rows_of(program, way, seed, fresh)
    if isinstance(way, Loop):
        return _drive(program, way, seed, (X, y), (X_fresh, y_fresh))
    try:
        run = mlp.run(sections_of(way, seed), (way.see(X), y))
    except mlp.MLPError as error:
        return Outcome(-1.0, (), None, str(error))
    answers = run.predict(way.see(X_fresh))
    return Outcome(score(program.measure, answers, y_fresh), tuple(run.findings), run)


def _drive(program: Program, way: Loop, seed: int, rows: Any, fresh: Any) -> Outcome:
    """Drive a loop by hand, with a recorder beside it."""
    (X, y), (X_fresh, y_fresh) = rows, fresh
    network, recorder = mlp.Network(list(way.layers()), rng=seed), mlp.Recorder()
    shuffling = seed if way.is_shuffled else None
    data = mlp.batches(way.see(X), way.target(y), size=way.size, rng=shuffling, epochs=way.epochs)
    with np.errstate(all="ignore"):
        for step in recorder.tap(mlp.train(network, data, way.loss, way.rule)):
            if not np.isfinite(step.loss):
                break
        answers = way.answer(predict(network, np.asarray(way.see(X_fresh), np.float64)))
    return Outcome(score(program.measure, answers, y_fresh), mlp.diagnose(recorder.history))


def score(measure: str, answers: Array, y: Array) -> float:
    """Accuracy, r² within ± 1, or the recall of class 1; y (n,) or (n, k) is true."""
    answers = np.asarray(answers).reshape(np.shape(y))
    if measure == "r2":
        with np.errstate(all="ignore"):
            missed = np.square(np.asarray(answers, float) - y).sum() / np.square(y - y.mean(0)).sum()
        return float(np.clip(np.nan_to_num(1 - missed, nan=-1.0), -1, 1))
    if measure == "recall":
        return float(np.mean(answers[y == 1] == 1))
    right = np.round(answers) == y  # a class that was learned as a number is the nearest one
    return float(np.mean(right.all(-1) if right.ndim == 2 else right))
