"""The command line as people and scripts use it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.data import catalogue
from mlp.experiment.run_files import CHECKPOINT, NAMES
from mlp.optimizers import OPTIMIZERS
from mlp.report.text import metrics_table

QUICK = ("--set", "training.epochs=2", "--set", "record.probe=never")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3)).round(3)


def table(path: str, header: str, *lines: str) -> str:
    Path(path).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def fruit(path: str = "fruit.csv", n: int = 80) -> str:
    names = np.where(X[:, 0] > 0, "apple", "pear")
    return table(path, "a,b,c,fruit", *(f"{a},{b},{c},{f}" for (a, b, c), f in zip(X[:n], names, strict=False)))


def read_csv(text: str) -> tuple[list[str], list[list[str]]]:
    header, *rows = csv.reader(io.StringIO(text))
    return header, rows


# train


def test_train_prints_data_network_metrics_and_where_the_run_is(cli: Any) -> None:
    said = cli("train", "iris")
    assert (said.status, said.err) == (0, "")
    table = "train  validation        test"
    for part in ("150 rows", "4 → 32 → relu → 3", table, "healthy: training loss", "runs/iris-1"):
        assert part in said.out
    assert {path.name for path in Path("runs/iris-1").iterdir()} == {*NAMES, CHECKPOINT, "report.html"}


def test_default_run_directories_are_numbered(cli: Any) -> None:
    for _ in range(2):
        cli("train", "iris", *QUICK)
    cli("train", fruit("my.fruit.csv"), *QUICK)
    assert sorted(path.name for path in Path("runs").iterdir()) == ["iris-1", "iris-2", "my-1"]


def test_json_is_the_last_line_with_the_keys_of_the_contract(cli: Any) -> None:
    said = cli("train", "iris", "--json", *QUICK, "-o", "here")
    found = json.loads(said.out.splitlines()[-1])
    assert list(found) == ["run", "metrics", "findings", "healthy", "steps", "seconds"]
    assert (found["run"], found["steps"]) == ("here", 8)
    assert found["findings"] == []
    assert found["healthy"] is True
    assert found["metrics"] == mlp.load_run("here").metrics
    assert not any(line.startswith("{") for line in cli("train", "iris", *QUICK).out.splitlines())


def test_divergence_is_exit_status_1_and_a_finding(cli: Any) -> None:
    said = cli("train", "xor", "--json", "--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1e30",
               "--set", "loss.name=squared_error", "--set", "network.output=identity")  # fmt: skip
    assert (said.status, said.err) == (1, "")
    (finding,) = json.loads(said.out.splitlines()[-1])["findings"]
    assert list(finding["causes"][0]) == ["name", "why", "remedy"]
    assert {"kind", "severity", "layers", "step", "causes", "evidence", "message"} == set(finding)
    assert "critical: divergence" in said.out
    assert Path("runs/xor-1/model.npz").exists()


def test_weights_too_large_from_the_start_are_found_without_a_warning(cli: Any) -> None:
    """Evaluating the run, NumPy warned of every overflow; in JSON NaN was text, which no reader takes for a number."""
    said = cli("train", "iris", "--json", "-o", "run", "--set", "data.scale=none",
               "--set", "network.init={name='normal', std=1e30}")  # fmt: skip
    assert (said.status, said.err) == (1, "")
    found = json.loads(said.out.splitlines()[-1], parse_constant=pytest.fail)
    assert found["findings"][0]["causes"][0]["name"] == "initialization_too_large"
    assert found["findings"][0]["step"] == 0
    assert found["metrics"]["train_loss"] is None
    said = cli("evaluate", "run", "iris", "--json")
    assert (said.status, said.err) == (0, "")
    assert json.loads(said.out, parse_constant=pytest.fail)["metrics"]["loss"] is None
    assert cli("predict", "run", "iris").err == ""


def test_keys_of_file_set_and_source_count_in_this_order(cli: Any) -> None:
    Path("e.toml").write_text('[data]\nsource = "wine"\n[training]\nepochs = 1\nseed = 3\n')
    assert cli("train", "iris", "-c", "e.toml", "--set", "training.epochs=2", "-o", "run").status == 0
    config = mlp.load_run("run").config
    assert (config.data.source, config.training.epochs, config.training.seed) == ("iris", 2, 3)
    assert cli("train", "-c", "e.toml").status == 0
    assert Path("runs/wine-1").is_dir()


def test_the_command_line_and_the_library_make_the_same_run(cli: Any) -> None:
    cli("train", "iris", *QUICK, "-o", "run")
    run = mlp.run({"data": {"source": "iris"}, "training": {"epochs": 2}})
    assert (mlp.load_run("run").network.params == run.network.params).all()


@pytest.mark.parametrize("name", ["données.csv", "😀.csv", 'a "quoted" name.csv', "two words.csv", "back\\slash.csv"])
def test_files_of_any_name_can_be_trained_on(cli: Any, name: str) -> None:
    if name.encode(sys.getfilesystemencoding(), "replace").decode(sys.getfilesystemencoding()) != name:
        pytest.skip(f"file names here are {sys.getfilesystemencoding()}")
    said = cli("train", fruit(name), *QUICK, "-o", "run")
    assert (said.status, said.err) == (0, "")
    assert mlp.load_run("run").config.data.source == name


@pytest.mark.parametrize(
    ("sets", "shown"),
    [
        (["training.restarts=3"], ["3 × 4 →", "number", "is kept"]),
        (["data.validation=0", "data.test=0"], ["150 to train on; inputs"]),
        (["optimizer.schedule=cosine"], ["(cosine)"]),
        (["network.init={name = 'normal', std = 0.1}"], ["Normal(std=0.1)"]),
        (["training.early_stopping=true"], ["4 steps, fewer if the validation loss does not improve for 10 epochs"]),
        (
            ["training.early_stopping={patience = 1}", "data.validation=0"],
            ["fewer if the training loss does not improve for 1 epoch\n"],
        ),
    ],
)
def test_train_says_what_it_does(cli: Any, sets: list[str], shown: list[str]) -> None:
    said = cli("train", "iris", *QUICK, *(part for text in sets for part in ("--set", text)))
    assert said.status == 0
    assert all(part in said.out for part in shown), said.out


@pytest.mark.parametrize(
    ("losses", "shown"),
    [
        ([0.5, 0.25, 1.0], "3, training losses 0.25 to 1 (median 0.5); number 1 is kept, counting from 0"),
        (
            [float("nan"), 0.25, float("inf")],
            "3, 2 diverged, training losses 0.25 to 0.25 (median 0.25); number 1 is kept, counting from 0",
        ),
        ([float("nan")] * 3, "3, 3 diverged"),
    ],
)
def test_restarts_that_diverged_are_counted_apart(losses: list[float], shown: str) -> None:
    run = mlp.run({"data": {"source": "xor"}, "training": {"epochs": 1}, "record": {"probe": "never"}})
    run.metrics |= {"restart_losses": losses, "restart_chosen": 1}
    assert metrics_table(run).splitlines()[-1] == f"restarts  {shown}"


def test_columns_of_large_numbers_stay_apart() -> None:
    """With four decimals 859527.25 and 16942.875 were written as one word."""
    run = mlp.run({"data": {"source": "iris"}, "training": {"epochs": 1}, "record": {"probe": "never"}})
    run.metrics |= {"train_loss": 859527.25, "validation_loss": -1e300, "test_loss": float("nan")}
    line = metrics_table(run).splitlines()[2]
    assert line.split() == ["loss", "8.595e+05", "-1e+300", "nan"]


def test_one_of_a_thing_is_called_by_its_singular(cli: Any) -> None:
    np.savez("d.npz", X=X[:, :1], y=X[:, 0])
    said = cli("train", "d.npz", "--set", "training.epochs=1", "--set", "training.batch_size=full")
    for part in ("80 rows, 1 feature, 1 number to predict", "1 epoch of 1 step\n", "1 step in"):
        assert part in said.out


def test_labels_of_which_each_row_has_one_are_announced(cli: Any) -> None:
    """One-hot rows were taken as k questions of yes or no, and nothing said so."""
    np.savez("d.npz", X=X, y=np.eye(3)[np.digitize(X[:, 0], [-0.5, 0.5])])
    hint = "each row has exactly one label: to choose one of them, give task = classification"
    assert hint in cli("train", "d.npz", *QUICK).out
    assert hint not in cli("train", "d.npz", "--set", "data.task=classification", *QUICK).out


# evaluate and predict


def test_evaluate_gives_the_metrics_on_further_data(cli: Any) -> None:
    cli("train", fruit(), "-o", "run", "--set", "training.epochs=40")
    said = cli("evaluate", "run", fruit("more.csv", 30), "--json")
    found = json.loads(said.out)
    assert (said.status, said.err) == (0, "")
    assert (found["run"], found["source"], found["rows"]) == ("run", "more.csv", 30)
    expected = np.mean(mlp.load_run("run").predict(X[:30]) == np.where(X[:30, 0] > 0, "apple", "pear"))
    assert found["metrics"]["accuracy"] == pytest.approx(expected)
    assert f"{expected:.4f}" in cli("evaluate", "run", "more.csv").out


def test_predict_writes_a_header_a_row_for_each_sample_and_probabilities(cli: Any) -> None:
    cli("train", fruit(), "-o", "run", *QUICK)
    said = cli("predict", "run", "fruit.csv")
    header, rows = read_csv(said.out)
    assert (said.status, said.err) == (0, "")
    assert header == ["fruit", "p(apple)", "p(pear)"]
    assert [row[0] for row in rows] == mlp.load_run("run").predict(X).tolist()
    p = np.array([row[1:] for row in rows], float)
    assert p.sum(1) == pytest.approx(np.ones(80), abs=2e-6)  # six digits are printed
    assert [("apple", "pear")[i] for i in p.argmax(1)] == [row[0] for row in rows]


def test_predict_needs_no_targets_and_finds_columns_by_name(cli: Any) -> None:
    cli("train", fruit(), "-o", "run", *QUICK)
    expected = cli("predict", "run", "fruit.csv").out
    table("bare.csv", "c,id,a,b", *(f"{c},x{i},{a},{b}" for i, (a, b, c) in enumerate(X)))
    assert cli("predict", "run", "bare.csv").out == expected


@pytest.mark.parametrize(
    ("y", "header"),
    [
        ((X[:, :2] > 0).astype(int), ["0", "1", "p(0)", "p(1)"]),
        (X[:, 0] * 2, ["y"]),
        (X[:, :2] * 2, ["0", "1"]),
        ((X[:, 0] > 0).astype(int) + 5, ["y", "p(5)", "p(6)"]),
    ],
    ids=["labels", "number", "numbers", "numbered classes"],
)
def test_predict_answers_every_task(cli: Any, y: np.ndarray, header: list[str]) -> None:
    np.savez("d.npz", X=X, y=y)
    cli("train", "d.npz", "-o", "run", *QUICK)
    found, rows = read_csv(cli("predict", "run", "d.npz").out)
    assert found == header
    answers = np.array(rows, float)[:, : 1 if y.ndim == 1 else 2].reshape(y.shape)
    assert answers == pytest.approx(mlp.load_run("run").predict(X), rel=1e-6)


def test_predict_names_the_columns_of_labels(cli: Any) -> None:
    np.savez("d.npz", X=X, y=(X[:, :2] > 0).astype(int), class_names=["wet", "cold"])
    cli("train", "d.npz", "-o", "run", *QUICK)
    assert read_csv(cli("predict", "run", "d.npz").out)[0] == ["wet", "cold", "p(wet)", "p(cold)"]


def test_scores_have_no_probabilities(cli: Any) -> None:
    cli("train", "iris", "-o", "run", "--set", "loss.name=hinge", *QUICK)
    assert read_csv(cli("predict", "run", "iris").out)[0] == ["species"]


def test_answers_are_written_block_by_block_as_if_at_once(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows of a table of a million took 435 MB as text."""
    cli("train", fruit(), "-o", "run", *QUICK)
    at_once = cli("predict", "run", "fruit.csv").out
    monkeypatch.setattr("mlp.report.text.BLOCK", 32)
    sizes: list[int] = []
    predict = mlp.Run.predict
    monkeypatch.setattr(mlp.Run, "predict", lambda run, rows: (sizes.append(len(rows)), predict(run, rows))[1])
    header, rows = read_csv(cli("predict", "run", "fruit.csv").out)
    expected_header, expected = read_csv(at_once)
    assert sizes == [32, 32, 16]
    assert header == expected_header
    assert [row[0] for row in rows] == [row[0] for row in expected]
    p, q = (np.array([row[1:] for row in table], float) for table in (rows, expected))
    assert p == pytest.approx(q, abs=2e-6)  # products of other sizes are summed in another order


