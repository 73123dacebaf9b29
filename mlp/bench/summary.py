"""What a comparison says: a row for each rule on each problem, sensitivity to the learning rate, profiles.

Every number is made from what the fresh runs came to, but for the sensitivity, which is made from the tuning. Costs are
counted in updates, in gradients and in seconds; seconds are updates times the seconds of one update of a single
network, so that no rule is timed by the share it has in a population.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf, nan
from typing import Any

import numpy as np

from mlp.bench.protocol import Cell, Comparison
from mlp.bench.statistics import Interval, holm, median, profile, share, signed_rank
from mlp.problems import larger_is_better

FACTORS = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, inf)
COSTS = ("updates", "gradients", "seconds")


@dataclass(frozen=True)
class Row:
    """A rule on a problem.

    `quantities`: "final test_loss", "best test_loss" (at the moment best by what rates are chosen by), ..., "success",
    "updates to target", ... `mean` and `deviation` of the final score, as published tables have them. `width`: how
    many decades of learning rates do nearly as well as the best. `best`: nobody's median is better. `p`: that the
    difference to the best rule is chance, corrected for all rules of the problem; NaN for the best.
    """

    problem: str
    rule: str
    score: str
    target: str
    rate: float | None
    at_edge: bool
    n: int
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


def rows(comparison: Comparison) -> list[Row]:
    """A row for each cell, problem by problem, the best rule first."""
    found: list[Row] = []
    for problem in dict.fromkeys(name for name, _ in comparison):
        cells = [cell for (name, _), cell in comparison.items() if name == problem]
        found += _ranked(cells)
    return found


def _ranked(cells: Sequence[Cell]) -> list[Row]:
    """The rows of one problem: best median first, compared with it; what cannot be run last."""
    ready = sorted((cell for cell in cells if cell.members), key=lambda cell: float(np.median(_scores(cell))))
    p = holm([signed_rank(_scores(ready[0]), _scores(cell)) for cell in ready[1:]]) if ready else []
    compared = [replace(_row(cell), best=not i, p=nan if not i else p[i - 1]) for i, cell in enumerate(ready)]
    return [*compared, *(_row(cell) for cell in cells if not cell.members)]


def _scores(cell: Cell) -> list[float]:
    """The final score of each seed, less is better, infinite where a run diverged."""
    sign = -1.0 if larger_is_better(cell.problem.score) else 1.0
    return [inf if (end := member["final"][cell.problem.score]) is None else sign * end for member in cell.members]


def _row(cell: Cell) -> Row:
    problem = cell.problem
    row = Row(
        problem.name, cell.rule, problem.score, str(problem.target), cell.rate, cell.at_edge, len(cell.members),
        seconds_per_update=cell.seconds_per_update, error=cell.error,
    )  # fmt: skip
    if not cell.members:
        return row
    ends = [nan if (end := member["final"][problem.score]) is None else end for member in cell.members]
    return replace(
        row,
        width=_width(cell),
        mean=float(np.mean(ends)),
        deviation=float(np.std(ends, ddof=1)) if len(ends) > 1 else nan,
        quantities=_quantities(cell),
    )


def _quantities(cell: Cell) -> dict[str, Interval]:
    measures = [name for name in cell.members[0]["final"] if name not in ("step", "gradients")]
    found = {
        f"{when} {name}": _median([(member[when] or {}).get(name) for member in cell.members], name)
        for name in measures
        for when in ("final", "best")
    }
    solved = [member["reached"] is not None for member in cell.members]
    found["success"] = share(sum(solved), len(solved))
    return found | {f"{cost} to target": median(costs(cell, cost)) for cost in COSTS}


def _median(values: Sequence[float | None], name: str) -> Interval:
    """The median, where what is no number is worse than every number."""
    worst = -inf if larger_is_better(name) else inf
    return median([worst if value is None else value for value in values])


def costs(cell: Cell, cost: str) -> list[float]:
    """What each seed spent to reach the target; infinite where it never did."""
    return [inf if member["reached"] is None else _cost(cell, member["reached"], cost) for member in cell.members]


def _cost(cell: Cell, moment: dict[str, Any], cost: str) -> float:
    if cost == "gradients":
        return float(moment["gradients"])
    return float(moment["step"] * (cell.seconds_per_update if cost == "seconds" else 1))


def sensitivity(cell: Cell) -> list[tuple[float, Interval]]:
    """Each learning rate that was tried, and what rates are chosen by at the end."""
    name = cell.problem.chosen_by
    return [
        (rate, _median([m["final"][name] for m in cell.tuning if m["rate"] == rate], name))
        for rate in cell.rates
        if rate is not None and cell.tuning
    ]


def _width(cell: Cell) -> float:
    """Decades of learning rates that go at least nine tenths of the way from the start to the best one's end.

    Counted in points of the grid, so the number is as fine as that. NaN without tuning.
    """
    points = sensitivity(cell)
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


def profiles(comparison: Comparison, cost: str = "gradients") -> dict[str, list[float]]:
    """For each rule the share of instances, problem and seed, that it solves at `FACTORS` times the least cost."""
    rules = list(dict.fromkeys(rule for _, rule in comparison))
    instances: list[list[float]] = []
    for problem in dict.fromkeys(name for name, _ in comparison):
        cells = [comparison[problem, rule] for rule in rules]
        n = max(len(cell.members) for cell in cells)
        instances += np.transpose([costs(cell, cost) or [inf] * n for cell in cells]).tolist()
    solved = profile(np.reshape(instances, (-1, len(rules))), FACTORS)
    return {rule: [float(value) for value in solved[:, i]] for i, rule in enumerate(rules)}
