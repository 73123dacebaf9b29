"""A bench as a page: profiles, a table for each problem, curves over updates and seconds, learning rates, obstacles.

It says what the tables and files say, from the same numbers; nothing is computed here that they do not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from math import isfinite
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.optimizer_bench.budgets import BudgetRow, compute_budgets, group_budgets
from mlp.optimizer_bench.obstacle_table import ObstacleRow, judge_obstacles
from mlp.optimizer_bench.plots import stack_curves
from mlp.optimizer_bench.protocol import Cell, Cells
from mlp.optimizer_bench.setting import format_setting
from mlp.optimizer_bench.summary import (
    COSTS,
    FACTORS,
    SummaryRow,
    compute_profiles,
    group_by_problem,
    measure_sensitivity,
    summarize,
)
from mlp.page.side_by_side import Axes, Block, Curve, build_side_by_side, chart, figure, matrix, section, share, table
from mlp.problems import Obstacle, larger_is_better
from mlp.statistics.intervals import Interval
from mlp.statistics.significance import smallest_p

PROBLEM_COLUMNS = (
    *("rule", "rate", "final", "95 % interval", "best", "solved"),
    *(*COSTS, "decades", "p"),
)
OBSTACLE_COLUMNS = (
    *("rule", "rate", "past", "gradients", "95 % interval", "decades"),
    *("found at those that did not get past", "kind of point there"),
)
EDGE = (
    "!: the rate is at the edge of those that were tried, so a better one may lie outside. °: nobody tuned the rule, "
    "so it is not called worse"
)
LEVEL = 0.05


def build_bench_page(cells: Cells) -> str:
    """The text of the page."""
    rules = list(dict.fromkeys(rule for _, rule in cells))
    obstacles = {place: cell for place, cell in cells.items() if cell.problem.by_target}
    others = {place: cell for place, cell in cells.items() if place not in obstacles}
    found, judged = summarize(others), judge_obstacles(obstacles)
    blocks = chain(
        _profiles(others, rules), _problems(others, found, rules), _obstacles(judged), _budgets(cells, rules)
    )
    seeds = max((len(cell.members) for cell in cells.values()), default=0)
    problems = len({name for name, _ in cells})
    lead = f"{len(rules)} rules · {problems} problems · {seeds} fresh seeds each, after tuning with others"
    verdict = " ".join(filter(None, (_say_best(found), _say_past(judged)))) or "No trial is finished."
    return build_side_by_side("Optimizers side by side", lead, verdict, rules, blocks, "rules")


def _say_best(found: Sequence[SummaryRow]) -> str:
    """Which rule is best on most problems, and whether chance explains that."""
    best = [row for row in found if row.best]
    if not best:
        return ""
    wins = {rule: [row for row in best if row.rule == rule] for rule in dict.fromkeys(row.rule for row in best)}
    rule = max(wins, key=lambda name: len(wins[name]))
    clear = [row.problem for row in wins[rule] if _is_clear(row, found)]
    beyond = f", beyond chance on {len(clear)} of these" if clear else ", nowhere beyond chance"
    return f"{rule} has the best median on {len(wins[rule])} of {len(best)} problems{beyond}."


def _is_clear(best: SummaryRow, found: Sequence[SummaryRow]) -> bool:
    """Whether chance explains the difference to no other rule."""
    others = [row for row in found if row.problem == best.problem and not row.best and not row.error]
    return bool(others) and all(row.p <= LEVEL for row in others)


def _say_past(judged: Sequence[ObstacleRow]) -> str:
    """Which rule gets most starts past the obstacles."""
    ran = [row for row in judged if row.n]
    if not ran:
        return ""
    rules = dict.fromkeys(row.rule for row in ran)
    past = {rule: np.mean([row.past.value for row in ran if row.rule == rule]) for rule in rules}
    best = [rule for rule in rules if past[rule] == max(past.values())]
    n = len({row.obstacle.name for row in ran})
    get = "gets" if len(best) == 1 else "get"
    return f"{', '.join(best)} {get} most starts past the {n} obstacles: {past[best[0]]:.0%}."


def _profiles(cells: Cells, rules: Sequence[str]) -> Iterator[Block]:
    """Dolan and Moré's profiles in gradients and in seconds."""
    finite = [factor for factor in FACTORS if isfinite(factor)]
    charts = []
    for cost in ("gradients", "seconds") if cells else ():
        found = compute_profiles(cells, cost)
        ever = ", ".join(f"{rule} {shares[-1]:.0%}" for rule, shares in found.items())
        steps = np.repeat(finite, 2)[1:]
        curves = [
            Curve(rules.index(rule), {f"times the least {cost}": steps}, np.repeat(shares[: len(finite)], 2)[:-1])
            for rule, shares in found.items()
        ]
        text = f"Solved ever: {ever}."
        title = f"Performance profile in {cost}"
        axes = Axes(title, "share of problems and seeds solved", f"{title}. {text}", x_log=True, extent=(0, 1))
        charts.append(chart(f"profile/{cost}", axes, curves, [text]))
    if charts:
        yield section("Who solves what", "Dolan & Moré (2002): further left is faster, further up solves more.", charts)


