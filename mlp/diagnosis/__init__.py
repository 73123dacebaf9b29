"""Diagnosis: why a network does not learn, read from its history.

`diagnose` runs every detector on a `History`: live, loaded from a file or typed by hand. A detector is one frozen
dataclass and one line here. `beginning` judges what is known before the first step, `divergence` and `progress` what
became of it.
"""

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


def diagnose(history: History) -> tuple[Finding, ...]:
    """All findings of all detectors that have what they need.

    >>> diagnose(History({"loss": [0.7, 2.0, float("nan")]}))[0].kind
    'divergence'
    """
    with np.errstate(all="ignore"):  # numbers that are none are judged, not warned of
        return tuple(
            finding
            for detector in DETECTORS
            if all(name in history for name in detector.needs)
            for finding in detector(history)
        )


__all__ = ["DETECTORS", "Cause", "Detector", "Finding", "diagnose"]
