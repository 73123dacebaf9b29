"""Which rule gets past which obstacle: a row for each pair, from the fresh runs, and how to read it.

A row says how many starts got past, what they needed, how wide the range of learning rates is that does, and where
those stand that did not. The width comes from the tuning, everything else from starts that no rate was chosen with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log10, nan
from typing import Any

from mlp.optimizer_bench.columns import align_columns, format_number
from mlp.optimizer_bench.protocol import Cell, Cells
from mlp.optimizer_bench.setting import Setting, format_setting, plain_setting
from mlp.problems import DIVERGED, Obstacle, Problem
from mlp.statistics.intervals import Interval, median_interval, wilson_interval

HEAD = ("rule", "rate", "past", "95 % interval", "gradients", "interval", "decades", "those that did not")
OBSTACLE_HEAD = (
    "obstacle", "dial", "hardness", "rule", "learning_rate", "tried", "tuned", "at_edge", "n", "past", "past_low",
    "past_high", "gradients", "gradients_low", "gradients_high", "coverage", "decades", "findings", "kinds", "error",
)  # fmt: skip
UNKNOWN = Interval(nan, nan, nan, nan)


@dataclass(frozen=True)
class ObstacleRow:
    """A rule at an obstacle.

    `past`: the share of starts that got past it, with Wilson's interval. `gradients` that a start needed: the median,
    infinite where more than half never did. `decades` of learning rates at which at least half of the starts of the
    tuning got past; NaN without tuning. `findings` and `kinds` of points count the starts that did not. `tried`: how
    many settings were; `tuned`: whether anybody chose one.
    """

    obstacle: Problem
    rule: str
    rate: Setting
    at_edge: bool
    n: int
    past: Interval = UNKNOWN
    gradients: Interval = UNKNOWN
    decades: float = nan
    findings: tuple[tuple[str, int], ...] = ()
    kinds: tuple[tuple[str, int], ...] = ()
    tried: int = 0
    tuned: bool = True
    error: str = ""


def judge_obstacles(cells: Cells) -> list[ObstacleRow]:
    """A row for each rule at each obstacle, obstacle by obstacle; the best rule first, those that cannot run last."""
    found = [_row(cell) for cell in cells.values() if cell.problem.by_target]
    place = {name: i for i, name in enumerate(dict.fromkeys(row.obstacle.name for row in found))}
    return sorted(found, key=lambda row: (place[row.obstacle.name], *_rank(row)))


def _rank(row: ObstacleRow) -> tuple[float, ...]:
    return (inf, inf) if row.error or not row.n else (-row.past.value, row.gradients.value)


def _row(cell: Cell) -> ObstacleRow:
    if cell.error or not cell.members:
        return ObstacleRow(cell.problem, cell.rule, cell.rate, False, 0, error=cell.error)
    needed = [inf if m["reached"] is None else float(m["reached"]["gradients"]) for m in cell.members]
    places = [place for m in cell.members if (place := _place(cell, m))]
    return ObstacleRow(
        cell.problem, cell.rule, cell.rate, cell.at_edge, len(needed),
        past=wilson_interval(sum(map(isfinite, needed)), len(needed)),
        gradients=median_interval(needed),
        decades=count_decades(cell),
        findings=_count(place["finding"] for place in places),
        kinds=_count(place["kind"] for place in places),
        tried=cell.n_tried,
        tuned=cell.tuned,
    )  # fmt: skip


def _place(cell: Cell, member: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Where a start stands that did not get past. What is no obstacle knows no more than whether it diverged."""
    if member.get("place") or member["reached"] is not None:
        return member.get("place")
    diverged = member["final"][cell.problem.chosen_by] is None
    return DIVERGED._asdict() if diverged else {"finding": "unfinished", "kind": "undecided"}


