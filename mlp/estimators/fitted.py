"""What a fitted estimator knows: its network, its history, and its answers to further rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import Finding, diagnose
from mlp.errors import ShapeError
from mlp.estimators.rows import check_names, column_names, matrix
from mlp.estimators.sklearn_bridge import not_fitted
from mlp.experiment import Run
from mlp.experiment.continue_training import Trained
from mlp.history import History
from mlp.layers import Dense
from mlp.model import score_name
from mlp.network import Network


class Fitted:
    """What an estimator knows once it is fitted. Before, each of these says that it is not."""

    n_features_in_: int
    seed_: int
    classes_: Array
    _run: Run
    _trained: Trained
    _marks: Array
    _kept_epoch: Any

    def __sklearn_is_fitted__(self) -> bool:
        """For scikit-learn's `check_is_fitted`."""
        return hasattr(self, "_run")

    @property
    def run_(self) -> Run:
        """The training as a run: with the preprocessing, so that it can be saved and exported."""
        return self._known()

    @property
    def network_(self) -> Network:
        """The trained network; with `restarts`, the best of them."""
        return self._known().network

    @property
    def history_(self) -> History:
        """What was recorded: loss, gradient norms and so on, by name."""
        return self._known().history

    @property
    def findings_(self) -> tuple[Finding, ...]:
        """What the history says about the training. It is judged each time, which costs as much as some epochs."""
        return diagnose(self._known().history)

    @property
    def loss_curve_(self) -> Array:
        """The training loss of each epoch, (n_iter_,): the mean over its batches, while the weights moved.

        Dropout and smoothed labels are part of it. Rows count by `sample_weight` and `class_weight`.
        """
        return self._known().history["train_loss"]

    @property
    def validation_loss_curve_(self) -> Array | None:
        """The loss on the validation rows after each epoch; None if there were none.

        Smoothed labels are part of it, dropout is not. Rows count by their sample weights, and all classes alike.
        """
        return self._known().history.get("validation_loss")

    @property
    def validation_scores_(self) -> Array | None:
        """Accuracy or r² on the validation rows after each epoch, by their sample weights; None if there were none."""
        return self._known().history.get(f"validation_{score_name(self._known().model.task)}")

    @property
    def n_iter_(self) -> int:
        """How many epochs this network has been trained for."""
        return len(self.loss_curve_)

    @property
    def best_epoch_(self) -> int:
        """The epoch whose weights the network has, counted from 1 over all fits of this network, as in the curves.

        `validation_loss_curve_[best_epoch_ - 1]` is the validation loss of these weights. With early stopping it is the
        best epoch of the last fit; where none of its epochs had a finite loss, it stays that of the fit before. Without
        early stopping, and after `partial_fit`, it is the last epoch: `n_iter_`.
        """
        chosen = self._known().metrics.get("restart_chosen", 0)
        return int(np.ravel(self._kept_epoch)[chosen])

    @property
    def loss_(self) -> float:
        """The loss of the weights that were kept, on all training rows, measured as in `validation_loss_curve_`.

        The last of `loss_curve_` is another number: weights still moved, with dropout, and `class_weight` counted.
        """
        return float(self._known().metrics["train_loss"])

    @property
    def restart_losses_(self) -> Array | None:
        """The loss of each of `restarts` at the end, by which the best was chosen; None without restarts.

        It is that on the validation rows, or on the training rows if there are none.
        """
        found = self._known().metrics.get("restart_losses")
        return None if found is None else np.array(found)

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each dense layer, (n_in, n_out) as in scikit-learn; views of the network's own."""
        return [view[..., :-1].T for view in self._dense()]

    @property
    def intercepts_(self) -> list[Array]:
        """The bias weights of each dense layer, (n_out,)."""
        return [view[..., -1] for view in self._dense()]

    @property
    def n_outputs_(self) -> int:
        """Outputs of the network: one for two classes."""
        return self._known().model.head.n_out

    @property
    def n_layers_(self) -> int:
        """Layers of nodes, inputs and outputs counted, as in scikit-learn."""
        return len(self._known().config.network.hidden) + 2

    def _dense(self) -> list[Any]:
        network = self.network_
        return [v for v, layer in zip(network.views, network.layers, strict=True) if isinstance(layer, Dense)]

    def _known(self) -> Run:
        if not hasattr(self, "_run"):
            raise not_fitted(self)
        return self._run

    def predict(self, X: Any) -> Array:
        """The answer to each row: a label or a number (n,), or 0 and 1 for each label, or several numbers (n, k)."""
        return self._known().model.answers(self._raw(X))

    def _raw(self, X: Any) -> Array:
        """Raw outputs (n, n_out) for rows like those that `fit` was given."""
        model, names = self._known().model, column_names(X)
        if model.preprocessing.encoding is not None:
            check_names(type(self).__name__, getattr(self, "feature_names_in_", None), names)
            return model.raw(model.rows(X))
        rows = matrix(X, type(self).__name__, missing=model.preprocessing.imputation is not None)
        self._check_features(rows, names)
        return model.raw(model.rows(rows))

    def _check_features(self, rows: Array, names: Array | None) -> None:
        """Refuse rows of other features than those it was fitted on."""
        check_names(type(self).__name__, getattr(self, "feature_names_in_", None), names)
        if rows.shape[1] != self.n_features_in_:
            raise ShapeError(
                f"X has {rows.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_} "
                "features as input."
            )
