"""What a PyTorch module is made of: its layers with parameters, and the parts that can be read.

Parts are known by the names of their classes, so torch is not imported. What is not known by name is not read: its
gradients, updates and parameters are recorded, its nodes are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from math import nan
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.errors import ConfigError, MLPError
from mlp.exchange.torch_module import read_module
from mlp.frameworks.loop_experiment import Chain

DENSE = {"Linear", "Dense"}
"""Dense layers of PyTorch and of Keras, whose layers are modules of PyTorch too where it runs on that."""
RECTIFIERS = {"ReLU": "he", "ReLU6": "he"}
"""Activations whose units can be off: their output is then 0."""
SATURATION = {
    "Sigmoid": (0.0025, 0.9975), "Tanh": (-0.995, 0.995), "Softsign": (-0.9, 0.9),
    "Hardsigmoid": (0.0, 1.0), "Hardtanh": (-1.0, 1.0),
}  # fmt: skip
"""The outputs beyond which a squashing activation is flat: where its slope is under 1 % of its largest."""
SMOOTH = {"LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "Softplus", "Mish", "PReLU", "CELU", "Identity"}
HALVING = {"ReLU", "ReLU6", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Mish", "PReLU", "CELU"}
"""Activations that lose about half of the signal; weights before them want √(2/n_in). He et al. (2015), eq. 10."""
LINKS = {"Softmax", "LogSoftmax", "LogSigmoid"}
OUTPUT_RANGE = {
    "ReLU": (0.0, np.inf), "ReLU6": (0.0, 6.0), "Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0), "Softsign": (-1.0, 1.0),
    "Hardsigmoid": (0.0, 1.0), "Hardtanh": (-1.0, 1.0), "Softplus": (0.0, np.inf), "Softmax": (0.0, 1.0),
}  # fmt: skip
PASSING = {
    "Dropout", "AlphaDropout", "Flatten", "Unflatten", "BatchNorm1d", "LayerNorm", "GroupNorm", "InstanceNorm1d",
    "RMSNorm",
}  # fmt: skip
READ = {*DENSE, *RECTIFIERS, *SATURATION, *SMOOTH, *LINKS, *PASSING}
OPERATIONS = {
    "Relu": "ReLU", "Sigmoid": "Sigmoid", "Tanh": "Tanh", "Softmax": "Softmax", "LogSoftmax": "LogSoftmax",
    "LogSigmoid": "LogSigmoid", "LeakyRelu": "LeakyReLU", "Elu": "ELU", "Gelu": "GELU", "Silu": "SiLU",
    "Softplus": "Softplus", "Hardtanh": "Hardtanh", "Hardsigmoid": "Hardsigmoid", "ClampMin": "ReLU",
}  # fmt: skip
"""The activation of each operation in the graph of autograd, so that `torch.relu(x)` in a `forward` is read too."""


class Part(NamedTuple):
    """A module without modules inside: what it is called, what kind it is, and itself."""

    name: str
    kind: str
    module: Any


class Anatomy(NamedTuple):
    """What a model is made of: its parts, the parameters of each layer, and the names of what cannot be read.

    `read_chain`: what reads the model as layers of this package. `in_use`: keyword arguments of a call that is not for
    training, where the mode of the modules does not say so.
    """

    parts: list[Part]
    layers: dict[str, list[Any]]
    unread: tuple[str, ...]
    read_chain: Callable[[Any], Chain]
    in_use: Mapping[str, Any] = {}


def dissect(model: Any) -> Anatomy:
    """The anatomy of a module of PyTorch."""
    return Anatomy(list(list_parts(model)), list_layers(model), list_unread(model), read_chain)


def read_chain(model: Any) -> Chain:
    """A module of PyTorch as layers here; ConfigError names what is none."""
    model = getattr(model, "_orig_mod", model)  # of torch.compile
    if type(model).__name__ in ("DataParallel", "DistributedDataParallel"):
        model = model.module
    known = _with_finite_weights(model)
    try:
        found = read_module(known)
    except MLPError as error:
        raise ConfigError(f"this network cannot be said as an experiment: {error}") from None
    own = dict(zip(known.modules(), model.modules(), strict=True))
    parts = [part._replace(module=own.get(part.module)) for part in found.parts]
    return Chain(found.network.layers, parts, found.is_log_softmax)


def _with_finite_weights(model: Any) -> Any:
    """The model, or where its training diverged a copy with random weights: layers are known by their answers."""
    if all(bool(t.isfinite().all()) for t in model.state_dict().values()):
        return model
    rng, copied = np.random.default_rng(0), deepcopy(model)
    for name, tensor in copied.state_dict().items():
        fresh = rng.normal(0, 0.1, tuple(tensor.shape)) if "running" not in name else np.ones(tuple(tensor.shape))
        tensor.copy_(tensor.new_tensor(fresh))
    return copied


def read_weights(module: Any) -> tuple[Array, Array | None]:
    """The weights (n_out, n_in) and the bias of a dense layer."""
    if hasattr(module, "kernel"):  # of Keras, which keeps the transpose
        bias = getattr(module, "bias", None)
        return as_numbers(module.kernel.value).T, None if bias is None else as_numbers(bias.value)
    return as_numbers(module.weight), None if module.bias is None else as_numbers(module.bias)


def name_module(path: str, module: Any) -> str:
    """Its path in the model; where that ends in a number, with its kind: "0 (Linear)"."""
    if not path:
        return type(module).__name__
    return f"{path} ({type(module).__name__})" if path.rsplit(".", 1)[-1].isdigit() else path


def list_parts(model: Any) -> Iterator[Part]:
    """The parts of a model, in the order in which it names them."""
    for path, module in model.named_modules():
        if not any(True for _ in module.children()):
            yield Part(name_module(path, module), type(module).__name__, module)


def list_layers(model: Any) -> dict[str, list[Any]]:
    """The trained parameters of each module that has some of its own, by its name."""
    found = {}
    for path, module in model.named_modules():
        own = [p for p in module.parameters(recurse=False) if p.requires_grad]
        if own:
            found[name_module(path, module)] = own
    return found


def list_unread(model: Any) -> tuple[str, ...]:
    """The modules whose nodes cannot be read: kinds that are not known, and parameters outside of any known layer."""
    parts = [part.name for part in list_parts(model) if part.kind not in READ]
    owners = (
        name_module(path, module)
        for path, module in model.named_modules()
        if any(True for _ in module.children()) and any(True for _ in module.parameters(recurse=False))
    )
    return (*parts, *owners)


def find_activation(tensor: Any) -> str:
    """The kind of the activation that made a tensor, read from the graph of autograd; "" where none did."""
    made_by = getattr(tensor, "grad_fn", None)
    if made_by is None:
        return ""
    return OPERATIONS.get(made_by.name().split("Backward")[0], "")


def as_numbers(tensor: Any) -> Array:
    """The numbers of a tensor; of one on the CPU without a copy. Half precision becomes float32."""
    tensor = tensor.detach()
    if tensor.device.type != "cpu":
        tensor = tensor.cpu()
    if tensor.is_floating_point() and tensor.element_size() < 4:
        tensor = tensor.float()
    found: Array = tensor.numpy()
    return found


def read_grad(parameter: Any) -> Array | None:
    """The gradient of a parameter; None where it has none."""
    if (grad := parameter.grad) is None:
        return None
    try:
        found: Array = grad.numpy()  # 0.5 µs, and 4 with the questions below
        return found
    except (RuntimeError, TypeError):  # on another device, sparse, half precision, or differentiable
        return as_numbers(grad.to_dense() if grad.is_sparse else grad)


def read_rate(optimizer: Any) -> float:
    """The learning rate of the first group of parameters."""
    return float(optimizer.param_groups[0].get("lr", nan))


def is_made_by(value: Any, layers: Iterable[Iterable[Any]]) -> bool:
    """Whether a tensor was computed with some of these parameters, by the graph of autograd."""
    own = {id(p) for params in layers for p in params}
    waiting, seen = [value.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if id(getattr(node, "variable", None)) in own:
            return True
        waiting += [before for before, _ in node.next_functions]
    return False
