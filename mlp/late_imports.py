"""Names of a package that are imported when they are first asked for (PEP 562).

What the package hands on stands in lines `from A import B as B`, or `from A import *` for all that A hands on. Type
checkers read them, and so does this module; they are never run. Knows nothing of the rest.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from collections.abc import Callable
from typing import Any


def hand_on_late(
    package: str, file: str = "__init__.py"
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package, as one of its files says. Its modules are found as well."""
    homes = _read_homes(package, file)

    def find(name: str) -> Any:
        module = sys.modules[package]
        if homes.get(name, package) != package:
            found = getattr(importlib.import_module(homes[name]), name)
            setattr(module, name, found)
            return found
        if not name.startswith("_") and name in {known.name for known in pkgutil.iter_modules(module.__path__)}:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find, lambda: sorted({*vars(sys.modules[package]), *homes}), list(homes)


def _read_homes(package: str, file: str) -> dict[str, str]:
    """The module of each name that a file of a package hands on, or defines in capitals. Nothing is imported."""
    root, _, inside = package.partition(".")
    text = pkgutil.get_data(root, f"{inside}/{file}" if inside else file)
    homes: dict[str, str] = {}
    for node in ast.walk(ast.parse(text or b"")):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            homes |= _read_homes(str(node.module), "__init__.py")
        elif isinstance(node, ast.ImportFrom):
            homes |= {name.name: str(node.module) for name in node.names if name.asname == name.name}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id.isupper():
            homes[node.target.id] = package
    return homes
