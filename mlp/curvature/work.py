"""How much work looking at a point takes, counted and not timed: the same seed then stops at the same place.

The unit is one parameter times one row, forward and backward. A second of one core has `SECOND` of them. A node costs
as much as `NODE` parameters, and a pass has a price of its own: in small networks that is most of it. Whoever has an
allowance gives a `Meter` to the `Surface`, and all that is asked of it counts.
"""

from __future__ import annotations

from math import inf

from mlp.network import Network

SECOND = 2.5e9  # 0.4 ns for each: 784-128-10 takes 36 µs a row, 20-64×8-2 22 µs, 10-64-32-10 2.9 µs, 2-16-2 240 ns
NODE = 20.0  # 8 ns: exponentials, and memory that is gone through
PASS, LAYER = 7.5e4, 7.5e3  # 30 µs and 3 µs for each layer
PRODUCT = 2.0  # passes that a product with the Hessian costs


class OutOfWorkError(Exception):
    """The allowance is used up."""


class Meter:
    """Counts work; raises `OutOfWorkError` before what would go beyond `most`."""

    def __init__(self, most: float = inf) -> None:
        self.most, self.done = most, 0.0

    def spend(self, network: Network, rows: int, passes: float = 1.0) -> None:
        """Count so many passes of a network, or of all of a population, over so many rows."""
        work = passes * pass_work(network, rows)
        if self.done + work > self.most:
            raise OutOfWorkError
        self.done += work


def pass_work(network: Network, rows: int) -> float:
    """What one pass forward and backward costs."""
    return row_work(network) * rows + PASS + LAYER * len(network.layers)


def row_work(network: Network) -> float:
    """What of it each row costs, of all members of a population."""
    members = network.params.size // network.layout.size
    return network.params.size + NODE * members * sum(layer.n_out for layer in network.layers)
