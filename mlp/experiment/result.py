"""What an experiment came to: a trained network, its history, its metrics and what was found.

A `Run` takes raw rows, as they stood in the source, and gives answers that people read. It comes from training or from
a run directory, and is the same either way.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import Finding, diagnose
from mlp.diagnosis.reading import Reading
from mlp.errors import ConfigError, FileFormatError
from mlp.experiment import checkpoint, files, metrics, restarts
from mlp.experiment.appraisal import Appraisal, appraise
from mlp.experiment.build import Head
from mlp.experiment.config import Config
from mlp.experiment.metrics import quiet
from mlp.experiment.prepare import Part, Preprocessing, are_the_same, further, has_test_part, load_pairs, load_rows
from mlp.history import History
from mlp.network import Network
from mlp.output import as_path


@dataclass
class Run:
    """What an experiment came to. `network` is a population where all restarts answer together, as an ensemble."""

    config: Config
    preprocessing: Preprocessing
    head: Head
    network: Network
    history: History
    metrics: dict[str, Any]
    findings: tuple[Finding, ...] = ()
    steps: int = 0
    seconds: float = 0.0

    @property
    def healthy(self) -> bool:
        """No finding of severity "warning" or "critical"."""
        return all(finding.severity == "info" for finding in self.findings)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes or labels; None for regression."""
        return self.preprocessing.class_names

    def predict(self, X: Any) -> Array:
        """Class labels (n,), 0 and 1 for each label (n, k), or numbers (n,) or (n, k), for raw rows X.

        Class labels are those that y held, in its dtype. Those of a table are numbers if all are written as Python
        writes them (5, 1.0), or else text as it stands there (007, 1e3).
        """
        raw = self._raw(X)
        if self.preprocessing.task == "regression":
            with quiet():
                values = metrics.values(self.head, raw)
            return values[:, 0] if self.head.n_out == 1 else values
        answers = metrics.decide(self.head, self.preprocessing.task, raw)
        if self.preprocessing.task == "multilabel":
            return answers
        assert self.preprocessing.class_labels is not None
        return self.preprocessing.class_labels[answers]

    def predict_proba(self, X: Any) -> Array:
        """A probability for each class or label, (n, n_classes), for raw rows X."""
        with quiet():
            found = metrics.probabilities(self.head, self.preprocessing.task, self._raw(X))
        if found is None:
            raise ConfigError(
                f"a network with the loss {self.head.loss_name!r} and these outputs gives scores, not probabilities. "
                "Train it with cross_entropy."
            )
        return found

    def evaluate(self, X: Any, y: Any) -> dict[str, float]:
        """Every metric by name, for raw rows X and their targets; `appraise` has those of each class too."""
        return self.appraise(X, y).metrics

    def appraise(self, X: Any, y: Any) -> Appraisal:
        """All that can be said of the answers to raw rows X whose targets are y."""
        part = further(self.preprocessing.raw(X), y, self.preprocessing, self.network.dtype)
        return appraise(self.network, self.head, self.preprocessing, part)

    def load(self, source: str | Path) -> tuple[Array, Array | None]:
        """Raw rows and targets of a source, read the way the training data was; the targets are None if it has none.

        Where the source has an official test part, those rows.
        """
        return load_pairs(source, self.config.data.target, self.preprocessing)

    def load_rows(self, source: str | Path) -> Array:
        """Raw rows alone; targets may be missing or wrong."""
        return load_rows(source, self.preprocessing)

    def trained_on(self, source: str | Path) -> int:
        """How many of the rows that `load(source)` gives it was trained on; 0 of another source than its own."""
        own = self.config.data.source
        if not are_the_same(own, source) or has_test_part(source, self.preprocessing):
            return 0
        return int(Reading(self.history).setting("rows", 0.0))

    def save(self, folder: str | Path) -> None:
        """Write the run directory; an earlier run there is replaced. DataError for a folder of other files.

        A checkpoint there of another run is removed: it would go on with that one.
        """
        place = as_path("folder", folder)
        numbers: dict[str, Any] = {"metrics": self.metrics, "steps": self.steps, "seconds": self.seconds}
        files.write(
            place,
            files.Saved(self.config, self.preprocessing, self.head, self.network, self.history, numbers, self.findings),
        )
        checkpoint.remove_other(place, self.config, self.steps)

    def _raw(self, X: Any) -> Array:
        rows = self.preprocessing.raw(X)
        scaled = self.preprocessing.scaling.apply(rows, self.network.dtype)
        with quiet():
            return restarts.answers(self.network, self.head, Part(scaled, np.empty(len(scaled))))


@dataclass(frozen=True)
class Recorded:
    """What is known of a run even where its model or its metrics are not: its history, judged as of today."""

    history: History
    findings: tuple[Finding, ...]
    metrics: dict[str, Any]
    steps: int
    seconds: float

    @property
    def healthy(self) -> bool:
        """No finding of severity "warning" or "critical"."""
        return all(finding.severity == "info" for finding in self.findings)


def load_recorded(folder: Path) -> Recorded:
    """The history of a run directory, of a killed run as far as its checkpoint goes, and what is found in it."""
    if (folder / "history.npz").is_file():
        history = History.load(folder / "history.npz")
    elif (folder / files.CHECKPOINT).is_file():
        history = checkpoint.history(checkpoint.read(folder))
    else:
        raise FileFormatError(f"{folder}: this is no run directory, it has no history.npz. Make one with mlp train -o.")
    numbers: dict[str, Any] = {"metrics": {}, "steps": _last_step(history) + 1, "seconds": np.nan}
    numbers |= files.numbers(folder, history)
    return Recorded(history, diagnose(history), **numbers)


def _last_step(history: History) -> int:
    """The latest step of which something was recorded; -1 for none."""
    return max((int(steps[-1]) for name in history if len(steps := history.steps(name))), default=-1)


def run_folder(given: str | os.PathLike[str]) -> Path:
    """The path of a run directory; refuses what is none."""
    if not isinstance(given, str | os.PathLike):
        raise FileFormatError(f"folder: the path of a run directory is needed; given was a {type(given).__name__}.")
    if "://" in str(given):
        raise FileFormatError(f"{given} is an address, and runs are read from disk. Download the whole folder.")
    return as_path("the run directory", given)


def load_run(folder: str | os.PathLike[str]) -> Run:
    """The run that stands in a run directory."""
    saved = files.read(run_folder(folder))
    return Run(
        saved.config,
        saved.preprocessing,
        saved.head,
        saved.network,
        saved.history,
        saved.numbers["metrics"],
        saved.findings,
        saved.numbers["steps"],
        saved.numbers["seconds"],
    )
