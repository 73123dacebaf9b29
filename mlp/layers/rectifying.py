"""Activations that pass on what is positive as it is, or nearly so, and less of what is negative.

Maxout stands here too: it learns which pieces it passes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, ClassVar, Self

import numpy as np

from mlp.arrays import Array, Nodes, number
from mlp.errors import ShapeError
from mlp.family import Operator, OperatorGraph
from mlp.hyperparameters import Count, Finite, Positive
from mlp.layers.activation import Activation, StraightPieces
from mlp.layers.layer import UNSIZED, Layer, WidthFollows

FEW = 2048
"""Up to so many numbers an array is small: calling NumPy takes as long as what it computes."""


@dataclass(frozen=True)
class ReLU(StraightPieces):
    """y = max(x, 0).  φ′ = 1 for x > 0, else 0 (at 0 too, as in PyTorch).

    >>> from mlp import Network, predict
    >>> predict(Network([ReLU(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[0., 0., 1.]])
    """

    name, preferred_initializer, output_range, dead_below = "relu", "he_normal", (0, inf), 0.0
    onnx = Operator("Relu")

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """max(x, 0)."""
        values = x.values
        np.maximum(values, number(0, values.dtype), out=y.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """[x > 0] = sign y. A small array takes 0.3 µs so, and a comparison 0.8; a large one thrice as long as that."""
        if x.size <= FEW:
            np.sign(y, out=out)
        else:
            np.greater(x, number(0, x.dtype), out=out)


@dataclass(frozen=True)
class LeakyReLU(StraightPieces):
    """y = x for x > 0, else αx, with α = `negative_slope` < 1. Maas, Hannun & Ng (2013); α = 0.01 as in PyTorch.

    >>> from mlp import Network, predict
    >>> predict(Network([LeakyReLU(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-0.02,  0.  ,  1.  ]])
    """

    name, preferred_initializer = "leaky_relu", "he_normal"
    onnx = Operator("LeakyRelu", {"alpha": "negative_slope"})

    negative_slope: Finite = 0.01

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """Each x times its slope, so that any α will do."""
        self.slope(x.values, y.values, scratch, y.values)
        y.values[...] *= x.values

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1 or α."""
        np.greater(x, 0, out=out)
        out *= 1 - self.negative_slope
        out += self.negative_slope


class _ExponentialLinear(Activation):
    """y = λx for x > 0, else λα(eˣ - 1), with λ = `scale` and α = `alpha`."""

    scale: ClassVar[float] = 1.0
    alpha: float

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """λ(max(x, 0) + α(e^min(x, 0) - 1))."""
        values = y.values
        np.minimum(x.values, 0, out=values)
        np.expm1(values, out=values)
        values *= self.scale * self.alpha
        np.add(values, self.scale * np.maximum(x.values, 0), out=values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """λ for x > 0, else λα eˣ = y + λα."""
        np.minimum(y, 0, out=out)
        out += self.scale * self.alpha
        np.copyto(out, self.scale, where=x > 0)

    def second_derivative(self, x: Array, y: Array, scratch: Any) -> Any:
        """0 for x > 0, else λα eˣ = y + λα."""
        return np.where(x > 0, 0, y + self.scale * self.alpha)


@dataclass(frozen=True)
class ELU(_ExponentialLinear):
    """y = x for x > 0, else α(eˣ - 1).  φ′ = 1, or y + α. Clevert, Unterthiner & Hochreiter (2016), eq. 15.

    >>> from mlp import Network, predict
    >>> predict(Network([ELU(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-0.865,  0.   ,  1.   ]])
    """

    name, preferred_initializer = "elu", "he_normal"
    onnx = Operator("Elu", {"alpha": "alpha"})

    alpha: Positive = 1.0


@dataclass(frozen=True)
class SELU(_ExponentialLinear):
    """y = λx for x > 0, else λα(eˣ - 1). Klambauer et al. (2017), eq. 2 and 14.

    α and λ make mean 0 and variance 1 a fixed point, from weights drawn by LeCun's rule.

    >>> from mlp import Network, predict
    >>> predict(Network([SELU(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-1.52 ,  0.   ,  1.051]])
    """

    name, preferred_initializer = "selu", "lecun_normal"
    onnx = Operator("Selu")

    alpha: ClassVar[float] = 1.6732632423543772848  # type: ignore[misc]  # a constant here
    scale: ClassVar[float] = 1.0507009873554804934


@dataclass(frozen=True)
class SiLU(Activation):
    """y = x σ(x), also called swish. Elfwing, Uchibe & Doya (2018), eq. 6.  φ′ = s + y(1 - s) with s = σ(x).

    >>> from mlp import Network, predict
    >>> predict(Network([SiLU(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-0.238,  0.   ,  0.731]])
    """

    name, aliases, preferred_initializer = "silu", ("swish",), "he_normal"

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> Array:
        """Room for σ(x)."""
        return np.empty_like(y.values)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Array) -> None:
        """Leave s = σ(x) in `scratch`; y = xs."""
        np.multiply(x.values, 0.5, out=scratch)
        np.tanh(scratch, out=scratch)
        scratch += 1
        scratch *= 0.5
        np.multiply(x.values, scratch, out=y.values)

    def slope(self, x: Array, y: Array, scratch: Array, out: Array) -> None:
        """y(1 - s) + s."""
        np.subtract(1, scratch, out=out)
        out *= y
        out += scratch

    def second_derivative(self, x: Array, y: Array, scratch: Any) -> Any:
        """s(1 - s)(2 + x(1 - 2s))."""
        s = scratch
        return s * (1 - s) * (2 + x * (1 - 2 * s))

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """x σ(x) = x / (1 + e⁻ˣ).

        Of a product onnxruntime 1.19 to 1.25 makes a QuickGelu, which it has for float32 alone: it loads no other
        model.
        """
        one = graph.constant(statistics.dtype.type(1), "one")
        return graph.apply("Div", x, graph.apply("Add", graph.apply("Exp", graph.apply("Neg", x)), one))


@dataclass(frozen=True)
class Softplus(Activation):
    """y = ln(1 + eˣ).  φ′ = σ(x) = 1 - e⁻ʸ. Dugas et al. (2001).

    >>> from mlp import Network, predict
    >>> predict(Network([Softplus(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[0.127, 0.693, 1.313]])
    """

    name, preferred_initializer, output_range = "softplus", "he_normal", (0, inf)
    onnx = Operator("Softplus")

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """ln(e⁰ + eˣ), without overflow."""
        np.logaddexp(0, x.values, out=y.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1 - e⁻ʸ."""
        np.negative(y, out=out)
        np.expm1(out, out=out)
        np.negative(out, out=out)

    def second_derivative(self, x: Array, y: Array, scratch: Any) -> Any:
        """e⁻ʸ(1 - e⁻ʸ)."""
        e = np.exp(-y)
        return e * (1 - e)


@dataclass(frozen=True)
class Maxout(WidthFollows):
    """y_j = the largest of x_j·k … x_j·k+k-1,  k = `pieces`. Goodfellow et al. (2013), eq. 1-2.

    The sums are made by the dense layer before it, which has k rows for each unit: `Dense(n, k * m), Maxout(k)`. The
    gradient goes to the first largest.

    >>> from mlp import Network, predict
    >>> predict(Network([Maxout(3, n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[1.]])
    """

    pieces: Count = 2

    @property
    def n_out(self) -> int:
        """n_in / pieces."""
        return self.n_in // self.pieces

    def settled(self, n_in: int, following: Sequence[Layer]) -> Self:
        """Take on the width of what stands before; it must divide."""
        if n_in % self.pieces or self.n_in not in (UNSIZED, n_in):
            raise ShapeError(
                f"{self} is fed by {n_in} nodes; it takes a multiple of {self.pieces}: Dense(n, {self.pieces} * m)."
            )
        return replace(self, n_in=n_in)

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> Array:
        """Room for which piece was the largest: (*population, n_out, 1, N)."""
        return np.empty((*y.values.shape[:-1], 1, y.n_samples), np.intp)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Array) -> None:
        """Leave the index of the largest piece in `scratch`; y = that piece."""
        pieces = np.broadcast_to(self._pieces(x.values), (*y.values.shape[:-1], self.pieces, y.n_samples))
        np.argmax(pieces, axis=-2, keepdims=True, out=scratch)
        np.max(pieces, axis=-2, out=y.values)

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Array, grad: Array, d_x: Array | None
    ) -> None:
        """∂L/∂y to the largest piece, 0 to the others."""
        if d_x is not None:
            d_x.fill(0)
            np.put_along_axis(self._pieces(d_x), scratch, d_y[..., None, :], axis=-2)

    def _pieces(self, values: Array) -> Array:
        """(*population, n_in, N) as (*population, n_out, pieces, N)."""
        return values.reshape(*values.shape[:-2], self.n_out, self.pieces, values.shape[-1])

    def forward_along(
        self, params: Array, v: Array, x: Nodes, r_x: Array | None, y: Nodes, scratch: Array, r_y: Array
    ) -> None:
        """R{the largest piece}."""
        r_y.fill(0)
        if r_x is not None:
            pieces = np.broadcast_to(self._pieces(r_x), (*r_y.shape[:-1], self.pieces, r_y.shape[-1]))
            np.copyto(r_y, np.take_along_axis(pieces, scratch, axis=-2)[..., 0, :])

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
        scratch: Array,
        r_grad: Array,
        r_d_x: Array | None,
    ) -> None:
        """R{∂L/∂y} to the largest piece: between two changes of which that is, maxout is linear."""
        self.backward(params, x, y, r_d_y, scratch, r_grad, r_d_x)

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """(rows, n · pieces) as (rows, n, pieces), and of each n the largest piece."""
        shape = graph.constant(np.array([-1, self.n_out, self.pieces]), "pieces")
        last = graph.constant(np.array([2]), "last")
        return graph.apply("ReduceMax", graph.apply("Reshape", x, shape), last, keepdims=0)
