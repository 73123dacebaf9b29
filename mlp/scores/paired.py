"""Whether two models differ, from the rows that both have answered."""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array
from mlp.scores.pairs import check_pairs


def sign_test(first_better: Array, second_better: Array) -> float:
    """The chance of a split as uneven as this, or more, if each were as likely to win a row: exact, two-sided.

        p = min(1, 2 · Σₖ₌₀ᵐ C(n, k) / 2ⁿ),  n rows on which one is better, m those that the rarer winner wins

    Rows that both win, or none, say nothing. With `better` as "right where the other is wrong", this is McNemar's
    test in its exact form. McNemar (1947); Edwards (1948) has the approximation that is not used here.

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
