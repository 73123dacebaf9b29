"""What an instrument is: a name, and a function that reads a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mlp.training import Step

Measure: TypeAlias = Callable[[Step], Any]


class Instrument(NamedTuple):
    """A quantity: `measure(step)` gives a number, or one for each of `labels(step)`; every `period` records.

    `period` may be a function of the first step, if it depends on the network. None: it is measured once, if the
    history does not have it yet and `measure` does not give None. `shared`: the same for all members of a population,
    as the epoch is. `finish` turns what was measured into the quantity when it is read: a root of a whole column costs
    nothing, but a root at every step costs 1 % of a small network. `norm_of`: the column whose norm over the labels
    this is. If that column is recorded too, the norm is computed when it is read, and not measured.

    Two kinds have a memory, each for one recording. `begin(step)`, called at the first step, gives a measure that does
    the same as `measure` and is faster, because it knows where the arrays are. `watch(step, period)` gives a measure
    that sees *every* step and returns a number when it has one, else None; if it can, at steps that `period` divides.
    `measure` is then None, because one step alone says nothing. What its class names in `remembers` is kept in
    checkpoints. If it has a method `next_look(index)`, it sees only the step that this names after step `index`, and
    maybe others.

    `kept`: "changes" keeps a single number only where it changes, as the epoch does; "step" is the number of the step
    itself, and nothing is kept. `quiet`: NumPy has nothing to warn of in it; to keep it from warning costs 0.3 µs.

    >>> largest = Instrument("largest_weight", lambda step: np.abs(step.network.params).max())
    >>> largest.name, largest.period
    ('largest_weight', 1)
    """

    name: str
    measure: Measure | None = None
    unit: str = ""
    period: int | Callable[[Step], int] | None = 1
    labels: Callable[[Step], tuple[str, ...]] | None = None
    shared: bool = False
    finish: Callable[[Any], Any] = np.asarray
    norm_of: str = ""
    begin: Callable[[Step], Measure] | None = None
    watch: Callable[[Step, int], Measure] | None = None
    kept: str = ""
    quiet: bool = False

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
