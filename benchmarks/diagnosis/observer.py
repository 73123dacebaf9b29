"""What the rivals need to know of a run, and a `History` of ours does not hold.

The published rules look at a model after every epoch: at its weights, and at gradients and layer outputs on the first
batch of training rows; and at the accuracy that Keras logs, the mean over the epoch's batches while the weights move.
An `Observer` does the same to an experiment that runs here, in arrays of its own: it draws from no generator of the run
and changes none of its numbers. What it noted is a history again, saved beside the run's own, so that changed rules can
judge old runs.

It looks as in training: dropout is on, with noise of its own, and batch norm takes the statistics of the batch;
AutoTrainer looks at layer outputs as in use. Of dense layers only the kernels are noted, without their biases.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

import mlp
from mlp.arrays import Array
from mlp.data.batches import as_batch
from mlp.experiment import Setup, State
from mlp.experiment.before_training import reference_loss
from mlp.layers import Activation, Dense, Identity, Place, Sigmoid, Softmax, Tanh
from mlp.model import build_output_head, quiet
from mlp.network import Network, Workspace
from mlp.training import Step

SATURATED = 5.0
"""DeepDiagnosis `callbacks.py`: a pre-activation of sigmoid or tanh this far from 0 is saturated."""

RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, np.inf)}
"""What an output layer of each kind can give; all others any number."""


class Seen(NamedTuple):
    """What there is to judge a run by: its history and, if somebody watched, what the rivals look at."""

    history: mlp.History
    observed: mlp.History | None


class Observer:
    """Watches every member of an experiment's population; a plain network is the only member of its own.

    To be made before the first epoch; `look` after each.
    """

    def __init__(self, setup: Setup, state: State) -> None:
        part, dtype = setup.prepared.train, setup.dtype
        size = min(setup.config.training.rows_per_batch(len(part)), len(part))
        self.setup, self.state = setup, state
        self.X = next(part.blocks(dtype))
        self.target = setup.head.encode(part.y[: len(self.X)], dtype)
        self.batch = as_batch(self.X[:size], self.target[:size], dtype=dtype)
        self.scores: list[Array] = []  # of the epoch at hand, (*population, N) for each batch
        tap = state.recorder.tap
        state.recorder.tap = lambda steps: self._overhear(tap(steps))  # type: ignore[method-assign]
        self.histories = [mlp.History() for _ in members(state.network)]
        for history in self.histories:
            note(history, facts(setup, self.X, self.target), 0)

    def look(self) -> None:
        """Note how the network stands, after an epoch."""
        scores = np.concatenate(self.scores, axis=-1).mean(-1).ravel()
        self.scores.clear()
        with quiet():  # of a run that diverged
            for history, network, score in zip(self.histories, members(self.state.network), scores, strict=True):
                note(history, {"train_score": score, **self._statistics(network)}, self.state.steps - 1)

    def of(self, run: mlp.Run) -> mlp.History:
        """What was noted of the network that became this run."""
        return self.histories[int(run.metrics.get("restart_chosen", 0))]

    def _overhear(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same steps; the score of each batch is kept, as it was before the update."""
        for step in steps:
            with quiet():
                self.scores.append(self._row_scores(step))
            yield step

    def _row_scores(self, step: Step) -> Array:
        """Of each sample 1 if its class was found, else 0; of numbers what it adds to R²."""
        part, raw = self.setup.prepared.train, step.workspace.nodes[-1].values
        y, task = part.y[step.batch.rows], self.setup.prepared.preprocessing.task
        if task == "classification":
            return np.asarray(self.setup.head.decide(raw.swapaxes(-1, -2)) == y)
        missed = np.square(self.setup.head.loss.predict(raw)[..., 0, :] - y)
        return np.asarray(1 - missed / part.y.var())

    def _statistics(self, network: Network) -> dict[str, Any]:
        """All that is noted after an epoch."""
        copy = network.at(network.params.copy())
        copy.rng = np.random.default_rng(0)
        workspace = Workspace(copy, self.batch.x.n_samples)
        mlp.value_and_grad(copy, self.setup.head.loss, self.batch, workspace)
        places = workspace.places(copy)
        answers = self.setup.head.loss.predict(workspace.nodes[-1].values)
        return {
            **of_weights([place for place in places if isinstance(place.layer, Dense)]),
            **of_nodes(places),
            "gradient_zeros": float(np.mean(workspace.grad == 0)),
            "broken": float(not (np.isfinite(workspace.grad).all() and np.isfinite(copy.params).all())),
            "answer_sum": float(np.abs(answers).sum(0).max()),
            "answer_span": float(np.ptp(answers)),
            "learning_rate": _latest(self.state.history, "learning_rate"),
        }


