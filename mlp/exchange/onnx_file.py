"""ONNX files: a network, or a run from raw rows to answers, for whatever runs ONNX.

A run becomes a model that takes rows as they stand in a table and gives `prediction` and, where the network knows any,
`probabilities`: what `run.predict` and `run.predict_proba` give. Raw rows are brought to the scale of the training
rows, and raw outputs become classes by name, probabilities, or numbers in the units of the targets. A network alone
takes what its first layer takes, and gives its raw outputs.
"""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array, float_dtype
from mlp.data import Scaling
from mlp.data.boxed import unboxed
from mlp.data.cells import as_integers
from mlp.data.impute import Imputation
from mlp.errors import HyperparameterError, MissingExtraError, ShapeError, UnknownNameError
from mlp.estimators.fitted import Fitted
from mlp.exchange.onnx_layers import Graph
from mlp.experiment import Run
from mlp.family import Operator, find_operator
from mlp.losses import LOSSES, Loss
from mlp.model import Model, OutputHead
from mlp.network import Network
from mlp.preprocessing import Preprocessing
from mlp.storage.atomic import write_file


def to_onnx(model: Run | Network | Fitted, path: str | os.PathLike[str], *, rows: Any = np.float64) -> Path:
    """Write an ONNX model to `path`, with layers as in use: no dropout, batch norm's running statistics.

    A file at `path` is replaced.

    Of a run or a fitted estimator: input `X` (rows, n_features), raw and in the dtype `rows`; outputs `prediction`
    (rows,) or (rows, k) and, where there are any, `probabilities` (rows, n_classes). Classes are int64 or truth values
    where they were such, or else the texts by which they are called. An ensemble gives its common answer. Categories
    come as the columns of 0 and 1 that they became; the model's metadata names all columns and classes. float64 rows
    are as exact as here; float32 ones, which some runtimes prefer, lose what their digits lose. Of a network: `X`
    (rows, n_in) and `outputs` (rows, n_out), in its dtype.

    Opset 18. MissingExtraError without the extra `onnx`; UnknownNameError for a layer or a loss of your own that names
    no operator as `onnx`.
    """
    onnx, rows = import_extra("onnx", "ONNX export", "onnx"), float_dtype(rows, "rows")
    if isinstance(model, Run | Fitted):
        return write_file(path, build_model(onnx, model_of(model), rows))
    return write_file(path, build_network(onnx, check_single_network(model)))


def model_of(given: Run | Fitted) -> Model:
    """The model of a run, or of an estimator that is fitted."""
    return given.model if isinstance(given, Run) else given.run_.model


def check_single_network(model: Any) -> Network:
    """A network that can be written to a file of another format."""
    if not isinstance(model, Network):
        raise HyperparameterError("model", model, "a Run, a Network, or an estimator that is fitted")
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
    x = add_imputation(graph, model.preprocessing.imputation, "X")
    x = add_scaling(graph, model.preprocessing.scaling, x, dtype)
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
    return graph.apply_layers(network.layout.names, network.layers, network.views, network.statistics, x)


def _version() -> str:
    from mlp import __version__

    return __version__


def import_extra(package: str, feature: str, extra: str) -> Any:
    """A package that only some people have; MissingExtraError where it is not installed."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise MissingExtraError(feature, extra) from None


# what stands around a network


def add_imputation(graph: Graph, imputation: Imputation | None, x: str) -> str:
    """Missing cells, which are NaN, filled; and the indicators behind the columns. In float64."""
    if imputation is None:
        return x
    graph.place = "imputation"
    x = graph.cast(x, np.float64)
    missing = graph.apply("IsNaN", x)
    filled = graph.apply("Where", missing, graph.constant(imputation.fill, "fill"), x)
    if not len(imputation.indicators):
        return filled
    marked = graph.apply("Gather", missing, graph.constant(imputation.indicators, "indicators"), axis=1)
    return graph.apply("Concat", filled, graph.cast(marked, np.float64), axis=1)


def add_scaling(graph: Graph, scaling: Scaling, x: str, dtype: Any) -> str:
    """x' = (x - shift) · factor in float64, then in the dtype of the network."""
    graph.place = "scaling"
    x = graph.cast(x, np.float64)
    if scaling.shift.any():
        x = graph.apply("Sub", x, graph.constant(scaling.shift, "shift"))
    if (scaling.factor != 1).any():
        x = graph.apply("Mul", x, graph.constant(scaling.factor, "factor"))
    return graph.cast(x, dtype)


def end_graph(graph: Graph, model: Model, raw: str, dtype: Any) -> list[Any]:
    """End the graph with what a model answers to raw outputs; the declarations of its outputs."""
    graph.place, head = "answer", model.head
    if head.task == "regression":
        return [_numbers(graph, head, raw, dtype)]
    if head.task == "multilabel":
        found = [_labels(graph, head, raw)]
    else:
        found = [_classes(graph, head, model.preprocessing, raw, dtype)]
    return [*found, *([_probabilities(graph, head, raw, dtype)] if head.certain else [])]


