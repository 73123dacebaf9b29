"""Every public class shows how it is used: an example in its docstring, which the suite runs (--doctest-modules)."""

from __future__ import annotations

import inspect

import pytest

import mlp

CLASSES = {
    f"{module.__name__}.{name}": thing
    for module in (mlp, mlp.data, mlp.curvature)
    for name in module.__all__
    if inspect.isclass(thing := getattr(module, name))
}


@pytest.mark.parametrize("name", CLASSES)
def test_docstring_of_a_public_class_has_an_example(name: str) -> None:
    assert ">>>" in (CLASSES[name].__doc__ or "")
