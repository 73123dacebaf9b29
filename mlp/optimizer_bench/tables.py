"""A bench as text: tables for the terminal, CSV files for everything else.

Tables have one line for each rule, files have one line for each number. What depends on the clock is in a file of its
own, so the other files are the same, to the last byte, wherever and how often a bench runs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite, nan
from pathlib import Path
from typing import Any

from mlp.optimizer_bench.budgets import BUDGET_HEAD, BudgetRow, budget_line, compute_budgets, format_budgets
from mlp.optimizer_bench.columns import align_columns, format_number
from mlp.optimizer_bench.obstacle_table import OBSTACLE_HEAD, format_obstacles, judge_obstacles, obstacle_line
from mlp.optimizer_bench.protocol import SUMMARY_HEAD, Cells
from mlp.optimizer_bench.setting import format_setting, plain_setting
from mlp.optimizer_bench.summary import COSTS, FACTORS, SummaryRow, compute_profiles, measure_sensitivity, summarize
from mlp.statistics.intervals import Interval
from mlp.statistics.significance import smallest_p
from mlp.storage.atomic import make_folder, writing_itself

HEAD = ("rule", "rate", "final", "95 % interval", "best", "solved", "updates", "gradients", "seconds", "decades", "p")

BUDGET_LEGEND = """own: what the rule has if nobody tunes it
1, 2, 4: expected best of so many settings that are drawn from those tried (Dodge et al. 2019); own+1: after its own
gradients: of one trial; scores are those of the tuning, after halving of what was left, and not of fresh starts"""


def format_tables(cells: Cells) -> str:
    """All tables: one for each problem, then the profiles."""
    obstacles = {place: cell for place, cell in cells.items() if cell.problem.by_target}
    others = {place: cell for place, cell in cells.items() if place not in obstacles}
    tables = [format_obstacles(judge_obstacles(obstacles))] if obstacles else []
    if others:
        found = summarize(others)
        names = dict.fromkeys(row.problem for row in found)
        tables += [_format_problem([row for row in found if row.problem == name]) for name in names]
        tables += [_format_profiles(others), _format_legend(found)]
    if budgets := format_budgets(cells):
        tables += [budgets, BUDGET_LEGEND]
    return "\n\n".join(tables)


def _format_problem(found: Sequence[SummaryRow]) -> str:
    lines = align_columns([HEAD, *(_format_row(row) for row in found if not row.error)])
    lines += [f"  {row.rule}: cannot be run here: {row.error}" for row in found if row.error]
    return "\n".join([f"{found[0].problem}: {found[0].score}; solved: {found[0].target}", *lines])


def _format_row(row: SummaryRow) -> tuple[str, ...]:
    return (
        row.rule,
        format_setting(row.rate) + ("" if row.tuned else "°") + ("!" if row.at_edge else ""),
        format_number(row.final.value),
        f"{format_number(row.final.low)} … {format_number(row.final.high)}",
        format_number(row.quantities[f"best {row.score}"].value),
        f"{row.quantities['success'].value:.0%}",
        *(format_number(row.quantities[f"{cost} to target"].value) for cost in COSTS),
        format_number(row.width),
        "best" if row.best else format_number(row.p),
    )


def _format_profiles(cells: Cells) -> str:
    """Dolan and Moré's profiles in gradients, the rule that solves most first."""
    found = sorted(compute_profiles(cells).items(), key=lambda item: item[1][::-1], reverse=True)
    head = ("rule", *(f"{factor:g} ×" if isfinite(factor) else "ever" for factor in FACTORS))
    lines = [(rule, *(f"{value:.0%}" for value in shares)) for rule, shares in found]
    title = "solved within so many times the gradients of the best rule (share of problems and seeds)"
    return "\n".join([title, *align_columns([head, *lines])])


def _format_legend(found: Sequence[SummaryRow]) -> str:
    n = max((row.n for row in found), default=0)
    n_rules = len({row.rule for row in found})
    covered = next((row.final.coverage for row in found if row.n == n and not row.error), 0.0)
    lines = [
        f"medians of {n} seeds; the interval holds the true median in {covered:.1%} of cases",
        "updates, gradients, seconds: to the target, one network alone; – : more than half never got there",
        "decades: of learning rates that do nearly as well; ! : the rate is at the edge of those tried, widen them",
        "p: Wilcoxon's signed-rank test against the best, Holm's correction",
        *(["°: nobody tuned it, so it is not called worse"] if not all(row.tuned for row in found) else []),
    ]
    if n_rules > 1 and smallest_p(n) * (n_rules - 1) > 0.05:
        lines.append(
            f"   {n} seeds cannot show a difference among {n_rules} rules: p is at least {smallest_p(n):.2g} each"
        )
    return "\n".join(lines)


def write_tables(cells: Cells, folder: Path) -> None:
    """Write summary.csv, results.csv, sensitivity.csv and profile.csv, and times.csv for what the clock says."""
    make_folder(folder)
    place = ("problem", "rule", "learning_rate")
    numbers = [line for row in summarize(cells) for line in _summary_lines(row)]
    numbers += [_budget_seconds(row) for row in compute_budgets(cells)]
    for name, timed in (("summary.csv", False), ("times.csv", True)):
        _write_csv(folder / name, SUMMARY_HEAD, [line for line in numbers if line[4].startswith("seconds") == timed])
    _write_csv(folder / "results.csv", (*place, "seed", "when", "what", "value"), _result_lines(cells))
    _write_csv(folder / "sensitivity.csv", (*place, "value", "low", "high"), _sensitivity_lines(cells))
    profiles = compute_profiles(cells).items()
    _write_csv(folder / "profile.csv", ("rule", *map(str, FACTORS)), ([rule, *shares] for rule, shares in profiles))
    if budgets := compute_budgets(cells):
        _write_csv(folder / "budgets.csv", BUDGET_HEAD, map(budget_line, budgets))
    if obstacles := judge_obstacles(cells):
        _write_csv(folder / "obstacles.csv", OBSTACLE_HEAD, map(obstacle_line, obstacles))


def _summary_lines(row: SummaryRow) -> Iterator[list[Any]]:
    """Every number of a row."""
    place = [row.problem, row.rule, plain_setting(row.rate), row.n]
    for name, interval in row.quantities.items():
        yield [*place, name, *interval]
    for name in ("mean", "deviation", "width", "p", "seconds_per_update"):
        yield [*place, name, *Interval(getattr(row, name), nan, nan, nan)]


def _budget_seconds(row: BudgetRow) -> list[Any]:
    """What tuning costs on this machine."""
    return [row.problem, row.rule, None, row.trials, "seconds of tuning", row.seconds, nan, nan, nan]


def _result_lines(cells: Cells) -> Iterator[list[Any]]:
    """Every fresh run."""
    for (problem, rule), cell in cells.items():
        for member in cell.members:
            for when in ("final", "best", "reached"):
                for what, value in (member[when] or {}).items():
                    yield [problem, rule, plain_setting(member["rate"]), member["seed"], when, what, value]


def _sensitivity_lines(cells: Cells) -> Iterator[list[Any]]:
    """Every learning rate that was tried."""
    for (problem, rule), cell in cells.items():
        for rate, interval in measure_sensitivity(cell):
            yield [problem, rule, rate, *interval[:3]]


def _write_csv(path: Path, head: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file, whole or not at all."""
    with writing_itself(path, "w") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(head)
        out.writerows(lines)
