"""Our estimators beside scikit-learn's own multilayer perceptrons, through its tools: equal shapes and kinds.

A row of a table is a tool, given what makes an estimator, X and y; what it gives is told by `look`. Where its own
answer, ours give arrays of the same shape and kind, under the same names.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from sklearn import base, ensemble, feature_selection, inspection, metrics, model_selection, multiclass, multioutput
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay, calibration_curve
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.impute import IterativeImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RANSACRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import estimator_html_repr
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import check_is_fitted

import mlp

N, FOLDS = 40, 2
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))
YES, CODES = X[:, 0] > 0, np.arange(N) % 3
WEIGHTS = {"sample_weight": RNG.random(N) + 0.5}
CLASSES = {
    "text": np.array(["no", "yes"])[YES.astype(int)],
    "bools": YES,
    "integers": np.array([2, 5, 9])[CODES],
    "words": np.array(["a", "b", "c"])[CODES],
    "labels": (X > 0).astype(int),
}
NUMBERS = {"one": 10 * X[:, 0], "several": X[:, :2] * [1.0, 100.0]}
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")
SIZE: dict[str, Any] = {"batch_size": N, "random_state": 0}

New = Callable[..., Any]
Tool = Callable[[New, Any, Any], Any]


def our_classifier() -> Any:
    return mlp.MLPClassifier(hidden=3, epochs=2, **SIZE)


def its_classifier() -> Any:
    return MLPClassifier(hidden_layer_sizes=(3,), max_iter=2, **SIZE)


def our_regressor() -> Any:
    return mlp.MLPRegressor(hidden=3, epochs=2, **SIZE)


def its_regressor() -> Any:
    return MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, **SIZE)


# what a result looks like


def look(result: Any) -> Any:
    """Of arrays the kind and the shape, of tables their entries; of anything else its class."""
    if isinstance(result, Mapping):
        return {name: look(value) for name, value in result.items()}
    if isinstance(result, list | tuple):
        return {i: look(value) for i, value in enumerate(result)}
    if isinstance(result, np.ndarray):
        return result.dtype.kind, result.shape
    if isinstance(result, bool | int | float | np.generic):
        return np.asarray(result).dtype.kind
    return result if isinstance(result, str) else type(result).__name__


def kinds(*curves: Any) -> list[str]:
    """Of arrays whose shape hangs on the numbers, the kinds alone."""
    return [np.asarray(curve).dtype.kind for curve in curves]


def lacks(found: Any, own: Any) -> Any:
    """What of `own` is not in `found`: ours may give more, never less."""
    if isinstance(own, dict) and isinstance(found, dict):
        return {name: gap for name, value in own.items() if (gap := lacks(found.get(name), value))}
    return None if found == own else (found, own)


def attempt(tries: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """What each gives, but for those that raise."""
    found = {}
    for name, call in tries.items():
        try:
            found[name] = call()
        except Exception:  # whatever scikit-learn refuses
            continue
    return found


# tools


def answers(fitted: Any, rows: Any = X) -> dict[str, Any]:
    """What it says of rows, by method."""
    return {name: getattr(fitted, name)(rows) for name in METHODS if hasattr(fitted, name)}


def around(kind: Any, *more: Any, fit: Mapping[str, Any] | None = None, **own: Any) -> Tool:
    """A meta-estimator around one of the two, fitted with `fit`."""
    return lambda new, X, y: answers(kind(new(), *more, **own).fit(X, y, **(fit or {})))


def around_two(kind: Any, *more: Any, fit: Mapping[str, Any] | None = None, **own: Any) -> Tool:
    """One around two of them, that have names."""
    return lambda new, X, y: answers(kind([("a", new()), ("b", new())], *more, **own).fit(X, y, **(fit or {})))


def around_frozen(kind: Any, **own: Any) -> Tool:
    """One around an estimator that was fitted before."""
    return lambda new, X, y: answers(kind(FrozenEstimator(new().fit(X, y)), **own).fit(X, y))


def fitted_with(change: Callable[[Any], Any]) -> Tool:
    """No tool: rows in another form."""
    return lambda new, X, y: answers(new().fit(change(X), y), change(X))


def search(kind: Any, **own: Any) -> Tool:
    """A search for the better seed."""

    def tool(new: New, X: Any, y: Any) -> Any:
        found = kind(new(), {"random_state": [0, 1]}, cv=FOLDS, **own).fit(X, y)
        return answers(found), kinds(found.best_score_), found.cv_results_["mean_test_score"]

    return tool


def validated(function: Any, **own: Any) -> Tool:
    """A function that fits to folds."""
    return lambda new, X, y: function(new(), X, y, cv=FOLDS, **own)


def cross_validated(new: New, X: Any, y: Any) -> Any:
    return model_selection.cross_validate(new(), X, y, cv=FOLDS, return_train_score=True)


def cross_predicted(new: New, X: Any, y: Any) -> Any:
    def by(method: str) -> Any:
        return lambda: model_selection.cross_val_predict(new(), X, y, cv=FOLDS, method=method)

    return attempt({method: by(method) for method in METHODS})


def scored(new: New, X: Any, y: Any) -> Any:
    """By every scorer that has a name."""
    fitted = new().fit(X, y)

    def by(name: str) -> Any:
        return lambda: metrics.get_scorer(name)(fitted, X, y)

    return attempt({name: by(name) for name in metrics.get_scorer_names()})


def responses(new: New, X: Any, y: Any) -> Any:
    """What a scorer of one's own is shown."""
    fitted, shown = new().fit(X, y), []

    def score(truth: Any, response: Any) -> float:
        shown.append(response)
        return 0.0

    for method in ("predict", "predict_proba", ("predict_proba", "decision_function"), ("predict_proba", "predict")):
        metrics.make_scorer(score, response_method=method)(fitted, X, y)
    return shown


