"""What a bench says: a row for each rule on each problem, the sensitivity to the learning rate, profiles.

Every number comes from the fresh runs; only the sensitivity comes from the tuning. Costs are counted in updates, in
gradients and in seconds. Seconds are updates times the seconds of one update of a single network, so a rule is not
timed by its share in a population.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf, nan

import numpy as np

from mlp.optimizer_bench.protocol import Cell, Cells, compare_ends
from mlp.optimizer_bench.setting import Setting
from mlp.problems import larger_is_better
from mlp.statistics.intervals import Interval, median_interval, performance_profile, wilson_interval
from mlp.statistics.significance import holm, signed_rank_test

FACTORS = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, inf)
COSTS = ("updates", "gradients", "seconds")


@dataclass(frozen=True)
class SummaryRow:
    """A rule on a problem.

    `quantities`: "final test_loss", "best test_loss" (at the moment that is best by what rates are chosen by), …,
    "success", "updates to target", … `mean` and `deviation` of the final score, as published tables have them. `width`:
    how many decades of learning rates do nearly as well as the best. `best`: no rule has a better median. `p`: that the
    difference to the best rule is chance, corrected for all rules of the problem; NaN for the best, and for a rule that
    was not `tuned`. `tried`: how many settings were.
    """

    problem: str
    rule: str
    score: str
    target: str
    rate: Setting
    at_edge: bool
    n: int
    tried: int = 0
    tuned: bool = True
    width: float = nan
    mean: float = nan
    deviation: float = nan
    seconds_per_update: float = nan
    best: bool = False
    p: float = nan
    error: str = ""
    quantities: dict[str, Interval] = field(default_factory=dict)

    @property
    def final(self) -> Interval:
        """The score at the end."""
        return self.quantities[f"final {self.score}"]


def group_by_problem(cells: Cells) -> dict[str, list[Cell]]:
    """The cells of each problem."""
    names = dict.fromkeys(name for name, _ in cells)
    return {name: [cell for (problem, _), cell in cells.items() if problem == name] for name in names}


def summarize(cells: Cells) -> list[SummaryRow]:
    """A row for each cell, problem by problem, the best rule first."""
    return [row for group in group_by_problem(cells).values() for row in _rank(group)]


def _rank(cells: Sequence[Cell]) -> list[SummaryRow]:
    """The rows of one problem: the best median first, the others compared with it, rules that cannot run last."""
    ends = {cell.rule: compare_ends(cell.members, cell.problem.score) for cell in cells if cell.members}
    order = sorted(ends, key=lambda rule: float(np.median(ends[rule])))
    rows = {cell.rule: _row(cell) for cell in cells}
    judged = [rule for rule in order[1:] if rows[rule].tuned]  # one that nobody tuned is never called worse
    chances = dict(zip(judged, holm([signed_rank_test(ends[order[0]], ends[rule]) for rule in judged]), strict=True))
    compared = [replace(rows[rule], best=rule == order[0], p=chances.get(rule, nan)) for rule in order]
    return [*compared, *(row for rule, row in rows.items() if rule not in ends)]


def _row(cell: Cell) -> SummaryRow:
    problem = cell.problem
    ends = [nan if (end := member["final"][problem.score]) is None else end for member in cell.members]
    return SummaryRow(
        problem.name, cell.rule, problem.score, str(problem.target), cell.rate, cell.at_edge, len(ends),
        tried=cell.n_tried,
        tuned=cell.tuned,
        width=_count_decades(cell) if ends else nan,
        mean=float(np.mean(ends)) if ends else nan,
        deviation=float(np.std(ends, ddof=1)) if len(ends) > 1 else nan,
        seconds_per_update=cell.seconds_per_update,
        error=cell.error,
        quantities=_quantities(cell) if ends else {},
    )  # fmt: skip


def _quantities(cell: Cell) -> dict[str, Interval]:
    measures = [name for name in cell.members[0]["final"] if name not in ("step", "gradients")]
    found = {
        f"{when} {name}": _median([(member[when] or {}).get(name) for member in cell.members], name)
        for name in measures
        for when in ("final", "best")
    }
    solved = [member["reached"] is not None for member in cell.members]
    found["success"] = wilson_interval(sum(solved), len(solved))
    return found | {f"{cost} to target": median_interval(count_costs(cell, cost)) for cost in COSTS}


def _median(values: Sequence[float | None], name: str) -> Interval:
    """The median of a measure; None is worse than every number."""
    worst = -inf if larger_is_better(name) else inf
    return median_interval([worst if value is None else value for value in values])


def count_costs(cell: Cell, cost: str) -> list[float]:
    """What each seed needed to reach the target; infinite where it never did."""
    unit = cell.seconds_per_update if cost == "seconds" else 1
    what = "gradients" if cost == "gradients" else "step"
    return [inf if member["reached"] is None else float(member["reached"][what] * unit) for member in cell.members]


def measure_sensitivity(cell: Cell) -> list[tuple[float, Interval]]:
    """Each learning rate that was tried, and what rates are chosen by at the end."""
    name = cell.problem.chosen_by
    return [
        (rate, _median([m["final"][name] for m in cell.tuning if m["rate"] == rate], name))
        for rate in cell.rates
        if isinstance(rate, float) and cell.tuning
    ]


def _count_decades(cell: Cell) -> float:
    """Decades of learning rates that go at least nine tenths of the way from the start to the end of the best one.

    Counted in points of the grid, so the number is as fine as the grid. NaN without tuning.
    """
    points = measure_sensitivity(cell)
    if len(points) < 2:
        return nan
    start = cell.tuning[0]["curve"][cell.problem.chosen_by][0]
    ends = np.array([interval.value for _, interval in points])
    best = ends.max() if larger_is_better(cell.problem.chosen_by) else ends.min()
    if not np.isfinite(best) or best == start:
        return 0.0
    near = (start - ends) / (start - best) >= 0.9
    step = np.log10(points[-1][0] / points[0][0]) / (len(points) - 1)
    return float(near.sum() * step)


def compute_profiles(cells: Cells, cost: str = "gradients") -> dict[str, list[float]]:
    """For each rule the share of instances, problem and seed, that it solves at `FACTORS` times the least cost."""
    rules = list(dict.fromkeys(rule for _, rule in cells))
    instances: list[list[float]] = []
    for problem in group_by_problem(cells):
        group = [cells[problem, rule] for rule in rules]
        n = max(len(cell.members) for cell in group)
        instances += np.transpose([count_costs(cell, cost) or [inf] * n for cell in group]).tolist()
    solved = performance_profile(np.reshape(instances, (-1, len(rules))), FACTORS)
    return {rule: [float(value) for value in solved[:, i]] for i, rule in enumerate(rules)}
