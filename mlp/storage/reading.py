"""The one way to read a file that somebody else wrote: a regular file, of a size that memory holds.

A pipe nobody writes to would be waited for without end, and a device has no end. What is packed is unpacked as far as
it may grow, and no further. What files hold is for others.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
from pathlib import Path

from mlp.errors import FileFormatError
from mlp.limits import GROWTH, UNPACKED, excess, limit, shortage
from mlp.storage.permission import OPEN

TEXT = 1 << 24
"""Bytes that settings, metrics and findings may have."""


def check_regular(path: Path) -> None:
    """Refuse what is no regular file: a pipe, a device, a socket. OSError where there is nothing."""
    if name := describe_other(path):
        raise FileFormatError(f"{path} is {name}, and a regular file is needed. Copy what it gives into a file.")


def describe_other(path: Path) -> str:
    """What it is if it is no regular file, and no folder: "a pipe"; "" for these. OSError where there is nothing."""
    kind = stat.S_IFMT(path.stat().st_mode)
    other = {stat.S_IFREG: "", stat.S_IFDIR: "", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return other.get(kind, "a device")


def read_file(path: Path) -> bytes:
    """What a regular file holds; FileFormatError where memory does not hold that."""
    check_regular(path)
    if why := shortage(path.stat().st_size):
        raise FileFormatError(f"{path} does not fit into memory: {why}.")
    return path.read_bytes()


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """A text of at most 16 MB; a pipe that whoever started us has opened may be its source."""
    if OPEN.fullmatch(os.path.normpath(path)) is None:
        check_regular(path)
    with path.open("rb") as file:
        content = file.read(TEXT + 1)
    if len(content) > TEXT:
        raise FileFormatError(f"{path} has more than {TEXT:,} bytes, which no text that mlp reads has.")
    return content.decode(encoding)


def unzip(path: Path, content: bytes) -> bytes:
    """The content of a gzipped file, unpacked as far as it may grow."""
    most = max(limit(UNPACKED) or 0, GROWTH * len(content))
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        found = file.read(most + 1)
    if len(found) > most and (why := excess(len(content), len(found))):
        raise FileFormatError(f"{path}: {why}.")
    return found
