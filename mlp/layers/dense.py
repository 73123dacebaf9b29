"""The dense layer, bias node included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from mlp.arrays import Array, Nodes, write_product
from mlp.errors import HyperparameterError
from mlp.family import OperatorGraph
from mlp.hyperparameters import Finite, NotNegative
from mlp.initializers import Initializer, find_initializer
from mlp.layers.layer import Layer, Weighted, find_preferred_initializer


class DenseTangent(NamedTuple):
    """`fixed`: W without the bias column, whole. Arrays for one product like that, x, y each."""

    fixed: Array
    weights: Array
    x: Array
    y: Array


@dataclass(frozen=True)
class Dense(Weighted):
    """Weighted sums.

        y = W · [x; 1]

    W is (n_out, n_in + 1); its last column holds the weights that leave the bias node. That node is real: it is the
    last row of `x.with_bias`, so the bias needs no equation of its own, neither here nor in the gradient.

    `weights` is an initializer, its name, or "auto": the one that the next activation prefers; the network then holds
    it. `bias` is the bias weights' first value. `l1` and `l2` add l1·Σ|w| + ½·l2·Σw² to the loss, over the weights but
    not the bias weights, once for each step whatever the batch size.

    >>> from mlp import Network
    >>> network = Network([Dense(2, 3)], rng=0)
    >>> network.views[0].shape  # the last column: weights from the bias node
    (3, 3)
    """

    weights: Initializer | str = "auto"
    bias: Finite = 0.0
    l1: NotNegative = 0.0
    l2: NotNegative = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.weights, str) and self.weights != "auto":
            object.__setattr__(self, "weights", find_initializer(self.weights))
        elif isinstance(self.weights, type | np.ndarray | np.generic) or not (
            hasattr(self.weights, "fill") or self.weights == "auto"
        ):  # arrays too have a fill
            raise HyperparameterError("weights", self.weights, "an initializer, the name of one, or 'auto'")

    @property
    def penalised(self) -> bool:
        """Whether l1 or l2 is on."""
        return self.l1 > 0 or self.l2 > 0

    def settled(self, n_in: int, following: Sequence[Layer]) -> Self:
        """Check the width; let the activation that follows choose the initializer."""
        settled = super().settled(n_in, following)
        if self.weights != "auto":
            return settled
        return replace(settled, weights=find_initializer(find_preferred_initializer(following)))

    def view(self, block: Array) -> Array:
        """W."""
        return block.reshape(*block.shape[:-1], self.n_out, self.n_in + 1)

    def init(self, params: Array, statistics: Array, rng: np.random.Generator) -> None:
        """Bias weights first: some initializers (Nguyen-Widrow) choose them too."""
        params[..., -1] = self.bias
        if isinstance(self.weights, str):
            raise HyperparameterError("weights", self.weights, "settled by a network first")
        self.weights.fill(params[..., :-1], params[..., -1], rng)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> None:
        """y = W [x; 1]."""
        write_product(params, x.with_bias, y.values)

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Array, d_x: Array | None
    ) -> None:
        """∂L/∂W = ∂L/∂y · [x; 1]ᵀ and ∂L/∂x = Wᵀ · ∂L/∂y, without the bias column: nothing feeds the bias node."""
        write_product(d_y, x.with_bias.mT, grad)
        if d_x is not None:  # not a whole matrix: `dot` would copy it first
            np.matmul(params[..., :-1].mT, d_y, out=d_x)

    def penalty(self, params: Array, grad: Array) -> Any:
        """l1 Σ|w| + ½ l2 Σw², with its gradient l1 sign(w) + l2 w."""
        w, d_w, value = params[..., :-1], grad[..., :-1], 0.0
        if self.l1:  # each alone takes half the time: with 100,000 rows of 50 features both were a quarter of a fit
            d_w += self.l1 * np.sign(w)
            value += self.l1 * np.abs(w).sum((-1, -2))
        if self.l2:
            d_w += self.l2 * w
            value += self.l2 / 2 * np.square(w).sum((-1, -2))
        return value

    def linearise(self, params: Array, x: Nodes, y: Nodes, scratch: Any) -> DenseTangent:
        """W as a whole matrix, and arrays for products: the layer is linear in x and in W."""
        like_x = (*params.shape[:-2], *x.values.shape[-2:])  # the inputs of a population may be shared
        fixed = params[..., :-1].copy()
        return DenseTangent(fixed, np.empty_like(fixed), np.empty(like_x, params.dtype), np.empty_like(y.values))

    def forward_along(
        self, params: Array, v: Array, x: Nodes, r_x: Array | None, y: Nodes, scratch: DenseTangent, r_y: Array
    ) -> None:
        """R{y} = V [x; 1] + W [R{x}; 0]."""
        write_product(v, x.with_bias, r_y)
        if r_x is not None:
            write_product(scratch.fixed, r_x, scratch.y)
            r_y += scratch.y

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
        scratch: DenseTangent,
        r_grad: Array,
        r_d_x: Array | None,
    ) -> None:
        """R{∂L/∂W} = R{∂L/∂y} [x; 1]ᵀ + ∂L/∂y [R{x}; 0]ᵀ and R{∂L/∂x} = Wᵀ R{∂L/∂y} + Vᵀ ∂L/∂y."""
        write_product(r_d_y, x.with_bias.mT, r_grad)
        if r_x is not None:
            write_product(d_y, r_x.mT, scratch.weights)
            r_grad[..., :-1] += scratch.weights
        if r_d_x is not None:
            write_product(scratch.fixed.mT, r_d_y, r_d_x)
            np.matmul(v[..., :-1].swapaxes(-1, -2), d_y, out=scratch.x)
            r_d_x += scratch.x

    def penalty_along(self, params: Array, v: Array, r_grad: Array) -> None:
        """l2 V; l1 has no curvature."""
        r_grad[..., :-1] += self.l2 * v[..., :-1]

    def factors(self, x: Nodes, d_y: Array) -> tuple[Array, Array]:
        """[x; 1] and ∂L/∂y."""
        return x.with_bias, d_y

    def onnx(self, graph: OperatorGraph, params: Array, statistics: Array, x: str) -> str:
        """y = x Wᵀ + b: the bias node's weights are the last column of W."""
        weight, bias = graph.constant(params[:, :-1], "weight"), graph.constant(params[:, -1], "bias")
        return graph.apply("Gemm", x, weight, bias, transB=1)

    def name_arrays(self, params: Array, statistics: Array) -> dict[str, Array]:
        """The bias node's weights are the last column."""
        return {"weight": params[:, :-1], "bias": params[:, -1]}
