"""Columns of a history: where the numbers are, and what is not kept because it can be computed.

A column grows in place. It is 8 bytes for each number; what is older than some thousands of records is kept in 4 where
that loses nothing. Knows neither instruments nor runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np

from mlp.arrays import Array

BLOCK = 4096
"""So many records are made narrow at once."""

IN_MEMORY = 1 << 27
"""So many bytes of a column's old records are in memory, 1.6 million steps of 20 layers; then a file has them."""


class Column:
    """One quantity over time: 8 bytes for each number, growing in place; 4 in the `old` blocks that are narrow.

    `finish` is applied when it is read, to all but the first `n_finished` records of `values`. `shared`: one value for
    all members of a population.
    """

    finish: Callable[[Any], Any] = staticmethod(np.asarray)
    n_finished: int = 0
    shared: bool = False

    def __init__(self, shape: tuple[int, ...], unit: str, labels: tuple[str, ...]) -> None:
        self.shape, self.unit, self.labels = shape, unit, labels
        self.old: list[Array] = []
        self.steps = array("q")
        self._values = array("d")
        self._gathered: Gathered | None = None

    @property
    def values(self) -> array[float]:
        """The numbers of all records that are not old, one after another."""
        if self._gathered:
            self._gathered.settle()
        return self._values

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: with the records of what was gathered, and without who gathers."""
        return {**vars(self), "_values": self.values, "_gathered": None}

    def put(self) -> Callable[[Any], None]:
        """What appends one record, given in the column's shape; an unboxed sequence if that is flat."""
        values, shape = self.values, self.shape
        if not shape:
            return values.append
        if len(shape) == 1:  # an array as a list first: number by number it takes three times as long
            return lambda value: values.extend(value.tolist() if isinstance(value, np.ndarray) else value)
        return lambda value: values.extend(np.broadcast_to(value, shape).ravel().tolist())

    def gather(self, vector: Array, n: int, summarise: Callable[[Array], list[float]]) -> Callable[[Array], None]:
        """What appends a record later: it copies a vector like `vector`, from which `summarise` makes the record.

        That is done for `n` vectors at once, as rows (n, P), or as many as there are when somebody reads.
        """
        self._gathered = Gathered(self.values, np.empty((n, len(vector)), vector.dtype), summarise)
        return self._gathered

    def finish_with(self, finish: Callable[[Any], Any]) -> None:
        """Apply `finish` to what is recorded from now on. What is there, read from a file say, was finished before."""
        if finish is not self.finish:
            self.values[:] = array("d", self.array(self.n_before).ravel().tolist())
            self.n_finished, self.finish = len(self.steps) - self.n_before, finish

    @property
    def n_before(self) -> int:
        """How many records stand in `old`."""
        return sum(map(len, self.old))

    def array(self, start: int = 0) -> Array:
        """(n_records, *shape), a copy; without the first `start` records."""
        recent = self._recent(max(0, start - self.n_before))
        return recent if start >= self.n_before else np.concatenate([*self.old, recent])[start:]

    def _recent(self, start: int) -> Array:
        """What is not old, without the first `start` records of that."""
        numbers = memoryview(self.values)[start * prod(self.shape) :]
        found = np.array(numbers).reshape(len(self.steps) - self.n_before - start, *self.shape)
        n_finished = max(0, self.n_finished - start)
        if not n_finished:
            return np.asarray(self.finish(found))
        return np.concatenate([found[:n_finished], self.finish(found[n_finished:])])

    def narrow(self) -> None:
        """Move whole blocks of records to `old`. Blocks begin at the same records whenever that is done."""
        while len(self.steps) - self.n_before >= BLOCK:
            block = self._recent(0)[:BLOCK]
            del self.values[: block.size]
            self.n_finished = max(0, self.n_finished - BLOCK)
            self.old.append(_narrowed(block, measured=bool(self.labels)))
            self._spill()

    def _spill(self) -> None:
        """Move what is old to a temporary file that ends with the column, if it is much and the disk has room."""
        kept = [block for block in self.old if isinstance(block, np.memmap)]
        rest = self.old[len(kept) :]
        if sum(block.nbytes for block in rest) < IN_MEMORY:
            return
        import tempfile  # 10 ms, for runs of millions of steps

        whole = np.concatenate(rest)
        with suppress(OSError), tempfile.TemporaryFile(prefix="mlp-") as file:
            file.write(whole.tobytes())
            file.flush()
            self.old = [*kept, np.memmap(file, whole.dtype, "r", 0, whole.shape)]


