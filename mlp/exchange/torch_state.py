"""PyTorch's `Linear` layers, from a state dict, as a network.

A state dict is names and tensors; PyTorch itself is not needed. A `.pt` file is a pickle and can run anything: it is
refused, a `.safetensors` file is read.
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
from mlp.errors import FileFormatError, HyperparameterError, ShapeError
from mlp.exchange.assembly import assembled
from mlp.exchange.safetensors_file import opened
from mlp.network import Network


def from_torch(state: Mapping[str, Any] | str | os.PathLike[str], activation: str | Sequence[str] = "relu") -> Network:
    """A chain of `torch.nn.Linear` layers as a network with equal outputs.

    `state`: `module.state_dict()`, with tensors or arrays, in the order of the layers; or the path of a .safetensors
    file, whose layers are taken in the order of their names (`layers.2` before `layers.10`). `activation` stands
    between the layers, and is what the state does not tell: one name, or one for each layer but the last. PyTorch's
    `GELU()` is another than "gelu" here, which is its `GELU(approximate="tanh")`: they differ by up to 5e-4.

    ShapeError where layers do not follow one another, or hold something else than a weight (n_out, n_in) and a bias.
    """
    layers = _linear(_arrays(state))
    for (name, before), (following, after) in pairwise(layers):
        n_out, n_in = len(before["weight"]), after["weight"].shape[1]
        if n_out != n_in:
            raise ShapeError(
                f"{following!r} takes {n_in} inputs, but {name!r} before it gives {n_out}. Give a dict whose entries "
                "stand in the order of the layers."
            )
    weights = [arrays["weight"] for _, arrays in layers]
    biases = [arrays.get("bias", np.zeros(len(arrays["weight"]), arrays["weight"].dtype)) for _, arrays in layers]
    return assembled(weights, biases, activation)


def _arrays(state: Any) -> dict[str, Array]:
    """Names and arrays, in the order of the layers."""
    if isinstance(state, Mapping):
        return {str(name): _array(tensor) for name, tensor in state.items()}
    if not isinstance(state, str | os.PathLike):
        raise HyperparameterError("state", state, "a state dict, or the path of a .safetensors file")
    if Path(state).suffix != ".safetensors":
        raise FileFormatError(
            f"{Path(state)}: only .safetensors files are read; others are pickles, which can run anything. In PyTorch: "
            "safetensors.torch.save_file(module.state_dict(), 'model.safetensors')."
        )
    arrays, _ = opened(state)
    return {name: _array(arrays[name]) for name in sorted(arrays, key=_natural)}


def _natural(name: str) -> list[Any]:
    """Numbers in a name count as numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _array(tensor: Any) -> Array:
    """A tensor as an array of float32 or float64; half precision becomes float32."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        tensor = tensor.float() if tensor.element_size() < 4 else tensor
    found = np.asarray(tensor)
    return found.astype(np.float64 if found.dtype.itemsize > 4 else np.float32)


def _linear(arrays: Mapping[str, Array]) -> list[tuple[str, dict[str, Array]]]:
    """Each layer's weight and bias, in the order in which they came."""
    layers: dict[str, dict[str, Array]] = {}
    for name, values in arrays.items():
        place, _, kind = name.rpartition(".")
        layers.setdefault(place, {})[kind] = values
    if not layers:
        raise ShapeError("the state dict is empty; one of Linear layers is needed: 0.weight, 0.bias, ...")
    for place, own in layers.items():
        _check(place, own)
    return list(layers.items())


def _check(place: str, own: Mapping[str, Array]) -> None:
    """Refuse what is no Linear layer."""
    weight, bias = own.get("weight", np.empty(0)), own.get("bias")
    fits = weight.ndim == 2 and (bias is None or bias.shape == weight.shape[:1])
    if not fits or not set(own) <= {"weight", "bias"}:
        shown = names(f"{name} {values.shape}" for name, values in own.items())
        raise ShapeError(
            f"{place or 'the state dict'!r} is no Linear layer, it holds {shown}. Needed is a weight (n_out, n_in) and "
            "maybe a bias (n_out,)."
        )
