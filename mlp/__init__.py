"""Multilayer perceptrons in plain NumPy: fast, transparent, and honest about why a network does not learn.

>>> import numpy as np
>>> import mlp
>>> X, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
>>> net = mlp.Network([mlp.Dense(2, 4), mlp.Tanh(), mlp.Dense(4, 1)], rng=1)
>>> for step in mlp.train(net, mlp.batches(X, t, size=4, rng=0, epochs=2000), mlp.SquaredError(), mlp.Momentum(0.1)):
...     pass
>>> bool(step.loss < 1e-6)
True

What is public, and where it comes from, stands in `__init__.pyi`: type checkers read it, and so does this file. A name
is imported when it is first asked for (PEP 562), so that `import mlp` costs nothing yet.
"""

import ast
import importlib
import pkgutil
import typing

__version__ = "0.1.0"

_STUB = ast.parse(pkgutil.get_data(__name__, "__init__.pyi") or b"")
_HOMES = {name.name: node.module for node in _STUB.body if isinstance(node, ast.ImportFrom) for name in node.names}
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
