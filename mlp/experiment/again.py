"""Training that goes on where an earlier one ended: the same network, more rows or more epochs.

What a training leaves behind for the next is a `Course`: network, rule and its memory, generators, history, and how
raw rows become inputs, but no rows. `again` makes an experiment of it. Inputs are scaled as they were the first time,
whatever the new rows look like, because it is for those inputs that the network has learned.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from mlp.data import split
from mlp.errors import ConfigError
from mlp.experiment import build
from mlp.experiment.config import Config, blaming, parse
from mlp.experiment.given import Given
from mlp.experiment.prepare import (
    Part,
    Prepared,
    Preprocessing,
    further,
    held_out,
    validation_part,
)
from mlp.experiment.run import Best, Experiment, Past, resolved
from mlp.experiment.target import labels_of
from mlp.history import History
from mlp.network import Network
from mlp.optimizers import Optimizer, Schedule
from mlp.recorder import Recorder
from mlp.schedules import WarmUp


class Course(NamedTuple):
    """What a training leaves behind for the next."""

    config: Config
    preprocessing: Preprocessing
    network: Network
    rule: Optimizer
    memory: Any
    shuffle_rng: np.random.Generator
    history: History
    past: Past

    @classmethod
    def of(cls, ready: Experiment) -> Course:
        """Where an experiment has got to, once it is finished."""
        return cls(
            ready.config,
            ready.prepared.preprocessing,
            ready.network,
            ready.rule,
            ready.memory,
            ready.shuffle_rng,
            ready.recorder.history,
            ready.to_past(),
        )


@dataclass(frozen=True)
class Later:
    """A schedule that begins at update `start` of a rule that has made others before."""

    schedule: Schedule
    start: int

    def init(self) -> Any:
        """The memory of the schedule."""
        return self.schedule.init()

    def rate(self, t: int, loss: Any, memory: Any) -> Any:
        """The schedule's rate, counted from `start`."""
        return self.schedule.rate(t - self.start, loss, memory)


def again(course: Course, config: Any, data: Given, where: str = "config") -> Experiment:
    """The experiment that goes on with `course` on the rows `data`, as `config` says from now on.

    The network must be of the same shape. An optimizer that is the same goes on with its memory; one whose learning
    rate was changed, with that too; another begins anew. So does a schedule that is planned for the whole of a
    training; one whose length was given goes on where it is. Writes to nothing that `course` holds.
    """
    parsed = parse(config, where)
    with blaming(where):
        parsed = _same_rate(course.config, build.settled(parsed))
    prepared = _prepared(course.preprocessing, parsed, data)
    size = len(prepared.train) if parsed.training.batch_size == "full" else int(parsed.training.batch_size)
    per_epoch = ceil(len(prepared.train) / size)
    with blaming(where):
        parsed, ending = resolved(parsed, course.preprocessing, per_epoch * parsed.training.epochs)
        network = _network(course, parsed, ending)
        frozen = build.frozen_slices(parsed, network.layers, network.layout.slices)
        rule = build.rule(parsed, per_epoch, frozen, network.layout)
    recorder = Recorder(every=parsed.record.every)
    recorder.go_on(deepcopy(course.history), course.past.steps)
    best, order = Best.start(network), deepcopy(course.shuffle_rng)
    ready = Experiment(parsed, prepared, ending, network, rule, order, recorder, per_epoch, best)
    ready.past, ready.steps = course.past, course.past.steps
    ready.memory = _memory(course, parsed, rule, network)
    ready.watch.note_settings()
    return ready


def _same_rate(before: Config, config: Config) -> Config:
    """The configuration; where it leaves the learning rate open, and the rule is the same, with the earlier one."""
    old, new = before.optimizer, config.optimizer
    if "learning_rate" in new.own or old.name != new.name or "learning_rate" not in old.own:
        return config
    own = {**new.own, "learning_rate": old.own["learning_rate"]}
    return replace(config, optimizer=replace(new, own=own))


