"""Statistics that belong to the weights a network has now: batch norm's means and variances, measured anew.

While a network trains, its statistics follow the weights from batch to batch. Weights that it was not trained at, an
average of the places it came to, need statistics of their own. Knows networks and batches, no optimizers.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mlp.arrays import Array, Nodes, empty_nodes
from mlp.backprop import check_batches, check_inputs
from mlp.data.batches import Batch
from mlp.errors import DataError, HyperparameterError
from mlp.network import Network


def update_statistics(network: Network, batches: Iterable[Batch]) -> None:
    """Write the statistics of these samples, at the weights that the network has now, into `network.statistics`.

        network.params = state.average
        mlp.update_statistics(network, mlp.batches(X, t))

    All samples together are one batch, in which each counts by its weight. From the first layer to the last, a batch
    norm takes mean and (unbiased) variance of what reaches it, and hands on what it gives in use: so each meets what it
    will meet in use, without dropout and noise. Nothing is drawn from any generator. Of a network without batch norm
    nothing changes, and no batch is read.

    The samples are held in memory at once: of many rows some thousand will do, `itertools.islice(batches, 100)`. One
    pass, as PyTorch's `update_bn`; that one takes the mean over batches and leaves dropout on, which makes variances
    that use does not meet (Li et al. 2019, "Understanding the disharmony between dropout and batch normalization").
    """
    if not isinstance(network, Network):
        raise HyperparameterError("network", network, "a network: Network([Dense(2, 3), ...])")
    check_batches(batches)
    if network.statistics.shape[-1]:
        x, weights = _together(network, batches)
        for index in np.ndindex(network.population):  # one after another: the samples may be many
            _measure(network.member(index) if index else network, x, weights)


def _together(network: Network, batches: Iterable[Batch]) -> tuple[Nodes, Array | None]:
    """All samples as one batch, and their weights (N,); None where all count the same."""
    inputs, weights, weighs = [], [], False
    for batch in batches:
        check_inputs(network, batch)
        inputs.append(batch.x.with_bias.copy())  # the next batch overwrites them
        weighs = weighs or batch.weights is not None
        weights.append(np.ones(batch.x.n_samples, network.dtype) if batch.weights is None else batch.weights.copy())
    if not inputs:
        raise DataError("batches: there are no samples to take statistics of. Give at least one batch.")
    with_bias = np.concatenate(inputs, axis=-1) if len(inputs) > 1 else inputs[0]
    return Nodes(with_bias[:-1], with_bias), np.concatenate(weights) if weighs else None


def _measure(network: Network, x: Nodes, weights: Array | None) -> None:
    """Go up one network, no population, as far as there are statistics; two layers are held at a time."""
    parts = network.statistic_slices
    last = max(i for i, part in enumerate(parts) if part.stop > part.start)
    for layer, params, part in zip(network.layers[: last + 1], network.views, parts, strict=False):
        y = empty_nodes((), layer.n_out, x.n_samples, network.dtype)
        scratch = layer.weigh(layer.scratch(y, network.statistics[part], network.rng), weights)
        layer.calibrate(params, x, y, scratch)
        x = y
