"""An experiment from its file to its run.

`Experiment` holds everything that is ready to go; `epochs()` is the loop, one fact for each epoch, so that whoever
shows progress only iterates; `finish()` measures and gives a `Run`. `run` does all three. This is the one place in the
library that decides when to stop: when the loss is no longer a number, when early stopping says so, or at the last
epoch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.batches import Batch, batches, streamed
from mlp.diagnosis import Finding, diagnose
from mlp.errors import ConfigError, MLPError
from mlp.experiment import build, metrics
from mlp.experiment.config import Config, blaming, explaining_paths, parse, read
from mlp.experiment.files import reserved
from mlp.experiment.given import Source
from mlp.experiment.prepare import Prepared, Preprocessing, prepare
from mlp.experiment.result import Run
from mlp.experiment.watch import Watch
from mlp.history import History
from mlp.network import Network
from mlp.recorder import Recorder
from mlp.training import Step, train


class Epoch(NamedTuple):
    """One epoch, just ended. For a population, losses and scores are the best member's.

    `number` counts from 1. `train_loss` is the mean over its batches, while the parameters moved; `validation` holds
    the metrics of the validation part, if there is one. `alarms`: what was found during it and not before.
    """

    number: int
    n_epochs: int
    train_loss: float
    validation: dict[str, float]
    alarms: tuple[Finding, ...] = ()


@dataclass
class Best:
    """The weights that did best so far, member by member: `score` (lower is better) at `epoch`."""

    score: Array
    epoch: Array
    params: Array
    statistics: Array

    @classmethod
    def start(cls, network: Network) -> Best:
        """Before any training."""
        shape = network.population
        return cls(np.full(shape, np.inf), np.full(shape, -1), network.params.copy(), network.statistics.copy())

    def offer(self, score: Array, epoch: int, network: Network, min_delta: float) -> None:
        """Keep the members that improved by more than `min_delta`."""
        better = np.asarray(score) < self.score - min_delta
        self.score = np.where(better, score, self.score)
        self.epoch = np.where(better, epoch, self.epoch)
        self.params[better] = network.params[better]
        self.statistics[better] = network.statistics[better]

    def restore(self, network: Network) -> None:
        """Write the kept weights back."""
        np.copyto(network.params, self.params)
        np.copyto(network.statistics, self.statistics)


@dataclass
class Experiment:
    """Everything ready to go: data, network and rule; and what has happened so far: `steps`, `seconds`, `best`.

    `stopped` may be set from outside, by a signal say: training then ends after the step at hand. `memory` is the
    rule's, of an earlier training to go on with or None. What is `unwatched` is not judged while it trains, and its run
    comes without findings: `diagnose` its history.
    """

    config: Config
    prepared: Prepared
    head: build.Head
    network: Network
    rule: Any
    shuffle_rng: np.random.Generator
    recorder: Recorder
    steps_per_epoch: int
    best: Best
    steps: int = 0
    seconds: float = 0.0
    diverged: bool = False
    stopped: bool = False
    memory: Any = None
    unwatched: bool = False

    @cached_property
    def watch(self) -> Watch:
        """What looks at it while it trains."""
        return Watch(self)

    def epochs(self) -> Iterator[Epoch]:
        """Train; yield after every epoch. Stops by itself when the loss is no number or early stopping says so."""
        self.watch.begin()
        if self.memory is None:
            self.memory = self.rule.init(self.network.params)
        training = train(self.network, self._data(), self.head.loss, self.rule, state=self.memory)
        steps = self.recorder.tap(training)
        for index in range(self.config.training.epochs):
            start = time.perf_counter()
            with metrics.quiet():
                losses = self._one_epoch(steps)
                epoch = self._judged(index, losses)
            self.seconds += time.perf_counter() - start
            yield epoch
            if self.stopped or self.diverged or self._stalled(index):
                return

    def finish(self) -> Run:
        """Measure on all parts; the best weights come back where training stopped early or went wrong."""
        self.watch.end()
        if self.diverged or self.config.training.early_stopping is not False:
            self.best.restore(self.network)
        with metrics.quiet():
            network, history, values = self.chosen()
            found = dict(values)
            parts = {
                "train": self.prepared.train,
                "validation": self.prepared.validation,
                "test": self.prepared.test,
            }
            for name, part in parts.items():
                if part is not None:
                    found.update(metrics.named(name, metrics.evaluate(network, self.head, self._task, part)))
        if not (self.diverged or np.isfinite(found["train_loss"])):
            return self._finish_before_the_end()
        return Run(
            self.config,
            self.prepared.preprocessing,
            self.head,
            network,
            history,
            found,
            () if self.unwatched else diagnose(history),
            self.steps,
            self.seconds,
        )

    def _finish_before_the_end(self) -> Run:
        """Training diverged in its last update: weights are numbers, and what comes out of them is not."""
        self.diverged = True
        self.recorder.history.append("train_loss", np.full(self.network.population, np.nan), self.steps - 1)
        return self.finish()

    @property
    def _task(self) -> str:
        return self.prepared.preprocessing.task

    def _data(self) -> Iterator[Batch]:
        """Batches for all epochs, of the training part."""
        part, given = self.prepared.train, self.config.training
        size = len(part) if given.batch_size == "full" else min(int(given.batch_size), len(part))
        target = metrics.target(self.head, part.y, self.network.dtype)
        order = self.shuffle_rng if given.shuffle else None
        given_weight = self.prepared.class_weight
        weights = metrics.weights(part, self.config.data.class_weight if given_weight is None else given_weight)
        if part.scaling is not None and part.rows is not None:
            return streamed(
                part.X, target, part.rows, size, scaling=part.scaling, rng=order, epochs=given.epochs,
                weights=weights, dtype=self.network.dtype,
            )  # fmt: skip
        return batches(part.X, target, size, rng=order, epochs=given.epochs, weights=weights, dtype=self.network.dtype)

    def _one_epoch(self, steps: Iterator[Step]) -> Array:
        """Take one epoch's steps; the losses met, (n_steps, *population)."""
        losses = []
        for step in islice(steps, self.steps_per_epoch):
            losses.append(step.loss)
            self.steps += 1
            if self.steps == self.watch.next:
                self.watch.look(step)
            if self.stopped or not np.isfinite(step.loss).any():
                break
        return np.array(losses, np.float64)

    def _judged(self, index: int, losses: Array) -> Epoch:
        """Measure on the validation part, note it, and keep the weights if they are the best so far."""
        mean = np.where(self._lost(), np.nan, losses.mean(0))
        self.diverged = not np.isfinite(mean).any()
        self.recorder.history.append("train_loss", mean, self.steps - 1)
        if not (self.diverged or self.unwatched):
            self.watch.score()
        part = self.prepared.validation
        found: dict[str, Any] = {}
        if part is not None and not self.diverged:
            found = metrics.evaluate(self.network, self.head, self._task, part)
            for name, value in found.items():
                self.recorder.history.append(f"validation_{name}", value, self.steps - 1)
        score = np.asarray(found.get("loss", mean))
        score = np.where(np.isfinite(score), score, np.inf)
        if not self.diverged:
            self.best.offer(score, index, self.network, self._min_delta)
        member = np.unravel_index(np.argmin(score), score.shape)
        shown = {name: float(np.asarray(value)[member]) for name, value in found.items()}
        alarms = self.watch.news()
        return Epoch(index + 1, self.config.training.epochs, float(np.asarray(mean)[member]), shown, alarms)

    def _lost(self) -> Array:
        """Which members have a weight that is no number, or whose square is none: the last update meets no loss."""
        fine = np.abs(self.network.params).max(-1) < np.sqrt(np.finfo(self.network.dtype).max)
        return np.asarray(~fine)

    @property
    def _min_delta(self) -> float:
        given = self.config.training.early_stopping
        return float(given.get("min_delta", 0.0)) if isinstance(given, Mapping) else 0.0

    @property
    def patience(self) -> int | None:
        """How many epochs without improvement early stopping waits; None where it is off."""
        given = self.config.training.early_stopping
        if given is False:
            return None
        return int(given.get("patience", 10)) if isinstance(given, Mapping) else 10

    def _stalled(self, index: int) -> bool:
        """Whether early stopping is on and no member has improved for `patience` epochs."""
        return self.patience is not None and bool(np.all(index - self.best.epoch >= self.patience))

    def chosen(self) -> tuple[Network, History, dict[str, Any]]:
        """The network, or of a population its best member on validation (without that part: in training)."""
        if not self.network.population:
            return self.network, self.recorder.history, {}
        part = self.prepared.validation or self.prepared.train
        losses = np.asarray(metrics.evaluate(self.network, self.head, self._task, part)["loss"])
        member = int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))
        single = Network(self.network.layers, 0, dtype=self.network.dtype)
        np.copyto(single.params, self.network.params[member])
        np.copyto(single.statistics, self.network.statistics[member])
        values = {"restart_losses": losses.tolist(), "restart_chosen": member}
        return single, self.recorder.history.member(member, self.network.population), values


