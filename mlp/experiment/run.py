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
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.augment import Augmentation, augmented
from mlp.data.batches import Batch, batches, streamed
from mlp.diagnosis import Finding, diagnose
from mlp.errors import ConfigError, ShapeError
from mlp.experiment import build, metrics, pretraining, regularizers, restarts
from mlp.experiment.answering import answering
from mlp.experiment.appraisal import appraise
from mlp.experiment.config import Config, blaming, explaining_paths, parse, read
from mlp.experiment.files import check_unread, reserved
from mlp.experiment.fingerprint import fingerprint
from mlp.experiment.given import Source
from mlp.experiment.keeper import Keeper, keeper
from mlp.experiment.prepare import Part, Prepared, Preprocessing, files_read, prepare
from mlp.experiment.pretraining import quietly
from mlp.experiment.result import Run
from mlp.experiment.watch import Watch
from mlp.history import History
from mlp.network import Network
from mlp.output import Permission, as_path
from mlp.pretraining import Describer, LayerEpoch, note, pretrained
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


class Past(NamedTuple):
    """What a network was trained for before: `steps` and `epochs` in all.

    `kept`: the epoch whose weights it, or each member, has, counted from 1 over all trainings; 0 before any of them.
    """

    steps: int = 0
    epochs: int = 0
    kept: Any = 0


