"""What `evaluate`, `compare` and `export` say, in Python and on the command line."""

from __future__ import annotations

import csv
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as theirs

import mlp
from mlp.cli import main
from mlp.comparison import compare_runs

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 3))
NOISE = RNG.normal(size=150) / 2
CODES = np.digitize(X[:, 0] + NOISE, [-0.5, 0.5])
QUICK = {"training": {"epochs": 2}, "record": {"probe": "never"}}
Said = tuple[int, str, str]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`cli("train iris")` in an empty folder: status, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def call(line: str) -> Said:
        try:
            status = main(line.split())
        except SystemExit as end:
            status = int(end.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def trained(y: Any, **config: Any) -> mlp.Run:
    return mlp.run({**QUICK, **config}, (X, y))


def sklearn_says(y: Any, answers: Any, p: Any) -> dict[str, float]:
    """What scikit-learn says of classes; the Brier score is by its definition, before 1.7 it was for two classes."""
    of = {"labels": np.unique(y)}
    f1 = theirs.precision_recall_fscore_support(y, answers, average="macro", zero_division=0)
    two = p.shape[1] == 2
    return {
        "accuracy": theirs.accuracy_score(y, answers),
        "balanced_accuracy": theirs.balanced_accuracy_score(y, answers),
        "precision_macro": f1[0],
        "recall_macro": f1[1],
        "f1_macro": f1[2],
        "auc": theirs.roc_auc_score(y, p[:, 1] if two else p, multi_class="ovr"),
        "log_loss": theirs.log_loss(y, p, **of),
        "brier": np.square(p - (y[:, None] == of["labels"])).sum(1).mean() / (2 if two else 1),
    }


@pytest.mark.parametrize("y", [CODES, CODES > 0, np.array(["low", "middle", "top"])[CODES]], ids=["3", "2", "names"])
def test_a_run_is_judged_as_scikit_learn_judges_its_answers(y: Any) -> None:
    run = trained(y, training={"epochs": 3, "dtype": "float64"})
    p = run.predict_proba(X)
    found = run.evaluate(X, y)
    expected = sklearn_says(y, run.predict(X), p)
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert set(found) == {"loss", "calibration_error", *expected}


def test_labels_are_judged_one_by_one_and_averaged() -> None:
    y = (X + NOISE[:, None] > 0).astype(int)
    run = trained(y)
    found, p = run.evaluate(X, y), run.predict_proba(X)
    assert found["auc"] == pytest.approx(theirs.roc_auc_score(y, p, average="macro"))
    assert found["f1_macro"] == pytest.approx(theirs.f1_score(y, run.predict(X), average="macro"))
    assert found["brier"] == pytest.approx(np.mean([theirs.brier_score_loss(y[:, j], p[:, j]) for j in range(3)]))
    assert found["log_loss"] == pytest.approx(np.mean([theirs.log_loss(y[:, j], p[:, j]) for j in range(3)]))
    assert found["accuracy"] == theirs.accuracy_score(y, run.predict(X))


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_numbers_are_judged_in_their_own_units(scale: str) -> None:
    y = 1000 * X[:, 0] + 5
    run = trained(y, data={"scale_target": scale})
    found, answers = run.evaluate(X, y), run.predict(X)
    assert found["mae"] == pytest.approx(theirs.mean_absolute_error(y, answers))
    assert found["rmse"] == pytest.approx(theirs.root_mean_squared_error(y, answers))
    assert found["r2"] == pytest.approx(theirs.r2_score(y, answers))


def test_scores_that_are_no_probabilities_are_judged_by_their_order_only() -> None:
    found = trained(CODES, loss={"name": "hinge"}).evaluate(X, CODES)
    assert "auc" in found
    assert not {"log_loss", "brier", "calibration_error"} & set(found)


def test_rows_of_a_single_class_have_no_auc_and_no_warning() -> None:
    found = trained(CODES).evaluate(X[CODES == 1], CODES[CODES == 1])
    assert np.isnan(found["auc"])
    assert found["balanced_accuracy"] == found["accuracy"]


def test_an_appraisal_has_what_is_known_of_each_class() -> None:
    run = trained(CODES)
    found = run.appraise(X, CODES)
    np.testing.assert_array_equal(found.confusion, theirs.confusion_matrix(CODES, run.predict(X)))
    assert found.by_class is not None
    assert found.by_class.support.tolist() == np.bincount(CODES).tolist()
    assert found.class_names == ("0", "1", "2")


def test_held_out_parts_are_judged_in_full_and_epochs_only_as_before() -> None:
    run = trained(CODES)
    assert {"test_auc", "validation_brier", "test_calibration_error"} <= set(run.metrics)
    assert [name for name in run.metrics if name.startswith("train_")] == ["train_loss", "train_accuracy"]
    assert [name for name in run.history if name.startswith("validation_")] == [
        "validation_loss",
        "validation_accuracy",
    ]


def test_evaluate_prints_every_class_and_what_it_was_taken_for(cli: Callable[[str], Said]) -> None:
    cli("train iris -o run --set record.probe=never")
    status, out, err = cli("evaluate run iris")
    assert (status, err) == (0, "")
    found = mlp.load_run("run").appraise(*mlp.load_run("run").load("iris"))
    assert f"{found.metrics['auc']:.4f}" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["class", "precision", "recall", "f1", "auc", "rows"] in rows
    assert ["truth", "answers"] in rows
    assert found.confusion is not None
    assert ["setosa", *map(str, found.confusion[0])] in rows


def test_evaluate_says_what_is_undefined(cli: Callable[[str], Said]) -> None:
    cli("train iris -o run --set record.probe=never")
    with Path("one.csv").open("w") as file:
        table = csv.writer(file)
        names = mlp.load_run("run").model.preprocessing.feature_names
        table.writerows([[*names, "species"], [5.1, 3.5, 1.4, 0.2, "setosa"]])
    _, out, _ = cli("evaluate run one.csv")
    assert "undefined" in next(line for line in out.splitlines() if line.startswith("auc"))
    found = json.loads(cli("evaluate run one.csv --json")[1], parse_constant=pytest.fail)
    assert found["metrics"]["auc"] is None
    assert found["rows"] == 1


def test_json_holds_classes_and_the_confusion_matrix(cli: Callable[[str], Said]) -> None:
    cli("train iris -o run --set record.probe=never")
    found = json.loads(cli("evaluate run iris --json")[1])
    assert [entry["name"] for entry in found["classes"]] == ["setosa", "versicolor", "virginica"]
    assert set(found["classes"][0]) == {"name", "precision", "recall", "f1", "support", "auc"}
    assert np.sum(found["confusion_matrix"]) == found["rows"] == 150


def test_of_many_classes_the_commonest_mistakes_are_shown(cli: Callable[[str], Said]) -> None:
    np.savez("many.npz", X=np.repeat(X, 2, 0), y=np.arange(300) % 15)
    cli("train many.npz -o run --set training.epochs=1 --set record.probe=never")
    status, out, _ = cli("evaluate run many.npz")
    assert status == 0
    assert "most often confused, of 15 classes" in out
    assert "taken for" in out


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good run a and a poor one b, tested on the same rows; c is of other data."""
    folder, poor = tmp_path_factory.mktemp("runs"), {"training": {"epochs": 1}, "optimizer": {"learning_rate": 0.001}}
    mlp.run({"data": {"source": "iris"}}, out=folder / "a")
    mlp.run({"data": {"source": "iris"}, **poor}, out=folder / "b")
    mlp.run({"data": {"source": "wine"}, **QUICK}, out=folder / "c")
    return folder


@pytest.fixture
def two(three: Path, cli: Callable[[str], Said], tmp_path: Path) -> Callable[[str], Said]:
    """Where the three are."""
    shutil.copytree(three, tmp_path, dirs_exist_ok=True)
    return cli


def test_compare_marks_the_best_and_shows_what_differs(two: Callable[[str], Said]) -> None:
    status, out, err = two("compare a b")
    assert (status, err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line}
    better = mlp.load_run("a").metrics["test_accuracy"]
    assert rows["test_accuracy"][0] == f"{better:.4f}*"
    assert rows["training.epochs"] == ["20", "1"]
    assert rows["optimizer.learning_rate"] == ["0.01", "0.001"]
    assert "network.hidden" not in rows
    assert rows["steps"] == ["80", "4"]


def test_runs_tested_on_the_same_rows_are_compared_row_by_row(two: Callable[[str], Said]) -> None:
    found = compare_runs(["a", "b"])
    parts = [mlp.load_run(name).metrics["test_accuracy"] for name in "ab"]
    (duel,) = found.duels
    assert found.rows == 22
    assert (duel.wins - duel.losses) / found.rows == pytest.approx(parts[0] - parts[1])
    assert "McNemar" in two("compare a b")[1]


def test_runs_are_compared_on_a_source_that_is_named(two: Callable[[str], Said]) -> None:
    a, b = mlp.load_run("a"), mlp.load_run("b")
    rows, y = a.load("iris")
    right = [run.predict(rows) == np.asarray(y) for run in (a, b)]
    (duel,) = compare_runs(["a", "b"], "iris").duels
    assert (duel.wins, duel.losses) == ((right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum())


def test_runs_of_other_rows_are_not_paired_and_it_is_said_why(two: Callable[[str], Said]) -> None:
    status, out, _ = two("compare a c")
    assert status == 0
    assert "not compared row by row: they were not tested on the same rows" in out


def test_of_several_runs_the_best_is_compared_with_corrected_chances(two: Callable[[str], Said]) -> None:
    """Three pairs: the smallest p counts three times (Holm); a run and its copy differ on no row."""
    shutil.copytree("a", "copy")
    (pair,) = compare_runs(["a", "b"], "iris").duels
    copy, poor = compare_runs(["a", "copy", "b"], "iris").duels
    assert (copy.wins, copy.losses, copy.p) == (0, 0, 1.0)
    assert poor.p == pytest.approx(min(1, 3 * pair.p))
    assert "no row differs" in two("compare a copy b")[1]


def test_an_ensemble_is_compared_by_its_common_answer(two: Callable[[str], Said]) -> None:
    """Its network is a population: raw outputs of it are those of every member, and a loss for each."""
    two("train iris -o e --set training.restarts=3 --set training.ensemble=true --set training.epochs=2")
    status, out, err = two("compare a e")
    assert (status, err) == (0, "")
    assert "McNemar" in out
    for source, rows in ((None, 22), ("iris", 150)):
        found = compare_runs(["a", "e"], source)
        (duel,), accuracy = found.duels, {}
        assert found.rows == rows
        for name in "ae":
            run = mlp.load_run(name)
            accuracy[name] = (
                run.metrics["test_accuracy"] if source is None else run.evaluate(*run.load(source))["accuracy"]
            )
        assert (duel.wins - duel.losses) / rows == pytest.approx(abs(accuracy["a"] - accuracy["e"]))


def test_what_is_written_to_a_pipe_or_through_a_link_leaves_them(two: Callable[[str], Said], tmp_path: Path) -> None:
    """A file is renamed to its name when it is whole: of /dev/null that made a file, where root may, and of a link."""
    os.mkfifo("pipe")
    Path("real.csv").touch()
    Path("link.csv").symlink_to("real.csv")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert two("predict a iris -o pipe")[0] == 0
        assert os.read(reader, 30).startswith(b"species,p(setosa)")
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)
    for command in ("predict a iris -o link.csv", "export a link.csv"):
        assert two(command)[0] == 2
        assert two(f"{command} --force")[0] == 0
        assert Path("link.csv").is_symlink() and Path("real.csv").stat().st_size > 100
    assert not list(tmp_path.glob("*.part"))


def test_runs_that_do_different_things_are_not_asked_the_same(two: Callable[[str], Said]) -> None:
    np.savez("rows.npz", X=X, y=CODES)
    for task in ("classification", "regression"):
        two(f"train rows.npz -o {task} --set data.task={task} --set training.epochs=1 --set record.probe=never")
    status, _, err = two("compare classification regression --on rows.npz")
    assert status == 2
    assert "the runs do classification and regression" in err
    assert two("compare classification regression")[0] == 0


def test_a_source_that_has_changed_is_not_used(cli: Callable[[str], Said]) -> None:
    np.savez("rows.npz", X=X, y=CODES)
    for name in "ab":
        cli(f"train rows.npz -o {name} --set record.probe=never --set training.epochs=2")
    assert "McNemar" in cli("compare a b")[1]
    np.savez("rows.npz", X=X[::-1], y=CODES)
    assert "rows.npz is no longer what it was" in cli("compare a b")[1]


def test_losses_of_different_kinds_are_not_ranked(tmp_path: Path) -> None:
    for name, loss in (("a", "cross_entropy"), ("b", "focal")):
        trained(CODES, loss={"name": loss}).save(tmp_path / name)
    found = compare_runs([tmp_path / "a", tmp_path / "b"])
    assert found.best("test_loss") == []
    assert found.on.startswith("a run of rows in memory")


def test_compare_in_json_is_whole(two: Callable[[str], Said]) -> None:
    found = json.loads(two("compare a b --json")[1], parse_constant=pytest.fail)
    assert [run["run"] for run in found["runs"]] == ["a", "b"]
    assert found["settings"]["training.epochs"] == [20, 1]
    assert found["best"]["test_accuracy"] == ["a"]
    assert set(found["tests"][0]) == {"best", "other", "wins", "losses", "p"}


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ("compare a", "two runs or more"),
        ("compare a nothing", "nothing: this is no run directory"),
        ("compare a b --on wine", "X has 13 features"),
        ("compare a b --on irsi", "Did you mean 'iris'"),
        ("export a model.xyz", r"the ending says in which format. Known: .onnx"),
        ("export a model", "the ending says in which format"),
        ("export nothing model.onnx", "no run directory"),
        ("export a no/model.onnx", "no/model.onnx cannot be written: there is no folder no"),
        ("train iris --log run.txt", "logs are .csv or .jsonl files"),
        ("train iris --log no/run.csv", "no/run.csv cannot be written: there is no folder no"),
        ("train iris -o new --log new/run.csv", "lies in the run directory"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(line: str, needed: str, two: Callable[[str], Said]) -> None:
    before = sorted(Path().rglob("*"))
    status, out, err = two(line)
    assert (status, out) == (2, "")
    assert needed in err
    assert err.count("\n") == 1
    assert sorted(Path().rglob("*")) == before


def test_export_writes_what_the_ending_says(two: Callable[[str], Said]) -> None:
    for name in ("a.onnx", "a.safetensors", "a.csv", "a.jsonl", "board/"):
        status, out, err = two(f"export a {name}")
        assert (status, err) == (0, "")
        assert name in out
        assert Path(name).exists()
    assert "takes X (rows, 4), raw, in float64; gives prediction and probabilities" in two("export a a.onnx --force")[1]


def test_train_logs_to_several_places(cli: Callable[[str], Said]) -> None:
    assert cli("train iris -o run --log run.csv --log run.jsonl --log board --set record.probe=never")[0] == 0
    history = mlp.load_run("run").history
    mlp.to_csv(history, "after.csv")
    assert Path("run.csv").read_text() == Path("after.csv").read_text()
    assert len(Path("run.jsonl").read_text().splitlines()) == 80
    assert list(Path("board").iterdir())


def test_a_run_is_the_same_with_a_log(cli: Callable[[str], Said]) -> None:
    cli("train iris -o a --set record.probe=never")
    cli("train iris -o b --log b.csv --set record.probe=never")
    assert Path("a/history.npz").stat().st_size == Path("b/history.npz").stat().st_size
    assert mlp.load_run("a").network.params.tobytes() == mlp.load_run("b").network.params.tobytes()
