"""The protocol: choose each rule's learning rate with some seeds, then run it with fresh ones.

    1. tuning      every learning rate, `tuning_seeds` seeds        → the rate whose median at the end is best
    2. comparison  that rate, `seeds` seeds that no rate was chosen with
    3. pace        one member alone, for seconds

What a rate is chosen by is the problem's `chosen_by`: a loss on training or validation data. The test part has no say.
This is where we leave DeepOBS (Schneider et al. 2019), which chooses on the test part and by one seed. Rules differ in
nothing but the learning rate; what else they have stays at its default unless the settings say otherwise.

All rules start from the same weights and meet the same batches for the same seed, so seeds are pairs for a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from mlp.bench.settings import FRESH, TUNING, Settings, at_edge
from mlp.bench.trial import pace, run
from mlp.problems import Problem, larger_is_better, needs_folder, problem_named
from mlp.sweep import Journal, Outcome, identity, sweep

Members = list[dict[str, Any]]


@dataclass
class Cell:
    """A rule on a problem. `error`: why it cannot be run there; then there is nothing else."""

    problem: Problem
    rule: str
    rates: list[float | None]
    tuning: Members = field(default_factory=list)
    members: Members = field(default_factory=list)
    seconds_per_update: float = np.nan
    error: str = ""

    @property
    def rate(self) -> float | None:
        """The learning rate whose median at the end of tuning is best; of equal ones the smallest."""
        if len(self.rates) == 1:
            return self.rates[0]
        medians = [self.tuned(rate) for rate in self.rates]
        return self.rates[int(np.argmin(medians))]

    @property
    def at_edge(self) -> bool:
        """Whether a better learning rate may lie outside of what was tried."""
        return at_edge(self.rate, self.rates)

    def tuned(self, rate: float | None) -> float:
        """What the rate is chosen by, less is better: the median over seeds; runs that diverged are worst."""
        name = self.problem.chosen_by
        ends = [member["final"][name] for member in self.tuning if member["rate"] == rate]
        sign = -1.0 if larger_is_better(name) else 1.0
        return float(np.median([np.inf if end is None else sign * end for end in ends])) if ends else np.inf


Comparison = dict[tuple[str, str], Cell]
"""Cells by the names of problem and rule."""


class Progress(NamedTuple):
    """How far a comparison is."""

    done: int
    total: int
    outcome: Outcome


def n_trials(wanted: Settings) -> int:
    """How many trials the settings come to."""
    tuned = sum(len(wanted.learning_rates(rule)) > 1 for rule in wanted.optimizers)
    tuning = tuned * len(wanted.seeds_of(TUNING, wanted.tuning_seeds))
    fresh = len(wanted.optimizers) * (len(wanted.seeds_of(FRESH, wanted.seeds)) + 1)
    return len(wanted.problems) * (tuning + fresh)


def compare(
    wanted: Settings, into: Comparison, executor: Executor | None = None, journal: Journal | None = None
) -> Iterator[Progress]:
    """Carry out what is wanted, write it `into` a comparison; yield after every trial. Goes on where `journal` ends."""
    folder = wanted.data or None
    for name, rule in product(wanted.problems, wanted.optimizers):
        into[name, rule] = Cell(problem_named(name, folder), rule, wanted.learning_rates(rule))
    done, total = 0, n_trials(wanted)
    for phase in (_tuning, _fresh, _pace):
        handed_out = [(cell, trial) for cell in into.values() for trial in phase(wanted, cell)]
        results = {}
        for outcome in sweep([trial for _, trial in handed_out], carried_out, executor, journal):
            results[identity(outcome.trial)] = outcome.result
            done += 1
            yield Progress(done, total, outcome)
        for cell, trial in handed_out:  # in the order of the trials, whoever was first
            _write(cell, phase, results[identity(trial)])


def carried_out(trial: Mapping[str, Any]) -> dict[str, Any]:
    """What a trial of any kind comes to."""
    return pace(trial) if trial["kind"] == "pace" else run(trial)


def _tuning(wanted: Settings, cell: Cell) -> Iterator[dict[str, Any]]:
    """Every learning rate, if there are several."""
    if len(cell.rates) > 1:
        for seeds in wanted.seeds_of(TUNING, wanted.tuning_seeds):
            yield _trial("tuning", wanted, cell, cell.rates, seeds)


def _fresh(wanted: Settings, cell: Cell) -> Iterator[dict[str, Any]]:
    """The chosen learning rate, with seeds it was not chosen with."""
    for seeds in wanted.seeds_of(FRESH, wanted.seeds):
        yield _trial("fresh", wanted, cell, [cell.rate], seeds)


def _pace(wanted: Settings, cell: Cell) -> Iterator[dict[str, Any]]:
    """The same, against the clock."""
    yield _trial("pace", wanted, cell, [cell.rate], wanted.seeds_of(FRESH, 1)[0])


def _trial(
    kind: str, wanted: Settings, cell: Cell, rates: Sequence[float | None], seeds: Sequence[int]
) -> dict[str, Any]:
    name = cell.problem.name
    return {
        "kind": kind,
        "problem": name,
        "rule": cell.rule,
        "keys": wanted.keys(cell.rule),
        "rates": list(rates),
        "seeds": list(seeds),
        "order": seeds[0],
        "epochs": wanted.epochs or cell.problem.epochs,
        "data": wanted.data if needs_folder(name) and wanted.data else None,
    }


def _write(cell: Cell, phase: Any, result: Mapping[str, Any]) -> None:
    """Enter what a trial came to."""
    cell.error = cell.error or result.get("error", "")
    if phase is _pace:
        cell.seconds_per_update = result.get("seconds_per_update", np.nan)
    else:
        (cell.tuning if phase is _tuning else cell.members).extend(result.get("members", []))
