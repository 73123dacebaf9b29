"""Layers: gradients, twins, worked numbers, edge values, dtype."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import erf, erfc, exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from cases import LAYER_CASES, LAYERS, WIDTH, arrays_in, batch_for, first, inside, passed

import mlp
from mlp.arrays import empty_nodes
from mlp.layers.gelu import write_normal_cdf
from mlp.layers.normalization import NormParams

EVERY = pytest.mark.parametrize("name", LAYERS)
RANDOM = ("dropout", "noise")
ACTIVATIONS = [
    name for name, layer in LAYERS.items() if isinstance(layer, mlp.Activation) and name not in (*RANDOM, "softmax")
]


def applied(layer: Any, x: list[list[float]] | np.ndarray) -> np.ndarray:
    """What a layer without parameters makes of x (n, N)."""
    x = np.asarray(x, float)
    net = mlp.Network([replace(layer, n_in=len(x))])
    return mlp.forward(net, mlp.as_batch(x.T, x.T).x, mlp.Workspace(net, x.shape[1])).copy()


# gradients


@EVERY
@pytest.mark.parametrize("place", [inside, first])
def test_gradient_is_that_of_differences(name: str, place: Any) -> None:
    net = place(LAYERS[name])
    batch = batch_for(net)
    error = mlp.gradcheck(net, mlp.SquaredError(), batch.x.values.T, batch.target.T)
    assert error <= 1e-8  # the bound; a five-point difference in float64 reaches about 1e-10


@EVERY
def test_gradient_of_a_population_is_that_of_differences(name: str) -> None:
    net = inside(LAYERS[name], population=(2,))
    batch = batch_for(net)
    error = mlp.gradcheck(net, mlp.SquaredError(), batch.x.values.T, batch.target.T)
    assert error <= 1e-8  # as for one network


@EVERY
def test_gradient_with_weights_is_that_of_differences(name: str) -> None:
    net = inside(LAYERS[name])
    batch = batch_for(net)
    weights = np.arange(7.0)
    error = mlp.gradcheck(net, mlp.SquaredError(), batch.x.values.T, batch.target.T, weights)
    assert error <= 1e-8  # as without


# a dense layer, written out


def test_dense_is_the_loop_over_nodes_with_a_bias_node() -> None:
    """Twin: z_j = Σ_i w_ji x_i over the inputs and the bias node; δ_j x_i and Σ_j w_ji δ_j back."""
    rng = np.random.default_rng(0)
    net = mlp.Network([mlp.Dense(3, 2)], rng=rng)
    net.params[...] = rng.standard_normal(net.params.shape)
    X, T = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    value, workspace = passed(net, mlp.SquaredError(), mlp.as_batch(X, T))
    W = net.views[0]
    loss, grad, d_x = 0.0, np.zeros((2, 4)), np.zeros((3, 4))
    for s in range(4):
        x = [*X[s], 1.0]
        for j in range(2):
            z = sum(W[j, i] * x[i] for i in range(4))
            assert workspace.nodes[1].values[j, s] == pytest.approx(z, rel=1e-14)  # another order of summing
            delta = (z - T[s, j]) / 4
            loss += (z - T[s, j]) ** 2 / 2 / 4
            for i in range(4):
                grad[j, i] += delta * x[i]
                if i < 3:
                    d_x[i, s] += W[j, i] * delta
    assert value == pytest.approx(loss, rel=1e-14)  # another order of summing
    np.testing.assert_allclose(workspace.grads[0], grad, rtol=1e-13)  # another order of summing
    np.testing.assert_allclose(workspace.d_nodes[0], d_x, rtol=1e-13)  # another order of summing


def test_penalty_by_worked_numbers() -> None:
    """W = [2 -3 | 7]: l1 (2 + 3) + ½ l2 (4 + 9) = 0.1·5 + 0.5·0.2·13 = 1.8, and nothing for the bias weight 7."""
    net = mlp.Network([mlp.Dense(2, 1, l1=0.1, l2=0.2)])
    net.params[...] = [2, -3, 7]
    value, workspace = passed(net, mlp.SquaredError(), mlp.as_batch(np.zeros((1, 2)), np.array([[7.0]])))
    assert value == pytest.approx(1.8, rel=1e-15)  # no sum of more than three numbers
    # l1 sign w + l2 w = 0.1 + 0.4 and -0.1 - 0.6; the bias weight has no error and no penalty
    np.testing.assert_allclose(workspace.grad, [0.5, -0.7, 0], rtol=1e-15)  # no sum of more than three numbers


@pytest.mark.parametrize("n", [1, 2, 50])
def test_penalty_does_not_depend_on_the_batch_size(n: int) -> None:
    net = mlp.Network([mlp.Dense(2, 1, l1=0.1, l2=0.2)])
    net.params[...] = [2, -3, 7]
    value, _ = passed(net, mlp.SquaredError(), mlp.as_batch(np.zeros((n, 2)), np.full((n, 1), 7.0)))
    assert value == pytest.approx(1.8, rel=1e-15)  # as above, whatever n


def test_penalty_inside_a_residual_block_counts_once() -> None:
    plain = mlp.Network([mlp.Dense(2, 2), mlp.Residual([mlp.Dense(2, 2)])], rng=0)
    penalised = mlp.Network([mlp.Dense(2, 2), mlp.Residual([mlp.Dense(2, 2, l2=0.5)])], rng=0)
    batch = batch_for(plain)
    a, b = (passed(net, mlp.SquaredError(), batch)[0] for net in (plain, penalised))
    w = penalised.views[1][0][:, :-1]
    assert b - a == pytest.approx(0.25 * (w**2).sum(), rel=1e-12)  # a difference of numbers near 1


# activations


@pytest.mark.parametrize("name", [name for name, row in LAYER_CASES.items() if row.formula])
def test_activation_is_its_formula(name: str) -> None:
    """The textbook formula, one number at a time."""
    layer, formula, _ = LAYER_CASES[name]
    assert formula is not None
    x = np.array([-7.0, -3.0, -1.5, -1.0, -0.2, 0.0, 0.3, 1.0, 2.5, 3.0, 8.0])
    expected = [[formula(v) for v in x]]
    np.testing.assert_allclose(applied(layer, [x]), expected, rtol=1e-13, atol=1e-15)  # rounding of exp, tanh


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activation_of_extreme_values_is_finite_and_so_is_its_gradient(name: str, dtype: Any) -> None:
    net = mlp.Network([replace(LAYERS[name], n_in=1), mlp.Dense(1, 1)], dtype=dtype)  # type: ignore[type-var]
    X = np.array([[-1e4], [-100], [-0.0], [0.0], [1e-30], [100], [1e4]], dtype)
    net.params[...] = 1
    _, workspace = passed(net, mlp.AbsoluteError(), mlp.as_batch(X, np.zeros((7, 1), dtype)))
    for values in [workspace.nodes[1].values, workspace.d_nodes[0], workspace.grad]:
        assert np.isfinite(values).all()


def test_gelu_is_within_5e_4_of_the_one_with_the_error_function() -> None:
    x = np.linspace(-6, 6, 1201)
    exact = [v * 0.5 * (1 + erf(v / sqrt(2))) for v in x]
    assert np.abs(applied(mlp.GELU(), [x])[0] - exact).max() < 5e-4  # what the docstring promises


def test_normal_cdf_is_that_of_the_c_library_to_1e_15() -> None:
    """Of float32 to 2e-7, some roundings of it."""
    x = np.concatenate([np.linspace(-9, 9, 3001), [-40.0, 40.0, 0.0, -1e-300, 1e-300, -np.inf, np.inf, -1e308]])
    exact, out = np.array([0.5 * erfc(-v / sqrt(2)) for v in x]), np.empty_like(x)
    write_normal_cdf(x, out)
    assert np.abs(out - exact).max() < 1e-15
    small, given = np.empty(len(x) - 1, np.float32), x[:-1].astype(np.float32)
    write_normal_cdf(given, small)
    assert np.abs(small - [0.5 * erfc(-float(v) / sqrt(2)) for v in given]).max() < 2e-7


def test_exact_gelu_is_that_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    x = np.linspace(-8, 8, 401)
    there = torch.tensor(x, requires_grad=True)
    torch.nn.GELU()(there).sum().backward()
    net = mlp.Network([mlp.ExactGELU(n_in=401)])
    np.testing.assert_allclose(mlp.predict(net, x[None])[0], torch.nn.GELU()(there).detach(), rtol=1e-14, atol=1e-15)
    scratch, slope = np.empty_like(x), np.empty_like(x)
    write_normal_cdf(x, scratch)
    mlp.ExactGELU().slope(x, x, scratch, slope)
    np.testing.assert_allclose(slope, there.grad, rtol=1e-13, atol=1e-15)  # rounding of exp


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if LAYERS[n].saturation])  # type: ignore[attr-defined]
def test_saturation_begins_where_the_slope_is_a_hundredth_of_the_largest(name: str) -> None:
    layer: Any = replace(LAYERS[name], n_in=1)  # type: ignore[type-var]
    low, high = layer.saturation

    def slope(x: float) -> float:
        there, out = np.array([[x]]), np.empty((1, 1))
        layer.slope(there, applied(layer, there), None, out)
        return float(out[0, 0])

    largest = max(slope(x) for x in np.linspace(-3, 3, 601))
    for edge, outwards in ((low, -1), (high, 1)):
        assert slope(edge + outwards * 1e-9) <= 0.01 * largest * (1 + 1e-6)  # softsign's edge is exactly 1 %
        assert slope(edge - outwards * 0.02) > 0.01 * largest


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if LAYERS[n].dead_below is not None])  # type: ignore[attr-defined]
def test_below_dead_below_nothing_comes_back(name: str) -> None:
    net = mlp.Network([replace(LAYERS[name], n_in=1), mlp.Dense(1, 1)])  # type: ignore[type-var]
    x = LAYERS[name].dead_below - np.array([[0.0], [1.0], [100.0]])  # type: ignore[attr-defined]
    _, workspace = passed(net, mlp.SquaredError(), mlp.as_batch(x, np.ones((3, 1))))
    assert not workspace.d_nodes[0].any()  # type: ignore[union-attr]


@pytest.mark.parametrize("name", [name for name, row in LAYER_CASES.items() if row.worked])
def test_a_layer_gives_the_numbers_that_were_worked_out(name: str) -> None:
    layer, _, worked = LAYER_CASES[name]
    assert worked is not None
    net = mlp.Network([layer.settled(len(worked.x), ())])
    net.params[...] = worked.params
    np.testing.assert_allclose(mlp.predict(net, [worked.x])[0], worked.y, rtol=1e-14)  # a few roundings


def test_softmax_by_worked_numbers() -> None:
    """ln 1, ln 2, ln 5 and the same raised by 10⁴: ⅛, ¼, ⅝."""
    x = np.array([[0], [log(2)], [log(5)]])
    expected = [[1 / 8, 1 / 8], [1 / 4, 1 / 4], [5 / 8, 5 / 8]]
    np.testing.assert_allclose(applied(mlp.Softmax(), np.hstack([x, x + 1e4])), expected, rtol=1e-11)  # 1e4 + ln 2


def test_sigmoid_of_a_sum_by_worked_numbers() -> None:
    """σ(0) = ½ with slope ¼; σ(ln 3) = ¾ with slope 3/16."""
    net = mlp.Network([mlp.Sigmoid(n_in=1), mlp.Dense(1, 1)])
    net.params[...] = [1, 0]
    _, workspace = passed(
        net, mlp.SquaredError(), mlp.as_batch(np.array([[0.0], [log(3)]]), np.array([[-1.5], [-1.25]]))
    )
    np.testing.assert_allclose(workspace.nodes[1].values, [[0.5, 0.75]], rtol=1e-15)  # one rounding
    # e = 2 for both, halved by the mean: ∂L/∂y = 1
    np.testing.assert_allclose(workspace.d_nodes[0], [[0.25, 0.1875]], rtol=1e-15)  # one rounding


# dropout, maxout, norms, rbf, residual


def test_dropout_zeroes_its_share_and_keeps_the_mean() -> None:
    y = applied(mlp.Dropout(0.3), np.ones((100, 1000)))
    assert set(np.unique(y)) == {0.0, 1 / 0.7}
    share = (y == 0).mean()
    assert abs(share - 0.3) < 5 * sqrt(0.3 * 0.7 / 1e5)  # five standard deviations of 10⁵ draws


def test_dropout_of_nothing_changes_nothing() -> None:
    assert (applied(mlp.Dropout(0.0), np.full((3, 4), 2.0)) == 2).all()


def test_dropout_in_use_changes_nothing() -> None:
    net = mlp.Network([mlp.Dropout(0.5, n_in=3)])
    x = np.arange(12.0).reshape(4, 3)
    assert (mlp.predict(net, x) == x).all()


def test_dropout_passes_the_gradient_where_it_passed_the_value() -> None:
    net = first(mlp.Dropout(0.5))
    _, workspace = passed(net, mlp.SquaredError(), batch_for(net))
    gone = workspace.nodes[1].values == 0
    assert gone.any()
    assert (workspace.d_nodes[0][gone] == 0).all()  # type: ignore[index]


def test_maxout_by_worked_numbers() -> None:
    """Pieces (1, 5), (4, -2), largest 5 and 4; of two equals the first gets the gradient."""
    assert applied(mlp.Maxout(2), [[1], [5], [4], [-2]]).ravel().tolist() == [5, 4]
    net = mlp.Network([mlp.Maxout(2, n_in=2), mlp.Dense(1, 1)])
    net.params[...] = [1, 0]
    _, workspace = passed(net, mlp.SquaredError(), mlp.as_batch(np.array([[3.0, 3.0]]), np.array([[1.0]])))
    assert workspace.d_nodes[0].ravel().tolist() == [2, 0]  # type: ignore[union-attr]


def test_batch_norm_gives_every_node_mean_0_and_variance_1() -> None:
    y = applied(mlp.BatchNorm(epsilon=1e-12), np.random.default_rng(0).normal(5, 3, (4, 50)))
    np.testing.assert_allclose(y.mean(1), 0, atol=1e-14)  # rounding
    np.testing.assert_allclose(y.var(1), 1, rtol=1e-11)  # ε beside a variance near 9


def test_layer_norm_gives_every_sample_mean_0_and_variance_1() -> None:
    y = applied(mlp.LayerNorm(epsilon=1e-12), np.random.default_rng(0).normal(5, 3, (40, 5)))
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-14)  # rounding
    np.testing.assert_allclose(y.var(0), 1, rtol=1e-11)  # ε beside a variance near 9


def test_running_statistics_by_worked_numbers() -> None:
    """x = 1, 3: mean 2, unbiased variance 2. From 0 and 1, a tenth of the way: 0.2 and 1.1; again: 0.38 and 1.19."""
    net = mlp.Network([mlp.BatchNorm(n_in=1)])
    x, workspace = mlp.as_batch(np.array([[1.0], [3.0]]), np.zeros((2, 1))).x, mlp.Workspace(net, 2)
    mlp.forward(net, x, workspace)
    np.testing.assert_allclose(net.statistics, [0.2, 1.1], rtol=1e-14)  # ε is taken off again: one rounding
    mlp.forward(net, x, workspace)
    np.testing.assert_allclose(net.statistics, [0.38, 1.19], rtol=1e-14)  # as above


def test_use_leaves_the_running_statistics() -> None:
    net = inside(mlp.BatchNorm())
    before = net.statistics.copy()
    mlp.predict(net, np.ones((5, 5)))
    assert (net.statistics == before).all()


def test_batch_norm_of_one_sample_is_its_shift() -> None:
    net = mlp.Network([mlp.BatchNorm(n_in=2)])
    net.views[0].shift[...] = [[3], [4]]
    out = mlp.forward(net, mlp.as_batch(np.array([[7.0, 8.0]]), np.zeros((1, 2))).x, mlp.Workspace(net, 1))
    assert out.ravel().tolist() == [3, 4]
    assert np.isfinite(net.statistics).all()


@pytest.mark.parametrize("name", ["batch_norm", "layer_norm"])
def test_making_room_computes_nothing_from_memory_that_was_never_written(name: str) -> None:
    """Room for 1/std was once shaped by a sum over fresh memory: whatever lay there, NaN and all, was added up."""
    layer = LAYERS[name].settled(WIDTH, ())
    y = empty_nodes((), WIDTH, 5, np.float64)
    y.values.fill(np.finfo(float).max)

    with np.errstate(all="raise"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "empty_like", lambda a: np.full_like(a, np.finfo(float).max))
        layer.scratch(y, np.zeros(layer.n_statistics), np.random.default_rng(0))


def test_rbf_by_worked_numbers() -> None:
    """Distance 2 from the centre (1, 0) at width 2: e^(-½) ; at the centre 1."""
    net = mlp.Network([mlp.RBF(2, 1)])
    net.views[0].centres[...] = [[1, 0]]
    net.views[0].log_widths[...] = log(2)
    y = mlp.predict(net, np.array([[1.0, 2.0], [1.0, 0.0]]))
    np.testing.assert_allclose(y.ravel(), [exp(-0.5), 1], rtol=1e-15)  # one rounding


def test_rbf_starts_with_its_width_times_the_root_of_its_inputs() -> None:
    net = mlp.Network([mlp.RBF(9, 4, width=2.0)])
    np.testing.assert_allclose(np.exp(net.views[0].log_widths), 6, rtol=1e-14)  # exp(ln 6)


def test_residual_block_of_zero_weights_hands_everything_through() -> None:
    net = mlp.Network([mlp.Residual([mlp.Dense(3, 3, "zeros")], n_in=3)])
    batch = batch_for(net)
    _value, workspace = passed(net, mlp.SquaredError(), batch)
    assert (workspace.nodes[1].values == batch.x.values).all()
    assert (workspace.d_nodes[0] == workspace.d_nodes[1]).all()


def test_block_norms_of_equal_rows_have_no_gradient_along_scale() -> None:
    """A node that never varies is normalised to 0, so its scale cannot matter."""
    net = mlp.Network([mlp.BatchNorm(n_in=2)])
    _, workspace = passed(net, mlp.SquaredError(), mlp.as_batch(np.ones((5, 2)), np.zeros((5, 2))))
    assert isinstance(workspace.grads[0], NormParams)
    assert not workspace.grads[0].scale.any()


# what every layer keeps


@EVERY
def test_float32_stays_float32(name: str) -> None:
    net = inside(LAYERS[name], dtype=np.float32)
    value, workspace = passed(net, mlp.SquaredError(), batch_for(net))
    kept = [net.params, net.statistics, *arrays_in(workspace)]
    assert {a.dtype for a in kept if a.dtype.kind == "f"} == {np.dtype(np.float32)}
    assert np.asarray(value).dtype == np.float32


@pytest.mark.parametrize("name", [n for n in LAYERS if n not in (*RANDOM, "residual_nested")])  # noise has a dtype
def test_float32_agrees_with_float64(name: str) -> None:
    single, double = inside(LAYERS[name], dtype=np.float32), inside(LAYERS[name])
    double.params[...] = single.params
    batch = batch_for(single)
    wide = mlp.as_batch(batch.x.values.T, batch.target.T, dtype=np.float64)
    (_, a), (_, b) = passed(single, mlp.SquaredError(), batch), passed(double, mlp.SquaredError(), wide)
    np.testing.assert_allclose(a.grad, b.grad, rtol=1e-3, atol=1e-4)  # 2⁻²⁴ through sums and norms of 7 samples


@EVERY
def test_backward_only_reads_what_it_is_given(name: str) -> None:
    net = inside(LAYERS[name])
    batch = batch_for(net)
    _, workspace = passed(net, mlp.SquaredError(), batch)
    before = [net.params.copy(), *(n.with_bias.copy() for n in workspace.nodes), workspace.d_nodes[-1].copy()]  # type: ignore[union-attr]
    mlp.backward(net, workspace)
    after = [net.params, *(n.with_bias for n in workspace.nodes), workspace.d_nodes[-1]]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


@EVERY
def test_backward_writes_every_number_anew(name: str) -> None:
    """What stood in the gradient before, NaN included, does not survive."""
    net = inside(LAYERS[name])
    _, workspace = passed(net, mlp.SquaredError(), batch_for(net))
    expected = workspace.grad.copy()
    workspace.grad.fill(np.nan)
    for d in workspace.d_nodes[:-1]:
        d.fill(np.nan)  # type: ignore[union-attr]
    mlp.backward(net, workspace)
    penalty = [net.layers[i].penalty(net.views[i], workspace.grads[i]) for i in net.penalised]
    assert len(penalty) == len(net.penalised)
    assert (workspace.grad == expected).all()


@EVERY
def test_the_bias_node_stays_1(name: str) -> None:
    net = inside(LAYERS[name], population=(2,))
    _, workspace = passed(net, mlp.SquaredError(), batch_for(net))
    assert all((n.with_bias[..., -1, :] == 1).all() for n in workspace.nodes)


@EVERY
def test_views_are_the_flat_vector_without_gap_or_overlap(name: str) -> None:
    net = inside(LAYERS[name], population=(2,))
    net.params.fill(0)
    for view in arrays_in(net.views):
        view += 1
    assert (net.params == 1).all()


@EVERY
def test_a_layer_is_frozen_and_its_repr_says_what_it_is(name: str) -> None:
    layer = LAYERS[name].settled(WIDTH, ())
    assert type(layer).__name__ in repr(layer)
    with pytest.raises(AttributeError):
        layer.n_in = 3  # type: ignore[misc]


# a layer of one's own


@dataclass(frozen=True)
class Cubed(mlp.Activation):
    """y = x³, as someone else may add it."""

    def forward(self, params: Any, x: Any, y: Any, scratch: Any) -> None:
        np.power(x.values, 3, out=y.values)

    def slope(self, x: Any, y: Any, scratch: Any, out: Any) -> None:
        np.multiply(x, x, out=out)
        out *= 3


def test_an_activation_of_ones_own_is_one_class() -> None:
    net = inside(Cubed())
    batch = batch_for(net)
    assert net.layout.names[1] == "cubed1"
    assert mlp.gradcheck(net, mlp.SquaredError(), batch.x.values.T, batch.target.T) <= 1e-8  # as every other