def test_names_with_commas_and_quotes_are_quoted_in_csv(cli: Any) -> None:
    np.savez("d.npz", X=X, y=np.where(X[:, 0] > 0, 'a "b"', "c,d"))
    cli("train", "d.npz", "-o", "run", *QUICK)
    header, rows = read_csv(cli("predict", "run", "d.npz").out)
    assert header == ["y", 'p(a "b")', "p(c,d)"]
    assert {row[0] for row in rows} <= {'a "b"', "c,d"}


def test_predict_writes_to_a_file_or_not_at_all(cli: Any) -> None:
    cli("train", "iris", "-o", "run", *QUICK)
    expected = cli("predict", "run", "iris").out
    said = cli("predict", "run", "iris", "-o", "answers.csv")
    assert said == (0, "", "")
    assert Path("answers.csv").read_text() == expected
    assert cli("predict", "run", "wine", "-o", "answers.csv").status == 2
    assert Path("answers.csv").read_text() == expected, "what was there stays"
    assert not list(Path().glob("*.part"))


# what there is


def test_data_lists_every_data_set_on_a_line_with_its_source(cli: Any) -> None:
    said = cli("data")
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines] == [entry.name for entry in catalogue()]
    assert all(entry.source in line and entry.licence in line for line, entry in zip(lines, catalogue(), strict=True))


