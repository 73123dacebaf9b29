"""Class labels of any kind as codes 0 ... C-1, and back as they came.

A label is never computed with: no float comes between a label and its class, for 2⁶⁰ and 2⁶⁰ + 1 are one float. Labels
are of one kind (whole numbers, text, bytes, truth values, whole floats), and none is missing: `boxed` takes them out of
whatever holds them. A class is known by its text, so that the 3 of a training file, the "3" of a table and an 8-bit 3
are one class. Knows nothing of tasks or networks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.boxed import exact_array, unboxed
from mlp.data.cells import as_integers, exact_number
from mlp.data.complaints import counted, first_few, names, quoted
from mlp.errors import DataError, check_kind


def label_name(label: object) -> str:
    """The text by which a class is known; whole floats lose their point.

    >>> label_name(np.float32(3.0)), label_name(np.bool_(True)), label_name("setosa"), label_name(b"setosa")
    ('3', 'True', 'setosa', 'setosa')
    """
    if isinstance(label, float | np.floating) and label.is_integer():
        return str(int(label))
    return label.decode(errors="backslashreplace") if isinstance(label, bytes) else str(label)


def label_names(labels: Iterable[Any]) -> tuple[str, ...]:
    """The names of classes, each another; DataError where two would be called the same."""
    found = tuple(map(label_name, labels))
    check_writable("y", found)
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise DataError(f"two different labels are both written {quoted(twice)}. Give labels that can be told apart.")
    return found


def check_names(what: str, names: Sequence[str]) -> None:
    """Refuse names of which two are the same: rows of both would be one class, or another each time; and no text."""
    check_writable(what, names)
    if len(set(names)) < len(names):
        name, times = Counter(names).most_common(1)[0]
        raise DataError(f"{what} has {quoted(name)} {times} times. Give each a name of its own.")


def check_writable(what: str, names: Sequence[str]) -> None:
    """Refuse names that no file can hold, and so no model: halves of surrogate pairs."""
    for name in names:
        try:
            str(name).encode("utf-8")
        except UnicodeEncodeError:
            raise DataError(
                f"{what} has {quoted(name)}, which holds half of a surrogate pair and is no text. Write it anew."
            ) from None


def as_labels(y: Any, where: str = "y") -> Array:
    """Labels (n,) of one kind as an array of that kind; DataError where some are missing, or of several kinds."""
    labels = exact_array(y, where)
    if labels.ndim != 1:
        raise DataError(f"labels have shape {labels.shape}. Give one label for each row: shape (n,).")
    return unboxed(labels, where)


def distinct_labels(y: Any) -> tuple[Array, Array]:
    """The labels there are, sorted, each once and of the dtype of y; and codes 0 ... C-1 (n,) into them.

    >>> distinct_labels(np.array([2**60 + 1, 2**60]))
    (array([1152921504606846976, 1152921504606846977]), array([1, 0]))
    """
    given = exact_array(y)
    labels, codes = np.unique(as_labels(given), return_inverse=True)
    return labels.astype(given.dtype) if given.dtype.kind == "O" else labels, codes.astype(np.int64)


def encode_labels(y: Any) -> tuple[Array, tuple[str, ...]]:
    """Codes 0 ... C-1 (int64) in the order of the sorted label values, and the names of the classes.

    >>> codes, class_names = encode_labels(np.array([10, 2, 10]))
    >>> codes.tolist(), class_names
    ([1, 0, 1], ('2', '10'))
    """
    labels, codes = distinct_labels(y)
    return codes, label_names(labels)


def apply_labels(y: Any, class_names: Sequence[str], class_labels: Array | None = None) -> Array:
    """Codes of further labels among remembered classes; DataError names the rows of unknown ones.

    A label is known by its name; where `class_labels` are numbers, also by the number that it writes: 1.0 is class 1.
    """
    check_kind("class_names", class_names, Sequence, "a list of names")
    values, inverse = np.unique(as_labels(y), return_inverse=True)
    are_numbers = class_labels is not None and unboxed(class_labels).dtype.kind in "iuf"
    find = find_numbers if are_numbers else find_texts
    codes = np.array(find(label_names(values), class_names), dtype=np.int64)[inverse]
    unknown = np.flatnonzero(codes < 0)
    if unknown.size:
        found = [f"row {row}: {quoted(label_name(values[inverse[row]]))}" for row in unknown[:4]]
        raise DataError(
            f"y holds {counted(unknown.size, 'label')} not seen in training ({first_few(found, unknown.size)}). "
            f"Known: {names(class_names)}. Correct these labels, or train again with rows of these classes."
        )
    return codes


def find_texts(texts: Iterable[str], known: Sequence[str]) -> list[int]:
    """Where each text stands among the known ones; -1 where it does not.

    >>> find_texts(["b", "c"], ["a", "b"])
    [1, -1]
    """
    index = {name: i for i, name in enumerate(known)}
    return [index.get(text, -1) for text in texts]


def find_numbers(texts: Iterable[str], known: Sequence[str]) -> list[int]:
    """The same, but a text that is not there as it is stands where the number is that it writes.

    >>> find_numbers(["2.0", "02", "3"], ["1", "2"])
    [1, 1, -1]
    """
    texts = list(texts)
    index = {exact_number(name): i for i, name in enumerate(known)}
    index.pop(None, None)
    places = find_texts(texts, known)
    return [index.get(exact_number(text), -1) if i < 0 else i for text, i in zip(texts, places, strict=True)]


def read_labels(class_names: Sequence[str]) -> Array:
    """The classes that names stand for: numbers where numbers write themselves so, or else the names.

    >>> read_labels(["0", "1"]), read_labels(["1.0", "2.0"]), read_labels(["007", "008"])
    (array([0, 1]), array([1., 2.]), array(['007', '008'], dtype='<U3'))
    """
    numbers = [exact_number(name) for name in class_names]
    if all(number is not None and number == number.to_integral_value() for number in numbers):
        whole = as_integers([int(number) for number in numbers if number is not None and abs(number) < 2**64])
        for values in (whole, np.array(list(map(float, class_names)))):
            if values is not None and list(map(str, values.tolist())) == list(class_names):
                return values
    return np.array(class_names)


def labels_to_json(labels: Array) -> tuple[list[Any], str]:
    """Classes as a list of what JSON holds exactly, and their dtype; objects as those of their kind."""
    held = unboxed(labels)
    if held.dtype.kind == "S":
        values = [label.decode("latin-1") for label in held.tolist()]  # every byte is a letter of it
    else:
        values = list(map(int, held)) if held.dtype.kind == "f" else held.tolist()  # floats that are classes are whole
    return values, ("O" if labels.dtype.kind == "O" else "") + held.dtype.str


def labels_from_json(values: Sequence[Any], kind: str | None) -> Array:
    """The classes that `labels_to_json` wrote; without their dtype, those of a file of earlier days."""
    if kind is None:
        return np.array(values)
    dtype = np.dtype(kind.removeprefix("O"))
    labels = np.array([v.encode("latin-1") for v in values] if dtype.kind == "S" else values, dtype)
    return labels.astype(object) if kind.startswith("O") else labels
