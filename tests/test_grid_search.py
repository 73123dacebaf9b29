"""Searching a grid: members, folds, the journal, what is chosen, and what the command line says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.config import parse, read_toml
from mlp.data.split import fold_rows
from mlp.grid_search.plan import Cell, Search
from mlp.grid_search.population import group_setups
from mlp.grid_search.space import Range, combine, parse_grid
from mlp.grid_search.summary import choose_smallest, summarize, warn_of
from mlp.grid_search.trial import Task, _score_alone, _score_population, prepare_fold
from mlp.statistics.student import mean_interval, paired_t_test, standard_error, t_quantile, t_within

IRIS: dict[str, Any] = {"data": {"source": "iris"}, "training": {"epochs": 3}}
OVER = {"network.hidden": [2, 8], "optimizer.learning_rate": [0.01, 0.03]}
TABLES = ("sweep.csv", "results.csv", "chosen.toml", "best.toml")


def rows_of(n_classes: int | None, n: int = 60) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 4))
    y = X[:, 0] + 0.3 * rng.standard_normal(n)
    return X, y if n_classes is None else np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))


@pytest.mark.parametrize("n_classes", [None, 2, 3])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"network": {"batch_norm": True}, "optimizer": {"name": "sgd", "schedule": "cosine"}},
        {"network": {"hidden": [5, 5], "residual": True}, "optimizer": {"clip_norm": 0.5}},
        {"optimizer": {"name": "nadam", "average": 0.9}, "loss": {"l2": 0.01}, "training": {"batch_size": 7}},
    ],
)
def test_a_member_of_a_population_gets_the_numbers_that_it_gets_alone(given: Any, n_classes: int | None) -> None:
    """Each has its own order of the batches: with one for all, a seed would not be the seed of `mlp train`."""
    task = Task(
        {**given, "training": {"epochs": 2, "dtype": "float64", **given.get("training", {})}}, rows_of(n_classes), 3
    )
    prepared, held_out = prepare_fold(task, task.configure({}), 2)
    members = [(rate, seed) for rate in (0.01, 0.1) for seed in (0, 3)]
    setups = [task.set_up(task.configure({"optimizer.learning_rate": rate}, seed), prepared) for rate, seed in members]
    assert group_setups(setups) == [[0, 1, 2, 3]]
    together = _score_population(setups, held_out)
    for one, setup in zip(together, setups, strict=True):
        alone = _score_alone(setup, held_out)
        assert one["score"] == pytest.approx(alone["score"], abs=1e-9)  # sums of a batch in another order
        assert one["loss"] == pytest.approx(alone["loss"], rel=1e-9)
        assert one["steps"] == alone["steps"]


@pytest.mark.parametrize(
    "given",
    [
        {"network": {"dropout": 0.2}},
        {"training": {"early_stopping": True}},
        {"training": {"restarts": 2}},
        {"optimizer": {"name": "lbfgs"}},
        {"optimizer": {"schedule": "plateau"}},
        {"data": {"class_weight": "balanced"}},
        {"loss": {"name": "hinge"}},
    ],
)
def test_what_would_get_other_numbers_beside_others_trains_alone(given: Any) -> None:
    task = Task(given, rows_of(3), 3)
    prepared, _ = prepare_fold(task, task.configure({}), 1)
    rates = {} if given.get("optimizer", {}).get("name") == "lbfgs" else {"optimizer.learning_rate": 0.1}
    setups = [task.set_up(task.configure(values, seed), prepared) for values in ({}, rates) for seed in (0, 1)]
    assert group_setups(setups) == [[0], [1], [2], [3]]


def test_it_agrees_with_scikit_learns_grid_search_over_our_estimator() -> None:
    """The same folds and the same seeds: the same scores, and the same order of all combinations.

    Penalty and loss are given: those that the estimator takes by itself follow from the rows of each fold.
    """
    model_selection = pytest.importorskip("sklearn.model_selection")
    X, y = mlp.data.load("iris").X, np.asarray(mlp.data.load("iris").y)
    parameters = {"hidden": [[2], [6]], "learning_rate": [0.003, 0.03], "random_state": [0, 1]}
    folds = fold_rows(len(X), 3, rng=parse({}).training.generator(0), labels=y)
    cv = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(3)]
    estimator = mlp.MLPClassifier(epochs=4, random_state=0, l2=0.01, loss="cross_entropy")
    theirs = model_selection.GridSearchCV(estimator, parameters, cv=cv, refit=False).fit(X, y)
    config = estimator.fit(X, y)._run.config.to_dict()
    over = {"network.hidden": parameters["hidden"], "optimizer.learning_rate": parameters["learning_rate"]}
    config["optimizer"].pop("learning_rate")
    found = mlp.grid(config, (X, y), over, seeds=2, folds=3)
    for cell in found.cells:
        for seed in (0, 1):
            ours = [cell.scores[seed, fold] for fold in (1, 2, 3)]
            wanted = {"hidden": cell.values["network.hidden"], "random_state": seed}
            wanted["learning_rate"] = cell.values["optimizer.learning_rate"]
            place = theirs.cv_results_["params"].index(wanted)
            assert ours == pytest.approx(
                [theirs.cv_results_[f"split{k}_test_score"][place] for k in range(3)], abs=1e-12
            )


@pytest.mark.parametrize(
    "training", [{}, {"restarts": 2}, {"restarts": 2, "ensemble": True}, {"early_stopping": {"patience": 1}}]
)
def test_the_first_seed_gives_the_scores_of_mlp_train_with_folds(training: dict[str, Any]) -> None:
    """Restarts are chosen among by the loss of the best constant answer, which a search once did not note."""
    given = {"training": {"epochs": 2, **training}, "record": {"baseline": "never"}}
    found = mlp.grid({**given, "data": {"source": "iris"}}, over={"network.hidden": [5]}, seeds=2, folds=2)
    for fold in (1, 2):
        run = mlp.run({**given, "data": {"source": "iris", "folds": 2, "fold": fold}, "network": {"hidden": [5]}})
        assert found.cells[0].scores[0, fold] == pytest.approx(run.metrics["test_accuracy"], abs=1e-12)


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pictures, which take a second each."""
    monkeypatch.setattr("mlp.grid_search.search.draw_plot", lambda search, cells, path: None)


