"""The coefficients `ERFC` of `mlp/layers/gelu.py`, and how far erfc by them is from the truth. Needs mpmath.

    python tests/reference/make_erfc.py

Chebyshev series of (1 + 2z) e^(z²) erfc(z) in t = (z - 3)/(z + 3), by interpolation at 80 nodes in 60 digits, cut after
24 terms, written in powers of t.
"""

from math import exp

from mpmath import cos, erfc, mp, mpf, pi
from mpmath import exp as exact_exp

N_TERMS, N_NODES, CENTRE = 24, 80, 3


def find_coefficients() -> list[float]:
    """From the constant on."""
    mp.dps = 60
    nodes = [cos(pi * (2 * j + 1) / (2 * N_NODES)) for j in range(N_NODES)]
    places = [CENTRE * (1 + t) / (1 - t) for t in nodes]
    values = [(1 + 2 * z) * exact_exp(z * z) * erfc(z) for z in places]
    found, before, power = [mpf(0)] * N_TERMS, [mpf(0)], [mpf(1)]
    for m in range(N_TERMS):
        terms = (value * cos(pi * m * (2 * j + 1) / (2 * N_NODES)) for j, value in enumerate(values))
        weight = sum(terms) * (1 if m == 0 else 2) / N_NODES
        for k, c in enumerate(power):
            found[k] += weight * c
        following = [mpf(0), *((1 if m == 0 else 2) * c for c in power)]  # T1 = t T0, then T = 2t T - T before
        for k, c in enumerate(before):
            following[k] -= c if m else 0
        before, power = power, following
    return [float(c) for c in found]


if __name__ == "__main__":
    coefficients = find_coefficients()
    print(*coefficients, sep=",\n")
    worst = mpf(0)
    for step in range(27_000):
        z, value = step / 1000, 0.0
        t = 1 - 2 * CENTRE / (z + CENTRE)
        for c in reversed(coefficients):
            value = value * t + c
        worst = max(worst, abs(mpf(value * exp(-z * z) / (1 + 2 * z)) - erfc(mpf(z))))
    print(f"largest error of erfc: {mp.nstr(worst, 2)}")
