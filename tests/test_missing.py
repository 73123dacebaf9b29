"""Missing cells, unseen categories, several targets: refused with the setting to type, and with it used everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mlp
from mlp.cli import main
from mlp.data import load
from mlp.data.impute import fit_imputation
from mlp.errors import ConfigError, DataError
from mlp.experiment import begin

RNG = np.random.default_rng(13)
N = 240
AGE = RNG.normal(40, 9, N).round(1)
COLOUR = RNG.choice(["blue", "green", "red"], N, p=[0.2, 0.5, 0.3])
PRICE = (50_000 + 900 * AGE + 8000 * (COLOUR == "red") + RNG.normal(0, 900, N)).round()
TABLE = pd.DataFrame({"age": AGE, "colour": COLOUR, "size": RNG.normal(size=N).round(3), "price": PRICE})
HOLES = TABLE.copy()
HOLES.loc[::9, "age"] = np.nan
HOLES.loc[4::11, "colour"] = None
QUICK: dict[str, Any] = {"training": {"epochs": 3}, "record": {"baseline": "never"}}
LONG: dict[str, Any] = {"training": {"epochs": 60}, "record": {"baseline": "never"}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    HOLES.to_csv("holes.csv", index=False)
    TABLE.to_csv("whole.csv", index=False)
    return tmp_path


def without_nan(table: pd.DataFrame) -> dict[str, list[Any]]:
    return {name: [None if pd.isna(cell) else cell for cell in table[name]] for name in table.columns}


def holes(**data: Any) -> dict[str, Any]:
    return {**LONG, "data": {"source": "holes.csv", "target": "price", "task": "regression", **data}}


def test_missing_cells_are_refused_with_the_setting_and_with_it_learned_from(capsys: Any) -> None:
    assert main(["train", "holes.csv", "--set", "training.epochs=60"]) == 2
    said = capsys.readouterr().err
    assert "49 missing cells: line 2, column 'age'" in said
    assert "--set data.missing=impute" in said
    assert main(["train", "holes.csv", "--set", "training.epochs=60", "--set", "data.missing=impute"]) == 0
    run = mlp.load_run("runs/holes-1")
    assert run.metrics["test_r2"] > 0.5
    assert run.model.preprocessing.input_names[-2:] == ("age is missing", "colour=blue is missing")


def test_what_is_filled_in_is_learned_from_the_training_rows_as_a_pipeline_of_sklearn_does() -> None:
    """A twin: SimpleImputer with indicators, then StandardScaler, on the same rows."""
    setup, _ = begin(holes(missing="impute"))
    encoded = setup.prepared.dataset.X
    rows = np.flatnonzero(np.isin(setup.prepared.dataset.y, setup.prepared.train.y))
    known = setup.prepared.preprocessing.imputation
    assert known is not None
    numbers = encoded[:, [0, 4]]
    train = numbers[rows]
    twin = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()).fit(train)
    ours = setup.prepared.preprocessing.transform.apply(encoded)
    if len(rows) == len(setup.prepared.train):  # no price stands twice
        np.testing.assert_allclose(ours[:, [0, 4, 5]], twin.transform(numbers), atol=1e-12)
    assert known.fill[1:4].tolist() == [0, 1, 0], "green is the most frequent"


def test_a_row_of_weight_k_fills_in_like_k_rows() -> None:
    X = np.array([[1.0], [4.0], [np.nan]])
    weighted = fit_imputation(X, np.arange(3), ["x"], [slice(0, 1)], np.array([2.0, 1.0, 1.0]))
    assert weighted.fill.tolist() == [2.0]


def test_a_column_without_a_value_to_train_on_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"column 'x'.*ignore"):
        fit_imputation(np.full((3, 1), np.nan), np.arange(3), ["x"], [slice(0, 1)])
    empty = HOLES.assign(empty=np.nan)
    with pytest.raises(DataError, match=r"column 'empty' has no value in any row.*ignore = \[\"empty\"\]"):
        mlp.run({**QUICK, "data": {"target": "price", "missing": "impute"}}, empty)


def test_rows_with_missing_cells_are_dropped_where_asked() -> None:
    setup, _ = begin(holes(missing="drop"))
    assert len(setup.prepared.dataset.X) == len(HOLES.dropna())
    run = mlp.run(holes(missing="drop"))
    assert run.metrics["test_r2"] > 0.7
    assert run.evaluate(HOLES) == run.evaluate(HOLES.dropna())
    with pytest.raises(DataError, match=r"holes.csv: 27 missing cells.*missing = \"impute\""):
        run.load_rows("holes.csv")


def test_rows_without_a_target_cannot_be_filled_and_are_left_out() -> None:
    table = HOLES.copy()
    table.loc[:9, "price"] = np.nan
    setup, _ = begin({**QUICK, "data": {"target": "price", "task": "regression", "missing": "impute"}}, table)
    assert len(setup.prepared.dataset.X) == N - 10
    with pytest.raises(DataError, match="missing cell"):
        begin({**QUICK, "data": {"target": "price"}}, table)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("missing", ["impute", "drop"])
def test_a_frame_is_read_as_its_csv(frame: Any, missing: str) -> None:
    table = frame(without_nan(HOLES))
    settings = {"target": "price", "task": "regression", "missing": missing}
    from_file = mlp.run({**QUICK, "data": {"source": "holes.csv", **settings}})
    from_frame = mlp.run({**QUICK, "data": settings}, table)
    assert np.array_equal(from_file.network.params, from_frame.network.params)
    assert from_file.metrics == from_frame.metrics
    if missing == "impute":
        X, _ = from_file.load("holes.csv")
        assert np.array_equal(from_frame.predict(table), from_file.predict(X))
        assert np.array_equal(from_frame.predict(table[table.columns[::-1]]), from_file.predict(X)), "found by name"
    assert from_frame.evaluate(table) == from_file.evaluate(*from_file.load("holes.csv"))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_an_estimator_takes_columns_of_texts_as_from_a_file(frame: Any) -> None:
    table = frame(without_nan(HOLES.drop(columns="price")))
    model = mlp.MLPRegressor(missing="impute", random_state=0, epochs=40).fit(table, PRICE)
    assert model.n_features_in_ == 3
    assert list(model.feature_names_in_) == ["age", "colour", "size"]
    assert model.score(table, PRICE) > 0.7
    settings = {"task": "regression", "missing": "impute", "validation": 0.0, "test": 0.0}
    run = mlp.run({**QUICK, "data": settings}, (table, PRICE))
    fitted = model._run.model.preprocessing
    assert run.model.preprocessing.feature_names == fitted.feature_names
    np.testing.assert_array_equal(
        *(known.transform.apply(known.raw(table)) for known in (run.model.preprocessing, fitted))
    )
    with pytest.raises(ValueError, match=r"49 missing cells: row 0, column 'age'.*missing = \"impute\""):
        mlp.MLPRegressor().fit(table, PRICE)


def test_an_estimator_takes_nan_where_asked_and_says_so_to_sklearn() -> None:
    X = TABLE[["age", "size"]].to_numpy(copy=True)
    X[::7, 0] = np.nan
    with pytest.raises(ValueError, match=r'NaN.*missing="impute"'):
        mlp.MLPRegressor().fit(X, PRICE)
    model = mlp.MLPRegressor(missing="impute", epochs=40, random_state=0).fit(X, PRICE)
    assert model.__sklearn_tags__().input_tags.allow_nan
    assert not mlp.MLPRegressor().__sklearn_tags__().input_tags.allow_nan
    assert np.isfinite(model.predict(X)).all()
    dropped = mlp.MLPRegressor(missing="drop", epochs=3, random_state=0).fit(X, PRICE)
    whole = ~np.isnan(X).any(axis=1)
    same = mlp.MLPRegressor(epochs=3, random_state=0).fit(X[whole], PRICE[whole])
    assert np.array_equal(dropped.network_.params, same.network_.params)
    warm = mlp.MLPRegressor(missing="impute", warm_start=True, epochs=2, random_state=0).fit(X, PRICE).fit(X, PRICE)
    assert warm.n_iter_ == 4


def test_unseen_categories_are_refused_or_ignored() -> None:
    purple = TABLE.assign(colour="purple")
    settings = {"target": "price", "task": "regression"}
    with pytest.raises(DataError, match=r"column 'colour': 240 cells not seen in training .*unseen = \"ignore\""):
        mlp.run({**QUICK, "data": settings}, TABLE).predict(purple)
    run = mlp.run({**QUICK, "data": {**settings, "unseen": "ignore"}}, TABLE)
    assert run.model.preprocessing.rows(purple).at(slice(None), np.float32).shape == (N, 5)
    assert (run.model.preprocessing.raw(purple)[:, 1:4] == 0).all()
    with pytest.warns(mlp.DriftedInputsWarning, match="'colour' has categories that nobody has seen in 240"):
        assert np.isfinite(run.predict(purple)).all()


def test_a_saved_run_and_a_resumed_one_do_the_same(tmp_path: Path) -> None:
    config = holes(missing="impute", unseen="ignore")
    run = mlp.run(config, out="run")
    back = mlp.load_run("run")
    assert np.array_equal(back.predict(HOLES), run.predict(HOLES))
    further = mlp.resume("run", epochs=62)
    longer = mlp.run({**config, "training": {"epochs": 62}})
    assert np.array_equal(further.network.params, longer.network.params)
    assert main(["evaluate", "run", "holes.csv"]) == 0
    assert main(["predict", "run", "holes.csv", "-o", "answers.csv"]) == 0
    assert len(Path("answers.csv").read_text().splitlines()) == N + 1


def test_onnx_fills_missing_cells_and_knows_unseen_categories() -> None:
    run = mlp.run(holes(missing="impute", unseen="ignore"))
    mlp.to_onnx(run, "model.onnx")
    session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    rows = run.model.preprocessing.raw(HOLES.assign(colour=HOLES.colour.replace("red", "purple")))
    assert np.isnan(rows).any()
    assert (np.nansum(rows[:, 1:4], axis=1) == 0).any()
    found = session.run(["prediction"], {"X": rows})[0]
    np.testing.assert_allclose(np.ravel(found), run.model.answers(run.model.raw(run.model.rows(rows))), rtol=1e-5)


def test_several_targets_are_learned_at_once() -> None:
    table = TABLE.assign(double=2 * TABLE.price, flag=1.0)
    run = mlp.run({**LONG, "data": {"target": ["price", "double"], "task": "regression", "ignore": ["flag"]}}, table)
    assert run.predict(table).shape == (N, 2)
    assert run.metrics["test_r2"] > 0.8
    run.save("run")
    table.to_csv("two.csv", index=False)
    assert main(["evaluate", "run", "two.csv"]) == 0
    assert main(["predict", "run", "two.csv", "-o", "answers.csv"]) == 0
    assert pd.read_csv("answers.csv").columns.tolist()[-2:] == ["price", "double"]


def test_cells_that_are_no_numbers_are_missing_in_a_numeric_column() -> None:
    table = TABLE.assign(age=[f"{age}" if i % 3 == 0 else "not asked" for i, age in enumerate(AGE)])
    settings = {"target": "price", "task": "regression", "numeric": ["age"]}
    with pytest.raises(DataError, match="160 missing cells: row 1, column 'age'"):
        mlp.run({**QUICK, "data": settings}, table)
    run = mlp.run({**QUICK, "data": {**settings, "missing": "impute"}}, table)
    assert run.model.preprocessing.input_names[0] == "age"
    assert run.evaluate(table)["rmse"] > 0
    with pytest.raises(DataError, match="numeric and categorical both have 'age'"):
        mlp.run({**QUICK, "data": {**settings, "categorical": ["age"]}}, table)


def test_arrays_with_missing_cells_are_told_the_setting_too(folder: Path) -> None:
    X = TABLE[["age", "size"]].to_numpy(copy=True)
    X[3, 1] = np.nan
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", PRICE)
    data = {"source": "X.npy", "target": "y.npy", "task": "regression"}
    with pytest.raises(DataError, match=r"row 3.*missing = \"impute\""):
        mlp.run({**QUICK, "data": data})
    streamed = mlp.run({**QUICK, "data": {**data, "missing": "impute"}})
    in_memory = mlp.run({**QUICK, "data": {"task": "regression", "missing": "impute"}}, (X, PRICE))
    assert streamed.metrics["test_r2"] == pytest.approx(in_memory.metrics["test_r2"], abs=0.05)
    with pytest.raises(ConfigError, match="missing"):
        mlp.run({**QUICK, "data": {**data, "missing": "fill"}})


def test_a_further_file_of_other_order_is_read_alike() -> None:
    TABLE[["price", "colour", "size", "age"]].to_csv("turned.csv", index=False)
    assert load("turned.csv", "price").X.shape == (N, 5)
    run = mlp.run({**QUICK, "data": {"source": "whole.csv", "target": "price", "task": "regression"}})
    assert run.evaluate(*run.load("turned.csv")) == run.evaluate(*run.load("whole.csv"))
