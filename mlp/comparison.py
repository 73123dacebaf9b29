"""Runs side by side: metrics, settings, findings, and which does better row by row.

Two runs are compared on rows that both have answered. Those of the test part are found again from the source and the
seed, and only believed if a run's test loss comes out as it did.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import DataError, MLPError
from mlp.experiment import Run, load_run
from mlp.model import quiet
from mlp.page import fragments
from mlp.preprocessing import Part, prepare
from mlp.statistics.significance import holm, sign_test

HIGHER = ("accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "auc", "r2")
LOWER = ("loss", "log_loss", "brier", "calibration_error", "rmse", "mae")
PARTS = ("test", "validation", "train")
PENALTIES = {"loss.l1", "loss.l2"}  # no part of what is measured


@dataclass(frozen=True)
class Duel:
    """The best run against another, row by row: how many rows each does better, and how likely that is by chance.

    `p` is that of an exact sign test (of classes: McNemar's), corrected by Holm for all pairs of runs: which is the
    best was seen on the same rows.
    """

    best: int
    other: int
    wins: int
    losses: int
    p: float


@dataclass(frozen=True)
class RunComparison:
    """Runs and what was found. `duels` are on `rows` rows of `on`; where there are none, `on` says why.

    `trained_on`: on how many of these rows each run was trained.
    """

    names: tuple[str, ...]
    runs: tuple[Run, ...]
    duels: tuple[Duel, ...]
    rows: int
    on: str
    trained_on: tuple[int, ...] = ()

    @property
    def are_of_one_split(self) -> bool:
        """Whether each part holds the same rows in all runs, so that metrics of the same name are of the same rows."""
        return all(_split_keys(run) == _split_keys(self.runs[0]) for run in self.runs)

    @property
    def metrics(self) -> dict[str, list[float]]:
        """Each metric of every run, NaN where a run has none of it: those of the test part first."""
        found = {name for run in self.runs for name, v in run.metrics.items() if isinstance(v, float)}
        order = [f"{part}_{kind}" for part in PARTS for kind in (*HIGHER, *LOWER)]
        return {name: [float(run.metrics.get(name, np.nan)) for run in self.runs] for name in order if name in found}

    @property
    def settings(self) -> dict[str, list[Any]]:
        """The settings that differ, each of every run; None where a run has no such key."""
        flat = [_flatten(run.config.to_dict()) for run in self.runs]
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

    def _repr_html_(self) -> str:
        """For notebooks: metrics with a star at the best, what it took, and the settings that differ."""
        rows: list[list[Any]] = [
            [name, *(f"{value:.4g}{' *' if i in self.best(name) else ''}" for i, value in enumerate(values))]
            for name, values in self.metrics.items()
        ]
        rows += [["steps", *(run.steps for run in self.runs)], ["healthy", *(run.healthy for run in self.runs)]]
        return fragments.table(["", *self.names], [*rows, *([key, *values] for key, values in self.settings.items())])

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
        about = {"on": self.on, "rows": self.rows, "trained_on": list(self.trained_on)}
        return {"runs": runs, "settings": self.settings, "best": best, "tests": tests, **about}


def compare_runs(
    folders: Sequence[str | os.PathLike[str]], source: str | None = None, *, use: Any = ()
) -> RunComparison:
    """Compare the runs in some run directories; with `source`, by their answers to its rows.

    `use` as for `mlp.load_run`. FileFormatError for a folder that is no run, DataError for less than two.
    """
    if len(folders) < 2:
        raise DataError("a comparison needs two runs or more: mlp compare RUN RUN.")
    names, runs = tuple(map(str, folders)), tuple(load_run(folder, use=use) for folder in folders)
    if source is not None:
        _check_tasks(runs)
        scores = [score_rows(run, read_part(run, source)) for run in runs]
        known = tuple(run.trained_on(source) for run in runs)
        return RunComparison(names, runs, *_test_best(scores), f"{source}", known)
    try:
        scores = [score_rows(run, find_test_part(run, runs[0])) for run in runs]
    except MLPError as error:
        return RunComparison(names, runs, (), 0, str(error))
    return RunComparison(names, runs, *_test_best(scores), "the test part, the same for all")


def _check_tasks(runs: Sequence[Run]) -> None:
    """Refuse runs whose answers are of different kinds."""
    tasks = sorted({run.model.task for run in runs})
    if len(tasks) > 1:
        raise DataError(f"the runs do {' and '.join(tasks)}: their answers cannot be compared. Leave --on out.")


def _test_best(scores: Sequence[Array]) -> tuple[tuple[Duel, ...], int]:
    """The best run against each other one, and on how many rows."""
    if len({len(each) for each in scores}) > 1:
        read = ", ".join(str(len(each)) for each in scores)
        raise DataError(f"the runs read {read} rows of it: they cannot be compared row by row.")
    best = int(np.argmax([each.mean() for each in scores]))
    pairs = list(combinations(range(len(scores)), 2))
    corrected = holm([sign_test(scores[i], scores[j]) for i, j in pairs])
    chances = dict(zip(pairs, corrected, strict=True))
    others = [i for i in range(len(scores)) if i != best]
    found = [_count_wins(scores, best, other, chances[min(best, other), max(best, other)]) for other in others]
    return tuple(found), len(scores[0])


def _count_wins(scores: Sequence[Array], best: int, other: int, p: float) -> Duel:
    wins, losses = (scores[best] > scores[other]).sum(), (scores[best] < scores[other]).sum()
    return Duel(best, other, int(wins), int(losses), p)


def _flatten(config: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """`section.key` for every key, tables within tables too."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        inside = _flatten(value, f"{place}{key}.") if isinstance(value, Mapping) else {f"{place}{key}": value}
        found |= inside
    return found


def short_names(names: Sequence[str]) -> list[str]:
    """Names of folders as short as they can be told apart.

    >>> short_names(["runs/iris-1", "runs/iris-2"]), short_names(["a/run", "b/run"])
    (['iris-1', 'iris-2'], ['a/run', 'b/run'])
    """
    last = [Path(name).name for name in names]
    return last if len(set(last)) == len(names) else list(names)


# row by row


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
    """What decides which rows are trained on, validated on and tested on."""
    data = replace(run.config.data, scale="", scale_target="", class_weight="", ignore=[], categorical=[])
    return data, run.config.training.seed


def _is_same(a: float, b: float) -> bool:
    """Equal up to what another number of threads may change."""
    return (isnan(a) and isnan(b)) or a == b or abs(a - b) <= 1e-4 * abs(b)
