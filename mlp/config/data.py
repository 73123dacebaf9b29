"""The section [data]: where the rows come from, how they are parted and scaled, and how batches are changed.

How rows are read and scaled stands in `preprocessing`. Here the keys become augmentations: what changes the batches to
train on.
"""

# ruff: noqa: RUF009  -- `key` makes a field, as `field` does
from __future__ import annotations

from dataclasses import dataclass
from math import isqrt, prod

from mlp.config.schema import COLUMNS, FLAG, IMAGE, NOT_NEGATIVE, PART, SEED, TARGETS, TEXT, key, one_of
from mlp.data.augment import Augmentation, Mixup, Shift
from mlp.errors import ConfigError


@dataclass(frozen=True)
class DataConfig:
    """Where the data comes from, and how it is parted and scaled."""

    source: str = key("", TEXT, "a name or a path: see [data](data.md)")
    target: str | int | list[str | int] | None = key(
        None, TARGETS, "the name or the index of the column to predict, or a list of them; without it the last column"
    )
    task: str = key(
        "auto",
        one_of("auto", "classification", "multilabel", "regression"),
        '`"classification"`, `"multilabel"` or `"regression"`',
    )
    ignore: list[str] = key([], COLUMNS, "columns to leave out")
    categorical: list[str] = key(
        [], COLUMNS, "columns whose texts are categories, or of the target classes, even if they are numbers"
    )
    numeric: list[str] = key([], COLUMNS, "columns of numbers; whatever else stands there counts as missing")
    missing: str = key(
        "refuse", one_of("refuse", "impute", "drop"), 'missing cells: `"refuse"`, `"impute"` or `"drop"` (their rows)'
    )
    unseen: str = key(
        "refuse", one_of("refuse", "ignore"), 'a category that was not there in training: `"refuse"` or `"ignore"`'
    )
    encoding: str = key("auto", TEXT, "the encoding of the file")
    separator: str = key("auto", TEXT, "what stands between cells")
    header: bool = key(True, FLAG, "whether the first line names the columns")
    comment: str = key("", TEXT, "lines that begin with this are left out")
    decimal: str = key("auto", one_of("auto", ".", ","), 'the decimal mark: `"."` or `","`')
    group: str = key("", TEXT, "a column: rows with equal cells land in one part; it is no input")
    time: str = key("", TEXT, "a column of times: the latest rows are to test on; it is no input")
    folds: int = key(0, SEED, "so many folds, of which one is to test on: see [tables](tables.md)")
    fold: int = key(0, SEED, "which of them, counted from 1")
    validation: float | str = key(0.15, PART, "rows to validate on: a fraction of all, or the path of a file")
    test: float | str = key(0.15, PART, "rows to test on: a fraction of all, or the path of a file")
    scale: str = key("standard", one_of("standard", "minmax", "none"), 'inputs: `"standard"`, `"minmax"` or `"none"`')
    scale_target: str = key(
        "auto",
        one_of("auto", "none", "standard"),
        'numbers to predict: `"standard"`, `"none"`, or `"auto"`: standard wherever the loss allows it',
    )
    class_weight: str = key("none", one_of("none", "balanced"), '`"balanced"`: every class counts the same in the loss')
    shift: int = key(0, SEED, "move images by up to so many pixels")
    image: list[int] = key(
        [], IMAGE, "their shape: `[rows, columns]` or `[rows, columns, channels]`; `[]` for a square"
    )
    mixup: float = key(0.0, NOT_NEGATIVE, "train between rows; a larger number mixes more")


def build_augmentations(
    data: DataConfig, loss_name: str, n_features: int, n_classes: int | None
) -> tuple[Augmentation, ...]:
    """What changes the batches to train on: images are shifted first, then samples are mixed.

    `n_classes`: where the loss takes class labels, how many there are; None for values.
    """
    shift = [Shift(data.shift, _image_shape(data, n_features))] if data.shift else []
    return (*shift, *([_build_mixup(data, loss_name, n_classes)] if data.mixup else []))


def _image_shape(data: DataConfig, n_features: int) -> tuple[int, ...]:
    """The shape of an image; a square where it is not given. Fewer than 16 features are hardly pixels."""
    asked = f"[data] shift = {data.shift}"
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


def _build_mixup(data: DataConfig, loss_name: str, n_classes: int | None) -> Mixup:
    """Mixtures of samples, for losses that know what half a label is."""
    asked = f"[data] mixup = {data.mixup:g} mixes targets"
    if loss_name in ("focal", "hinge"):
        raise ConfigError(f"{asked}, and [loss] {loss_name} takes whole labels. Set [loss] cross_entropy.")
    if data.class_weight != "none":
        raise ConfigError(f"{asked}, and class_weight weighs each by its class. Use one of them.")
    return Mixup(data.mixup, n_classes)
