"""Up a network, hidden layer by hidden layer: each learns to describe what the one below it has come to say.

Knows which layers of a network can learn so, and how far it is. How a layer learns is a `Pretrainer`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from mlp.arrays import Array, as_array
from mlp.backprop import predict
from mlp.errors import ConfigError, DataError, HyperparameterError, ShapeError
from mlp.history import History
from mlp.layers import Dense, Dropout, Layer, Noise
from mlp.network import Layout, Network, check_network


class Pretrainer(Protocol):
    """A way for one layer to learn without targets."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def suits(self, activation: Layer) -> bool:
        """Whether it can train a dense layer that this activation follows."""

    def learn(
        self, dense: Dense, activation: Layer, weights: Array, inputs: Array, rng: np.random.Generator
    ) -> Iterator[float]:
        """Train `weights` (n_out, n_in + 1) in place on `inputs` (n, n_in); yield the error, at first and each epoch.

        The error is the share of the variance of `inputs` that is lost on the way up and down again.
        """


class LayerEpoch(NamedTuple):
    """One epoch of one layer, just ended; number 0: before the first. `error`: of a population (R,)."""

    layer: str
    number: int
    error: Any


def check_pretrainer(layout: Layout, pretrainer: Pretrainer) -> None:
    """Refuse layers without hidden ones among them, or with hidden ones of another kind."""
    _hidden_layers(layout, pretrainer)


def pretrain_layers(
    network: Network, X: Array, pretrainer: Pretrainer, rng: np.random.Generator
) -> Iterator[LayerEpoch]:
    """Pretrain `network` in place on X (n, n_features); yield after every epoch of every layer.

    A layer whose error never falls keeps the weights that it had. Members of a population learn one after another, each
    from a generator of its own.
    """
    if isinstance(pretrainer, type) or not hasattr(pretrainer, "learn"):
        raise HyperparameterError("pretrainer", pretrainer, "what trains a layer: RBM() or Autoencoder()")
    check_network(network)
    layers, X = _hidden_layers(network.layout, pretrainer), _checked(X, network)
    members = list(np.ndindex(network.population))
    walks = [
        _walk(network.member(index) if index else network, layers, X, pretrainer, own)
        for index, own in zip(members, rng.spawn(len(members)), strict=True)
    ]
    for facts in zip(*walks, strict=True):
        errors = np.reshape([fact.error for fact in facts], network.population)
        yield facts[0]._replace(error=errors if network.population else facts[0].error)


def _checked(X: Array, network: Network) -> Array:
    """X as numbers of the network's dtype; refuses what it cannot take."""
    X = as_array("X", X)
    if X.ndim != 2 or X.shape[1] != network.n_in:
        raise ShapeError(f"X has shape {X.shape}; the network takes (n_samples, {network.n_in}).")
    if X.dtype.kind not in "fiub" or not np.isfinite(X).all():
        raise DataError("X must hold numbers, all of them finite. Fill what is missing, or leave out its rows.")
    return np.asarray(X, network.dtype)


def _walk(
    network: Network, layers: Sequence[int], X: Array, pretrainer: Pretrainer, rng: np.random.Generator
) -> Iterator[LayerEpoch]:
    """One network, from its first hidden layer to its last."""
    inputs = X
    for i in layers:
        dense, activation = network.layers[i], network.layers[i + 1]
        weights, name = network.views[i], network.layout.names[i]
        assert isinstance(dense, Dense)
        start, errors = weights.copy(), []
        for number, error in enumerate(pretrainer.learn(dense, activation, weights, inputs, rng)):
            yield LayerEpoch(name, number, error)
            errors.append(error)
        if not (np.fmin.reduce(errors[1:]) < errors[0] and np.isfinite(weights).all()):
            np.copyto(weights, start)
        if i != layers[-1]:
            inputs = _up(dense, activation, weights, inputs)


def _up(dense: Dense, activation: Layer, weights: Array, inputs: Array) -> Array:
    """What comes out of a layer and its activation, (n, n_out)."""
    one = Network([dense, activation], 0, dtype=weights.dtype)
    one.views[0][...] = weights
    return predict(one, inputs)


def _hidden_layers(layout: Layout, pretrainer: Pretrainer) -> list[int]:
    """The places of the dense layers that an activation and, further up, another dense layer follow."""
    dense = [i for i, layer in enumerate(layout.layers) if isinstance(layer, Dense)]
    if len(dense) < 2:
        raise ConfigError(f"pretraining with {pretrainer.name} is for hidden layers, and this network has none.")
    followers = {i + 1 for i in dense[:-1]}
    for i, layer in enumerate(layout.layers[: dense[-1] + 1]):
        noise = isinstance(layer, Dropout | Noise)
        fits = pretrainer.suits(layer) and not noise if i in followers else noise or i in dense
        if not fits:
            raise ConfigError(_misfit(layout.names[i], pretrainer))
    return dense[:-1]


def _misfit(name: str, pretrainer: Pretrainer) -> str:
    return (
        f"pretraining with {pretrainer.name} takes a dense layer and {_needed(pretrainer)} each time, and here stands "
        f"{name}. Leave it out, or leave out the pretraining."
    )


def _needed(pretrainer: Pretrainer) -> str:
    return "a sigmoid" if pretrainer.name == "rbm" else "an activation"


def note(history: History, facts: Sequence[LayerEpoch], *, step: int | None = None) -> None:
    """Write the errors into `history` as "pretraining_error_by_layer", (epochs + 1, *population, layers).

    Its steps are the numbers of the epochs, or all `step`.
    """
    names = tuple(dict.fromkeys(fact.layer for fact in facts))
    errors = {name: [fact.error for fact in facts if fact.layer == name] for name in names}
    values = np.stack([np.array(errors[name], float) for name in names], axis=-1)
    column = history.column("pretraining_error_by_layer", values.shape[1:], "share of the variance", names)
    column.values.extend(values.ravel().tolist())
    column.steps.extend(range(len(values)) if step is None else [step] * len(values))


def unexplained(inputs: Array, answers: Array) -> float:
    """Σ(v - v̂)² / Σ(v - v̄)²: the share of the variance that is lost; 1 for answers no better than the mean.

    >>> unexplained(np.array([[0.0], [2.0]]), np.array([[0.0], [1.0]]))
    0.5
    """
    lost = np.square(inputs - answers, dtype=np.float64).sum()
    return float(lost / max(np.square(inputs - inputs.mean(0), dtype=np.float64).sum(), 1e-12))