@pytest.mark.usefixtures("unseen")
def test_the_same_tables_after_a_stop(tmp_path: Path) -> None:
    """Every finished trial is on disk; the table is made of the plan, not of the order of finish."""
    whole = mlp.grid(IRIS, over=OVER, seeds=2, folds=3, out=tmp_path / "whole")
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    lines = (tmp_path / "whole" / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (stopped / "trials.jsonl").write_bytes(b"".join([lines[0], *lines[4:], lines[2][:50]]))
    mlp.grid(IRIS, over=OVER, seeds=2, folds=3, out=stopped)
    for name in TABLES:
        first = (tmp_path / "whole" / name).read_bytes()
        assert (stopped / name).read_bytes() == first, name
    assert len(whole.rows()) == 4


@pytest.mark.filterwarnings("default")  # those of dask are not ours
def test_two_workers_of_a_cluster_give_the_same_tables(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    X, y = rows_of(3)
    config = {"training": {"epochs": 2}}
    mlp.grid(config, (X, y), OVER, seeds=2, folds=3, out=tmp_path / "here")
    how: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**how) as local:
        mlp.grid(config, (X, y), OVER, seeds=2, folds=3, out=tmp_path / "there", cluster=local.scheduler_address)
    for name in TABLES:
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


@pytest.mark.usefixtures("unseen")
def test_a_journal_of_other_rows_is_refused(tmp_path: Path) -> None:
    X, y = rows_of(2)
    mlp.grid({"training": {"epochs": 1}}, (X, y), {"network.hidden": [2, 3]}, seeds=1, folds=2, out=tmp_path)
    with pytest.raises(mlp.DataError, match="Take a new folder"):
        mlp.grid({"training": {"epochs": 1}}, (X + 1e-3, y), {"network.hidden": [2, 3]}, seeds=1, folds=2, out=tmp_path)


OWN = """
from dataclasses import dataclass
import numpy as np
import mlp

@dataclass(frozen=True)
class Bent(mlp.Activation):
    def forward(self, params, x, y, scratch):
        np.arctan(x.values, out=y.values)

    def slope(self, x, y, scratch, out):
        np.divide(1, 1 + np.square(x), out=out)
"""


@pytest.mark.usefixtures("unseen")
def test_own_parts_are_tried_beside_others_also_in_processes(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    over = {"network.activation": ["bent", "tanh"]}
    for name, jobs in (("here", None), ("there", 2)):
        mlp.grid(IRIS, over=over, seeds=1, folds=2, use=str(file), jobs=jobs, out=tmp_path / name)
    for name in TABLES:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def test_parts_that_cannot_travel_are_refused_before_anything_runs() -> None:
    class Local(mlp.SGD):
        pass

    with pytest.raises(mlp.ConfigError, match="other processes cannot get"):
        mlp.grid(IRIS, over={"optimizer.name": ["sgd", "local"]}, seeds=1, folds=2, use=Local, jobs=2)


@pytest.mark.usefixtures("unseen")
def test_the_chosen_experiment_trains(tmp_path: Path) -> None:
    found = mlp.grid(IRIS, over=OVER, seeds=1, folds=2, out=tmp_path)
    assert mlp.run(tmp_path / "chosen.toml").network.params.size == found.chosen.parameters
    assert read_toml(tmp_path / "best.toml")["network"]["hidden"] == found.best.values["network.hidden"]


# what is chosen


def cells_of(*folds: tuple[int, list[float | None]]) -> list[Cell]:
    """Cells by their numbers of parameters and their scores on each fold."""
    return [
        Cell({"network.hidden": [p]}, scores={(0, k): s for k, s in enumerate(scores, 1)}, parameters=p, rows=30)
        for p, scores in folds
    ]


def search_of(cells: list[Cell], folds: int = 5) -> Search:
    values = [cell.values for cell in cells]
    over = {"network.hidden": [value["network.hidden"] for value in values]}
    return Search(Task({}, None, folds), over, values, [0], "accuracy")


def test_the_smallest_within_one_standard_error_of_the_best_is_chosen() -> None:
    """By hand: the best has mean 0.9 and standard error 0.02 / √4 = 0.01, so 0.891 is near enough and 0.889 is not."""
    best = [0.9 + d for d in (-0.0173205, -0.0173205, 0.0173205, 0.0173205)]  # s = 0.02
    cells = cells_of((100, best), (50, [0.891] * 4), (25, [0.889] * 4), (75, [0.895] * 4))
    assert choose_smallest(cells).parameters == 50
    rows = summarize(search_of(cells, 4), cells)
    assert [row.parameters for row in rows] == [100, 75, 50, 25]
    assert rows[0].error == pytest.approx(0.01, rel=1e-5)  # the deviation above has seven digits


def test_a_combination_whose_networks_diverge_is_never_chosen() -> None:
    cells = cells_of((100, [0.9, 0.8]), (5, [None, 0.99]))
    assert [row.parameters for row in summarize(search_of(cells, 2), cells)] == [100, 5]
    assert choose_smallest(cells).parameters == 100


def test_where_all_diverge_nothing_is_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sweep", "iris", "--over", "optimizer.learning_rate=1e30,1e35", "--set", "optimizer.name=sgd"]
    assert main([*command, "--seeds", "1", "--folds", "2", "--jobs", "1", "-o", str(tmp_path), "--json"]) == 1
    assert "every combination has networks that diverged" in capsys.readouterr().out
    assert not (tmp_path / "chosen.toml").exists()


def test_it_warns_at_an_edge_and_where_differences_are_within_luck() -> None:
    cells = cells_of((4, [0.8, 0.7, 0.75]), (8, [0.8, 0.75, 0.8]), (16, [0.82, 0.74, 0.86]))
    said = " ".join(warn_of(search_of(cells, 3), summarize(search_of(cells, 3), cells)))
    assert "within luck: 2 of 2" in said
    assert "edge: the best has network.hidden = 16, the largest" in said
    clear = cells_of((8, [0.1, 0.12, 0.11]), (16, [0.9, 0.91, 0.9]), (32, [0.2, 0.21, 0.22]))
    assert not list(warn_of(search_of(clear, 3), summarize(search_of(clear, 3), clear)))


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30])
def test_students_t_is_that_of_scipy(freedom: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    for t in (0.1, 1.0, 3.5):
        assert t_within(t, freedom) == pytest.approx(1 - 2 * stats.t.sf(t, freedom), abs=1e-12)
    assert t_quantile(0.95, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-10)


def test_intervals_and_the_paired_test_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    a, b = [0.8, 0.85, 0.7, 0.9], [0.75, 0.86, 0.6, 0.8]
    low, high = stats.t.interval(0.95, 3, np.mean(a), stats.sem(a))
    assert mean_interval(a)[:3] == pytest.approx((np.mean(a), low, high), rel=1e-10)
    assert paired_t_test(a, b) == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-10)
    assert paired_t_test(a, b, 1 / 3) > paired_t_test(a, b)
    assert paired_t_test(a, a) == 1
    assert paired_t_test([0.3, 0.2, 0.1], [0.2, 0.1, 0.0]) == 0.25  # of all 2³ signs, two are as one-sided


