"""What a command has read it never writes; what is there already it replaces with --force only."""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.config import read_toml
from mlp.experiment import Stop, begin, finish, watch_epochs
from mlp.experiment.checkpoint_schedule import CheckpointSchedule
from mlp.experiment.run_files import CHECKPOINT, NAMES, own_files
from mlp.optimizer_bench import check_folder, parse_bench_settings
from mlp.optimizer_bench.protocol import open_folder
from mlp.storage.atomic import replacing
from mlp.storage.permission import Permission

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2)).round(3)
CLASSES = (X[:, 0] > 0).astype(np.uint8)
ONE = {"training": {"epochs": 1}, "record": {"probe": "never"}}
QUICK = "--set training.epochs=1 --set record.probe=never"


class Said(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data in every format, the same rows everywhere, and a run."""
    folder = tmp_path_factory.mktemp("made")
    before = Path.cwd()
    os.chdir(folder)
    rows = [f"{a},{b},{'apple' if c else 'pear'}" for (a, b), c in zip(X, CLASSES, strict=True)]
    for name in ("rows.csv", "more.csv"):
        Path(name).write_text("\n".join(["a,b,fruit", *rows]) + "\n")
    np.savez("rows.npz", X=X, y=CLASSES)
    np.save("X.npy", X)
    np.save("y.npy", CLASSES)
    for name, values in (("images", (X * 50 + 100).astype(np.uint8)), ("labels", CLASSES)):
        head = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
        Path(f"{name}.gz").write_bytes(gzip.compress(head + values.tobytes(), mtime=0))
    Path("e.toml").write_text('[data]\nsource = "rows.csv"\nvalidation = "more.csv"\n[training]\nepochs = 1\n')
    mlp.run({**ONE, "data": {"source": "rows.csv"}}, out="run")
    mlp.run({**ONE, "data": {"source": "X.npy", "target": "y.npy"}}, out="numbers")
    os.chdir(before)
    return folder


@pytest.fixture
def cli(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Said]:
    """`cli("train iris")` in a copy of that folder."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def call(line: str) -> Said:
        capsys.readouterr()
        try:
            status = main([word.replace("␣", " ") for word in line.split(" ") if word])
        except SystemExit as end:
            status = int(end.code or 0)
        return Said(status, *capsys.readouterr())

    return call


def everything() -> dict[str, bytes]:
    """All files in the working directory, links followed."""
    return {str(path): path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()}


def refused(cli: Callable[[str], Said], line: str, *needles: str) -> None:
    """One line on standard error, status 2, and nothing on the disk is other than before."""
    before = everything()
    said = cli(line)
    assert (said.status, said.out) == (2, ""), (line, said)
    assert said.err.startswith("mlp: ") and said.err.count("\n") == 1 and said.err.endswith("\n"), said.err
    assert [needle for needle in needles if needle not in said.err] == [], said.err
    assert everything() == before, line


# what is read

READ = [
    "predict run rows.csv -o rows.csv",
    "predict run rows.csv -o ./run/../rows.csv",
    "predict run rows.csv -o link.csv",
    "predict run rows.csv -o twin.csv",
    "predict run link.csv -o rows.csv",
    "predict run rows.csv -o run/config.toml",
    "predict run rows.csv -o run/model.npz",
    "predict run rows.csv -o run/checkpoint.npz",
    "predict numbers X.npy -o X.npy",
    "train rows.csv -o out --log rows.csv",
    "train rows.csv -o out --log fresh.csv --log twin.csv",
    "train rows.csv -o out --set data.validation=more.csv --log more.csv",
    "train rows.csv -o out --set data.test=more.csv --log more.csv",
    "train -c e.toml -o out --log more.csv",
    "train -c e.csv -o out --log e.csv",
    "train X.npy --set data.target=table.csv -o out --log table.csv",
    "predict numbers images.gz,labels.gz -o labels.gz",
    "predict numbers images.gz,labels.gz -o images.gz",
]  # fmt: skip


@pytest.mark.parametrize("force", ["", " --force"])
@pytest.mark.parametrize("line", READ)
def test_what_a_command_reads_it_never_writes(cli: Callable[[str], Said], line: str, force: str) -> None:
    """`predict RUN rows.csv -o rows.csv` put the answers in the place of the only copy of the rows.

    Files are told apart by what the system says they are (device and inode), not by how their paths are spelled.
    """
    Path("link.csv").symlink_to("rows.csv")
    os.link("rows.csv", "twin.csv")
    shutil.copy("e.toml", "e.csv")
    shutil.copy("y.npy", "table.csv")
    refused(cli, f"{line} {QUICK if line.startswith('train') else ''}{force}", "is read here", "never written")


@pytest.mark.parametrize("line", ["export run rows.csv", "export run twin.csv", "predict run more.csv -o rows.csv"])
def test_a_command_about_a_run_does_not_write_over_the_data_it_came_from(cli: Callable[[str], Said], line: str) -> None:
    """`mlp export RUN rows.csv` put the history in the place of the rows that the run was trained on."""
    os.link("rows.csv", "twin.csv")
    for force in ("", " --force"):
        refused(cli, line + force, "rows.csv", "by the run at hand")


@pytest.mark.parametrize("force", ["", " --force"])
@pytest.mark.parametrize("name", ["config.toml", "history.npz"])
@pytest.mark.parametrize("ending", [".onnx", ".safetensors", ".csv", ".jsonl"])
def test_an_export_writes_onto_no_file_of_the_run(
    cli: Callable[[str], Said], name: str, ending: str, force: str
) -> None:
    Path(f"link{ending}").symlink_to(Path("run", name).resolve())
    refused(cli, f"export run link{ending}{force}", "is read here")


def test_a_run_is_not_written_over_what_it_is_trained_on(cli: Callable[[str], Said]) -> None:
    """A table or an experiment that lies in a folder under the name of a file of a run was replaced by that."""
    Path("d").mkdir()
    shutil.copy("rows.npz", "d/model.npz")
    shutil.copy("e.toml", "run/repaired.toml")
    os.link("rows.csv", "numbers/metrics.json.part")
    for line in (
        "train d/model.npz -o d", "train -c run/config.toml -o run", "train -c run/repaired.toml -o run",
        "train rows.csv -o numbers",
    ):  # fmt: skip
        refused(cli, f"{line} {QUICK} --force", "d holds other files" if "d/model" in line else "is read here")


def test_a_repaired_run_is_not_written_over_what_was_read(cli: Callable[[str], Said]) -> None:
    shutil.copytree("run", "out-repaired")
    refused(cli, "train -c out-repaired/config.toml -o out --repair --force", "is read here")


def test_standard_output_is_not_led_into_what_is_read(made: Path, tmp_path: Path) -> None:
    """The shell opens it; `mlp predict RUN rows.csv >> rows.csv` would put the answers behind the rows."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    before = (tmp_path / "rows.csv").read_bytes()
    with (tmp_path / "rows.csv").open("a") as out:
        done = run("-m", "mlp", "predict", "run", "rows.csv", folder=tmp_path, stdout=out)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "standard output goes to rows.csv, which is read here" in done.stderr
    assert (tmp_path / "rows.csv").read_bytes() == before


# what is there


@pytest.mark.parametrize(
    "line",
    [
        "predict run rows.csv -o old.csv",
        "export run old.onnx",
        "export run old.safetensors",
        "export run old.csv",
        "export run old.jsonl",
        f"train rows.csv -o out --log old.csv {QUICK}",
        f"train rows.csv -o out --log new.csv --log old.jsonl {QUICK}",
    ],
)
def test_a_file_is_replaced_with_force_only(cli: Callable[[str], Said], line: str) -> None:
    for name in ("old.csv", "old.onnx", "old.safetensors", "old.jsonl"):
        Path(name).write_text("precious")
    refused(cli, line, "old.", "is there already", "--force")
    assert cli(f"{line} --force").status == 0
    assert len([path for path in Path().glob("old.*") if path.read_bytes() != b"precious"]) == 1
    assert not list(Path().glob("*.part"))


def test_an_earlier_log_for_tensorboard_is_replaced_with_force_only(cli: Callable[[str], Said]) -> None:
    """Two event files in one folder are one curve to TensorBoard, which goes forth and back."""
    for line, name in ((f"train rows.csv -o out --log board {QUICK}", "board"), ("export run shown/", "shown")):
        assert cli(line).status == 0
        Path(name, "note.txt").write_text("precious")
        (old,) = Path(name).glob("events*")
        old.rename(old.with_name(old.name + ".old"))
        refused(cli, line.replace("-o out", "-o other"), f"{name} holds files already", "--force")
        assert cli(f"{line} --force").status == 0
        assert len(list(Path(name).glob("events*"))) == 1 and not Path(name, f"{old.name}.old").exists()
        assert Path(name, "note.txt").read_text() == "precious"


def test_a_log_for_tensorboard_is_not_put_beside_what_is_read(cli: Callable[[str], Said]) -> None:
    refused(cli, "export run run/ --force", "run holds", "which is read here")
    refused(cli, f"train rows.csv -o out --log . {QUICK} --force", ". holds rows.csv, which is read here")


def test_a_finished_run_is_replaced_with_force_only(cli: Callable[[str], Said]) -> None:
    line = f"train more.csv -o run {QUICK}"
    refused(cli, line, "run holds a finished run", "-o", "--force", "mlp resume run --epochs N")
    assert cli(f"{line} --force").status == 0
    assert mlp.load_run("run").config.data.source == "more.csv"


def test_an_unfinished_run_says_how_to_go_on(cli: Callable[[str], Said]) -> None:
    """Only the same experiment can go on with it. What was left open in one, "auto" say, is resolved in the other."""
    line = f"train rows.csv -o half {QUICK}"
    assert cli(line).status == 0
    Path("half/model.npz").unlink()  # as if it had been killed before it was whole
    refused(cli, line, "an unfinished run of this experiment", "mlp resume half;", "--force")
    refused(cli, f"{line} --set training.epochs=7", "of this experiment", "mlp resume half --epochs 7;")
    refused(cli, line.replace("rows", "more"), "an unfinished run of another experiment (data.source)", "--force")
    other = f"{line} --set network.hidden=[3] --set loss.name=focal --set optimizer.learning_rate=1.5"
    refused(cli, other, "(network.hidden, loss.name, optimizer.learning_rate)")
    assert cli("resume half").status == 0
    refused(cli, line, "half holds a finished run")
    Path("half/model.npz").unlink()
    assert cli(f"{other} --force").status == 0
    assert mlp.load_run("half").config.network.hidden == [3]


def test_an_interrupted_run_is_unfinished_though_it_has_a_model(cli: Callable[[str], Said]) -> None:
    setup, state = begin({**ONE, "data": {"source": "rows.csv"}, "training": {"epochs": 3}})
    stop = Stop(requested=True)  # as Ctrl-C does
    Path("half").mkdir()
    list(watch_epochs(setup, state, [CheckpointSchedule(setup, state, Path("half"), stop)], stop))
    finish(setup, state).save("half")
    refused(cli, "train rows.csv -o half --set training.epochs=3 --set record.probe=never", "mlp resume half")


@pytest.mark.parametrize("damage", ["checkpoint.npz", "model.npz"])
def test_what_is_left_of_a_run_is_replaced_with_force_only(cli: Callable[[str], Said], damage: str) -> None:
    Path("run", damage).write_bytes(Path("run", damage).read_bytes()[:200])
    line = f"train rows.csv -o run {QUICK}"
    refused(cli, line, "--force")
    assert cli(f"{line} --force").status == 0
    assert mlp.load_run("run").steps > 0


def test_the_folder_of_a_repaired_run_is_looked_at_before_the_first_step(cli: Callable[[str], Said]) -> None:
    shutil.copytree("run", "out-repaired")
    refused(cli, f"train rows.csv -o out --repair {QUICK}", "out-repaired holds a finished run")


def test_a_folder_of_other_files_is_never_taken_for_a_run(cli: Callable[[str], Said]) -> None:
    """A folder was taken for an earlier run by the name of one file, and its config.toml or model.npz replaced."""
    for name, content in (("mine/config.toml", b"[mine]"), ("models/model.npz", Path("rows.npz").read_bytes())):
        Path(name).parent.mkdir()
        Path(name).write_bytes(content)
        for line in (f"train rows.csv -o {Path(name).parent} {QUICK} {force}" for force in ("", "--force")):
            refused(cli, line, "holds other files")
        with pytest.raises(mlp.DataError, match="holds other files"):
            mlp.run(ONE, (X, CLASSES), out=Path(name).parent)
        with pytest.raises(mlp.DataError, match="holds other files"):
            mlp.load_run("run").save(Path(name).parent)


def test_an_experiment_that_is_not_named_gets_a_folder_that_nobody_has(cli: Callable[[str], Said]) -> None:
    Path("runs/rows-1-repaired").mkdir(parents=True)
    for number in (2, 3):
        assert cli(f"train rows.csv {QUICK}").status == 0
        assert Path(f"runs/rows-{number}/model.npz").is_file()


def test_two_logs_are_not_one_file(cli: Callable[[str], Said]) -> None:
    """The later of them took the place of the other."""
    refused(cli, f"train rows.csv -o out --log a.csv --log ./a.csv {QUICK}", "given twice")
    refused(
        cli, f"train rows.csv -o out --log out-repaired/a.csv --repair {QUICK}", "in the run directory out-repaired"
    )


# comparisons of optimizers

BENCH = "bench --optimizers sgd --problems xor --seeds 2 --jobs 1"
SETTINGS = "[bench]\nrates = 1\nseeds = 2\noptimizers = ['sgd']\nproblems = ['xor']\nepochs = 2\n"


def test_a_comparison_does_not_write_its_settings_over_those_it_read(cli: Callable[[str], Said]) -> None:
    """`mlp bench -c bench.toml -o .` wrote bench.toml, with all comments gone."""
    Path("bench.toml").write_text(f"# mine\n{SETTINGS}")
    refused(cli, "bench -c bench.toml -o . --jobs 1 --seeds 3 --force", "bench.toml", "is read here")


def test_a_comparison_goes_on_with_its_own_settings(tmp_path: Path) -> None:
    """The command that is shown when one is interrupted reads b/bench.toml, and goes on in b."""
    wanted = parse_bench_settings({"bench": {"optimizers": ["sgd"], "problems": ["xor"]}})
    with open_folder(tmp_path, wanted):
        pass
    own = Permission([tmp_path / "bench.toml"])
    before = (tmp_path / "bench.toml").stat().st_mtime_ns
    check_folder(tmp_path, wanted, own)
    with open_folder(tmp_path, parse_bench_settings(read_toml(tmp_path / "bench.toml"))):
        pass
    assert (tmp_path / "bench.toml").stat().st_mtime_ns == before
    other = replace(wanted, seeds=3)
    with pytest.raises(mlp.DataError, match=r"bench\.toml is read here"):
        check_folder(tmp_path, other, own)
    check_folder(tmp_path, other, Permission())
    with open_folder(tmp_path, other):
        pass
    assert parse_bench_settings(read_toml(tmp_path / "bench.toml")) == other


def test_a_comparison_leaves_other_files_alone(cli: Callable[[str], Said]) -> None:
    Path("b").mkdir()
    Path("b/summary.csv").write_text("precious")
    refused(cli, f"{BENCH} -o b", "b/summary.csv is there already", "--force")
    check_folder(Path("b"), parse_bench_settings({}), Permission(force=True))


@pytest.mark.parametrize("place", ["data", "data/inside", "link"])
def test_a_comparison_does_not_write_into_the_folder_of_its_data(cli: Callable[[str], Said], place: str) -> None:
    Path("data").mkdir()
    Path("link").symlink_to("data")
    refused(cli, f"{BENCH} --data data -o {place}", "is read here")
    with pytest.raises(mlp.DataError, match="is read here"):
        mlp.bench("sgd", "xor", data="data", out=place)


# devices and pipes


def run(*arguments: str, folder: Path, **how: Any) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(Path(mlp.__file__).parents[1])}
    how = {"stdout": subprocess.PIPE, **how}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, stderr=subprocess.PIPE, text=True, timeout=60, **how
    )


@pytest.mark.parametrize("into", ["pipe", "file"])
def test_standard_output_goes_by_all_its_names(made: Path, tmp_path: Path, into: str) -> None:
    """Led into a file, /dev/stdout is that file: it was replaced by another of its name, and lost what was there."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    names = [None, "-", *filter(os.path.exists, ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"))]
    program = "import sys\nfrom mlp.cli import main\nfor name in sys.argv[1:]:\n"
    program += "    assert main(['predict', 'run', 'rows.csv', *(['-o', name] if name != 'None' else [])]) == 0"
    (tmp_path / "all.csv").write_text("before\n")
    with (tmp_path / "all.csv").open("a") as file:
        how = {"stdout": file} if into == "file" else {}
        done = run("-c", program, *map(str, names), folder=tmp_path, **how)
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout if into == "pipe" else (tmp_path / "all.csv").read_text().removeprefix("before\n")
    expected = text[: len(text) // len(names)]
    assert expected.startswith("fruit,p(apple)") and expected.count("\n") == 41
    assert text == expected * len(names)


def test_the_null_device_is_written_to_and_stays_one(cli: Callable[[str], Said]) -> None:
    assert cli("predict run rows.csv -o /dev/null").status == 0
    mlp.load_run("run").history.save("/dev/null")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    """A log took the place of the pipe it was to be written to; one that was never written to removed it."""
    pipe = tmp_path / "run.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        mlp.to_csv(mlp.History({"loss": [2.0, 1.0]}), pipe)
        assert os.read(reader, 100) == b"step,loss\n0,2.0\n1,1.0\n"
        with pytest.raises(mlp.DataError), mlp.sinks.logs(mlp.History(), [pipe, tmp_path / "no/run.csv"], print):
            pass
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["run.csv"]


# writing


def test_a_temporary_file_takes_the_place_of_nothing(cli: Callable[[str], Said]) -> None:
    """Whatever was called answers.csv.part was written over and renamed away; now the temporary name is a new one."""
    Path("answers.csv.part").write_text("precious")
    os.rename("rows.csv", "rows.csv.part")
    os.rename("more.csv", "source.csv")
    assert cli("predict run source.csv -o answers.csv").status == 0
    assert Path("answers.csv.part").read_text() == "precious"
    assert cli("predict run source.csv -o rows.csv").status == 0
    assert Path("rows.csv.part").read_text().startswith("a,b,fruit")
    assert not list(Path().glob("*.2.part"))


def test_a_new_file_takes_the_place_of_nothing_that_was_made_meanwhile(tmp_path: Path) -> None:
    """Between the look and the rename another program may write a file of that name, and a rename asks nobody."""
    with pytest.raises(FileExistsError, match="meanwhile"), replacing(tmp_path / "a.csv", "w") as file:
        file.write("mine")
        (tmp_path / "a.csv").write_text("theirs")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "theirs")]


