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

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from mlp.arrays import ONE_THREAD, Array, Nodes, as_array, check_finite_numbers, check_nodes
from mlp.data.batches import Batch
from mlp.errors import (
    DataError,
    DtypeError,
    HyperparameterError,
    MLPError,
    ShapeError,
    check_count,
    check_iterable,
    check_kind,
)
from mlp.losses import Loss
from mlp.network import ForwardWorkspace, Network, Workspace, check_network

FEW = 32  # rows: blocks of fewer cost more than they save
BRIEF = 1 << 24  # multiplications: 0.5 ms
LANGUAGE = (AttributeError, IndexError, TypeError, ValueError)  # what wrong arguments come to, deep inside


def forward(network: Network, x: Nodes, workspace: Workspace, weights: Array | None = None) -> Array:
    """Fill `workspace.nodes` as in training; return the raw outputs, (*population, n_out, N).

    `weights` (N,): what each sample counts in the mean and the variance of batch norm; None: all the same.
    """
    try:
        if weights is not None or workspace.weights is not None:
            workspace.weigh(network, weights)
        nodes = workspace.nodes
        nodes[0] = x
        for i, layer in enumerate(network.layers):
            layer.forward(network.views[i], nodes[i], nodes[i + 1], workspace.scratch[i])
        return nodes[-1].values
    except LANGUAGE as error:
        _refuse(error, _check_pass, network, x, workspace)


def infer(network: Network, x: Nodes, workspace: ForwardWorkspace) -> Array:
    """Fill `workspace.nodes` as in use, without dropout and with batch norm's running statistics."""
    try:
        nodes = workspace.nodes
        nodes[0] = x
        for i, layer in enumerate(network.layers):
            layer.infer(network.views[i], nodes[i], nodes[i + 1], workspace.scratch[i])
        return nodes[-1].values
    except LANGUAGE as error:
        _refuse(error, _check_pass, network, x, workspace)


def backward(network: Network, workspace: Workspace) -> None:
    """Fill `workspace.grad` and `workspace.d_nodes`, from the last layer to the first.

    ∂L/∂(raw outputs), which the loss wrote, is read from the last of `workspace.d_nodes`.
    """
    try:
        nodes, d_nodes, grads, scratch = workspace.nodes, workspace.d_nodes, workspace.grads, workspace.scratch
        workspace.passes += 1
        for i in workspace.last_to_first:
            layer, params, x, y = network.layers[i], network.views[i], nodes[i], nodes[i + 1]
            layer.backward(params, x, y, d_nodes[i + 1], scratch[i], grads[i], d_nodes[i])
    except LANGUAGE as error:
        _refuse(error, _check_backward, network, workspace)


def value_and_grad(network: Network, loss: Loss, batch: Batch, workspace: Workspace) -> Any:
    """Fill `workspace` with everything one step computes; return the loss (*population,), weight penalties included.

    At every step only the size of the batch is looked at, and whose workspace it is; the rest where a pass has failed.
    `check_batch` looks at a batch as a whole, and `train` calls it.
    """
    try:
        if batch.x.values.shape[-1] != workspace.n_samples or workspace.layers is not network.layers:
            _check_step(network, loss, batch, workspace)
        output = forward(network, batch.x, workspace, batch.weights)
        value = loss.value_and_grad(output, batch.target, batch.weights, workspace.d_nodes[-1])
        backward(network, workspace)
        for i in network.penalised:
            value = value + network.layers[i].penalty(network.views[i], workspace.grads[i])
        return value
    except LANGUAGE as error:
        _refuse(error, _check_step, network, loss, batch, workspace)


def check_parts(network: Any, loss: Any) -> None:
    """Refuse what is no network or no loss, arguments in the wrong order say."""
    check_network(network)
    check_kind("loss", loss, Loss, "a loss: SoftmaxCrossEntropy(), SquaredError(), ...")


def check_batches(data: Any) -> None:
    """Refuse what are no batches: a single one, or rows that are none yet."""
    needed = "batches: batches(X, target), or a list of as_batch(X, target)"
    check_iterable("data", data, needed)
    typed = isinstance(data, tuple | list) and not all(isinstance(batch, Batch) for batch in data)
    if typed or isinstance(data, str | np.ndarray):
        raise HyperparameterError("data", data, needed)


def check_batch(network: Network, loss: Loss, batch: Any) -> None:
    """Refuse a batch that does not fit the network and the loss."""
    check_inputs(network, batch)
    n, target, weights = batch.x.n_samples, batch.target, batch.weights
    if not isinstance(target, np.ndarray) or target.ndim < 1 or target.shape[-1] != n:
        raise HyperparameterError("batch.target", target, f"an array with {n} columns, one for each sample")
    if weights is not None and (not isinstance(weights, np.ndarray) or weights.shape != (n,)):
        raise HyperparameterError("batch.weights", weights, f"an array ({n},), or None")
    loss.check(network.n_out, target)


