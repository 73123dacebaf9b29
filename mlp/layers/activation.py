"""What an activation is: one function applied to every node, as a layer of its own.

Because they are layers, both ∂L/∂(their input) and ∂L/∂(their output) stay visible after a step, and one can say
whether it is the activations or the weights that lose the signal. Here x is the pre-activation and y = φ(x);
`backward` writes ∂L/∂x = φ′(x) · ∂L/∂y, from y wherever the slope has a shorter name in y.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.errors import DerivativeError
from mlp.family import OperatorGraph
from mlp.layers.layer import WidthFollows


@dataclass
class Tangent:
    """An activation at one point: `slope` φ′(x), and `change`, φ″(x) ∂L/∂y, once somebody asked for it.

    `scratch` is that of the pass, `product` an array for one product. `change` is the number 0 where φ is made of
    straight pieces.
    """

    scratch: Any
    slope: Array
    product: Array
    change: Any = None


@dataclass(frozen=True)
class Activation(WidthFollows):
    """y = φ(x), node by node.

    `output_range`: the least and the largest y. `saturation`: outside this range of x the slope is under 1 % of the
    largest slope φ has; None: φ does not squash. `dead_below`: a unit whose x never exceeds this passes no gradient at
    all; None: it always passes some.

    >>> class Square(Activation):
    ...     def forward(self, params, x, y, scratch):
    ...         np.square(x.values, out=y.values)
    ...
    ...     def slope(self, x, y, scratch, out):
    ...         np.multiply(x, 2, out=out)
    >>> from mlp import Network, predict
    >>> predict(Network([Square(n_in=2)]), [[3.0, -2.0]])
    array([[9., 4.]])
    """

    preferred_initializer: ClassVar[str | None] = "glorot_uniform"
    output_range: ClassVar[tuple[float, float]] = (-inf, inf)
    saturation: ClassVar[tuple[float, float] | None] = None
    dead_below: ClassVar[float | None] = None

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Array, d_x: Array | None
    ) -> None:
        """∂L/∂x = φ′(x) · ∂L/∂y."""
        if d_x is not None:
            self.slope(x.values, y.values, scratch, d_x)
            d_x *= d_y

    @abstractmethod
    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """Write φ′(x) into `out`."""

    def second_derivative(self, x: Array, y: Array, scratch: Any) -> Any:
        """φ″(x); the number 0 where φ is made of straight pieces."""
        raise DerivativeError(f"{type(self).__name__} gives no second derivative: it has no method second_derivative.")

    def linearise(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> Tangent:
        """φ′(x). φ″ is computed only when it is needed: the Gauss-Newton matrix needs none."""
        tangent = Tangent(scratch, np.empty_like(y.values), np.empty_like(y.values))
        self.slope(x.values, y.values, scratch, tangent.slope)
        return tangent

    def forward_along(
        self, params: Array, v: Array, x: Nodes, r_x: Array | None, y: Nodes, scratch: Tangent, r_y: Array
    ) -> None:
        """R{y} = φ′(x) R{x}."""
        np.multiply(scratch.slope, 0 if r_x is None else r_x, out=r_y)

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
        scratch: Tangent,
        r_grad: Array,
        r_d_x: Array | None,
    ) -> None:
        """R{∂L/∂x} = φ′(x) R{∂L/∂y} + φ″(x) R{x} ∂L/∂y."""
        if r_d_x is None:
            return
        np.multiply(scratch.slope, r_d_y, out=r_d_x)
        if r_x is None:
            return
        if scratch.change is None:
            second = self.second_derivative(x.values, y.values, scratch.scratch)
            scratch.change = second * d_y if isinstance(second, np.ndarray) or second else 0.0
        if isinstance(scratch.change, np.ndarray):
            np.multiply(scratch.change, r_x, out=scratch.product)
            r_d_x += scratch.product


class StraightPieces(Activation):
    """An activation whose φ″ is 0 wherever it is anything."""

    def second_derivative(self, x: Array, y: Array, scratch: Any) -> Any:
        """0."""
        return 0.0


@dataclass(frozen=True)
class Identity(StraightPieces):
    """y = x.

    >>> from mlp import Network, predict
    >>> predict(Network([Identity(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-2.,  0.,  1.]])
    """

    name, aliases, preferred_initializer = "identity", ("linear", "none"), "lecun_normal"

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """y = x."""
        np.copyto(y.values, x.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1."""
        out.fill(1)

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """y = x."""
        return x
