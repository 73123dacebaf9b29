"""Losses: gradients, means, weights, extreme outputs, worked numbers."""

from __future__ import annotations

from math import cosh, exp, log
from typing import Any

import numpy as np
import pytest
from cases import LOSSES, inside, target

import mlp
from mlp.losses.loss import Loss

EVERY = pytest.mark.parametrize("name", LOSSES)
SATURATING = ["softmax", "softmax_smoothed", "softmax_soft", "softmax_soft_smoothed", "sigmoid", "sigmoid_one",
              "sigmoid_smoothed", "sigmoid_soft", "focal", "focal_zero", "focal_half", "sigmoid_focal", "hinge",
              "binary_hinge"]  # fmt: skip


def drawn(name: str, n: int = 8, dtype: Any = np.float64) -> tuple[Loss, np.ndarray, np.ndarray]:
    """The loss, outputs (n_out, n) and targets as a batch holds them."""
    rng = np.random.default_rng(5)
    loss, kind, n_out = LOSSES[name]
    t = target(kind, n, n_out, rng)
    return (
        loss,
        (2 * rng.standard_normal((n_out, n))).astype(dtype),
        t.T if kind == "labels" else t.T.astype(dtype),
    )


def both(loss: Loss, output: np.ndarray, t: np.ndarray, w: Any = None) -> tuple[Any, np.ndarray]:
    """L and ∂L/∂output."""
    d_output = np.full_like(output, np.nan)
    value = loss.value_and_grad(output, t, w, d_output)
    return value, d_output


def worked(loss: Loss, output: list[float], t: Any) -> float:
    """L of one sample."""
    found: float = loss.value(np.array(output, float)[:, None], np.atleast_1d(np.array(t).T), None)
    return found


@EVERY
def test_gradient_is_that_of_differences(name: str) -> None:
    loss, kind, n_out = LOSSES[name]
    rng = np.random.default_rng(0)
    net = mlp.Network([mlp.Dense(5, 6), mlp.Tanh(), mlp.Dense(6, n_out)], rng=0)
    X, t = rng.standard_normal((9, 5)), target(kind, 9, n_out, rng)
    assert mlp.gradcheck(net, loss, X, t) <= 1e-8  # the bound; differences reach about 1e-10
    assert mlp.gradcheck(net, loss, X, t, rng.random(9)) <= 1e-8  # weights change nothing about that


@EVERY
def test_every_component_of_the_gradient_is_that_of_differences(name: str) -> None:
    loss, output, t = drawn(name)
    _, d_output = both(loss, output, t)
    for j, i in np.ndindex(*output.shape):
        there = [output.copy(), output.copy()]
        there[0][j, i] += 1e-6
        there[1][j, i] -= 1e-6
        slope = (loss.value(there[0], t, None) - loss.value(there[1], t, None)) / 2e-6
        assert d_output[j, i] == pytest.approx(slope, rel=1e-6, abs=1e-8)  # h² = 1e-12 and rounding 1e-16/h


@EVERY
def test_value_is_the_same_with_and_without_gradient(name: str) -> None:
    loss, output, t = drawn(name)
    assert loss.value(output, t, None) == pytest.approx(both(loss, output, t)[0], rel=1e-14)  # order of summing


@EVERY
def test_loss_is_a_mean_over_samples(name: str) -> None:
    """Every sample twice is the same loss, and half the gradient for each copy."""
    loss, output, t = drawn(name)
    value, d_output = both(loss, output, t)
    twice, d_twice = both(loss, np.tile(output, 2), np.tile(t, 2))
    assert twice == pytest.approx(value, rel=1e-14)  # order of summing
    np.testing.assert_allclose(d_twice, np.tile(d_output, 2) / 2, rtol=1e-14)  # one rounding


