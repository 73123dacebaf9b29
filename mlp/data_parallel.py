"""A step whose rows lie with several workers: each sums the gradient over its own rows, and one vector comes back.

A loss is a mean over samples, and so is its gradient. The mean over all rows is the sum of the means over parts of
them, each times what its rows count among all. So a step here is that of one machine, to rounding, whoever computes
which part. `mlp.dask_cluster` has the workers; nothing here knows how they are reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from mlp.arrays import Array
from mlp.backprop import backward, forward
from mlp.data.batches import Batch, as_batch
from mlp.errors import ConfigError
from mlp.layers import Layer
from mlp.layers.noise import Noisy
from mlp.losses import Loss
from mlp.network import Network, Workspace
from mlp.optimizers import Evaluation, Optimizer
from mlp.training import Step


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of one worker: X (n, n_features), their targets, and what each counts, None for all the same.

    >>> len(Rows(np.zeros((3, 2)), np.zeros(3)))
    3
    """

    X: Array
    target: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, chosen: Array | None) -> Rows:
        """Some of them; all for None."""
        if chosen is None:
            return self
        return Rows(self.X[chosen], self.target[chosen], None if self.weights is None else self.weights[chosen])


class Sums(NamedTuple):
    """Loss and gradient (P,) summed over some rows, each times its row's weight; `weight`: that of all of them."""

    weight: float
    loss: float
    grad: Array


@np.errstate(all="ignore")  # as in `train`: what leaves the range of numbers is told by the loss
def sum_rows(rows: Rows, network: Network, loss: Loss, params: Array, chosen: Array | None) -> Sums:
    """Loss and gradient at `params` over the `chosen` rows of a worker. Weight penalties are left out."""
    some = rows.take(chosen)
    if not len(some.X):
        return Sums(0.0, 0.0, np.zeros_like(params))
    there, batch = network.at(params), as_batch(some.X, some.target, some.weights, dtype=network.dtype)
    workspace = Workspace(there, len(some.X))
    output = forward(there, batch.x, workspace, batch.weights)
    mean = loss.value_and_grad(output, batch.target, batch.weights, workspace.d_nodes[-1])
    backward(there, workspace)
    count = float(len(some.X) if batch.weights is None else batch.weights.sum())
    return Sums(count, float(mean) * count, workspace.grad * count)


def add_sums(parts: Sequence[Sums]) -> Sums:
    """Those of all workers as one, always in the same order: the same parts give the same bits."""
    total = parts[0]
    for part in parts[1:]:
        total = Sums(total.weight + part.weight, total.loss + part.loss, total.grad + part.grad)
    return total


class Workers(Protocol):
    """Who has the rows. `sizes`: how many rows each worker has; the first has the first rows."""

    @property
    def sizes(self) -> Sequence[int]: ...  # noqa: D102

    def reduce(self, network: Network, loss: Loss, params: Array, chosen: Sequence[Array | None]) -> Sums:
        """`add_sums` of every worker's `sum_rows`."""


class Here:
    """Workers that are this process, one after another: what a cluster has to agree with.

    >>> Here([Rows(np.zeros((3, 2)), np.zeros(3)), Rows(np.zeros((2, 2)), np.zeros(2))]).sizes
    [3, 2]
    """

    def __init__(self, parts: Sequence[Rows]) -> None:
        self.parts, self.sizes = parts, [len(part) for part in parts]

    def reduce(self, network: Network, loss: Loss, params: Array, chosen: Sequence[Array | None]) -> Sums:
        """One part after another."""
        each = zip(self.parts, chosen, strict=True)
        return add_sums([sum_rows(part, network, loss, params, some) for part, some in each])


class ShardedObjective:
    """The loss of a step's rows at other parameters, as rules ask for it: each answer is one reduction.

    Rules that ask for second derivatives, residuals or Kronecker factors say that these are missing.
    """

    def __init__(self, workers: Workers, network: Network, loss: Loss) -> None:
        self.workers, self.network, self.loss = workers, network, loss
        self.chosen: list[Array | None] = [None] * len(workers.sizes)

    def choose(self, rows: Array) -> None:
        """The rows of the next step, as numbers 0 … n-1 over all workers; all of them need no list."""
        ends = np.cumsum(self.workers.sizes)
        if len(rows) == ends[-1]:
            self.chosen = [None] * len(ends)
            return
        ordered = np.sort(rows)
        cuts = np.split(ordered, np.searchsorted(ordered, ends[:-1]))
        self.chosen = [cut - start for cut, start in zip(cuts, (0, *ends[:-1]), strict=True)]

    def value(self, params: Array) -> Any:
        """L(params), weight penalties included."""
        return self.value_and_grad(params, np.empty_like(params))

    def value_and_grad(self, params: Array, out: Array) -> Any:
        """Write ∂L/∂params into `out`; return L(params)."""
        found = self.workers.reduce(self.network, self.loss, params, self.chosen)
        share = 1 / found.weight if found.weight > 0 else 0.0
        np.multiply(found.grad, share, out=out)
        value = found.loss * share
        there = self.network.at(params)
        grads = self.network.layout.views(out)
        for i in there.penalised:
            value = value + there.layers[i].penalty(there.views[i], grads[i])
        return value


def order_rows(
    n: int, size: int, rng: np.random.Generator | None, epochs: int, begin: tuple[int, int] = (0, 0)
) -> Iterator[tuple[Array, int, bool]]:
    """Which rows each step has, its epoch, and whether it ends that: the order that `batches` draws, to the bit."""
    order = np.arange(n)
    for epoch in range(begin[0], epochs):
        if rng is not None:
            order = rng.permutation(n)
        for start in range(begin[1] * size if epoch == begin[0] else 0, n, size):
            yield order[start : start + size], epoch, start + size >= n


def train_sharded(
    workers: Workers,
    network: Network,
    order: Iterable[tuple[Array, int, bool]],
    loss: Loss,
    optimizer: Optimizer,
    *,
    state: Any = None,
) -> Iterator[Step]:
    """`train` where the rows are elsewhere: one reduction of the flat gradient a step, or as many as the rule asks for.

    Of a step only what is as long as the parameters is here: its nodes are those of nobody's rows.
    """
    check_sharded(network)
    state = optimizer.init(network.params) if state is None else state
    objective, update = ShardedObjective(workers, network, loss), np.empty_like(network.params)
    workspace = Workspace(network, 1)
    nobody = workspace.nodes[0]
    for index, (rows, epoch, last) in enumerate(order):
        objective.choose(rows)
        with np.errstate(all="ignore"):
            value = objective.value_and_grad(network.params, workspace.grad)
            optimizer.update(Evaluation(network.params, value, workspace.grad, objective), state, update)
            network.params += update
        batch = Batch(nobody, np.zeros(1), None, epoch, rows, last)
        yield Step(index, epoch, batch, value, network, workspace, update, state)


def check_sharded(network: Network) -> None:
    """Refuse what is not the same when rows are parted: statistics over a batch, noise, populations."""
    inside = list(_every_layer(network.layers))
    odd = next((layer for layer in inside if layer.n_statistics or isinstance(layer, Noisy)), None)
    if odd is not None:
        raise ConfigError(
            f"{type(odd).__name__} looks across the rows of a batch, or draws noise for them in one go; workers that "
            "have parts of them cannot. Train without it on a cluster."
        )
    if network.population:
        raise ConfigError("restarts train as one population, and a cluster trains one network. Give restarts = 1.")


def _every_layer(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Layers, and those inside residual blocks."""
    for layer in layers:
        inside = getattr(layer, "layers", ())
        if inside:
            yield from _every_layer(inside)
        else:
            yield layer