def test_scores_of_any_size_have_intervals_and_chances() -> None:
    """The r² of a network that diverged may be -1e200, or somebody has edited a journal: its square was infinite."""
    a, b = np.array([0.5, 0.25, 0.75, 0.125]), np.array([0.25, 0.5, 0.5, 0.5])
    huge = 2.0**1000  # a power of two scales without rounding
    assert mean_interval(a * huge)[:3] == pytest.approx([x * huge for x in mean_interval(a)[:3]], rel=1e-12)
    assert paired_t_test(a * huge, b * huge) == pytest.approx(paired_t_test(a, b), rel=1e-12)
    assert standard_error(a * huge) == pytest.approx(standard_error(a) * huge, rel=1e-12)


# what is tried


def test_drawn_values_lie_in_their_range_and_are_the_same_for_a_seed() -> None:
    over = parse_grid(["network.hidden=4..64", "optimizer.learning_rate=1e-4..1e-1", "optimizer.name=sgd,adam"])
    drawn = combine(over, 200, seed=1)
    widths = [values["network.hidden"][0] for values in drawn]
    rates = [values["optimizer.learning_rate"] for values in drawn]
    assert 4 <= min(widths) < 8 and 32 < max(widths) <= 64
    assert min(rates) >= 1e-4 and max(rates) <= 1e-1
    assert np.mean(np.array(rates) < 10**-2.5) == pytest.approx(0.5, abs=0.15)  # evenly in the logarithm: 4 deviations
    assert combine(over, 200, seed=1) == drawn != combine(over, 200, seed=2)
    assert len(combine({"network.hidden": Range(2, 4)}, 10)) == 3


