"""Norms that decide something, of numbers whose squares are none: (3, 4) · 1e20 is as long as 5e20 in float32 too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlp
from mlp.arrays import each_norm, norm, squared_norm
from mlp.optimizers.matrices import orthogonalize

SCALES = [(np.float32, 1e20), (np.float32, 1e-20), (np.float32, 1e-30), (np.float64, 1e200), (np.float64, 1e-200)]
SCALED = pytest.mark.parametrize(("dtype", "scale"), SCALES)
ROUNDING = {np.float32: 1e-6, np.float64: 1e-15}  # a handful of roundings


def vector(dtype: Any, scale: float, *numbers: float) -> np.ndarray:
    return (np.array(numbers) * scale).astype(dtype)


class Seen:
    """An objective that notes where it was asked, flat everywhere."""

    def __init__(self) -> None:
        self.at = np.empty(0)

    def value(self, params: np.ndarray) -> Any:
        return np.zeros(params.shape[:-1])

    def value_and_grad(self, params: np.ndarray, out: np.ndarray) -> Any:
        self.at = params.copy()
        out.fill(0)
        return self.value(params)


def step_of(rule: mlp.Optimizer, params: np.ndarray, grad: np.ndarray, objective: Any = None) -> np.ndarray:
    """The first step of a rule, where the loss is 1."""
    out = np.empty_like(params)
    rule.update(mlp.Evaluation(params, params.dtype.type(1), grad, objective), rule.init(params), out)
    return out


@SCALED
def test_a_norm_is_that_of_the_numbers_however_large_or_small(dtype: Any, scale: float) -> None:
    v = vector(dtype, scale, 3, 4)
    assert norm(v) == pytest.approx(5 * scale, rel=ROUNDING[dtype])
    assert norm([v, v[:1]]) == pytest.approx(np.sqrt(34) * scale, rel=ROUNDING[dtype])
    assert each_norm(v)[0] == pytest.approx(5 * scale, rel=ROUNDING[dtype])
    assert each_norm(v).dtype == dtype
    if dtype == np.float32:  # of float64 the square itself may be no number
        assert squared_norm(v) == pytest.approx(25 * scale * scale, rel=2 * ROUNDING[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_norms_at_the_ends_of_the_range(dtype: Any) -> None:
    limits = np.finfo(dtype)
    assert norm(np.zeros(3, dtype)) == norm(np.empty(0, dtype)) == norm([]) == 0
    assert norm(np.array([limits.smallest_subnormal] * 4)) == 2 * float(limits.smallest_subnormal)
    assert float(limits.max) <= norm(np.array([limits.max] * 4)) < np.inf
    assert each_norm(np.array([limits.max] * 4))[0] == limits.max  # the largest there is
    assert norm(np.array([1, np.inf], dtype)) == each_norm(np.array([1, np.inf], dtype))[0] == np.inf
    assert np.isnan(norm(np.array([np.inf, np.nan], dtype)))
    assert norm(np.array([3, 4])) == norm(np.array([3j, 4])) == 5


def test_a_member_out_of_range_leaves_the_norms_of_the_others_as_they_are() -> None:
    many = np.random.default_rng(0).standard_normal((2, 3, 50)).astype(np.float32)
    alone = np.array([[each_norm(v) for v in row] for row in many])
    many[1, 1] = vector(np.float32, 1e20, *[3, 4, *[0] * 48])
    many[0, 2] = np.nan
    found = each_norm(many)
    untouched = np.ones((2, 3), bool)
    untouched[1, 1] = untouched[0, 2] = False
    np.testing.assert_array_equal(found[untouched], alone[untouched])
    assert found[1, 1] == pytest.approx(5e20, rel=1e-6)
    assert np.isnan(found[0, 2])


@SCALED
def test_a_clipped_gradient_is_as_long_as_it_may_be(dtype: Any, scale: float) -> None:
    """‖g‖ = ∞ made the factor max_norm/‖g‖ a 0: a gradient of (3e20, 4e20) in float32 was clipped to nothing."""
    limit = scale if scale > 1 else scale / 10
    found = step_of(mlp.ClipNorm(mlp.SGD(1.0), limit), np.zeros(2, dtype), vector(dtype, scale, 3, 4))
    np.testing.assert_allclose(found, vector(dtype, limit, -0.6, -0.8), rtol=ROUNDING[dtype])


@SCALED
def test_sam_looks_as_far_as_its_radius(dtype: Any, scale: float) -> None:
    seen = Seen()
    step_of(mlp.SAM(mlp.SGD(1.0), 0.5), np.zeros(2, dtype), vector(dtype, scale, 3, 4), seen)
    np.testing.assert_allclose(seen.at, [0.3, 0.4], rtol=ROUNDING[dtype])


@SCALED
def test_a_trusted_step_is_a_share_of_the_weights(dtype: Any, scale: float) -> None:
    """Of weights as of gradients the length may have no square. ‖θ‖ = 5 s, ‖g‖ = 13/s, a share of 0.1."""
    params, grad = vector(dtype, scale, 3, 4), vector(dtype, 1 / scale, 5, 12)
    found = step_of(mlp.LARS(1.0, trust=0.1), params, grad)
    np.testing.assert_allclose(found, vector(dtype, scale, -2.5 / 13, -6 / 13), rtol=5 * ROUNDING[dtype])


@SCALED
def test_units_with_long_weights_come_back_to_the_edge_of_the_ball(dtype: Any, scale: float) -> None:
    """c/∞ - 1 is -1: weights of 3e20 became 0. The bias weight has no part in it."""
    rule = mlp.MaxNorm(mlp.SGD(1.0), scale, matrices=((slice(0, 3), (1, 3)),))
    params = vector(dtype, scale, 3, 4, 7)
    found = params + step_of(rule, params, np.zeros(3, dtype))
    np.testing.assert_allclose(found, vector(dtype, scale, 0.6, 0.8, 7), rtol=5 * ROUNDING[dtype])


@SCALED
def test_distance_over_gradients_goes_on_after_a_gradient_without_a_square(dtype: Any, scale: float) -> None:
    """Σ‖g‖² was ∞ from then on, and every step 0. Now the first is r = δ (1 + ‖θ₀‖) long: ε only matters below 1e-4."""
    rule, grad = mlp.DoG(distance=0.1, epsilon=1e-300), vector(dtype, scale, 3, 4)
    found = step_of(rule, np.zeros(2, dtype), grad)
    if scale > 1 or dtype == np.float32:
        np.testing.assert_allclose(found, vector(dtype, 0.1, -0.6, -0.8), rtol=5 * ROUNDING[dtype])
    assert found.any()


@SCALED
def test_polyaks_step_stays_a_number(dtype: Any, scale: float) -> None:
    """(L - L*)/‖g‖ long, at most η ‖g‖: 0.2/s and 5 s with L = 1 and η = 1."""
    found = step_of(mlp.PolyakStep(), np.zeros(2, dtype), vector(dtype, scale, 3, 4))
    expected = vector(dtype, scale, -3, -4) if scale < 1 else np.zeros(2)
    np.testing.assert_allclose(found, expected, rtol=ROUNDING[dtype], atol=1 / scale if scale > 1 else 0)


@pytest.mark.parametrize(("dtype", "scale"), [(np.float32, 1e20), (np.float64, 1e200)])
def test_a_large_gradient_is_orthogonalised_as_a_small_one_is(dtype: Any, scale: float) -> None:
    matrix = np.random.default_rng(0).standard_normal((3, 4)).astype(dtype)
    found = orthogonalize(matrix * dtype(scale))
    np.testing.assert_allclose(found, orthogonalize(matrix), atol=1e4 * np.finfo(dtype).eps)


# what instruments say of signals that float32 has, and whose squares it has not


def told(dtype: Any, size: float) -> dict[str, np.ndarray]:
    """What is recorded of two steps of a network whose targets, and with them all gradients, have that size."""
    rng = np.random.default_rng(0)
    X, t = min(size, 1.0) * rng.standard_normal((6, 3)), size * rng.standard_normal((6, 2))
    net = mlp.Network([mlp.Dense(3, 4), mlp.LeakyReLU(0.5), mlp.Dense(4, 2)], rng=1, dtype=dtype)
    recorder = mlp.Recorder(mlp.DETAILED)
    batch = mlp.as_batch(X.astype(dtype), t.astype(dtype), dtype=dtype)
    for step in recorder.tap(mlp.train(net, [batch] * 2, mlp.SquaredError(), mlp.SGD(min(0.1, 0.1 / size)))):
        last = step
    names = ("grad_norm_by_layer", "grad_norm", "update_norm", "backward_gain", "grad_cosine", "noise_ratio")
    return {name: recorder.history[name] for name in names} | {"samples": mlp.sample_grad_norms(last)}


@pytest.mark.parametrize("size", [1e-12, 1e-23, 1e20])
def test_instruments_see_in_float32_what_they_see_in_float64(size: float) -> None:
    """Squares of signals of 1e-23 are 0 in float32: vanishing gradients looked like none, their gain like 0."""
    found, expected = told(np.float32, size), told(np.float64, size)
    for name, values in expected.items():
        assert (values != 0).all(), name
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)  # a hundred roundings


@pytest.mark.parametrize("rule", [mlp.LBFGS(), mlp.PolakRibiere(), mlp.ScaledConjugateGradient()], ids=repr)
def test_a_search_goes_down_a_slope_that_is_too_steep_for_float32(rule: Any) -> None:
    """L = 1e20 ‖θ - 1‖₁: the loss is a number, and the slope along -g, -3e40, is none: nothing was found, ever."""

    class Steep(Seen):
        def value(self, params: np.ndarray) -> Any:
            return np.float32(1e20) * np.abs(params - 1).sum(-1)

        def value_and_grad(self, params: np.ndarray, out: np.ndarray) -> Any:
            np.multiply(np.sign(params - 1), np.float32(1e20), out=out)
            return self.value(params)

    objective, params, grad = Steep(), np.zeros(3, np.float32), np.empty(3, np.float32)
    state, out = rule.init(params), np.empty_like(params)
    with np.errstate(all="ignore"):
        for _ in range(5 if rule != mlp.ScaledConjugateGradient() else 60):  # its λ has to come from 1e-6 to 1e20
            loss = objective.value_and_grad(params, grad)
            rule.update(mlp.Evaluation(params, loss, grad, objective), state, out)
            params += out
    assert objective.value(params) < objective.value(np.zeros(3, np.float32))
