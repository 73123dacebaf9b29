"""A module imports from lower floors only, inside packages too: no module leads back to itself."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import mlp

ROOT = Path(mlp.__file__).parent
FLOORS = """
-1 errors
-0.5 limits
0 arrays
0.2 hyperparameters
0.3 family
0.5 storage
1 initializers losses optimizers schedules data history statistics
2 layers
3 network
4 backprop
4.25 linearised
4.5 objective running_statistics
5 training differences curvature landscape
6 instruments pretraining
7 recorder diagnosis
7.5 sinks
8 sweep problems config
8.1 preprocessing
8.2 model
8.3 experiment
8.35 repairs
8.4 estimators
8.5 optimizer_bench exchange
8.7 comparison
9 plots report
10 cli
11 __main__
"""
FLOOR = {"__version__": -1.0} | {
    name: float(line.split()[0]) for line in FLOORS.split("\n") for name in line.split()[1:]
}
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}


def imported(path: Path) -> set[str]:
    """The modules of this package that a file imports, also inside functions and for type checkers only."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in (n for n in nodes if isinstance(n, ast.ImportFrom)):
        assert not node.level, f"{path}: import by full name"
        names |= {f"{node.module}.{alias.name}" for alias in node.names}
    mine = {name for name in names if name.split(".")[0] == "mlp"}
    return {name if name in MODULES or name == "mlp" else name.rpartition(".")[0] for name in mine}


def test_a_module_imports_from_lower_floors_only() -> None:
    wrong = [
        f"{module} (floor {FLOOR[module.split('.')[1]]:g}) imports {name}"
        for module, path in MODULES.items()
        for name in imported(path)
        if module != "mlp" and "." in name and name.split(".")[1] != module.split(".")[1]
        if FLOOR.get(name.split(".")[1], 99) >= FLOOR[module.split(".")[1]]
    ]
    assert not wrong


def test_no_module_leads_back_to_itself() -> None:
    """Two circles once hid inside a package, behind `TYPE_CHECKING`: who reads one of its modules must read all."""
    graph = {module: imported(path) - {"mlp"} for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" → ".join(error.args[1])) from None


def test_every_module_has_its_floor() -> None:
    assert {module.split(".")[1] for module in MODULES if module != "mlp"} <= set(FLOOR)
