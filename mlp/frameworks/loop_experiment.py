"""A watched loop as an experiment of this package: the same network, loss, rule, batches and first weights.

What a loop does and no experiment can say is refused in one line that names it. Knows what a watch has noted, and not
how it was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.config import Config
from mlp.errors import ConfigError
from mlp.exchange.torch_module import Part
from mlp.frameworks.loss_section import Ending, LossSection, describe_loss
from mlp.frameworks.network_section import FirstWeights, describe_biases, describe_network, describe_weights
from mlp.frameworks.rule_section import Rule, describe_rule
from mlp.history import History
from mlp.layers import BatchNorm, Dense, Layer, Softmax
from mlp.layers.chain import names


class Chain(NamedTuple):
    """A model as layers here. `parts`: those of sums too; `is_log`: a logarithm of a softmax follows them."""

    layers: Sequence[Layer]
    parts: Sequence[Part]
    is_log: bool


class Loop(NamedTuple):
    """What a watch knows of a loop. `rows`: those of an epoch; `n_losses`: those of a step, each of `batch` rows.

    `takes`: "probabilities", if the loss does and its name does not say so. `share`: the factor of the mean loss of a
    row in what a step minimised, 1 in most loops. `first`: by module. `held_out`: rows that were evaluated.
    """

    chain: Chain
    loss: Any
    takes: str
    rule: str
    groups: Sequence[Mapping[str, Any]]
    history: History
    first: Mapping[Any, FirstWeights]
    trained: frozenset[int]
    target: Array | None
    batch: int
    n_losses: int
    share: float
    rows: int | None
    epochs: int
    is_shuffled: bool
    held_out: int
    dtype: str


FAULTS = {
    "broadcast_targets": "outputs and targets have different shapes: target.unsqueeze(1), or out.squeeze(1)",
    "raw_outputs": "the loss takes probabilities and is given raw outputs: nn.CrossEntropyLoss() takes raw ones",
    "missing_updates": "losses are computed and nothing is updated: loss.backward(); optimizer.step()",
}
"""What only a loop can do wrong, by the column that tells it."""


def describe_loop(loop: Loop) -> dict[str, dict[str, Any]]:
    """The experiment; ConfigError names what cannot be said."""
    _check_faults(loop.history)
    layers = loop.chain.layers
    last = max((i for i, layer in enumerate(layers) if isinstance(layer, Dense)), default=-1)
    end = layers[last + 1 :]
    network = describe_network(layers, end)
    n_out = next((layer.n_out for layer in reversed(layers) if isinstance(layer, Dense)), 0)
    loss = describe_loss(_find_ending(loop, end, n_out))
    rule = describe_rule(loop.rule, loop.groups)
    factor = loss.factor * loop.share
    if loop.rows is None:
        raise ConfigError("how many rows an epoch has was not seen: say it, watch_torch(model, optimizer, loss, rows=)")
    return {
        "data": _describe_data(loop, loss),
        "network": _leave_out_defaults("network", {**network, "output": loss.output, **_describe_start(loop)}),
        "loss": _leave_out_defaults("loss", {**loss.keys, "l2": rule.penalty / factor}),
        "optimizer": {**_scale_rate(rule, factor), **_describe_clipping(loop.history)},
        "training": {
            "epochs": max(1, loop.epochs),
            "batch_size": loop.batch * loop.n_losses,
            "shuffle": loop.is_shuffled,
            "dtype": loop.dtype,
        },
    }


def _leave_out_defaults(section: str, keys: dict[str, Any]) -> dict[str, Any]:
    """The keys, without those that an experiment has anyway; widths and activation are always said."""
    usual = Config().to_dict()[section]
    return {k: v for k, v in keys.items() if k in ("name", "hidden", "activation") or v != usual.get(k)}


def _find_ending(loop: Loop, end: Sequence[Layer], n_out: int) -> Ending:
    """How the loop ends: a softmax before a loss that takes probabilities is part of that loss here."""
    is_linked = loop.takes == "probabilities" and len(end) == 1 and isinstance(end[0], Softmax)
    return Ending(loop.loss, () if is_linked else end, loop.chain.is_log or is_linked, n_out, loop.target)


def _check_faults(history: History) -> None:
    for column, remedy in FAULTS.items():
        if column in history:
            raise ConfigError(f"no experiment does what this loop does wrong, {remedy}.")
    if "missing_gradients" in history and history["missing_gradients"].mean() > 0.9:
        raise ConfigError("no experiment does what this loop does wrong, steps have no gradient: backward before step.")
    if "uncleared_gradients" in history and history["uncleared_gradients"].mean() > 0.9:
        raise ConfigError(
            "no experiment does what this loop does wrong, gradients add up: optimizer.zero_grad() every step."
        )
    rates = history["learning_rate"]
    if np.ptp(rates) > 1e-9 * abs(rates[0]):
        raise ConfigError(
            f"the learning rate went from {rates[0]:.3g} to {rates[-1]:.3g}: an experiment names its schedule, and a "
            "loop does not say which it is."
        )


def _describe_data(loop: Loop, loss: LossSection) -> dict[str, Any]:
    """[data]: rows as they are, and as large a part held out as the loop evaluated."""
    share = loop.held_out / (loop.held_out + (loop.rows or 0)) if loop.held_out else 0.0
    found = {"task": loss.task, "scale": "none", "scale_target": "none", "validation": round(share, 3), "test": 0.0}
    return found | ({"class_weight": "balanced"} if loss.is_balanced else {})


def _scale_rate(rule: Rule, factor: float) -> dict[str, Any]:
    """[optimizer]: the learning rate takes the factor by which the losses differ, where that matters."""
    rate = rule.keys["learning_rate"]
    return {**rule.keys, "learning_rate": float(f"{rate * factor:.12g}") if rule.is_proportional else rate}


def _describe_clipping(history: History) -> dict[str, float]:
    """[optimizer] clip_norm, where the longest gradients of a loop all have one length: they were cut to it."""
    limit = find_clipping(history)
    return {"clip_norm": limit} if limit else {}


def find_clipping(history: History) -> float:
    """The length that most gradients were cut to; 0 where they were not."""
    norms = history["grad_norm"]
    longest = norms.max(initial=0.0)
    is_cut = len(norms) >= 10 and longest > 0 and (norms > 0.999 * longest).mean() > 0.5
    return float(f"{longest:.3g}") if is_cut and np.isfinite(longest) else 0.0


def _describe_start(loop: Loop) -> dict[str, Any]:
    """First weights and biases of the dense layers, and which layers stay as they are."""
    dense = [part for part in loop.chain.parts if isinstance(part.layer, Dense)]
    modules = [part.module for part in dense]
    if len({id(getattr(module, "weight", module)) for module in modules}) < len(modules):
        raise ConfigError("weights are used twice: in an experiment each layer has weights of its own.")
    first = [loop.first[module] for module in modules if module in loop.first]
    if len(first) < len(modules):
        raise ConfigError("the first weights were not seen: call watch_torch before the first step.")
    normed = [part for part, after in pairwise(loop.chain.parts) if isinstance(after.layer, BatchNorm)]
    kept = [f for f, part in zip(first, dense, strict=True) if part not in normed or np.isfinite(f.bias_mean)]
    init = [describe_weights(f) for f in first]
    return {
        "init": init if any(i != init[0] for i in init) else init[0],
        "bias": describe_biases(kept),
        "frozen": _list_frozen(loop),
    }


def _list_frozen(loop: Loop) -> list[str]:
    """The layers that no step moves."""
    named = [p for p in loop.chain.parts if p.arrays]
    still = [not any(id(q) in loop.trained for q in part.module.parameters()) for part in named]
    if any(still) and any(type(layer).__name__ == "Residual" for layer in loop.chain.layers):
        raise ConfigError("a layer inside of a sum x + f(x) is not trained: an experiment cannot name it.")
    return [name for name, is_still in zip(names([part.layer for part in named]), still, strict=True) if is_still]
