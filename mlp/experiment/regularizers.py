"""What keeps a network from learning rows by heart, from the words of an experiment file.

Noise before the first weights, a ball for the weights into each hidden unit, and batches that are changed on their way.
Weight penalties, dropout and label smoothing are no business of this module: layers and losses have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt, prod
from typing import TYPE_CHECKING

from mlp.data.augment import Augmentation, Mixup, Shift
from mlp.errors import ConfigError
from mlp.experiment.config import Config
from mlp.layers import Dense, Dropout, Layer, Noise, Residual
from mlp.layers.chain import slices
from mlp.network import Layout
from mlp.optimizers import MaxNorm, Optimizer, ScheduleFreeAdamW, ScheduleFreeSGD

if TYPE_CHECKING:
    from mlp.experiment.build import Head

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


def augmentations(config: Config, ending: Head, n_features: int) -> tuple[Augmentation, ...]:
    """What changes the batches to train on: shifted images first, then mixtures of them."""
    shift = [Shift(config.data.shift, _image(config, n_features))] if config.data.shift else []
    return (*shift, *([_mixup(config, ending)] if config.data.mixup else []))


def _image(config: Config, n_features: int) -> tuple[int, ...]:
    """The shape of an image; where it is not given, a square. Fewer than 16 features are hardly pixels."""
    asked, data = f"[data] shift = {config.data.shift}", config.data
    image = tuple(data.image) or (isqrt(n_features),) * 2
    if prod(image) != n_features or not (data.image or n_features >= 16):
        given = f"image = {data.image}, which has {prod(image)} pixels" if data.image else "no image is given"
        raise ConfigError(f"{asked} moves images, and rows have {n_features} features; {given}. Give [rows, columns].")
    if data.scale == "standard":
        raise ConfigError(
            f"{asked} moves pixels to places that have another mean and deviation, and [data] scale = 'standard' has "
            "divided by those. Set scale = 'minmax' or 'none'."
        )
    if data.shift >= min(image[:2]):
        raise ConfigError(f"{asked} moves all of an image {image[0]} × {image[1]} out of itself. Give less.")
    return image


def _mixup(config: Config, ending: Head) -> Mixup:
    """Mixtures of samples, for losses that know what half a label is."""
    asked = f"[data] mixup = {config.data.mixup:g} mixes targets"
    if ending.loss_name in ("focal", "hinge"):
        raise ConfigError(f"{asked}, and [loss] {ending.loss_name} takes whole labels. Set [loss] cross_entropy.")
    if config.data.class_weight != "none":
        raise ConfigError(f"{asked}, and class_weight weighs each by its class. Use one of them.")
    return Mixup(config.data.mixup, ending.n_out if ending.labels else None)


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
