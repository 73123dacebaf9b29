"""Labels come back as they came in: in every kind, from every source, through everything that a run goes through."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlp
from mlp.cli import main
from mlp.data.labels import apply_labels, distinct_labels, labels_from_json, labels_to_json, read_labels
from mlp.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 2)).round(3)
CODES = np.digitize(X.sum(1), [-0.6, 0.6])
BIG, HUGE = 2**60, np.uint64(2**63 + 7)  # next to each other they are one float64
WORDS = np.array(["a", "b", "c"])[CODES]
CONFIG: dict[str, Any] = {
    "network": {"hidden": [16]},
    "training": {"epochs": 15, "batch_size": 16},
    "record": {"probe": "never"},
}
QUICK: dict[str, Any] = {**CONFIG, "training": {"epochs": 1}}

TARGETS: dict[str, Any] = {
    "int64": CODES + BIG,
    "negative": CODES - BIG,
    "int32": CODES.astype(np.int32),
    "big-endian": (CODES + BIG).astype(">i8"),
    "uint8": CODES.astype(np.uint8),
    "uint64": CODES.astype(np.uint64) + HUGE,
    "float64": CODES.astype(float),
    "float32": CODES.astype(np.float32),
    "bool": CODES > 1,
    "text": WORDS,
    "texts of one number": np.array(["1", "01", "1.0"])[CODES],
    "bytes": WORDS.astype("S"),
    "bytes that are no text": np.array([b"\xe9", b"\xc3\xa9", b"c"])[CODES],
    "boxed text": WORDS.astype(object),
    "boxed integers": (CODES + BIG).astype(object),
    "boxed bytes": WORDS.astype("S").astype(object),
    "boxed truth values": (CODES > 1).astype(object),
    "column": (CODES + BIG)[:, None],
    "pandas text": pd.Series(WORDS),
    "pandas string": pd.Series(WORDS, dtype="string"),
    "pandas category": pd.Series(WORDS, dtype="category"),
    "pandas Categorical": pd.Categorical(WORDS),
    "pandas category of integers": pd.Series(CODES + BIG).astype("category"),
    "pandas Int64": pd.Series(CODES + BIG, dtype="Int64"),
    "pandas boolean": pd.Series(CODES > 1, dtype="boolean"),
    "pandas frame": pd.DataFrame({"y": CODES + BIG}),
    "polars text": pl.Series(WORDS.tolist()),
    "polars Categorical": pl.Series(WORDS.tolist(), dtype=pl.Categorical),
    "polars Enum": pl.Series(WORDS.tolist(), dtype=pl.Enum(["a", "b", "c"])),
    "polars UInt64": pl.Series((CODES.astype(np.uint64) + HUGE).tolist(), dtype=pl.UInt64),
    "list of integers": (CODES + BIG).tolist(),
    "list of text": WORDS.tolist(),
}


def as_given(y: Any) -> np.ndarray:
    """What NumPy itself makes of a target, as one column."""
    return np.asarray(y).ravel()


@pytest.mark.parametrize("name", TARGETS)
def test_answers_are_labels_as_they_were_given(name: str, tmp_path: Path) -> None:
    """Names of classes were the only thing kept of labels, and those of 19 digits were text to `predict`: no answer
    ever equalled its label. Bytes, small integers and floats came back as another type."""
    y, given = TARGETS[name], as_given(TARGETS[name])
    run = mlp.run(CONFIG, (X, y))
    answers = run.predict(X)
    assert answers.dtype == given.dtype
    assert (answers == given).mean() == run.evaluate(X, y)["accuracy"] > 0.7
    run.save(tmp_path / "run")
    again = mlp.load_run(tmp_path / "run")
    assert again.predict(X).dtype == given.dtype
    assert (again.predict(X) == answers).all()
    assert again.evaluate(X, y) == run.evaluate(X, y)


@pytest.mark.parametrize("name", ["int64", "uint64", "bytes", "boxed text", "float32", "bool"])
def test_a_run_that_goes_on_answers_in_the_same_labels(name: str, tmp_path: Path) -> None:
    y = TARGETS[name]
    mlp.run(QUICK, (X, y), out=tmp_path / "run")
    on = mlp.resume(tmp_path / "run", epochs=15, data=(X, y))
    assert on.predict(X).dtype == y.dtype
    assert (on.predict(X) == y).mean() == on.evaluate(X, y)["accuracy"]


@pytest.mark.parametrize("name", ["int64", "uint64", "uint8", "float64", "bytes", "boxed text", "boxed truth values"])
def test_an_onnx_model_answers_in_integers_or_names(name: str, tmp_path: Path) -> None:
    """ONNX has no bytes, and runtimes that read unsigned integers of 64 bits are rare: those are text there."""
    run = mlp.run(QUICK, (X, TARGETS[name]))
    session = onnxruntime.InferenceSession(str(mlp.to_onnx(run, tmp_path / "run.onnx")))
    found = session.run(["prediction"], {"X": X})[0]
    names = run.model.preprocessing.names_of(run.predict(X))
    assert found.dtype in (np.int64, np.bool_, object)
    assert list(map(str, found.tolist())) == names


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in ("column", "pandas frame")])
def test_an_estimator_knows_the_classes_that_were_given(name: str) -> None:
    y, given = TARGETS[name], as_given(TARGETS[name])
    fitted = mlp.MLPClassifier(hidden=16, epochs=15, random_state=0).fit(X, y, X_val=X, y_val=y)
    assert fitted.classes_.tolist() == sorted(set(given.tolist()))
    kind = np.array(given.tolist()).dtype if given.dtype.kind == "O" else given.dtype  # as scikit-learn's own has it
    assert fitted.predict(X).dtype == fitted.classes_.dtype == kind
    assert fitted.score(X, y) == (fitted.predict(X) == given).mean() > 0.7
    assert fitted.validation_scores_ is not None
    assert fitted.validation_scores_.max() > 0.7


def test_classes_of_an_estimator_are_told_apart_to_the_last_digit() -> None:
    """Weights by class and codes for further portions were looked up in sorted arrays, where NumPy compares int64 and
    uint64 as floats."""
    y = CODES.astype(np.uint64) + HUGE
    heavy = mlp.MLPClassifier(hidden=8, epochs=8, class_weight={int(HUGE) + 1: 1000.0}, random_state=0)
    assert (heavy.fit(X, y).predict(X) == HUGE + 1).mean() > 0.9
    large, small = (mlp.MLPClassifier(hidden=8, random_state=0) for _ in range(2))
    for _ in range(3):
        large.partial_fit(X, CODES + BIG, classes=[BIG, BIG + 1, BIG + 2, 2**63 + 5])
        small.partial_fit(X, CODES, classes=[0, 1, 2, 3])
    assert (large.predict_proba(X) == small.predict_proba(X)).all()
    assert large.score(X, CODES + BIG) == small.score(X, CODES)
    with pytest.raises(DataError, match=str(BIG + 3)):
        large.partial_fit(X, CODES + BIG + 1)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1) | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_any_integers_of_64_bits_are_distinct_labels(values: list[int]) -> None:
    """Python's own whole numbers are the truth: NumPy makes float64 of 1 and 2⁶³ in one list."""
    labels, codes = distinct_labels(values)
    assert labels.dtype.kind in "iu"
    assert labels.tolist() == sorted(set(values))
    assert labels[codes].tolist() == values
    assert apply_labels(values, [str(label) for label in sorted(set(values))]).tolist() == codes.tolist()
    saved, kind = labels_to_json(labels)
    assert labels_from_json(json.loads(json.dumps(saved)), kind).tolist() == labels.tolist()


