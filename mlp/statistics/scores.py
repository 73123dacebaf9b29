"""How good answers are, from the truth and the answers alone: counts of classes, probabilities, numbers.

Where scikit-learn has a metric of the same name, the numbers are equal to its numbers. What is not defined is NaN, as
the AUC of a class without rows. Classes are codes 0 … C-1. Probabilities `p` (n, k) have a column for each class or
label, and `truth` (n, k) is the same in 0 and 1; `mark_classes` makes it from codes. r² and rmse are in `metrics`, as
they are also asked of populations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.errors import ShapeError

CELLS = 1 << 25  # probabilities that are squared at once
COLUMNS = 64  # that are copied into rows: a number from each of 20,000 rows is no neighbour of the next
BINS = 15  # Guo et al. (2017), section 4.1


def check_pairs(**arrays: Array) -> None:
    """Refuse arrays of different shapes: NumPy would stretch one to the other, and the score would mean nothing."""
    shapes = {name: np.shape(values) for name, values in arrays.items()}
    if len(set(shapes.values())) > 1:
        given = " and ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
        raise ShapeError(f"{given}. Give both in one shape.")


def confusion(truth: Array, answers: Array, n_classes: int) -> Array:
    """How many rows of class i were taken for class j: (C, C) whole numbers, the truth in rows.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    check_pairs(truth=truth, answers=answers)
    found = np.bincount(np.asarray(truth) * n_classes + np.asarray(answers), minlength=n_classes**2)
    return found.reshape(n_classes, n_classes)


def balanced_accuracy(matrix: Array) -> float:
    """The mean recall of the classes that have rows, from a confusion matrix. Brodersen et al. (2010)."""
    rows = matrix.sum(1)
    return float((np.diag(matrix)[rows > 0] / rows[rows > 0]).mean()) if rows.any() else float("nan")


