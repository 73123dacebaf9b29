"""What people type in their first hour: short options, names from other libraries, one entry of a table."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli.arguments import COMMANDS
from mlp.cli.completion import write_script
from mlp.config import SECTIONS, parse
from mlp.config.key_table import key_rows
from mlp.config.names_elsewhere import ELSEWHERE, find_parameter, find_place
from mlp.data import catalogue
from mlp.data.table import read_table
from mlp.diagnosis.causes import CAUSES
from mlp.diagnosis.glossary import kinds
from mlp.errors import ConfigError
from mlp.experiment import begin
from mlp.experiment.cost import estimate_cost
from mlp.optimizers import OPTIMIZERS

MANUAL = Path(mlp.__file__).parent / "manual"
KEYS = {f"{section}.{f.name}" for section, kind in SECTIONS.items() for f in fields(kind)}


# looking up


def test_version(cli: Any) -> None:
    assert cli("--version").out == f"mlp {mlp.__version__}\n"


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_says_what_it_is_and_the_manual_says_the_same(section: str) -> None:
    """The words stand at the key. A change there needs the same row in mlp/manual/config.md."""
    page = (MANUAL / "config.md").read_text(encoding="utf-8").split(f"## [{section}]\n")[1].split("\n## ")[0]
    for row in key_rows(section):
        assert row.meaning, row
        assert row.markdown() in page.splitlines()


@pytest.mark.parametrize("section", SECTIONS)
def test_config_prints_the_keys_of_a_section_with_their_defaults(cli: Any, section: str) -> None:
    out = cli("config", section).out
    assert re.findall(r"^  `(\w+)`  ", out, re.MULTILINE) == [row.name for row in key_rows(section)]
    assert out in cli("config").out


def test_config_prints_one_key_with_what_it_takes(cli: Any) -> None:
    out = cli("config", "training.batch_size").out
    assert out == cli("config", "batch_size").out
    assert 'Default: `32`. Allowed: a whole number, 1 or more, or "full".' in " ".join(out.split())


@pytest.mark.parametrize("asked", ["lr", "optimizer.lr"])
def test_config_knows_what_others_call_a_key(cli: Any, asked: str) -> None:
    said = cli("config", asked)
    assert said.status == 2
    assert said.err.count("\n") == 1
    assert "Did you mean 'optimizer.learning_rate'?" in said.err


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("optimizers", OPTIMIZERS),
        ("findings", [*kinds(), *CAUSES]),
        ("data", [entry.name for entry in catalogue()]),
    ],
)
def test_every_entry_is_shown_by_its_name(cli: Any, command: str, names: Any) -> None:
    for name in names:
        said = cli(command, name)
        assert said.status == 0
        assert said.out.startswith(name)
        assert ">>>" not in said.out


def test_an_optimizer_is_shown_with_its_mathematics_and_its_keys(cli: Any) -> None:
    out = cli("optimizers", "adam").out
    assert "u = -η m̂ / (√v̂ + ε)" in out
    assert re.search(r"beta1 +0\.9\n", out)


def test_a_rule_of_your_own_is_shown_too(cli: Any) -> None:
    Path("mine.py").write_text("import mlp\nclass Mine(mlp.SGD):\n    '''Its own words.'''\n")
    out = cli("optimizers", "mine", "--use", "mine.py").out
    assert "Its own words." in out and "learning_rate" in out and "In Python" not in out


@pytest.mark.parametrize(
    ("command", "wrong", "near"),
    [("optimizers", "sgdd", "sgd"), ("findings", "dead_unit", "dead_units"), ("data", "digist", "digits")],
)
def test_an_entry_that_is_not_there_is_one_line_with_a_near_one(cli: Any, command: str, wrong: str, near: str) -> None:
    said = cli(command, wrong)
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert f"Did you mean {near!r}?" in said.err
    assert len(said.err) < 120


# short options


def test_short_options_are_the_keys_that_they_stand_for(cli: Any) -> None:
    short = ["--epochs", "2", "--hidden", "6,5", "--optimizer", "sgd", "--learning-rate", "0.25", "--seed", "7"]
    long = ["training.epochs=2", "network.hidden=[6,5]", "optimizer.name=sgd", "optimizer.learning_rate=0.25"]
    assert cli("train", "iris", *short, "-o", "short").status == 0
    sets = [word for key in [*long, "training.seed=7"] for word in ("--set", key)]
    assert cli("train", "iris", *sets, "-o", "long").status == 0
    assert Path("short/config.toml").read_text() == Path("long/config.toml").read_text()


def test_a_short_option_counts_more_than_set_and_set_more_than_the_file(cli: Any) -> None:
    Path("e.toml").write_text('[training]\nepochs = 1\n[data]\nsource = "iris"\n')
    more = ("-c", "e.toml", "--set", "training.epochs=2", "--dry-run")
    assert "2 epochs" in cli("train", *more).out
    assert "3 epochs" in cli("train", *more, "--epochs", "3").out


@pytest.mark.parametrize("given", ["64,x", "[1.5]"])
def test_widths_that_are_none_are_one_line(cli: Any, given: str) -> None:
    said = cli("train", "iris", "--hidden", given)
    assert (said.status, said.err.count("\n")) == (2, 1)


def test_one_width_is_a_list_of_one() -> None:
    assert parse({"network": {"hidden": 64}}) == parse({"network": {"hidden": [64]}})
    assert parse({"network": {"hidden": np.int64(64)}}).to_dict()["network"]["hidden"] == [64]


# names from elsewhere


def test_every_name_from_elsewhere_leads_to_a_key_and_is_none_itself() -> None:
    own_of_parts = {"loss.label_smoothing", *(f"optimizer.{f.name}" for k in OPTIMIZERS.values() for f in fields(k))}
    assert set(ELSEWHERE) <= KEYS | own_of_parts
    for place, others in ELSEWHERE.items():
        for other in others.split():
            assert find_place(other) == place
            assert not any(key.split(".")[1] == other for key in KEYS - {place}), f"{other} is a key"


SKLEARN = {
    "hidden_layer_sizes": "hidden", "solver": "optimizer", "alpha": "l2", "learning_rate_init": "learning_rate",
    "max_iter": "epochs", "n_iter_no_change": "patience", "tol": "min_delta",
}  # fmt: skip


@pytest.mark.parametrize(("name", "parameter"), {**SKLEARN, "lr": "learning_rate", "batchnorm": "batch_norm"}.items())
@pytest.mark.parametrize("kind", [mlp.MLPClassifier, mlp.MLPRegressor])
def test_an_estimator_knows_what_others_call_its_parameters(kind: Any, name: str, parameter: str) -> None:
    assert find_parameter(name) == parameter
    with pytest.raises(TypeError, match=f"{kind.__name__} has no parameter '{name}'. Did you mean '{parameter}'?"):
        kind(**{name: 1})
    with pytest.raises(ValueError, match=f"did you mean '{parameter}'"):
        kind().set_params(**{name: 1})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"training": {"max_iter": 5}}, "'epochs'"),
        ({"network": {"hidden_layer_sizes": [5]}}, "'hidden'"),
        ({"network": {"epochs": 5}}, "'training.epochs'"),
        ({"optimizer": {"weight_decay": 0.1}}, "'loss.l2'"),
        ({"optimizer": {"lr": 0.1}}, "'learning_rate'"),
        ({"loss": {"alpha": 0.1}}, "'l2'"),
        ({"lr": 0.1}, "the key optimizer.learning_rate"),
        ({"hidden": [3]}, "the key network.hidden"),
        ({"mixup": 0.1}, "the key data.mixup"),
    ],
)
def test_a_config_knows_what_others_call_its_keys(given: dict[str, Any], meant: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"Did you mean {meant}?")):
        begin({"data": {"source": "xor"}, **given})


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("--lr", "0.1"), "For --lr give --learning-rate."),
        (("--max-iter=5",), "For --max-iter give --epochs."),
        (("--batch-size", "8"), "For --batch-size give --set training.batch_size=VALUE."),
        (("--set", "lr=0.1"), "Did you mean optimizer.learning_rate?"),
    ],
)
def test_train_knows_what_others_call_its_options(cli: Any, arguments: tuple[str, ...], meant: str) -> None:
    said = cli("train", "iris", *arguments)
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert meant in said.err


# quiet, dry, and the status


def test_quiet_says_nothing_of_a_healthy_run(cli: Any) -> None:
    assert cli("train", "iris", "-q", "-o", "run") == (0, "", "")
    assert cli("resume", "run", "--epochs", "21", "--quiet") == (0, "", "")
    assert cli("train", "iris", "-q", "--repair", "-o", "other") == (0, "", "")


DIVERGES = ("train", "digits", "--optimizer", "sgd", "--learning-rate", "1e5", "--epochs", "2")


def test_quiet_says_what_is_wrong_and_diagnose_ends_with_the_status_of_train(cli: Any) -> None:
    trained = cli(*DIVERGES, "-q", "-o", "run")
    assert trained.status == 1
    assert trained.out.startswith("critical: divergence")
    assert cli("diagnose", "run") == trained
    assert cli("diagnose", "run", "--json").status == 1


def test_a_cause_is_told_once(cli: Any) -> None:
    """Each finding has its causes, and many share them: the same three lines once stood below every finding."""
    out = cli("train", "iris", "--set", "network.bias=-100", "--epochs", "5").out
    causes = re.findall(r"^    (\w+): ", out, re.MULTILINE)
    assert len(causes) == len(set(causes)) > 0
    assert "    as above: negative_bias, " in out
    diverged = cli(*DIVERGES, "-o", "run").out
    assert diverged.count("times what is usual for this rule") == 1


def test_a_dry_run_shows_all_and_writes_nothing(cli: Any) -> None:
    said = cli("train", "digits", "--hidden", "9", "--dry-run", "-o", "run")
    assert said.status == 0
    for word in (
        "1797 rows",
        "1258 to train on",
        "64 → 9 → relu → 10",
        "9 × 65",
        "800 steps",
        "s on one core",
    ):
        assert word in said.out
    assert list(Path().iterdir()) == []


def test_the_estimate_counts_products() -> None:
    """By hand: 6 rows of XOR's 4 patterns cannot be; 4 rows, 13 parameters, 3 epochs of 1 step, nothing to validate."""
    config = {"data": {"source": "xor"}, "network": {"hidden": [3]}, "training": {"epochs": 3, "dtype": "float64"}}
    setup, _ = begin(config)
    cost = estimate_cost(setup)
    assert setup.layout.size == 13
    assert cost.products == 13 * 3 * (4 + 64)
    assert cost.seconds == pytest.approx(cost.products * 240e-12 + 3 * 20e-6 * 3)


