"""What an estimator knows once it is fitted, and its raw answers.

Everything here reads one `Run`. Asked before fitting, it says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import Finding, diagnose
from mlp.errors import ShapeError
from mlp.estimators.bridge import not_fitted
from mlp.estimators.rows import check_names, column_names, matrix
from mlp.experiment import Run
from mlp.experiment.continue_training import Trained
from mlp.history import History
from mlp.layers import Dense
from mlp.model import Model
from mlp.network import Network


class Fitted:
    """An estimator after fitting."""

    n_features_in_: int
    seed_: int
    _run: Run
    _trained: Trained
    _kept_epoch: Any

    def __sklearn_is_fitted__(self) -> bool:
        """For scikit-learn's `check_is_fitted`."""
        return hasattr(self, "_run")

    @property
    def network_(self) -> Network:
        """The trained network; of `restarts`, the best."""
        return self._known().network

    @property
    def history_(self) -> History:
        """What was recorded: loss, gradient norms and so on, by name."""
        return self._known().history

    @property
    def findings_(self) -> tuple[Finding, ...]:
        """What the history says about the training. Judged when asked, because it costs as much as some epochs."""
        return diagnose(self._known().history)

    @property
    def loss_curve_(self) -> Array:
        """The training loss of each epoch, (n_iter_,): the mean over its batches, while the weights moved.

        With dropout and smoothed labels where there are any; rows count by `sample_weight` and `class_weight`.
        """
        return self._known().history["train_loss"]

    @property
    def validation_loss_curve_(self) -> Array | None:
        """The loss on the validation rows after each epoch; None if there were none.

        Without dropout, with smoothed labels where there are any; rows count by their sample weights, classes alike.
        """
        return self._known().history.get("validation_loss")

    @property
    def validation_scores_(self) -> Array | None:
        """Accuracy, or r², on the validation rows after each epoch, by their sample weights; None where none were."""
        run = self._known()
        return run.history.get("validation_r2" if run.model.task == "regression" else "validation_accuracy")

    @property
    def n_iter_(self) -> int:
        """Epochs that this network has been trained for."""
        return len(self.loss_curve_)

    @property
    def best_epoch_(self) -> int:
        """The epoch whose weights the network has, counted from 1 as in the curves: over all fits of this network.

        `validation_loss_curve_[best_epoch_ - 1]` is the validation loss of these weights. With early stopping it is the
        best epoch of the last fit, or `best_epoch_` of the fit before where no epoch of it came to a finite loss;
        without early stopping, and after `partial_fit`, the last one: `n_iter_`.
        """
        chosen = self._known().metrics.get("restart_chosen", 0)
        return int(np.ravel(self._kept_epoch)[chosen])

    @property
    def loss_(self) -> float:
        """The loss on all rows trained on, with the weights that were kept and measured as `validation_loss_curve_` is.

        The last of `loss_curve_` is another number: of weights on their way, with dropout, by `class_weight`.
        """
        return float(self._known().metrics["train_loss"])

    @property
    def restart_losses_(self) -> Array | None:
        """The loss that each of `restarts` ended with, by which the best was chosen; None where there was one.

        On the validation rows, or where there were none on those trained on.
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

    @property
    def _model(self) -> Model:
        """The model that was fitted."""
        return self._known().model

    def _raw(self, X: Any) -> Array:
        """Raw outputs (n, n_out) for rows as they were given to `fit`."""
        model, rows, names = self._model, matrix(X, type(self).__name__), column_names(X)
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
