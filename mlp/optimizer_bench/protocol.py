"""The protocol: choose each rule's learning rate with some seeds, then run it with fresh seeds.

    1. tuning      every learning rate, `tuning_seeds` seeds        → the rate whose median at the end is best
    2. fresh runs  that rate, `seeds` seeds that no rate was chosen with
    3. pace        one member alone, for the seconds of an update

A rate is chosen by the problem's `chosen_by`: a loss on training or validation data. The test part has no say. Here we
deviate from DeepOBS (Schneider et al. 2019), which chooses by the test part and by one seed. Rules are tuned in nothing
but the learning rate; everything else keeps its default unless the settings say otherwise ([tune.NAME]).

All rules start from the same weights and meet the same batches for the same seed, so seeds are pairs for a test.

The folder of a bench holds what was asked for, what is finished, and what came of it:

    bench.toml      the settings, resolved: what to go on with     results.csv      every fresh run
    trials.jsonl    every finished trial, in the order of finish   sensitivity.csv  every learning rate that was tried
    summary.csv     every number of the tables                     profile.csv      Dolan and Moré's profiles
    times.csv       those that depend on the clock                 *.png            plots, with the extra "plot"
    obstacles.csv   rules and obstacles, where there are any       budgets.csv      what so many trials are worth
    report.html     all of it as a page

Settings may change between two runs in the same folder: trials that are the same in both are not run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlp.config import read_toml, to_toml
from mlp.config.schema import parse_section
from mlp.errors import DataError, FileFormatError, MLPError, in_one_line
from mlp.experiment.run_place import holds_run, new_folders
from mlp.optimizer_bench.bench_settings import FRESH, TUNING, BenchSettings
from mlp.optimizer_bench.bench_trial import run_bench_trial
from mlp.optimizer_bench.own_parts import receive, runs_in_process, send
from mlp.optimizer_bench.setting import Setting
from mlp.optimizer_bench.tuning import plan_rungs
from mlp.problems import Problem, larger_is_better, needs_folder
from mlp.storage import lock, schema
from mlp.storage.atomic import make_folder, writing_itself
from mlp.storage.marks import first_line, is_picture_of_ours
from mlp.storage.permission import Permission, status
from mlp.sweep import Journal, Outcome, Serial, identity, sweep

FILES = (
    "bench.toml", "trials.jsonl", "summary.csv", "times.csv", "results.csv", "sensitivity.csv", "profile.csv",
    "obstacles.csv", "budgets.csv", "curves-*.png", "sensitivity-*.png", "profile.png", "report.html",
)  # fmt: skip
"""What a bench writes."""
SUMMARY_HEAD = ("problem", "rule", "learning_rate", "n", "quantity", "value", "low", "high", "coverage")
"""Of summary.csv: by it a folder of results is known."""


@dataclass
class Cell:
    """A rule on a problem. `error` says why it cannot run there; then there is nothing else.

    `tuning` and `members`: what is known of each run of the tuning and of each fresh run. `codes`: which version of
    one's own rule and problem the trials on disk are about. `own`: what the rule has if nobody tunes it. `chosen`:
    whether somebody has said what its numbers are to be. `halved`: `rates` are those that were left at the end.
    `n_tried` and `ends`: how many there were in the beginning, and the first and the last of them; `spent`: gradients
    and updates of the rungs that are over.
    """

    problem: Problem
    rule: str
    rates: list[Setting]
    codes: dict[str, str] = field(default_factory=dict)
    own: Setting = None
    chosen: bool = False
    tuning: list[dict[str, Any]] = field(default_factory=list)
    members: list[dict[str, Any]] = field(default_factory=list)
    seconds_per_update: float = np.nan
    error: str = ""
    halved: bool = False
    n_tried: int = 0
    ends: list[Setting] = field(default_factory=list)
    spent: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.n_tried = self.n_tried or len(self.rates)
        self.ends = self.rates[:1] + self.rates[-1:]

    @property
    def tuned(self) -> bool:
        """Whether anything was chosen for the rule. One that nobody tuned is never called worse."""
        return self.n_tried > 1 or self.chosen

    @property
    def tuning_cost(self) -> tuple[int, int]:
        """Gradients and updates of the whole tuning."""
        ends = [member["final"] for member in self.tuning]
        costs = [*self.spent, *((end["gradients"], end["step"]) for end in ends)]
        return sum(gradients for gradients, _ in costs), sum(updates for _, updates in costs)

    @property
    def rate(self) -> Setting:
        """The learning rate whose median at the end of tuning is best; of equal ones the smallest.

        Of an obstacle the one that gets most starts past it, then the one that needs the fewest gradients.
        """
        if len(self.rates) == 1:
            return self.rates[0]
        return min(self.rates, key=self._judge_rate)

    def _judge_rate(self, rate: Setting) -> tuple[float, ...]:
        """What the rate is chosen by, less is better."""
        if not self.problem.by_target:
            return (self.tuning_median(rate),)
        needed = self.tuning_gradients(rate)
        missed = sum(map(np.isinf, needed))
        return (missed, float(np.median(needed)) if needed else np.inf, self.tuning_median(rate))

    def tuning_gradients(self, rate: Setting) -> list[float]:
        """Gradients that each run of the tuning needed at this rate; infinite where it never reached the target."""
        runs = [member["reached"] for member in self.tuning if member["rate"] == rate]
        return [np.inf if reached is None else float(reached["gradients"]) for reached in runs]

    def keep_best(self, n: int) -> None:
        """Go on with the best `n` of the rates that were tried, and forget how the earlier rung went."""
        if n < len(self.rates):
            best = sorted(self.rates, key=self._judge_rate)[:n]
            self.spent = [self.tuning_cost]
            self.rates, self.tuning, self.halved = [rate for rate in self.rates if rate in best], [], True

    @property
    def at_edge(self) -> bool:
        """Whether the best rate is the smallest or largest that was tried: a better one may lie outside."""
        return self.n_tried > 2 and not isinstance(self.rate, dict) and self.rate in self.ends

    def tuning_median(self, rate: Setting) -> float:
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
    counts = [len(settings.settings(rule)) for rule in settings.optimizers]
    tuned = sum(len(plan_rungs(n, 1, settings.search == "halving")) for n in counts if n > 1)
    tuning = tuned * len(settings.seeds_of(TUNING, settings.tuning_seeds))
    fresh = len(settings.optimizers) * len(settings.seeds_of(FRESH, settings.seeds))
    return len(settings.problems) * (tuning + fresh + len(settings.optimizers))


def run_protocol(
    settings: BenchSettings, cells: Cells, executor: Executor | None = None, folder: Path | None = None
) -> Iterator[BenchProgress]:
    """Run all trials and fill `cells`; yield after every trial. Trials that `folder` has are not run again."""
    own, executor = settings.own_parts, executor or Serial()
    run = partial(run_bench_trial, own) if runs_in_process(executor) else partial(run_sent_trial, send(own, executor))
    for name, rule in product(settings.problems, settings.optimizers):
        codes = own.hash_parts(rule, name) if folder else {}
        problem = settings.find_problem(name)
        tried, own_setting, chosen = settings.settings(rule), settings.own_setting(rule), settings.is_chosen(rule)
        cells[name, rule] = Cell(problem, rule, tried, codes, own_setting, chosen)
    done, total = 0, n_trials(settings)
    with open_folder(folder, settings) if folder else nullcontext() as journal:
        for kind, rung in _order_stages(settings):
            pairs = [(cell, trial) for cell in cells.values() for trial in _plan_trials(kind, rung, settings, cell)]
            results = {}
            for outcome in sweep([trial for _, trial in pairs], run, executor, journal):
                if outcome.recalled:
                    check_result(settings.find_problem(outcome.trial["problem"]), *outcome[:2], journal)
                results[identity(outcome.trial)] = outcome.result
                done += 1
                yield BenchProgress(done, total, outcome)
            for cell, trial in pairs:  # in the order of the trials, whichever was first
                cell.add(kind, results[identity(trial)])


def check_result(problem: Problem, trial: Mapping[str, Any], result: Any, journal: Journal | None) -> None:
    """Refuse a result in a journal that this trial cannot give: somebody has edited the file."""
    try:
        schema.check(result, schema.RESULT, "result")
        if "error" not in result and trial["kind"] == "pace":
            schema.check(result, schema.table(seconds_per_update=schema.NUMBER), "result")
        elif "error" not in result:
            _check_members(problem, trial, result.get("members", []))
    except FileFormatError as error:
        where, name = "the journal" if journal is None else journal.path, in_one_line(identity(trial))
        raise DataError(f"{where}: {error}, in the trial {name}. Delete this line, and the trial runs again.") from None


def _check_members(problem: Problem, trial: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> None:
    """Refuse members that are not those of the trial, or were not measured as this problem measures."""
    pairs = [(rate, seed) for rate in trial["rates"] for seed in trial["seeds"]]
    if [(member["rate"], member["seed"]) for member in members] != pairs:
        raise FileFormatError("result.members have other rates and seeds")
    needed, measures = {"step", "gradients", problem.score, problem.chosen_by}, members[0]["final"].keys()
    for member in members:
        moments = [moment for moment in (member["final"], member["best"], member["reached"]) if moment is not None]
        times = [moment.get(name) for moment in moments for name in ("step", "gradients")]
        curve = member["curve"]
        drawn = [len(curve.get(name, ())) for name in ("step", problem.score, problem.chosen_by)]
        if any(moment.keys() != measures for moment in moments) or not needed <= measures or None in times:
            raise FileFormatError("result.members were measured in another way")
        if not drawn[0] or len(set(drawn)) > 1 or not _is_ascending(curve["step"]):
            raise FileFormatError("result.members have curves whose numbers do not belong together")


def _is_ascending(steps: Sequence[Any]) -> bool:
    """Whether these are steps of a training: whole numbers, none less than the one before."""
    return all(schema.is_count(step) for step in steps) and all(before <= after for before, after in pairwise(steps))


def check_folder(folder: Path, settings: BenchSettings, permission: Permission) -> None:
    """Refuse a folder in which what is read would be written, or files that are none of a bench.

    Where a bench has begun it goes on, also with its own settings: they are read, and stay as they are.
    """
    if status(folder) is not None and not folder.is_dir():
        raise DataError(f"{folder} is a file. Give a folder that is new, or one to go on in.")
    there = [path for name in FILES for path in folder.glob(name)]
    for path in (folder, *there):
        if path.name != "bench.toml" or not _holds(path, settings):
            permission.check_unread(path)
    if there and not (permission.force or folder / "trials.jsonl" in there):
        raise DataError(f"{there[0]} is there already. Give another folder, or --force to replace it.")
    if holds_run(folder):
        raise DataError(f"{folder} holds a run. Give a folder that is new, or one to go on in.")


def _holds(path: Path, settings: BenchSettings) -> bool:
    """Whether a file has these settings, however it is written."""
    try:
        there = read_toml(path)
        found = parse_section(BenchSettings, there.get("bench", {}), str(path))
    except MLPError:
        return False
    found = replace(found, tables=there.get("optimizers", {}), tune=there.get("tune", {}))
    return bool(found.to_dict() == settings.to_dict())


@contextmanager
def reserve(folder: Path | None, settings: BenchSettings, permission: Permission) -> Iterator[Path]:
    """Have the folder of a bench there, for this process alone; without one the first of runs/bench-1, -2, ...

    DataError where it may not be written to (see `check_folder`), and where another process has it.
    """
    if folder is not None:
        check_folder(folder, settings, permission)
    with lock.holding_new(new_folders("bench")) if folder is None else lock.holding(folder) as place:
        check_folder(place, settings, permission)
        yield place


def reserve_results(folder: Path) -> AbstractContextManager[Path]:
    """Have a folder there for results that somebody saves by hand, for this process alone.

    DataError where files of others have their names.
    """
    return lock.holding_checked(folder, _check_results)


def _check_results(folder: Path) -> None:
    """Refuse a folder in which a file of a bench's name is not of a bench."""
    if status(folder) is not None and not folder.is_dir():
        raise DataError(f"{folder} is a file. Give the path of a folder.")
    there = [path for name in FILES for path in folder.glob(name)]
    is_ours = first_line(folder / "summary.csv") == ",".join(SUMMARY_HEAD) or (folder / "bench.toml") in there
    foreign = [path for path in there if not (is_ours or (path.suffix == ".png" and is_picture_of_ours(path)))]
    if foreign:
        raise DataError(f"{foreign[0]} is there already, and no bench has made it. Give another folder.")
    if holds_run(folder):
        raise DataError(f"{folder} holds a run. Give another folder.")


