"""Check mine: where a gradient that somebody computed by hand goes wrong, and by what usual mistake.

It is compared with that of backpropagation, layer by layer. For the first layer that differs, from the outputs
backward, a few mistakes that everybody makes once are tried; a mistake is named only where it explains every number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array, as_array
from mlp.backprop import check_batch, check_parts, value_and_grad
from mlp.data.batches import as_batch
from mlp.errors import ShapeError
from mlp.layers import Activation, Dense
from mlp.losses import Loss
from mlp.network import Network, Workspace

CLOSE = 1e-6
"""Two gradients are the same where they differ by less than this share of the layer's largest entry."""

ADVICE = {
    "sign": ("the sign is wrong", "The error of an output is o − t, not t − o; a gradient points uphill."),
    "not averaged": ("it is the sum over the {n} samples, not their mean", "Divide by {n}."),
    "transposed": ("the matrix is transposed", "∂L/∂W = δ·xᵀ has a row for each node that the weights lead to."),
    "bias missing": ("the bias weights are missing", "A bias node hands on 1, so theirs is the sum of δ over samples."),
    "activation's slope forgotten": ("the activation's slope is missing", "δ = ∂L/∂a · φ′(z), and not ∂L/∂a alone."),
    "factor": ("every entry of the layer is {factor:.4g} times what it should be", "Look for a constant too many."),
}


@dataclass(frozen=True)
class GradientCheck:
    """What `check_gradient` found. It is true where the gradient is right; `print` says what is wrong.

    `layer` is the name of the layer where it goes wrong first, seen from the outputs; `entry` the place (row, column)
    in its weight matrix, whose last column are the bias weights; `given` and `expected` are the numbers there and
    `factor` the first over the second, NaN where there is none. `mistakes` are the usual mistakes that together explain
    all numbers of the layer, by their names in `ADVICE`; () where none do.
    """

    right: bool
    message: str
    layer: str = ""
    entry: tuple[int, int] = (0, 0)
    given: float = float("nan")
    expected: float = float("nan")
    factor: float = float("nan")
    mistakes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        return self.message


class _Part(NamedTuple):
    """What was given for one layer: `place` among the layers, the matrix, and whether its rows stood as columns."""

    place: int
    matrix: Array
    turned: bool


def check_gradient(network: Network, loss: Loss, X: Array, target: Array, mine: Any) -> GradientCheck:
    """Say where the gradient `mine` of the loss on these rows goes wrong first, and by which usual mistake.

    `mine` is flat (P,), or a list with one array for each dense layer, (n_out, n_in + 1), the bias weights in the last
    column. An array without that column, (n_out, n_in), is compared without them. `X` (n, n_features), `target` as for
    `batches`. The network is left as it was. ShapeError for arrays of another number or shape, for a population, and
    for layers other than dense ones that have weights.

    >>> import mlp
    >>> net, X, t = mlp.Network([mlp.Dense(1, 1)], rng=0), [[2.0], [1.0]], [[3.0], [0.0]]
    >>> net.params = [0.5, 0.0]
    >>> print(mlp.check_gradient(net, mlp.SquaredError(), X, t, [-1.75, -0.75]))
    right: the gradient of all layers is that of backpropagation
    >>> print(mlp.check_gradient(net, mlp.SquaredError(), X, t, [-3.5, -1.5]))
    dense1[0, 0] is -3.5 and should be -1.75: it is the sum over the 2 samples, not their mean. Divide by 2.
    """
    check_parts(network, loss)
    if network.population:
        raise ShapeError("check_gradient takes one network, not a population. Give network.member(0).")
    batch = as_batch(X, target, dtype=network.dtype)
    check_batch(network, loss, batch)
    copy = network.at(network.params.copy())
    workspace = Workspace(copy, batch.x.n_samples)
    value_and_grad(copy, loss, batch, workspace)
    parts = _split(network, mine)
    for part in reversed(parts):
        if part.turned or not _same(part.matrix, workspace.grads[part.place][:, : part.matrix.shape[1]]):
            return _explain(copy, workspace, part)
    whole = all(part.matrix.shape == network.views[part.place].shape for part in parts)
    without = "" if whole else "; bias weights that were not given were not compared"
    return GradientCheck(True, f"right: the gradient of all layers is that of backpropagation{without}")