def axes() -> Any:
    return matplotlib.figure.Figure().subplots()


def drawn(display: Any, *names: str, **own: Any) -> Tool:
    """What a display drew of a fitted estimator."""

    def tool(new: New, X: Any, y: Any) -> Any:
        shown = display.from_estimator(new().fit(X, y), X, y, ax=axes(), **own)
        return kinds(*(getattr(shown, name) for name in names))

    return tool


def drawn_of_folds(display: Any, **own: Any) -> Tool:
    return lambda new, X, y: kinds(display.from_estimator(new(), X, y, cv=FOLDS, ax=axes(), **own).test_scores)


def roc_of_folds(new: New, X: Any, y: Any) -> Any:
    folds = model_selection.cross_validate(new(), X, y, cv=FOLDS, return_estimator=True, return_indices=True)
    how = {"response_method": "predict_proba", "pos_label": y[0], "ax": axes()}
    return kinds(*metrics.RocCurveDisplay.from_cv_results(folds, X, y, **how).roc_auc)


def boundary(method: str) -> Tool:
    def tool(new: New, X: Any, y: Any) -> Any:
        two, how = X[:, :2], {"response_method": method, "grid_resolution": 4, "ax": axes()}
        return inspection.DecisionBoundaryDisplay.from_estimator(new().fit(two, y), two, **how).response

    return tool


def dependence(new: New, X: Any, y: Any) -> Any:
    return inspection.partial_dependence(new().fit(X, y), X, [0], grid_resolution=3, kind="both")


def drawn_dependence(new: New, X: Any, y: Any) -> Any:
    how = {"grid_resolution": 3, "target": min(y), "ax": axes()}
    shown = inspection.PartialDependenceDisplay.from_estimator(new().fit(X, y), X, [0, (0, 1)], **how)
    return [found["average"] for found in shown.pd_results]


def in_portions(new: New, X: Any, y: Any) -> Any:
    classes = np.arange(3) if np.ndim(y) > 1 else np.unique(y)
    own = {"classes": classes} if base.is_classifier(new()) else {}
    return answers(new().partial_fit(X[::2], y[::2], **own).partial_fit(X, y))


