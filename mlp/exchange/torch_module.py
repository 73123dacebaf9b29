"""A module of PyTorch as a network here: dense layers, activations, norms, dropout and sums around a block.

torch.fx tells in which order a module calls its parts, so a `forward` that people wrote is read like a Sequential. What
was built is held against the module itself on some rows: a part that means something else here cannot pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.backprop import predict
from mlp.errors import MissingExtraError, ShapeError
from mlp.layers import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Dense,
    Dropout,
    HardSigmoid,
    HardTanh,
    Layer,
    LayerNorm,
    LeakyReLU,
    ReLU,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from mlp.network import Network

PASSING = {"Identity", "Flatten"}
PLAIN: dict[str, Callable[[], Layer]] = {
    "ReLU": ReLU, "Sigmoid": Sigmoid, "Tanh": Tanh, "SELU": SELU, "GELU": GELU, "SiLU": SiLU, "Softsign": Softsign,
    "Hardsigmoid": HardSigmoid, "Hardtanh": HardTanh, "Softmax": Softmax, "Softplus": Softplus,
}  # fmt: skip
FUNCTIONS = {
    "relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh, "selu": SELU, "gelu": GELU, "silu": SiLU, "softsign": Softsign,
    "hardsigmoid": HardSigmoid, "softplus": Softplus, "elu": ELU, "relu_": ReLU,
}  # fmt: skip
SHAPES = {"flatten", "view", "reshape", "contiguous"}
CLOSE = 2e-3
"""PyTorch's GELU differs from ours by up to 5e-4; everything else agrees to rounding."""


class Part(NamedTuple):
    """A layer, its arrays by their names in PyTorch, and the module it was; None where that was a function."""

    layer: Layer
    arrays: dict[str, Array]
    module: Any = None


class Reading(NamedTuple):
    """A module as it was read: the network, its parts in their order, and whether a logarithm of a softmax is last."""

    network: Network
    parts: list[Part]
    is_log_softmax: bool


def convert_module(module: Any) -> Network:
    """The module as a network with equal outputs, in the mode of use; ShapeError where a part has no layer here."""
    found = read_module(module)
    if found.is_log_softmax:
        raise ShapeError(f"{type(module).__name__}: there is no layer here for LogSoftmax, which is part of a loss.")
    return found.network


def read_module(module: Any) -> Reading:
    """The module as a network and its parts; its outputs are those before a LogSoftmax that stands last."""
    try:
        import torch
        from torch import fx
    except ImportError:
        raise MissingExtraError("a module of PyTorch", "torch") from None
    if type(module).__name__ == "Linear":
        module = torch.nn.Sequential(module)  # torch.fx looks into a part that stands alone
    try:
        graph = fx.symbolic_trace(module)
    except Exception as error:  # a `forward` that looks at its numbers; torch.fx has no error of its own
        raise ShapeError(f"{type(module).__name__}: its forward cannot be followed ({error}).") from None
    nodes = list(graph.graph.nodes)
    inputs = [node for node in nodes if node.op == "placeholder" and (not node.args or node.users)]
    inputs = [node for node in inputs if not node.args] or inputs  # what has a default may be left out
    if len(inputs) != 1:
        raise ShapeError(f"{type(module).__name__} takes {len(inputs)} inputs; a network takes one.")
    last = nodes[-1].args[0]
    if not hasattr(last, "op"):
        raise ShapeError(f"{type(module).__name__} gives several outputs; a network gives one array.")
    is_log_softmax = _is_log_softmax(graph, last)
    parts = _read_chain(graph, last.args[0] if is_log_softmax else last, inputs[0])
    is_double = any(p.dtype == torch.float64 for p in module.parameters())
    network = _assemble(parts, np.float64 if is_double else np.float32)
    _compare(module, network, torch, is_log_softmax=is_log_softmax)
    return Reading(network, list(_unfold(parts)), is_log_softmax)


def _is_log_softmax(graph: Any, node: Any) -> bool:
    if getattr(node, "op", "") == "call_module":
        return type(graph.get_submodule(node.target)).__name__ == "LogSoftmax"
    target = getattr(node, "target", "")
    return "log_softmax" in (target, getattr(target, "__name__", ""))


def _unfold(parts: list[Any]) -> Iterator[Part]:
    """The parts in their order, those of blocks too."""
    for part in parts:
        yield from _unfold(part) if isinstance(part, list) else [part]


def _read_chain(graph: Any, node: Any, until: Any) -> list[Any]:
    """The parts from the node `until` to this one; a list of parts stands for a block with a way around it."""
    if node is until:
        return []
    if node.op == "output" or not node.args:
        raise ShapeError(f"{node.name}: the way back to the inputs is lost.")
    if node.op == "call_module":
        return [*_read_chain(graph, node.args[0], until), *_read_part(node.target, graph.get_submodule(node.target))]
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    if name in ("add", "iadd", "__add__"):
        return _read_sum(graph, node, until)
    if name in SHAPES:
        return _read_chain(graph, node.args[0], until)
    if name not in FUNCTIONS:
        raise ShapeError(f"{node.name}: there is no layer here for {name or node.target}.")
    return [*_read_chain(graph, node.args[0], until), Part(FUNCTIONS[name](), {})]


