"""Diagnosis: why a network does not learn, read from its history.

`diagnose` asks every detector about a `History`: live, loaded from a file or typed by hand. `detectors` see that
something is wrong, `causes` say why and what to do. `reading` has the numbers that several of them ask for, `evidence`
what these prove, `thresholds` where each begins to count, and `glossary` what the names mean.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.diagnosis.causes import CAUSES as CAUSES
from mlp.diagnosis.causes import KnownCause as KnownCause
from mlp.diagnosis.causes import is_advisable, suspicions
from mlp.diagnosis.detectors import DETECTORS as DETECTORS
from mlp.diagnosis.detectors import explaining
from mlp.diagnosis.detectors import known_causes as known_causes
from mlp.diagnosis.finding import Cause as Cause
from mlp.diagnosis.finding import Detector as Detector
from mlp.diagnosis.finding import Finding as Finding
from mlp.diagnosis.findings import Findings as Findings
from mlp.diagnosis.findings import list_unseen
from mlp.diagnosis.reading import Reading, moments
from mlp.errors import HyperparameterError, ShapeError, check_iterable
from mlp.history import History

SEVERITIES = ("critical", "warning", "info")
LACKS_OF_PROGRESS = {
    "no_progress",
    "slow_progress",
    "stagnation",
    "unfinished",
    "oscillation",
    "divergence",
    "overconfident",
}
"""Kinds that are a lack of progress."""


def diagnose(history: Mapping[str, Any], detectors: Iterable[Detector] = DETECTORS) -> Findings:
    """All findings of all detectors that have what they need; of a `History`, or columns by name.

    They are a tuple. Its `unseen` says what the history does not tell, and printing it shows both.

    Give `(*mlp.diagnosis.DETECTORS, MyDetector())` to judge by one of your own too; it brings its own causes. What is
    added to `DETECTORS` and `CAUSES` is asked in every run of this process.

    >>> diagnose({"loss": [0.7, 2.0, float("nan")]})[0].kind
    'divergence'
    """
    if not isinstance(history, Mapping):
        kind = type(history).__name__
        raise ShapeError(f"a history is needed, or columns by name, {{'loss': [0.7, 0.5]}}; given was a {kind}.")
    needed = "objects whose class is a mlp.diagnosis.Detector, or such classes"
    check_iterable("detectors", detectors, needed)
    asked = tuple(one() if isinstance(one, type) and issubclass(one, Detector) else one for one in detectors)
    if not all(isinstance(detector, Detector) for detector in asked):
        raise HyperparameterError("detectors", detectors, needed)
    whole = Reading(history if isinstance(history, History) else History(history))
    found = judge(whole, asked)
    if not all(finding.severity == "info" for finding in found):
        found = tuple(_date(whole, found, asked))
    return Findings(found, list_unseen(whole))


def judge(r: Reading, detectors: Sequence[Detector] = DETECTORS) -> tuple[Finding, ...]:
    """All findings as things stand in a reading. What explains a lack of progress alarms only if there is one."""
    r.own_causes = tuple(cause for detector in detectors for cause in detector.causes)
    with np.errstate(all="ignore"):  # numbers that are none are judged, not warned of
        found = [f for detector in detectors if all(name in r for name in detector.needs) for f in detector(r)]
        found = list({(f.kind, f.layers, f.severity): f for f in reversed(found)}.values())[::-1]  # each once
        found = [replace(f, causes=tuple(cause for cause in f.causes if is_advisable(r, cause))) for f in found]
        first: tuple[Cause, ...] = ()
        if any(finding.kind in LACKS_OF_PROGRESS and finding.severity != "info" for finding in found):
            kinds = explaining(detectors)
            found = [replace(f, severity="warning") if f.kind in kinds and f.severity == "info" else f for f in found]
            first = tuple(suspicion.cause for suspicion in suspicions(r)[:1])
        return tuple(sorted(found, key=lambda f: (SEVERITIES.index(f.severity), first != f.causes[: len(first)])))


def _date(whole: Reading, found: tuple[Finding, ...], detectors: Sequence[Detector]) -> Iterator[Finding]:
    """The findings; an alarm with the step since which every look has shown one of its family, without a break.

    What happened at a step of its own keeps it: a loss that became NaN, a fault that was there at the start.
    """
    families = {
        f.kind: LACKS_OF_PROGRESS if f.kind in LACKS_OF_PROGRESS else {f.kind}
        for f in found
        if f.severity != "info" and f.step
    }
    families.pop("divergence", None)
    since: dict[str, int] = {}
    lasting = set(families)
    for moment in reversed([m for m in moments(whole.planned) if m < whole.done]):
        if not lasting:
            break
        seen = {f.kind for f in judge(Reading(whole, moment), detectors) if f.severity != "info"}
        lasting = {kind for kind in lasting if families[kind] & seen}
        since |= dict.fromkeys(lasting, moment - 1)
    for finding in found:
        yield replace(finding, step=since[finding.kind]) if finding.kind in since and finding.step else finding