def test_where_there_are_no_hard_links_a_file_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with replacing(tmp_path / "a.csv", "w") as file:
        file.write("mine")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "mine")]


def test_what_fails_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.csv", "w") as file:
        file.write("half")
        raise ZeroDivisionError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "old")]


# from Python


def test_from_python_a_run_is_replaced_but_not_what_was_read(cli: Callable[[str], Said]) -> None:
    """As in other Python libraries, what writes replaces; only the rows and the experiment of this call are safe."""
    config = {**ONE, "data": {"source": "more.csv"}}
    assert mlp.run(config, out="run").metrics == mlp.load_run("run").metrics
    assert mlp.repair(config, out="run").after.config == mlp.load_run("run").config
    mlp.load_run("numbers").save("run")
    assert mlp.load_run("run").config.data.source == "X.npy"
    for call in (
        lambda: mlp.run("run/config.toml", out="run"),
        lambda: mlp.repair("run/config.toml", out="run"),
        lambda: mlp.run(Path("link/config.toml"), out="run"),
    ):
        Path("link").unlink(missing_ok=True)
        Path("link").symlink_to("run")
        before = everything()
        with pytest.raises(mlp.DataError, match="is read here"):
            call()
        assert everything() == before


def test_a_checkpoint_does_not_go_on_over_its_own_rows(cli: Callable[[str], Said]) -> None:
    """The rows may have come to lie in the run directory since, under the name of one of its files."""
    Path("run/model.npz").unlink()
    os.link("rows.csv", "run/model.npz")
    refused(cli, "resume run", "is read here")