def test_labels_that_no_64_bits_hold_are_refused_as_numbers_and_fine_as_text() -> None:
    y = [2**70 + int(code) for code in CODES]
    with pytest.raises(DataError, match="64 bits do not hold: give classes as text"):
        mlp.run(QUICK, (X, y))
    with pytest.raises(DataError, match="1152921504606846977 among floats"):
        mlp.run(QUICK, (X, [BIG + 1 if code else 1.0 for code in CODES]))
    assert mlp.run(QUICK, (X, list(map(str, y)))).classes == tuple(map(str, sorted(set(y))))


def test_large_whole_numbers_to_predict_are_floats() -> None:
    values = [int(value) for value in 1e18 + X[:, 0] * 1e17]
    run = mlp.run({**QUICK, "data": {"task": "regression", "scale_target": "standard"}}, (X, values))
    assert run.predict(X) == pytest.approx(1e18, rel=1)


# labels in files


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        return (status, *capsys.readouterr())

    return call


def write(path: str, names: list[str], rows: slice = slice(None)) -> list[str]:
    """A table whose classes are called so; the labels of its rows."""
    labels = [names[code] for code in CODES[rows]]
    lines = [f"{a},{b},{label}" for (a, b), label in zip(X[rows], labels, strict=True)]
    Path(path).write_text("\n".join(["a,b,y", *lines]) + "\n", encoding="utf-8")
    return labels


