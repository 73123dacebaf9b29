"""The estimators inside scikit-learn: its own checks, its meta-estimators, its callbacks and metadata routing."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, load_wine
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.exceptions import DataConversionWarning, NotFittedError, UnsetMetadataPassedError
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import check_is_fitted

import mlp

X, Y = load_iris(return_X_y=True)
WINE, VINTNER = load_wine(return_X_y=True)


def classifier(**own: Any) -> mlp.MLPClassifier:
    return mlp.MLPClassifier(**{"hidden": 16, "random_state": 0, **own})


def regressor(**own: Any) -> mlp.MLPRegressor:
    return mlp.MLPRegressor(**{"hidden": 16, "epochs": 20, "random_state": 0, **own})


def checks() -> Iterator[Any]:
    """All of scikit-learn's checks for both; none is expected to fail."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that they do not inherit from BaseEstimator
        for made in (mlp.MLPClassifier(), mlp.MLPRegressor()):
            for _, check in estimator_checks_generator(made):
                name = getattr(check, "func", check).__name__
                keys = getattr(check, "keywords", {})
                yield pytest.param(made, check, id=f"{type(made).__name__}-{name}-{len(keys)}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("made", "check"), list(checks()))
def test_what_scikit_learn_asks_of_an_estimator(made: Any, check: Any) -> None:
    check(clone(made))


def test_there_are_as_many_checks_as_for_its_own() -> None:
    names = [str(param.id) for param in checks()]
    assert len([n for n in names if n.startswith("MLPClassifier")]) >= 67
    assert len([n for n in names if n.startswith("MLPRegressor")]) >= 60


def test_it_knows_which_is_which() -> None:
    assert is_classifier(classifier())
    assert is_regressor(regressor())


def test_a_clone_is_the_one_of_scikit_learn() -> None:
    made = classifier(optimizer=mlp.Adam(0.1), hidden=[5, 5], class_weight={0: 2.0})
    again = clone(made)
    assert again.get_params() == made.get_params() == mlp.estimators.clone(made).get_params()


def test_scores_are_those_of_scikit_learn() -> None:
    weights = np.random.default_rng(0).random(len(X))
    fitted, numbers = classifier().fit(X, Y), regressor().fit(X[:, :2], X[:, 2:])
    assert fitted.score(X, Y, weights) == pytest.approx(accuracy_score(Y, fitted.predict(X), sample_weight=weights))
    expected = r2_score(X[:, 2:], numbers.predict(X[:, :2]), sample_weight=weights)
    assert numbers.score(X[:, :2], X[:, 2:], weights) == pytest.approx(expected)


def test_it_is_cross_validated_in_several_threads() -> None:
    with joblib.parallel_config("threading"):
        together = cross_val_score(classifier(), X, Y, n_jobs=2)
    assert (together == cross_val_score(classifier(), X, Y)).all()
    assert together.mean() > 0.9
    assert cross_val_score(regressor(), X[:, :3], X[:, 3], scoring="neg_mean_absolute_error").mean() > -0.5


def test_it_stands_at_the_end_of_a_pipeline() -> None:
    assert make_pipeline(StandardScaler(), classifier(scale="none")).fit(WINE, VINTNER).score(WINE, VINTNER) > 0.95


def test_a_search_finds_its_parameters_and_survives_divergence() -> None:
    """A training that diverges scores NaN, and the search goes on."""
    grid = {"net__optimizer": [mlp.Adam(0.02), {"name": "sgd", "learning_rate": 1e9}], "net__hidden": [(8,), (8, 8)]}
    search = GridSearchCV(Pipeline([("net", classifier(loss="squared_error", output="identity"))]), grid, cv=2)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        search.fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isnan(scores).any()
    assert search.best_score_ > 0.8
    assert isinstance(search.best_params_["net__optimizer"], mlp.Adam)


def test_its_probabilities_are_calibrated() -> None:
    for loss in ("auto", "hinge"):  # with probabilities, and with scores only
        calibrated = CalibratedClassifierCV(classifier(loss=loss), cv=3).fit(X, Y)
        assert log_loss(Y, calibrated.predict_proba(X)) < 0.4


def test_its_features_have_importances() -> None:
    noise = np.random.default_rng(0).normal(size=(len(X), 1))
    found = permutation_importance(classifier().fit(np.c_[X, noise], Y), np.c_[X, noise], Y, random_state=0)
    assert found.importances_mean[-1] < found.importances_mean[2:4].min()


def test_it_votes_and_is_bagged() -> None:
    votes = VotingClassifier([("a", classifier()), ("b", classifier(random_state=1))], voting="soft").fit(X, Y)
    assert votes.score(X, Y) > 0.9
    bag = BaggingClassifier(classifier(epochs=5), n_estimators=3, random_state=0).fit(X, Y, sample_weight=np.ones(150))
    assert bag.predict(X).shape == (150,)


@pytest.mark.parametrize("made", [classifier(warm_start=True), regressor(warm_start=True)], ids=["classes", "numbers"])
def test_what_joblib_wrote_answers_and_goes_on_as_before(made: Any) -> None:
    made.fit(X, Y)
    file = io.BytesIO()
    joblib.dump(made, file)
    again = joblib.load(file)
    assert (again.predict(X) == made.predict(X)).all()
    assert (again.fit(X, Y).network_.params == made.fit(X, Y).network_.params).all()


def test_what_was_not_fitted_raises_scikit_learns_own_error() -> None:
    with pytest.raises(NotFittedError):
        classifier().predict(X)
    with pytest.raises(NotFittedError):
        check_is_fitted(classifier())
    check_is_fitted(classifier().fit(X, Y))


def test_a_column_of_labels_is_a_warning_of_scikit_learns() -> None:
    with pytest.warns(DataConversionWarning, match="column-vector"):
        classifier(epochs=1).fit(X, Y[:, None])


# frames


def frames(kind: str) -> tuple[Any, Any]:
    data = load_iris(as_frame=True)
    if kind == "pandas":
        return data.data, data.target.map(dict(enumerate(data.target_names)))
    return pl.DataFrame(X, schema=list(data.feature_names)), pl.Series(data.target_names[Y])


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_frames_go_in_with_their_names(kind: str) -> None:
    rows, labels = frames(kind)
    fitted = classifier().fit(rows, labels, X_val=rows[:20], y_val=labels[:20])
    assert fitted.feature_names_in_.tolist() == load_iris().feature_names
    assert fitted.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert fitted.score(rows, labels) > 0.9
    same = classifier().fit(X, np.asarray(labels).astype(str), X_val=X[:20], y_val=np.asarray(labels[:20]).astype(str))
    assert (fitted.network_.params == same.network_.params).all()


def test_frames_of_mixed_and_nullable_columns_are_numbers() -> None:
    table = pd.DataFrame({"a": pd.array([1, 2, 3, 4], dtype="Int64"), "b": [True, False, True, False], "c": [0.5] * 4})
    assert regressor().fit(table, [1, 2, 3, 4]).predict(table).shape == (4,)
    with pytest.raises(ValueError, match=r"missing cell: row 1, column 'a'.*missing = .impute"):
        regressor().fit(pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": ["x", "y"]}), [1, 2])


# metadata routing


@pytest.fixture
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_weights_are_routed_to_where_they_were_asked_for(routing: None) -> None:
    made, own = (
        new.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        for new in (classifier(epochs=2), DummyClassifier())
    )
    weights = np.where(Y == 0, 0.0, 1.0)
    try:
        GridSearchCV(make_pipeline(own), {}, cv=3).fit(X, Y, sample_weight=weights)
    except UnsetMetadataPassedError:
        pytest.skip(f"scikit-learn {sklearn.__version__} routes no weights to the score of a pipeline, its own neither")
    search = GridSearchCV(make_pipeline(made), {"mlpclassifier__hidden": [(8,)]}, cv=3)
    search.fit(X, Y, sample_weight=weights)
    assert search.best_estimator_[-1].classes_.tolist() == [1, 2]  # rows of weight 0 are not there


def test_validation_rows_go_through_a_pipeline_as_the_others_do(routing: None) -> None:
    made = classifier(scale="none").set_fit_request(X_val=True, y_val=True)
    pipeline = Pipeline([("scale", StandardScaler()), ("net", made)], transform_input=["X_val"])
    pipeline.fit(X[::2], Y[::2], X_val=X[1::2], y_val=Y[1::2])
    curve = pipeline[-1].validation_scores_
    assert curve[-1] == pytest.approx(pipeline.score(X[1::2], Y[1::2]))


def test_requests_survive_a_clone_and_others_are_refused(routing: None) -> None:
    made = clone(classifier().set_partial_fit_request(classes=True))
    assert made.get_metadata_routing().partial_fit.requests["classes"] is True
    with pytest.raises(TypeError, match="no metadata"):
        made.set_fit_request(groups=True)


def test_requests_need_routing_to_be_on() -> None:
    with pytest.raises(RuntimeError, match="enable_metadata_routing"):
        classifier().set_fit_request(sample_weight=True)


# callbacks

with_callbacks = pytest.mark.skipif(
    find_spec("sklearn.callback") is None, reason=f"scikit-learn {sklearn.__version__} has no callbacks"
)


class Watcher:
    """Notes what it is shown, and stops after so many epochs."""

    def __init__(self, stop: int = 10**6, fails: bool = False) -> None:
        self.stop, self.fails = stop, fails
        self.calls: list[str] = []
        self.scores: list[float] = []

    def setup(self, estimator: Any, context: Any) -> None:
        self.calls.append("setup")

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None, fitted_estimator: Any = None
    ) -> bool:
        if fitted_estimator is not None:
            self.scores.append(fitted_estimator.score(X, y))
        if self.fails:
            raise KeyError("mine")
        return context.task_name == f"epoch {self.stop}"

    def teardown(self, estimator: Any, context: Any) -> None:
        self.calls.append("teardown")


@with_callbacks
def test_callbacks_see_every_epoch_and_the_network_as_it_is_then() -> None:
    watcher = Watcher()
    fitted = classifier(epochs=4).set_callbacks(watcher).fit(X, Y)
    assert watcher.calls == ["setup", "begin fit", *(f"begin epoch {i}" for i in range(1, 5)), "teardown"]
    assert watcher.scores[-1] == fitted.score(X, Y)
    assert watcher.scores[0] == classifier(epochs=4).set_callbacks(Watcher(stop=1)).fit(X, Y).score(X, Y)


@with_callbacks
def test_watching_changes_no_bit() -> None:
    watched = classifier(epochs=4, dropout=0.2, restarts=2).set_callbacks(Watcher()).fit(X, Y)
    assert (watched.network_.params == classifier(epochs=4, dropout=0.2, restarts=2).fit(X, Y).network_.params).all()


@with_callbacks
def test_a_callback_may_end_the_training() -> None:
    assert classifier(epochs=9).set_callbacks(Watcher(stop=3)).fit(X, Y).n_iter_ == 3


@with_callbacks
def test_a_callback_that_fails_is_torn_down_and_the_estimator_stays_as_it_was() -> None:
    watcher, made = Watcher(fails=True), classifier(epochs=3)
    with pytest.raises(KeyError, match="mine"):
        made.set_callbacks(watcher).fit(X, Y)
    assert watcher.calls[-1] == "teardown"
    assert not hasattr(made, "network_")
    assert not hasattr(made, "_callback_fit_ctx")


@with_callbacks
def test_early_stopping_scores_no_epoch_that_was_not() -> None:
    watcher = Watcher()
    made = classifier(epochs=99, learning_rate=0.1, early_stopping=True, patience=2).set_callbacks(watcher).fit(X, Y)
    assert len(watcher.scores) == made.n_iter_ + 1  # and one for the whole


@with_callbacks
def test_scikit_learns_own_callbacks_score_each_epoch() -> None:
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    fitted = classifier(epochs=5).set_callbacks(monitor).fit(X, Y)
    scores = {row["task_name"]: row["accuracy"] for row in monitor.get_logs().data}
    assert scores.keys() == {"fit", *(f"epoch {i}" for i in range(1, 6))}
    assert scores["fit"] == scores["epoch 5"] == fitted.score(X, Y)


@with_callbacks
def test_callbacks_are_refused_that_are_none() -> None:
    with pytest.raises(TypeError, match="FitCallback"):
        classifier().set_callbacks("progress")


def test_scikit_learn_may_be_imported_after() -> None:
    code = (
        "import mlp\nm = mlp.MLPClassifier(epochs=1)\n"
        "try:\n    m.predict([[0]])\nexcept mlp.NotFittedError: pass\n"
        "from sklearn.model_selection import cross_val_score\n"
        "print(cross_val_score(m, [[0.0], [1.0]] * 10, [0, 1] * 10, cv=2).shape)"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "(2,)"