class Gathered:
    """Vectors whose records are still to be made; called with one, it copies that."""

    __slots__ = ("n", "rows", "summarise", "values")

    def __init__(self, values: array[float], rows: Array, summarise: Callable[[Array], list[float]]) -> None:
        self.values, self.rows, self.summarise, self.n = values, rows, summarise, 0

    def __call__(self, vector: Array) -> None:
        """Take the vector of one more record."""
        self.rows[self.n] = vector
        self.n += 1
        if self.n == len(self.rows):
            self.settle()

    def settle(self) -> None:
        """Make the records of what is there."""
        if self.n:
            self.values.extend(self.summarise(self.rows[: self.n]))
            self.n = 0


@np.errstate(all="ignore")
def _narrowed(block: Array, *, measured: bool) -> Array:
    """The same in float32 if nothing is lost: each number is the same, or one `measured` to no more than 7 digits."""
    narrow = block.astype(np.float32)
    same = (narrow == block) | np.isnan(block)
    if measured:  # a norm, a share: float32 rounds it by 6e-8 of itself; what it has no normal number for stays
        same |= (np.abs(narrow) >= np.finfo(np.float32).tiny) & np.isfinite(narrow)
    return narrow if same.all() else block


class Computed(ABC):
    """A column that is computed when it is read, and costs little or nothing while it is recorded."""

    shape: tuple[int, ...] = ()
    unit: str
    labels: tuple[str, ...] = ()
    shared: bool = False
    steps: array[int]

    @abstractmethod
    def array(self, start: int = 0) -> Array:
        """(n_records, *shape); without the first `start` records."""

    def settled(self) -> Column:
        """What it is now, as a column of its own."""
        found = Column(self.shape, self.unit, self.labels)
        found.shared = self.shared
        found.values.extend(self.array().ravel().tolist())
        found.steps.extend(self.steps)
        return found


class Derived(Computed):
    """The norm of another column over its labels: √Σ‖·‖² over layers, say."""

    def __init__(self, source: Column, unit: str) -> None:
        self.source, self.unit = source, unit

    @property
    def steps(self) -> array[int]:  # type: ignore[override]
        """Those of the other."""
        return self.source.steps

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """The other's without the labels."""
        return self.source.shape[:-1]

    @property
    def shared(self) -> bool:  # type: ignore[override]
        """As the other."""
        return self.source.shared

    def array(self, start: int = 0) -> Array:
        """(n_records, *shape); without the first `start` records."""
        return np.asarray(np.sqrt(np.square(self.source.array(start)).sum(-1)))


class StepNumbers(Computed):
    """The step of each record. Nothing is kept beside `steps`, which every column has."""

    def __init__(self, unit: str) -> None:
        self.unit, self.steps = unit, array("q")

    def array(self, start: int = 0) -> Array:
        """(n_records,); without the first `start` records."""
        return np.array(memoryview(self.steps)[start:], dtype=float)


class Seldom(Computed):
    """A number that stays the same for long: it is kept where it changes. `begins`: the records where it did."""

    def __init__(self, unit: str) -> None:
        self.unit, self.steps = unit, array("q")
        self.values, self.begins = array("d"), array("q")

    def put(self) -> Callable[[Any], None]:
        """What appends one record; its step must be there before."""
        latest: Any = None

        def put(value: Any) -> None:
            nonlocal latest
            if value is not latest and value != latest:  # the same object nearly always: 0.05 µs
                self.begins.append(len(self.steps) - 1)
                self.values.append(value)
            latest = value

        return put

    def array(self, start: int = 0) -> Array:
        """(n_records,); without the first `start` records."""
        place = np.searchsorted(self.begins, np.arange(start, len(self.steps)), "right") - 1
        return np.array(self.values)[place] if len(place) else np.empty(0)