def test_optimizers_lists_every_rule_on_a_line_with_its_paper(cli: Any) -> None:
    lines = cli("optimizers").out.splitlines()
    assert [line.split()[0] for line in lines] == list(OPTIMIZERS)
    assert all(re.search(r"[A-Z][a-z]+.* \(\d{4}\)$", line) for line in lines)


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["predict", "-h"]])
def test_help_is_status_0_on_standard_output(cli: Any, arguments: list[str]) -> None:
    said = cli(*arguments)
    assert (said.status, said.err) == (0, "")
    assert "usage: mlp" in said.out


# what goes wrong

BAD = [
    ([], "COMMAND"),
    (["trian", "iris"], "invalid choice: 'trian'"),
    (["train", "iris", "wine"], "wine"),
    (["train", "iris", "--eras", "3"], "--eras"),
    (["train"], "[data] source is missing"),
    (["train", "irsi"], "Did you mean 'iris'?"),
    (["train", ""], "source"),
    (["train", "nothing.csv"], "nothing.csv"),
    (["train", "folder"], "folder"),
    (["train", "notes.txt"], "unknown kind '.txt'"),
    (["train", "a\nb.csv"], "no file is named"),
    (["train", "x" * 3000], "too long"),
    (["train", "missing.csv"], "line 3, column 'b'"),
    (["train", "words.csv"], "line 4, column 'a'"),
    (["train", "ragged.csv"], "line 2 has 2 cells"),
    (["train", "empty.csv"], "empty.csv is empty"),
    (["train", "header.csv"], "no rows"),
    (["train", "one_class.csv"], "all 9 rows have the label"),
    (["train", "latin.csv"], "not UTF-8"),
    (["train", "broken.npz"], "broken.npz"),
    (["train", "pickle.npz"], "Object arrays"),
    (["train", "nan.npz"], "row 1, column 'x0': nan"),
    (["train", "X.npy"], "target"),
    (["train", "X.npy", "--set", "data.target=none.npy"], "none.npy"),
    (["train", "fruit.csv", "--set", "data.target=friut"], "Did you mean 'fruit'?"),
    (["train", "fruit.csv", "--set", "data.target=9"], "no column 9"),
    (["train", "fruit.csv", "--set", "data.task=regression"], "names like 'apple'"),
    (["train", "http://x.org/y.csv"], "http://x.org/y.csv is an address"),
    (["predict", "run", "http://x.org/y.csv"], "http://x.org/y.csv is an address"),
    (["predict", "http://x.org/run", "iris"], "http://x.org/run is an address"),
    (["train", "iris", "--set", "data.validation=none.csv"], "none.csv"),
    (["train", "iris", "--set", "data.test=fruit.csv"], "has no column"),
    (["train", "iris", "--set", "epochs=3"], "section.key=value"),
    (["train", "iris", "--set", "training.epoch=3"], "--set, [training] has no key 'epoch'"),
    (["train", "iris", "--set", "training.epochs=many"], "[training] epochs = 'many'"),
    (["train", "iris", "--set", "trainig.epochs=3"], "Did you mean 'training'?"),
    (["train", "iris", "--set", "optimizer.name=addam"], "Did you mean 'adam'?"),
    (["train", "iris", "--set", "optimizer.learning_rate=-1"], "learning_rate = -1"),
    (["train", "iris", "--set", "optimizer.learning_rate=nan"], "learning_rate = nan"),
    (["train", "iris", "--set", "network.activation=relo"], "Did you mean 'relu'?"),
    (["train", "iris", "--set", "network.hidden=64,32"], "like [64, 32]"),
    (["train", "iris", "--set", "network.hidden=[1000000000000]"], "memory"),
    (["train", "iris", "--set", "loss.name=poisson"], "poisson"),
    (["train", "iris", "-c", "none.toml"], "none.toml: there is no such file"),
    (["train", "iris", "-c", "bad.toml"], "bad.toml: this is not TOML"),
    (["train", "iris", "-c", "key.toml"], "key.toml, [network] has no key 'hiden'"),
    (["train", "iris", "-c", "key.toml", "--set", "training.epochs=1"], "key.toml and --set, [network]"),
    (["train", "iris", "-c", "name.toml"], "name.toml: no [optimizer] name 'addam'"),
    (["train", "iris", "-c", "folder"], "folder: cannot be read"),
    (["train", "iris", "-o", "fruit.csv"], "is a file"),
    (["train", "iris", "-o", "folder"], "holds other files"),
    (["train", "iris", "-o", "fruit.csv/run"], "cannot be made"),
    (["train", "-c", "study/e.toml"], "Paths in study/e.toml start from the working directory"),
    (["evaluate", "run"], "SOURCE"),
    (["evaluate", "nothing", "iris"], "no run directory"),
    (["evaluate", "folder", "iris"], "no run directory"),
    (["evaluate", "run", "irsi"], "Did you mean 'iris'?"),
    (["evaluate", "run", "wine"], "features"),
    (["evaluate", "run", "fruit.csv"], "has no column"),
    (["evaluate", "run", "X.npy"], "has no target"),
    (["predict", "run", "nothing.csv"], "nothing.csv"),
    (["predict", "run", "wine"], "features"),
    (["predict", "damaged", "iris"], "model.npz"),
    (["predict", "run", "iris", "-o", "folder"], "folder cannot be written"),
    (["predict", "run", "iris", "-o", "no/such/folder.csv"], "cannot be written"),
]  # fmt: skip


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, and files with all kinds of mistakes."""
    folder = tmp_path_factory.mktemp("workplace")
    before = Path.cwd()
    os.chdir(folder)
    mlp.run({"data": {"source": "iris"}, "training": {"epochs": 1}, "record": {"probe": "never"}}, out="run")
    mlp.run({"data": {"source": "iris"}, "training": {"epochs": 1}, "record": {"probe": "never"}}, out="damaged")
    Path("damaged/model.npz").write_bytes(Path("run/model.npz").read_bytes()[:-50])
    Path("folder").mkdir()
    Path("folder/precious.txt").touch()
    fruit()
    table("notes.txt", "a,b", "1,2")
    table("missing.csv", "a,b,y", "1,2,0", "3,,1")
    table("words.csv", "a,b,y", "1,2,0", "2,2,1", "x,3,1", "4,4,0")
    table("ragged.csv", "a,b,y", "1,2", "3,4,1")
    Path("empty.csv").touch()
    table("header.csv", "a,b,y")
    table("one_class.csv", "a,b,y", *(f"{i},2,same" for i in range(9)))
    Path("latin.csv").write_bytes("a,b,y\n1,2,è\n".encode("latin-1"))
    Path("broken.npz").write_bytes(b"PK\x03\x04 and then nothing")
    np.savez("pickle.npz", X=np.array([[1, None]], object), y=[1], allow_pickle=True)
    np.savez("nan.npz", X=[[1.0], [np.nan], [2.0]], y=[0, 1, 0])
    np.save("X.npy", RNG.normal(size=(20, 4)))
    Path("study").mkdir()
    Path("study/e.toml").write_text('[data]\nsource = "beside.csv"\n')
    Path("bad.toml").write_text("[data\n")
    Path("key.toml").write_text("[network]\nhiden = [3]\n")
    Path("name.toml").write_text('[optimizer]\nname = "addam"\n')
    os.chdir(before)
    return folder


@pytest.mark.parametrize(("arguments", "complaint"), BAD, ids=[" ".join(a)[:50] for a, _ in BAD])
def test_bad_input_is_one_line_on_standard_error_and_leaves_nothing_behind(
    cli: Any, workplace: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(workplace)
    before = sorted(map(str, workplace.rglob("*")))
    said = cli(*arguments)
    assert said.status == 2
    assert said.out == ""
    assert said.err.startswith("mlp") and said.err.count("\n") == 1 and said.err.endswith("\n"), said.err
    assert complaint in said.err
    assert "Traceback" not in said.err
    assert sorted(map(str, workplace.rglob("*"))) == before


# progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_progress_goes_to_a_terminal_on_standard_error_only(
    cli: Any, monkeypatch: pytest.MonkeyPatch, with_tqdm: bool
) -> None:
    if with_tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)  # as if it were not installed
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    said = cli("train", "iris", "--set", "training.epochs=3")
    assert said.status == 0
    assert "\r" not in said.out and "epoch 3" not in said.out
    shown = terminal.getvalue()
    assert "\r" in shown
    assert with_tqdm or ("epoch 3/3  loss " in shown and shown.endswith("\r\033[K")), "gone at the end"


def test_progress_is_cleared_before_an_error(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr("mlp.cli.commands.finish", lambda *_: (_ for _ in ()).throw(MemoryError))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert cli("train", "iris", *QUICK).status == 2
    assert terminal.getvalue().split("\033[K")[-1].startswith("mlp: there is not enough memory")


# real processes

PATIENCE = 600
"""Seconds until a process that hangs is given up; none takes ten, and nothing is measured by them."""


def start(*arguments: str, folder: Path, program: str = "", **how: Any) -> subprocess.Popen[str]:
    """`mlp` with these arguments in `folder`, or another `program` in its place."""
    places = os.pathsep.join(filter(None, [str(Path(mlp.__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    how["env"] = {**os.environ, "PYTHONPATH": places, **how.get("env", {})}
    command = [sys.executable, "-W", "error", *(("-c", program) if program else ("-m", "mlp")), *arguments]
    return subprocess.Popen(command, **{"stdout": PIPE, "stderr": PIPE, "text": True, "cwd": folder, **how})


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    process = start("train", "iris", "--json", *QUICK, folder=tmp_path)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["run"] == "runs/iris-1"


SIGNALLED = """
import signal, sys, time
import mlp.cli.commands
from mlp.cli import main
from mlp.recorder import Recorder

