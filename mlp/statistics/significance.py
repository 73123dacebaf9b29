"""Whether a difference may be chance: exact tests for pairs of results, and a correction for several tests.

Nothing is assumed about how results are distributed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlp.arrays import Array
from mlp.statistics.scores import check_pairs, mean_ranks


def sign_test(first_better: Array, second_better: Array) -> float:
    """The chance of a split as uneven as this, or more, if both models were as likely to win a row: exact, two-sided.

        p = min(1, 2 · Σₖ₌₀ᵐ C(n, k) / 2ⁿ),  n rows on which one is better, m those of the rarer winner

    Rows that both win, and rows that none wins, do not count. With `better` as "right where the other is wrong", this
    is McNemar's test in its exact form. McNemar (1947); Edwards (1948) has the approximation, which is not used here.

    >>> sign_test(np.array([1, 1, 1, 1, 1, 0]), np.array([0, 0, 0, 0, 0, 0]))
    0.0625
    """
    check_pairs(first_better=first_better, second_better=second_better)
    wins, losses = int(np.sum(first_better > second_better)), int(np.sum(second_better > first_better))
    n, term, total = wins + losses, 1, 0
    for k in range(min(wins, losses) + 1):
        total += term
        term = term * (n - k) // (k + 1)
    return min(1.0, float(2 * total / 2**n))


def signed_rank_test(a: Sequence[float], b: Sequence[float]) -> float:
    """Wilcoxon's (1945) signed-rank test: the p that pairs differ to neither side, two-sided and exact.

    Pairs that are equal are left out, also where both are infinite. Equal differences share their mean rank. The
    distribution of the rank sum is counted over all 2ⁿ signs of these ranks.
    """
    with np.errstate(invalid="ignore"):
        d = np.subtract(a, b)
    d = d[(d != 0) & ~np.isnan(d)]
    if not len(d):
        return 1.0
    doubled = np.rint(2 * mean_ranks(np.abs(d))).astype(int)  # mean ranks are halves
    chance = np.zeros(doubled.sum() + 1)
    chance[0] = 1
    for rank in doubled:  # halved each time: 2ⁿ itself overflows from n = 1024 on
        chance *= 0.5
        chance[rank:] = chance[rank:] + chance[: len(chance) - rank]
    observed = doubled[d > 0].sum()
    tail = min(chance[: observed + 1].sum(), chance[observed:].sum())
    return float(min(1.0, 2 * tail))


def smallest_p(n: int) -> float:
    """The smallest p that `signed_rank_test` can give for n pairs: all differ to one side."""
    return min(1.0, 2.0 ** (1 - n))


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
