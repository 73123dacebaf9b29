"""Layers as JSON, and back: what a file says of a network beside its numbers.

Layers and initializers are dataclasses, so a description is a name and the fields: `{"Dense": {"n_in": 2, ...}}`. Only
names that are listed here are ever made, whatever a file says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import mlp.layers
from mlp.errors import FileFormatError, UnknownNameError
from mlp.initializers import INITIALIZERS
from mlp.layers import Layer

KINDS: dict[str, type[Any]] = {
    name: kind
    for name in mlp.layers.__all__
    if isinstance(kind := getattr(mlp.layers, name), type) and is_dataclass(kind)
} | {kind.__name__: kind for kind in INITIALIZERS.values()}


def described(value: Any) -> Any:
    """A layer, an initializer, a list of them or a plain value, for JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        if KINDS.get(name) is not type(value):
            raise UnknownNameError("description of the layer or initializer", name, KINDS)
        return {name: {field.name: described(getattr(value, field.name)) for field in fields(value)}}
    if isinstance(value, list | tuple):
        return [described(part) for part in value]
    if not isinstance(value, str | int | float | None):
        raise UnknownNameError("description of the layer or initializer", type(value).__name__, KINDS)
    return value


def layers(found: Any) -> list[Layer]:
    """The layers that `described` wrote down; FileFormatError where it is none of its writing."""
    made = _made(found)
    if not isinstance(made, list) or not all(isinstance(layer, Layer) for layer in made):
        raise FileFormatError("its description is no list of layers")
    return made


def _made(found: Any) -> Any:
    if isinstance(found, list):
        return [_made(part) for part in found]
    if not isinstance(found, dict):
        return found
    (name, own), *others = found.items()
    if others or name not in KINDS:
        raise FileFormatError(f"its description names {name!r}, which is no layer of this mlp")
    return KINDS[name](**{key: _made(value) for key, value in own.items()})


def n_numbers(found: Sequence[Layer]) -> int:
    """How many parameters and statistics layers have that know their widths."""
    return sum(layer.n_params + layer.n_statistics for layer in found)
