"""One process at a time in a folder, and files that count together."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import cli
from mlp.errors import DataError
from mlp.experiment.run_files import CHECKPOINT, NAMES
from mlp.experiment.run_place import reserve_new
from mlp.storage import lock
from mlp.storage.lock import holding, holding_new

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)
SHORT: dict[str, Any] = {"training": {"epochs": 1}, "record": {"probe": "never"}, "network": {"hidden": [3]}}
HOLD = "import sys, mlp.storage.lock as lock, pathlib\nwith lock.holding(pathlib.Path(sys.argv[1])): "


@pytest.fixture(params=[0, errno.ENOLCK], ids=["locks", "no locks"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system with locks, and one without: some of NFS."""
    if request.param:

        def refuse(file: int) -> None:
            raise OSError(request.param, "No locks available")

        monkeypatch.setattr(lock, "_ask", refuse)


@pytest.mark.usefixtures("system")
def test_who_holds_a_folder_is_said_in_one_line(tmp_path: Path) -> None:
    with holding(tmp_path / "run") as folder:
        with pytest.raises(DataError) as caught, holding(folder):
            pass
        assert f"{folder} is in use: process {os.getpid()} on {lock.HERE} has held it since 2" in str(caught.value)
    assert not folder.exists(), "made for this and empty"
    with holding(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("system")
def test_a_dead_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    """A file that only says who has a folder would stay when its writer is killed, and nobody could go on."""
    subprocess.run([sys.executable, "-c", HOLD + "import os; os._exit(9)", tmp_path], check=False)
    assert (tmp_path / lock.NAME).exists()
    with holding(tmp_path):
        assert json.loads((tmp_path / lock.NAME).read_text())["process"] == os.getpid()


def test_without_locks_another_machine_counts_until_its_file_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_ask", lambda file: (_ for _ in ()).throw(OSError(errno.ENOTSUP, "no")))
    (tmp_path / lock.NAME).write_text(json.dumps(lock.Holder("elsewhere", 1, "7", "2026-01-01")._asdict()))
    with (
        pytest.raises(DataError, match=r"process 1 on elsewhere .* If it is gone, remove .*mlp\.lock"),
        holding(tmp_path),
    ):
        pass


def test_a_number_that_a_new_process_has_got_is_no_holder(tmp_path: Path) -> None:
    """After a restart of the machine the number of the dead process may be that of another one."""
    assert lock.Holder(lock.HERE, os.getpid(), "another start", "").is_gone
    assert not lock._myself().is_gone


@pytest.mark.parametrize(
    "make", [lambda p: p.symlink_to("victim"), Path.mkdir, lambda p: p.write_text("mine"), os.mkfifo]
)
def test_what_is_no_lock_is_not_touched(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    """A link that somebody planted would have been followed, and a file of that name emptied."""
    (tmp_path / "victim").write_text("precious")
    make(tmp_path / lock.NAME)
    with pytest.raises(DataError, match=r"mlp\.lock is not a lock"), holding(tmp_path):
        pass
    assert (tmp_path / "victim").read_text() == "precious"
    assert (tmp_path / lock.NAME).is_file() is False or (tmp_path / lock.NAME).read_text() in ("mine", "precious")


def test_a_new_folder_is_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes looked for the first free number and both took it; a link that leads nowhere looked free."""
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    Path("runs/a-1").symlink_to("/nowhere/at/all")
    with reserve_new("a") as first, reserve_new("a") as second:
        assert (str(first), str(second)) == ("runs/a-2", "runs/a-3")
    with holding_new(Path(f"other/b-{n}") for n in count(1)) as folder:
        (folder / "kept").touch()
    assert [*Path("other").iterdir()] == [folder]


# run directories


def test_run_save_and_resume_take_the_lock(tmp_path: Path) -> None:
    """Without it two processes wrote into one folder: each removed the temporary files of the other."""
    run = mlp.run(SHORT, (X, Y), out=tmp_path / "run")
    (tmp_path / "run" / "model.npz").unlink()  # as if it had been killed
    with holding(tmp_path / "run"):
        for call in (
            lambda: run.save(tmp_path / "run"),
            lambda: mlp.run(SHORT, (X, Y), out=tmp_path / "run"),
            lambda: mlp.resume(tmp_path / "run", data=(X, Y)),
            lambda: mlp.repair(SHORT, (X, Y), out=tmp_path / "run"),
        ):
            with pytest.raises(DataError, match=f"in use: process {os.getpid()} on"):
                call()
    assert mlp.resume(tmp_path / "run", data=(X, Y)).steps == run.steps
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*NAMES, CHECKPOINT}


def test_the_command_line_ends_with_2_and_says_who(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with holding(Path("run")), holding(Path("bench")):
        for line in ("train xor -o run", "train xor -o run --force", "bench --problems xor --jobs 1 -o bench"):
            assert cli.main(line.split()) == 2
            said = capsys.readouterr()
            assert said.out == "" and said.err.count("\n") == 1
            assert f"is in use: process {os.getpid()} on {lock.HERE} has held it since" in said.err


@pytest.mark.parametrize("name", ["config.toml", "metrics.json", "history.npz", "repaired.toml"])
def test_a_folder_with_a_model_and_files_of_others_is_left_alone(tmp_path: Path, name: str) -> None:
    """A model that was copied into another program's folder made a run directory of it, and its files were replaced."""
    run = mlp.run(SHORT, (X, Y), out=tmp_path / "run")
    (tmp_path / "service").mkdir()
    shutil.copy(tmp_path / "run" / "model.npz", tmp_path / "service")
    (tmp_path / "service" / name).write_text("[server]\nport = 80\n")
    with pytest.raises(DataError, match=f"{name} is not of a run"):
        run.save(tmp_path / "service")
    assert (tmp_path / "service" / name).read_text() == "[server]\nport = 80\n"


def test_a_model_of_another_program_makes_no_run_directory(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", about=np.array("mine"), weights=X)
    before = (tmp_path / "model.npz").read_bytes()
    with pytest.raises(DataError, match="holds other files"):
        mlp.run(SHORT, (X, Y), out=tmp_path)
    assert (tmp_path / "model.npz").read_bytes() == before


@pytest.mark.parametrize("name", ["model.npz", CHECKPOINT])
def test_no_file_is_written_through_a_link_that_was_planted(tmp_path: Path, name: str) -> None:
    """Whoever may write into a shared folder could have led a file of the run to any file of its owner."""
    run = mlp.run(SHORT, (X, Y), out=tmp_path / "run")
    (tmp_path / "victim").write_bytes(before := (tmp_path / "run" / name).read_bytes())
    (tmp_path / "run" / name).unlink()
    (tmp_path / "run" / name).symlink_to(tmp_path / "victim")
    mlp.run({**SHORT, "training": {"epochs": 2}}, (X, Y), out=tmp_path / "run")
    assert (tmp_path / "victim").read_bytes() == before
    assert not (tmp_path / "run" / name).is_symlink()
    assert mlp.load_run(tmp_path / "run").steps == 2 * run.steps


# files that count together


CALLS = ("replace", "rename", "fsync", "mkdir", "rmdir", "unlink", "open")


def die_at(number: int, save: Callable[[], None], fail: Callable[[], Any]) -> int:
    """Save in a child process in which the call of that number to the file system fails; its exit status.

    0: there were fewer calls. 1: it was saved in spite of that. 2: an error was said. 9: it died.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = [number]

    def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                fail()
            return call(*given, **more)

        return counted

    try:
        for name in CALLS:
            setattr(os, name, wrap(getattr(os, name)))
        save()
        os._exit(left[0] <= 0)
    except DataError:
        os._exit(2)
    finally:
        os._exit(7)


def full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("fail", [lambda: os._exit(9), full], ids=["killed", "full disk"])
def test_a_save_that_is_cut_anywhere_leaves_one_whole_run(tmp_path: Path, fail: Callable[[], Any]) -> None:
    """Five files were renamed one after another: cut between two of them, neither run could be read again.

    Every call to the file system is the last one once, in a process that dies there or is told that the disk is full.
    """
    old = mlp.run(SHORT, (X, Y), out=tmp_path / "old")
    new = mlp.run({**SHORT, "training": {"epochs": 3}}, (X, Y))
    seen = []
    for number in count(1):
        folder = Path(shutil.copytree(tmp_path / "old", tmp_path / f"run{number}"))
        status = die_at(number, lambda folder=folder: new.save(folder), fail)  # type: ignore[misc]
        found = mlp.load_run(folder)
        expected = new if found.steps == new.steps else old
        assert found.network.params.tobytes() == expected.network.params.tobytes()
        assert (found.metrics, found.findings, found.config) == (expected.metrics, expected.findings, expected.config)
        assert found.history.seal() == expected.history.seal()
        assert status != 2 or expected is old, "an error was said, and the new run counts"
        seen.append(expected is new)
        old.save(folder)  # whoever comes next finds a folder to work in
        assert {path.name for path in folder.iterdir()} <= {*NAMES, CHECKPOINT}
        if status == 0:
            break
    assert seen == sorted(seen) or fail is full, "from one call on the new run counts"
    assert not all(seen) and any(seen)


def test_a_page_that_was_left_half_written_goes_when_the_run_is_asked_for_again(tmp_path: Path) -> None:
    """The page of a run is written last: whoever is killed there has saved everything, and left a `.part` of it."""
    folder, half = tmp_path / "run", tmp_path / "run" / "report.html.0123abcd.part"
    mlp.run({"data": {"source": "iris"}, "training": {"epochs": 2}}, out=folder)
    half.write_text("<!DOCTYPE")
    mlp.resume(folder)
    assert not half.exists()
