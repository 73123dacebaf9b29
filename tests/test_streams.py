"""Standard output and error that lead nowhere: no training is lost, and nobody sees a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.errors import REMEDIES, DataError, os_reason
from mlp.experiment.run_files import NAMES

QUICK = "--set training.epochs=2 --set record.probe=never"
TRAIN = f"train iris {QUICK} -o made"
BENCH = "bench --optimizers sgd --problems xor --seeds 2 --jobs 1 -c quick.toml -o made"
SWEEP = f"sweep iris {QUICK} --over network.hidden=[2],[3] --seeds 1 --folds 2 --jobs 1 -o made"
FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("quick.toml").write_text("[bench]\nrates = 1\nepochs = 2\n")
    return tmp_path


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take a second each, and are written as tables are."""
    monkeypatch.setattr("mlp.optimizer_bench.compare_optimizers.draw_plots", lambda cells, folder: None)
    monkeypatch.setattr("mlp.grid_search.search.draw_plot", lambda search, cells, path: None)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to ask for answers."""
    place = tmp_path_factory.mktemp("streams") / "run"
    mlp.run({"data": {"source": "iris"}, "training": {"epochs": 1}, "record": {"probe": "never"}}, out=place)
    return place


def full() -> Any:
    """A stream onto a full disk."""
    return FULL.open("w")


def broken() -> Any:
    """A pipe whose reader is gone: `| head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w", buffering=1)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Any]]:
    """`call("data", stdout=full)`: the exit status and what was said on the other stream."""
    made: list[Any] = []

    def carry_out(line: str, **streams: Callable[[], Any] | None) -> tuple[int, str, str]:
        for name, make in streams.items():
            made.append(None if make is None else make())
            monkeypatch.setattr(sys, name, made[-1])
        try:
            status = main(line.split())
        except SystemExit as end:
            status = int(end.code or 0)
        assert all(getattr(sys, name) is stream for name, stream in zip(streams, made[-len(streams) :], strict=True))
        return status, *capsys.readouterr()

    yield carry_out
    for stream in filter(None, made):
        stream.close()  # which would raise if anything waited for the full disk


@pytest.mark.parametrize("line", [TRAIN, f"{TRAIN} --json -q", BENCH, SWEEP], ids=["train", "json", "bench", "sweep"])
def test_what_a_command_makes_outlives_its_output(call: Any, line: str) -> None:
    """print raised where standard output was full, and what was trained went with it: no run directory was left."""
    status, _, said = call(line, stdout=full)
    assert status == 2
    assert said.count("\n") == 1
    assert said.startswith("mlp: standard output cannot be written: No space left on device. Make room")
    assert said.endswith("What was made is whole: made.\n")
    there = {path.name for path in Path("made").iterdir()}
    wanted = {"train": set(NAMES), "bench": {"summary.csv", "results.csv"}, "sweep": {"chosen.toml"}}
    assert wanted[line.split()[0]] <= there


@pytest.mark.parametrize("stream", [broken, None], ids=["| head", ">&-"])
def test_a_training_goes_on_where_nobody_reads(call: Any, stream: Any) -> None:
    """`mlp train ... | head -1` ended with status 0 and without a run; a terminal that is closed is the same."""
    assert call(TRAIN, stdout=stream) == (0, "", "")
    assert mlp.load_run("made").steps == 8


def test_a_run_goes_on_from_its_checkpoint_into_a_full_disk(call: Any) -> None:
    assert call(f"{TRAIN} -q")[0] == 0
    status, _, said = call("resume made --epochs 3", stdout=full)
    assert (status, said.count("\n")) == (2, 1)
    assert mlp.load_run("made").steps == 12


LINES = ("predict {} iris", "evaluate {} iris --json", "diagnose {}", "data", "help", "--help", "train --help",
         "--version", "completion bash", "explain xor --steps 2 -o -")  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_where_output_is_all_there_is_a_full_disk_is_one_line(call: Any, run: Path, line: str) -> None:
    """What waits in a buffer fails when it is flushed: behind the last line, or when the interpreter ends (120)."""
    status, _, said = call(line.format(run), stdout=full)
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith("mlp: standard output cannot be written: No space left on device.")


@pytest.mark.parametrize("line", LINES)
def test_where_output_is_all_there_is_a_reader_may_go_away(call: Any, run: Path, line: str) -> None:
    assert call(line.format(run), stdout=broken) == (0, "", "")


@pytest.mark.parametrize("stream", [full, broken, None], ids=["2>/dev/full", "2>&1 | head", "2>&-"])
def test_a_complaint_that_nobody_can_read_changes_no_status(call: Any, run: Path, stream: Any) -> None:
    """The complaint about bad input raised itself, and the status was 1: that of a training that diverged."""
    assert call("predict nowhere iris", stderr=stream) == (2, "", "")
    assert call("train --bad", stderr=stream) == (2, "", "")
    assert call(TRAIN, stdout=full, stderr=stream)[0] == 2
    assert mlp.load_run("made").steps == 8


def test_files_are_never_called_standard_output(folder: Path) -> None:
    """Where 0, 1 and 2 are closed, the next file that is opened gets such a number: a run would hold what a library
    has to say."""
    child = os.fork()
    if not child:
        try:
            for number in range(3):
                os.close(number)
            status = main(TRAIN.split())
            os._exit(
                status if {os.fstat(number).st_rdev for number in range(3)} == {os.stat(os.devnull).st_rdev} else 9
            )
        finally:
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert mlp.load_run("made").steps == 8


# what the system refuses

ERRORS = ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EIO")
CALLS = ("open", "mkdir", "link", "replace", "write", "fsync")
RUN = {"data": {"source": "iris"}, "training": {"epochs": 1}, "record": {"probe": "never", "baseline": "never"}}
SMALL = {"seeds": 2, "rates": 1, "epochs": 2}
SEARCH = {"over": {"network.hidden": [2]}, "seeds": 1, "folds": 2}


@cache
def comparison() -> Any:
    return mlp.bench("sgd", "xor", **SMALL)


@cache
def search() -> Any:
    return mlp.grid(RUN, **SEARCH)


WRITERS: dict[str, Callable[[Any, Path], object]] = {
    "run": lambda run, place: run.save(place / "run"),
    "mlp.run": lambda run, place: mlp.run(RUN, out=place / "run"),
    "report": lambda run, place: run.report(place / "page.html"),
    "history": lambda run, place: run.history.save(place / "history.npz"),
    "to_csv": lambda run, place: mlp.to_csv(run.history, place / "history.csv"),
    "to_jsonl": lambda run, place: mlp.to_jsonl(run.history, place / "history.jsonl"),
    "onnx": lambda run, place: mlp.to_onnx(run, place / "net.onnx"),
    "safetensors": lambda run, place: mlp.to_safetensors(run, place / "net.safetensors"),
    "bench": lambda run, place: comparison().save(place / "bench"),
    "mlp.bench": lambda run, place: mlp.bench("sgd", "xor", out=place / "bench", **SMALL),
    "search": lambda run, place: search().save(place / "search"),
    "mlp.grid": lambda run, place: mlp.grid(RUN, out=place / "search", **SEARCH),
    "explain": lambda run, place: mlp.explain(
        mlp.Network([mlp.Dense(2, 1)], rng=0), np.ones((1, 2)), np.ones((1, 1)), mlp.SquaredError(), mlp.SGD(0.1),
        steps=1, out=place / "page.html",
    ),
    "landscape": lambda run, place: mlp.landscape.save(run.landscape(points=3), place / "line.csv"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_what_the_system_refuses_has_a_path_and_a_remedy(
    run: Path, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`[Errno 28] No space left on device` named no file, and a lock or a journal that could not be made raised bare
    OSError. Each call to the file system is refused once, each time for another reason."""
    loaded, refused = mlp.load_run(run), 0
    for number in range(1, 60):
        code = getattr(errno, ERRORS[number % len(ERRORS)])
        place, left = folder / str(number), [number]
        place.mkdir()
        with monkeypatch.context() as patch:
            for call in CALLS:
                patch.setattr(os, call, refuse(getattr(os, call), left, place, code))
            try:
                WRITERS[name](loaded, place)
            except DataError as error:
                refused += 1
                assert str(place) in str(error)
                assert os_reason(OSError(code, os.strerror(code))) in str(error)
                assert not [*place.rglob("*.part")]
        if left[0] > 0:
            break
    assert left[0] > 0, "all calls were tried"
    assert refused > 0


def refuse(call: Callable[..., Any], left: list[int], place: Path, code: int) -> Callable[..., Any]:
    """The same call, which is refused once it is the one of that number that writes in the folder."""

    def counted(path: Any, *given: Any, **more: Any) -> Any:
        reads = call.__name__ == "open" and given and given[0] == os.O_RDONLY
        inside = isinstance(path, int) or os.fspath(path).startswith(str(place))
        if inside and not reads:
            left[0] -= 1
            if left[0] == 0:
                raise OSError(code, os.strerror(code))
        return call(path, *given, **more)

    return counted


def test_every_refusal_that_is_met_says_what_to_do() -> None:
    for code, remedy in REMEDIES.items():
        assert os_reason(OSError(code, os.strerror(code))) == f"{os.strerror(code)}. {remedy}."
    assert os_reason(OSError("the disk is wet")).startswith("OSError('the disk is wet'). Give another path")