def columns(new: New, X: Any, y: Any) -> Any:
    """Text and numbers, of which the encoder makes sparse rows."""
    table = pd.DataFrame(X, columns=["u", "v", "w"]).assign(kind=["p", "q"] * (N // 2))
    coded = [("numbers", StandardScaler(), ["u", "v", "w"]), ("text", OneHotEncoder(), ["kind"])]
    both = make_pipeline(ColumnTransformer(coded, sparse_threshold=1.0), new()).fit(table, y)
    return answers(both, table), both.score(table, y), both[-1].n_features_in_


def framed(new: New, X: Any, y: Any) -> Any:
    table = pd.DataFrame(X, columns=["u", "v", "w"])
    fitted = new().fit(table, pd.DataFrame(y) if np.ndim(y) > 1 else pd.Series(y))
    return answers(fitted, table), fitted.feature_names_in_, fitted.n_features_in_


def with_names_out(new: New, X: Any, y: Any) -> Any:
    made = make_pipeline(StandardScaler(), new()).set_output(transform="pandas").fit(X, y)
    return answers(made), made[-1].feature_names_in_


def routed(new: New, X: Any, y: Any) -> Any:
    """Weights handed on by a search, a pipeline and a scorer."""
    with sklearn.config_context(enable_metadata_routing=True):
        asking = new().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        found = model_selection.GridSearchCV(make_pipeline(asking), [{}], cv=FOLDS).fit(X, y, **WEIGHTS)
        scores = model_selection.cross_val_score(make_pipeline(asking), X, y, cv=FOLDS, params=WEIGHTS)
        requests = asking.get_metadata_routing()
        return answers(found), scores, requests.fit.requests["sample_weight"], requests.score.requests


def parameters(new: New, X: Any, y: Any) -> Any:
    made = make_pipeline(new())
    assert made.set_params(**made.get_params(deep=True)) is made
    assert base.clone(new()).get_params(deep=False) == new().get_params(deep=True)
    return base.is_classifier(made), base.is_regressor(made), estimator_html_repr(made)[:4], repr(made)[:8]


def fittedness(new: New, X: Any, y: Any) -> Any:
    """Before fitting an error, after it none; a clone has forgotten."""
    made = new().fit(X, y)
    tries = {"new": new(), "fitted": made, "clone": base.clone(made), "pipeline": make_pipeline(made)}
    return list(attempt({name: lambda one=one: check_is_fitted(one) for name, one in tries.items()}))


def tags(new: New, X: Any, y: Any) -> Any:
    found = new().__sklearn_tags__()
    return found.estimator_type, str(found.classifier_tags), str(found.regressor_tags), str(found.input_tags)


def copies(new: New, X: Any, y: Any) -> Any:
    fitted = new().fit(X, y)
    return [answers(other) for other in (copy.copy(fitted), copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted)))]


def by_place(fitted: Any) -> Any:
    """Importances, for tools that choose features: neither has its own."""
    return np.arange(fitted.n_features_in_)


SEEDS = {"param_name": "random_state", "param_range": [0, 1]}
SIZES = {"train_sizes": [0.5, 1.0]}
TWO, MANY, FEW, ALL = ("text", "bools"), ("bools", "words"), ("text", "labels"), tuple(CLASSES)

