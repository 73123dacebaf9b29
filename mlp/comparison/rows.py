"""Rows that two runs have both answered, and how well each did on each.

The rows of the test part are found again from the source and the seed, and only believed if the run's test loss comes
out as it did.
"""

from __future__ import annotations

from dataclasses import replace
from math import isnan
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import DataError
from mlp.experiment import Run, metrics
from mlp.experiment.prepare import Part, further, prepare
from mlp.experiment.restarts import answers, numbers


def won(run: Run, part: Part) -> Array:
    """How well each row is answered (n,), more is better: right or wrong, or minus the squared error."""
    task = run.preprocessing.task
    with metrics.quiet():
        raw = answers(run.network, run.head, part)
        if task == "regression":
            errors = metrics.values(run.head, raw) - part.y.reshape(len(part), -1)
            return np.asarray(-np.square(errors).sum(1))
        right = metrics.decide(run.head, task, raw) == part.y
    return np.asarray(right.all(-1) if task == "multilabel" else right)


def asked(run: Run, source: str) -> Part:
    """The rows of a source, as the run reads them."""
    X, y = run.load(source)
    if y is None:
        raise DataError(f"{source} has no target {run.preprocessing.target_name!r} to compare with.")
    return further(run.preprocessing.raw(X), y, run.preprocessing, run.network.dtype)


def tested_on(run: Run, first: Run) -> Part:
    """The rows that a run was tested on, found again; DataError where they are not those of the `first` run."""
    if not run.config.data.source:
        raise DataError("a run of rows in memory does not hold them; name a source with --on.")
    if split(run) != split(first):
        raise DataError("they were not tested on the same rows; name a source with --on.")
    rng = np.random.default_rng(run.config.training.seed).spawn(3)[0]
    part = prepare(run.config, None, rng).test
    if part is None:
        raise DataError("they have no test part; name a source with --on.")
    with metrics.quiet():
        loss = float(numbers(run.network, run.head, run.preprocessing.task, part)["loss"])
    if not _same(loss, float(run.metrics["test_loss"])):
        raise DataError(f"{run.config.data.source} is no longer what it was; name a source with --on.")
    return part


def split(run: Run) -> Any:
    """What decides which rows are trained on, validated on and tested on."""
    data = replace(run.config.data, scale="", scale_target="", class_weight="", ignore=[], categorical=[])
    return data, run.config.training.seed


def _same(a: float, b: float) -> bool:
    """Equal up to what another number of threads may change."""
    return (isnan(a) and isnan(b)) or a == b or abs(a - b) <= 1e-4 * abs(b)
