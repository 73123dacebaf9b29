"""Whether whole numbers are a quantity or names: rows that look alike have quantities that are close, and any names.

Arrays only. A target alone does not tell days from 0 to 365 from the numbers of 366 people; the inputs beside it do.
"""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array
from mlp.data.check import FEW_VALUES

COMPARED = 400  # rows whose neighbours are looked for
DENSE = 2  # a quantity takes at least one in so many of the whole numbers that it runs over; codes may lie anywhere
LARGEST = 2.0**53  # whole numbers that floats hold exactly
ENOUGH_WRONG = 30
ORDERED = 0.5  # targets of neighbours that differ are at most so many times as far apart as any


def is_ordered(X: Array, y: Array) -> bool:
    """Whether whole numbers y (n,) are many, lie close together, and are close where rows of X (n, n_in) look alike."""
    values = np.unique(y)
    if len(values) <= FEW_VALUES or not is_dense(values):
        return False
    rows = np.linspace(0, len(X) - 1, min(len(X), COMPARED)).astype(np.intp)
    return neighbour_gap(_scale(X[rows]), y[rows].astype(np.float64)) < ORDERED


def raw_neighbour_gap(X: Array, y: Array) -> float:
    """`neighbour_gap` of rows that are not scaled."""
    return neighbour_gap(_scale(X[:COMPARED]), y[:COMPARED])


def _scale(X: Array) -> Array:
    """The rows with columns of mean 0 and deviation 1; what is missing is in the middle."""
    values = np.nan_to_num(np.asarray(X, np.float64), posinf=0.0, neginf=0.0)
    spread = values.std(0)
    return np.asarray((values - values.mean(0)) / np.where(spread > 0, spread, 1))


def is_dense(values: Array) -> bool:
    """Whether different whole numbers in order are at least half of the steps that they run over: days, not zip codes.

    >>> is_dense(np.arange(0, 3000, 100)), is_dense(np.array([10115, 20095, 50667, 80331]))
    (True, False)
    """
    if not np.isfinite(values).all() or max(abs(float(values[0])), abs(float(values[-1]))) > LARGEST:
        return False
    steps = np.diff(values).astype(np.int64)
    return len(steps) > 0 and int(steps.sum()) <= DENSE * len(values) * int(np.gcd.reduce(steps))


def error_gap(truth: Array, answers: Array) -> float:
    """How far wrong answers lie from what is true, to those of any two rows that differ: about 1 for names.

    `truth` and `answers` (n,) are ranks of classes. NaN where fewer than 30 answers are wrong.
    """
    wrong = truth != answers
    if wrong.sum() < ENOUGH_WRONG:
        return float("nan")
    gaps = np.abs(answers[:, None].astype(float) - truth)
    least, usual = 1.0, float(gaps[gaps > 0].mean())
    return float((np.abs(answers - truth)[wrong].mean() - least) / (usual - least)) if usual > least else 1.0


def neighbour_gap(X: Array, y: Array) -> float:
    """How far apart the targets of neighbours are, of those that differ, to those of any two rows that differ.

    About 1 where whole numbers are names: what looks alike may have any other. Well below where they are a quantity.
    Spearman's ranks stand for the numbers, so that none counts for its size; what counts is by how much more than one
    rank they differ.
    """
    X, y = X[:COMPARED].astype(np.float64), y[:COMPARED]
    ranks = np.unique(y, return_inverse=True)[1].ravel().astype(float)
    squares = np.square(X).sum(1)
    distances = squares[:, None] + squares - 2 * X @ X.T
    differ = ranks[:, None] != ranks
    distances[~differ] = np.inf
    near = distances.argmin(1)
    gaps = np.abs(ranks[:, None] - ranks)
    least, usual = 1.0, float(gaps[differ].mean())  # ranks that differ are 1 apart at least
    return float((gaps[np.arange(len(y)), near].mean() - least) / (usual - least)) if usual > least else 1.0
