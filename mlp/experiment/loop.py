"""The loop: the only one above `train`. Runs, runs that go on, trials and repairs all use it.

It trains a state for one epoch after another, and yields an `Epoch` after each. Companions look on: at every step, and
at every epoch when it ends. Only the loop decides when a training is over: after its last step, when the loss is no
longer a number, or when early stopping says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.augment import augmented
from mlp.data.batches import Batch, batches, streamed
from mlp.data_parallel import order_rows, train_sharded
from mlp.diagnosis import Finding
from mlp.experiment.setup import Setup
from mlp.experiment.state import Best, State, answering_model
from mlp.model import Model, quiet
from mlp.network import Network
from mlp.training import Step, train

if TYPE_CHECKING:
    from mlp.pretraining import LayerEpoch


class Epoch(NamedTuple):
    """An epoch that has just ended. With a population, losses and scores are those of its best member.

    `number` counts from 1. `train_loss` is the mean over its batches, while the weights moved; `validation` holds the
    metrics of the validation part, if there is one. `alarms` are new findings. `model` is the one that answers now.
    """

    number: int
    n_epochs: int
    train_loss: float
    validation: dict[str, float]
    alarms: tuple[Finding, ...] = ()
    model: Model | None = None


@dataclass
class Stop:
    """A request from outside, for example by a signal, to stop the training after a step.

    It may be `requested` at any moment. It is `accepted` when a step is counted or an epoch was shown, so that all who
    look at this step see the same.
    """

    requested: bool = False
    accepted: bool = False


class Companion:
    """Looks at a training on its way. It may note what it sees in the history, and changes nothing else."""

    def begin(self) -> None:
        """Look before the first step, after hidden layers were pretrained."""

    def tap(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same steps. Each was recorded and counted before it comes here."""
        return steps

    def after_epoch(self, epoch: Epoch) -> Epoch:
        """The epoch that has just ended, and what the companion adds to it."""
        return epoch

    def end(self) -> None:
        """Look where the training has ended, or was stopped."""


def epochs(
    setup: Setup, state: State, companions: Sequence[Companion] = (), stop: Stop | None = None
) -> Iterator[Epoch]:
    """Train `state` from where it is; yield after every epoch.

    Hidden layers are pretrained first if the setup says so and that is not done yet.
    """
    stop = Stop() if stop is None else stop
    for _ in pretrain(setup, state, stop):
        pass
    for companion in companions:
        companion.begin()
    steps = _count(state, state.recorder.tap(take_steps(setup, state)), stop)
    for companion in companions:
        steps = companion.tap(steps)
    while not (is_over(setup, state) or stop.accepted):
        with quiet():
            epoch = _train_epoch(setup, state, steps, stop)
        for companion in companions:
            epoch = companion.after_epoch(epoch)
        yield epoch
        stop.accepted = stop.requested
    for companion in companions:
        companion.end()


def take_steps(setup: Setup, state: State) -> Iterator[Step]:
    """The steps of all epochs from where `state` is, here or on the workers that have the rows."""
    network, loss, rule, memory = state.network, setup.head.loss, setup.rule, state.memory
    if setup.workers is None:
        return train(network, make_batches(setup, state), loss, rule, state=memory)
    n, training, past = len(setup.prepared.train), setup.config.training, setup.past
    rng = state.shuffle_rng if training.shuffle else None
    begin = (past.epochs + state.epoch, len(state.losses))
    order = order_rows(n, min(n, training.rows_per_batch(n)), rng, past.epochs + training.epochs, begin)
    return train_sharded(setup.workers, network, order, loss, rule, state=memory)


def pretrain(setup: Setup, state: State, stop: Stop | None = None) -> Iterator[LayerEpoch]:
    """Pretrain hidden layers if the setup says so and that is not done yet; yield after every epoch of a layer.

    KeyboardInterrupt where a stop is requested: nobody can go on from layers that are half done.
    """
    if setup.pretrainer is None or state.steps or "pretraining_error_by_layer" in state.history:
        return
    from mlp.pretraining import note, pretrain_layers  # 5 ms, and most networks do without

    start, network = time.perf_counter(), state.network
    rng = setup.config.training.generator(*setup.seeds.pretrain)
    facts = []
    for fact in _quietly(pretrain_layers(network, setup.prepared.train.X, setup.pretrainer, rng)):
        facts.append(fact)
        yield fact
        if stop is not None and stop.requested:
            raise KeyboardInterrupt("before the layers were pretrained: nothing was kept, train again")
    note(state.history, facts, step=0)
    state.memory, state.best = setup.rule.init(network.params), Best.start(network)
    state.seconds += time.perf_counter() - start


