"""The network that answers: where its rule keeps an average of the weights there, with batch norm's statistics there.

Running statistics follow the weights that are trained. Those of an average, or of weights that have just been put back
(Lookahead), are measured anew, on rows of the training part as use would see them: no noise, no dropout, no augmented
copies. Of more than `ROWS` rows a sample is taken, always the same: nothing is drawn from a run's generators.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.batches import Batch, as_batch
from mlp.experiment import metrics
from mlp.experiment.prepare import Part
from mlp.network import Network
from mlp.optimizers.memory import average, looks_ahead
from mlp.running_statistics import update_statistics

ROWS = 8192  # a mean is then known to about 1 % of the deviation, and training knows it from some 20 batches
CELLS = 1 << 23  # numbers that come out of one layer at most, for all the rows that are taken
FEWEST = 256  # rows are taken even of layers that are wider


def answering(network: Network, memory: Any, train: Part, weights: Array | None) -> Network:
    """`network` itself, or another where the rule with this `memory` says so; `weights`: of the rows, or None."""
    mean = average(memory)
    if mean is None and not (looks_ahead(memory) and network.statistics.size):
        return network
    found = network.at(np.array(network.params if mean is None else mean))
    if found.statistics.size:
        with metrics.quiet():
            update_statistics(found, [sample(network, train, weights)])
    return found


def sample(network: Network, train: Part, weights: Array | None) -> Batch:
    """The rows that statistics are measured on, as one batch: all, or as many as fit."""
    widest = max(network.n_in, *(layer.n_out for layer in network.layers))
    most = min(ROWS, max(FEWEST, CELLS // widest))
    chosen = np.arange(len(train))
    if len(train) > most:
        chosen = np.sort(np.random.default_rng(0).choice(len(train), most, replace=False, shuffle=False))
    rows = train.at(chosen, network.dtype)
    return as_batch(rows, np.zeros(len(rows)), None if weights is None else weights[chosen], dtype=network.dtype)
