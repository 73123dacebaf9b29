"""Checkpoints: what is kept, when it is written, what is refused, and what a command says."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import cli
from mlp.errors import ConfigError, DataError, FileFormatError
from mlp.experiment import State, begin, checkpoint, checkpoint_schedule, epochs, initial_state
from mlp.experiment.checkpoint import read_checkpoint, restore_state, write_checkpoint
from mlp.experiment.checkpoint_schedule import SHARE, CheckpointSchedule
from mlp.experiment.loop import Companion
from mlp.storage import archive
from mlp.storage.snapshot import Snapshot, restore

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.digitize(X[:, 0], [-0.3, 0.3])
CONFIG: dict[str, Any] = {
    "network": {"hidden": [5]},
    "training": {"epochs": 4, "batch_size": 16},
    "record": {"probe": "never"},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("made") / "run"
    mlp.run(CONFIG, (X, Y), out=folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def longer(epochs: int, **training: Any) -> dict[str, Any]:
    """CONFIG with as many epochs, and Adam's learning rate for four: it depends on the number of steps."""
    given = CONFIG["training"] | {"epochs": epochs} | training
    return CONFIG | {"training": given, "optimizer": {"learning_rate": 0.01}}


# what is remembered


RULES: dict[str, mlp.Optimizer] = {
    "sam": mlp.SAM(mlp.Momentum(0.1)),
    "gradient noise": mlp.GradientNoise(mlp.Adam(0.01)),
    "lookahead": mlp.Lookahead(mlp.Adam(0.01), every=3),
    "average of clipped": mlp.MovingAverage(mlp.ClipNorm(mlp.AdaHessian(0.01), 1.0)),
    "plateau": mlp.AdamW(mlp.ReduceOnPlateau(0.1, window=2, patience=1)),
    "frozen": mlp.Frozen(mlp.SOAP(0.01), [slice(0, 5)]),
}


def network(population: tuple[int, ...]) -> mlp.Network:
    return mlp.Network([mlp.Dense(4, 5), mlp.Tanh(), mlp.Dense(5, 3)], rng=0, population=population)


@pytest.mark.parametrize("population", [(), (2,)])
@pytest.mark.parametrize("name", RULES)
def test_a_rule_goes_on_from_what_was_taken_of_its_memory(name: str, population: tuple[int, ...]) -> None:
    rule, loss = RULES[name], mlp.SoftmaxCrossEntropy()
    batches = [mlp.as_batch(X[i : i + 6], Y[i : i + 6]) for i in range(0, 60, 6)]
    whole, cut = network(population), network(population)
    *_, _ = mlp.train(whole, batches, loss, rule)
    *_, last = mlp.train(cut, batches[:5], loss, rule)
    snapshot = Snapshot()
    saved = json.loads(json.dumps(snapshot.take(last.state, "memory")))
    arrays = {name: array.copy() for name, array in snapshot.arrays.items()}
    memory = restore(saved, arrays, rule.init(cut.params))
    *_, _ = mlp.train(cut, batches[5:], loss, rule, state=memory)
    assert cut.params.tobytes() == whole.params.tobytes()


def test_an_array_met_twice_is_kept_once_and_is_one_again() -> None:
    a = np.arange(3.0)
    snapshot = Snapshot()
    saved = snapshot.take([a, (a, None, 1.5, np.float32(2))], "x")
    assert len(snapshot.arrays) == 2
    [first, (second, nothing, number, single)] = restore(saved, snapshot.arrays)
    assert first is second
    assert (nothing, number, single, type(single)) == (None, 1.5, 2, np.float32)


@pytest.mark.parametrize(
    "saved",
    [
        {"fields": {"t": 1}},
        {"as_made": "Popen"},
        {"generator": {"dict": {}}},
        {"call": "os.system"},
        {"fields": {"system": 1}},
    ],
    ids=str,
)
def test_what_does_not_fit_the_fresh_object_is_refused(saved: Any) -> None:
    with pytest.raises(FileFormatError, match="it remembers"):
        restore(saved, {}, mlp.Momentum(0.1).init(np.zeros(3)))


def test_batches_begin_in_the_middle_of_an_epoch() -> None:
    rng = np.random.default_rng(3)
    rng.permutation(60)
    before = rng.bit_generator.state
    rows = [batch.rows.tolist() for batch in mlp.batches(X, Y, 16, rng=3, epochs=3) if batch.rows is not None]
    again = np.random.default_rng(0)
    again.bit_generator.state = before
    late = [b.rows.tolist() for b in mlp.batches(X, Y, 16, rng=again, epochs=3, begin=(1, 3)) if b.rows is not None]
    assert late == rows[7:]


