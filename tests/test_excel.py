"""Excel files, read by polars with fastexcel: the extra `tables`. The files are written here, letter by letter."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.errors import DataError, FileFormatError

pytest.importorskip("fastexcel", reason="the extra tables is not installed: pip install '.[tables]'")

PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<sheets><sheet name="Data" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}
RNG = np.random.default_rng(0)
HEADER = ["height", "city", "rooms", "sold"]
ROWS = [
    [round(float(h), 3), city, int(rooms), "yes" if h + rooms > 3 else "no"]
    for h, city, rooms in zip(
        RNG.normal(size=60), RNG.choice(["Köln", "Zürich"], 60), RNG.integers(1, 6, 60), strict=True
    )
]


def write_excel(path: Path, rows: list[list[Any]]) -> None:
    """A workbook of one sheet; None is an empty cell."""

    def cell(value: Any, name: str) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            return f'<c r="{name}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        return f'<c r="{name}"><v>{value}</v></c>'

    lines = (
        f'<row r="{i}">{"".join(cell(value, f"{chr(65 + j)}{i}") for j, value in enumerate(row))}</row>'
        for i, row in enumerate(rows, 1)
    )
    sheet = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in PARTS.items():
            archive.writestr(name, text)
        archive.writestr("xl/worksheets/sheet1.xml", f"{sheet}{''.join(lines)}</sheetData></worksheet>")


def test_an_excel_file_gives_the_numbers_of_its_csv(tmp_path: Path) -> None:
    write_excel(tmp_path / "t.xlsx", [HEADER, *ROWS])
    (tmp_path / "t.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in [HEADER, *ROWS]), "utf-8")
    runs = [
        mlp.run({"data": {"source": str(tmp_path / name)}, "training": {"epochs": 2}}) for name in ("t.xlsx", "t.csv")
    ]
    assert np.array_equal(runs[0].network.params, runs[1].network.params)
    assert runs[0].metrics == runs[1].metrics


def test_an_empty_cell_is_missing_and_the_message_names_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    write_excel(path, [HEADER, *ROWS[:20], [None, "Köln", 2, "yes"], *ROWS[20:]])
    with pytest.raises(DataError, match=r"row 20, column 'height'.*data\.missing=impute"):
        mlp.data.load(path)
    run = mlp.run({"data": {"source": str(path), "missing": "impute"}, "training": {"epochs": 2}})
    assert np.isfinite(run.metrics["train_loss"])


def test_an_excel_file_is_evaluated_and_predicted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_excel(Path("t.xlsx"), [HEADER, *ROWS])
    write_excel(Path("new.xlsx"), [HEADER[:3], *(row[:3] for row in ROWS[:7])])
    assert main(["train", "t.xlsx", "--epochs", "2", "-o", "run"]) == 0
    assert main(["evaluate", "run", "t.xlsx"]) == 0
    capsys.readouterr()
    assert main(["predict", "run", "new.xlsx"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 8


def test_what_is_no_workbook_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_text("a,b\n1,2\n")
    with pytest.raises(FileFormatError, match=r"cannot be read as \.xlsx") as refused:
        mlp.data.load(tmp_path / "t.xlsx")
    assert "\n" not in str(refused.value)
