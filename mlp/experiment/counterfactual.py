"""Counterfactuals: which of the causes that weigh about the same is to blame, measured by short twins of the run.

A twin is the same experiment from the same seeds, trained for a part of the steps: once as it is, and once for each of
the leading causes with its remedy in force. What they come to is noted; the diagnosis reads it and puts the cause whose
remedy helps ahead of those whose remedy does not. Twins begin when the run is over, take a quarter of its work at most,
and read nothing of it but its settings and its first rows: the run stays what it is, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

import numpy as np

from mlp.config import Config
from mlp.diagnosis import judge
from mlp.diagnosis.causes import CAUSES, Changes, suspicions
from mlp.diagnosis.counterfactuals import AS_IT_IS, MEASURABLE, PLACES
from mlp.diagnosis.evidence import is_suspicious
from mlp.diagnosis.reading import Reading
from mlp.errors import MLPError
from mlp.experiment.before_training import note_once
from mlp.experiment.changes import apply_changes, remedies
from mlp.experiment.setup import SCORED, Setup
from mlp.experiment.state import State
from mlp.experiment.trial import first_rows, run_trial
from mlp.model import Model, quiet
from mlp.model.metrics import score_numbers
from mlp.preprocessing import Part, Prepared

CLOSE, MOST = 0.3, 3  # causes whose weights are so near the heaviest are tried, and at most so many
SHARE, LEAST = 0.25, 2 * 10**9  # of the work of the run; a quarter of a second on one core is allowed to every run
UPDATE = 64  # rows whose products cost as much as an update
STEPS = range(60, 1500)  # a twin says nothing below, and no more above


def note_counterfactuals(setup: Setup, state: State) -> None:
    """Note what short twins come to, where a run ends with an alarm and two causes or more may be to blame."""
    r = Reading(state.history)
    if setup.config.record.baseline != "auto" or "counterfactuals" in state.history or ends_well(r):
        return
    with quiet():
        if all(finding.severity == "info" for finding in judge(r, setup.detectors)):
            return
        tried = dict(leading_changes(setup.config, state))
    steps = affordable_steps(setup, state, 1 + len(tried))
    if tried and steps >= STEPS.start:
        rows = first_rows(setup.prepared, setup.dtype)
        scores = {AS_IT_IS: _train(setup.config, rows, steps)}
        scores |= {name: _train(apply_changes(setup.config, keys), rows, steps) for name, keys in tried.items()}
        note_once(state.history, "counterfactuals", list(scores.values()), list(scores))
        note_once(state.history, "counterfactual_steps", steps)


def ends_well(r: Reading) -> bool:
    """Whether a run came to numbers, and plainly well: then nothing is asked."""
    return isfinite(r.now) and not is_suspicious(r)


def leading_changes(config: Config, state: State) -> Iterator[tuple[str, Changes]]:
    """The causes that weigh about as much as the heaviest, and the first change for each.

    None where the heaviest is one that no short twin decides: rows that are wrong, or a run that is too short.
    """
    found = suspicions(Reading(state.history))
    heavy = list(dict.fromkeys(s.cause.name for s in found if s.weight >= found[0].weight - CLOSE))
    if len(heavy) < 2 or heavy[0] not in MEASURABLE | PLACES:
        return
    for name in [name for name in heavy if name in MEASURABLE][:MOST]:
        keys = next(remedies(name, config, state.history), None) if name in CAUSES else None
        if keys is not None and not keys.keys() & {"data"}:
            yield name, keys


def affordable_steps(setup: Setup, state: State, twins: int) -> int:
    """For how many steps each twin may train. Work is counted and not timed: equal runs measure the same."""
    rows = min(setup.config.training.rows_per_batch(len(setup.prepared.train)), len(setup.prepared.train))
    a_step = setup.layout.size * (rows + UPDATE)
    done = int(np.prod(setup.population)) * a_step * (state.steps - setup.past.steps)
    return int(min(max(SHARE * done, LEAST) / a_step / twins, setup.n_steps, STEPS.stop))


def _train(config: Config, rows: Prepared, steps: int) -> float:
    """What a short training comes to: the mean of the scores on training and validation rows; -1 where it cannot be."""
    try:
        model = run_trial(config, rows, steps)
        parts = (part for part in (rows.train, rows.validation) if part is not None)
        return float(np.mean([score_part(model, part) for part in parts]))
    except MLPError:
        return -1.0


def score_part(model: Model, part: Part) -> float:
    """r², or the mean recall of the classes, on the first rows of a part; labels count one by one."""
    first, head = part.first(SCORED, model.network.dtype), model.head
    with quiet():
        raw = model.raw(first)
        if not np.isfinite(raw).all():
            return -1.0
        if head.task == "regression":
            return max(-1.0, float(score_numbers(head.values(raw), first.y)["r2"]))
        right = head.decide(raw) == first.y
    if head.task == "multilabel":
        return float(right.mean())
    return float(np.mean([right[first.y == label].mean() for label in np.unique(first.y)]))
