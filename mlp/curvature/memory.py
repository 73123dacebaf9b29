"""Whether there is room for what is about to be kept: a network may have more parameters than memory holds often."""

from __future__ import annotations

from mlp.errors import ShapeError
from mlp.limits import free_bytes


def check_room(vectors: int, size: int, bytes_each: int = 8) -> None:
    """Refuse to keep `vectors` of `size` numbers where they do not fit."""
    needed, free = vectors * size * bytes_each, free_bytes()
    if free is not None and needed > free:
        raise ShapeError(
            f"{vectors} vectors of {size:,} parameters take {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free. "
            "Ask with fewer steps, or about a smaller network."
        )
