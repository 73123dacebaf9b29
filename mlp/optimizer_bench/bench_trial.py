"""One trial of a bench: a rule at several learning rates on a problem, from several seeds.

The members of a trial train as one population where the rule moves several vectors at once, with their learning rates
as an array (R, 1). Rules that search refuse populations, and train one member after another. In both cases every member
starts where it would start in a training of its own, and meets the same batches.

A trial and its result are plain values that JSON can hold: they travel to other machines and wait on disk. NaN and
infinity become None.
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
from mlp.errors import MLPError
from mlp.optimizer_bench.own_parts import OwnParts
from mlp.optimizer_bench.setting import Length, apply_setting, apply_settings, group_settings, learning_rate_of
from mlp.optimizers import Optimizer
from mlp.problems import DIVERGED, Descent, Obstacle, Problem, larger_is_better, takes_populations

TIMED = 100  # updates that are timed
POINTS = 25  # of a curve that are kept


def run_bench_trial(own: OwnParts, trial: Mapping[str, Any]) -> dict[str, Any]:
    """Run a trial: {"members": […]}, one entry for each rate and seed; {"error": why} where the rule cannot run.

    `trial`: "problem" and "rule" by name, the rule's own "keys", "seeds", "rates" (None: the rule's own; a dict where
    more than the rate is tuned), "order" of the batches, "epochs", and the folder of the "data" or None. Its "kind" is
    "tuning", "fresh" or "pace", which gives {"seconds_per_update": …}.
    """
    rule = own.make_rule(trial["rule"], trial["keys"])
    problem = replace(own.find_problem(trial["problem"], trial["data"]), epochs=trial["epochs"])
    single = problem.begin(trial["seeds"][0], trial["order"], rule.full_batch)
    try:
        if trial["kind"] == "pace":
            length = measure_length(problem, rule)
            return {"seconds_per_update": time_updates(single, apply_setting(rule, trial["rates"][0], length))}
        pairs = [(rate, seed) for rate in trial["rates"] for seed in trial["seeds"]]
        found: list[dict[str, Any]] = [{}] * len(pairs)
        for places in _populations(problem, rule, [rate for rate, _ in pairs], single.params):
            rates, seeds = zip(*(pairs[place] for place in places), strict=True)
            trained = train_members(problem, rule, rates, seeds, trial["order"], trial["kind"] == "fresh")
            for place, one in zip(places, trained, strict=True):
                found[place] = one
    except MLPError as error:  # a rule that asks the problem for what it does not have: Jacobians, curvature
        return {"error": " ".join(str(error).split())}
    return {"members": [{"rate": rate, "seed": seed, **one} for (rate, seed), one in zip(pairs, found, strict=True)]}


def _populations(problem: Problem, rule: Optimizer, settings: Sequence[Any], params: Array) -> Iterator[list[int]]:
    """Which members train in one pass, by their places."""
    size = problem.members if takes_populations(rule, params) else 1
    groups = group_settings(rule, settings, measure_length(problem, rule)) if size > 1 else [[*range(len(settings))]]
    for group in groups:
        yield from (group[first : first + size] for first in range(0, len(group), size))


def measure_length(problem: Problem, rule: Optimizer) -> Length:
    """How many updates a training of the problem has at most."""
    per_epoch = 1 if rule.full_batch else problem.per_epoch
    return Length(problem.epochs * per_epoch, per_epoch)


def time_updates(descent: Descent, rule: Optimizer) -> float:
    """Seconds for one update, the median of `TIMED`; nothing else is measured meanwhile.

    A rule whose matrix cannot be factorised any more is timed until then.
    """
    marks = [time.perf_counter()]
    with np.errstate(all="ignore"), suppress(np.linalg.LinAlgError):
        for _ in islice(descent.steps(rule), TIMED):
            marks.append(time.perf_counter())
    return float(np.median(np.diff(marks))) if len(marks) > 1 else 0.0


def train_members(
    problem: Problem, rule: Optimizer, rates: Sequence[Any], seeds: Sequence[int], order: int, located: bool = True
) -> list[dict[str, Any]]:
    """Train one member for each pair of rate and seed, in one pass; return what is known of each.

    A single member is a single vector, which every rule takes. Rates of None stand for the rule's own. A member whose
    matrices cannot be factorised any more has diverged; the other members do not suffer from it. `located`: of an
    obstacle, whether it is said where members stand that did not get past it.
    """
    log = MemberLog(problem, len(seeds), rule.full_batch)
    try:
        descent = _train_all(log, problem, rule, rates, seeds, order)
        if located and isinstance(problem, Obstacle):
            with np.errstate(all="ignore"):
                log.locate(descent, rates)
    except np.linalg.LinAlgError:
        if len(seeds) > 1:
            pairs = zip(rates, seeds, strict=True)
            return [train_members(problem, rule, [rate], [seed], order, located)[0] for rate, seed in pairs]
        log.mark_diverged()
    return log.to_json()


def _train_all(
    log: MemberLog, problem: Problem, rule: Optimizer, rates: Sequence[Any], seeds: Sequence[int], order: int
) -> Descent:
    """Train until all members have stopped; write what is measured into `log`. Return where they are."""
    descent = problem.begin(seeds[0] if len(seeds) == 1 else seeds, order, rule.full_batch)
    length = measure_length(problem, rule)
    many = descent.params.ndim > 1
    rule = apply_settings(rule, rates, length, descent.params.dtype) if many else apply_setting(rule, rates[0], length)
    with np.errstate(all="ignore"):  # the numbers of members that diverge say so
        log.record(0, 0, descent.measure(descent.params))
        for t, update in enumerate(descent.steps(rule), 1):
            log.add_loss(update.loss)
            spent = getattr(update.state, "evaluations", t)
            if log.is_due(t, spent):
                answer = getattr(update.state, "average", descent.params)  # some rules answer with an average
                log.record(t, spent, descent.measure(answer))
            if log.is_over(t, spent):
                break
    return descent


class MemberLog:
    """What is measured of `n` members of a population on their way through a problem.

    A member stops when the problem's stopping rule says so, when its numbers are NaN or infinite, or after the last
    epoch. What is measured of it afterwards does not count.
    """

    def __init__(self, problem: Problem, n: int, full_batch: bool) -> None:
        per_epoch = 1 if full_batch else problem.per_epoch
        self._problem = problem
        self._every, self._last = problem.every * per_epoch, problem.epochs * per_epoch
        self._judge = problem.stop.begin(n) if problem.stop else None
        self._losses: list[Array] = []
        self._moments: list[tuple[int, int, dict[str, Array]]] = []  # updates, gradients, measures
        self._running, self._best_value = np.ones(n, bool), np.full(n, np.nan)
        self._places: list[dict[str, str] | None] = [None] * n
        self._final, self._best, self._reached = (np.full(n, -1) for _ in range(3))  # moments by number; -1: never

    def add_loss(self, loss: Any) -> None:
        """Keep the loss of an update for the stopping rule, if there is one."""
        if self._judge:
            self._losses.append(np.array(loss, float, ndmin=1))

    def is_due(self, t: int, spent: int) -> bool:
        """Whether update t is to be measured."""
        return t % self._every == 0 or self._is_last(t, spent)

    def is_over(self, t: int, spent: int) -> bool:
        """Whether no member goes on after update t, which took `spent` gradients until now."""
        return self._is_last(t, spent) or not self._running.any()

    def _is_last(self, t: int, spent: int) -> bool:
        budget = self._problem.budget
        return t == self._last or bool(budget and spent >= budget)

    def locate(self, descent: Any, rates: Sequence[Any]) -> None:
        """Ask where the members stand that did not get past an obstacle."""
        for i in np.flatnonzero(self._reached < 0).tolist():
            index = i if descent.params.ndim > 1 else None
            self._places[i] = descent.locate(index, learning_rate_of(rates[i]))._asdict()

    def record(self, t: int, gradients: int, measures: Mapping[str, Array]) -> None:
        """Write down what was measured after update t, which took so many gradients until now."""
        seen = {name: np.atleast_1d(values).astype(float) for name, values in measures.items()}
        chosen, before, now = seen[self._problem.chosen_by], self._best_value, len(self._moments)
        self._moments.append((t, gradients, seen))
        self._final[self._running] = now
        better = chosen > before if larger_is_better(self._problem.chosen_by) else chosen < before
        better = self._running & (better | (now == 0))
        self._best[better], before[better] = now, chosen[better]
        self._reached[self._running & (self._reached < 0) & self._problem.target.met(seen)] = now
        self._running &= np.isfinite(chosen)
        if self._losses and self._judge:
            self._running &= ~self._judge(np.array(self._losses), seen)
            self._losses.clear()

    def mark_diverged(self) -> None:
        """Stop every member that is still running. Its final numbers are NaN."""
        t, gradients, seen = self._moments[-1]
        self.record(t, gradients, {name: np.full_like(values, np.nan) for name, values in seen.items()})
        if isinstance(self._problem, Obstacle):
            self._places = [None if reached >= 0 else DIVERGED._asdict() for reached in self._reached]

    def to_json(self) -> list[dict[str, Any]]:
        """The log in plain values, one entry for each member."""
        kinds = {"final": self._final, "best": self._best, "reached": self._reached}
        return [
            {**{kind: self._moment(moments[i], i) for kind, moments in kinds.items()}, "curve": self._curve(i)}
            | ({"place": place} if (place := self._places[i]) else {})
            for i in range(len(self._final))
        ]

    def _moment(self, number: int, i: int) -> dict[str, Any] | None:
        """What was measured of a member at a moment; None where it never came."""
        if number < 0:
            return None
        t, gradients, seen = self._moments[number]
        return {"step": t, "gradients": gradients} | {name: _to_json(values[i]) for name, values in seen.items()}

    def _curve(self, i: int) -> dict[str, list[Any]]:
        """Score and what rates are chosen by, at up to `POINTS` moments until the member stopped."""
        picked = [self._moments[k] for k in sorted(set(np.linspace(0, self._final[i], POINTS).astype(int)))]
        names = sorted({self._problem.score, self._problem.chosen_by})
        curves = {name: [_to_json(seen[name][i]) for _, _, seen in picked] for name in names}
        return {"step": [t for t, _, _ in picked]} | curves


def _to_json(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
