"""Array files: .npz, .npy and idx, whole and damaged; and what is said of paths that are none."""

from __future__ import annotations

import gc
import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from mlp.data import load
from mlp.errors import DataError, FileFormatError, UnknownNameError

X = np.arange(12.0).reshape(6, 2)
Y = np.array([0, 1, 0, 1, 0, 1])


def saved(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def idx_bytes(array: np.ndarray) -> bytes:
    """The definition: magic number, sizes, big-endian numbers."""
    code = {"uint8": 0x08, "int32": 0x0C, "float64": 0x0E}[array.dtype.name]
    head = bytes([0, 0, code, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


# .npz


def test_npz_holds_features_and_target(tmp_path: Path) -> None:
    data = load(saved(tmp_path / "d.npz", X=X, y=Y))
    assert data.X.tolist() == X.tolist()
    assert data.y.tolist() == Y.tolist()
    assert data.name == "d"


def test_npz_without_y_is_data_to_predict_on(tmp_path: Path) -> None:
    assert load(saved(tmp_path / "d.npz", X=X)).y is None


def test_npz_keeps_its_official_split(tmp_path: Path) -> None:
    data = load(saved(tmp_path / "d.npz", X_train=X[:4], y_train=Y[:4], X_test=X[4:], y_test=Y[4:]))
    assert data.X.shape == (4, 2)
    assert data.test is not None
    assert data.test[0].tolist() == X[4:].tolist()
    assert data.test[1].tolist() == Y[4:].tolist()


def test_npz_with_a_training_part_alone_is_features_and_target(tmp_path: Path) -> None:
    data = load(saved(tmp_path / "d.npz", X_train=X, y_train=Y))
    assert data.X.tolist() == X.tolist()
    assert data.y.tolist() == Y.tolist()
    assert data.test is None


def test_npz_as_keras_writes_it_is_read_too(tmp_path: Path) -> None:
    data = load(saved(tmp_path / "d.npz", x_train=X[:4], y_train=Y[:4], x_test=X[4:], y_test=Y[4:]))
    assert data.test is not None


def test_images_are_flattened_and_stay_8_bit(tmp_path: Path) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    data = load(saved(tmp_path / "d.npz", X=images, y=Y[:2]))
    assert data.X.dtype == np.uint8
    assert data.X.tolist() == [list(range(12)), list(range(12, 24))]


def test_npz_knows_names_of_classes_and_features(tmp_path: Path) -> None:
    path = saved(tmp_path / "d.npz", X=X, y=Y.astype(np.uint8), class_names=["no", "yes"], feature_names=["a", "b"])
    data = load(path)
    assert data.class_names == ("no", "yes")
    assert data.feature_names == ("a", "b")


def test_text_labels_in_npz_become_codes(tmp_path: Path) -> None:
    data = load(saved(tmp_path / "d.npz", X=X[:3], y=np.array(["dog", "cat", "dog"])))
    assert data.class_names == ("cat", "dog")
    assert data.y.tolist() == [1, 0, 1]


def test_text_labels_of_both_parts_share_their_classes(tmp_path: Path) -> None:
    path = saved(tmp_path / "d.npz", X_train=X[:2], y_train=["b", "c"], X_test=X[2:4], y_test=["a", "c"])
    data = load(path)
    assert data.class_names == ("a", "b", "c")
    assert data.test is not None
    assert data.test[1].tolist() == [0, 2]


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ({"data": X}, FileFormatError, "holds 'data'. An .npz file holds X and y"),
        ({}, FileFormatError, "holds nothing"),
        ({"x_train": X, "y_train": Y, "x_test": X}, FileFormatError, "missing: 'y_test'"),
        ({"y_train": Y, "y_test": Y}, FileFormatError, "missing: 'X_train', 'X_test'"),
        ({"X": X, "y": Y[:5]}, DataError, "d.npz: X has 6 rows, y has 5"),
        ({"X": X[:0], "y": Y[:0]}, DataError, "there is nothing in it"),
        ({"X": np.array([["a", "b"]]), "y": [1]}, DataError, "holds <U1 values. Numbers are needed"),
        ({"X": X + 1j, "y": Y}, DataError, "holds complex128 values"),
        ({"X": np.array([[1, None]]), "y": [1]}, FileFormatError, "Object arrays cannot be loaded"),
        ({"X": X, "y": np.zeros((6, 2, 2))}, DataError, r"shape \(n,\) or \(n, n_outputs\)"),
        ({"X": X, "y": Y, "class_names": ["one"]}, DataError, "no position among the 1 class_names"),
        ({"X": X, "y": Y, "class_names": [1, 2]}, FileFormatError, "class_names has shape"),
        ({"X": X, "y": Y, "feature_names": ["a"]}, DataError, "2 columns, but 1 feature names"),
        ({"X_train": X, "y_train": Y, "X_test": X[:, :1], "y_test": Y}, DataError, "X_test has 1"),
        ({"X_train": X, "y_train": Y, "X_test": X, "y_test": ["a"] * 6}, DataError, "differ in kind"),
    ],
)
def test_npz_with_something_else_is_refused(
    tmp_path: Path, arrays: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        load(saved(tmp_path / "d.npz", **arrays))


def test_a_truncated_npz_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "d.npz", X=X, y=Y)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FileFormatError, match=r"cannot be read as an .npz file"):
        load(path)


