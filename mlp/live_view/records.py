"""What is new in a history, as copies that another thread may keep.

A history may only be read by the thread that writes it: an array that is looked at cannot grow meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.history import History


class Records(NamedTuple):
    """Records of the column `name`: `steps` (n,) and `values` (n, *shape). `shared`: of all members alike."""

    name: str
    shape: tuple[int, ...]
    unit: str
    labels: tuple[str, ...]
    shared: bool
    steps: Array
    values: Array


class NewRecords:
    """What of a history was not taken yet."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._taken: dict[str, int] = {}

    def take(self) -> list[Records]:
        """Copies of all records that are new, in the thread that writes the history."""
        found = []
        for name in self._history:
            start = self._taken.get(name, 0)
            steps, values = self._history.since(name, start)
            if len(steps):
                self._taken[name] = start + len(steps)
                found.append(Records(name, *self._history.describe(name), steps, values))
        return found


def add_records(history: History, records: Iterable[Records]) -> None:
    """Append records to another history, bit for bit."""
    for name, shape, unit, labels, shared, steps, values in records:
        column = history.column(name, shape, unit, labels)
        column.shared = shared
        column.values.frombytes(np.ascontiguousarray(values, np.float64).tobytes())
        column.steps.frombytes(np.ascontiguousarray(steps, np.int64).tobytes())
    history.narrow()