def test_true_is_not_one() -> None:
    assert parse_grid({"loss.l2": [True, 1, 0.0]})["loss.l2"] == [True, 1, 0.0]


def test_lists_are_depths() -> None:
    over = parse_grid(["network.hidden=[32],[32,32]"])
    assert over == {"network.hidden": [[32], [32, 32]]}


def test_tables_and_quoted_words_stand_beside_plain_ones() -> None:
    over = parse_grid(['optimizer.schedule=cosine, {name = "step", every = 30}, "a,b"'])
    assert over == {"optimizer.schedule": ["cosine", {"name": "step", "every": 30}, "a,b"]}


def test_the_edge_of_a_range_is_near_its_ends_and_not_the_last_that_was_drawn() -> None:
    cells = cells_of((20, [0.1, 0.12]), (40, [0.9, 0.91]))
    search = replace(search_of(cells, 2), over={"network.hidden": Range(4, 64)})
    assert "edge" not in " ".join(warn_of(search, summarize(search, cells)))
    search = replace(search, over={"network.hidden": Range(4, 41)})
    assert "the largest" in " ".join(warn_of(search, summarize(search, cells)))


def test_halving_gives_the_last_round_all_epochs_and_keeps_the_best_third() -> None:
    found = mlp.grid(
        {**IRIS, "training": {"epochs": 9}}, over={"network.hidden": [1, 2, 3, 4, 5, 6, 7, 8, 9]}, seeds=1, folds=2,
        halving=True,
    )  # fmt: skip
    assert found.search.rounds() == [(9, 3), (3, 9)]
    assert sorted(row.epochs or 0 for row in found.rows()) == [3] * 6 + [9] * 3
    assert found.best.epochs == found.chosen.epochs == 9