@contextmanager
def open_folder(folder: Path, settings: BenchSettings) -> Iterator[Journal]:
    """The journal in `folder`, which is made if there is none. The settings are written beside it."""
    from mlp import __version__  # not at the top: the package is imported before it is complete

    make_folder(folder)
    with Journal(folder / "trials.jsonl", {"mlp": __version__, "numpy": np.__version__}) as journal:
        if not _holds(folder / "bench.toml", settings):
            with writing_itself(folder / "bench.toml", "w") as file:
                file.write(to_toml(settings.to_dict()))
        yield journal


def run_sent_trial(sent: bytes, trial: Mapping[str, Any]) -> dict[str, Any]:
    """Run a trial on a worker, with the parts that were sent to it."""
    return run_bench_trial(receive(sent), trial)


def _order_stages(settings: BenchSettings) -> list[tuple[str, int]]:
    """Tuning in its rungs, then fresh runs, then paces."""
    most = max(len(settings.settings(rule)) for rule in settings.optimizers)
    rungs = range(len(plan_rungs(most, 1, settings.search == "halving")))
    return [*(("tuning", rung) for rung in rungs), ("fresh", 0), ("pace", 0)]


def _plan_trials(kind: str, rung: int, settings: BenchSettings, cell: Cell) -> Iterator[dict[str, Any]]:
    """The trials of a cell: every learning rate if there are several; the chosen one with fresh seeds; its pace."""
    epochs = settings.epochs or cell.problem.epochs
    if kind == "tuning":
        n = len(settings.settings(cell.rule))
        plan = plan_rungs(n, epochs, settings.search == "halving")
        if rung >= len(plan):
            return
        keep, epochs = plan[rung]
        cell.keep_best(keep)
    if kind == "tuning":
        rates, blocks = cell.rates, settings.seeds_of(TUNING, settings.tuning_seeds) if len(cell.rates) > 1 else []
    else:
        rates, blocks = [cell.rate], settings.seeds_of(FRESH, settings.seeds if kind == "fresh" else 1)
    name = cell.problem.name
    for seeds in blocks:
        yield {
            "kind": kind,
            "problem": name,
            "rule": cell.rule,
            "keys": settings.keys(cell.rule),
            "rates": list(rates),
            "seeds": seeds,
            "order": seeds[0],
            "epochs": epochs,
            "data": settings.data if needs_folder(name) and settings.data else None,
        } | ({"code": cell.codes} if cell.codes else {})
