"""How a network began: the size of weights and data, identical units, the loss of a guess, a gradient check.

Read once, at the first step of a recording. The weights are those before its update.
"""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from math import log
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.batches import as_batch
from mlp.differences import gradient_errors
from mlp.instruments.nodes import places
from mlp.layers import Activation, BatchNorm, Dense, Dropout, Identity, LayerNorm
from mlp.layers.layer import find_preferred_initializer
from mlp.network import Network
from mlp.training import Step

Weights = list[tuple[str, int, Array]]
"""The name, the place and the weights (n_out, n_in + 1) of each dense layer; of a population those of its first."""


def weights(step: Step) -> Weights:
    """The dense layers as they began, without layers of a single weight: it has no others to compare with."""
    network = step.network
    views = network.layout.views(network.params - step.update)
    return [
        (name, i, view.reshape(-1, *view.shape[-2:])[0])
        for i, (name, layer, view) in enumerate(zip(network.layout.names, network.layers, views, strict=True))
        if isinstance(layer, Dense) and layer.n_in * layer.n_out > 1
    ]


def dense(step: Step) -> tuple[str, ...]:
    """The names of those layers."""
    return tuple(name for name, *_ in weights(step))


def hidden(step: Step) -> tuple[str, ...]:
    """All of them but the last: those whose units another one reads."""
    return dense(step)[:-1]


def weight_std(step: Step) -> Any:
    """The deviation of a layer's weights, the bias left out."""
    return [float(w[:, :-1].std()) for *_, w in weights(step)]


def bias_mean(step: Step) -> Any:
    """The mean of a layer's bias weights."""
    return [float(w[:, -1].mean()) for *_, w in weights(step)]


def weight_gain(step: Step) -> Any:
    """The size of a layer's weights, in units of what keeps a signal's strength: √(gain / n_in).

    The gain is that of the activation that follows: 2 for rectifiers, which lose half of the signal, else 1.
    He et al. (2015), eq. 10. Weights that are smaller may keep the strength halfway between both directions, as those
    do that other libraries begin with where inputs are few: √(2 / (n_in + n_out)), Glorot & Bengio (2010), eq. 16.
    """
    return [_gain(step, i, w[:, :-1]) for _, i, w in weights(step)]


def _gain(step: Step, place: int, w: Array) -> float:
    wish = find_preferred_initializer(step.network.layers[place + 1 :])
    return gain_of_weights(w, 2 if wish.startswith("he") else 1)


def gain_of_weights(w: Array, own: float) -> float:
    """The gain of one weight matrix (n_out, n_in) before an activation whose own is `own`."""
    size = float(np.sqrt(np.square(w).mean()))
    forward = size * np.sqrt(w.shape[1] / own)
    halfway = size * np.sqrt(sum(w.shape) / 2)
    return float(forward if forward >= 1 else max(forward, min(halfway, 1.0)))


def identical_units(step: Step) -> Any:
    """The share of a hidden layer's units that are fed and read like another one, to the last bit."""
    return [_identical(w, after) for (*_, w), (*_, after) in pairwise(weights(step))]


def _identical(w: Array, after: Array) -> float:
    read = after[:, :-1].T
    units = np.hstack([w, read]) if len(read) == len(w) else w
    _, group, count = np.unique(units, axis=0, return_inverse=True, return_counts=True)
    return float((count[group.ravel()] > 1).mean())


def built(step: Step) -> dict[str, float]:
    """What the steps show of how a network is built, as settings by name. Of wrapped layers nothing is known."""
    layers = step.network.layers
    places = [i for i, layer in enumerate(layers) if isinstance(layer, Dense)]
    found: dict[str, float] = {"batch_size": step.batch.x.n_samples, "inputs": step.network.n_in}
    found["batch_norm"] = any(isinstance(layer, BatchNorm) for layer in layers)
    found["dropout"] = max((layer.rate for layer in layers if isinstance(layer, Dropout)), default=0.0)
    if places and all(isinstance(layer, Dense | Activation | Dropout | BatchNorm | LayerNorm) for layer in layers):
        between = [layer for layer in layers[places[0] : places[-1]] if isinstance(layer, Activation)]
        widths = [layers[i].n_out for i in places[:-1]]
        found |= {"hidden_layers": len(widths), "narrowest": min(widths, default=0)}
        found["linear"] = bool(widths) and all(isinstance(layer, Identity) for layer in between)
    found |= {name: max((getattr(layers[i], name) for i in places), default=0.0) for name in ("l1", "l2")}
    return {name: float(value) for name, value in found.items()} | numbers_of_rule(step.optimizer)


