"""Radial basis functions: units that answer near a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.family import OperatorGraph
from mlp.hyperparameters import Positive
from mlp.layers.layer import Weighted


class RBFParams(NamedTuple):
    """`centres` (*population, n_out, n_in) and `log_widths` (*population, n_out, 1)."""

    centres: Array
    log_widths: Array


@dataclass(frozen=True)
class RBF(Weighted):
    """Gaussian units.

        y_j = exp(-½ ‖x - c_j‖² / σ_j²)

    Centres c and widths σ are learned; what stands in the flat vector is ln σ, so that a width stays positive. Centres
    start as N(0, 1), where standardised inputs lie; every width starts as `width` · √n_in, about the distance between
    two such points when `width` is 1.

    Broomhead & Lowe (1988), eq. 2 with Moody & Darken's (1989) Gaussian.

    >>> from mlp import Network, predict
    >>> predict(Network([RBF(2, 3)], rng=0), [[0.0, 0.0]]).shape
    (1, 3)
    """

    width: Positive = 1.0

    preferred_initializer = None

    def view(self, block: Array) -> RBFParams:
        """Centres, then logarithms of the widths."""
        split = self.n_in * self.n_out
        population = block.shape[:-1]
        return RBFParams(
            block[..., :split].reshape(*population, self.n_out, self.n_in),
            block[..., split:].reshape(*population, self.n_out, 1),
        )

    def init(self, params: RBFParams, statistics: Array, rng: np.random.Generator) -> None:
        """Draw the centres."""
        params.centres[...] = rng.standard_normal(params.centres.shape)
        params.log_widths.fill(np.log(self.width * self.n_in**0.5))

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> Array:
        """Room for ‖x - c‖²/σ², (*population, n_out, N)."""
        return np.empty_like(y.values)

    def forward(self, params: RBFParams, x: Nodes, y: Nodes, scratch: Array) -> None:
        """Leave r² = (‖x‖² - 2c·x + ‖c‖²)/σ² in `scratch`; y = e^(-½r²)."""
        centres, values = params.centres, x.values
        np.matmul(centres, values, out=scratch)
        scratch *= -2
        scratch += np.square(values).sum(-2, keepdims=True)
        scratch += np.square(centres).sum(-1, keepdims=True)
        np.maximum(scratch, 0, out=scratch)  # rounding may leave -1e-16 at a centre
        scratch *= np.exp(-2 * params.log_widths)
        np.multiply(scratch, -0.5, out=y.values)
        np.exp(y.values, out=y.values)

    def backward(
        self,
        params: RBFParams,
        x: Nodes,
        y: Nodes,
        d_y: Array,
        scratch: Array,
        grad: RBFParams,
        d_x: Array | None,
    ) -> None:
        """With e = ∂L/∂y · y:  ∂L/∂ln σ = Σ e r²,  ∂L/∂c = Σ e (x - c)/σ²,  ∂L/∂x = Σ e (c - x)/σ²."""
        centres, values = params.centres, x.values
        e = d_y * y.values
        np.sum(e * scratch, axis=-1, keepdims=True, out=grad.log_widths)
        e *= np.exp(-2 * params.log_widths)
        np.matmul(e, values.swapaxes(-1, -2), out=grad.centres)
        grad.centres[...] -= e.sum(-1, keepdims=True) * centres
        if d_x is not None:
            np.matmul(centres.swapaxes(-1, -2), e, out=d_x)
            d_x -= e.sum(-2, keepdims=True) * values

    def forward_along(
        self, params: RBFParams, v: RBFParams, x: Nodes, r_x: Array | None, y: Nodes, scratch: Array, r_y: Array
    ) -> None:
        """R{y} = -½ y R{r²}."""
        np.multiply(y.values, -0.5 * self._square_along(params, v, x, r_x, scratch), out=r_y)

    def backward_along(
        self,
        params: RBFParams,
        v: RBFParams,
        x: Nodes,
        r_x: Array | None,
        y: Nodes,
        r_y: Array,
        d_y: Array,
        r_d_y: Array,
        scratch: Array,
        r_grad: RBFParams,
        r_d_x: Array | None,
    ) -> None:
        """R of what `backward` says, with f = e/σ² and R{f} = (R{e} - 2 e R{ln σ})/σ²."""
        centres, values, narrow = params.centres, x.values, np.exp(-2 * params.log_widths)
        e, r_e = d_y * y.values, r_d_y * y.values + d_y * r_y
        r_square = self._square_along(params, v, x, r_x, scratch)
        np.sum(r_e * scratch + e * r_square, axis=-1, keepdims=True, out=r_grad.log_widths)
        f, r_f = e * narrow, (r_e - 2 * e * v.log_widths) * narrow
        np.matmul(r_f, values.swapaxes(-1, -2), out=r_grad.centres)
        r_grad.centres[...] -= r_f.sum(-1, keepdims=True) * centres + f.sum(-1, keepdims=True) * v.centres
        if r_x is not None:
            r_grad.centres[...] += f @ r_x.swapaxes(-1, -2)
        if r_d_x is not None:
            np.matmul(centres.swapaxes(-1, -2), r_f, out=r_d_x)
            r_d_x += v.centres.swapaxes(-1, -2) @ f - r_f.sum(-2, keepdims=True) * values
            if r_x is not None:
                r_d_x -= f.sum(-2, keepdims=True) * r_x

    def _square_along(self, params: RBFParams, v: RBFParams, x: Nodes, r_x: Array | None, scratch: Array) -> Any:
        """R{r²} = 2 (x - c)·(R{x} - R{c})/σ² - 2 r² R{ln σ}."""
        centres, values = params.centres, x.values
        inner = (centres * v.centres).sum(-1, keepdims=True) - v.centres @ values
        if r_x is not None:
            inner = inner + (values * r_x).sum(-2, keepdims=True) - centres @ r_x
        return 2 * inner * np.exp(-2 * params.log_widths) - 2 * scratch * v.log_widths

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """e^(-½r²),  r² = (‖x‖² - 2c·x + ‖c‖²)/σ², not below 0."""
        centres, dtype = params.centres, params.centres.dtype.type
        nodes = graph.constant(np.array([1]), "nodes")
        squares = graph.apply("ReduceSumSquare", x, nodes, keepdims=1)
        mixed = graph.apply("MatMul", x, graph.constant(-2 * centres.T, "centres"))
        own = graph.constant(np.square(centres).sum(-1), "squares")
        distance = graph.apply("Add", graph.apply("Add", mixed, squares), own)
        distance = graph.apply("Max", distance, graph.constant(dtype(0), "zero"))
        narrow = graph.constant(dtype(-0.5) * np.exp(-2 * params.log_widths[..., 0]), "narrow")
        return graph.apply("Exp", graph.apply("Mul", distance, narrow))

    def name_arrays(self, params: RBFParams, statistics: Array) -> dict[str, Array]:
        """Centres (n_out, n_in) and ln σ (n_out,)."""
        return {"centres": params.centres, "log_widths": params.log_widths[:, 0]}
