"""A history as rows: one for each step at which anything was recorded.

A column of several numbers becomes a column for each: `grad_norm_by_layer/dense1`. What a step has no record of is not
in its row. Facts of the start (how wide the data is, say) are one record at step 0: beside curves they are left out;
`history.npz` has them. Knows no files.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from mlp.history import History

Row: TypeAlias = dict[str, float]
"""What was recorded at one step, by name."""


class Rows:
    """The rows of a history that may still grow: `news` gives those that were not given before."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._given: Counter[str] = Counter()

    def names(self) -> list[str]:
        """Every name that a row may have by now, in the order of the history; `step` is not among them."""
        return [name for column in self.history.curves() for name in self.history.parts(column)]

    def news(self, *, final: bool = False) -> dict[int, Row]:
        """Rows by step, in order. More may yet be said of the latest step: unless `final`, it waits."""
        found: dict[int, Row] = {}
        columns = self.history.curves()
        last = max(map(self.history.last_step, columns), default=0)
        for column in columns:
            steps, values = self.history.since(column, self._given[column])
            n = len(steps) if final else int((steps < last).sum())
            self._given[column] += n
            parts = self.history.parts(column)
            for step, numbers in zip(
                steps[:n].tolist(), values.reshape(len(steps), len(parts))[:n].tolist(), strict=True
            ):
                found.setdefault(step, {}).update(zip(parts, numbers, strict=True))
        return dict(sorted(found.items()))
