"""The estimators by themselves: NumPy alone, one fact each."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.data import blobs, moons
from mlp.errors import ConfigError, DataError, DtypeError, HyperparameterError, ShapeError
from mlp.estimators import clone

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
NUMBER = 100 * np.sin(X[:, 0]) + 50
FLAGS = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)


def classifier(**own: Any) -> mlp.MLPClassifier:
    return mlp.MLPClassifier(**{"hidden": 8, "epochs": 3, "random_state": 0, **own})


def regressor(**own: Any) -> mlp.MLPRegressor:
    return mlp.MLPRegressor(**{"hidden": 8, "epochs": 3, "random_state": 0, **own})


def steady(**own: Any) -> mlp.MLPClassifier:
    """One whose epochs do not depend on how many are planned."""
    return classifier(**{"learning_rate": 0.01, "schedule": "constant", **own})


def params(fitted: Any) -> Any:
    return fitted.network_.params


# parameters


def test_the_constructor_stores_what_it_is_given_untouched() -> None:
    hidden = [4]
    assert mlp.MLPClassifier(hidden).hidden is hidden
    assert mlp.MLPClassifier("nonsense").get_params()["hidden"] == "nonsense"


def test_a_clone_has_the_same_parameters_and_is_not_fitted() -> None:
    fitted = classifier(hidden=[5], optimizer=mlp.Momentum(0.1)).fit(X, Y)
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    assert again.hidden is not fitted.hidden
    assert not hasattr(again, "network_")


def test_a_parameter_that_is_called_otherwise_elsewhere_is_named() -> None:
    with pytest.raises(HyperparameterError, match=r"\(did you mean 'hidden'\?\)\.$"):
        classifier().set_params(hidden_layer_sizes=(5,))


def test_the_repr_is_the_call_that_makes_it() -> None:
    assert repr(mlp.MLPRegressor(hidden=(5, 5), l1=0.1)) == "MLPRegressor(hidden=(5, 5), l1=0.1)"


@pytest.mark.parametrize(
    ("own", "needle"),
    [
        ({"hidden": "wide"}, "MLPClassifier, [network] hidden"),
        ({"activation": ["relu", "tanh"]}, "2 entries for 1 hidden"),
        ({"activation": "rleu"}, "Did you mean 'relu'"),
        ({"loss": "squared_eror"}, "squared_error"),
        ({"loss": {"delta": 1}}, "has no name"),
        ({"loss": {"name": "cross_entropy", "smoothing": 0.1}}, "label_smoothing"),
        ({"optimizer": "addam"}, "Did you mean 'adam'"),
        ({"optimizer": mlp.SAM(mlp.SGD(0.1))}, "a name, or one of"),
        ({"optimizer": mlp.SGD(mlp.Cosine(0.1, 100))}, "schedule='cosine'"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"early_stopping": True, "validation_fraction": 1.5}, "validation_fraction"),
        ({"class_weight": "balance"}, "class_weight"),
        ({"class_weight": {0: 1, 7: 2}}, "class_weight names 7"),
        ({"random_state": -1}, "random_state"),
        ({"dtype": "float16"}, "float32 | float64"),
        ({"restarts": 2, "optimizer": "lbfgs"}, "restarts"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_meant_is_refused_by_name_when_fitted(own: dict[str, Any], needle: str) -> None:
    made = classifier(**own)
    with pytest.raises(mlp.MLPError) as caught:
        made.fit(X, Y)
    assert needle in str(caught.value)


# fitting


def test_equal_seeds_give_equal_bits() -> None:
    assert (params(classifier().fit(X, Y)) == params(classifier().fit(X, Y))).all()


def test_fitting_is_the_experiment_of_the_same_configuration() -> None:
    """The twin: `mlp.run` with what the parameters say."""
    fitted = steady(loss="cross_entropy", l2=0.0).fit(X, Y)
    run = mlp.run(
        {
            "data": {"validation": 0.0, "test": 0.0},
            "network": {"hidden": [8], "activation": "silu"},
            "optimizer": {"learning_rate": 0.01},
            "training": {"epochs": 3, "dtype": "float64", "seed": 0},
        },
        (X, Y),
    )
    assert (params(fitted) == run.network.params).all()


def test_a_generator_gives_a_new_seed_each_time_and_none_as_well() -> None:
    rng = np.random.default_rng(0)
    made = classifier(random_state=rng)
    assert made.fit(X, Y).seed_ != made.fit(X, Y).seed_
    assert classifier(random_state=None).fit(X, Y).seed_ != classifier(random_state=None).fit(X, Y).seed_


def test_the_seed_that_was_drawn_makes_the_same_network_again() -> None:
    drawn = classifier(random_state=np.random.RandomState(3)).fit(X, Y)
    assert (params(classifier(random_state=drawn.seed_).fit(X, Y)) == params(drawn)).all()


@pytest.mark.parametrize(
    "own",
    [
        {"hidden": [6, 6], "activation": ["tanh", "relu"], "dropout": [0.1, 0.2], "batch_norm": True, "residual": True},
        {"hidden": [], "loss": "hinge"},
        {"loss": mlp.SoftmaxCrossEntropy(0.2), "l1": 1e-3},
        {"loss": "squared_error", "output": "softmax"},
        {"optimizer": mlp.RMSprop(0.01), "clip_norm": 1.0, "schedule": {"name": "step", "every": 5}},
        {"optimizer": {"name": "momentum", "momentum": 0.5}, "learning_rate": 0.1, "init": "he_normal"},
        {"optimizer": "lbfgs", "schedule": "constant"},
        {"dtype": np.float32, "scale": "minmax", "batch_size": "full", "shuffle": False},
    ],
    ids=lambda own: ", ".join(own),
)
def test_every_setting_of_an_experiment_can_be_said(own: dict[str, Any]) -> None:
    fitted = classifier(**own).fit(X, THREE)
    assert set(fitted.predict(X)) <= {0, 1, 2}
    assert np.isfinite(fitted.decision_function(X)).all()


@pytest.mark.parametrize("name", sorted(mlp.optimizers.OPTIMIZERS))
def test_every_rule_fits_by_its_name_alone(name: str) -> None:
    fitted = regressor(optimizer=name, hidden=4, epochs=5).fit(X, NUMBER)
    assert np.isfinite(fitted.predict(X)).all()


@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "huber", "log_cosh", "quantile", "poisson"])
def test_a_regressor_learns_with_every_loss(name: str) -> None:
    fitted = regressor(loss={"name": name}, epochs=60).fit(X, np.abs(NUMBER))
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]


def test_numbers_far_from_0_are_learned_as_well_as_scaled_ones() -> None:
    near, far = regressor(epochs=30).fit(X, NUMBER), regressor(epochs=30).fit(X, 1e4 * NUMBER + 1e7)
    assert near.score(X, NUMBER) == pytest.approx(far.score(X, 1e4 * NUMBER + 1e7), abs=1e-6)
    assert near.score(X, NUMBER) > 0.8


def test_several_numbers_come_back_in_the_shape_they_were_given_in() -> None:
    both = np.stack([NUMBER, X[:, 1]], axis=1)
    fitted = regressor(epochs=60).fit(X, both)
    assert fitted.predict(X).shape == both.shape
    assert fitted.score(X, both) > 0.8


def test_several_labels_come_back_as_0_and_1() -> None:
    fitted = classifier(epochs=60).fit(X, FLAGS)
    assert fitted.score(X, FLAGS) > 0.8
    assert fitted.predict_proba(X).shape == FLAGS.shape
    assert ((fitted.predict_proba(X) > 0.5) == fitted.predict(X)).all()


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [3, 7], [-1.0, 2.0]], ids=str)
def test_labels_of_any_kind_come_back_as_they_were(labels: list[Any]) -> None:
    given = np.array(labels)[Y]
    fitted = classifier(epochs=40).fit(X, given)
    assert fitted.classes_.tolist() == labels
    assert fitted.predict(X).dtype == given.dtype
    assert fitted.score(X, given.tolist()) > 0.8


def test_probabilities_sum_to_one_and_agree_with_answers_and_scores() -> None:
    for target in (Y, THREE):
        fitted = classifier().fit(X, target)
        p = fitted.predict_proba(X)
        assert p.sum(1) == pytest.approx(1)
        assert (p.argmax(1) == fitted.predict(X)).all()
        assert np.exp(fitted.predict_log_proba(X)) == pytest.approx(p)
    assert ((classifier().fit(X, Y).decision_function(X) > 0) == classifier().fit(X, Y).predict(X)).all()


def test_scores_are_no_probabilities() -> None:
    """`hasattr` is how scikit-learn asks."""
    assert not hasattr(classifier(loss="hinge"), "predict_proba")
    assert not hasattr(classifier(loss=mlp.Hinge(), output="softmax").fit(X, THREE), "predict_log_proba")


# weights


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_row_of_weight_k_counts_like_k_rows(batch_norm: bool) -> None:
    """All rows in one batch; input statistics are weighted too, and batch norm's: it knew nothing of weights."""
    weights = RNG.integers(0, 4, len(X))
    own: dict[str, Any] = {"batch_size": "full", "batch_norm": batch_norm, "schedule": "constant"}
    for made, y in ((steady(**own), THREE), (regressor(**own), NUMBER)):
        weighed = clone(made).fit(X, y, sample_weight=weights)
        repeated = clone(made).fit(X.repeat(weights, 0), y.repeat(weights))
        assert params(weighed) == pytest.approx(params(repeated), abs=1e-9)


