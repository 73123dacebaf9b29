"""What can be trained on, for which task, and under which labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp.data import apply_labels, blocks, check_trainable, encode_labels, infer_task
from mlp.errors import DataError, UnknownNameError

X = np.arange(8.0).reshape(4, 2)
Y = np.array([0, 1, 0, 1])


def with_cell(row: int, column: int, value: float) -> np.ndarray:
    changed = X.copy()
    changed[row, column] = value
    return changed


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (Y, "classification"),
        (Y.astype(bool), "classification"),
        (Y.astype(float), "classification"),
        (np.array(["a", "b", "a", "b"]), "classification"),
        (np.array([1, "b", None], dtype=object), "classification"),
        (np.array([0.5, 1.0]), "regression"),
        (np.arange(10), "classification"),
        (np.arange(21), "regression"),
        (1000 * np.arange(12), "regression"),  # prices: no two houses cost the same
        (np.repeat(1000 * np.arange(6), 2), "classification"),
        (np.tile(np.arange(21), 10), "classification"),
        (np.tile(np.arange(21), 9), "regression"),
        (np.eye(3), "multilabel"),
        (np.array([[0, 1], [1, 1]]), "multilabel"),
        (np.array([[0, 2], [1, 1]]), "regression"),
        (Y[:, np.newaxis], "classification"),
    ],
)
def test_the_task_is_what_the_target_most_likely_means(y: np.ndarray, task: str) -> None:
    assert infer_task(y) == task


def test_class_names_make_a_classification() -> None:
    assert infer_task(np.arange(30), class_names=[str(i) for i in range(30)]) == "classification"


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (Y, "classification"),
        (Y.astype(float), "classification"),
        (Y.astype(bool), "classification"),
        (np.array(["a", "b", "a", "c"]), "classification"),
        (Y[:, np.newaxis], "classification"),
        (np.eye(4), "multilabel"),
        (np.eye(4, dtype=bool), "multilabel"),
        (np.array([0.5, 1, 2, 3]), "regression"),
        (np.ones((4, 3)), "regression"),
    ],
)
def test_data_that_fits_its_task_passes(y: np.ndarray, task: str) -> None:
    check_trainable(X, y, task)


@pytest.mark.parametrize(
    ("features", "y", "task", "message"),
    [
        (with_cell(2, 1, np.nan), Y, "classification", "1 value .*: row 2, column 1: nan"),
        (with_cell(3, 0, -np.inf), Y, "regression", "row 3, column 0: -inf"),
        (X[:0], Y[:0], "classification", "nothing to train on"),
        (X[:, :0], Y, "classification", "nothing to train on"),
        (X[:, 0], Y, "classification", r"shape \(4,\). Give one row for each sample"),
        ([[1, 2], [3]], [0, 1], "classification", "X is no array .*Give rows of equal length"),
        (X, Y[:3], "classification", "X has 4 rows, y has 3"),
        (X, None, "classification", "no target y"),
        (X + 1j, Y, "classification", "X holds complex128 values"),
        (np.array([["1", "x"]] * 4), Y, "classification", "X holds <U1 values"),
        ([[1, 2], [3, "a"]], [0, 1], "classification", "row 1, column 1: 'a'"),
        (np.array([[1, 2.5], [3, "x"]], dtype=object), Y[:2], "classification", "row 1, column 1: 'x'"),
        (X, np.ones(4, dtype=int), "classification", "all 4 rows have the label '1' in y"),
        (X[:1], Y[:1], "classification", "the only row has the label '0' in y"),
        (X, np.array([0, 1, 0.5, 1]), "classification", "row 2: 0.5.*task = 'regression'"),
        (X, np.array([0, 1, np.nan, 1]), "classification", "1 value that is not finite: row 2: nan"),
        (X, np.eye(4), "classification", r"argmax\(axis=1\)"),
        (X, Y + 1j, "classification", "y holds complex128 values"),
        (X, np.eye(4) * 2, "multilabel", "4 values that are neither 0 nor 1: row 0: 2.0"),
        (X, np.array(["a"] * 4), "multilabel", "y holds <U1 values"),
        (X, np.array([0, 1, np.inf, 1]), "regression", "1 value that is not finite: row 2: inf. Fill"),
        (X, np.array(["a"] * 4), "regression", "give numbers"),
        (X, np.zeros((4, 1, 1)), "regression", r"shape \(n,\) or \(n, n_outputs\)"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused(features: Any, y: Any, task: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_trainable(features, y, task)


def test_columns_are_named_where_they_have_names() -> None:
    with pytest.raises(DataError, match="row 2, column 'weight': nan"):
        check_trainable(with_cell(2, 1, np.nan), Y, "classification", ("height", "weight"))


def test_many_bad_cells_are_counted_across_blocks_and_the_first_few_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "CELLS_PER_BLOCK", 4)
    bad = X.copy()
    bad[[0, 2, 3], 1] = np.nan
    bad[3, 0] = np.inf
    with pytest.raises(DataError, match=r"4 values.*row 0.*; row 2.*; row 3, column 0: inf; and 1 more"):
        check_trainable(bad, Y, "classification")


def test_a_single_class_is_called_by_its_name_and_the_target_as_it_is_asked_for() -> None:
    with pytest.raises(DataError, match="all 4 rows have the label 'no' in column 'ill'"):
        check_trainable(X, Y * 0, "classification", class_names=["no"], target="column 'ill'")


def test_codes_beyond_the_class_names_are_refused() -> None:
    with pytest.raises(DataError, match="row 1: 1"):
        check_trainable(X, Y, "classification", class_names=["only"])


def test_an_unknown_task_is_refused_by_name() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'regression'"):
        check_trainable(X, Y, "regresion")


# Labels


@pytest.mark.parametrize(
    ("y", "codes", "names"),
    [
        ([10, 2, 10], [1, 0, 1], ("2", "10")),
        ([3.0, -1.0], [1, 0], ("-1", "3")),
        ([True, False], [1, 0], ("False", "True")),
        (["b", "a"], [1, 0], ("a", "b")),
        (np.array(["b", "a"], dtype=object), [1, 0], ("a", "b")),
        ([b"b", b"a"], [1, 0], ("a", "b")),
    ],
)
def test_labels_of_any_kind_become_codes(y: Any, codes: list[int], names: tuple[str, ...]) -> None:
    found, found_names = encode_labels(np.array(y) if isinstance(y, list) else y)
    assert found.tolist() == codes
    assert found_names == names


@pytest.mark.parametrize("further", [np.array([10, 2]), np.array([10.0, 2.0]), np.array(["10", "2"])])
def test_a_label_is_known_by_its_text_whatever_its_dtype(further: np.ndarray) -> None:
    assert apply_labels(further, ("2", "10")).tolist() == [1, 0]


def test_a_label_not_seen_in_training_is_refused_by_row() -> None:
    with pytest.raises(
        DataError, match=r"y holds 2 labels not seen in training \(row 1: 'c'; row 3: 'd'\). Known: 'a', 'b'"
    ):
        apply_labels(np.array(["a", "c", "b", "d"]), ("a", "b"))


def test_labels_in_two_columns_are_refused() -> None:
    with pytest.raises(DataError, match="Give one label for each row"):
        encode_labels(np.eye(2))
