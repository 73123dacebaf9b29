"""Rows parted by groups, by time and into folds; and tables in other formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import mlp
from mlp.cli import main
from mlp.data import load
from mlp.data.split import fold_rows, split_groups, split_in_time
from mlp.errors import ConfigError, DataError, FileFormatError, MissingExtraError, UnknownNameError
from mlp.experiment import begin

RNG = np.random.default_rng(2)
N = 120
GROUP = np.repeat(np.arange(24), 5)
DAY = RNG.permutation(N)
TABLE = pl.DataFrame(
    {
        "a": RNG.permutation(N) / 8,
        "who": [f"p{g:02}" for g in GROUP],
        "day": (np.datetime64("2024-01-01") + DAY).astype(str),
        "t": np.where(RNG.random(N) < 0.5, "x", "y"),
    }
)
QUICK: dict[str, Any] = {"training": {"epochs": 1}, "record": {"baseline": "never"}}


def parts(**data: Any) -> list[Any]:
    """The inputs of each part, which tell its rows: all are different."""
    setup, _ = begin({**QUICK, "data": {"scale": "none", **data}}, TABLE)
    assert setup.prepared.preprocessing.feature_names == ("a",)
    found = (setup.prepared.train, setup.prepared.validation, setup.prepared.test)
    order = {np.float32(a): i for i, a in enumerate(TABLE["a"])}
    return [[order[x] for x in part.X[:, 0]] if part else [] for part in found]


def test_all_rows_of_a_group_land_in_one_part() -> None:
    found = parts(group="who", ignore=["day"])
    groups = [set(GROUP[rows]) for rows in found]
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]
    assert [len(rows) for rows in found] == pytest.approx([0.7 * N, 0.15 * N, 0.15 * N], abs=5)
    assert found == parts(group="who", ignore=["day"]), "the seed decides"


def test_the_latest_rows_are_to_test_on() -> None:
    train, validation, test = parts(time="day", ignore=["who"])
    assert DAY[train].max() < DAY[validation].min() <= DAY[validation].max() < DAY[test].min()
    assert len(test) == pytest.approx(0.15 * N, abs=1)


def test_rows_of_one_time_are_not_parted() -> None:
    times = np.repeat([1.0, 2.0, 3.0, 4.0], 10)
    found = split_in_time(times, validation=0.3, test=0.3)
    assert [sorted(set(times[rows])) for rows in found] == [[1.0], [2.0], [3.0, 4.0]]
    with pytest.raises(DataError, match="too few different times"):
        split_in_time(np.zeros(10), test=0.5)


def test_dates_that_do_not_sort_are_refused() -> None:
    with pytest.raises(DataError, match=r"column 'day': row 0: '01.02.2024'.*2024-03-05"):
        begin({**QUICK, "data": {"time": "day", "ignore": ["who"]}}, TABLE.with_columns(day=pl.lit("01.02.2024")))
    with pytest.raises(UnknownNameError, match=r"data\] group"):
        begin({**QUICK, "data": {"group": "whom"}}, TABLE)


def test_folds_hold_each_row_once_and_each_class_evenly() -> None:
    labels = np.array([0] * 30 + [1] * 11)
    folds = fold_rows(41, 4, rng=1, labels=labels)
    for c in (0, 1):
        sizes = np.bincount(folds[labels == c], minlength=4)
        assert sizes.max() - sizes.min() <= 1
    assert len(set(map(tuple, (fold_rows(41, 4, rng=s) for s in range(3))))) == 3
    with pytest.raises(DataError, match="folds"):
        fold_rows(3, 4)


def test_each_row_is_tested_in_one_fold_and_groups_stay_whole() -> None:
    tested = [parts(folds=4, fold=k, ignore=["who", "day"]) for k in (1, 2, 3, 4)]
    assert sorted(row for _, _, test in tested for row in test) == list(range(N))
    for k in (1, 2, 3):
        train, validation, test = (set(GROUP[rows]) for rows in parts(folds=3, fold=k, group="who", ignore=["day"]))
        assert not train & validation | train & test | validation & test
    with pytest.raises(ConfigError, match="fold = 0 of folds = 3"):
        parts(folds=3, ignore=["who", "day"])
    with pytest.raises(ConfigError, match="Use one of them"):
        parts(folds=3, fold=1, time="day", ignore=["who"])


def test_folds_on_the_command_line_leave_a_run_each_and_their_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "iris", "--folds", "3", "-o", "cv", "--set", "training.epochs=2"]) == 0
    said = capsys.readouterr().out
    runs = [mlp.load_run(f"cv/fold-{k}") for k in (1, 2, 3)]
    scores = [run.metrics["test_accuracy"] for run in runs]
    assert f"{np.mean(scores):.4f} ± {np.std(scores, ddof=1):.4f}" in said
    again = mlp.run({"data": {"source": "iris", "folds": 3, "fold": 2}, "training": {"epochs": 2}})
    assert np.array_equal(again.network.params, runs[1].network.params)
    assert main(["train", "iris", "--folds", "1"]) == 2
    assert mlp.resume("cv/fold-1", epochs=3).steps > runs[0].steps


def test_after_the_folds_one_network_is_trained_on_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """It is the run that `mlp train` makes where no rows are held out to test on, and the mean is that of the folds."""
    monkeypatch.chdir(tmp_path)
    quick = ["--set", "training.epochs=2"]
    assert main(["train", "iris", "--folds", "2", "--all", "-o", "cv", "--json", *quick]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["all"] == "cv/all" and told["folds"] == ["cv/fold-1", "cv/fold-2"]
    scores = [mlp.load_run(folder).metrics["test_accuracy"] for folder in told["folds"]]
    assert told["metrics"]["test_accuracy"] == pytest.approx(np.mean(scores), rel=1e-12)  # a mean of two
    whole = mlp.load_run("cv/all")
    same = mlp.run({"data": {"source": "iris", "test": 0.0}, "training": {"epochs": 2}})
    assert np.array_equal(whole.network.params, same.network.params)
    assert "test_accuracy" not in whole.metrics
    assert main(["train", "iris", "--all", *quick]) == 2
    assert "--folds" in capsys.readouterr().err


def test_a_split_of_groups_leaves_no_part_empty() -> None:
    groups = np.array([0] * 50 + [1, 2])
    assert all(map(len, split_groups(groups, validation=0.1, test=0.1)))
    with pytest.raises(DataError, match="2 groups cannot be parted into 3"):
        split_groups(np.array([0, 1]), validation=0.3, test=0.3)


# other formats


def test_json_lines_are_read_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1, "c": "red", "t": 0}\n\n{"a": 2.5, "c": "blue", "t": 1}\n', encoding="utf-8")
    data = load(path)
    assert data.feature_names == ("a", "c=blue", "c=red")
    assert data.X.tolist() == [[1, 0, 1], [2.5, 1, 0]]
    assert np.asarray(data.y).dtype == np.int64
    path.write_text('{"a": 1, "t": 0}\n{"t": 1}\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 2, column 'a'"):
        load(path)
    for text, message in (("{", "line 1: this is no JSON"), ("[1]", "line 1: .* is not an object"), ("", "is empty")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises((FileFormatError, DataError), match=message):
            load(path)


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_parquet_and_arrow_are_read_as_the_frame(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{suffix}"
    getattr(TABLE, {"parquet": "write_parquet", "arrow": "write_ipc"}[suffix])(path)
    rules = {"data": {"source": str(path), "ignore": ["who", "day"]}, **QUICK}
    from_frame = mlp.run({**QUICK, "data": {"ignore": ["who", "day"]}}, TABLE)
    assert np.array_equal(mlp.run(rules).network.params, from_frame.network.params)
    path.write_bytes(b"PAR0")
    with pytest.raises(FileFormatError, match="cannot be read as"):
        load(path)


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(MissingExtraError, match="tables"):
        load(tmp_path / "t.parquet")
