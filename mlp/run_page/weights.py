"""How the parameters of each dense layer are spread: as they are at the end, and as they began where that was kept."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from mlp.arrays import Array
from mlp.layers import Dense
from mlp.network import Network

BINS = 40
MOST = 1 << 20  # parameters of a layer that are counted


class Way(Protocol):
    """Weights that were kept on the way: `params` after so many `steps` each."""

    steps: list[int]
    params: list[Array]


def describe_weights(network: Network, way: Way | None) -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """A histogram of each dense layer, and its arrays: both moments are counted between the same edges."""
    about, arrays, first = list[dict[str, Any]](), dict[str, Array](), _first(network, way)
    for name, layer, place in zip(network.layout.names, network.layout.layers, network.layout.slices, strict=True):
        moments = {
            "end": _numbers(network.params, place),
            **({} if first is None else {"start": _numbers(first, place)}),
        }
        if not isinstance(layer, Dense) or not all(np.isfinite(values).all() for values in moments.values()):
            continue
        edges = np.histogram_bin_edges(np.concatenate([*moments.values()]), BINS)
        key = f"weights/{len(about)}"
        arrays[f"{key}/edges"] = edges
        for moment, values in moments.items():
            arrays[f"{key}/{moment}"] = np.histogram(values, edges)[0]
        said = {moment: f"mean {v.mean():.4g}, deviation {v.std():.4g}" for moment, v in moments.items()}
        about.append({"layer": name, "size": len(moments["end"]), "said": said})
    return about, arrays


def _first(network: Network, way: Way | None) -> Array | None:
    """The first weights of all, where they were kept for this network."""
    if way is None or not way.steps or way.steps[0] or way.params[0].shape != network.params.shape:
        return None
    return way.params[0]


def _numbers(params: Array, place: slice) -> Array:
    return np.ravel(params[..., place])[:MOST].astype(np.float64)
