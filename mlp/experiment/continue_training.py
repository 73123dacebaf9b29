"""The same network on new rows, or for more epochs: training continues where an earlier one ended.

What a training leaves behind for the next is a `Trained`: network, rule's memory, generator, history, and how raw rows
become inputs, but no rows. Inputs are scaled as they were the first time, whatever the new rows look like, because it
is for those inputs that the network has learned.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from mlp.config import Config, naming_place, parse, settle
from mlp.config.optimizer import planned_lengths
from mlp.errors import ConfigError
from mlp.experiment.run import kept_epochs
from mlp.experiment.setup import Past, Setup, set_up
from mlp.experiment.state import Best, State, initial_state, keeps_best, kept_model
from mlp.history import History
from mlp.network import Network
from mlp.optimizers import Schedule
from mlp.preprocessing import GivenRows, Preprocessing, prepare_more
from mlp.schedules import WarmUp


class Trained(NamedTuple):
    """What a training leaves behind for the next. The network has the weights that are kept."""

    config: Config
    preprocessing: Preprocessing
    network: Network
    memory: Any
    shuffle_rng: np.random.Generator
    history: History
    past: Past

    @classmethod
    def of(cls, setup: Setup, state: State) -> Trained:
        """What a training leaves behind that is over."""
        return cls(
            setup.config,
            setup.prepared.preprocessing,
            kept_model(setup, state).network if keeps_best(setup, state) else state.network,
            state.memory,
            state.shuffle_rng,
            state.history,
            sum_up_past(setup, state),
        )


def sum_up_past(setup: Setup, state: State) -> Past:
    """What the network has been trained for by now."""
    return Past(state.steps, setup.past.epochs + state.epoch, kept_epochs(setup, state))


def continue_training(trained: Trained, config: Any, data: GivenRows, where: str = "config") -> tuple[Setup, State]:
    """The setup and the state of a training that goes on with a network on the rows `data`, as `config` says now.

    The network must be of the same shape. An optimizer that is the same goes on with its memory; one whose learning
    rate was changed, with that too; another begins anew. So does a schedule that is planned for the whole of a
    training; one whose length was given goes on where it is. Writes to nothing that `trained` holds.
    """
    parsed = parse(config, where)
    with naming_place(where):
        parsed = _with_same_rate(trained.config, settle(parsed))
    prepared = prepare_more(parsed, data, trained.preprocessing)
    with naming_place(where):
        setup = set_up(parsed, prepared, past=trained.past)
        state = initial_state(setup)
        _check_shape(trained, state.network)
    state.network.params, state.network.statistics = trained.network.params, trained.network.statistics
    state.network.rng, state.shuffle_rng = deepcopy(trained.network.rng), deepcopy(trained.shuffle_rng)
    state.steps, state.best = trained.past.steps, Best.start(state.network)
    state.recorder.go_on(deepcopy(trained.history), state.steps)
    state.memory = _carry_memory_over(trained, setup, state.network)
    return setup, state


def _with_same_rate(before: Config, config: Config) -> Config:
    """The configuration with the earlier learning rate, where it leaves that open and the rule is the same."""
    old, new = before.optimizer, config.optimizer
    if "learning_rate" in new.own or old.name != new.name or "learning_rate" not in old.own:
        return config
    own = {**new.own, "learning_rate": old.own["learning_rate"]}
    return replace(config, optimizer=replace(new, own=own))


def _check_shape(trained: Trained, new: Network) -> None:
    """Refuse settings that ask for another network; penalties and rates of dropout may be others."""
    old = trained.network
    if new.params.shape != old.params.shape or list(map(type, new.layers)) != list(map(type, old.layers)):
        raise ConfigError(
            f"training goes on with the network there is, {old.n_in} → {list(trained.config.network.hidden)} → "
            f"{old.n_out}, and these settings ask for another. Leave [network] and restarts as they were."
        )


# the rule's memory


@dataclass(frozen=True)
class LaterSchedule:
    """A schedule that begins at update `start` of a rule that has made others before."""

    schedule: Schedule
    start: int

    def init(self) -> Any:
        """The memory of the schedule."""
        return self.schedule.init()

    def rate(self, t: int, loss: Any, memory: Any) -> Any:
        """The schedule's rate, counted from `start`."""
        return self.schedule.rate(t - self.start, loss, memory)


def _carry_memory_over(trained: Trained, setup: Setup, network: Network) -> Any:
    """What the rule remembers: all of it, or nothing where it is another rule."""
    old, new, memory = trained.config.optimizer, setup.config.optimizer, deepcopy(trained.memory)
    same_schedule = new.schedule == old.schedule and not planned_lengths(new.schedule)
    if new == old and same_schedule:
        return memory
    fresh = setup.rule.init(network.params)
    if type(fresh) is not type(memory) or new.name != old.name:
        return fresh
    _set_pace(memory, fresh, same_schedule)
    return memory


def _set_pace(memory: Any, fresh: Any, same_schedule: bool) -> None:
    """Give `memory`, and what it wraps, the learning rate of `fresh`; and its schedule, from here, if it is another."""
    pace, new = memory.pace, fresh.pace
    if same_schedule and pace.schedule is not None:
        pace.schedule = _with_first_rate(pace.schedule, _first_rate(new.schedule))
    else:
        pace.memory, pace.learning_rate = new.memory, new.learning_rate
        pace.schedule = None if new.schedule is None else LaterSchedule(new.schedule, pace.t)
    if hasattr(memory, "inner") and type(memory.inner) is type(fresh.inner):
        _set_pace(memory.inner, fresh.inner, same_schedule)


def _first_rate(schedule: Any) -> Any:
    """η₀ of a schedule, of a warm-up that of what follows."""
    return _first_rate(schedule.then) if isinstance(schedule, WarmUp) else schedule.rate0


def _with_first_rate(schedule: Any, rate: Any) -> Any:
    """The schedule with another η₀, and all else as it is."""
    if isinstance(schedule, LaterSchedule):
        return replace(schedule, schedule=_with_first_rate(schedule.schedule, rate))
    if isinstance(schedule, WarmUp):
        return replace(schedule, then=_with_first_rate(schedule.then, rate))
    return replace(schedule, rate0=rate)
