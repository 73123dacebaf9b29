"""How sure a few results are: intervals of medians and success rates, and performance profiles.

Nothing is assumed about how results are distributed: some learning curves diverge, so means do not exist and standard
deviations mislead. NaN and infinity count as worse than every number.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import comb, nan, sqrt
from typing import NamedTuple

import numpy as np

from mlp.arrays import Array


class Interval(NamedTuple):
    """A value, its bounds, and how often bounds that are made in this way hold the truth."""

    value: float
    low: float
    high: float
    coverage: float


def median_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """The median, between two order statistics with at least `level` coverage if the sample is large enough.

        P(x₍ₖ₎ ≤ median ≤ x₍ₙ₊₁₋ₖ₎) = 1 - 2 Σ_{i<k} C(n, i) / 2ⁿ

    Exact for every continuous distribution (Thompson 1936). Ten values give [x₍₂₎, x₍₉₎] and 97.9 %. Fewer than six
    values give their range, and less than 95 %.

    >>> median_interval([3.0, 1.0, 2.0])
    Interval(value=2.0, low=1.0, high=3.0, coverage=0.75)
    """
    x = np.sort(np.asarray(values, float))
    n = len(x)
    if not n:
        return Interval(nan, nan, nan, nan)
    below = [ways / 2**n for ways in accumulate(comb(n, i) for i in range(max(1, n // 2)))]  # whole numbers of any size
    k = max(1, sum(1 - 2 * share >= level for share in below))
    middle = x[(n - 1) // 2] if np.isinf(x[n // 2]) else (x[(n - 1) // 2] + x[n // 2]) / 2
    return Interval(float(middle), float(x[k - 1]), float(x[n - k]), max(0.0, 1 - 2 * below[k - 1]))


def wilson_interval(successes: int, n: int, z: float = 1.959963984540054) -> Interval:
    """A success rate with Wilson's (1927) 95 % score interval.

    (p̂ + z²/2n ± z √(p̂(1 - p̂)/n + z²/4n²)) / (1 + z²/n)
    """
    p, spare = successes / n, z * z / n
    centre, half = p + spare / 2, z * sqrt(p * (1 - p) / n + spare / (4 * n))
    low, high = (centre - half) / (1 + spare), (centre + half) / (1 + spare)
    return Interval(p, max(0.0, low), min(1.0, high), 0.95)


def performance_profile(costs: Array, factors: Sequence[float]) -> Array:
    """ρ(τ): the share of instances that a rule solves at τ times the least cost, (n_factors, n_rules).

        r = cost / (least cost of the instance)     ρ(τ) = mean over instances of [r ≤ τ]

    `costs` (n_instances, n_rules) is infinite where an instance was not solved. ρ(1) is how often a rule is the
    fastest, ρ(∞) how often it succeeds at all. Dolan & Moré (2002), section 2.
    """
    least = costs.min(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.where(costs == least, 1.0, costs / least)  # 0/0: solved by all before the first step
    solved = [(np.isfinite(costs) & (ratios <= factor)).sum(0) for factor in factors]
    return np.array(solved) / max(1, len(costs))