def _problems(cells: Cells, found: Sequence[SummaryRow], rules: Sequence[str]) -> Iterator[Block]:
    for name, group in group_by_problem(cells).items():
        rows, ready = [row for row in found if row.problem == name], [cell for cell in group if cell.members]
        charts = [*_curves(ready, rules), *_sensitivity(ready, rules)]
        problem = group[0].problem
        text = f"{_begin(problem.description)}. Score: {problem.score}; solved: {problem.target}."
        yield section(name, text, [_problem_table(rows), *charts])


def _problem_table(rows: Sequence[SummaryRow]) -> Block:
    ran = [row for row in rows if not row.error]
    notes = [f"{row.rule} cannot be run here: {row.error}" for row in rows if row.error]
    n = max((row.n for row in ran), default=0)
    covered = next((row.final.coverage for row in ran if row.n == n), 0.0)
    notes += [
        f"Medians of {n} seeds; the interval holds the true median in {covered:.1%} of cases. solved: with Wilson's "
        "95 % interval. updates, gradients, seconds: to the target; – where more than half never got there. decades: "
        "of learning rates that do nearly as well. p: Wilcoxon's signed-rank test against the best, Holm's correction. "
        f"{EDGE}."
    ]
    if len(ran) > 1 and smallest_p(n) * (len(ran) - 1) > LEVEL:
        notes.append(f"{n} seeds cannot show a difference among {len(ran)} rules.")
    return table(f"{rows[0].problem}: every rule", PROBLEM_COLUMNS, map(_problem_cells, ran), notes)


def _problem_cells(row: SummaryRow) -> list[Any]:
    success = row.quantities["success"]
    return [
        row.rule,
        _rate(row),
        {"text": figure(row.final.value), "best": row.best},
        _between(row.final),
        figure(row.quantities[f"best {row.score}"].value),
        share(*success[:3]),
        *(figure(row.quantities[f"{cost} to target"].value) for cost in COSTS),
        figure(row.width),
        {"text": "best", "best": True} if row.best else figure(row.p),
    ]


