"""What the detectors say of a recorded training, and when they begin to say it.

The history is given what an experiment knows before its first step, so that the same detectors judge the same facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mlp.data.batches import Batch
from mlp.diagnosis import Finding, diagnose, judge
from mlp.diagnosis.reading import Reading
from mlp.experiment.before_training import note_dry_pass, note_once, reference_loss
from mlp.history import History
from mlp.losses import Loss, SoftmaxCrossEntropy
from mlp.model import OutputHead
from mlp.network import Network
from mlp.optimizers import Optimizer

LOOKS = 50
"""How often a training is judged, evenly over its steps: a look takes about a millisecond."""


class Period(NamedTuple):
    """A finding, and the steps in which the detectors said so: from `begin` to before `end`."""

    finding: Finding
    begin: int
    end: int


def begin_history(
    history: History, network: Network, loss: Loss, rule: Optimizer, batch: Batch, steps: int
) -> None:
    """Note what is known before the first step: the reference loss, the first pass, and the plan."""
    labels = isinstance(loss, SoftmaxCrossEntropy) and batch.target.ndim == 1
    head = OutputHead("", network.n_out, "", "", loss, (), labels, certain=False, threshold=0.0)
    note_once(history, "reference_loss", reference_loss(head, batch.target.T))
    note_dry_pass(history, network, loss, batch)
    numbers = {
        "planned_steps": steps,
        "epochs": steps,
        "batch_size": batch.x.n_samples,
        "rows": batch.x.n_samples,
        "learning_rate": _number(getattr(rule, "learning_rate", 0.0)),
        "momentum": _number(getattr(rule, "momentum", 0.0)),
    }
    note_once(history, "settings", list(numbers.values()), list(numbers))


def _number(value: object) -> float:
    """A hyperparameter as a number; 0 of one that changes."""
    return float(value) if isinstance(value, int | float) else 0.0


def find_periods(history: History, steps: int) -> tuple[tuple[Period, ...], tuple[Finding, ...]]:
    """When each alarm held, and what is found at the end."""
    moments = sorted({round(moment) for moment in np.linspace(1, steps, min(LOOKS, steps))})
    open_: dict[str, Period] = {}
    closed: list[Period] = []
    for moment in moments:
        seen = {finding.kind: finding for finding in _alarms(history, moment)}
        for kind in [kind for kind in open_ if kind not in seen]:
            closed.append(open_.pop(kind)._replace(end=moment - 1))
        for kind, finding in seen.items():
            begin = open_[kind].begin if kind in open_ else moment - 1
            open_[kind] = Period(finding, begin, steps)
    found = diagnose(history)
    return tuple(sorted([*closed, *open_.values()], key=lambda period: period.begin)), found


def _alarms(history: History, moment: int) -> Iterator[Finding]:
    """What the detectors say after so many steps, information left out."""
    return (finding for finding in judge(Reading(history, moment)) if finding.severity != "info")
