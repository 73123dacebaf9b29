"""A regressor: one number for each row, or several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mlp.arrays import Array
from mlp.estimators import sklearn_bridge
from mlp.estimators.estimator import Estimator, seen
from mlp.estimators.rows import sample_weights
from mlp.estimators.targets import Target, read_numbers, true_numbers


@dataclass(eq=False, repr=False, kw_only=True)
class MLPRegressor(Estimator):
    """A multilayer perceptron that predicts numbers. scikit-learn's conventions, without scikit-learn.

    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> regressor = MLPRegressor(random_state=0).fit(X, 100 * np.sin(3 * X[:, 0]))
    >>> regressor.score(X, 100 * np.sin(3 * X[:, 0])) > 0.99
    True

    Its parameters are those of `MLPClassifier` but for `class_weight`; `epochs` "auto" is 40, or 600 steps if that is
    more. `scale_target` brings the numbers to learn to
    mean 0 and deviation 1 while it trains ("standard") or not ("none"); "auto": unless they are counts (loss
    "poisson"). Predictions are in their own units either way; losses in those of training. `loss`: squared_error (½ of
    the square), absolute_error, huber, log_cosh, quantile, poisson.
    """

    scale_target: str = "auto"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go through these rows once, with the network there is or a new one. Returns itself.

        The first call fixes how inputs and numbers are scaled, so give it rows that are like all others. Everything
        else goes on from call to call: N calls with the same rows are a `fit` of N epochs, its schedule too, whose
        length in steps must be given.
        """
        told = self._read(X, y, sample_weight, None, first=not hasattr(self, "_trained"))
        return self._partial_fit(told, seen(X, y, sample_weight))

    def predict(self, X: Any) -> Array:
        """A number for each row (n,), or several (n, k)."""
        return self._model.answers(self._raw(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """r², the mean over outputs: 1 for answers that are right, 0 for those no better than the mean; weighted.

        `y` is of the shape that was fitted; ShapeError where it is not.
        """
        answers = self.predict(X)
        truth = true_numbers(answers, y).reshape(len(answers), -1)
        weights = sample_weights(sample_weight, len(truth))
        mean = np.average(truth, 0, weights)
        missed = np.average(np.square(truth - answers.reshape(truth.shape)), 0, weights)
        spread = np.average(np.square(truth - mean), 0, weights)
        r2 = np.where(spread > 0, 1 - missed / np.where(spread > 0, spread, 1), (missed == 0) * 1.0)
        return float(r2.mean())

    def __sklearn_tags__(self) -> Any:
        return sklearn_bridge.tags("regressor", multi_output=True, multi_label=False)

    def _read_target(self, y: Array, classes: Any) -> Target:
        return read_numbers(y)
