"""What classifier and regressor have in common: parameters, fitting, going on, and what is known after that.

To fit is to run an experiment: parameters become its configuration, rows and targets become its data. An estimator
changes only when training has ended well.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from mlp.arrays import Array
from mlp.data import Dataset
from mlp.data.dataset import column_names as count_columns
from mlp.data.labels import label_names
from mlp.diagnosis import Finding, diagnose
from mlp.errors import DataError, DivergenceError, ShapeError, check_flag
from mlp.estimators.configuration import Parameters, describe_experiment, describe_portion, draw_seed
from mlp.estimators.rows import check_names, column_names, matrix, sample_weights
from mlp.estimators.sklearn_bridge import Callbacks, Requests, not_fitted
from mlp.estimators.targets import Target, as_target_array
from mlp.experiment import Run, Setup, State, begin, epochs
from mlp.experiment.before_training import note_before_training
from mlp.experiment.continue_training import Trained, continue_training, sum_up_past
from mlp.experiment.run import choose_model, measure
from mlp.experiment.state import answering_model
from mlp.experiment.watch import note_end, note_scores
from mlp.history import History
from mlp.layers import Dense
from mlp.model import score_name
from mlp.network import Network
from mlp.preprocessing import GivenRows


class Fitted:
    """What an estimator knows once it is fitted. Before, each of these says that it is not."""

    n_features_in_: int
    seed_: int
    classes_: Array
    _run: Run
    _trained: Trained
    _kept_epoch: Any

    def __sklearn_is_fitted__(self) -> bool:
        """For scikit-learn's `check_is_fitted`."""
        return hasattr(self, "_run")

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
        model, rows, names = self._known().model, matrix(X, type(self).__name__), column_names(X)
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


class Told(NamedTuple):
    """What `fit` was told, checked and without rows of weight 0.

    `names` are those of the columns, None where they have none; `weights` (n,) or None. `seen` is what callbacks are
    shown: everything as it was given.
    """

    X: Array
    y: Target
    names: Array | None
    weights: Array | None
    seen: dict[str, Any]


