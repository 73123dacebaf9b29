"""One trial: a rule at several learning rates on a problem, from several seeds.

Members of a trial train as one population where the rule moves several vectors at once, with their learning rates as an
array (R, 1); rules that search, and refuse populations, train one member after another. Either way every member starts
where it would start alone and meets the batches that it would meet alone.

A trial and what it comes to are plain values that JSON can hold: they travel to other machines and wait on disk.
Numbers that are none become None.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.bench.watch import Watch
from mlp.errors import MLPError
from mlp.optimizers import OPTIMIZERS, Optimizer
from mlp.problems import Problem, problem_named, takes_populations

TIMED = 100  # updates that are timed


def run(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out a trial: {"members": [...]}, one entry for each rate and seed; {"error": why} for what cannot be.

    `trial`: "problem" and "rule" by name, the rule's own "keys", "rates" ([None] for a rule without one), "seeds",
    "order" of the batches, "epochs", and the folder of the "data" or None.
    """
    problem, rule = _parts(trial)
    members = [(rate, seed) for rate in trial["rates"] for seed in trial["seeds"]]
    alone = problem.begin(members[0][1], trial["order"], full_batch(rule))
    size = problem.members if takes_populations(rule, alone.params) else 1
    try:
        return {"members": list(_members(problem, rule, members, trial["order"], size))}
    except MLPError as error:  # a rule that asks the problem for what it has not: Jacobians, curvature
        return {"error": " ".join(str(error).split())}


def pace(trial: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds for an update of one member alone, the median of `TIMED`; nothing else is measured meanwhile."""
    problem, rule = _parts(trial)
    marks = [time.perf_counter()]
    try:
        with np.errstate(all="ignore"):
            course = problem.begin(trial["seeds"][0], trial["order"], full_batch(rule))
            for _ in islice(course.steps(course.fitted(_at(rule, trial["rates"][0]))), TIMED):
                marks.append(time.perf_counter())
    except MLPError as error:
        return {"error": " ".join(str(error).split())}
    return {"seconds_per_update": float(np.median(np.diff(marks)))}


def _parts(trial: Mapping[str, Any]) -> tuple[Problem, Optimizer]:
    problem = replace(problem_named(trial["problem"], trial["data"]), epochs=trial["epochs"])
    return problem, OPTIMIZERS[trial["rule"]](**trial["keys"])


def full_batch(rule: Optimizer) -> bool:
    """Whether the rule compares one step with the next, and so needs the same rows in both."""
    return bool(getattr(rule, "full_batch", False))


def _at(rule: Optimizer, rate: Any) -> Optimizer:
    """The rule with another learning rate: a number, or an array with one for each member."""
    return rule if rate is None else replace(rule, learning_rate=rate)  # type: ignore[type-var]  # a dataclass


def _members(
    problem: Problem, rule: Optimizer, members: Sequence[tuple[Any, int]], order: int, size: int
) -> Iterator[dict[str, Any]]:
    """What each member came to, `size` at a time."""
    for first in range(0, len(members), size):
        some = members[first : first + size]
        try:
            found = trained(problem, rule, [rate for rate, _ in some], [seed for _, seed in some], order).members()
        except np.linalg.LinAlgError:  # of a member that diverged: the others shall not suffer from it
            found = [one for rate, seed in some for one in _until_it_breaks(problem, rule, rate, seed, order)]
        yield from ({"rate": rate, "seed": seed, **one} for (rate, seed), one in zip(some, found, strict=True))


def _until_it_breaks(problem: Problem, rule: Optimizer, rate: Any, seed: int, order: int) -> list[dict[str, Any]]:
    """A member alone; one whose matrices cannot be taken apart any more has diverged."""
    watch = Watch(problem, 1, full_batch(rule))
    with suppress(np.linalg.LinAlgError):
        return trained(problem, rule, [rate], [seed], order, watch).members()
    watch.diverged()
    return watch.members()


def trained(
    problem: Problem,
    rule: Optimizer,
    rates: Sequence[Any],
    seeds: Sequence[int],
    order: int,
    watch: Watch | None = None,
) -> Watch:
    """Train one member for each pair of rate and seed, in one pass; return what was seen.

    A single member is a single vector, which every rule takes. Rates of None: the rule's own.
    """
    course = problem.begin(seeds[0] if len(seeds) == 1 else seeds, order, full_batch(rule))
    watch = watch or Watch(problem, len(seeds), full_batch(rule))
    with np.errstate(all="ignore"):  # members that diverge do so without a word: their numbers say it
        watch.note(0, 0, course.measure(course.params))
        for t, made in enumerate(course.steps(course.fitted(_at(rule, _column(rates, course.params)))), 1):
            watch.met(made.loss)
            if watch.due(t):
                answer = getattr(made.state, "average", course.params)  # of rules whose answer is a mean of places
                watch.note(t, getattr(made.state, "evaluations", t), course.measure(answer))
            if watch.ended(t):
                break
    return watch


def _column(rates: Sequence[Any], params: Array) -> Any:
    """Learning rates as a rule takes them: (R, 1) for a population, in its dtype."""
    if rates[0] is None or params.ndim == 1:
        return rates[0]
    return np.array(rates, params.dtype)[:, None]
