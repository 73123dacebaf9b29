"""The section [network]: the layers between inputs and outputs, and how they begin."""

# ruff: noqa: RUF009  -- `key` makes a field, as `field` does
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlp.config import schema
from mlp.config.loss import LossConfig
from mlp.config.schema import (
    FLAG,
    INIT,
    LAYERS,
    NAMED,
    NONE_OR_NUMBER,
    NOT_NEGATIVE,
    RATE,
    RATES,
    WIDTHS,
    build_part,
    check_keys,
    find_part,
    key,
    name_and_keys,
    one_of_or_forced,
    unknown_name,
)
from mlp.errors import ConfigError, UnknownNameError
from mlp.initializers import INITIALIZERS, Initializer
from mlp.layers import ACTIVATIONS, RBF, BatchNorm, Dense, Dropout, Layer, Maxout, Noise, Residual, Softmax
from mlp.network import Layout

if TYPE_CHECKING:
    from mlp.pretraining import Pretrainer


@dataclass(frozen=True)
class NetworkConfig:
    """The layers between inputs and outputs."""

    hidden: list[int] = key([32], WIDTHS, "widths of the hidden layers, or one width; `[]` for none")
    activation: str | dict[str, Any] | list[Any] = key(
        "relu", schema.ACTIVATIONS, "a name, or a list with one for each hidden layer: see [network](network.md)"
    )
    output: str | dict[str, Any] = key(
        "auto",
        one_of_or_forced("auto", "softmax", "sigmoid", "identity"),
        '`"softmax"`, `"sigmoid"` or `"identity"`; any activation with `force = true`',
    )
    init: Any = key(
        "auto", INIT, "first weights: a name, or a table with a name and its own keys; a list has one for each layer"
    )
    bias: float | str = key(0.0, NONE_OR_NUMBER, 'first value of every bias weight; `"none"`: there are none')
    pretrain: str | dict[str, Any] = key(
        "none", NAMED, '`"rbm"` or `"autoencoder"`, or a table: see [pretraining](pretraining.md)'
    )
    dropout: float | list[float] = key(0.0, RATES, "share of hidden nodes that a step leaves out; or a list")
    input_dropout: float = key(0.0, RATE, "share of inputs that a step leaves out")
    input_noise: float = key(0.0, NOT_NEGATIVE, "deviation of noise that is added to the scaled inputs")
    max_norm: float = key(0.0, NOT_NEGATIVE, "bound on the weights into each hidden unit; 0 is off")
    batch_norm: bool = key(False, FLAG, "normalise each weighted sum over the batch")
    residual: bool = key(False, FLAG, "a way around each hidden layer of equal width")
    frozen: list[str] = key([], LAYERS, 'layers that stay as they are, `["dense1"]`')

    def __post_init__(self) -> None:
        """One width becomes a list of one."""
        if isinstance(self.hidden, int):
            object.__setattr__(self, "hidden", [self.hidden])


HIDDEN: Mapping[str, type[Layer]] = {**ACTIVATIONS, "softmax": Softmax, "maxout": Maxout, "rbf": RBF}
"""What [network] activation may name."""


def build_layers(
    network: NetworkConfig, loss: LossConfig, n_in: int, n_out: int, output_layers: Sequence[Layer] = ()
) -> list[Layer]:
    """All layers from `n_in` inputs to `n_out` outputs; `output_layers` stand after the last dense layer.

    `loss` has the weight penalties, which dense layers carry.
    """
    found: list[Layer] = []
    layers = _input_layers(network, n_in)
    init = _one_init_each(network)
    for width, activation, rate, first in zip(
        network.hidden,
        _one_each(network.activation, network.hidden, "activation"),
        _one_each(network.dropout, network.hidden, "dropout"),
        init[:-1],
        strict=True,
    ):
        block = _hidden_layer(replace(network, init=first), loss, n_in, width, activation)
        block += [Dropout(rate)] if rate else []
        found += [Residual(block)] if network.residual and width == n_in and found else block
        n_in = width
    return [*layers, *found, _dense(replace(network, init=init[-1]), loss, n_in, n_out), *output_layers]


def _input_layers(network: NetworkConfig, n_in: int) -> list[Layer]:
    """The layers before the first weights: noise, then dropout."""
    noise, rate = network.input_noise, network.input_dropout
    return [*([Noise(noise, n_in=n_in)] if noise else []), *([Dropout(rate, n_in=n_in)] if rate else [])]


