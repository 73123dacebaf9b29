"""What tuning tries, and what it is worth: hyperparameters to draw from, and the best score against the budget.

A space has a list or a range for each hyperparameter, and a list for the schedule. Knows numbers and tables only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from mlp.config.schema import SCHEDULE
from mlp.errors import ConfigError

QUARTER = 4  # one setting in so many goes on to the next rung
BUDGETS = (1, 2, 4, 8, 16, 32, 64)


def draw_settings(space: Mapping[str, Any], n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """`n` settings of the space, each key by itself: one of a list, or a number of a range (see `check_range`).

    A range whose ends are both above 0 is drawn in the logarithm, also of 1 - β where `log` is "1 - x".
    """
    return [{key: _draw(given, rng) for key, given in space.items()} for _ in range(n)]


def _draw(given: Any, rng: np.random.Generator) -> Any:
    if isinstance(given, list):
        return given[int(rng.integers(len(given)))]
    low, high, log = float(given["low"]), float(given["high"]), given.get("log", given["low"] > 0)
    if log == "1 - x":
        return float(f"{1 - np.exp(rng.uniform(*np.log([1 - high, 1 - low]))):.6g}")
    value = np.exp(rng.uniform(*np.log([low, high]))) if log else rng.uniform(low, high)
    return float(f"{value:.4g}")


def list_grid(space: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the lists of a space."""
    return [dict(zip(space, values, strict=True)) for values in product(*space.values())]


def check_space(space: Any, where: str, grid: bool) -> None:
    """Refuse what is not a table of lists and ranges; a grid takes lists only."""
    for key, given in space.items() if isinstance(space, Mapping) else [("", space)]:
        if key == "schedule" and not (isinstance(given, list) and given and all(map(SCHEDULE.fits, given))):
            raise ConfigError(f'{where} schedule = {given!r}: a list of schedules is needed, ["constant", "cosine"].')
        if isinstance(given, list) and given:
            continue
        if not isinstance(given, Mapping) or not key:
            raise ConfigError(f"{where} {key} = {given!r}: a list to choose from is needed, or {{low = …, high = …}}.")
        if grid:
            raise ConfigError(f'{where} {key} is a range, and a grid takes lists. Set search = "random" in [bench].')
        check_range(given, f"{where} {key}")


def check_range(given: Mapping[str, Any], where: str) -> None:
    """Refuse what is no range: {low, high} and, if it may not be guessed, `log`: true, false or "1 - x"."""
    ends = [given.get("low"), given.get("high")]
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
    if not given.keys() <= {"low", "high", "log"} or not numbers or not ends[0] < ends[1]:  # type: ignore[operator]
        raise ConfigError(f"{where} = {dict(given)}: a range has a low and a higher high, {{low = 0.1, high = 0.9}}.")
    log = given.get("log", False)
    if log not in (True, False, "1 - x") or (log is True and ends[0] <= 0) or (log == "1 - x" and ends[1] >= 1):  # type: ignore[operator]
        raise ConfigError(f'{where}: log = {log!r}; true needs numbers above 0, and "1 - x" numbers below 1.')


def plan_rungs(n: int, epochs: int, halving: bool) -> list[tuple[int, int]]:
    """How many settings are tried for how many epochs: all of them once, or in rungs of successive halving.

    Each rung keeps the best quarter of the one before, and trains it four times as long. Jamieson & Talwalkar (2016),
    with quarters as in Li et al. (2018); runs begin anew, so that a result depends on its trial alone.

    >>> plan_rungs(16, 1000, True)
    [(16, 250), (4, 1000)]
    """
    counts = [n]
    while halving and counts[-1] > QUARTER:
        counts.append(-(-counts[-1] // QUARTER))
    return [
        (count, max(1, epochs // QUARTER**i)) for i, count in zip(reversed(range(len(counts))), counts, strict=True)
    ]


def expected_best(scores: Sequence[float], budgets: Sequence[int] = BUDGETS) -> list[float]:
    """The expected best score of k settings drawn from those that were tried, for each budget k; less is better.

        E[min of k] = Σᵢ s₍ᵢ₎ ((n - i + 1)ᵏ - (n - i)ᵏ) / nᵏ,   s₍₁₎ ≤ … ≤ s₍ₙ₎

    Dodge, Gururangan, Card, Schwartz & Smith (2019), section 3, with the best as the smallest. It is what k trials are
    worth on average, and does not depend on the order in which they were made. Infinite scores count as such. Budgets
    above n are NaN: nobody knows what settings that were not tried would have brought.

    >>> expected_best([3.0, 1.0], [1, 2])
    [2.0, 1.5]
    """
    values, n = np.sort(np.asarray(scores, float)), len(scores)
    rest = np.arange(n, -1, -1) / max(n, 1)
    found = []
    for k in budgets:
        weights = rest[:-1] ** k - rest[1:] ** k
        found.append(float((values[weights > 0] * weights[weights > 0]).sum()) if k <= n else float("nan"))
    return found
