"""An experiment under the microscope: the network, loss and rule that `mlp train` would take, on a few of its rows.

An experiment file, a run directory and a data set all come to this: the same parts, in float64, trained from the first
weights on the first training rows, all of them in every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlp.config import explaining_paths, put, read_toml
from mlp.experiment import begin, load_run
from mlp.microscope.explain import Caption
from mlp.microscope.recording import Recording, record

ROWS = 40
"""Rows that a page shows; a table of more is not read to its end."""

HIDDEN = [4]
"""The hidden nodes for a data set without an experiment file: few enough to look at each."""


def read_experiment(source: str) -> dict[str, Any]:
    """The experiment that a name or a path stands for: a run directory, an experiment file, or a data set."""
    path = Path(source)
    if path.is_dir():
        load_run(path)  # refuses what is no run, and a run that another version wrote
        return read_toml(path / "config.toml")
    if path.suffix == ".toml":
        return read_toml(path)
    return put(put({}, ("data", "source"), source), ("network", "hidden"), HIDDEN)


def record_experiment(config: Mapping[str, Any], steps: int, where: str) -> tuple[Recording, str]:
    """Train the experiment on its first training rows, and say in one sentence what is shown.

    ShapeError for networks that the microscope cannot show; ConfigError and DataError as for `mlp train`.
    """
    asked = put(put(dict(config), ("training", "dtype"), "float64"), ("training", "restarts"), 1)
    with explaining_paths(where, dict(config)):
        setup, state = begin(asked, where=where)
    part, preprocessing = setup.prepared.train.first(ROWS, np.float64), setup.prepared.preprocessing
    names = preprocessing.feature_names
    inputs = names if len(names) == preprocessing.n_in else None
    target = setup.head.encode(part.y, np.float64)
    found = record(state.network, part.X, target, setup.head.loss, setup.rule, steps, inputs=inputs)
    n, n_all = len(part), len(setup.prepared.train)
    shown = f"all {n} training rows" if n == n_all else f"the first {n} of {n_all} training rows"
    return found, f"The network of this experiment, trained on {shown}, scaled as for training."


def describe_experiment(recording: Recording, source: str, summary: str, command: str) -> Caption:
    """The caption of a page about an experiment."""
    widths = " → ".join(str(column.n) for column in recording.graph.columns)
    return Caption(f"{Path(source).name}: {widths}, {recording.n_steps} steps of backpropagation", summary, command)
