"""Causes: why a network does not learn, each once, with what speaks for it and what to do about it.

What is certain (all units alike, a gradient that is wrong) weighs most. Settings far off the usual come next, the more
the farther; then signs that have several explanations. The numbers stand in `thresholds`. To add a cause, write its
class and one line in the tuple of its module.
"""

from __future__ import annotations

from mlp.diagnosis.causes.known_cause import Changes as Changes
from mlp.diagnosis.causes.known_cause import Experiment as Experiment
from mlp.diagnosis.causes.known_cause import KnownCause as KnownCause
from mlp.diagnosis.causes.known_cause import Suspicion as Suspicion
from mlp.diagnosis.causes.layers import CAPACITY, SIGNAL
from mlp.diagnosis.causes.leaks import LEAKS
from mlp.diagnosis.causes.rows import ROWS
from mlp.diagnosis.causes.steps import STEPS
from mlp.diagnosis.causes.weights import WEIGHTS
from mlp.diagnosis.counterfactuals import PLACES, read_counterfactuals
from mlp.diagnosis.finding import Cause
from mlp.diagnosis.reading import Reading

CAUSES: dict[str, KnownCause] = {cause.name: cause for cause in (*SIGNAL, *ROWS, *LEAKS, *WEIGHTS, *STEPS, *CAPACITY)}
"""By name. Of two that weigh the same, the one that stands first is named first."""


def suspicions(r: Reading) -> list[Suspicion]:
    """All causes that anything speaks for, with their weights, the heaviest first."""
    table = (*CAUSES.values(), *r.own_causes)
    found = [s for cause in table for s in cause.signs(r) if is_advisable(r, s.cause)]
    return weigh_measured(r, sorted(found, key=lambda s: -s.weight))


def weigh_measured(r: Reading, found: list[Suspicion]) -> list[Suspicion]:
    """The suspicions of which short twins were trained say so; those whose remedy does nothing come after the others.

    Those of which none was trained keep their places. That a remedy helps more than another decides nothing: a higher
    rate helps many a run whose fault is elsewhere.
    """
    measured = read_counterfactuals(r)
    if measured is None:
        return found
    told = [s._replace(cause=measured.tell(s.cause)) for s in found]
    asked = measured.scores.keys() | (PLACES if measured.helps else set())
    places = [i for i, s in enumerate(told) if s.cause.name in asked]
    weights = [told[i].weight for i in places]
    own = sorted(
        (told[i] for i in places), key=lambda s: measured.is_idle(s.cause.name)
    )  # sorting keeps the order of equals
    for place, weight, suspicion in zip(places, weights, own, strict=True):
        told[place] = suspicion._replace(weight=weight)
    return told


def rank(r: Reading, *others: Cause) -> tuple[Cause, ...]:
    """The same without weights, each name once; then the other causes that may be to blame."""
    by_name: dict[str, Cause] = {}
    for cause in (*(suspicion.cause for suspicion in suspicions(r)), *others):
        if is_advisable(r, cause):
            by_name.setdefault(cause.name, cause)
    return tuple(by_name.values())


def is_advisable(r: Reading, cause: Cause) -> bool:
    """Whether the experiment has not had the remedy from the beginning."""
    known = next((own for own in r.own_causes if own.name == cause.name), CAUSES.get(cause.name))
    return known is None or cause.remedy != known.remedy or not known.is_in_force(r)
