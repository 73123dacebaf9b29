"""Batches that are changed on their way to a network: more rows than there are, from those there are.

`augmented` goes around any iterator of batches. What it changes is a copy; the data stay as they are. Nothing here
knows networks or losses: that mixed labels need a loss that takes probabilities is the business of whoever chooses one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, Protocol

import numpy as np

from mlp.arrays import Array, Nodes, Seed, generator
from mlp.data.batches import Batch
from mlp.errors import (
    DataError,
    HyperparameterError,
    ShapeError,
    check_count,
    check_finite,
    check_iterable,
    check_kind,
    check_positive,
)


class Augmentation(Protocol):
    """A way to make other samples of those in a batch.

    >>> class Noisy:
    ...     def apply(self, batch, rng):
    ...         return as_batch(batch.x.values.T + 0.1 * rng.standard_normal(batch.x.values.T.shape), batch.target)
    >>> from mlp.data.batches import as_batch, batches
    >>> data = augmented(batches(np.zeros((4, 2)), np.arange(4), 2, epochs=1), Noisy(), rng=0)
    >>> bool(next(data).x.values.any())
    True
    """

    def apply(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """A new batch; `batch` stays as it is. Draws from `rng` only."""


def augmented(data: Iterable[Batch], *augmentations: Augmentation, rng: Seed) -> Iterator[Batch]:
    """The batches of `data`, each changed by every augmentation in turn.

    >>> from mlp.data.batches import batches
    >>> plain = batches(np.eye(4), np.arange(4), 2, epochs=3)
    >>> len(list(augmented(plain, Shift(1, (2, 2)), Mixup(0.2, 4), rng=0)))
    6
    """
    check_iterable("data", data, "batches: batches(X, target), or a list of as_batch(X, target)")
    for augmentation in augmentations:
        if isinstance(augmentation, type) or not callable(getattr(augmentation, "apply", None)):
            raise HyperparameterError("augmentations", augmentation, "of what changes a batch: Mixup(0.2), Shift(...)")
    return _augmented(data, augmentations, generator(rng))


def _augmented(
    data: Iterable[Batch], augmentations: tuple[Augmentation, ...], rng: np.random.Generator
) -> Iterator[Batch]:
    for batch in data:
        check_kind("data", batch, Batch, "of batches: batches(X, target), or a list of as_batch(X, target)")
        for augmentation in augmentations:
            batch = augmentation.apply(batch, rng)
        yield batch


@dataclass(frozen=True)
class Shift:
    """Move each image by a whole number of pixels, -`pixels` … `pixels` in either direction, all equally likely.

    `image`: (rows, columns) or (rows, columns, channels), in which the features stand line by line. What comes in from
    outside is `fill`. For pixels on one scale; standardised ones have a scale each, and a moved image would be another.

    >>> from mlp.data.batches import as_batch
    >>> batch = as_batch(np.arange(1.0, 10.0)[None], np.zeros(1, int))
    >>> Shift(1, (3, 3)).apply(batch, np.random.default_rng(0)).x.values.shape
    (9, 1)
    """

    pixels: int
    image: tuple[int, ...]
    fill: float = 0.0

    def __post_init__(self) -> None:
        check_count("pixels", self.pixels)
        check_finite("fill", self.fill)
        if not isinstance(self.image, tuple | list) or len(self.image) not in (2, 3):
            raise HyperparameterError("image", self.image, "(rows, columns) or (rows, columns, channels)")
        for size in self.image:
            check_count("image", size)
        if self.pixels >= min(self.image[:2]):
            raise HyperparameterError("pixels", self.pixels, f"less than the image is wide, {min(self.image[:2])}")

    def apply(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """One offset for each sample."""
        _check_given(batch, rng)
        values = batch.x.values
        if values.shape[-2] != prod(self.image):
            raise ShapeError(
                f"the batch has {values.shape[-2]} features, and an image {' × '.join(map(str, self.image))} has "
                f"{prod(self.image)}. Give Shift({self.pixels}, image=...) the shape of one row."
            )
        padded = np.full((values.shape[-1], values.shape[-2] + 1), self.fill, values.dtype)
        padded[:, :-1] = values.T
        chosen = self.sources[rng.integers(len(self.sources), size=len(padded))]
        return batch._replace(x=_as_nodes(np.take_along_axis(padded, chosen, axis=1)))

    @cached_property
    def sources(self) -> Array:
        """For each offset, from which feature each comes, (n_offsets, n_features); n_features: from outside."""
        height, width, n, k = *self.image[:2], prod(self.image), self.pixels
        places = np.arange(n).reshape(height, width, -1)
        padded = np.pad(places, ((k, k), (k, k), (0, 0)), constant_values=n)
        offsets = product(range(2 * k + 1), repeat=2)
        return np.stack([padded[i : i + height, j : j + width].ravel() for i, j in offsets])


@dataclass(frozen=True)
class Mixup:
    """Between two samples of a batch, and between their targets.

        x ← λ xᵢ + (1 - λ) xⱼ,  t ← λ tᵢ + (1 - λ) tⱼ,  λ ~ Beta(α, α)

    α is `alpha`; j is a random order of the batch. Class labels become probabilities of `n_classes` classes; for values
    leave it out. Zhang, Cissé, Dauphin & Lopez-Paz (2018), eq. 1, with one λ for a batch, as in their figure 1.

    >>> from mlp.data.batches import as_batch
    >>> batch = as_batch(np.eye(2), np.array([0, 1]))
    >>> mixed = Mixup(0.5, n_classes=2).apply(batch, np.random.default_rng(0))
    >>> bool(np.allclose(mixed.target.sum(0), 1))  # probabilities of both classes
    True
    """

    alpha: float
    n_classes: int | None = None

    def __post_init__(self) -> None:
        check_positive("alpha", self.alpha)
        if self.n_classes is not None:
            check_count("n_classes", self.n_classes)

    def apply(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Every sample with another one, or with itself."""
        _check_given(batch, rng)
        if batch.weights is not None:
            raise DataError("Mixup cannot mix samples that have weights: leave out weights and class_weight.")
        values = batch.x.values
        share, other = values.dtype.type(rng.beta(self.alpha, self.alpha)), rng.permutation(values.shape[-1])
        target = self._values(batch.target, values.dtype)
        mixed = share * values.T + (1 - share) * values.T[other]
        return batch._replace(x=_as_nodes(mixed), target=share * target + (1 - share) * target[..., other])

    def _values(self, target: Array, dtype: np.dtype[np.generic]) -> Array:
        """Targets that can be mixed: labels as a 1 among zeros, (n_classes, N)."""
        if target.dtype.kind not in "iu":
            return target
        if self.n_classes is None:
            raise HyperparameterError("n_classes", None, "how many classes there are, to mix their labels")
        if target.max() >= self.n_classes:
            raise DataError(f"Mixup of {self.n_classes} classes met the label {target.max()}. Labels begin at 0.")
        return np.equal(target, np.arange(self.n_classes)[:, None]).astype(dtype)


def _check_given(batch: Any, rng: Any) -> None:
    """Refuse what is no batch, or no generator."""
    check_kind("batch", batch, Batch, "a batch: as_batch(X, target), or one of batches(X, target)")
    check_kind("rng", rng, np.random.Generator, "a numpy.random.Generator")


def _as_nodes(rows: Array) -> Nodes:
    """(N, n_features) as nodes, with the bias node."""
    with_bias = np.ones((len(rows), rows.shape[1] + 1), rows.dtype)
    with_bias[:, :-1] = rows
    return Nodes(with_bias.T[:-1], with_bias.T)
