"""A classifier: one class for each row, or several labels of yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from mlp.arrays import Array
from mlp.errors import ConfigError, DataError
from mlp.estimators import sklearn_bridge
from mlp.estimators.configuration import explain_names, promises_probabilities
from mlp.estimators.estimator import Estimator
from mlp.estimators.rows import check_class_weight, class_weights, sample_weights
from mlp.estimators.sklearn_bridge import available_if
from mlp.estimators.targets import Target, check_several_classes, check_texts, read_labels, recode, right_rows


@explain_names
@dataclass(eq=False, repr=False, kw_only=True)
class MLPClassifier(Estimator):
    """A multilayer perceptron that classifies. scikit-learn's conventions, without scikit-learn.

    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]] * 20, ["no", "yes", "yes", "no"] * 20
    >>> classifier = MLPClassifier(hidden=8, random_state=0).fit(X, y)
    >>> classifier.predict([[0, 1], [1, 1]]).tolist()
    ['yes', 'no']

    The network:
        `hidden`          widths of the hidden layers, or one number
        `activation`      one name, or one for each hidden layer; `dropout` likewise one rate or one for each
        `batch_norm`, `residual`, `output`, `init`    as in [network] of an experiment file
    What is learned:
        `loss`            a name, {"name": ..., its keys} or one of `mlp`'s; "auto": cross_entropy, labels smoothed
        `l1`, `l2`        penalties on weights, not on biases; l2 "auto": 0.05 inputs / rows, 0.2 for numbers,
                          but at most 0.03, and none for rules that search
        `class_weight`    None, "balanced", or {class: weight}
    How:
        `optimizer`       a name, {"name": ..., its keys} or a rule: mlp.Momentum(0.1)
        `learning_rate`   "auto": the rule's own; Adam's by the length of the training
        `schedule`        as in [optimizer]; "auto": a cosine, but constant in `partial_fit` and for rules that search.
                          A schedule whose length is given goes on in the next warm `fit`; others start anew
        `clip_norm`, `batch_size`, `shuffle`    as in an experiment file
        `dtype`           "float32", "float64", or "auto": that of X where it is float32, else float64
        `epochs`          "auto": 30, or 200 steps if that is more
        `early_stopping`  stop after `patience` epochs without an improvement of `min_delta` on the validation rows:
                          those given to `fit`, or else a `validation_fraction` of X; the best weights are kept
        `restarts`        how many networks train at once; the best is kept
        `missing`         cells that are NaN: "refuse" them, "impute" (the mean or the most frequent category of the
                          rows to train on, and a column that says where), or "drop" their rows from training
        `categorical`     columns of a frame whose values are categories, even if they are numbers. Columns of texts
                          are read as those of a CSV
        `unseen`          a category that `fit` has not seen: "refuse", or "ignore" (none of those that were)
        `scale`           "standard" brings inputs to mean 0 and deviation 1, "minmax" to 0 … 1, "none" leaves them
        `warm_start`      the next `fit` goes on with the weights, the optimizer's memory and the scaling
        `random_state`    a seed, a NumPy generator, or None for a new seed each time (`seed_` tells which)
        `verbose`         print a line for each epoch

    `fit` raises `DivergenceError` where the loss is no longer a number; other faults are in `findings_`. Smoothed
    labels make probabilities a little cautious; loss="cross_entropy" does not smooth them.
    """

    class_weight: Any = None

    METADATA: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **Estimator.METADATA,
        "partial_fit": ("sample_weight", "classes"),
    }

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Go through these rows once, with the network that was fitted before or a new one. Returns itself.

        The first call needs `classes`, all that will ever come, unless rows have several labels. It also fixes how
        inputs are scaled: give it rows that are like all others. Everything else goes on from call to call: N calls
        with the same rows are a `fit` of N epochs. A schedule goes on too; its length in steps must be given.
        """
        first = not hasattr(self, "_trained")
        if first and classes is None and np.ndim(y) < 2:
            raise DataError("classes must be passed on the first call to partial_fit: all labels that will ever come.")
        told = self._read(X, y, sample_weight, classes if first else self.classes_, first=first)
        return self._partial_fit(told)

    def decision_function(self, X: Any) -> Array:
        """A score for each class, (n, n_classes) or (n, k). Of two classes that of the second (n,): yes above 0."""
        raw, head = self._raw(X), self._known().model.head
        if head.n_out == 1 and head.task == "classification":
            return raw[:, 0] - head.threshold
        if head.n_out == 2 and head.task == "classification":
            return np.asarray(raw[:, 1] - raw[:, 0])
        return raw - head.threshold

    def _check_certain(self) -> None:
        """Raise AttributeError where answers are scores: scikit-learn then takes `decision_function`."""
        certain = self._known().model.head.certain if hasattr(self, "_run") else promises_probabilities(self)
        if not certain:
            raise AttributeError(
                f"loss = {self.loss!r} with output = {self.output!r} gives scores, no probabilities. "
                'Use decision_function, or train with loss="cross_entropy".'
            )

    @available_if(_check_certain)
    def predict_proba(self, X: Any) -> Array:
        """A probability for each class (n, n_classes), with the sum 1 in each row, or for each of k labels (n, k).

        Where the loss gives scores, there is no such method.
        """
        return self._known().model.probabilities_of(self._raw(X))

    @available_if(_check_certain)
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of the probabilities, -inf for 0; (n, n_classes) or (n, k)."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The weighted share of rows that are answered right: of several labels, all of them.

        `y` is of the kind and shape that was fitted; ShapeError or DataError where it is not. A label that `fit` has
        never seen is no error: no answer is right then.
        """
        right = right_rows(self.predict(X), y)
        return float(np.average(right, weights=sample_weights(sample_weight, len(right))))

    def __sklearn_tags__(self) -> Any:
        return sklearn_bridge.tags(
            "classifier", multi_output=False, multi_label=True, allow_nan=self.missing == "impute"
        )

    def _read_target(self, y: Array, classes: Any) -> Target:
        check_class_weight(self.class_weight)
        found = read_labels(y)
        return found if classes is None else recode(found, classes)

    def _class_weight(self, y: Target) -> Array | None:
        if not isinstance(self.class_weight, Mapping):
            return None
        if y.task != "classification" or y.classes is None:
            raise ConfigError("class_weight is for classes, and rows have several labels. Give sample_weight.")
        return class_weights(self.class_weight, y.classes, y.y)

    def _check_first(self, y: Target) -> None:
        check_several_classes(y)
        check_texts(y)