def _count(names: Any) -> tuple[tuple[str, int], ...]:
    """How often each is there: the most frequent first, equal ones by name."""
    return tuple(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def count_decades(cell: Cell) -> float:
    """Decades of learning rates at which at least half of the starts of the tuning got past.

    Counted in points of the grid, so the number is as fine as the grid. NaN without tuning.
    """
    rates = [rate for rate in cell.rates if isinstance(rate, float)]
    if len(rates) < 2 or not cell.tuning:
        return nan
    shares = [needed for rate in rates if (needed := cell.tuning_gradients(rate))]
    good = sum(2 * sum(map(isfinite, needed)) >= len(needed) for needed in shares)
    return good * log10(rates[-1] / rates[0]) / (len(rates) - 1)


def obstacle_line(row: ObstacleRow) -> list[Any]:
    """A row of obstacles.csv, in the order of `OBSTACLE_HEAD`."""
    dial, hardness = (row.obstacle.dial, row.obstacle.hardness) if isinstance(row.obstacle, Obstacle) else ("", "")
    findings, kinds = (" ".join(f"{name}:{n}" for name, n in counts) for counts in (row.findings, row.kinds))
    return [
        row.obstacle.name, dial, hardness, row.rule, plain_setting(row.rate), row.tried, row.tuned, row.at_edge, row.n,
        *row.past[:3], *row.gradients, row.decades, findings, kinds, row.error,
    ]  # fmt: skip


def format_obstacles(found: Sequence[ObstacleRow]) -> str:
    """A table for each obstacle, and one of all of them."""
    names = list(dict.fromkeys(row.obstacle.name for row in found))
    tables = [_format_obstacle([row for row in found if row.obstacle.name == name]) for name in names]
    return "\n\n".join([*tables, _format_matrix(found, names), _format_legend(found)])


def _format_obstacle(found: Sequence[ObstacleRow]) -> str:
    obstacle = found[0].obstacle
    past = obstacle.past if isinstance(obstacle, Obstacle) else str(obstacle.target)
    lines = align_columns([HEAD, *(_format_row(row) for row in found if not row.error)])
    lines += [f"  {row.rule}: cannot be run here: {row.error}" for row in found if row.error]
    return "\n".join([f"{obstacle.name}: {obstacle.description}; past it: {past}", *lines])


def _format_row(row: ObstacleRow) -> tuple[str, ...]:
    failed = [f"{finding} {n}" for finding, n in row.findings]
    return (
        row.rule,
        format_setting(row.rate) + ("" if row.tuned else "°") + ("!" if row.at_edge else ""),
        f"{row.past.value:.0%}",
        f"{row.past.low:.0%} … {row.past.high:.0%}",
        format_number(row.gradients.value),
        f"{format_number(row.gradients.low)} … {format_number(row.gradients.high)}",
        format_number(row.decades),
        ", ".join(failed),
    )


def _format_matrix(found: Sequence[ObstacleRow], names: Sequence[str]) -> str:
    """Shares in percent: a line for each rule, a column for each obstacle."""
    shares = {(row.rule, row.obstacle.name): "" if row.error else f"{100 * row.past.value:.0f}" for row in found}
    rules = {row.rule: row.rule + ("" if row.tuned else "°") for row in found}
    order = sorted(rules, key=lambda rule: -sum(float(shares[rule, name] or 0) for name in names))
    numbers = ("rule", *map(str, range(1, len(names) + 1)))
    lines = align_columns([numbers, *((rules[rule], *(shares[rule, name] for name in names)) for rule in order)])
    columns = ", ".join(f"{i} {name}" for i, name in enumerate(names, 1))
    return "\n".join(["starts that get past each obstacle, in percent; empty: cannot be run there", *lines, columns])


def _format_legend(found: Sequence[ObstacleRow]) -> str:
    n = max((row.n for row in found), default=0)
    untuned = [] if all(row.tuned for row in found) else ["° : nobody tuned it: where it fails, other settings may not"]
    return "\n".join(
        [
            f"{n} starts; past: with Wilson's 95 % interval; gradients: the median, – where half never got past",
            "decades: of learning rates at which half of the starts of the tuning got past, as fine as the grid",
            "! : the rate is at the edge of those tried, widen them; a rule is judged at the rates that were tried",
            *untuned,
        ]
    )
