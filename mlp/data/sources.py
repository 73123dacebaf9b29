"""Every source of data under one name: `load` it, or read in the `catalogue` what there is.

A source is a word (a data set that comes with the package, is made by a formula, or is fetched) or a path.
This is the place that knows all of them, and nothing about any of them.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlp.data.columns import ColumnRules
from mlp.data.complaints import one_line, quoted
from mlp.data.dataset import Dataset
from mlp.data.embedded import EMBEDDED, embedded_file, load_embedded
from mlp.data.encoding import Encoding
from mlp.data.frames import is_frame, read_frame
from mlp.data.idx import is_idx, load_idx
from mlp.data.images import IMAGE_SETS, image_folder, load_images
from mlp.data.numpy_files import load_npy, load_npz, target_paths
from mlp.data.other_tables import JSON_LINES, READERS
from mlp.data.reading import STANDARD_INPUT, kind_of
from mlp.data.synthetic import blobs, encoder, moons, parity, rings, two_spirals, xor
from mlp.data.tabular import load_table, table_dataset
from mlp.errors import DataError, FileFormatError, MLPError, UnknownNameError, check_kind
from mlp.storage.permission import in_home

Target = str | int | Sequence[str | int] | None
FORMULAS: Mapping[str, Callable[[], Dataset]] = {
    "xor": xor,
    "parity": parity,
    "two_spirals": two_spirals,
    "encoder-10-5-10": encoder,
    "rings": rings,
    "blobs": blobs,
    "moons": moons,
}
TABLES = (".csv", ".tsv", *JSON_LINES, *READERS)
KINDS = ("*.csv", "*.tsv", "*.jsonl", "*.parquet", "*.arrow", "*.xlsx", "*.npz", "*.npy", "IMAGES,LABELS")
IDX_NAME = re.compile(r".*(ubyte|\.idx)(\.gz)?", re.IGNORECASE)
URL = re.compile(r"[a-z][a-z0-9+.-]+://.*", re.IGNORECASE)


class Entry(NamedTuple):
    """A line of the catalogue; `kind`: embedded, formula or download; `n_classes`: None for vectors.

    >>> next((entry.n_rows, entry.n_classes) for entry in catalogue() if entry.name == "iris")
    (150, 3)
    """

    name: str
    kind: str
    description: str
    n_rows: int
    n_features: int
    n_classes: int | None
    source: str
    licence: str


def load(
    source: Any,
    target: Target = None,
    encoding: Encoding | None = None,
    rules: ColumnRules = ColumnRules(),  # noqa: B008  -- frozen
) -> Dataset:
    """The data set behind a name or a path, or that of a frame of pandas, polars or Arrow, read as its CSV would be.

    Names: those of `catalogue()`, also parity-N and encoder-N-M-N for other sizes. Paths: .csv and .tsv (with
    a header), .npz, .npy, and idx files (also gzipped, of any name) as "images,labels", or images alone to predict on.

    `target`: for a table the name or number of a column (default: the last), for a .npy the path of another
    one. Other sources have a target of their own, and "label" or its own name is all that may be asked of
    them. `encoding`: that of the table a model was trained on; columns are then found by name, and the target
    may be missing. `rules`: what is known of the columns of a table to train on.

    UnknownNameError for a word that is no source; DataError, FileFormatError or DownloadError for one that
    fails.
    """
    if is_frame(source):
        return table_dataset(read_frame(source), "data", target, encoding, rules)
    if not isinstance(source, str | os.PathLike) or not os.fspath(source):
        raise DataError(f"source is {quoted(source)}. Give the name of a data set or a path, or a frame.")
    name = os.fspath(source)
    if not name.isprintable():
        raise DataError(
            f"source is {quoted(name)}, which no file is named. Leave out line breaks and control characters."
        )
    check_kind(
        "target",
        target,
        str | int | list | tuple | None,
        "the name or the number of a column, a list of them, or the path of a .npy",
    )
    if URL.fullmatch(name):
        raise DataError(f"{name} is an address, and files are read from disk. Download it, and give the path.")
    named = _named(name)
    is_table = named is None and kind_of(name) in TABLES
    if rules.is_for_tables and not is_table:
        raise DataError(
            f"{name} is no table: [data] ignore, categorical and numeric are for .csv and .tsv. Leave them out."
        )
    if named is not None:
        return _checked_target(named(), target)
    return _from_path(name, target, encoding, rules)


def files(source: str | os.PathLike[str], target: Target = None) -> list[Path]:
    """The files that `load` reads for a source, whether they are there or not; folders of which it reads all."""
    name = os.fspath(source)
    if name in EMBEDDED:
        return [embedded_file(name)]
    if name in IMAGE_SETS:
        return [image_folder(IMAGE_SETS[name])]
    if not name or _named(name) is not None:
        return []
    if name == STANDARD_INPUT:
        return []
    path = in_home(name)
    if path.suffix.lower() == ".npy":
        return [path, *(target_paths(path, target) if isinstance(target, str) else ())]
    parts = name.split(",") if kind_of(name) not in (*TABLES, ".npz") else [name]
    return [in_home(part.strip()) for part in parts]


def catalogue() -> list[Entry]:
    """Every data set that has a name, without reading a file or asking the network."""
    embedded = [
        Entry(name, "embedded", e.description, e.n_rows, e.n_features, e.n_classes, e.source, e.licence)
        for name, e in EMBEDDED.items()
    ]
    fetched = [
        Entry(name, "download", e.description, 70_000, 784, len(e.class_names), e.source, e.licence)
        for name, e in IMAGE_SETS.items()
    ]
    return [*embedded, *(_formula_entry(name) for name in FORMULAS), *fetched]


def _formula_entry(name: str) -> Entry:
    made = FORMULAS[name]()
    n_classes = None if made.class_names is None else len(made.class_names)
    n_rows, n_features = made.X.shape
    return Entry(name, "formula", made.description, n_rows, n_features, n_classes, made.source, made.licence)


def describe_formula(name: str) -> str:
    """How a formula makes the data set of that name; "" for one that no formula makes."""
    return inspect.cleandoc(FORMULAS[name].__doc__ or "") if name in FORMULAS else ""


def _named(name: str) -> Callable[[], Dataset] | None:
    """What makes the data set of a name; None where the name is none."""
    if name in EMBEDDED:
        return lambda: load_embedded(name)
    if name in IMAGE_SETS:
        return lambda: load_images(IMAGE_SETS[name])
    if bits := re.fullmatch(r"parity-(\d{1,4})", name):
        return lambda: parity(int(bits[1]))
    if size := re.fullmatch(r"encoder-(\d{1,4})-\d+-\1", name):
        return lambda: encoder(int(size[1]))
    return FORMULAS.get(name)


def _checked_target(data: Dataset, target: Target) -> Dataset:
    if not isinstance(target, str | None) or target not in (None, "label", data.target_name):
        raise DataError(
            f"{data.name} has no target {quoted(target)}: it has its own, {quoted(data.target_name)}. "
            "Leave target out; it is for tables and .npy files."
        )
    return data


def _from_path(name: str, target: Target, encoding: Encoding | None, rules: ColumnRules) -> Dataset:
    path = in_home(name)
    suffix = kind_of(name)
    try:
        if suffix in TABLES:
            return load_table(path, target, encoding, rules)
        if suffix == ".npy":
            return load_npy(path, _target_file(path, target))
        if suffix == ".npz":
            return _checked_target(load_npz(path), target)
        if "," in name or IDX_NAME.fullmatch(name) or is_idx(path):
            return _checked_target(_idx(name), target)
        raise _unknown(name, path)  # in here, because to ask for a name that is too long is an OSError as well
    except OSError as error:
        if isinstance(error, MLPError):
            raise
        raise _unreadable(error, path) from error


def _target_file(path: Path, target: Target) -> str | None:
    if not isinstance(target, str | None):
        raise DataError(f"target = {target} was given for {path}. Give the path of a .npy with the targets.")
    return target


def _idx(name: str) -> Dataset:
    images, *labels = [in_home(part.strip()) for part in name.split(",")]
    if len(labels) > 1:
        raise DataError(f"{quoted(name)} names {len(labels) + 1} files. Give two idx files: IMAGES,LABELS.")
    return load_idx(images, labels[0] if labels else None)


def _unreadable(error: OSError, path: Path) -> MLPError:
    reason = one_line(error.strerror or error)
    return DataError(f"{error.filename or path} cannot be read ({reason}). Check the path.")


def _unknown(name: str, path: Path) -> MLPError:
    if path.exists() and not path.is_dir():
        return FileFormatError(
            f"{name} is a file of unknown kind {quoted(path.suffix)}. Known: {', '.join(KINDS)} (idx). "
            "Rename or convert it."
        )
    return UnknownNameError("data set or file", name, [*EMBEDDED, *FORMULAS, *IMAGE_SETS, *KINDS])