@EVERY
def test_weight_k_is_k_repeats(name: str) -> None:
    loss, output, t = drawn(name)
    k = np.array([0, 1, 2, 3, 0, 1, 1, 5])
    value, d_output = both(loss, output, t, k.astype(float))
    repeated, d_repeated = both(loss, output.repeat(k, -1), t.repeat(k, -1))
    assert value == pytest.approx(repeated, rel=1e-13)  # order of summing
    owner = np.repeat(np.arange(8), k)
    summed = np.stack([d_repeated[:, owner == i].sum(1) for i in range(8)], axis=1)
    np.testing.assert_allclose(d_output, summed, rtol=1e-13, atol=1e-16)  # order of summing


@EVERY
def test_only_the_proportions_of_weights_matter(name: str) -> None:
    loss, output, t = drawn(name)
    w = np.arange(1.0, 9.0)
    (a, d_a), (b, d_b) = both(loss, output, t, w), both(loss, output, t, 1000 * w)
    assert a == pytest.approx(b, rel=1e-13)  # rounding of the division
    np.testing.assert_allclose(d_a, d_b, rtol=1e-13)  # rounding of the division


@EVERY
def test_weights_that_are_all_zero_give_zero(name: str) -> None:
    loss, output, t = drawn(name)
    value, d_output = both(loss, output, t, np.zeros(8))
    assert value == 0
    assert not d_output.any()


@EVERY
def test_outputs_and_targets_are_only_read(name: str) -> None:
    loss, output, t = drawn(name)
    before = output.copy(), t.copy()
    both(loss, output, t, np.ones(8))
    loss.value(output, t, None)
    loss.predict(output)
    assert (output == before[0]).all()
    assert (t == before[1]).all()


@EVERY
def test_float32_stays_float32(name: str) -> None:
    loss, output, t = drawn(name, dtype=np.float32)
    value, d_output = both(loss, output, t)
    assert {np.asarray(value).dtype, d_output.dtype, loss.predict(output).dtype} == {np.dtype(np.float32)}
    assert np.asarray(loss.value(output, t, None)).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SATURATING)
def test_extreme_outputs_give_finite_loss_and_gradient(name: str, dtype: Any) -> None:
    loss, kind, n_out = LOSSES[name]
    signs = np.array([[1, -1, 1, -1, 0, 1], [-1, 1, 1, -1, 1, 0], [1, 1, -1, -1, 0, 0], [0, 1, 0, -1, 0, 0]])
    output = 1e4 * signs[:n_out].astype(dtype)
    for seed in range(4):
        t = target(kind, 6, n_out, np.random.default_rng(seed))
        t = t if kind == "labels" else t.T.astype(dtype)
        value, d_output = both(loss, output, t)
        assert np.isfinite(value)
        assert np.isfinite(loss.value(output, t, None))
        assert np.isfinite(d_output).all()
        assert np.isfinite(loss.predict(output)).all()


@pytest.mark.parametrize("name", ["softmax", "sigmoid"])
def test_a_certain_and_wrong_output_costs_its_distance(name: str) -> None:
    """-ln p of the wrong end of logits 10⁴ apart (sigmoid: from 0) is 10⁴, where p itself is 0 to the computer."""
    loss = LOSSES[name].loss
    output, t = (np.array([[1e4], [0]]), np.array([1])) if name == "softmax" else (np.array([[1e4]]), np.array([[0.0]]))
    assert both(loss, output, t)[0] == 1e4


def test_squared_error_by_worked_numbers() -> None:
    """e = (1, -2): ½(1 + 4) = 2.5, summed over outputs; over samples it is the mean: with e = (0, 0) too, 1.25."""
    assert worked(mlp.SquaredError(), [3, 5], [[2, 7]]) == 2.5
    value, d = both(mlp.SquaredError(), np.array([[3.0, 1], [5, 1]]), np.array([[2.0, 1], [7, 1]]))
    assert (value, d.tolist()) == (1.25, [[0.5, 0], [-1, 0]])


def test_absolute_error_by_worked_numbers() -> None:
    assert worked(mlp.AbsoluteError(), [3, 5], [[2, 7]]) == 3


