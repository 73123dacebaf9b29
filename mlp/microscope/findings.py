"""What the detectors say of a recorded training, and when they begin to say it.

The history is given what an experiment knows before its first step, so that the same detectors judge the same facts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.data.batches import Batch
from mlp.diagnosis import Finding, judge
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
    """A finding as the detectors put it from step `begin` to before `end`; the like was found `since` an earlier."""

    finding: Finding
    since: int
    begin: int
    end: int


def begin_history(history: History, network: Network, loss: Loss, rule: Optimizer, batch: Batch, steps: int) -> None:
    """Note what is known before the first step: the reference loss, the first pass, and the plan."""
    labels = isinstance(loss, SoftmaxCrossEntropy) and batch.target.ndim == 1
    head = OutputHead("", network.n_out, "", "", loss, (), labels, certain=False, threshold=0.0)
    note_once(history, "reference_loss", reference_loss(head, batch.target.T))
    note_dry_pass(history, network, loss, batch)
    numbers = {
        "planned_steps": steps,
        "batch_size": batch.x.n_samples,
        "rows": batch.x.n_samples,
        "learning_rate": _number(getattr(rule, "learning_rate", 0.0)),
        "momentum": _number(getattr(rule, "momentum", 0.0)),
    }
    note_once(history, "settings", list(numbers.values()), list(numbers))


def _number(value: object) -> float:
    """A hyperparameter as a number; 0 of one that changes."""
    return float(value) if isinstance(value, int | float) else 0.0


def find_periods(history: History, steps: int) -> tuple[Period, ...]:
    """What each look at the training found, and since when: the warnings, not the information."""
    looks = sorted({round(moment) for moment in np.linspace(1, steps, min(LOOKS, steps))})
    since: dict[str, int] = {}
    found: list[Period] = []
    for look, following in zip(looks, [*looks[1:], steps + 1], strict=True):
        alarms = {finding.kind: finding for finding in judge(Reading(history, look)) if finding.severity != "info"}
        since = {kind: since.get(kind, look - 1) for kind in alarms}
        found += [Period(finding, since[kind], look - 1, following - 1) for kind, finding in alarms.items()]
    return tuple(found)
