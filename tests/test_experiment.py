"""Experiments from data to answers: every task, every key, and what happens when training goes wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.config.loss import ONE_OF_MANY, REGRESSION
from mlp.config.optimizer import usual_rate
from mlp.errors import ConfigError, DataError, MLPError, ShapeError
from mlp.experiment import Stop, begin, finish, watch_epochs
from mlp.initializers import INITIALIZERS
from mlp.layers import ACTIVATIONS
from mlp.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 4))
BINARY = (X[:, 0] + X[:, 1] > 0).astype(int)
CLASSES = np.digitize(X[:, 0] + X[:, 1], [-0.6, 0.6])
LABELS = (X[:, :3] > 0).astype(int)
NUMBER = X @ [1.0, -2.0, 3.0, 0.5] + 1
NUMBERS = np.c_[NUMBER, X[:, 0] - X[:, 1]]
TARGETS = {"binary": BINARY, "classes": CLASSES, "labels": LABELS, "number": NUMBER, "numbers": NUMBERS}

ALONE: dict[str, Any] = {"baseline": "never"}  # no baseline beside a run that nobody asks about its findings
QUICK: dict[str, Any] = {"training": {"epochs": 2}, "record": ALONE}
WHOLE: dict[str, Any] = {"validation": 0.0, "test": 0.0, "scale_target": "none"}  # numbers by hand are as given
LINEAR: dict[str, Any] = {"hidden": [], "init": "zeros"}
SGD = {"name": "sgd", "learning_rate": 0.25}


def full_batch(epochs: int, **more: Any) -> dict[str, Any]:
    return {"epochs": epochs, "batch_size": "full", "dtype": "float64", **more}


def write_csv(path: Path, names: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)
    return str(path)


# the main job


@pytest.mark.parametrize(
    ("source", "metric", "least"),
    [
        ("iris", "test_accuracy", 0.9),
        ("wine", "test_accuracy", 0.9),
        ("breast_cancer", "test_accuracy", 0.93),
        ("moons", "test_accuracy", 0.9),
        ("xor", "train_accuracy", 0.5),
    ],
)
def test_named_data_is_learned_with_the_defaults(source: str, metric: str, least: float) -> None:
    run = mlp.run({"data": {"source": source}})
    assert run.metrics[metric] >= least
    assert run.healthy


@pytest.mark.parametrize(
    ("target", "metric", "least"),
    [
        ("binary", "test_accuracy", 0.93),
        ("classes", "test_accuracy", 0.9),
        ("labels", "test_accuracy", 0.85),
        ("number", "test_r2", 0.99),
        ("numbers", "test_r2", 0.99),
    ],
)
def test_every_task_is_recognised_and_learned_from_arrays(target: str, metric: str, least: float) -> None:
    run = mlp.run({"training": {"epochs": 120}}, (X, TARGETS[target]))
    assert run.metrics[metric] > least
    assert run.predict(X).shape == TARGETS[target].shape


def test_a_linear_network_finds_the_coefficients_of_a_linear_law() -> None:
    config = {
        "data": {**WHOLE, "scale": "none"},
        "network": LINEAR,
        "optimizer": {"name": "sgd", "learning_rate": 0.5},
        "training": full_batch(300),
    }
    run = mlp.run(config, (X, NUMBER))
    assert run.network.params == pytest.approx([1.0, -2.0, 3.0, 0.5, 1.0], abs=1e-9)
    assert run.metrics["train_r2"] == pytest.approx(1.0)


def test_the_metrics_are_those_of_the_contract() -> None:
    parts = ("train", "validation", "test")
    classes = mlp.run(QUICK, (X, CLASSES)).metrics
    assert set(classes) >= {f"{part}_{name}" for part in parts for name in ("loss", "accuracy")}
    numbers = mlp.run(QUICK, (X, NUMBER)).metrics
    assert set(numbers) >= {f"{part}_{name}" for part in parts for name in ("loss", "r2", "rmse")}
    assert all(type(value) is float for value in [*classes.values(), *numbers.values()])


def test_the_history_has_the_columns_of_the_contract() -> None:
    run = mlp.run({"training": {"epochs": 3}}, (X, CLASSES))
    names = {"loss", "grad_norm", "grad_norm_by_layer", "update_norm", "param_norm", "learning_rate", "epoch"}
    assert names <= set(run.history)
    assert run.history["grad_norm_by_layer"].shape == (run.steps, 2)
    assert run.steps == 3 * ceil(168 / 32)
    assert run.history.steps("validation_accuracy").tolist() == [5, 11, 17], "at the last step of each epoch"


def test_train_loss_is_the_mean_over_the_steps_of_each_epoch() -> None:
    history = mlp.run({"training": {"epochs": 3}}, (X, CLASSES)).history
    assert history["train_loss"] == pytest.approx(history["loss"].reshape(3, 6).mean(1))


def test_metrics_are_those_of_evaluate_on_the_same_rows() -> None:
    run = mlp.run({"data": WHOLE, "training": {"epochs": 3}}, (X, CLASSES))
    found = run.evaluate(X, CLASSES)
    assert found["loss"] == pytest.approx(run.metrics["train_loss"], rel=1e-6)  # float32 sums in one order or another
    assert found["accuracy"] == run.metrics["train_accuracy"] == (run.predict(X) == CLASSES).mean()


# what users hand in


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (CLASSES, {0, 1, 2}),
        (CLASSES - 1, {-1, 0, 1}),
        (CLASSES.astype(float), {0, 1, 2}),
        (CLASSES.astype(np.uint8) * 100, {0, 100, 200}),
        (np.array(["low", "mid", "high"])[CLASSES], {"low", "mid", "high"}),
        (np.array(["low", "mid", "high"], object)[CLASSES], {"low", "mid", "high"}),
        (np.array(["1", "2", "3"])[CLASSES], {"1", "2", "3"}),
        (BINARY.astype(bool), {False, True}),
        (BINARY[:, None], {0, 1}),
        (CLASSES.tolist(), {0, 1, 2}),
    ],
    ids=["int", "negative", "float", "uint8", "text", "pandas text", "text digits", "bool", "column", "list"],
)
def test_predictions_are_labels_of_the_kind_that_was_given(y: Any, expected: set[Any]) -> None:
    run = mlp.run({"training": {"epochs": 40}}, (X, y))
    assert set(run.predict(X).tolist()) == expected
    assert (run.predict(X) == np.ravel(y)).mean() > 0.9
    assert run.evaluate(X, y)["accuracy"] > 0.9


def test_lists_of_numbers_are_taken_as_arrays() -> None:
    listed = mlp.run(QUICK, (X.tolist(), CLASSES.tolist()))
    assert listed.metrics == mlp.run(QUICK, (X, CLASSES)).metrics
    assert listed.predict(X[:2].tolist()).shape == (2,)


def test_numbers_boxed_in_objects_are_numbers() -> None:
    assert mlp.run(QUICK, (X.astype(object), NUMBER.astype(object))).metrics == mlp.run(QUICK, (X, NUMBER)).metrics


def test_one_of_k_labels_are_classes_where_the_task_says_so(tmp_path: Path) -> None:
    """Rows of one 1 are the class of its column; to the network they are the same numbers as the codes."""
    config = {"data": {"task": "classification"}, "training": {"epochs": 20}}
    rows, codes = mlp.run(config, (X, np.eye(3)[CLASSES])), mlp.run(config, (X, CLASSES))
    assert (rows.network.params == codes.network.params).all()
    assert (rows.predict(X) == codes.predict(X)).all()
    assert rows.classes == ("0", "1", "2")
    assert rows.evaluate(X, np.eye(3)[CLASSES]) == rows.evaluate(X, CLASSES) == codes.evaluate(X, CLASSES)
    rows.save(tmp_path / "run")
    assert mlp.load_run(tmp_path / "run").evaluate(X, np.eye(3)[CLASSES]) == codes.evaluate(X, CLASSES)


def test_one_of_k_labels_of_an_official_split_have_the_names_of_the_file(tmp_path: Path) -> None:
    y, names = np.eye(3)[CLASSES], ["low", "mid", "high"]
    np.savez(tmp_path / "d.npz", X_train=X, y_train=y, X_test=X, y_test=y, class_names=names)
    config = {"data": {"source": str(tmp_path / "d.npz"), "task": "classification"}, "training": {"epochs": 60}}
    run = mlp.run(config)
    assert set(run.predict(X)) == set(names)
    assert run.metrics["test_accuracy"] == np.mean(run.predict(X) == np.array(names)[CLASSES]) > 0.8


def test_rows_of_several_labels_are_no_classes() -> None:
    with pytest.raises(DataError):
        mlp.run({"data": {"task": "classification"}}, (X, LABELS))


def test_a_single_label_column_is_a_multilabel_problem_of_one() -> None:
    run = mlp.run({"data": {"task": "multilabel"}, "training": {"epochs": 60}}, (X, BINARY))
    assert run.metrics["test_accuracy"] > 0.9
    assert run.predict(X).shape == (240, 1)


def test_classes_with_numbers_for_names_can_be_regressed_on() -> None:
    run = mlp.run({"data": {"source": "digits", "task": "regression"}, "training": {"epochs": 5}})
    assert run.metrics["test_r2"] > 0.5


def test_classes_with_words_for_names_cannot_be_regressed_on() -> None:
    with pytest.raises(DataError, match="'species' holds names like 'setosa'"):
        mlp.run({"data": {"source": "iris", "task": "regression"}})


def test_probabilities_have_a_column_for_each_class_and_sum_to_1() -> None:
    for y, n_classes in ((BINARY, 2), (CLASSES, 3)):
        run = mlp.run({"training": {"epochs": 20}}, (X, y))
        p = run.predict_proba(X)
        assert p.shape == (240, n_classes)
        assert p.sum(1) == pytest.approx(np.ones(240), abs=1e-6)
        assert (p.argmax(1) == run.predict(X)).all()


def test_scores_and_numbers_have_no_probabilities() -> None:
    for config, y in (({"loss": {"name": "hinge"}}, CLASSES), ({"network": {"output": "identity"}}, CLASSES)):
        with pytest.raises(ConfigError, match="cross_entropy"):
            mlp.run({**config, **QUICK}, (X, y)).predict_proba(X)
    with pytest.raises(ConfigError):
        mlp.run(QUICK, (X, NUMBER)).predict_proba(X)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (X[:, :3], ShapeError),
        (X[0], ShapeError),
        (X[None], ShapeError),
        (X[:0], DataError),
        (np.full((1, 4), np.nan), DataError),
        (np.full((1, 4), "a"), DataError),
        (np.zeros((1, 4), complex), DataError),
        ([[1, 2, 3, 4], [1, 2]], DataError),
        (None, DataError),
        ("X", DataError),
    ],
)
def test_rows_that_do_not_fit_are_refused_in_one_line(rows: Any, error: type[Exception]) -> None:
    run = mlp.run(QUICK, (X, CLASSES))
    with pytest.raises(error) as caught:
        run.predict(rows)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("y", "trained_on"),
    [(CLASSES[:5], CLASSES), (CLASSES + 7, CLASSES), (NUMBERS, NUMBER), (["a"] * 240, NUMBER), (None, NUMBER)],
)
def test_targets_that_do_not_fit_are_refused_in_one_line(y: Any, trained_on: Any) -> None:
    run = mlp.run(QUICK, (X, trained_on))
    with pytest.raises(MLPError) as caught:
        run.evaluate(X, y)
    assert "\n" not in str(caught.value)


def with_cell(value: float) -> np.ndarray:
    spoiled = X.copy()
    spoiled[17, 2] = value
    return spoiled


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ((with_cell(np.nan), CLASSES), "row 17, column 'x2': nan"),
        ((with_cell(np.inf), NUMBER), "row 17, column 'x2': inf"),
        ((X, np.where(np.arange(240) == 3, np.nan, NUMBER)), "row 3"),
        ((X[:0], CLASSES[:0]), "nothing"),
        ((X, CLASSES * 0), "all 240 rows have the label"),
        ((X, CLASSES[:-1]), "X has 240 rows, y has 239"),
        ((X, None), "y"),
        ((X.astype(str), CLASSES), "X holds"),
        ((X + 1j, CLASSES), "X holds complex"),
        ((X, NUMBER + 1j), "y holds complex"),
        (([[1, 2], [3]], [0, 1]), "X is no array"),
        ((X,), "pair (X, y)"),
        (3, "pair (X, y)"),
        ((X[:2], CLASSES[:2] * 0 + [0, 1]), "2 rows"),
        ((X * 1e200, NUMBER), "cannot be scaled"),
        ((X, NUMBER * 1e100), "Rescale y, or compute in float64"),
        ((np.ma.array(X, mask=X > 2), CLASSES), "X is masked"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused_before_anything_is_written(
    tmp_path: Path, data: Any, complaint: str
) -> None:
    with pytest.raises(DataError) as caught:
        mlp.run(QUICK, data, out=tmp_path / "run")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "data", "complaint"),
    [
        ("size,ill\n1,no\n2,no\n", {}, "t.csv: all 2 rows have the label 'no' in column 'ill'"),
        ("size,ill\n1,no\n", {}, "t.csv: the only row has the label 'no' in column 'ill'"),
        ("size,ill\n1e300,no\n2,yes\n3,no\n", {"scale": "none", **WHOLE}, "t.csv: 1 value.*row 0, column 'size'"),
        ("size,ill\n1,no\n2,yes\n3,no\n", {"test": "digits"}, r"^\[data\] test = digits: X has 64 .* on 1: 'size'"),
        ("size,ill\n1,no\n2,yes\n3,no\n", {"test": "irsi"}, r"^\[data\] test = irsi: no data set .* 'iris'"),
        ("size,ill\n1,no\n2,yes\n", {"test": 0.5, "validation": 0.5}, r"^\[data\] validation \+ test = 1.0 cannot be"),
    ],
)
def test_what_is_refused_is_found_by_file_column_and_key(
    tmp_path: Path, text: str, data: dict[str, Any], complaint: str
) -> None:
    """A label was called by its code, a column by its number, and neither the file nor the key was named."""
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(MLPError, match=complaint):
        mlp.run({"data": {"source": str(tmp_path / "t.csv"), **data}, **QUICK})


@pytest.mark.parametrize(("source", "remedy"), [("X.npy", '"y.npy"'), ("X.npz", "as y "), ("X.idx", "IMAGES,LABELS")])
def test_a_file_without_a_target_is_told_where_its_kind_has_it(tmp_path: Path, source: str, remedy: str) -> None:
    path = tmp_path / source
    np.save(tmp_path / "X.npy", X)
    np.savez(tmp_path / "X.npz", X=X)
    (tmp_path / "X.idx").write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 7, 8]))
    with pytest.raises(DataError, match=rf"there is no target in .*{source}\. .*{remedy}"):
        mlp.run({"data": {"source": str(path)}})


def test_idx_images_are_predicted_without_labels(tmp_path: Path) -> None:
    run = mlp.run(QUICK, (X[:, :1], CLASSES))
    (tmp_path / "images").write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 7, 8]))
    assert run.predict(run.load_rows(tmp_path / "images")).shape == (2,)


def test_targets_beyond_the_dtype_are_refused_in_further_data_too() -> None:
    with pytest.raises(DataError, match="Rescale y"):
        mlp.run(QUICK, (X, NUMBER)).evaluate(X, NUMBER * 1e100)
    wide = mlp.run({"training": {"epochs": 1, "dtype": "float64"}}, (X, NUMBER * 1e100))
    assert np.isfinite(wide.metrics["train_loss"])


def test_targets_whose_squares_overflow_are_a_finding() -> None:
    run = mlp.run({**QUICK, "data": {"scale_target": "none"}}, (X, NUMBER * 1e37))
    assert run.findings[0].causes[0].name == "unscaled_targets"


def test_the_source_of_a_configuration_is_not_claimed_for_other_data() -> None:
    assert mlp.run({"data": {"source": "iris"}, **QUICK}, (X, CLASSES)).config.data.source == ""


def test_poisson_refuses_negative_counts() -> None:
    with pytest.raises(DataError, match="0 or more"):
        mlp.run({"loss": {"name": "poisson"}}, (X, NUMBER))


# every name


@pytest.mark.parametrize("activation", sorted({*ACTIVATIONS, "maxout", "rbf"}))
def test_every_activation_learns(activation: str) -> None:
    network = {"hidden": [16, 16], "activation": activation}
    config = {"network": network, "training": {"epochs": 60}, "record": ALONE}
    if activation == "softmax":
        config["network"]["activation"] = [activation, "relu"]
    assert mlp.run(config, (X, BINARY)).metrics["train_accuracy"] > 0.85


@pytest.mark.parametrize("name", sorted({*REGRESSION, *ONE_OF_MANY}))
@pytest.mark.parametrize("output", ["auto", "softmax", "sigmoid", "identity"])
@pytest.mark.parametrize("target", TARGETS)
def test_every_loss_takes_every_task_and_output_or_says_why_not(name: str, output: str, target: str) -> None:
    y = np.abs(TARGETS[target]) if name == "poisson" else TARGETS[target]
    config = {"loss": {"name": name}, "network": {"output": output}, **QUICK}
    numbers, poisson = target in ("number", "numbers"), name == "poisson"
    impossible = (
        (numbers and name in ONE_OF_MANY)
        or (poisson and not numbers)
        or (output == "softmax" and target in ("labels", "number"))
    )
    if impossible:
        with pytest.raises(ConfigError):
            mlp.run(config, (X, y))
        return
    run = mlp.run(config, (X, y))
    assert np.isfinite(run.metrics["train_loss"])
    assert run.predict(X).shape == y.shape


@pytest.mark.parametrize("name", sorted(ONE_OF_MANY))
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "identity"])
@pytest.mark.parametrize("target", ["binary", "classes"])
def test_every_loss_for_classes_learns_through_every_output(name: str, output: str, target: str) -> None:
    config = {"loss": {"name": name}, "network": {"output": output}, "training": {"epochs": 60}, "record": ALONE}
    assert mlp.run(config, (X, TARGETS[target])).metrics["train_accuracy"] > 0.9


@pytest.mark.parametrize("name", sorted({*REGRESSION} - {"poisson"}))
def test_every_loss_for_numbers_learns(name: str) -> None:
    assert mlp.run({"loss": {"name": name}, "training": {"epochs": 150}}, (X, NUMBER)).metrics["train_r2"] > 0.95


def test_poisson_learns_rates() -> None:
    counts = np.random.default_rng(0).poisson(np.exp(X[:, 0])).astype(float)
    config = {"loss": {"name": "poisson"}, "data": {"task": "regression"}, "training": {"epochs": 40}}
    rates = mlp.run(config, (X, counts)).predict(X)
    assert np.corrcoef(np.log(rates), X[:, 0])[0, 1] > 0.9


def test_a_quantile_is_exceeded_by_its_share_of_targets() -> None:
    y = np.random.default_rng(0).exponential(size=240)
    config = {
        "data": {**WHOLE, "task": "regression"},
        "network": LINEAR,
        "loss": {"name": "quantile", "quantile": 0.9},
        "optimizer": {"name": "adam", "learning_rate": 0.05},
        "training": full_batch(600),
    }
    assert (y < mlp.run(config, (X * 0 + np.arange(240)[:, None] % 2, y)).predict(X * 0)).mean() == pytest.approx(
        0.9, abs=0.05
    )


@pytest.mark.parametrize("name", sorted({*INITIALIZERS, "auto"} - {"constant"}))
def test_every_initializer_has_a_name(name: str) -> None:
    run = mlp.run({"network": {"init": name}, **QUICK}, (X, CLASSES))
    assert np.isfinite(run.metrics["train_loss"])


@pytest.mark.parametrize(
    ("init", "low", "high"),
    [
        ({"name": "uniform", "low": -1, "high": 1}, -1, 1),
        ({"name": "constant", "value": 0.1}, 0.1, 0.1),
        ({"name": "normal", "std": 0.01}, -0.06, 0.06),
        ("zeros", 0, 0),
    ],
)
def test_an_initializer_with_keys_draws_what_they_say(init: Any, low: float, high: float) -> None:
    _, state = begin({"network": {"init": init, "bias": 0.25, "hidden": [50]}}, (X, CLASSES))
    for dense in (state.network.views[0], state.network.views[2]):
        assert (dense[:, -1] == 0.25).all(), "the last column leaves the bias node"
        assert (dense[:, :-1] >= np.float32(low)).all() and (dense[:, :-1] <= np.float32(high)).all()


STOCHASTIC = sorted(name for name, kind in OPTIMIZERS.items() if not kind.full_batch)


@pytest.mark.parametrize("name", STOCHASTIC)
def test_every_optimizer_learns_at_its_usual_rate(name: str) -> None:
    usual = {"name": name, "learning_rate": usual_rate(name)}
    config = {"optimizer": usual, "training": {"epochs": 40}, "record": ALONE}
    assert mlp.run(config, (X, BINARY)).metrics["train_accuracy"] > 0.93


def test_an_optimizer_that_sees_layers_is_told_where_they_are() -> None:
    """Dense layers of 4 → 3 and 3 → 1, with the bias weights as a fifth and a fourth column; batch norm between."""
    config = {"network": {"hidden": [3], "batch_norm": True}, "optimizer": {"name": "lars"}}
    layers = slice(0, 15), slice(15, 21), slice(21, 25)
    assert begin(config, (X, BINARY))[0].rule.slices == layers
    config["optimizer"]["name"] = "muon"
    assert begin(config, (X, BINARY))[0].rule.matrices == ((layers[0], (3, 5)),), "one row is no matrix"


@pytest.mark.parametrize("name", ["lars", "lamb", "muon", "shampoo", "soap"])
def test_where_layers_are_is_nothing_to_configure(name: str) -> None:
    for key in ("slices", "matrices"):
        with pytest.raises(mlp.ConfigError, match=f"has no key '{key}'"):
            begin({"optimizer": {"name": name, key: 1}}, (X, BINARY))


def test_a_rule_with_a_list_comes_back_from_its_run_directory(tmp_path: Any) -> None:
    config = {"optimizer": {"name": "aggmo", "momenta": [0.0, 0.5]}, "training": {"epochs": 1}}
    run = mlp.run(config, (X, BINARY), tmp_path / "run")
    assert run.config.optimizer.own["momenta"] == [0.0, 0.5]
    assert mlp.load_run(tmp_path / "run").config == run.config


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - set(STOCHASTIC)))
def test_every_full_batch_rule_learns_with_its_own_numbers(name: str) -> None:
    """40 steps. Least squares want a squared error, which for classes is asked for with an identity output."""
    config = {
        "network": {"activation": "tanh", "output": "identity"},
        "loss": {"name": "squared_error"},
        "optimizer": {"name": name},
        "training": {"epochs": 40},
        "record": ALONE,
    }
    run = mlp.run(config, (X, BINARY))
    assert run.metrics["train_accuracy"] > 0.9
    assert len(run.history["loss"]) == 40, "one step for each epoch: batches are full, as the rule needs them"


def test_a_rule_that_searches_refuses_restarts_schedules_and_what_is_no_sum_of_squares() -> None:
    config: dict[str, Any] = {"optimizer": {"name": "lbfgs"}, "training": {"restarts": 3}}
    with pytest.raises(mlp.ConfigError, match=r"restarts = 3 .* lbfgs searches for one network"):
        mlp.run(config, (X, BINARY))
    with pytest.raises(mlp.ConfigError, match=r"gauss_newton minimises squares, and .* 'cross_entropy'"):
        mlp.run({"optimizer": {"name": "gauss_newton"}}, (X, BINARY))
    assert mlp.run({"optimizer": {"name": "levenberg_marquardt"}}, (X, BINARY)).metrics["train_accuracy"] > 0.93
    with pytest.raises(mlp.ConfigError, match="lbfgs finds its own step lengths"):
        mlp.run({"optimizer": {"name": "lbfgs", "schedule": "cosine"}}, (X, BINARY))


def rates(schedule: Any, epochs: int = 6, **own: Any) -> list[float]:
    """The learning rate at each of `epochs` updates."""
    config = {
        "data": WHOLE,
        "optimizer": {"name": "sgd", "learning_rate": 1.0, "schedule": schedule, **own},
        "training": full_batch(epochs),
        "record": ALONE,
    }
    found: list[float] = mlp.run(config, (X, BINARY)).history["learning_rate"].tolist()
    return found


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1, 1, 1, 1, 1, 1]),
        ({"name": "constant"}, [1, 1, 1, 1, 1, 1]),
        ("step", [1, 1, 0.1, 0.1, 0.01, 0.01]),  # by 10 after each third
        ({"name": "step", "every": 3, "factor": 0.5}, [1, 1, 1, 0.5, 0.5, 0.5]),
        ("exponential", [10 ** (-t / 3) for t in range(6)]),  # by 10 in each half
        ({"name": "exponential", "every": 1, "factor": 0.5}, [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]),
        ("multi_step", [1, 1, 1, 0.1, 0.01, 0.01]),  # at a half and three quarters
        ({"name": "multi_step", "at": [2, 4], "factor": 0.5}, [1, 1, 0.5, 0.5, 0.25, 0.25]),
        ("inverse_time", [1 / (1 + t) for t in range(6)]),
        ("polynomial", [1 - t / 6 for t in range(6)]),
        ({"name": "cosine_restarts", "steps": 1, "growth": 2}, [1, 1, 0.5, 1, (2 + 2**0.5) / 4, 0.5]),
        ({"name": "triangular", "steps": 2, "low": 0.5}, [0.5, 0.75, 1, 0.75, 0.5, 0.75]),
        ({"name": "one_cycle", "steps": 5, "rise": 0.6, "start": 0.5, "final": 0.0}, [0.5, 0.75, 1, 0.5, 0, 0]),
        ("cosine", [(1 + np.cos(np.pi * t / 6)) / 2 for t in range(6)]),
        ({"name": "cosine", "steps": 2, "final": 0.5}, [1, 0.75, 0.5, 0.5, 0.5, 0.5]),
        ({"name": "warmup", "steps": 4}, [0.25, 0.5, 0.75, 1, 1, 1]),
        (
            {"name": "warmup", "steps": 2, "then": {"name": "step", "every": 3, "factor": 0.1}},
            [0.5, 1, 1, 0.1, 0.1, 0.1],
        ),
        ({"name": "warmup", "steps": 2, "then": "constant"}, [0.5, 1, 1, 1, 1, 1]),
    ],
    ids=str,
)
def test_every_schedule_follows_its_formula(schedule: Any, expected: list[float]) -> None:
    assert rates(schedule) == pytest.approx(expected)


def test_plateau_lowers_the_rate_when_the_loss_stays() -> None:
    config = {
        "data": WHOLE,
        "network": LINEAR,
        "optimizer": {"name": "sgd", "learning_rate": 1e-9, "schedule": {"name": "plateau", "patience": 2}},
        "training": full_batch(8),
    }
    found = mlp.run(config, (X, BINARY)).history["learning_rate"]
    assert found[0] == 1e-9
    assert found[-1] < 1e-9


def test_clip_norm_bounds_the_step_of_gradient_descent() -> None:
    config = {"optimizer": {"name": "sgd", "learning_rate": 1.0, "clip_norm": 0.01}, "training": {"epochs": 2}}
    run = mlp.run(config, (X, NUMBER))
    assert run.history["update_norm"].max() == pytest.approx(0.01, rel=1e-5)
    assert run.history["grad_norm"].max() > 0.1


def test_clip_value_bounds_each_component_of_the_step() -> None:
    config = {"optimizer": {"name": "sgd", "learning_rate": 1.0, "clip_value": 0.01}, "training": full_batch(1)}
    setup, state = begin(config, (X, NUMBER))
    start = state.network.params.copy()
    list(watch_epochs(setup, state))
    assert np.abs(state.network.params - start).max() == pytest.approx(0.01)


# the network


def test_layers_stand_in_the_order_that_the_file_says() -> None:
    network = {"hidden": [8, 6], "activation": ["tanh", "relu"], "dropout": [0.5, 0.0], "batch_norm": True}
    names = begin({"network": network}, (X, CLASSES))[0].layout.names
    assert [name.rstrip("0123456789") for name in names] == [
        "dense", "batchnorm", "tanh", "dropout", "dense", "batchnorm", "relu", "dense",
    ]  # fmt: skip


def test_a_block_between_equal_widths_gets_a_skip() -> None:
    _, state = begin({"network": {"hidden": [8, 8, 6], "residual": True}}, (X, CLASSES))
    names = [name.rstrip("0123456789") for name in state.network.layout.names]
    assert names == ["dense", "relu", "residual", "dense", "relu", "dense"]


@pytest.mark.parametrize(
    "network",
    [
        {"hidden": []},
        {"hidden": [16, 16], "batch_norm": True},
        {"hidden": [16, 16], "dropout": 0.1},
        {"hidden": [16, 16], "dropout": [0.2, 0.0], "residual": True, "batch_norm": True},
        {"hidden": [16, 16, 16], "residual": True, "activation": ["maxout", "rbf", "gelu"], "batch_norm": True},
    ],
)
def test_every_kind_of_network_learns(network: dict[str, Any]) -> None:
    assert mlp.run({"network": network, "training": {"epochs": 60}}, (X, BINARY)).metrics["train_accuracy"] > 0.9


def test_frozen_layers_stay_bit_for_bit_and_others_move() -> None:
    config = {
        "network": {"hidden": [8, 8], "frozen": ["dense1", "relu1"]},
        "optimizer": {"name": "adamw", "weight_decay": 0.1},
    }
    setup, state = begin(config, (X, CLASSES))
    start = state.network.params.copy()
    list(watch_epochs(setup, state))
    first, *others = (part for part in state.network.layout.slices if part.stop > part.start)
    assert (state.network.params[first] == start[first]).all()
    assert all((state.network.params[part] != start[part]).any() for part in others)


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_penalties_make_weights_small_and_spare_the_bias(penalty: str) -> None:
    config = {
        "data": {**WHOLE, "scale": "none"},
        "network": LINEAR,
        "loss": {penalty: 100.0},
        "optimizer": {"name": "sgd", "learning_rate": 0.005},
        "training": full_batch(2000),
    }
    run = mlp.run(config, (X, NUMBER))
    *weights, bias = run.network.params
    # an l1 step jumps over 0 by up to η·λ = 0.5; an l2 minimum is about Cov(x, y)/(Var(x) + 100)
    assert np.abs(weights).max() < (0.6 if penalty == "l1" else 0.1)
    assert bias == pytest.approx(NUMBER.mean(), abs=0.2)


# the data


def test_balanced_classes_pull_equally() -> None:
    """Logistic regression from 0, one step: the bias moves by -η Σ w (½ - t) / Σ w.

    30 rows of class 0 and 10 of class 1: -0.25 (½ - ¼) = -0.0625 unweighted, 0 where both classes weigh the same.
    """
    y = np.repeat([0, 1], [30, 10])
    moved = {}
    for weight in ("none", "balanced"):
        config = {"data": {**WHOLE, "class_weight": weight}, "network": LINEAR, "optimizer": SGD}
        moved[weight] = mlp.run({**config, "training": full_batch(1)}, (X[:40], y)).network.params[-1]
    assert moved == {"none": pytest.approx(-0.0625), "balanced": pytest.approx(0.0, abs=1e-15)}


def test_balanced_weights_find_a_class_of_2_percent() -> None:
    rng = np.random.default_rng(1)
    y = (np.arange(1000) % 50 == 0).astype(int)
    rows = rng.normal(size=(1000, 2)) + 1.5 * y[:, None]
    recall = {}
    for weight in ("none", "balanced"):
        run = mlp.run({"data": {"class_weight": weight}, "training": {"epochs": 20}}, (rows, y))
        recall[weight] = run.predict(rows)[y == 1].mean()
    assert recall["balanced"] > 0.7 > recall["none"]


def test_standard_scaling_knows_the_training_rows_only() -> None:
    prepared = begin({"training": {"dtype": "float64"}}, (X * [1, 10, 100, 0] + 5, CLASSES))[0].prepared
    assert prepared.train.X.mean(0) == pytest.approx(np.zeros(4), abs=1e-12)
    assert prepared.train.X.std(0) == pytest.approx([1, 1, 1, 0], abs=1e-12)
    assert prepared.validation is not None
    assert np.abs(prepared.validation.X.mean(0)[:3]).min() > 1e-6


def test_minmax_scaling_knows_the_training_rows_only() -> None:
    config = {"data": {"scale": "minmax"}, "training": {"dtype": "float64"}}
    prepared = begin(config, (X * [1, 10, 100, 0] + 5, CLASSES))[0].prepared
    assert prepared.train.X.min(0) == pytest.approx(np.zeros(4), abs=1e-12)
    assert prepared.train.X.max(0) == pytest.approx([1, 1, 1, 0])
    others = [part.X for part in (prepared.validation, prepared.test) if part is not None]
    assert max(part.max() for part in others) > 1 or min(part.min() for part in others) < 0


def test_no_scaling_hands_on_what_was_given() -> None:
    prepared = begin({"data": {"scale": "none", **WHOLE}, "training": {"dtype": "float64"}}, (X, CLASSES))[0].prepared
    assert (prepared.train.X == X).all()


def test_parts_are_of_the_sizes_that_were_asked_for_and_stratified() -> None:
    y = np.repeat([0, 1], [200, 40])
    prepared = begin({"data": {"validation": 0.25, "test": 0.1}}, (X, y))[0].prepared
    assert prepared.validation is not None and prepared.test is not None
    assert [len(part) for part in (prepared.train, prepared.validation, prepared.test)] == [156, 60, 24]
    assert [part.y.sum() for part in (prepared.train, prepared.validation, prepared.test)] == [26, 10, 4]


def test_without_held_out_parts_there_are_only_training_metrics() -> None:
    assert set(mlp.run({"data": WHOLE, **QUICK}, (X, CLASSES)).metrics) == {"train_loss", "train_accuracy"}


@pytest.mark.parametrize("source", ["xor", "parity-3", "encoder-4-2-4"])
def test_data_that_is_every_pattern_there_is_is_not_split(source: str) -> None:
    prepared = begin({"data": {"source": source}})[0].prepared
    assert prepared.validation is None and prepared.test is None
    assert len(prepared.train) == len(prepared.dataset.X)


def test_validation_and_test_can_stand_in_files(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d", "class"]
    parts = {"train": slice(0, 120), "validation": slice(120, 180), "test": slice(180, 240)}
    paths = {
        name: write_csv(tmp_path / f"{name}.csv", names, np.c_[X[rows], CLASSES[rows]].tolist())
        for name, rows in parts.items()
    }
    config = {"data": {"source": paths["train"], "validation": paths["validation"], "test": paths["test"]}}
    setup, state = begin({**config, "training": {"epochs": 10}})
    scaling = setup.prepared.preprocessing.scaling
    assert scaling.shift == pytest.approx(X[:120].mean(0)), "fitted on the training file"
    assert [len(p) for p in (setup.prepared.train, setup.prepared.validation, setup.prepared.test) if p] == [
        120,
        60,
        60,
    ]
    list(watch_epochs(setup, state))
    run = finish(setup, state)
    assert run.metrics["test_accuracy"] == run.evaluate(X[180:], CLASSES[180:])["accuracy"]


def test_an_official_test_part_is_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "official.npz"
    np.savez(path, X_train=X[:200], y_train=CLASSES[:200], X_test=X[200:], y_test=CLASSES[200:])
    run = mlp.run({"data": {"source": str(path), "test": 0.3}, "training": {"epochs": 30}})
    assert run.metrics["test_accuracy"] == run.evaluate(X[200:], CLASSES[200:])["accuracy"]
    rows, labels = run.load(path)
    assert len(rows) == len(labels) == 40


def test_text_labels_of_a_file_come_back_as_text(tmp_path: Path) -> None:
    words = np.array(["low", "mid", "high"])[CLASSES]
    np.savez(tmp_path / "words.npz", X=X, y=words)
    run = mlp.run({"data": {"source": str(tmp_path / "words.npz")}, "training": {"epochs": 40}})
    assert run.classes == ("high", "low", "mid")
    assert (run.predict(X) == words).mean() > 0.9
    assert run.evaluate(X, words)["accuracy"] > 0.9


def shop(tmp_path: Path, n: int = 200) -> tuple[str, list[list[Any]]]:
    """A table with a category, a column that never changes, and a class that follows from the others."""
    rng = np.random.default_rng(0)
    colours = rng.choice(["red", "green", "blue"], n)
    sizes = rng.normal(size=n).round(3)
    bought = np.where((colours == "red") | (sizes > 1), "yes", "no")
    rows = [[c, "NL", s, b] for c, s, b in zip(colours.tolist(), sizes.tolist(), bought.tolist(), strict=True)]
    return write_csv(tmp_path / "shop.csv", ["colour", "country", "size", "bought"], rows), rows


def test_categories_are_encoded_and_found_by_name_in_further_tables(tmp_path: Path) -> None:
    path, rows = shop(tmp_path)
    run = mlp.run({"data": {"source": path, "target": "bought"}, "training": {"epochs": 40}}, out=tmp_path / "run")
    assert run.metrics["test_accuracy"] > 0.9
    other = write_csv(
        tmp_path / "other.csv",
        ["bought", "size", "note", "country", "colour"],
        [[r[3], r[2], "x", r[1], r[0]] for r in rows],
    )
    for answering in (run, mlp.load_run(tmp_path / "run")):
        assert answering.evaluate(*answering.load(other)) == pytest.approx(answering.evaluate(*answering.load(path)))
        assert (answering.predict(answering.load_rows(other)) == answering.predict([r[:3] for r in rows])).all()


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        (["purple", "NL", 1.0], "'purple'"),
        (["red", "DE", 1.0], "'DE'"),
        (["red", "NL", "big"], "'big'"),
        (["red", "NL"], "3 cells"),
        ([1.0, 2.0, 3.0], "column 'colour': 1 cell not seen in training (row 0: '1.0')"),
        ([1.0, 2.0], "2 features; the network was trained on 3: 'colour', 'country', 'size'"),
    ],
)
def test_cells_not_seen_in_training_are_refused(tmp_path: Path, cells: list[Any], complaint: str) -> None:
    path, _ = shop(tmp_path)
    run = mlp.run({"data": {"source": path}, **QUICK})
    with pytest.raises(MLPError) as caught:
        run.predict([cells])
    assert complaint in str(caught.value)


def test_a_table_with_a_column_that_never_changes_can_be_predicted_on(tmp_path: Path) -> None:
    """One category makes one column of X, so that raw and encoded rows are equally wide."""
    path = write_csv(
        tmp_path / "t.csv", ["country", "x", "y"], [["NL", x, int(x > 0)] for x in X[:, 0].round(3).tolist()]
    )
    run = mlp.run({"data": {"source": path}, "training": {"epochs": 40}})
    assert run.evaluate(*run.load(path))["accuracy"] > 0.9


def test_a_run_on_arrays_reads_a_table_by_the_names_of_its_columns(tmp_path: Path) -> None:
    run = mlp.run({"training": {"epochs": 40}}, (X, CLASSES))
    path = write_csv(tmp_path / "t.csv", ["x3", "x2", "x1", "x0", "label"], np.c_[X[:, ::-1], CLASSES].tolist())
    assert run.evaluate(*run.load(path)) == pytest.approx(run.evaluate(X, CLASSES))


def test_rows_can_be_predicted_on_without_targets_or_with_wrong_ones(tmp_path: Path) -> None:
    path, rows = shop(tmp_path)
    run = mlp.run({"data": {"source": path}, **QUICK})
    bare = write_csv(tmp_path / "bare.csv", ["colour", "country", "size"], [r[:3] for r in rows])
    wrong = write_csv(tmp_path / "wrong.csv", ["colour", "country", "size", "bought"], [[*r[:3], "?"] for r in rows])
    expected = run.predict([r[:3] for r in rows])
    assert (run.predict(run.load_rows(bare)) == expected).all()
    assert (run.predict(run.load_rows(wrong)) == expected).all()
    assert run.load(bare)[1] is None


# data larger than memory


def matrices(folder: Path, rows: slice = slice(None)) -> str:
    folder.mkdir()
    np.save(folder / "X.npy", X[rows])
    np.save(folder / "y.npy", CLASSES[rows])
    return str(folder / "X.npy")


def test_a_memory_mapped_matrix_trains_to_the_weights_of_one_in_memory(tmp_path: Path) -> None:
    source = matrices(tmp_path / "train")
    config = {"data": {"class_weight": "balanced"}, "training": {"epochs": 3, "dtype": "float64", "batch_size": 20}}
    in_memory = mlp.run(config, (X, CLASSES))
    setup, state = begin({**config, "data": {**config["data"], "source": source, "target": "y.npy"}})
    assert setup.prepared.train.is_streamed
    list(watch_epochs(setup, state))
    mapped = finish(setup, state)
    # the same batches, their rows in the order of the file: sums differ by rounding
    assert mapped.network.params == pytest.approx(in_memory.network.params, rel=1e-9)
    assert mapped.metrics == pytest.approx(in_memory.metrics, rel=1e-9)


def test_targets_of_further_matrices_lie_beside_them(tmp_path: Path) -> None:
    source, further = matrices(tmp_path / "train"), matrices(tmp_path / "further", slice(0, 50))
    run = mlp.run({"data": {"source": source, "target": str(tmp_path / "train" / "y.npy")}, **QUICK})
    assert run.evaluate(*run.load(further)) == pytest.approx(run.evaluate(X[:50], CLASSES[:50]))
    np.save(tmp_path / "train" / "new.npy", X[:7])
    assert len(run.load_rows(tmp_path / "train" / "new.npy")) == 7, "whatever targets lie beside"


# when to stop


def opposed(tmp_path: Path) -> dict[str, Any]:
    """Training says y = 2x, validation y = x; x = ±1, so that w ← w + ¼ (2 - w): ½, ⅞, 1.15625, ..., and b stays 0.

    Validation losses ½(w - 1)² are lowest at w = ⅞, after epoch 2.
    """
    rows = np.array([[1.0], [-1.0]])
    np.savez(tmp_path / "validation.npz", X=rows, y=np.array([1.0, -1.0]))
    return {
        "data": {
            "task": "regression",
            "validation": str(tmp_path / "validation.npz"),
            "test": 0,
            "scale": "none",
            "scale_target": "none",
        },
        "network": LINEAR,
        "optimizer": SGD,
    }


@pytest.mark.parametrize(
    ("stopping", "weight", "epochs"),
    [
        (False, 2 * (1 - 0.75**30), 30),
        (True, 0.875, 2 + 10),
        ({}, 0.875, 2 + 10),
        ({"patience": 3}, 0.875, 2 + 3),
        ({"patience": 50}, 0.875, 30),
        ({"patience": 3, "min_delta": 1.0}, 0.5, 1 + 3),
        ({"patience": 1, "min_delta": 0.12}, 0.5, 1 + 1),  # from ½·½² = 0.125 to ½·⅛² = 0.0078: 0.117
        ({"patience": 1, "min_delta": 0.11}, 0.875, 2 + 1),
    ],
)
def test_early_stopping_brings_the_best_weights_back(tmp_path: Path, stopping: Any, weight: float, epochs: int) -> None:
    config = {**opposed(tmp_path), "training": full_batch(30, early_stopping=stopping)}
    run = mlp.run(config, (np.array([[1.0], [-1.0]]), np.array([2.0, -2.0])))
    assert run.network.params == pytest.approx([weight, 0.0])
    assert run.steps == epochs
    assert run.metrics["validation_loss"] == pytest.approx(0.5 * (weight - 1) ** 2)


def test_early_stopping_without_validation_watches_the_training_loss() -> None:
    config = {
        "data": WHOLE,
        "optimizer": {"name": "sgd", "learning_rate": 1e-12},
        "training": full_batch(50, early_stopping={"patience": 3, "min_delta": 1e-3}),
    }
    assert mlp.run(config, (X, BINARY)).steps == 1 + 3


def test_the_statistics_of_batch_norm_come_back_with_the_best_weights() -> None:
    config = {"network": {"batch_norm": True}, "training": {"epochs": 30, "early_stopping": {"patience": 2}}}
    run = mlp.run(config, (X, CLASSES))
    best = run.history["validation_loss"].min()
    assert run.metrics["validation_loss"] == pytest.approx(best, rel=1e-6)


# populations


def test_the_best_of_all_restarts_on_validation_is_kept_and_all_are_reported() -> None:
    run = mlp.run({"training": {"epochs": 5, "restarts": 6}}, (X, CLASSES))
    losses, chosen = run.metrics["restart_losses"], run.metrics["restart_chosen"]
    assert len(set(losses)) == 6
    assert losses[chosen] == min(losses)
    assert run.metrics["validation_loss"] == pytest.approx(min(losses), rel=1e-6)
    assert run.network.population == ()
    assert run.history["loss"].shape == (run.steps,)
    assert run.history["grad_norm_by_layer"].shape == (run.steps, 2)


def test_each_restart_is_what_a_network_from_the_same_start_becomes_alone() -> None:
    """Members differ by their first weights only: the split and the order of the batches are shared."""
    config: dict[str, Any] = {"network": {"batch_norm": True}, "training": {"epochs": 3, "dtype": "float64"}}
    setup, population = begin({**config, "training": {**config["training"], "restarts": 3}}, (X, CLASSES))
    starts = population.network.params.copy()
    list(watch_epochs(setup, population))
    for member, start in enumerate(starts):
        setup, alone = begin(config, (X, CLASSES))
        np.copyto(alone.network.params, start)
        list(watch_epochs(setup, alone))
        assert alone.network.params == pytest.approx(population.network.params[member], rel=1e-7, abs=1e-9)


def test_one_restart_is_no_population() -> None:
    alone, one = (mlp.run({"training": {"epochs": 2, **more}}, (X, CLASSES)) for more in ({}, {"restarts": 1}))
    assert (alone.network.params == one.network.params).all()
    assert alone.metrics == one.metrics


def test_a_restart_that_diverges_is_not_chosen() -> None:
    config = {"data": WHOLE, "network": LINEAR, "optimizer": SGD, "training": full_batch(30, restarts=3)}
    setup, state = begin(config, (X, NUMBER))
    state.network.params[1] = 1e200  # its square leaves float64
    list(watch_epochs(setup, state))
    run = finish(setup, state)
    assert run.metrics["restart_chosen"] != 1
    assert not np.isfinite(run.metrics["restart_losses"][1])
    assert np.isfinite(run.metrics["train_loss"])
    assert run.healthy


def test_early_stopping_keeps_the_best_of_each_restart(tmp_path: Path) -> None:
    config = {**opposed(tmp_path), "training": full_batch(30, early_stopping=True, restarts=2)}
    run = mlp.run(config, (np.array([[1.0], [-1.0]]), np.array([2.0, -2.0])))
    assert run.network.params == pytest.approx([0.875, 0.0])


# seeds and records


@pytest.mark.parametrize(
    "more",
    [{}, {"network": {"dropout": 0.5, "batch_norm": True}}, {"training": {"epochs": 3, "restarts": 3}}],
    ids=["plain", "noise", "population"],
)
def test_equal_seeds_are_equal_bit_for_bit_and_others_are_not(more: dict[str, Any]) -> None:
    base = {"training": {"epochs": 3}, **more}
    first, again, other = (
        mlp.run({**base, "training": {**base["training"], "seed": seed}}, (X, CLASSES)) for seed in (4, 4, 5)
    )
    assert (first.network.params == again.network.params).all()
    assert first.metrics == again.metrics
    assert all((first.history[name] == again.history[name]).all() for name in first.history)
    assert (first.network.params != other.network.params).any()


def test_recording_more_or_less_changes_no_bit() -> None:
    runs = [mlp.run({"record": {"every": every}, "training": {"epochs": 3}}, (X, CLASSES)) for every in (1, 7, 1000)]
    assert all((run.network.params == runs[0].network.params).all() for run in runs)
    assert [run.history.steps("loss").tolist() for run in runs] == [list(range(18)), [0, 7, 14], [0]]


def test_without_shuffling_batches_come_in_the_order_of_the_rows() -> None:
    config = {"data": WHOLE, "network": LINEAR, "training": {"shuffle": False, "batch_size": 1, "epochs": 1}}
    setup, state = begin({**config, "optimizer": SGD}, (X[:9], NUMBER[:9]))
    expected = [0.5 * NUMBER[0] ** 2]  # from zero weights the first answer is 0
    list(watch_epochs(setup, state))
    assert state.history["loss"][:1] == pytest.approx(expected, rel=1e-6)
    seeds = [
        mlp.run({**config, "training": {**config["training"], "seed": s}}, (X[:9], NUMBER[:9])).network.params
        for s in (0, 1)
    ]
    assert (seeds[0] == seeds[1]).all(), "zero weights and no shuffling leave nothing to chance"


def test_an_epoch_is_a_fact() -> None:
    setup, state = begin({"training": {"epochs": 3}}, (X, CLASSES))
    seen = list(watch_epochs(setup, state))
    assert [(epoch.number, epoch.n_epochs) for epoch in seen] == [(1, 3), (2, 3), (3, 3)]
    assert seen[-1].train_loss == state.history["train_loss"][-1]
    assert seen[-1].validation["accuracy"] == state.history["validation_accuracy"][-1]


def test_training_stops_after_the_step_at_which_it_is_told_to() -> None:
    setup, state = begin({"training": {"epochs": 5}}, (X, CLASSES))
    stop = Stop()
    for epoch in watch_epochs(setup, state, stop=stop):
        stop.requested = epoch.number == 2
    assert state.steps == 12
    assert finish(setup, state).history.steps("loss")[-1] == 11


# training that goes wrong


@pytest.mark.parametrize("every", [1, 1000])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("restarts", [1, 3])
def test_divergence_is_a_finding_and_never_an_error(every: int, target: str, restarts: int) -> None:
    config = {
        "network": {"output": "identity"},
        "loss": {"name": "squared_error"},
        "optimizer": {"name": "sgd", "learning_rate": 1e6},
        "training": {"epochs": 50, "restarts": restarts},
        "record": {"every": every},
    }
    run = mlp.run(config, (X, TARGETS[target]))
    (finding,) = run.findings
    assert (finding.kind, finding.severity, finding.step) == ("divergence", "critical", run.steps - 1)
    assert not run.healthy
    assert run.steps < 50 * 6, "it stops"
    assert np.isfinite(run.network.params).all()
    assert all(np.isfinite(run.metrics[f"{part}_loss"]) for part in ("train", "validation", "test"))


@pytest.mark.parametrize("rate", [1e155, 1e300, 1e308])
def test_divergence_at_the_last_step_is_noticed(rate: float) -> None:
    """The last update meets no loss: weights of 1e300 are numbers, what comes out of them is not."""
    for parts in ({}, WHOLE):
        config = {
            "data": parts,
            "optimizer": {"name": "sgd", "learning_rate": rate},
            "training": full_batch(1),
        }
        run = mlp.run(config, (X, NUMBER))
        assert [finding.kind for finding in run.findings] == ["divergence"]
        assert np.isfinite(run.metrics["train_loss"])


def test_divergence_keeps_the_best_weights_there_were() -> None:
    """Growing steps: w ← w - η (w - 2) with η = 2.5 moves away from 2 by 1.5 each time; nearest is the start of it."""
    config = {
        "data": {**WHOLE, "task": "regression", "scale": "none"},
        "network": LINEAR,
        "optimizer": {"name": "sgd", "learning_rate": 2.5},
        "training": full_batch(3000),
    }
    run = mlp.run(config, (np.array([[1.0], [-1.0]]), np.array([2.0, -2.0])))
    assert run.findings[0].kind == "divergence"
    assert run.network.params == pytest.approx([5.0, 0.0]), "after the first epoch, whose loss was the lowest"


def test_the_start_is_kept_where_no_epoch_came_to_its_end() -> None:
    config = {"optimizer": {"name": "sgd", "learning_rate": 1e30}}
    setup, state = begin(config, (X, NUMBER))
    start = state.network.params.copy()
    list(watch_epochs(setup, state))
    assert (finish(setup, state).network.params == start).all()


def test_a_run_that_diverges_can_be_saved_and_read(tmp_path: Path) -> None:
    run = mlp.run({"optimizer": {"name": "sgd", "learning_rate": 1e6}}, (X, NUMBER), out=tmp_path / "run")
    assert mlp.load_run(tmp_path / "run").findings == run.findings


def test_a_folder_that_cannot_be_written_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        mlp.run({"training": {"epochs": 10**9}}, (X, CLASSES), out=tmp_path / "file")


@pytest.mark.parametrize("source", [None, "irsi", "nothing.csv", "x" * 5000, "a\nb", "digits.docx"])
def test_a_source_that_is_none_is_refused_in_one_line(source: str | None) -> None:
    with pytest.raises(MLPError) as caught:
        mlp.run({"data": {"source": source}} if source else {})
    assert "\n" not in str(caught.value)


def test_a_run_has_the_preprocessing_that_scripts_of_earlier_versions_ask_for() -> None:
    run = mlp.run({"training": {"epochs": 1}}, (X, X[:, 0]))
    assert run.preprocessing is run.model.preprocessing