WRONG = [
    (["--over", "network.hiden=4,8"], "has no key 'hiden'. Known: hidden"),
    (["--over", "netwok.hidden=4,8"], "Did you mean 'network'?"),
    (["--over", "network.hidden="], "nothing to try"),
    ([], "nothing to try"),
    (["--over", "network.hidden"], "needed is KEY=VALUES"),
    (["--over", "network.hidden=4,4"], "is there twice"),
    (["--over", "network.hidden=4", "--over", "network.hidden=8"], "is there twice"),
    (["--over", "network.hidden=0,4"], "cannot be"),
    (["--over", "optimizer.learning_rate=-1,0.1"], "learning_rate"),
    (["--over", "optimizer.learning_rate=0.1..0.01", "--random", "3"], "0 < LOW < HIGH"),
    (["--over", "optimizer.learning_rate=0.01..0.1"], "--random N"),
    (["--over", "optimizer.name=adam,addam"], "Did you mean 'adam'?"),
    (["--over", "training.seed=1,2"], "Give --seeds N"),
    (["--over", "data.source=iris,wine"], "scores on other rows"),
    (["--over", "network.hidden=4", "--folds", "1"], "folds = 1"),
    (["--over", "network.hidden=4", "--seeds", "0"], "seeds = 0"),
    (["--over", "network.hidden=4", "--jobs", "0"], "--jobs 0"),
    (["--over", "network.hidden=4", "--random", "-1"], "random = -1"),
    (["--over", "training.epochs=4,5", "--halving"], "halving decides"),
    (["--over", "network.hidden=4", "--folds", "1000"], "folds"),
    (["--over", "network.hidden=4", "--set", "data.time=a"], "folds = 0"),
    (["--over", "network.hidden=[4,8"], "hidden"),
    (["--over", "network.batch_norm=true,true"], "True is there twice"),
    (["--over", "optimizer.learning_rate=nan,0.1"], "learning_rate"),
    (["--over", "network.hidden=4;8"], "hidden"),
    (["--over", "network.hidden=4", "--seeds", "999999"], "too many"),
    (["--over", "network.dropout=[0.1,0.2],0.1"], "dropout"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_what_cannot_be_is_said_in_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "iris", *arguments]) == 2
    complaint = capsys.readouterr().err
    assert said in complaint and complaint.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "over", [7, [3], {1: [2]}, {"network.hidden": 4}, {"network.hidden": []}, [], None, {"network.hidden": {4, 8}}]
)
def test_wrong_kinds_are_refused_from_python(over: Any) -> None:
    with pytest.raises(mlp.ConfigError):
        mlp.grid(IRIS, over=over)


def test_the_command_writes_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sweep"
    command = ["sweep", "iris", "--over", "network.hidden=2,4,8", "--set", "training.epochs=2", "--seeds", "1"]
    assert main([*command, "--folds", "2", "--jobs", "1", "-o", str(out), "--json"]) == 0
    shown = capsys.readouterr().out
    assert "smallest within one standard error" in shown
    assert {"sweep.csv", "results.csv", "times.csv", "chosen.toml", "best.toml"} <= {p.name for p in out.iterdir()}
    assert main(["train", "-c", str(out / "chosen.toml"), "-o", str(tmp_path / "run")]) == 0
    assert main(["sweep", "iris", "--over", "network.hidden=2", "-o", str(tmp_path / "run")]) == 2
