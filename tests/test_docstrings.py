"""Every public class shows how it is used: an example in its docstring, which the suite runs (--doctest-modules)."""

from __future__ import annotations

import inspect

import pytest

import mlp

LATER = (
    "mlp.layers",
    "mlp.losses",
    "mlp.optimizers",
    "mlp.schedules",
    "mlp.instruments",
    "mlp.data.columns",
    "mlp.data.encoding",
)  # are being rewritten
CLASSES = {
    f"{module.__name__}.{name}": thing
    for module in (mlp, mlp.data, mlp.curvature)
    for name in module.__all__
    if inspect.isclass(thing := getattr(module, name)) and not thing.__module__.startswith(LATER)
}


@pytest.mark.parametrize("name", CLASSES)
def test_docstring_of_a_public_class_has_an_example(name: str) -> None:
    assert ">>>" in (CLASSES[name].__doc__ or "")
