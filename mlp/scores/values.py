"""Numbers against numbers: `truth` and `answers` (n,) or (n, k) each. r² and rmse, of populations too: `metrics`."""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array


def mae(truth: Array, answers: Array) -> float:
    """The mean absolute error over all outputs."""
    return float(np.abs(_columns(answers) - _columns(truth)).mean())


def _columns(values: Array) -> Array:
    return np.asarray(values, np.float64).reshape(len(values), -1)
