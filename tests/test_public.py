"""The public surface is exactly what is declared, and what the contract names is there."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path
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
    "ExactGELU",
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


def stub() -> list[tuple[str, str, str | None]]:
    """The rows of `__init__.pyi`: module, name, name under which it is public. A star is all that a family declares."""
    tree = ast.parse(Path(mlp.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    rows = [(str(node.module), row.name, row.asname) for node in imports for row in node.names]
    families = [module for module, name, _ in rows if name == "*"]
    starred = [(module, name, name) for module in families for name in importlib.import_module(module).__all__]
    return [row for row in rows if row[1] != "*"] + starred


@pytest.mark.parametrize("name", DEFINED)
def test_the_package_makes_public_what_its_families_declare(name: str) -> None:
    assert {row for module, row, _ in stub() if module == name} == set(importlib.import_module(name).__all__)


def test_the_stub_hands_on_each_name_once_under_its_own_name() -> None:
    """`import A as A`: without the second A it would be private to type checkers (PEP 484)."""
    assert all(name == public for _, name, public in stub())
    assert sorted(name for _, name, _ in stub()) == mlp.__all__


def test_no_public_name_is_also_that_of_a_module() -> None:
    """Whoever imports `mlp.x` sets the attribute x of `mlp` to the module: a function x would be gone."""
    there = {module.name for module in pkgutil.iter_modules(mlp.__path__)}
    assert there & {name for module, name, _ in stub() if module != "mlp"} == set()


def alone(code: str) -> str:
    """What a new interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_mlp_loads_nothing_else() -> None:
    code = "import sys, mlp; print(*(n for n in sys.modules if n.startswith(('mlp.', 'numpy', 'sklearn'))))"
    assert alone(code) == "mlp.late_imports"


def test_a_help_is_shown_without_numpy() -> None:
    code = "import sys, mlp.cli\ntry: mlp.cli.main(['--help'])\nfinally: print('numpy' in sys.modules)"
    assert alone(code).endswith("\nFalse")


SELDOM = "comparison", "curvature", "landscape", "live_view", "manual", "plots", "pretraining", "problems", "repairs"


def test_a_training_imports_its_own_rule_and_nothing_for_other_commands(tmp_path: Path) -> None:
    """All rules together take 40 ms, and what looks at a point where a training is stuck 20."""
    code = (
        "import sys; from mlp.cli import main\n"
        f"status = main(['train', 'digits', '-q', '-o', {str(tmp_path / 'run')!r}])\n"
        "print(status, *(name for name in sys.modules if name.startswith('mlp.')))"
    )
    status, *names = alone(code).split()
    assert status == "0"
    assert {name for name in names if name.startswith("mlp.optimizers.")} == {
        f"mlp.optimizers.{name}" for name in ("optimizer", "moving_averages", "adam")
    }
    assert not {name.split(".")[1] for name in names} & set(SELDOM)


def test_a_rule_is_found_by_its_name_without_the_others() -> None:
    code = "import sys, mlp; print(mlp.OPTIMIZERS[{!r}].__name__, 'mlp.optimizers.newton' in sys.modules)"
    assert alone(code.format("delta_bar_delta")) == "DeltaBarDelta False"
    assert alone(code.format("sophia")) == "SophiaH True"  # which is not spelled as its class: all are looked through


def test_the_table_of_rules_has_each_by_the_name_that_it_says() -> None:
    table = mlp.optimizers.OPTIMIZERS
    assert [rule.name for rule in table.values()] == list(table)
    assert all(table[name] is rule for name, rule in table.items())
    assert "adam_w" not in table and table.get("Adam") is None and "optimizer" not in table


def test_modules_are_attributes_of_the_package() -> None:
    names = "layers", "optimizers", "data", "instruments", "experiment", "sweep", "problems", "cli"
    assert alone(f"import mlp; print(*(getattr(mlp, n).__name__ for n in {names}))") == " ".join(
        f"mlp.{name}" for name in names
    )


@pytest.mark.parametrize("name", ["Dens", "__path", "__wrapped__", "train.Step"])
def test_what_is_not_there_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'mlp' has no attribute {name!r}"):
        getattr(mlp, name)


def test_dir_knows_what_was_not_asked_for_yet() -> None:
    assert alone("import mlp; print({'Dense', 'MLPClassifier', 'data', '__version__'} <= set(dir(mlp)))") == "True"
    assert alone("import mlp.optimizers as o; print({'Adam', 'OPTIMIZERS', '__doc__'} <= set(dir(o)))") == "True"


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
