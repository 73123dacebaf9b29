"""The protocol: choose each rule's learning rate with some seeds, then run it with fresh seeds.

    1. tuning      every learning rate, `tuning_seeds` seeds        → the rate whose median at the end is best
    2. fresh runs  that rate, `seeds` seeds that no rate was chosen with
    3. pace        one member alone, for the seconds of an update

A rate is chosen by the problem's `chosen_by`: a loss on training or validation data. The test part has no say. Here we
deviate from DeepOBS (Schneider et al. 2019), which chooses by the test part and by one seed. Rules are tuned in nothing
but the learning rate; everything else keeps its default unless the settings say otherwise.

All rules start from the same weights and meet the same batches for the same seed, so seeds are pairs for a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from mlp.optimizer_bench.bench_settings import FRESH, TUNING, BenchSettings
from mlp.optimizer_bench.bench_trial import run_bench_trial
from mlp.optimizer_bench.own_parts import OwnParts, receive, send
from mlp.problems import Problem, larger_is_better, needs_folder
from mlp.sweep import Journal, Outcome, Serial, identity, sweep


@dataclass
class Cell:
    """A rule on a problem. `error` says why it cannot run there; then there is nothing else.

    `tuning` and `members`: what is known of each run of the tuning and of each fresh run.
    """

    problem: Problem
    rule: str
    rates: list[float | None]
    tuning: list[dict[str, Any]] = field(default_factory=list)
    members: list[dict[str, Any]] = field(default_factory=list)
    seconds_per_update: float = np.nan
    error: str = ""

    @property
    def rate(self) -> float | None:
        """The learning rate whose median at the end of tuning is best; of equal ones the smallest."""
        if len(self.rates) == 1:
            return self.rates[0]
        return self.rates[int(np.argmin([self.tuning_median(rate) for rate in self.rates]))]

    @property
    def at_edge(self) -> bool:
        """Whether the best rate is the smallest or largest that was tried: a better one may lie outside."""
        return len(self.rates) > 2 and self.rate in (self.rates[0], self.rates[-1])

    def tuning_median(self, rate: float | None) -> float:
        """What the rate is chosen by, less is better: the median over seeds. Runs that diverged are worst."""
        ends = compare_ends([member for member in self.tuning if member["rate"] == rate], self.problem.chosen_by)
        return float(np.median(ends)) if ends else np.inf

    def add(self, kind: str, result: Mapping[str, Any]) -> None:
        """Enter the result of a trial."""
        self.error = self.error or result.get("error", "")
        if kind == "pace":
            self.seconds_per_update = result.get("seconds_per_update", np.nan)
        else:
            (self.tuning if kind == "tuning" else self.members).extend(result.get("members", []))


def compare_ends(members: Sequence[Mapping[str, Any]], measure: str) -> list[float]:
    """A measure at the end of each run, turned so that less is better; infinite where a run diverged."""
    sign = -1.0 if larger_is_better(measure) else 1.0
    return [np.inf if (end := member["final"][measure]) is None else sign * end for member in members]


Cells = dict[tuple[str, str], Cell]
"""By the names of problem and rule."""


class BenchProgress(NamedTuple):
    """How far a bench is."""

    done: int
    total: int
    outcome: Outcome


def n_trials(settings: BenchSettings) -> int:
    """How many trials the settings need."""
    tuned = sum(len(settings.learning_rates(rule)) > 1 for rule in settings.optimizers)
    tuning = tuned * len(settings.seeds_of(TUNING, settings.tuning_seeds))
    fresh = len(settings.optimizers) * (len(settings.seeds_of(FRESH, settings.seeds)) + 1)
    return len(settings.problems) * (tuning + fresh)


def run_protocol(
    settings: BenchSettings, cells: Cells, executor: Executor | None = None, journal: Journal | None = None
) -> Iterator[BenchProgress]:
    """Run all trials and fill `cells`; yield after every trial. Trials of the `journal` are not run again."""
    run = _runner(settings.own_parts, executor or Serial())
    for name, rule in product(settings.problems, settings.optimizers):
        problem = settings.own_parts.find_problem(name, settings.data or None)
        cells[name, rule] = Cell(problem, rule, settings.learning_rates(rule))
    done, total = 0, n_trials(settings)
    for kind in ("tuning", "fresh", "pace"):
        pairs = [
            (cell, trial) for cell in cells.values() for trial in _trials(kind, settings, cell, journal is not None)
        ]
        results = {}
        for outcome in sweep([trial for _, trial in pairs], run, executor, journal):
            results[identity(outcome.trial)] = outcome.result
            done += 1
            yield BenchProgress(done, total, outcome)
        for cell, trial in pairs:  # in the order of the trials, whichever was first
            cell.add(kind, results[identity(trial)])


def _runner(own: OwnParts, executor: Executor) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What runs a trial, in this process or in another."""
    if isinstance(executor, Serial | ThreadPoolExecutor):
        return partial(run_bench_trial, own)
    return partial(run_sent_trial, send(own, executor))


def run_sent_trial(sent: bytes, trial: Mapping[str, Any]) -> dict[str, Any]:
    """Run a trial on a worker, with the parts that were sent to it."""
    return run_bench_trial(receive(sent), trial)


def _trials(kind: str, settings: BenchSettings, cell: Cell, kept: bool) -> Iterator[dict[str, Any]]:
    """The trials of a cell: every learning rate if there are several; the chosen one with fresh seeds; against time.

    A trial that is `kept` in a journal says which version of one's own parts it is about.
    """
    if kind == "tuning":
        rates, blocks = cell.rates, settings.seeds_of(TUNING, settings.tuning_seeds) if len(cell.rates) > 1 else []
    else:
        rates, blocks = [cell.rate], settings.seeds_of(FRESH, settings.seeds if kind == "fresh" else 1)
    name = cell.problem.name
    own = settings.own_parts.fingerprints(cell.rule, name) if kept else {}
    for seeds in blocks:
        yield {
            "kind": kind,
            "problem": name,
            "rule": cell.rule,
            "keys": settings.keys(cell.rule),
            "rates": list(rates),
            "seeds": seeds,
            "order": seeds[0],
            "epochs": settings.epochs or cell.problem.epochs,
            "data": settings.data if needs_folder(name) and settings.data else None,
        } | ({"own": own} if own else {})
