"""When to measure, and where it goes.

A `Recorder` is put between the training loop and whoever watches it: `for step in recorder.tap(train(...))`. It hands
every step on untouched and writes what its instruments measure to a `History`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp.errors import HyperparameterError, ShapeError, check_count, check_flag, check_iterable, check_kind
from mlp.history import History
from mlp.history_columns import BLOCK, Column, Seldom, StepNumbers
from mlp.instruments import STANDARD, Instrument, Measure
from mlp.instruments.instrument import Rhythm, next_multiple
from mlp.plain_network import answer_with, compare_rows, read_target, score_answers
from mlp.training import Step


class Recorder:
    """Measure every `every`-th step with `instruments`; an instrument of period k at every k-th of those.

    `watching`: by name, what the instruments that are shown every step began. `recall` is called with that when they
    have begun, and may give them the memory of an earlier recording.

    >>> recorder = Recorder(every=10)
    >>> recorder.history
    History()
    """

    def __init__(self, instruments: Sequence[Instrument] = STANDARD, *, every: int = 1) -> None:
        check_count("every", every)
        self.instruments, self.every = _checked(instruments), every
        self.history = History()
        self.watching: dict[str, Measure] = {}
        self.recall: Callable[[dict[str, Measure]], None] | None = None
        self._last = -1
        self._latest: Step | None = None

    def tap(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Hand on `steps`, recording on the way. Going on with more steps goes on with the history."""
        plan: Plan | None = None
        offset = wake = 0
        check_iterable("steps", steps, "steps: train(...)")
        for step in steps:
            if plan is None:
                check_kind("steps", step, Step, "steps: train(...)")
                offset = max(0, self._next_index() - step.index)
                plan = self._begin(step)
                if self.recall:
                    self.recall(self.watching)
            seen = step._replace(index=step.index + offset) if offset else step
            index = self._last = seen.index
            self._latest = step
            for noted, measurements in plan.always:
                noted.append(index)
                for put, measure in measurements:
                    put(measure(seen))
            if index >= wake:  # most steps end here: what is due at some costs 0.6 µs to ask
                wake = _look(seen, plan.tasks)
            yield step

    def go_on(self, history: History, steps: int) -> None:
        """Take `history` for one's own, after that many steps."""
        check_kind("history", history, History, "a History")
        check_kind("steps", steps, int | np.integer, "how many steps there were")
        self.history, self._last = history, int(steps) - 1

    def lay_baseline(self, X: Any, t: Any) -> None:
        """Train a plain network beside the recorded one, on the same rows X and targets t, and note what both answer.

        Call it when the loop is over. `mlp.diagnose(recorder.history)` then knows what these rows allow, as it does of
        an experiment. Nothing of the loop is changed: the plain network has parameters and generators of its own.
        """
        objective = None if self._latest is None else self._latest.objective
        if self._latest is None or objective is None:
            raise HyperparameterError(
                "recorder", "no step yet", "a loop that was recorded: for step in recorder.tap(...)"
            )
        rows, targets, step = np.asarray(X, np.float64), np.asarray(t), self._latest
        if len(rows) != len(targets):
            raise ShapeError(f"X has {len(rows)} rows and t has {len(targets)}. Give one target for each row.")
        network = step.network.member(0) if step.network.population else step.network
        name = read_target(targets).name
        with np.errstate(all="ignore"):
            answers = answer_with(network, objective.loss, rows.astype(network.dtype))
            found = {f"train_{name}": score_answers(answers, targets), **dict(compare_rows(rows, targets))}
        if name == "r2":
            values = targets.reshape(len(targets), -1)
            found |= {"target_mean": float(np.abs(values.mean(0)).max()), "target_std": float(values.std(0).max())}
        else:
            found["guess_accuracy"] = float(np.unique(targets, axis=0, return_counts=True)[1].max() / len(rows))
        for column, value in found.items():
            self._note_last(column, value)
        self._note_last("baseline_rows", len(rows), ("train",))

    def _note_last(self, name: str, value: float, labels: tuple[str, ...] = ()) -> None:
        """Note a number at the last step, in the place of an earlier one."""
        column = self.history.column(name, (1,) if labels else (), "", labels)
        column.shared = True
        del column.values[:], column.steps[:]
        column.values.append(value)
        column.steps.append(self._last)

    def _next_index(self) -> int:
        """The step after the last that was seen, or recorded by another recorder of the same."""
        mine = [i.name for i in self.instruments if i.period is not None and i.name in self.history]
        recorded = [int(steps[-1]) for name in mine if len(steps := self.history.steps(name))]
        return max([self._last, *recorded]) + 1

    @np.errstate(all="ignore")
    def _begin(self, step: Step) -> Plan:
        """The instruments that have something to measure here (no ReLU, no dead units), by how often they do."""
        groups: dict[Any, Group] = {}
        tasks: list[Due] = [Narrowing(self.history)]
        for instrument in self.instruments:
            if instrument.period is None:
                self._note(instrument, step)
                continue
            column = self._column(instrument, step)
            if column is None:
                continue
            period = _period(instrument, step, self.every)
            if instrument.watch and isinstance(column, Column):
                self.watching[instrument.name] = instrument.watch(step, period)
                tasks.append(Watch(column, instrument, self.watching[instrument.name]))
                continue
            # one list of steps for all of them: a column of its own would cost 0.1 µs a step each
            always = period == 1 and instrument.quiet
            group = groups.setdefault((period, always, column.steps.tobytes()), Group(period, always, column.steps))
            column.steps = group.steps
            if not isinstance(column, StepNumbers):
                group.measurements.append(_measurement(instrument, step, column, group))
        tasks += [group for group in groups.values() if not group.always]
        return Plan([(g.steps, g.measurements) for g in groups.values() if g.always], tasks)

    def _note(self, instrument: Instrument, step: Step) -> None:
        """Measure what is noted once, if that was not done before and there is something to say."""
        known = instrument.name in self.history and len(self.history.steps(instrument.name))
        if known or not instrument.measure or (instrument.labels and not instrument.labels(step)):
            return
        value = instrument.measure(step)
        column = None if value is None else self._column(instrument, step)
        if isinstance(column, Column):
            column.steps.append(step.index)
            column.put()(value)

    def _column(self, instrument: Instrument, step: Step) -> Column | Seldom | StepNumbers | None:
        """Where `instrument` writes to, or None where there is nothing to measure."""
        labels = instrument.labels(step) if instrument.labels else ()
        if (instrument.labels and not labels) or self._derived(instrument):
            return None
        population = () if instrument.shared else step.network.population
        shape = (*population, len(labels)) if labels else population
        if instrument.kept and not shape:
            make = self.history.column_of_changes if instrument.kept == "changes" else self.history.number_steps
            computed = make(instrument.name, instrument.unit)
            computed.shared = instrument.shared
            return computed
        column = self.history.column(instrument.name, shape, instrument.unit, labels)
        column.finish_with(instrument.finish)
        column.shared = instrument.shared
        return column

    def _derived(self, instrument: Instrument) -> bool:
        """Whether it is computed from another column when it is read; then nothing is to be measured."""
        name, source, history = instrument.name, instrument.norm_of, self.history
        mine = [other.name for other in self.instruments]
        if source not in history or source not in mine[: mine.index(name)]:
            return False
        if name in history and not np.array_equal(history.steps(name), history.steps(source)):
            return False
        history.derive(name, source, instrument.unit)
        return True


