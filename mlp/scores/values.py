"""Numbers against numbers: `truth` and `answers` (n,) or (n, k) each. r² and rmse, of populations too: `metrics`."""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array
from mlp.scores.pairs import check_pairs


def mae(truth: Array, answers: Array) -> float:
    """The mean absolute error over all outputs."""
    truth, answers = _columns(truth), _columns(answers)
    check_pairs(truth=truth, answers=answers)
    return float(np.abs(answers - truth).mean())


def _columns(values: Array) -> Array:
    return np.asarray(values, np.float64).reshape(len(values), -1)