def test_a_damaged_byte_in_an_npz_is_noticed(tmp_path: Path) -> None:
    path = saved(tmp_path / "d.npz", X=X, y=Y)
    content = bytearray(path.read_bytes())
    content[content.index(X.tobytes()) + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="CRC"):
        load(path)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "d.npy"
    path.write_bytes(pickle.dumps(X))
    with pytest.raises(FileFormatError, match=r"cannot be read as an .npy file"):
        load(path)


def test_an_npy_named_npz_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", X)
    path = (tmp_path / "d.npy").rename(tmp_path / "d.npz")
    with pytest.raises(FileFormatError, match="holds a single array"):
        load(path)


def test_an_npz_named_npy_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "d.npz", X=X, y=Y).rename(tmp_path / "d.npy")
    with pytest.raises(FileFormatError, match=r"Name it .npz"):
        load(path)


# .npy


def test_npy_stays_on_disk(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", Y)
    data = load(tmp_path / "X.npy", target=str(tmp_path / "y.npy"))
    assert isinstance(data.X, np.memmap)
    assert data.y.tolist() == Y.tolist()


def test_images_in_npy_stay_on_disk_when_flattened(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.zeros((5, 4, 3), dtype=np.uint8))
    data = load(tmp_path / "X.npy")
    assert isinstance(data.X, np.memmap)
    assert data.X.shape == (5, 12)


def test_the_target_of_an_npy_is_looked_for_beside_it(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "labels.npy", Y)
    assert load(tmp_path / "X.npy", target="labels.npy").target_name == "labels"


def test_npy_without_target_is_data_to_predict_on(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    assert load(tmp_path / "X.npy").y is None


def test_a_target_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    with pytest.raises(DataError, match=r"target 'nope.npy' is no file, .* beside .*X.npy. Give"):
        load(tmp_path / "X.npy", target="nope.npy")


def test_lengths_that_differ_are_told_with_both_files(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", Y[:5])
    with pytest.raises(DataError, match=r"X.npy, .*y.npy: X has 6 rows, y has 5"):
        load(tmp_path / "X.npy", target="y.npy")


def test_a_truncated_npy_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    (tmp_path / "X.npy").write_bytes((tmp_path / "X.npy").read_bytes()[:-8])
    with pytest.raises(FileFormatError, match=r"cannot be read as an .npy file"):
        load(tmp_path / "X.npy")


# idx


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_idx_files_come_as_images_and_labels(tmp_path: Path, pack: object) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "images").write_bytes(pack(idx_bytes(images)))  # type: ignore[operator]
    (tmp_path / "labels").write_bytes(pack(idx_bytes(np.array([7, 1], dtype=np.uint8))))  # type: ignore[operator]
    data = load(f"{tmp_path / 'images'},{tmp_path / 'labels'}")
    assert data.X.tolist() == [list(range(12)), list(range(12, 24))]
    assert data.y.tolist() == [7, 1]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_idx_images_alone_are_known_by_their_first_bytes(tmp_path: Path, pack: object) -> None:
    """Under a name without ubyte or .idx they were a file of unknown kind, and could not be predicted on."""
    path = tmp_path / "images.gz"
    path.write_bytes(pack(idx_bytes(np.zeros((2, 3, 4), dtype=np.uint8))))  # type: ignore[operator]
    assert load(path).X.shape == (2, 12)
    assert load(path).y is None


@pytest.mark.parametrize(
    "content", [b"", b"\0\0", b"\x1f\x8b", gzip.compress(b"text", mtime=0), b"\x1f\x8b\x08\0" + b"\xff" * 20]
)
def test_other_bytes_under_a_plain_name_are_of_unknown_kind(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(FileFormatError, match="unknown kind"):
        load(tmp_path / "images")


@pytest.mark.parametrize("dtype", [np.int32, np.float64])
def test_wide_idx_numbers_are_turned_into_this_machines_order(tmp_path: Path, dtype: type) -> None:
    path = tmp_path / "x-ubyte"
    path.write_bytes(idx_bytes(np.array([[1, -2], [3, 4]], dtype=dtype)))
    data = load(path)
    assert data.X.tolist() == [[1, -2], [3, 4]]
    assert data.X.dtype == dtype
    assert data.y is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (b"\x89PNG....", "begins with 89 50 4e 47"),
        (b"\0\0\x08\x01\0\0\0\x05abc", r"holds 3 bytes of numbers, but its shape \(5,\) needs 5"),
        (b"\0\0\x08\x03\0\0", "cannot be read as an idx file"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x01a", mtime=0)[:-9], "cannot be read as an idx file"),
        (b"\0\0\x08\x02" + b"\xff" * 8, "holds 0 bytes"),
    ],
)
def test_damaged_idx_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.idx"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        load(path)


def test_images_given_as_labels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(idx_bytes(np.zeros((2, 2), dtype=np.uint8)))
    with pytest.raises(FileFormatError, match="give the paths as images,labels"):
        load(f"{path},{path}")


# Paths and words that are no source


def test_an_unknown_word_names_the_sets_the_kinds_of_files_and_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"\*\.csv.*breast_cancer.*Did you mean 'digits'"):
        load("digit")


@pytest.mark.parametrize("name", ["no.csv", "no.npz", "no.npy", "no-images,no-labels"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"no.* cannot be read \(No such file or directory\)"):
        load(str(tmp_path / name) if "," not in name else name)


def test_a_file_of_another_kind_is_told_which_are_known(tmp_path: Path) -> None:
    (tmp_path / "data.sav").write_bytes(b"PK")
    with pytest.raises(FileFormatError, match=r"unknown kind '.sav'. Known: \*.csv"):
        load(tmp_path / "data.sav")


def test_a_folder_named_like_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.csv").mkdir()
    with pytest.raises(DataError, match="Is a directory"):
        load(tmp_path / "data.csv")


@pytest.mark.parametrize("source", ["data\n.csv", "data\0.csv"])
def test_a_source_with_control_characters_is_refused_in_one_line(source: str) -> None:
    with pytest.raises(DataError, match="Leave out line breaks and control characters") as caught:
        load(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["http://host/data.csv", "HTTPS://host/X.npy", "s3://bucket/d.npz"])
def test_urls_are_said_not_to_be_fetched(source: str) -> None:
    """As a path, http://host became http:/host, which cannot be read."""
    with pytest.raises(DataError, match=rf"^{source} is an address, .* Download it"):
        load(source)


@pytest.mark.parametrize("source", ["", None, 3])
def test_a_source_that_is_no_text_is_refused(source: object) -> None:
    with pytest.raises(DataError, match="Give the name of a data set or a path"):
        load(source)  # type: ignore[arg-type]


def test_a_damaged_archive_that_is_called_npy_is_closed(tmp_path: Path) -> None:
    """NumPy opens what begins as a zip, fails to read it and leaves it open: a ResourceWarning, some time later."""
    (tmp_path / "a.npy").write_bytes(b"PK\x03\x04")
    with pytest.raises(FileFormatError, match="archive"):
        load(tmp_path / "a.npy")
    gc.collect()
