"""Restarts help, and how many are needed can be foretold.

With a share p of starts that learn, and starts that are independent, n restarts succeed with 1 - (1 - p)ⁿ. Exclusive or
with two hidden units, Rprop and cross-entropy, 6,000 starts; the best of n is counted on groups of n.
"""

from __future__ import annotations

from math import ceil, log

import numpy as np
from claim import LEARNED, TRUE, XOR, Claim, main, starts, train_on

import mlp


def measure() -> Claim:
    """Restarts help, and how many."""
    losses = [
        train_on(starts([2, 2, 1], 1000, seed=100 + k), XOR, TRUE, mlp.SigmoidCrossEntropy(), mlp.RpropMinus(), 300)
        for k in range(6)
    ]
    learned = np.concatenate(losses) < LEARNED
    p = float(learned.mean())
    rows = []
    for n in (1, 2, 3, 5, 8, 12):
        groups = learned[: len(learned) // n * n].reshape(-1, n).any(1)
        rows.append([n, 100 * groups.mean(), 100 * (1 - (1 - p) ** n), len(groups)])
    needed = ceil(log(0.01) / log(1 - p))
    off = max(abs(row[1] - row[2]) for row in rows)
    why = (
        f"one start in {1 / p:.1f} learns, so {needed} restarts succeed 99 times of 100; counted and foretold differ "
        f"by {off:.1f} points at most"
    )
    columns = ["restarts", "succeed %", "1 - (1 - p)ⁿ %", "groups"]
    curves = {
        "counted": ([r[0] for r in rows], [r[1] for r in rows]),
        "foretold": ([r[0] for r in rows], [r[2] for r in rows]),
    }
    verdict = "holds" if off < 3 else "depends"
    return Claim("restarts cure local minima", columns, rows, verdict, why, curves, ("restarts", "succeed, %"))


if __name__ == "__main__":
    main(measure, "restarts")
