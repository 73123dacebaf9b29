"""Multilayer perceptrons in plain NumPy: fast, transparent, and honest about why a network does not learn.

>>> import numpy as np
>>> import mlp
>>> X, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
>>> net = mlp.Network([mlp.Dense(2, 4), mlp.Tanh(), mlp.Dense(4, 1)], rng=1)
>>> for step in mlp.train(net, mlp.batches(X, t, size=4, rng=0, epochs=2000), mlp.SquaredError(), mlp.Momentum(0.1)):
...     pass
>>> bool(step.loss < 1e-6)
True

What is public, and where it comes from, stands in `__init__.pyi`: type checkers read it, and so does this file. Of a
family (`from mlp.layers import *`) it is what the family's `__init__.py` imports as itself. A name is imported when it
is first asked for (PEP 562), so that `import mlp` costs nothing yet.
"""

import ast
import importlib
import pkgutil
import typing

__version__ = "0.1.0"


def _read_homes(path: str) -> dict[str, str]:
    """The module of each name that a file hands on, `import A as A`, or defines in capitals. Nothing is imported."""
    homes: dict[str, str] = {}
    for node in ast.parse(pkgutil.get_data(__name__, path) or b"").body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id.isupper():
            homes[node.target.id] = ""
        for name in node.names if isinstance(node, ast.ImportFrom) else ():
            if name.name == "*":
                family = str(node.module)
                homes |= dict.fromkeys(_read_homes(f"{family.removeprefix('mlp.')}/__init__.py"), family)
            elif name.asname == name.name:
                homes[name.name] = str(node.module)
    return homes


_HOMES = _read_homes("__init__.pyi")
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> typing.Any:
    """The public object or module of this name, once; from then on it stands in `globals()`."""
    if _HOMES.get(name, __name__) != __name__:
        found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
        return found
    if not name.startswith("_") and name in {module.name for module in pkgutil.iter_modules(__path__)}:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
