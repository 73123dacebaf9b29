"""What estimators answer: probabilities only where there are any, and scores only against what they can be held to."""

from __future__ import annotations

import copy
import inspect
import pickle
import pydoc
import warnings
from functools import cache
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.fixes import parse_version

import mlp
from mlp.estimators import clone

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
N = len(X)
CODES = np.arange(N) % 3
WORDS = np.array(["a", "b", "c"])[CODES]
YES = X[:, 0] > 0
FLAGS = (X > 0).astype(int)


def classifier(**own: Any) -> mlp.MLPClassifier:
    return mlp.MLPClassifier(**{"hidden": 4, "epochs": 2, "random_state": 0, **own})


def regressor(**own: Any) -> mlp.MLPRegressor:
    return mlp.MLPRegressor(**{"hidden": 4, "epochs": 2, "random_state": 0, **own})


# probabilities

CHANCES = ("predict_proba", "predict_log_proba")


@pytest.mark.parametrize("name", CHANCES)
def test_probabilities_are_given_by_a_method_of_that_name(name: str) -> None:
    """A property handed out another method, and scikit-learn, which asks for `__name__`, took it for something else."""
    fitted = classifier().fit(X, YES)
    for method in (getattr(fitted, name), getattr(classifier(), name)):
        assert isinstance(method, MethodType)
        assert method.__name__ == name
    on_class = getattr(mlp.MLPClassifier, name)
    assert isinstance(on_class, FunctionType)
    assert list(inspect.signature(on_class).parameters) == ["self", "X"]
    assert list(inspect.signature(getattr(fitted, name)).parameters) == ["X"]
    assert on_class.__doc__ == getattr(fitted, name).__doc__ != ""
    assert (on_class(fitted, X) == getattr(fitted, name)(X)).all()
    assert f"{name}(self, X" in pydoc.plain(pydoc.render_doc(mlp.MLPClassifier))


def test_no_property_of_ours_hands_out_a_method() -> None:
    for kind in (mlp.MLPClassifier, mlp.MLPRegressor):
        fitted = kind(hidden=2, epochs=1, random_state=0).fit(X, FLAGS)
        for name in dir(kind):
            value = getattr(fitted, name)
            if isinstance(value, MethodType) and not name.startswith("__"):
                assert value.__name__ == name
                assert not isinstance(inspect.getattr_static(kind, name), property), name


@pytest.mark.parametrize("output", ["auto", "identity", "sigmoid"])
@pytest.mark.parametrize(
    "loss",
    ["auto", "cross_entropy", "focal", "hinge", "squared_error", {"name": "hinge"}, mlp.Hinge(), mlp.BinaryHinge()],
)
def test_before_it_is_fitted_it_knows_whether_there_will_be_probabilities(loss: Any, output: str) -> None:
    """Only the word "hinge" was known: a loss as an object, or scores of a squared error, were found out by fitting."""
    made = classifier(loss=loss, output=output, epochs=1)
    promised = [hasattr(made, name) for name in CHANCES]
    made.fit(X, YES)
    assert promised == [hasattr(made, name) for name in CHANCES] == [made._run.model.head.certain] * 2


def test_what_was_fitted_decides_and_not_what_the_next_fit_will_be() -> None:
    made = classifier().fit(X, YES).set_params(loss="hinge")
    assert made.predict_proba(X).shape == (N, 2)
    assert not hasattr(made.fit(X, YES), "predict_proba")
    with pytest.raises(AttributeError, match="gives scores, no probabilities"):
        made.predict_proba(X)
    assert hasattr(clone(made).set_params(loss="auto"), "predict_proba")


