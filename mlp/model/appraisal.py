"""All that can be said of answers to rows whose targets are known.

Dearer than `metrics`: this is for the end, and for `run.evaluate`. Which numbers there are depends on the task and on
whether the outputs are probabilities. How each is defined, and what it is where it is undefined, stands in
`statistics.scores`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.model.metrics import score_outputs
from mlp.model.output_head import OutputHead
from mlp.preprocessing import Part, Preprocessing
from mlp.statistics.scores import (
    ClassScores,
    aucs,
    balanced_accuracy,
    brier,
    calibration_error,
    confusion,
    log_loss,
    mae,
    mark_classes,
    score_classes,
)

AVERAGED = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Appraisal:
    """`metrics`: numbers by name. For classes and labels also what is known of each.

    `confusion` (n_classes, n_classes): how many rows of class i were taken for class j; None where rows have several
    labels. `aucs` (n_classes,): one class against the rest; NaN where that is undefined.
    """

    rows: int
    metrics: dict[str, float]
    class_names: tuple[str, ...] = ()
    by_class: ClassScores | None = None
    aucs: Array | None = None
    confusion: Array | None = None

    def to_json(self) -> dict[str, Any]:
        """In lists, dicts, strings and numbers."""
        found: dict[str, Any] = {"rows": self.rows, "metrics": self.metrics}
        if self.by_class is not None and self.aucs is not None:
            columns = {**self.by_class._asdict(), "auc": self.aucs}
            found["classes"] = [
                {"name": name, **{key: values[i].item() for key, values in columns.items()}}
                for i, name in enumerate(self.class_names)
            ]
        if self.confusion is not None:
            found["confusion_matrix"] = self.confusion.tolist()
        return found


def appraise_outputs(head: OutputHead, preprocessing: Preprocessing, raw: Array, part: Part) -> Appraisal:
    """Everything about raw outputs (n, n_out) for a part.

    Where its rows have weights, loss, accuracy, r2 and rmse go by them, as they do after each epoch; in all else every
    row counts once.
    """
    found = {name: float(value) for name, value in score_outputs(head, raw, part).items()}
    if head.task == "regression":
        return Appraisal(len(part), found | {"mae": mae(part.y, head.values(raw))})
    if head.task == "multilabel":
        return _appraise_labels(head, preprocessing.class_names, raw, part.y, found)
    return _appraise_classes(head, preprocessing, raw, part.y, found)


def _appraise_classes(
    head: OutputHead, preprocessing: Preprocessing, raw: Array, codes: Array, found: dict[str, float]
) -> Appraisal:
    """One class for each row."""
    answers, n_classes = head.decide(raw), preprocessing.n_targets
    matrix, truth = confusion(codes, answers, n_classes), mark_classes(codes, n_classes)
    each = score_classes(matrix)
    p = head.probabilities(raw)
    curves = aucs(truth, _class_scores(raw) if p is None else p)
    found |= {"balanced_accuracy": balanced_accuracy(matrix)}
    found |= {f"{name}_macro": each.macro(name) for name in AVERAGED}
    found["auc"] = float(curves[1] if n_classes == 2 else curves.mean())
    if p is not None:
        found |= {"log_loss": log_loss(truth, p), "brier": brier(truth, p)}
        found["calibration_error"] = calibration_error(p.argmax(1) == codes, p.max(1))
    return Appraisal(len(codes), found, preprocessing.class_names or (), each, curves, matrix)


def _class_scores(raw: Array) -> Array:
    """Raw outputs as a score for each class: of one output, that of the first class is the other way round."""
    return np.concatenate([-raw, raw], axis=1) if raw.shape[1] == 1 else raw


def _appraise_labels(
    head: OutputHead, names: tuple[str, ...] | None, raw: Array, y: Array, found: dict[str, float]
) -> Appraisal:
    """Several labels for each row, each a yes or no: every score is the mean over labels of that of two classes."""
    answers, p = head.decide(raw), head.probabilities(raw)
    matrices = [confusion(y[:, j].astype(int), answers[:, j], 2) for j in range(y.shape[1])]
    each = _scores_of_yes(matrices)
    curves = aucs(y, raw if p is None else p)
    found |= {"balanced_accuracy": float(np.mean([balanced_accuracy(m) for m in matrices]))}
    found |= {f"{name}_macro": float(np.nan_to_num(getattr(each, name)).mean()) for name in AVERAGED}
    found |= {"auc": float(curves.mean()), **({} if p is None else _score_probabilities(y, p))}
    return Appraisal(len(y), found, names or tuple(map(str, range(y.shape[1]))), each, curves)


def _scores_of_yes(matrices: Sequence[Array]) -> ClassScores:
    """Of each label the scores of the answer yes."""
    precision, recall, f1, support = np.array([[scores[1] for scores in score_classes(m)] for m in matrices]).T
    return ClassScores(precision, recall, f1, support.astype(int))


def _score_probabilities(y: Array, p: Array) -> dict[str, float]:
    """Log-loss, Brier score and calibration error of yes and no, over all labels of all rows."""
    truth, both = mark_classes(y.ravel(), 2), np.stack([1 - p.ravel(), p.ravel()], axis=1)
    error = calibration_error(both.argmax(1) == y.ravel(), both.max(1))
    return {"log_loss": log_loss(truth, both), "brier": brier(truth, both), "calibration_error": error}