def experiment(config: Any, data: Source = None, where: str = "config") -> Experiment:
    """Check the configuration, prepare the data, build the network: everything but the training.

    `config` is a dict or the path of a .toml; `data` is (X, y), rows of which more is known, or None to use its [data]
    source. `where` is what errors call a dict.
    """
    if isinstance(config, str | Path):
        given = read(config)
        with explaining_paths(config, given):
            return experiment(given, data, str(config))
    parsed = parse(config, where)
    if data is not None:
        parsed = replace(parsed, data=replace(parsed.data, source=""))  # it is not what this run will come from
    with blaming(where):
        parsed = build.settled(parsed)
    split_rng, network_rng, shuffle_rng = np.random.default_rng(parsed.training.seed).spawn(3)
    prepared = prepare(parsed, data, split_rng)
    size = len(prepared.train) if parsed.training.batch_size == "full" else int(parsed.training.batch_size)
    per_epoch = ceil(len(prepared.train) / size)
    with blaming(where):
        parsed, ending = resolved(parsed, prepared.preprocessing, per_epoch * parsed.training.epochs)
        network = _network(parsed, len(prepared.preprocessing.scaling.shift), ending, network_rng)
        frozen = build.frozen_slices(parsed, network.layers, network.layout.slices)
        rule = build.rule(parsed, per_epoch, frozen, network.layout)
    recorder = Recorder(every=parsed.record.every)
    return Experiment(parsed, prepared, ending, network, rule, shuffle_rng, recorder, per_epoch, Best.start(network))


