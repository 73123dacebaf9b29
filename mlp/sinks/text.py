r"""Logs that are text: CSV and JSON lines.

Lines are appended while all goes on as it began. Where a column is new, or something is said of an earlier step, the
file is written anew, under a temporary name first: whoever reads it finds it whole.
"""

from __future__ import annotations

import csv
import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from mlp.history import History
from mlp.sinks.output import Output
from mlp.sinks.rows import Row, Rows
from mlp.storage.atomic import replacing


class TextLog(ABC):
    """A history as lines of a file.

    The file is there at once, so that a path that cannot be is known before the training; what stood in it stays until
    there is something to write.
    """

    def __init__(self, path: str | os.PathLike[str], history: History) -> None:
        self.path, self.history = Path(path), history
        self.rows, self.names, self.last, self.begun = Rows(history), list[str](), -1, False
        self.made = not self.path.exists()
        self.file = Output(self.path)

    @abstractmethod
    def head(self, names: Sequence[str]) -> str:
        """What stands above the rows."""

    @abstractmethod
    def line(self, step: int, row: Row, names: Sequence[str]) -> str:
        """One row."""

    def update(self, *, final: bool = False) -> None:
        """Write what was recorded since this was last called; the latest step only when `final`."""
        rows, names = self.rows.news(final=final), self.rows.names()
        if not rows and (self.begun or not final):
            return
        if not self.begun or self.head(names) != self.head(self.names) or min(rows) <= self.last:
            self._anew(names, final)
        else:
            self.file.append(self._lines(rows).encode())
        self.last = max([self.last, *rows])

    def close(self) -> None:
        """Write the rest."""
        try:
            self.update(final=True)
        finally:
            self.file.close()

    def abandon(self) -> None:
        """Leave no trace of what was only opened."""
        self.file.close()
        if self.made and not self.begun:
            self.path.unlink()

    def _anew(self, names: list[str], final: bool) -> None:
        """The whole file again, to go on with; a pipe is told the whole again."""
        self.rows, self.names = Rows(self.history), names
        text = self.head(names) + self._lines(self.rows.news(final=final))
        if self.file.is_stream:
            self.file.append(text.encode())
        else:
            with replacing(self.path, "w") as file:
                file.write(text)
                self.file.close()  # before another takes its place
            self.file = Output(self.path)
        self.begun = True

    def _lines(self, rows: dict[int, Row]) -> str:
        return "".join(self.line(step, row, self.names) for step, row in rows.items())


class CSVLog(TextLog):
    """A table: `step`, then a column for each name; empty where nothing was recorded."""

    def head(self, names: Sequence[str]) -> str:
        """The names."""
        return _cells(["step", *names])

    def line(self, step: int, row: Row, names: Sequence[str]) -> str:
        """All digits that there are."""
        return _cells([step, *(row.get(name, "") for name in names)])


class JSONLog(TextLog):
    """An object for each step: `{"step": 0, "loss": 0.7}`. NaN and infinities are null; what is missing is missing."""

    def head(self, names: Sequence[str]) -> str:
        """Nothing: every line has its own names."""
        return ""

    def line(self, step: int, row: Row, names: Sequence[str]) -> str:
        """Only what was recorded."""
        return json.dumps({"step": step} | {k: v if isfinite(v) else None for k, v in row.items()}) + "\n"


def _cells(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
