"""Families: rules, layers, losses, initializers, schedules, pretrainers. Each class says what it is called.

The tables that others read (`OPTIMIZERS`, `ACTIVATIONS`, ...) are made of what the classes say, so a name stands in one
place. Nothing is registered: a class of your own says its name in the same way, and goes by that wherever it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar, NamedTuple, Protocol

from mlp.hyperparameters import check_fields


class Named:
    """A part of an experiment that has a name, and numbers in ranges that the types of its fields state.

    `name`: what experiment files, tables and messages call it. `aliases`: what other libraries call it; hints use them.
    A class of your own need not say either: it is then called by its class name in snake case (`config.own_parts`).
    """

    name: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_fields(self)


class Operator(NamedTuple):
    """An operator of ONNX. `attributes`: their values, or the names of the fields that hold them."""

    name: str
    attributes: Mapping[str, Any] = {}


class OperatorGraph(Protocol):
    """What a layer may do to a graph of ONNX. Values go by their names."""

    def constant(self, values: Any, name: str) -> str:
        """An array of the model's own; its name."""

    def apply(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """What an operator makes of its inputs; its name."""

    def apply_layers(self, called: tuple[str, ...], layers: Any, params: Any, statistics: Any, x: str) -> str:
        """What layers make of x one after another; its name."""


def find_operator(part: Any, *methods: str) -> Any:
    """What a part says as `onnx`; None if a subclass changed one of the methods that it stands for."""
    said = next(vars(kind) for kind in type(part).__mro__ if {"onnx", *methods} & set(vars(kind)))
    return said.get("onnx")


def collect(kind: Any, namespace: Mapping[str, Any], **said: Any) -> dict[str, Any]:
    """The classes of a kind in a namespace that say their names, by name, in the order in which they stand there.

    `said`: attributes that a class must have to be among them.
    """
    kinds: list[Any] = [v for v in namespace.values() if isinstance(v, type) and issubclass(v, kind)]
    named = [found for found in kinds if vars(found).get("name")]
    return {found.name: found for found in named if all(getattr(found, k) == v for k, v in said.items())}


def list_public(namespace: Mapping[str, Any]) -> list[str]:
    """The public names of a package: what it defines and what it hands on, without its modules."""
    return [k for k, v in namespace.items() if not k.startswith("_") and not isinstance(v, ModuleType)]


def names_elsewhere(kinds: Iterable[type[Any]]) -> dict[str, str]:
    """The name here of each alias of some classes."""
    return {alias: kind.name for kind in kinds for alias in kind.aliases}