@pytest.mark.parametrize("made", [mlp.MLPClassifier, mlp.MLPRegressor])
def test_what_is_said_of_weighed_rows_is_what_is_said_of_repeated_ones(made: Any) -> None:
    """Validation scores counted every row once, and so did all that findings go by: the reference loss, say."""
    weights = RNG.integers(1, 4, len(X))
    own = {"random_state": 0, "epochs": 5, "batch_size": "full", "schedule": "constant", "learning_rate": 0.01}
    y = THREE if made is mlp.MLPClassifier else NUMBER
    weighed = made(**own).fit(X, y, weights, X_val=X, y_val=y, sample_weight_val=weights)
    rows, targets = X.repeat(weights, 0), y.repeat(weights)
    repeated = made(**own).fit(rows, targets, X_val=rows, y_val=targets)
    np.testing.assert_allclose(weighed.validation_scores_, repeated.validation_scores_, rtol=1e-9)
    mean_weight = weights.mean()
    names = [
        "train_loss",
        "validation_loss",
        "reference_loss",
        "initial_loss",
        "input_mean",
        "input_std",
        "guess_accuracy",
        "class_counts",
        "target_mean",
        "target_std",
        "train_accuracy",
        "train_r2",
        "recall",
        "validation_rmse",
    ]
    for name in names:
        if name in repeated.history_:
            scale = mean_weight if name == "class_counts" else 1  # rows as there are, parted as they weigh
            found = weighed.history_[name] * scale
            np.testing.assert_allclose(found, repeated.history_[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_rows_that_weigh_next_to_nothing_do_not_spoil_batch_norm() -> None:
    """They lie far away: r² on the others was .03, and .94 without them."""
    far, light = np.concatenate([X, 50 * X + 200]), np.repeat([1.0, 1e-9], len(X))
    fitted = mlp.MLPRegressor(hidden=32, batch_norm=True, random_state=0, epochs=60)
    fitted.fit(far, np.concatenate([NUMBER, NUMBER]), sample_weight=light)
    assert fitted.score(X, NUMBER) > 0.85


def test_a_row_of_weight_0_is_not_there() -> None:
    weights = np.ones(len(X))
    weights[40:] = 0
    assert (params(steady().fit(X, THREE, weights)) == params(steady().fit(X[:40], THREE[:40], np.ones(40)))).all()


def test_balanced_classes_are_the_weights_it_stands_for() -> None:
    """N / (n_classes · n_c), written down."""
    share = np.array([len(Y) / (2 * np.sum(c == Y)) for c in (0, 1)])
    balanced, table = steady(class_weight="balanced"), steady(class_weight=dict(enumerate(share)))
    assert params(balanced.fit(X, Y)) == pytest.approx(params(table.fit(X, Y)), abs=1e-12)
    assert balanced.fit(X, Y, np.full(len(Y), 3.0)).network_.params == pytest.approx(params(table), abs=1e-9)


def test_a_heavy_class_is_answered_more_often() -> None:
    light, heavy = classifier(epochs=20).fit(X, Y), classifier(epochs=20, class_weight={1: 50}).fit(X, Y)
    assert heavy.predict(X).sum() > light.predict(X).sum()


def test_a_weighted_score_is_that_of_repeated_rows() -> None:
    weights = RNG.integers(0, 4, len(X))
    for fitted, y in ((classifier().fit(X, Y), Y), (regressor().fit(X, NUMBER), NUMBER)):
        assert fitted.score(X, y, weights) == pytest.approx(fitted.score(X.repeat(weights, 0), y.repeat(weights)))


@pytest.mark.parametrize(
    ("weights", "needle"),
    [
        (np.zeros(60), "zero"),
        (np.full(60, -1.0), "row 0 has -1"),
        (np.ones(59), "(59,)"),
        (["heavy"] * 60, "a number"),
        (np.r_[np.ones(59), np.nan], "row 59"),
    ],
    ids=["zero", "negative", "short", "text", "nan"],
)
def test_weights_that_cannot_be_are_refused(weights: Any, needle: str) -> None:
    with pytest.raises(DataError) as caught:
        classifier().fit(X, Y, weights)
    assert needle in str(caught.value)


# validation, stopping, restarts


def test_rows_to_validate_on_are_those_that_were_given() -> None:
    """The last loss of the curve is the one of the network that was kept, computed here."""
    fitted = regressor(scale_target="none").fit(X, NUMBER, X_val=X[:7], y_val=NUMBER[:7])
    expected = 0.5 * np.mean((fitted.predict(X[:7]) - NUMBER[:7]) ** 2)
    assert fitted.validation_loss_curve_ is not None
    assert fitted.validation_loss_curve_[-1] == pytest.approx(expected)
    assert len(fitted.validation_loss_curve_) == fitted.n_iter_ == len(fitted.loss_curve_) == 3


def test_validation_scores_are_accuracies_of_labels_as_they_were_given() -> None:
    words = np.array(["a", "b"])[Y]
    fitted = classifier().fit(X, words, X_val=X, y_val=words)
    assert fitted.validation_scores_ is not None
    assert fitted.validation_scores_[-1] == pytest.approx(fitted.score(X, words))


def test_without_validation_rows_there_is_no_curve() -> None:
    assert classifier().fit(X, Y).validation_loss_curve_ is None


def test_early_stopping_brings_the_best_weights_back() -> None:
    points, labels = moons(80, noise=0.4, rng=0).X, moons(80, noise=0.4, rng=0).y
    made = steady(hidden=64, learning_rate=0.05, epochs=200, early_stopping=True, patience=4)
    fitted = made.fit(points[:40], labels[:40], X_val=points[40:], y_val=labels[40:])
    curve = fitted.validation_loss_curve_
    assert fitted.n_iter_ < 200
    assert fitted.best_epoch_ == np.argmin(curve) + 1 == fitted.n_iter_ - 4
    again = fitted._run.evaluate(points[40:], labels[40:])
    assert again["loss"] == pytest.approx(np.min(curve))


def test_early_stopping_holds_rows_out_if_none_were_given() -> None:
    fitted = classifier(early_stopping=True, validation_fraction=0.25).fit(X, Y)
    assert fitted.validation_loss_curve_ is not None
    settings = fitted.history_["settings"][0]
    names = fitted.history_.labels("settings")
    assert settings[names.index("rows")] == 45


def test_of_restarts_the_one_with_the_lowest_loss_is_kept() -> None:
    fitted = classifier(restarts=4).fit(X, Y)
    assert fitted.restart_losses_ is not None
    assert len(fitted.restart_losses_) == 4
    assert fitted.loss_ == pytest.approx(fitted.restart_losses_.min())
    assert fitted.network_.population == ()


def test_training_that_diverges_is_an_error_with_findings_and_leaves_the_estimator_as_it_was() -> None:
    made = regressor(optimizer="sgd", learning_rate=1e6, epochs=20)
    with pytest.raises(mlp.DivergenceError, match="learning_rate") as caught:
        made.fit(X, NUMBER)
    assert "divergence" in {finding.kind for finding in caught.value.findings}
    assert not hasattr(made, "network_")


def test_findings_are_judged_from_the_history() -> None:
    fitted = classifier(hidden=[8] * 8, activation="sigmoid", optimizer="sgd", learning_rate=0.01).fit(X, Y)
    assert fitted.findings_ == mlp.diagnose(fitted.history_)
    assert {"no_progress", "vanishing_gradients"} & {finding.kind for finding in fitted.findings_}


@pytest.mark.parametrize("name", ["digits", "iris", "wine"])
def test_the_defaults_are_found_healthy(name: str) -> None:
    data = mlp.data.load(name)
    fitted = mlp.MLPClassifier(random_state=0).fit(data.X[:600], data.y[:600] if data.y is not None else None)
    assert [f.kind for f in fitted.findings_ if f.severity != "info"] == []


# going on


def test_five_epochs_at_once_are_three_and_then_two_bit_for_bit() -> None:
    """`warm_start` keeps weights, the optimizer's memory, the order of the rows and the noise of dropout."""
    for own in ({}, {"dropout": 0.3, "batch_norm": True}, {"optimizer": "lion"}, {"restarts": 3}, {"clip_norm": 0.1}):
        whole = steady(epochs=5, **own).fit(X, THREE)
        parts = steady(epochs=3, warm_start=True, **own).fit(X, THREE).set_params(epochs=2).fit(X, THREE)
        assert (params(whole) == params(parts)).all(), own
        assert (whole.loss_curve_ == parts.loss_curve_).all()


def test_a_fit_without_warm_start_begins_anew() -> None:
    made = classifier()
    assert (params(made.fit(X, Y)) == params(made.fit(X, Y))).all()
    assert made.n_iter_ == 3


def test_a_changed_learning_rate_holds_from_the_next_fit_on_and_the_memory_stays() -> None:
    made = steady(warm_start=True).fit(X, Y)
    before = made._trained.memory.m.copy()
    made.set_params(learning_rate=1e-12, epochs=1)
    start = params(made).copy()
    made.fit(X, Y)
    assert params(made) == pytest.approx(start, abs=1e-9)
    assert made._trained.memory.learning_rate == 1e-12
    assert made._trained.memory.t == 8
    assert np.linalg.norm(made._trained.memory.m - before) < np.linalg.norm(before) * 2


def test_a_schedule_begins_anew_with_each_warm_fit() -> None:
    made = classifier(schedule="cosine", warm_start=True).fit(X, Y)
    assert made._trained.memory.learning_rate < 0.01
    first = params(made).copy()
    made.fit(X, Y)
    assert np.abs(params(made) - first).max() > 1e-3


def test_a_warm_start_refuses_another_network() -> None:
    made = classifier(warm_start=True).fit(X, Y)
    kept = params(made)
    with pytest.raises(ConfigError, match="goes on with the network"):
        made.set_params(hidden=9).fit(X, Y)
    assert params(made) is kept


def test_a_warm_start_that_diverges_leaves_the_network_as_it_was() -> None:
    made = regressor(optimizer="sgd", learning_rate=0.01, schedule="constant", warm_start=True).fit(X, NUMBER)
    kept = params(made).copy()
    with pytest.raises(mlp.DivergenceError):
        made.set_params(learning_rate=1e6, epochs=20).fit(X, NUMBER)
    assert (params(made) == kept).all()
    assert made.n_iter_ == 3
    made.set_params(learning_rate=0.01, epochs=3).fit(X, NUMBER)
    assert made.n_iter_ == 6
    assert np.isfinite(params(made)).all()


def test_portions_teach_as_much_as_all_at_once() -> None:
    data = blobs(300, 3, rng=0)
    assert data.y is not None
    made = classifier(learning_rate=0.02)
    for _ in range(10):
        for portion in np.array_split(np.arange(300), 5):
            made.partial_fit(data.X[portion], data.y[portion], classes=[0, 1, 2])
    assert made.score(data.X, data.y) > 0.9
    assert made.n_iter_ == 50


def test_portions_may_hold_a_single_class() -> None:
    made = classifier().partial_fit(X[Y == 0], Y[Y == 0], classes=[0, 1])
    made.partial_fit(X[Y == 1][:1], Y[Y == 1][:1])
    assert made.classes_.tolist() == [0, 1]


def test_the_first_portion_needs_all_classes() -> None:
    with pytest.raises(DataError, match="classes must be passed"):
        classifier().partial_fit(X, Y)
    with pytest.raises(DataError, match=r"y holds \[2\]"):
        classifier().partial_fit(X, Y, classes=[0, 1]).partial_fit(X, THREE)


@pytest.mark.parametrize("own", [{"early_stopping": True}, {"schedule": "cosine"}], ids=str)
def test_portions_refuse_what_is_planned_ahead(own: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="partial_fit"):
        classifier(**own).partial_fit(X, Y, classes=[0, 1])


@pytest.mark.parametrize("again", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))], ids=["deepcopy", "pickle"])
def test_a_copy_answers_and_goes_on_as_the_original(again: Any) -> None:
    made = steady(warm_start=True, restarts=2).fit(X, Y)
    other = again(made)
    assert (other.predict_proba(X) == made.predict_proba(X)).all()
    assert (params(other.fit(X, Y)) == params(made.fit(X, Y))).all()


