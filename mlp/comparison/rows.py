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
from mlp.experiment import Run
from mlp.model import quiet
from mlp.preprocessing import Part, prepare


def score_rows(run: Run, part: Part) -> Array:
    """How well each row is answered (n,), more is better: right or wrong, or minus the squared error."""
    head = run.model.head
    with quiet():
        raw = run.model.raw(part)
        if head.task == "regression":
            errors = head.values(raw) - part.y.reshape(len(part), -1)
            return np.asarray(-np.square(errors).sum(1))
        right = head.decide(raw) == part.y
    return np.asarray(right.all(-1) if head.task == "multilabel" else right)


def read_part(run: Run, source: str) -> Part:
    """The rows of a source, as the run reads them."""
    X, y = run.load(source)
    if y is None:
        target = run.model.preprocessing.target_name
        raise DataError(f"{source} has no target {target!r} to compare with.")
    return run.model.part(X, y)


def find_test_part(run: Run, first: Run) -> Part:
    """The rows that a run was tested on, found again; DataError where they are not those of the `first` run."""
    if not run.config.data.source:
        raise DataError("a run of rows in memory does not hold them; name a source with --on.")
    if _split_keys(run) != _split_keys(first):
        raise DataError("they were not tested on the same rows; name a source with --on.")
    part = prepare(run.config, None).test
    if part is None:
        raise DataError("they have no test part; name a source with --on.")
    if not _is_same(float(run.model.evaluate(part)["loss"]), float(run.metrics["test_loss"])):
        raise DataError(f"{run.config.data.source} is no longer what it was; name a source with --on.")
    return part


def _split_keys(run: Run) -> Any:
    """What decides which rows are tested."""
    data = replace(run.config.data, scale="", scale_target="", class_weight="", ignore=[], categorical=[])
    return data, run.config.training.seed


def _is_same(a: float, b: float) -> bool:
    """Equal up to what another number of threads may change."""
    return (isnan(a) and isnan(b)) or a == b or abs(a - b) <= 1e-4 * abs(b)
