"""Few numbers and what may be said of them: intervals, tests, corrections. Plain NumPy, exact where it can be.

Nothing is assumed about how results are spread: learning curves diverge, so their means do not exist and their
deviations mislead. A result that is no number counts as worse than every number.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import comb, inf, nan, sqrt
from typing import NamedTuple

import numpy as np

from mlp.arrays import Array


class Interval(NamedTuple):
    """A value, bounds, and how often bounds so made hold the truth."""

    value: float
    low: float
    high: float
    coverage: float


def median(values: Sequence[float], level: float = 0.95) -> Interval:
    """The median, between two order statistics with at least `level` coverage if the sample is large enough.

        P(x₍ₖ₎ ≤ median ≤ x₍ₙ₊₁₋ₖ₎) = 1 - 2 Σ_{i<k} C(n, i) / 2ⁿ

    Exact for every continuous distribution (Thompson 1936). Ten values give [x₍₂₎, x₍₉₎] and 97.9 %; fewer than six
    give their range, and less than 95 %.

    >>> median([3.0, 1.0, 2.0])
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


def share(successes: int, n: int, z: float = 1.959963984540054) -> Interval:
    """A success rate with Wilson's (1927) 95 % score interval.

    (p̂ + z²/2n ± z √(p̂(1 - p̂)/n + z²/4n²)) / (1 + z²/n)
    """
    p, spare = successes / n, z * z / n
    centre, half = p + spare / 2, z * sqrt(p * (1 - p) / n + spare / (4 * n))
    low, high = (centre - half) / (1 + spare), (centre + half) / (1 + spare)
    return Interval(p, max(0.0, low), min(1.0, high), 0.95)


def signed_rank(a: Sequence[float], b: Sequence[float]) -> float:
    """p of Wilcoxon's (1945) signed-rank test that pairs differ to neither side; two-sided and exact.

    Pairs that are equal, both infinite among them, are left out; equal differences share their mean rank. The
    distribution of the rank sum is counted out over all 2ⁿ signs, with the ranks that there are.
    """
    with np.errstate(invalid="ignore"):
        d = np.subtract(a, b)
    d = d[(d != 0) & ~np.isnan(d)]
    if not len(d):
        return 1.0
    doubled = np.rint(2 * _ranks(np.abs(d))).astype(int)  # mean ranks are halves
    chance = np.zeros(doubled.sum() + 1)
    chance[0] = 1
    for rank in doubled:  # halved each time: 2ⁿ itself overflows from n = 1024 on
        chance *= 0.5
        chance[rank:] = chance[rank:] + chance[: len(chance) - rank]
    observed = doubled[d > 0].sum()
    tail = min(chance[: observed + 1].sum(), chance[observed:].sum())
    return float(min(1.0, 2 * tail))


def _ranks(values: Array) -> Array:
    """1, 2, ..., equal values their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: Array = last - (counts - 1) / 2
    return means[place]


def holm(p: Sequence[float]) -> list[float]:
    """p values corrected for being several: p₍ᵢ₎ ← max over j ≤ i of (m - j + 1) p₍ⱼ₎, at most 1. Holm (1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(np.asarray(p, float)[order] * np.arange(len(order), 0, -1))
    found = np.empty(len(order))
    found[order] = np.minimum(raised, 1)
    return [float(value) for value in found]


def least_p(n: int) -> float:
    """The smallest p that n pairs can give in `signed_rank`: all differ to one side."""
    return min(1.0, 2.0 ** (1 - n))


def ratios(costs: Array) -> Array:
    """r = cost / (least cost of that instance), for (n_instances, n_rules); inf where an instance was not solved."""
    least = costs.min(1, keepdims=True)
    with np.errstate(invalid="ignore"):
        found = costs / least
    return np.where(np.isfinite(costs), found, inf)


def profile(costs: Array, factors: Sequence[float]) -> Array:
    """ρ(τ): the share of instances that a rule solves at τ times the least cost, (n_factors, n_rules).

    ρ(1) is how often it is the fastest, ρ(∞) how often it succeeds at all. Dolan & Moré (2002), section 2.
    """
    found = ratios(costs)
    solved = [(np.isfinite(found) & (found <= factor)).sum(0) for factor in factors]
    return np.array(solved) / max(1, len(costs))
