"""Scaling: fitted on some rows, exact, streamed, and never silently infinite."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.data import Scaling, blocks, check_trainable
from mlp.data.scale import minmax, none, standard
from mlp.errors import DataError, ShapeError


def test_standard_by_worked_numbers() -> None:
    """Mean of 1, 3, 5, 7 is 4, variance (9 + 1 + 1 + 9)/4 = 5."""
    scaled = standard(np.array([[1.0], [3.0], [5.0], [7.0]])).apply(np.array([[4.0], [9.0]]))
    assert scaled == pytest.approx(np.array([[0.0], [np.sqrt(5)]]))


def test_minmax_by_worked_numbers() -> None:
    scaled = minmax(np.array([[2.0], [6.0]])).apply(np.array([[2.0], [3.0], [6.0], [10.0]]))
    assert scaled.ravel().tolist() == [0, 0.25, 1, 2]


def test_none_changes_nothing() -> None:
    X = np.array([[1, 2], [3, 4]], dtype=np.uint8)
    assert none(2).apply(X).tolist() == X.tolist()


def test_standard_is_that_of_scikit_learn() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    X = np.random.default_rng(0).normal(1e3, [1, 10, 100], (50, 3))
    reference = preprocessing.StandardScaler().fit_transform(X)
    assert standard(X).apply(X) == pytest.approx(reference, rel=1e-10, abs=1e-12)  # two ways to round one sum


def test_scaling_is_fitted_on_the_rows_given_only() -> None:
    X = np.array([[0.0], [2.0], [1000.0]])
    assert minmax(X, rows=np.array([0, 1])).apply(X).ravel().tolist() == [0, 1, 500]


def test_scaling_is_applied_to_the_rows_given_only() -> None:
    X = np.array([[0.0], [2.0], [4.0]])
    assert minmax(X).apply(X, rows=np.array([2, 0])).ravel().tolist() == [1, 0]


@pytest.mark.parametrize("fit", [standard, minmax])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e300, -7.0])
def test_a_constant_column_becomes_zero(fit: object, value: float) -> None:
    X = np.full((1000, 1), value)
    scaling = fit(X)  # type: ignore[operator]
    assert scaling.factor.tolist() == [1]
    assert not scaling.apply(X).any()


@given(sizes=st.lists(st.integers(1, 7), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_blocks_of_any_size_fit_alike(sizes: list[int], seed: int) -> None:
    """Twin: the mean and deviation of all rows at once."""
    X = np.random.default_rng(seed).normal(100, 1, (sum(sizes), 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "CELLS_PER_BLOCK", 3 * sizes[0])
        scaling = standard(np.vstack([X, X + 1]))
    both = np.vstack([X, X + 1])
    assert scaling.shift == pytest.approx(both.mean(axis=0), rel=1e-12)
    assert 1 / scaling.factor == pytest.approx(both.std(axis=0), rel=1e-12)


ROUNDED = {
    "shares": lambda r: r.dirichlet(np.ones(30), 500).sum(1),
    "there and back": lambda r: 5 * (x := r.random(500) + 0.3) / x,
    "circle": lambda r: np.add(*np.square([f(np.linspace(0, 9, 500)) for f in (np.sin, np.cos)])),
    "last bits": lambda r: 1e9 * (1 + 1e-15 * r.standard_normal(500)),
    "tiny": lambda r: -1e-200 * (1 + 1e-16 * r.standard_normal(500)),
    "float32": lambda r: r.dirichlet(np.ones(30), 500).astype(np.float32).sum(1),
}


@pytest.mark.parametrize("fit", [standard, minmax, lambda X: standard(X, weights=np.arange(1.0, 501))])
@pytest.mark.parametrize("name", ROUNDED)
def test_a_column_that_is_constant_but_for_rounding_is_only_shifted(fit: Any, name: str) -> None:
    """Its deviation of 1e-16 became 1: a new value 1e-4 away was then 1e12, and the answer certain and wrong."""
    column = np.asarray(ROUNDED[name](np.random.default_rng(0)))
    assert len(np.unique(column)) > 1
    scaling = fit(column[:, None])
    assert scaling.factor.tolist() == [1] and scaling.constant.tolist() == [True]
    assert np.abs(scaling.apply(column[:, None])).max() <= 1e-5 * np.abs(column).max()


SPREAD = {
    "seconds": 1.7e9 + np.arange(500) % 7,
    "nanoseconds": 1_700_000_000_000_000_000 + 1_000_000 * np.arange(500),
    "tenths of a millisecond": 1e9 + 1e-4 * np.arange(500),
    "one of many": 1e9 + (np.arange(500) == 3),
    "float32": np.float32(1e4) + np.arange(500, dtype=np.float32) % 5,
    "integers that one row leaves": 10**12 + (np.arange(500) == 3),
    "small": 1e-9 * (1 + 1e-6 * np.arange(500)),
}


@pytest.mark.parametrize("name", SPREAD)
def test_a_true_spread_far_from_0_is_kept(name: str) -> None:
    """Twin: the deviation of exact whole numbers, or of exact differences from the first row."""
    column = SPREAD[name]
    exact = np.array([float(value - column[0]) for value in column.tolist()])
    scaling = standard(column[:, None])
    assert not scaling.constant.any()  # type: ignore[union-attr]
    assert 1 / scaling.factor[0] == pytest.approx(exact.std(), rel=1e-6)  # nanoseconds are multiples of 256
    assert not minmax(column[:, None]).constant.any()  # type: ignore[union-attr]


@pytest.mark.parametrize("weighted", [False, True])
def test_a_long_sum_of_large_numbers_does_not_spoil_the_deviation(weighted: bool) -> None:
    """The mean of 400,000 numbers near 1e9 was wrong by a millisecond, and the deviation with it: by 96 %."""
    n = 400_000
    apart = np.random.default_rng(0).random((n, 2)) * 1e-3
    X = 1e9 + apart
    scaling = standard(X, weights=np.ones(n) if weighted else None)
    exact = X - 1e9  # without rounding
    assert 1 / scaling.factor == pytest.approx(exact.std(0), rel=1e-6)
    assert np.abs(scaling.apply(X).mean(0)).max() < 1e-3  # the mean itself is rounded to 1e-7 of 3e-4


def test_a_large_mean_does_not_swallow_a_small_deviation() -> None:
    """Σx² - (Σx)²/n would lose all digits here: 1e9² has 18 of them, float64 has 16."""
    X = 1e9 + np.tile([[0.0], [1.0]], (1000, 1))
    assert 1 / standard(X).factor == pytest.approx([0.5])


def test_8_bit_pixels_do_not_wrap_around() -> None:
    X = np.array([[250], [255]], dtype=np.uint8)
    assert standard(X).apply(X).ravel().tolist() == [-1, 1]


def test_a_mapped_matrix_is_scaled_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.random.default_rng(0).normal(size=(100, 4))
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    monkeypatch.setattr(blocks, "CELLS_PER_BLOCK", 40)
    assert np.allclose(minmax(mapped).apply(mapped), minmax(X).apply(X))


def test_apply_into_may_write_over_its_input() -> None:
    X = np.array([[2.0], [6.0]])
    minmax(X).apply_into(X, X)
    assert X.ravel().tolist() == [0, 1]


def test_apply_into_writes_beside_a_bias_column() -> None:
    room = np.ones((2, 2), dtype=np.float32)
    minmax(np.array([[2.0], [6.0]])).apply_into(np.array([[2.0], [6.0]]), room[:, :1])
    assert room.tolist() == [[0, 1], [1, 1]]


def test_apply_gives_the_dtype_asked_for() -> None:
    assert none(1).apply(np.ones((2, 1)), np.float32).dtype == np.float32


def test_undo_gives_back_what_was_scaled() -> None:
    X = np.random.default_rng(0).normal(5, 3, (20, 2))
    assert standard(X).undo(standard(X).apply(X)) == pytest.approx(X)


def test_scaling_survives_json_bit_for_bit() -> None:
    scaling = standard(np.random.default_rng(0).normal(size=(10, 3)))
    back = Scaling.from_json(json.loads(json.dumps(scaling.to_json())))
    assert back.shift.tolist() == scaling.shift.tolist()
    assert back.factor.tolist() == scaling.factor.tolist()


@pytest.mark.parametrize("fit", [standard, minmax])
@pytest.mark.parametrize("column", [[1e308, -1e308], [5e-324, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_columns_whose_scale_is_no_number_are_refused_by_name(fit: object, column: list[float]) -> None:
    X = np.column_stack([[1.0, 2.0], column])
    with pytest.raises(DataError, match="1 column cannot be scaled: column 'size' runs from"):
        fit(X, feature_names=("age", "size"))  # type: ignore[operator]


def test_squares_that_overflow_are_refused() -> None:
    with pytest.raises(DataError, match="column 0 runs from -1e\\+200 to 1e\\+200"):
        standard(np.array([[1e200], [-1e200]]))


def test_values_beyond_float32_are_refused_by_row_and_column() -> None:
    with pytest.raises(DataError, match="1 value is not finite after scaling to float32: row 1, column 0"):
        none(1).apply(np.array([[1.0], [1e39]]), np.float32)


def test_rows_are_counted_in_the_matrix_and_columns_called_by_name() -> None:
    """The row was counted within the part that was scaled, the column had no name."""
    scaling = minmax(np.array([[0.0, 0.0], [1.0, 1.0]]), feature_names=("age", "size"))
    X = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 1e300]])
    with pytest.raises(DataError, match="to float32: row 2, column 'size'"):
        scaling.apply(X, np.float32, np.array([1, 2]))


def test_another_number_of_features_is_refused() -> None:
    with pytest.raises(ShapeError, match="fitted on 2 features"):
        none(2).apply(np.ones((3, 3)))


def test_no_rows_cannot_be_fitted() -> None:
    with pytest.raises(DataError, match="no rows"):
        standard(np.ones((3, 1)), rows=np.array([], dtype=int))


def test_a_mapped_matrix_is_checked_fitted_and_applied_in_a_fraction_of_its_size(tmp_path: Path) -> None:
    """160 MB of zeros on disk, float64; a block has 8 MB and a few copies of itself."""
    path = tmp_path / "X.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(200_000, 100)).flush()
    X = np.load(path, mmap_mode="r")
    rows = np.arange(0, 200_000, 100)
    tracemalloc.start()
    check_trainable(X, np.arange(200_000) % 2, "classification")
    standard(X).apply(X, np.float32, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6


def test_a_row_of_weight_k_is_scaled_by_like_k_rows() -> None:
    rng = np.random.default_rng(0)
    X, weights, rows = rng.normal(3, 2, (30, 4)), rng.integers(1, 4, 30), np.arange(5, 25)
    weighed = standard(X, rows, weights=weights[rows].astype(float))
    repeated = standard(X[rows].repeat(weights[rows], 0))
    assert weighed.shift == pytest.approx(repeated.shift)
    assert weighed.factor == pytest.approx(repeated.factor)