def told(value: Any) -> Any:
    """A part of a state as something that can be compared."""
    if isinstance(value, mlp.Network):
        return value.params.tobytes(), value.statistics.tobytes(), value.rng.bit_generator.state
    if isinstance(value, mlp.Recorder):
        return value.history.seal()
    if isinstance(value, list) and all(isinstance(number, np.floating) for number in value):
        return list(map(float, value))
    snapshot = Snapshot()
    taken = snapshot.take(value, "part")
    return taken, {name: array.tobytes() for name, array in snapshot.arrays.items()}


def test_a_checkpoint_holds_everything_that_moves(tmp_path: Path) -> None:
    """Every field of the state comes back as it was; none of them is still as at the start, but for `diverged`."""
    config = CONFIG | {"network": {"hidden": [5], "dropout": 0.2}, "data": {"mixup": 0.2}}
    setup, state = begin(config | {"optimizer": {"name": "momentum"}}, (X, Y))

    class Stopping(Companion):
        def tap(self, steps: Iterator[mlp.Step]) -> Iterator[mlp.Step]:
            for step in steps:
                yield step
                if step.index == 3:
                    raise InterruptedError

    state.alarms = ["no_progress"]
    state.waypoints.keep(0, state.network.params)
    with pytest.raises(InterruptedError):
        list(epochs(setup, state, [Stopping()]))
    write_checkpoint(tmp_path / "checkpoint.npz", setup, state)
    found, start = restore_state(setup, read_checkpoint(tmp_path)), initial_state(setup)
    assert found.steps == 4 and len(found.losses) == 1, "in the middle of the second epoch"
    for field in fields(State):
        mine, theirs = told(getattr(found, field.name)), told(getattr(state, field.name))
        if field.name == "seconds":
            continue
        if field.name == "shuffle_rng":
            mine, theirs = found.order, state.order  # it goes on from where the epoch began
        assert mine == theirs, field.name
        assert mine != told(getattr(start, field.name)) or field.name == "diverged", field.name


# when it is written