def test_resume_logs_the_whole_run(cli: Any) -> None:
    cli("train", "iris", "--epochs", "2", "-o", "run", "--log", "first.csv")
    assert cli("resume", "run", "--epochs", "4", "--log", "all.csv").status == 0
    first, whole = Path("first.csv").read_text().splitlines(), Path("all.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in whole[1:]] == [str(step) for step in range(16)]
    assert [line.split(",")[1] for line in whole[1:8]] == [line.split(",")[1] for line in first[1:8]], "the losses"
    refused = cli("resume", "run", "--epochs", "5", "--log", "all.csv")
    assert refused.status == 2 and "--force" in refused.err
    assert cli("resume", "run", "--epochs", "5", "--log", "all.csv", "--force").status == 0


# completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_option(cli: Any, shell: str) -> None:
    out = cli("completion", shell).out
    assert out == write_script(shell, COMMANDS)
    for name, command in COMMANDS.items():
        assert name in out
        for argument in command.arguments:
            for option in argument.names:
                assert (option.lstrip("-") if shell == "fish" else option) in out or not option.startswith("-")


@pytest.mark.parametrize(
    ("words", "completed"),
    [("mlp tr", "train"), ("mlp train --hid", "--hidden"), ("mlp completion z", "zsh"), ("mlp res", "resume")],
)
def test_bash_completes(tmp_path: Path, words: str, completed: str) -> None:
    script = tmp_path / "mlp.bash"
    script.write_text(write_script("bash", COMMANDS), encoding="utf-8")
    parts = words.split()
    ask = (
        f"source {script}; COMP_WORDS=({words}); COMP_CWORD={len(parts) - 1}; "
        f"_mlp mlp '{parts[-1]}' '{parts[-2]}'; echo \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "--norc", "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [completed]
    assert done.stderr == ""


# networks and runs


def test_a_network_is_looked_up_by_name() -> None:
    net = mlp.Network([mlp.Dense(2, 3), mlp.Sigmoid(), mlp.Dense(3, 1)], rng=0)
    assert len(net) == 3
    assert net["dense1"] is net.views[0] is net[0]
    net["dense2"][...] = 1
    assert net.params[-4:].tolist() == [1, 1, 1, 1]
    with pytest.raises(KeyError, match="Did you mean"):
        net["dense"]
    with pytest.raises(IndexError):
        net[3]
    with pytest.raises(TypeError, match="not iterable"):
        list(net)  # type: ignore[call-overload]


def test_a_summary_has_shapes_and_counts() -> None:
    net = mlp.Network([mlp.Dense(64, 32), mlp.BatchNorm(), mlp.ReLU(), mlp.Dense(32, 10)], population=(5,))
    lines = net.summary().splitlines()
    assert lines[1].split() == ["dense1", "64", "→", "32", "32", "×", "65", "2,080"]
    assert lines[-1].split() == ["total", "64", "→", "10", "5", "×", f"{net.layout.size:,}"]
    counts = [int(line.split()[-1].replace(",", "")) for line in lines[1:-1]]
    assert sum(counts) == net.layout.size
    assert repr(net.summary()) == str(net.summary())


def test_the_repr_of_a_run_is_one_line() -> None:
    run = mlp.run({"data": {"source": "iris"}, "training": {"epochs": 2}})
    assert re.fullmatch(r"<Run of iris: 4 → 32 → 3, test_loss [\d.]+, test_accuracy [\d.]+, 8 steps, \S.*>", repr(run))
    X = np.linspace(0, 1, 20)[:, None]
    config = {"data": {"task": "regression"}, "training": {"epochs": 1}}
    assert repr(mlp.run(config, (X, X[:, 0]))).startswith("<Run of given rows: 1 → 32 → 1, ")


# progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("fast", [0, 1 << 20])
def test_a_long_file_shows_how_far_it_is_read_on_a_terminal_only(
    fast: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each 64 lines here, in blocks and cell by cell; and the table is the same."""
    monkeypatch.setattr("mlp.data.progress.LINES", 64)
    path = tmp_path / "long.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i % 7}\n" for i in range(500)))
    before = read_table(path, fast=fast)
    assert capsys.readouterr().err == ""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    after = read_table(path, fast=fast)
    shown = terminal.getvalue()
    assert re.findall(r"\rreading long.csv: (\d+) %", shown) == sorted(re.findall(r"(\d+) %", shown), key=int)
    assert shown.count("\r") == 500 // 64 + 1
    assert shown.endswith("\r\033[K")
    for one, other in zip(before.columns, after.columns, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_long_messy_file_shows_which_column_becomes_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells that are no plain numbers take longer than lines."""
    monkeypatch.setattr("mlp.data.progress.LINES", 64)
    path = tmp_path / "long.csv"
    path.write_text("a;b;t\n" + "".join(f"{i},5 %;{i},25;{i % 2}\n" for i in range(500)))
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    mlp.data.load(path)
    assert re.findall(r"reading long.csv: column (\d/\d)", terminal.getvalue()) == ["1/2", "2/2"]
    assert terminal.getvalue().endswith("\r\033[K")


def test_a_long_epoch_shows_its_steps_on_a_terminal_only(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlp.report.progress.PAUSE", 0.0)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    said = cli("train", "iris", "--epochs", "2", "-o", "shown")
    assert "step" not in said.out.split("\n\n")[1]
    assert re.findall(r"epoch (\d), step (\d)/4", terminal.getvalue()) == [(e, s) for e in "12" for s in "1234"]
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert cli("train", "iris", "--epochs", "2", "-o", "plain").err == ""
    model = Path("plain/model.npz"), Path("shown/model.npz")
    assert len({mlp.load_run(path.parent).network.params.tobytes() for path in model}) == 1, "the same bits"
