"""ONNX files: a network, or a run from raw rows to answers, for whatever runs ONNX.

A run becomes a model that takes rows as they stand in a table and gives `prediction` and, where the network knows any,
`probabilities`: what `run.predict` and `run.predict_proba` give. A network alone takes what its first layer takes, and
gives its raw outputs.
"""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import float_dtype
from mlp.errors import HyperparameterError, MissingExtraError, ShapeError
from mlp.exchange.onnx_graph import Graph
from mlp.exchange.onnx_head import add_scaling, combine_members, end_graph
from mlp.exchange.onnx_layers import translate_layers
from mlp.experiment import Run
from mlp.model import Model
from mlp.network import Network
from mlp.storage.atomic import write_file


def to_onnx(model: Run | Network, path: str | os.PathLike[str], *, rows: Any = np.float64) -> Path:
    """Write an ONNX model to `path`, with layers as in use: no dropout, batch norm's running statistics.

    A file at `path` is replaced.

    Of a run: input `X` (rows, n_features), raw and in the dtype `rows`; outputs `prediction` (rows,) or (rows, k) and,
    where there are any, `probabilities` (rows, n_classes). Classes are int64 or truth values where they were such, or
    else the texts by which they are called. An ensemble gives its common answer. Categories come as the
    columns of 0 and 1 that they became; the model's metadata names all columns and classes. float64 rows are as exact
    as here; float32 ones, which some runtimes prefer, lose what their digits lose. Of a network: `X` (rows, n_in) and
    `outputs` (rows, n_out), in its dtype.

    Opset 18. MissingExtraError without the extra `onnx`; UnknownNameError for a layer of your own.
    """
    onnx, rows = import_extra("onnx", "ONNX export", "onnx"), float_dtype(rows, "rows")
    if isinstance(model, Run):
        return write_file(path, build_model(onnx, model.model, rows))
    return write_file(path, build_network(onnx, check_single_network(model)))


def check_single_network(model: Any) -> Network:
    """A network that can be written to a file of another format."""
    if not isinstance(model, Network):
        raise HyperparameterError("model", model, "a Run or a Network")
    if model.population:
        raise ShapeError(f"a population of {model.population} networks was given; one is needed: network.member(0).")
    return model


def build_network(onnx: Any, network: Network) -> bytes:
    """The network alone: from inputs to raw outputs."""
    graph = Graph(onnx)
    graph.end(_add_network(graph, network, "X"), "outputs")
    takes, gives = graph.value("X", network.dtype, network.n_in), graph.value("outputs", network.dtype, network.n_out)
    return graph.model(takes, [gives], {}, _version())


def build_model(onnx: Any, model: Model, rows: Any = np.float64) -> bytes:
    """From raw rows to answers."""
    graph, network, dtype = Graph(onnx), model.network, model.network.dtype
    x = add_scaling(graph, model.preprocessing.scaling, "X", dtype)
    if network.population:
        members = [_add_network(graph, network.member(i), x) for i in range(*network.population)]
        raw, dtype = combine_members(graph, model.head, members), np.dtype(np.float64)
    else:
        raw = _add_network(graph, network, x)
    gives = end_graph(graph, model, raw, dtype)
    takes = graph.value("X", rows, len(model.preprocessing.feature_names))
    told = ("task", "feature_names", "target_name", "class_names")
    about = {name: json.dumps(getattr(model.preprocessing, name)) for name in told}
    return graph.model(takes, gives, about, _version())


def _add_network(graph: Graph, network: Network, x: str) -> str:
    """The name of the raw outputs."""
    graph.place = ""
    return translate_layers(graph, network.layout.names, network.layers, network.views, network.statistics, x)


def _version() -> str:
    from mlp import __version__

    return __version__


def import_extra(package: str, feature: str, extra: str) -> Any:
    """A package that only some people have; MissingExtraError where it is not installed."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise MissingExtraError(feature, extra) from None
