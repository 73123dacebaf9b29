"""Activations: one function applied to every node, as a layer of its own.

Because they are layers, both ∂L/∂(their input) and ∂L/∂(their output) stay visible after a step, and one can say
whether it is the activations or the weights that lose the signal. Here x is the pre-activation and y = φ(x);
`backward` writes ∂L/∂x = φ′(x) · ∂L/∂y, from y wherever the slope has a shorter name in y.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.errors import DerivativeError, ShapeError, check_finite, check_not_negative, check_positive
from mlp.layers.layer import UNSIZED, Layer, check_width


@dataclass
class Tangent:
    """An activation at one point: `slope` φ′(x), `room` for a product, `bend` φ″(x) ∂L/∂y once somebody asked for it.

    `scratch` is that of the pass. `bend` is the number 0 where φ is made of straight pieces.
    """

    scratch: Any
    slope: Array
    room: Array
    bend: Any = None


@dataclass(frozen=True)
class Activation(Layer):
    """y = φ(x), node by node.

    `saturation`: outside this range of x the slope is under 1 % of the largest slope φ has; None: φ does not squash.
    `dead_below`: a unit whose x never exceeds this passes no gradient at all; None: it always passes some.
    """

    n_in: int = field(default=UNSIZED, kw_only=True)

    suits: ClassVar[str | None] = "glorot_uniform"
    saturation: ClassVar[tuple[float, float] | None] = None
    dead_below: ClassVar[float | None] = None

    def __post_init__(self) -> None:
        check_width(self.n_in)

    @property
    def n_out(self) -> int:
        """As many as go in."""
        return self.n_in

    def settled(self, n_in: int, following: Sequence[Layer]) -> Self:
        """Take on the width of what stands before."""
        if self.n_in not in (UNSIZED, n_in):
            raise ShapeError(f"{self} is fed by {n_in} nodes. Leave its n_in out: it follows.")
        return replace(self, n_in=n_in)

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

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """φ″(x); the number 0 where φ is made of straight pieces."""
        raise DerivativeError(f"{type(self).__name__} gives no second derivative: it has no bend.")

    def linearise(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> Tangent:
        """φ′(x); φ″ waits until it is asked for, as the Gauss-Newton matrix needs none."""
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
        if scratch.bend is None:
            bend = self.bend(x.values, y.values, scratch.scratch)
            scratch.bend = bend * d_y if isinstance(bend, np.ndarray) or bend else 0.0
        if isinstance(scratch.bend, np.ndarray):
            np.multiply(scratch.bend, r_x, out=scratch.room)
            r_d_x += scratch.room


@dataclass(frozen=True)
class Identity(Activation):
    """y = x."""

    suits: ClassVar[str | None] = "lecun_normal"

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """y = x."""
        np.copyto(y.values, x.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1."""
        out.fill(1)

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """0."""
        return 0.0


@dataclass(frozen=True)
class Sigmoid(Activation):
    """y = 1/(1 + e⁻ˣ), written ½(1 + tanh ½x), which cannot overflow.  φ′ = y(1 - y) ≤ ¼.

    `flat_spot` is added to φ′ in `backward`, so that a unit which is wrong at 0 or 1 still learns; ∂L/∂θ is then no
    longer the gradient. Fahlman (1988) adds 0.1.
    """

    flat_spot: float = 0.0

    saturation: ClassVar[tuple[float, float] | None] = (-5.987, 5.987)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative("flat_spot", self.flat_spot)

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

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """y(1 - y)(1 - 2y)."""
        if self.flat_spot:
            raise DerivativeError(f"{self} gives no second derivative: its slope is not that of any function.")
        return y * (1 - y) * (1 - 2 * y)


