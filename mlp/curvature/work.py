"""How much work looking at a point takes, counted and not timed: the same seed then stops at the same place.

The unit is one parameter times one row. A second of a slow core has `SECOND` of them; what a pass costs that is not
arithmetic counts too. Whoever has an allowance gives a `Meter` to the `Surface`, and all that is asked of it counts.
"""

from __future__ import annotations

from math import inf

from mlp.network import Network

SECOND = 1e9  # parameters times rows, forward and backward; measured 1.1e9 to 2.9e9 on one core, small networks apart
PASS, LAYER = 3e4, 3e3  # what a pass costs at least, and each layer in it: 10 and 3 microseconds, and the caller's
PRODUCT = 2.0  # passes that a product with the Hessian costs


class OutOfWorkError(Exception):
    """The allowance is used up."""


class Meter:
    """Counts work; raises `OutOfWorkError` before what would go beyond `most`."""

    def __init__(self, most: float = inf) -> None:
        self.most, self.done = most, 0.0

    def add(self, network: Network, rows: int, passes: float = 1.0) -> None:
        """Count so many passes of a network, or of all of a population, over so many rows."""
        work = passes * pass_work(network, rows)
        if self.done + work > self.most:
            raise OutOfWorkError
        self.done += work


def pass_work(network: Network, rows: int) -> float:
    """What one pass forward and backward costs."""
    return network.params.size * rows + PASS + LAYER * len(network.layers)