# rows


class Frame:
    """A table as pandas and polars have it: names of columns, and an array on demand."""

    def __init__(self, values: Any, columns: list[Any]) -> None:
        self.values, self.columns = np.asarray(values), columns

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.values


def test_names_of_columns_are_kept_and_others_refused() -> None:
    fitted = classifier().fit(Frame(X, ["a", "b", "c"]), Y)
    assert fitted.feature_names_in_.tolist() == ["a", "b", "c"]
    fitted.predict(Frame(X, ["a", "b", "c"]))
    with pytest.raises(DataError, match="same order"):
        fitted.predict(Frame(X, ["b", "a", "c"]))
    with pytest.raises(DataError, match="unseen at fit time:\n- z"):
        fitted.predict(Frame(X, ["a", "b", "z"]))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(X)
    assert not hasattr(fitted.fit(X, Y), "feature_names_in_")


@pytest.mark.parametrize(
    ("rows", "kind", "needle"),
    [
        (X[0], ShapeError, "Reshape your data"),
        (X[:, :2], ShapeError, "X has 2 features, but MLPClassifier is expecting 3"),
        (np.full((2, 3), np.nan), DataError, "contains NaN: row 0, column 0"),
        (np.full((2, 3), np.inf), DataError, "inf"),
        (X[:0], DataError, "0 sample(s)"),
        ([["a", "b", "c"]], DataError, "numbers are needed"),
        (np.array([["a", 1, 2]], object), DataError, "'a' at row 0, column 0"),
        (np.array([[{}, 1, 2]], object), DtypeError, "no numbers"),
        ([[1, 2, 3], [1, 2]], DataError, "no table"),
        (X * 1j, DataError, "Complex data not supported"),
    ],
    ids=lambda value: str(value)[:20].replace("\n", ""),
)
def test_rows_that_cannot_be_are_refused(rows: Any, kind: type[Exception], needle: str) -> None:
    fitted = classifier().fit(X, Y)
    with pytest.raises(kind) as caught:
        fitted.predict(rows)
    assert needle in str(caught.value)


