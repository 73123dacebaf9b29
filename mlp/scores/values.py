"""Numbers against numbers: `truth` and `answers` (n,) or (n, k) each."""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array


def r2(truth: Array, answers: Array) -> float:
    """1 - Σ(t - y)² / Σ(t - mean t)², mean over outputs: 0 for answers no better than the mean.

    For a truth that does not vary: 1 if it is met exactly, else 0, as in scikit-learn.
    """
    t, y = _columns(truth), _columns(answers)
    missed, spread = np.square(y - t).sum(0), np.square(t - t.mean(0)).sum(0)
    return float(np.where(spread > 0, 1 - missed / np.where(spread > 0, spread, 1), missed == 0).mean())


def rmse(truth: Array, answers: Array) -> float:
    """The root of the mean square error over all outputs. scikit-learn takes a root for each output, then the mean."""
    return float(np.sqrt(np.square(_columns(answers) - _columns(truth)).mean()))


def mae(truth: Array, answers: Array) -> float:
    """The mean absolute error over all outputs."""
    return float(np.abs(_columns(answers) - _columns(truth)).mean())


def _columns(values: Array) -> Array:
    return np.asarray(values, np.float64).reshape(len(values), -1)
