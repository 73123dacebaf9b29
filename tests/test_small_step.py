"""The levers of a small step: what they compute is what the plain sums say, and what is shared stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

import mlp
from mlp.arrays import SHORT, column_sums, number, ones, row_sum, unit_matrix, write_product
from mlp.losses.loss import FEW_CLASSES, as_one_hot

DTYPES = (np.float32, np.float64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (SHORT + 1, 2), (2, 3, 4)])
def test_sums_are_sums_in_the_dtype_of_what_is_summed(shape: tuple[int, ...], dtype: type) -> None:
    values = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    exact = values.astype(np.float64)
    for found, expected in (
        (column_sums(values), exact.sum(-2)),
        (row_sum(values[..., 0, :]), exact[..., 0, :].sum(-1)),
    ):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_a_long_sum_in_float32_rounds_as_little_as_one_in_pairs() -> None:
    """A product adds one number after another: of 10 million tenths it loses whole percents."""
    tenths = np.full(10_000_000, 0.1, np.float32)
    assert abs(float(row_sum(tenths)) - 1e6) <= abs(float(tenths.sum()) - 1e6) < 20  # NumPy's own sum, of any version


@pytest.mark.parametrize("shape", [(), (2,)])
def test_a_product_is_that_of_a_population_too(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((*shape, 3, 4)), rng.standard_normal((*shape, 4, 5))
    out = np.empty((*shape, 3, 5))
    write_product(a, b, out)
    np.testing.assert_allclose(out, np.einsum("...ij,...jk->...ik", a, b))


def test_what_is_shared_by_all_steps_cannot_be_written_to() -> None:
    """One loss that scaled its one-hot target in place would change the labels of every later step."""
    for shared in (ones(3, np.dtype(float)), unit_matrix(3, np.dtype(float)), number(2.0, np.dtype(float))):
        with pytest.raises(ValueError, match="read-only"):
            shared[...] = 5
    target = as_one_hot(np.array([0, 2]), 3, np.dtype(float))
    target *= 7  # one's own
    np.testing.assert_array_equal(unit_matrix(3, np.dtype(float)), np.eye(3))


@pytest.mark.parametrize("n_classes", [2, 10, FEW_CLASSES, FEW_CLASSES + 1])
def test_labels_become_columns_of_one_1(n_classes: int) -> None:
    labels = np.array([0, n_classes - 1, 1, 0])
    found = as_one_hot(labels, n_classes, np.dtype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.arange(n_classes)[:, None] == labels)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 2.0, 0.0])])
def test_a_loss_leaves_the_targets_of_the_caller_as_they_are(smoothing: float, weights: np.ndarray | None) -> None:
    """Probabilities come as a matrix of the caller's: a share that was multiplied into it stayed there."""
    target = np.array([[0.5, 1.0, 0.0], [0.5, 0.0, 1.0]])
    before, output, d_output = target.copy(), np.ones((2, 3)), np.empty((2, 3))
    mlp.SoftmaxCrossEntropy(label_smoothing=smoothing).value_and_grad(output, target, weights, d_output)
    np.testing.assert_array_equal(target, before)
    assert not np.shares_memory(d_output, target)


def test_the_slope_of_relu_is_0_at_0_and_below() -> None:
    network = mlp.Network([mlp.ReLU(n_in=4)])
    batch = mlp.as_batch(np.array([[-1.0, -0.0, 0.0, 3.0]]), np.array([[1.0, 1.0, 1.0, 1.0]]))
    workspace = mlp.Workspace(network, 1, input_gradient=True)
    mlp.value_and_grad(network, mlp.SquaredError(), batch, workspace)
    np.testing.assert_array_equal(workspace.d_nodes[0][:, 0], [0, 0, 0, 2])
