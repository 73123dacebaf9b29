"""The gradient check itself: it must pass what is right and catch what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cases import LAYERS, batch_for, inside

import mlp
from mlp.differences import gradient_errors

WRONG = 1e-3  # the least that a wrong gradient must show; a right one shows 1e-10


def checked(net: mlp.Network, loss: mlp.Loss | None = None) -> float:
    batch = batch_for(net)
    return mlp.gradcheck(net, loss or mlp.SquaredError(), batch.x.values.T, batch.target.T)


@dataclass(frozen=True)
class HalfSlope(mlp.Tanh):
    """Half of tanh's derivative."""

    def slope(self, x: Any, y: Any, scratch: Any, out: Any) -> None:
        super().slope(x, y, scratch, out)
        out *= 0.5


@dataclass(frozen=True)
class NoDerivativeOfX(mlp.Dense):
    """A dense layer that hands nothing back."""

    def backward(self, params: Any, x: Any, y: Any, d_y: Any, scratch: Any, grad: Any, d_x: Any) -> None:
        super().backward(params, x, y, d_y, scratch, grad, None)
        if d_x is not None:
            d_x.fill(0)


@dataclass(frozen=True)
class NoBias(mlp.Dense):
    """A dense layer whose bias weights get no gradient."""

    def backward(self, params: Any, x: Any, y: Any, d_y: Any, scratch: Any, grad: Any, d_x: Any) -> None:
        super().backward(params, x, y, d_y, scratch, grad, d_x)
        grad[..., -1] = 0


@dataclass(frozen=True)
class OneWeightOff(mlp.Dense):
    """A dense layer of which one weight's gradient is a tenth too large."""

    def backward(self, params: Any, x: Any, y: Any, d_y: Any, scratch: Any, grad: Any, d_x: Any) -> None:
        super().backward(params, x, y, d_y, scratch, grad, d_x)
        grad[0, 0] *= 1.1


@dataclass(frozen=True)
class ForgottenPenalty(mlp.Dense):
    """A dense layer that pays its penalty but does not differentiate it."""

    def penalty(self, params: Any, grad: Any) -> Any:
        return super().penalty(params, grad.copy())


class SumNotMean(mlp.SquaredError):
    """The gradient of a sum over samples, for the value of a mean."""

    def value_and_grad(self, output: Any, target: Any, weights: Any, d_output: Any) -> Any:
        value = super().value_and_grad(output, target, weights, d_output)
        d_output *= output.shape[-1]
        return value


@pytest.mark.parametrize(
    "layer",
    [HalfSlope(), NoDerivativeOfX(6, 4), NoBias(6, 4), OneWeightOff(6, 4), ForgottenPenalty(6, 4, l2=0.5)],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_with_a_wrong_gradient_is_caught(layer: mlp.Layer) -> None:
    assert checked(inside(layer)) > WRONG


def test_a_loss_with_a_wrong_gradient_is_caught() -> None:
    assert checked(inside(mlp.Tanh()), SumNotMean()) > WRONG


def test_a_wrong_gradient_with_respect_to_the_inputs_is_caught() -> None:
    """No parameter stands before the wrong layer: only the inputs can tell."""
    assert checked(mlp.Network([NoDerivativeOfX(4, 3)])) > WRONG


def test_a_wrong_gradient_inside_a_residual_block_is_caught() -> None:
    assert checked(inside(mlp.Residual([HalfSlope(), mlp.Dense(6, 6)]))) > WRONG


@dataclass(frozen=True)
class NaNForOne(mlp.Dense):
    """A dense layer of which one weight's gradient is not a number."""

    def backward(self, params: Any, x: Any, y: Any, d_y: Any, scratch: Any, grad: Any, d_x: Any) -> None:
        super().backward(params, x, y, d_y, scratch, grad, d_x)
        grad[0, 0] = np.nan


def test_a_gradient_that_is_not_a_number_is_caught_wherever_it_stands() -> None:
    """max() passes over a NaN that does not come first: the errors of the layers before it hid it."""
    assert checked(inside(NaNForOne(6, 4))) == np.inf


def test_a_vanishing_gradient_is_not_a_wrong_one() -> None:
    """Ten sigmoids leave the first layer a gradient near 1e-10, below what differences of losses can see."""
    layers: list[mlp.Layer] = [mlp.Dense(4, 6), mlp.Sigmoid()]
    for _ in range(10):
        layers += [mlp.Dense(6, 6, mlp.initializers.Normal(0.3)), mlp.Sigmoid()]
    assert checked(mlp.Network([*layers, mlp.Dense(6, 2)], rng=0)) <= 1e-8  # as for every right gradient


def test_a_gradient_of_zero_is_right() -> None:
    net = mlp.Network([mlp.Dense(2, 1, "zeros")])
    assert mlp.gradcheck(net, mlp.SquaredError(), np.ones((3, 2)), np.zeros((3, 1))) == 0


@pytest.mark.parametrize("name", LAYERS)
def test_the_network_is_left_as_it_was(name: str) -> None:
    net = inside(LAYERS[name])
    before = net.params.copy()
    checked(net)
    assert (net.params == before).all()


def test_the_check_is_the_same_every_time() -> None:
    net = inside(mlp.GELU())
    assert checked(net) == checked(net)


def test_float32_is_refused() -> None:
    with pytest.raises(mlp.DtypeError, match="gradcheck needs float64"):
        checked(inside(mlp.Tanh(), dtype=np.float32))


def test_a_rectifier_next_to_its_kink_is_no_wrong_gradient() -> None:
    """One of some thousand units stands within the smallest width of its kink, where differences meet another slope."""
    network = mlp.Network([mlp.Dense(1, 1), mlp.ReLU(), mlp.Dense(1, 1)], rng=0)
    network.params = np.array([1.0, 2e-6, 1.0, 0.5])
    batch = mlp.as_batch(np.zeros((1, 1)), np.ones((1, 1)))
    assert max(gradient_errors(network, mlp.SquaredError(), batch)) < 1e-6