def test_copies_have_the_method_as_well() -> None:
    fitted = classifier().fit(X, CODES)
    expected = fitted.predict_proba(X)
    for other in (copy.copy(fitted), copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert (other.predict_proba(X) == expected).all()
    assert (pickle.loads(pickle.dumps(fitted.predict_proba))(X) == expected).all()
    assert copy.copy(fitted).predict_proba.__self__ is not fitted


def test_a_class_of_ones_own_may_extend_the_method() -> None:
    class Doubled(mlp.MLPClassifier):
        def predict_proba(self, X: Any) -> Any:
            return 2 * super().predict_proba(X)

    fitted = Doubled(hidden=4, epochs=1, random_state=0).fit(X, YES)
    assert fitted.predict_proba(X).sum(1) == pytest.approx(2)


# scores

OWN: dict[str, Any] = {"hidden_layer_sizes": (4,), "max_iter": 2, "batch_size": N, "random_state": 0}
TARGETS = {"integers": CODES, "words": WORDS, "truth values": YES, "labels": FLAGS, "one": X[:, 0], "several": X[:, :2]}


@cache
def both(kind: str) -> tuple[Any, Any]:
    """Ours and scikit-learn's own, fitted once to these targets, whichever test is the first to ask."""
    numbers = kind in ("one", "several")
    ours, its = (regressor, MLPRegressor) if numbers else (classifier, MLPClassifier)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return ours().fit(X, TARGETS[kind]), its(**OWN).fit(X, TARGETS[kind])


OTHERS: dict[str, dict[str, Any]] = {
    "integers": {
        "as they are": CODES, "a list": CODES.tolist(), "a column": CODES[:, None], "a row": CODES[None],
        "in 3 axes": CODES[:, None, None], "floats": CODES * 1.0, "fractions": CODES + 0.5, "text": CODES.astype(str),
        "bytes": CODES.astype("S"), "truth values": YES, "unknown": CODES + 7, "too few": CODES[1:],
        "twice": np.r_[CODES, CODES], "one of three": np.eye(3, dtype=int)[CODES], "columns": np.stack([CODES] * 2, 1),
        "holes": np.where(CODES, CODES, np.nan), "complex": CODES * 1j, "None": None, "one number": 3, "nothing": [],
        "text and numbers": np.array([1, "a"] * 30, object), "a frame": pd.DataFrame(CODES),
        "a series": pd.Series(CODES),
    },
    "words": {
        "as they are": WORDS, "objects": WORDS.astype(object), "a column": WORDS[:, None], "a row": WORDS[None],
        "unknown": np.array(["x", "y"])[YES.astype(int)], "numbers": CODES, "truth values": YES, "floats": CODES * 1.0,
        "bytes": WORDS.astype("S"),
    },
    "truth values": {"as they are": YES, "0 and 1": YES.astype(int), "text": YES.astype(str), "2 and 3": YES + 2},
    "labels": {
        "as they are": FLAGS, "transposed": FLAGS.T, "flat": FLAGS.ravel(), "reshaped": FLAGS.reshape(N // 2, 6),
        "one label": FLAGS[:, :1], "two labels": FLAGS[:, :2], "truth values": FLAGS > 0, "floats": FLAGS * 1.0,
        "0, 1, 2": FLAGS + FLAGS[:, ::-1], "halves": FLAGS / 2, "text": FLAGS.astype(str), "classes": CODES,
        "in 3 axes": FLAGS[:, :, None], "holes": np.where(FLAGS, np.nan, 0), "sparse": scipy.sparse.csr_matrix(FLAGS),
        "a frame": pd.DataFrame(FLAGS),
    },
    "one": {
        "as they are": X[:, 0], "a column": X[:, :1], "a row": X[None, :, 0], "two": X[:, :2], "truth values": YES,
        "integers": CODES, "too few": X[1:, 0], "holes": np.where(YES, np.nan, 1.0),
        "infinite": np.where(YES, np.inf, 1.0),
        "in 3 axes": X[:, :1, None], "complex": X[:, 0] * 1j, "one number": 3.0, "None": None, "words": WORDS,
    },
    "several": {
        "as they are": X[:, :2], "transposed": X[:, :2].T, "flat": X[:, :2].ravel(), "one": X[:, 0],
        "a column": X[:, :1], "three": X, "reshaped": X[:, :2].reshape(N // 2, 4), "in 3 axes": X[:, :2, None],
        "a frame": pd.DataFrame(X[:, :2]),
    },
}  # fmt: skip
"""Truth of all shapes and kinds, by what was fitted."""


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in OTHERS for name in OTHERS[kind]])
def test_a_score_is_a_number_where_it_is_one_in_scikit_learn_and_an_error_elsewhere(kind: str, name: str) -> None:
    """Only the number of cells was asked: text was compared with numbers, and labels with those of other rows."""
    (ours, its), y = both(kind), OTHERS[kind][name]
    if parse_version(sklearn.__version__) < parse_version("1.9"):
        pytest.skip(f"the metrics of scikit-learn {sklearn.__version__} compare text with numbers as well")
    try:
        its.score(X, y)
    except Exception:
        with pytest.raises(mlp.MLPError):
            ours.score(X, y)
    else:
        assert np.isfinite(ours.score(X, y))


@pytest.mark.parametrize("kind", list(TARGETS))
def test_a_score_is_the_one_of_the_right_truth_however_it_is_held(kind: str) -> None:
    ours, y = both(kind)[0], TARGETS[kind]
    held = [(y.tolist(),), (pd.DataFrame(y),), (y, np.ones(N))]
    assert [ours.score(X, *how) for how in held] == pytest.approx([ours.score(X, y)] * 3)


def test_labels_that_were_never_seen_are_wrong_answers() -> None:
    """NumPy takes 2⁶² + 1 and the float 2⁶² for equal; Python does not."""
    large = classifier().fit(X, np.where(YES, 2**62 + 1, 2**62 + 2))
    assert large.score(X, np.full(N, 2.0**62)) == 0
    assert large.score(X, large.predict(X).astype(np.uint64)) == 1
    assert both("integers")[0].score(X, CODES + 7) == both("words")[0].score(X, np.full(N, "z")) == 0


@pytest.mark.parametrize(
    ("kind", "y", "needle"),
    [
        ("labels", FLAGS.T, "y has shape (3, 60), and the answers for X (60, 3)"),
        ("integers", CODES.astype(str), "y holds text ('0'), and the answers are numbers"),
        ("words", CODES, "y holds numbers (0), and the answers are text"),
        ("labels", FLAGS + 1, "holds more than 0 and 1"),
        ("integers", CODES + 0.5, "fractions"),
    ],
    ids=["transposed", "text", "numbers", "labels", "fractions"],
)
def test_what_is_wrong_with_the_truth_is_said(kind: str, y: Any, needle: str) -> None:
    with pytest.raises(ValueError) as caught:
        both(kind)[0].score(X, y)
    assert needle in str(caught.value)


@pytest.mark.parametrize("weights", [np.ones(N - 1), np.ones((N, 1)), np.ones((1, N)), np.full(N, np.nan), ["a"] * N])
@pytest.mark.parametrize("kind", ["integers", "labels", "several"])
def test_weights_of_another_shape_are_refused(kind: str, weights: Any) -> None:
    with pytest.raises(ValueError, match="sample_weight"):
        both(kind)[0].score(X, TARGETS[kind], weights)


# sparse rows


def test_sparse_rows_are_the_same_rows() -> None:
    """scikit-learn's own take them, and pipelines hand them on: an encoder of text, say."""
    rows = np.where(X > 0, X, 0)
    dense = regressor().fit(rows, X[:, 0], X_val=rows, y_val=X[:, 0])
    for make in (scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.coo_array):
        sparse = regressor().fit(make(rows), X[:, 0], X_val=make(rows), y_val=X[:, 0])
        assert (sparse.predict(make(rows)) == dense.predict(rows)).all()
    assert (
        classifier().fit(X, scipy.sparse.csr_array(FLAGS)).predict(X) == classifier().fit(X, FLAGS).predict(X)
    ).all()


def test_sparse_rows_that_are_too_many_when_dense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"X is a sparse matrix \(60, 4611686018427387904\)"):
        classifier().fit(scipy.sparse.csr_matrix((N, 2**62)), CODES)
