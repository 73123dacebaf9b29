"""The state of a training: everything that moves while a network trains.

A checkpoint holds the state, no more and no less. `begin` makes setup and state of a new run; the loop moves the state.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.config import NO_PARTS, OwnParts, explaining_paths, naming_place, parse, read_toml, require_parts, settle
from mlp.data.batches import Batch, as_batch
from mlp.experiment.setup import Setup, set_up
from mlp.experiment.waypoints import Waypoints
from mlp.history import History
from mlp.model import Model, quiet
from mlp.network import Network
from mlp.optimizers.moving_averages import find_average, looks_ahead
from mlp.preprocessing import Part, Source, prepare
from mlp.recorder import Recorder
from mlp.running_statistics import update_statistics

STATISTICS_ROWS = (
    8192  # for batch norm's statistics: means are then exact to 1 % of a deviation; training uses some 20 batches
)
CELLS = 1 << 23  # outputs of one layer for all these rows, at most
FEWEST = 256  # rows are taken even where a layer is wider


@dataclass
class Best:
    """The best weights so far, for each member: their `score` (lower is better) and their `epoch` (-1: the start)."""

    score: Array
    epoch: Array
    params: Array
    statistics: Array

    @classmethod
    def start(cls, network: Network) -> Best:
        """Before any training."""
        shape = network.population
        return cls(np.full(shape, np.inf), np.full(shape, -1), network.params.copy(), network.statistics.copy())

    def keep_if_better(self, score: Array, epoch: int, network: Network, min_delta: float) -> None:
        """Keep the members that improved by more than `min_delta`."""
        better = np.asarray(score) < self.score - min_delta
        self.score = np.where(better, score, self.score)
        self.epoch = np.where(better, epoch, self.epoch)
        self.params[better] = network.params[better]
        self.statistics[better] = network.statistics[better]


@dataclass
class State:
    """Everything that moves while a network trains.

    `memory` is that of the rule. `order` is the state of `shuffle_rng` at the beginning of this epoch, and `losses` are
    its losses so far. `epoch` counts the epochs that are done; `steps` counts those of earlier trainings too. `seconds`
    is the time for training, pretraining and validation, without scores, baselines and files. `alarms` are the kinds of
    the findings that were shown. `diverged`: the loss is no longer a number. `waypoints`: weights that were kept.
    """

    network: Network
    memory: Any
    best: Best
    recorder: Recorder
    shuffle_rng: np.random.Generator
    augment_rng: np.random.Generator
    order: Any = None
    epoch: int = 0
    steps: int = 0
    losses: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    diverged: bool = False
    alarms: list[str] = field(default_factory=list)
    waypoints: Waypoints = field(default_factory=Waypoints)

    @property
    def history(self) -> History:
        """What was recorded."""
        return self.recorder.history

    def note(self, name: str, value: Any) -> None:
        """Record a value at the latest step."""
        self.history.append(name, value, self.steps - 1)


def initial_state(setup: Setup) -> State:
    """The state before the first step. The same setup gives the same state."""
    training, seeds = setup.config.training, setup.seeds
    network = Network(
        setup.layout.layers, training.generator(*seeds.network), population=setup.population, dtype=setup.dtype
    )
    return State(
        network,
        setup.rule.init(network.params),
        Best.start(network),
        Recorder(setup.instruments, every=setup.config.record.every),
        training.generator(*seeds.shuffle),
        training.generator(*seeds.augment),
    )


def begin(config: Any, data: Source = None, where: str = "config", own: OwnParts = NO_PARTS) -> tuple[Setup, State]:
    """The setup of a run and its state before the first step.

    `config` is a dict or the path of a .toml file. `data` is (X, y), `GivenRows`, or None for the [data] source of the
    configuration. `where` is what errors call a dict. `own`: parts that names may stand for besides the package's.
    """
    if isinstance(config, str | Path):
        given = read_toml(config)
        with explaining_paths(config, given):
            return begin(given, data, str(config), own)
    parsed = parse(config, where, own)
    require_parts(parsed, parsed.part_names, where)
    if data is not None:
        parsed = replace(parsed, data=replace(parsed.data, source=""))  # the rows do not come from there
    with naming_place(where):
        parsed = settle(parsed)
    prepared = prepare(parsed, data)
    with naming_place(where):
        setup = set_up(parsed, prepared)
    return setup, initial_state(setup)


# the network that answers


def answering_model(setup: Setup, state: State) -> Model:
    """The model that answers now.

    It has the network that trains. Where the rule keeps an average of the weights, it has a network with that average.
    Batch norm's statistics belong to the weights that train. For an average they are measured anew, on training rows as
    they are in use: without noise, dropout and augmentation. No generator of the run is used.
    """
    mean = find_average(state.memory)
    network = state.network
    if mean is not None or (looks_ahead(state.memory) and network.statistics.size):
        network = network.at(np.array(network.params if mean is None else mean))
        if network.statistics.size:
            with quiet():
                update_statistics(network, [statistics_batch(network, setup.prepared.train, setup.row_weights)])
    return Model(network, setup.head, setup.prepared.preprocessing)


def kept_model(setup: Setup, state: State) -> Model:
    """The model with the weights that are kept: the best ones where training stops early or went wrong."""
    if not keeps_best(setup, state):
        return answering_model(setup, state)
    network = state.network.at(state.best.params)
    network.statistics = state.best.statistics
    return Model(network, setup.head, setup.prepared.preprocessing)


def keeps_best(setup: Setup, state: State) -> bool:
    """Whether the best weights are kept, and not the latest."""
    return state.diverged or setup.config.training.early_stopping is not False


def statistics_batch(network: Network, train: Part, weights: Array | None) -> Batch:
    """The rows for batch norm's statistics as one batch: all of them, or as many as fit, always the same."""
    widest = max(network.n_in, *(layer.n_out for layer in network.layers))
    most = min(STATISTICS_ROWS, max(FEWEST, CELLS // widest))
    chosen = np.arange(len(train))
    if len(train) > most:
        chosen = np.sort(np.random.default_rng(0).choice(len(train), most, replace=False, shuffle=False))
    rows = train.at(chosen, network.dtype)
    return as_batch(rows, np.zeros(len(rows)), None if weights is None else weights[chosen], dtype=network.dtype)
