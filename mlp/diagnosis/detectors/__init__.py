"""Detectors: that something is wrong, each seen in a history.

`faults` are certain, `progress` and `generalization` say what became of a run. `points` and `explanations` are
information that alarms only where there is a lack of progress to explain. To add a detector, write its class and one
line in the tuple of its module. A cause that only this detector names may stand beside it, as `causes` of its class.
"""

from collections.abc import Iterable

from mlp.diagnosis.causes import CAUSES, KnownCause
from mlp.diagnosis.detectors.explanations import EXPLANATIONS
from mlp.diagnosis.detectors.faults import FAULTS
from mlp.diagnosis.detectors.generalization import GENERALIZATION
from mlp.diagnosis.detectors.leaks import LEAKS
from mlp.diagnosis.detectors.points import POINTS
from mlp.diagnosis.detectors.progress import PROGRESS
from mlp.diagnosis.finding import Detector

DETECTORS: list[Detector] = [*FAULTS, *PROGRESS, *GENERALIZATION, *POINTS, *EXPLANATIONS, *LEAKS]
"""Findings that are as severe as each other come in this order."""


def explaining(detectors: Iterable[Detector] = DETECTORS) -> set[str]:
    """The kinds that alarm where there is a lack of progress to explain, and are information elsewhere."""
    return {kind for detector in detectors if detector.explains for kind in detector.kinds}


def known_causes(detectors: Iterable[Detector] = DETECTORS) -> dict[str, KnownCause]:
    """Every cause by name: those of the table, and those that detectors bring."""
    return {**CAUSES, **{cause.name: cause for detector in detectors for cause in detector.causes}}
