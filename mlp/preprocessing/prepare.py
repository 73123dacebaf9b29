"""From a source of data to the rows a network trains on.

Loads, checks, parts, encodes and scales. What is learned on the way is learned from the training rows only. The same is
done to more rows for a network that was trained before: they are scaled as the first ones were.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.config import Config
from mlp.data import Dataset, Parts, Scaling, check_trainable, split
from mlp.data import scale as scalings
from mlp.data.blocks import row_blocks, selected
from mlp.data.complaints import found_in, quoted
from mlp.data.impute import Imputation, fit_imputation, rows_with_all
from mlp.data.split import checked_fractions, fold_rows, split_groups, split_in_time
from mlp.errors import ConfigError, DataError
from mlp.preprocessing.drift import learn_ranges
from mlp.preprocessing.preprocessing import Part, Preprocessing, lenient_task, make_part
from mlp.preprocessing.source import GivenRows, Source, read_source
from mlp.preprocessing.target import decode_labels, n_columns, name_classes, read_target, require_target, resolve_task

CELLS = 1 << 24  # of a part that its fingerprint reads
SPLIT = 0
"""The place of the generator that parts the rows, in the tree that grows from the seed."""


@dataclass(frozen=True)
class Prepared:
    """Data ready to train on. `dataset`: what it came from. `class_weight` (n_classes,), where it was given."""

    preprocessing: Preprocessing
    train: Part
    validation: Part | None
    test: Part | None
    dataset: Dataset
    class_weight: Array | None = None

    def row_weights(self, class_weight: str) -> Array | None:
        """What each training row counts, (n,); None where all count the same.

        `class_weight`: "balanced", or anything else for none. Weights of classes that were given come before that.
        """
        part = self.train
        if self.class_weight is not None:
            factors = self.class_weight[part.y]
            return factors if part.weights is None else part.weights * factors
        return balance(part.y, part.weights) if class_weight == "balanced" else part.weights


def balance(y: Array, weights: Array | None = None) -> Array:
    """N / (n_classes · n_c) for a row of class c: every class weighs the same in sum, and the mean weight is 1.

    With `weights` (n,) those of a row of class c times W / (n_classes · W_c), W being their sums.
    """
    if weights is None:
        counts = np.bincount(y)
        return np.asarray(len(y) / (np.count_nonzero(counts) * counts[y]))
    sums = np.bincount(y, weights)
    return np.asarray(weights * weights.sum() / (np.count_nonzero(sums) * sums[y]))


def prepare(config: Config, data: Source) -> Prepared:
    """Load the configured source, or take `data`; check, part, encode and scale it. The seed parts the rows."""
    dataset = read_source(config, data)
    fractions = held_out_fractions(config, dataset)
    given = leave_out_rows(data if isinstance(data, GivenRows) else GivenRows(dataset), config.data.missing)
    knows_classes = isinstance(data, GivenRows) and dataset.class_names is not None
    with found_in(config.data.source if data is None else ""):
        prepared = _prepare_rows(config, given, fractions, knows_classes)
    validation = _given_validation(config, given, prepared.preprocessing)
    validation, test = (
        _read_part(config, key, prepared.preprocessing) or part
        for key, part in (("validation", validation or prepared.validation), ("test", prepared.test))
    )
    return replace(prepared, validation=validation, test=test)


def leave_out_rows(given: GivenRows, missing: str) -> GivenRows:
    """The rows that are kept: without a target none can be, and where cells are dropped none without an input.

    Rows of a table were left out when it was read.
    """
    dataset = given.dataset
    if missing == "refuse":
        return given
    y = np.asarray(dataset.y).reshape(len(dataset.X), -1)
    kept = rows_with_all(y.astype(np.float64) if y.dtype.kind in "iuf" else np.zeros((len(y), 1)))
    if missing == "drop":
        whole = rows_with_all(dataset.X)
        kept = whole if kept is None else kept if whole is None else np.intersect1d(kept, whole)
    if kept is None:
        return given
    if not len(kept):
        raise DataError('every row misses a cell, and all are left out. Set [data] missing = "impute".')
    weights = None if given.weights is None else given.weights[kept]
    rows = replace(dataset, X=dataset.X[kept], y=None if dataset.y is None else dataset.y[kept])
    return replace(given, dataset=rows, weights=weights)


def prepare_more(config: Config, data: GivenRows, preprocessing: Preprocessing) -> Prepared:
    """More rows for a network that was trained before, scaled as the first ones were."""
    data = leave_out_rows(data, preprocessing.missing)
    dataset = data.dataset
    labels = dataset.y if preprocessing.task == "classification" else None
    parts = _split_rows(config, dataset, held_out_fractions(config, dataset), labels)
    if preprocessing.learned is not None:
        preprocessing = replace(preprocessing, learned=preprocessing.learned.widened(dataset.X[parts.train]))
    train, validation, test = (_part_of_more(config, data, preprocessing, rows) for rows in parts)
    assert train is not None  # fractions leave rows to train on
    validation = _given_validation(config, data, preprocessing) or validation
    return Prepared(preprocessing, train, validation, test, dataset, data.class_weight)


def held_out_fractions(config: Config, dataset: Dataset) -> tuple[float, float]:
    """Which fractions to hold out. None where the data is every pattern there is, or has that part already."""
    validation, test = config.data.validation, config.data.test
    if dataset.complete:
        return 0.0, 0.0
    held_validation = 0.0 if isinstance(validation, str) else validation
    held_test = 0.0 if isinstance(test, str) or dataset.test is not None else test
    checked_fractions(held_validation, held_test, "[data] ")
    return held_validation, held_test


def _split_rows(config: Config, dataset: Dataset, fractions: tuple[float, float], labels: Array | None) -> Parts:
    """The rows of each part; equal rows are parted equally by equal seeds."""
    rng = config.training.generator(SPLIT)
    if config.data.folds:
        return _split_folds(config, dataset, fractions[0], labels)
    if dataset.times is not None:
        return split_in_time(dataset.times, validation=fractions[0], test=fractions[1])
    if dataset.groups is not None:
        return split_groups(dataset.groups, validation=fractions[0], test=fractions[1], rng=rng)
    return split(len(dataset.X), validation=fractions[0], test=fractions[1], rng=rng, labels=labels)


def _split_folds(config: Config, dataset: Dataset, validation: float, labels: Array | None) -> Parts:
    """One fold to test on, and a fraction of the others to validate on. Rows of a group are in one fold."""
    n_folds, fold, n_rows = config.data.folds, config.data.fold, len(dataset.X)
    if not 1 <= fold <= n_folds:
        raise ConfigError(f"[data] fold = {fold} of folds = {n_folds}. Give 1 ... {n_folds}, or mlp train --folds N.")
    if dataset.times is not None:
        raise ConfigError("[data] folds part rows at random, and time in their order. Use one of them.")
    rng = config.training.generator(SPLIT)
    if dataset.groups is None:
        folds = fold_rows(n_rows, n_folds, rng=rng, labels=labels)
    else:
        folds = fold_rows(int(dataset.groups.max()) + 1, n_folds, rng=rng)[dataset.groups]
    tested, others = np.flatnonzero(folds == fold - 1), np.flatnonzero(folds != fold - 1)
    share = validation * n_rows / len(others)
    if dataset.groups is not None:
        rest = split_groups(dataset.groups[others], validation=share, rng=rng)
    else:
        rest = split(len(others), validation=share, rng=rng, labels=None if labels is None else labels[others])
    return Parts(others[rest.train], others[rest.validation], tested)


def _prepare_rows(config: Config, given: GivenRows, fractions: tuple[float, float], knows_classes: bool) -> Prepared:
    """The parts of the data set itself; parts in other files are not looked at."""
    dataset, weights, dtype = given.dataset, given.weights, np.dtype(config.training.dtype)
    task = resolve_task(dataset, config.data.source, config.data.task)
    dataset = name_classes(dataset) if task == "classification" else dataset
    target = "y" if dataset.encoding is None else f"column {quoted(dataset.target_name)}"
    checked_as = lenient_task(task, np.asarray(dataset.y)) if knows_classes else task
    may_miss = config.data.missing == "impute"
    check_trainable(
        dataset.X, dataset.y, checked_as, dataset.feature_names, dataset.class_names, target, missing=may_miss
    )
    y, class_names, labels = read_target(dataset, task)
    rows = _split_rows(config, dataset, fractions, y if task == "classification" else None)
    imputation = _fit_imputation(dataset, rows.train, weights) if may_miss else None
    scaling = _fit_scaling(config.data.scale, dataset, rows.train, weights, imputation)
    preprocessing = Preprocessing(
        task,
        dataset.feature_names,
        dataset.target_name,
        class_names,
        labels,
        n_columns(y) if labels is None else len(labels),
        scaling,
        dataset.encoding,
        _fit_target_scaling(resolve_target_scale(config, task), task, y, rows.train, weights),
        config.data.missing,
        imputation,
        learn_ranges(dataset.X, rows.train, scaling),
    )
    train, validation, test = (
        make_part(dataset.X, y, part, preprocessing.transform, dtype, weights) if len(part) else None for part in rows
    )
    assert train is not None  # fractions leave rows to train on
    if dataset.test is not None:
        test = preprocessing.part(dataset.test[0], decode_labels(dataset, dataset.test[1]), dtype)
    return Prepared(preprocessing, train, validation, test, dataset, given.class_weight)


def _fit_imputation(dataset: Dataset, rows: Array, weights: Array | None) -> Imputation:
    """Fitted on the training rows only."""
    columns = None if dataset.encoding is None else [len(c.feature_names) for c in dataset.encoding.columns]
    stops = np.cumsum(columns or [1] * dataset.X.shape[1]).tolist()
    groups = [slice(start, stop) for start, stop in pairwise([0, *stops])]
    of_rows = None if weights is None else weights[rows]
    return fit_imputation(dataset.X, rows, dataset.feature_names, groups, of_rows)


def _fit_scaling(
    name: str, dataset: Dataset, rows: Array, weights: Array | None, imputation: Imputation | None
) -> Scaling:
    """Fitted on the training rows only, without missing cells."""
    X, names, how = dataset.X, dataset.feature_names, {}
    if imputation is not None:
        names, how = imputation.names(names), {"widen": imputation.apply}
    if name == "none":
        return scalings.none(len(names), names)
    if name == "minmax":
        return scalings.minmax(X, rows, names, **how)
    return scalings.standard(X, rows, names, None if weights is None else weights[rows], **how)


def resolve_target_scale(config: Config, task: str) -> str:
    """What `scale_target` comes to: "auto" scales numbers to predict, but for counts, which Poisson's loss takes whole.

    The start of a network gives outputs near 1, and the steps of most rules are about as long as their learning rate:
    numbers near 50,000 are out of reach.
    """
    given = config.data.scale_target
    if given != "auto":
        return given
    return "standard" if task == "regression" and config.loss.name != "poisson" else "none"


def _fit_target_scaling(name: str, task: str, y: Array, rows: Array, weights: Array | None) -> Scaling | None:
    """Fitted on the training rows only."""
    if name == "none":
        return None
    if task != "regression":
        raise ConfigError(f"[data] scale_target = {name!r} is for numbers, and the task is {task}. Use none.")
    columns = y.reshape(len(y), -1)
    return scalings.standard(columns, rows, ("y",) * n_columns(y), None if weights is None else weights[rows])


def _part_of_more(config: Config, data: GivenRows, preprocessing: Preprocessing, rows: Array) -> Part | None:
    """Some of the rows that were given for a network that was trained before."""
    if not len(rows):
        return None
    X, y = data.dataset.X[rows], decode_labels(data.dataset, np.asarray(data.dataset.y))[rows]
    weights = None if data.weights is None else data.weights[rows]
    return preprocessing.part(X, y, np.dtype(config.training.dtype), weights)


def _given_validation(config: Config, data: GivenRows, preprocessing: Preprocessing) -> Part | None:
    """Rows (X, y, weights) that were given to validate on."""
    if data.validation is None:
        return None
    X, y, weights = data.validation
    return preprocessing.part(X, y, np.dtype(config.training.dtype), weights)


def _read_part(config: Config, key: str, preprocessing: Preprocessing) -> Part | None:
    """The part that stands in a file of its own."""
    path: Any = getattr(config.data, key)
    if not isinstance(path, str):
        return None
    with found_in(f"[data] {key} = {path}"):
        X, y = preprocessing.load_pair(path, config.data.target)
        return preprocessing.part(X, require_target(y, path), np.dtype(config.training.dtype))


# to know data again


def fingerprint(prepared: Prepared) -> dict[str, Any]:
    """A few numbers that change when any of the data does: the same for the same data, prepared in the same way.

    They come from shapes, targets, what was learned from all training rows (means, categories, classes), and the rows
    themselves. Of more than 16 million cells only every k-th row is read: a file of 20 GB is not read once more.
    """
    inputs = prepared.preprocessing
    preparation = inputs.to_json()
    del preparation["label_kind"]  # 3 is 3 in any dtype
    preparation.pop("learned", None)  # earlier versions did not know it
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    return {
        "features": len(inputs.feature_names),
        "rows": {name: 0 if part is None else len(part) for name, part in parts.items()},
        "preparation": _sha([json.dumps(preparation, sort_keys=True).encode()]),
        "content": {name: "" if part is None else _content(part) for name, part in parts.items()},
    }


def _sha(chunks: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _content(part: Part) -> str:
    """The hash of its targets, and of its rows or as many as are looked at."""
    n_columns = part.X.shape[1]
    every = -(-len(part) * n_columns // CELLS)
    return _sha(block.data for block in chain([np.ascontiguousarray(part.y)], _rows(part, max(1, every))))


def _rows(part: Part, every: int) -> Iterator[Array]:
    """Every k-th row as it stands in X, some of them at a time."""
    chosen = np.arange(0, len(part), every)
    rows = chosen if part.rows is None else part.rows[chosen]
    for block in row_blocks(len(rows), part.X.shape[1]):
        yield np.ascontiguousarray(selected(part.X, rows, block))


def check_same_data(found: dict[str, Any], needed: dict[str, Any], source: str) -> None:
    """Refuse data that is not what a run was trained on; say in what it differs."""
    if found == needed:
        return
    remedy = "Put it back as it was, or train anew with mlp train."
    what = f"{source or 'data'}: this is not the data that the run was trained on"
    for name in needed["rows"]:
        if found["rows"].get(name) != needed["rows"][name]:
            raise DataError(
                f"{what}: {name} has {found['rows'].get(name)} rows, and had {needed['rows'][name]}. {remedy}"
            )
    if found["features"] != needed["features"]:
        raise DataError(f"{what}: it has {found['features']} features, and had {needed['features']}. {remedy}")
    raise DataError(f"{what}: as many rows, but other numbers in them, or rounded by another machine. {remedy}")
