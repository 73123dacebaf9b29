"""Parting rows: nothing lost, nothing twice, every class in its share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp.data import split
from mlp.errors import DataError, HyperparameterError, ShapeError

FRACTION = st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.25, 1 / 3, 0.4])


@given(n=st.integers(3, 300), validation=FRACTION, test=FRACTION, seed=st.integers(0, 9))
def test_every_row_is_in_exactly_one_part(n: int, validation: float, test: float, seed: int) -> None:
    parts = split(n, validation=validation, test=test, rng=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))


@given(n=st.integers(3, 300), validation=FRACTION, test=FRACTION)
def test_sizes_are_within_one_row_of_the_fractions(n: int, validation: float, test: float) -> None:
    parts = split(n, validation=validation, test=test)
    assert abs(len(parts.validation) - n * validation) < 1 + 1e-9
    assert abs(len(parts.test) - n * test) < 1 + 1e-9


@given(counts=st.lists(st.integers(8, 60), min_size=1, max_size=12), validation=FRACTION, test=FRACTION)
def test_each_class_is_within_one_row_of_the_fractions_and_so_are_the_totals(
    counts: list[int], validation: float, test: float
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    parts = split(len(labels), validation=validation, test=test, labels=labels)
    for rows, fraction in zip(parts, (1 - validation - test, validation, test), strict=True):
        assert abs(len(rows) - fraction * len(labels)) < 1 + 1e-9
        found = np.bincount(labels[rows], minlength=len(counts))
        assert np.abs(found - fraction * np.array(counts)).max() < 1 + 1e-9


@given(counts=st.lists(st.integers(1, 5), min_size=3, max_size=30), validation=FRACTION, test=FRACTION)
def test_every_class_has_a_row_in_training(counts: list[int], validation: float, test: float) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    try:
        parts = split(len(labels), validation=validation, test=test, labels=labels)
    except DataError:  # nothing but classes of one row: no part can be filled
        return
    assert set(labels[parts.train]) == set(labels)


def test_a_class_of_one_row_goes_to_training() -> None:
    labels = np.array([0] * 20 + [1])
    assert 20 in split(21, validation=0.4, test=0.4, labels=labels).train


def test_digits_are_parted_by_worked_numbers() -> None:
    """Classes of 10, 20 and 70 rows, a tenth and a fifth: 1, 2, 7 rows and 2, 4, 14 rows."""
    labels = np.repeat(["a", "b", "c"], [10, 20, 70])
    parts = split(100, validation=0.1, test=0.2, labels=labels)
    assert [list(np.unique(labels[rows], return_counts=True)[1]) for rows in parts] == [
        [7, 14, 49],
        [1, 2, 7],
        [2, 4, 14],
    ]


def test_equal_seeds_part_equally_and_others_do_not() -> None:
    first, second, other = (split(50, test=0.5, rng=seed) for seed in (1, 1, 2))
    assert first.test.tolist() == second.test.tolist()
    assert first.test.tolist() != other.test.tolist()


def test_rows_of_a_part_ascend() -> None:
    assert all((np.diff(rows) > 0).all() for rows in split(50, validation=0.3, test=0.3))


def test_a_fraction_of_zero_is_an_empty_part() -> None:
    parts = split(10, test=0.2)
    assert len(parts.validation) == 0
    assert len(parts.train) == 8


def test_a_part_that_was_asked_for_is_never_empty() -> None:
    assert [len(rows) for rows in split(4, validation=0.15, test=0.15, labels=np.array([0, 1, 1, 0]))] == [
        2,
        1,
        1,
    ]


def test_too_few_rows_for_the_parts_are_refused() -> None:
    with pytest.raises(DataError, match="2 rows cannot be parted into 3 parts"):
        split(2, validation=0.1, test=0.1)


def test_classes_of_one_row_only_leave_nothing_to_hold_out() -> None:
    with pytest.raises(DataError, match=r"5 rows in 5 classes leave none for test = 0.2"):
        split(5, test=0.2, labels=np.arange(5))


@pytest.mark.parametrize(("validation", "test"), [(1.0, 0.0), (-0.1, 0.0), (0.0, float("nan")), (0.5, 0.5)])
def test_impossible_fractions_are_refused(validation: float, test: float) -> None:
    with pytest.raises(HyperparameterError):
        split(10, validation=validation, test=test)


def test_labels_of_another_length_are_refused() -> None:
    with pytest.raises(ShapeError, match="Give one label for each of 10 rows"):
        split(10, test=0.1, labels=np.zeros(9))
