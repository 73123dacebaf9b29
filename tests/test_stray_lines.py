"""What people write beside a table is left out where that is certain, and said; all else is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.data.reading import AS_USUAL, Reading
from mlp.data.table import read_table
from mlp.errors import DataError

ROWS = "1.5,2,yes\n2.5,3,no\n3.5,5,yes\n"
PLAIN = f"a,b,t\n{ROWS}"
BESIDE = {
    "a title": f"Report of 2024\n\n{PLAIN}",
    "two titles": f"Report\nMade in May\n{PLAIN}",
    "a title above semicolons": f"Report\n\n{PLAIN}".replace(",", ";"),
    "a title with separators": f"Report,,\n{PLAIN}",
    "a remark": f"{PLAIN}\nSource: the office\n",
    "remarks": f"{PLAIN}\n\n* provisional\n\n** final\n",
    "a remark with separators": f"{PLAIN},,\nSource,,\n",
    "empty rows": f"{PLAIN},,\n,,\n",
    "empty lines": f"{PLAIN}\n \n\n",
    "files that were joined": "a,b,t\n1.5,2,yes\na,b,t\n2.5,3,no\na,b,t\n3.5,5,yes\n",
    "units": f"a,b,t\nm,kg,\n{ROWS}",
    "trailing separators": "a,b,t,\n" + ROWS.replace("\n", ",\n"),
    "an index": "," + PLAIN.replace("1.5,2", "0,1.5,2").replace("2.5,3", "1,2.5,3").replace("3.5,5", "2,3.5,5"),
}
SILENT = ("empty rows", "empty lines")


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("fast", [0, 1 << 20])
def test_what_stands_beside_a_table_is_left_out_and_said(tmp_path: Path, name: str, fast: int) -> None:
    plain, beside = tmp_path / "plain.csv", tmp_path / "beside.csv"
    plain.write_text(PLAIN)
    beside.write_text(BESIDE[name])
    asked, found = read_table(plain), read_table(beside, AS_USUAL, fast)
    assert found.names == asked.names
    for j in range(3):
        assert np.array_equal(found.cells(j).texts(), asked.cells(j).texts()) or [
            float(cell) for cell in found.cells(j).texts()
        ] == [float(cell) for cell in asked.cells(j).texts()]
    assert bool(found.left_out) == (name not in SILENT)


REFUSED = {
    "a short row": (f"{PLAIN}7\n", "line 5 has 1 cell"),
    "a short row in between": ("a,b,t\n1.5,2,yes\nnote\n2.5,3,no\n", "line 3 has 1 cell"),
    "a number apart": (f"{PLAIN}\n7\n", "line 6 has 1 cell"),
    "a missing name": ("a,,t\n1.5,2,yes\n2.5,3,no\n", "column 2 without a name"),
    "an index that skips": (",a,t\n0,1,x\n2,3,y\n", "column 1 without a name"),
    "one text among numbers": ("a,t\nx,yes\n1,no\n2,yes\n", "'x' is not a number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_be_a_row_is_refused_and_not_lost(tmp_path: Path, name: str) -> None:
    text, said = REFUSED[name]
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        mlp.data.load(tmp_path / "t.csv")


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    """A missing cell below a title and units stands where an editor shows it."""
    (tmp_path / "t.csv").write_text(f"Report\n\na,b,t\nm,kg,\n{ROWS},1,no\n")
    with pytest.raises(DataError, match="1 missing cell: line 8, column 'a'"):
        mlp.data.load(tmp_path / "t.csv")


def test_without_a_header_the_first_row_is_no_title(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"{ROWS}\nSource: the office\n")
    assert len(read_table(tmp_path / "t.csv", Reading(header=False)).lines) == 3


def test_the_command_says_what_was_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{i},{i % 7},{'yes' if i % 7 > 3 else 'no'}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(f"Report\na,b,t\nm,kg,\n{rows}\nSource: the office\n")
    assert main(["train", str(tmp_path / "t.csv"), "--dry-run"]) == 0
    assert "left out: a remark (line 45), a title (line 1), units (line 3)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("a,b,a,t\n1,2,3,x\n2,3,4,y\n" * 1, '[data] ignore = ["a"]'),
        ("# made\n# by hand\n", '[data] comment = "#"'),
        ("a t\n1 x\n2 y\n", '[data] separator = " "'),
        ("a,t\n1,x\n-,y\n3,x\n4,y\n", '[data] numeric = ["a"] and missing = "impute"'),
    ],
)
def test_a_refusal_names_the_setting_that_helps(tmp_path: Path, text: str, setting: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError) as refused:
        mlp.data.load(tmp_path / "t.csv")
    assert setting in str(refused.value)


def test_names_given_twice_may_be_ignored(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,a,t\n" + "1,2,3,x\n2,3,4,y\n" * 20)
    run = mlp.run({"data": {"source": str(tmp_path / "t.csv"), "ignore": ["a"]}, "training": {"epochs": 1}})
    assert run.network.n_in == 1
    assert len(run.predict(run.load_rows(str(tmp_path / "t.csv")))) == 40