@pytest.mark.parametrize("write", [mlp.to_csv, mlp.to_jsonl, lambda h, p: list(mlp.logged([1], h, p))])
def test_from_python_a_log_is_replaced(tmp_path: Path, write: Callable[[Any, Path], Any]) -> None:
    history, path = mlp.History({"loss": [1.0]}), tmp_path / "a.csv"
    path.write_text("old")
    write(history, path) if write is not mlp.to_jsonl else write(history, path.with_suffix(".jsonl"))
    assert "loss" in max(tmp_path.iterdir(), key=lambda p: p.stat().st_mtime_ns).read_text()


def test_from_python_an_event_file_is_added_and_none_removed(tmp_path: Path) -> None:
    """As with TensorBoard's own writers: what others have in the folder stays."""
    (tmp_path / "events.out.tfevents.1.theirs").write_bytes(b"theirs")
    mlp.to_tensorboard(mlp.History({"loss": [1.0]}), tmp_path)
    assert (tmp_path / "events.out.tfevents.1.theirs").read_bytes() == b"theirs"
    assert len(list(tmp_path.iterdir())) == 2


# names that no file has

HOPELESS = {"": "''", "a\0b": "control", "a\nb": "control", "x" * 300: "too long", "rows.csv/x": "", "loop": ""}


