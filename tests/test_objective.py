"""Second derivatives: products with the Hessian and the Gauss-Newton matrix, Jacobians, Kronecker factors."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest
from cases import LAYERS, LOSSES, batch_for, first, inside, passed, target

import mlp


def objective_for(net: mlp.Network, loss: mlp.Loss, batch: mlp.Batch) -> tuple[mlp.Objective, mlp.Workspace]:
    """The loss around the parameters of `net`, and the pass that was made there."""
    _, workspace = passed(net, loss, batch)
    objective = mlp.Objective(net, loss)
    objective.batch, objective.workspace = batch, workspace
    return objective, workspace


def differences(objective: mlp.Objective, v: np.ndarray, h: float) -> np.ndarray:
    """Five-point differences of the gradient along v."""
    at, grads = objective.network.params, []
    for k in (-2, -1, 1, 2):
        grads.append(np.empty_like(at))
        objective.value_and_grad(at + k * h * v, grads[-1])
    return (8 * (grads[2] - grads[1]) - (grads[3] - grads[0])) / (12 * h)


def product_error(net: mlp.Network, loss: mlp.Loss, batch: mlp.Batch) -> float:
    objective, workspace = objective_for(net, loss, batch)
    before = workspace.grad.copy(), [n.values.copy() for n in workspace.nodes]
    v = np.random.default_rng(5).standard_normal(net.params.shape)
    v /= np.linalg.norm(v)
    out = np.full_like(v, np.nan)
    objective.hvp(v, out)
    assert (workspace.grad == before[0]).all()  # what the step left is left alone
    assert all((n.values == b).all() for n, b in zip(workspace.nodes, before[1], strict=True))
    found = [differences(objective, v, h) for h in (1e-3, 1e-5)]  # truncation 1e-12; a kink spoils wide ones
    return min(float(np.abs(out - d).max() / max(1e-3, np.abs(d).max())) for d in found)


@pytest.mark.parametrize("population", [(), (3,)])
@pytest.mark.parametrize("name", LAYERS)
def test_hessian_vector_product_is_the_slope_of_the_gradient(name: str, population: tuple[int, ...]) -> None:
    net = inside(LAYERS[name], population=population)
    assert product_error(net, mlp.SquaredError(), batch_for(net)) < 1e-8  # rounding 1e-16/h, and tails


@pytest.mark.parametrize("name", LOSSES)
def test_the_second_derivative_of_a_loss_is_the_slope_of_its_first(name: str) -> None:
    case, rng = LOSSES[name], np.random.default_rng(3)
    net = mlp.Network([mlp.Dense(5, 6, bias=0.1), mlp.Tanh(), mlp.Dense(6, case.n_out)], rng=1)
    X, t = rng.standard_normal((9, 5)), target(case.target, 9, case.n_out, rng)
    batch = mlp.as_batch(X, t, rng.uniform(0.5, 2, 9))
    assert product_error(net, case.loss, batch) < 1e-8


def test_hessian_vector_products_of_a_deep_net_agree_with_the_whole_hessian() -> None:
    """Seven layers: R of every layer meets R of every other. The whole Hessian by columns is symmetric."""
    net = mlp.Network(
        [
            mlp.Dense(5, 4),
            mlp.Sigmoid(),
            mlp.Dense(4, 4),
            mlp.Tanh(),
            mlp.Dense(4, 4, l2=0.1),
            mlp.SiLU(),
            mlp.Dense(4, 3),
        ],
        rng=2,
    )
    rng = np.random.default_rng(0)
    batch = mlp.as_batch(rng.standard_normal((9, 5)), rng.integers(0, 3, 9))
    assert product_error(net, mlp.SoftmaxCrossEntropy(), batch) < 1e-8
    objective, _ = objective_for(net, mlp.SoftmaxCrossEntropy(), batch)
    hessian = np.array([product(objective.hvp, row) for row in np.eye(net.layout.size)])
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-14)  # roundings of numbers about 1


def product(times: Any, v: np.ndarray) -> np.ndarray:
    out = np.empty_like(v)
    times(v, out)
    return out


@pytest.mark.parametrize("name", ["dense", "layer_norm", "rbf", "residual", "softmax"])
def test_a_layer_that_comes_first_has_second_derivatives_too(name: str) -> None:
    net = first(LAYERS[name]) if name != "dense" else mlp.Network([mlp.Dense(6, 3), mlp.Tanh()], rng=1)
    assert product_error(net, mlp.SquaredError(), batch_for(net)) < 1e-8


class Cubic(mlp.layers.activation.Activation):
    """y = x³: a layer of one's own, without a second derivative."""

    def forward(self, params: Any, x: mlp.Nodes, y: mlp.Nodes, scratch: Any) -> None:
        y.values[...] = x.values**3

    def slope(self, x: np.ndarray, y: np.ndarray, scratch: Any, out: np.ndarray) -> None:
        out[...] = 3 * x**2


