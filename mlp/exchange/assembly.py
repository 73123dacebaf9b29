"""Weights that others have trained, as a network: dense layers with activations between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlp.arrays import Array
from mlp.errors import ShapeError, UnknownNameError, check_kind
from mlp.layers import ACTIVATIONS, Dense, Layer
from mlp.network import Network


def assembled(
    weights: Sequence[Array], biases: Sequence[Array], activation: str | Sequence[str], end: Sequence[Layer] = ()
) -> Network:
    """A network of dense layers: weights (n_out, n_in) and biases (n_out,) each, in the widest dtype among them.

    `activation`: one name, or one for each layer but the last. `end`: layers after the last.
    """
    between = _between(activation, len(weights) - 1)
    layers: list[Layer] = []
    for weight, follows in zip(weights, [*between, None], strict=True):
        layers += [Dense(weight.shape[1], weight.shape[0], "zeros"), *([follows] if follows else [])]
    dtype = np.float64 if any(values.dtype.itemsize > 4 for values in (*weights, *biases)) else np.float32
    network = Network([*layers, *end], 0, dtype=dtype)
    dense = (view for layer, view in zip(network.layers, network.views, strict=True) if isinstance(layer, Dense))
    for view, weight, bias in zip(dense, weights, biases, strict=True):
        view[:, :-1], view[:, -1] = weight, bias
    return network


def _between(activation: str | Sequence[str], n_hidden: int) -> list[Layer]:
    """The layer for each name."""
    check_kind("activation", activation, str | list | tuple, "a name, or a list of one for each hidden layer")
    named = [activation] * n_hidden if isinstance(activation, str) else list(activation)
    if len(named) != n_hidden:
        raise ShapeError(
            f"activation has {len(named)} names for {n_hidden} hidden layers. Give one for all, or as many."
        )
    for name in [activation] if isinstance(activation, str) else named:
        if not isinstance(name, str) or name not in ACTIVATIONS:
            raise UnknownNameError("activation", name, ACTIVATIONS)
    return [ACTIVATIONS[name]() for name in named]
