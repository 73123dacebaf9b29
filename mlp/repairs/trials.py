"""Short trainings beside a run: what an experiment with some changes comes to.

Each starts from scratch, on the same rows and from the same seeds as the full run, and is made once. The test part is
never looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from mlp.config import Config
from mlp.diagnosis import Cause
from mlp.diagnosis.causes import Changes
from mlp.errors import MLPError
from mlp.experiment.changes import apply_changes, merge_changes
from mlp.experiment.counterfactual import score_part
from mlp.experiment.run import Run
from mlp.experiment.setup import RUN_SEEDS
from mlp.experiment.state import begin
from mlp.experiment.trial import first_rows, run_trial, standardise, train_baseline
from mlp.model import Model
from mlp.preprocessing import Prepared

BEYOND = 0.05  # by how much a score on rows trained on may be above that on rows held out; what is more is memorised


@dataclass(frozen=True)
class Change:
    """One remedy: the `keys` of the configuration that it changes for a cause, and the same in words."""

    cause: Cause
    keys: Changes
    words: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """In lists, dicts, strings and numbers."""
        return {"cause": self.cause.name, "why": self.cause.why, "changes": self.keys, "words": list(self.words)}


@dataclass(frozen=True)
class Trial:
    """A short training with the remedies for some causes, none for the experiment as it was, and what it came to.

    It starts from the weights, and takes the rows in the order, of the full run: of a short run it is a copy. `score`
    is the mean of those on the training and the validation part: r², or the mean recall of the classes, in which a
    rare class counts like any other. What is memorised does not count: on the training part the score is at most
    `BEYOND` above that on the other. -1 where the loss was no number, or the experiment cannot be.
    """

    causes: tuple[str, ...]
    words: tuple[str, ...]
    steps: int
    score: float

    def to_json(self) -> dict[str, Any]:
        """In lists, strings and numbers."""
        return {"causes": list(self.causes), "words": list(self.words), "steps": self.steps, "score": self.score}


def apply_all(config: Config, chosen: Iterable[Change]) -> Config:
    """The configuration with all changes; what two of them change, the first has chosen."""
    keys: Changes = {}
    for change in chosen:
        keys = merge_changes(keys, change.keys)
    return apply_changes(config, keys)


class Material(NamedTuple):
    """What trials of one [data] section train on: all rows, and the first `rows` of them in memory."""

    prepared: Prepared
    rows: Prepared

    def scores(self, model: Model) -> list[float]:
        """On the training part, and on the validation part if there is one."""
        parts = (self.rows.train, self.rows.validation)
        return [score_part(model, part) for part in parts if part is not None]

    def score(self, model: Model) -> float:
        """The mean of both, without what is memorised."""
        train, held_out = (scores := self.scores(model))[0], scores[-1]
        return (min(train, held_out + BEYOND) + held_out) / 2


@dataclass
class Bench:
    """Where trials are made, each once, of `most` steps at most. `kept`: the changes already made for good."""

    data: Any
    most: int
    kept: tuple[Change, ...] = ()
    trials: dict[str, Trial] = field(default_factory=dict)
    materials: dict[str, Material] = field(default_factory=dict)
    _baseline: float | None = None

    def score(self, config: Config, chosen: tuple[Change, ...]) -> float:
        """What a short training of the changed experiment comes to."""
        changed = apply_all(config, chosen)
        key = json.dumps(changed.to_dict(), sort_keys=True)
        if key not in self.trials:
            try:
                steps, score = self._run_trial(changed)
            except MLPError:  # two remedies that do not go together
                steps, score = 0, -1.0
            causes = tuple(change.cause.name for change in self.kept + chosen)
            words = tuple(words for change in self.kept + chosen for words in change.words)
            self.trials[key] = Trial(causes, words, steps, score)
        return self.trials[key].score

    def _run_trial(self, config: Config) -> tuple[int, float]:
        """Train from scratch for some steps; how many, and the score."""
        material = self.material(config)
        planned = config.training.steps_per_epoch(len(material.prepared.train)) * config.training.epochs
        steps = min(planned, self.most)
        return steps, material.score(run_trial(config, material.rows, steps))

    def standard_error(self, config: Config, score: float) -> float:
        """The standard error of a share of right answers near `score`: the rows held out are half of it, and a sample.

        0 for numbers, and where no row is held out.
        """
        prepared, score = self.material(config).rows, min(max(score, 0.0), 1.0)
        if prepared.validation is None or prepared.preprocessing.task == "regression":
            return 0.0
        return float(np.sqrt(score * (1 - score) / len(prepared.validation)) / 2)

    def score_of(self, found: Run) -> float:
        """The score of a full run, on the rows that trials are scored on."""
        return self.material(found.config).score(found.model)

    def held_out_score(self, found: Run) -> float:
        """The same on the validation part alone; without one, on the training part."""
        return self.material(found.config).scores(found.model)[-1]

    def material(self, config: Config) -> Material:
        """The rows as [data] has them, prepared once."""
        key = repr(config.data)
        if key not in self.materials:
            prepared = begin(config.to_dict(), self.data)[0].prepared
            self.materials[key] = Material(prepared, first_rows(prepared, np.dtype(config.training.dtype)))
        return self.materials[key]

    def baseline(self, config: Config) -> float:
        """The score of a plain network, trained with the seeds of the run."""
        if self._baseline is None:
            prepared = self.material(config).prepared
            rows = standardise(prepared, np.dtype(np.float32))
            model = train_baseline(config, rows, RUN_SEEDS)
            self._baseline = Material(prepared, rows).score(model)
        return self._baseline
