"""Layers as the section [network] of an experiment says them: the way back of `mlp.config.network.build_layers`.

What was said is built again and held against the layers that were given, so a network that no key describes (a norm
behind an activation, a layer norm) is refused by the name of its first layer that differs. Knows no other library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from itertools import pairwise, zip_longest
from math import hypot, isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.config import parse
from mlp.config.network import HIDDEN, build_layers
from mlp.errors import ConfigError
from mlp.layers import BatchNorm, Dense, Dropout, Identity, Layer, Residual
from mlp.layers.chain import names

PLACED = {"n_in", "n_out", "weights", "bias", "l1", "l2", "layers", "groups"}
"""Fields of a layer that its place, its first weights and the loss say."""

NAMES = {kind: name for name, kind in HIDDEN.items()}
"""What activations are called."""


def describe_network(layers: Sequence[Layer], end: Sequence[Layer]) -> dict[str, Any]:
    """The keys of [network] for some layers, `end` of which stand last and are said as the output.

    ConfigError names the first layer that no key can say.
    """
    own = list(layers)[: len(layers) - len(end)]
    chain = list(_unfold(own))
    places = [i for i, layer in enumerate(chain) if isinstance(layer, Dense)]
    if not places:
        raise ConfigError("an experiment needs a network with a dense layer; this one has none.")
    blocks = [chain[i + 1 : j] for i, j in pairwise(places)]
    rates = [next((layer.rate for layer in block if isinstance(layer, Dropout)), 0.0) for block in blocks]
    section: dict[str, Any] = {
        "hidden": [chain[i].n_out for i in places[:-1]],
        "activation": _one_for_all([_describe_activation(block) for block in blocks], "relu"),
        "dropout": _one_for_all(rates, 0.0),
        "input_dropout": next((layer.rate for layer in chain[: places[0]] if isinstance(layer, Dropout)), 0.0),
        "batch_norm": any(isinstance(layer, BatchNorm) for layer in chain),
        "residual": any(isinstance(layer, Residual) for layer in own),
    }
    _check_same(own, section, chain[places[0]].n_in, chain[places[-1]].n_out)
    return section


def _unfold(layers: Sequence[Layer]) -> Iterator[Layer]:
    """The layers in their order, those inside of residual blocks too."""
    for layer in layers:
        yield from _unfold(layer.layers) if isinstance(layer, Residual) else [layer]


def _one_for_all(values: list[Any], default: Any) -> Any:
    """The value that all have, or the list of them."""
    return values if any(value != values[0] for value in values) else [*values, default][0]


def _describe_activation(block: Sequence[Layer]) -> Any:
    """The activation between two dense layers: a name, or a table with its own keys."""
    found = [layer for layer in block if type(layer) in NAMES]
    return describe_activation(found[0]) if found else "identity"


def describe_activation(layer: Layer) -> Any:
    """An activation as a key takes it."""
    own = {f.name: getattr(layer, f.name) for f in fields(layer) if f.name not in PLACED}  # type: ignore[arg-type]
    usual = {f.name: f.default for f in fields(layer) if f.default is not MISSING}  # type: ignore[arg-type]
    own = {key: value for key, value in own.items() if value != usual.get(key, MISSING)}
    return {"name": NAMES[type(layer)], **own} if own else NAMES[type(layer)]


def _check_same(layers: Sequence[Layer], section: dict[str, Any], n_in: int, n_out: int) -> None:
    """Refuse layers that are not those which the section builds."""
    config = parse({"network": section})
    built = build_layers(config.network, config.loss, n_in, n_out)
    named = names([layer for layer in _unfold(layers) if not _does_nothing(layer)])
    given, mine = _list_facts(layers), _list_facts(built)
    for i, (theirs, ours) in enumerate(zip_longest(given, mine)):
        if theirs != ours:
            name = named[i] if i < len(named) else named[-1]
            what = f"{name} ({theirs[0]}{', in a sum x + f(x)' if theirs[1] else ''})" if theirs else f"behind {name}"
            raise ConfigError(
                f"an experiment has no key for this place of the network: {what}. Hidden layers are a dense layer, "
                "batch norm in all of them or none, an activation and dropout."
            )


def _does_nothing(layer: Layer) -> bool:
    return isinstance(layer, Identity) or (isinstance(layer, Dropout) and not layer.rate)


def _list_facts(layers: Sequence[Layer], block: int = 0) -> list[tuple[str, int, Any]]:
    """Of each layer its kind, in which sum it stands (0: in none), and its numbers."""
    found: list[tuple[str, int, Any]] = []
    n_blocks = 0
    for layer in layers:
        if isinstance(layer, Residual):
            n_blocks += 1
            found += _list_facts(layer.layers, n_blocks)
        elif not _does_nothing(layer):
            numbers = {f.name: getattr(layer, f.name) for f in fields(layer) if f.name not in PLACED}  # type: ignore[arg-type]
            widths = (layer.n_in, layer.n_out) if isinstance(layer, Dense) else ()
            found.append((type(layer).__name__, block, (widths, numbers)))
    return found


# first weights


class FirstWeights(NamedTuple):
    """What is kept of the first weights (n_out, n_in) of a dense layer, and of its biases; NaN where it has none."""

    shape: tuple[int, int]
    low: float
    high: float
    mean: float
    std: float
    bias_mean: float
    bias_std: float

    @classmethod
    def of(cls, weights: Array, bias: Array | None) -> FirstWeights:
        """Those of some weights."""
        w, b = weights.astype(np.float64), np.full(1, np.nan) if bias is None else bias.astype(np.float64)
        numbers = (w.min(), w.max(), w.mean(), w.std(), b.mean(), b.std())
        return cls((len(w), w.shape[1]), *map(float, numbers))

    @property
    def size(self) -> int:
        """How many weights there are."""
        return self.shape[0] * self.shape[1]


def describe_weights(first: FirstWeights) -> Any:
    """An initializer, as [network] init takes it, from which weights like these come."""
    n_out, n_in = first.shape
    low, high, size = first.low, first.high, first.size
    if not isfinite(low + high):
        raise ConfigError("the first weights are not all numbers: an experiment cannot begin with them.")
    if low == high:
        return "zeros" if low == 0 else {"name": "constant", "value": _shorten(low)}
    if abs(first.mean) > 5 * first.std / sqrt(size):
        return {"name": "uniform", "low": _shorten(low), "high": _shorten(high)}
    root, most = hypot(first.mean, first.std), max(-low, high)
    is_flat = most < 1.9 * root  # √3 of a uniform draw; the largest of a dozen normal numbers is above
    own = 1 / sqrt(n_in)  # the bounds of PyTorch's first weights
    spreads = {"he": sqrt(2 / n_in), "glorot": sqrt(2 / (n_in + n_out)), "lecun": own, "own": own / sqrt(3)}
    near = {name: std for name, std in spreads.items() if abs(root / std - 1) < 2 / sqrt(size)}
    if not is_flat:
        near.pop("own", None)
        closest = min(near, key=lambda name: abs(near[name] - root), default="")
        return f"{closest}_normal" if closest else {"name": "normal", "std": _shorten(root)}
    near = {name: std for name, std in near.items() if most <= 1.0001 * sqrt(3) * std}
    closest = min(near, key=lambda name: near[name], default="")  # the closest bounds that hold all weights
    if closest not in ("", "own"):
        return f"{closest}_uniform"
    bound = _shorten(own if closest else most)
    return {"name": "uniform", "low": -bound, "high": bound}


def describe_biases(layers: Sequence[FirstWeights]) -> float | str:
    """The first bias weight of all layers; "none" where no layer has some. Small random ones count as 0."""
    own = [layer for layer in layers if isfinite(layer.bias_mean)]
    if not own:
        return "none"
    said = [layer for layer in own if layer.shape[0] > 1 or abs(layer.bias_mean) > 1 / sqrt(layer.shape[1])]
    means = [0.0 if layer.bias_std > 0.2 * abs(layer.bias_mean) else layer.bias_mean for layer in said] or [0.0]
    if len(own) < len(layers) or max(means) - min(means) > 0.1:
        shown = ", ".join(f"{layer.bias_mean:.3g}" if isfinite(layer.bias_mean) else "none" for layer in layers)
        raise ConfigError(f"biases of the layers begin at {shown}: an experiment has one first value for all of them.")
    return _shorten(sum(means) / len(means))


def _shorten(number: float) -> float:
    return float(f"{number:.6g}")
