"""From what was recorded of a foreign loop to findings: settings, facts about rows, a baseline, and remedies in words.

The detectors and causes are those of every run, and some that only loops of others need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import DETECTORS, Cause, diagnose
from mlp.diagnosis.causes import CAUSES
from mlp.diagnosis.evidence import is_suspicious
from mlp.diagnosis.findings import Findings
from mlp.diagnosis.reading import Reading
from mlp.errors import MLPError
from mlp.experiment.before_training import note_once
from mlp.experiment.state import State, begin
from mlp.experiment.watch import note_baseline
from mlp.frameworks.detectors import OWN
from mlp.frameworks.remedies import REMEDIES
from mlp.history import History
from mlp.model import quiet
from mlp.preprocessing.data_facts import data_facts


def judge_loop(history: History, remedies: Mapping[str, str] = REMEDIES) -> Findings:
    """The findings of a recording, with remedies in the words of the library."""
    found = diagnose(history, (*OWN, *DETECTORS))
    return Findings((replace(f, causes=tuple(_translate(f.causes, remedies))) for f in found), found.unseen)


def _translate(causes: Iterable[Cause], remedies: Mapping[str, str]) -> Iterator[Cause]:
    for cause in causes:
        known = CAUSES.get(cause.name)
        is_general = known is not None and cause.remedy == known.remedy
        yield replace(cause, remedy=remedies.get(cause.name, cause.remedy)) if is_general else cause


def note_rows(history: History, X: Array, y: Array, task: str, steps: int) -> None:
    """Note facts about the rows that were kept, and what a plain network learns of them, if that is worth while."""
    config: dict[str, Any] = {"data": {"task": task, "scale": "none", "validation": 0.0, "test": 0.0}}
    if task == "regression":
        y = y.reshape(len(y), -1)
    try:
        setup, state = begin(config, (X.astype(np.float64), y))
    except MLPError:  # rows with NaN, a single class: what is wrong with them, the loss shows
        return
    part, head = setup.prepared.train, setup.head
    with quiet():
        target = head.encode(part.y, np.float64)
        for fact in data_facts(X.astype(np.float64), part.y, target, setup.prepared.preprocessing):
            note_once(history, *fact)
        note_once(history, "scanned_rows", len(X))
        if is_suspicious(Reading(history)) and not any(name.startswith("baseline_") for name in history):
            note_baseline(setup, _beside(state, history, steps))


def _beside(state: State, history: History, steps: int) -> State:
    """A state that notes into the history of the loop."""
    state.recorder.history, state.steps = history, max(steps, 1)
    return state
