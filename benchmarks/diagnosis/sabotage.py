"""Layers, losses and rules with a bug in them, as people write them by hand.

Each is one slip: a sign, a missing factor, an argument taken for another. They keep the names of what they replace, so
that nothing but their behaviour gives them away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.experiment import Setup
from mlp.layers import Activation, Dense, Layer, ReLU, Sigmoid, Tanh
from mlp.losses import Loss
from mlp.model import OutputHead
from mlp.optimizers import Evaluation, Frozen, Optimizer


@dataclass(frozen=True)
class _Posing(Dense):
    """A dense layer under its own name, whatever the class is called."""

    @property
    def kind(self) -> str:
        return "dense"


class FlippedDense(_Posing):
    """∂L/∂x with the wrong sign."""

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Array, d_x: Array | None
    ) -> None:
        """Everything below goes uphill."""
        super().backward(params, x, y, d_y, scratch, grad, d_x)
        if d_x is not None:
            np.negative(d_x, out=d_x)


class DetachedDense(_Posing):
    """∂L/∂x = 0: the graph is cut here."""

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Array, d_x: Array | None
    ) -> None:
        """Everything below learns nothing."""
        super().backward(params, x, y, d_y, scratch, grad, d_x)
        if d_x is not None:
            d_x.fill(0)


class DescendingDense(_Posing):
    """∂L/∂W with the wrong sign: the update of this layer was written for a gradient already negated."""

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Array, d_x: Array | None
    ) -> None:
        """This layer goes uphill, the others down."""
        super().backward(params, x, y, d_y, scratch, grad, d_x)
        np.negative(grad, out=grad)


class ForgetfulDense(_Posing):
    """∂L/∂W of the bias node only: the weights' part is never written."""

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Array, d_x: Array | None
    ) -> None:
        """The weights stay."""
        super().backward(params, x, y, d_y, scratch, grad, d_x)
        grad[..., :-1] = 0


class SigmoidOfInput(Sigmoid):
    """φ′ = x(1 - x): the formula for the output, fed with the input."""

    kind = "sigmoid"

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """x(1 - x)."""
        np.subtract(1, x, out=out)
        out *= x


class TanhOfInput(Tanh):
    """φ′ = 1 - x²: likewise."""

    kind = "tanh"

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1 - x²."""
        np.multiply(x, x, out=out)
        np.subtract(1, out, out=out)


class ReLUOfOthers(ReLU):
    """φ′ = [x ≤ 0]: the comparison the wrong way round."""

    kind = "relu"

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """[x ≤ 0]."""
        np.less_equal(x, 0, out=out)


WRONG_SLOPE: dict[type[Layer], type[Activation]] = {Sigmoid: SigmoidOfInput, Tanh: TanhOfInput, ReLU: ReLUOfOthers}


@dataclass(frozen=True)
class ScaledLoss(Loss):
    """`inner` with its value times `of_value(N)` and its gradient times `of_grad(N)`, N the size of the batch."""

    inner: Loss
    of_value: Callable[[int], float]
    of_grad: Callable[[int], float]

    def value(self, output: Array, target: Array, weights: Array | None) -> Any:
        """The scaled value."""
        return self.inner.value(output, target, weights) * self.of_value(output.shape[-1])

    def value_and_grad(self, output: Array, target: Array, weights: Array | None, d_output: Array) -> Any:
        """The scaled value, and a gradient that need not be its own."""
        value = self.inner.value_and_grad(output, target, weights, d_output)
        d_output *= self.of_grad(output.shape[-1])
        return value * self.of_value(output.shape[-1])

    def predict(self, output: Array) -> Array:
        """The inner link."""
        return self.inner.predict(output)

    def check(self, n_out: int, target: Array) -> None:
        """The inner check."""
        self.inner.check(n_out, target)


@dataclass(frozen=True)
class Ascent(Optimizer):
    """`rule` with its step the wrong way."""

    rule: Optimizer

    def init(self, params: Array) -> Any:
        """The rule's memory."""
        return self.rule.init(params)

    def update(self, at: Evaluation, state: Any, out: Array) -> None:
        """Minus the rule's step."""
        self.rule.update(at, state, out)
        np.negative(out, out=out)


@dataclass
class Sum:
    """All gradients met so far, and the memory of the rule that is given them."""

    total: Array
    inner: Any


@dataclass(frozen=True)
class Accumulating(Optimizer):
    """`rule`, given a gradient that was never set back to zero between steps."""

    rule: Optimizer

    def init(self, params: Array) -> Sum:
        """No gradients met."""
        return Sum(np.zeros_like(params), self.rule.init(params))

    def update(self, at: Evaluation, state: Sum, out: Array) -> None:
        """The rule's step for the sum of all gradients."""
        state.total += at.grad
        self.rule.update(at._replace(grad=state.total), state.inner, out)


def one(_: int) -> float:
    """No scaling."""
    return 1.0


def minus(_: int) -> float:
    """The wrong sign."""
    return -1.0


def loss_scaled(
    of_value: Callable[[int], float], of_grad: Callable[[int], float]
) -> Callable[[OutputHead], OutputHead]:
    """A head whose loss is a `ScaledLoss`."""
    return lambda head: replace(head, loss=ScaledLoss(head.loss, of_value, of_grad))


def ending_in(layer: type[Layer]) -> Callable[[OutputHead], OutputHead]:
    """A head with one more layer at the very end."""
    return lambda head: replace(head, layers=(*head.layers, layer()))


def first(n: int) -> slice:
    """The first of n."""
    return slice(0, 1)


def second(n: int) -> slice:
    """The second layer."""
    return slice(1, 2)


def last(n: int) -> slice:
    """The output layer."""
    return slice(n - 1, n)


def every(n: int) -> slice:
    """All layers."""
    return slice(0, n)


def dense_replaced(by: type[Dense], which: Callable[[int], slice]) -> Callable[[list[Layer]], list[Layer]]:
    """Layers with some of the dense ones of another class; `which` is told how many there are."""

    def change(layers: list[Layer]) -> list[Layer]:
        places = [i for i, layer in enumerate(layers) if isinstance(layer, Dense)]
        chosen = places[which(len(places))]
        return [_of_class(by, layer) if i in chosen else layer for i, layer in enumerate(layers)]

    return change


def slopes_wrong(layers: list[Layer]) -> list[Layer]:
    """Every activation with the wrong slope of its kind."""
    return [_of_class(WRONG_SLOPE[type(layer)], layer) if type(layer) in WRONG_SLOPE else layer for layer in layers]


def _of_class(kind: type[Any], layer: Any) -> Any:
    return kind(**{f.name: getattr(layer, f.name) for f in fields(layer)})


def forgetting(which: slice) -> Callable[[Setup], Any]:
    """A rule that was never told of some layers' tensors, by their place among those with parameters."""

    def rule(setup: Setup) -> Any:
        tensors = [s for s in setup.layout.slices if s.stop > s.start]
        return Frozen(setup.rule, tuple(tensors[which]))

    return rule


def accumulating(setup: Setup) -> Any:
    """The rule without zeroed gradients."""
    return Accumulating(setup.rule)


def ascending(setup: Setup) -> Any:
    """The rule with its sign flipped."""
    return Ascent(setup.rule)
