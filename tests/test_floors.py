"""A module imports from lower floors only, inside packages too: no module leads back to itself.

The floors stand in `mlp/README.md`, and nowhere else.
"""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import mlp

ROOT = Path(mlp.__file__).parent
ROW = re.compile(r"\| (-?[\d.]+) \| ([^|]+) \|")
FLOOR = {"__version__": -1.0} | {
    name: float(floor)
    for floor, names in ROW.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    for name in re.findall(r"`(\w+)`", names)
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


def test_every_module_has_its_floor_in_the_readme() -> None:
    assert {module.split(".")[1] for module in MODULES if module != "mlp"} <= set(FLOOR)
