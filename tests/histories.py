"""Histories typed by hand: a name, a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import mlp

LATE = ("train_", "validation_", "baseline_", "crossed_", "label_noise", "point_")


def typed(**columns: Any) -> mlp.History:
    """A history of columns; {label: number} is one record by label, {label: [numbers]} several, None no column.

    Scores, and what a plain network came to, stand at the last steps, as far as there is a loss; all else at the first.
    """
    given = {name: value for name, value in columns.items() if value is not None}
    values = {name: _records(value) if isinstance(value, dict) else value for name, value in given.items()}
    labels = {name: tuple(value) for name, value in given.items() if isinstance(value, dict)}
    done = len(values.get("loss", ()))
    late = {name: len(value) for name, value in values.items() if name.startswith(LATE) and len(value) < done}
    return mlp.History(values, labels=labels, steps={name: range(done - n, done) for name, n in late.items()})


def _records(by_label: dict[str, Any]) -> np.ndarray:
    columns = np.array(list(by_label.values()), float)
    return columns[None] if columns.ndim == 1 else columns.T
