"""Class labels of any kind as codes 0 ... C-1, and back into their names.

A label is known by its text, so that the 3 of a training file, the "3" of a table and an 8-bit 3 are one
class. Knows nothing of tasks or networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlp.arrays import Array
from mlp.data.complaints import counted, first_few, names, quoted
from mlp.errors import DataError


def label_name(label: object) -> str:
    """The text by which a class is known; whole floats lose their point.

    >>> label_name(np.float32(3.0)), label_name(np.bool_(True)), label_name("setosa")
    ('3', 'True', 'setosa')
    """
    if isinstance(label, float | np.floating) and float(label).is_integer():
        return str(int(label))
    return str(label)


def encode_labels(y: Array) -> tuple[Array, tuple[str, ...]]:
    """Codes 0 ... C-1 (int64) in the order of the sorted label values, and the names of the classes.

    >>> codes, class_names = encode_labels(np.array([10, 2, 10]))
    >>> codes.tolist(), class_names
    ([1, 0, 1], ('2', '10'))
    """
    values, codes = np.unique(as_labels(y), return_inverse=True)
    return codes.astype(np.int64), tuple(label_name(value) for value in values)


def apply_labels(y: Array, class_names: Sequence[str]) -> Array:
    """Codes of further labels among remembered classes; DataError names the rows of unknown ones."""
    values, inverse = np.unique(as_labels(y), return_inverse=True)
    index = {name: code for code, name in enumerate(class_names)}
    codes = np.array([index.get(label_name(value), -1) for value in values], dtype=np.int64)[inverse]
    unknown = np.flatnonzero(codes < 0)
    if unknown.size:
        found = [f"row {row}: {quoted(label_name(values[inverse[row]]))}" for row in unknown[:4]]
        raise DataError(
            f"y holds {counted(unknown.size, 'label')} not seen in training ({first_few(found, unknown.size)}). "
            f"Known: {names(class_names)}. Correct these labels, or train again with rows of these classes."
        )
    return codes


def as_labels(y: Array) -> Array:
    """Labels (n,); objects (a pandas column, a list of mixed kinds) by their text."""
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise DataError(f"labels have shape {labels.shape}. Give one label for each row: shape (n,).")
    return np.array([label_name(label) for label in labels]) if labels.dtype.kind == "O" else labels