class ClassScores(NamedTuple):
    """`precision`, `recall` and `f1` of each class, (C,) each; `support` counts its rows."""

    precision: Array
    recall: Array
    f1: Array
    support: Array

    @property
    def occurring(self) -> Array:
        """Which classes are in the truth or among the answers. scikit-learn's macro means are over these."""
        return np.asarray((self.support > 0) | ~np.isnan(self.precision))

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have rows. Brodersen et al. (2010)."""
        known = self.recall[self.support > 0]
        return float(known.mean()) if known.size else float("nan")

    def macro(self, name: str) -> float:
        """The mean of one score over the classes that occur. What is undefined counts as 0, as in scikit-learn."""
        values: Array = np.nan_to_num(getattr(self, name))
        return float(values[self.occurring].mean()) if self.occurring.any() else float("nan")


def score_classes(matrix: Array) -> ClassScores:
    """Precision (the share of right ones among the answers), recall (the share of rows that are found), and F1.

        precision = TP / (TP + FP)     recall = TP / (TP + FN)     F1 = 2 TP / (2 TP + FP + FN)

    `matrix` is a confusion matrix. NaN stands for 0/0: the precision of a class that is never answered, the recall of
    a class without rows.
    """
    return _scores(np.diag(matrix), matrix.sum(0), matrix.sum(1))


def score_answers(truth: Array, answers: Array, n_classes: int) -> ClassScores:
    """The same from the rows themselves: the matrix of 10,000 classes would take 800 MB."""
    check_pairs(truth=truth, answers=answers)
    counted = (np.bincount(codes, minlength=n_classes) for codes in (truth[truth == answers], answers, truth))
    return _scores(*counted)


def _scores(right: Array, answered: Array, support: Array) -> ClassScores:
    """From how many rows of each class are right, how many have it for an answer, and how many there are."""
    with np.errstate(invalid="ignore"):
        return ClassScores(right / answered, right / support, 2 * right / (answered + support), support)


def mark_classes(codes: Array, n_classes: int) -> Array:
    """Whether row i is of class j, (n, n_classes)."""
    return np.asarray(codes[:, None] == np.arange(n_classes))


def log_loss(truth: Array, p: Array) -> float:
    """-Σ t ln p, mean over rows. p is kept within [ε, 1 - ε] with the ε of its dtype, as in scikit-learn."""
    check_pairs(truth=truth, p=p)
    epsilon = float(np.finfo(p.dtype).eps)
    of_truth = np.clip(p[truth.astype(bool)].astype(np.float64), epsilon, 1 - epsilon)
    return float(-np.log(of_truth).sum() / len(p))


def _blocks(p: Array) -> Iterator[slice]:
    """Rows of which temporary arrays stay small; all of them, unless there are very many numbers."""
    size = max(1, CELLS // p.shape[1])
    return (slice(start, start + size) for start in range(0, len(p), size))


def brier(truth: Array, p: Array) -> float:
    """Σ (p - t)², mean over rows; half of it for two classes, so that it runs from 0 to 1. Brier (1950), eq. 2.

    scikit-learn's `brier_score_loss` halves in the same cases.
    """
    check_pairs(truth=truth, p=p)
    squares = sum(float(np.square(p[i] - truth[i].astype(p.dtype)).sum(dtype=np.float64)) for i in _blocks(p)) / len(p)
    return squares / 2 if p.shape[1] < 3 else squares


def mean_ranks(values: Array) -> Array:
    """1, 2, …; equal values have their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def auc(truth: Array, scores: Array) -> float:
    """The chance that a true row has a higher score than a false row; equal scores count half. Hanley & McNeil (1982).

        AUC = (R - n₁(n₁ + 1)/2) / (n₁ n₀),  R the sum of the ranks of the n₁ true rows

    `truth` (n,) in 0 and 1, `scores` (n,) of any scale. NaN where all rows are of one kind, or a score is NaN.

    >>> auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    check_pairs(truth=truth, scores=scores)
    n_yes = int(truth.sum())
    n_no = len(truth) - n_yes
    if not n_yes or not n_no or np.isnan(scores).any():
        return float("nan")
    return float((mean_ranks(scores)[truth > 0].sum() - n_yes * (n_yes + 1) / 2) / (n_yes * n_no))


def aucs(truth: Array, scores: Array) -> Array:
    """The AUC of each column against the others, (k,); NaN for a class without rows and for one that has all rows."""
    columns = (slice(j, j + COLUMNS) for j in range(0, scores.shape[1], COLUMNS))
    turned = ((np.ascontiguousarray(truth[:, j].T), np.ascontiguousarray(scores[:, j].T)) for j in columns)
    return np.array([auc(t, s) for pair in turned for t, s in zip(*pair, strict=True)])


def calibration_error(right: Array, confidence: Array, n_bins: int = BINS) -> float:
    """Expected calibration error: how far confidence and accuracy lie apart. Guo et al. (2017), eq. 3.

        ECE = Σₘ |Bₘ|/n · |acc(Bₘ) - conf(Bₘ)|,  Bₘ: confidence in ((m-1)/M, m/M]

    `right` (n,) in 0 and 1, `confidence` (n,): the probability of the answer. It is 0 where, of all answers that are
    given with 80 %, 80 % are right.
    """
    check_pairs(right=right, confidence=confidence)
    if not np.isfinite(confidence).all():
        return float("nan")
    bins = np.clip(np.ceil(confidence.astype(np.float64) * n_bins).astype(int) - 1, 0, n_bins - 1)
    gaps = np.bincount(bins, right - confidence.astype(np.float64), n_bins)
    return float(np.abs(gaps).sum() / len(right))


def mae(truth: Array, answers: Array) -> float:
    """The mean absolute error over all outputs; (n,) or (n, k) each."""
    truth, answers = (np.asarray(values, np.float64).reshape(len(values), -1) for values in (truth, answers))
    check_pairs(truth=truth, answers=answers)
    return float(np.abs(answers - truth).mean())