@dataclass(frozen=True)
class Tanh(Activation):
    """y = tanh x.  φ′ = 1 - y²."""

    saturation: ClassVar[tuple[float, float] | None] = (-2.994, 2.994)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """tanh x."""
        np.tanh(x.values, out=y.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1 - y²."""
        np.multiply(y, y, out=out)
        np.subtract(1, out, out=out)

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """-2y(1 - y²)."""
        return -2 * y * (1 - y * y)


@dataclass(frozen=True)
class ReLU(Activation):
    """y = max(x, 0).  φ′ = 1 for x > 0, else 0 (at 0 too, as in PyTorch)."""

    suits: ClassVar[str | None] = "he_normal"
    dead_below: ClassVar[float | None] = 0.0

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """max(x, 0)."""
        np.maximum(x.values, 0, out=y.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """[x > 0]."""
        np.greater(x, 0, out=out)

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """0."""
        return 0.0


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """y = x for x > 0, else αx, with α = `negative_slope` < 1. Maas, Hannun & Ng (2013); α = 0.01 as in PyTorch."""

    negative_slope: float = 0.01

    suits: ClassVar[str | None] = "he_normal"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_finite("negative_slope", self.negative_slope)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """Each x times its slope, so that any α will do."""
        self.slope(x.values, y.values, scratch, y.values)
        y.values[...] *= x.values

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1 or α."""
        np.greater(x, 0, out=out)
        out *= 1 - self.negative_slope
        out += self.negative_slope

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """0."""
        return 0.0


@dataclass(frozen=True)
class ELU(Activation):
    """y = x for x > 0, else α(eˣ - 1).  φ′ = 1, or y + α. Clevert, Unterthiner & Hochreiter (2016), eq. 15."""

    alpha: float = 1.0

    suits: ClassVar[str | None] = "he_normal"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("alpha", self.alpha)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """max(x, 0) + α(e^min(x, 0) - 1)."""
        _exponential_linear(x.values, 1, self.alpha, y.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1 for x > 0, else α eˣ = y + α."""
        np.minimum(y, 0, out=out)
        out += self.alpha
        np.copyto(out, 1, where=x > 0)

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """0 for x > 0, else α eˣ = y + α."""
        return np.where(x > 0, 0, y + self.alpha)


def _exponential_linear(x: Array, scale: float, alpha: float, out: Array) -> None:
    """Write scale · x for x > 0, else scale · α(eˣ - 1)."""
    np.minimum(x, 0, out=out)
    np.expm1(out, out=out)
    out *= scale * alpha
    np.add(out, scale * np.maximum(x, 0), out=out)


@dataclass(frozen=True)
class SELU(Activation):
    """y = λx for x > 0, else λα(eˣ - 1). Klambauer et al. (2017), eq. 2 and 14.

    α and λ make mean 0 and variance 1 a fixed point, from weights drawn by LeCun's rule.
    """

    suits: ClassVar[str | None] = "lecun_normal"
    alpha: ClassVar[float] = 1.6732632423543772848
    scale: ClassVar[float] = 1.0507009873554804934

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """λ times an exponential linear unit."""
        _exponential_linear(x.values, self.scale, self.alpha, y.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """λ for x > 0, else λα eˣ = y + λα."""
        np.minimum(y, 0, out=out)
        out += self.scale * self.alpha
        np.copyto(out, self.scale, where=x > 0)

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """0 for x > 0, else λα eˣ = y + λα."""
        return np.where(x > 0, 0, y + self.scale * self.alpha)


@dataclass(frozen=True)
class GELU(Activation):
    """y = ½x(1 + tanh u),  u = √(2/π) (x + 0.044715 x³). Hendrycks & Gimpel (2016), section 2.

    The tanh form, not x·Φ(x): NumPy has no error function. The two differ by at most 5e-4. PyTorch calls this
    `GELU(approximate="tanh")`.
    """

    suits: ClassVar[str | None] = "he_normal"

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> Array:
        """Room for tanh u."""
        return np.empty_like(y.values)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Array) -> None:
        """Leave t = tanh u in `scratch`; y = ½x(1 + t)."""
        values = x.values
        np.multiply(values, values, out=scratch)
        scratch *= 0.044715
        scratch += 1
        scratch *= values
        scratch *= _SQRT_2_OVER_PI
        np.tanh(scratch, out=scratch)
        np.add(scratch, 1, out=y.values)
        y.values[...] *= values
        y.values[...] *= 0.5

    def slope(self, x: Array, y: Array, scratch: Array, out: Array) -> None:
        """½(1 + t) + ½x(1 - t²)u′ = ½(1 + t)(1 + x(1 - t)u′),  u′ = √(2/π)(1 + 3·0.044715 x²)."""
        np.multiply(x, x, out=out)
        out *= 3 * 0.044715
        out += 1
        out *= _SQRT_2_OVER_PI
        out *= x
        out *= 1 - scratch
        out += 1
        out *= 1 + scratch
        out *= 0.5

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """(1 - t²)(u′ + x(½u″ - t u′²)),  u″ = √(2/π)·6·0.044715 x."""
        t, u1 = scratch, _SQRT_2_OVER_PI * (1 + 3 * 0.044715 * x * x)
        return (1 - t * t) * (u1 + x * (_SQRT_2_OVER_PI * 3 * 0.044715 * x - t * u1 * u1))


_SQRT_2_OVER_PI = (2 / np.pi) ** 0.5


@dataclass(frozen=True)
class SiLU(Activation):
    """y = x σ(x), also called swish. Elfwing, Uchibe & Doya (2018), eq. 6.  φ′ = s + y(1 - s) with s = σ(x)."""

    suits: ClassVar[str | None] = "he_normal"

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

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """s(1 - s)(2 + x(1 - 2s))."""
        s = scratch
        return s * (1 - s) * (2 + x * (1 - 2 * s))


@dataclass(frozen=True)
class Softplus(Activation):
    """y = ln(1 + eˣ).  φ′ = σ(x) = 1 - e⁻ʸ. Dugas et al. (2001)."""

    suits: ClassVar[str | None] = "he_normal"

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """ln(e⁰ + eˣ), without overflow."""
        np.logaddexp(0, x.values, out=y.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1 - e⁻ʸ."""
        np.negative(y, out=out)
        np.expm1(out, out=out)
        np.negative(out, out=out)

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """e⁻ʸ(1 - e⁻ʸ)."""
        e = np.exp(-y)
        return e * (1 - e)


@dataclass(frozen=True)
class Softsign(Activation):
    """y = x/(1 + |x|).  φ′ = (1 - |y|)². Bergstra et al. (2009)."""

    saturation: ClassVar[tuple[float, float] | None] = (-9.0, 9.0)

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

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """-2 sign(x) (1 - |y|)³."""
        return -2 * np.sign(x) * (1 - np.abs(y)) ** 3


@dataclass(frozen=True)
class HardSigmoid(Activation):
    """y = x/6 + ½, held within [0, 1].  φ′ = ⅙ for |x| < 3, else 0. As in PyTorch, Keras 3 and ONNX HardSwish."""

    saturation: ClassVar[tuple[float, float] | None] = (-3.0, 3.0)

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

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """0."""
        return 0.0


@dataclass(frozen=True)
class HardTanh(Activation):
    """y = x, held within [-1, 1].  φ′ = 1 for |x| < 1, else 0. Collobert (2004)."""

    saturation: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """x within [-1, 1]."""
        np.clip(x.values, -1, 1, out=y.values)

    def slope(self, x: Array, y: Array, scratch: Any, out: Array) -> None:
        """1 inside."""
        np.less(np.abs(x), 1, out=out)

    def bend(self, x: Array, y: Array, scratch: Any) -> Any:
        """0."""
        return 0.0


@dataclass(frozen=True)
class Softmax(Activation):
    """y_j = eˣʲ / Σₖ eˣᵏ over the nodes of a sample.  ∂L/∂x = y (∂L/∂y - Σ y ∂L/∂y).

    For study, and for losses that are not the cross-entropy: SoftmaxCrossEntropy takes raw outputs and has its own.
    """

    suits: ClassVar[str | None] = "lecun_normal"

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