class Due(ABC):
    """Something to do at some steps. `due`: the next of them."""

    due = 0

    @abstractmethod
    def look(self, step: Step) -> int:
        """Do it, if it is to be done at this step; return the next step to be shown."""


class Group(Due):
    """Instruments of one period: the steps of their records, and where each measurement goes.

    `always`: at every step, and NumPy has nothing to warn of.
    """

    def __init__(self, period: int | Rhythm, always: bool, steps: array[int]) -> None:
        self.rhythm, self.always, self.steps = Rhythm.of(period), always, steps
        self.measurements: list[Any] = []  # (put, measure) each

    def look(self, step: Step) -> int:
        """Measure every so many steps."""
        if self.rhythm.meets(step.index):
            self.steps.append(step.index)
            for put, measure in self.measurements:
                put(measure(step))
        return self.rhythm.next(step.index)


class Watch(Due):
    """An instrument with a memory, that is shown every step unless it names the next one to see."""

    def __init__(self, column: Column, instrument: Instrument, measure: Measure) -> None:
        self.measure, self.steps = measure, column.steps
        self.row: list[Any] = []
        self.row.append((_first_put(column, instrument, self.row),))
        self.next_look: Callable[[int], int] = getattr(measure, "next_look", lambda index: index + 1)

    def look(self, step: Step) -> int:
        """Show it the step; write down what it has to say."""
        value = self.measure(step)
        if value is not None:
            self.steps.append(step.index)
            self.row[0][0](value)
        return self.next_look(step.index)


