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
    twins = find_twins(X, y, preprocessing.task)
    yield Fact("contradictory_rows", twins.share)
    yield Fact("contradictory_loss", twins.lost)
    yield Fact("expected_twins", twins.expected)
    yield Fact("ordered_targets", order_share(y))
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


def order_share(y: Array) -> float:
    """How much a target says of the next one: 0 in random order, 1 where equal ones stand together.

    For classes the share of neighbours that agree beyond chance; for numbers the correlation of neighbours (von Neumann
    1941, with the sign turned).

    >>> order_share(np.array([0, 0, 0, 1, 1, 1])), order_share(np.array([0.0, 1.0, 2.0, 3.0])) > 0.5
    (0.6, True)
    """
    if len(y) < 3:
        return 0.0
    if y.dtype.kind in "iub":
        _, codes = np.unique(y.reshape(len(y), -1), axis=0, return_inverse=True)
        counts = np.bincount(codes.ravel()) / len(y)
        chance = float(np.square(counts).sum())
        same = float((np.diff(codes.ravel()) == 0).mean())
        return round((same - chance) / max(1 - chance, 1e-12), 12)
    values = y.reshape(len(y), -1).astype(np.float64)
    spread = np.square(values - values.mean(0)).sum()
    return float(1 - 0.5 * np.square(np.diff(values, axis=0)).sum() / max(spread, 1e-300)) if spread > 0 else 0.0


def tail_weight(X: Array, spread: Array) -> Array:
    """By column: its deviation `spread` over that of the middle two thirds of the rows X; 1 for normal numbers.

    1 too where the middle does not vary but for rounding: a pixel that is seldom lit has no outliers.
    """
    low, high = np.quantile(X, (0.159, 0.841), axis=0)
    varies = (spread > 0) & ~is_constant(high - low, low, X.dtype)
    return np.asarray(np.where(varies, spread / np.where(varies, (high - low) / 2, 1), 1.0))


class Twins(NamedTuple):
    """What rows with equal inputs say.

    `share`: of the rows whose inputs stand elsewhere with another target. `lost`: the share of what there is to explain
    that no answer can, since equal inputs get equal answers: 0 all can be explained, 1 nothing. `expected`: how many
    equal rows a row would have if columns had nothing to do with each other; many where few columns have few values.
    """

    share: float
    lost: float
    expected: float


def find_twins(X: Array, y: Array, task: str = "classification") -> Twins:
    """What equal rows of X (n, n_in) say of the targets y (n,) or (n, k).

    >>> find_twins(np.array([[1.0], [1.0], [2.0]]), np.array([0, 1, 1]))
    Twins(share=0.6666666666666666, lost=1.0, expected=1.1111111111111112)
    """
    _, group = np.unique(hash_rows(X), return_inverse=True)
    targets = np.unique(y.reshape(len(y), -1), axis=0, return_inverse=True)[1].ravel()
    pairs, sizes = np.unique(np.stack([group, targets]), axis=1, return_counts=True)
    share = float((np.bincount(pairs[0])[group] > 1).mean())
    lost = 0.0
    if share:
        lost = _lost_numbers(group, y) if task == "regression" else _lost_classes(pairs[0], sizes, targets)
    return Twins(share, lost, expected_twins(X) if share else 0.0)


def _lost_classes(group: Array, sizes: Array, targets: Array) -> float:
    """The share of the rows that the most frequent class leaves, and that the best answer for each group leaves too."""
    best = np.zeros(group.max() + 1)
    np.maximum.at(best, group, sizes)
    n, guessed = len(targets), np.bincount(targets).max()
    return float((n - best.sum()) / max(n - guessed, 1))


def _lost_numbers(group: Array, y: Array) -> float:
    """The share of the spread of y that lies within groups of equal rows."""
    values = y.reshape(len(y), -1).astype(np.float64)
    values = (values - values.mean(0)) / np.where(values.std(0) > 0, values.std(0), 1)
    counts = np.bincount(group)
    means = np.stack([np.bincount(group, column) for column in values.T], axis=1) / counts[:, None]
    return float(np.square(values - means[group]).sum() / max(np.square(values).sum(), 1e-12))


def expected_twins(X: Array) -> float:
    """(n - 1) times the chance that two rows agree in all columns, were these independent."""
    chance = 1.0
    for column in X.T:
        _, counts = np.unique(column, return_counts=True)
        chance *= float(np.square(counts / len(X)).sum())
    return (len(X) - 1) * chance


def hash_rows(X: Array) -> Array:
    """A whole number for each row, the same for equal rows only: a random sum of its bits, modulo 2⁶⁴.

    Whole numbers, because a floating-point product may round equal rows differently, depending on where they stand.
    """
    factors = np.random.default_rng(0).integers(1, 2**63, X.shape[1], dtype=np.uint64)
    blocks = (np.asarray(X[part], np.float64) + 0.0 for part in row_blocks(*X.shape))  # -0.0 is 0.0
    return np.concatenate([_mix_bits(block.view(np.uint64)) @ factors for block in blocks])


def _mix_bits(bits: Array) -> Array:
    """Every bit on many others. 1 and -1 differ in their highest bit alone, of which a product keeps only parity."""
    return np.asarray(bits ^ (bits >> np.uint64(29)) ^ (bits >> np.uint64(53)))
