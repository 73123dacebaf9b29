"""When to measure, and where it goes.

A `Recorder` is put between the training loop and whoever watches it: `for step in recorder.tap(train(...))`. It hands
every step on untouched and writes what its instruments measure to a `History`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from mlp.errors import HyperparameterError, check_count
from mlp.history import Column, History
from mlp.instruments import STANDARD, Instrument
from mlp.training import Step


class Recorder:
    """Measure every `every`-th step with `instruments`; an instrument of period k at every k-th of those.

    >>> recorder = Recorder(every=10)
    >>> recorder.history
    History()
    """

    def __init__(self, instruments: Sequence[Instrument] = STANDARD, *, every: int = 1) -> None:
        check_count("every", every)
        if not all(isinstance(instrument, Instrument) for instrument in instruments):
            raise HyperparameterError("instruments", instruments, "a list of instruments, as mlp.STANDARD is")
        self.instruments, self.every = tuple(instruments), every
        self.history = History()
        self._last: Step | None = None

    def tap(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Hand on `steps`, recording on the way. Going on with more steps goes on with the history."""
        groups: list[Group] | None = None
        offset = 0
        for step in steps:
            if groups is None:
                offset = max(0, self._next_index() - step.index)
                groups = self._groups(step)
            seen = step._replace(index=step.index + offset) if offset else step
            for period, note, measurements in groups:
                if period == 1 or seen.index % period == 0:
                    note(seen.index)
                    for put, measure in measurements:
                        put(measure(seen))
            self._last = seen
            yield step

    def _next_index(self) -> int:
        """The step after the last that was seen, or recorded by another recorder."""
        recorded = [int(steps[-1]) for name in self.history if len(steps := self.history.steps(name))]
        return max([-1 if self._last is None else self._last.index, *recorded]) + 1

    def _groups(self, step: Step) -> list[Group]:
        """The instruments that have something to measure here (no ReLU, no dead units), by how often they do."""
        groups = []
        for period in sorted({instrument.period for instrument in self.instruments}):
            columns = [
                (column, instrument.measure)
                for instrument in self.instruments
                if instrument.period == period and (column := self._column(instrument, step)) is not None
            ]
            # one list of steps for all of them: a column of its own would cost 0.1 µs a step each
            together = columns[0][0].steps if columns else array("q")
            for column, _ in columns:
                column.steps = together
            puts = [(column.put(), measure) for column, measure in columns]
            groups.append(Group(period * self.every, together.append, puts))
        return groups

    def _column(self, instrument: Instrument, step: Step) -> Column | None:
        """Where `instrument` writes to, or None where there is nothing to measure."""
        labels = instrument.labels(step) if instrument.labels else ()
        if instrument.labels and not labels:
            return None
        population = () if instrument.shared else step.network.population
        shape = (*population, len(labels)) if labels else population
        column = self.history.column(instrument.name, shape, instrument.unit, labels)
        column.finish = instrument.finish
        return column


class Group(NamedTuple):
    """Instruments of one period: how to note the step, and where each measurement goes."""

    period: int
    note: Callable[[int], None]
    measurements: list[tuple[Callable[[Any], None], Callable[[Step], Any]]]
