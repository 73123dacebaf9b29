"""Diagnosis: why a network does not learn, read from its history.

`diagnose` runs every detector on a `History`: live, loaded from a file or typed by hand. A detector is one frozen
dataclass and one line here. `beginning` judges what is known before the first step, `divergence` and `progress` what
became of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.diagnosis.beginning import (
    ClassImbalance,
    ConstantFeatures,
    ContradictoryLabels,
    DeadAtStart,
    SymmetricUnits,
    UnscaledInputs,
    UnscaledTargets,
    VanishingAtStart,
)
from mlp.diagnosis.divergence import Divergence
from mlp.diagnosis.finding import Cause, Detector, Finding
from mlp.diagnosis.generalization import MinorityIgnored, NoisyLabels, Overfitting, Uninformative
from mlp.diagnosis.pretraining import PretrainingStalled
from mlp.diagnosis.progress import Progress
from mlp.diagnosis.reading import Reading, moments
from mlp.diagnosis.signals import (
    DeadUnits,
    ExplodingGradients,
    FrozenParameters,
    NoisyGradients,
    OutputMismatch,
    PoorInitialization,
    SaturatedUnits,
    Uphill,
    WrongGradient,
)
from mlp.diagnosis.suspects import ranked
from mlp.errors import ShapeError
from mlp.history import History

DETECTORS: tuple[Detector, ...] = (
    Divergence(),
    WrongGradient(),
    Uphill(),
    OutputMismatch(),
    FrozenParameters(),
    ConstantFeatures(),
    SymmetricUnits(),
    DeadAtStart(),
    Progress(),
    Overfitting(),
    Uninformative(),
    NoisyLabels(),
    MinorityIgnored(),
    ContradictoryLabels(),
    UnscaledInputs(),
    UnscaledTargets(),
    VanishingAtStart(),
    PoorInitialization(),
    ExplodingGradients(),
    NoisyGradients(),
    SaturatedUnits(),
    DeadUnits(),
    ClassImbalance(),
    PretrainingStalled(),
)


def diagnose(history: Mapping[str, Any]) -> tuple[Finding, ...]:
    """All findings of all detectors that have what they need; of a `History`, or columns by name.

    >>> diagnose({"loss": [0.7, 2.0, float("nan")]})[0].kind
    'divergence'
    """
    if not isinstance(history, Mapping):
        kind = type(history).__name__
        raise ShapeError(f"a history is needed, or columns by name, {{'loss': [0.7, 0.5]}}; given was a {kind}.")
    whole = Reading(history if isinstance(history, History) else History(history))
    found = judge(whole)
    return tuple(_dated(whole, found)) if any(finding.severity != "info" for finding in found) else found


def judge(reading: Reading) -> tuple[Finding, ...]:
    """All findings as things stand in `reading`. What explains a lack of progress alarms only if there is one."""
    with np.errstate(all="ignore"):  # numbers that are none are judged, not warned of
        found = [
            finding
            for detector in DETECTORS
            if all(name in reading for name in detector.needs)
            for finding in detector(reading)
        ]
        found = list({(f.kind, f.layers, f.severity): f for f in reversed(found)}.values())[::-1]  # each once
        if any(finding.kind in PROGRESS and finding.severity != "info" for finding in found):
            found = [replace(f, severity="warning") if f.kind in EXPLAINING else f for f in found]
            first = next(iter(ranked(reading)), None)
            found.sort(key=lambda f: (SEVERITIES.index(f.severity), first is None or f.causes[:1] != (first,)))
        else:
            found.sort(key=lambda f: SEVERITIES.index(f.severity))
        return tuple(found)


SEVERITIES = ("critical", "warning", "info")
PROGRESS = {"no_progress", "slow_progress", "stagnation", "unfinished", "oscillation", "divergence"}
EXPLAINING = {
    "unscaled_inputs",
    "unscaled_targets",
    "vanishing_gradients",
    "exploding_gradients",
    "poor_initialization",
    "saturated_units",
    "output_loss_mismatch",
    "noisy_gradients",
}
"""Kinds that alarm where there is a lack of progress to explain, and are information elsewhere."""


def _dated(whole: Reading, found: tuple[Finding, ...]) -> Iterator[Finding]:
    """The findings; an alarm with the step since which every look has shown one of its family, without a break.

    What happened at a step of its own keeps it: a loss that became NaN, a fault that was there at the start.
    """
    families = {f.kind: PROGRESS if f.kind in PROGRESS else {f.kind} for f in found if f.severity != "info" and f.step}
    families.pop("divergence", None)
    since: dict[str, int] = {}
    lasting = set(families)
    for moment in reversed([m for m in moments(whole.planned) if m < whole.done]):
        if not lasting:
            break
        seen = {f.kind for f in judge(Reading(whole, moment)) if f.severity != "info"}
        lasting = {kind for kind in lasting if families[kind] & seen}
        since |= dict.fromkeys(lasting, moment - 1)
    for finding in found:
        yield replace(finding, step=since[finding.kind]) if finding.kind in since and finding.step else finding


__all__ = ["DETECTORS", "Cause", "Detector", "Finding", "diagnose", "judge"]
