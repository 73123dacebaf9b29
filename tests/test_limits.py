"""What a hostile or a mistaken input may take: memory, bytes, time, a place on the terminal. Said in one line."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp import limits
from mlp.cli import main
from mlp.config.toml import override, read_toml
from mlp.data import Dataset, load
from mlp.data.download import fetch
from mlp.errors import ConfigError, DataError, DownloadError, FileFormatError, HyperparameterError, visible
from mlp.experiment.before_training import reference_loss
from mlp.experiment.setup import set_up
from mlp.experiment.state import begin
from mlp.experiment.watch import BASELINE_STEPS, LEAST_STEPS, affordable_steps
from mlp.losses import Focal, Hinge, SoftmaxCrossEntropy
from mlp.report.text import _quote_formula
from mlp.statistics.scores import confusion, score_answers, score_classes

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.where(X[:, 0] > 0, "yes", "no")


# memory


def test_a_layer_too_large_is_refused_with_the_bytes_it_needs() -> None:
    """NumPy hands out memory that is not there; the system ends the process when it is written to."""
    with pytest.raises(mlp.ShapeError, match=r"24,000,000,000,000 bytes are needed and [\d,]+ are available"):
        mlp.Network([mlp.Dense(2, 10**12)])


def test_the_limit_of_memory_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.MEMORY, "100M")
    with pytest.raises(ConfigError, match="bytes are needed and 104,857,600 are available"):
        begin({"network": {"hidden": [3_000_000]}}, (X, Y))
    monkeypatch.setenv(limits.MEMORY, "much")
    with pytest.raises(HyperparameterError, match="MLP_MEMORY"):
        limits.limit(limits.MEMORY)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), SoftmaxCrossEntropy(0.1), Focal(), Hinge()], ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_reference_loss_of_classes_is_that_of_every_row(loss: Any, weighted: bool) -> None:
    """Once every row had every class in memory, four times: 8.6 GB for 10,000 classes in 20,000 rows."""

    class Head:
        n_out, takes_labels = 7, True

    Head.loss = loss  # type: ignore[attr-defined]
    target = RNG.integers(0, 7, 200) % RNG.integers(1, 8, 200)
    weights = RNG.uniform(0.5, 2, 200) if weighted else None
    one_hot = np.eye(7)[target]
    share = np.average(one_hot, 0, weights)
    limited = np.clip(share, 1e-12, 1 - 1e-12)
    answers = (share, np.log(limited), np.log(limited / (1 - limited)), (share > 0.5) * 1.0)
    slow = min(float(loss.value(np.repeat(a[:, None], 200, 1), target, weights)) for a in answers)
    assert reference_loss(Head(), target, weights) == pytest.approx(slow, rel=1e-12)  # type: ignore[arg-type]


def test_scores_of_classes_need_no_matrix() -> None:
    truth, answers = RNG.integers(0, 9, 300), RNG.integers(0, 8, 300)
    for mine, of_matrix in zip(
        score_answers(truth, answers, 10), score_classes(confusion(truth, answers, 10)), strict=True
    ):
        np.testing.assert_array_equal(mine, of_matrix)


def test_many_classes_are_scored_some_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All raw outputs of all rows at once, and thrice more in the loss, were 4 GB for 10,000 classes."""
    run = mlp.run({"training": {"epochs": 1}}, (X, Y))
    part = run.model.part(X, Y)
    whole = run.model.evaluate(part)
    monkeypatch.setattr("mlp.model.metrics.CELLS", 7)
    pieces = run.model.evaluate(part)
    assert pieces == pytest.approx(whole, rel=1e-6)  # float32


