"""Batches: every row once an epoch, in a reproducible order, with the bias node below."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlp
from mlp.data.batches import streamed
from mlp.data.scale import none, standard

N = 10
X = np.arange(2.0 * N).reshape(N, 2)
LABELS = np.arange(N) % 3


def copied(found: Any) -> list[mlp.Batch]:
    """Batches that outlive the next."""
    return [
        b._replace(
            x=mlp.Nodes(b.x.values.copy(), b.x.with_bias.copy()),
            target=b.target.copy(),
            weights=None if b.weights is None else b.weights.copy(),
            rows=b.rows.copy(),
        )
        for b in found
    ]


def rows_of(found: Any) -> list[list[int]]:
    return [b.rows.tolist() for b in found]


@given(n=st.integers(1, 40), size=st.one_of(st.none(), st.integers(1, 50)), epochs=st.integers(1, 3))
def test_every_row_comes_once_an_epoch(n: int, size: int | None, epochs: int) -> None:
    found = copied(mlp.batches(np.zeros((n, 1)), np.arange(n), size, epochs=epochs))
    for epoch in range(epochs):
        seen = [row for b in found if b.epoch == epoch for row in b.rows.tolist()]
        assert sorted(seen) == list(range(n))
    assert [b.epoch for b in found] == sorted(b.epoch for b in found)


@given(n=st.integers(1, 40), size=st.integers(1, 50))
def test_only_the_last_batch_of_an_epoch_is_smaller(n: int, size: int) -> None:
    lengths = [b.x.n_samples for b in mlp.batches(np.zeros((n, 1)), np.zeros(n), size)]
    assert lengths == [min(size, n)] * (n // min(size, n)) + ([n % size] if size < n and n % size else [])


def test_a_batch_holds_the_rows_it_names() -> None:
    weights = np.arange(N) / 10
    for b in mlp.batches(X, LABELS, 4, rng=1, epochs=2, weights=weights):
        assert (b.x.values == X[b.rows].T).all()
        assert (b.target == LABELS[b.rows]).all()
        assert (b.weights == weights[b.rows]).all()


def test_values_and_bias_node_are_one_memory_and_the_bias_node_is_1() -> None:
    for b in [*mlp.batches(X, LABELS, 4), mlp.as_batch(X, LABELS)]:
        assert (b.x.with_bias[-1] == 1).all()
        assert np.shares_memory(b.x.values, b.x.with_bias)
        assert b.x.with_bias.shape == (3, b.x.n_samples)


def test_a_batch_of_targets_with_two_axes_is_node_major() -> None:
    T = np.arange(3.0 * N).reshape(N, 3)
    for b in mlp.batches(X, T, 4):
        assert (b.target == T[b.rows].T).all()


def test_the_same_seed_gives_the_same_order_and_every_epoch_its_own() -> None:
    orders = [rows_of(mlp.batches(X, LABELS, N, rng=7, epochs=3)) for _ in range(2)]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders[0]}) == 3
    assert rows_of(mlp.batches(X, LABELS, N, rng=8)) != orders[0][:1]


def test_a_generator_goes_on_from_run_to_run() -> None:
    rng = np.random.default_rng(7)
    twice = [rows_of(mlp.batches(X, LABELS, 4, rng=rng)) for _ in range(2)]
    assert twice[0] + twice[1] == rows_of(mlp.batches(X, LABELS, 4, rng=7, epochs=2))


def test_no_rng_keeps_the_order_of_the_rows() -> None:
    assert rows_of(mlp.batches(X, LABELS, 4, rng=None, epochs=2)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] * 2


def test_no_size_is_all_rows_at_once() -> None:
    assert [b.x.n_samples for b in mlp.batches(X, LABELS, None, epochs=3)] == [N] * 3


def test_the_data_are_copied_so_that_batches_stay_what_they_were() -> None:
    mine = X.copy()
    found = mlp.batches(mine, LABELS, N, rng=None)
    mine.fill(99)
    assert (next(found).x.values == X.T).all()


@pytest.mark.parametrize("given", [np.float32, np.float64])
def test_the_dtype_is_that_of_the_data(given: Any) -> None:
    b = next(mlp.batches(X.astype(given), X.astype(given), weights=np.ones(N)))
    assert {b.x.values.dtype, b.target.dtype, b.weights.dtype} == {np.dtype(given)}  # type: ignore[union-attr]


@pytest.mark.parametrize("given", [np.uint8, np.int64, bool])
def test_whole_numbers_become_float64_unless_asked_otherwise(given: Any) -> None:
    assert next(mlp.batches(X.astype(given), LABELS)).x.values.dtype == np.float64
    assert next(mlp.batches(X.astype(given), LABELS, dtype=np.float32)).x.values.dtype == np.float32


@pytest.mark.parametrize("given", [np.uint8, np.int32, np.int64, bool])
def test_labels_stay_whole_numbers(given: Any) -> None:
    t = next(mlp.batches(X, LABELS.astype(given), rng=None)).target
    assert t.dtype == np.intp
    assert (t == LABELS.astype(given)).all()


def test_lists_of_lists_will_do() -> None:
    b = mlp.as_batch([[0, 1], [2, 3]], [1, 0], [1, 2])  # type: ignore[arg-type]
    assert b.x.values.tolist() == [[0, 2], [1, 3]]
    assert b.target.tolist() == [1, 0]
    assert b.weights.tolist() == [1, 2]  # type: ignore[union-attr]


def test_nothing_grows_from_batch_to_batch() -> None:
    """The arrays of a batch are those of the last batch of its size."""
    found = mlp.batches(X, LABELS, 4, epochs=3)
    memories = {b.x.with_bias.__array_interface__["data"][0] for b in found}
    assert len(memories) == 2  # of four rows and of two


# streamed


def memmapped(path: Path) -> np.ndarray:
    big = np.lib.format.open_memmap(path, "w+", np.float32, (30, 2))
    big[...] = np.random.default_rng(0).standard_normal((30, 2))
    return big


def test_streamed_without_shuffling_gives_the_batches_of_the_same_rows(tmp_path: Path) -> None:
    data, rows = memmapped(tmp_path / "X.npy"), np.array([3, 4, 8, 11, 12, 20, 29])
    t, w = np.arange(7) % 3, np.arange(7.0)
    plain = copied(mlp.batches(data[rows], t, 3, rng=None, epochs=2, weights=w))
    found = copied(streamed(data, t, rows, 3, scaling=none(2), rng=None, epochs=2, weights=w, dtype=np.float32))
    assert len(found) == len(plain) == 6
    for a, b in zip(plain, found, strict=True):
        assert (a.x.with_bias == b.x.with_bias).all()
        assert (a.target == b.target).all()
        assert (a.weights == b.weights).all()
        assert a.epoch == b.epoch
        assert (rows[a.rows] == b.rows).all()
        assert b.x.values.dtype == np.float32


def test_streamed_shuffles_as_batches_do_but_for_the_order_within_a_batch(tmp_path: Path) -> None:
    """Rows are read in the order they have on disk; a mean over samples does not mind."""
    data, rows = memmapped(tmp_path / "X.npy"), np.arange(5, 25)
    t = np.random.default_rng(1).standard_normal((20, 2))
    plain = copied(mlp.batches(data[rows], t.astype(np.float32), 8, rng=4, epochs=2))
    found = copied(streamed(data, t, rows, 8, scaling=none(2), rng=4, epochs=2, dtype=np.float32))
    assert [sorted(rows[a.rows].tolist()) for a in plain] == [b.rows.tolist() for b in found]  # type: ignore[index, union-attr]
    for b in found:
        assert (b.x.values == data[b.rows].T).all()
        assert (b.target == t[b.rows - 5].T.astype(np.float32)).all()  # type: ignore[operator]


def test_streamed_scales_what_it_reads(tmp_path: Path) -> None:
    data, rows = memmapped(tmp_path / "X.npy"), np.arange(30)
    scaling = standard(data)
    (b,) = streamed(data, np.zeros(30), rows, 30, scaling=scaling, rng=None)
    np.testing.assert_allclose(b.x.values.T, scaling.apply(np.asarray(data), np.float64), rtol=1e-15)  # same sums


def test_training_on_a_stream_is_training_on_its_rows(tmp_path: Path) -> None:
    data, t = memmapped(tmp_path / "X.npy"), np.arange(30) % 2
    ends = []
    for source in (
        mlp.batches(np.asarray(data), t, 8, rng=None, epochs=3),
        streamed(data, t, np.arange(30), 8, scaling=none(2), rng=None, epochs=3, dtype=np.float32),
    ):
        net = mlp.Network([mlp.Dense(2, 3), mlp.Tanh(), mlp.Dense(3, 2)], dtype=np.float32)
        *_, _ = mlp.train(net, source, mlp.SoftmaxCrossEntropy(), mlp.Adam())
        ends.append(net.params)
    assert (ends[0] == ends[1]).all()


@pytest.mark.parametrize("size", [1, 2, 3, 4, None])
def test_the_last_batch_of_an_epoch_says_so(size: int | None) -> None:
    X = np.arange(4.0)[:, None]
    batches = list(mlp.batches(X, X[:, 0], size, epochs=2))
    ends = [i for i, (a, b) in enumerate(pairwise(batches)) if b.epoch > a.epoch] + [len(batches) - 1]
    assert [i for i, batch in enumerate(batches) if batch.last] == ends
