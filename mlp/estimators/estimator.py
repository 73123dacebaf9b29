"""What classifier and regressor have in common: fitting, going on, and answering.

Fitting is an experiment: parameters become its configuration, rows and targets its data, and its loop is the only one.
An estimator changes when a training has ended well, and stays as it was otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, Self

from mlp.arrays import Array
from mlp.data import Dataset
from mlp.diagnosis import diagnose
from mlp.errors import DataError, DivergenceError, ShapeError, check_flag
from mlp.estimators.bridge import Callbacks, Requests
from mlp.estimators.fitted import Fitted
from mlp.estimators.parameters import Parameters
from mlp.estimators.rows import check_names, column_names, matrix
from mlp.estimators.settings import columns, configuration, in_portions, seed_of
from mlp.estimators.targets import plain
from mlp.estimators.weights import sample_weights
from mlp.experiment import Run, Setup, State, begin, train_epochs
from mlp.experiment.before_training import note_before_training
from mlp.experiment.continue_training import Trained, continue_training, sum_up_past
from mlp.experiment.run import choose_model, measure
from mlp.experiment.state import answering_model
from mlp.experiment.watch import note_end, note_scores
from mlp.preprocessing import GivenRows


class Told(NamedTuple):
    """What `fit` was told, checked: rows of weight 0 are gone. `names` of columns and `weights`: None where none."""

    X: Array
    y: Any
    names: Array | None
    weights: Array | None


class Estimator(Parameters, Requests, Callbacks, Fitted, ABC):
    """A network that is fitted to rows and targets, and answers for others."""

    METADATA: Mapping[str, tuple[str, ...]] = {
        "fit": ("sample_weight", "X_val", "y_val", "sample_weight_val"),
        "partial_fit": ("sample_weight",),
        "score": ("sample_weight",),
    }

    random_state: Any
    warm_start: Any
    early_stopping: Any

    @abstractmethod
    def _targets(self, y: Array, classes: Any) -> Any:
        """What `y` asks to be learned: `Labels`, or numbers. `classes`: those there are, if that is known."""

    @abstractmethod
    def _dataset(self, X: Array, names: tuple[str, ...], y: Any) -> Dataset:
        """Rows and targets as an experiment takes them."""

    @abstractmethod
    def _class_weight(self, y: Any) -> Array | None:
        """What rows of each class count, (n_classes,), where that was given."""

    @abstractmethod
    def _task(self, y: Any) -> str:
        """classification, multilabel or regression."""

    @abstractmethod
    def _learned(self, y: Any) -> dict[str, Any]:
        """Attributes that tell of the targets."""

    @property
    def _goes_on(self) -> bool:
        """Whether `fit` goes on with the network there is."""
        check_flag("warm_start", self.warm_start)
        return bool(self.warm_start) and hasattr(self, "_trained")

    def _fit(self, told: Told, validation: tuple[Any, Any, Any], seen: Mapping[str, Any]) -> Self:
        """Train a new network, or go on with the one there is where `warm_start` says so."""
        goes_on = self._goes_on
        given = replace(self._given(told), validation=self._validation(validation, told))
        seed = self.seed_ if goes_on else seed_of(self.random_state)
        validates = given.validation is not None
        config = configuration(self, self._task(told.y), len(told.X), seed, validates=validates)
        return self._train(config, given, told, seen, goes_on)

    def _partial_fit(self, told: Told, seen: Mapping[str, Any]) -> Self:
        """Go through the rows once, with the network there is or a new one."""
        goes_on = hasattr(self, "_trained")
        seed = self.seed_ if goes_on else seed_of(self.random_state)
        whole = configuration(self, self._task(told.y), len(told.X), seed, validates=True)
        config = in_portions(self, whole, type(self).__name__)
        return self._train(config, self._given(told), told, seen, goes_on)

    def _read(self, X: Any, y: Any, sample_weight: Any, classes: Any, *, first: bool) -> Told:
        """Check what `fit` was told; not the `first` time, rows must have the features that they had then."""
        name = type(self).__name__
        rows, names = matrix(X, name), column_names(X)
        if not first:
            self._check_features(rows, names)
        target = plain(y)
        if len(target) != len(rows):
            raise DataError(f"X has {len(rows)} rows, and y has {len(target)}. Each row needs its target.")
        weights = sample_weights(sample_weight, len(rows))
        if weights is not None and not weights.all():
            there = weights > 0
            rows, target, weights = rows[there], target[there], weights[there]
        return Told(rows, self._targets(target, classes), names, weights)

    def _given(self, told: Told) -> GivenRows:
        dataset = self._dataset(told.X, columns(told.names, told.X.shape[1]), told.y)
        return GivenRows(dataset, told.weights, self._class_weight(told.y))

    def _validation(self, given: tuple[Any, Any, Any], told: Told) -> tuple[Array, Array, Array | None] | None:
        """Rows to validate on (X, y, weights), checked against those to train on; None where none were given."""
        X, y, weights = given
        if X is None and y is None:
            return None
        if X is None or y is None:
            raise DataError(f"{'X_val' if X is None else 'y_val'} is missing: X_val and y_val go together.")
        rows, target = matrix(X, type(self).__name__, "X_val"), plain(y)
        check_names(type(self).__name__, told.names, column_names(X))
        if rows.shape[1] != told.X.shape[1] or len(target) != len(rows):
            raise ShapeError(
                f"X_val is {rows.shape} and y_val {target.shape}; rows with {told.X.shape[1]} features are needed, as "
                "X has, and as many targets."
            )
        return rows, target, sample_weights(weights, len(rows), "sample_weight_val")

    def _train(self, config: Any, given: GivenRows, told: Told, seen: Mapping[str, Any], goes_on: bool) -> Self:
        """Run the experiment; keep what came of it."""
        where = type(self).__name__
        if goes_on:
            setup, state = continue_training(self._trained, config, given, where)
        else:
            setup, state = begin(config, given, where)
        names = getattr(self, "feature_names_in_", None) if goes_on else told.names
        about = self._about(told, names, config["training"]["seed"])
        self._managed(lambda: self._watch(setup, state, about, seen))
        run = _end(setup, state)
        if state.diverged:
            raise _divergence(where, state)
        trained = Trained.of(setup, state)
        self._keep({**about, "_run": run, "_trained": trained, "_kept_epoch": trained.past.kept})
        return self

    def _watch(self, setup: Setup, state: State, about: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
        """Train, and let callbacks look on."""
        note_before_training(setup, state)
        n_epochs = setup.config.training.epochs
        epochs = train_epochs(setup, state)
        for _ in self._announced(epochs, n_epochs, seen, lambda: _snapshot(setup, state, about)):
            pass

    def _about(self, told: Told, names: Array | None, seed: int) -> dict[str, Any]:
        """Attributes that are known before training."""
        named = {} if names is None else {"feature_names_in_": names}
        return {"n_features_in_": told.X.shape[1], "seed_": seed, **named, **self._learned(told.y)}

    def _keep(self, attributes: Mapping[str, Any]) -> None:
        """Take these attributes in the place of those of an earlier training."""
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__.update(attributes)


def _end(setup: Setup, state: State) -> Run:
    """Note the end and measure; nothing is judged before somebody asks."""
    if not state.diverged:
        note_scores(setup, state, answering_model(setup, state))
    note_end(setup, state)
    return measure(setup, state)


def _snapshot(setup: Setup, state: State, about: Mapping[str, Any]) -> dict[str, Any]:
    """What makes an estimator that stopped here: its attributes, with a network of its own."""
    model, history, metrics = choose_model(setup, state)
    own = replace(model, network=model.network.at(model.network.params.copy()))
    run = Run(setup.config, own, history, metrics)
    return {**about, "_run": run, "_kept_epoch": sum_up_past(setup, state).kept}


def _divergence(where: str, state: State) -> DivergenceError:
    """The error for a training that came to no numbers; its findings say why."""
    found = diagnose(state.history)
    why = found[0].message if found else "The loss is no number. Lower learning_rate."
    return DivergenceError(f"{where}: training diverged after {state.steps} steps. {why}", found)


def seen(X: Any, y: Any, sample_weight: Any) -> dict[str, Any]:
    """What callbacks are shown: what `fit` was given, as it was given."""
    return {"X": X, "y": y, "metadata": {} if sample_weight is None else {"sample_weight": sample_weight}}
