"""NumPy's own files: .npz archives with X and y, and .npy matrices that stay on disk.

Never unpickles. Knows which names an archive may use, and turns whatever a damaged file does to the reader
into one FileFormatError that says what is needed.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.boxed import unboxed
from mlp.data.complaints import found_in, names, one_line, quoted
from mlp.data.dataset import Dataset, as_features, as_target, column_names
from mlp.data.labels import apply_labels, check_names, distinct_labels, label_names
from mlp.errors import DataError, FileFormatError, MLPError
from mlp.limits import excess
from mlp.storage.permission import in_home
from mlp.storage.reading import check_regular

NEEDED = "An .npz file holds X and y, or X_train, y_train, X_test and y_test (np.savez_compressed writes one)"
SPLIT = ("X_train", "y_train", "X_test", "y_test")
ENTRIES = {name.lower(): name for name in ("X", "y", *SPLIT, "feature_names", "class_names")}


@contextmanager
def refusing_damage(path: Path, kind: str, needed: str) -> Iterator[None]:
    """Turn whatever reading a damaged file raises into FileFormatError; the package's own errors pass.

    A wide net on purpose: on random bytes zipfile, zlib, ast and NumPy raise a dozen kinds of errors between
    them (found by hypothesis), and warn of headers that are not to be parsed further.
    """
    check_regular(path)
    path.open("rb").close()  # a file that is not there, or not ours to read, is no damage: OSError
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MLPError:
        raise
    except Exception as error:
        reason = one_line(error) or type(error).__name__
        raise FileFormatError(f"{path} cannot be read as {kind} ({reason[:200]}). {needed}.") from error


def load_npz(path: Path) -> Dataset:
    """The data set in an archive: X (and y), or an official split X_train, y_train, X_test, y_test.

    X_train and y_train without a test part are X and y. Names may be written in lower case as well.
    Optional `feature_names` and `class_names` are text arrays; other entries are ignored. Images are flattened.
    """
    with found_in(path), refusing_damage(path, "an .npz file", NEEDED):
        entries = _entries(path)
        if "X_train" in entries:
            return _with_test(path, entries)
        return _without_test(path, entries)


def load_npy(path: Path, target: str | None) -> Dataset:
    """The matrix in a file, memory-mapped, and the target in another file.

    A target path that does not exist as given is looked for beside `path`.
    """
    X = as_features(_array(path, mmap_mode="r"), str(path))
    if target is None:
        return Dataset(X, None, column_names(X.shape[1]), name=path.stem)
    y_path = _target_path(path, target)
    y, classes = _classes(as_target(_array(y_path), str(y_path)), None)
    with found_in(f"{path}, {y_path}"):
        return Dataset(X, y, column_names(X.shape[1]), Path(target).stem, name=path.stem, **classes)


def _entries(path: Path) -> Mapping[str, Array]:
    """The arrays that a data set is made of, by their names in `ENTRIES`; training rows that stand alone as X, y."""
    with path.open("rb") as stream:
        archive = np.load(stream, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise FileFormatError(f"{path} holds a single array. {NEEDED}; name a single array .npy.")
        check_growth(path, archive.zip, ENTRIES)
        entries = {ENTRIES[key.lower()]: archive[key] for key in archive.files if key.lower() in ENTRIES}
    if "X" not in entries and not {"X_test", "y_test"} & set(entries):
        entries = {key.removesuffix("_train"): entry for key, entry in entries.items()}
    _check_keys(path, set(entries), archive.files)
    return entries


def check_growth(path: Path, archive: zipfile.ZipFile | None, names: Container[str]) -> None:
    """Refuse an archive whose arrays of these names would grow beyond what they may.

    zipfile unpacks no more than they say.
    """
    assert archive is not None, "it is open"
    used = [member for member in archive.infolist() if member.filename.removesuffix(".npy").lower() in names]
    if why := excess(path.stat().st_size, sum(member.file_size for member in used)):
        raise FileFormatError(f"{path}: {why}.")


def _check_keys(path: Path, found: set[str], every: list[str]) -> None:
    missing = [name for name in SPLIT if name not in found]
    if "X" in found or not missing:
        return
    lacking = f"; missing: {names(missing)}" if len(missing) < len(SPLIT) else ""
    raise FileFormatError(f"{path} holds {names(every) or 'nothing'}{lacking}. {NEEDED}.")


def _without_test(path: Path, entries: Mapping[str, Array]) -> Dataset:
    X = as_features(entries["X"], f"X in {path}")
    y: Array | None = None
    classes: dict[str, Any] = {}
    if "y" in entries:
        y, classes = _classes(as_target(entries["y"], f"y in {path}"), _names(path, entries, "class_names"))
    return Dataset(X, y, _feature_names(path, entries, X), "y", name=path.stem, **classes)


def _with_test(path: Path, entries: Mapping[str, Array]) -> Dataset:
    X, X_test = (as_features(entries[key], f"{key} in {path}") for key in ("X_train", "X_test"))
    y_train, y_test = (as_target(entries[key], f"{key} in {path}") for key in ("y_train", "y_test"))
    y, classes = _classes(_joined(path, y_train, y_test), _names(path, entries, "class_names"))
    n = len(y_train)
    features = _feature_names(path, entries, X)
    return Dataset(X, y[:n], features, "y", test=(X_test, y[n:]), name=path.stem, **classes)


def _joined(path: Path, y_train: Array, y_test: Array) -> Array:
    """Both targets as one. Of int64 and uint64 NumPy makes floats, in which large labels are no longer themselves."""
    kinds = [y.dtype.kind if y.dtype.kind in "US" else "number" for y in (y_train, y_test)]
    if y_train.ndim != y_test.ndim or kinds[0] != kinds[1]:
        raise DataError(f"{path}: y_train and y_test differ in kind. Store both in the same form.")
    found = {y_train.dtype.kind, y_test.dtype.kind}
    if found & set("iu") and np.result_type(y_train, y_test).kind == "f":
        return unboxed(np.concatenate([y_train.astype(object), y_test.astype(object)]), str(path))
    return np.concatenate([y_train, y_test])


def _classes(y: Array, class_names: tuple[str, ...] | None) -> tuple[Array, dict[str, Any]]:
    """Text labels as codes into the sorted texts (or into the names given); numbers as they are, checked.

    And what a `Dataset` says of the classes.
    """
    if y.dtype.kind in "US" and class_names is None:
        labels, codes = distinct_labels(y)
        return codes, {"class_names": label_names(labels), "class_labels": labels}
    if y.dtype.kind in "US" and class_names is not None:
        return apply_labels(y, class_names), {"class_names": class_names, "class_labels": np.array(class_names)}
    if class_names is not None:
        _check_class_names(y, class_names)
        return (y.astype(np.int64) if y.ndim == 1 else y), {"class_names": class_names}
    return y, {}


def _check_class_names(y: Array, class_names: tuple[str, ...]) -> None:
    if y.ndim == 2 and y.shape[1] != len(class_names):
        raise DataError(f"y has {y.shape[1]} columns, class_names {len(class_names)}. Give one name for each column.")
    if y.ndim == 1 and not np.isin(y, np.arange(len(class_names))).all():
        value = y[~np.isin(y, np.arange(len(class_names)))][0]
        raise DataError(
            f"y holds {quoted(value.item())}, which is no position among the {len(class_names)} class_names. "
            "Give codes 0 ... C-1, or leave class_names out."
        )


def _feature_names(path: Path, entries: Mapping[str, Array], X: Array) -> tuple[str, ...]:
    return _names(path, entries, "feature_names") or column_names(X.shape[1])


def _names(path: Path, entries: Mapping[str, Array], key: str) -> tuple[str, ...] | None:
    if key not in entries:
        return None
    found = entries[key]
    if found.ndim != 1 or found.dtype.kind != "U" or found.size == 0:
        raise FileFormatError(f"{path}: {key} has shape {found.shape}, dtype {found.dtype}. Store a list of texts.")
    names_found = tuple(one_line(name) for name in found)
    check_names(f"{path}: {key}", names_found)
    return names_found


def target_paths(path: Path, target: str) -> tuple[Path, Path]:
    """Where the targets of a matrix may be: as given, and else beside it."""
    given = in_home(target)
    return given, path.parent / given


def _target_path(path: Path, target: str) -> Path:
    for place in target_paths(path, target):
        if place.exists():
            return place
    raise DataError(f"target {quoted(target)} is no file, neither as given nor beside {path}. Give the path of a .npy.")


def _array(path: Path, **how: Any) -> Array:
    with refusing_damage(path, "an .npy file", "An .npy file holds one array of numbers (np.save writes one)"):
        with path.open("rb") as stream:
            if stream.read(2) == b"PK":  # NumPy leaves a damaged archive open
                raise FileFormatError(f"{path} is an .npz archive. Name it .npz, or store one array with np.save.")
        found: Array = np.load(path, allow_pickle=False, **how)
        return found
