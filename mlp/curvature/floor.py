"""What any network could reach on given rows, and what a constant answer reaches: the two ends of a scale for losses.

The *floor* is the loss of a network that answers every distinct row as well as can be; it is above what single targets
allow only where equal rows have different targets. The *reference* is the loss of the best constant answer. Both know
the loss and the rows, and no network.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.batches import Batch
from mlp.losses import Loss
from mlp.losses.loss import as_one_hot

ROUNDS = 150


class Scale(NamedTuple):
    """`floor` ≤ the loss of any network on these rows; `reference`: the loss of the best constant answer."""

    floor: float
    reference: float


def scale(loss: Loss, batch: Batch, n_out: int) -> Scale:
    """Both losses on the rows of `batch`, without penalties."""
    _, group = np.unique(batch.x.values, axis=1, return_inverse=True)
    everything = np.zeros(batch.x.n_samples, np.intp)
    reference = best_answers(loss, batch, n_out, everything)
    floor = min(best_answers(loss, batch, n_out, group.ravel()), reference)
    return Scale(floor if abs(floor) > 1e-12 * abs(reference) else 0.0, reference)


def best_answers(loss: Loss, batch: Batch, n_out: int, group: Array) -> float:
    """The least loss of outputs that are equal within each group of rows; `group` (N,) counts from 0.

    The mean target of a group is its best answer for squared error, the cross-entropies and Poisson's loss. For the
    others it is where a search begins: Rprop, which needs signs of slopes only and so stands kinks.
    """
    counts = np.bincount(group, _weights(batch))
    values = _values(batch.target, n_out)
    means = _sums(values * _weights(batch), group) / np.where(counts > 0, counts, 1)
    outputs = loss.outputs_for(means)
    step, before = np.full(outputs.shape, 0.1), np.zeros(outputs.shape)
    best = np.inf
    for _ in range(ROUNDS):
        d_output = np.empty((n_out, len(group)))
        best = min(best, float(loss.value_and_grad(outputs[:, group], batch.target, batch.weights, d_output)))
        slope = _sums(d_output, group)
        if np.abs(slope).sum() <= 1e-9 * max(abs(best), 1e-9):
            break
        turned = slope * before
        step = np.clip(np.where(turned > 0, 1.2 * step, np.where(turned < 0, 0.5 * step, step)), 1e-12, 10)
        outputs = outputs - np.sign(slope) * step
        before = slope
    return best


def _values(target: Array, n_out: int) -> Array:
    """Targets as (n_out, N) numbers."""
    if target.ndim == 1 and target.dtype.kind in "iu" and n_out > 1:
        return as_one_hot(target, n_out, np.float64)
    return np.asarray(target.reshape(n_out, -1), np.float64)


def _weights(batch: Batch) -> Array:
    return np.ones(batch.x.n_samples) if batch.weights is None else np.asarray(batch.weights)


def _sums(values: Array, group: Array) -> Array:
    """The sum over each group, (n_out, n_groups)."""
    return np.array([np.bincount(group, row) for row in values])
