"""Layers one after another: how a list of them finds its widths, its names and its share of a flat vector.

A network is such a chain, and so is what stands inside a residual block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

from mlp.errors import ShapeError, in_one_line
from mlp.layers.layer import Layer


def check_layers(layers: Any) -> tuple[Layer, ...]:
    """The layers, if that is what they are."""
    if isinstance(layers, Layer) or not isinstance(layers, Iterable):
        raise ShapeError(
            f"layers come as a list; given was {in_one_line(layers)}. Write [Dense(2, 3), Sigmoid(), ...]."
        )
    try:
        found = tuple(layers)
    except TypeError:  # of an array with a single number
        found = (layers,)
    for layer in found:
        if not isinstance(layer, Layer):
            raise ShapeError(
                f"a network is made of layers; {in_one_line(layer)} is none. Write Dense(2, 3), Sigmoid(), ..."
            )
    return found


def settle(layers: Iterable[Layer], n_in: int) -> tuple[Layer, ...]:
    """The layers, each knowing its width and what follows it."""
    waiting = check_layers(layers)
    settled: list[Layer] = []
    for i, layer in enumerate(waiting):
        try:
            settled.append(layer.settled(n_in, waiting[i + 1 :]))
        except ShapeError as error:
            raise ShapeError(f"layer {i + 1} of {len(waiting)}: {error}") from None
        n_in = settled[-1].n_out
    return tuple(settled)


def names(layers: Sequence[Layer]) -> tuple[str, ...]:
    """What each layer is called: its kind, and which of that kind it is.

    >>> from mlp.layers import Dense, ReLU
    >>> names([Dense(2, 3), ReLU(), Dense(3, 1)])
    ('dense1', 'relu1', 'dense2')
    """
    seen: Counter[str] = Counter()
    found = []
    for layer in layers:
        seen[layer.kind] += 1
        found.append(f"{layer.kind}{seen[layer.kind]}")
    return tuple(found)


def slices(sizes: Iterable[int]) -> tuple[slice, ...]:
    """Neighbouring pieces of a vector.

    >>> slices([2, 0, 3])
    (slice(0, 2, None), slice(2, 2, None), slice(2, 5, None))
    """
    edges = [0, *accumulate(sizes)]
    return tuple(slice(a, b) for a, b in pairwise(edges))
