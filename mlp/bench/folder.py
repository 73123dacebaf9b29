"""The folder of a comparison: what was wanted, what is finished, and what came of it.

    bench.toml      the settings, resolved: what to go on with     results.csv      every fresh run
    trials.jsonl    every finished trial, as it came               sensitivity.csv  every learning rate tried
    summary.csv     every number of the tables                     profile.csv      Dolan and Moré's profiles
    times.csv       those that depend on the clock                 *.png            plots, with the extra "plot"

Settings may change between two runs in the same folder: trials that are the same in both are not run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mlp.bench.settings import Settings
from mlp.errors import DataError
from mlp.experiment.config import to_toml
from mlp.sweep import Journal, ProcessPool, cluster

SETTINGS, TRIALS = "bench.toml", "trials.jsonl"


def opened(folder: Path, wanted: Settings) -> Journal:
    """The journal in `folder`, which is made if need be; the settings are written beside it."""
    from mlp import __version__  # the package is whole only when this is called

    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file. Give a folder that is new, or one to go on in.")
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder / TRIALS, {"mlp": __version__, "numpy": np.__version__})
    (folder / SETTINGS).write_text(to_toml(wanted.to_dict()), encoding="utf-8")
    return journal


@contextmanager
def workers(jobs: int, address: str | None = None) -> Iterator[Executor]:
    """Processes of this machine, or the cluster at `address`."""
    with cluster(address) if address else ProcessPool(jobs) as executor:
        yield executor