ANY: dict[str, Tool] = {
    "fit": fitted_with(lambda X: X),
    "fit with weights": lambda new, X, y: answers(new().fit(X, y, **WEIGHTS)),
    "partial_fit": in_portions,
    "sparse matrices": fitted_with(scipy.sparse.csr_matrix),
    "sparse arrays": fitted_with(scipy.sparse.coo_array),
    "frames": framed,
    "score": lambda new, X, y: new().fit(X, y).score(X, y, **WEIGHTS),
    "Pipeline": lambda new, X, y: answers(make_pipeline(MinMaxScaler(), new()).fit(X, y)),
    "ColumnTransformer": columns,
    "set_output": with_names_out,
    "GridSearchCV": search(model_selection.GridSearchCV),
    "RandomizedSearchCV": search(model_selection.RandomizedSearchCV, n_iter=1),
    "cross_val_score": validated(model_selection.cross_val_score),
    "cross_validate": cross_validated,
    "cross_val_predict": cross_predicted,
    "learning_curve": validated(model_selection.learning_curve, **SIZES),
    "validation_curve": validated(model_selection.validation_curve, **SEEDS),
    "permutation_test_score": validated(model_selection.permutation_test_score, n_permutations=2),
    "permutation_importance": lambda new, X, y: inspection.permutation_importance(new().fit(X, y), X, y, n_repeats=2),
    "RFE": around(feature_selection.RFE, importance_getter=by_place),
    "RFECV": around(feature_selection.RFECV, min_features_to_select=3, cv=FOLDS, importance_getter=by_place),
    "SelectFromModel": around(feature_selection.SelectFromModel, importance_getter=by_place),
    "SequentialFeatureSelector": around(
        feature_selection.SequentialFeatureSelector, n_features_to_select=1, direction="forward", cv=FOLDS
    ),
    "FrozenEstimator": lambda new, X, y: answers(FrozenEstimator(new().fit(X, y)).fit(X, y)),
    "every named scorer": scored,
    "LearningCurveDisplay": drawn_of_folds(model_selection.LearningCurveDisplay, **SIZES),
    "ValidationCurveDisplay": drawn_of_folds(model_selection.ValidationCurveDisplay, **SEEDS),
    "metadata routing": routed,
    "parameters": parameters,
    "check_is_fitted": fittedness,
    "tags": tags,
    "copies": copies,
}

ONE_TARGET: dict[str, Tool] = {
    "HalvingGridSearchCV": search(model_selection.HalvingGridSearchCV, factor=2),
    "HalvingRandomSearchCV": search(model_selection.HalvingRandomSearchCV, factor=2, random_state=0),
    "learning_curve in portions": validated(model_selection.learning_curve, exploit_incremental_learning=True, **SIZES),
    "partial_dependence": dependence,
    "PartialDependenceDisplay": drawn_dependence,
}

