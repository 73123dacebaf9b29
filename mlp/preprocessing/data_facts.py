"""What can be said of prepared rows before anything is trained on them.

Inputs by feature, targets as the network is to give them, and rows that say two things at once. Reads arrays only; who
judges the facts is `diagnosis`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.blocks import row_blocks
from mlp.data.scale import is_constant
from mlp.preprocessing.preprocessing import Preprocessing

TAIL_ROWS = 512  # rows by which the tails of the inputs are measured


class Fact(NamedTuple):
    """One number or one array, and what its entries are called."""

    name: str
    value: Any
    labels: tuple[str, ...] = ()


def data_facts(
    X: Array, y: Array, target: Array, preprocessing: Preprocessing, counts: Array | None = None
) -> Iterator[Fact]:
    """The facts about rows X (n, n_features), their targets y, and `target`, which are those as the loss takes them.

    `counts` (n,) is what each row counts, 1 on average; None: all the same.
    """
    mean, spread = _moments(X, counts)
    known = preprocessing.scaling.constant  # scaled, they are what rounding left
    spread[is_constant(spread, mean, X.dtype) | (False if known is None else known)] = 0
    yield Fact("input_mean", mean, preprocessing.input_names)
    yield Fact("input_std", spread, preprocessing.input_names)
    yield Fact("input_tail", np.median(tail_weight(X[:TAIL_ROWS], spread)))
    yield Fact("contradictory_rows", contradictory_share(X, y))
    if preprocessing.task != "regression":
        yield Fact("n_classes", preprocessing.n_targets)
        _, patterns = np.unique(y, axis=0, return_inverse=True)
        yield Fact("guess_accuracy", np.bincount(patterns.ravel(), counts).max() / len(y))
    if preprocessing.task == "classification":
        sizes = np.bincount(y, counts, minlength=preprocessing.n_targets)
        yield Fact("class_counts", sizes, preprocessing.class_names or ())
    else:
        target_mean, target_spread = _moments(target, counts)
        yield Fact("target_mean", target_mean)
        yield Fact("target_std", target_spread)
    if preprocessing.task == "regression":
        yield Fact("target_tail", tail_weight(y.reshape(len(y), -1), np.std(y, 0)).max())


def _moments(values: Array, counts: Array | None) -> tuple[Array, Array]:
    """Mean and deviation of each column, in float64."""
    if counts is None:
        return values.mean(0, dtype=np.float64), values.std(0, dtype=np.float64)
    mean = counts @ values / len(values)
    return mean, np.sqrt(counts @ np.square(values - mean) / len(values))


def tail_weight(X: Array, spread: Array) -> Array:
    """By column: its deviation `spread` over that of the middle two thirds of the rows X; 1 for normal numbers.

    1 too where the middle does not vary but for rounding: a pixel that is seldom lit has no outliers.
    """
    low, high = np.quantile(X, (0.159, 0.841), axis=0)
    varies = (spread > 0) & ~is_constant(high - low, low, X.dtype)
    return np.asarray(np.where(varies, spread / np.where(varies, (high - low) / 2, 1), 1.0))


def contradictory_share(X: Array, y: Array) -> float:
    """The share of rows whose inputs stand elsewhere with another target.

    >>> contradictory_share(np.array([[1.0], [1.0], [2.0]]), np.array([0, 1, 1]))
    0.6666666666666666
    """
    _, group = np.unique(_row_hashes(X), return_inverse=True)
    targets = np.unique(y.reshape(len(y), -1), axis=0, return_inverse=True)[1].ravel()
    pairs = np.unique(np.stack([group, targets]), axis=1)
    answers = np.bincount(pairs[0])
    return float((answers[group] > 1).mean())


def _row_hashes(X: Array) -> Array:
    """A whole number for each row, the same for equal rows only: a random sum of its bits, modulo 2⁶⁴.

    Whole numbers, because a floating-point product may round equal rows differently, depending on where they stand.
    """
    factors = np.random.default_rng(0).integers(1, 2**63, X.shape[1], dtype=np.uint64)
    blocks = (np.asarray(X[part], np.float64) + 0.0 for part in row_blocks(*X.shape))  # -0.0 is 0.0
    return np.concatenate([_mix_bits(block.view(np.uint64)) @ factors for block in blocks])


def _mix_bits(bits: Array) -> Array:
    """Every bit on many others. 1 and -1 differ in their highest bit alone, of which a product keeps only parity."""
    return np.asarray(bits ^ (bits >> np.uint64(29)) ^ (bits >> np.uint64(53)))
