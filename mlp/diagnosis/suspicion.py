"""A suspicion: a cause, and how much speaks for it."""

from __future__ import annotations

from math import log10
from typing import NamedTuple

from mlp.diagnosis.finding import Cause


class Suspicion(NamedTuple):
    """How sure (0 … 1), and of what."""

    weight: float
    cause: Cause


def suspect(weight: float, name: str, why: str, remedy: str) -> Suspicion:
    """A cause with its weight, its reason and its remedy. What is no number weighs nothing."""
    return Suspicion(min(1.0, max(0.0, weight)), Cause(name, why, remedy))


def between(value: float, low: float, high: float) -> float:
    """How far a ratio has gone from `low` (0) to `high` (1), in steps of its logarithm.

    >>> between(10.0, 1.0, 100.0), between(0.1, 1.0, 100.0), between(1e9, 1.0, 100.0)
    (0.5, 0.0, 1.0)
    """
    if not value > 0:
        return 0.0
    return min(1.0, max(0.0, (log10(value) - log10(low)) / (log10(high) - log10(low))))
