"""Families: rules, layers, losses, initializers, schedules, pretrainers. Each class says what it is called.

The tables that others read (`OPTIMIZERS`, `ACTIVATIONS`, ...) are made of what the classes say, so a name stands in one
place. Nothing is registered: a class of your own says its name in the same way, and goes by that wherever it is used.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
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


class Parts(Mapping[str, Any]):
    """The classes of a kind that a package hands on, by name, in its order. Each is imported when it is asked for.

    One that is spelled as it is called is found at once: `adamw` is AdamW, `delta_bar_delta` is DeltaBarDelta. For
    others, and for all together, the whole package is imported.
    """

    def __init__(self, package: str, kind: str) -> None:
        self._package, self._kind = package, kind

    @cached_property
    def _all(self) -> dict[str, Any]:
        package = sys.modules[self._package]
        return collect(getattr(package, self._kind), {name: getattr(package, name) for name in package.__all__})

    def __getitem__(self, name: str) -> Any:
        package = sys.modules[self._package]
        spelled = str(name).replace("_", "")
        found = next((getattr(package, known) for known in package.__all__ if known.lower() == spelled), None)
        return found if getattr(found, "name", None) == name else self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return repr(self._all)


def list_public(namespace: Mapping[str, Any]) -> list[str]:
    """The public names of a package: what it defines and what it hands on, without its modules."""
    return [k for k, v in namespace.items() if not k.startswith("_") and not isinstance(v, ModuleType)]


def names_elsewhere(kinds: Iterable[type[Any]]) -> dict[str, str]:
    """The name here of each alias of some classes."""
    return {alias: kind.name for kind in kinds for alias in kind.aliases}
