"""When to measure, and where it goes.

A `Recorder` is put between the training loop and whoever watches it: `for step in recorder.tap(train(...))`. It hands
every step on untouched and writes what its instruments measure to a `History`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp.errors import HyperparameterError, ShapeError, check_count
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
        self.instruments, self.every = _checked(instruments), every
        self.history = History()
        self._last = -1

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
            self._last = seen.index
            yield step

    def _next_index(self) -> int:
        """The step after the last that was seen, or recorded by another recorder of the same."""
        mine = [instrument.name for instrument in self.instruments if instrument.name in self.history]
        recorded = [int(steps[-1]) for name in mine if len(steps := self.history.steps(name))]
        return max([self._last, *recorded]) + 1

    def _groups(self, step: Step) -> list[Group]:
        """The instruments that have something to measure here (no ReLU, no dead units), by how often they do."""
        groups = []
        for period in sorted({instrument.period for instrument in self.instruments}):
            columns = [
                (column, instrument)
                for instrument in self.instruments
                if instrument.period == period and (column := self._column(instrument, step)) is not None
            ]
            # one list of steps for all of them: a column of its own would cost 0.1 µs a step each
            together = columns[0][0].steps if columns else array("q")
            group = Group(period * self.every, together.append, [])
            for place, (column, instrument) in enumerate(columns):
                column.steps = together
                put = _first_put(column, instrument, group.measurements, place)
                group.measurements.append((put, instrument.measure))
            groups.append(group)
        return groups

    def _column(self, instrument: Instrument, step: Step) -> Column | None:
        """Where `instrument` writes to, or None where there is nothing to measure."""
        labels = instrument.labels(step) if instrument.labels else ()
        if instrument.labels and not labels:
            return None
        population = () if instrument.shared else step.network.population
        shape = (*population, len(labels)) if labels else population
        column = self.history.column(instrument.name, shape, instrument.unit, labels)
        column.finish, column.shared = instrument.finish, instrument.shared
        return column


class Group(NamedTuple):
    """Instruments of one period: how to note the step, and where each measurement goes."""

    period: int
    note: Callable[[int], None]
    measurements: list[tuple[Callable[[Any], None], Callable[[Step], Any]]]


def _first_put(column: Column, instrument: Instrument, measurements: list[Any], place: int) -> Callable[[Any], None]:
    """What writes the first value: it checks the shape, then leaves its place to what writes without a check."""

    def put(value: Any) -> None:
        needed, given = column.shape, np.shape(value)
        if given != needed and (len(needed) < 2 or np.broadcast_shapes(given, needed) != needed):
            raise ShapeError(
                f"the instrument {instrument.name!r} measured a value of shape {given}; its labels say {needed}. "
                "Give Instrument(..., labels=) one label for each number."
            )
        write = column.put()
        write(value)
        measurements[place] = (write, instrument.measure)

    return put


def _checked(instruments: Any) -> tuple[Instrument, ...]:
    """Refuse what are no instruments, two of one name, and periods that are no counts."""
    if not isinstance(instruments, Iterable) or isinstance(instruments, Instrument):
        raise HyperparameterError("instruments", instruments, "a list of instruments, as mlp.STANDARD is")
    found = tuple(instruments)
    if not all(isinstance(instrument, Instrument) for instrument in found):
        raise HyperparameterError("instruments", instruments, "a list of instruments, as mlp.STANDARD is")
    for instrument in found:
        check_count(f"period of the instrument {instrument.name!r}", instrument.period)
    names = [instrument.name for instrument in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise HyperparameterError("instruments", names, f"of different names; {twice!r} is there twice")
    return found