def test_a_layer_without_second_derivative_is_named() -> None:
    net = inside(Cubic())
    objective, _ = objective_for(net, mlp.SquaredError(), batch_for(net))
    with pytest.raises(
        mlp.DerivativeError, match="Cubic gives no second derivative: it has no method second_derivative"
    ):
        objective.hvp(net.params, np.empty_like(net.params))


class Fourth(mlp.losses.loss.Pointwise):
    """p = e⁴: a loss of one's own, without a second derivative."""

    def point(self, z: np.ndarray, t: np.ndarray) -> np.ndarray:
        return (z - t) ** 4

    def slope(self, z: np.ndarray, t: np.ndarray, out: np.ndarray) -> None:
        out[...] = 4 * (z - t) ** 3


class Bent(Fourth):
    """The same with a curvature, and none of what computes half of it before."""

    def linearise(self, output: np.ndarray, target: np.ndarray, weights: np.ndarray | None) -> Any:
        return mlp.Loss.linearise(self, output, target, weights)

    def curvature_along(self, point: Any, v: np.ndarray, out: np.ndarray) -> None:
        mlp.Loss.curvature_along(self, point, v, out)

    def curvature(
        self, output: np.ndarray, target: np.ndarray, weights: np.ndarray | None, v: np.ndarray, out: np.ndarray
    ) -> None:
        out[...] = 12 * (output - target) ** 2 * v / output.shape[-1]


def test_a_loss_without_second_derivative_is_named() -> None:
    net = mlp.Network([mlp.Dense(5, 2)], rng=1)
    objective, _ = objective_for(net, Fourth(), batch_for(net))
    with pytest.raises(mlp.DerivativeError, match="Fourth gives no second derivative: it has no method second_d"):
        objective.hvp(net.params, np.empty_like(net.params))


def test_a_loss_that_gives_its_curvature_only_has_products() -> None:
    net = mlp.Network([mlp.Dense(5, 2)], rng=1)
    assert product_error(net, Bent(), batch_for(net)) < 1e-8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_focal_curvature_where_nothing_is_left_to_learn(gamma: float, dtype: Any) -> None:
    """Sure and right: 1 - p of the target is 1e-9 in truth and 0 in float32, and q^(γ-1) would be infinite there.

    Truth: ℓ ≈ q^(γ+1) with q = e⁻ᵈ, d the lead, whose second derivative in d is (γ+1)² q^(γ+1).
    """
    for lead in (0.0, 20.0, 500.0):
        output, v = np.array([[lead], [0.0]], dtype), np.array([[1.0], [0.0]], dtype)
        for loss, z, t in [
            (mlp.Focal(gamma), output, np.array([0])),
            (mlp.SigmoidFocal(gamma), output[:1], np.array([[1]])),
        ]:
            out = np.full_like(z, np.nan)
            loss.curvature(z, t, None, v[: len(z)], out)
            assert np.isfinite(out).all()
            if lead == 20:
                expected = (gamma + 1) ** 2 * np.exp(-lead * (gamma + 1))
                rounding = np.finfo(dtype).eps  # of σ, which is 1 there
                assert abs(out[0, 0] - expected) <= 1e-5 * expected + rounding


def test_focal_without_focus_is_the_cross_entropy() -> None:
    rng = np.random.default_rng(0)
    output, v, found = rng.standard_normal((4, 7)), rng.standard_normal((4, 7)), np.empty((2, 4, 7))
    for loss, out in zip((mlp.Focal(0.0), mlp.SoftmaxCrossEntropy()), found, strict=True):
        loss.curvature(output, np.arange(7) % 4, None, v, out)
    np.testing.assert_allclose(found[0], found[1], atol=1e-16)


# one point, many directions


def whole(times: Any, net: mlp.Network) -> np.ndarray:
    """The matrix, column by column."""
    return np.array([product(times, row) for row in np.eye(net.layout.size)]).T


@pytest.mark.parametrize("name", LAYERS)
def test_the_hessian_and_the_gauss_newton_matrix_are_symmetric(name: str) -> None:
    net = inside(LAYERS[name])
    objective, _ = objective_for(net, mlp.SquaredError(), batch_for(net))
    for times in (objective.hvp, objective.gnvp):
        matrix = whole(times, net)
        assert np.abs(matrix - matrix.T).max() <= 1e-12 * np.abs(matrix).max()