tap, finish = Recorder.tap, mlp.cli.commands.finish


def tapped(recorder, steps):
    for step in tap(recorder, steps):
        if step.index == 5 and recorder.instruments:  # the second of four steps of the second epoch, and of no trial
            signal.raise_signal(signal.{first})
        yield step


def finished(setup, state):
    {then}
    return finish(setup, state)


Recorder.tap, mlp.cli.commands.finish = tapped, finished
time.perf_counter = lambda: 0.0  # no checkpoint becomes due
sys.exit(main())
"""
"""`mlp`, which sends itself a signal in the middle of an epoch, and may do something more before it measures.

A signal that comes from outside when some time has passed comes too early where the machine is busy, and too late where
it is fast.
"""


def test_ctrl_c_ends_training_with_a_complete_run_directory(tmp_path: Path) -> None:
    program = SIGNALLED.format(first="SIGINT", then="pass")
    process = start("train", "iris", "--json", "-o", "run", folder=tmp_path, program=program)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err == "mlp: interrupted after 6 steps; the weights so far are in run. To go on: mlp resume run\n"
    steps = json.loads(out.splitlines()[-1])["steps"]
    run = mlp.load_run(tmp_path / "run")
    assert run.steps == steps == len(run.history["loss"]) == 6
    assert run.predict(np.zeros((1, 4))).shape == (1,)
    assert not list((tmp_path / "run").glob("*.part"))


def test_termination_leaves_no_empty_folder_and_no_traceback(tmp_path: Path) -> None:
    """SIGTERM ended the process where it stood, between the making of the folder and its first file."""
    program = SIGNALLED.format(first="SIGTERM", then="pass")
    process = start("train", "iris", "-o", "runs/one", folder=tmp_path, program=program)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (143, "")
    assert not list(tmp_path.iterdir())


def test_a_second_ctrl_c_leaves_the_checkpoint_and_no_traceback(tmp_path: Path) -> None:
    """The second one kills, but by way of what has to be put in order. Here it comes while the run is measured."""
    program = SIGNALLED.format(first="SIGINT", then="signal.raise_signal(signal.SIGINT)")
    process = start("train", "iris", "-o", "runs/one", folder=tmp_path, program=program)
    _, err = process.communicate(timeout=PATIENCE)
    said = "\nmlp: ended at once; the last checkpoint is in runs/one. To go on: mlp resume runs/one\n"
    assert (process.returncode, err) == (130, said)
    assert [path.name for path in (tmp_path / "runs/one").iterdir()] == ["checkpoint.npz"]


ENCODINGS = [
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("env", ENCODINGS, ids=str)
@pytest.mark.parametrize("arguments", [["train", "iris", *QUICK], ["data"]], ids=["train", "data"])
def test_output_that_is_not_utf_8_is_written_all_the_same(
    tmp_path: Path, env: dict[str, str], arguments: list[str]
) -> None:
    """× and → are in neither code page 1252 nor ASCII, and print raised UnicodeEncodeError."""
    process = start(*arguments, folder=tmp_path, env=env, errors="replace")
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert "iris" in out


@pytest.mark.parametrize("env", ENCODINGS, ids=str)
def test_answers_are_utf_8_whatever_the_terminal_is(tmp_path: Path, env: dict[str, str]) -> None:
    """A class that is called 日本 cannot become "??" in a table that other programs read."""
    np.savez(tmp_path / "d.npz", X=X, y=np.where(X[:, 0] > 0, "日本", "França"))
    mlp.run(
        {"data": {"source": str(tmp_path / "d.npz")}, "training": {"epochs": 1}, "record": {"probe": "never"}},
        out=tmp_path / "run",
    )
    process = start("predict", "run", "d.npz", folder=tmp_path, env=env, encoding="utf-8")
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[0] == "y,p(França),p(日本)"


def test_closed_standard_output_is_no_error(tmp_path: Path) -> None:
    """`mlp data >&-`: Python then has None for sys.stdout, and None has no flush."""
    command = "[sys.executable, '-W', 'error', '-m', 'mlp', 'data']"
    closing = f"import os, sys; os.close(1); os.execv(sys.executable, {command})"
    process = start(folder=tmp_path, program=closing)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    """`mlp data | head -1`, where head is gone before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    process = start("data", folder=tmp_path, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
