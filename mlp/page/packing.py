"""Arrays as text inside a page, bit for bit, and small.

The float64 numbers of all arrays stand one after another, each array with its first axis innermost, so that the same
number of neighbouring steps stands side by side. Their bytes are sorted by place, all first bytes before all second
ones, because exponents resemble each other and last digits do not. Then comes deflate, then base64. The page reads them
back with `DecompressionStream`.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mlp.arrays import Array


class PackedArrays(NamedTuple):
    """`places`: {name: [offset, shape]}, the offset in numbers. `text`: the numbers of all arrays, packed."""

    places: dict[str, list[object]]
    text: str


def pack_arrays(arrays: Mapping[str, Array]) -> PackedArrays:
    """Arrays as text.

    >>> packed = pack_arrays({"loss": np.array([0.5, 0.25])})
    >>> packed.places
    {'loss': [0, [2]]}
    >>> unpack_arrays(packed)["loss"]
    array([0.5 , 0.25])
    """
    places: dict[str, list[object]] = {}
    parts, offset = [], 0
    for name, array in arrays.items():
        places[name] = [offset, list(array.shape)]
        parts.append(np.moveaxis(np.asarray(array, "<f8"), 0, -1).tobytes())
        offset += array.size
    shuffled = np.frombuffer(b"".join(parts), np.uint8).reshape(-1, 8).T.tobytes()
    return PackedArrays(places, base64.b64encode(zlib.compress(shuffled, 9)).decode())


def unpack_arrays(packed: PackedArrays) -> dict[str, Array]:
    """The arrays that were packed, as the page reads them."""
    shuffled = zlib.decompress(base64.b64decode(packed.text))
    numbers = np.frombuffer(np.frombuffer(shuffled, np.uint8).reshape(8, -1).T.tobytes(), "<f8")
    found = {}
    for name, (offset, shape) in packed.places.items():
        assert isinstance(offset, int) and isinstance(shape, list)
        stored = numbers[offset : offset + int(np.prod(shape))].reshape(*shape[1:], shape[0])
        found[name] = np.moveaxis(stored, -1, 0)
    return found
