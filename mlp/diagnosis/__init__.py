"""Diagnosis: why a network does not learn, read from its history.

`diagnose` runs every detector on a `History`: live, loaded from a file or typed by hand. A detector is one frozen
dataclass and one line here. `beginning` judges what is known before the first step, `divergence` and `progress` what
became of it.
"""

from collections.abc import Mapping
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
from mlp.diagnosis.progress import NoProgress
from mlp.errors import ShapeError
from mlp.history import History

DETECTORS: tuple[Detector, ...] = (
    Divergence(),
    ConstantFeatures(),
    SymmetricUnits(),
    DeadAtStart(),
    NoProgress(),
    ContradictoryLabels(),
    UnscaledInputs(),
    UnscaledTargets(),
    VanishingAtStart(),
    ClassImbalance(),
)


def diagnose(history: Mapping[str, Any]) -> tuple[Finding, ...]:
    """All findings of all detectors that have what they need; of a `History`, or columns by name.

    >>> diagnose({"loss": [0.7, 2.0, float("nan")]})[0].kind
    'divergence'
    """
    if not isinstance(history, Mapping):
        kind = type(history).__name__
        raise ShapeError(f"a history is needed, or columns by name, {{'loss': [0.7, 0.5]}}; given was a {kind}.")
    history = history if isinstance(history, History) else History(history)
    with np.errstate(all="ignore"):  # numbers that are none are judged, not warned of
        return tuple(
            finding
            for detector in DETECTORS
            if all(name in history for name in detector.needs)
            for finding in detector(history)
        )


__all__ = ["DETECTORS", "Cause", "Detector", "Finding", "diagnose"]