@dataclass
class Experiment:
    """Everything ready to go: data, network and rule; and what has happened so far: `steps`, `seconds`, `best`.

    `stopped` may be set from outside, by a signal say: training then ends after the step at hand. `epoch`: how many are
    done. `losses`: those met in the epoch at hand, which was `started` then. `order`: the state of `shuffle_rng` when
    it began. `memory`: the rule's, of an earlier training to go on with, or None. `pause`: after how many steps there
    is more to do than to train. What is `unwatched` is not judged while it trains, and its run comes without findings:
    `diagnose` its history. `restored`: the best weights are back. `past`: of a network that was trained before; `steps`
    goes on counting, `epoch` begins at 0.
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
    augmentations: tuple[Augmentation, ...] = ()
    augment_rng: np.random.Generator = field(default_factory=np.random.default_rng)
    describer: Describer | None = None
    pretrain_rng: np.random.Generator = field(default_factory=np.random.default_rng)
    steps: int = 0
    seconds: float = 0.0
    diverged: bool = False
    stopped: bool = False
    epoch: int = 0
    losses: list[Any] = field(default_factory=list)
    order: Any = None
    memory: Any = None
    keeper: Keeper | None = None
    started: float | None = None
    pause: int = -1
    unwatched: bool = False
    restored: bool = False
    past: Past = field(default_factory=Past)
    _answer: tuple[int, Network] | None = None

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """By what its data is known again."""
        return fingerprint(self.prepared)

    def keep(self, folder: Path) -> None:
        """Write a checkpoint into `folder` now and then while it trains, and where it stops."""
        self.keeper = keeper(self, folder)

    @cached_property
    def watch(self) -> Watch:
        """What looks at it while it trains."""
        return Watch(self)

    def pretrain(self) -> Iterator[LayerEpoch]:
        """Pretrain where that is asked for; yield after every epoch of a layer. `epochs` does it if nobody has.

        KeyboardInterrupt where it is `stopped`: layers that are half done are nothing to go on with.
        """
        begun = self.steps or "pretraining_error_by_layer" in self.recorder.history
        if self.describer is None or begun:
            return
        start = time.perf_counter()
        facts = []
        for fact in quietly(pretrained(self.network, self.prepared.train.X, self.describer, self.pretrain_rng)):
            facts.append(fact)
            yield fact
            if self.stopped:
                raise KeyboardInterrupt("before the layers were pretrained: nothing was kept, train again")
        note(self.recorder.history, facts, step=0)
        self.best = Best.start(self.network)
        self.seconds += time.perf_counter() - start

    @property
    def answering(self) -> Network:
        """The network as it answers: of a rule that keeps a mean of the places it came to, there."""
        if self.restored:
            return self.network
        if self._answer is None or self._answer[0] != self.steps:
            self._answer = self.steps, answering(self.network, self.memory, self.prepared.train, self.weights)
        return self._answer[1]

    @property
    def weights(self) -> Array | None:
        """What each training row counts, (n,); None where all count the same."""
        by_class = self.prepared.class_weight
        return metrics.weights(self.prepared.train, self.config.data.class_weight if by_class is None else by_class)

    def to_past(self) -> Past:
        """What its network has been trained for, once it is finished."""
        before = self.past.epochs
        if self.restored:
            kept = np.where(self.best.epoch < 0, self.past.kept, before + self.best.epoch + 1)
        else:
            kept = np.full(self.network.population, before + self.epoch)
        return Past(self.steps, before + self.epoch, kept)

    def epochs(self) -> Iterator[Epoch]:
        """Train; yield after every epoch. Stops by itself when the loss is no number or early stopping says so."""
        for _ in self.pretrain():
            pass
        if "settings" not in self.recorder.history:  # noted by an earlier training of this network
            self.watch.begin()
        if self.memory is None:
            self.memory = self.rule.init(self.network.params)
        steps = self.recorder.tap(train(self.network, self._data(), self.head.loss, self.rule, state=self.memory))
        while not self.over:
            self.started = time.perf_counter()
            if not self.losses:
                self.order = self.shuffle_rng.bit_generator.state
            with metrics.quiet():
                self._one_epoch(steps)
                cut_short = self.stopped and self._can_go_on
                if self.keeper and cut_short:
                    self.keeper.write()  # before the part is taken for an epoch
                epoch = self._judged(self.epoch, np.array(self.losses, np.float64))
            self.seconds, self.started = self.elapsed, None
            self.epoch, self.losses = self.epoch + 1, []
            if self.keeper and not cut_short and (self.over or self.stopped or self.keeper.is_due()):
                self.keeper.write()
            yield epoch
            if self.stopped:
                return

    @property
    def over(self) -> bool:
        """Whether all epochs are done, or early stopping or a loss that is no number has ended them."""
        return self.diverged or self.epoch >= self.config.training.epochs or self._stalled(self.epoch - 1)

    @property
    def elapsed(self) -> float:
        """Seconds of training so far."""
        return self.seconds + (0.0 if self.started is None else time.perf_counter() - self.started)

    def finish(self) -> Run:
        """Measure on all parts; the best weights come back where training stopped early or went wrong."""
        self.watch.end()
        if self.diverged or self.config.training.early_stopping is not False:
            self.best.restore(self.network)
            self.restored = True
        with metrics.quiet():
            network, history, values = self.chosen()
            found = values | self._kept(values)
            parts = {
                "train": self.prepared.train,
                "validation": self.prepared.validation,
                "test": self.prepared.test,
            }
            for name, part in parts.items():
                if part is not None:
                    found.update(metrics.named(name, self._measured(name, network, part)))
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

    def _kept(self, values: Mapping[str, Any]) -> dict[str, int]:
        """The epoch whose weights came back, counted from 1, 0 for the first weights of all; {} where none did.

        Members of an ensemble have each an epoch of their own, which is not said.
        """
        if not self.restored or (self.config.training.ensemble and values):
            return {}
        return {"kept_epoch": int(np.ravel(self.to_past().kept)[values.get("restart_chosen", 0)])}

    def _finish_before_the_end(self) -> Run:
        """Training diverged in its last update: weights are numbers, and what comes out of them is not."""
        self.diverged = True
        self.recorder.history.append("train_loss", np.full(self.network.population, np.nan), self.steps - 1)
        return self.finish()

    def _measured(self, name: str, network: Network, part: Part) -> dict[str, Any]:
        """The metrics of a part; all there are where it was held out."""
        if name == "train":
            return restarts.numbers(network, self.head, self._task, part)
        return appraise(network, self.head, self.prepared.preprocessing, part).metrics

    @property
    def _task(self) -> str:
        return self.prepared.preprocessing.task

    def _data(self) -> Iterator[Batch]:
        """Batches for all epochs, of the training part, augmented where that is asked for."""
        data = self._plain_data()
        return augmented(data, *self.augmentations, rng=self.augment_rng) if self.augmentations else data

    def _plain_data(self) -> Iterator[Batch]:
        """Batches of the rows as they are."""
        part, given = self.prepared.train, self.config.training
        size = len(part) if given.batch_size == "full" else min(int(given.batch_size), len(part))
        target = metrics.target(self.head, part.y, self.network.dtype)
        order = self.shuffle_rng if given.shuffle else None
        how: dict[str, Any] = {
            "rng": order, "epochs": self.past.epochs + given.epochs, "weights": self.weights,
            "dtype": self.network.dtype, "begin": (self.past.epochs + self.epoch, len(self.losses)),
        }  # fmt: skip
        if part.scaling is not None and part.rows is not None:
            return streamed(part.X, target, part.rows, size, scaling=part.scaling, **how)
        return batches(part.X, target, size, **how)

    def _one_epoch(self, steps: Iterator[Step]) -> None:
        """Take one epoch's steps, or what is left of them; keep the losses met."""
        losses = self.losses
        self._plan()
        for step in islice(steps, self.steps_per_epoch - len(losses)):
            losses.append(step.loss)
            self.steps += 1
            if self.steps == self.pause:
                self._pause(step)
            if self.stopped or not np.isfinite(step.loss).any():
                break

    def _pause(self, step: Step) -> None:
        """Look at the run, and keep it, where it is time."""
        if self.steps == self.watch.next:
            self.watch.look(step)
        if self.keeper and self.steps >= self.keeper.next:
            self.memory = step.state
            if self._can_go_on:
                self.keeper.look()
        self._plan()

    @property
    def _can_go_on(self) -> bool:
        """Whether the epoch at hand has more steps, and the loss is a number."""
        return len(self.losses) < self.steps_per_epoch and bool(np.isfinite(self.losses[-1]).any())

    def _plan(self) -> None:
        """After how many steps to pause."""
        wanted = [self.watch.next] if self.watch.next > self.steps else []
        wanted += [max(self.keeper.next, self.steps + 1)] if self.keeper else []
        self.pause = min(wanted, default=-1)

    def _judged(self, index: int, losses: Array) -> Epoch:
        """Measure on the validation part, note it, and keep the weights if they are the best so far."""
        mean = np.where(self._lost(), np.nan, losses.mean(0))
        self.diverged = not np.isfinite(mean).any()
        self.recorder.history.append("train_loss", mean, self.steps - 1)
        if not (self.diverged or self.unwatched):
            self.watch.score()
        part, network = self.prepared.validation, self.answering
        found: dict[str, Any] = {}
        if part is not None and not self.diverged:
            found = metrics.evaluate(network, self.head, self._task, part)
            for name, value in found.items():
                self.recorder.history.append(f"validation_{name}", value, self.steps - 1)
        score = np.asarray(found.get("loss", mean))
        score = np.where(np.isfinite(score), score, np.inf)
        if not self.diverged:
            self.best.offer(score, index, network, self._min_delta)
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
        return index >= 0 and self.patience is not None and bool(np.all(index - self.best.epoch >= self.patience))

    def chosen(self) -> tuple[Network, History, dict[str, Any]]:
        """The network that answers, or of a population its best member on validation (without that part: in training).

        For an ensemble all members that came to a number, and the history of the best.
        """
        network = self.answering
        if not network.population:
            return network, self.recorder.history, {}
        part = self.prepared.validation or self.prepared.train
        losses = np.asarray(metrics.evaluate(network, self.head, self._task, part)["loss"])
        member = int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))
        single = Network(network.layers, 0, dtype=network.dtype)
        np.copyto(single.params, network.params[member])
        np.copyto(single.statistics, network.statistics[member])
        values = {"restart_losses": losses.tolist(), "restart_chosen": member}
        history = self.recorder.history.member(member, network.population)
        guess = float(history["reference_loss"][0])
        values |= restarts.spread(network, self.head, self._task, self.prepared.train, guess)
        if self.config.training.ensemble and np.isfinite(losses).any():
            return restarts.ensemble(network, losses), history, values
        return single, history, values


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
        restarts.check(parsed)
        parsed = build.settled(parsed)
    split_rng, network_rng, shuffle_rng, augment_rng, pretrain_rng = _generators(parsed.training.seed)
    prepared = prepare(parsed, data, split_rng)
    size = len(prepared.train) if parsed.training.batch_size == "full" else int(parsed.training.batch_size)
    per_epoch = ceil(len(prepared.train) / size)
    with blaming(where):
        parsed, ending = resolved(parsed, prepared.preprocessing, per_epoch * parsed.training.epochs)
        network = _network(parsed, len(prepared.preprocessing.scaling.shift), ending, network_rng)
        frozen = build.frozen_slices(parsed, network.layers, network.layout.slices)
        rule = build.rule(parsed, per_epoch, frozen, network.layout)
        augmentations = regularizers.augmentations(parsed, ending, network.n_in)
        describer = pretraining.describer(parsed, prepared.train, network)
    recorder, best = Recorder(every=parsed.record.every), Best.start(network)
    return Experiment(
        parsed, prepared, ending, network, rule, shuffle_rng, recorder, per_epoch, best,
        augmentations, augment_rng, describer, pretrain_rng,
    )  # fmt: skip