def _begin(text: str) -> str:
    """The text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def _rate(row: SummaryRow | ObstacleRow) -> str:
    return format_setting(row.rate) + ("" if row.tuned else " °") + (" !" if row.at_edge else "")


def _between(found: Interval) -> str:
    low, high = figure(found.low), figure(found.high)
    return low if low == high == figure(np.inf) else f"{low} … {high}"


def _curves(cells: Sequence[Cell], rules: Sequence[str]) -> Iterator[Block]:
    """The score on the way: the median of the seeds, and the range of their middle half."""
    if not cells:
        return
    problem, curves, ends = cells[0].problem, [], []
    for cell in cells:
        steps, values = stack_curves(cell)
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0, method="nearest")
        x = {"updates": steps}
        if isfinite(cell.seconds_per_update):
            x["seconds"] = steps * cell.seconds_per_update
        curves.append(Curve(rules.index(cell.rule), x, _seen(middle), _seen(low), high))
        ends.append(f"{cell.rule} {figure(float(middle[-1]))}")
    title = f"{problem.name}: {problem.score} on the way"
    text = f"{title}, at the end: {', '.join(ends)}."
    log = not larger_is_better(problem.score) and all((curve.y > 0).any() for curve in curves)
    note = "The line is the median of the seeds, the area their middle half. A line that ends early has diverged."
    yield chart(f"curves/{problem.name}", Axes(title, problem.score, text, log=log), curves, [note])


def _seen(values: Array) -> Array:
    """Infinite numbers as none: a curve has a hole there."""
    return np.where(np.isfinite(values), values, np.nan)


def _sensitivity(cells: Sequence[Cell], rules: Sequence[str]) -> Iterator[Block]:
    """What rates are chosen by, over the rates that were tried, with its interval."""
    curves, chosen = [], []
    for cell in cells:
        points = sorted(measure_sensitivity(cell))
        if len(points) > 1:
            rates, found = np.array([rate for rate, _ in points]), [interval for _, interval in points]
            value, low, high = (np.array([getattr(one, name) for one in found]) for name in ("value", "low", "high"))
            curves.append(Curve(rules.index(cell.rule), {"learning rate": rates}, _seen(value), _seen(low), high))
            chosen.append(f"{cell.rule} {format_setting(cell.rate)}")
    if not curves:
        return
    problem = cells[0].problem
    title, y = f"{problem.name}: learning rates", f"{problem.chosen_by} at the end of tuning"
    said = f"Chosen: {', '.join(chosen)}."
    log = not larger_is_better(problem.chosen_by) and all((curve.y > 0).any() for curve in curves)
    axes = Axes(title, y, f"{title}, {y}. {said}", log=log, x_log=True)
    n = max((sum(m["rate"] == cell.rate for m in cell.tuning) for cell in cells), default=0)
    yield chart(f"sensitivity/{problem.name}", axes, curves, [f"{said} The area holds all {n} seeds of the tuning."])


def _obstacles(judged: Sequence[ObstacleRow]) -> Iterator[Block]:
    names = list(dict.fromkeys(row.obstacle.name for row in judged))
    if not names:
        return
    shares = {(row.rule, row.obstacle.name): row.past.value for row in judged}
    rules = dict.fromkeys(rule for rule, _ in shares)
    order = sorted(rules, key=lambda rule: -np.nansum([shares[rule, name] for name in names]))
    rows = [(rule, [shares[rule, name] for name in names]) for rule in order]
    note = "The share of starts that get past. An empty cell: the rule cannot be run there."
    yield matrix("Which rule gets past which obstacle", ["rule", *names], rows, [note])
    for name in names:
        mine = [row for row in judged if row.obstacle.name == name]
        obstacle = mine[0].obstacle
        past = obstacle.past if isinstance(obstacle, Obstacle) else str(obstacle.target)
        yield section(name, f"{_begin(obstacle.description)}. Past it: {past}.", [_obstacle_table(mine)])


def _obstacle_table(rows: Sequence[ObstacleRow]) -> Block:
    notes = [f"{row.rule} cannot be run here: {row.error}" for row in rows if row.error]
    n = max((row.n for row in rows), default=0)
    notes.append(
        f"{n} starts. past: with Wilson's 95 % interval. gradients: the median, – where more than half never got past. "
        f"decades: of learning rates at which half of the starts of the tuning got past. {EDGE}."
    )
    title = f"{rows[0].obstacle.name}: every rule"
    return table(title, OBSTACLE_COLUMNS, (_obstacle_cells(row) for row in rows if not row.error), notes)


def _obstacle_cells(row: ObstacleRow) -> list[Any]:
    return [
        row.rule,
        _rate(row),
        share(*row.past[:3]),
        figure(row.gradients.value),
        _between(row.gradients),
        figure(row.decades),
        _count(row.findings),
        _count(row.kinds),
    ]


def _budgets(cells: Cells, rules: Sequence[str]) -> Iterator[Block]:
    """What each rule is worth after so many trials, and after so many gradients of tuning."""
    found = compute_budgets(cells)
    charts = [_budget_chart(name, score, rows, rules) for name, score, rows in group_budgets(found)]
    if charts:
        note = (
            "The expected best of so many settings that are drawn from those tried (Dodge et al. 2019). Compare rules "
            "at equal trials, or at equal gradients. Scores are those of the tuning, and not of fresh starts."
        )
        yield section("What tuning is worth", note, charts)


def _budget_chart(name: str, score: str, rows: Sequence[BudgetRow], rules: Sequence[str]) -> Block:
    """A curve for each rule, and in words what it has if nobody tunes it."""
    curves, own = [], []
    for rule in dict.fromkeys(row.rule for row in rows):
        mine = [row for row in rows if row.rule == rule and np.isfinite(row.drawn)]
        if mine:
            x = {"trials": np.array([row.trials for row in mine], float)}
            x["gradients"] = np.array([row.gradients for row in mine])
            curves.append(Curve(rules.index(rule), x, np.array([row.drawn for row in mine])))
        known = [row.own_first for row in rows if row.rule == rule and row.trials == 1 and np.isfinite(row.own_first)]
        own += [f"{rule} {figure(known[0])}"] if known else []
    text = f"Of its own settings, with no tuning: {', '.join(own)}." if own else "No rule has settings of its own."
    title = f"{name}: {score}"
    return chart(f"budget/{name}", Axes(title, score, f"{title}. {text}", x_log=True), curves, [text])


def _count(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in counts)
