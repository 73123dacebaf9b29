"""Diagnosis: why a network does not learn, read from its history.

`diagnose` runs every detector on a `History`: live, loaded from a file or typed by hand. So far one thing is detected,
divergence; each further detector is one frozen dataclass and one line here.
"""

from mlp.diagnosis.divergence import Divergence
from mlp.diagnosis.finding import Cause, Detector, Finding
from mlp.history import History

DETECTORS: tuple[Detector, ...] = (Divergence(),)


def diagnose(history: History) -> tuple[Finding, ...]:
    """All findings of all detectors that have what they need.

    >>> diagnose(History({"loss": [0.7, 2.0, float("nan")]}))[0].kind
    'divergence'
    """
    return tuple(
        finding
        for detector in DETECTORS
        if all(name in history for name in detector.needs)
        for finding in detector(history)
    )


__all__ = ["DETECTORS", "Cause", "Detector", "Finding", "diagnose"]
