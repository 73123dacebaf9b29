"""What a search says: a row for each combination, the best, the smallest that does as well, and what to doubt.

Folds are the sample: scores are means over seeds for each fold, and errors come from the spread between folds. Without
folds all is scored on one part, and errors come from the spread between seeds: that part may still be a lucky one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from mlp.config.schema import is_number
from mlp.grid_search.plan import Cell, Search
from mlp.grid_search.space import Combination, Range
from mlp.statistics.intervals import Interval
from mlp.statistics.significance import holm
from mlp.statistics.student import mean_interval, paired_t_test, standard_error

LUCK = 0.05  # a difference with a larger p may be chance
EDGE = 0.05  # of the logarithm of a range


@dataclass(frozen=True)
class GridRow:
    """A combination and what it came to.

    `score`: mean, and its 95 % interval. `error`: the standard error of the mean. `p`: that the difference to the best
    is chance, corrected for all combinations; NaN for the best and where it is not known. `operations`: of one
    training, 6 for each parameter and sample (2 forward, 4 backward). `seconds`: of one training, in its share of a
    population; it depends on the clock. `n`: networks. `diverged`: how many of them came to no number. No
    combination is the `best` where all have such networks.
    """

    values: Combination
    score: Interval
    error: float
    parameters: int
    operations: float
    seconds: float
    n: int
    diverged: int
    epochs: int | None = None
    p: float = nan
    best: bool = False
    chosen: bool = False


def summarize(search: Search, cells: Sequence[Cell]) -> list[GridRow]:
    """A row for each combination, the best first; after them those that halving gave up earlier."""
    if not cells:
        return []
    longest = max(cell.epochs or 0 for cell in cells)
    last = sorted((cell for cell in cells if (cell.epochs or 0) == longest), key=lambda cell: -cell.mean)
    given_up = sorted((c for c in cells if (c.epochs or 0) < longest), key=lambda c: (-(c.epochs or 0), -c.mean))
    best, chosen = last[0], choose_smallest(last)
    chances = dict(zip(map(id, last[1:]), _compare(search, best, last[1:]), strict=True))
    return [_row(search, cell, best, chosen, chances.get(id(cell), nan)) for cell in (*last, *given_up)]


def format_value(value: Any) -> str:
    """A value as a file has it; a list of one width as the width."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else json.dumps(value)


def choose_smallest(cells: Sequence[Cell]) -> Cell:
    """The one with fewest parameters whose mean is within one standard error of the best, which comes first.

    Breiman et al. (1984), section 3.4.3: among what cannot be told apart, the simplest. Of equal sizes the better.
    """
    best = cells[0]
    error = standard_error(best.fold_means())
    least = best.mean - (error if isfinite(error) else 0.0)
    return min((cell for cell in cells if cell.mean >= least), key=lambda cell: (cell.parameters, -cell.mean))


def _compare(search: Search, best: Cell, others: Sequence[Cell]) -> list[float]:
    """p of each against the best, with Holm's correction."""
    shared = 1 / (search.task.folds - 1) if search.task.folds > 1 else 0.0
    found = [paired_t_test(best.fold_means(), cell.fold_means(), shared) for cell in others]
    known = [p for p in found if isfinite(p)]
    raised = iter(holm(known) if known else [])
    return [next(raised) if isfinite(p) else nan for p in found]


def _row(search: Search, cell: Cell, best: Cell, chosen: Cell, p: float) -> GridRow:
    means = cell.fold_means()
    score = mean_interval(means)
    least, most = (0.0 if search.score == "accuracy" else -inf), 1.0  # no score is beyond
    score = score._replace(low=float(np.clip(score.low, least, most)), high=float(np.clip(score.high, least, most)))
    samples = float(np.mean(cell.steps or [0])) * _rows_per_step(search, cell)
    return GridRow(
        cell.values, score, standard_error(means), cell.parameters,
        6.0 * cell.parameters * samples, cell.seconds / max(1, len(cell.scores)), len(cell.scores),
        sum(score is None for score in cell.scores.values()), cell.epochs, p,
        best=cell is best and isfinite(best.mean), chosen=cell is chosen and isfinite(best.mean),
    )  # fmt: skip


def _rows_per_step(search: Search, cell: Cell) -> float:
    """How many rows a step takes, on average."""
    training = search.task.configure(cell.values).training
    return cell.rows / training.steps_per_epoch(cell.rows) if cell.rows else 0.0


# what to doubt


def warn_of(search: Search, rows: Sequence[GridRow]) -> Iterator[str]:
    """What somebody who reads the table should know."""
    compared = [row for row in rows if row.epochs == rows[0].epochs]
    best = rows[0]
    if not best.best:
        yield "every combination has networks that diverged: lower optimizer.learning_rate"
        return
    chosen = next(row for row in rows if row.chosen)
    unclear = [row for row in compared if not row.best and not row.p <= LUCK and not row.diverged]
    if unclear:
        yield (
            f"within luck: {len(unclear)} of {len(compared) - 1} others may differ from the best by chance "
            f"(p > {LUCK:g}). More folds or more rows tell more apart"
        )
    for key in search.over:
        place = _find_edge(search, key, best.values[key])
        if place:
            yield f"edge: the best has {key} = {format_value(best.values[key])}, the {place} that was tried: widen them"
        elif _find_edge(search, key, chosen.values[key]) == "smallest" and key == "network.hidden":
            yield f"edge: the chosen one has the smallest {key} that was tried: a smaller one may do as well"
    if diverged := sum(row.diverged for row in rows):
        yield f"diverged: {diverged} of {sum(row.n for row in rows)} networks came to no number"


def _find_edge(search: Search, key: str, value: Any) -> str:
    """Where a number is at the edge of those that were tried: "smallest" or "largest", and "" elsewhere."""
    tried, mine = search.over[key], _as_number(value)
    if isinstance(tried, Range):
        share = 0.5 if mine is None else tried.share(mine)
        return "smallest" if share < EDGE else "largest" if share > 1 - EDGE else ""
    numbers = [_as_number(value) for value in tried]
    known = [number for number in numbers if number is not None]
    if mine is None or len(known) < len(numbers) or len(set(known)) < 3:
        return ""
    return "smallest" if mine == min(known) else "largest" if mine == max(known) else ""


def _as_number(value: Any) -> float | None:
    """A number, or the only one of a list; None for anything else."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return float(value) if is_number(value) else None
