"""How files are read: encodings, separators, headers, comments, compression, standard input; and long tables fast."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mlp
from mlp.cli import main
from mlp.data import ColumnRules, load
from mlp.data.encoding import Policy
from mlp.data.reading import Reading
from mlp.data.table import read_table
from mlp.errors import ConfigError, DataError, FileFormatError

QUICK: dict[str, Any] = {"training": {"epochs": 1}, "record": {"baseline": "never"}}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def written(content: str | bytes, name: str = "t.csv") -> Path:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return Path(name)

    return written


def reading(**said: Any) -> ColumnRules:
    return ColumnRules(policy=Policy(reading=Reading(**said)))


PLAIN = "größe;t\n1,5;a\n2,5;b\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_an_encoding_that_the_bytes_tell_is_found(write: Write, encoding: str) -> None:
    data = load(write(PLAIN.encode(encoding)))
    assert data.feature_names == ("größe",)
    assert data.X.tolist() == [[1.5], [2.5]]


def test_another_encoding_is_refused_with_the_setting_and_read_with_it(write: Write) -> None:
    path = write(PLAIN.encode("cp1252"))
    with pytest.raises(FileFormatError, match=r"line 1: byte 0xf6 is not UTF-8.*--set data.encoding=cp1252"):
        load(path)
    assert load(path, rules=reading(encoding="cp1252")).feature_names == ("größe",)
    assert load(path, rules=reading(encoding="latin-1")).feature_names == ("größe",)
    with pytest.raises(ConfigError, match="encoding = 'klingon' is not known"):
        mlp.run({"data": {"source": str(path), "encoding": "klingon"}})


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\na;t\n1;2\n3;4\n",
        '"sep=|"\na|t\n1|2\n3|4\n',
        "a|t\n1|2\n3|4\n",
        "a;t\n1,0;2\n3,0;4\n",
        "a, t\n1, 2\n3, 4\n",
        'a, "t"\n"1", "2"\n"3", "4"\n',
    ],
    ids=["sep=;", "quoted sep=|", "bars", "decimal commas", "blanks", "blanks before quotes"],
)
def test_separators_are_found(write: Write, text: str) -> None:
    data = load(write(text))
    assert data.feature_names == ("a",)
    assert data.X.tolist() == [[1], [3]]
    assert np.asarray(data.y).tolist() == [2, 4]


def test_a_separator_can_be_named(write: Write) -> None:
    assert load(write("a:t\n1:2\n3:4\n"), rules=reading(separator=":")).X.tolist() == [[1], [3]]


def test_a_table_without_a_header_is_read_with_the_setting(write: Write) -> None:
    path = write("1,5,0\n2,6,1\n")
    with pytest.raises(DataError, match=r"--set data\.header=false"):
        load(path)
    data = load(path, target=0, rules=reading(header=False))
    assert data.feature_names == ("1", "2")
    assert data.target_name == "0"
    assert data.X.tolist() == [[5, 0], [6, 1]]


def test_lines_that_are_comments_are_left_out_and_lines_keep_their_numbers(write: Write) -> None:
    path = write("# from a meter\na,t\n1,2\n# it was off\nx,4\n5,6\n7,8\n")
    with pytest.raises(DataError, match=r"--set .data.comment=\"#\""):
        load(path)
    with pytest.raises(DataError, match="line 5, column 'a': 'x' is not a number"):
        load(path, rules=reading(comment="#"))


def test_compressed_files_and_standard_input_are_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"a,t\n1,2\n3,4\n"
    plain = load(write(text))
    packed = load(write(gzip.compress(text), "t.csv.gz"))
    assert packed.X.tolist() == plain.X.tolist()
    assert packed.name == "t"
    with pytest.raises(FileFormatError, match="not packed with gzip"):
        load(write(text, "u.csv.gz"))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text)))
    assert load("-").X.tolist() == plain.X.tolist()
    assert load("-").X.tolist() == plain.X.tolist(), "what was read is kept"


def test_a_run_reads_further_files_as_its_own(write: Write) -> None:
    rows = "".join(f"{k % 7},5;{k % 3}\n" for k in range(60))
    write(f"% of 2024\n{rows}".encode("cp1252"), "own.csv")
    own = {"header": False, "comment": "%", "encoding": "cp1252", "separator": ";"}
    run = mlp.run({**QUICK, "data": {"source": "own.csv", **own}}, out="run")
    write(f"% of 2025\n{rows}", "later.csv")
    assert main(["evaluate", "run", "later.csv"]) == 0
    assert main(["predict", "run", "later.csv", "-o", "answers.csv"]) == 0
    X, _ = mlp.load_run("run").load("later.csv")
    assert X[:3].tolist() == [[0.5], [1.5], [2.5]]
    assert np.array_equal(mlp.load_run("run").predict(X), run.predict(X))


# long tables

CELLS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["", "0", "-0.0", "1e5", "+3", " 4 ", ".5", "007"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["red", "blue", "a b"])), min_size=1, max_size=12))
def test_a_table_is_the_same_read_fast_and_slowly(write: Write, rows: list[tuple[str, ...]]) -> None:
    path = write("".join(",".join(row) + "\n" for row in [("a", "b", "c"), *rows]))
    fast, slow = read_table(path, fast=0), read_table(path)
    assert fast.names == slow.names
    assert list(fast.lines) == list(slow.lines)
    for one, other in zip(*([t.with_numbers([0, 1], [], ".").columns for t in (fast, slow)]), strict=True):
        assert list(map(repr, np.asarray(one).tolist())) == list(map(repr, np.asarray(other).tolist()))
    again = fast.as_written([0, 1])
    for j in (0, 1):
        if not isinstance(again.columns[j], np.ndarray):
            assert list(again.columns[j]) == list(slow.columns[j])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.floats(-1e9, 1e9), st.integers(-(10**6), 10**6)), min_size=3, max_size=12),
    st.sampled_from(
        [(",", ".", ""), (",", ".", ","), (";", ",", "."), (";", ",", " "), ("\t", ".", ","), (";", ",", "")]
    ),
)
def test_what_pandas_reads_as_numbers_is_read_as_the_same_numbers(
    write: Write, rows: list[tuple[float, int]], dialect: tuple[str, str, str]
) -> None:
    """pandas is told separator, decimal mark and thousands; here they are found."""
    separator, decimal, thousands = dialect
    swap = str.maketrans({",": thousands, ".": decimal})
    lines = [f"{x:,.2f}".translate(swap) + separator + f"{n:,}".translate(swap) for x, n in rows]
    if separator in (thousands, decimal):
        lines = [
            separator.join(f'"{cell}"' for cell in (f"{x:,.2f}".translate(swap), f"{n:,}".translate(swap)))
            for x, n in rows
        ]
    path = write("\n".join([f"x{separator}n{separator}t", *(f"{line}{separator}a" for line in lines)]) + "\n")
    expected = pd.read_csv(path, sep=separator, decimal=decimal, thousands=thousands or None)
    data = load(path)
    assert np.array_equal(data.X, expected[["x", "n"]].to_numpy(float))


def test_names_of_classes_are_as_written_in_a_long_table_too(write: Write) -> None:
    path = write("a,t\n" + "".join(f"{k % 13}.5,00{k % 3}\n" for k in range(60)))
    slow = mlp.run({**QUICK, "data": {"source": str(path)}})
    names = load(path, rules=ColumnRules(classes=True)).written
    assert names is not None
    assert names.texts()[:3] == ["000", "001", "002"]
    assert slow.classes == ("000", "001", "002")
    table = read_table(path, fast=0)
    assert isinstance(table.columns[1], np.ndarray)
    assert table.as_written([1]).columns[1][:3] == ["000", "001", "002"]
