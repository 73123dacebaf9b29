"""Rows that are far off what was learned: another unit, another order, a column that stands still."""

from __future__ import annotations

import json
import warnings
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.config import parse
from mlp.preprocessing import prepare
from mlp.preprocessing.drift import chance_beyond

SIZES = (1, 2, 3, 5, 10, 20, 40)


def rows(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ages, incomes, a yes or no, and a heavy tail; two classes."""
    rng = np.random.default_rng(seed)
    columns = rng.uniform(18, 80, n), rng.lognormal(10, 0.5, n), rng.integers(0, 2, n), rng.standard_t(2, n)
    return np.column_stack(columns), (columns[0] > 50).astype(int)


@pytest.fixture(scope="module")
def run() -> mlp.experiment.Run:
    return mlp.run({"training": {"epochs": 2}}, rows())


@pytest.mark.parametrize(
    ("spoil", "n"),
    [
        (lambda X: X * [1e6, 1, 1, 1], 1),  # a unit a million times smaller
        (lambda X: X * [1, 1e3, 1, 1], 1),
        (lambda X: X * [12, 1, 1, 1], 5),  # months for years
        (lambda X: X * [1, 1e-3, 1, 1], 5),  # thousands
        (lambda X: X[:, [1, 0, 2, 3]], 5),  # two columns changed places
        (lambda X: X * [0, 1, 1, 1] + [45, 0, 0, 0], 20),  # a sensor that stands still, within what was learned
        (lambda X: X * [1, 1, 1, 1e-6], 20),  # smaller within what was learned
    ],
)
def test_a_column_far_off_is_named_with_both_ranges(run: mlp.experiment.Run, spoil: object, n: int) -> None:
    X = spoil(rows(n, 1)[0])  # type: ignore[operator]
    with pytest.warns(mlp.DriftedInputsWarning, match=r"drifted_inputs: column 'x\d' .* training.*units") as caught:
        run.predict(X)
    assert len(caught) == 1 and caught[0].filename == __file__
    with pytest.warns(mlp.DriftedInputsWarning):
        run.evaluate(X, np.zeros(n))


@pytest.mark.parametrize("source", ["iris", "wine", "breast_cancer", "digits"])
def test_rows_of_the_same_source_are_not_far_off(source: str) -> None:
    data = mlp.data.load(source)
    order = np.random.default_rng(0).permutation(len(data.X))
    some, others = np.array_split(order, 2)
    how = prepare(parse({}, "config"), (data.X[some], data.y[some]))
    rng = np.random.default_rng(1)
    drawn = [data.X[rng.choice(others, n)] for n in SIZES for _ in range(20)]
    of_a_class = [data.X[others][data.y[others] == c] for c in np.unique(data.y)]
    assert not any(how.preprocessing.find_drift(X) for X in (*drawn, *of_a_class))


def test_rounding_is_no_drift() -> None:
    """Few values, all at an edge of what was learned: scaled, scaled back, and in float32 they lie a little beyond."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 2, 500) * 0.3, rng.integers(1, 4, 500) / 7])
    run = mlp.run({"training": {"epochs": 1}}, (X, rng.integers(0, 2, 500)))
    assert "drifted_inputs" not in {finding.kind for finding in run.findings}
    how = run.model.preprocessing
    assert not how.find_drift(X.astype(np.float32)) and not how.find_drift(X[X[:, 0] > 0])
    assert not how.find_drift(how.scaling.undo(how.scaling.apply(X)))


def test_heavy_tails_are_not_far_off() -> None:
    """Student's t and log-normal incomes run far beyond a hundred rows, now and then."""
    rng = np.random.default_rng(0)

    def draw(n: int) -> np.ndarray:
        return np.column_stack([rng.standard_t(2, n), rng.standard_t(3, n), rng.lognormal(0, 1.5, n)])

    X = draw(100)
    how = prepare(parse({}, "config"), (X, np.arange(100) % 2)).preprocessing
    assert sum(bool(how.find_drift(draw(n))) for n in SIZES for _ in range(100)) == 0


def test_the_chance_to_lie_beyond_is_that_of_all_orders() -> None:
    """Twin: of C(N + n, n) ways to say which are new, C(N + n - k, n - k) have the k largest among them; two sides."""
    for learned, n, k in [(7, 3, 2), (100, 5, 5), (40, 20, 10)]:
        exact = 2 * Fraction(comb(learned + n - k, n - k), comb(learned + n, n))
        assert chance_beyond(learned, n, k) == pytest.approx(float(exact), rel=1e-9)  # sums of logarithms


def test_a_saved_run_knows_what_was_learned(run: mlp.experiment.Run, tmp_path: Path) -> None:
    run.save(tmp_path / "run")
    loaded = mlp.load_run(tmp_path / "run")
    with pytest.warns(mlp.DriftedInputsWarning):
        loaded.predict(rows(5, 1)[0] * 1e6)


def test_an_estimator_warns_too_and_learns_more_by_more_rows() -> None:
    X, y = rows()
    model = mlp.MLPClassifier(epochs=2, random_state=0).fit(X, y)
    with pytest.warns(mlp.DriftedInputsWarning) as caught:
        model.predict(X * [1e6, 1, 1, 1])
    assert caught[0].message.columns == ("x0",)  # type: ignore[union-attr]
    model.partial_fit(X * [1e6, 1, 1, 1], y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(X * [1e6, 1, 1, 1])


def test_rows_without_their_cells_are_not_judged_by_these() -> None:
    X, y = rows()
    X[::7, 0] = np.nan
    run = mlp.run({"data": {"missing": "impute"}, "training": {"epochs": 1}}, (X, y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.predict(X[:7])
        run.predict(X[:1])
    with pytest.warns(mlp.DriftedInputsWarning):
        run.predict(X * 1e6)


def test_columns_that_are_not_scaled_are_judged_too() -> None:
    run = mlp.run({"data": {"scale": "none"}, "training": {"epochs": 1}}, rows())
    with pytest.warns(mlp.DriftedInputsWarning):
        run.predict(rows(5, 1)[0] * 1e6)


def write(path: Path, X: np.ndarray, y: np.ndarray, towns: list[str]) -> str:
    lines = [f"{a:.3f},{b:.1f},{town},{label}" for (a, b, *_), town, label in zip(X, towns, y, strict=True)]
    path.write_text("\n".join(["age,income,town,label", *lines]) + "\n")
    return str(path)


def test_the_command_line_says_it_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """2,000 rows are answered a block at a time; there is one line all the same."""
    X, y = rows()
    train = write(tmp_path / "a.csv", X, y, ["Rome", "Oslo"] * 100)
    run = str(tmp_path / "run")
    settings = ["--set", "data.unseen=ignore", "--set", "training.epochs=1"]
    assert main(["train", train, *settings, "-o", run, "--quiet"]) == 0
    X, y = rows(2000, 1)
    other = write(tmp_path / "b.csv", X * [1, 1e6, 1, 1], y, ["Bonn"] * 2000)
    capsys.readouterr()
    assert main(["predict", run, other]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and "'income' runs from" in lines[0] and "'town' has categories" in lines[0]
    assert main(["evaluate", run, other, "--json"]) == 0
    out, err = capsys.readouterr()
    assert len(json.loads(out)["drifted_inputs"]) == 2 and len(err.splitlines()) == 1
    assert main(["predict", run, train]) == 0
    assert capsys.readouterr().err == ""


def test_a_validation_file_in_another_unit_is_a_warning(tmp_path: Path) -> None:
    X, y = rows()
    train = write(tmp_path / "a.csv", X, y, ["Rome", "Oslo"] * 100)
    other = write(tmp_path / "b.csv", X * [1e6, 1, 1, 1], y, ["Rome", "Oslo"] * 100)
    data = {"source": train, "validation": other, "target": "label"}
    found = mlp.run({"data": data, "training": {"epochs": 1}}).findings
    assert [finding.severity for finding in found if finding.kind == "drifted_inputs"] == ["warning"]