CHANCES: dict[str, Any] = {"response_method": "predict_proba"}
CLASSIFIER: dict[str, tuple[tuple[str, ...], Tool]] = {
    **{name: (FEW, tool) for name, tool in ANY.items()},
    **{name: (ALL, ANY[name]) for name in ("fit", "cross_val_predict", "every named scorer")},
    **{name: (MANY, tool) for name, tool in ONE_TARGET.items()},
    "classes_": (ALL, lambda new, X, y: new().fit(X, y).classes_),
    "StackingClassifier": (MANY, around_two(ensemble.StackingClassifier, cv=FOLDS)),
    "StackingClassifier of probabilities": (
        MANY,
        around_two(
            ensemble.StackingClassifier,
            LogisticRegression(),
            cv=FOLDS,
            stack_method="predict_proba",
            passthrough=True,
        ),
    ),
    "StackingClassifier on top": (
        MANY,
        lambda new, X, y: answers(
            ensemble.StackingClassifier([("a", LogisticRegression())], new(), cv=FOLDS).fit(X, y)
        ),
    ),
    "VotingClassifier, hard": (MANY, around_two(ensemble.VotingClassifier)),
    "VotingClassifier, soft": (MANY, around_two(ensemble.VotingClassifier, voting="soft", fit=WEIGHTS)),
    "BaggingClassifier": (MANY, around(ensemble.BaggingClassifier, 2, oob_score=True, random_state=0, fit=WEIGHTS)),
    "AdaBoostClassifier": (MANY, around(ensemble.AdaBoostClassifier, n_estimators=2, random_state=0, fit=WEIGHTS)),
    "CalibratedClassifierCV": (MANY, around(CalibratedClassifierCV, cv=FOLDS, fit=WEIGHTS)),
    "CalibratedClassifierCV, isotonic": (MANY, around(CalibratedClassifierCV, method="isotonic", cv=FOLDS)),
    "CalibratedClassifierCV, temperature": (MANY, around(CalibratedClassifierCV, method="temperature", cv=FOLDS)),
    "CalibratedClassifierCV, one": (MANY, around(CalibratedClassifierCV, cv=FOLDS, ensemble=False)),
    "CalibratedClassifierCV, frozen": (MANY, around_frozen(CalibratedClassifierCV)),
    "calibration_curve": (
        ("bools",),
        lambda new, X, y: kinds(*calibration_curve(y, new().fit(X, y).predict_proba(X)[:, 1], n_bins=2)),
    ),
    "FixedThresholdClassifier": (
        ("bools",),
        around(model_selection.FixedThresholdClassifier, threshold=0.3, pos_label=False, **CHANCES),
    ),
    "FixedThresholdClassifier, frozen": (TWO, around_frozen(model_selection.FixedThresholdClassifier)),
    "TunedThresholdClassifierCV": (
        TWO,
        around(model_selection.TunedThresholdClassifierCV, cv=FOLDS, thresholds=3, **CHANCES),
    ),
    "TunedThresholdClassifierCV, auto": (
        TWO,
        around(model_selection.TunedThresholdClassifierCV, cv=FOLDS, thresholds=3),
    ),
    "OneVsRestClassifier": (ALL, around(multiclass.OneVsRestClassifier)),
    "OneVsRestClassifier in portions": (
        MANY,
        lambda new, X, y: answers(multiclass.OneVsRestClassifier(new()).partial_fit(X, y, np.unique(y))),
    ),
    "OneVsOneClassifier": (MANY, around(multiclass.OneVsOneClassifier)),
    "OutputCodeClassifier": (MANY, around(multiclass.OutputCodeClassifier, random_state=0)),
    "ClassifierChain": (("labels",), around(multioutput.ClassifierChain)),
    "ClassifierChain of probabilities": (
        ("labels",),
        around(multioutput.ClassifierChain, chain_method="predict_proba", cv=FOLDS),
    ),
    "ClassifierChain, first of": (
        ("labels",),
        around(multioutput.ClassifierChain, chain_method=["predict_log_proba", "predict"]),
    ),
    "MultiOutputClassifier": (("labels",), around(multioutput.MultiOutputClassifier, fit=WEIGHTS)),
    "MultiOutputClassifier of text": (
        ("words",),
        lambda new, X, y: answers(multioutput.MultiOutputClassifier(new()).fit(X, np.stack([y, y[::-1]], axis=1))),
    ),
    "MultiOutputClassifier in portions": (
        ("labels",),
        lambda new, X, y: answers(multioutput.MultiOutputClassifier(new()).partial_fit(X, y, [[0, 1]] * 3)),
    ),
    "SelfTrainingClassifier": (
        ("integers", "bools"),
        lambda new, X, y: answers(
            SelfTrainingClassifier(new(), criterion="k_best", max_iter=2).fit(X, np.where(np.arange(N) % 4, y, -1))
        ),
    ),
    "make_scorer": (MANY, responses),
    "make_scorer of labels": (
        ("labels",),
        lambda new, X, y: metrics.make_scorer(metrics.roc_auc_score, **CHANCES)(new().fit(X, y), X, y),
    ),
    "RocCurveDisplay": (TWO, drawn(metrics.RocCurveDisplay, "fpr", "tpr", "roc_auc", **CHANCES)),
    "RocCurveDisplay, auto": (TWO, drawn(metrics.RocCurveDisplay, "fpr", "tpr", "roc_auc")),
    "RocCurveDisplay of folds": (TWO, roc_of_folds),
    "PrecisionRecallDisplay": (TWO, drawn(metrics.PrecisionRecallDisplay, "precision", "recall", **CHANCES)),
    "DetCurveDisplay": (TWO, drawn(metrics.DetCurveDisplay, "fpr", "fnr", **CHANCES)),
    "CalibrationDisplay": (TWO, drawn(CalibrationDisplay, "prob_true", "prob_pred", "y_prob", n_bins=3)),
    "ConfusionMatrixDisplay": (MANY, drawn(metrics.ConfusionMatrixDisplay, "confusion_matrix")),
    "DecisionBoundaryDisplay": (MANY, boundary("predict_proba")),
    "DecisionBoundaryDisplay of answers": (MANY, boundary("predict")),
    "DecisionBoundaryDisplay, auto": (("bools", "integers"), boundary("auto")),
}

