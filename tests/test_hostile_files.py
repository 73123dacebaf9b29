"""Pipes, bombs and forgeries under the names of files that came with searches, other tables, parts and journals."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import limits
from mlp.cli import main
from mlp.data import load
from mlp.data.reading import _read_stream
from mlp.errors import DataError, FileFormatError, MLPError
from mlp.storage import archive, lock
from mlp.sweep import Journal

RUN = {"data": {"source": "iris"}, "training": {"epochs": 1}, "record": {"probe": "never", "baseline": "never"}}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    mlp.run(RUN, out=tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("name", "leads"),
    [*((name, "a pipe") for name in ("model.npz", "checkpoint.npz", "history.npz", "metrics.json")),
     ("trajectory.npz", "/dev/zero")],
)  # fmt: skip
def test_what_is_no_file_in_a_run_is_not_waited_for(run: Path, name: str, leads: str) -> None:
    """zipfile opened whatever had the name: `mlp evaluate` of a run with a pipe in it never ended."""
    (run / name).unlink()
    os.mkfifo(run / name) if leads == "a pipe" else (run / name).symlink_to(leads)
    for command in ("evaluate {} iris", "diagnose {}", "resume {} --epochs 2"):
        assert main(command.format(run).split()) in (0, 2)
    assert main(f"train iris --epochs 1 --force -q -o {run}".split()) in (0, 2)


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.xlsx", "t.jsonl", "t.ndjson"])
def test_other_tables_are_regular_files(tmp_path: Path, name: str) -> None:
    """polars opened a pipe, and waited for a writer."""
    pytest.importorskip("polars")
    os.mkfifo(tmp_path / name)
    with pytest.raises(FileFormatError, match="is a pipe, and a regular file is needed"):
        load(tmp_path / name)


def test_parts_and_journals_are_regular_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("parts.py", "trials.jsonl"):
        os.mkfifo(tmp_path / name)
    assert main(f"optimizers x --use {tmp_path / 'parts.py'}".split()) == 2
    assert "is a pipe" in capsys.readouterr().err
    with pytest.raises(FileFormatError, match="is a pipe"):
        Journal(tmp_path / "trials.jsonl")


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_value_that_is_repeated_is_counted_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """A Parquet file of 750 kB held 200 million equal numbers, and was unpacked to 1.6 GB."""
    polars = pytest.importorskip("polars")
    frame = polars.select(a=polars.repeat(1.0, 500_000, dtype=polars.Float64))
    path = tmp_path / f"bomb.{ending}"
    (frame.write_parquet if ending == "parquet" else frame.write_ipc)(path, compression="zstd")
    monkeypatch.setitem(limits.DEFAULTS, limits.UNPACKED, 1 << 20)
    with pytest.raises(FileFormatError, match=r"would grow to 4,000,000 or more.*MLP_UNPACKED raises it"):
        load(path, target="a")


def test_a_library_that_panics_says_so_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A panic of polars is no Exception, and Rust writes twenty lines about it on standard error."""
    polars = pytest.importorskip("polars", minversion="2", reason="polars 1.0 ends the whole process on such a file")
    polars.DataFrame({"a": [1.0, 2.0] * 20, "y": ["p", "q"] * 20}).write_ipc(tmp_path / "t.arrow")
    whole, refused = (tmp_path / "t.arrow").read_bytes(), 0
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[int(rng.integers(len(whole)))] ^= 0xFF
        (tmp_path / "t.arrow").write_bytes(damaged)
        try:
            load(tmp_path / "t.arrow")
        except MLPError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 10
    assert capfd.readouterr().err == ""


