"""The setup of a training: everything that is decided before the first step, and stays.

`set_up` makes it from a configuration and prepared data. A run, a run that is resumed, a training that goes on with a
network, and every trial beside a run call this one function. What moves while a network trains is its `State`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.config import Config, settle
from mlp.config.data import build_augmentations
from mlp.config.network import build_layers, build_pretrainer, frozen_slices
from mlp.config.optimizer import build_rule, resolve_rule_keys
from mlp.config.schema import show
from mlp.config.training import build_detectors, build_instruments
from mlp.data.augment import Augmentation
from mlp.data_parallel import Workers
from mlp.diagnosis import DETECTORS, Detector
from mlp.errors import ConfigError, MLPError
from mlp.instruments import EXPERIMENT, Instrument
from mlp.limits import shortage
from mlp.model import OutputHead, build_output_head
from mlp.network import Layout
from mlp.optimizers import Optimizer
from mlp.preprocessing import Part, Prepared, fingerprint, resolve_target_scale
from mlp.preprocessing.preprocessing import BLOCK

if TYPE_CHECKING:
    from mlp.pretraining import Pretrainer

SCORED = 1024  # rows of a part, at most, for the scores of an epoch or a trial


class Seeds(NamedTuple):
    """The spawn key of each generator, for NumPy's SeedSequence of the seed: each purpose has a generator of its own.

    `network` draws the first weights, and then the noise of dropout. Key 0 is taken: it splits the rows into parts.
    `probe` chooses the rows on which a point and a landscape are computed: the same rows for both.
    """

    network: tuple[int, ...] = (1,)
    shuffle: tuple[int, ...] = (2,)
    augment: tuple[int, ...] = (3,)
    pretrain: tuple[int, ...] = (4,)
    probe: tuple[int, ...] = (15,)


RUN_SEEDS = Seeds()
"""The places in a run. A trial with these seeds begins as that run does."""


class Past(NamedTuple):
    """How long a network was trained before: `steps` and `epochs` in all.

    `kept`: the epoch whose weights it has, counted from 1 over all trainings, 0 before any; of a population, one for
    each member.
    """

    steps: int = 0
    epochs: int = 0
    kept: Any = 0


NO_PAST = Past()
"""The past of a new network."""


@dataclass(frozen=True, eq=False)
class Setup:
    """Everything that is decided before the first step, and stays.

    In `config` nothing is "auto" any more. `layout` has the layers. `population` is (restarts,) or (). `row_weights`
    (n,) are those of the training rows, None where all count the same. Training is over after `n_steps` steps; those of
    the `past` count. `instruments` say what is recorded at each step, and `detectors` judge it. `workers` have the
    training rows where these are elsewhere.
    """

    config: Config
    prepared: Prepared
    head: OutputHead
    layout: Layout
    population: tuple[int, ...]
    rule: Optimizer
    row_weights: Array | None
    augmentations: tuple[Augmentation, ...]
    pretrainer: Pretrainer | None
    steps_per_epoch: int
    n_steps: int
    seeds: Seeds
    past: Past
    instruments: tuple[Instrument, ...] = EXPERIMENT
    detectors: tuple[Detector, ...] = field(default_factory=lambda: tuple(DETECTORS))
    workers: Workers | None = None

    @cached_property
    def scored(self) -> Part:
        """The first training rows, on which a run is scored after each epoch."""
        return self.prepared.train.first(SCORED, self.dtype)

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """The fingerprint of the data."""
        return fingerprint(self.prepared)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the network and of the rows it takes."""
        return np.dtype(self.config.training.dtype)


def set_up(config: Config, prepared: Prepared, *, seeds: Seeds = RUN_SEEDS, past: Past = NO_PAST) -> Setup:
    """Decide everything that is decided before the first step. ConfigError names keys that do not go together."""
    config, preprocessing = settle(config), prepared.preprocessing
    steps_per_epoch = config.training.steps_per_epoch(len(prepared.train))
    n_steps = steps_per_epoch * config.training.epochs
    head = build_output_head(config, preprocessing.task, preprocessing.n_targets, preprocessing.targets)
    config = resolve(config, head, n_steps)
    layers = build_layers(config.network, config.loss, preprocessing.n_in, head.n_out, head.layers)
    layout = Layout.of(layers)
    _check_memory(config, layout, len(prepared.train))
    rule = build_rule(
        config.optimizer,
        layout,
        loss_name=head.loss_name,
        steps_per_epoch=steps_per_epoch,
        n_steps=n_steps,
        max_norm=config.network.max_norm,
        frozen=frozen_slices(config.network, layout),
    )
    return Setup(
        config,
        prepared,
        head,
        layout,
        config.training.population,
        rule,
        prepared.row_weights(config.data.class_weight),
        build_augmentations(config.data, head.loss_name, preprocessing.n_in, head.n_out if head.takes_labels else None),
        _set_up_pretrainer(config, prepared, layout),
        steps_per_epoch,
        past.steps + n_steps,
        seeds,
        past,
        build_instruments(config.record),
        build_detectors(config.record),
    )


def resolve(config: Config, head: OutputHead, n_steps: int) -> Config:
    """The configuration with the values that "auto" stands for in a run of so many steps."""
    return replace(
        config,
        data=replace(config.data, task=head.task, scale_target=resolve_target_scale(config, head.task)),
        network=replace(config.network, output=head.output),
        loss=replace(config.loss, name=head.loss_name),
        optimizer=replace(config.optimizer, own=resolve_rule_keys(config.optimizer, n_steps)),
    )


def _check_memory(config: Config, layout: Layout, n_rows: int) -> None:
    """Refuse a network that does not fit into memory, with the bytes it needs at least.

    These are its parameters, the best ones, the gradient and the step; and for the rows of a batch what goes into every
    layer, twice (forward and backward), and for those of an evaluation what comes out.
    """
    batch = min(config.training.rows_per_batch(n_rows), n_rows)
    nodes = sum(layer.n_out for layer in layout.layers)
    numbers = 4 * layout.size + 2 * batch * nodes + min(n_rows, BLOCK) * layout.layers[-1].n_out
    needed = numbers * prod(config.training.population) * np.dtype(config.training.dtype).itemsize
    if why := shortage(needed):
        raise ConfigError(
            f"[network] hidden = {show(config.network.hidden)}, restarts = {show(config.training.restarts)}, "
            f"{layout.layers[-1].n_out:,} outputs: this does not fit into memory: {why}. Take fewer, or a smaller "
            "[training] batch_size."
        )


def _set_up_pretrainer(config: Config, prepared: Prepared, layout: Layout) -> Pretrainer | None:
    """What trains the hidden layers first, or None. Refuses layers and rows that it cannot work with."""
    found = build_pretrainer(config.network)
    if found is None:
        return None
    if prepared.train.is_streamed:
        raise ConfigError(
            "[network] pretrain needs its rows in memory, and those of a .npy stay on disk. Store them as .npz."
        )
    from mlp.pretraining import check_pretrainer

    try:
        check_pretrainer(layout, found)
    except MLPError as error:
        raise ConfigError(f"[network] {error}") from None
    return found
