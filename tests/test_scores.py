"""Scores, held to scikit-learn's on random and on degenerate answers, and to numbers worked out by hand."""

from __future__ import annotations

import warnings
from inspect import signature
from typing import Any

import numpy as np
import pytest
import sklearn
from scipy.stats import binomtest
from sklearn import metrics as theirs

from mlp.errors import ShapeError
from mlp.model.metrics import score_numbers
from mlp.statistics import scores
from mlp.statistics.significance import sign_test

ALL = np.arange(4)


def answered(seed: int, n: int = 200) -> tuple[Any, Any, Any]:
    """Codes of four classes, answers, and probabilities in steps of 0.1, so that many are equal."""
    rng = np.random.default_rng(seed)
    p = rng.integers(1, 5, size=(n, 4)) / 1.0
    p /= p.sum(1, keepdims=True)
    truth = np.where(rng.random(n) < 0.5, p.argmax(1), rng.integers(0, 4, n))
    return truth, p.argmax(1), p


def never_answered(seed: int) -> tuple[Any, Any, Any]:
    truth, answers, p = answered(seed)
    return truth, np.where(answers == 2, 0, answers), p


def without_rows(seed: int) -> tuple[Any, Any, Any]:
    truth, answers, p = answered(seed)
    return np.where(truth == 1, 3, truth), answers, p


def neither(seed: int) -> tuple[Any, Any, Any]:
    truth, answers, p = answered(seed)
    return np.where(truth == 1, 3, truth), np.where(answers == 1, 0, answers), p


def single(seed: int) -> tuple[Any, Any, Any]:
    truth, answers, p = answered(seed)
    return np.full_like(truth, 2), answers, p


def one_row(seed: int) -> tuple[Any, Any, Any]:
    return answered(seed, 1)