def members(network: Network) -> list[Network]:
    """The networks of a population, as views; a plain network by itself."""
    return [network.member(i) for i in range(network.population[0])] if network.population else [network]


def facts(setup: Setup, X: Array, target: Array) -> dict[str, Any]:
    """What is known before the first step, one record each.

    The floor is the loss of the best constant answer, under the loss that the configuration names: the entropy of the
    class shares, or for numbers their variance (halved, as that loss is). A loss that was tampered with is not asked.
    """
    about, kind = setup.prepared.preprocessing, output_kind(setup)
    honest = build_output_head(setup.config, about.task, about.n_targets)
    low, high = RANGES.get(kind, (-np.inf, np.inf))
    of_many = setup.head.loss_name == "cross_entropy" and setup.head.n_out > 1
    return {
        "epochs": float(setup.config.training.epochs),
        "floor": reference_loss(honest, target),
        "classes": float(about.n_targets if about.task == "classification" else 0),
        "cross_entropy": float(setup.head.loss_name in ("cross_entropy", "focal")),
        "inputs": [float(X.min()), float(X.max())],
        "targets": [float(target.min()), float(target.max())],
        "range": [low, high],
        "linear_output": float(kind == "identity"),
        "softmax_output": float(kind == "softmax"),
        "softmax_missing": float(of_many and kind in ("identity", "relu")),
    }


def output_kind(setup: Setup) -> str:
    """The activation a reader of the program would see last: the last layer, or the link that is inside the loss."""
    last = setup.layout.layers[-1]
    shown = isinstance(last, Activation | Softmax) and not isinstance(last, Identity)
    return last.kind if shown else setup.head.output


def of_weights(dense: list[Place]) -> dict[str, dict[str, float]]:
    """By dense layer, of its kernel and the gradient of that."""
    kernels = {place.name: np.asarray(place.params[:, :-1], np.float64) for place in dense}
    gradients = {place.name: np.asarray(place.grad[:, :-1], np.float64) for place in dense}
    return {
        "weight_norm": {name: float(np.linalg.norm(w)) for name, w in kernels.items()},
        "weight_mean": {name: float(w.mean()) for name, w in kernels.items()},
        "weight_variance": {name: float(w.var()) for name, w in kernels.items()},
        "gradient_norm": {name: float(np.linalg.norm(g)) for name, g in gradients.items()},
        "gradient_mean": {name: float(g.mean()) for name, g in gradients.items()},
        "gradient_size": {name: float(np.abs(g).mean()) for name, g in gradients.items()},
    }


def of_nodes(places: list[Place]) -> dict[str, dict[str, float]]:
    """By layer, of what came out of it; of what went in for those that saturate.

    `output_size` counts layers as Keras programs do, where a dense layer and its activation are one.
    """
    outputs = {place.name: np.asarray(place.y.values, np.float64) for place in places}
    activated = {before.name for before, after in pairwise(places) if isinstance(after.layer, Activation)}
    squashing = [place for place in places if isinstance(place.layer, Sigmoid | Tanh)]
    return {
        "output_mean": {name: float(y.mean()) for name, y in outputs.items()},
        "output_size": {name: float(np.abs(y).mean()) for name, y in outputs.items() if name not in activated},
        "off": {place.name: float(np.mean(place.y.values <= 0)) for place in places if place.layer.kind == "relu"},
        "saturated": {place.name: float(np.mean(np.abs(place.x.values) >= SATURATED)) for place in squashing},
    }


def note(history: mlp.History, found: dict[str, Any], step: int) -> None:
    """One record of each: a number, several, or one for each layer."""
    for name, value in found.items():
        labels = tuple(value) if isinstance(value, dict) else ()
        numbers = np.asarray(list(value.values()) if isinstance(value, dict) else value, float)
        if numbers.size:
            column = history.column(name, numbers.shape, "", labels)
            column.values.extend(numbers.ravel().tolist())
            column.steps.append(step)


def _latest(history: mlp.History, name: str) -> float:
    """The last record of a column, of a population's first member; NaN where there is none."""
    return float(np.ravel(history[name][-1])[0]) if name in history and len(history.steps(name)) else np.nan
