"""What the defaults of an estimator follow from: inputs for each different row, and how even the classes are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlp
from mlp.estimators.defaults import KEPT, count_marked, mark_rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 6))
Y = (X[:, 0] > 0).astype(int)


def l2_of(X: Any, y: Any, **settings: Any) -> float:
    return float(mlp.MLPClassifier(hidden=2, epochs=1, random_state=0, **settings).fit(X, y).run_.config.loss.l2)


def smoothing_of(y: Any, **settings: Any) -> float:
    rows = RNG.normal(size=(len(y), 2))
    fitted = mlp.MLPClassifier(hidden=2, epochs=1, random_state=0).fit(rows, y, **settings)
    return float(fitted.run_.config.loss.own["label_smoothing"])


def test_the_penalty_is_a_twentieth_of_the_inputs_for_each_row() -> None:
    assert l2_of(X, Y) == 0.0025  # 0.05 · 6 / 120
    assert l2_of(X[:, :3], Y) == 0.0013
    assert l2_of(X[:5], [0, 1, 0, 1, 0]) == 0.03  # no more, however few rows there are
    assert l2_of(X, Y, l2=0.5) == 0.5
    regressor = mlp.MLPRegressor(hidden=2, epochs=1).fit(X, X[:, 0])
    assert regressor.run_.config.loss.l2 == 0.01


def test_copies_of_a_row_and_its_weight_say_no_more_than_the_row() -> None:
    """Otherwise a row of weight 2 would not be two rows."""
    assert l2_of(np.tile(X, (3, 1)), np.tile(Y, 3)) == l2_of(X, Y)


def test_rows_that_are_dropped_or_held_out_do_not_count() -> None:
    holes = np.vstack([X, np.full((60, 6), np.nan)])
    assert l2_of(holes, np.append(Y, Y[:60]), missing="drop") == l2_of(X, Y)
    assert l2_of(X, Y, early_stopping=True, validation_fraction=0.5) == 0.005


def test_portions_are_counted_together() -> None:
    """A stream of small portions is not held as if each portion were all there is."""
    whole, stream = mlp.MLPClassifier(hidden=2, epochs=1), mlp.MLPClassifier(hidden=2)
    for start in range(0, 120, 20):
        stream.partial_fit(X[start : start + 20], Y[start : start + 20], classes=[0, 1])
    assert stream.run_.config.loss.l2 == whole.fit(X, Y).run_.config.loss.l2


@pytest.mark.parametrize("n", [100, KEPT - 1, 20_000, 300_000])
def test_many_rows_are_counted_by_few_marks(n: int) -> None:
    """The relative deviation of the estimate is 1/√4096 = 1.6 %; four of them are allowed."""
    rows = np.random.default_rng(n).normal(size=(n, 2))
    marks = None
    for part in np.array_split(rows, 7):
        marks = mark_rows(part, marks)
    assert marks is not None and len(marks) <= KEPT
    assert count_marked(marks) == pytest.approx(n, rel=0 if n < KEPT else 4 / np.sqrt(KEPT))


def test_labels_are_smoothed_by_how_even_the_classes_are() -> None:
    assert smoothing_of([0, 1] * 30) == 0.1
    assert smoothing_of([0] * 54 + [1] * 6) == 0.02  # 0.1 · 2 classes · 10 %
    assert smoothing_of([0] * 54 + [1] * 6, sample_weight=np.array([1.0] * 54 + [9.0] * 6)) == 0.1
