"""Student's t distribution, for means of a few results: intervals, and whether two means differ.

The results count as normally distributed. Means of folds over some seeds nearly are; single runs that diverge are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import atan, cos, inf, isfinite, nan, pi, sin, sqrt
from typing import Any

import numpy as np

from mlp.statistics.intervals import Interval

LARGE = 1e150  # a number whose square is not infinite
ROUNDING = 1e-12  # of a difference: what is left of a spread of 0


def t_within(t: float, freedom: int) -> float:
    """P(|T| ≤ t) for a whole number of degrees of freedom: Abramowitz & Stegun (1964), 26.7.3 and 26.7.4.

    >>> round(t_within(2.776445, 4), 6)
    0.95
    """
    angle = atan(t / sqrt(freedom))
    first = 1 if freedom % 2 == 0 else 2
    term, total = (1.0, 1.0) if first == 1 else (cos(angle), cos(angle))
    for k in range(first, freedom - 2, 2):  # each term is the one before it, times k / (k + 1) cos²
        term *= k / (k + 1) * cos(angle) ** 2
        total += term
    if first == 1:
        return sin(angle) * total
    return 2 / pi * (angle + (sin(angle) * total if freedom > 1 else 0.0))


def t_quantile(level: float, freedom: int) -> float:
    """The t with P(|T| ≤ t) = `level`, by bisection.

    >>> round(t_quantile(0.95, 4), 6)
    2.776445
    """
    low, high = 0.0, 1.0
    while t_within(high, freedom) < level:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if t_within(middle, freedom) < level else (low, middle)
    return high


def _unit(values: Any) -> float:
    """In what values are measured before they are squared: the r² of a network that diverged may be -1e200."""
    largest = float(np.abs(values).max())
    return largest if LARGE < largest < inf else 1.0


def standard_error(values: Sequence[float]) -> float:
    """s / √n; NaN for fewer than two values."""
    if len(values) < 2:
        return nan
    unit = _unit(values)
    return float(np.std(np.divide(values, unit), ddof=1) / sqrt(len(values))) * unit


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """The mean, and x̄ ± t s / √n around it. NaN where a value is none; one value has no interval.

    >>> [round(x, 3) for x in mean_interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484, 0.95]
    """
    unit = _unit(values) if len(values) else 1.0
    mean = float(np.mean(np.divide(values, unit))) * unit if len(values) else nan
    if len(values) < 2 or not isfinite(mean):
        return Interval(mean, nan, nan, nan)
    half = t_quantile(level, len(values) - 1) * standard_error(values)
    return Interval(mean, mean - half, mean + half, level)


def paired_t_test(a: Sequence[float], b: Sequence[float], held_out: float = 0.0) -> float:
    """The p that the means of pairs do not differ, two-sided; NaN for fewer than two pairs.

        t = d̄ / √((1/n + `held_out`) s²),  n - 1 degrees of freedom

    `held_out`: rows tested on for each row trained on, 1 / (k - 1) with k folds. Folds share most of their training
    rows, so their scores vary less than those of independent data would. Nadeau & Bengio (2003), section 4. Where all
    pairs differ by the same, there is no spread to compare with: then it is the p of the sign test.
    """
    d = np.subtract(a, b)
    n = len(d)
    if n < 2 or not np.isfinite(d).all():
        return nan
    d = d / _unit(d)
    mean, spread = float(d.mean()), float(d.std(ddof=1))
    if spread <= ROUNDING * abs(mean) or spread == 0:
        return 1.0 if mean == 0 else 2.0 ** (1 - n)
    t = abs(mean) / (sqrt(1 / n + held_out) * spread)
    return 1 - t_within(t, n - 1) if t < inf else 0.0
