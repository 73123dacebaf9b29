"""Data sets as problems of a bench: what `mlp train` reads, as `mlp train` sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.errors import ConfigError, DataError, MLPError
from mlp.optimizer_bench.bench_trial import train_members
from mlp.optimizer_bench.data_problem import data_problem, is_data
from mlp.sweep import ProcessPool

SHORT = {"seeds": 4, "tuning_seeds": 2, "rates": 3, "together": 4}


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plots, which take longer than all the rest."""
    monkeypatch.setattr("mlp.optimizer_bench.compare_optimizers.draw_plots", lambda cells, folder: None)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of numbers, with a price that a line explains nearly."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    rows = np.c_[X, 3 * X[:, 0] + 0.3 * X[:, 1] * X[:, 2] + 100]
    path = tmp_path / "price.csv"
    path.write_text("a,b,c,price\n" + "".join(",".join(f"{v:.5g}" for v in row) + "\n" for row in rows))
    return path


def experiment(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", ["iris", "price.csv"])
def test_a_problem_begins_with_the_rows_and_measures_of_a_run(
    name: str, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the weights of a run, a problem measures what the run measured."""
    monkeypatch.chdir(table.parent)
    problem = data_problem(name)
    config = {
        "data": {"source": name}, "training": {"epochs": 3, "batch_size": "full"},
        "optimizer": {"name": "sgd", "learning_rate": 0.1},
    }  # fmt: skip
    run = mlp.run(config, out=None)
    path = experiment(table.parent, f'[data]\nsource = "{name}"\n[training]\nepochs = 3\nbatch_size = "full"\n')
    descent = data_problem(path).begin(0, 0, False)
    assert descent.params.shape == run.network.params.shape
    kind = "rmse" if name == "price.csv" else "accuracy"
    assert (problem.score, problem.chosen_by) == (f"test_{kind}", "validation_loss")
    assert {"train_loss", "validation_loss", f"test_{kind}"} <= descent.measure(descent.params).keys()
    descent.params[...] = run.network.params
    found = descent.measure(descent.params)
    assert found[f"test_{kind}"] == pytest.approx(run.metrics[f"test_{kind}"], rel=1e-5)  # float32
    assert found["test_loss"] == pytest.approx(run.metrics["test_loss"], rel=1e-5)


def test_half_of_the_best_constant_answer_solves_it(table: Path) -> None:
    """Standard targets have variance 1, so the mean loses ½; of three classes of equal share it loses ln 3."""
    assert data_problem(str(table)).target.level == pytest.approx(0.25, rel=0.01)
    assert data_problem("iris").target.level == pytest.approx(np.log(3) / 2, rel=0.01)


def test_an_experiment_file_says_network_and_length(table: Path) -> None:
    text = (
        f'[data]\nsource = "{table}"\ntarget = "a"\n[network]\nhidden = [5]\n[training]\nepochs = 7\nbatch_size = 10\n'
    )
    problem = data_problem(experiment(table.parent, text))
    assert (problem.epochs, problem.per_epoch) == (7, 9)  # 84 of 120 rows are to train on
    assert problem.begin([0, 1], 0, False).params.shape == (2, 3 * 5 + 5 + 5 + 1)


def test_rows_that_weigh_more_count_more(table: Path) -> None:
    """Balanced classes: the weights of the rows go into the loss that is trained on."""
    rows = "".join(f"{i / 60:.3f},{'yes' if i >= 50 else 'no'}\n" for i in range(60))
    (table.parent / "few.csv").write_text("x,label\n" + rows)
    name = f'[data]\nsource = "{table.parent / "few.csv"}"\n'
    plain, balanced = (
        data_problem(experiment(table.parent, name + more)).begin(0, 0, True)
        for more in ("", 'class_weight = "balanced"\n')
    )
    losses = [next(iter(descent.steps(mlp.SGD(0.1)))).loss for descent in (plain, balanced)]
    assert losses[0] != losses[1]


def test_the_bench_takes_files_beside_problems_and_in_processes(table: Path, tmp_path: Path) -> None:
    here = mlp.bench(["adam", "sgd"], ["xor", str(table)], **SHORT, epochs=5)
    with ProcessPool(1) as pool:
        there = mlp.bench(["adam", "sgd"], ["xor", str(table)], **SHORT, epochs=5, executor=pool, out=tmp_path / "b")
    assert [(row.rule, row.rate, row.final) for row in here.rows()] == [
        (row.rule, row.rate, row.final) for row in there.rows()
    ]
    assert (tmp_path / "b" / "summary.csv").read_text().count("price.csv")


def test_a_file_that_has_changed_runs_anew(table: Path, tmp_path: Path) -> None:
    """Its rows are part of the name of a trial: numbers of other rows would stand beside those of these."""
    first = mlp.bench("sgd", str(table), **SHORT, epochs=2, out=tmp_path / "b").rows()[0].final
    table.write_text(table.read_text().replace("\n", "\n9,9,9,200\n", 1))
    assert mlp.bench("sgd", str(table), **SHORT, epochs=2, out=tmp_path / "b").rows()[0].final != first


def test_own_rules_and_problems_and_data_stand_in_the_table_of_obstacles(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = Path(mlp.__file__).parent.parent / "examples"
    own = ["--use", str(examples / "10_own_optimizer.py"), "--use", str(examples / "15_own_problem.py")]
    asked = f"--optimizers sign_average,sgd --problems saddle,booth,{table} --seeds 3 --jobs 1 -o"
    assert main(["bench", "--obstacles", *own, *asked.split(), str(tmp_path / "out")]) == 0
    assert f"1 saddle, 2 booth, 3 {table}" in capsys.readouterr().out
    lines = (tmp_path / "out" / "obstacles.csv").read_text().splitlines()
    assert len(lines) == 7 and any(line.startswith("booth,") and "sign_average" in line for line in lines)
    assert (
        main(["bench", "-c", str(tmp_path / "out" / "bench.toml"), *own, "--jobs", "1", "-o", str(tmp_path / "out")])
        == 0
    )
    assert (tmp_path / "out" / "obstacles.csv").read_text().splitlines() == lines


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[data]\nsource = 'iris'\nmixup = 0.2\n", "a bench compares rules alone"),
        ("[data]\nsource = 'iris'\n[network]\npretrain = 'rbm'\n", "pretrain.*Leave it out"),
        ("[data]\nsource = 'iris'\n[network]\nmax_norm = 3.0\n", "max_norm.*Leave it out"),
        ("[data]\nsource = 'iris'\n[netwok]\n", "Did you mean 'network'"),
        ("[network]\nhidden = [4]\n", "source"),
    ],
)
def test_an_experiment_that_no_bench_can_train_says_why(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises((ConfigError, DataError), match=words):
        mlp.bench("sgd", experiment(tmp_path, text), **SHORT)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in ("none.csv", "none.toml"):
        with pytest.raises(MLPError, match=name.replace(".", r"\.")):
            mlp.bench("sgd", str(tmp_path / name), **SHORT)
    assert not is_data("xor") and not is_data("ravine-1.5") and is_data("iris") and is_data("none.CSV")


def test_what_is_read_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table that is called like a file of a bench, in the folder that the bench writes."""
    (tmp_path / "results.csv").write_text("a,b\n" + "".join(f"{i},{i % 2}\n" for i in range(30)))
    before = (tmp_path / "results.csv").read_text()
    assert main(["bench", "--problems", str(tmp_path / "results.csv"), "--force", "-o", str(tmp_path)]) == 2
    assert (tmp_path / "results.csv").read_text() == before
    assert "results.csv" in capsys.readouterr().err


def test_members_with_their_own_weights_train_as_each_would_alone(table: Path) -> None:
    problem = data_problem(str(table))
    together = train_members(problem, mlp.Adam(0.01), [None] * 3, [0, 1, 2], 0)
    alone = train_members(problem, mlp.Adam(0.01), [None], [1], 0)[0]
    assert together[1]["final"]["test_rmse"] == pytest.approx(alone["final"]["test_rmse"], rel=1e-3)  # float32
