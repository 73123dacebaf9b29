"""A chain of Keras' layers as layers of this package: dense layers, activations, batch norm and dropout.

A Sequential model is such a chain; what else a model is, and layers that mean something else here, are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlp.errors import ConfigError
from mlp.exchange.torch_module import Part
from mlp.frameworks.loop_experiment import Chain
from mlp.layers import ACTIVATIONS, BatchNorm, Dense, Dropout, Layer, LeakyReLU, Softmax

NAMES = {"linear": "identity", "hard_sigmoid": "hard_sigmoid", "softmax": "softmax", "gelu": "exact_gelu"}
"""Keras' names of activations where ours differ, or where there is more to say."""
PASSING = {"Flatten", "InputLayer", "Identity"}
PENALTIES = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint")


def read_keras_chain(model: Any) -> Chain:
    """The layers of a Sequential model; ConfigError names what cannot be said."""
    if type(model).__name__ != "Sequential":
        raise ConfigError(f"a model that is {type(model).__name__}: an experiment is read of a keras.Sequential.")
    parts = [part for layer in model.layers for part in _read_layer(layer)]
    return Chain([part.layer for part in parts], parts, False)


def _read_layer(layer: Any) -> Iterator[Part]:
    """The parts of a layer: a dense one has its activation inside."""
    kind = type(layer).__name__
    said = [name for name in PENALTIES if getattr(layer, name, None) is not None]
    if said:
        raise ConfigError(f"{layer.name} ({kind}) has a {said[0]}: an experiment has [loss] l1 and l2 for that.")
    if kind == "Dense":
        yield Part(Dense(int(layer.kernel.shape[0]), int(layer.units)), {"weight": layer.kernel}, layer)
        yield from _read_activation(layer, layer.activation)
    elif kind == "Activation":
        yield from _read_activation(layer, layer.activation)
    elif kind == "BatchNormalization":
        if not (layer.center and layer.scale):
            raise ConfigError(f"{layer.name}: batch norm here has a scale and a shift, and this one lacks some.")
        yield Part(BatchNorm(), {"weight": layer.gamma}, layer)
    elif kind == "Dropout":
        yield Part(Dropout(float(layer.rate)), {}, layer)
    elif kind == "LeakyReLU":
        yield Part(LeakyReLU(float(layer.negative_slope)), {}, layer)
    elif kind in ("ReLU", "Softmax", "ELU"):
        yield Part(_find_activation(layer, kind.lower()), {}, layer)
    elif kind not in PASSING:
        raise ConfigError(f"{layer.name} ({kind}): there is no layer here for it.")


def _read_activation(layer: Any, activation: Any) -> Iterator[Part]:
    name = getattr(activation, "__name__", type(activation).__name__)
    if name != "linear":
        yield Part(_find_activation(layer, name), {}, layer)


def _find_activation(layer: Any, name: str) -> Layer:
    """The activation of that name, with its own defaults."""
    known: dict[str, Any] = {**ACTIVATIONS, "softmax": Softmax}
    if (name := NAMES.get(name, name)) not in known:
        raise ConfigError(f"{layer.name}: there is no activation here for {name}.")
    found: Layer = known[name]()
    return found