@pytest.mark.parametrize("name", HOPELESS, ids=ascii)
@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "rows.csv", "-o", "{}"],
        ["train", "rows.csv", "-o", "{}", "--repair"],
        ["train", "rows.csv", "-o", "out", "--log", "{}.csv"],
        ["train", "rows.csv", "-o", "out", "--log", "{}"],
        ["predict", "run", "rows.csv", "-o", "{}"],
        ["export", "run", "{}.onnx"],
        ["export", "run", "{}/"],
        ["bench", "--optimizers", "sgd", "--problems", "xor", "--jobs", "1", "-o", "{}"],
        ["train", "-c", "{}", "-o", "out"],
        ["predict", "{}", "rows.csv"],
        ["evaluate", "run", "{}"],
        ["resume", "{}"],
        ["diagnose", "{}"],
        ["compare", "run", "{}"],
        ["compare", "run", "run", "--on", "{}"],
        ["bench", "-c", "{}"],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_a_name_that_no_file_has_is_one_line(
    cli: Callable[[str], Said], capsys: pytest.CaptureFixture[str], arguments: list[str], name: str
) -> None:
    """A name of no characters, with NUL or a line break, too long, below a file, or a link to itself: no traceback."""
    if not name and any(word in ("{}.onnx", "{}/", "{}.csv") for word in arguments):
        return  # ".onnx" and "/" are names
    for loop in ("loop", "loop.csv", "loop.onnx"):
        Path(loop).symlink_to(loop)
    before = everything()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlp.cli.commands.watch_epochs", lambda *_: pytest.fail("trained"))
        status = main([word.format(name) for word in arguments])
    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert said.err.startswith("mlp: ") and said.err.count("\n") == 1 and said.err.endswith("\n"), said.err
    assert everything() == before


