"""Initializers: spread, bounds, structure, and what "auto" picks."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from cases import INITIALIZERS

import mlp
from mlp import initializers
from mlp.initializers import find_initializer

EVERY = pytest.mark.parametrize("name", INITIALIZERS)


def filled(rule: Any, *shape: int, seed: int = 0, dtype: Any = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Weights (*population, n_out, n_in) and bias weights that began as 7."""
    weights, bias = np.full(shape, np.nan, dtype), np.full(shape[:-1], 7.0, dtype)
    rule.fill(weights, bias, np.random.default_rng(seed))
    return weights, bias


@EVERY
@pytest.mark.parametrize(("n_in", "n_out"), [(50, 400), (400, 50)])
def test_weights_have_the_variance_that_is_promised(name: str, n_in: int, n_out: int) -> None:
    rule, variance = INITIALIZERS[name]
    weights, _ = filled(rule, n_out, n_in)
    expected, n = variance(n_in, n_out), n_in * n_out
    # the variance of n draws scatters by σ²√(2/n) at most (normal; flatter ones less): five of that
    assert weights.var() == pytest.approx(expected, rel=5 * sqrt(2 / n), abs=1e-30)
    if name not in ("constant", "uniform"):
        assert abs(weights.mean()) <= 5 * sqrt(expected / n)  # five standard deviations of a mean of n


@EVERY
def test_only_nguyen_widrow_touches_the_bias_weights(name: str) -> None:
    _, bias = filled(INITIALIZERS[name][0], 5, 4)
    assert (bias == 7).all() == (name != "nguyen_widrow")


@EVERY
def test_the_same_seed_draws_the_same_weights(name: str) -> None:
    rule = INITIALIZERS[name][0]
    assert (filled(rule, 5, 4)[0] == filled(rule, 5, 4)[0]).all()
    if name not in ("constant", "zeros"):
        assert (filled(rule, 5, 4)[0] != filled(rule, 5, 4, seed=1)[0]).any()


@EVERY
def test_members_of_a_population_are_drawn_independently(name: str) -> None:
    weights, _ = filled(INITIALIZERS[name][0], 3, 2, 5, 4)
    different = len({w.tobytes() for w in weights.reshape(6, 5, 4)})
    assert different == (1 if name in ("constant", "zeros") else 6)


@EVERY
def test_float32_weights_stay_float32(name: str) -> None:
    weights, _ = filled(INITIALIZERS[name][0], 5, 4, dtype=np.float32)
    assert weights.dtype == np.float32
    assert np.isfinite(weights).all()


@EVERY
def test_one_weight_alone_can_be_drawn(name: str) -> None:
    assert np.isfinite(filled(INITIALIZERS[name][0], 1, 1)[0]).all()


@EVERY
def test_an_initializer_has_a_name_and_a_repr_that_makes_it(name: str) -> None:
    assert isinstance(INITIALIZERS[name][0], initializers.INITIALIZERS[name])
    assert eval(repr(INITIALIZERS[name][0]), vars(initializers)) == INITIALIZERS[name][0]


def test_every_initializer_has_a_row() -> None:
    assert set(INITIALIZERS) == set(initializers.INITIALIZERS)


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        (initializers.HeUniform(), sqrt(6 / 20)),
        (initializers.GlorotUniform(), sqrt(6 / (20 + 30))),
        (initializers.LeCunUniform(), sqrt(3 / 20)),
        (initializers.Uniform(-0.25, 0.25), 0.25),
        (initializers.TruncatedNormal(0.1), 0.2),
    ],
    ids=repr,
)
def test_weights_stay_within_their_bounds_and_come_near_them(rule: Any, limit: float) -> None:
    weights, _ = filled(rule, 50, 30, 20)
    assert np.abs(weights).max() <= limit
    assert np.abs(weights).max() > 0.99 * limit  # of 30,000 draws some fall into the last hundredth


@pytest.mark.parametrize(("n_out", "n_in"), [(6, 6), (3, 8), (8, 3)])
def test_orthogonal_rows_or_columns_are_orthonormal_times_the_gain(n_out: int, n_in: int) -> None:
    weights, _ = filled(initializers.Orthogonal(2.0), 4, n_out, n_in)
    for w in weights:
        product = w @ w.T if n_out <= n_in else w.T @ w
        np.testing.assert_allclose(product, 4 * np.eye(min(n_out, n_in)), atol=1e-14)  # QR's rounding