def _network(course: Course, config: Config, ending: build.Head) -> Network:
    """A network of the new configuration, its penalties and rates of dropout say, where the old one has got to."""
    old, restarts = course.network, config.training.restarts
    population = (restarts,) if restarts > 1 else ()
    layers = build.layers(config, old.n_in, ending)
    new = Network(layers, 0, population=population, dtype=np.dtype(config.training.dtype))
    if new.params.shape != old.params.shape or list(map(type, new.layers)) != list(map(type, old.layers)):
        raise ConfigError(
            f"training goes on with the network there is, {old.n_in} → {list(course.config.network.hidden)} → "
            f"{old.n_out}, and these settings ask for another. Leave [network] and restarts as they were."
        )
    new.params, new.statistics, new.rng = old.params, old.statistics, deepcopy(old.rng)
    return new


def _memory(course: Course, config: Config, rule: Optimizer, network: Network) -> Any:
    """What the rule remembers: all of it, or nothing where it is another rule."""
    old, new, memory = course.config.optimizer, config.optimizer, deepcopy(course.memory)
    same_schedule = new.schedule == old.schedule and not build.open_lengths(new.schedule)
    if new == old and same_schedule:
        return memory
    fresh = rule.init(network.params)
    if type(fresh) is not type(memory) or new.name != old.name:
        return fresh
    _set_pace(memory, fresh, same_schedule)
    return memory


def _set_pace(memory: Any, fresh: Any, same_schedule: bool) -> None:
    """Give `memory`, and what it wraps, the learning rate of `fresh`; and its schedule, from here, if it is another."""
    pace, new = memory.pace, fresh.pace
    if same_schedule and pace.schedule is not None:
        pace.schedule = _from_rate(pace.schedule, _first_rate(new.schedule))
    else:
        pace.memory, pace.learning_rate = new.memory, new.learning_rate
        pace.schedule = None if new.schedule is None else Later(new.schedule, pace.t)
    if hasattr(memory, "inner") and type(memory.inner) is type(fresh.inner):
        _set_pace(memory.inner, fresh.inner, same_schedule)


def _first_rate(schedule: Any) -> Any:
    """η₀ of a schedule, of a warm-up that of what follows."""
    return _first_rate(schedule.then) if isinstance(schedule, WarmUp) else schedule.rate0


def _from_rate(schedule: Any, rate: Any) -> Any:
    """The schedule with another η₀, and all else as it is."""
    if isinstance(schedule, Later):
        return replace(schedule, schedule=_from_rate(schedule.schedule, rate))
    if isinstance(schedule, WarmUp):
        return replace(schedule, then=_from_rate(schedule.then, rate))
    return replace(schedule, rate0=rate)


def _prepared(preprocessing: Preprocessing, config: Config, data: Given) -> Prepared:
    """The rows as the first ones were prepared; parted by the seed, so that equal rows are parted equally."""
    dataset = data.dataset
    labels = dataset.y if preprocessing.task == "classification" else None
    fractions = held_out(config, dataset)
    rng = np.random.default_rng(config.training.seed).spawn(3)[0]
    parts = split(len(dataset.X), validation=fractions[0], test=fractions[1], rng=rng, labels=labels)
    train, validation, test = (_part(preprocessing, config, data, rows) for rows in parts)
    assert train is not None  # fractions leave rows to train on
    if data.validation is not None:
        validation = validation_part(data.validation, preprocessing, config)
    return Prepared(preprocessing, train, validation, test, dataset, data.class_weight)


def _part(preprocessing: Preprocessing, config: Config, data: Given, rows: Any) -> Part | None:
    if not len(rows):
        return None
    X, y = data.dataset.X[rows], labels_of(data.dataset, np.asarray(data.dataset.y))[rows]
    weights = None if data.weights is None else data.weights[rows]
    return replace(further(X, y, preprocessing, np.dtype(config.training.dtype)), weights=weights)
