"""What keeps a network from learning rows by heart, from the words of an experiment file.

Noise before the first weights, a ball for the weights into each hidden unit, and batches that are changed on their way.
Weight penalties, dropout and label smoothing are no business of this module: layers and losses have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlp.errors import ConfigError
from mlp.experiment.config import Config
from mlp.layers import Dense, Dropout, Layer, Noise, Residual
from mlp.layers.chain import slices
from mlp.network import Layout
from mlp.optimizers import MaxNorm, Optimizer, ScheduleFreeAdamW, ScheduleFreeSGD

Matrix = tuple[slice, tuple[int, int]]


def before(config: Config, n_in: int) -> list[Layer]:
    """The layers that stand before the first weights: noise, then dropout."""
    noise, rate = config.network.input_noise, config.network.input_dropout
    return [*([Noise(noise, n_in=n_in)] if noise else []), *([Dropout(rate, n_in=n_in)] if rate else [])]


def constrained(rule: Optimizer, config: Config, layout: Layout) -> Optimizer:
    """The rule with its steps kept within [network] max_norm; the rule itself where that is 0."""
    radius, name = config.network.max_norm, config.optimizer.name
    if not radius:
        return rule
    if rule.alone or isinstance(rule, ScheduleFreeSGD | ScheduleFreeAdamW):
        raise ConfigError(
            f"[network] max_norm = {radius:g} puts weights back after a step, and [optimizer] {name} would not go on "
            "from there: it keeps a place of its own. Use another rule, or [loss] l2."
        )
    return MaxNorm(rule, radius, hidden_matrices(layout))


def hidden_matrices(layout: Layout) -> tuple[Matrix, ...]:
    """Where the weights into hidden units lie in the flat vector: all dense layers but the last."""
    return tuple(_matrices(layout.layers, 0))[:-1]


def _matrices(layers: Sequence[Layer], start: int) -> Iterator[Matrix]:
    """The weights of dense layers, those in residual blocks too; the layers' own begin at `start`."""
    for layer, s in zip(layers, slices(layer.n_params for layer in layers), strict=True):
        if isinstance(layer, Dense):
            yield slice(start + s.start, start + s.stop), (layer.n_out, layer.n_in + 1)
        elif isinstance(layer, Residual):
            yield from _matrices(layer.layers, start + s.start)
