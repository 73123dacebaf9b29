"""Whether there is room for what is about to be kept: a network may have more parameters than memory holds often."""

from __future__ import annotations

from pathlib import Path

from mlp.errors import ShapeError

_MEMINFO = Path("/proc/meminfo")


def free_bytes() -> int | None:
    """Memory that can be had without swapping; None where the system does not say (anything but Linux)."""
    try:
        rows = dict(line.split(":", 1) for line in _MEMINFO.read_text(encoding="ascii").splitlines())
        return int(rows["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return None


def check_room(vectors: int, size: int, bytes_each: int = 8) -> None:
    """Refuse to keep `vectors` of `size` numbers where they do not fit."""
    needed, free = vectors * size * bytes_each, free_bytes()
    if free is not None and needed > free:
        raise ShapeError(
            f"{vectors} vectors of {size:,} parameters take {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free. "
            "Ask with fewer steps, or about a smaller network."
        )