def test_huber_by_worked_numbers() -> None:
    """δ = 2: ½·1² within, 2(5 - 1) = 8 without."""
    assert worked(mlp.Huber(2.0), [1, 5], [[0, 0]]) == 8.5


def test_log_cosh_by_worked_numbers() -> None:
    assert worked(mlp.LogCosh(), [1.5], [[0]]) == pytest.approx(log(cosh(1.5)), rel=1e-15)  # one rounding
    assert worked(mlp.LogCosh(), [1e4], [[0]]) == pytest.approx(1e4 - log(2), rel=1e-15)  # cosh itself overflows


def test_quantile_by_worked_numbers() -> None:
    """q = 0.9: 1 too low costs 0.9, 1 too high costs 0.1."""
    assert worked(mlp.Quantile(0.9), [0], [[1]]) == pytest.approx(0.9, rel=1e-15)  # one rounding
    assert worked(mlp.Quantile(0.9), [1], [[0]]) == pytest.approx(0.1, rel=1e-15)  # one rounding


def test_quantile_is_smallest_at_the_quantile() -> None:
    t = np.arange(1.0, 100)[None]
    costs = [mlp.Quantile(0.9).value(np.full((1, 99), float(z)), t, None) for z in range(1, 100)]
    assert int(np.argmin(costs)) + 1 == 90  # nine tenths of 1 … 99 lie at or below 90


def test_poisson_by_worked_numbers() -> None:
    """e^(ln 3) - 2 ln 3."""
    assert worked(mlp.Poisson(), [log(3)], [[2]]) == pytest.approx(3 - 2 * log(3), rel=1e-15)  # one rounding


def test_softmax_cross_entropy_by_worked_numbers() -> None:
    """Outputs ln 1, ln 2, ln 5: p = ⅛, ¼, ⅝. Class 1: ln 4; smoothed by 0.3: 0.1 ln 8 + 0.8 ln 4 + 0.1 ln 1.6."""
    z = [0, log(2), log(5)]
    assert worked(mlp.SoftmaxCrossEntropy(), z, 1) == pytest.approx(log(4), rel=1e-15)  # one rounding
    smoothed = 0.1 * log(8) + 0.8 * log(4) + 0.1 * log(1.6)
    assert worked(mlp.SoftmaxCrossEntropy(0.3), z, 1) == pytest.approx(smoothed, rel=1e-14)  # three terms
    _, d = both(mlp.SoftmaxCrossEntropy(), np.array([z]).T, np.array([1]))
    np.testing.assert_allclose(d.ravel(), [1 / 8, 1 / 4 - 1, 5 / 8], rtol=1e-15)  # p - t


def test_sigmoid_cross_entropy_by_worked_numbers() -> None:
    """σ(ln 3) = ¾: yes costs ln 4/3, no costs ln 4; smoothed by 0.2, yes is 0.9 yes and 0.1 no."""
    assert worked(mlp.SigmoidCrossEntropy(), [log(3)], [[1]]) == pytest.approx(log(4 / 3), rel=1e-14)  # a difference
    assert worked(mlp.SigmoidCrossEntropy(), [log(3)], [[0]]) == pytest.approx(log(4), rel=1e-15)  # one rounding
    smoothed = 0.9 * log(4 / 3) + 0.1 * log(4)
    assert worked(mlp.SigmoidCrossEntropy(0.2), [log(3)], [[1]]) == pytest.approx(smoothed, rel=1e-14)  # a difference


def test_focal_by_worked_numbers() -> None:
    """p = ¾ and γ = 2: (¼)² ln 4/3."""
    expected = log(4 / 3) / 16
    assert worked(mlp.Focal(2.0), [log(3), 0], 0) == pytest.approx(expected, rel=1e-14)  # 1 - p is a difference
    assert worked(mlp.SigmoidFocal(2.0), [log(3)], [[1]]) == pytest.approx(expected, rel=1e-14)  # as above


