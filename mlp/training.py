"""The training loop, as an iterator of facts.

`train` yields after every update and decides nothing: to stop, break; to watch, read the arrays of the step. By hand
its body is three lines (`value_and_grad`, `update`, `+=`). It knows networks, losses and optimizers by their
contracts only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.backprop import check_batch, check_batches, check_parts, value_and_grad
from mlp.data.batches import Batch
from mlp.errors import HyperparameterError, ShapeError, check_kind
from mlp.losses import Loss
from mlp.network import Network, Workspace
from mlp.objective import Objective
from mlp.optimizers import Evaluation, Optimizer


class Step(NamedTuple):
    """One update, just made.

    `loss`, the nodes and the gradient in `workspace` are those *before* the update, which took the parameters from
    `network.params - update` to where they are now. `objective` is the loss of this batch as a function of parameters.
    `optimizer` is the rule that made it. `index` counts from 0. All arrays are live: the next step
    overwrites them, so `list(train(...))` shows the same arrays many times. Copy what you keep.

    >>> import mlp
    >>> network = mlp.Network([mlp.Dense(2, 1)], rng=0)
    >>> step = next(train(network, [mlp.as_batch(np.ones((4, 2)), np.ones((4, 1)))], mlp.SquaredError(), mlp.SGD(0.1)))
    >>> step.index, step.update.shape, step.workspace.grads[0].shape
    (0, (3,), (1, 3))
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a step
    epoch: int
    batch: Batch
    loss: Any
    network: Network
    workspace: Workspace
    update: Array
    state: Any
    objective: Objective | None = None
    optimizer: Optimizer | None = None


def train(
    network: Network, data: Iterable[Batch], loss: Loss, optimizer: Optimizer, *, state: Any = None
) -> Iterator[Step]:
    """Train `network` in place on every batch of `data`; yield a `Step` after each update.

    `state` is the optimizer's memory from an earlier run, to go on with; by default it begins anew.
    """
    check_parts(network, loss)
    check_batches(data)
    if not isinstance(optimizer, Optimizer):
        raise HyperparameterError("optimizer", optimizer, "an optimizer: SGD(0.1), Adam(), ...")
    begun = optimizer.init(network.params)
    if state is not None:
        _check_state(state, begun)
    return _steps(network, data, loss, optimizer, begun if state is None else state)


def _check_state(state: Any, begun: Any) -> None:
    """Refuse the memory of another rule, or of a network of another size."""
    if type(state) is not type(begun):
        needed = f"the memory of this optimizer, {type(begun).__name__}"
        raise HyperparameterError("state", type(state).__name__, needed)
    for name, mine in getattr(begun, "__dict__", {}).items():
        theirs = getattr(state, name)
        if isinstance(mine, np.ndarray) and np.shape(theirs) != mine.shape:
            raise ShapeError(f"state.{name} has shape {np.shape(theirs)}; this network needs {mine.shape}.")


def _steps(network: Network, data: Iterable[Batch], loss: Loss, optimizer: Optimizer, state: Any) -> Iterator[Step]:
    update, objective = np.empty_like(network.params), Objective(network, loss)
    workspaces: dict[int, Workspace] = {}  # the last batch of an epoch may be smaller
    for index, batch in enumerate(data):
        if not index:
            check_kind("data", batch, Batch, "of batches: batches(X, target), or a list of as_batch(X, target)")
            check_batch(network, loss, batch)
        workspace = workspaces.get(batch.x.values.shape[-1])
        if workspace is None or not batch.epoch:  # all of the first epoch: a wrong label may come late
            check_batch(network, loss, batch)
        if workspace is None:
            workspace = workspaces.setdefault(batch.x.n_samples, Workspace(network, batch.x.n_samples))
        objective.batch, objective.workspace = batch, workspace
        value = _step(objective, optimizer, state, update)
        yield Step(index, batch.epoch, batch, value, network, workspace, update, state, objective, optimizer)


@np.errstate(all="ignore")  # 0.3 µs: training that leaves the range of numbers is told by its loss, not by warnings
def _step(objective: Objective, optimizer: Optimizer, state: Any, update: Array) -> Any:
    """Write the step into `update` and make it; return the loss before it."""
    params, workspace = objective.network.params, objective.workspace
    value = value_and_grad(objective.network, objective.loss, objective.batch, workspace)
    optimizer.update(Evaluation(params, value, workspace.grad, objective), state, update)
    params += update
    return value
