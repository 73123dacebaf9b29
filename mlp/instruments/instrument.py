"""What an instrument is: a name, and a function that reads a step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mlp.arrays import Array
from mlp.training import Step

Measure: TypeAlias = Callable[[Step], Any]

NEVER = sys.maxsize
"""A step that does not come."""


class Rhythm(NamedTuple):
    """At which steps to measure: at multiples of `period` before step `change`, then at multiples of `later`.

    A run is looked at closely while most happens, and a long one pays less for each step.

    >>> rhythm = Rhythm(7, 29, change=30)
    >>> [step for step in range(100) if rhythm.meets(step)], rhythm.next(28)
    ([0, 7, 14, 21, 28, 58, 87], 58)
    """

    period: int
    later: int
    change: int

    @classmethod
    def of(cls, period: int | Rhythm) -> Rhythm:
        """A period as a rhythm that stays."""
        return period if isinstance(period, Rhythm) else cls(period, period, 0)

    def at(self, index: int) -> int:
        """The period at a step."""
        return self.period if index < self.change else self.later

    def meets(self, index: int) -> bool:
        """Whether to measure at a step."""
        return index % self.at(index) == 0

    def next(self, index: int) -> int:
        """The first step after that one at which to measure."""
        found = next_multiple(index, self.period)
        return found if found < self.change else next_multiple(max(index, self.change - 1), self.later)

    def times(self, every: int) -> Rhythm:
        """The same for every so many steps."""
        return Rhythm(*(every * count for count in self))


class Gathering(NamedTuple):
    """A measurement of many steps at once: calling NumPy for each would take longer than what it computes.

    `vector(step)` is copied at each step. Of up to `n` of these, as rows (n, P), `summarise` makes the records: n times
    the numbers of all labels.
    """

    vector: Measure
    n: int
    summarise: Callable[[Array], list[float]]


class Instrument(NamedTuple):
    """A quantity: `measure(step)` gives a number, or one for each of `labels(step)`; every `period` records.

    `period` may be a function of the first step, if it depends on the network; it may give a `Rhythm` too. None: it is
    measured once, if the history does not have it yet and `measure` does not give None. `shared`: the same for all
    members of a population, as the epoch is. `finish` turns what was measured into the quantity when it is read: a root
    of a whole column costs nothing, but a root at every step costs 1 % of a small network. `norm_of`: the column whose
    norm over the labels this is. If that column is recorded too, the norm is computed when it is read, and not
    measured.

    Three kinds have a memory, each for one recording. `begin(step)`, called at the first step, gives a measure that
    does the same as `measure` and is faster, because it knows where the arrays are. `gather(step)` gives a `Gathering`,
    or None where `measure` is as fast: what is due at every step is then measured for many steps at once.
    `watch(step, period)` gives a measure that sees *every* step and returns a number when it has one, else None; if it
    can, at steps that `period` divides. `measure` is then None, because one step alone says nothing. What its class
    names in `remembers` is kept in checkpoints. If it has a method `next_look(index)`, it sees only the step that this
    names after step `index`, and maybe others.

    `kept`: "changes" keeps a single number only where it changes, as the epoch does; "step" is the number of the step
    itself, and nothing is kept. `quiet`: NumPy has nothing to warn of in it; to keep it from warning costs 0.3 µs.

    >>> largest = Instrument("largest_weight", lambda step: np.abs(step.network.params).max())
    >>> largest.name, largest.period
    ('largest_weight', 1)
    """

    name: str
    measure: Measure | None = None
    unit: str = ""
    period: int | Callable[[Step], int | Rhythm] | None = 1
    labels: Callable[[Step], tuple[str, ...]] | None = None
    shared: bool = False
    finish: Callable[[Any], Any] = np.asarray
    norm_of: str = ""
    begin: Callable[[Step], Measure] | None = None
    watch: Callable[[Step, Any], Measure] | None = None  # of the period, a number or a `Rhythm`
    kept: str = ""
    quiet: bool = False
    gather: Callable[[Step], Gathering | None] | None = None

    def read(self, step: Step) -> Any:
        """The quantity at one step alone; None if one step is not enough, or there is nothing to say."""
        found = None if self.measure is None else self.measure(step)
        return None if found is None else self.finish(found)

    def period_for(self, step: Step) -> Any:
        """Every how many records, for this network."""
        return self.period(step) if callable(self.period) else self.period


def next_multiple(index: int, period: int) -> int:
    """The first multiple of `period` above `index`."""
    return index - index % period + period
