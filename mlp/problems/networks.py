"""Networks as problems: the layers, the rows they train on, and how good they are on each part of the data.

A `Task` is all that a row of the table needs to say; `NetworkCourse` trains it. Members of a population begin with the
weights that each would begin with alone, from a seed of its own, and see the same batches in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.backprop import predict
from mlp.data.batches import as_batch, batches
from mlp.layers import Layer
from mlp.losses import Loss
from mlp.network import Network
from mlp.optimizers import Optimizer
from mlp.problems.problem import Course, Made, Measures, placed
from mlp.running_statistics import update_statistics
from mlp.training import train


@dataclass(frozen=True)
class Cube:
    """w ~ U(± `limit`), bias weights too: how nets began before 1990."""

    limit: float

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        weights[...] = rng.uniform(-self.limit, self.limit, weights.shape)
        bias[...] = rng.uniform(-self.limit, self.limit, bias.shape)


class Part(NamedTuple):
    """Rows (n, n_features) and their targets, labels (n,) or values (n, n_out)."""

    X: Array
    target: Array


WITHOUT_END = 10**9  # epochs: whoever watches knows when it is enough
Judge = Callable[[Loss, Array, Array], Measures]
"""(loss, raw outputs (*population, n, n_out), targets) → measures without the name of the part."""


def loss_only(loss: Loss, raw: Array, target: Array) -> Measures:
    """The loss."""
    return {"loss": np.asarray(loss.value(raw.swapaxes(-1, -2), target.T, None))}


def classes(loss: Loss, raw: Array, target: Array) -> Measures:
    """The loss, and the share of rows whose class is found: the largest output, or the sign of a single one."""
    answer = (raw[..., 0] > 0) if raw.shape[-1] == 1 else raw.argmax(-1)
    return loss_only(loss, raw, target) | {"accuracy": (answer == target).mean(-1)}


def bits(loss: Loss, raw: Array, target: Array) -> Measures:
    """The loss, and whether every output of every row is right: below 0.4 is 0, above 0.6 is 1, between is neither.

    The 40-20-40 rule of Fahlman (1988).
    """
    wrong = np.abs(raw - target.reshape(len(target), -1)) >= 0.4
    return loss_only(loss, raw, target) | {"solved": (~wrong.any((-1, -2))).astype(float)}


class Task(NamedTuple):
    """A network and its data. `size`: rows in a batch, None for all. `parts`: "train", "validation", "test"."""

    layers: Sequence[Layer]
    loss: Loss
    parts: Mapping[str, Part]
    size: int | None
    judge: Judge = loss_only
    dtype: Any = np.float64
    scored: int = 10_000  # training rows that are looked at: the first ones


def members(layers: Sequence[Layer], seeds: Sequence[int] | int, dtype: Any) -> Network:
    """A network from one seed; from several a population, each member as it would be alone."""
    if isinstance(seeds, int):
        return Network(layers, seeds, dtype=dtype)
    found = Network(layers, 0, population=(len(seeds),), dtype=dtype)
    alone = {seed: Network(layers, seed, dtype=dtype) for seed in set(seeds)}
    for index, seed in enumerate(seeds):
        found.params[index], found.statistics[index] = alone[seed].params, alone[seed].statistics
    return found


class NetworkCourse:
    """A training of a task, from its seeds."""

    def __init__(self, task: Task, seeds: Sequence[int] | int, order: int, full_batch: bool) -> None:
        self._task, self._order = task, order
        self._size = None if full_batch else task.size
        self._network = members(task.layers, seeds, task.dtype)
        self.params = self._network.params

    def fitted(self, rule: Optimizer) -> Optimizer:
        """The rule, told where the layers and their matrices are."""
        layout = self._network.layout
        return placed(rule, slices=tuple(s for s in layout.slices if s.stop > s.start), matrices=layout.matrices)

    def steps(self, rule: Optimizer) -> Iterator[Made]:
        """Train, epoch after epoch, until nobody asks."""
        task, (X, target) = self._task, self._task.parts["train"]
        shuffled = None if self._size is None else np.random.default_rng(self._order)
        data = batches(X, target, self._size, rng=shuffled, epochs=WITHOUT_END, dtype=task.dtype)
        for step in train(self._network, data, task.loss, rule):
            yield Made(step.state, step.loss)

    def measure(self, params: Array) -> Measures:
        """Loss and what else there is to count, on every part; at other places with batch norm's statistics there."""
        task, network = self._task, self._network.at(params)
        if params is not self.params:
            X, target = (values[: task.scored] for values in task.parts["train"])
            update_statistics(network, [as_batch(X, target, dtype=task.dtype)])
        found: Measures = {}
        for name, (X, target) in task.parts.items():
            rows = slice(task.scored if name == "train" else None)
            measured = task.judge(task.loss, predict(network, X[rows]), target[rows])
            found.update({f"{name}_{what}": values for what, values in measured.items()})
        return found


def beginning(make: Callable[[], Task]) -> Callable[[Sequence[int] | int, int, bool], Course]:
    """How a problem on a network begins; the data are made or read once in a process."""
    return partial(_begin, cache(make))


def _begin(make: Callable[[], Task], seeds: Sequence[int] | int, order: int, full_batch: bool) -> Course:
    return NetworkCourse(make(), seeds, order, full_batch)
