"""Runs side by side: what differs between them, which is better, and whether that could be chance.

Reads finished runs and trains nothing. Two runs that were tested on the same rows, or are asked about the same source,
are compared row by row.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.bench.statistics import holm
from mlp.errors import DataError, MLPError
from mlp.experiment import Run, load_run, metrics
from mlp.experiment.prepare import Part, further, prepare
from mlp.scores import sign_test

HIGHER = ("accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "auc", "r2")
LOWER = ("loss", "log_loss", "brier", "calibration_error", "rmse", "mae")
PARTS = ("test", "validation", "train")
PENALTIES = {"loss.l1", "loss.l2"}  # no part of what is measured


@dataclass(frozen=True)
class Duel:
    """The best run against another, row by row: how many rows each does better, and how likely that is by chance.

    `p` is that of an exact sign test (of classes: McNemar's), corrected by Holm for the number of runs.
    """

    best: int
    other: int
    wins: int
    losses: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """Runs and what was found. `duels` are on `rows` rows of `on`; where there are none, `on` says why."""

    names: tuple[str, ...]
    runs: tuple[Run, ...]
    duels: tuple[Duel, ...]
    rows: int
    on: str

    @property
    def metrics(self) -> dict[str, list[float]]:
        """Each metric of every run, NaN where a run has none of it: those of the test part first."""
        found = {name for run in self.runs for name, v in run.metrics.items() if isinstance(v, float)}
        order = [f"{part}_{kind}" for part in PARTS for kind in (*HIGHER, *LOWER)]
        return {name: [float(run.metrics.get(name, np.nan)) for run in self.runs] for name in order if name in found}

    @property
    def settings(self) -> dict[str, list[Any]]:
        """The settings that differ, each of every run; None where a run has no such key."""
        flat = [_flat(run.config.to_dict()) for run in self.runs]
        keys = list(dict.fromkeys(key for one in flat for key in one))
        table = {key: [one.get(key) for one in flat] for key in keys}
        return {key: values for key, values in table.items() if any(value != values[0] for value in values)}

    def best(self, name: str) -> list[int]:
        """Which runs have the best value of a metric; none where all are equal or they cannot be compared."""
        values, kind = self.metrics[name], name.partition("_")[2]
        known = [value for value in values if isfinite(value)]
        if len(set(known)) < 2 or (kind == "loss" and not self._one_loss):
            return []
        top = (max if kind in HIGHER else min)(known)
        return [i for i, value in enumerate(values) if value == top]

    @property
    def _one_loss(self) -> bool:
        """Whether the losses are the same quantity."""
        return not any(key.startswith(("loss.", "data.scale_target")) for key in self.settings.keys() - PENALTIES)

    def to_json(self) -> dict[str, Any]:
        """In lists, dicts, strings and numbers."""
        runs = [
            {
                "run": name,
                "metrics": run.metrics,
                "findings": [finding.kind for finding in run.findings],
                "healthy": run.healthy,
                "steps": run.steps,
                "seconds": round(run.seconds, 3),
            }
            for name, run in zip(self.names, self.runs, strict=True)
        ]
        best = {name: [self.names[i] for i in self.best(name)] for name in self.metrics}
        tests = [
            {"best": self.names[t.best], "other": self.names[t.other], "wins": t.wins, "losses": t.losses, "p": t.p}
            for t in self.duels
        ]
        return {"runs": runs, "settings": self.settings, "best": best, "tests": tests, "on": self.on, "rows": self.rows}


def compare(folders: Sequence[str | os.PathLike[str]], source: str | None = None) -> Comparison:
    """Compare the runs in some run directories; with `source`, by their answers to its rows.

    FileFormatError for a folder that is no run, DataError for less than two.
    """
    if len(folders) < 2:
        raise DataError("a comparison needs two runs or more: mlp compare RUN RUN.")
    names, runs = tuple(map(str, folders)), tuple(map(load_run, folders))
    if source is not None:
        won = [_won(run, _asked(run, source)) for run in runs]
        return Comparison(names, runs, *_tested(won), f"{source}")
    try:
        won = [_won(run, _tested_on(run, runs[0])) for run in runs]
    except MLPError as error:
        return Comparison(names, runs, (), 0, str(error))
    return Comparison(names, runs, *_tested(won), "the test part, the same for all")


def _tested(won: Sequence[Array]) -> tuple[tuple[Duel, ...], int]:
    """The best run against each other one, and on how many rows."""
    if len({len(each) for each in won}) > 1:
        raise DataError(f"the runs read {', '.join(str(len(each)) for each in won)} rows of it: they cannot be paired.")
    best = int(np.argmax([each.mean() for each in won]))
    others = [i for i in range(len(won)) if i != best]
    corrected = holm([sign_test(won[best], won[other]) for other in others])
    found = tuple(
        Duel(best, other, int((won[best] > won[other]).sum()), int((won[best] < won[other]).sum()), p)
        for other, p in zip(others, corrected, strict=True)
    )
    return found, len(won[0])


def _won(run: Run, part: Part) -> Array:
    """How well each row is answered (n,), more is better: right or wrong, or minus the squared error."""
    task = run.preprocessing.task
    with metrics.quiet():
        raw = metrics.raw_outputs(run.network, part)
        if task == "regression":
            errors = metrics.values(run.head, raw) - part.y.reshape(len(part), -1)
            return np.asarray(-np.square(errors).sum(1))
        right = metrics.decide(run.head, task, raw) == part.y
    return np.asarray(right.all(-1) if task == "multilabel" else right)


def _asked(run: Run, source: str) -> Part:
    """The rows of a source, as the run reads them."""
    X, y = run.load(source)
    if y is None:
        raise DataError(f"{source} has no target {run.preprocessing.target_name!r} to compare with.")
    return further(run.preprocessing.raw(X), y, run.preprocessing, run.network.dtype)


def _tested_on(run: Run, first: Run) -> Part:
    """The rows that a run was tested on, found again; DataError where they are not those of the `first` run."""
    if not run.config.data.source:
        raise DataError("a run of rows in memory does not hold them; name a source with --on.")
    if _split(run) != _split(first):
        raise DataError("they were not tested on the same rows; name a source with --on.")
    rng = np.random.default_rng(run.config.training.seed).spawn(3)[0]
    part = prepare(run.config, None, rng).test
    if part is None:
        raise DataError("they have no test part; name a source with --on.")
    with metrics.quiet():
        loss = float(metrics.evaluate(run.network, run.head, run.preprocessing.task, part)["loss"])
    if not _same(loss, float(run.metrics["test_loss"])):
        raise DataError(f"{run.config.data.source} is no longer what it was; name a source with --on.")
    return part


def _split(run: Run) -> Any:
    """What decides which rows are tested."""
    return replace(run.config.data, scale="", scale_target="", class_weight=""), run.config.training.seed


def _same(a: float, b: float) -> bool:
    """Equal up to what another number of threads may change."""
    return (isnan(a) and isnan(b)) or a == b or abs(a - b) <= 1e-4 * abs(b)


def _flat(config: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """`section.key` for every key, tables within tables too."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        inside = _flat(value, f"{place}{key}.") if isinstance(value, Mapping) else {f"{place}{key}": value}
        found |= inside
    return found


def short(names: Sequence[str]) -> list[str]:
    """Names of folders as short as they can be told apart.

    >>> short(["runs/iris-1", "runs/iris-2"]), short(["a/run", "b/run"])
    (['iris-1', 'iris-2'], ['a/run', 'b/run'])
    """
    last = [Path(name).name for name in names]
    return last if len(set(last)) == len(names) else list(names)
