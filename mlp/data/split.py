"""Rows parted into training, validation and test.

Every row lands in exactly one part. Knows numbers of rows and, to part them evenly, their labels; never sees
features.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array, Seed, as_array, generator
from mlp.errors import DataError, HyperparameterError, ShapeError, check_count, check_fraction

LEAST_TRAINING = 1e-6  # fraction; below it rounding errors of the shares would count as rows


class Parts(NamedTuple):
    """Row numbers of each part, ascending (a memory-mapped file is then read forwards).

    >>> parts = split(10, test=0.3, rng=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (7, 0, 3)
    """

    train: Array
    validation: Array
    test: Array


def split(
    n_rows: int, *, validation: float = 0.0, test: float = 0.0, rng: Seed = 0, labels: Array | None = None
) -> Parts:
    """Part the rows 0 ... n_rows-1 by fractions; what is not asked for is for training.

    With `labels` (n_rows,) every class is parted by the same fractions, to within one row. Sizes are those of
    the largest remainder, for all rows and, at once, for each class. Three things come before that: a class
    of one row goes to training, a class of more has at least one row there, and a part that was asked for is
    not empty.
    """
    check_count("n_rows", n_rows)
    fractions = checked_fractions(validation, test)
    _check_enough(n_rows, fractions)
    codes = _codes(n_rows, labels)
    sizes = _fill_empty(_class_sizes(np.bincount(codes), fractions), fractions)
    shuffled = generator(rng).permutation(n_rows)
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    part = np.repeat(np.tile(np.arange(3), len(sizes)), sizes.ravel())
    train, held_out, tested = (np.sort(by_class[part == p]) for p in range(3))
    return Parts(train, held_out, tested)


def split_groups(groups: Array, *, validation: float = 0.0, test: float = 0.0, rng: Seed = 0) -> Parts:
    """Part rows so that all rows of a group (n_rows,) land in one part. Sizes are near the fractions, not equal.

    Groups come in random order, and each goes to the part that lacks most of its share.
    """
    fractions = checked_fractions(validation, test)
    names, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < np.count_nonzero(fractions):
        raise DataError(f"{len(names)} groups cannot be parted into {np.count_nonzero(fractions)} parts. Give more.")
    lacking, part = fractions * len(codes), np.zeros(len(names), dtype=np.int64)
    for place, group in enumerate(generator(rng).permutation(len(names))):
        asked = np.flatnonzero(fractions)
        part[group] = asked[place] if place < len(asked) else np.argmax(lacking)  # no part is left empty
        lacking[part[group]] -= counts[group]
    return Parts(*(np.flatnonzero(part[codes] == p) for p in range(3)))


def split_in_time(times: Array, *, validation: float = 0.0, test: float = 0.0) -> Parts:
    """Part rows by their times (n_rows,): the latest are to test on, those before them to validate on.

    Rows of one time are not parted: the later part begins with the first of them.
    """
    fractions = checked_fractions(validation, test)
    _check_enough(len(times), fractions)
    order = np.argsort(times, kind="stable")
    ends = np.rint(np.cumsum(fractions)[:2] * len(times)).astype(int)
    first, second = np.searchsorted(times[order], times[order][np.minimum(ends, len(times) - 1)])
    first, second = (first if validation or test else len(times)), (second if test else len(times))
    if not first or (validation and first == second):
        raise DataError("too few different times to part the rows by. Give rows of more times, or other fractions.")
    return Parts(*(np.sort(rows) for rows in np.split(order, [first, second])))


def fold_rows(n_rows: int, n_folds: int, *, rng: Seed = 0, labels: Array | None = None) -> Array:
    """The fold 0 ... n_folds-1 of each row, all of nearly one size; with `labels` (n_rows,) each class evenly so."""
    check_count("folds", n_folds)
    if n_folds < 2 or n_rows < n_folds:
        raise DataError(
            f"{n_rows} rows cannot be parted into {n_folds} folds. Give 2 folds or more, and fewer than rows."
        )
    shuffled = generator(rng).permutation(n_rows)
    codes = _codes(n_rows, labels)
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    found = np.empty(n_rows, dtype=np.int64)
    found[by_class] = np.arange(n_rows) % n_folds
    return found


def checked_fractions(validation: float, test: float, where: str = "") -> Array:
    """The fractions of training, validation and test, checked; `where` precedes their names in an error."""
    check_fraction(f"{where}validation", validation)
    check_fraction(f"{where}test", test)
    if validation + test > 1 - LEAST_TRAINING:
        needed = "below 1, so that rows to train on are left"
        raise HyperparameterError(f"{where}validation + test", round(validation + test, 6), needed)
    return np.array([1 - validation - test, validation, test])


def _check_enough(n_rows: int, fractions: Array) -> None:
    n_parts = int(np.count_nonzero(fractions))
    if n_rows < n_parts:
        raise DataError(f"{n_rows} rows cannot be parted into {n_parts} parts. Give more rows, or fractions of 0.")


def _codes(n_rows: int, labels: Array | None) -> Array:
    if labels is None:
        return np.zeros(n_rows, dtype=np.int64)
    labels = as_array("labels", labels)
    if labels.shape != (n_rows,):
        raise ShapeError(f"labels have shape {labels.shape}. Give one label for each of {n_rows} rows.")
    return np.unique(labels, return_inverse=True)[1]


def _class_sizes(counts: Array, fractions: Array) -> Array:
    """How many rows of each class go to each part (n_classes, 3).

    First every share is rounded down. The rows left over, fewer than three of each class, are handed out
    one to a part, always to the parts that lack most of their own total. That a table with both sums right
    exists follows from the shares themselves, which are one (integrality of flows); that this order finds it
    is Gale and Ryser (1957).
    """
    ideal = counts[:, np.newaxis] * fractions
    ideal[counts == 1] = (1, 0, 0)
    sizes = np.floor(ideal + 1e-9).astype(np.int64)  # 0.15 · 20 is 3, whatever the last bit says
    sizes[:, 0] = np.maximum(sizes[:, 0], 1)
    wanted = _largest_remainder(ideal.sum(axis=0), int(counts.sum())) - sizes.sum(axis=0)
    for k in np.flatnonzero(sizes.sum(axis=1) < counts):
        remainder = ideal[k] - sizes[k]
        order = np.lexsort((-remainder, -wanted, ideal[k] == 0))  # last key first
        chosen = order[: counts[k] - sizes[k].sum()]
        sizes[k, chosen] += 1
        wanted[chosen] -= 1
    return sizes


def _largest_remainder(ideal: Array, total: int) -> Array:
    """Whole numbers that sum to `total`, each the one below or above the ideal (Hamilton's method)."""
    rounded = np.floor(ideal + 1e-9).astype(np.int64)
    order = np.argsort(rounded - ideal, kind="stable")
    rounded[order[: total - rounded.sum()]] += 1
    return rounded


def _fill_empty(sizes: Array, fractions: Array) -> Array:
    """Give each part that was asked for at least one row, from the class with most rows in training."""
    for part in (1, 2):
        if fractions[part] > 0 and sizes[:, part].sum() == 0:
            largest = np.argmax(sizes[:, 0])
            if sizes[largest, 0] < 2:
                raise DataError(
                    f"{sizes.sum()} rows in {len(sizes)} classes leave none for "
                    f"{Parts._fields[part]} = {fractions[part]:g}. Give more rows, or a fraction of 0."
                )
            sizes[largest] += np.eye(3, dtype=np.int64)[part] - np.eye(3, dtype=np.int64)[0]
    return sizes
