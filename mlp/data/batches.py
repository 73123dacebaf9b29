"""Rows of a data matrix as batches that a network can take.

Users hand in (n_samples, n_features); a batch is node-major and carries the bias node. The matrix gets a column of ones
once, a batch is one gather of its rows, and what the network sees is that gather, transposed: nothing is copied twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array, Nodes, Seed, as_array, check_finite_numbers, float_dtype, generator
from mlp.data.scale import Transform
from mlp.errors import DataError, HyperparameterError, ShapeError, check_count


class Batch(NamedTuple):
    """Samples for one step.

    `x`: nodes of the inputs, (n_features, N). `target`: class labels (N,) or values (n_out, N). `weights` (N,), or
    None.
    `epoch`: how often the data were gone through before. `rows` (N,): where the samples stand in the data. `last`: with
    it they have been gone through once more; False also where that is not known. Arrays are live: the next batch of
    this size overwrites them.

    >>> batch = as_batch(np.zeros((5, 2)), np.arange(5))
    >>> batch.x.values.shape, batch.target.shape
    ((2, 5), (5,))
    """

    x: Nodes
    target: Array
    weights: Array | None = None
    epoch: int = 0
    rows: Array | None = None
    last: bool = False


def as_batch(X: Array, target: Array, weights: Array | None = None, *, dtype: Any = None) -> Batch:
    """All rows of X (n, n_features) as one batch.

    >>> as_batch(np.array([[0.0, 1.0]]), np.array([1])).x.with_bias
    array([[0.],
           [1.],
           [1.]])
    """
    rows, targets, weights = _checked(X, target, weights, dtype)
    return Batch(_nodes(rows), targets.T, weights, 0, np.arange(len(rows)))


def batches(
    X: Array,
    target: Array,
    size: int | None = 32,
    *,
    rng: Seed | None = 0,
    epochs: int = 1,
    weights: Array | None = None,
    dtype: Any = None,
    begin: tuple[int, int] = (0, 0),
) -> Iterator[Batch]:
    """Minibatches of X (n, n_features), every row once an epoch; the last of an epoch may be smaller.

    `target`: class labels (n,), or values (n,) or (n, n_out). `size` None: all rows at once. `rng` draws a new order
    for each epoch; None keeps the rows in order. `weights` (n,) weigh samples. `dtype`: that of X unless given.
    `begin`: the epoch and the batch to begin with, to go on where another stopped; `rng` is then as it was when that
    epoch began.
    """
    rows, targets, weights = _checked(X, target, weights, dtype)
    check_count("epochs", epochs)
    n = len(rows)
    size = n if size is None else size
    check_count("size", size)
    _check_begin(begin)
    order = None if rng is None else generator(rng)
    return _gathered(rows, targets, weights, min(size, n), order, epochs, begin)


def _checked(X: Array, target: Array, weights: Array | None, dtype: Any) -> tuple[Array, Array, Array | None]:
    """X with a column of ones, targets and weights, in one dtype; refuses lengths that differ."""
    X, target = as_array("X", X), as_array("target", target)
    if X.ndim != 2 or not len(X):
        raise ShapeError(f"X has shape {X.shape}; give (n_samples, n_features), with at least one sample.")
    if X.dtype.kind not in "fiub":
        raise DataError(f"X holds {X.dtype}; give numbers.")
    dtype = float_dtype(dtype if dtype is not None else X.dtype if X.dtype.kind == "f" else np.float64)
    if target.ndim not in (1, 2):
        raise ShapeError(f"target has shape {target.shape}; give (n_samples,) or (n_samples, n_outputs).")
    if len(target) != len(X):
        raise DataError(f"X has {len(X)} rows and target has {len(target)}; they must be as many.")
    if target.dtype.kind not in "fiub":
        raise DataError(f"target holds {target.dtype}; give class labels 0, 1, ... or numbers.")
    rows = np.ones((len(X), X.shape[1] + 1), dtype)
    with np.errstate(over="ignore"):
        rows[:, :-1] = X
        targets = target.astype(np.intp if target.dtype.kind in "iub" and target.ndim == 1 else dtype)
    check_finite_numbers("X", X, rows)
    if target.dtype.kind == "f":
        check_finite_numbers("target", target, targets)
    return rows, targets, None if weights is None else _checked_weights(weights, len(X), dtype)


def _check_begin(begin: Any) -> None:
    """Refuse what is no epoch and batch."""
    pair = isinstance(begin, tuple | list) and len(begin) == 2
    if not pair or not all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 0 for n in begin):
        raise HyperparameterError("begin", begin, "a pair (epoch, batch), both counted from 0")


def _checked_weights(given: Any, n: int, dtype: Any) -> Array:
    """Sample weights, finite and not negative."""
    weights = as_array("weights", given)
    if weights.shape != (n,):
        raise DataError(f"X has {n} rows and weights has shape {weights.shape}; give one number for each row.")
    if weights.dtype.kind not in "fiub" or not np.isfinite(weights).all() or (weights < 0).any():
        raise DataError("weights must be numbers, finite and 0 or more.")
    with np.errstate(over="ignore"):
        found = weights.astype(dtype)
        lost = weights.any() and not 0 < found.sum() < np.inf
    if lost:
        raise DataError(
            f"weights run from {weights.min():.3g} to {weights.max():.3g}, and in {np.dtype(dtype)} their sum is "
            f"{found.sum():.3g}. Multiply all of them by a number that brings them near 1."
        )
    return found


def _nodes(rows: Array) -> Nodes:
    """(N, n + 1), the last column 1, as nodes. No copy."""
    return Nodes(rows.T[:-1], rows.T)


def _room(source: Array, size: int) -> Array:
    return np.empty((size, *source.shape[1:]), source.dtype)


def _gathered(
    rows: Array,
    targets: Array,
    weights: Array | None,
    size: int,
    rng: np.random.Generator | None,
    epochs: int,
    begin: tuple[int, int],
) -> Iterator[Batch]:
    """The batches: one gather of rows, targets and weights each, into the same memory."""
    n = len(rows)
    rooms = {N: (_room(rows, N), _room(targets, N)) for N in {size, n % size or size}}
    views = {N: (_nodes(x), t.T) for N, (x, t) in rooms.items()}
    order = np.arange(n)
    for epoch in range(begin[0], epochs):
        if rng is not None:
            order = rng.permutation(n)
        for start in range(begin[1] * size if epoch == begin[0] else 0, n, size):
            index = order[start : start + size]
            x_room, t_room = rooms[len(index)]
            # mode "clip" writes straight into `out`; the default "raise" gathers into a buffer first (5 µs at 32 × 64)
            rows.take(index, 0, x_room, "clip")
            targets.take(index, 0, t_room, "clip")
            x, t = views[len(index)]
            yield Batch(x, t, None if weights is None else weights[index], epoch, index, start + size >= n)


def streamed(
    X: Array,
    target: Array,
    rows: Array,
    size: int,
    *,
    scaling: Transform,
    rng: Seed | None = 0,
    epochs: int = 1,
    weights: Array | None = None,
    dtype: Any = np.float64,
    begin: tuple[int, int] = (0, 0),
) -> Iterator[Batch]:
    """Minibatches of the given `rows` of an X that may be larger than memory: read and scaled one batch at a time.

    `target` and `weights` have an entry for each of `rows`; `begin` as for `batches`.
    """
    check_count("size", size)
    check_count("epochs", epochs)
    order = None if rng is None else generator(rng)
    n, dtype = len(rows), float_dtype(dtype)
    targets = target.astype(np.intp if target.dtype.kind in "iub" and target.ndim == 1 else dtype)
    weights = None if weights is None else weights.astype(dtype)
    for epoch in range(begin[0], epochs):
        index = np.arange(n) if order is None else order.permutation(n)
        for start in range(begin[1] * size if epoch == begin[0] else 0, n, size):
            chosen = np.sort(index[start : start + size])  # in order on disk
            scaled = scaling.apply(X, dtype, rows[chosen])
            gathered = np.ones((len(chosen), scaled.shape[1] + 1), dtype)
            gathered[:, :-1] = scaled
            w = None if weights is None else weights[chosen]
            yield Batch(_nodes(gathered), targets[chosen].T, w, epoch, rows[chosen], start + size >= n)
