"""Where rows come from: a file, a named data set, or arrays that a caller has in memory.

A pair (X, y) is enough for most. An estimator also knows the classes there will ever be, what each row counts, and
which rows to validate on: it gives `GivenRows`. Here they become a `Dataset`. Nothing is checked for training, parted
or scaled yet.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mlp.arrays import Array, is_masked
from mlp.config import Config
from mlp.config.data import DataConfig
from mlp.data import ColumnRules, Dataset, load
from mlp.data.boxed import exact_array
from mlp.data.check import check_numeric
from mlp.data.columns import fit_encoding
from mlp.data.dataset import as_features, as_target, column_names
from mlp.data.encoding import Policy
from mlp.data.frames import is_frame, read_frame, text_table
from mlp.data.reading import Reading
from mlp.data.sources import files
from mlp.errors import ConfigError, DataError


@dataclass(frozen=True, eq=False)
class GivenRows:
    """Rows in memory and what a caller knows of them beside X and y.

    Where the data set has class names, its rows need not be of two classes: they may be the first of more to come.
    `weights` (n,) is what each row of `dataset` counts, in the scaling of inputs too, and `class_weight` (n_classes,)
    what rows of each class count beside that, in training only: in the loss and in batch norm. `validation` holds rows
    of their own: X, y as labels or numbers and not as codes, and weights or None.
    """

    dataset: Dataset
    weights: Array | None = None
    class_weight: Array | None = None
    validation: tuple[Array, Array, Array | None] | None = None


Source: TypeAlias = Any
"""Where rows come from: a pair (X, y), a frame with the target among its columns, `GivenRows`, of which more is known,
or None for what the configuration names."""


def read_source(config: Config, given: Source) -> Dataset:
    """The data set that the configuration names, or that was given."""
    if isinstance(given, GivenRows):
        return given.dataset
    if given is None:
        if not config.data.source:
            raise ConfigError("[data] source is missing: the name of a data set (see mlp data) or the path of a file.")
        return load(config.data.source, config.data.target, rules=column_rules(config.data))
    if is_frame(given):
        return load(given, config.data.target, rules=column_rules(config.data))
    rules = column_rules(config.data)
    if isinstance(given, tuple | list) and len(given) == 2 and text_table(given[0]) is not None:
        return _read_frame_pair(given[0], given[1], rules)
    if rules.is_for_tables:
        raise ConfigError(
            "[data] ignore, categorical and numeric are for tables in files and for frames: leave columns out of X."
        )
    return _read_pair(given)


def column_rules(data: DataConfig) -> ColumnRules:
    """What the section [data] says of the columns of a table."""
    encoding, separator, decimal = (
        "" if given == "auto" else given for given in (data.encoding, data.separator, data.decimal)
    )
    reading = Reading(encoding, separator, data.header, data.comment)
    policy = Policy(data.missing, data.unseen, decimal, reading)
    return ColumnRules(
        data.ignore, data.categorical, data.task == "classification", data.numeric, data.group, data.time, policy
    )


def _read_frame_pair(X: Any, y: Any, rules: ColumnRules) -> Dataset:
    """A pair of a frame, some of whose columns hold words, and its targets."""
    table, target = read_frame(X, "X"), as_target(exact_array(y))
    if len(target) != len(table.lines):
        raise DataError(f"X has {len(table.lines)} rows, and y has {len(target)}. Each row needs its target.")
    rules.check(table)
    kept, encoding, rows = fit_encoding(table, (), rules)
    return Dataset(rows, target[kept.lines], encoding.feature_names, "y", encoding=encoding, name="data")


def _read_pair(given: Any) -> Dataset:
    """A pair (X, y) of arrays, lists or tables of other libraries."""
    try:
        X, y = given
    except (TypeError, ValueError):
        raise DataError(
            "data must be a pair (X, y), X (n_samples, n_features) and y (n_samples,) or (n, k), or a frame."
        ) from None
    rows = as_plain_array(X, "X")
    if rows.ndim == 2 and rows.size:
        check_numeric(rows, list(getattr(X, "columns", ())))
    X = as_features(rows)
    return Dataset(X, as_target(exact_array(y)), column_names(X.shape[1]), name="data")


def as_plain_array(values: Any, name: str) -> Array:
    """Lists, or a table of another library, as an array. What it has boxed in objects is taken out of them."""
    try:
        found = np.asanyarray(values)
        found = np.array(found.tolist()) if found.dtype.kind == "O" else found
    except ValueError as error:  # rows of different lengths
        raise DataError(f"{name} is no array: {' '.join(str(error).split())}") from None
    if is_masked(found):
        raise DataError(f"{name} is masked in places. Fill them, or delete these rows.")
    return found


def files_read(config: Config, config_path: Any = None) -> list[Path]:
    """The files that are read for an experiment, also that of the configuration if it was given as a path."""
    data = config.data
    elsewhere = [part for part in (data.validation, data.test) if isinstance(part, str)]
    found = [files(data.source, data.target), *(files(part, target_beside(part, data.target)) for part in elsewhere)]
    written = [Path(config_path)] if isinstance(config_path, str | Path) else []
    return [path for paths in (written, *found) for path in paths]


def target_beside(source: Any, target: Any) -> str | None:
    """The path of the targets that lie beside a .npy, called as those of the training rows; None without any."""
    if not isinstance(source, str | os.PathLike):
        return None
    path = Path(source).parent / Path(str(target)).name
    return str(path) if Path(source).suffix.lower() == ".npy" and path.is_file() else None


def is_same_source(one: str, other: Any) -> bool:
    """Whether two sources are the same: by name, or as files."""
    if not isinstance(other, str | os.PathLike):
        return False
    return bool(one) and (one == str(other) or (Path(one).exists() and Path(one).resolve() == Path(other).resolve()))


def short_name(source: str) -> str:
    """A source as people call it: the name of a data set, or of a file without its folder and ending.

    >>> short_name("iris"), short_name("/data/mnist.npz")
    ('iris', 'mnist')
    """
    return Path(source.split(",")[0]).name.split(".")[0] or "data"
