"""Sealed archives: arrays by name and what is to be known about them, in one .npz.

A zip of .npy files and one JSON text, `about`, which holds the SHA-256 of all of it. Never a pickle. What is read is
checked before room is made for it: sizes against the file, headers against sizes, at last the seal; so a file gives
what was written, or an error. Files are written under a temporary name, flushed to disk and renamed: whatever happens
on the way, the earlier one stays whole. Knows arrays; what they mean is for others.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.errors import FileFormatError
from mlp.storage.atomic import replacing
from mlp.storage.reading import describe_other

KINDS = "biufU"  # of dtypes: truth values, numbers and text
GROWTH = 100  # how many times larger than its file a compressed archive may be; one of loss curves is 2 to 10
SMALL = 1 << 24  # what it may grow to in any case
LARGE = 1 << 16  # bytes
FIRST = '{"format"'.encode("utf-32-le")
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class Archive(NamedTuple):
    """What an archive holds. `seal`: its SHA-256; "" for one of the first format, which has none."""

    about: dict[str, Any]
    arrays: dict[str, Array]
    seal: str


def write(path: Path, about: Mapping[str, Any], arrays: Mapping[str, Array], *, compressed: bool = False) -> None:
    """Write an archive in the place of `path`. The same content gives the same bytes."""
    with replacing(path) as file:
        write_into(file, about, arrays, compressed=compressed)


def write_into(
    file: IO[bytes], about: Mapping[str, Any], arrays: Mapping[str, Array], *, compressed: bool = False
) -> None:
    """Write an archive into an open file."""
    kept = {name: _contiguous(array) for name, array in arrays.items()}
    text = np.array(json.dumps({**about, "seal": seal(about, kept)}))
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in {"about": text, **kept}.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # its date is 1980, whatever the clock says
            member.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
            with archive.open(member, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)


def seal(about: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """SHA-256 of the JSON text and of every array, its name, dtype, shape and order."""
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        turned = not array.flags.c_contiguous
        digest.update(f"\n{name} {array.dtype.str} {array.shape} {'F' if turned else 'C'}\n".encode())
        digest.update((array.T if turned else array).data)
    return digest.hexdigest()


def is_archive(path: Path) -> bool:
    """Whether a file begins as those that `write` writes do, whole or not: `about` comes first, and its format."""
    try:
        _check_regular(path)
        with path.open("rb") as file:
            head = file.read(1024)
    except (OSError, FileFormatError):
        return False
    text = head.partition(b"}" + b" " * 8)[2].lstrip(b" ").removeprefix(b"\n")  # what stands behind NumPy's header
    return head[:4] == b"PK\x03\x04" and head[30:39] == b"about.npy" and FIRST.startswith(text[: len(FIRST)])


def read(path: Path, *, compressed: bool = False) -> Archive:
    """What `write` wrote. FileFormatError says what is wrong, without naming the file.

    Bytes that are no zip raise whatever zipfile, zlib, json and NumPy make of them; `explained` turns that into one.
    """
    _check_regular(path)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_sizes(members, path.stat().st_size, compressed)
        arrays = {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}
    about = json.loads(str(arrays.pop("about")))
    sealed = about.pop("seal", "")
    if sealed and sealed != seal(about, arrays):
        raise FileFormatError("its content is not what its seal says")
    return Archive(about, arrays, sealed)


def about(path: Path) -> dict[str, Any]:
    """What an uncompressed archive says of itself, unproven: its seal is not looked at."""
    _check_regular(path)
    with zipfile.ZipFile(path) as archive:
        _check_sizes(archive.infolist(), path.stat().st_size, compressed=False)
        found: dict[str, Any] = json.loads(str(_array(archive, archive.getinfo("about.npy"))))
    return found


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn whatever reading a damaged file raises into one FileFormatError with its name."""
    try:
        yield
    except FileFormatError as error:
        raise FileFormatError(f"{path}: not as mlp wrote it: {error}") from None
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read: {error.strerror or type(error).__name__}.") from None
    except MemoryError:
        raise
    except Exception as error:  # zipfile, zlib, json, ast and NumPy have a dozen kinds of errors for damaged bytes
        raise FileFormatError(f"{path}: not as mlp wrote it ({type(error).__name__}); it may be damaged.") from None


def check_format(found: Any, known: int) -> None:
    """Refuse a format that is not there, or newer than `known`."""
    if not isinstance(found, int) or found < 1:
        raise FileFormatError(f"format {found!r} is none")
    if found > known:
        raise FileFormatError(f"format {found} is newer than this mlp knows ({known}). Install a newer mlp.")


def _check_regular(path: Path) -> None:
    """Refuse what would be waited for, or has no end."""
    if kind := describe_other(path):
        raise FileFormatError(f"it is {kind}, and a regular file is needed")


def _check_sizes(members: list[zipfile.ZipInfo], size: int, compressed: bool) -> None:
    """Refuse an archive that would grow beyond reason: what does so is a zip bomb."""
    grown = sum(member.file_size for member in members)
    if not compressed and (grown > size or any(m.compress_type != zipfile.ZIP_STORED for m in members)):
        raise FileFormatError(f"it is compressed and would grow to {grown:,} bytes; mlp writes it uncompressed")
    if grown > max(SMALL, GROWTH * size):
        raise FileFormatError(f"its {size:,} bytes would grow to {grown:,}, more than mlp's ever do")
    if len({member.filename for member in members}) < len(members):
        raise FileFormatError("it holds two arrays of one name")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    """One array; its header is held to the size of its file before there is room for it."""
    with archive.open(member) as stream:
        shape, turned, dtype = HEADERS[np.lib.format.read_magic(stream)](stream)
        n_bytes = prod(shape) * dtype.itemsize
        if dtype.kind not in KINDS or min(shape, default=0) < 0 or stream.tell() + n_bytes != member.file_size:
            raise FileFormatError(f"the header of {member.filename} says {dtype} {shape}, and its size another thing")
        data = bytearray(stream.read())
    return np.ndarray(shape, dtype, data, order="F" if turned else "C")


def join_small(arrays: Mapping[str, Array]) -> tuple[list[Any], dict[str, Array]]:
    """The small arrays end to end, one row for each dtype, and where each of them is; large ones stay as they are.

    A zip takes 0.1 ms for each file in it: with a hundred columns that is ten times what the bytes take.
    """
    places: list[Any] = []
    rows: dict[str, list[Array]] = {}
    large: dict[str, Array] = {}
    for name, array in ((name, _contiguous(array)) for name, array in arrays.items()):
        if array.nbytes >= LARGE:
            large[name] = array
            continue
        turned = not array.flags.c_contiguous
        places.append([name, array.dtype.str, list(array.shape), "F" if turned else "C"])
        rows.setdefault(array.dtype.str, []).append((array.T if turned else array).ravel())
    return places, large | {f"joined/{kind}": np.concatenate(parts) for kind, parts in rows.items()}


def split_joined(places: list[Any], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays that were joined."""
    found = {name: array for name, array in arrays.items() if not name.startswith("joined/")}
    done = dict.fromkeys(arrays, 0)
    for name, kind, shape, order in places:
        row, start = arrays[f"joined/{kind}"], done[f"joined/{kind}"]
        done[f"joined/{kind}"] = stop = start + prod(shape)
        found[name] = row[start:stop].copy().reshape(shape, order=order)
    return found


def _contiguous(array: Array) -> Array:
    """The array in one piece, in its own order if it is; products of matrices depend on it in the last bit."""
    array = np.asarray(array)
    return array if array.flags.c_contiguous or array.flags.f_contiguous else np.ascontiguousarray(array)
