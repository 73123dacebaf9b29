"""A large array in pieces that fit into memory.

Whatever reads a whole data matrix reads it through here, so that a memory-mapped one may be larger than
memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlp.arrays import Array

CELLS_PER_BLOCK = 1 << 20  # 8 MB of float64: small against any memory, large against the cost of a call


def row_blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Slices that cover the rows in order, each of about a million cells.

    >>> list(row_blocks(5, 1 << 19))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    size = max(1, CELLS_PER_BLOCK // max(1, n_columns))
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def selected(X: Array, rows: Array | None, part: slice) -> Array:
    """The rows `rows[part]` of X; those of X[part] where `rows` is None."""
    return X[part] if rows is None else X[rows[part]]