@pytest.mark.parametrize("weighted", [False, True])
def test_an_appraisal_of_many_classes_has_no_second_set_of_outputs(
    weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`mlp evaluate` of 20,000 rows with 10,000 classes took 3.4 GB: the loss made three copies of all outputs."""
    run = mlp.run({"training": {"epochs": 1}}, (X, Y))
    part = run.model.part(X, Y)
    if weighted:
        part = dataclasses.replace(part, weights=np.linspace(0.5, 1.5, len(part)))
    whole = run.model.appraise(part).metrics
    monkeypatch.setattr("mlp.model.metrics.CELLS", 7)
    monkeypatch.setattr("mlp.statistics.scores.CELLS", 7)
    assert run.model.appraise(part).metrics == pytest.approx(whole, rel=1e-6)  # float32


# the baseline


def test_a_baseline_costs_no_more_than_the_run() -> None:
    """800 steps of a network with 64 times as many weights as inputs, six times: 48 s beside a run of 2 s."""
    wide = RNG.normal(size=(40, 20_000))
    setup, state = begin({"training": {"epochs": 5}}, (wide, Y))
    state.steps = setup.n_steps
    assert affordable_steps(setup, state) < LEAST_STEPS
    state.steps = 10**6
    assert affordable_steps(setup, state) == BASELINE_STEPS
    small, state = begin({}, (X, Y))
    assert affordable_steps(small, state) == BASELINE_STEPS
    assert set_up(small.config, small.prepared).n_steps == small.n_steps


# bombs, pipes, devices


def test_a_packed_file_grows_only_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """17 MB of a .npz became 4 GB, and of a .idx.gz too; nothing looked at the size before."""
    monkeypatch.setitem(limits.DEFAULTS, limits.UNPACKED, 1 << 20)
    np.savez_compressed(tmp_path / "bomb.npz", X=np.zeros((3_000_000, 1), np.int8), y=np.zeros(3))
    (tmp_path / "bomb.idx.gz").write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 48, 0, 0]) + bytes(48 << 16)))
    for name in ("bomb.npz", "bomb.idx.gz"):
        with pytest.raises(FileFormatError, match=r"bytes would grow to [\d,]+ or more.*MLP_UNPACKED raises it"):
            load(tmp_path / name)
    monkeypatch.setenv(limits.UNPACKED, "1G")
    assert len(load(tmp_path / "bomb.idx.gz").X) == 48 << 16


@pytest.mark.parametrize("name", ["rows.csv", "rows.npz", "rows.npy", "rows.idx", "rows"])
def test_a_pipe_or_a_device_is_not_waited_for(name: str, tmp_path: Path) -> None:
    """A pipe that nobody writes to was opened, and waited for without end; /dev/zero was read into memory."""
    os.mkfifo(tmp_path / name)
    with pytest.raises(FileFormatError, match="is a pipe, and a regular file is needed"):
        load(tmp_path / name)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(FileFormatError, match="is a device"):
        load(tmp_path / name)


def test_an_experiment_may_not_be_a_pipe_that_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.toml")
    with pytest.raises(FileFormatError, match="is a pipe"):
        read_toml(tmp_path / "a.toml")


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends without an end, and without saying how much."""

    def do_GET(self) -> None:
        self.send_response_only(200, "OK")
        self.end_headers()
        with open("/dev/zero", "rb") as zeros:
            while True:
                try:
                    self.wfile.write(zeros.read(1 << 16))
                except OSError:
                    return

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("name", "value"), [(limits.DOWNLOAD_BYTES, "1M"), (limits.DOWNLOAD_SECONDS, "0")])
def test_a_download_has_a_size_and_an_end(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only silence was limited, 20 s: a server that went on sending was listened to until the disk was full."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv(name, value)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with pytest.raises(DownloadError, match=f"are allowed .{name} raises it"):
            fetch(f"http://127.0.0.1:{server.server_port}/x", tmp_path / "x", hashlib.sha256(b"").hexdigest())
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert not list(tmp_path.iterdir())


def test_rates_near_the_largest_number_raise_no_warning() -> None:
    """The mean rate of a schedule was the sum of a hundred rates, divided afterwards: a warning of NumPy's."""
    config = {"optimizer": {"name": "sgd", "learning_rate": 1.7e308, "schedule": "cosine"}, "training": {"epochs": 1}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not mlp.run({**config, "record": {"baseline": "never"}}, (X, Y)).healthy


# names


def test_repeated_class_names_are_refused(tmp_path: Path) -> None:
    """Two columns of probabilities had one name, and an answer meant either of two classes."""
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(40) % 3, class_names=np.array(["a", "b", "a"]))
    with pytest.raises(DataError, match="class_names has 'a' 2 times"):
        load(tmp_path / "a.npz")
    with pytest.raises(DataError, match="class_names has 'a' 2 times"):
        Dataset(X, np.arange(40) % 3, ("x", "y", "z"), class_names=("a", "b", "a"))
    np.savez(tmp_path / "b.npz", X=X, y=np.arange(40) % 3, feature_names=np.array(["a", "b", "a"]))
    with pytest.raises(DataError, match="feature_names has 'a' 2 times"):
        load(tmp_path / "b.npz")


def test_half_of_a_surrogate_pair_is_no_name(tmp_path: Path) -> None:
    """JSON has an escape for it and so the model was written; tables and predictions in UTF-8 failed later."""
    with pytest.raises(DataError, match=r"half of a surrogate pair"):
        mlp.run({}, (X, np.where(X[:, 0] > 0, "a\ud800", "b")))
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(40) % 2, class_names=np.array(["a", "b\udfff"]))
    with pytest.raises(DataError, match=r"half of a surrogate pair"):
        load(tmp_path / "a.npz")


