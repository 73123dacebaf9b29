"""Second derivatives: products with the Hessian and the Gauss-Newton matrix, Jacobians, Kronecker factors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import LAYERS, LOSSES, batch_for, first, inside, passed, target

import mlp

BENT = ["squared_error", "squared_error_one", "absolute_error", "huber", "log_cosh", "quantile", "poisson", "softmax",
        "softmax_smoothed", "softmax_soft", "sigmoid", "sigmoid_one", "sigmoid_smoothed",
        "hinge", "binary_hinge"]  # fmt: skip


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


@pytest.mark.parametrize("name", BENT)
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
    """y = x³: a layer of one's own, without a bend."""

    def forward(self, params: Any, x: mlp.Nodes, y: mlp.Nodes, scratch: Any) -> None:
        y.values[...] = x.values**3

    def slope(self, x: np.ndarray, y: np.ndarray, scratch: Any, out: np.ndarray) -> None:
        out[...] = 3 * x**2


def test_a_layer_without_second_derivative_is_named() -> None:
    net = inside(Cubic())
    objective, _ = objective_for(net, mlp.SquaredError(), batch_for(net))
    with pytest.raises(mlp.DerivativeError, match="Cubic gives no second derivative: it has no bend"):
        objective.hvp(net.params, np.empty_like(net.params))


@pytest.mark.parametrize("name", ["focal", "sigmoid_focal"])
def test_a_loss_without_second_derivative_is_named(name: str) -> None:
    case, rng = LOSSES[name], np.random.default_rng(3)
    net = mlp.Network([mlp.Dense(5, case.n_out)], rng=1)
    batch = mlp.as_batch(rng.standard_normal((9, 5)), target(case.target, 9, case.n_out, rng))
    objective, _ = objective_for(net, case.loss, batch)
    with pytest.raises(mlp.DerivativeError, match=type(case.loss).__name__):
        objective.hvp(net.params, np.empty_like(net.params))


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
        mlp.Sigmoid(flat_spot=0.1).bend(x, y, None)
