"""From a source of data to the rows a network trains on.

Loads, checks, parts, encodes and scales. What was learned from the training rows on the way (scaling, categories, names
of the classes) is a `Preprocessing`, saved with the model and applied to everything the model sees later. Data that is
memory-mapped stays so: it is scaled one batch at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data import Column, ColumnRules, Dataset, Encoding, Scaling, apply_labels, check_trainable, load, split
from mlp.data import scale as scalings
from mlp.data.boxed import boxed, exact_array, unboxed
from mlp.data.check import check_numeric
from mlp.data.complaints import found_in, names, quoted
from mlp.data.dataset import as_features, as_target, column_names
from mlp.data.labels import labels_from_json, labels_to_json
from mlp.data.sources import files
from mlp.data.split import checked_fractions
from mlp.errors import ConfigError, DataError, ShapeError
from mlp.experiment.config import Config
from mlp.experiment.given import Given, Source
from mlp.experiment.target import (
    as_values,
    is_one_of_k,
    labels_of,
    name_classes,
    needed_target,
    read_target,
    task_of,
)

BLOCK = 4096  # rows that are scaled and evaluated at once
CELLS = 1 << 22  # of rows that stay on disk, at most as many cells: 16 MB of float32


@dataclass(frozen=True)
class Preprocessing:
    """How raw rows become what the network takes, and its answers what people read.

    `class_labels` (n_classes,) are the classes as the targets held them, in their dtype, `class_names` as text: of a
    table, as its file writes them. `targets` is how numbers to predict are scaled, None where they are not.
    """

    task: str
    feature_names: tuple[str, ...]
    target_name: str
    class_names: tuple[str, ...] | None
    class_labels: Array | None
    n_targets: int
    scaling: Scaling
    encoding: Encoding | None = None
    targets: Scaling | None = None

    def raw(self, X: Any) -> Array:
        """Rows as they were given as numbers (n, n_features), not scaled yet."""
        table = as_array(X, "X")
        n_features = len(self.feature_names)
        columns = self.feature_names
        if self.encoding is not None and table.ndim == 2:
            columns = tuple(column.name for column in self.encoding.columns)
            uncoded = table.shape[1] == len(columns) != n_features  # categories that are numbers
            if uncoded or table.dtype.kind not in "biuf":
                return self.encoding.encode_rows(boxed(X))
        found = as_features(table)
        if found.shape[1] != n_features:
            trained = f"{len(columns)}: {names(columns, 4)}"
            raise ShapeError(f"X has {found.shape[1]} features; the network was trained on {trained}.")
        return found

    def codes(self, y: Any) -> Array:
        """Targets as the network counts them: class codes, or numbers."""
        found = as_target(exact_array(y))
        if self.class_labels is not None and self.class_names is not None:
            if _width(found) == self.n_targets and is_one_of_k(found):
                return np.asarray(found.argmax(1))
            return apply_labels(found, self.class_names, self.class_labels)
        found = unboxed(found)
        if found.dtype.kind in "US":
            raise DataError(f"y holds {found.dtype} values; the network was trained on numbers.")
        if _width(found) != self.n_targets:
            raise ShapeError(f"y has {_width(found)} columns; the network was trained on {self.n_targets}.")
        return as_values(found, self.task)

    def names_of(self, labels: Array) -> list[str]:
        """What classes are called, (n,): as the file with the training rows writes them."""
        assert self.class_labels is not None and self.class_names is not None
        known = dict(zip(self.class_labels.tolist(), self.class_names, strict=True))
        return [known[label] for label in labels.tolist()]

    @property
    def table_encoding(self) -> Encoding:
        """How further tables are read: as the training table was, or by the names of the features."""
        columns = tuple(map(Column, self.feature_names)) if self.encoding is None else self.encoding.columns
        return Encoding(columns, self.target_name, self.class_names if self.task == "classification" else None)

    def to_json(self) -> dict[str, Any]:
        """In lists, dicts and strings."""
        labels, kind = (None, None) if self.class_labels is None else labels_to_json(self.class_labels)
        return {
            "task": self.task,
            "feature_names": list(self.feature_names),
            "target_name": self.target_name,
            "class_names": None if self.class_names is None else list(self.class_names),
            "class_labels": labels,
            "label_kind": kind,
            "n_targets": self.n_targets,
            "scaling": self.scaling.to_json(),
            "encoding": None if self.encoding is None else self.encoding.to_json(),
            "targets": None if self.targets is None else self.targets.to_json(),
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Preprocessing:
        """What `to_json` wrote."""
        return cls(
            saved["task"],
            tuple(saved["feature_names"]),
            saved["target_name"],
            None if saved["class_names"] is None else tuple(saved["class_names"]),
            None if saved["class_labels"] is None else labels_from_json(saved["class_labels"], saved.get("label_kind")),
            saved["n_targets"],
            replace(Scaling.from_json(saved["scaling"]), feature_names=tuple(saved["feature_names"])),
            None if saved["encoding"] is None else Encoding.from_json(saved["encoding"]),
            None if saved.get("targets") is None else Scaling.from_json(saved["targets"]),
        )


@dataclass(frozen=True)
class Part:
    """Rows for one purpose: `rows` of X (None: all), to be scaled on the way by `scaling` (None: they are); and y.

    `weights` (n,) is what each of them counts, None where all count the same.
    """

    X: Array
    y: Array
    rows: Array | None = None
    scaling: Scaling | None = None
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.y)

    def blocks(self, dtype: Any) -> Iterator[Array]:
        """The scaled rows, some thousand at a time, (≤ BLOCK, n_features); fewer of wide ones that stay on disk."""
        size = BLOCK if self.scaling is None else min(BLOCK, max(1, CELLS // self.X.shape[1]))
        for start in range(0, len(self), size):
            yield self.at(slice(start, min(start + size, len(self))), dtype)

    def at(self, chosen: slice | Array, dtype: Any) -> Array:
        """Some of the rows, scaled: those of a slice, or of these numbers within the part."""
        rows = chosen if self.rows is None else self.rows[chosen]
        if self.scaling is None:
            return self.X[rows]
        # the rows are handed on as numbers, so that a complaint names those of X
        numbers = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        return self.scaling.apply(self.X, dtype, numbers)


@dataclass(frozen=True)
class Prepared:
    """Data ready to train on. `about`: the data set it came from. `class_weight` (n_classes,), where it was given."""

    preprocessing: Preprocessing
    train: Part
    validation: Part | None
    test: Part | None
    about: Dataset
    class_weight: Array | None = None

    @property
    def streamed(self) -> bool:
        """Whether X stays on disk."""
        return self.train.scaling is not None


def prepare(config: Config, data: Source, split_rng: np.random.Generator) -> Prepared:
    """Load the configured source, or take `data`; check, part, encode and scale it."""
    dataset = _dataset(config, data)
    fractions = held_out(config, dataset)
    with found_in(config.data.source if data is None else ""):
        given = data if isinstance(data, Given) else None
        prepared = _prepared(config, dataset, fractions, split_rng, given)
    if given is not None and given.validation is not None:
        prepared = replace(prepared, validation=validation_part(given.validation, prepared.preprocessing, config))
    validation, test = (_elsewhere(config, key, prepared.preprocessing) for key in ("validation", "test"))
    return replace(prepared, validation=validation or prepared.validation, test=test or prepared.test)


def validation_part(given: tuple[Array, Array, Array | None], preprocessing: Preprocessing, config: Config) -> Part:
    """Rows (X, y, weights) that were given to validate on."""
    X, y, weights = given
    return replace(further(X, y, preprocessing, np.dtype(config.training.dtype)), weights=weights)


def _prepared(
    config: Config,
    dataset: Dataset,
    fractions: tuple[float, float],
    split_rng: np.random.Generator,
    given: Given | None,
) -> Prepared:
    """What the data set itself comes to; parts in other files are not looked at."""
    weights, known = (None, False) if given is None else (given.weights, given.dataset.class_names is not None)
    task = task_of(dataset, config.data.source, config.data.task)
    dataset = name_classes(dataset) if task == "classification" else dataset
    target = "y" if dataset.encoding is None else f"column {quoted(dataset.target_name)}"
    checked_as = _lenient(task, np.asarray(dataset.y)) if known else task
    check_trainable(dataset.X, dataset.y, checked_as, dataset.feature_names, dataset.class_names, target)
    y, class_names, labels = read_target(dataset, task)
    parts = split(
        len(dataset.X),
        validation=fractions[0],
        test=fractions[1],
        rng=split_rng,
        labels=y if task == "classification" else None,
    )
    scaling = _scaling(config.data.scale, dataset, parts.train, weights)
    n_targets = _width(y) if labels is None else len(labels)
    called = dataset.feature_names, dataset.target_name, class_names
    targets = _target_scaling(config.data.scale_target, task, y, parts.train, weights)
    preprocessing = Preprocessing(task, *called, labels, n_targets, scaling, dataset.encoding, targets)
    dtype = np.dtype(config.training.dtype)
    return Prepared(
        preprocessing,
        _part(dataset.X, y, parts.train, scaling, dtype, weights),
        _some(dataset.X, y, parts.validation, scaling, dtype, weights),
        _official(dataset, preprocessing, dtype) or _some(dataset.X, y, parts.test, scaling, dtype, weights),
        dataset,
        None if given is None else given.class_weight,
    )


def _dataset(config: Config, data: Source) -> Dataset:
    if isinstance(data, Given):
        return data.dataset
    if data is None:
        if not config.data.source:
            raise ConfigError("[data] source is missing: the name of a data set (see mlp data) or the path of a file.")
        rules = ColumnRules(config.data.ignore, config.data.categorical, config.data.task == "classification")
        return load(config.data.source, config.data.target, rules=rules)
    if config.data.ignore or config.data.categorical:
        raise ConfigError("[data] ignore and categorical are for tables in files: leave columns out of X yourself.")
    try:
        X, y = data
    except (TypeError, ValueError):
        raise DataError("data must be a pair (X, y): X (n_samples, n_features), y (n_samples,) or (n, k).") from None
    rows = as_array(X, "X")
    if rows.ndim == 2 and rows.size:
        check_numeric(rows, list(getattr(X, "columns", ())))
    X = as_features(rows)
    return Dataset(X, as_target(exact_array(y)), column_names(X.shape[1]), name="data")


def as_array(values: Any, name: str) -> Array:
    """Lists, or a table of another library, as an array; what it boxed in objects is taken out of them."""
    try:
        found = np.asanyarray(values)
        found = np.array(found.tolist()) if found.dtype.kind == "O" else found
    except ValueError as error:  # rows of different lengths
        raise DataError(f"{name} is no array: {' '.join(str(error).split())}") from None
    if np.ma.is_masked(found):
        raise DataError(f"{name} is masked in places. Fill them, or delete these rows.")
    return found


def _width(y: Array) -> int:
    return 1 if y.ndim == 1 else y.shape[1]


def held_out(config: Config, dataset: Dataset) -> tuple[float, float]:
    """Which fractions to hold out. None where the data is every pattern there is, or has that part already."""
    validation, test = config.data.validation, config.data.test
    if dataset.complete:
        return 0.0, 0.0
    held_validation = 0.0 if isinstance(validation, str) else validation
    held_test = 0.0 if isinstance(test, str) or dataset.test is not None else test
    checked_fractions(held_validation, held_test, "[data] ")
    return held_validation, held_test


def _scaling(name: str, dataset: Dataset, rows: Array, weights: Array | None) -> Scaling:
    """Fitted on the training rows only."""
    if name == "none":
        return scalings.none(dataset.X.shape[1], dataset.feature_names)
    if name == "minmax":
        return scalings.minmax(dataset.X, rows, dataset.feature_names)
    return scalings.standard(dataset.X, rows, dataset.feature_names, _of(weights, rows))


def _of(weights: Array | None, rows: Array) -> Array | None:
    return None if weights is None else weights[rows]


def _target_scaling(name: str, task: str, y: Array, rows: Array, weights: Array | None) -> Scaling | None:
    """Fitted on the training rows only."""
    if name == "none":
        return None
    if task != "regression":
        raise ConfigError(f"[data] scale_target = {name!r} is for numbers, and the task is {task}. Use none.")
    return scalings.standard(y.reshape(len(y), -1), rows, ("y",) * _width(y), _of(weights, rows))


def _part(X: Array, y: Array, rows: Array, scaling: Scaling, dtype: Any, weights: Array | None = None) -> Part:
    largest, limit = np.abs(y[rows]).max(initial=0), np.finfo(dtype).max
    if largest > limit:
        raise DataError(f"y runs to {largest:.3g}, and {dtype} to {limit:.3g}. Rescale y, or compute in float64.")
    if isinstance(X, np.memmap):
        return Part(X, y[rows], rows, scaling, _of(weights, rows))
    return Part(scaling.apply(X, dtype, rows), y[rows], weights=_of(weights, rows))


def _some(X: Array, y: Array, rows: Array, scaling: Scaling, dtype: Any, weights: Array | None = None) -> Part | None:
    return _part(X, y, rows, scaling, dtype, weights) if len(rows) else None


def _official(dataset: Dataset, preprocessing: Preprocessing, dtype: Any) -> Part | None:
    if dataset.test is None:
        return None
    return further(dataset.test[0], labels_of(dataset, dataset.test[1]), preprocessing, dtype)


def _elsewhere(config: Config, key: str, preprocessing: Preprocessing) -> Part | None:
    """The part that stands in a file of its own."""
    path = getattr(config.data, key)
    if not isinstance(path, str):
        return None
    with found_in(f"[data] {key} = {path}"):
        X, y = load_pairs(path, config.data.target, preprocessing)
        return further(preprocessing.raw(X), needed_target(y, path), preprocessing, np.dtype(config.training.dtype))


def files_read(config: Config, given: Any = None) -> list[Path]:
    """The files that are read for an experiment, that of the configuration too if it was `given` as a path."""
    data = config.data
    elsewhere = [part for part in (data.validation, data.test) if isinstance(part, str)]
    found = [files(data.source, data.target), *(files(part, _beside(part, data.target)) for part in elsewhere)]
    written = [Path(given)] if isinstance(given, str | Path) else []
    return [path for paths in (written, *found) for path in paths]


def load_rows(source: str | Path, preprocessing: Preprocessing) -> Array:
    """Raw rows of a source, read the way the training data was; of its official test part, if it has one."""
    dataset = load(source, None, replace(preprocessing.table_encoding, target_name=""))
    return dataset.X if dataset.test is None else dataset.test[0]


def load_pairs(
    source: str | Path, target: str | int | None, preprocessing: Preprocessing
) -> tuple[Array, Array | None]:
    """Those rows and their targets, None if there are none.

    The targets of a .npy lie beside it, under the name that the training `target` has in its own folder.
    """
    dataset = load(source, _beside(source, target), preprocessing.table_encoding)
    X, y = (dataset.X, dataset.y) if dataset.test is None else dataset.test
    if y is not None and preprocessing.class_labels is not None and dataset.class_names == preprocessing.class_names:
        return X, preprocessing.class_labels[y]
    return X, None if y is None else labels_of(dataset, y)


def _beside(source: str | Path, target: str | int | None) -> str | None:
    """The path of the targets that lie beside a .npy; None where there are none."""
    if not isinstance(source, str | os.PathLike):
        return None
    path = Path(source).parent / Path(str(target)).name
    return str(path) if Path(source).suffix.lower() == ".npy" and path.is_file() else None


def are_the_same(one: str, other: str | Path) -> bool:
    """Whether two sources are the same: by name, or as files."""
    return bool(one) and (one == str(other) or (Path(one).exists() and Path(one).resolve() == Path(other).resolve()))


def has_test_part(source: str | Path, preprocessing: Preprocessing) -> bool:
    """Whether a source has an official test part."""
    return load(source, encoding=preprocessing.table_encoding).test is not None


def further(X: Array, y: Any, preprocessing: Preprocessing, dtype: Any) -> Part:
    """More rows for a model that is prepared: checked, encoded and scaled like those it was trained on."""
    codes = preprocessing.codes(y)
    check_trainable(X, codes, _lenient(preprocessing.task, codes), preprocessing.feature_names, None)
    everything = np.arange(len(X))
    return _part(X, codes, everything, preprocessing.scaling, dtype)


def _lenient(task: str, codes: Array) -> str:
    """A test set may hold a single class; then only its numbers are checked."""
    return "regression" if task == "classification" and len(np.unique(codes)) < 2 else task


def display(path: str) -> str:
    """A source as people call it: the name of a data set, or of a file without its folder and ending.

    >>> display("iris"), display("/data/mnist.npz")
    ('iris', 'mnist')
    """
    return Path(path.split(",")[0]).name.split(".")[0] or "data"
