"""What the diagnosis knows of one cause: its name, what speaks for it, why, and what to do about it.

A cause is one class. It reads a history, never a network, and it says its remedy twice: as a sentence, and as a change
of the keys of an experiment. Whoever advises, tries or explains a remedy reads it here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from mlp.diagnosis.finding import Cause
from mlp.diagnosis.reading import Reading

Changes = Mapping[str, Mapping[str, Any]]
"""Keys by section: {"optimizer": {"learning_rate": 0.1}}. None takes a key away."""


class Suspicion(NamedTuple):
    """How sure (0 … 1), and of what."""

    weight: float
    cause: Cause


@dataclass(frozen=True)
class Experiment:
    """What a remedy starts from: the keys of an experiment by section, those of its rule, and its history.

    `rule` has every key of the optimizer's own, also those that were not given. `usual_rate` is the usual learning rate
    of that rule.
    """

    sections: Mapping[str, Mapping[str, Any]]
    rule: Mapping[str, Any]
    usual_rate: float
    history: Reading

    @property
    def rate(self) -> float:
        """The learning rate; 0 for a rule that has none."""
        return float(self.rule.get("learning_rate") or 0.0)

    @property
    def capped_learning_rate(self) -> dict[str, float]:
        """The usual rate, if the rate is higher."""
        return {"learning_rate": self.usual_rate} if self.rate > self.usual_rate else {}


class KnownCause:
    """One cause. A subclass has a `name`, a `meaning`, a `remedy`, and `signs` where a history can speak for it.

    `change`: the remedy as keys of an experiment, where it is the same for all; else override `changes`. `settled_by`:
    the settings that a history has where the remedy is in force already, so that it is not advised. `task`: the only
    task that the change is for. `mends`: False where the change eases the fault, and the sentence is for the user.
    `repeatable`: whether the changed experiment may be changed once more, as a learning rate is divided again.
    """

    name: ClassVar[str]
    meaning: ClassVar[str]
    remedy: ClassVar[str]
    change: ClassVar[Changes] = {}
    settled_by: ClassVar[Mapping[str, float]] = {}
    task: ClassVar[str] = ""
    mends: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        """What speaks for it in a history, and how much; nothing by default."""
        yield from ()

    def changes(self, experiment: Experiment) -> Iterator[Changes]:
        """The remedy as a change of the experiment, then those that go further; none where no setting mends it."""
        if self.change:
            yield self.change

    @classmethod
    def because(cls, why: str, remedy: str = "") -> Cause:
        """The cause of one run: why, and what to do, more precisely than the remedy for all where that is known."""
        return Cause(cls.name, why, remedy or cls.remedy)

    @classmethod
    def suspect(cls, weight: float, why: str, remedy: str = "") -> Suspicion:
        """The same with its weight, 0 where that is not a number."""
        return Suspicion(min(1.0, max(0.0, weight)), cls.because(why, remedy))

    @classmethod
    def is_in_force(cls, r: Reading) -> bool:
        """Whether the experiment has all of the remedy already."""
        return bool(cls.settled_by) and all(r.setting(key) == value for key, value in cls.settled_by.items())

    def new_changes(self, experiment: Experiment) -> Iterator[Changes]:
        """The changes without the keys that are so already; those of which nothing is left are in force."""
        if self.task and experiment.sections["data"]["task"] not in (self.task, "auto"):
            return
        for change in self.changes(experiment):
            given = {section: experiment.sections[section] for section in change}
            found = {
                section: {key: value for key, value in keys.items() if given[section].get(key) != value}
                for section, keys in change.items()
            }
            if any(found.values()):
                yield {section: keys for section, keys in found.items() if keys}
