"""Numbers that are not written as numbers, and texts that are nearly all different, are no categories.

Each of their texts became an input of its own, in silence: a column of 90 prices was 90 inputs that say nothing of any
other price, and a target of percentages was 90 classes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import mlp
from mlp.cli import main
from mlp.data import ColumnRules, load
from mlp.data.spelling import find_spelling
from mlp.errors import ConfigError, DataError, UnknownNameError

RNG = np.random.default_rng(0)
N = 90
PRICES = np.abs(RNG.normal(size=N) * 1000).round(2) + 1000
COUNTS = RNG.integers(1000, 90000, N)
DAYS = [str(np.datetime64("2020-01-01") + int(k)).split("-") for k in RNG.integers(0, 1000, N)]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
Write = Callable[..., Path]

SPELLINGS: dict[str, tuple[list[str], str]] = {
    "hexadecimal": ([hex(x) for x in COUNTS], "0x1f"),
    "sign behind": ([f"{x}-" for x in PRICES], "'-'"),
    "Fortran": ([f"{x}D0" for x in PRICES], "1.5E0"),
    "ISO dates": (["-".join(day) for day in DAYS], "date"),
    "ISO with time": (["-".join(day) + f"T{k % 24:02}:30:00Z" for k, day in enumerate(DAYS)], "date"),
    "ISO with time apart": (["-".join(day) + f" {k % 24:02}:30" for k, day in enumerate(DAYS)], "date"),
    "d/m/y": (["/".join(day[::-1]) for day in DAYS], "date"),
    "d.m.y": ([".".join(day[::-1]) for day in DAYS], "date"),
    "m/d/y": ([f"{int(m)}/{int(d)}/{y[2:]}" for y, m, d in DAYS], "date"),
    "months in words": ([f"{d} {MONTHS[int(m) - 1]} {y}" for y, m, d in DAYS], "date"),
    "American": ([f"{MONTHS[int(m) - 1]} {int(d)}, {y}" for y, m, d in DAYS], "date"),
    "clock": ([f"{k % 24}:{k * 7 % 60:02}" for k in range(N)], "12.5"),
    "underscores": ([f"{x:_}" for x in COUNTS], "1.5, 1000"),
    "unit apart": ([f"{x} kg" for x in PRICES], "unit"),
    "unit": ([f"{x}°C" for x in PRICES], "unit"),
    "unit of two": ([f"{x} km/h" for x in PRICES], "unit"),
    "hard spaces": ([f"{x}\u00a0kg" for x in PRICES], "ASCII"),
    "half of them": ([f"{x}" if k % 2 else f"{x}%" for k, x in enumerate(PRICES)], "percent"),
    "with words": ([("low", f"{x}", f"{x}%")[k % 3] for k, x in enumerate(PRICES)], "percent"),
}

READ: dict[str, tuple[list[str], Any]] = {
    "quotes after a space": ([f' "{x}"' for x in PRICES], PRICES),
    "percent": ([f"{x}%" for x in PRICES], PRICES / 100),
    "percent apart": ([f"{x} %" for x in PRICES], PRICES / 100),
    "dollars": ([f"${x}" for x in PRICES], PRICES),
    "euros": ([f"{x:,.2f} €".translate({44: ".", 46: ","}) for x in PRICES], PRICES),
    "losses in dollars": ([f"($ {x})" for x in PRICES], -PRICES),
    "brackets": ([f"({x})" for x in PRICES], -PRICES),
    "U+2212": ([f"\u2212{x}" for x in PRICES], -PRICES),
    "sign apart": ([f"- {x}" for x in PRICES], -PRICES),
    "decimal comma": ([str(x).replace(".", ",") for x in PRICES], PRICES),
    "spaces": ([f"{x:,}".replace(",", " ") for x in COUNTS], COUNTS),
    "narrow spaces": ([f"{x:,}".replace(",", "\u202f") for x in COUNTS], COUNTS),
    "apostrophes": ([f"{x:,}".replace(",", "'") for x in COUNTS], COUNTS),
    "German": ([f"{x:,.2f}".translate({44: ".", 46: ","}) for x in PRICES], PRICES),
    "English": ([f"{x:,.2f}" for x in PRICES], PRICES),
    "Indian": (
        [f"{x % 90 + 10},{x % 90 + 10},{x % 900 + 100}" for x in COUNTS],
        COUNTS % 90 * 100_000 + 1_000_000 + (COUNTS % 90 + 10) * 1000 + COUNTS % 900 + 100,
    ),
    "full width": (["".join(chr(ord(c) + 0xFEE0) for c in str(x)) for x in PRICES], PRICES),
    "zero width": ([f"\u200b{x}" for x in PRICES], PRICES),
}
"""What is certainly a number, and which."""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write t.csv: a number, the cells, and a class; or with the cells as the target."""
    monkeypatch.chdir(tmp_path)

    def written(cells: Sequence[str], *, target: bool = False) -> Path:
        rows = [(k % 7, cell, "yes" if k % 3 else "no") for k, cell in enumerate(cells)]
        order = (0, 2, 1) if target else (0, 1, 2)
        lines = [";".join(str(row[i]) for i in order) for row in [("a", "x", "y"), *rows]]
        path = tmp_path / "t.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return written


