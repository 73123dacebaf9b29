"""What prepared rows know that they should not: training rows that stand elsewhere, columns that know too much.

Facts only, read from arrays before anything is trained; who judges them is `diagnosis`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.order import is_dense, neighbour_gap
from mlp.preprocessing.data_facts import Fact, expected_twins, hash_rows, order_share
from mlp.preprocessing.prepare import Prepared
from mlp.preprocessing.preprocessing import BLOCK, Part, Preprocessing

LOOKED_THROUGH = 1024  # training rows in which columns are looked at
BINS = 32  # pieces into which a column is cut to see what each says of the class
REPEATS = 5  # rows of a class that was seen before; fewer may stand together by chance
ID_SPAN = 5  # an identifier takes at most so many times as many whole numbers as there are rows


def leak_facts(prepared: Prepared, X: Array) -> Iterator[Fact]:
    """The facts about prepared data whose first training rows, scaled, are X (n, n_in). The test part is not seen."""
    if prepared.validation is not None:
        yield from shared_rows(prepared.validation, X, "leaked_rows")
        yield from drifted_inputs(prepared.validation, prepared.preprocessing, "drifted_inputs")
    yield from _column_facts(prepared, X[:LOOKED_THROUGH])


def shared_rows(part: Part, X: Array, name: str) -> Iterator[Fact]:
    """The share of a part's rows that stand among training rows X too, where there are any."""
    share = float(is_among_known_rows(part, hash_rows(X), X.dtype).mean())
    if share > 0:
        yield Fact(name, share)
        yield Fact("expected_twins", expected_twins(X))


def drifted_inputs(part: Part, preprocessing: Preprocessing, name: str) -> Iterator[Fact]:
    """The columns of a part that are far off, said in words: by how many ranges, or 1 within what was learned."""
    if preprocessing.learned is not None:
        raw = preprocessing.scaling.undo(part.first(BLOCK, np.float64).X)[:, : len(preprocessing.feature_names)]
        found = preprocessing.learned.find_drift(raw, preprocessing.feature_names)
        if found:
            yield Fact(name, [drift.beyond or 1.0 for drift in found], tuple(map(str, found)))


def is_among_known_rows(part: Part, known: Array, dtype: np.dtype[Any]) -> Array:
    """Which of the first rows of a part have the hash of a known one, (n,)."""
    blocks = list(islice(part.blocks(dtype), 1 + 4 * LOOKED_THROUGH // BLOCK))
    return np.isin(np.concatenate([hash_rows(block) for block in blocks]), known)


def _column_facts(prepared: Prepared, X: Array) -> Iterator[Fact]:
    """Columns that copy the target, tell all classes alone, or number the rows; and whether targets are ordered."""
    y, task = prepared.train.y[: len(X)], prepared.preprocessing.task
    if y.ndim != 1 or len(X) < 20:
        return
    raw = prepared.preprocessing.scaling.undo(X)
    names, filled = prepared.preprocessing.feature_names, prepared.preprocessing.imputation
    names = names if filled is None else filled.names(names)  # columns that mark missing cells are inputs too
    names = names or tuple(f"x{i}" for i in range(X.shape[1]))
    if X.shape[1] > 1:
        copies, telling = (
            (copy_numbers(raw, y), None) if task == "regression" else find_columns_that_reveal_target(raw, y)
        )
        yield Fact("target_copies", copies, names)
        if telling is not None:
            yield Fact("telling_columns", telling, names)
        numbered = number_rows(raw)
        yield Fact("identifiers", numbered, names)
        if task == "classification" and numbered.any():
            follows = [order_share(y[np.argsort(column, kind="stable")]) for column in raw[:, numbered > 0].T]
            yield Fact("identifier_order", max(follows))
    values = whole_values(prepared, y)
    if values is not None and (task != "classification" or is_dense(np.unique(values))):
        yield Fact("distinct_targets", len(np.unique(values)))
        yield Fact("neighbour_gap", neighbour_gap(X, values))


def copy_numbers(X: Array, y: Array) -> Array:
    """1 for each column that holds the target itself, but for rounding, else 0."""
    spread = float(np.std(y)) or 1.0
    return np.asarray((np.abs(X - y[:, None]) <= 1e-5 * spread).all(0), float)


def find_columns_that_reveal_target(X: Array, y: Array) -> tuple[Array, Array]:
    """Columns with one value of its own for each class; and columns that alone tell all classes by thresholds.

    The second counts only where no other column does nearly as well: classes that lie far apart are no leak. Neither is
    told where hardly a class comes twice: every column of different values has one of its own for each of them then.
    """
    n_classes = len(np.unique(y))
    if len(y) - n_classes < REPEATS:
        return np.zeros(X.shape[1]), np.zeros(X.shape[1])
    order = np.argsort(X, axis=0, kind="stable")
    sorted_X, sorted_y = np.take_along_axis(X, order, 0), y[order]
    steps = np.diff(sorted_X, axis=0) > 0
    changes = np.diff(sorted_y, axis=0) != 0
    tells = (changes.sum(0) == n_classes - 1) & ~(changes & ~steps).any(0)
    copies = tells & (steps.sum(0) == n_classes - 1)
    score = _purity(sorted_y, n_classes)
    if tells.sum() != 1 or np.sort(score)[-2] > 0.9:
        tells = copies
    return copies.astype(float), tells.astype(float)


def _purity(sorted_y: Array, n_classes: int) -> Array:
    """By column, the share of rows that have the most frequent class of their piece of the column."""
    pieces = np.array_split(sorted_y, min(BINS, max(2, len(sorted_y) // 10)))
    best = [(piece[:, :, None] == np.arange(n_classes)).sum(0).max(1) for piece in pieces]
    return np.asarray(np.sum(best, axis=0) / len(sorted_y))


def number_rows(X: Array) -> Array:
    """1 for each column of whole numbers that are all different and lie close together, as those do that count rows."""
    whole = np.round(X)
    is_whole = (np.abs(X - whole) < 0.02).all(0)
    is_close = np.ptp(whole, axis=0) <= ID_SPAN * len(X)
    is_distinct = np.array([len(np.unique(column)) == len(column) for column in whole.T])
    return np.asarray(is_whole & is_close & is_distinct, float)


def whole_values(prepared: Prepared, y: Array) -> Array | None:
    """Targets as the whole numbers that they were given as; None where they are none, or fewer than three."""
    labels = prepared.preprocessing.class_labels
    if prepared.preprocessing.task == "classification":
        if labels is None or labels.dtype.kind not in "iuf":
            return None
        y = labels[y].astype(np.float64)
    if prepared.preprocessing.task == "multilabel" or (y != np.round(y)).any():
        return None
    return y if len(np.unique(y)) > 2 else None