def check_inputs(network: Network, batch: Any) -> None:
    """Refuse a batch whose inputs do not fit the network."""
    check_kind("batch", batch, Batch, "a batch: as_batch(X, target), or one of batches(X, target)")
    check_nodes("batch.x", batch.x)
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


def _refuse(error: Exception, check: Callable[..., None], *arguments: Any) -> NoReturn:
    """Say what is wrong with the arguments of a pass that failed; the error itself where nothing is.

    They are looked at here and not before, because here it costs a step nothing.
    """
    try:
        check(*arguments)
    except MLPError as found:
        raise found from None
    raise error


def _check_step(network: Any, loss: Any, batch: Any, workspace: Any) -> None:
    """Refuse what `value_and_grad` cannot take."""
    check_parts(network, loss)
    check_batch(network, loss, batch)
    check_kind("workspace", workspace, Workspace, "a workspace: Workspace(network, n_samples)")
    if batch.x.n_samples != workspace.n_samples:
        raise ShapeError(
            f"the batch has {batch.x.n_samples} samples and the workspace room for {workspace.n_samples}. "
            f"Give Workspace(network, n_samples={batch.x.n_samples})."
        )
    _check_pass(network, batch.x, workspace)


def _check_backward(network: Any, workspace: Any) -> None:
    """Refuse what `backward` cannot take."""
    check_network(network)
    _check_workspace(network, workspace)
    _check_pass(network, workspace.nodes[0], workspace)


def _check_pass(network: Any, x: Any, workspace: Any) -> None:
    """Refuse what `forward` cannot take."""
    check_network(network)
    check_nodes("x", x)
    _check_workspace(network, workspace)
    given, needed = x.values, (network.n_in, workspace.n_samples)
    if given.shape != needed or given.dtype != network.dtype:
        raise ShapeError(f"x is {given.dtype} {given.shape}; network and workspace take {network.dtype} {needed}.")


def _check_workspace(network: Network, workspace: Any) -> None:
    """Refuse what is no workspace, or that of a network of another shape."""
    check_kind("workspace", workspace, ForwardWorkspace, "a workspace: Workspace(network, n_samples)")
    kinds = [type(layer) for layer in network.layers] == [type(layer) for layer in workspace.layers]
    widths = [(*network.population, layer.n_out, workspace.n_samples) for layer in network.layers]
    fits = kinds and [nodes.values.shape for nodes in workspace.nodes[1:]] == widths
    if not fits or workspace.nodes[0].values.dtype != network.dtype:
        raise ShapeError("workspace was made for another network. Give Workspace(network, n_samples).")


def predict(network: Network, X: Array, *, block: int = 1024) -> Array:
    """Raw outputs of the network in use for X (n, n_features): (*population, n, n_out). `block` rows at a time.

    A loss turns them into probabilities or values: `loss.predict` takes the transposed. DataError for a NaN in X.
    """
    check_network(network)
    X = as_array("X", X)
    if X.ndim != 2 or X.shape[1] != network.n_in:
        raise ShapeError(f"X has shape {X.shape}; the network takes (n_samples, {network.n_in}).")
    if X.dtype.kind not in "fiub":
        raise DataError(f"X holds {X.dtype}; give numbers.")
    check_count("block", block)
    return answer(network, X, block, finite=False)


def answer(network: Network, X: Array, block: int = 1024, *, finite: bool = True, of: int = 0) -> Array:
    """`predict` for rows of the right width that are known to be `finite` in the network's dtype, or are looked at.

    `of`: how many rows are asked for in all, where X is a part of them.
    """
    n = len(X)
    block = min(block, _rows_in_one_thread(network, max(n, of)))
    if n <= block:
        return _answer_block(network, X, ForwardWorkspace(network, n), finite).swapaxes(-1, -2)
    out = np.empty((*network.population, network.n_out, n), network.dtype)
    workspace = ForwardWorkspace(network, block)
    for start in range(0, n, block):
        rows = X[start : start + block]
        if len(rows) < block:
            workspace = ForwardWorkspace(network, len(rows))
        out[..., start : start + len(rows)] = _answer_block(network, rows, workspace, finite)
    return out.swapaxes(-1, -2)


def _rows_in_one_thread(network: Network, n: int) -> int:
    """How many of n rows to answer at a time, so that OpenBLAS needs no second thread for what one does in 0.5 ms.

    Threads wait for one another: where other programs run, 10 ms for a product of 50 µs.
    """
    if n <= FEW or n * network.params.size > BRIEF:
        return n
    rows = ONE_THREAD // max(1, *(layer.n_params for layer in network.layers))
    return rows if rows >= FEW else n


@np.errstate(over="ignore")
def _answer_block(network: Network, rows: Array, workspace: ForwardWorkspace, finite: bool) -> Array:
    """Raw outputs (*population, n_out, n) for as many rows as the workspace has samples; they lie in the workspace."""
    x = workspace.nodes[0]
    x.values[...] = rows.T
    if not finite:
        check_finite_numbers("X", rows, x.with_bias.T)
    return infer(network, x, workspace)