REGRESSOR: dict[str, tuple[tuple[str, ...], Tool]] = {
    **{name: (("several",), tool) for name, tool in ANY.items()},
    **{name: (("one", "several"), ANY[name]) for name in ("fit", "score", "frames", "every named scorer")},
    **{name: (("one",), tool) for name, tool in ONE_TARGET.items()},
    "a column": (("one",), lambda new, X, y: answers(new().fit(X, y[:, None]))),
    "StackingRegressor": (("one",), around_two(ensemble.StackingRegressor, cv=FOLDS)),
    "StackingRegressor on top": (
        ("one",),
        lambda new, X, y: answers(
            ensemble.StackingRegressor([("a", LinearRegression())], new(), cv=FOLDS).fit(X, y, **WEIGHTS)
        ),
    ),
    "VotingRegressor": (("one",), around_two(ensemble.VotingRegressor, fit=WEIGHTS)),
    "BaggingRegressor": (("one",), around(ensemble.BaggingRegressor, 2, oob_score=True, random_state=0)),
    "AdaBoostRegressor": (("one",), around(ensemble.AdaBoostRegressor, n_estimators=2, random_state=0, fit=WEIGHTS)),
    "TransformedTargetRegressor": (
        ("one", "several"),
        around(TransformedTargetRegressor, transformer=StandardScaler(), fit=WEIGHTS),
    ),
    "TransformedTargetRegressor by functions": (
        ("one",),
        around(TransformedTargetRegressor, func=np.cbrt, inverse_func=np.exp, check_inverse=False),
    ),
    "RegressorChain": (("several",), around(multioutput.RegressorChain, cv=FOLDS)),
    "MultiOutputRegressor": (("several",), around(multioutput.MultiOutputRegressor, fit=WEIGHTS)),
    "RANSACRegressor": (
        ("one", "several"),
        around(RANSACRegressor, min_samples=10, max_trials=2, residual_threshold=100.0, random_state=0),
    ),
    "IterativeImputer": (
        ("one",),
        lambda new, X, y: IterativeImputer(new(), max_iter=1).fit_transform(np.where(X > 1, np.nan, X)),
    ),
    "PredictionErrorDisplay": (("one",), drawn(metrics.PredictionErrorDisplay, "y_true", "y_pred")),
}


def rows() -> Iterator[Any]:
    for ours, own, table, targets in (
        (our_classifier, its_classifier, CLASSIFIER, CLASSES),
        (our_regressor, its_regressor, REGRESSOR, NUMBERS),
    ):
        for name, (kinds_of_y, tool) in table.items():
            for kind in kinds_of_y:
                yield pytest.param(ours, own, tool, targets[kind], id=f"{ours.__name__[4:]}-{name}-{kind}")


@pytest.mark.filterwarnings("ignore")  # scikit-learn's, of convergence and of labels that are never answered
@pytest.mark.parametrize(("ours", "own", "tool", "y"), list(rows()))
def test_a_tool_gives_with_ours_what_it_gives_with_its_own(ours: New, own: New, tool: Tool, y: Any) -> None:
    try:
        expected = look(tool(own, X, y))
    except Exception:
        if parse_version(sklearn.__version__) >= parse_version("1.9"):
            raise
        pytest.skip(f"scikit-learn {sklearn.__version__} refuses its own there")
    assert expected
    assert not lacks(look(tool(ours, X, y)), expected)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [feature_selection.RFE, feature_selection.SelectFromModel])
def test_what_needs_importances_says_so_as_it_does_of_its_own(kind: Any) -> None:
    for new in (its_classifier, our_classifier):
        with pytest.raises(ValueError, match="`coef_` or `feature_importances_`"):
            kind(new()).fit(X, CLASSES["text"]).transform(X)
