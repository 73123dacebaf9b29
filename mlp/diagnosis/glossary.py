"""What the names in findings mean: every kind and every cause in a sentence, and what to do about a cause.

The words stand at the detectors and the causes; here they are gathered for whoever looks a name up. A finding's own
message and remedy are more precise, since they know the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlp.diagnosis.detectors import DETECTORS, known_causes
from mlp.diagnosis.finding import Detector


def kinds(detectors: Iterable[Detector] = DETECTORS) -> dict[str, str]:
    """What is seen, by name."""
    return {name: means for detector in detectors for name, means in detector.kinds.items()}


def glossary(detectors: Sequence[Detector] = DETECTORS) -> Iterator[str]:
    """Every kind of finding and every cause, one line each."""
    yield from (f"kind   {name:28}{means}" for name, means in kinds(detectors).items())
    for cause in known_causes(detectors).values():
        yield f"cause  {cause.name:28}{cause.meaning}; remedy: {cause.remedy}"