@pytest.mark.parametrize(
    ("y", "needle"),
    [
        (None, "target y is None"),
        (Y[:-1], "y has 59"),
        (NUMBER, "continuous"),
        (np.zeros(60), "one class"),
        (np.stack([THREE, THREE], 1), "multiclass-multioutput"),
        (np.where(Y, np.nan, 1.0), "y contains NaN: row"),
        (Y[:, None, None], "1d array"),
        ([[1], [1, 2]] * 30, "no array"),
        (["a", "b", float("nan")] * 20, "y contains NaN: row 2; row 5"),
        (np.array(["a", "b", np.nan] * 20, object), "y contains NaN: row 2; row 5"),
        (["a", 1] * 30, "text and, in row 1, 1"),
    ],
    ids=["none", "short", "continuous", "one class", "multioutput", "nan", "3d", "ragged", "hole", "holes", "mixed"],
)
def test_labels_that_cannot_be_are_refused(y: Any, needle: str) -> None:
    """NumPy writes out what stands among text: a missing label was a class 'nan', and 1 came back as '1'."""
    with pytest.raises(ValueError) as caught:
        classifier().fit(X, y)
    assert needle in str(caught.value)


def test_a_frame_that_is_not_there_yet_says_how_to_get_it() -> None:
    """NumPy makes one object of what it cannot read: it has no rows, and its cell no place."""

    class LazyFrame:
        def collect(self) -> Any: ...

    with pytest.raises(DtypeError, match=r"X is a LazyFrame, .* give X.collect\(\)"):
        classifier().fit(LazyFrame(), Y)
    with pytest.raises(DtypeError, match=r"X is a object, .* a frame"):
        classifier().fit(object(), Y)


