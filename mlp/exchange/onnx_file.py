"""ONNX files: a network, or a run from raw rows to answers, for whatever runs ONNX.

A run becomes a model that takes rows as they stand in a table and gives `prediction` and, where the network knows any,
`probabilities`: what `run.predict` and `run.predict_proba` give. A network alone takes what its first layer takes, and
gives its raw outputs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import float_dtype
from mlp.errors import HyperparameterError, ShapeError
from mlp.exchange.ending import outputs, scaled, together
from mlp.exchange.graph import Graph
from mlp.exchange.package import needed
from mlp.exchange.translation import chain
from mlp.experiment import Run
from mlp.network import Network
from mlp.output import write_file


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
    onnx = needed("onnx", "ONNX export", "onnx")
    rows = float_dtype(rows, "rows")
    content = run_model(onnx, model, rows) if isinstance(model, Run) else network_model(onnx, checked(model))
    return write_file(path, content)


def checked(model: Any) -> Network:
    """A network that can be written to a file of another format."""
    if not isinstance(model, Network):
        raise HyperparameterError("model", model, "a Run or a Network")
    if model.population:
        raise ShapeError(f"a population of {model.population} networks was given; one is needed: network.member(0).")
    return model


def network_model(onnx: Any, network: Network) -> bytes:
    """The network alone."""
    graph = Graph(onnx)
    graph.end(_raw(graph, network, "X"), "outputs")
    takes, gives = graph.value("X", network.dtype, network.n_in), graph.value("outputs", network.dtype, network.n_out)
    return graph.model(takes, [gives], {}, _version())


def run_model(onnx: Any, run: Run, rows: Any = np.float64) -> bytes:
    """From raw rows to answers."""
    graph, about, network, dtype = Graph(onnx), run.model.preprocessing, run.network, run.network.dtype
    x = scaled(graph, about.scaling, "X", dtype)
    if network.population:
        members = [_raw(graph, network.member(i), x) for i in range(*network.population)]
        raw, dtype = together(graph, run.model.head, members), np.dtype(np.float64)
    else:
        raw = _raw(graph, network, x)
    gives = outputs(graph, run.model.head, about, raw, dtype)
    takes = graph.value("X", float_dtype(rows), len(about.feature_names))
    return graph.model(takes, gives, _about(run), _version())


def _raw(graph: Graph, network: Network, x: str) -> str:
    """The name of the raw outputs."""
    graph.place = ""
    return chain(graph, network.layout.names, network.layers, network.views, network.statistics, x)


def _about(run: Run) -> dict[str, str]:
    """What people and programs want to know of a model: all as JSON."""
    about = run.model.preprocessing
    known = {
        "task": about.task,
        "feature_names": about.feature_names,
        "target_name": about.target_name,
        "class_names": about.class_names,
    }
    return {name: json.dumps(value) for name, value in known.items()}


def _version() -> str:
    from mlp import __version__

    return __version__
