"""How much anything may take: memory, a packed file that is unpacked, a download.

Each limit has an environment variable that raises it, and every refusal names that variable, what is needed and what is
allowed. Knows nothing of files and arrays: others say how many bytes they need.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mlp.errors import HyperparameterError

MEMORY = "MLP_MEMORY"
"""Bytes that may be asked for at once; what is free if it is not set."""
UNPACKED = "MLP_UNPACKED"
"""Bytes that a packed file may grow to; a file may always grow to `GROWTH` times its size."""
DOWNLOAD_BYTES = "MLP_DOWNLOAD_BYTES"
DOWNLOAD_SECONDS = "MLP_DOWNLOAD_SECONDS"
DEFAULTS = {UNPACKED: 1 << 28, DOWNLOAD_BYTES: 1 << 30, DOWNLOAD_SECONDS: 1800}
GROWTH = 100
SMALL = 1 << 26  # bytes that are there without a look at what is free, which takes 50 µs
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
MEMINFO = Path("/proc/meminfo")
GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)
"""Where a container says how much it may have, and has."""


def limit(name: str) -> int | None:
    """What an environment variable says, or else the default: a whole number, maybe with K, M, G or T behind it."""
    given = os.environ.get(name, "").strip()
    if not given:
        return DEFAULTS.get(name)
    parts = re.fullmatch(r"([0-9]{1,18})\s*([KMGT]?)I?B?", given.upper())
    if parts is None:
        raise HyperparameterError(name, given, "a whole number, maybe with K, M, G or T behind it: 8G")
    return int(parts[1]) * UNITS[parts[2]]


def free_bytes() -> int | None:
    """Memory that can be had without swapping, in a container too; None where the system does not say."""
    return min(_free(), default=None)


def _free() -> Iterator[int]:
    """What is free of the machine, and of the container."""
    with suppress(OSError, KeyError, ValueError, IndexError):
        rows = dict(line.split(":", 1) for line in MEMINFO.read_text(encoding="ascii").splitlines())
        yield int(rows["MemAvailable"].split()[0]) * 1024
    for most, now in GROUPS:
        with suppress(OSError, ValueError):  # "max" is no number: no limit
            yield max(0, int(most.read_text(encoding="ascii")) - int(now.read_text(encoding="ascii")))


def shortage(needed: int) -> str:
    """What to say where there are not so many bytes of memory: needed, available, and the setting; "" where there are.

    >>> shortage(10)
    ''
    """
    if needed <= SMALL:
        return ""
    allowed = limit(MEMORY)
    found = free_bytes() if allowed is None else allowed
    if found is None or needed <= found:
        return ""
    return f"{needed:,} bytes are needed and {found:,} are available ({MEMORY} sets another limit)"


def excess(size: int, grown: int) -> str:
    """What to say where a packed file of `size` bytes would grow beyond what it may; "" where it would not."""
    allowed = max(limit(UNPACKED) or 0, GROWTH * size)
    if grown <= allowed:
        return shortage(grown)
    return f"its {size:,} bytes would grow to {grown:,} or more, and {allowed:,} are allowed ({UNPACKED} raises it)"
