"""Activations that squash: they bring any x into a bounded range, and pass little gradient at its ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.errors import DerivativeError
from mlp.family import Operator, OperatorGraph
from mlp.hyperparameters import NotNegative
from mlp.layers.activation import Activation, StraightPieces


@dataclass(frozen=True)
class Sigmoid(Activation):
    """y = 1/(1 + e⁻ˣ), written ½(1 + tanh ½x), which cannot overflow.  φ′ = y(1 - y) ≤ ¼.

    `flat_spot` is added to φ′ in `backward`, so that a unit which is wrong at 0 or 1 still learns; ∂L/∂θ is then no
    longer the gradient. Fahlman (1988) adds 0.1.

    >>> from mlp import Network, predict
    >>> predict(Network([Sigmoid(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[0.119, 0.5  , 0.731]])
    """

    name, aliases, output_range, saturation = "sigmoid", ("logistic",), (0, 1), (-5.987, 5.987)
    onnx = Operator("Sigmoid")

    flat_spot: NotNegative = 0.0

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """½(1 + tanh ½x)."""
        values = y.values
        np.multiply(x.values, 0.5, out=values)
        np.tanh(values, out=values)
        values += 1
        values *= 0.5

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """y(1 - y), and what is added to it."""
        np.subtract(1, y, out=out)
        out *= y
        if self.flat_spot:
            out += self.flat_spot

    def second_derivative(self, x: Array, y: Array, scratch: Any) -> Any:
        """y(1 - y)(1 - 2y)."""
        if self.flat_spot:
            raise DerivativeError(f"{self} gives no second derivative: its slope is not that of any function.")
        return y * (1 - y) * (1 - 2 * y)


@dataclass(frozen=True)
class Tanh(Activation):
    """y = tanh x.  φ′ = 1 - y².

    >>> from mlp import Network, predict
    >>> predict(Network([Tanh(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-0.964,  0.   ,  0.762]])
    """

    name, output_range, saturation = "tanh", (-1, 1), (-2.994, 2.994)
    onnx = Operator("Tanh")

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """tanh x."""
        np.tanh(x.values, out=y.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1 - y²."""
        np.multiply(y, y, out=out)
        np.subtract(1, out, out=out)

    def second_derivative(self, x: Array, y: Array, scratch: Any) -> Any:
        """-2y(1 - y²)."""
        return -2 * y * (1 - y * y)


@dataclass(frozen=True)
class Softsign(Activation):
    """y = x/(1 + |x|).  φ′ = (1 - |y|)². Bergstra et al. (2009).

    >>> from mlp import Network, predict
    >>> predict(Network([Softsign(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-0.667,  0.   ,  0.5  ]])
    """

    name, output_range, saturation = "softsign", (-1, 1), (-9.0, 9.0)
    onnx = Operator("Softsign")

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """x/(1 + |x|)."""
        values = y.values
        np.abs(x.values, out=values)
        values += 1
        np.divide(x.values, values, out=values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """(1 - |y|)²."""
        np.abs(y, out=out)
        np.subtract(1, out, out=out)
        out *= out

    def second_derivative(self, x: Array, y: Array, scratch: Any) -> Any:
        """-2 sign(x) (1 - |y|)³."""
        return -2 * np.sign(x) * (1 - np.abs(y)) ** 3


@dataclass(frozen=True)
class HardSigmoid(StraightPieces):
    """y = x/6 + ½, held within [0, 1].  φ′ = ⅙ for |x| < 3, else 0. As in PyTorch, Keras 3 and ONNX HardSwish.

    >>> from mlp import Network, predict
    >>> predict(Network([HardSigmoid(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[0.167, 0.5  , 0.667]])
    """

    name, output_range, saturation = "hard_sigmoid", (0, 1), (-3.0, 3.0)
    onnx = Operator("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5})

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """x/6 + ½ within [0, 1]."""
        values = y.values
        np.divide(x.values, 6, out=values)
        values += 0.5
        np.clip(values, 0, 1, out=values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """⅙ inside."""
        np.less(np.abs(x), 3, out=out)
        out /= 6


@dataclass(frozen=True)
class HardTanh(StraightPieces):
    """y = x, held within [-1, 1].  φ′ = 1 for |x| < 1, else 0. Collobert (2004).

    >>> from mlp import Network, predict
    >>> predict(Network([HardTanh(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-1.,  0.,  1.]])
    """

    name, output_range, saturation = "hard_tanh", (-1, 1), (-1.0, 1.0)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """x within [-1, 1]."""
        np.clip(x.values, -1, 1, out=y.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1 inside."""
        np.less(np.abs(x), 1, out=out)

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """x within [-1, 1]."""
        low, high = (graph.constant(statistics.dtype.type(edge), name) for edge, name in ((-1, "low"), (1, "high")))
        return graph.apply("Clip", x, low, high)


@dataclass(frozen=True)
class Softmax(Activation):
    """y_j = eˣʲ / Σₖ eˣᵏ over the nodes of a sample.  ∂L/∂x = y (∂L/∂y - Σ y ∂L/∂y).

    For study, and for losses that are not the cross-entropy: SoftmaxCrossEntropy takes raw outputs and has its own.

    >>> from mlp import Network, predict
    >>> predict(Network([Softmax(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[0.035, 0.259, 0.705]])
    """

    preferred_initializer, output_range = "lecun_normal", (0, 1)
    onnx = Operator("Softmax", {"axis": -1})

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """e^(x - max x), divided by its sum."""
        values = y.values
        np.subtract(x.values, x.values.max(-2, keepdims=True), out=values)
        np.exp(values, out=values)
        values /= values.sum(-2, keepdims=True)

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Array, d_x: Array | None
    ) -> None:
        """Not node by node: every output depends on every input."""
        if d_x is not None:
            np.multiply(y.values, d_y, out=d_x)
            d_x -= y.values * d_x.sum(-2, keepdims=True)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """The diagonal of the Jacobian: y(1 - y)."""
        np.subtract(1, y, out=out)
        out *= y

    def linearise(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> Any:
        """Nothing: y says it all."""
        return scratch

    def forward_along(
        self, params: Array, v: Array, x: Nodes, r_x: Array | None, y: Nodes, scratch: Any, r_y: Array
    ) -> None:
        """R{y} = y (R{x} - Σ y R{x})."""
        r_y.fill(0)
        if r_x is not None:
            np.multiply(y.values, r_x - (y.values * r_x).sum(-2, keepdims=True), out=r_y)

    def backward_along(
        self,
        params: Array,
        v: Array,
        x: Nodes,
        r_x: Array | None,
        y: Nodes,
        r_y: Array,
        d_y: Array,
        r_d_y: Array,
        scratch: Any,
        r_grad: Array,
        r_d_x: Array | None,
    ) -> None:
        """With s = Σ y ∂L/∂y:  R{∂L/∂x} = R{y} (∂L/∂y - s) + y (R{∂L/∂y} - R{s})."""
        if r_d_x is not None:
            s = (y.values * d_y).sum(-2, keepdims=True)
            r_s = (r_y * d_y + y.values * r_d_y).sum(-2, keepdims=True)
            np.multiply(r_y, d_y - s, out=r_d_x)
            r_d_x += y.values * (r_d_y - r_s)