def test_writing_keeps_to_its_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on by 10 ms with each step, and by 30 ms with each checkpoint."""
    clock, written = [0.0], []

    def ticking(steps: Iterator[mlp.Step]) -> Iterator[mlp.Step]:
        for step in steps:
            clock[0] += 0.01
            yield step

    def write(path: Path, setup: Any, state: Any) -> None:
        written.append(clock[0])
        clock[0] += 0.03

    tap = mlp.Recorder.tap
    monkeypatch.setattr(mlp.Recorder, "tap", lambda self, steps: ticking(tap(self, steps)))
    monkeypatch.setattr(checkpoint, "write_checkpoint", write)
    monkeypatch.setattr(checkpoint_schedule, "CHECK_EVERY", 0)
    monkeypatch.setattr(checkpoint_schedule.time, "perf_counter", lambda: clock[0])
    mlp.run(CONFIG | {"training": {"epochs": 200, "batch_size": 16}}, (X, Y), out=tmp_path / "run")
    assert len(written) >= 3
    assert written[0] >= checkpoint_schedule.FIRST
    gaps = np.diff(written[:-1])  # the last is that of the end
    assert (0.03 / gaps <= SHARE).all()
    assert (gaps < 1.1 * 0.03 / SHARE).all()


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "write_checkpoint", lambda *_: pytest.fail("written"))
    mlp.run(CONFIG, (X, Y))


# further


def test_more_epochs_train_a_finished_run_as_if_they_had_been_planned(tmp_path: Path) -> None:
    whole = mlp.run(longer(7), (X, Y))
    mlp.run(longer(4), (X, Y), out=tmp_path)
    found = mlp.resume(tmp_path, epochs=7, data=(X, Y))
    assert found.network.params.tobytes() == whole.network.params.tobytes()
    assert (found.history["loss"] == whole.history["loss"]).all()
    assert found.metrics == whole.metrics
    assert found.config == whole.config == mlp.load_run(tmp_path).config
    assert found.history["settings"].tolist() == whole.history["settings"].tolist()


def test_a_schedule_that_followed_the_epochs_follows_more_of_them(tmp_path: Path) -> None:
    cosine = {"optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": "cosine"}}
    planned = mlp.run(longer(8) | cosine, (X, Y)).history["learning_rate"]
    mlp.run(longer(4) | cosine, (X, Y), out=tmp_path)
    rates = mlp.resume(tmp_path, epochs=8, data=(X, Y)).history["learning_rate"]
    assert (rates[len(rates) // 2 :] == planned[len(rates) // 2 :]).all()
    assert rates[len(rates) // 2] > rates[len(rates) // 2 - 1], "it had gone down to the end of four"


def test_a_finished_run_is_given_back_without_training(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlp.experiment.loop, "train", lambda *_, **__: pytest.fail("trained"))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert mlp.resume(folder).steps == mlp.load_run(folder).steps
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_a_kill_left_unwritten_after_the_last_epoch_is_written(folder: Path) -> None:
    whole = mlp.load_run(folder)
    for name in ("model.npz", "metrics.json", "history.npz"):
        (folder / name).unlink()
    found = mlp.resume(folder, data=(X, Y))
    assert found.history.seal() == whole.history.seal() == mlp.load_run(folder).history.seal()


@pytest.mark.parametrize("epochs", [3, 0, -1, True, 4.5, "8"])
def test_fewer_epochs_than_there_were_are_refused(folder: Path, epochs: Any) -> None:
    with pytest.raises(ConfigError, match="whole number, 4 or more"):
        mlp.resume(folder, epochs=epochs, data=(X, Y))


def test_early_stopping_stays(tmp_path: Path) -> None:
    stopped = mlp.run(longer(60, early_stopping={"patience": 1, "min_delta": 0.5}), (X, Y), out=tmp_path)
    assert stopped.steps < 60 * 3
    assert mlp.resume(tmp_path).steps == stopped.steps
    with pytest.raises(ConfigError, match="early stopping, after 1 epoch"):
        mlp.resume(tmp_path, epochs=90, data=(X, Y))


# refused


def test_other_data_is_refused(folder: Path) -> None:
    (folder / "model.npz").unlink()
    with pytest.raises(DataError, match="train has 28 rows, and had 42"):
        mlp.resume(folder, data=(X[:40], Y[:40]))
    other = X.copy()
    other[17, 2] += 1e-3
    with pytest.raises(DataError, match="other numbers in them"):
        mlp.resume(folder, data=(other, Y))
    with pytest.raises(DataError, match="it has 3 features, and had 4"):
        mlp.resume(folder, data=(X[:, :3], Y))
    mlp.resume(folder, data=(X, Y))


def test_arrays_are_asked_for_again(folder: Path) -> None:
    with pytest.raises(DataError, match=r"mlp\.resume\(folder, data=\(X, y\)\)"):
        mlp.resume(folder, epochs=9)


def test_a_folder_without_a_checkpoint_says_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"no checkpoint\.npz to go on from.*Train again"):
        mlp.resume(tmp_path)


@pytest.mark.parametrize("error", [(28, "No space left on device"), (30, "Read-only file system")])
def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one_to_go_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: tuple[int, str]
) -> None:
    whole, n_written = mlp.run(CONFIG, (X, Y)), [0]
    write_array = np.lib.format.write_array

    def full(*given: Any, **how: Any) -> None:
        n_written[0] += 1
        if n_written[0] > 12:
            raise OSError(*error)
        write_array(*given, **how)

    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "write_array", full)
        patch.setattr(CheckpointSchedule, "is_due", lambda self: True)
        with pytest.raises(DataError, match=rf"{error[1]}\. .* The last one, .* is whole: .* mlp resume"):
            mlp.run(CONFIG, (X, Y), out=tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["checkpoint.npz"]
    found = mlp.resume(tmp_path / "run", data=(X, Y))
    assert found.network.params.tobytes() == whole.network.params.tobytes()


def test_a_checkpoint_of_another_kind_of_network_is_refused(folder: Path) -> None:
    """Sealed by somebody who knows how: shapes are compared all the same."""
    path = folder / "checkpoint.npz"
    found = archive.read(path)
    about = found.about | {"config": found.about["config"] | {"network": {"hidden": [6]}}}
    archive.write(path, about, found.arrays)
    with pytest.raises(FileFormatError, match=r"checkpoint\.npz: not as mlp wrote it"):
        mlp.resume(folder, data=(X, Y))


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-100], lambda b: b[:900] + bytes([b[900] ^ 8]) + b[901:], lambda b: b""]
)
def test_a_damaged_checkpoint_is_named(folder: Path, damage: Any) -> None:
    path = folder / "checkpoint.npz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileFormatError, match=r"checkpoint\.npz: not as mlp wrote it"):
        mlp.resume(folder, data=(X, Y))


def test_the_checkpoint_of_another_run_does_not_stay(folder: Path) -> None:
    """mlp resume would have gone on with that one, and written over this."""
    mlp.load_run(folder).save(folder)
    assert (folder / "checkpoint.npz").exists()
    mlp.run(longer(2), (X, Y)).save(folder)
    assert not (folder / "checkpoint.npz").exists()


def test_what_an_earlier_repair_left_does_not_stay(folder: Path) -> None:
    (folder / "repaired.toml").write_text("[data]\n")
    mlp.run(CONFIG, (X, Y), out=folder)
    assert not (folder / "repaired.toml").exists()


# sealed files


def test_a_header_that_asks_for_more_than_there_is_is_refused_before_there_is_room(tmp_path: Path) -> None:
    """NumPy makes room for what a header says, here 8 TB, before it reads."""
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("x.npy", header.getvalue() + bytes(80))
    with pytest.raises(FileFormatError, match="its size another thing"), archive.explained(tmp_path / "a.npz"):
        archive.read(tmp_path / "a.npz")


def test_a_compressed_file_that_grows_beyond_reason_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "history.npz"
    np.savez_compressed(path, about=np.array("{}"), zeros=np.zeros(10**7))
    with pytest.raises(FileFormatError, match="would grow to 80,"):
        mlp.History.load(path)


def test_the_same_content_gives_the_same_bytes_and_orders_are_kept(tmp_path: Path) -> None:
    arrays = {"c": np.arange(6.0).reshape(2, 3), "f": np.asfortranarray(np.eye(3)[:2]), "none": np.zeros((0, 3))}
    for name in ("a", "b"):
        archive.write(tmp_path / name, {"n": 2**80}, arrays)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found = archive.read(tmp_path / "a")
    assert found.about == {"n": 2**80}
    places, rows = archive.join_small(arrays)
    for again in (found.arrays, archive.split_joined(places, rows)):
        for name, array in arrays.items():
            np.testing.assert_array_equal(again[name], array)
            assert again[name].flags.f_contiguous == array.flags.f_contiguous


# said


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """A command of `mlp`, in a folder of its own: its status, and what it said on both streams."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    yield command


