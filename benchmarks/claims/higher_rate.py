"""A higher learning rate cures a local minimum.

Networks 2-2-1 that stay above the global minimum of exclusive or after gradient descent go on at higher rates. Which of
them arrive, and how many that had arrived are thrown out?
"""

from __future__ import annotations

from claim import LEARNED, TRUE, XOR, Claim, main, starts, train_on

import mlp


def measure() -> Claim:
    """A higher rate leads out of a minimum."""
    loss, first = mlp.SquaredError(), starts([2, 2, 1], 2000, seed=7)
    before = train_on(first, XOR, TRUE, loss, mlp.SGD(0.3), 3000)
    stuck, there = before > 0.05, before < LEARNED
    rows = []
    for times in (1, 3, 10, 30, 100):
        network = first.at(first.params.copy())
        after = train_on(network, XOR, TRUE, loss, mlp.SGD(0.3 * times), 3000)
        later = train_on(network, XOR, TRUE, loss, mlp.SGD(0.3), 1000)
        rows.append(
            [0.3 * times, 100 * (after[stuck] < LEARNED).mean(), 100 * (later[stuck] < LEARNED).mean(),
             100 * (later[there] > LEARNED).mean()]
        )  # fmt: skip
    best = max(rows, key=lambda row: row[2] - row[3])
    why = (
        f"of {stuck.sum()} that stood above a loss of 0.05 after 3,000 steps at 0.3, {rows[0][2]:.0f} % arrive with "
        f"more steps at the same rate and {best[2]:.0f} % after a time at {best[0]:g}; at {rows[-1][0]:g} "
        f"{rows[-1][3]:.0f} % of those that had arrived are thrown out"
    )
    verdict = "depends" if best[2] - rows[0][2] > 5 else "does not hold"
    columns = ["rate", "stuck: arrive %", "and after cooling %", "arrived: thrown out %"]
    curves = {name: ([r[0] for r in rows], [r[k] for r in rows]) for k, name in ((2, "arrive"), (3, "thrown out"))}
    said = "a higher learning rate leads out of a local minimum"
    return Claim(said, columns, rows, verdict, why, curves, ("rate", "%"), "x")


if __name__ == "__main__":
    main(measure, "higher_rate")
