"""Networks that others have trained, as networks here: scikit-learn's, and chains of PyTorch's `Linear` layers.

Neither library is imported: a fitted model of scikit-learn is asked for its public attributes, and a state dict of
PyTorch is names and tensors. A `.pt` file is a pickle and can run anything: it is refused, a `.safetensors` file is
read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.complaints import names
from mlp.errors import FileFormatError, HyperparameterError, ShapeError, UnknownNameError, check_kind
from mlp.exchange.safetensors_file import read_safetensors
from mlp.exchange.torch_module import convert_module
from mlp.layers import ACTIVATIONS, Dense, Layer, Sigmoid, Softmax
from mlp.network import Network

SKLEARN_ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
SKLEARN_OUTPUTS: dict[str, tuple[Layer, ...]] = {"identity": (), "logistic": (Sigmoid(),), "softmax": (Softmax(),)}


def from_sklearn(model: Any) -> Network:
    """A fitted MLPClassifier or MLPRegressor as a network with equal outputs: `mlp.predict(network, X)`.

    Of a regressor they are what it predicts, (n, n_outputs); of a classifier its probabilities, those of one of two
    classes as (n, 1): the second one's. Columns are in the order of `model.classes_`.

    To train on, leave the link to the loss, which takes raw outputs: `raw = mlp.Network(network.layers[:-1])`, then
    `raw.params = network.params`.
    """
    _check_sklearn(model)
    end = str(model.out_activation_)
    if end not in SKLEARN_OUTPUTS:
        needed = f"one that ends in {', '.join(SKLEARN_OUTPUTS)}; {end!r} has no layer here"
        raise HyperparameterError("model", model, needed)
    weights, biases = [np.asarray(w).T for w in model.coefs_], [np.asarray(b) for b in model.intercepts_]
    return assemble_network(weights, biases, SKLEARN_ACTIVATIONS[model.activation], SKLEARN_OUTPUTS[end])


def _check_sklearn(model: Any) -> None:
    """Refuse what is no such model, or not fitted."""
    if not hasattr(model, "hidden_layer_sizes"):
        raise HyperparameterError("model", model, "an MLPClassifier or MLPRegressor of scikit-learn")
    if not hasattr(model, "coefs_") or not hasattr(model, "out_activation_"):
        raise HyperparameterError("model", model, "fitted: call model.fit(X, y) first")
    if model.activation not in SKLEARN_ACTIVATIONS:
        raise HyperparameterError("model.activation", model.activation, f"one of {', '.join(SKLEARN_ACTIVATIONS)}")


def from_torch(
    state: Mapping[str, Any] | str | os.PathLike[str] | Any, activation: str | Sequence[str] = "relu"
) -> Network:
    """A module of PyTorch, or a chain of `torch.nn.Linear` layers, as a network with equal outputs.

    `state`: a module of dense layers, activations, norms, dropout and sums x + f(x), which says itself what stands
    where (a Linear without a bias gets one of 0, which training may move). Or `module.state_dict()`, with tensors or
    arrays, in the order of the layers. Or the path of a .safetensors file, whose layers are taken in the order of their
    names (`layers.2` before `layers.10`). For the last two, `activation` stands
    between the layers, and is what the state does not tell: one name, or one for each layer but the last. PyTorch's
    `GELU()` is "exact_gelu" here, and its `GELU(approximate="tanh")` is "gelu": they differ by up to 5e-4.

    ShapeError where layers do not follow one another, where a part of a module has no layer here, or where layers of a
    state hold something else than a weight (n_out, n_in) and a bias.
    """
    if hasattr(state, "named_modules"):
        return convert_module(state)
    layers = _linear_layers(_state_arrays(state))
    for (name, before), (following, after) in pairwise(layers):
        n_out, n_in = len(before["weight"]), after["weight"].shape[1]
        if n_out != n_in:
            raise ShapeError(
                f"{following!r} takes {n_in} inputs, but {name!r} before it gives {n_out}. Give a dict whose entries "
                "stand in the order of the layers."
            )
    weights = [arrays["weight"] for _, arrays in layers]
    biases = [arrays.get("bias", np.zeros(len(arrays["weight"]), arrays["weight"].dtype)) for _, arrays in layers]
    return assemble_network(weights, biases, activation)


def _state_arrays(state: Any) -> dict[str, Array]:
    """Names and arrays, in the order of the layers."""
    if isinstance(state, Mapping):
        return {str(name): _as_array(tensor) for name, tensor in state.items()}
    if not isinstance(state, str | os.PathLike):
        raise HyperparameterError("state", state, "a state dict, or the path of a .safetensors file")
    if Path(state).suffix != ".safetensors":
        raise FileFormatError(
            f"{Path(state)}: only .safetensors files are read; others are pickles, which can run anything. In PyTorch: "
            "safetensors.torch.save_file(module.state_dict(), 'model.safetensors')."
        )
    arrays, _ = read_safetensors(state)
    return {name: _as_array(arrays[name]) for name in sorted(arrays, key=_natural_order)}


def _natural_order(name: str) -> list[Any]:
    """Numbers in a name count as numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _as_array(tensor: Any) -> Array:
    """A tensor as an array of float32 or float64; half precision becomes float32."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        tensor = tensor.float() if tensor.element_size() < 4 else tensor
    found = np.asarray(tensor)
    return found.astype(np.float64 if found.dtype.itemsize > 4 else np.float32)


def _linear_layers(arrays: Mapping[str, Array]) -> list[tuple[str, dict[str, Array]]]:
    """Each layer's weight and bias, in the order in which they came."""
    layers: dict[str, dict[str, Array]] = {}
    for name, values in arrays.items():
        place, _, kind = name.rpartition(".")
        layers.setdefault(place, {})[kind] = values
    if not layers:
        raise ShapeError("the state dict is empty; one of Linear layers is needed: 0.weight, 0.bias, ...")
    for place, own in layers.items():
        _check_linear(place, own)
    return list(layers.items())