def test_standard_input_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mlp train - < /dev/zero` took all the memory there was."""
    monkeypatch.setenv(limits.MEMORY, "100M")

    class Endless:
        def read(self, size: int) -> bytes:
            return bytes(size)

    with pytest.raises(FileFormatError, match="standard input does not fit into memory"):
        _read_stream(Endless())  # type: ignore[arg-type]
    assert _read_stream(BytesIO(b"a,b\n")) == b"a,b\n"


@pytest.mark.parametrize("text", ["[" * 4000, '{"a":' * 800, "9" * 4000, "null", '{"host": 1}'])
def test_whatever_a_lock_says_nobody_sees_a_traceback(tmp_path: Path, text: str) -> None:
    """4,000 brackets in mlp.lock ended in a RecursionError."""
    (tmp_path / lock.NAME).write_text(text)
    with pytest.raises(DataError, match=r"mlp\.lock is not a lock that mlp made"), lock.holding(tmp_path):
        pass
    assert (tmp_path / lock.NAME).read_text() == text


def test_a_whole_number_beyond_all_floats_is_infinite(tmp_path: Path) -> None:
    """In JSON lines a number may have 400 digits: OverflowError."""
    rows = [f'{{"a": {i}, "b": {i * i}}}' for i in range(20)]
    (tmp_path / "t.jsonl").write_text("\n".join([*rows, '{"a": 1, "b": %s}' % ("1" * 400)]))
    with pytest.raises(DataError, match=r"row 20|line 21"):
        mlp.run({"data": {"source": str(tmp_path / "t.jsonl"), "target": "b"}, "training": {"epochs": 1}})


@pytest.mark.parametrize("seconds", ["1" + "0" * 400, "NaN", "Infinity", "true"])
def test_a_journal_with_impossible_seconds_is_refused(tmp_path: Path, seconds: str) -> None:
    (tmp_path / "j").write_text(f'{{"about": {{}}}}\n{{"trial": 1, "result": 1, "seconds": {seconds}}}\n')
    with pytest.raises(DataError, match="line 2: this is no journal"):
        Journal(tmp_path / "j")


# results that are saved by hand


def saved_comparison() -> Callable[[Path], Any]:
    return mlp.bench("sgd", "xor", seeds=2, rates=1, epochs=2).save


def saved_search() -> Callable[[Path], Any]:
    return mlp.grid(RUN, over={"network.hidden": [2]}, seeds=1, folds=2).save


KINDS = {"bench": (saved_comparison, "results.csv", "profile.png"), "search": (saved_search, "sweep.csv", "sweep.png")}


@pytest.mark.parametrize("kind", KINDS)
def test_results_that_are_saved_by_hand_leave_files_of_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """`save` wrote over whatever had its names, and beside a command that was at work there."""
    make, table, picture = KINDS[kind]
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("mlp.optimizer_bench.compare_optimizers.draw_plots", lambda *_: None)  # a second each
    save = make()
    save(tmp_path / "new")
    before = {path.name for path in (tmp_path / "new").iterdir()}
    save(tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == before, "its own files are replaced"
    for name in (table, picture):
        place = tmp_path / f"with {name}"
        place.mkdir()
        (place / name).write_text("precious")
        with pytest.raises(DataError, match=f"{name} is there already"):
            save(place)
        assert [path.name for path in place.iterdir()] == [name]
        assert (place / name).read_text() == "precious"
    with lock.holding(tmp_path / "busy"), pytest.raises(DataError, match="busy is in use"):
        save(tmp_path / "busy")
    mlp.run(RUN, out=tmp_path / "run")
    with pytest.raises(DataError, match="holds a run"):
        save(tmp_path / "run")
    other = KINDS["search" if kind == "bench" else "bench"][0]()
    with pytest.raises(DataError, match=r"is there already|holds a run or a bench"):
        other(tmp_path / "new")


def test_an_archive_says_what_it_is_instead(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.npz")
    assert not archive.is_archive(tmp_path / "a.npz")
    with (
        pytest.raises(FileFormatError, match=r"a\.npz: not as mlp wrote it: it is a pipe"),
        archive.explained(tmp_path / "a.npz"),
    ):
        archive.read(tmp_path / "a.npz")
