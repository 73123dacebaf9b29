"""Fitted models of `sklearn.neural_network` as networks.

Reads public attributes only and never imports scikit-learn: whoever has such a model has imported it already.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.errors import HyperparameterError
from mlp.exchange.assembly import assembled
from mlp.layers import Layer, Sigmoid, Softmax
from mlp.network import Network

NAMES = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
ENDS: dict[str, tuple[Layer, ...]] = {"identity": (), "logistic": (Sigmoid(),), "softmax": (Softmax(),)}


def from_sklearn(model: Any) -> Network:
    """A fitted MLPClassifier or MLPRegressor as a network with equal outputs: `mlp.predict(network, X)`.

    Of a regressor they are what it predicts, (n, n_outputs); of a classifier its probabilities, those of one of two
    classes as (n, 1): the second one's. Columns are in the order of `model.classes_`.

    To train on, leave the link to the loss, which takes raw outputs: `raw = mlp.Network(network.layers[:-1])`, then
    `raw.params = network.params`.
    """
    _check(model)
    end = str(model.out_activation_)
    if end not in ENDS:
        needed = f"one that ends in {', '.join(ENDS)}; {end!r} has no layer here"
        raise HyperparameterError("model", model, needed)
    weights, biases = [np.asarray(w).T for w in model.coefs_], [np.asarray(b) for b in model.intercepts_]
    return assembled(weights, biases, NAMES[model.activation], ENDS[end])


def _check(model: Any) -> None:
    """Refuse what is no such model, or not fitted."""
    if not hasattr(model, "hidden_layer_sizes"):
        raise HyperparameterError("model", model, "an MLPClassifier or MLPRegressor of scikit-learn")
    if not hasattr(model, "coefs_") or not hasattr(model, "out_activation_"):
        raise HyperparameterError("model", model, "fitted: call model.fit(X, y) first")
    if model.activation not in NAMES:
        raise HyperparameterError("model.activation", model.activation, f"one of {', '.join(NAMES)}")
