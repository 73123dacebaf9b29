"""What a training costs, counted before it begins: multiplications, and the seconds they take on a core of our time.

Nothing is measured, so the same experiment has the same estimate on every machine.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from mlp.experiment.setup import Setup
from mlp.experiment.watch import UPDATE_IN_ROWS

PRODUCT = 120e-12
"""Seconds for each parameter and row of a step, forward and backward, in float32: from 784 to 100,000 inputs."""
CALLS = 20e-6
"""Seconds of a step for each layer, however few its nodes: some dozen calls of NumPy, with what is recorded."""
FORWARD = 1 / 3
"""What a pass forward costs of one forward and backward."""


class Cost(NamedTuple):
    """What a training takes: parameters times rows, over all of its steps; and about how many seconds that is."""

    products: float
    seconds: float


def estimate_cost(setup: Setup) -> Cost:
    """The cost of all steps, with validation after each epoch; without pretraining, and without plain networks beside.

    Rules that look at a batch more than once in a step take that many times as long.
    """
    training, prepared = setup.config.training, setup.prepared
    rows = min(training.rows_per_batch(len(prepared.train)), len(prepared.train))
    validated = 0 if prepared.validation is None else len(prepared.validation) * FORWARD
    steps = setup.n_steps - setup.past.steps
    size = setup.layout.size * prod(setup.population)
    products = size * (steps * (rows + UPDATE_IN_ROWS) + training.epochs * validated)
    width = setup.dtype.itemsize / 4
    return Cost(products, products * PRODUCT * width + steps * CALLS * len(setup.layout.layers))
