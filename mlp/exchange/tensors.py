"""The arrays of a network by the names that PyTorch gives to theirs.

    dense1.weight (n_out, n_in), dense1.bias (n_out,)             rbf1.centres (n_out, n_in), rbf1.log_widths (n_out,)
    batchnorm1.weight, .bias, .running_mean, .running_var (n,)    layernorm1.weight, .bias (n,)
    residual1.dense1.weight, ...: layers inside a block

All are views onto the network: written into, they change it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import UnknownNameError
from mlp.layers import RBF, BatchNorm, Dense, Layer, LayerNorm, Residual
from mlp.layers.chain import names, slices
from mlp.network import Network


def tensors(network: Network) -> dict[str, Array]:
    """Every array of the network by name: views."""
    layers = (network.layout.names, network.layers, network.views)
    return dict(_chain("", *layers, network.statistics))


def _chain(
    place: str, called: tuple[str, ...], layers: Any, params: Any, statistics: Array
) -> Iterator[tuple[str, Array]]:
    shares = slices(layer.n_statistics for layer in layers)
    for name, layer, mine, share in zip(called, layers, params, shares, strict=True):
        yield from _layer(f"{place}{name}.", layer, mine, statistics[share])


def _layer(place: str, layer: Layer, params: Any, statistics: Array) -> Iterator[tuple[str, Array]]:
    if isinstance(layer, Residual):
        yield from _chain(place, names(layer.layers), layer.layers, params, statistics)
    elif layer.n_params:
        if type(layer) not in ARRAYS:
            known = [kind.__name__ for kind in ARRAYS]
            raise UnknownNameError("names for the arrays of the layer", type(layer).__name__, known)
        for name, values in ARRAYS[type(layer)](params, statistics).items():
            yield place + name, values


def _dense(params: Array, statistics: Array) -> dict[str, Array]:
    """The bias node's weights are the last column."""
    return {"weight": params[:, :-1], "bias": params[:, -1]}


def _norm(params: Any, statistics: Array) -> dict[str, Array]:
    """γ and β."""
    return {"weight": params.scale[:, 0], "bias": params.shift[:, 0]}


def _batch_norm(params: Any, statistics: Array) -> dict[str, Array]:
    """γ and β, and what runs along."""
    mean, variance = np.split(statistics, 2)
    return {**_norm(params, statistics), "running_mean": mean, "running_var": variance}


def _rbf(params: Any, statistics: Array) -> dict[str, Array]:
    return {"centres": params.centres, "log_widths": params.log_widths[:, 0]}


ARRAYS: dict[type[Layer], Callable[[Any, Array], dict[str, Array]]] = {
    Dense: _dense,
    LayerNorm: _norm,
    BatchNorm: _batch_norm,
    RBF: _rbf,
}