def _check_linear(place: str, own: Mapping[str, Array]) -> None:
    """Refuse what is no Linear layer."""
    weight, bias = own.get("weight", np.empty(0)), own.get("bias")
    fits = weight.ndim == 2 and (bias is None or bias.shape == weight.shape[:1])
    if not fits or not set(own) <= {"weight", "bias"}:
        shown = names(f"{name} {values.shape}" for name, values in own.items())
        raise ShapeError(
            f"{place or 'the state dict'!r} is no Linear layer, it holds {shown}. Needed is a weight (n_out, n_in) and "
            "maybe a bias (n_out,)."
        )


def assemble_network(
    weights: Sequence[Array], biases: Sequence[Array], activation: str | Sequence[str], end: Sequence[Layer] = ()
) -> Network:
    """A network of dense layers: weights (n_out, n_in) and biases (n_out,) each, in the widest dtype among them.

    `activation`: one name, or one for each layer but the last. `end`: layers after the last.
    """
    between = _layers_between(activation, len(weights) - 1)
    layers: list[Layer] = []
    for weight, follows in zip(weights, [*between, None], strict=True):
        layers += [Dense(weight.shape[1], weight.shape[0], "zeros"), *([follows] if follows else [])]
    dtype = np.float64 if any(values.dtype.itemsize > 4 for values in (*weights, *biases)) else np.float32
    network = Network([*layers, *end], 0, dtype=dtype)
    dense = (view for layer, view in zip(network.layers, network.views, strict=True) if isinstance(layer, Dense))
    for view, weight, bias in zip(dense, weights, biases, strict=True):
        view[:, :-1], view[:, -1] = weight, bias
    return network


def _layers_between(activation: str | Sequence[str], n_hidden: int) -> list[Layer]:
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
