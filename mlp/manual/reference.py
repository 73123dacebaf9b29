"""The reference: every public name with its docstring, as HTML. pdoc writes it, and is imported only here."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import mlp
from mlp.errors import DataError, MissingExtraError


def write_reference(folder: str | Path) -> Path:
    """Write the reference into a folder that is new or empty; the page to begin with."""
    place = Path(folder)
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise DataError(f"{place} is there already. Name a folder that is new or empty.")
    try:
        pdoc = importlib.import_module("pdoc")
    except ImportError:
        raise MissingExtraError("the reference", "docs") from None
    for module in (mlp, *(thing for thing in public(mlp) if isinstance(thing, ModuleType))):
        _resolve_types(module)
    pdoc.pdoc("mlp", output_directory=place)
    return place / "mlp.html"


def public(module: ModuleType) -> list[object]:
    """What a module makes public."""
    return [getattr(module, name) for name in getattr(module, "__all__", vars(module)) if not name.startswith("_")]


def _resolve_types(module: ModuleType) -> None:
    """Put types for their names into the constructors that are made from fields.

    A field may come from a class of another module, and a named tuple forgets its module: pdoc would not find the name.
    """
    for kind in public(module):
        if inspect.isclass(kind) and (issubclass(kind, tuple) or is_dataclass(kind)):
            made = (kind.__new__ if issubclass(kind, tuple) else kind.__init__).__annotations__
            made.update({name: hint for name, hint in get_type_hints(kind).items() if name in made})