def _quietly(facts: Iterator[LayerEpoch]) -> Iterator[LayerEpoch]:
    """The same facts, without NumPy's warnings: an overflow on the way is a finding."""
    while True:
        with quiet():
            fact = next(facts, None)
        if fact is None:
            return
        yield fact


def make_batches(setup: Setup, state: State) -> Iterator[Batch]:
    """Batches of the training part for all epochs from where `state` is, augmented if the setup says so."""
    part, training, past = setup.prepared.train, setup.config.training, setup.past
    size, target = training.rows_per_batch(len(part)), setup.head.encode(part.y, setup.dtype)
    how: dict[str, Any] = {
        "rng": state.shuffle_rng if training.shuffle else None,
        "epochs": past.epochs + training.epochs,
        "weights": setup.row_weights,
        "dtype": setup.dtype,
        "begin": (past.epochs + state.epoch, len(state.losses)),
    }
    if part.scaling is not None and part.rows is not None:
        data = streamed(part.X, target, part.rows, min(size, len(part)), scaling=part.scaling, **how)
    else:
        data = batches(part.X, target, size, **how)
    return augmented(data, *setup.augmentations, rng=state.augment_rng) if setup.augmentations else data


def _count(state: State, steps: Iterator[Step], stop: Stop) -> Iterator[Step]:
    """The same steps; each is counted, and its loss kept until the epoch ends."""
    for step in steps:
        state.losses.append(step.loss)
        state.steps += 1
        stop.accepted = stop.requested
        yield step


def _train_epoch(setup: Setup, state: State, steps: Iterator[Step], stop: Stop) -> Epoch:
    """Take the steps of one epoch, or those that are left, and end the epoch."""
    start = time.perf_counter() - state.seconds
    if not state.losses:
        state.order = state.shuffle_rng.bit_generator.state
    left = min(setup.steps_per_epoch - len(state.losses), setup.n_steps - state.steps)
    for step in islice(steps, left):
        state.seconds = time.perf_counter() - start
        if stop.accepted or not np.isfinite(step.loss).any():
            break
    epoch = _end_epoch(setup, state)
    state.seconds = time.perf_counter() - start
    return epoch


def _end_epoch(setup: Setup, state: State) -> Epoch:
    """Measure on the validation part, note that, and keep the weights if they are the best so far."""
    mean = np.where(_is_lost(state.network), np.nan, np.array(state.losses, np.float64).mean(0))
    state.diverged = not np.isfinite(mean).any()
    state.note("train_loss", mean)
    part, model = setup.prepared.validation, answering_model(setup, state)
    found: dict[str, Any] = {}
    if part is not None and not state.diverged:
        found = model.evaluate_by_member(part)
        for name, value in found.items():
            state.note(f"validation_{name}", value)
    score = np.asarray(found.get("loss", mean))
    score = np.where(np.isfinite(score), score, np.inf)
    if not state.diverged:
        state.best.keep_if_better(score, state.epoch, model.network, setup.config.training.min_delta)
    state.epoch, state.losses = state.epoch + 1, []
    member = np.unravel_index(np.argmin(score), score.shape)
    shown = {name: float(np.asarray(value)[member]) for name, value in found.items()}
    return Epoch(state.epoch, setup.config.training.epochs, float(np.asarray(mean)[member]), shown, model=model)


def _is_lost(network: Network) -> Array:
    """Which members have a weight that is no finite number, or whose square is none.

    No loss is computed after the last update of an epoch, so the weights themselves are looked at.
    """
    fine = np.abs(network.params).max(-1) < np.sqrt(np.finfo(network.dtype).max)
    return np.asarray(~fine)


def is_over(setup: Setup, state: State) -> bool:
    """Whether all steps are done, or early stopping or a loss that is no number has ended them."""
    return state.diverged or state.steps >= setup.n_steps or _has_stalled(setup, state)


def _has_stalled(setup: Setup, state: State) -> bool:
    """Whether early stopping is on and no member has improved for `patience` epochs."""
    patience, latest = setup.config.training.patience, state.epoch - 1
    return patience is not None and latest >= 0 and bool(np.all(latest - state.best.epoch >= patience))