def _network(config: Config, n_in: int, ending: build.Head, rng: np.random.Generator) -> Network:
    """The network at its start, or a population of them."""
    layers, restarts = build.layers(config, n_in, ending), config.training.restarts
    population = (restarts,) if restarts > 1 else ()
    try:
        return Network(layers, rng, population=population, dtype=np.dtype(config.training.dtype))
    except MLPError:
        raise
    except (MemoryError, ValueError):  # NumPy raises either, depending on how far an array is from possible
        raise ConfigError(
            f"[network] hidden = {config.network.hidden}, restarts = {restarts}: this does not fit into memory."
        ) from None


def resolved(config: Config, preprocessing: Preprocessing, n_steps: int) -> tuple[Config, build.Head]:
    """The configuration with what "auto" came to."""
    ending = build.head(config, preprocessing.task, preprocessing.n_targets, preprocessing.targets)
    resolved = replace(
        config,
        data=replace(config.data, task=preprocessing.task),
        network=replace(config.network, output=ending.output),
        loss=replace(config.loss, name=ending.loss_name),
        optimizer=replace(config.optimizer, own=build.rule_keys(config, n_steps)),
    )
    return resolved, ending


def run(config: Any, data: tuple[Any, Any] | None = None, out: str | Path | None = None) -> Run:
    """Run an experiment: train, measure, diagnose; with `out`, write the run directory too.

    `config` is a dict or the path of a .toml file, with the keys of an experiment file. `data` is a pair (X, y) of raw
    rows and targets, or None to use `config["data"]["source"]`. What cannot be run raises before the first step;
    training that goes wrong does not raise, its findings say what happened.
    """
    ready = experiment(config, data)
    with nullcontext() if out is None else reserved(Path(out)):
        for _ in ready.epochs():
            pass
        finished = ready.finish()
        if out is not None:
            finished.save(out)
    return finished