def _generators(seed: int) -> list[np.random.Generator]:
    """One for each purpose: split, first weights and dropout, order of the rows, augmentation, pretraining."""
    return np.random.default_rng(seed).spawn(5)


def _network(config: Config, n_in: int, ending: build.Head, rng: np.random.Generator) -> Network:
    """The network at its start, or a population of them."""
    layers, restarts = build.layers(config, n_in, ending), config.training.restarts
    population = (restarts,) if restarts > 1 else ()
    try:
        return Network(layers, rng, population=population, dtype=np.dtype(config.training.dtype))
    except (MemoryError, ShapeError):
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

    `out` is a folder that is new or empty, or holds an earlier run, which is replaced. DataError for a folder of other
    files, and where a file of the run would take the place of one that is read here.
    """
    folder = None if out is None else as_path("out", out)
    ready = experiment(config, data)
    if folder is not None:
        check_unread(folder, Permission(files_read(ready.config, config), force=True))
    return carried_out(ready, folder)


def carried_out(ready: Experiment, out: Path | None) -> Run:
    """The run of an experiment; with `out`, its directory is written, and a checkpoint on the way."""
    with nullcontext() if out is None else reserved(out):
        if out is not None:
            ready.keep(out)
        for _ in ready.epochs():
            pass
        finished = ready.finish()
        if out is not None:
            finished.save(out)
    return finished
