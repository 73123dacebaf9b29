"""A module imports from lower floors only (ARCHITECTURE, part 3)."""

from __future__ import annotations

import ast
from pathlib import Path

import mlp

ROOT = Path(mlp.__file__).parent
FLOORS = """
-1 errors
0 arrays
0.25 output
0.5 archive
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
8 sweep problems experiment
8.25 estimators
8.5 optimizer_bench exchange
8.7 comparison
9 plots report
10 cli
11 __main__
"""
FLOOR = {"__version__": -1.0} | {
    name: float(line.split()[0]) for line in FLOORS.split("\n") for name in line.split()[1:]
}


def imported(path: Path) -> set[str]:
    """The concepts of this package that a file imports, also inside functions."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in (n for n in nodes if isinstance(n, ast.ImportFrom)):
        assert not node.level, f"{path}: import by full name"
        names |= {f"{node.module}.{a.name}" if node.module == "mlp" else str(node.module) for a in node.names}
    return {name.split(".")[1] if "." in name else "mlp" for name in names if name.split(".")[0] == "mlp"}


def test_a_module_imports_from_lower_floors_only() -> None:
    paths = [path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py"]
    mine = {path: path.relative_to(ROOT).parts[0].removesuffix(".py") for path in paths}
    wrong = [
        f"{path.relative_to(ROOT)} (floor {FLOOR[mine[path]]:g}) imports {name}"
        for path in paths
        for name in imported(path)
        if name != mine[path] and FLOOR.get(name, 99) >= FLOOR[mine[path]]
    ]
    assert not wrong


def test_every_module_has_its_floor() -> None:
    there = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in ROOT.rglob("*.py")}
    assert there - {"__init__"} <= set(FLOOR)
