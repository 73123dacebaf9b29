"""x Φ(x), where Φ(x) is how likely a standard normal number lies below x: exact, and in the tanh form.

NumPy has no error function. The exact form computes Φ to the last digits by one polynomial for all x.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import Any

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.family import OperatorGraph
from mlp.layers.activation import Activation

_SQRT_2_OVER_PI = sqrt(2 / pi)


@dataclass(frozen=True)
class GELU(Activation):
    """y = ½x(1 + tanh u),  u = √(2/π) (x + 0.044715 x³). Hendrycks & Gimpel (2016), section 2.

    The tanh form, which is faster. It differs from x Φ(x), `ExactGELU`, by at most 5e-4. PyTorch calls it
    `GELU(approximate="tanh")`.

    >>> from mlp import Network, predict
    >>> predict(Network([GELU(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-0.045,  0.   ,  0.841]])
    """

    name, preferred_initializer = "gelu", "he_normal"

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

    def second_derivative(self, x: Array, y: Array, scratch: Any) -> Any:
        """(1 - t²)(u′ + x(½u″ - t u′²)),  u″ = √(2/π)·6·0.044715 x."""
        t, u1 = scratch, _SQRT_2_OVER_PI * (1 + 3 * 0.044715 * x * x)
        return (1 - t * t) * (u1 + x * (_SQRT_2_OVER_PI * 3 * 0.044715 * x - t * u1 * u1))

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """½x(1 + tanh u),  u = √(2/π) x (1 + 0.044715 x²). ONNX has Gelu from opset 20 on."""
        cubic, one, root, half = (
            graph.constant(statistics.dtype.type(value), name)
            for value, name in ((0.044715, "cubic"), (1, "one"), ((2 / np.pi) ** 0.5, "root"), (0.5, "half"))
        )
        inner = graph.apply("Add", graph.apply("Mul", graph.apply("Mul", x, x), cubic), one)
        u = graph.apply("Mul", graph.apply("Mul", inner, x), root)
        return graph.apply("Mul", graph.apply("Mul", graph.apply("Add", graph.apply("Tanh", u), one), x), half)


@dataclass(frozen=True)
class ExactGELU(Activation):
    """y = x Φ(x) = ½x(1 + erf(x/√2)). Hendrycks & Gimpel (2016), section 2. PyTorch calls it `GELU()`.

        φ′ = Φ(x) + x p(x),  p(x) = e^(-½x²)/√(2π)

    Φ is within 1e-15 of the truth in float64.

    >>> from mlp import Network, predict
    >>> predict(Network([ExactGELU(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-0.046,  0.   ,  0.841]])
    """

    name, preferred_initializer = "exact_gelu", "he_normal"

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> Array:
        """Room for Φ(x)."""
        return np.empty_like(y.values)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Array) -> None:
        """Leave Φ(x) in `scratch`; y = xΦ."""
        write_normal_cdf(x.values, scratch)
        np.multiply(x.values, scratch, out=y.values)

    def slope(self, x: Array, y: Array, scratch: Array, out: Array) -> None:
        """Φ + x p(x)."""
        np.multiply(x, x, out=out)
        out *= -0.5
        np.exp(out, out=out)
        out *= x
        out *= 0.5 * _SQRT_2_OVER_PI
        out += scratch

    def second_derivative(self, x: Array, y: Array, scratch: Any) -> Any:
        """p(x)(2 - x²)."""
        square = x * x
        return 1 / sqrt(2 * pi) * np.exp(-0.5 * square) * (2 - square)

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """½x(1 + erf(x/√2)). For float64, of which onnxruntime has no Erf, erf by the polynomial that is used here."""
        known = {"root": 0.5**0.5, "one": 1.0, "half": 0.5}
        number = {name: graph.constant(statistics.dtype.type(value), name) for name, value in known.items()}
        z = graph.apply("Mul", x, number["root"])
        erf = graph.apply("Erf", z) if statistics.dtype == np.float32 else _erf(graph, z, statistics.dtype.type)
        return graph.apply("Mul", graph.apply("Mul", graph.apply("Add", erf, number["one"]), x), number["half"])


CENTRE = 3.0
ERFC = (
    1.2530080582697296,
    -0.13562110612458117,
    -0.04756229435342038,
    0.1296451587027594,
    -0.11927366341676002,
    0.0683080273440099,
    -0.023770514891530075,
    0.0025293918156939696,
    0.0018886900977441495,
    -0.0007798322696543306,
    -0.00010515831297813128,
    0.0001250993424583729,
    4.94412434222366e-06,
    -2.0100542268525612e-05,
    -7.187883834404266e-07,
    3.472370944977168e-06,
    3.3669790806407595e-07,
    -6.166011460398726e-07,
    -1.205414228648938e-07,
    1.0183620603842736e-07,
    2.7843881265502222e-08,
    -1.3312919661038687e-08,
    -3.1813541434969274e-09,
    9.862533510345587e-10,
)
"""(1 + 2z) e^(z²) erfc(z) as a polynomial in t = (z - 3)/(z + 3), from the constant on; z ≥ 0.

It falls from 1 to 2/√π without a turn to speak of, so 24 terms of its Chebyshev series reach the last digit. The form
is that of Shepherd & Laframboise (1981), with 3 for their 3.75; the terms were computed to 60 digits
(`tests/reference/make_erfc.py`).
"""
FARTHEST = 40.0
"""From here on e^(-z²) is 0."""


def write_normal_cdf(x: Array, out: Array) -> None:
    """Write Φ(x) into `out`: ½ erfc(z) for x ≤ 0 and 1 - ½ erfc(z) above it,  z = |x|/√2.

    In float64 within 1e-15 of the truth.
    """
    z = np.abs(x)
    z *= sqrt(0.5)
    np.minimum(z, FARTHEST, out=z)
    t = 1 - 2 * CENTRE / (z + CENTRE)
    out.fill(ERFC[-1])
    for coefficient in ERFC[-2::-1]:
        out *= t
        out += coefficient
    np.multiply(z, z, out=t)
    np.negative(t, out=t)
    out *= np.exp(t, out=t)
    z *= 4
    z += 2
    out /= z
    np.subtract(1, out, out=out, where=x > 0)


def _erf(graph: OperatorGraph, z: str, dtype: Any) -> str:
    """sign(z)(1 - p(t) e^(-z²)/(1 + 2|z|)),  t = 1 - 6/(|z| + 3): see `ERFC`."""
    known = {"one": 1.0, "two": 2.0, "centre": CENTRE, "width": 2 * CENTRE}
    number = {name: graph.constant(dtype(value), f"erf_{name}") for name, value in known.items()}
    size = graph.apply("Abs", z)
    share = graph.apply("Div", number["width"], graph.apply("Add", size, number["centre"]))
    t = graph.apply("Sub", number["one"], share)
    value = graph.constant(dtype(ERFC[-1]), "erfc")
    for coefficient in ERFC[-2::-1]:
        value = graph.apply("Add", graph.apply("Mul", value, t), graph.constant(dtype(coefficient), "erfc"))
    fall = graph.apply("Exp", graph.apply("Neg", graph.apply("Mul", size, size)))
    below = graph.apply("Add", graph.apply("Mul", size, number["two"]), number["one"])
    rest = graph.apply("Div", graph.apply("Mul", value, fall), below)
    return graph.apply("Mul", graph.apply("Sign", z), graph.apply("Sub", number["one"], rest))
