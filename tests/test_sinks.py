"""Logs: what other programs read there is what the history holds."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

import mlp
from mlp.sinks import log, logs, output

HISTORY = mlp.History(
    {
        "loss": [0.7, 0.5, 0.1 + 0.2],
        "grad_norm_by_layer": [[1, 2], [3, 4], [5, 6]],
        "validation_loss": [0.4],
        "rows": [9],
    },
    steps={"validation_loss": [2], "rows": [0]},
    labels={"grad_norm_by_layer": ("dense1", "dense2")},
)  # fmt: skip


def table(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def events(folder: Path) -> dict[tuple[str, int], float]:
    """(name, step) → value, by the format's definition: 8 bytes length, 4 of checksum, the event, 4 of checksum."""
    found = {}
    for path in folder.iterdir():
        data, at = path.read_bytes(), 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 8], "little")
            event = Event.FromString(data[at + 12 : at + 12 + size])
            found |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
            at += size + 16
    return found


def steps(epochs: int = 6) -> Any:
    """A small training: 5 steps an epoch."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 2))
    net = mlp.Network([mlp.Dense(2, 3), mlp.ReLU(), mlp.Dense(3, 1)], 0)
    return mlp.train(net, mlp.batches(X, X[:, :1], size=4, rng=0, epochs=epochs), mlp.SquaredError(), mlp.SGD(0.01))


def test_csv_has_a_column_for_each_layer_and_nothing_where_nothing_was_recorded(tmp_path: Path) -> None:
    """0.1 + 0.2: all digits. `rows` is a single record at step 0, a fact of the start, and no curve."""
    mlp.to_csv(HISTORY, tmp_path / "run.csv")
    assert table(tmp_path / "run.csv") == [
        ["step", "loss", "grad_norm_by_layer/dense1", "grad_norm_by_layer/dense2", "validation_loss"],
        ["0", "0.7", "1.0", "2.0", ""],
        ["1", "0.5", "3.0", "4.0", ""],
        ["2", "0.30000000000000004", "5.0", "6.0", "0.4"],
    ]


def test_json_lines_hold_only_what_was_recorded(tmp_path: Path) -> None:
    mlp.to_jsonl(HISTORY, tmp_path / "run.jsonl")
    first, _, last = lines(tmp_path / "run.jsonl")
    assert first == {"step": 0, "loss": 0.7, "grad_norm_by_layer/dense1": 1.0, "grad_norm_by_layer/dense2": 2.0}
    assert last["validation_loss"] == 0.4


def test_a_number_that_is_none_is_null_in_json_and_nan_in_csv(tmp_path: Path) -> None:
    history = mlp.History({"loss": [1.0, np.nan, np.inf]})
    mlp.to_jsonl(history, tmp_path / "run.jsonl")
    mlp.to_csv(history, tmp_path / "run.csv")
    assert [line["loss"] for line in lines(tmp_path / "run.jsonl")] == [1.0, None, None]
    assert [row[1] for row in table(tmp_path / "run.csv")[1:]] == ["1.0", "nan", "inf"]


def test_tensorboard_reads_every_number(tmp_path: Path) -> None:
    mlp.to_tensorboard(HISTORY, tmp_path / "board")
    found = events(tmp_path / "board")
    assert found[("loss", 1)] == 0.5
    assert found[("grad_norm_by_layer/dense2", 2)] == 6.0
    assert found[("validation_loss", 2)] == pytest.approx(0.4)  # float32 there
    assert len(found) == 3 + 6 + 1


def test_tensorboard_is_given_nan_without_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """tensorboardX warned on standard error, once for each number."""
    mlp.to_tensorboard(mlp.History({"loss": [1.0, np.nan]}), tmp_path / "board")
    assert np.isnan(events(tmp_path / "board")[("loss", 1)])
    assert capsys.readouterr().err == ""


def test_members_of_a_population_are_numbered(tmp_path: Path) -> None:
    history = mlp.History({"g": np.arange(12).reshape(1, 2, 6)}, labels={"g": tuple("abcdef")})
    mlp.to_csv(history, tmp_path / "run.csv")
    assert table(tmp_path / "run.csv")[0][1:] == [f"g/{i}/{c}" for i in (0, 1) for c in "abcdef"]


def test_a_history_of_nothing_is_an_empty_table(tmp_path: Path) -> None:
    mlp.to_csv(mlp.History(), tmp_path / "run.csv")
    assert table(tmp_path / "run.csv") == [["step"]]


@pytest.mark.parametrize("every", [1, 3, 7, 1000])
def test_a_log_that_followed_is_the_log_written_afterwards(every: int, tmp_path: Path) -> None:
    """Columns of several periods join on the way: of CSV the head is written anew."""
    recorder = mlp.Recorder(mlp.DETAILED)
    tapped = recorder.tap(steps())
    for name in ("live.csv", "live.jsonl", "board"):
        tapped = mlp.logged(tapped, recorder.history, tmp_path / name, every=every)
    assert len(list(tapped)) == 30
    mlp.to_csv(recorder.history, tmp_path / "after.csv")
    mlp.to_jsonl(recorder.history, tmp_path / "after.jsonl")
    mlp.to_tensorboard(recorder.history, tmp_path / "after")
    assert (tmp_path / "live.csv").read_text() == (tmp_path / "after.csv").read_text()
    assert sorted(lines(tmp_path / "live.jsonl"), key=str) == sorted(lines(tmp_path / "after.jsonl"), key=str)
    assert events(tmp_path / "board") == events(tmp_path / "after")
    assert {path.name for path in tmp_path.iterdir()} == {
        "live.csv", "live.jsonl", "board", "after.csv", "after.jsonl", "after",
    }  # fmt: skip


def test_a_log_can_be_read_while_the_training_goes_on(tmp_path: Path) -> None:
    """The latest step waits: a validation loss may yet be noted for it."""
    recorder = mlp.Recorder()
    for step in islice(mlp.logged(recorder.tap(steps()), recorder.history, tmp_path / "run.csv", every=10), 21):
        if step.index == 20:
            assert [row[0] for row in table(tmp_path / "run.csv")[1:]] == [str(i) for i in range(19)]


def test_a_loop_that_is_left_early_has_its_last_steps_written(tmp_path: Path) -> None:
    recorder = mlp.Recorder()
    following = mlp.logged(recorder.tap(steps()), recorder.history, tmp_path / "run.csv")
    for step in following:
        if step.index == 12:
            break
    following.close()  # type: ignore[attr-defined]
    assert table(tmp_path / "run.csv")[-1][0] == "12"


def test_what_is_said_late_finds_its_row(tmp_path: Path) -> None:
    history = mlp.History({"loss": [3.0, 2.0, 1.0]})
    with log(history, tmp_path / "run.csv") as following:
        following.update()
        history.append("note", 7, 1)
    assert table(tmp_path / "run.csv")[1:] == [["0", "3.0", ""], ["1", "2.0", "7.0"], ["2", "1.0", ""]]


def test_training_is_the_same_with_a_log(tmp_path: Path) -> None:
    *_, plain = steps()
    recorder = mlp.Recorder()
    *_, seen = mlp.logged(recorder.tap(steps()), recorder.history, tmp_path / "run.csv", every=1)
    assert plain.network.params.tobytes() == seen.network.params.tobytes()


def test_an_error_in_the_loop_stays_what_it_is_and_the_log_is_whole(tmp_path: Path) -> None:
    recorder = mlp.Recorder()
    with pytest.raises(OSError, match="mine"), log(recorder.history, tmp_path / "run.csv"):
        for step in recorder.tap(steps()):
            if step.index == 4:
                raise OSError("mine")
    assert table(tmp_path / "run.csv")[-1][0] == "4"


@pytest.mark.parametrize("name", ["run.txt", "no/run.csv", "folder.csv", "file"])
def test_a_path_that_cannot_be_is_refused_before_the_first_step(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(mlp.DataError, match=name):
        next(mlp.logged(iter([1]), HISTORY, tmp_path / name))


def test_an_empty_path_is_no_folder() -> None:
    with pytest.raises(mlp.DataError, match="an empty path"):
        next(mlp.logged(iter([1]), HISTORY, ""))


def test_of_several_logs_all_are_opened_or_none(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("step\n")
    paths = [tmp_path / "new.csv", tmp_path / "old.csv", tmp_path / "no" / "run.csv"]
    with pytest.raises(mlp.DataError), logs(HISTORY, paths, print):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "step\n"


def test_a_log_that_fails_on_the_way_is_given_up_and_the_others_go_on(tmp_path: Path) -> None:
    said: list[Exception] = []
    with logs(HISTORY, [tmp_path / "a.csv", tmp_path / "b.jsonl"], said.append) as following:
        (tmp_path / "a.csv").unlink()
        (tmp_path / "a.csv").mkdir()  # where the head of a.csv would be written
        following.update()
        following.update()
    assert len(said) == 1
    assert "a.csv: the log cannot be written" in str(said[0])
    assert len(lines(tmp_path / "b.jsonl")) == 3


def test_tensorboard_is_asked_for_by_the_name_of_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(mlp.MissingExtraError, match=r"pip install 'mlp\[tensorboard\]'"):
        mlp.to_tensorboard(HISTORY, tmp_path / "board")


def test_what_is_new_in_a_column_is_what_was_not_there_before() -> None:
    recorder = mlp.Recorder(mlp.DETAILED)
    list(recorder.tap(steps()))
    for name in recorder.history:
        for start in range(len(recorder.history[name]) + 1):
            when, values = recorder.history.since(name, start)
            assert when.tolist() == recorder.history.steps(name)[start:].tolist()
            np.testing.assert_array_equal(values, recorder.history[name][start:])


@pytest.mark.parametrize(("history", "path"), [({"loss": [1.0]}, "a.csv"), (HISTORY, 7)])
def test_what_is_no_history_or_no_path_is_refused(history: Any, path: Any) -> None:
    with pytest.raises(mlp.HyperparameterError):
        mlp.to_csv(history, path)


# what fails while the training goes on


def limited(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A program in a process that may write no file of more than 8 kB: as on a full disk, with no need for one."""
    limit = "import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\n"
    return subprocess.run(
        [sys.executable, "-c", limit + program], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("name", ["run.csv", "run.jsonl", "board"])
def test_a_log_on_a_full_disk_is_given_up_with_one_line_and_the_training_goes_on(name: str, tmp_path: Path) -> None:
    """tensorboardX's thread ended at the full disk, and whoever put an event into its queue waited for ever."""
    program = (
        "import mlp\nrecorder, net = mlp.Recorder(mlp.DETAILED), mlp.Network([mlp.Dense(2, 1)], 0)\n"
        "batch = mlp.as_batch([[0, 1], [1, 0.0]], [0, 1.0])\n"
        "steps = mlp.train(net, [batch] * 300, mlp.SquaredError(), mlp.SGD(0.1))\n"
        f"for step in mlp.logged(recorder.tap(steps), recorder.history, {name!r}, every=1): pass\n"
        "print(step.index)"
    )
    done = limited(program, tmp_path)
    assert (done.returncode, done.stdout) == (0, "299\n"), done.stderr
    assert done.stderr.count("\n") == 1 and f"{name}: the log cannot be written: File too large" in done.stderr
    if name != "board":
        assert (tmp_path / name).read_bytes().endswith(b"\n"), "no torn line"
    else:
        assert len(events(tmp_path / name)) > 50, "what is there can be read"


def test_a_pipe_that_nobody_reads_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that opens a pipe, or writes to a full one, waits for a reader: the training waited for ever."""
    monkeypatch.setattr(output, "PATIENCE", 0.05)
    os.mkfifo(tmp_path / "run.csv")
    with pytest.raises(mlp.DataError, match=r"run\.csv: the log cannot be written"):
        next(mlp.logged(iter([1]), HISTORY, tmp_path / "run.csv"))
    reader = os.open(tmp_path / "run.csv", os.O_RDONLY | os.O_NONBLOCK)
    said: list[Exception] = []
    with logs(mlp.History({"loss": np.arange(50_000.0)}), [tmp_path / "run.csv"], said.append) as following:
        following.update()
    os.close(reader)
    assert len(said) == 1 and "nobody has read from it for 0.05 seconds" in str(said[0])


def test_whatever_a_sink_raises_it_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries behind sinks raise what they like: a RuntimeError of one ended the training."""
    said: list[Exception] = []
    with logs(HISTORY, [tmp_path / "a.csv", tmp_path / "b.csv"], said.append) as following:
        monkeypatch.setattr(following.made[0].sink, "update", lambda **_: 1 / 0)
        following.update()
    assert [str(error).partition("a.csv: ")[2] for error in said] == [
        "the log cannot be written: ZeroDivisionError('division by zero')."
    ]
    assert len(table(tmp_path / "b.csv")) == 4
