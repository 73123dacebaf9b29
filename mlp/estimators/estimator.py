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
from mlp.data import Dataset, Encoding
from mlp.data.dataset import column_names as count_columns
from mlp.data.labels import label_names
from mlp.diagnosis import diagnose
from mlp.errors import DataError, DivergenceError, ShapeError, check_flag
from mlp.estimators.configuration import (
    Parameters,
    describe_columns,
    describe_experiment,
    describe_portion,
    draw_seed,
    is_word,
    share_held_out,
)
from mlp.estimators.defaults import find_facts, mark_rows
from mlp.estimators.fitted import Fitted
from mlp.estimators.rows import Rows, check_names, column_names, read_rows, sample_weights
from mlp.estimators.sklearn_bridge import Callbacks, Requests
from mlp.estimators.targets import Target, as_target_array
from mlp.experiment import Epoch, Run, Setup, State, begin, epochs
from mlp.experiment.before_training import note_before_training
from mlp.experiment.continue_training import Trained, continue_training, sum_up_past
from mlp.experiment.run import choose_model, measure
from mlp.experiment.state import answering_model
from mlp.experiment.watch import conclude, note_scores
from mlp.preprocessing import GivenRows


class Told(NamedTuple):
    """What `fit` was told, checked and without rows of weight 0.

    `names` are those of the columns, None where they have none; `weights` (n,) or None. `seen` is what callbacks are
    shown: everything as it was given. `encoding`: how the columns of a frame with texts became those of X.
    """

    X: Array
    y: Target
    names: Array | None
    weights: Array | None
    seen: dict[str, Any]
    encoding: Encoding | None = None


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
    missing: str = "refuse"
    unseen: str = "refuse"
    categorical: Any = ()
    dtype: Any = "auto"
    warm_start: bool = False
    random_state: Any = None
    verbose: Any = False

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

    def _class_shares(self, told: Told) -> Array | None:
        """What each class weighs among the rows in sum, (n_classes,); None for targets that are no classes."""
        if told.y.task != "classification" or told.y.classes is None:
            return None
        sums = np.bincount(told.y.y, told.weights, len(told.y.classes))
        if is_word(getattr(self, "class_weight", None), "balanced"):
            return np.ones(len(sums))
        weight = self._class_weight(told.y)
        return sums if weight is None else sums * weight

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
        marks = self._mark(told, goes_on)
        facts = find_facts(told.X, told.y, self._class_shares(told), marks, 1 - share_held_out(self, validates))
        config = describe_experiment(self, facts, seed, validates=validates, dtype=self._dtype(told, goes_on))
        return self._train(config, given, told, marks, goes_on)

    def _mark(self, told: Told, goes_on: bool) -> Array:
        """Marks of the different rows that are learned from, now and before."""
        whole = told.X[~np.isnan(told.X).any(axis=1)] if self.missing == "drop" else told.X
        return mark_rows(whole, self._marks if goes_on else None)

    def _dtype(self, told: Told, goes_on: bool) -> np.dtype[Any]:
        """What "auto" stands for: float32 for rows of float32, else float64; that of a network which goes on."""
        if goes_on:
            return self._trained.network.dtype
        return told.X.dtype if told.X.dtype == np.float32 and told.encoding is None else np.dtype(np.float64)

    def _partial_fit(self, told: Told) -> Self:
        """Go through the rows once, with the network that was fitted before or a new one."""
        goes_on = hasattr(self, "_trained")
        seed = self.seed_ if goes_on else draw_seed(self.random_state)
        marks = self._mark(told, goes_on)
        facts = find_facts(told.X, told.y, self._class_shares(told), marks)
        whole = describe_experiment(self, facts, seed, validates=True, dtype=self._dtype(told, goes_on))
        config = describe_portion(self, whole, type(self).__name__)
        return self._train(config, self._given_rows(told), told, marks, goes_on)

    def _read(self, X: Any, y: Any, sample_weight: Any, classes: Any, *, first: bool) -> Told:
        """Check what `fit` was told. After the `first` time, rows must have the same features as then."""
        names, encoding = column_names(X), None if first else self._trained.preprocessing.encoding
        rows = self._read_rows(X, encoding)
        if not first and encoding is None:
            self._check_features(rows.X, names)
        target = as_target_array(y)
        if len(target) != rows.n:
            raise DataError(f"X has {rows.n} rows, and y has {len(target)}. Each row needs its target.")
        found, target, weights = rows.X, rows.of(target), rows.of(sample_weights(sample_weight, rows.n))
        if weights is not None and not weights.all():
            there = weights > 0
            found, target, weights = found[there], target[there], weights[there]
        seen = {"X": X, "y": y, "metadata": {} if sample_weight is None else {"sample_weight": sample_weight}}
        return Told(found, self._read_target(target, classes), names, weights, seen, rows.encoding)

    def _read_rows(self, X: Any, encoding: Encoding | None, name: str = "X") -> Rows:
        """Rows as numbers, those of a frame with texts by the `encoding`, or by one that is fitted."""
        return read_rows(X, name, type(self).__name__, describe_columns(self), encoding)

    def _given_rows(self, told: Told) -> GivenRows:
        """Rows and targets as an experiment takes them."""
        classes = told.y.classes
        dataset = Dataset(
            told.X,
            told.y.y,
            _feature_names(told),
            target_name="y",
            encoding=told.encoding,
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
        rows, target = self._read_rows(X, told.encoding, "X_val"), as_target_array(y)
        check_names(type(self).__name__, told.names, column_names(X))
        if rows.X.shape[1] != told.X.shape[1] or len(target) != rows.n:
            raise ShapeError(
                f"X_val is {rows.X.shape} and y_val {target.shape}; rows with {told.X.shape[1]} features are needed, "
                "as X has, and as many targets."
            )
        return rows.X, rows.of(target), rows.of(sample_weights(weights, rows.n, "sample_weight_val"))

    def _train(self, config: Any, given: GivenRows, told: Told, marks: Array, goes_on: bool) -> Self:
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
        self.__dict__.update(about, _run=run, _trained=trained, _marks=marks, _kept_epoch=trained.past.kept)
        return self

    def _show_epochs(self, setup: Setup, state: State, about: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
        """Train, and let callbacks look at every epoch."""
        note_before_training(setup, state)
        n_epochs = setup.config.training.epochs
        for epoch in self._announce(epochs(setup, state), n_epochs, seen, lambda: _snapshot(setup, state, about)):
            if self.verbose:
                print(_describe_epoch(epoch))

    def _about(self, told: Told, names: Array | None, seed: int) -> dict[str, Any]:
        """The attributes that are known before training."""
        named = {} if names is None else {"feature_names_in_": names}
        classes = {} if told.y.classes is None else {"classes_": told.y.classes}
        n_features = told.X.shape[1] if told.encoding is None else len(told.encoding.columns)
        return {"n_features_in_": n_features, "seed_": seed, **named, **classes}


def _describe_epoch(epoch: Epoch) -> str:
    """A line for `verbose`."""
    scores = "".join(f", validation {name} {value:.4g}" for name, value in epoch.validation.items())
    return f"epoch {epoch.number}/{epoch.n_epochs}: loss {epoch.train_loss:.4g}{scores}"


def _feature_names(told: Told) -> tuple[str, ...]:
    """What the columns of X are called."""
    if told.encoding is not None:
        return told.encoding.feature_names
    return count_columns(told.X.shape[1]) if told.names is None else tuple(map(str, told.names))


def _end(setup: Setup, state: State) -> Run:
    """Note the end and measure. Nothing is judged here: `findings_` does that when somebody asks."""
    if not state.diverged:
        note_scores(setup, state, answering_model(setup, state))
    conclude(setup, state)
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
