"""The public surface is exactly what is declared, and what the contract names is there."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import mlp

CONTRACT = [
    "run",
    "load_run",
    "resume",
    "Network",
    "Dense",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "LeakyReLU",
    "ELU",
    "SELU",
    "GELU",
    "SiLU",
    "Softplus",
    "Softsign",
    "Identity",
    "HardSigmoid",
    "HardTanh",
    "Maxout",
    "RBF",
    "Dropout",
    "BatchNorm",
    "LayerNorm",
    "Residual",
    "train",
    "batches",
    "SGD",
    "Momentum",
    "Nesterov",
    "Adagrad",
    "RMSprop",
    "Adam",
    "AdamW",
    "Recorder",
    "diagnose",
    "SquaredError",
    "SoftmaxCrossEntropy",
    "SigmoidCrossEntropy",
    "AbsoluteError",
    "Huber",
    "LogCosh",
    "Quantile",
    "Poisson",
    "Focal",
    "Hinge",
    "gradcheck",
    "value_and_grad",
    "norm",
    "History",
    "Finding",
]

PACKAGES = ["mlp", "mlp.layers", "mlp.losses", "mlp.optimizers", "mlp.data"]
DEFINED = ["mlp.layers", "mlp.losses", "mlp.optimizers"]


def modules() -> list[ModuleType]:
    """Every module of the package."""
    found = pkgutil.walk_packages(mlp.__path__, "mlp.")
    return [importlib.import_module(m.name) for m in found if "__main__" not in m.name and ".files" not in m.name]


@pytest.mark.parametrize("name", CONTRACT)
def test_what_the_contract_names_is_there(name: str) -> None:
    assert name in mlp.__all__
    assert hasattr(mlp, name)


@pytest.mark.parametrize("name", PACKAGES)
def test_what_is_declared_exists_once_and_is_not_hidden(name: str) -> None:
    declared = importlib.import_module(name).__all__
    assert len(declared) == len(set(declared))
    assert not [n for n in declared if n.startswith("_")]
    assert all(hasattr(importlib.import_module(name), n) for n in declared)


@pytest.mark.parametrize("name", PACKAGES)
def test_what_is_there_is_declared(name: str) -> None:
    """Names of modules apart, which a package shows whether it wants to or not."""
    package = importlib.import_module(name)
    there = {n for n, v in vars(package).items() if not n.startswith("_") and not inspect.ismodule(v)}
    assert there - set(package.__all__) == set()


@pytest.mark.parametrize("name", DEFINED)
def test_every_class_of_a_family_is_declared(name: str) -> None:
    """One that is written and not listed cannot be found."""
    kinds = {"mlp.layers": mlp.Layer, "mlp.losses": mlp.Loss, "mlp.optimizers": mlp.Optimizer}
    written = {
        n
        for module in modules()
        if module.__name__.startswith(name + ".")
        for n, v in vars(module).items()
        if inspect.isclass(v) and issubclass(v, kinds[name]) and not inspect.isabstract(v) and not n.startswith("_")
    }
    assert written <= set(importlib.import_module(name).__all__)


def test_star_import_brings_what_is_declared() -> None:
    room: dict[str, object] = {}
    exec("from mlp import *", room)
    assert set(room) - {"__builtins__"} == set(mlp.__all__)


@pytest.mark.parametrize("name", sorted(mlp.__all__))
def test_every_public_class_and_function_says_what_it_is(name: str) -> None:
    found = getattr(mlp, name)
    if inspect.isclass(found) or inspect.isfunction(found):
        assert (found.__doc__ or "").strip()
        assert not (found.__doc__ or "").startswith(
            f"{name}("
        )  # dataclasses write their signature where nothing stands


@pytest.mark.parametrize("module", modules(), ids=lambda m: m.__name__)
def test_every_module_says_what_it_knows(module: ModuleType) -> None:
    assert (module.__doc__ or "").strip()


def test_the_version_is_that_of_the_package() -> None:
    from importlib import metadata

    try:
        assert metadata.version("mlp") == mlp.__version__
    except metadata.PackageNotFoundError:
        pytest.skip("not installed: run from the checkout")
