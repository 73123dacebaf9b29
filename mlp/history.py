"""What was recorded: columns of numbers by name.

A `History` is filled by a recorder, read from a file, or typed by hand; who judges a run reads nothing else. It knows
no networks. Columns may have records at different steps: a loss at each, a validation accuracy once an epoch.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import IO, Any

import numpy as np

from mlp.arrays import Array, as_array
from mlp.errors import FileFormatError, HyperparameterError, ShapeError, UnknownNameError, check_kind
from mlp.history_columns import Column, Derived, Seldom, StepNumbers
from mlp.storage import archive
from mlp.storage.atomic import writing
from mlp.storage.permission import as_path
from mlp.storage.schema import COLUMNS, check

FORMAT = 1
RENAMED = {
    "yardstick_train_accuracy": "baseline_train_accuracy",
    "yardstick_train_r2": "baseline_train_r2",
    "yardstick_validation_accuracy": "baseline_validation_accuracy",
    "yardstick_validation_r2": "baseline_validation_r2",
}
"""What columns are called today that had another name in version 0.1.0. They are renamed when a history is read."""


class History(Mapping[str, Array]):
    """Columns by name: `history["loss"]` is (n_records,), `history["grad_norm_by_layer"]` is (n_records, n_layers).

    >>> history = History({"loss": [0.7, 0.5, 0.4]})
    >>> history["loss"][-1], history.steps("loss")
    (np.float64(0.4), array([0, 1, 2]))
    """

    def __init__(
        self,
        columns: Mapping[str, Any] | None = None,
        *,
        steps: Mapping[str, Sequence[int]] | None = None,
        labels: Mapping[str, tuple[str, ...]] | None = None,
        units: Mapping[str, str] | None = None,
    ) -> None:
        self._columns: dict[str, Column | Derived | Seldom | StepNumbers] = {}
        for what, by_name in {"columns": columns, "steps": steps, "labels": labels, "units": units}.items():
            check_kind(what, by_name, Mapping | None, "a dict by the names of columns: {'loss': [0.7, 0.5]}")
        for name, given in (columns or {}).items():
            try:
                values = np.asarray(given, dtype=float)
            except (TypeError, ValueError):
                raise ShapeError(f"column {name!r} must hold numbers, as many in each record.") from None
            if values.ndim == 0:
                raise ShapeError(f"column {name!r} is a single number; give one for each record: [0.7, 0.5].")
            when = (steps or {}).get(name, range(len(values)))
            if len(when) != len(values):
                raise ShapeError(f"column {name!r} has {len(values)} records and {len(when)} steps.")
            column = self.column(name, values.shape[1:], (units or {}).get(name, ""), (labels or {}).get(name, ()))
            column.values.extend(values.ravel().tolist())
            column.steps.extend(int(step) for step in when)

    def column(self, name: str, shape: tuple[int, ...] = (), unit: str = "", labels: tuple[str, ...] = ()) -> Column:
        """The column of that name, made if it is new."""
        column = self._columns.get(name) if isinstance(name, str) else None
        if column is None:
            _check_column(name, shape, unit, labels)
            column = self._columns[name] = Column(shape, unit, labels)
        elif not isinstance(column, Column):  # whoever writes to it makes it a column of its own
            column = self._columns[name] = column.settled()
        return column

    def column_of_changes(self, name: str, unit: str = "") -> Column | Seldom:
        """The column of that name; a new one keeps a number only where it is another than before."""
        if name not in self._columns:
            self._columns[name] = Seldom(unit)
        column = self._columns[name]
        return column if isinstance(column, Seldom) else self.column(name)

    def number_steps(self, name: str, unit: str = "") -> Column | StepNumbers:
        """The column of that name; a new one says the step of each record, and keeps nothing else."""
        if name not in self._columns:
            self._columns[name] = StepNumbers(unit)
        column = self._columns[name]
        return column if isinstance(column, StepNumbers) else self.column(name)

    def narrow(self) -> None:
        """Keep what is old in float32 where that loses nothing. Who records calls this now and then."""
        for column in self._columns.values():
            if isinstance(column, Column):
                column.narrow()

    def derive(self, name: str, source: str, unit: str = "") -> None:
        """Let the column `name` be the norm of the column `source` over its labels, computed when it is read."""
        column = self._known(source)
        if not isinstance(column, Column) or not column.shape:
            raise ShapeError(f"column {source!r} is a single number in each record; it has no norm over labels.")
        self._columns[name] = Derived(column, unit)

    def append(self, name: str, value: Any, step: int, *, unit: str = "") -> None:
        """Record one number, or one array of the column's shape."""
        values = as_array("value", value)
        if values.dtype.kind not in "fiub":
            raise HyperparameterError("value", value, "a number, or an array of the shape of the column")
        if isinstance(step, bool) or not isinstance(step, int | np.integer):
            raise HyperparameterError("step", step, "a whole number: the step it belongs to")
        column = self.column(name, values.shape, unit)
        if values.shape != column.shape:
            raise ShapeError(f"column {name!r} holds {column.shape} for each record; given was {values.shape}.")
        column.values.extend(values.ravel().tolist())
        column.steps.append(int(step))

    def __getitem__(self, name: str) -> Array:
        return self._known(name).array()

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __repr__(self) -> str:
        return "History(" + ", ".join(f"{k}: {len(c.steps)}" for k, c in self._columns.items()) + ")"

    def _repr_html_(self) -> str:
        """For notebooks: the loss as a curve, and a row for each column."""
        from mlp.page import fragments  # 4 ms, for notebooks only

        curve = ""
        if "loss" in self and not self.shape("loss"):
            curve = fragments.draw_curve(self.steps("loss"), self["loss"], "loss")
        rows = [
            [name, len(column.steps), f"{column.array()[-1]:.4g}" if len(column.steps) and not column.shape else "",
             column.unit, ", ".join(column.labels[:4]) + (", ..." if len(column.labels) > 4 else "")]
            for name, column in self._columns.items()
        ]  # fmt: skip
        return curve + fragments.table(["column", "records", "latest", "unit", "labels"], rows)

    def steps(self, name: str) -> Array:
        """The step of each record of a column, (n_records,)."""
        return np.array(self._known(name).steps, dtype=np.int64)

    def since(self, name: str, start: int) -> tuple[Array, Array]:
        """Steps and values of a column without its first `start` records: what is new, without a look at the rest."""
        column = self._known(name)
        return np.array(memoryview(column.steps)[start:]), column.array(start)

    def last_step(self, name: str) -> int:
        """The step of the latest record of a column; -1 where there is none."""
        steps = self._known(name).steps
        return steps[-1] if steps else -1

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of one record of a column: () for a single number."""
        return self._known(name).shape

    def unit(self, name: str) -> str:
        """What one of it is; "" for a plain number."""
        return self._known(name).unit

    def labels(self, name: str) -> tuple[str, ...]:
        """What the columns of a column are: the names of layers, say; () for a single number."""
        return self._known(name).labels

    def describe(self, name: str) -> tuple[tuple[int, ...], str, tuple[str, ...], bool]:
        """Shape, unit and labels of a column, and whether one record is of all members of a population."""
        column = self._known(name)
        return column.shape, column.unit, column.labels, column.shared

    def curves(self) -> list[str]:
        """The columns that are more than a fact of the start. Of a history of one step all are."""
        named = [name for name in self if name != "step"]
        return [name for name in named if self.last_step(name) > 0] or named

    def parts(self, name: str) -> list[str]:
        """The name of each number in a record of a column: `grad_norm_by_layer/dense1`, or the column's own."""
        shape, labels = self.shape(name), self.labels(name)
        axes: list[Any] = [range(size) for size in shape]
        if labels and len(labels) == (shape or (0,))[-1]:
            axes[-1] = labels
        return ["/".join(map(str, (name, *place))) for place in product(*axes)]

    def table(self) -> dict[str, Array]:
        """All curves as columns of one length: a row for each step at which anything was recorded, NaN for the rest.

        It is what `pandas.DataFrame` and `polars.DataFrame` take. Facts of the start are left out.

        >>> History({"loss": [0.7, 0.5, 0.4], "epoch_loss": [0.5]}, steps={"epoch_loss": [2]}).table()["epoch_loss"]
        array([nan, nan, 0.5])
        """
        columns = {name: (self.steps(name), self[name]) for name in self.curves()}
        steps = np.unique(np.concatenate([s for s, _ in columns.values()] or [np.empty(0, np.int64)]))
        found: dict[str, Array] = {"step": steps}
        for name, (own, values) in columns.items():
            parts = self.parts(name)
            filled = np.full((len(parts), len(steps)), np.nan)
            filled[:, np.searchsorted(steps, own)] = values.reshape(len(own), len(parts)).T
            found |= zip(parts, filled, strict=True)
        return found

    def member(self, index: int, population: tuple[int, ...]) -> History:
        """The history of one member of a population (R,); what all members share stays as it is."""
        found = History()
        for name, column in self._columns.items():
            of_members = not column.shared and column.shape[: len(population)] == population
            values = column.array()[:, index] if of_members else column.array()
            mine = found.column(name, values.shape[1:], column.unit, column.labels)
            mine.shared = column.shared
            mine.values.extend(values.ravel().tolist())
            mine.steps.extend(column.steps)
        return found

    def until(self, step: int) -> History:
        """What had been recorded after that step: the records of it and of those before."""
        check_kind("step", step, int | np.integer, "a whole number")
        found = History()
        for name, column in self._columns.items():
            n = bisect_right(column.steps, step)
            if n:
                mine = found.column(name, column.shape, column.unit, column.labels)
                mine.values.extend(column.array()[:n].ravel().tolist())
                mine.steps.extend(column.steps[:n])
                mine.shared = column.shared
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an .npz; a file at `path` is replaced when all is written."""
        with writing(as_path("path", path)) as file:
            self.write_into(file)

    def write_into(self, file: IO[bytes]) -> None:
        """Write an .npz into an open file."""
        about, arrays = self.packed()
        archive.write_into(file, {"format": FORMAT, "columns": about}, arrays, compressed=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> History:
        """Read what `save` wrote."""
        place = as_path("path", path)
        try:
            found = archive.read(place, compressed=True)
            return cls.unpacked(found.about["columns"], found.arrays)
        except FileNotFoundError:
            raise FileFormatError(f"{path}: there is no such file; a history is written as history.npz.") from None
        except FileFormatError as error:
            raise FileFormatError(f"{path}: not a history that mlp wrote: {error}.") from None
        except MemoryError:
            raise
        except Exception as error:  # zipfile, zlib, json, ast and NumPy have a dozen kinds of errors for damaged bytes
            raise FileFormatError(f"{path}: not a history that mlp wrote ({type(error).__name__}).") from None

    def packed(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What is to be known of each column, and the arrays of all of them by name."""
        columns = self._columns.items()
        about = {name: {"unit": c.unit, "labels": list(c.labels), "shared": c.shared} for name, c in columns}
        arrays = {f"values/{name}": c.array() for name, c in columns}
        return about, arrays | {f"steps/{name}": np.array(c.steps, dtype=np.int64) for name, c in columns}

    def seal(self) -> str:
        """SHA-256 of everything in it."""
        return archive.seal(*self.packed())

    @classmethod
    def unpacked(cls, about: Mapping[str, Any], arrays: Mapping[str, Array]) -> History:
        """The history that `packed` took apart, in this version or an earlier one."""
        check(about, COLUMNS, "columns")
        names = {name: RENAMED.get(name, name) for name in about}
        found = cls(
            {new: arrays[f"values/{name}"] for name, new in names.items()},
            steps={new: arrays[f"steps/{name}"].tolist() for name, new in names.items()},
            labels={new: tuple(about[name]["labels"]) for name, new in names.items()},
            units={new: about[name]["unit"] for name, new in names.items()},
        )
        for name, new in names.items():
            labels, shape = found.labels(new), found.shape(new)
            if labels and len(labels) not in shape:
                raise FileFormatError(f"column {name!r} has {len(labels)} labels for records of the shape {shape}")
            found.column(new).shared = about[name].get("shared", False)
        return found

    def _known(self, name: str) -> Column | Derived | Seldom | StepNumbers:
        if not isinstance(name, str) or name not in self._columns:
            raise UnknownNameError("column in this history:", name, self._columns)
        return self._columns[name]


def _check_column(name: Any, shape: Any, unit: Any, labels: Any) -> None:
    """Refuse what is no column."""
    check_kind("name", name, str, "the name of a column: 'loss'")
    check_kind("unit", unit, str, "text")
    if not isinstance(shape, tuple) or not all(isinstance(n, int | np.integer) and n >= 0 for n in shape):
        raise HyperparameterError("shape", shape, "the shape of one record: () for a single number")
    if not isinstance(labels, tuple | list) or not all(isinstance(label, str) for label in labels):
        raise HyperparameterError("labels", labels, "a tuple of names, one for each number; () for a single number")
