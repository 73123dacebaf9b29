"""What a problem for optimizers is: one row of a table, and the descent that an optimizer makes on it.

A problem says how to begin, how long to go on, what to measure on the way and what counts as solved. A `Descent` is one
training, of a population that has a member for each seed or of a single vector. Rules and measurements see parameters
and numbers, never whether a network or a formula is behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from mlp.arrays import Array
from mlp.errors import ShapeError
from mlp.optimizers import Optimizer

Measures = dict[str, Array]
Seeds = Sequence[int] | int
"""One for each member of a population, or a single one for a single vector."""
LARGER = ("accuracy", "solved")  # measures that are better when they are larger; all others are better when smaller


def larger_is_better(measure: str) -> bool:
    """Whether a measure counts what is right, and not what is wrong."""
    return measure.endswith(LARGER)


@dataclass(frozen=True)
class Target:
    """What counts as solved: a measure on the right side of a level."""

    measure: str
    level: float

    def met(self, measures: Measures) -> Any:
        """Whether each member has reached it. NaN never does."""
        value = measures[self.measure]
        return value >= self.level if larger_is_better(self.measure) else value <= self.level

    def __str__(self) -> str:
        return f"{self.measure} {'≥' if larger_is_better(self.measure) else '≤'} {self.level:g}"


class Update(NamedTuple):
    """What is known after an update: the rule's state, and the loss (*population,) that was found before it."""

    state: Any
    loss: Any


class Descent(Protocol):
    """One training that is about to begin.

    `params` (*population, P); `population` is (R,), or () for a single vector.
    """

    params: Array

    def steps(self, rule: Optimizer) -> Iterator[Update]:
        """Train with the rule, and tell it what it asks about the network. Yield after each update, without end."""

    def measure(self, params: Array) -> Measures:
        """All measures at `params`; (*population,) each."""


class Stop(Protocol):
    """When a member may stop before the last epoch."""

    def begin(self, n_members: int) -> Callable[[Array, Measures], Array]:
        """A judge, which is asked at every measurement which members may stop, (R,).

        It gets the losses of the updates since the last measurement, (n_updates, R), and the measures.
        """


@dataclass(frozen=True)
class Problem:
    """One row of the table.

    `begin(seeds, order, full_batch)` makes a descent. The seeds draw where members start; `order` draws the order of
    the batches, which is one for the whole population; `full_batch`: the rule needs all rows at once. `epochs`: how
    often the data are gone through, in `per_epoch` updates each, or in one update with full batches. `every`: epochs
    from one measurement to the next. `score` is the measure that is reported. `chosen_by` is the one that a learning
    rate is chosen by, and must have seen no test data. `target`: what counts as solved. `members`: how many train in
    one pass at most. `budget`: gradients that a member may ask for, if not 0; rules that search ask for several in one
    update. `by_target`: a rate is chosen by how many starts reach the target, then by gradients, then by `chosen_by`.

    >>> from mlp.problems import PROBLEMS
    >>> PROBLEMS["xor"].name
    'xor'
    """

    name: str
    description: str
    source: str
    begin: Callable[[Seeds, int, bool], Descent]
    epochs: int
    target: Target
    every: int = 1
    score: str = "train_loss"
    chosen_by: str = "train_loss"
    per_epoch: int = 1
    members: int = 256
    stop: Stop | None = None
    budget: int = 0
    by_target: bool = False


def takes_populations(rule: Optimizer, params: Array) -> bool:
    """Whether the rule moves several vectors at once. A rule that searches refuses them in its `init`.

    The rule itself is asked, so that a new rule need not be entered in a list.
    """
    try:
        rule.init(np.zeros((2, params.shape[-1]), params.dtype))
    except ShapeError:
        return False
    return True
