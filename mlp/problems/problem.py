"""What a problem for optimizers is: one row of a table, and the course of one training on it.

A problem says how to begin, how long to go on, what to look at on the way and what counts as solved. A `Course` is one
training of a population that has a member for each seed, or of a single vector; rules and what watches them see
parameters and numbers, never whether a network or a formula is behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from mlp.arrays import Array
from mlp.errors import ShapeError
from mlp.optimizers import Optimizer

Measures = dict[str, Array]
LARGER = ("accuracy", "solved")  # measures of which more is better; of all others, less


def larger_is_better(measure: str) -> bool:
    """Whether it counts what is right, not what is wrong."""
    return measure.endswith(LARGER)


@dataclass(frozen=True)
class Target:
    """What counts as solved: a measure on the right side of a level."""

    measure: str
    level: float

    def met(self, measures: Measures) -> Any:
        """Whether it is reached, for each member; never by a number that is none."""
        value = measures[self.measure]
        return value >= self.level if larger_is_better(self.measure) else value <= self.level

    def __str__(self) -> str:
        return f"{self.measure} {'≥' if larger_is_better(self.measure) else '≤'} {self.level:g}"


class Made(NamedTuple):
    """An update, just made: the rule's state after it, and the loss (*population,) that was found before it."""

    state: Any
    loss: Any


class Course(Protocol):
    """One training, about to begin.

    `params` (*population, P); `population` is (R,), or () for a single vector.
    """

    params: Array

    def fitted(self, rule: Optimizer) -> Optimizer:
        """The rule, told what it asks to know about the network: where its layers and matrices are."""

    def steps(self, rule: Optimizer) -> Iterator[Made]:
        """Train; yield after each update, for as long as anyone asks."""

    def measure(self, params: Array) -> Measures:
        """Everything there is to look at, at `params`; (*population,) each."""


class Stop(Protocol):
    """When a member has had enough."""

    def begin(self, n_members: int) -> Callable[[Array, Measures], Array]:
        """A judge, asked at every measurement: which members may stop, (R,).

        It is told the losses of the updates since the measurement before, (n_updates, R), and what was measured.
        """


Begin = Callable[[Sequence[int] | int, int, bool], Course]


@dataclass(frozen=True)
class Problem:
    """One row of the table.

    `begin(seeds, order, full_batch)` makes a course: a population with a member for each of several seeds, or a single
    vector for one. Seeds draw where members start; `order` draws the order of the batches, which a population shares.
    `epochs`: how often the data are gone through, in `per_epoch` updates each, or in one by rules that need all rows at
    once. `every`: epochs from one measurement to the next. `score` is what is reported, `chosen_by` what a learning
    rate is chosen by, which must have seen no test data. `target`: what counts as solved. `members`: how many train in
    one pass at most.
    """

    name: str
    description: str
    source: str
    begin: Begin
    epochs: int
    every: int
    score: str
    chosen_by: str
    target: Target
    per_epoch: int = 1
    members: int = 256
    stop: Stop | None = None


def takes_populations(rule: Optimizer, params: Array) -> bool:
    """Whether the rule moves several vectors at once; one that searches refuses them at its `init`.

    Asked of the rule itself, so that a new one need not be entered in a list of those that do or do not.
    """
    try:
        rule.init(np.zeros((2, params.shape[-1]), params.dtype))
    except ShapeError:
        return False
    return True


def placed(rule: Optimizer, **places: Any) -> Optimizer:
    """The rule with those of `places` that it has fields for."""
    known = {f.name for f in fields(rule)}  # type: ignore[arg-type]
    mine = {name: place for name, place in places.items() if name in known}
    return replace(rule, **mine)  # type: ignore[type-var]  # rules are dataclasses
