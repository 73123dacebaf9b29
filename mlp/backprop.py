"""Backpropagation.

A network is a chain of layers y = f(x; θ). Forward computes every y from its x and keeps it. Backward walks the same
chain from the loss to the first layer with one question at each: given ∂L/∂y, what are ∂L/∂θ and ∂L/∂x? The ∂L/∂x of a
layer is the ∂L/∂y of the one before it; the loss begins with ∂L/∂(the last y). That is all. Two layers, as examples:

    dense        y = W [x; 1]         ∂L/∂W = ∂L/∂y [x; 1]ᵀ     ∂L/∂x = Wᵀ ∂L/∂y, without the bias column
    activation   y = φ(x)             no parameters             ∂L/∂x = φ′(x) · ∂L/∂y, node by node

After `value_and_grad(network, loss, batch, workspace)`:

    workspace.nodes[i]     what went into layer i            workspace.grads[i]     ∂L/∂(parameters of layer i)
    workspace.nodes[i+1]   what came out of it               workspace.d_nodes[i+1] ∂L/∂(what came out of it)

How one layer answers stands in `layers`; how a batch and a loss look, in `data.batches` and `losses`. Every number of
one backward pass is printed by `examples/04_above_the_plane.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mlp.arrays import Array, Nodes, as_array, empty_nodes
from mlp.data.batches import Batch
from mlp.errors import DataError, DtypeError, HyperparameterError, ShapeError, check_count
from mlp.losses import Loss
from mlp.network import Network, Workspace


def forward(network: Network, x: Nodes, workspace: Workspace, weights: Array | None = None) -> Array:
    """Fill `workspace.nodes` as in training; return the raw outputs, (*population, n_out, N).

    `weights` (N,): what each sample counts in the mean and the variance of batch norm; None: all the same.
    """
    if weights is not None or workspace.weights is not None:
        workspace.weigh(network, weights)
    nodes = workspace.nodes
    nodes[0] = x
    for i, layer in enumerate(network.layers):
        layer.forward(network.views[i], nodes[i], nodes[i + 1], workspace.scratch[i])
    return nodes[-1].values


def infer(network: Network, x: Nodes, workspace: Workspace) -> Array:
    """Fill `workspace.nodes` as in use, without dropout and with batch norm's running statistics."""
    nodes = workspace.nodes
    nodes[0] = x
    for i, layer in enumerate(network.layers):
        layer.infer(network.views[i], nodes[i], nodes[i + 1], workspace.scratch[i])
    return nodes[-1].values


def backward(network: Network, workspace: Workspace) -> None:
    """Fill `workspace.grad` and `workspace.d_nodes`, from the last layer to the first.

    ∂L/∂(raw outputs), which the loss wrote, is read from the last of `workspace.d_nodes`.
    """
    nodes, d_nodes, grads, scratch = workspace.nodes, workspace.d_nodes, workspace.grads, workspace.scratch
    workspace.passes += 1
    for i in workspace.last_to_first:
        layer, params, x, y = network.layers[i], network.views[i], nodes[i], nodes[i + 1]
        layer.backward(params, x, y, d_nodes[i + 1], scratch[i], grads[i], d_nodes[i])


def value_and_grad(network: Network, loss: Loss, batch: Batch, workspace: Workspace) -> Any:
    """Fill `workspace` with everything one step computes; return the loss (*population,), weight penalties included.

    Of the batch only its size is checked here, at every step; `check_batch` checks the rest, and `train` calls it.
    """
    if batch.x.values.shape[-1] != workspace.n_samples:
        raise ShapeError(
            f"the batch has {batch.x.n_samples} samples and the workspace room for {workspace.n_samples}. "
            f"Give Workspace(network, n_samples={batch.x.n_samples})."
        )
    output = forward(network, batch.x, workspace, batch.weights)
    value = loss.value_and_grad(output, batch.target, batch.weights, workspace.d_nodes[-1])
    backward(network, workspace)
    for i in network.penalised:
        value = value + network.layers[i].penalty(network.views[i], workspace.grads[i])
    return value


def check_parts(network: Any, loss: Any) -> None:
    """Refuse what is no network or no loss, arguments in the wrong order say."""
    if not isinstance(network, Network):
        raise HyperparameterError("network", network, "a network: Network([Dense(2, 3), ...])")
    if not isinstance(loss, Loss):
        raise HyperparameterError("loss", loss, "a loss: SoftmaxCrossEntropy(), SquaredError(), ...")


def check_batches(data: Any) -> None:
    """Refuse what are no batches: a single one, or rows that are none yet."""
    typed = isinstance(data, tuple | list) and not all(isinstance(batch, Batch) for batch in data)
    if typed or not isinstance(data, Iterable) or isinstance(data, str | np.ndarray):
        raise HyperparameterError("data", data, "batches: batches(X, target), or a list of as_batch(X, target)")


def check_batch(network: Network, loss: Loss, batch: Batch) -> None:
    """Refuse a batch that does not fit the network and the loss."""
    check_inputs(network, batch)
    loss.check(network.n_out, batch.target)


def check_inputs(network: Network, batch: Batch) -> None:
    """Refuse a batch whose inputs do not fit the network."""
    if not isinstance(batch, Batch):
        raise HyperparameterError("batch", batch, "a batch: as_batch(X, target), or one of batches(X, target)")
    x = batch.x.with_bias
    if x.shape[-2] != network.n_in + 1:
        raise ShapeError(
            f"the batch has {x.shape[-2] - 1} features and the network takes {network.n_in}. "
            f"Begin with {type(network.layers[0]).__name__}({x.shape[-2] - 1}, ...)."
        )
    if x.dtype != network.dtype:
        raise DtypeError(
            f"the batch is {x.dtype} and the network {network.dtype}. "
            f"Give batches(..., dtype=np.{network.dtype}) or Network(..., dtype=np.{x.dtype})."
        )


def predict(network: Network, X: Array, *, block: int = 4096) -> Array:
    """Raw outputs of the network in use for X (n, n_features): (*population, n, n_out). `block` rows at a time.

    A loss turns them into probabilities or values: `loss.predict` takes the transposed.
    """
    X = as_array("X", X)
    if X.ndim != 2 or X.shape[1] != network.n_in:
        raise ShapeError(f"X has shape {X.shape}; the network takes (n_samples, {network.n_in}).")
    if X.dtype.kind not in "fiub":
        raise DataError(f"X holds {X.dtype}; give numbers.")
    check_count("block", block)
    out = np.empty((*network.population, len(X), network.n_out), network.dtype)
    for start in range(0, len(X), block):
        rows = X[start : start + block]
        x = empty_nodes((), network.n_in, len(rows), network.dtype)
        x.values[...] = rows.T
        found = infer(network, x, Workspace(network, len(rows)))
        out[..., start : start + len(rows), :] = found.swapaxes(-1, -2)
    return out
