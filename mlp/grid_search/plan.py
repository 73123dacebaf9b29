"""The plan of a search: which trials there are, in which order, and what their results are results of.

Trials hold all members of one shape on one fold: seeds and learning rates, which then train in one pass. In successive
halving (Jamieson & Talwalkar 2016) all combinations begin with few epochs. In every round the best third goes on, from
new, with three times as many. The last three, or two, have all epochs.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from mlp.errors import ConfigError, DataError
from mlp.grid_search.space import Combination, Over
from mlp.grid_search.trial import Task, run_grid_trial
from mlp.optimizer_bench.own_parts import runs_in_process
from mlp.sweep import Journal, Outcome, Serial, identity, sweep

TOGETHER = 32  # members of a trial at most: a larger population is hardly faster, and workers have more to share
KEPT = 3  # of so many combinations one goes on, with so many times the epochs
RATE = "optimizer.learning_rate"


@dataclass
class Cell:
    """What is known of a combination. `scores`: of each (seed, fold), None where the network diverged.

    `epochs`: how long it trained; None for those of the experiment. `rows`, `held_out`: rows that each network was
    trained on, and scored on. `seconds`: of all its networks, in their shares of a population.
    """

    values: Combination
    epochs: int | None = None
    scores: dict[tuple[int, int], float | None] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    parameters: int = 0
    rows: int = 0
    held_out: int = 0
    seconds: float = 0.0

    def fold_means(self) -> list[float]:
        """The mean over seeds for each fold; for a single part, the score of each seed. NaN where one diverged."""
        folds = sorted({fold for _, fold in self.scores})
        if folds == [0]:
            return [np.nan if score is None else score for score in self.scores.values()]
        by_fold = [[score for (_, at), score in self.scores.items() if at == fold] for fold in folds]
        return [float(np.mean([np.nan if score is None else score for score in scores])) for scores in by_fold]

    @property
    def mean(self) -> float:
        """The mean score; -inf where a network diverged: then it is worse than all that did not."""
        mean = float(np.mean(self.fold_means())) if self.scores else np.nan
        return mean if np.isfinite(mean) else -np.inf


@dataclass(frozen=True)
class Search:
    """What is searched: combinations, each with all `seeds` and `folds`. `score`: accuracy or r2.

    `epochs`: those of the experiment, which successive halving divides; None without it.
    """

    task: Task
    over: Over
    combinations: list[Combination]
    seeds: list[int]
    score: str
    drawn: bool = False
    epochs: int | None = None

    @property
    def folds(self) -> list[int]:
        """The folds to score on; [0] for the validation part."""
        return list(range(1, self.task.folds + 1)) if self.task.folds else [0]

    def rounds(self) -> list[tuple[int, int | None]]:
        """How many combinations each round has, and how many epochs."""
        sizes = [len(self.combinations)]
        if self.epochs is None:
            return [(sizes[0], None)]
        while sizes[-1] > KEPT and KEPT ** len(sizes) <= self.epochs:
            sizes.append(ceil(sizes[-1] / KEPT))
        return [(size, max(1, self.epochs // KEPT ** (len(sizes) - 1 - i))) for i, size in enumerate(sizes)]

    def trials(self, combinations: Sequence[Combination], epochs: int | None) -> Iterator[dict[str, Any]]:
        """The trials of some combinations, those of one shape together."""
        shapes: dict[str, list[Combination]] = {}
        for values in combinations:
            shapes.setdefault(identity({k: v for k, v in values.items() if k != RATE}), []).append(values)
        for alike in shapes.values():
            members = [{"values": values, "seed": seed} for values in alike for seed in self.seeds]
            for fold in self.folds:
                for first in range(0, len(members), TOGETHER):
                    yield {"fold": fold, "epochs": epochs, "members": members[first : first + TOGETHER]}

    def n_trials(self) -> int:
        """About how many trials there will be: exactly so without halving."""
        return sum(len(list(self.trials(self.combinations[:size], epochs))) for size, epochs in self.rounds())


class SearchProgress(NamedTuple):
    """How far a search is."""

    done: int
    total: int
    outcome: Outcome


def run_plan(
    search: Search, cells: list[Cell], executor: Executor | None = None, journal: Journal | None = None
) -> Iterator[SearchProgress]:
    """Run all trials and fill `cells`, one for each combination; yield after every trial."""
    executor = executor or Serial()
    if not runs_in_process(executor):
        _check_travels(search.task)
    cells[:] = [Cell(values) for values in search.combinations]
    run, going = partial(run_grid_trial, search.task), list(cells)
    done, total = 0, search.n_trials()
    for size, epochs in search.rounds():
        going = sorted(going, key=lambda cell: -cell.mean)[:size] if done else going
        going = [cell for cell in cells if any(cell is other for other in going)]  # in the order of the grid
        trials = list(search.trials([cell.values for cell in going], epochs))
        results: dict[str, Outcome] = {}
        for outcome in sweep(trials, run, executor, journal):
            _check_result(outcome, journal)
            results[identity(outcome.trial)] = outcome
            done += 1
            yield SearchProgress(done, max(done, total), outcome)
        by_values = {identity(cell.values): cell for cell in going}
        for cell in going:
            cell.scores, cell.steps, cell.epochs = {}, [], epochs
        for trial in trials:  # in the order of the plan, whichever was first
            _enter(by_values, trial, results[identity(trial)])


def _check_travels(task: Task) -> None:
    """Refuse parts and rows that other processes cannot get: those of a notebook, say."""
    try:
        pickle.dumps(task)
    except Exception as error:  # pickle raises whatever it meets
        why = " ".join(str(error).split())
        raise ConfigError(
            f"other processes cannot get the experiment ({why}). Name own parts with use=FILE, or leave out jobs, "
            "executor and cluster."
        ) from None


def _enter(cells: Mapping[str, Cell], trial: Mapping[str, Any], outcome: Outcome) -> None:
    """Enter the result of a trial into the cells of its members."""
    found = outcome.result
    for member, one in zip(trial["members"], found["members"], strict=True):
        cell = cells[identity(member["values"])]
        cell.scores[member["seed"], trial["fold"]] = one["score"]
        cell.steps.append(one["steps"])
        cell.parameters, cell.rows, cell.held_out = found["parameters"], found["rows"], found["held_out"]
        cell.seconds += outcome.seconds / len(trial["members"])


def _check_result(outcome: Outcome, journal: Journal | None) -> None:
    """Refuse a result in a journal that this trial cannot give: somebody has edited the file."""
    if not outcome.recalled or journal is None or _is_result(outcome.trial, outcome.result):
        return
    raise DataError(f"{journal.path} has a result that no trial gives. Delete the line, and the trial runs again.")


def _is_result(trial: Any, found: Any) -> bool:
    if not isinstance(found, dict) or not all(_is_count(found.get(k)) for k in ("parameters", "rows", "held_out")):
        return False
    members = found.get("members")
    return isinstance(members, list) and len(members) == len(trial["members"]) and all(map(_is_member, members))


def _is_member(one: Any) -> bool:
    fits = isinstance(one, dict) and _is_count(one.get("steps")) and "score" in one
    return fits and (
        one["score"] is None or (isinstance(one["score"], int | float) and bool(np.isfinite(one["score"])))
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
