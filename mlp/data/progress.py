"""How far a download or a long file is: one line on standard error that rewrites itself. Nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
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


def follow_lines(lines: Iterable[str], path: Path, n_total: int) -> Iterable[str]:
    """The same lines of the file at `path`; on a terminal show how far it is read. The line is gone at the end.

    `n_total`: how long all of them are, about.
    """
    return _follow(lines, path, max(1, n_total)) if sys.stderr.isatty() else lines


def _follow(lines: Iterable[str], path: Path, n_total: int) -> Iterator[str]:
    n_read = 0
    try:
        for number, line in enumerate(lines, 1):
            n_read += len(line)
            if number % LINES == 0:
                show_progress(f"reading {path.name}", min(n_read, n_total - 1), n_total)
            yield line
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def follow_columns(columns: Sequence[int], path: str, n_rows: int) -> Iterable[int]:
    """The same columns of a table; on a terminal show how many are read, where there are many cells in each."""
    return _count(columns, path) if n_rows >= LINES and sys.stderr.isatty() else columns


def _count(columns: Sequence[int], path: str) -> Iterator[int]:
    for number, column in enumerate(columns, 1):
        print(f"\r\033[Kreading {Path(path).name}: column {number}/{len(columns)}", end="", file=sys.stderr, flush=True)
        yield column
    print("\r\033[K", end="", file=sys.stderr, flush=True)