QUICK = ("--set", "training.epochs=2", "--set", "record.probe=never")


def test_the_command_trains_further_and_says_when_there_is_nothing_to_do(said: Any) -> None:
    said("train", "iris", "-o", "my run", *QUICK)
    status, out, err = said("resume", "my run")
    assert (status, err) == (0, "")
    assert out == "my run: nothing to do, all 2 epochs are done; to train it further: mlp resume 'my run' --epochs N\n"
    status, out, err = said("resume", "my run", "--epochs", "3", "--json")
    assert (status, err) == (0, "")
    assert "resumed   after 8 steps, 2 epochs done" in out
    assert json.loads(out.splitlines()[-1])["steps"] == 12
    assert json.loads(said("resume", "my run", "--json")[1])["steps"] == 12


@pytest.mark.parametrize(
    "arguments", [(), ("nowhere",), ("run", "--epochs", "1"), ("run", "--epochs", "many"), ("run/model.npz",)]
)
def test_bad_input_is_one_line_and_status_2(said: Any, arguments: tuple[str, ...]) -> None:
    said("train", "iris", "-o", "run", *QUICK)
    try:
        status, out, err = said("resume", *arguments)
    except SystemExit as end:
        status, out, err = int(str(end)), "", "one\n"
    assert (status, out, len(err.splitlines())) == (2, "", 1)


def test_a_source_that_has_changed_is_refused_with_its_name(said: Any) -> None:
    np.savez("data.npz", X=X, y=Y)
    said("train", "data.npz", "-o", "run", *QUICK)
    np.savez("data.npz", X=X[::-1], y=Y)
    status, _, err = said("resume", "run", "--epochs", "5")
    assert status == 2
    assert err.startswith("mlp: data.npz: this is not the data that the run was trained on")


def test_diagnose_needs_the_history_alone(said: Any) -> None:
    said("train", "iris", "-o", "run", *QUICK)
    whole = json.loads(said("diagnose", "run", "--json")[1])
    for name in ("metrics.json", "findings.json"):
        Path("run", name).write_text("{")
    assert json.loads(said("diagnose", "run", "--json")[1]) == whole
    Path("run/model.npz").unlink()
    found = json.loads(said("diagnose", "run", "--json")[1])
    assert (found["findings"], found["steps"]) == (whole["findings"], whole["steps"])
    assert found["metrics"] == {}
    assert found["seconds"] is None
    Path("run/history.npz").unlink()
    assert said("diagnose", "run")[0] == 0, "as far as the checkpoint goes"