def _split(network: Network, mine: Any) -> list[_Part]:
    """What was given for each dense layer."""
    places = [place for place, layer in enumerate(network.layers) if layer.n_params]
    if not all(isinstance(network.layers[place], Dense) for place in places):
        raise ShapeError("check_gradient compares dense layers. Leave out other layers that have weights.")
    if isinstance(mine, list | tuple) and any(np.ndim(part) for part in mine):
        arrays = [as_array(f"mine[{i}]", part) for i, part in enumerate(mine)]
        if len(arrays) != len(places):
            raise ShapeError(f"mine has {len(arrays)} arrays for {len(places)} dense layers. Give one for each.")
    else:
        flat = as_array("mine", mine)
        if flat.size != network.params.size:
            raise ShapeError(f"mine has {flat.size} numbers, and the network has {network.params.size} parameters.")
        parts = [network.layout.slices[place] for place in places]
        shapes = [network.views[place].shape for place in places]
        arrays = [flat.ravel()[part].reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return [_fit(network, place, array) for place, array in zip(places, arrays, strict=True)]


def _fit(network: Network, place: int, array: Array) -> _Part:
    """The gradient of one layer, turned where its rows stand as columns."""
    rows, columns = network.views[place].shape
    if array.dtype.kind in "fiub" and np.isfinite(array).all():
        if array.shape in {(rows, columns), (rows, columns - 1)}:
            return _Part(place, array.astype(np.float64), turned=False)
        if array.shape in {(columns, rows), (columns - 1, rows)}:
            return _Part(place, array.T.astype(np.float64), turned=True)
    raise ShapeError(
        f"mine of {network.layout.names[place]} is {array.dtype} {array.shape}; give numbers ({rows}, {columns}), "
        f"the bias weights in the last column, or ({rows}, {columns - 1}) without them."
    )


def _same(a: Array, b: Array) -> bool:
    """Whether two gradients of a layer agree."""
    return not bool(_differ(a, b).any())


def _differ(a: Array, b: Array) -> Array:
    """Where they do not."""
    size = float(np.abs(b).max(initial=0.0))
    return np.asarray(np.abs(a - b) > CLOSE * size)


def _explain(network: Network, workspace: Workspace, part: _Part) -> GradientCheck:
    """The first entry that is wrong, and the mistakes that explain all of them."""
    theirs, right = part.matrix, workspace.grads[part.place][:, : part.matrix.shape[1]]
    name, n = network.layout.names[part.place], workspace.n_samples
    turned = ("transposed",) if part.turned else ()
    if turned and _same(theirs, right):
        advice = " ".join(ADVICE["transposed"][1:])
        return GradientCheck(False, f"{name}: {ADVICE['transposed'][0]}. {advice}", name, mistakes=turned)
    row, column = (int(k) for k in np.argwhere(_differ(theirs, right))[0])
    given, expected = float(theirs[row, column]), float(right[row, column])
    factor = given / expected if expected else float("nan")
    mistakes = turned + next(_mistakes(network, workspace, part), ())
    message = f"{name}[{row}, {column}] is {given:.6g} and should be {expected:.6g}"
    if mistakes:
        said = f": {' and '.join(ADVICE[m][0] for m in mistakes)}. {' '.join(ADVICE[m][1] for m in mistakes)}"
        message += said.format(n=n, factor=factor)
    elif factor and factor == factor:
        message += f", {factor:.4g} times as much."
    return GradientCheck(False, message, name, (row, column), given, expected, factor, mistakes)


def _mistakes(network: Network, workspace: Workspace, part: _Part) -> Iterator[tuple[str, ...]]:
    """The usual mistakes that turn the right gradient of a layer into what was given."""
    theirs, n = part.matrix, workspace.n_samples
    factors: list[tuple[float, tuple[str, ...]]] = [(1, ()), (-1, ("sign",)), (n, ("not averaged",))]
    factors.append((-n, ("sign", "not averaged")))
    for wrong, names in _wrong_gradients(network, workspace, part):
        for factor, more in factors:
            if (names or more) and _same(theirs, factor * wrong):
                yield (*names, *more)
    right = workspace.grads[part.place][:, : theirs.shape[1]]
    size = float(np.vdot(right, right))
    if size and _same(theirs, float(np.vdot(theirs, right)) / size * right) and theirs.any():
        yield ("factor",)


def _wrong_gradients(network: Network, workspace: Workspace, part: _Part) -> Iterator[tuple[Array, tuple[str, ...]]]:
    """The right gradient of a layer, and what it becomes by mistakes other than a factor."""
    place, width = part.place, part.matrix.shape[1]
    right = workspace.grads[place]
    following = network.layers[place + 1] if place + 1 < len(network.layers) else None
    variants: list[tuple[Array, tuple[str, ...]]] = [(right, ())]
    if isinstance(following, Activation):
        slopeless = workspace.d_nodes[place + 2] @ workspace.nodes[place].with_bias.T
        variants.append((slopeless, ("activation's slope forgotten",)))
    for gradient, names in variants:
        yield gradient[:, :width], names
        if width == right.shape[1]:
            yield np.concatenate([gradient[:, :-1], 0 * gradient[:, -1:]], axis=1), (*names, "bias missing")
        for columns in {width, right.shape[1] - 1}:
            turned = gradient[:, :columns].T.reshape(gradient[:, :columns].shape)
            yield np.concatenate([turned, gradient[:, columns:width]], axis=1), (*names, "transposed")
