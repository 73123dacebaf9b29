"""A regressor: one number for each row, or several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from mlp.arrays import Array
from mlp.estimators import sklearn_bridge
from mlp.estimators.configuration import explain_names
from mlp.estimators.estimator import Estimator
from mlp.estimators.rows import sample_weights
from mlp.estimators.targets import Target, read_numbers, true_numbers
from mlp.model.metrics import score_numbers


@explain_names
@dataclass(eq=False, repr=False, kw_only=True)
class MLPRegressor(Estimator):
    """A multilayer perceptron that predicts numbers. scikit-learn's conventions, without scikit-learn.

    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> regressor = MLPRegressor(random_state=0).fit(X, 100 * np.sin(3 * X[:, 0]))
    >>> regressor.score(X, 100 * np.sin(3 * X[:, 0])) > 0.99
    True

    Its parameters are those of `MLPClassifier`, without `class_weight`. `epochs` "auto" is 40, or 600 steps if that is
    more. `scale_target` "standard" brings the numbers to learn to mean 0 and deviation 1 while it trains, and "none"
    leaves them; "auto" is "none" for counts (loss "poisson"), and "standard" for all others. Predictions are in the
    units of y in any case; losses are in those of training. `loss`: squared_error (½ of the square), absolute_error,
    huber, log_cosh, quantile, poisson.
    """

    scale_target: str = "auto"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go through these rows once, with the network that was fitted before or a new one. Returns itself.

        The first call fixes how inputs and numbers are scaled: give it rows that are like all others. Everything else
        goes on from call to call: N calls with the same rows are a `fit` of N epochs. A schedule goes on too; its
        length in steps must be given.
        """
        told = self._read(X, y, sample_weight, None, first=not hasattr(self, "_trained"))
        return self._partial_fit(told)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """r², the mean over outputs: 1 for answers that are right, 0 for those no better than the mean; weighted.

        `y` is of the shape that was fitted; ShapeError where it is not.
        """
        answers = self.predict(X)
        truth, weights = true_numbers(answers, y), sample_weights(sample_weight, len(answers))
        return float(score_numbers(answers.reshape(len(answers), -1), truth, weights)["r2"])

    def __sklearn_tags__(self) -> Any:
        return sklearn_bridge.tags(
            "regressor", multi_output=True, multi_label=False, allow_nan=self.missing == "impute"
        )

    def _read_target(self, y: Array, classes: Any) -> Target:
        return read_numbers(y)