@pytest.mark.parametrize("n_texts", [N, 3], ids=["many", "few"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_a_column_of_numbers_in_another_spelling_is_refused_by_line_with_what_to_do(
    write: Write, name: str, n_texts: int
) -> None:
    cells = [SPELLINGS[name][0][k % n_texts] for k in range(N)]
    with pytest.raises(DataError) as caught:
        load(write(cells))
    said, first = str(caught.value), next(k for k, cell in enumerate(cells) if find_spelling(cell.strip()))
    assert "\n" not in said
    assert f"t.csv, line {first + 2}, column 'x': " in said
    assert "is not a number. " in said
    assert SPELLINGS[name][1] in said
    assert "Likewise line " in said
    assert '[data] categorical = ["x"]' in said
    assert '[data] ignore = ["x"]' in said
    with pytest.raises(DataError, match=r"column 'x': .* is not a number.* target: name another one.*categorical"):
        load(write(cells, target=True))


@pytest.mark.parametrize("name", READ)
def test_what_is_certainly_a_number_is_read_as_one(write: Write, name: str) -> None:
    cells, values = READ[name]
    data = load(write(cells))
    assert data.feature_names == ("a", "x")
    np.testing.assert_allclose(data.X[:, 1], values, rtol=1e-15)
    as_target = load(write(cells, target=True))
    np.testing.assert_allclose(as_target.y, values, rtol=1e-15)  # type: ignore[arg-type]
    again = load(write(cells[:5]), encoding=data.encoding)
    assert np.array_equal(again.X, data.X[:5]), "of further tables too, which may say less"
    assert load(write(cells), rules=ColumnRules(categorical=["x"])).X.shape == (N, 1 + len(set(cells)))


@pytest.mark.parametrize("name", SPELLINGS)
def test_both_settings_let_such_a_column_pass(write: Write, name: str) -> None:
    cells = [SPELLINGS[name][0][k % 3] for k in range(N)]
    texts = len(set(cells))
    assert load(write(cells), rules=ColumnRules(ignore=["x"])).feature_names == ("a",)
    assert load(write(cells), rules=ColumnRules(categorical=["x"])).X.shape == (N, 1 + texts)
    assert len(load(write(cells, target=True), rules=ColumnRules(categorical=["x"])).class_names or ()) == texts
    assert len(load(write(cells, target=True), rules=ColumnRules(classes=True)).class_names or ()) == texts


CATEGORIES = """red|1st|2nd|10th|A1|2A|4WD|4x4|18-25|<5|>50K|<=50K|Q1|2021-Q1|1990s|2020-2021|192.168.1.1|1.2.3|3-5|5+|
x|person 12|5G|12B|2 doors|v1.2|1/2|a|may|march|dec|sat|mon|type 2|2-door|7up|-|--|1a|10k|555-1234|12345-6789|0x|E5"""


@pytest.mark.parametrize("text", [text.strip() for text in CATEGORIES.split("|")])
def test_what_has_digits_in_it_is_no_number_yet(text: str) -> None:
    assert find_spelling(text) is None


@pytest.mark.parametrize(
    "text",
    ["$1.2M", "-$5", "$(5)", "(5%)", "−1,5 %", "1 234,5 kg", "USD 5", "5 mg/dL", "5 m²", "٥٫٥", "21-Dec", "March 2021",
     "Fri, 5 Mar 2021", "9:05 am", "2021-03-05 12:30:00+01:00", "20210305T1230", "2021-03", "1d-3",
     "1.5 x 10^3", "1,5·10³", "1.5 E3", ",5", "1·5", "5 m"],
)  # fmt: skip
def test_spellings_come_together(text: str) -> None:
    assert find_spelling(text)


def test_a_column_of_few_texts_is_a_category(write: Write) -> None:
    assert load(write(["1st", "2nd", "3rd"] * 30)).feature_names == ("a", "x=1st", "x=2nd", "x=3rd")
    assert load(write([f"T{k % 20}" for k in range(N)])).X.shape == (N, 21)
    assert load(write([f"T{k % 30}" for k in range(N)])).X.shape == (N, 31), "three rows of each are no names"


@pytest.mark.parametrize("n_texts", [21, 40, 90])
def test_texts_that_are_nearly_all_different_are_refused(write: Write, n_texts: int) -> None:
    """One that stands in a hundred rows does not make the others categories."""
    cells = [f"person {k}" if k < n_texts else "unknown" for k in range(max(n_texts, 60))]
    n_all = len(set(cells))
    with pytest.raises(DataError) as caught:
        load(write(cells))
    said = str(caught.value)
    assert f"column 'x': {n_all} different texts in {len(cells)} rows" in said
    assert "line 2: 'person 0'" in said
    assert '[data] ignore = ["x"]' in said
    with pytest.raises(DataError, match=f"column 'x': {n_all} different texts .* It is the target: name another one"):
        load(write(cells, target=True))
    assert load(write(cells), rules=ColumnRules(categorical=["x"])).X.shape[1] == n_all + 1


def test_a_slip_among_numbers_is_told_how_to_write_it(write: Write) -> None:
    with pytest.raises(DataError, match=r"line 4, column 'x': '12%' is not a number. Write .* without the percent"):
        load(write(["1", "2", "12%", "4", "5"]))


# targets and rows in memory

X = RNG.normal(size=(N, 2))
QUICK: dict[str, Any] = {"training": {"epochs": 1}, "record": {"probe": "never"}}


@pytest.mark.parametrize("box", [list, lambda y: np.array(y, object), lambda y: pd.Series(y), lambda y: pl.Series(y)])
def test_texts_in_memory_are_classes_only_if_they_look_so_or_it_is_said(box: Callable[[Any], Any]) -> None:
    prices, names = READ["percent"][0], [f"person {k}" for k in range(N)]
    with pytest.raises(DataError, match=r"y, row 0: '.*%' is not a number.* percent .*task = \"classification\""):
        mlp.run(QUICK, (X, box(prices)))
    with pytest.raises(DataError, match="y: 90 different texts in 90 rows"):
        mlp.run(QUICK, (X, box(names)))
    said = {**QUICK, "data": {"task": "classification", "validation": 0.0, "test": 0.0}}
    assert len(mlp.run(said, (X, box(names))).classes or ()) == N


def test_a_classifier_refuses_numbers_as_names_and_warns_of_names() -> None:
    with pytest.raises(DataError, match=r"percent .* Give the numbers to MLPRegressor"):
        mlp.MLPClassifier(epochs=1).fit(X, READ["percent"][0])
    with pytest.warns(UserWarning, match="y holds 90 classes in 90 rows"):
        mlp.MLPClassifier(epochs=1).fit(X, [f"person {k}" for k in range(N)])
    mlp.MLPClassifier(epochs=1).fit(X, ["5%", "10%", "20%"] * 30)
    with pytest.raises(TypeError, match=r"'1\d+\.\d+%'.* percent"):
        mlp.MLPRegressor(epochs=1).fit(X, READ["percent"][0])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize(
    ("cell", "needle"),
    [("1_000", "1.5, 1000"), ("2021-03-05", "date"), ("red", "row 0, column 'c'")],
)
def test_text_in_a_frame_is_refused_by_row_and_column(frame: Any, cell: str, needle: str) -> None:
    """float("1_000") is 1000 in Python, and so it was in a frame; which column it was nobody said."""
    rows = frame({"a": X[:, 0], "c": [cell] * N})
    if cell == "red":  # a category, as in a file
        assert mlp.run(QUICK, (rows, [0, 1] * 45)).model.preprocessing.feature_names == ("a", "c=red")
        return
    for train in (
        lambda: mlp.MLPClassifier(epochs=1).fit(rows, [0, 1] * 45),
        lambda: mlp.run(QUICK, (rows, [0, 1] * 45)),
    ):
        with pytest.raises(DataError) as caught:
            train()
        assert f"'{cell}'" in str(caught.value)
        assert "row 0, column 'c'" in str(caught.value)
        assert needle in str(caught.value)


@pytest.mark.parametrize("cell", [pd.Timestamp("2020-01-01"), pd.NA, {}], ids=["time", "NA", "dict"])
def test_objects_in_a_frame_are_refused_by_row_and_column(cell: Any) -> None:
    rows = pd.DataFrame({"a": X[:, 0], "c": pd.Series([1.0, cell] * 45, dtype=object)})
    with pytest.raises(TypeError, match="row 1, column 'c'"):
        mlp.MLPClassifier(epochs=1).fit(rows, [0, 1] * 45)


# [data] ignore and categorical

AUTHORS = [1234567890123456788, 1234567890123456789, 9876543210987654321]


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """books.csv: names with holes, a number, an author's number and a class that follows from it."""
    monkeypatch.chdir(tmp_path)
    rows = [[f"title {k}" if k % 9 else "", float(X[k, 0].round(3)), AUTHORS[k % 3], k % 3 == 1] for k in range(N)]
    with Path("books.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["title", "price", "author", "bought"], *rows])
    return rows


SETS = ["--set", 'data.ignore=["title"]', "--set", 'data.categorical=["author"]', "--set", "training.epochs=40"]


def test_columns_are_ignored_and_taken_as_categories_in_all_that_follows(
    books: list[list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers of 19 digits that are names: as an input they are one float, as categories each is itself."""
    assert main(["train", "books.csv", "-o", "run", *SETS, "--set", "record.probe=never"]) == 0
    run = mlp.load_run("run")
    assert run.model.preprocessing.feature_names == ("price", *(f"author={author}" for author in AUTHORS))
    assert run.evaluate(*run.load("books.csv"))["accuracy"] == 1
    expected = run.predict(run.load_rows("books.csv")).tolist()
    given = [row[1:3] for row in books]
    columns = {"price": [row[0] for row in given], "author": [row[1] for row in given]}
    frames = pd.DataFrame(columns), pl.DataFrame(columns, schema_overrides={"author": pl.UInt64})
    for rows in (given, np.array(given, object), *frames):
        assert run.predict(rows).tolist() == expected
    assert mlp.to_onnx(run, "run.onnx").exists()
    assert main(["resume", "run", "--epochs", "41"]) == 0
    assert main(["compare", "run", "run"]) == 0
    assert main(["evaluate", "run", "books.csv"]) == 0
    capsys.readouterr()
    assert main(["predict", "run", "books.csv"]) == 0
    assert [line.split(",")[0] for line in capsys.readouterr().out.split()[1:]] == expected


@pytest.mark.parametrize(
    ("data", "kind", "needle"),
    [
        ({"ignore": ["titel"]}, UnknownNameError, "Did you mean 'title'"),
        ({"categorical": ["autor"]}, UnknownNameError, "Did you mean 'author'"),
        ({"ignore": "title"}, ConfigError, 'like ["id"]'),
        ({"ignore": [1]}, ConfigError, "a list of the names of columns"),
        ({"ignore": ["bought"], "target": "bought"}, DataError, "ignore has the target 'bought'"),
        ({"ignore": ["title", "price", "author"]}, DataError, "has only the column 'bought'"),
        ({"ignore": [], "categorical": ["author"]}, DataError, "10 missing cells: line 2, column 'title'"),
    ],
)
def test_settings_that_do_not_fit_the_table_are_refused(
    books: list[list[Any]], data: dict[str, Any], kind: type[Exception], needle: str
) -> None:
    with pytest.raises(kind) as caught:
        mlp.run({**QUICK, "data": {"source": "books.csv", **data}})
    assert needle in str(caught.value)


def test_the_target_is_the_last_column_that_is_not_ignored(books: list[list[Any]]) -> None:
    rules = ColumnRules(ignore=["bought", "title"], categorical=["author"])
    assert load("books.csv", rules=rules).target_name == "author"
    assert load("books.csv", rules=rules).class_names == tuple(map(str, AUTHORS))


def test_a_category_that_is_a_number_has_one_spelling(write: Write) -> None:
    with pytest.raises(DataError, match=r"line 2: '1'; line 3: '1\.0': one number in two spellings"):
        load(write(["1", "1.0", "2"] * 30), rules=ColumnRules(categorical=["x"]))


@pytest.mark.parametrize("key", ["ignore", "categorical"])
def test_settings_for_columns_are_for_tables(key: str) -> None:
    with pytest.raises(DataError, match="iris is no table"):
        mlp.run({"data": {"source": "iris", key: ["x"]}})
    with pytest.raises(ConfigError, match="are for tables in files"):
        mlp.run({"data": {key: ["x"]}}, (X, [0, 1] * 45))