def test_the_hessian_by_a_population_of_equal_members_is_the_hessian() -> None:
    net = inside(LAYERS["residual_nested"])
    batch, loss = batch_for(net), mlp.SquaredError()
    one, _ = objective_for(net, loss, batch)
    equal = net.at(np.broadcast_to(net.params, (net.layout.size, net.layout.size)).copy())
    workspace = one.workspace.replay(equal)
    mlp.value_and_grad(equal, loss, batch, workspace)
    many = mlp.Objective(equal, loss)
    many.batch, many.workspace = batch, workspace
    matrix = whole(one.hvp, net)
    np.testing.assert_allclose(product(many.hvp, np.eye(net.layout.size)), matrix, atol=1e-12 * np.abs(matrix).max())


@pytest.mark.parametrize("name", ["residual", "residual_nested", "batch_norm", "tanh"])
def test_products_leave_the_point_as_it_is(name: str) -> None:
    """A block writes ∂L/∂(inner nodes) into its scratch: a Gauss-Newton product once overwrote those of the step."""
    net = inside(LAYERS[name])
    objective, _ = objective_for(net, mlp.SquaredError(), batch_for(net))
    v = np.random.default_rng(1).standard_normal(net.layout.size)
    before = product(objective.hvp, v)
    product(objective.gnvp, v)
    assert (product(objective.hvp, v) == before).all()
    assert objective.linearised() is objective.linearised()


def test_a_new_pass_is_a_new_point() -> None:
    """What was computed once for a point is found stale by the count of passes, though the arrays are the same."""
    net = inside(mlp.Tanh())
    batch, loss = batch_for(net), mlp.SquaredError()
    objective, workspace = objective_for(net, loss, batch)
    v = np.random.default_rng(1).standard_normal(net.layout.size)
    product(objective.hvp, v)
    net.params += 0.1
    mlp.value_and_grad(net, loss, batch, workspace)
    fresh, _ = objective_for(net, loss, batch)
    assert (product(objective.hvp, v) == product(fresh.hvp, v)).all()


def test_products_keep_no_more_than_the_first_two_made() -> None:
    net = inside(LAYERS["residual"])
    objective, _ = objective_for(net, mlp.SoftmaxCrossEntropy(), batch_for(net)._replace(target=np.arange(7) % 3))
    v, out = net.params.copy(), np.empty_like(net.params)
    for _ in range(2):
        objective.hvp(v, out)
        objective.gnvp(v, out)
    tracemalloc.start()
    for _ in range(20):
        objective.hvp(v, out)
        objective.gnvp(v, out)
    gc.collect()  # Python keeps up to 2,000 tuples of each length that were given back
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 4096  # of Python's own; one array like x would be kept 20 times


# the Jacobian


@pytest.mark.parametrize("weighted", [False, True])
def test_the_jacobian_is_the_gradient_of_each_residual(weighted: bool) -> None:
    """Twin: one network output, one sample at a time, by differences of the residuals."""
    net = mlp.Network([mlp.Tanh(n_in=5), mlp.Dense(5, 4), mlp.GELU(), mlp.Dense(4, 3), mlp.Sigmoid()], rng=1)
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 2, 6) if weighted else None
    batch = mlp.as_batch(rng.standard_normal((6, 5)), rng.standard_normal((6, 3)), weights)
    objective, workspace = objective_for(net, mlp.SquaredError(), batch)
    jacobian = np.full((objective.n_residuals, net.layout.size), np.nan)
    r = objective.jacobian(jacobian)
    h = 1e-3 * np.eye(net.layout.size)
    sides = [[objective.residuals(net.params + k * row) for row in h] for k in (-2, -1, 1, 2)]
    far, near = np.array(sides[3]) - sides[0], np.array(sides[2]) - sides[1]
    np.testing.assert_allclose(jacobian, ((8 * near - far) / 12e-3).T, atol=1e-10)  # h⁴ = 1e-12
    np.testing.assert_allclose(r, objective.residuals(net.params), rtol=1e-14)
    np.testing.assert_allclose(
        0.5 * r @ r, mlp.SquaredError().value(workspace.nodes[-1].values, *batch[1:3]), rtol=1e-13
    )
    np.testing.assert_allclose(r @ jacobian, workspace.grad, atol=1e-14)


def test_the_gauss_newton_product_is_the_jacobians() -> None:
    net = mlp.Network([mlp.Dense(5, 4), mlp.Tanh(), mlp.Dense(4, 3)], rng=1)
    batch = batch_for(net)
    objective, _ = objective_for(net, mlp.SquaredError(), batch)
    jacobian = np.empty((objective.n_residuals, net.layout.size))
    objective.jacobian(jacobian)
    v = np.random.default_rng(1).standard_normal(net.layout.size)
    np.testing.assert_allclose(product(objective.gnvp, v), jacobian.T @ (jacobian @ v), atol=1e-14)


