"""What the textbooks say: every program of a claim is on the page of the manual, with a verdict and its numbers."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import mlp

FOLDER = Path(__file__).parents[1] / "benchmarks" / "claims"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "claim")
PAGE = (Path(mlp.__file__).parent / "manual" / "claims.md").read_text()


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a program of the folder, and forgets it again."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield importlib.import_module
    for name in (set(sys.modules) - before) & {*PROGRAMS, "claim"}:
        del sys.modules[name]


def said(program: str) -> str:
    """The sentence that the program ends with a verdict on, without what stands in brackets."""
    text = (FOLDER / f"{program}.py").read_text()
    found = re.search(r'(?:said = |return Claim\()"([^"]+)"', text)
    assert found, program
    return re.sub(r" \(.*\)", "", found.group(1))


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_claim_is_on_the_page_with_a_verdict_and_numbers(program: str) -> None:
    row = next((row for row in PAGE.splitlines() if row.startswith(f"| {said(program).split(',')[0]}")), None)
    assert row, f"{program}: the manual has no row for {said(program)!r}"
    verdict, measured = row.split("|")[2:4]
    assert verdict.strip() in ("holds", "does not hold", "depends")
    assert len(re.findall(r"\d", measured)) >= 4
    assert f"`{program}.py`" in (FOLDER / "README.md").read_text()


def test_a_claim_is_a_table_and_a_verdict_and_a_picture(load: Any, tmp_path: Path) -> None:
    claim = load("claim")
    for x in ((1, 2), ("one", "two")):
        found = claim.Claim("so it is", ["n", "share %"], [[1, 0.12345], [20, np.inf]], "depends", "of 2, one is",
                            {"share": (x, (0.1, 0.2))}, ("n", "%"), "y")  # fmt: skip
        assert str(found) == "Claim: so it is\n\n n  share %\n 1    0.123\n20      inf\n\ndepends, here: of 2, one is"
        pytest.importorskip("matplotlib")
        claim.draw(found, tmp_path / "picture.png")
        assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"


SMALL: dict[str, dict[str, Any]] = {
    "depth": {"DEPTHS": (1, 2), "STARTS": 1, "MOST": 200},
    "dimensions": {"SIZES": (1, 2, 3, 4, 6, 10, 12), "DRAWS": 200},
    "flat_starts": {"STARTS": 2, "STEPS": 20, "SIZES": (1.0, 100.0)},
    "global_minimum": {"WIDTHS": (2,), "STEPS": 60, "STARTS": 2},
    "radial_units": {"STARTS": 2, "STEPS": 20},
    "edge": {"STEPS": 120, "LOOKS": 6},
}
"""Programs that can be run in miniature, with what makes them small."""


@pytest.mark.parametrize("program", SMALL)
def test_a_program_runs_in_miniature_and_ends_in_a_verdict(load: Any, program: str) -> None:
    module: ModuleType = load(program)
    for name, value in SMALL[program].items():
        assert hasattr(module, name), f"{program} has no {name}"
        setattr(module, name, value)
    found = module.measure()
    assert found.verdict in ("holds", "does not hold", "depends") and found.curves and found.why
    assert all(len(row) == len(found.columns) for row in found.rows)
    assert str(found).startswith(f"Claim: {found.said}")
