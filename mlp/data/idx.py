"""The idx files of MNIST and its relatives: a magic number, the shape, the bytes. Plain or gzipped.

0 0 type n_dimensions | size of each dimension | numbers        (big-endian; LeCun, Cortes, Burges)
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from mlp.arrays import Array
from mlp.data.complaints import found_in
from mlp.data.dataset import Dataset, as_features, column_names
from mlp.data.numpy_files import refusing_damage
from mlp.errors import FileFormatError
from mlp.storage.reading import check_regular, read_file, unzip

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIPPED = b"\x1f\x8b"
NEEDED = "An idx file begins with 0 0 type n_dimensions and holds the numbers of its shape; fetch it again"


def load_idx(images: Path, labels: Path | None) -> Dataset:
    """Images, one row of pixels each, and their labels; without labels a data set to predict on."""
    X = as_features(read_idx(images), str(images))
    if labels is None:
        return Dataset(X, None, column_names(X.shape[1]), name=images.name)
    y = read_idx(labels)
    if y.ndim != 1:
        raise FileFormatError(f"{labels} has shape {y.shape}. Labels are (n,): give the paths as images,labels.")
    with found_in(f"{images},{labels}"):
        return Dataset(X, y, column_names(X.shape[1]), name=images.name)


def is_idx(path: Path) -> bool:
    """Whether a file begins as an idx file does, plain or gzipped; False where there is none."""
    try:
        check_regular(path)
        with path.open("rb") as stream:
            head = stream.read(4)
        if head[:2] == GZIPPED:
            with gzip.open(path) as unpacked:
                head = unpacked.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return _begins_well(head)


def read_idx(path: Path) -> Array:
    """The array in an idx file, in this machine's byte order."""
    with refusing_damage(path, "an idx file", NEEDED):
        content = read_file(path)
        if content[:2] == GZIPPED:
            content = unzip(path, content)
        return _parsed(path, content)


def _begins_well(content: bytes) -> bool:
    return len(content) >= 4 and content[:2] == b"\0\0" and content[2] in TYPES


def _parsed(path: Path, content: bytes) -> Array:
    if not _begins_well(content):
        raise FileFormatError(f"{path} begins with {content[:4].hex(' ') or 'nothing'}. {NEEDED}.")
    dtype, n_dimensions = np.dtype(TYPES[content[2]]), content[3]
    shape = struct.unpack_from(f">{n_dimensions}I", content, 4)
    begin = 4 + 4 * n_dimensions
    if len(content) - begin != math.prod(shape) * dtype.itemsize:
        raise FileFormatError(
            f"{path} holds {len(content) - begin} bytes of numbers, but its shape {shape} needs "
            f"{math.prod(shape) * dtype.itemsize}. {NEEDED}."
        )
    return np.frombuffer(content, dtype, offset=begin).reshape(shape).astype(dtype.newbyteorder("="))
