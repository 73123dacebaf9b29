"""What a model answers to rows that were held out.

Which class is taken for which, whether its probabilities hold, how far its numbers lie off, and the rows it answers
worst.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import isqrt, prod
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.config import Config
from mlp.model import Model
from mlp.model.metrics import quiet
from mlp.preprocessing import Part, Prepared
from mlp.statistics.scores import BINS, confusion

ROWS = 10_000  # that are asked about, at most
CELLS = 1 << 22  # outputs of them, at most
POINTS = 2000  # of a scatter plot
WORST = 12  # rows that are shown
CLASSES = 40  # with a matrix of their own; of more the commonest mistakes are listed
MISTAKES = 30  # that are listed
INPUTS = 8  # of a row that are shown
PIXEL = re.compile(r"pixel_(\d+)_(\d+)$")


class Asked(NamedTuple):
    """Rows that a model was asked about: `name` says which, `part` are they, `raw` (n, n_out) what came out."""

    name: str
    part: Part
    raw: Array


def ask(model: Model, prepared: Prepared) -> Asked:
    """The rows to test on; where there are none those to validate on, and at last those to train on."""
    parts = (("to test on", prepared.test), ("to validate on", prepared.validation), ("to train on", prepared.train))
    use, part = next((use, part) for use, part in parts if part is not None)
    most = max(1, min(ROWS, CELLS // model.head.n_out))
    asked = part if len(part) <= most else next(part.pieces(most, model.network.dtype))
    first = "the" if len(asked) == len(part) else f"the first {len(asked)} of the"
    return Asked(f"{first} {len(part)} rows {use}", asked, model.raw(asked))


def describe_answers(model: Model, config: Config, asked: Asked) -> tuple[dict[str, Any], dict[str, Array]]:
    """What stands on the page of them, and its arrays."""
    with quiet():
        if model.task == "regression":
            about, arrays, losses = _numbers(model, asked)
        elif model.task == "multilabel":
            about, arrays, losses = _labels(model, asked)
        else:
            about, arrays, losses = _classes(model, asked)
        worst = np.argsort(-np.nan_to_num(losses, nan=np.inf), kind="stable")[:WORST]
        shown, more = _rows(model, config, asked.part, worst)
        answers = [*_answers(model, asked, worst, losses)]
    return {"rows": asked.name, **about, "worst": {"answers": answers, **shown}}, arrays | more


def _classes(model: Model, asked: Asked) -> tuple[dict[str, Any], dict[str, Array], Array]:
    """Confusions and reliability, and the loss of each row: -log p of the truth."""
    codes, answers = asked.part.y.astype(int), model.head.decide(asked.raw)
    names = model.preprocessing.class_names or tuple(map(str, range(model.preprocessing.n_targets)))
    p = model.head.probabilities(asked.raw)
    if len(names) <= CLASSES:
        about: dict[str, Any] = {
            "confusion": {"names": list(names), "counts": confusion(codes, answers, len(names)).tolist()}
        }
    else:
        about = {"mistakes": [*_mistakes(codes, answers, names)]}
    if p is None:
        return about, {}, (answers != codes) * 1.0
    about["reliability"] = reliability(answers == codes, p.max(1))
    return about, {}, -np.log(np.maximum(p[np.arange(len(codes)), codes], 1e-300))


def _mistakes(codes: Array, answers: Array, names: Sequence[str]) -> Iterator[list[str]]:
    """Of many classes those that are most often confused: truth, answer, how often."""
    wrong = codes != answers
    pairs, counts = np.unique(np.stack([codes[wrong], answers[wrong]], 1), axis=0, return_counts=True)
    for k in np.argsort(-counts, kind="stable")[:MISTAKES]:
        yield [names[pairs[k, 0]], names[pairs[k, 1]], str(counts[k])]


def reliability(right: Array, confidence: Array) -> list[dict[str, float]]:
    """Of the answers given with a probability in ((m-1)/M, m/M] how many are right, for each bin that has any.

    >>> reliability(np.array([1, 0]), np.array([0.95, 0.85]))[0]
    {'confidence': 0.85, 'right': 0.0, 'rows': 1}
    """
    fine = np.isfinite(confidence)
    right, confidence = right[fine], confidence[fine].astype(np.float64)
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    counts, sums, hits = (np.bincount(bins, weights, BINS) for weights in (None, confidence, right))
    return [
        {"confidence": float(sums[m] / counts[m]), "right": float(hits[m] / counts[m]), "rows": int(counts[m])}
        for m in np.flatnonzero(counts)
    ]


def _labels(model: Model, asked: Asked) -> tuple[dict[str, Any], dict[str, Array], Array]:
    """Of each label how often it is there, answered, and right; the loss of a row is the share of wrong labels."""
    y, answers = asked.part.y.astype(int), model.head.decide(asked.raw)
    names = model.preprocessing.class_names or tuple(map(str, range(y.shape[1])))
    columns = (y.sum(0), answers.sum(0), (y & answers).sum(0))
    table = [[name, *(str(column[j]) for column in columns)] for j, name in enumerate(names[:CLASSES])]
    return {"labels": table}, {}, (y != answers).mean(1)


def _numbers(model: Model, asked: Asked) -> tuple[dict[str, Any], dict[str, Array], Array]:
    """Predicted against true, of the first output; the loss of a row is its largest error."""
    truth = asked.part.y.reshape(len(asked.part), -1).astype(np.float64)
    answers = model.head.values(asked.raw).astype(np.float64)
    about = {
        "numbers": {
            "outputs": truth.shape[1],
            "points": min(POINTS, len(truth)),
            "name": model.preprocessing.target_name,
        }
    }
    arrays = {"answers/true": truth[:POINTS, 0], "answers/predicted": answers[:POINTS, 0]}
    return about, arrays, np.abs(answers - truth).max(1)


def _answers(model: Model, asked: Asked, worst: Array, losses: Array) -> Iterator[list[str]]:
    """Of each row its number, the truth, the answer, and how bad that is."""
    y, raw = asked.part.y[worst], asked.raw[worst]
    if model.task == "regression":
        values = model.head.values(raw)
        for k, row in enumerate(worst):
            yield [f"row {row}", _several(y[k]), _several(values[k]), f"off by {losses[row]:.4g}"]
        return
    names = model.preprocessing.class_names or tuple(map(str, range(model.preprocessing.n_targets)))
    codes, p = model.head.decide(raw), model.head.probabilities(raw)
    for k, row in enumerate(worst):
        if model.task == "multilabel":
            yield [f"row {row}", *(_labels_of(marks, names) for marks in (y[k], codes[k])), f"{losses[row]:.0%} wrong"]
        else:
            said = "" if p is None else f"p(truth) = {p[k, int(y[k])]:.2g}"
            yield [f"row {row}", names[int(y[k])], names[int(codes[k])], said]


def _several(values: Any) -> str:
    return ", ".join(f"{value:.5g}" for value in np.ravel(values)[:4])


def _labels_of(marks: Array, names: Sequence[str]) -> str:
    return ", ".join(names[j] for j in np.flatnonzero(marks)[:6]) or "none"


def _rows(model: Model, config: Config, part: Part, worst: Array) -> tuple[dict[str, Any], dict[str, Array]]:
    """The rows as images where they are images, or else the first of their inputs, in the units of the source."""
    inputs, rows = model.preprocessing, np.asarray(part.at(worst, model.network.dtype), np.float64)
    raw = inputs.scaling.undo(rows)
    if inputs.imputation is None and (shape := image_shape(config, inputs.feature_names)):
        return {"image": list(shape)}, {"worst/images": raw}
    cells = [[f"{value:.5g}" for value in row[:INPUTS]] for row in raw]
    return {"inputs": list(inputs.input_names[:INPUTS]), "cells": cells, "more": max(0, raw.shape[1] - INPUTS)}, {}


def image_shape(config: Config, names: Sequence[str]) -> tuple[int, int] | None:
    """(height, width) of rows that are images in grey: by their names pixel_ROW_COLUMN, or as `[data] image` says."""
    given = tuple(config.data.image)
    if len(given) == 2 and prod(given) == len(names):
        return given[0], given[1]
    last = PIXEL.match(names[-1]) if len(names) > 1 and all(map(PIXEL.match, names)) else None
    if last is None:
        return None
    shape = (int(last[1]) + 1, int(last[2]) + 1)
    return shape if prod(shape) == len(names) and isqrt(len(names)) else None
