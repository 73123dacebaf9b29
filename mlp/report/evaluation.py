"""What an appraisal says, as tables for a terminal. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.complaints import counted
from mlp.model import Appraisal
from mlp.report.text import figure

WIDEST = 12  # classes whose confusion matrix fits a terminal
LONGEST = 18  # letters of a class's name
SHOWN = 10  # confusions that are listed where the matrix does not fit


def evaluation(found: Appraisal, trained_on: int) -> str:
    """Metrics, then what is known of each class, then which class was taken for which.

    `trained_on`: how many of the rows the run was trained on.
    """
    width = max(map(len, found.metrics)) + 2
    lines = [f"{name:{width}}{_known(value):>10}" for name, value in found.metrics.items()]
    known = f", {trained_on} of them trained on" if trained_on else ""
    return "\n".join([*lines, counted(found.rows, "row") + known, *_classes(found), *_confusion(found)])


def _known(value: float) -> str:
    return "undefined" if isnan(value) else figure(value)


def _classes(found: Appraisal) -> Iterator[str]:
    """A row for each class."""
    if found.by_class is None or found.aucs is None:
        return
    labels = _short(found.class_names)
    width = max(map(len, ["class", *labels])) + 2
    yield f"\n{'class':{width}}" + "".join(f"{name:>11}" for name in ("precision", "recall", "f1", "auc", "rows"))
    columns = (*found.by_class[:3], found.aucs)
    for i, label in enumerate(labels):
        cells = "".join(f"{_cell(column[i]):>11}" for column in columns)
        yield f"{label:{width}}{cells}{found.by_class.support[i]:>11}"


def _cell(value: Any) -> str:
    """A score; a dash where it is undefined: the precision of a class that is never answered."""
    return "-" if isnan(value) else f"{value:.4f}"


def _confusion(found: Appraisal) -> Iterator[str]:
    """The matrix, or of many classes those that are most often confused."""
    if found.confusion is None:
        return
    if len(found.confusion) > WIDEST:
        yield from _commonest(found.confusion, found.class_names)
        return
    labels = _short(found.class_names)
    width = max(map(len, ["truth", *labels])) + 2
    cell = max(len(str(found.confusion.max())), *map(len, labels)) + 2
    yield f"\n{'truth':{width}}{'answers':>{cell}}"
    yield " " * width + "".join(f"{label:>{cell}}" for label in labels)
    for label, row in zip(labels, found.confusion, strict=True):
        yield f"{label:{width}}" + "".join(f"{count:>{cell}}" for count in row)


def _commonest(matrix: Array, names: Sequence[str]) -> Iterator[str]:
    """The most frequent mistakes, a line each."""
    mistakes = matrix * (1 - np.eye(len(matrix), dtype=int))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:SHOWN]
    yield f"\nmost often confused, of {len(matrix)} classes (all of them: --json)"
    for i, j in zip(*np.unravel_index(order, matrix.shape), strict=True):
        if mistakes[i, j]:
            yield f"{mistakes[i, j]:6}  {names[i]} taken for {names[j]}"


def _short(names: Sequence[str]) -> list[str]:
    """Names that are not too long for a table."""
    return [name if len(name) <= LONGEST else name[: LONGEST - 1] + "…" for name in names]
