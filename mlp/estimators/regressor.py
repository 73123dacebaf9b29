"""A regressor: one number for each row, or several."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from mlp.arrays import Array
from mlp.data import Dataset
from mlp.estimators import bridge
from mlp.estimators.estimator import Estimator, seen
from mlp.estimators.targets import numbers
from mlp.estimators.truth import true_numbers
from mlp.estimators.weights import sample_weights


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

    def __init__(
        self,
        hidden: Any = (100,),
        activation: Any = "silu",
        *,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        residual: bool = False,
        output: str = "auto",
        init: Any = "auto",
        loss: Any = "auto",
        l1: float = 0.0,
        l2: Any = "auto",
        optimizer: Any = "adam",
        learning_rate: Any = "auto",
        schedule: Any = "auto",
        clip_norm: float = 0.0,
        epochs: Any = "auto",
        batch_size: Any = 32,
        shuffle: bool = True,
        early_stopping: Any = False,
        patience: int = 10,
        min_delta: float = 0.0,
        validation_fraction: float = 0.1,
        restarts: int = 1,
        scale: str = "standard",
        scale_target: str = "auto",
        dtype: Any = "float64",
        warm_start: bool = False,
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.residual = residual
        self.output = output
        self.init = init
        self.loss = loss
        self.l1 = l1
        self.l2 = l2
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.clip_norm = clip_norm
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.patience = patience
        self.min_delta = min_delta
        self.validation_fraction = validation_fraction
        self.restarts = restarts
        self.scale = scale
        self.scale_target = scale_target
        self.dtype = dtype
        self.warm_start = warm_start
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train on rows X (n, n_features) and numbers y, (n,) or (n, k).

        `sample_weight` (n,): a row of weight k counts like k rows. `X_val`, `y_val`: rows to validate on, instead of
        some that are held out. Returns itself.
        """
        first = not self._goes_on
        told = self._read(X, y, sample_weight, None, first=first)
        return self._fit(told, (X_val, y_val, sample_weight_val), seen(X, y, sample_weight))

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
        return bridge.tags("regressor", multi_output=True, multi_label=False)

    def _targets(self, y: Array, classes: Any) -> Array:
        return numbers(y)

    def _dataset(self, X: Array, names: tuple[str, ...], y: Array) -> Dataset:
        return Dataset(X, y, names, target_name="y", name="data")

    def _class_weight(self, y: Array) -> None:
        return None

    def _task(self, y: Array) -> str:
        return "regression"

    def _learned(self, y: Array) -> dict[str, Any]:
        return {}
