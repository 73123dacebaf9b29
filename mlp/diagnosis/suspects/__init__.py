"""Suspects: what may be to blame, and how much speaks for it.

Each suspect reads a history and yields how sure it is (0 … 1) and a cause with its reason and its remedy. What is
certain (all units alike, a gradient that is none) weighs most; settings far off the usual come next, the more the
farther; then signs that have several explanations. The numbers were tuned on one half of the zoo in
`benchmarks/diagnosis`, and measured on the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mlp.diagnosis.finding import Cause
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.suspects.gradient import GRADIENT
from mlp.diagnosis.suspects.pace import PACE
from mlp.diagnosis.suspects.rows import ROWS
from mlp.diagnosis.suspects.shape import SHAPE
from mlp.diagnosis.suspects.weights import WEIGHTS
from mlp.diagnosis.suspicion import Suspicion

CERTAIN = 0.85
"""From here on a suspicion is an alarm before the run has shown anything, until it shows that all is well."""

SUSPECTS: tuple[Callable[[Reading], Iterator[Suspicion]], ...] = (*GRADIENT, *ROWS, *WEIGHTS, *PACE, *SHAPE)


def suspicions(reading: Reading) -> list[Suspicion]:
    """All causes that anything speaks for, with their weights, the heaviest first."""
    return sorted((s for suspect in SUSPECTS for s in suspect(reading)), key=lambda s: -s.weight)


def ranked(reading: Reading) -> tuple[Cause, ...]:
    """The same without weights, each name once."""
    by_name: dict[str, Cause] = {}
    for suspicion in suspicions(reading):
        by_name.setdefault(suspicion.cause.name, suspicion.cause)
    return tuple(by_name.values())