def _one_each(value: Any, hidden: Sequence[int], name: str) -> list[Any]:
    """One value for each hidden layer."""
    if not isinstance(value, list):
        return [value] * len(hidden)
    if len(value) != len(hidden):
        raise ConfigError(
            f"[network] {name} has {len(value)} entries for {len(hidden)} hidden layers. Give one for all, or as many."
        )
    return value


def _one_init_each(network: NetworkConfig) -> list[Any]:
    """One initializer for each layer of weights: of the hidden layers, then of the outputs."""
    n_layers = len(network.hidden) + 1
    if not isinstance(network.init, list):
        return [network.init] * n_layers
    if len(network.init) != n_layers:
        raise ConfigError(
            f"[network] init has {len(network.init)} entries for {n_layers} layers of weights, that of the outputs "
            "included. Give one for all, or as many."
        )
    return network.init


def build_activation(what: str, given: Any) -> Layer:
    """An activation, by its name or with keys of its own; a softmax too, though nothing may be chosen there."""
    name, own = name_and_keys(given)
    found: Layer = build_part(find_part(what, name, {**ACTIVATIONS, "softmax": Softmax}), own, f"{what} {name}")
    return found


def _hidden_layer(network: NetworkConfig, loss: LossConfig, n_in: int, width: int, activation: Any) -> list[Layer]:
    """Weighted sums, batch norm if that is on, and the activation. Of radial units the sums are inside."""
    norm: list[Layer] = [BatchNorm()] if network.batch_norm else []
    name, own = name_and_keys(activation)
    kind = find_part("[network] activation", name, HIDDEN)
    if kind is RBF:
        check_keys((), own, "[network] activation rbf")
        return [RBF(n_in, width), *norm]
    if kind is Maxout:
        check_keys((), own, "[network] activation maxout")
        return [_dense(network, loss, n_in, 2 * width), *norm, Maxout(2)]
    return [_dense(network, loss, n_in, width), *norm, build_part(kind, own, f"[network] activation {name}")]


def _dense(network: NetworkConfig, loss: LossConfig, n_in: int, n_out: int) -> Dense:
    weights = network.init if network.init == "auto" else _build_initializer(network.init)
    return Dense(n_in, n_out, weights, 0.0 if network.bias == "none" else float(network.bias), loss.l1, loss.l2)


def _build_initializer(given: str | Mapping[str, Any]) -> Initializer:
    name, own = name_and_keys(given)
    if name not in INITIALIZERS:
        raise UnknownNameError("[network] init", name, {*INITIALIZERS, "auto"})
    found: Initializer = build_part(INITIALIZERS[name], own, f"[network] init {name}")
    return found


def activation_names(network: NetworkConfig) -> list[str]:
    """The names of the activations, without their keys: one for all hidden layers, or one for each."""
    given = network.activation if isinstance(network.activation, list) else [network.activation]
    return [name_and_keys(activation)[0] for activation in given]


def frozen_slices(network: NetworkConfig, layout: Layout) -> tuple[slice, ...]:
    """Where the parameters lie that stay as they are: of named layers, and bias weights of 0 that there are not."""
    known = dict(zip(layout.names, layout.slices, strict=True))
    for name in network.frozen:
        if name not in known:
            raise ConfigError(f"[network] frozen: there is no layer {name!r}. The layers are {', '.join(known)}.")
    none = [slice(part.start + n - 1, part.stop, n) for part, (_, n) in layout.rows] if network.bias == "none" else []
    return (*(known[name] for name in network.frozen), *none)


def build_pretrainer(network: NetworkConfig) -> Pretrainer | None:
    """What trains the hidden layers before training begins; None where nothing does."""
    name, own = name_and_keys(network.pretrain)
    if name == "none":
        if own:
            raise ConfigError(f"[network] pretrain none has no key {next(iter(own))!r}. Name rbm or autoencoder.")
        return None
    from mlp.pretraining import PRETRAINERS  # 5 ms, and most networks do without

    if name not in PRETRAINERS:
        raise unknown_name("[network] pretrain", name, {*PRETRAINERS, "none"})
    found: Pretrainer = build_part(PRETRAINERS[name], own, f"[network] pretrain {name}")
    return found