@dataclass(eq=False, repr=False)
class Estimator(Parameters, Requests, Callbacks, Fitted, ABC):
    """A network that is fitted to rows and targets, and answers for other rows. Its fields are its parameters."""

    hidden: Any = (100,)
    activation: Any = "silu"
    _: KW_ONLY
    dropout: Any = 0.0
    batch_norm: bool = False
    residual: bool = False
    output: str = "auto"
    init: Any = "auto"
    loss: Any = "auto"
    l1: float = 0.0
    l2: Any = "auto"
    optimizer: Any = "adam"
    learning_rate: Any = "auto"
    schedule: Any = "auto"
    clip_norm: float = 0.0
    epochs: Any = "auto"
    batch_size: Any = 32
    shuffle: bool = True
    early_stopping: Any = False
    patience: int = 10
    min_delta: float = 0.0
    validation_fraction: float = 0.1
    restarts: int = 1
    scale: str = "standard"
    dtype: Any = "float64"
    warm_start: bool = False
    random_state: Any = None

    METADATA: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "fit": ("sample_weight", "X_val", "y_val", "sample_weight_val"),
        "partial_fit": ("sample_weight",),
        "score": ("sample_weight",),
    }

    @abstractmethod
    def _read_target(self, y: Array, classes: Any) -> Target:
        """What is to be learned from `y`. `classes`: all that there are, if that is known."""

    def _check_first(self, y: Target) -> None:
        """Refuse targets that a new network cannot begin with."""

    def _class_weight(self, y: Target) -> Array | None:
        """The weight of each class, (n_classes,); None where none were given."""
        return None

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
        """Train on rows X (n, n_features) and targets y, (n,) or (n, k). Returns itself.

        A classifier takes labels of any kind (n,), or 0 and 1 for each of k labels (n, k). A regressor takes numbers.
        `sample_weight` (n,): a row of weight k counts like k rows. `X_val`, `y_val`: rows to validate on; without them
        some of X are held out if needed.
        """
        first = not self._goes_on
        told = self._read(X, y, sample_weight, None if first else getattr(self, "classes_", None), first=first)
        if first:
            self._check_first(told.y)
        return self._fit(told, (X_val, y_val, sample_weight_val))

    @property
    def _goes_on(self) -> bool:
        """Whether `fit` goes on with the network that was fitted before."""
        check_flag("warm_start", self.warm_start)
        return bool(self.warm_start) and hasattr(self, "_trained")

    def _fit(self, told: Told, validation: tuple[Any, Any, Any]) -> Self:
        """Train a new network; with `warm_start`, go on with the one before."""
        goes_on = self._goes_on
        given = replace(self._given_rows(told), validation=self._read_validation(validation, told))
        seed = self.seed_ if goes_on else draw_seed(self.random_state)
        validates = given.validation is not None
        config = describe_experiment(self, told.y.task, len(told.X), seed, validates=validates)
        return self._train(config, given, told, goes_on)

    def _partial_fit(self, told: Told) -> Self:
        """Go through the rows once, with the network that was fitted before or a new one."""
        goes_on = hasattr(self, "_trained")
        seed = self.seed_ if goes_on else draw_seed(self.random_state)
        whole = describe_experiment(self, told.y.task, len(told.X), seed, validates=True)
        config = describe_portion(self, whole, type(self).__name__)
        return self._train(config, self._given_rows(told), told, goes_on)

    def _read(self, X: Any, y: Any, sample_weight: Any, classes: Any, *, first: bool) -> Told:
        """Check what `fit` was told. After the `first` time, rows must have the same features as then."""
        name = type(self).__name__
        rows, names = matrix(X, name), column_names(X)
        if not first:
            self._check_features(rows, names)
        target = as_target_array(y)
        if len(target) != len(rows):
            raise DataError(f"X has {len(rows)} rows, and y has {len(target)}. Each row needs its target.")
        weights = sample_weights(sample_weight, len(rows))
        if weights is not None and not weights.all():
            there = weights > 0
            rows, target, weights = rows[there], target[there], weights[there]
        seen = {"X": X, "y": y, "metadata": {} if sample_weight is None else {"sample_weight": sample_weight}}
        return Told(rows, self._read_target(target, classes), names, weights, seen)

    def _given_rows(self, told: Told) -> GivenRows:
        """Rows and targets as an experiment takes them."""
        classes = told.y.classes
        dataset = Dataset(
            told.X,
            told.y.y,
            count_columns(told.X.shape[1]) if told.names is None else tuple(map(str, told.names)),
            target_name="y",
            class_names=None if classes is None else label_names(classes),
            class_labels=classes,
            name="data",
        )
        return GivenRows(dataset, told.weights, self._class_weight(told.y))

    def _read_validation(self, given: tuple[Any, Any, Any], told: Told) -> tuple[Array, Array, Array | None] | None:
        """Rows to validate on (X, y, weights), checked against those to train on; None where none were given."""
        X, y, weights = given
        if X is None and y is None:
            return None
        if X is None or y is None:
            raise DataError(f"{'X_val' if X is None else 'y_val'} is missing: X_val and y_val go together.")
        rows, target = matrix(X, type(self).__name__, "X_val"), as_target_array(y)
        check_names(type(self).__name__, told.names, column_names(X))
        if rows.shape[1] != told.X.shape[1] or len(target) != len(rows):
            raise ShapeError(
                f"X_val is {rows.shape} and y_val {target.shape}; rows with {told.X.shape[1]} features are needed, as "
                "X has, and as many targets."
            )
        return rows, target, sample_weights(weights, len(rows), "sample_weight_val")

    def _train(self, config: Any, given: GivenRows, told: Told, goes_on: bool) -> Self:
        """Run the experiment, and keep what came of it in the place of an earlier fit."""
        where = type(self).__name__
        if goes_on:
            setup, state = continue_training(self._trained, config, given, where)
        else:
            setup, state = begin(config, given, where)
        names = getattr(self, "feature_names_in_", None) if goes_on else told.names
        about = self._about(told, names, config["training"]["seed"])
        self._manage_callbacks(lambda: self._show_epochs(setup, state, about, told.seen))
        run = _end(setup, state)
        if state.diverged:
            raise _divergence(where, state)
        trained = Trained.of(setup, state)
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__.update(about, _run=run, _trained=trained, _kept_epoch=trained.past.kept)
        return self

    def _show_epochs(self, setup: Setup, state: State, about: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
        """Train, and let callbacks look at every epoch."""
        note_before_training(setup, state)
        n_epochs = setup.config.training.epochs
        for _ in self._announce(epochs(setup, state), n_epochs, seen, lambda: _snapshot(setup, state, about)):
            pass

    def _about(self, told: Told, names: Array | None, seed: int) -> dict[str, Any]:
        """The attributes that are known before training."""
        named = {} if names is None else {"feature_names_in_": names}
        classes = {} if told.y.classes is None else {"classes_": told.y.classes}
        return {"n_features_in_": told.X.shape[1], "seed_": seed, **named, **classes}


def _end(setup: Setup, state: State) -> Run:
    """Note the end and measure. Nothing is judged here: `findings_` does that when somebody asks."""
    if not state.diverged:
        note_scores(setup, state, answering_model(setup, state))
    note_end(setup, state)
    return measure(setup, state)


def _snapshot(setup: Setup, state: State, about: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an estimator that stopped here, with a network of its own."""
    model, history, metrics = choose_model(setup, state)
    own = replace(model, network=model.network.at(model.network.params.copy()))
    run = Run(setup.config, own, history, metrics)
    return {**about, "_run": run, "_kept_epoch": sum_up_past(setup, state).kept}


def _divergence(where: str, state: State) -> DivergenceError:
    """The error for a training whose loss is no number; its findings say why."""
    found = diagnose(state.history)
    why = found[0].message if found else "The loss is no number. Lower learning_rate."
    return DivergenceError(f"{where}: training diverged after {state.steps} steps. {why}", found)
