"""How far a download or a long file is: one line on standard error that rewrites itself. Nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

LINES = 1 << 16
"""Lines of a file from one word about it to the next."""


def show_progress(name: str, n_bytes: int, n_total: int | None) -> None:
    """One line on standard error that rewrites itself; nothing unless that is a terminal."""
    if not sys.stderr.isatty():
        return
    share = f"{100 * n_bytes // n_total} %" if n_total else f"{n_bytes >> 10} kB"
    end = "\n" if n_bytes == n_total else ""
    print(f"\r{name}: {share}", end=end, file=sys.stderr, flush=True)


def follow_lines(lines: Iterator[str], path: Path) -> Iterator[str]:
    """The same lines of the file at `path`; on a terminal show how far it is read. The line is gone at the end."""
    return _follow(lines, path) if sys.stderr.isatty() else lines


def _follow(lines: Iterator[str], path: Path) -> Iterator[str]:
    n_total, n_bytes = max(1, path.stat().st_size), 0
    try:
        for number, line in enumerate(lines, 1):
            n_bytes += len(line)
            if number % LINES == 0:
                show_progress(f"reading {path.name}", min(n_bytes, n_total - 1), n_total)
            yield line
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