@pytest.mark.parametrize("name", ["squared_error", "softmax", "softmax_soft", "sigmoid", "poisson", "log_cosh"])
def test_the_root_of_a_losses_curvature_is_its_root(name: str) -> None:
    case, rng = LOSSES[name], np.random.default_rng(3)
    output, weights = rng.standard_normal((case.n_out, 7)), rng.uniform(0.5, 2, 7)
    t = mlp.as_batch(np.zeros((7, 1)), target(case.target, 7, case.n_out, rng)).target
    v, out = rng.standard_normal(output.shape), np.empty_like(output)
    case.loss.curvature(output, t, weights, v, out)
    root = case.loss.root(output, t, weights)
    np.testing.assert_allclose(np.einsum("kji,kli,li->ji", root, root, v), out, atol=1e-15)


def test_the_root_jacobian_is_the_root_of_the_gauss_newton_matrix_of_a_cross_entropy() -> None:
    net, rng = mlp.Network([mlp.Dense(5, 4), mlp.Tanh(), mlp.Dense(4, 3)], rng=1), np.random.default_rng(0)
    batch = mlp.as_batch(rng.standard_normal((7, 5)), rng.integers(0, 3, 7), rng.uniform(0.5, 2, 7))
    objective, _ = objective_for(net, mlp.SoftmaxCrossEntropy(), batch)
    root = np.empty((objective.n_residuals, net.layout.size))
    objective.root_jacobian(root)
    v = rng.standard_normal(net.layout.size)
    np.testing.assert_allclose(product(objective.gnvp, v), root.T @ (root @ v), atol=1e-14)


def test_kronecker_factors_sum_to_the_gauss_newton_matrix_of_one_sample() -> None:
    """With a single sample there is nothing to approximate within a layer: its block is (Σ δ δᵀ) ⊗ x̃ x̃ᵀ."""
    net = mlp.Network([mlp.Dense(3, 4), mlp.Tanh(), mlp.Dense(4, 3)], rng=1)
    batch = mlp.as_batch(np.random.default_rng(0).standard_normal((1, 3)), np.array([2]))
    objective, _ = objective_for(net, mlp.SoftmaxCrossEntropy(), batch)
    whole = np.array([product(objective.gnvp, row) for row in np.eye(net.layout.size)])
    for part, inputs, signals in objective.kronecker():
        outer = np.einsum("kon,kpn->op", signals, signals)
        np.testing.assert_allclose(np.kron(outer, inputs @ inputs.T), whole[part, part], atol=1e-14)


def test_what_has_no_jacobian_says_so() -> None:
    rng = np.random.default_rng(0)
    penalised = mlp.Network([mlp.Dense(2, 3, l2=0.1)], rng=0)
    for net, loss, t, name in [
        (penalised, mlp.SquaredError(), rng.standard_normal((4, 3)), "dense1"),
        (
            mlp.Network([mlp.Dense(2, 3)], population=(2,)),
            mlp.SquaredError(),
            rng.standard_normal((4, 3)),
            "population",
        ),
        (mlp.Network([mlp.Dense(2, 3)]), mlp.Huber(), rng.standard_normal((4, 3)), "Huber"),
        (mlp.Network([mlp.RBF(2, 3)]), mlp.SquaredError(), rng.standard_normal((4, 3)), "RBF"),
    ]:
        objective, _ = objective_for(net, loss, mlp.as_batch(rng.standard_normal((4, 2)), t))
        with pytest.raises(mlp.DerivativeError, match=name):
            objective.jacobian(np.empty((12, net.layout.size)))


# Fahlman's flat spot


def test_only_a_flat_spot_makes_the_gradient_another() -> None:
    rng = np.random.default_rng(0)
    X, t = rng.standard_normal((5, 3)), rng.random((5, 2))
    errors = [
        mlp.gradcheck(mlp.Network([mlp.Dense(3, 4), spot, mlp.Dense(4, 2), spot], rng=1), mlp.SquaredError(), X, t)
        for spot in (mlp.Sigmoid(), mlp.Sigmoid(flat_spot=0.1))
    ]
    assert errors[0] < 1e-8
    assert errors[1] > 0.1


def test_a_flat_spot_adds_to_the_slope_and_changes_nothing_forward() -> None:
    x, y = np.array([[-30.0, 0.0]]), np.array([[0.0, 0.5]])
    out = np.empty_like(x)
    mlp.Sigmoid(flat_spot=0.1).slope(x, y, None, out)
    assert out.tolist() == [[0.1, 0.35]]
    with pytest.raises(mlp.DerivativeError, match=r"Sigmoid\(.*flat_spot=0.1"):
        mlp.Sigmoid(flat_spot=0.1).second_derivative(x, y, None)