HOSTILE = "a\x1b[31m\x07\u202eb"


def test_names_reach_the_terminal_visible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name of a class could colour the terminal, ring its bell, and turn the line around."""
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(40) % 2, class_names=np.array([HOSTILE, "b"]))
    source, run = str(tmp_path / "a.npz"), str(tmp_path / "run")
    assert main(["train", source, "-o", run, "--set", "training.epochs=1"]) == 0
    assert main(["evaluate", run, source]) == 0
    assert main(["compare", run, run]) == 0
    said = capsys.readouterr().out
    assert r"a\x1b[31m\x07" in said
    assert all(line.isprintable() for line in said.split("\n"))


def test_messages_are_visible_lines() -> None:
    error = mlp.errors.DataError(f"no {HOSTILE}\nrow")
    assert str(error) == r"no a\x1b[31m\x07\u202eb\nrow"
    assert visible("é 名 \u3000") == "é 名 \u3000"


@pytest.mark.parametrize("cell", ["=1+1", "+a", "-a", "@SUM(A1)", "\tx"])
def test_safe_cells_are_no_formulas(cell: str) -> None:
    assert _quote_formula(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["a=b", "-1.5", "+3e5", "-inf", 3, -2.5])
def test_safe_cells_leave_numbers_and_words(cell: Any) -> None:
    assert _quote_formula(cell) == cell


def test_predictions_are_quoted_where_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(40) % 2, class_names=np.array(["=1+1", "@b"]))
    source, run = str(tmp_path / "a.npz"), str(tmp_path / "run")
    assert main(["train", source, "-o", run, "--set", "training.epochs=1"]) == 0
    capsys.readouterr()
    assert main(["predict", run, source]) == 0
    assert set(capsys.readouterr().out.splitlines()[1:][0][:1]) <= {"=", "@"}
    assert main(["predict", run, source, "--safe-cells"]) == 0
    assert all(line.startswith(("'=", "'@")) for line in capsys.readouterr().out.splitlines()[1:])


# tracebacks


def test_a_home_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """`expanduser` raises RuntimeError for a user that does not exist."""
    assert main(["train", "~nouser/rows.csv"]) == 2
    assert "~nouser/rows.csv: there is no such home folder" in capsys.readouterr().err


def test_keys_have_few_names(tmp_path: Path) -> None:
    """Two thousand dotted keys are two thousand tables in one another, and whoever walks through them recurses."""
    (tmp_path / "a.toml").write_text("a" + ".a" * 2000 + " = 1")
    with pytest.raises(ConfigError, match="nested more than 20 deep"):
        read_toml(tmp_path / "a.toml")
    with pytest.raises(ConfigError, match=r"needed is section\.key=value"):
        override({}, "a" + ".a" * 2000 + "=1")


@pytest.mark.parametrize("digits", [25, 60, 309, 400, 5000])
@pytest.mark.parametrize("key", ["training.epochs", "training.seed", "optimizer.learning_rate", "network.hidden"])
def test_numbers_of_many_digits_are_refused_in_one_line(
    key: str, digits: int, capsys: pytest.CaptureFixture[str]
) -> None:
    number = "9" * digits
    status = main(
        ["train", "xor", "--set", f"{key}={f'[{number}]' if 'hidden' in key else number}", "-o", "/dev/null/x"]
    )
    err = capsys.readouterr().err
    assert status == 2
    assert err.count("\n") == 1


def test_ctrl_c_while_modules_are_imported_is_one_line() -> None:
    """Importing takes half a second, in which a signal raised KeyboardInterrupt somewhere inside NumPy."""
    program = (
        "import os, signal, sys\n"
        "from mlp.cli import main\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'mlp.cli.lookup': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.exit(main(['data']))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGINT, "\nmlp: interrupted.\n")
