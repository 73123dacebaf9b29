"""A large array in pieces that fit into memory.

Whatever reads a whole data matrix reads it through here, so that a memory-mapped one may be larger than
memory.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

from mlp.arrays import Array

CELLS_PER_BLOCK = 1 << 20  # 8 MB of float64: small against any memory, large against the cost of a call


def row_blocks(n_rows: int, n_columns: int, cells: int = CELLS_PER_BLOCK) -> Iterator[slice]:
    """Slices that cover the rows in order, each of about so many cells.

    >>> list(row_blocks(5, 1 << 19))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    size = max(1, cells // max(1, n_columns))
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def selected(X: Array, rows: Array | None, part: slice) -> Array:
    """The rows `rows[part]` of X; those of X[part] where `rows` is None.

    Of a memory-mapped X they are a copy, and its pages are given back: as long as they are mapped they count as memory
    of the process, 20 GB for a file of 20 GB.
    """
    if not isinstance(X, np.memmap):
        return X[part] if rows is None else X[rows[part]]
    found = np.array(X[part] if rows is None else X[rows[part]])
    _give_back(X)
    return found


def _give_back(X: np.memmap[Any, Any]) -> None:
    """Have the pages of a mapped file unmapped; the system still keeps them, where it has room."""
    mapped = X
    while isinstance(mapped.base, np.memmap):  # a view: the mapping is at its root
        mapped = mapped.base
    if isinstance(mapped.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.base.madvise(mmap.MADV_DONTNEED)
