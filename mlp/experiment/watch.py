"""Watching a run: what is noted beside what the recorder records, and when the run is judged.

The same detectors that judge a finished history judge the one that is being written, at a few moments of the run. An
alarm may turn out to be a false one, a plateau that ends say: what counts is what still holds at the end. Where a run
looks slow, or ends not plainly well, it is probed: the loss is looked up along its latest step, and a plain network is
trained on the same rows. Nothing here writes to the run or draws from its generators.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import Finding, judge
from mlp.diagnosis.gate import is_suspicious
from mlp.diagnosis.reading import Reading, moments
from mlp.experiment import metrics
from mlp.experiment.prepare import Part
from mlp.experiment.settings import mean_rate, settings
from mlp.experiment.survey import note, survey
from mlp.experiment.trial import COMPARED, FEW, SCORED, crossed, label_noise, score_name, standardised, yardstick
from mlp.history import History
from mlp.objective import Objective
from mlp.training import Step

if TYPE_CHECKING:
    from mlp.experiment.run import Experiment

ALONG = (0.0, 0.1, 1.0, 10.0)
"""How far along a step the loss is looked up, in lengths of the step."""


@dataclass
class Watch:
    """Looks at one experiment. `next`: after how many steps to look again; -1 when there is no more to see."""

    ready: Experiment
    next: int = -1
    _moments: Iterator[int] = field(default_factory=lambda: iter(()))
    _known: set[str] = field(default_factory=set)
    _news: list[Finding] = field(default_factory=list)

    @property
    def history(self) -> History:
        """Where everything is noted."""
        return self.ready.recorder.history

    def begin(self) -> None:
        """Note what is known before the first step, and judge that."""
        ready, train = self.ready, self.ready.prepared.train
        survey(self.history, ready.network, ready.head, train, ready.prepared.preprocessing, ready.weights)
        self.note_settings()
        if not ready.unwatched:
            self._moments = iter(moments(self._planned))
            self._judge()

    def note_settings(self) -> None:
        """Note what was chosen. Steps and epochs are counted over all trainings of the network."""
        ready, train, validation = self.ready, self.ready.prepared.train, self.ready.prepared.validation
        numbers = settings(ready.config, len(train), ready.steps_per_epoch) | {
            "planned_steps": self._planned,
            "epochs": ready.past.epochs + ready.config.training.epochs,
            "mean_rate": mean_rate(ready.rule, self._planned),
            "train_scored": len(self._scored),
            "validation_scored": 0 if validation is None else len(validation),
        }
        note(self.history, "settings", list(numbers.values()), list(numbers))
        if self._task == "classification":
            asked, names = validation or self._scored, ready.prepared.preprocessing.class_names or ()
            note(self.history, "recall_rows", np.bincount(asked.y, minlength=self._n_targets), names)

    def go_on(self, shown: Iterable[str]) -> None:
        """Go on with a run that was begun before, with these alarms shown."""
        self.note_settings()  # there may be more epochs now
        later = [moment for moment in moments(self._planned) if moment > self.ready.steps]
        self._moments, self._known = iter(later), set(shown)
        self.next = next(self._moments, -1)

    def shown(self) -> list[str]:
        """The kinds of the alarms that were asked for."""
        return sorted(self._known - {finding.kind for finding in self._news})

    def look(self, step: Step) -> None:
        """Judge the run so far; probe it first if it looks slow."""
        if self._wants_probe():
            self._look_along(step)
            self._lay_yardstick()
        self._judge()

    def end(self) -> None:
        """Note that no more steps will come; probe the run if its end is not plainly good."""
        if self.ready.unwatched and not self.ready.diverged:
            self.score()
        ended = self.history.last_step("ended") if "ended" in self.history else -1
        if ended < self.ready.steps - 1:
            self._note("ended", self.ready.steps)
            if self._wants_probe():
                self._lay_yardstick()

    def news(self) -> tuple[Finding, ...]:
        """The alarms since this was last asked."""
        found, self._news = tuple(self._news), []
        return found

    def score(self) -> None:
        """Note how well the first training rows are answered, without dropout, and the recall of each class."""
        ready, task, name = self.ready, self._task, score_name(self._task)
        self._note(f"train_{name}", metrics.evaluate(ready.answering, ready.head, task, self._scored)[name])
        if task == "classification":
            part = ready.prepared.validation or self._scored
            self._note("recall", metrics.recall(ready.answering, ready.head, self._n_targets, part))

    def _judge(self) -> None:
        self.next = next(self._moments, -1)
        for finding in judge(Reading(self.history)):
            if finding.severity != "info" and finding.kind not in self._known:
                self._known.add(finding.kind)
                self._news.append(finding)

    def _wants_probe(self) -> bool:
        """Whether probing is allowed, worth while, and not done yet."""
        done = any(name.startswith("yardstick") for name in self.history)
        return self.ready.config.record.probe == "auto" and not done and is_suspicious(Reading(self.history))

    def _look_along(self, step: Step) -> None:
        """Note the loss of the latest batch along the latest step, from where it began."""
        network, objective = self.ready.network, Objective(self.ready.network, self.ready.head.loss)
        objective.batch, objective.workspace = step.batch, step.workspace
        begun = network.params - step.update
        losses = np.stack([objective.value(begun + length * step.update) for length in ALONG], axis=-1)
        self.history.column("loss_along", losses.shape, "", tuple(map(str, ALONG)))
        self._note("loss_along", losses)

    def _lay_yardstick(self) -> None:
        """Train a plain network on the same rows, and note what it came to and what the labels look like."""
        rows, name = standardised(self.ready.prepared, np.dtype(np.float32)), score_name(self._task)
        given = (self.ready.config, rows, self._task, self._n_targets)
        n, complete = len(rows.train), self.ready.prepared.about.complete
        if (n in FEW or (rows.validation is None and n > FEW.stop)) and not complete:
            self._note(f"crossed_{name}", crossed(*given))
        if self._task == "classification":
            noise, error = label_noise(rows)
            self._note("label_noise", noise)
            self._note("label_noise_error", error)
            note(self.history, "label_noise_rows", min(n, COMPARED))
        found = yardstick(*given)
        asked = [min(n, SCORED), 0 if rows.validation is None else min(len(rows.validation), SCORED), n]
        note(self.history, "yardstick_rows", asked, ("train", "validation", "trained"))
        self._note(f"yardstick_train_{name}", found.train_score)
        if np.isfinite(found.validation_score):
            self._note(f"yardstick_validation_{name}", found.validation_score)

    def _note(self, name: str, value: float | Array) -> None:
        self.history.append(name, value, self.ready.steps - 1)

    @property
    def _planned(self) -> int:
        return self.ready.past.steps + self.ready.steps_per_epoch * self.ready.config.training.epochs

    @property
    def _task(self) -> str:
        return self.ready.prepared.preprocessing.task

    @property
    def _n_targets(self) -> int:
        return self.ready.prepared.preprocessing.n_targets

    @cached_property
    def _scored(self) -> Part:
        """The training rows that are scored after each epoch."""
        part = self.ready.prepared.train
        X = next(part.blocks(self.ready.network.dtype))[:SCORED]
        return Part(X, part.y[: len(X)], weights=None if part.weights is None else part.weights[: len(X)])