def test_a_run_may_be_written_into_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-o .` and `-o /` were tracebacks: "." has no name to put "-repaired" behind."""
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        assert main(["train", "iris", *QUICK.split(), "-o", ".", *(["--repair"] if place == "two" else [])]) == 0
        assert {path.name for path in Path().iterdir()} >= {*NAMES, CHECKPOINT}
    assert {path.name for path in tmp_path.iterdir()} <= {"one", "two", "two-repaired"}


@pytest.mark.parametrize("options", [(), ("--repair",), ("--force",), ("--force", "--repair")])
def test_the_root_is_no_run_directory(cli: Callable[[str], Said], options: tuple[str, ...]) -> None:
    said = cli(" ".join(["train iris -o /", QUICK, *options]))
    assert (said.status, said.out, said.err) == (
        2,
        "",
        "mlp: / holds other files. Give a folder that is new, empty, or holds an earlier run.\n",
    )


@pytest.mark.parametrize("path", [None, 3, b"a", "", "a\0b", "a\nb", ["a"], {}, 1.5, np.nan], ids=ascii)
def test_what_is_no_path_is_refused_before_anything_is_computed(path: Any, tmp_path: Path) -> None:
    history = mlp.History({"loss": [1.0]})
    network = mlp.Network([mlp.Dense(2, 1)])
    calls: list[Callable[[], Any]] = [
        lambda: mlp.to_csv(history, path), lambda: mlp.to_jsonl(history, path), lambda: history.save(path),
        lambda: mlp.to_tensorboard(history, path), lambda: list(mlp.logged([], history, path)),
        lambda: mlp.to_onnx(network, path), lambda: mlp.to_safetensors(network, path),
        lambda: mlp.load_run(path), lambda: mlp.resume(path), lambda: mlp.History.load(path),
        lambda: mlp.from_safetensors(path), lambda: mlp.Run.save(None, path),  # type: ignore[arg-type]
    ]  # fmt: skip
    if path is not None:  # None: nothing is written
        calls += [lambda: mlp.run({"training": {"epochs": 10**9}}, (X, CLASSES), out=path),
                  lambda: mlp.repair({"training": {"epochs": 10**9}}, (X, CLASSES), out=path)]  # fmt: skip
    for call in calls:
        with pytest.raises(mlp.MLPError) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_permission_names_the_file_behind_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    (tmp_path / "b.csv").symlink_to("a.csv")
    with pytest.raises(mlp.DataError, match=r"b\.csv is .*a\.csv, which is read here"):
        Permission([tmp_path / "a.csv"], force=True).check_file(tmp_path / "b.csv")


def test_all_files_of_a_run_are_protected(made: Path) -> None:
    assert {path.name for path in (made / "run").iterdir()} <= {path.name for path in own_files(made / "run")}
