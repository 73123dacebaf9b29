"""What whole epochs say about single units: which were never on, which were stuck.

One batch is not enough: a healthy unit of a sparse layer may be off for all of it. A unit is dead if no sample of a
whole epoch switches it on. It is stuck if nearly all samples drive it to where it has no slope. Both are read from the
input of the activation, not from its output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from mlp.arrays import Array
from mlp.instruments.instrument import Rhythm
from mlp.instruments.nodes import Sites, by_layer, off, outside, rectifying, squashing, threshold
from mlp.layers import Place
from mlp.training import Step

STUCK = 0.95
"""The share of an epoch's samples that makes a unit saturated."""


class Count(Protocol):
    """What is counted over an epoch."""

    def clear(self) -> None:
        """Begin anew."""

    def look(self, step: Step) -> None:
        """Count one step of the epoch."""

    def result(self, step: Step) -> Array:
        """By layer, (*population, n_layers)."""


class WholeEpochs:
    """A measure with memory: the result of `count` for epochs that were seen from their first step to their last.

    The result comes at the last step of an epoch, or at the first step of the next one if the batches do not say which
    is the last. An epoch that begins less than `period` steps after the last counted one is left out: many short epochs
    would cost too much. In a small network with dead units the steps that are counted cost 5-8 % more, the others
    nothing.
    """

    remembers = ("count", "epoch", "due", "counting")

    def __init__(self, count: Count, step: Step, period: int | Rhythm) -> None:
        self.count, self.rhythm = count, Rhythm.of(period)
        self.epoch = step.epoch if step.index else None  # began without us: wait for the next
        self.due = 0
        self.counting = False

    def __call__(self, step: Step) -> Any:
        """The result, if an epoch is over."""
        found = None
        if step.epoch != self.epoch:
            if self.counting:
                found = self.count.result(step)
            self.epoch, self.counting = step.epoch, step.index >= self.due
            if self.counting:
                self.due = step.index + self.rhythm.at(step.index)
                self.count.clear()
        if self.counting:
            self.count.look(step)
            if step.batch.last:
                found, self.counting = self.count.result(step), False
        return found

    def next_look(self, index: int) -> int:
        """Every step of an epoch that is counted; between two of them none until the step before one may begin."""
        return index + 1 if self.counting else max(index + 1, self.due - 1)


class Silent:
    """Which units no sample has switched on yet.

    A unit that was on once is not looked at again in this epoch: after some steps only dead units are, and in a healthy
    network none.
    """

    remembers = ("silent", "waiting")

    def __init__(self) -> None:
        self.sites = Sites(rectifying)
        self.clear()

    def clear(self) -> None:
        """All may be."""
        self.silent: list[Array] = []
        self.waiting: list[tuple[int, Any, float]] = []  # layer; its silent units, as an index; their threshold

    def look(self, step: Step) -> None:
        """Strike out those that this batch switches on."""
        places = self.sites(step)
        if not self.silent:
            self.silent = [off(place) for place in places]
            self._wait(places)
        # the largest of all first: 2 µs for a small layer, where one for each unit and what follows take 8
        elif any(not _rows(places[i], units).max() <= below for i, units, below in self.waiting):
            for i, units, below in self.waiting:
                self.silent[i][units] = _rows(places[i], units).max(-1) <= below
            self._wait(places)

    def _wait(self, places: list[Place]) -> None:
        found = zip(self.silent, places, strict=True)
        waiting = [(i, silent.nonzero(), threshold(place)) for i, (silent, place) in enumerate(found)]
        self.waiting = [(i, units, below) for i, units, below in waiting if units[0].size]

    def result(self, step: Step) -> Array:
        """The share of silent units."""
        return by_layer(step, [silent.mean(-1) for silent in self.silent])


def _rows(place: Place, units: Any) -> Array:
    """The pre-activations of some units, (n_units, N)."""
    x = place.x.values
    return np.asarray(x.take(units[0], 0) if len(units) == 1 else x[units])  # the same, 0.3 µs and 1.2


class Outside:
    """How often each unit was saturated; at every 8th step of the epoch: at every one it costs 20-40 % of a small step.

    `summary(counts, n_samples)` makes a number of the counts (*population, n) of a layer.
    """

    remembers = ("shown", "n_samples", "counts")

    def __init__(self, summary: Callable[[Array, int], Any]) -> None:
        self.summary, self.sites = summary, Sites(squashing)
        self.clear()

    def clear(self) -> None:
        """None was looked at."""
        self.shown = 0
        self.n_samples = 0
        self.counts: list[Array] = []

    def look(self, step: Step) -> None:
        """Count the samples that drive each unit out of its range."""
        if self.shown % 8 == 0:
            found = [outside(place).sum(-1) for place in self.sites(step)]
            self.counts = [a + b for a, b in zip(self.counts, found, strict=True)] if self.counts else found
            self.n_samples += step.workspace.n_samples
        self.shown += 1

    def result(self, step: Step) -> Array:
        """The summary of each layer."""
        return by_layer(step, [self.summary(counts, self.n_samples) for counts in self.counts])


def _stuck(counts: Array, n_samples: int) -> Any:
    """The share of units that nearly all samples saturate."""
    return (counts >= STUCK * n_samples).mean(-1)


def _share(counts: Array, n_samples: int) -> Any:
    """The share of (unit, sample) pairs."""
    return counts.mean(-1) / n_samples


def silent_units(step: Step, period: int | Rhythm) -> WholeEpochs:
    """The share of units that no sample of a whole epoch switched on, by rectifying layer; every step is looked at."""
    return WholeEpochs(Silent(), step, period)


def saturated_units(step: Step, period: int | Rhythm) -> WholeEpochs:
    """The share of units that at least 95 % of the samples saturate, by squashing layer; every 8th step of an epoch."""
    return WholeEpochs(Outside(_stuck), step, period)


def saturated_share(step: Step, period: int | Rhythm) -> WholeEpochs:
    """The share of (unit, sample) pairs that are saturated, by squashing layer; every 8th step of an epoch."""
    return WholeEpochs(Outside(_share), step, period)