def _read_sum(graph: Any, node: Any, until: Any) -> list[Any]:
    """x + f(x), in either order, as the parts before x and a block of those of f."""
    for around, through in (node.args[:2], node.args[1::-1]):
        if around in _ancestors(through):
            return [*_read_chain(graph, around, until), _read_chain(graph, through, around)]
    raise ShapeError(f"{node.name}: a sum is read where one side is computed from the other, x + f(x).")


def _ancestors(node: Any) -> set[Any]:
    found, waiting = set(), [node]
    while waiting:
        for before in waiting.pop().all_input_nodes:
            if before not in found:
                found.add(before)
                waiting.append(before)
    return found


def _read_part(name: str, module: Any) -> list[Part]:
    """The layer of one part."""
    kind = type(module).__name__
    if kind in PASSING:
        return []
    arrays = {key: value.detach().cpu().double().numpy() for key, value in module.state_dict().items()}
    if kind == "Linear":
        return [Part(Dense(module.in_features, module.out_features, "zeros"), arrays, module)]
    if kind == "BatchNorm1d" and module.track_running_stats:
        momentum = 0.1 if module.momentum is None else module.momentum
        return [Part(BatchNorm(epsilon=module.eps, momentum=momentum), arrays, module)]
    if kind == "LayerNorm" and len(module.normalized_shape) == 1:
        return [Part(LayerNorm(epsilon=module.eps), arrays, module)]
    if kind == "Dropout":
        return [Part(Dropout(module.p), {}, module)]
    if kind == "LeakyReLU":
        return [Part(LeakyReLU(module.negative_slope), {}, module)]
    if kind == "ELU":
        return [Part(ELU(module.alpha), {}, module)]
    if kind not in PLAIN:
        raise ShapeError(f"{name} ({kind}): there is no layer here for it.")
    return [Part(PLAIN[kind](), {}, module)]


def _assemble(parts: list[Any], dtype: Any) -> Network:
    """The network, with the numbers of every part written into it."""
    layers = _layers(parts)
    n_in = next((layer.n_in for layer in layers if isinstance(layer, Dense)), None)
    if n_in is not None and not isinstance(layers[0], Dense | Residual):
        layers[0] = replace(layers[0], n_in=n_in)  # type: ignore[type-var]  # every layer is a dataclass
    network = Network(layers, 0, dtype=dtype)
    _write(parts, network.params, network.statistics)
    return network


def _layers(parts: list[Any]) -> list[Layer]:
    return [Residual(_layers(part)) if isinstance(part, list) else part.layer for part in parts]


def _write(parts: list[Any], params: Array, statistics: Array) -> tuple[int, int]:
    """Write the arrays of the parts into the flat vectors, one after another; how many numbers there were of each."""
    at = kept = 0
    for part in parts:
        if isinstance(part, list):
            a, b = _write(part, params[at:], statistics[kept:])
            at, kept = at + a, kept + b
            continue
        layer, arrays = part.layer, part.arrays
        if isinstance(layer, Dense):
            weight = arrays["weight"]
            flat = np.column_stack([weight, arrays.get("bias", np.zeros(len(weight)))]).ravel()
        elif "weight" in arrays:
            flat = np.concatenate([arrays["weight"], arrays.get("bias", np.zeros_like(arrays["weight"]))])
        else:
            flat = np.empty(0)
        params[at : at + len(flat)] = flat
        at += len(flat)
        if "running_mean" in arrays:
            moved = np.concatenate([arrays["running_mean"], arrays["running_var"]])
            statistics[kept : kept + len(moved)] = moved
            kept += len(moved)
    return at, kept


def _compare(module: Any, network: Network, torch: Any, *, is_log_softmax: bool) -> None:
    """Refuse a network that answers otherwise than the module, on a few rows, in the mode of use."""
    X = np.random.default_rng(0).normal(size=(8, network.n_in))
    like, modes = next(module.parameters()), [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            given = module(torch.as_tensor(X, dtype=like.dtype, device=like.device)).double().cpu().numpy()
    except TypeError as error:  # rows under a keyword
        raise ShapeError(f"{type(module).__name__} does not take rows alone ({error}).") from None
    finally:
        for part, mode in modes:
            part.training = mode
    mine = predict(network, X)
    if is_log_softmax:
        mine = mine - np.logaddexp.reduce(mine, axis=1, keepdims=True)
    if given.shape != mine.shape or not np.allclose(given, mine, rtol=CLOSE, atol=CLOSE * (1 + np.abs(mine).max())):
        kind = type(module).__name__
        raise ShapeError(f"{kind}: the network built from it answers otherwise; a part means something else here.")
