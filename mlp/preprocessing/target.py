"""What there is to learn: the target of a data set as class codes and their names, or as numbers.

Labels come back as they came in: `class_labels` are the classes in the kind and dtype of the target, `class_names` the
texts by which they are called, those of a table as its file writes them. Knows data sets and tasks, no networks.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mlp.arrays import Array
from mlp.data import Dataset, infer_task
from mlp.data.boxed import unboxed
from mlp.data.cells import Cells, exact_number
from mlp.data.columns import check_categories, distinct_texts
from mlp.data.complaints import counted
from mlp.data.encoding import codes
from mlp.data.labels import distinct_labels, label_name, label_names, read_labels
from mlp.data.order import is_ordered
from mlp.errors import DataError


def require_target(y: Array | None, source: str) -> Array:
    """The target; DataError where there is none, with what to do about it."""
    if y is None:
        raise DataError(f"there is no target in {source}. {_remedy(Path(source).suffix.lower())}")
    return y


def _remedy(suffix: str) -> str:
    """Where the target of a file of each kind is."""
    if suffix == ".npy":
        return 'Give the .npy that holds it: [data] target = "y.npy" (--set data.target=y.npy).'
    if suffix == ".npz":
        return "Store it in the archive as y (y_train and y_test)."
    if suffix in (".csv", ".tsv"):
        return "Add the column that the network was trained on."
    return "Give the idx file of the labels as well: IMAGES,LABELS."


def resolve_task(dataset: Dataset, source: str, given: str) -> str:
    """The task that was `given`; for "auto" the one that the target most likely means.

    Many whole numbers of which each comes often may still be a quantity: the inputs tell whether they are ordered.

    With "auto" nobody has said that texts are classes. Texts are refused then that are numbers in another spelling, or
    nearly all different.
    """
    y = require_target(dataset.y, source)
    if given != "auto":
        return given
    if dataset.encoding is None or (dataset.written is None and dataset.class_names is None):  # else looked at already
        _check_texts(dataset, y)
    task = infer_task(y, dataset.class_names)
    is_numbers = task == "classification" and dataset.class_names is None and y.ndim == 1
    return "regression" if is_numbers and y.dtype.kind in "iuf" and is_ordered(dataset.X, y) else task


def _check_texts(dataset: Dataset, y: Array) -> None:
    labels = unboxed(y) if dataset.class_labels is None else dataset.class_labels[y]
    if labels.ndim == 1 and labels.dtype.kind in "US":
        texts = Cells(list(map(label_name, labels.tolist())), "y", "")
        check_categories(texts, 'Give numbers; or, if each text is a class, [data] task = "classification".')


def name_classes(dataset: Dataset) -> Dataset:
    """The data set with codes into named classes, where its target does not say itself what its classes are.

    One of k labels in each row is a class: column 2 is class 2, or what column 2 is called. This is done only where the
    task is said to be classification. With "auto" such rows are k labels of yes or no, as in scikit-learn, and
    predictions have the shape of y. Numbers of a table are called as the file writes them.
    """
    if dataset.y is not None and is_one_of_k(dataset.y):
        names = dataset.class_names or tuple(map(str, range(dataset.y.shape[1])))
        test = dataset.test
        if test is not None and is_one_of_k(test[1]):
            test = test[0], test[1].argmax(1)
        return replace(dataset, y=dataset.y.argmax(1), class_names=names, test=test)
    if dataset.written is None:
        return dataset
    written = dataset.written._replace(values=dataset.written.texts())
    names = distinct_texts(written)
    _check_whole(written, names)
    return replace(dataset, y=codes(written, names), class_names=names)


def is_one_of_k(y: Array) -> bool:
    """Whether y (n, k) has one 1 in each row, and 0 elsewhere."""
    return y.ndim == 2 and y.shape[1] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all())


def _check_whole(cells: Cells, names: tuple[str, ...]) -> None:
    """Refuse numbers with fractions as classes."""
    numbers = {name: exact_number(name) for name in names}
    fractions = {name for name, number in numbers.items() if number is None or number != number.to_integral_value()}
    if fractions:
        places = [i for i, cell in enumerate(cells.values) if cell in fractions]
        values = f"{counted(len(places), 'value')} that {'is' if len(places) == 1 else 'are'} not whole"
        raise DataError(
            f"{cells.title} holds {values}: {cells.shown(places)}. Give integer labels, or task = 'regression'."
        )


def read_target(dataset: Dataset, task: str) -> tuple[Array, tuple[str, ...] | None, Array | None]:
    """Class codes, the names of the classes, and the classes; or numbers, the names of their columns if any, and None.

    The data set is one that `name_classes` and `check_trainable` have seen.
    """
    y = require_target(dataset.y, dataset.name)
    if task != "classification":
        return as_values(_numbers(dataset, y), task), dataset.class_names if y.ndim == 2 else None, None
    if dataset.class_names is not None:
        return y.astype(np.int64), dataset.class_names, class_labels(dataset)
    labels, codes = distinct_labels(y)
    return codes, label_names(labels), labels


def class_labels(dataset: Dataset) -> Array:
    """The classes of a data set that has names for them, as answers and targets hold them."""
    assert dataset.class_names is not None
    return read_labels(dataset.class_names) if dataset.class_labels is None else dataset.class_labels


def as_values(y: Array, task: str) -> Array:
    """Numbers (n,) or (n, k); for labels always (n, k)."""
    return y.astype(np.float64).reshape(len(y), -1) if task == "multilabel" else y.astype(np.float64)


def n_columns(y: Array) -> int:
    """How many columns a target (n,) or (n, k) has."""
    return 1 if y.ndim == 1 else y.shape[1]


def _numbers(dataset: Dataset, y: Array) -> Array:
    """The numbers that classes are named by; DataError where they are named by words."""
    if dataset.class_names is None or y.ndim == 2:
        return y
    labels = read_labels(dataset.class_names)
    if labels.dtype.kind not in "iu":
        raise DataError(
            f"the target {dataset.target_name!r} holds names like {dataset.class_names[0]!r}, no numbers. "
            "Leave [data] task out, or name another target."
        )
    return np.asarray(labels[y])


def decode_labels(dataset: Dataset, y: Array) -> Array:
    """Codes into the data set's own classes as those classes; other targets as they are."""
    if dataset.class_names is None or y.ndim != 1 or y.dtype.kind not in "iu":
        return y
    return class_labels(dataset)[y]
