"""What an instrument is: a name, and a function that reads a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mlp.training import Step

Measure: TypeAlias = Callable[[Step], Any]


class Instrument(NamedTuple):
    """A quantity: `measure(step)` gives a number, or one for each of `labels(step)`; every `period` records.

    `period` may depend on the network: a function of the first step; None: once, where the history has it not yet, and
    only if what `measure` gives is not None.
    `shared`: the same for all members of a population, as the epoch is. `finish` makes the quantity of what was
    measured, when it is read: a root over a whole column costs nothing, at every step it costs 1 % of a small network.
    `norm_of`: the column whose norm over the labels this is; where that is recorded too, nothing is measured and it is
    computed when read.

    Two kinds keep something, each for one recording. `begin(step)`, called at its first step, gives a measure that
    does the same as `measure` and is faster for knowing where the arrays are. `watch(step, period)` gives one that is
    shown *every* step and says when there is something to note, at steps that `period` divides if it can, else None;
    `measure` is then None, for one step alone says nothing. What its class names in `remembers` is kept in checkpoints.
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

    def read(self, step: Step) -> Any:
        """The quantity at one step alone; None where it takes more, or there is nothing to say."""
        found = None if self.measure is None else self.measure(step)
        return None if found is None else self.finish(found)

    def period_for(self, step: Step) -> Any:
        """Every how many records, for this network."""
        return self.period(step) if callable(self.period) else self.period
