"""A training whose rows lie with the workers of a Dask cluster: who gets which rows, and what cannot be done so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.dask_cluster import RowsOnCluster, cluster, find_workers
from mlp.data.scale import Transform
from mlp.data_parallel import Rows, check_sharded
from mlp.errors import ConfigError
from mlp.experiment.setup import Setup
from mlp.experiment.state import State, initial_state
from mlp.instruments import EXPERIMENT, ON_A_CLUSTER


@contextmanager
def training_rows_on(address: str, setup: Setup, state: State) -> Iterator[tuple[Setup, State]]:
    """The same setup and state with the training rows on the workers of the cluster at `address`, parted evenly.

    What reads single rows is not recorded: such numbers stay with the workers. ConfigError for what cannot be parted.
    """
    check_sharded(state.network)
    if setup.augmentations:
        raise ConfigError(
            "[data] noise, shift and the like change each batch here, and a cluster has the rows. Leave them out."
        )
    with cluster(address) as workers:
        rows = RowsOnCluster(workers, list(_loads(setup, len(find_workers(workers)))))
        instruments = tuple(i for i in setup.instruments if i in ON_A_CLUSTER or i not in EXPERIMENT)
        parted = replace(setup, workers=rows, instruments=instruments)
        yield parted, replace(state, recorder=initial_state(parted).recorder)


def _loads(setup: Setup, n_parts: int) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """What each worker does to have its rows: take what is sent, or read its part of a file that stays on disk."""
    part, weights = setup.prepared.train, setup.row_weights
    targets = setup.head.encode(part.y, setup.dtype)
    for chosen in np.array_split(np.arange(len(part)), min(n_parts, len(part))):
        own = targets[chosen], None if weights is None else weights[chosen]
        if part.scaling is not None and part.rows is not None and isinstance(part.X, np.memmap):
            yield read_part, (str(part.X.filename), part.rows[chosen], part.scaling, setup.config.training.dtype, *own)
        else:
            yield Rows, (np.asarray(part.at(chosen, setup.dtype)), *own)


def read_part(path: str, rows: Array, scaling: Transform, dtype: str, target: Array, weights: Array | None) -> Rows:
    """Some rows of an .npy that every worker can read, scaled."""
    return Rows(scaling.apply(np.load(path, mmap_mode="r"), np.dtype(dtype), rows), target, weights)