TRAIN = ["--set", "training.epochs=15", "--set", "record.probe=never", "--set", "network.hidden=[16]"]
SPELLINGS: dict[str, tuple[list[str], str]] = {
    "large": (["1234567890123456788", "1234567890123456789", "9876543210987654321"], "u"),
    "small": (["5", "10", "20"], "i"),
    "negative": (["-1", "0", "1"], "i"),
    "too wide together": (["-5", "0", "9876543210987654321"], "U"),
    "23 digits": (["3", "12345678901234567890123", "12345678901234567890124"], "U"),
    "zeros in front": (["007", "008", "010"], "U"),
    "plus signs": (["+5", "+6", "+7"], "U"),
    "points": (["1.0", "2.0", "3.0"], "f"),
    "exponents": (["1e3", "2e3", "3e3"], "U"),
    "large with points": (["1", "9007199254740992.0", "9007199254740993.0"], "U"),
    "words": (["False", "None of them", "True"], "U"),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_classes_are_called_as_the_file_writes_them(cli: Any, name: str) -> None:
    """A column of numbers was read into float64, and classes got their names from there: 1234567890123456788 and ...789
    were one class, 1234567890123456768, which stood nowhere in the file; 007 became 7."""
    names, kind = SPELLINGS[name]
    truth = write("t.csv", names)
    write("v.csv", names, slice(80, 120))
    extra = ["--set", "data.validation=v.csv", "--set", "training.early_stopping=true"]
    assert cli("train", "t.csv", "-o", "run", *TRAIN, *extra)[0] == 0
    run = mlp.load_run("run")
    assert run.classes == tuple(names)
    assert run.predict(X).dtype.kind == kind
    header, *rows = csv.reader(io.StringIO(cli("predict", "run", "t.csv")[1]))
    assert header == ["y", *(f"p({name})" for name in names)]
    accuracy = np.mean([row[0] == label for row, label in zip(rows, truth, strict=True)])
    found = json.loads(cli("evaluate", "run", "t.csv", "--json")[1])
    assert found["metrics"]["accuracy"] == accuracy > 0.7
    assert [one["name"] for one in found["classes"]] == names
    assert np.sum(found["confusion_matrix"]) == 120
    rows_of_x, labels = run.load("t.csv")
    assert (run.predict(rows_of_x) == labels).mean() == accuracy
    assert cli("resume", "run", "--epochs", "16")[0] == 0
    assert mlp.load_run("run").classes == tuple(names)


@pytest.mark.parametrize("texts", ["1 1.0 2", "7 007 8", "5 +5 3", "1000 1e3 1"])
def test_one_number_in_two_spellings_is_refused_as_a_class(cli: Any, texts: str) -> None:
    """They were one class, called by a third spelling. As two classes they would be wrong as well: say which it is."""
    truth = write("t.csv", names := texts.split())
    status, _, said = cli("train", "t.csv", *TRAIN)
    lines = [f"line {truth.index(name) + 2}: '{name}'" for name in names[:2]]
    assert status == 2
    assert all(line in said for line in lines)
    assert "in two spellings" in said
    assert cli("train", "t.csv", *TRAIN, "--set", "data.task=regression")[0] == 0


def test_a_further_file_may_write_the_numbers_of_classes_in_another_way(cli: Any) -> None:
    """pandas writes 1 as 1.0 where another row of the column is empty."""
    for name in ("t.csv", "further.csv"):
        write(name, ["1", "2", "3"])
    cli("train", "t.csv", "-o", "run", *TRAIN)
    expected = cli("evaluate", "run", "further.csv")
    write("w.csv", ["1.0", "2.0", "3.0"])
    assert cli("evaluate", "run", "w.csv") == expected
    write("w.csv", ["1.0", "2.5", "3.0"])
    assert "not seen in training (line 2: '2.5'" in cli("evaluate", "run", "w.csv")[2]


def test_text_is_no_number_in_arrays() -> None:
    run = mlp.run(QUICK, (X, np.array(["1", "2", "3"])[CODES]))
    with pytest.raises(DataError, match=r"row 0: '.\.0'"):
        run.evaluate(X, np.array(["1.0", "2.0", "3.0"])[CODES])
    assert run.evaluate(X, CODES + 1) == run.evaluate(X, np.array(["1", "2", "3"])[CODES]), "3 is called '3'"


@pytest.mark.parametrize(
    "name", ["int64", "uint64", "uint8", "float64", "bool", "text", "bytes", "texts of one number"]
)
@pytest.mark.parametrize("kind", ["npz", "npy", "split"])
def test_labels_in_array_files_come_back_in_their_dtype(name: str, kind: str, tmp_path: Path) -> None:
    y = TARGETS[name]
    data: dict[str, Any] = {"source": str(tmp_path / f"d.{'npy' if kind == 'npy' else 'npz'}")}
    if kind == "npy":
        np.save(tmp_path / "d.npy", X)
        np.save(tmp_path / "y.npy", y)
        data["target"] = "y.npy"
    elif kind == "npz":
        np.savez(tmp_path / "d.npz", X=X, y=y)
    else:
        np.savez(tmp_path / "d.npz", X_train=X, y_train=y, X_test=X, y_test=y)
    run = mlp.run({**CONFIG, "data": data})
    assert run.predict(X).dtype == y.dtype
    assert (run.predict(X) == y).mean() == run.evaluate(X, y)["accuracy"] > 0.7
    assert run.evaluate(*run.load(data["source"]))["accuracy"] == run.evaluate(X, y)["accuracy"]


def test_an_official_split_may_mix_signed_and_unsigned_integers(tmp_path: Path) -> None:
    """Joined, int64 and uint64 are float64 to NumPy: neighbouring labels were one class."""
    y = CODES + BIG
    np.savez(tmp_path / "d.npz", X_train=X, y_train=y, X_test=X, y_test=y.astype(np.uint64))
    run = mlp.run({**CONFIG, "data": {"source": str(tmp_path / "d.npz")}})
    assert run.classes == tuple(str(BIG + i) for i in range(3))
    assert run.metrics["test_accuracy"] == (run.predict(X) == y).mean()


def test_class_names_are_read_as_numbers_only_where_numbers_write_themselves_so() -> None:
    for names in (["0", "1"], ["1.0", "2.0"], ["18446744073709551615", "0"]):
        assert list(map(str, read_labels(names).tolist())) == names
        assert read_labels(names).dtype.kind in "iuf"
    for texts in ("00 01", "+1 2", "1e3 2", "-0 1", "nan inf", "1 x", "0.5 1.5", "-1 9999999999999999999"):
        assert read_labels(texts.split()).tolist() == texts.split()


def test_labels_of_an_earlier_version_are_read_without_their_dtype() -> None:
    assert labels_from_json([3, 5], None).dtype == np.int64
    assert labels_from_json(["a", "b"], None).tolist() == ["a", "b"]


# what is no label


@pytest.mark.parametrize(
    ("values", "needle"),
    [
        ([None, "a"], "contains None: row 0; row 2"),
        (["a", float("nan")], "contains NaN: row 1; row 3"),
        (np.array(["a", None], object), "contains None: row 1"),
        ([True, None], "contains None: row 1"),
        (pd.Series(["a", pd.NA], dtype="string"), "contains <NA>: row 1"),
        (pd.Series([True, pd.NA], dtype="boolean"), "contains <NA>: row 1"),
        (pd.Categorical(["a", None]), "contains NaN: row 1"),
        (pd.Series([pd.Timestamp("2020-01-01"), pd.NaT], dtype=object), "contains NaT: row 1"),
        (pl.Series(["a", None]), "contains None: row 1"),
        (pd.Series([1, pd.NA], dtype="Int64"), "row 1"),
        (pl.Series([1, None]), "row 1"),
        ([1, "a"], "numbers and, in row 1, 'a'"),
        ([b"a", "a"], "bytes and, in row 1, 'a'"),
        ([pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02")], "Timestamp values"),
        (["a", "a\0"], "NUL"),
        (np.array(["2020-01-01", "2020-01-02"], "M8[D]"), "datetime64"),
    ],
    ids=lambda value: ascii(value)[:30].replace("\n", " "),
)
def test_what_is_missing_or_mixed_is_refused_by_row(values: Any, needle: str) -> None:
    """Of a list NumPy makes text: a missing label was the class 'nan', and 1 the class '1'. Of texts it drops NULs."""
    y = values.take(np.arange(120) % 2) if hasattr(values, "take") else list(values) * 60
    if isinstance(values, pl.Series):
        y = values.gather((np.arange(120) % 2).tolist())
    for train in (lambda: mlp.run(QUICK, (X, y)), lambda: mlp.MLPClassifier(epochs=1).fit(X, y)):
        with pytest.raises(DataError) as caught:
            train()
        assert needle in str(caught.value)
        assert "\n" not in str(caught.value)
