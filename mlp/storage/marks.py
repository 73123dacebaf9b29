"""By what files that others may have too are known to be ours: tables by their first line, pictures by their author.

A name proves nothing: a folder may hold somebody's results.csv or profile.png.
"""

from __future__ import annotations

from pathlib import Path

from mlp.errors import FileFormatError
from mlp.storage.reading import check_regular

AUTHOR = {"Author": "mlp"}
"""What a picture says of itself: matplotlib's `metadata` of a PNG."""
HEAD = 1 << 16
"""Bytes of a file that are looked at."""


def first_line(path: Path) -> str:
    """The first line of a text, without its end; "" where there is none, or it is very long."""
    line, end, _ = _head(path).partition(b"\n")
    return line.decode(errors="replace") if end else ""


def is_picture_of_ours(path: Path) -> bool:
    """Whether it is a picture that was written with `AUTHOR`."""
    head = _head(path)
    return head.startswith(b"\x89PNG") and b"Author\x00mlp" in head


def _head(path: Path) -> bytes:
    """The first bytes of a regular file; none where there is no such file."""
    try:
        check_regular(path)
        with path.open("rb") as file:
            return file.read(HEAD)
    except (OSError, FileFormatError):
        return b""