class Narrowing(Due):
    """Has the history keep what is old in less memory."""

    def __init__(self, history: History) -> None:
        self.history = history

    def look(self, step: Step) -> int:
        """Every so many steps: 30 µs for each column of 20 layers."""
        if step.index % BLOCK == 0:
            self.history.narrow()
        return next_multiple(step.index, BLOCK)


class Plan(NamedTuple):
    """What is measured: at every step (steps, measurements), and at some."""

    always: list[tuple[array[int], list[Any]]]
    tasks: list[Due]


@np.errstate(all="ignore")  # of a run that diverges, numbers that are none are recorded, not warned of
def _look(step: Step, tasks: list[Due]) -> int:
    """Do what is due at a step; return the next step at which something is."""
    for task in tasks:
        if task.due <= step.index:
            task.due = task.look(step)
    return min([task.due for task in tasks])


def _first_put(column: Column | Seldom, instrument: Instrument, rows: list[Any]) -> Callable[[Any], None]:
    """What writes the first value: it checks the shape, then leaves its place to what writes without a check.

    Its place is the next in `rows`, at the beginning of the row.
    """
    place = len(rows)

    def put(value: Any) -> None:
        needed, given = column.shape, np.shape(value)
        if given != needed and (len(needed) < 2 or np.broadcast_shapes(given, needed) != needed):
            raise ShapeError(
                f"the instrument {instrument.name!r} measured a value of shape {given}; its labels say {needed}. "
                "Give Instrument(..., labels=) one label for each number."
            )
        write = column.put()
        write(value)
        rows[place] = (write, *rows[place][1:])

    return put


def _measurement(instrument: Instrument, step: Step, column: Column | Seldom, group: Group) -> tuple[Any, Any]:
    """Where it goes, and what measures it: of many steps at once where that is faster."""
    if group.always and instrument.gather and isinstance(column, Column) and (found := instrument.gather(step)):
        return column.gather(found.vector(step), found.n, found.summarise), found.vector
    measure = instrument.begin(step) if instrument.begin else instrument.measure
    return _first_put(column, instrument, group.measurements), measure


def _period(instrument: Instrument, step: Step, every: int) -> int | Rhythm:
    """Every how many steps; refuse what is no count."""
    period = instrument.period_for(step)
    for count in period[:2] if isinstance(period, Rhythm) else (period,):
        check_count(f"period of the instrument {instrument.name!r}", count)
    return period.times(every) if isinstance(period, Rhythm) else int(period) * every


def _check_fields(instrument: Instrument) -> None:
    """Refuse an instrument whose name is no text, or whose functions are none."""
    for name in ("name", "unit", "norm_of"):
        check_kind(f"{name} of an instrument", getattr(instrument, name), str, "text")
    check_flag(f"shared of the instrument {instrument.name!r}", instrument.shared)
    for name in ("measure", "labels", "begin", "watch", "finish"):
        given = getattr(instrument, name)
        if not callable(given) and (given is not None or name == "finish"):
            raise HyperparameterError(f"{name} of the instrument {instrument.name!r}", given, "a function")


def _checked(instruments: Any) -> tuple[Instrument, ...]:
    """Refuse what are no instruments, two of one name, and periods that are no counts."""
    check_iterable("instruments", instruments, "a list of instruments, as mlp.STANDARD is")
    found = tuple(instruments)
    if not all(isinstance(instrument, Instrument) for instrument in found):
        raise HyperparameterError("instruments", instruments, "a list of instruments, as mlp.STANDARD is")
    for instrument in found:
        _check_fields(instrument)
        if instrument.period is not None and not callable(instrument.period):
            check_count(f"period of the instrument {instrument.name!r}", instrument.period)
        if not any((instrument.measure, instrument.begin, instrument.watch)):
            needed = "with a function that measures: Instrument('loss', lambda step: step.loss)"
            raise HyperparameterError("instruments", instrument, needed)
    names = [instrument.name for instrument in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise HyperparameterError("instruments", names, f"of different names; {twice!r} is there twice")
    return found