LIMITS = {"ClipNorm": ("clip_norm", "max_norm"), "ClipValue": ("clip_value", "max_value")}
"""By class, that it need not be imported: the name that an experiment has for a limit, and that of the field."""


def numbers_of_rule(rule: Any) -> dict[str, float]:
    """What a rule says of itself, by the names that an experiment has for it; {} where no rule is at hand.

    Numbers that differ between the members of a population are left out, and so is what a rule does not have.
    """
    found: dict[str, Any] = {}
    while hasattr(rule, "rule"):
        if type(rule).__name__ in LIMITS:
            name, field = LIMITS[type(rule).__name__]
            found[name] = getattr(rule, field)
        rule = rule.rule
    found["usual_rate"] = getattr(rule, "usual_rate", None)
    found["momentum"] = getattr(rule, "momentum", getattr(rule, "beta1", None))
    found |= {name: getattr(rule, name, None) for name in ("beta2", "epsilon", "weight_decay")}
    if found["momentum"] is not None:
        usual = (f.default for f in fields(rule) if f.name in ("momentum", "beta1"))
        found["usual_momentum"] = max(0.9, *(value for value in usual if isinstance(value, float)))
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def setting_names(step: Step) -> tuple[str, ...]:
    """The names of what is seen of the settings."""
    return tuple(built(step))


def setting_values(step: Step) -> Any:
    """What is seen of the settings, as numbers."""
    return list(built(step).values())


def guess_loss(step: Step) -> Any:
    """The cross-entropy of a guess among as many classes as there are outputs; NaN where targets are no labels."""
    target = step.batch.target
    is_label = target.ndim == 1 and target.dtype.kind in "iu" and step.network.n_out > 1
    return log(step.network.n_out) if is_label else np.nan


def input_size(step: Step) -> Any:
    """The root mean square of the first batch's inputs: 1 where they are standardised."""
    return float(np.sqrt(np.square(step.batch.x.values, dtype=np.float64).mean()))


def target_size(step: Step) -> Any:
    """The root mean square of the first batch's targets, the largest over the outputs; None where they are labels."""
    target = step.batch.target
    if target.dtype.kind != "f":
        return None
    return float(np.sqrt(np.square(target, dtype=np.float64).mean(-1)).max())


CHECKED = 32
"""Samples of the gradient check."""


def foreign(step: Step) -> tuple[str, ...]:
    """The layers with parameters, if a layer or the loss is not this library's own, which tests check."""
    parts = [place.layer for place in places(step)] + ([step.objective.loss] if step.objective else [])
    ours = all(type(part).__module__.startswith("mlp.") for part in parts)
    return () if ours else step.network.layout.block_names


def gradient_error(step: Step) -> Any:
    """How far the gradient of each layer is from differences of the loss: `mlp.gradcheck`, in float64.

    None where that cannot be told: the loss is not at hand, or a layer cannot do float64.
    """
    if step.objective is None:
        return None
    network, batch = step.network, step.batch
    exact = Network(network.layers, 0)
    exact.params = (network.params - step.update).reshape(-1, network.params.shape[-1])[0].astype(np.float64)
    weights = None if batch.weights is None else batch.weights[:CHECKED]
    few = as_batch(batch.x.values[..., :CHECKED].T, batch.target[..., :CHECKED].T, weights, dtype=np.float64)
    try:
        return gradient_errors(exact, step.objective.loss, few)
    except (ArithmeticError, TypeError, ValueError):
        return None
