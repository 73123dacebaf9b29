"""Whatever bytes a file holds, load() gives a Dataset or an MLPError of one line: no other, no warning."""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlp.data import Dataset, load
from mlp.errors import MLPError

hostile = settings(max_examples=150)


def loaded(content: bytes, name: str) -> None:
    """Load the bytes as a file of that name, and hold that the outcome is one of the two."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            data = load(path)
        except MLPError as error:
            assert "\n" not in str(error)
            assert str(error).strip()
        else:
            assert isinstance(data, Dataset)
            assert data.X.ndim == 2
            del data  # a mapped file is closed before its folder goes


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    return zipped(**{name: npy(array) for name, array in arrays.items()})


def zipped(**contents: bytes) -> bytes:
    """An archive whose checksums are right and whose members are anything, with the date of 1980."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def gzipped(content: bytes) -> bytes:
    """The same bytes whenever it is asked."""
    return gzip.compress(content, mtime=0)


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """A file cut short, with some of its bytes changed."""
    changes = st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=4)
    cuts = st.one_of(st.just(len(whole)), st.integers(0, len(whole)))
    return st.builds(lambda cut, edits: _edited(whole, edits)[:cut], cuts, changes)


def _edited(whole: bytes, edits: list[tuple[int, int]]) -> bytes:
    content = bytearray(whole)
    for place, value in edits:
        content[place] = value
    return bytes(content)


MATRIX = npy(np.arange(6.0).reshape(3, 2))
ARCHIVE = npz(X=np.arange(6.0).reshape(3, 2), y=np.array([0, 1, 0]))
IDX = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(6)

CELL = st.sampled_from(
    ["", "1", "2.5", "-3e2", "x", "red", '"', '"a,b"', "NA", "nan", "inf", "1,5", "1_0", "é", "\r", "\n"]
)
TABLE = st.lists(st.lists(CELL, max_size=4).map(",".join), max_size=6).map("\n".join)


@hostile
@given(st.one_of(st.binary(max_size=60), TABLE.map(str.encode), TABLE.map(lambda t: t.encode("utf-16"))))
@example(b"a,t\n1,\0\n")
@example(b"a,t\n" + b"9" * 140_000 + b",1\n")
@example(b'"a\nb",t\n1,2\n')
def test_any_csv_is_data_or_one_line_of_complaint(content: bytes) -> None:
    loaded(content, "data.csv")


@hostile
@given(TABLE.map(lambda text: text.replace(",", "\t").encode()))
def test_any_tsv_is_data_or_one_line_of_complaint(content: bytes) -> None:
    loaded(content, "data.tsv")


@hostile
@given(st.one_of(st.binary(max_size=60), damaged(MATRIX)))
@example(MATRIX.replace(b"(3, 2)", b"(-3,2)"))
@example(MATRIX.replace(b"(3, 2)", b"(9**9)"))
@example(MATRIX.replace(b"'<f8'", b"'|O' "))
@example(npy(np.zeros((0, 3))))
@example(npy(np.float64(3)))
def test_any_npy_is_data_or_one_line_of_complaint(content: bytes) -> None:
    loaded(content, "data.npy")


@hostile
@given(st.one_of(st.binary(max_size=60), damaged(ARCHIVE), damaged(MATRIX).map(lambda content: zipped(X=content))))
@example(zipped(X=MATRIX.replace(b"(3, 2)", b"(0, 2)")))
def test_any_npz_is_data_or_one_line_of_complaint(content: bytes) -> None:
    loaded(content, "data.npz")


@hostile
@given(st.one_of(st.binary(max_size=60), damaged(IDX), damaged(IDX).map(gzipped), damaged(gzipped(IDX))))
@example(bytes([0, 0, 8, 255]) + b"\xff" * 1020)
@example(bytes([0, 0, 8, 40]) + b"\0\0\0\1" * 40 + b"a")
def test_any_idx_is_data_or_one_line_of_complaint(content: bytes) -> None:
    loaded(content, "data.idx")


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "i1", "u8", "bool", "c8", "S3", "U3", "M8[s]", "V4", "f16"])
def test_an_npz_of_any_dtype_is_data_or_one_line_of_complaint(dtype: str) -> None:
    loaded(npz(X=np.zeros((3, 2), dtype=dtype), y=np.zeros(3, dtype=dtype)), "data.npz")