def test_text_is_no_number() -> None:
    with pytest.raises(DtypeError, match="MLPClassifier"):
        regressor().fit(X, ["high"] * 60)


def test_an_estimator_that_was_not_fitted_says_so() -> None:
    for ask in (lambda e: e.predict(X), lambda e: e.findings_, lambda e: e.score(X, Y)):
        with pytest.raises(ValueError, match="not fitted yet"):
            ask(classifier())


def test_weights_can_be_read_layer_by_layer() -> None:
    fitted = regressor(scale="none", scale_target="none", hidden=[8], activation="relu").fit(X, NUMBER)
    hidden = np.maximum(X @ fitted.coefs_[0] + fitted.intercepts_[0], 0)
    assert (hidden @ fitted.coefs_[1] + fitted.intercepts_[1])[:, 0] == pytest.approx(fitted.predict(X))


def test_neither_importing_nor_fitting_imports_scikit_learn() -> None:
    code = (
        "import sys, numpy as np, mlp\n"
        "X = np.eye(4); m = mlp.MLPClassifier(epochs=1).fit(X, [0, 1, 0, 1]); m.predict_proba(X); m.score(X, [0] * 4)\n"
        "assert not [n for n in sys.modules if n.split('.')[0] in ('sklearn', 'pandas', 'scipy', 'polars')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
