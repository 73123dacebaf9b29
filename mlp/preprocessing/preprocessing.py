"""How raw rows become what a network takes, and class codes become what people read.

`Preprocessing` holds what was learned from the training rows: scaling, categories, the names of the classes. It is
saved with the model and applied to everything that the model sees later. A `Part` is rows for one purpose. Rows that
are memory-mapped stay on disk and are scaled some at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data import Column, Encoding, Scaling, apply_labels, check_trainable, load
from mlp.data.boxed import boxed, exact_array, unboxed
from mlp.data.complaints import names as listed
from mlp.data.dataset import as_features, as_target
from mlp.data.encoding import Policy
from mlp.data.frames import frame_names, is_frame, read_frame
from mlp.data.impute import Imputation, ImputedScaling, rows_with_all
from mlp.data.labels import labels_from_json, labels_to_json
from mlp.data.scale import Transform
from mlp.errors import DataError, FileFormatError, ShapeError
from mlp.preprocessing.drift import Drift, Learned, find_new_categories
from mlp.preprocessing.source import as_plain_array, target_beside
from mlp.preprocessing.target import as_values, decode_labels, is_one_of_k, n_columns
from mlp.storage.schema import PREPROCESSING, check

BLOCK = 1024  # rows that are scaled and evaluated at once: their nodes stay in the cache
CELLS = 1 << 22  # of rows that stay on disk, at most as many cells: 16 MB of float32


@dataclass(frozen=True)
class Part:
    """Rows for one purpose: `rows` of X (None: all), to be scaled on the way by `scaling` (None: they are); and y.

    `weights` (n,) is what each of them counts, None where all count the same.
    """

    X: Array
    y: Array
    rows: Array | None = None
    scaling: Transform | None = None
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def is_streamed(self) -> bool:
        """Whether its rows stay on disk, and are read and scaled when they are needed."""
        return self.scaling is not None

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
        return self.scaling.apply(self.X, dtype, rows)

    def pieces(self, size: int, dtype: Any) -> Iterator[Part]:
        """The rows in memory, scaled, `size` of them at a time."""
        for start in range(0, len(self), size):
            rows = slice(start, min(start + size, len(self)))
            yield Part(np.asarray(self.at(rows, dtype), dtype), self.y[rows], weights=_of(self.weights, rows))

    def first(self, most: int, dtype: Any) -> Part:
        """The first rows in memory, scaled: `most` at most, and no more than one block."""
        X = next(self.blocks(dtype))[:most]
        return Part(np.asarray(X, dtype), self.y[: len(X)], weights=_of(self.weights, slice(len(X))))


def make_part(X: Array, y: Array, rows: Array, scaling: Transform, dtype: Any, weights: Array | None = None) -> Part:
    """Some rows of X and y, scaled now or, where X is memory-mapped, on the way."""
    largest, limit = np.abs(y[rows]).max(initial=0), np.finfo(dtype).max
    if largest > limit:
        raise DataError(f"y runs to {largest:.3g}, and {dtype} to {limit:.3g}. Rescale y, or compute in float64.")
    if isinstance(X, np.memmap):
        return Part(X, y[rows], rows, scaling, _of(weights, rows))
    return Part(scaling.apply(X, dtype, rows), y[rows], weights=_of(weights, rows))


def _of(weights: Array | None, rows: Any) -> Array | None:
    return None if weights is None else weights[rows]


@dataclass(frozen=True)
class Preprocessing:
    """How raw rows become what the network takes, and its answers what people read.

    `class_labels` (n_classes,) are the classes as the targets held them, in their dtype, `class_names` as text: of a
    table, as its file writes them. `targets` is how numbers to predict are scaled, None where they are not. `missing`
    is what is done with missing cells, and `imputation` what fills them: the columns that come of it are scaled.
    `learned` is what the columns of the training rows were, None where that is not known.
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
    missing: str = "refuse"
    imputation: Imputation | None = None
    learned: Learned | None = None

    @property
    def transform(self) -> Transform:
        """What raw rows go through on their way to the network."""
        return self.scaling if self.imputation is None else ImputedScaling(self.imputation, self.scaling)

    @property
    def input_names(self) -> tuple[str, ...]:
        """What the inputs of the network are called."""
        return self.feature_names if self.imputation is None else self.imputation.names(self.feature_names)

    @property
    def n_in(self) -> int:
        """How many inputs a network for these rows has."""
        return len(self.scaling.shift)

    def raw(self, X: Any) -> Array:
        """Rows as they were given as numbers (n, n_features), not scaled yet.

        The columns of a frame are found by name where a table was trained on, and it has one of its columns.
        """
        if self.encoding is not None and is_frame(X):
            known = {column.name for column in self.encoding.columns}
            if known & set(map(str, frame_names(X) or ())):
                return self.encoding.encode(self.encoding.read(read_frame(X)))
        table = as_plain_array(X, "X")
        n_features = len(self.feature_names)
        columns = self.feature_names
        if self.encoding is not None and table.ndim == 2:
            columns = tuple(column.name for column in self.encoding.columns)
            uncoded = table.shape[1] == len(columns) != n_features  # categories that are numbers
            if uncoded or table.dtype.kind not in "biuf":
                return self.encoding.encode_rows(boxed(X))
        found = as_features(table)
        if found.shape[1] != n_features:
            trained = f"{len(columns)}: {listed(columns, 4)}"
            raise ShapeError(f"X has {found.shape[1]} features; the network was trained on {trained}.")
        return found

    def codes(self, y: Any) -> Array:
        """Targets as the network counts them: class codes, or numbers."""
        found = as_target(exact_array(y))
        if self.class_labels is not None and self.class_names is not None:
            if n_columns(found) == self.n_targets and is_one_of_k(found):
                return np.asarray(found.argmax(1))
            return apply_labels(found, self.class_names, self.class_labels)
        found = unboxed(found)
        if found.dtype.kind in "US":
            raise DataError(f"y holds {found.dtype} values; the network was trained on numbers.")
        if n_columns(found) != self.n_targets:
            raise ShapeError(f"y has {n_columns(found)} columns; the network was trained on {self.n_targets}.")
        return as_values(found, self.task)

    def find_drift(self, X: Array) -> list[Drift]:
        """The columns of raw rows X, as `raw` gives them, that are far off what was learned."""
        found = [] if self.learned is None else self.learned.find_drift(X, self.feature_names)
        if self.encoding is not None and self.encoding.policy.unseen == "ignore":
            found += find_new_categories(X, self.encoding.columns)
        return found

    def rows(self, X: Any) -> Part:
        """Raw rows X whose targets are not known; they are scaled on the way, as those it was trained on."""
        rows = self.raw(X)
        return Part(rows, np.empty(len(rows)), scaling=self.transform)

    def part(self, X: Any, y: Any, dtype: Any, weights: Array | None = None) -> Part:
        """Raw rows X and their targets y: checked, encoded and scaled as those it was trained on.

        `weights` (n,) is what each of them counts. Rows with missing cells are left out where they were in training.
        """
        X, codes = self.raw(X), self.codes(y)
        kept = rows_with_all(X) if self.missing == "drop" else None
        kept = np.arange(len(X)) if kept is None else kept
        missing = self.imputation is not None or len(kept) < len(X)
        check_trainable(X, codes, lenient_task(self.task, codes), self.feature_names, None, missing=missing)
        return make_part(X, codes, kept, self.transform, dtype, weights)

    def load_rows(self, source: Any) -> Array:
        """Raw rows of a source, read the way the training data was; of its official test part, if it has one.

        Each row needs an answer: none is left out.
        """
        known = self.table_encoding
        policy = replace(known.policy, missing="refuse") if self.missing == "drop" else known.policy
        dataset = load(source, None, replace(known, target_name="", target_names=(), policy=policy))
        return dataset.X if dataset.test is None else dataset.test[0]

    def load_pair(self, source: Any, target: Any) -> tuple[Array, Array | None]:
        """Those rows and their targets, None if there are none.

        The targets of a .npy lie beside it, under the name that the training `target` has in its own folder.
        """
        dataset = load(source, target_beside(source, target), self.table_encoding)
        X, y = (dataset.X, dataset.y) if dataset.test is None else dataset.test
        if y is not None and self.class_labels is not None and dataset.class_names == self.class_names:
            return X, self.class_labels[y]
        return X, None if y is None else decode_labels(dataset, y)

    def has_test_part(self, source: str | Path) -> bool:
        """Whether a source has an official test part."""
        return load(source, encoding=self.table_encoding).test is not None

    def names_of(self, labels: Array) -> list[str]:
        """What classes are called, (n,): as the file with the training rows writes them."""
        assert self.class_labels is not None and self.class_names is not None
        known = dict(zip(self.class_labels.tolist(), self.class_names, strict=True))
        return [known[label] for label in labels.tolist()]

    @property
    def table_encoding(self) -> Encoding:
        """How further tables are read: as the training table was, or by the names of the features."""
        class_names = self.class_names if self.task == "classification" else None
        if self.encoding is not None:
            return replace(self.encoding, class_names=class_names)
        return Encoding(tuple(map(Column, self.feature_names)), self.target_name, class_names, Policy(self.missing))

    def to_json(self) -> dict[str, Any]:
        """In lists, dicts and strings."""
        labels, kind = (None, None) if self.class_labels is None else labels_to_json(self.class_labels)
        filled = {} if self.imputation is None else {"imputation": self.imputation.to_json()}
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
            **({} if self.missing == "refuse" else {"missing": self.missing}),
            **filled,
            **({} if self.learned is None else {"learned": self.learned.to_json()}),
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Preprocessing:
        """What `to_json` wrote; FileFormatError where its parts do not agree."""
        check(saved, PREPROCESSING, "preprocessing")
        imputation = Imputation.from_json(saved["imputation"]) if "imputation" in saved else None
        names = tuple(saved["feature_names"])
        inputs = names if imputation is None else imputation.names(names)
        found = cls(
            saved["task"],
            names,
            saved["target_name"],
            None if saved["class_names"] is None else tuple(saved["class_names"]),
            None if saved["class_labels"] is None else labels_from_json(saved["class_labels"], saved.get("label_kind")),
            saved["n_targets"],
            replace(Scaling.from_json(saved["scaling"]), feature_names=inputs),
            None if saved["encoding"] is None else Encoding.from_json(saved["encoding"]),
            None if saved.get("targets") is None else Scaling.from_json(saved["targets"]),
            saved.get("missing", "refuse"),
            imputation,
            Learned.from_json(saved["learned"]) if "learned" in saved else None,
        )
        _check_counts(found)
        return found