def combine_members(graph: Graph, head: OutputHead, raws: list[str]) -> str:
    """The raw outputs that stand for the mean of what members say, in float64 as in `OutputHead.combine`."""
    graph.place = "ensemble"
    said = [_predict(graph, head.loss, graph.cast(raw, np.float64)) for raw in raws]
    total = said[0]
    for one in said[1:]:
        total = graph.apply("Add", total, one)
    mean = graph.apply("Div", total, graph.constant(np.float64(len(raws)), "members"))
    link = find_link(head.loss).name
    if link == "Identity":
        return mean
    if link == "Sigmoid":
        rest = graph.apply("Sub", graph.constant(np.float64(1), "one"), mean)
        return graph.apply("Sub", _log(graph, mean), _log(graph, rest))
    return _log(graph, mean)


def _log(graph: Graph, p: str) -> str:
    """ln p in float64, finite for 0."""
    return graph.apply("Log", graph.apply("Max", p, graph.constant(np.finfo(np.float64).tiny, "tiny")))


def _predict(graph: Graph, loss: Loss, raw: str) -> str:
    """`loss.predict`."""
    return graph.apply_operator(find_link(loss), loss, raw)


def find_link(loss: Loss) -> Operator:
    """The operator that `loss.predict` is."""
    found: Operator | None = find_operator(loss, "predict")
    if found is None:
        known = [kind.__name__ for kinds in LOSSES.values() for kind in kinds.values()]
        raise UnknownNameError("translation to ONNX for the loss", type(loss).__name__, known)
    return found


def _numbers(graph: Graph, head: OutputHead, raw: str, dtype: Any) -> Any:
    """Numbers in the units of the targets: x = x' / factor + shift, in float64 as in `Scaling.undo`."""
    found = _predict(graph, head.loss, raw)
    if head.targets is not None:
        found, dtype = graph.cast(found, np.float64), np.float64
        found = graph.apply("Div", found, graph.constant(head.targets.factor, "factor"))
        found = graph.apply("Add", found, graph.constant(head.targets.shift, "shift"))
    single = head.n_out == 1
    graph.end(_only(graph, found) if single else found, "prediction")
    return graph.value("prediction", dtype, None if single else head.n_out)


def _only(graph: Graph, values: str) -> str:
    """The only column of (rows, 1), as (rows,)."""
    return graph.apply("Squeeze", values, graph.constant(np.array([1]), "columns"))


def _above(graph: Graph, values: str, threshold: float, dtype: Any) -> str:
    """0 and 1: whether values are above the threshold."""
    yes = graph.apply("Greater", values, graph.constant(np.dtype(dtype).type(threshold), "threshold"))
    return graph.cast(yes, np.int64)


def _labels(graph: Graph, head: OutputHead, raw: str) -> Any:
    """0 and 1 for each label."""
    dtype = np.float64  # as `raw > threshold` compares
    graph.end(_above(graph, graph.cast(raw, dtype), head.threshold, dtype), "prediction")
    return graph.value("prediction", np.int64, head.n_out)


def _classes(graph: Graph, head: OutputHead, preprocessing: Preprocessing, raw: str, dtype: Any) -> Any:
    """The class of each row, as the targets held it."""
    if head.n_out == 1:
        codes = _above(graph, _only(graph, raw), head.threshold, dtype)
    else:
        codes = graph.apply("ArgMax", raw, axis=1, keepdims=0)
    labels = _onnx_labels(preprocessing)
    if labels.dtype.kind == "U":
        known = graph.strings(tuple(map(str, labels)), "classes")
    else:
        known = graph.constant(labels, "classes")
    graph.end(graph.apply("Gather", known, codes), "prediction")
    return graph.value("prediction", labels.dtype, None)


def _onnx_labels(preprocessing: Preprocessing) -> Array:
    """The classes as ONNX holds them: truth values, int64 where that is exact, or else their names."""
    labels = unboxed(np.asarray(preprocessing.class_labels))
    if labels.dtype.kind == "b":
        return labels
    whole = as_integers(list(map(int, labels))) if labels.dtype.kind in "iuf" else None
    return whole if whole is not None and whole.dtype == np.int64 else np.array(preprocessing.class_names)


def _probabilities(graph: Graph, head: OutputHead, raw: str, dtype: Any) -> Any:
    """A probability for each class or label."""
    p = _predict(graph, head.loss, raw)
    one = head.task == "classification" and head.n_out == 1
    if one:
        rest = graph.apply("Sub", graph.constant(np.dtype(dtype).type(1), "one"), p)
        p = graph.apply("Concat", rest, p, axis=1)
    elif head.task == "classification" and find_link(head.loss).name != "Softmax":
        p = _shares(graph, p, dtype)
    graph.end(p, "probabilities")
    return graph.value("probabilities", dtype, 2 if one else head.n_out)


def _shares(graph: Graph, p: str, dtype: Any) -> str:
    """p, divided by its sum where that is above 0."""
    kind = np.dtype(dtype).type
    total = graph.apply("ReduceSum", p, graph.constant(np.array([1]), "columns"), keepdims=1)
    zero, one = graph.constant(kind(0), "zero"), graph.constant(kind(1), "one")
    return graph.apply("Div", p, graph.apply("Where", graph.apply("Greater", total, zero), total, one))
