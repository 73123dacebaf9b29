"""A data set of one's own as a problem: whatever `mlp train` reads, with the network that it would train on it.

A problem is called by the name of a data set, by the path of its file, or by an experiment file. Of that count [data],
[network] and [loss], and of [training] the epochs, the size of batches, the dtype and the seed, which parts the rows.
Rules and seeds of the first weights are those of the bench.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mlp.arrays import Array
from mlp.config import Config, parse, read_toml
from mlp.data import catalogue
from mlp.data.reading import kind_of
from mlp.data.sources import TABLES, files
from mlp.errors import ConfigError, DataError
from mlp.experiment.setup import Setup, set_up
from mlp.instruments.targets_met import best_constant_loss
from mlp.losses import Loss
from mlp.model import OutputHead
from mlp.preprocessing import Part, prepare
from mlp.problems import PROBLEMS, Problem, Target, Task, begin_network
from mlp.problems.networks import measure_loss
from mlp.problems.problem import Measures

NUMBERS = 4_000_000  # that the members of a population may hold of one pass, in all
MOST = 64  # members at most
EXPERIMENT = ".toml"
DATA_SETS = tuple(entry.name for entry in catalogue() if entry.kind != "download" and entry.name not in PROBLEMS)
"""Names that mean a data set; those of a problem mean the problem."""


def is_data(name: str) -> bool:
    """Whether the name of a problem means a data set, a file with one, or an experiment."""
    if name in PROBLEMS:
        return False
    path = Path(name)
    readable = kind_of(name) in (*TABLES, ".npz", ".npy") or path.suffix.lower() == EXPERIMENT
    return readable or path.is_file() or name in DATA_SETS


def files_of(name: str) -> list[Path]:
    """What is read for such a problem."""
    found, given = read_config(name), [Path(name)] if _is_experiment(name) else []
    return [*given, *files(found.data.source, found.data.target)]


def _is_experiment(name: str) -> bool:
    return Path(name).suffix.lower() == EXPERIMENT


def read_config(name: str) -> Config:
    """The experiment that the name stands for."""
    return parse(read_toml(name), name) if _is_experiment(name) else parse({"data": {"source": name}}, name)


def data_problem(name: str) -> Problem:
    """The problem; MLPError where the data cannot be read, or the experiment has what a bench cannot train.

    It is solved where the loss is half of that of the best constant answer, on validation rows if there are any. Rates
    are chosen by the same loss. The score is the accuracy, or the root of the mean squared error in the units of the
    targets, on test rows if there are any.
    """
    config = read_config(name)
    setup = _set_up(config)
    layout, prepared = setup.layout, setup.prepared
    chosen = "train" if prepared.validation is None else "validation"
    scored = chosen if prepared.test is None else "test"
    kind = "rmse" if setup.head.task == "regression" else "accuracy"
    return Problem(
        name,
        f"{config.data.source}, {layout}, {setup.config.loss.name}, {len(prepared.train)} rows to train on",
        prepared.dataset.source or config.data.source,
        partial(begin_network, partial(make_data_task, config, _digest(setup))),
        epochs=config.training.epochs,
        target=Target(f"{chosen}_loss", float(f"{0.5 * _constant_loss(setup):.3g}")),
        score=f"{scored}_{kind}",
        chosen_by=f"{chosen}_loss",
        per_epoch=setup.steps_per_epoch,
        members=_count_members(setup),
    )


def _set_up(config: Config) -> Setup:
    """The setup of the experiment; refuses what changes a training in a way that is not the rule's."""
    setup = set_up(config, prepare(config, None))
    network = config.network
    refused = {
        "[data] shift, mixup": bool(setup.augmentations),
        "[network] pretrain": setup.pretrainer is not None,
        "[network] frozen": bool(network.frozen),
        "[network] max_norm": bool(network.max_norm),
    }
    for what, is_there in refused.items():
        if is_there:
            raise ConfigError(f"{what}: a bench compares rules alone. Leave it out.")
    return setup


def _constant_loss(setup: Setup) -> float:
    """The loss of the best constant answer on the training rows."""
    target = setup.head.encode(setup.prepared.train.y, np.float64)
    columns = target if setup.head.takes_labels else target.reshape(len(target), -1).T
    return best_constant_loss(setup.head.loss, columns, setup.head.n_out, setup.row_weights)


def _count_members(setup: Setup) -> int:
    """How many networks train in one pass."""
    parts = (setup.prepared.train, setup.prepared.validation, setup.prepared.test)
    rows = max(len(part) for part in parts if part is not None)
    nodes = sum(layer.n_out for layer in setup.layout.layers)
    return max(1, min(MOST, NUMBERS // (setup.layout.size + rows * nodes)))


def _digest(setup: Setup) -> str:
    """A hash of the rows: results of other rows stand under another name."""
    return hashlib.sha256(json.dumps(setup.fingerprint, sort_keys=True, default=str).encode()).hexdigest()


def make_data_task(config: Config, digest: str) -> Task:
    """The rows and the network, on whichever machine; DataError where the rows are others than they were."""
    setup = _set_up(config)
    if _digest(setup) != digest:
        raise DataError(f"{config.data.source} has changed since this bench began. Take a new folder.")
    named = {"train": setup.prepared.train, "validation": setup.prepared.validation, "test": setup.prepared.test}
    parts = {name: _examples(setup, part) for name, part in named.items() if part is not None}
    training, n = setup.config.training, len(setup.prepared.train)
    size = None if training.batch_size == "full" else min(training.rows_per_batch(n), n)
    return Task(
        setup.layout.layers, setup.head.loss, parts, size, HeadJudge(setup.head), setup.dtype, weights=setup.row_weights
    )


def _examples(setup: Setup, part: Part) -> tuple[Array, Array]:
    """The rows of a part, scaled and in memory, and their targets as the loss takes them."""
    X = np.asarray(part.at(slice(0, len(part)), setup.dtype), setup.dtype)
    return X, setup.head.encode(part.y, setup.dtype)


@dataclass(frozen=True)
class HeadJudge:
    """Measures raw outputs: the loss, and the accuracy or the root of the mean squared error. All rows count the same.

    The targets are those that the loss takes.
    """

    head: OutputHead

    def __call__(self, loss: Loss, raw: Array, target: Array) -> Measures:
        """The measures, (*population,) each."""
        found = measure_loss(loss, raw, target)
        if self.head.task == "regression":
            return found | {"rmse": self._root_error(raw, target)}
        right = self.head.decide(raw) == self._codes(target)
        right = right.all(-1) if self.head.task == "multilabel" else right
        return found | {"accuracy": right.mean(-1)}

    def _root_error(self, raw: Array, target: Array) -> Array:
        values, scaling = target.reshape(len(target), -1), self.head.targets
        truth = values if scaling is None else scaling.undo(values)
        return np.asarray(np.sqrt(np.square(self.head.values(raw) - truth).mean((-2, -1))))

    def _codes(self, target: Array) -> Array:
        several = self.head.task == "classification" and target.ndim > 1
        return target.argmax(-1) if several and target.shape[-1] > 1 else target