def test_orthogonal_matrices_are_uniform() -> None:
    """Uniform over rotations and reflections: each entry has mean 0. LAPACK's signs are not."""
    weights, _ = filled(initializers.Orthogonal(), 4000, 3, 3)
    # an entry of such a matrix has variance ⅓: five standard deviations of a mean of 4,000
    assert np.abs(weights.mean(0)).max() < 5 * sqrt(1 / 3 / 4000)


@pytest.mark.parametrize(("n_out", "n_in"), [(10, 2), (4, 1), (3, 20)])
def test_nguyen_widrow_rows_have_norm_beta_and_biases_lie_within_it(n_out: int, n_in: int) -> None:
    weights, bias = filled(initializers.NguyenWidrow(), 200, n_out, n_in)
    beta = 0.7 * n_out ** (1 / n_in)
    np.testing.assert_allclose(np.linalg.norm(weights, axis=-1), beta, rtol=1e-14)  # rounding of the norm
    assert np.abs(bias).max() <= beta
    assert np.abs(bias).max() > 0.98 * beta  # of at least 600 draws some fall into the last fiftieth


# in a network


@pytest.mark.parametrize(
    ("following", "picked"),
    [
        ([], initializers.LeCunNormal()),
        ([mlp.Identity()], initializers.LeCunNormal()),
        ([mlp.Sigmoid()], initializers.GlorotUniform()),
        ([mlp.Tanh()], initializers.GlorotUniform()),
        ([mlp.Softsign()], initializers.GlorotUniform()),
        ([mlp.ReLU()], initializers.HeNormal()),
        ([mlp.LeakyReLU()], initializers.HeNormal()),
        ([mlp.GELU()], initializers.HeNormal()),
        ([mlp.ExactGELU()], initializers.HeNormal()),
        ([mlp.SELU()], initializers.LeCunNormal()),
        ([mlp.BatchNorm(), mlp.ReLU()], initializers.HeNormal()),
        ([mlp.LayerNorm(), mlp.Dropout(), mlp.Tanh()], initializers.GlorotUniform()),
        ([mlp.Dropout()], initializers.LeCunNormal()),
        ([mlp.Dense(4, 2), mlp.ReLU()], initializers.LeCunNormal()),
    ],
    ids=repr,
)
def test_auto_picks_what_suits_the_activation_and_says_so(following: list[mlp.Layer], picked: Any) -> None:
    net = mlp.Network([mlp.Dense(3, 4), *following])
    assert net.layers[0].weights == picked  # type: ignore[attr-defined]
    assert repr(picked) in repr(net)


def test_auto_looks_into_a_residual_block() -> None:
    net = mlp.Network([mlp.Residual([mlp.Dense(3, 4), mlp.ReLU(), mlp.Dense(4, 3)], n_in=3)])
    assert "HeNormal()" in repr(net)


def test_a_layer_named_by_the_user_keeps_its_initializer() -> None:
    net = mlp.Network([mlp.Dense(3, 4, "orthogonal"), mlp.ReLU()])
    assert net.layers[0].weights == initializers.Orthogonal()  # type: ignore[attr-defined]


def test_bias_weights_begin_as_asked() -> None:
    net = mlp.Network([mlp.Dense(3, 4, bias=0.25)], population=(2,))
    assert (net.views[0][..., -1] == 0.25).all()


def test_signal_keeps_its_size_through_ten_layers_of_relu() -> None:
    """He et al.'s point: a factor (n_in var w / 2)^10 = 1; Glorot's half as large a variance gives 2⁻¹⁰."""
    sizes = []
    for name in ("he_normal", "glorot_normal"):
        layers = [layer for _ in range(10) for layer in (mlp.Dense(200, 200, name), mlp.ReLU())]
        out = mlp.predict(mlp.Network(layers), np.random.default_rng(0).standard_normal((50, 200)))
        sizes.append(float(np.square(out).mean()))
    assert 0.25 < sizes[0] < 4  # E y² = ½ E z² = E x² = 1; ten layers of 200 units scatter by about √(10·5/200) = ½
    assert sizes[1] < 2**-10 * 4


@pytest.mark.parametrize("name", ["glorot", "he", "constant", "", "HeNormal"])
def test_an_unknown_name_names_the_known(name: str) -> None:
    with pytest.raises(mlp.UnknownNameError, match=r"no initializer .* Known: .*he_normal") as caught:
        find_initializer(name)
    assert "\n" not in str(caught.value)