def test_focal_of_gamma_0_is_the_cross_entropy() -> None:
    _, output, t = drawn("softmax")
    (a, d_a), (b, d_b) = both(mlp.Focal(0.0), output, t), both(mlp.SoftmaxCrossEntropy(), output, t)
    assert a == pytest.approx(b, rel=1e-14)  # another order of summing
    np.testing.assert_allclose(d_a, d_b, rtol=1e-12, atol=1e-15)  # p - t is a difference
    loss, output, t = drawn("sigmoid")
    c, d = both(mlp.SigmoidFocal(0.0), output, t)[0], both(loss, output, t)[0]
    assert c == pytest.approx(d, rel=1e-14)  # another order of summing


def test_hinge_by_worked_numbers() -> None:
    """Right output 2, best rival 1.5: 1 + 1.5 - 2 = ½. One ahead by 3 pays nothing."""
    assert worked(mlp.Hinge(), [2, 1.5, 0], 0) == 0.5
    assert worked(mlp.Hinge(), [4, 1, 0], 0) == 0
    assert worked(mlp.BinaryHinge(), [0.25, -3], [[1, 1]]) == 4.75  # ¾ + 4


def test_a_classic_sigmoid_network_has_the_squared_error_through_its_sigmoid() -> None:
    """∂L/∂z = (y - t) y (1 - y): at y = ¾, t = 1 that is -¼ · 3/16."""
    net = mlp.Network([mlp.Dense(1, 1), mlp.Sigmoid()])
    net.params[...] = [0, log(3)]
    workspace = mlp.Workspace(net, 1)
    mlp.value_and_grad(net, mlp.SquaredError(), mlp.as_batch(np.array([[1.0]]), np.array([[1.0]])), workspace)
    np.testing.assert_allclose(workspace.grad, -3 / 64, rtol=1e-15)  # one rounding


@EVERY
def test_a_loss_is_a_value_that_can_be_compared_and_printed(name: str) -> None:
    loss = LOSSES[name].loss
    assert eval(repr(loss), {**vars(mlp), type(loss).__name__: type(loss)}) == loss


@pytest.mark.parametrize("name", ["softmax", "softmax_soft"])
def test_softmax_predicts_probabilities_that_sum_to_1(name: str) -> None:
    loss, output, _ = drawn(name)
    np.testing.assert_allclose(loss.predict(output).sum(0), 1, rtol=1e-15)  # one division


def test_links_by_worked_numbers() -> None:
    z = np.array([[log(3)]])
    assert mlp.SigmoidCrossEntropy().predict(z)[0, 0] == pytest.approx(0.75, rel=1e-15)  # one rounding
    assert mlp.Poisson().predict(z)[0, 0] == pytest.approx(exp(log(3)), rel=1e-15)  # one rounding
    assert mlp.SquaredError().predict(z)[0, 0] == log(3)


@pytest.mark.parametrize("name", ["softmax", "sigmoid_one", "squared_error_one", "binary_hinge"])
def test_labels_may_be_of_any_integer_type(name: str) -> None:
    loss, kind, n_out = LOSSES[name]
    output = np.random.default_rng(0).standard_normal((n_out, 6))
    labels = np.array([0, 1, 1, 0, 1, 0])
    t = labels if kind == "labels" or n_out == 1 else np.tile(labels, (n_out, 1))
    expected = both(loss, output, t if kind == "labels" else t.astype(float))
    for dtype in (np.uint8, np.int8, np.int64, np.uint64):
        value, d_output = both(loss, output, t.astype(dtype))
        assert value == expected[0]
        assert (d_output == expected[1]).all()


def test_one_output_takes_targets_with_or_without_a_second_axis() -> None:
    net = inside(mlp.Tanh())
    net = mlp.Network([mlp.Dense(5, 1)])
    X, t = np.random.default_rng(0).standard_normal((2, 6, 5))
    a = mlp.gradcheck(net, mlp.SquaredError(), X, t[:, 0])
    b = mlp.gradcheck(net, mlp.SquaredError(), X, t[:, :1])
    assert a == b <= 1e-8  # the bound