def _check_counts(found: Preprocessing) -> None:
    """Refuse what was put together of parts that do not agree: whoever predicts would meet it in the middle."""
    n, k, names = len(found.feature_names), found.n_targets, found.class_names
    n += 0 if found.imputation is None else len(found.imputation.indicators)
    is_classes, encoding = found.task == "classification", found.encoding
    agree = {
        "scaling": found.scaling.shift.shape == found.scaling.factor.shape == (n,)
        and bool((found.scaling.factor > 0).all()),
        "class_names": (not is_classes and names is None) or (names is not None and len(set(names)) == len(names) == k),
        "class_labels": (found.class_labels is None) is not is_classes
        and (found.class_labels is None or found.class_labels.shape == (k,))
        and (found.class_labels is None or len(set(found.class_labels.tolist())) == k),
        "n_targets": k >= 1 + is_classes,
        "encoding": encoding is None or encoding.feature_names == found.feature_names,
        "learned": found.learned is None or found.learned.fits(len(found.feature_names)),
        "targets": found.targets is None or found.targets.shift.shape == found.targets.factor.shape == (k,),
    }
    for name, fits in agree.items():
        if not fits:
            raise FileFormatError(f"preprocessing.{name} does not agree with the other parts of it")


def lenient_task(task: str, codes: Array) -> str:
    """The task that rows are checked for. A test set may hold a single class; then only its numbers are checked."""
    return "regression" if task == "classification" and len(np.unique(codes)) < 2 else task
