"""Probabilities: whether they are high for what is true, in the right order, and as often right as they say.

`p` (n, k) holds a column for each class or label, `truth` (n, k) the same in 0 and 1; `one_of` makes it of classes.
"""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array
from mlp.scores.pairs import check_pairs

BINS = 15  # Guo et al. (2017), section 4.1


def one_of(codes: Array, n_classes: int) -> Array:
    """Which class each row is of, (n, n_classes), true or false."""
    return np.asarray(codes[:, None] == np.arange(n_classes))


def log_loss(truth: Array, p: Array) -> float:
    """-Σ t ln p, mean over rows; p is kept within [ε, 1 - ε] with the ε of its dtype, as in scikit-learn."""
    check_pairs(truth=truth, p=p)
    epsilon = float(np.finfo(p.dtype).eps)
    of_truth = np.clip(p[truth.astype(bool)].astype(np.float64), epsilon, 1 - epsilon)
    return float(-np.log(of_truth).sum() / len(p))


def brier(truth: Array, p: Array) -> float:
    """Σ (p - t)², mean over rows; half of it for two classes, so that it runs from 0 to 1. Brier (1950), eq. 2.

    As scikit-learn's `brier_score_loss`, which halves in the same cases.
    """
    check_pairs(truth=truth, p=p)
    squares = float(np.square(p - truth.astype(p.dtype)).sum(dtype=np.float64) / len(p))
    return squares / 2 if p.shape[1] < 3 else squares


def auc(truth: Array, scores: Array) -> float:
    """The chance that a row that is outscores one that is not, equal scores counted half. Hanley & McNeil (1982).

        AUC = (R - n₁(n₁ + 1)/2) / (n₁ n₀),  R the sum of the ranks of the n₁ rows that are

    `truth` (n,) in 0 and 1, `scores` (n,) of any scale. NaN where all rows are of one kind, or a score is NaN.

    >>> auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    check_pairs(truth=truth, scores=scores)
    n_yes = int(truth.sum())
    n_no = len(truth) - n_yes
    if not n_yes or not n_no or np.isnan(scores).any():
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[truth > 0].sum() - n_yes * (n_yes + 1) / 2) / (n_yes * n_no))


def aucs(truth: Array, scores: Array) -> Array:
    """The AUC of each column against the rest, (k,); NaN for a class that no row, or every row, is of."""
    return np.array([auc(truth[:, j], scores[:, j]) for j in range(scores.shape[1])])


def calibration_error(right: Array, confidence: Array, n_bins: int = BINS) -> float:
    """Expected calibration error: how far confidence and accuracy lie apart. Guo et al. (2017), eq. 3.

        ECE = Σₘ |Bₘ|/n · |acc(Bₘ) - conf(Bₘ)|,  Bₘ: confidence in ((m-1)/M, m/M]

    `right` (n,) in 0 and 1, `confidence` (n,): the probability of what was answered. 0: of the answers given with 80 %,
    80 % are right.
    """
    check_pairs(right=right, confidence=confidence)
    if not np.isfinite(confidence).all():
        return float("nan")
    bins = np.clip(np.ceil(confidence.astype(np.float64) * n_bins).astype(int) - 1, 0, n_bins - 1)
    gaps = np.bincount(bins, right - confidence.astype(np.float64), n_bins)
    return float(np.abs(gaps).sum() / len(right))
