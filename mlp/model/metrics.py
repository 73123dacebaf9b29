"""How good answers are: a few metrics after every epoch, and all that can be said of them at the end.

Raw outputs come as (*population, n, n_out); the metrics of an epoch keep the population, and rows count by their
weights. An appraisal is dearer: it is for the end of a run, and for `run.evaluate`. Which numbers it has depends on the
task, and on whether outputs are probabilities. How each is defined stands in `statistics.scores`. Knows arrays and
output heads, no networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.blocks import row_blocks
from mlp.model.output_head import OutputHead
from mlp.preprocessing import Part, Preprocessing
from mlp.statistics import scores
from mlp.statistics.scores import ClassScores, balanced_accuracy, brier, calibration_error, confusion, log_loss

AVERAGED = ("precision", "recall", "f1")
CELLS = 1 << 25
"""Raw outputs that are scored at once where a row has one for each class; 128 MB of float32, and thrice that beside."""
MATRIX = 1000  # classes at most that have a matrix of confusions, which has their square of numbers


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


def score_pieces(head: OutputHead, pieces: Iterable[tuple[Array, Part]]) -> dict[str, Any]:
    """The same of raw outputs and rows that come a piece at a time: some of them are a number for every class."""
    each, counts = [], []
    for raw, piece in pieces:
        each.append(score_outputs(head, raw, piece))
        counts.append(len(piece) if piece.weights is None else piece.weights.sum())
    return {name: np.average([found[name] for found in each], 0, counts) for name in each[0]}


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
    counts = np.broadcast_to(_counts(part.weights), part.y.shape)
    right = (head.decide(raw) == part.y).reshape(-1, len(part)) * counts
    found = np.array([np.bincount(part.y, each, n_classes) for each in right])
    every = np.bincount(part.y, counts, n_classes)
    return ((found + 1e-12) / (every + 1e-12)).reshape(*raw.shape[:-2], n_classes)


def _counts(weights: Array | None) -> Any:
    """What rows of these weights count, 1 on average; 1 where there are none."""
    return 1 if weights is None else weights / weights.mean()


def name_metrics(part: str, values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """("validation_loss", 0.1), ...: the metrics of a part as numbers of Python."""
    for name, value in values.items():
        yield f"{part}_{name}", float(value)


# all that can be said in the end


@dataclass(frozen=True)
class Appraisal:
    """`metrics`: numbers by name. For classes and labels also what is known of each.

    `confusion` (n_classes, n_classes): how many rows of class i were taken for class j; None where rows have several
    labels, and of more than a thousand classes. `aucs` (n_classes,): one class against the rest; NaN where that is
    undefined.
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
    at_once = head.task == "regression" or raw.size <= CELLS
    scored = score_outputs(head, raw, part) if at_once else score_pieces(head, _cut(raw, part))
    found = {name: float(value) for name, value in scored.items()}
    if head.task == "regression":
        return Appraisal(len(part), found | {"mae": scores.mae(part.y, head.values(raw))})
    if head.task == "multilabel":
        return _appraise_labels(head, preprocessing.class_names, raw, part.y, found)
    return _appraise_classes(head, preprocessing, raw, part.y, found)


def _cut(raw: Array, part: Part) -> Iterator[tuple[Array, Part]]:
    """Raw outputs and targets, so many rows at a time that temporary arrays stay small."""
    for rows in row_blocks(len(part), raw.shape[1], CELLS):
        yield raw[rows], Part(raw[rows], part.y[rows], weights=None if part.weights is None else part.weights[rows])


def _appraise_classes(
    head: OutputHead, preprocessing: Preprocessing, raw: Array, codes: Array, found: dict[str, float]
) -> Appraisal:
    """One class for each row."""
    answers, n_classes = head.decide(raw), preprocessing.n_targets
    truth, each = scores.mark_classes(codes, n_classes), scores.score_answers(codes, answers, n_classes)
    p = head.probabilities(raw)
    curves = scores.aucs(truth, _class_scores(raw) if p is None else p)
    found |= {"balanced_accuracy": each.balanced_accuracy}
    found |= {f"{name}_macro": each.macro(name) for name in AVERAGED}
    found["auc"] = float(curves[1] if n_classes == 2 else curves.mean())
    if p is not None:
        found |= {"log_loss": log_loss(truth, p), "brier": brier(truth, p)}
        found["calibration_error"] = calibration_error(p.argmax(1) == codes, p.max(1))
    matrix = confusion(codes, answers, n_classes) if n_classes <= MATRIX else None
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
    curves = scores.aucs(y, raw if p is None else p)
    found |= {"balanced_accuracy": float(np.mean([balanced_accuracy(m) for m in matrices]))}
    found |= {f"{name}_macro": float(np.nan_to_num(getattr(each, name)).mean()) for name in AVERAGED}
    found |= {"auc": float(curves.mean()), **({} if p is None else _score_probabilities(y, p))}
    return Appraisal(len(y), found, names or tuple(map(str, range(y.shape[1]))), each, curves)


def _scores_of_yes(matrices: Sequence[Array]) -> ClassScores:
    """Of each label the scores of the answer yes."""
    precision, recall, f1, support = np.array([[scores[1] for scores in scores.score_classes(m)] for m in matrices]).T
    return ClassScores(precision, recall, f1, support.astype(int))


def _score_probabilities(y: Array, p: Array) -> dict[str, float]:
    """Log-loss, Brier score and calibration error of yes and no, over all labels of all rows."""
    truth, both = scores.mark_classes(y.ravel(), 2), np.stack([1 - p.ravel(), p.ravel()], axis=1)
    error = calibration_error(both.argmax(1) == y.ravel(), both.max(1))
    return {"log_loss": log_loss(truth, both), "brier": brier(truth, both), "calibration_error": error}
