"""Networks as problems: the layers, the rows they train on, and how good they are on each part of the data.

A row of the table needs a `Task` and no more; `NetworkDescent` trains it. Members of a population begin with the
weights that each of them would have in a training of its own, and meet the same batches in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.backprop import predict
from mlp.data.batches import as_batch, batches
from mlp.initializers import Initializer
from mlp.layers import Activation, Dense, Layer
from mlp.losses import Loss
from mlp.network import Network
from mlp.optimizers import Optimizer
from mlp.problems.problem import Descent, Measures, Seeds, Update
from mlp.running_statistics import update_statistics
from mlp.training import train

Examples = tuple[Array, Array]
"""Rows (n, n_features) and their targets: labels (n,) or values (n, n_out)."""
Judge = Callable[[Loss, Array, Array], Measures]
"""(loss, raw outputs (*population, n, n_out), targets) → measures, without the name of the part in front."""
ENDLESS = 10**9  # epochs: the reader of the steps stops


@dataclass(frozen=True)
class Cube:
    """w ~ U(± `limit`), bias weights too: how networks began before 1990."""

    limit: float

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        weights[...] = rng.uniform(-self.limit, self.limit, weights.shape)
        bias[...] = rng.uniform(-self.limit, self.limit, bias.shape)


def stack_layers(
    widths: Sequence[int], activation: Callable[[], Activation], weights: Initializer | str = "auto"
) -> tuple[Layer, ...]:
    """Dense, activation, …, Dense."""
    found: list[Layer] = []
    for n_in, n_out in pairwise(widths):
        found += [Dense(n_in, n_out, weights), activation()]
    return tuple(found[:-1])


def measure_loss(loss: Loss, raw: Array, target: Array) -> Measures:
    """The loss alone."""
    return {"loss": np.asarray(loss.value(raw.swapaxes(-1, -2), target.T, None))}


def measure_accuracy(loss: Loss, raw: Array, target: Array) -> Measures:
    """The loss, and the share of rows with the right class: that of the largest output, or the sign of a single one."""
    answer = (raw[..., 0] > 0) if raw.shape[-1] == 1 else raw.argmax(-1)
    return measure_loss(loss, raw, target) | {"accuracy": (answer == target).mean(-1)}


def measure_bits(loss: Loss, raw: Array, target: Array) -> Measures:
    """The loss, and whether every output of every row is right: below 0.4 is 0, above 0.6 is 1, between is neither.

    The 40-20-40 rule of Fahlman (1988).
    """
    wrong = np.abs(raw - target.reshape(len(target), -1)) >= 0.4
    return measure_loss(loss, raw, target) | {"solved": (~wrong.any((-1, -2))).astype(float)}


class Task(NamedTuple):
    """A network and its data.

    `parts`: "train", and where there are such rows "validation" and "test". `size`: rows in a batch, None for all.
    `scored`: how many training rows are measured, from the first one on. `weights` (n,): what training rows count.
    """

    layers: Sequence[Layer]
    loss: Loss
    parts: Mapping[str, Examples]
    size: int | None
    judge: Judge = measure_loss
    dtype: Any = np.float64
    scored: int = 10_000
    weights: Array | None = None


def begin_network(make: Callable[[], Task], seeds: Seeds, order: int, full_batch: bool) -> Descent:
    """Begin the task that `make` makes. A process keeps the data of the last few tasks."""
    return NetworkDescent(_make_once(make), seeds, order, full_batch)


@lru_cache(maxsize=4)  # MNIST takes 220 MB
def _make_once(make: Callable[[], Task]) -> Task:
    return make()


class NetworkDescent:
    """A training of a task, from its seeds."""

    def __init__(self, task: Task, seeds: Seeds, order: int, full_batch: bool) -> None:
        self._task, self._order = task, order
        self._size = None if full_batch else task.size
        self._network = build_population(task.layers, seeds, task.dtype)
        self.params = self._network.params

    def steps(self, rule: Optimizer) -> Iterator[Update]:
        """Train, epoch after epoch; the rule is told where the layers and their matrices are."""
        task, layout = self._task, self._network.layout
        places = {"slices": tuple(s for s in layout.slices if s.stop > s.start), "matrices": layout.matrices}
        asked = {f.name: places[f.name] for f in fields(rule) if f.name in places}  # type: ignore[arg-type]
        shuffle = None if self._size is None else np.random.default_rng(self._order)
        how: dict[str, Any] = {"rng": shuffle, "epochs": ENDLESS, "weights": task.weights, "dtype": task.dtype}
        data = batches(*task.parts["train"], self._size, **how)
        for step in train(self._network, data, task.loss, replace(rule, **asked)):  # type: ignore[type-var]
            yield Update(step.state, step.loss)

    def measure(self, params: Array) -> Measures:
        """The measures of every part; at an average, with batch norm's statistics of the average."""
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


def build_population(layers: Sequence[Layer], seeds: Seeds, dtype: Any) -> Network:
    """A network from one seed; from several a population, each member as the network of its seed alone."""
    if isinstance(seeds, int):
        return Network(layers, seeds, dtype=dtype)
    found = Network(layers, 0, population=(len(seeds),), dtype=dtype)
    single = {seed: Network(layers, seed, dtype=dtype) for seed in set(seeds)}
    for index, seed in enumerate(seeds):
        found.params[index], found.statistics[index] = single[seed].params, single[seed].statistics
    return found