CASES = [answered, never_answered, without_rows, neither, single, one_row]


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """scikit-learn warns of what is undefined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES)
def test_counts_and_what_is_read_from_them_are_those_of_sklearn(case: Any, seed: int) -> None:
    truth, answers, _ = case(seed)
    matrix = scores.confusion(truth, answers, 4)
    np.testing.assert_array_equal(matrix, theirs.confusion_matrix(truth, answers, labels=ALL))
    assert scores.balanced_accuracy(matrix) == pytest.approx(theirs.balanced_accuracy_score(truth, answers))
    each = scores.score_classes(matrix)
    expected = theirs.precision_recall_fscore_support(truth, answers, labels=ALL, zero_division=np.nan)
    for mine, other in zip(each, expected, strict=True):
        np.testing.assert_allclose(mine, other)
    macro = theirs.precision_recall_fscore_support(truth, answers, average="macro", zero_division=0)
    assert [each.macro(name) for name in ("precision", "recall", "f1")] == pytest.approx(macro[:3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_the_log_loss_is_that_of_sklearn(case: Any, dtype: Any) -> None:
    truth, _, p = case(0)
    p = p.astype(dtype)
    p[0] = [1, 0, 0, 0]  # its logarithm is kept finite by the ε of the dtype
    assert scores.log_loss(np.eye(4)[truth], p) == pytest.approx(theirs.log_loss(truth, p, labels=ALL), rel=1e-6)


@pytest.mark.skipif(
    "labels" not in signature(theirs.brier_score_loss).parameters,
    reason=f"the Brier score of scikit-learn {sklearn.__version__} is for two classes",
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_the_brier_score_is_that_of_sklearn(case: Any, dtype: Any) -> None:
    truth, _, p = case(0)
    p = p.astype(dtype)
    expected = theirs.brier_score_loss(truth, p, labels=ALL)
    assert scores.brier(np.eye(4)[truth], p) == pytest.approx(expected, rel=1e-6)


def test_of_two_classes_too() -> None:
    rng = np.random.default_rng(0)
    p, truth = rng.random(50), rng.integers(0, 2, 50)
    both, one_hot = np.c_[1 - p, p], np.eye(2)[truth]
    assert scores.log_loss(one_hot, both) == pytest.approx(theirs.log_loss(truth, p))
    assert scores.brier(one_hot, both) == pytest.approx(theirs.brier_score_loss(truth, p))
    assert scores.auc(truth, p) == pytest.approx(theirs.roc_auc_score(truth, p))


@pytest.mark.parametrize("levels", [1, 2, 5, 1000])
def test_auc_is_that_of_sklearn_where_scores_are_equal_too(levels: int) -> None:
    rng = np.random.default_rng(levels)
    truth, given = rng.integers(0, 2, 300), rng.integers(0, levels, 300)
    assert scores.auc(truth, given) == pytest.approx(theirs.roc_auc_score(truth, given), abs=1e-12)


def test_auc_of_several_classes_is_the_mean_of_one_against_the_rest() -> None:
    truth, _, p = answered(1)
    mine = scores.aucs(np.eye(4)[truth], p)
    assert mine.mean() == pytest.approx(theirs.roc_auc_score(truth, p, multi_class="ovr", average="macro"))
    labels = np.random.default_rng(0).integers(0, 2, (200, 4))
    assert scores.aucs(labels, p).mean() == pytest.approx(theirs.roc_auc_score(labels, p, average="macro"))


@pytest.mark.parametrize("truth", [[0, 0, 0], [1, 1, 1]])
def test_auc_of_rows_of_one_kind_is_undefined_as_in_sklearn(truth: list[int]) -> None:
    assert np.isnan(scores.auc(np.array(truth), np.array([0.1, 0.2, 0.3])))
    assert np.isnan(theirs.roc_auc_score(truth, [0.1, 0.2, 0.3]))


def test_scores_that_are_no_numbers_have_no_auc_and_no_calibration() -> None:
    assert np.isnan(scores.auc(np.array([0, 1]), np.array([0.1, np.nan])))
    assert np.isnan(scores.calibration_error(np.array([0, 1]), np.array([0.1, np.nan])))


def slow_calibration_error(right: Any, confidence: Any, n_bins: int) -> float:
    """Guo et al. (2017), eq. 2 and 3, bin by bin."""
    total = 0.0
    for m in range(1, n_bins + 1):
        inside = (confidence > (m - 1) / n_bins) & (confidence <= m / n_bins)
        if inside.any():
            total += inside.sum() / len(right) * abs(right[inside].mean() - confidence[inside].mean())
    return total


@pytest.mark.parametrize("n_bins", [1, 2, 15])
def test_calibration_error_is_its_definition(n_bins: int) -> None:
    rng = np.random.default_rng(n_bins)
    confidence, right = rng.uniform(0.01, 1, 400), rng.integers(0, 2, 400)
    confidence[:3] = 1, 0.5, 1 / 16
    mine = scores.calibration_error(right, confidence, n_bins)
    assert mine == pytest.approx(slow_calibration_error(right, confidence, n_bins))


def test_answers_as_often_right_as_they_say_are_calibrated() -> None:
    """Ten answers given with 80 %, eight of them right; and then all right: 0.2 too modest."""
    confidence = np.full(10, 0.8)
    assert scores.calibration_error(np.array([1] * 8 + [0] * 2), confidence) == pytest.approx(0)
    assert scores.calibration_error(np.ones(10), confidence) == pytest.approx(0.2)


@pytest.mark.parametrize("truth", [[[1.0], [2], [4]], [[3.0], [3], [3]], [[1.0, 5], [2, 5], [4, 5]]])
@pytest.mark.parametrize("exact", [True, False])
def test_numbers_are_judged_as_by_sklearn(truth: list[list[float]], exact: bool) -> None:
    t = np.array(truth)
    y = t if exact else t + np.array([[0.5], [-1], [0.25]])
    found = score_numbers(y, t)
    assert found["r2"] == pytest.approx(theirs.r2_score(t, y))
    assert found["rmse"] == pytest.approx(theirs.mean_squared_error(t, y) ** 0.5)
    assert scores.mae(t, y) == pytest.approx(theirs.mean_absolute_error(t, y))


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (5, 5), (4, 0), (13, 4), (2, 30), (700, 610)])
def test_the_sign_test_is_the_exact_binomial_test(wins: int, losses: int) -> None:
    first = np.array([1] * wins + [0] * losses + [1, 0])
    second = np.array([0] * wins + [1] * losses + [1, 0])
    expected = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert sign_test(first, second) == pytest.approx(expected)
    assert sign_test(second, first) == pytest.approx(expected)


def test_the_sign_test_of_many_rows_does_not_overflow() -> None:
    n = 20_000
    assert 0 < sign_test(np.arange(n) < n * 0.51, np.arange(n) >= n * 0.51) < 0.01


@pytest.mark.parametrize(
    "score",
    [
        lambda: scores.mae(np.zeros((4, 2)), np.zeros(4)),
        lambda: scores.mae(np.zeros(1), np.zeros(4)),
        lambda: scores.brier(np.ones((4, 1)), np.full((4, 2), 0.5)),
        lambda: scores.log_loss(np.ones((4, 1)), np.full((4, 2), 0.5)),
        lambda: scores.auc(np.ones(1), np.zeros(4)),
        lambda: scores.aucs(np.ones((1, 2)), np.zeros((4, 2))),
        lambda: scores.calibration_error(np.ones(1), np.ones(4)),
        lambda: scores.confusion(np.ones(1, int), np.ones(4, int), 2),
        lambda: sign_test(np.ones(1), np.zeros(4)),
    ],
)
def test_truth_of_another_shape_is_refused(score: Any) -> None:
    """NumPy stretched one array to the other: the mean absolute error of (n, 2) and (n,) was that of copied columns."""
    with pytest.raises(ShapeError, match="Give both in one shape"):
        score()
