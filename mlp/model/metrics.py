"""How good answers are: the metrics that are looked at after every epoch.

Raw outputs come as (*population, n, n_out), and every metric keeps the population. Rows count by their weights. Knows
arrays and heads, no networks; the dearer metrics of the end stand in `appraisal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.model.output_head import OutputHead
from mlp.preprocessing import Part


def quiet() -> np.errstate:
    """Numbers that overflow, or are none, are a finding or a metric; NumPy need not warn of them as well."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def score_outputs(head: OutputHead, raw: Array, part: Part) -> dict[str, Any]:
    """The loss, and accuracy for classes or r2 and rmse for numbers, (*population,) each, of raw outputs for a part."""
    target = head.encode(part.y, raw.dtype).T
    found = {"loss": head.loss.value(raw.swapaxes(-1, -2), target, part.weights)}
    if head.task == "regression":
        return found | score_numbers(head.values(raw), part.y, part.weights)
    right = head.decide(raw) == part.y
    right = right.all(-1) if head.task == "multilabel" else right
    return found | {"accuracy": (right * _counts(part.weights)).mean(-1)}


def score_name(task: str) -> str:
    """The metric that says how good answers are."""
    return "r2" if task == "regression" else "accuracy"


def score_numbers(answers: Array, y: Array, weights: Array | None = None) -> dict[str, Any]:
    """r² (mean over outputs; 0 for answers no better than the mean) and the root of the mean squared error.

    Of several outputs the root is that of the mean over all; scikit-learn takes one for each output, then the mean.
    Rows count by their `weights` (n,), if there are any.
    """
    truth, each = y.reshape(len(y), -1).astype(np.float64), np.reshape(_counts(weights), (-1, 1))
    squares = np.square(answers - truth) * each
    spread = (np.square(truth - (truth * each).mean(0)) * each).sum(0)
    missed = squares.sum(-2)
    r2 = np.where(spread > 0, 1 - missed / np.where(spread > 0, spread, 1), (missed == 0) * 1.0)
    return {"r2": r2.mean(-1), "rmse": np.sqrt(squares.mean((-2, -1)))}


def recall_by_class(head: OutputHead, raw: Array, n_classes: int, part: Part) -> Array:
    """The share of each class's rows that is found, (*population, n_classes); 1 for a class without rows."""
    right = head.decide(raw) == part.y
    of = np.eye(n_classes)[part.y] * np.reshape(_counts(part.weights), (-1, 1))
    return np.asarray((right @ of + 1e-12) / (of.sum(0) + 1e-12))


def _counts(weights: Array | None) -> Any:
    """What rows of these weights count, 1 on average; 1 where there are none."""
    return 1 if weights is None else weights / weights.mean()


def name_metrics(part: str, values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """("validation_loss", 0.1), ...: the metrics of a part as numbers of Python."""
    for name, value in values.items():
        yield f"{part}_{name}", float(value)
