"""What tuning is worth: the best score that a rule is expected to have after so many trials, and what these cost.

A trial is one setting, run from all starts of the tuning. Rules are compared at equal numbers of trials, in two ways:
with settings that are all drawn, as if nobody knew a default, and with the rule's own settings first. Scores are those
of the tuning, so they are a little better than those of fresh starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, isnan, nan
from typing import Any

import numpy as np

from mlp.optimizer_bench.columns import align_columns, format_number
from mlp.optimizer_bench.protocol import Cell, Cells
from mlp.optimizer_bench.tuning import BUDGETS, expected_best
from mlp.problems import larger_is_better

BUDGET_HEAD = ("problem", "rule", "score", "trials", "drawn", "own_first", "gradients")


@dataclass(frozen=True)
class BudgetRow:
    """A rule on a problem after so many `trials`.

    `score`: what is expected of the best of them; of an obstacle the share of starts that get "past". `drawn`: all
    settings are drawn from those that were tried. `own_first`: the first is what the rule has if nobody tunes it. NaN
    where so many settings were not tried, or the rule's own was not. `gradients`: what so many trials ask for;
    `seconds`: the same on this machine, one network alone. After halving there is one row, for all that was tried:
    `drawn` is the score of the one that was left.
    """

    problem: str
    rule: str
    score: str
    trials: int
    drawn: float
    own_first: float
    gradients: float
    seconds: float


def compute_budgets(cells: Cells) -> list[BudgetRow]:
    """The rows of all cells that were tuned."""
    return [row for cell in cells.values() if cell.tuning and not cell.error for row in _rows(cell)]


def _rows(cell: Cell) -> Iterator[BudgetRow]:
    score, scores = score_settings(cell)
    sign = -1.0 if score == "past" or larger_is_better(score) else 1.0
    own = scores[cell.rates.index(cell.own)] if cell.own in cell.rates else nan
    others = [value for rate, value in zip(cell.rates, scores, strict=True) if rate != cell.own]
    gradients, updates = cell.tuning_cost
    budgets = [(cell.n_tried, min(scores), nan)] if cell.halved else _budgets(others, own)
    for trials, drawn, own_first in budgets:
        share = trials / cell.n_tried
        yield BudgetRow(
            cell.problem.name, cell.rule, score, trials, 0.0 + sign * drawn, 0.0 + sign * own_first,
            share * gradients, share * updates * cell.seconds_per_update,
        )  # fmt: skip


def _budgets(others: Sequence[float], own: float) -> list[tuple[int, float, float]]:
    """Trials, the expected best of so many that are drawn, and of the rule's own and one less that are drawn."""
    bounded = np.minimum(others, own).tolist()  # NaN where there is none of its own
    rest = [own, *expected_best(bounded, [trials - 1 for trials in BUDGETS[1:]])]
    found = zip(BUDGETS, expected_best(others), rest, strict=True)
    return [one for one in found if not (isnan(one[1]) and isnan(one[2]))]


def score_settings(cell: Cell) -> tuple[str, list[float]]:
    """What settings are scored by, and the score of each, less is better."""
    if cell.problem.by_target:
        return "past", [-float(np.isfinite(cell.tuning_gradients(rate)).mean()) for rate in cell.rates]
    return cell.problem.chosen_by, [cell.tuning_median(rate) for rate in cell.rates]


def budget_line(row: BudgetRow) -> list[Any]:
    """A row of budgets.csv, in the order of `BUDGET_HEAD`. Seconds depend on the clock and stand in times.csv."""
    return [row.problem, row.rule, row.score, row.trials, row.drawn, row.own_first, row.gradients]


def group_budgets(found: Sequence[BudgetRow]) -> list[tuple[str, str, list[BudgetRow]]]:
    """Names, scores and rows: those of all obstacles as one, by the mean of each rule, then those of each problem."""
    past = [row for row in found if row.score == "past"]
    n = len({row.problem for row in past})
    groups = {"": _average(past)} if past else {}
    for row in found:
        if row.score != "past":
            groups.setdefault(row.problem, []).append(row)
    mean = f"share of starts that get past, mean over {n} obstacles"
    return [
        (name or "obstacles", f"{rows[0].score} at the end of tuning" if name else mean, rows)
        for name, rows in groups.items()
    ]


def _average(past: Sequence[BudgetRow]) -> list[BudgetRow]:
    """A row for each rule and number of trials: the means over the obstacles."""
    groups: dict[tuple[str, int], list[BudgetRow]] = {}
    for row in past:
        groups.setdefault((row.rule, row.trials), []).append(row)
    return [
        replace(
            rows[0],
            problem="obstacles",
            drawn=_mean(row.drawn for row in rows),
            own_first=_mean(row.own_first for row in rows),
            gradients=_mean(row.gradients for row in rows),
            seconds=_mean(row.seconds for row in rows),
        )
        for rows in groups.values()
    ]


def format_budgets(cells: Cells) -> str:
    """A table for all obstacles, and one for each other problem."""
    groups = group_budgets(compute_budgets(cells))
    return "\n\n".join(_format(f"{name}: {score}", rows) for name, score, rows in groups)


def _format(title: str, rows: Sequence[BudgetRow]) -> str:
    """A line for each rule: its own settings, so many that are drawn, and its own with so many more."""
    trials = sorted({row.trials for row in rows})
    lines = []
    for rule in sorted({row.rule for row in rows}):
        its = {row.trials: row for row in rows if row.rule == rule}
        drawn, first = ([getattr(its[n], name) if n in its else nan for n in trials] for name in ("drawn", "own_first"))
        cost = next(row.gradients / row.trials for row in its.values())
        own = first[0] if trials[0] == 1 else nan
        lines.append((rule, *map(format_number, (own, *drawn, *first[trials[0] == 1 :], cost))))
    head = ("rule", "own", *map(str, trials), *(f"own+{n - 1}" for n in trials if n > 1), "gradients")
    return "\n".join([f"what tuning is worth: {title}", *align_columns([head, *lines])])


def _mean(values: Iterable[float]) -> float:
    """The mean of what is known; infinite where one is."""
    known = [value for value in values if not isnan(value)]
    if not known:
        return nan
    return float(np.mean(known)) if all(map(isfinite, known)) else inf
