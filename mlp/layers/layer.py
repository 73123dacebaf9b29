"""What a layer is.

A layer is a differentiable map from nodes to nodes. It holds hyperparameters and never data: parameters, nodes,
derivatives and scratch arrays are handed to it, so one layer object can serve many networks, threads and passes. This
module states the contract once; the other modules of this package have the layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, Self, TypeAlias

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.errors import DerivativeError, HyperparameterError, ShapeError
from mlp.family import Named
from mlp.hyperparameters import Count

Params: TypeAlias = Any
"""Names onto a slice of the flat parameter vector: an array, or a tuple of arrays. Never a copy."""


class Layer(ABC, Named):
    """A differentiable map y = f(x; params).

    `preferred_initializer`: for the weights that feed the layer; None: ask the layer after it. `onnx`: what the layer
    is in ONNX in use: an `Operator`, or a method (graph, params, statistics, x) that applies several to the value named
    x and returns the name of y; samples are rows there. None: nothing, and an export refuses it.

    Of the arrays below, `x` and `d_x` have n_in rows, `y` and `d_y` n_out; columns are samples; `grad` is laid out
    like `params`. What grows with the number of samples and outlives a call is in `scratch`.

    >>> from mlp.layers import Dense, Dropout, ReLU
    >>> [isinstance(layer, Layer) for layer in (Dense(2, 3), ReLU(), Dropout(0.1))]
    [True, True, True]
    """

    preferred_initializer: ClassVar[str | None] = "lecun_normal"
    onnx: ClassVar[Any] = None

    if TYPE_CHECKING:  # plain fields or properties in the layers; frozen either way

        @property
        def n_in(self) -> int: ...  # noqa: D102
        @property
        def n_out(self) -> int: ...  # noqa: D102

    @property
    def n_params(self) -> int:
        """How many numbers of the flat vector are this layer's."""
        return 0

    @property
    def n_statistics(self) -> int:
        """How many numbers it keeps that are not trained: batch norm's running mean and variance."""
        return 0

    @property
    def penalised(self) -> bool:
        """Whether `penalty` has anything to say."""
        return False

    @property
    def kind(self) -> str:
        """The first part of its name in a network: "dense", "relu", ..."""
        return type(self).__name__.lower()

    @abstractmethod
    def settled(self, n_in: int, following: Sequence[Layer]) -> Self:
        """This layer with what its place tells: it gets n_in inputs, and `following` are the layers after it."""

    def view(self, block: Array) -> Params:
        """Names onto `block` (*population, n_params), this layer's slice of a flat vector. No copy."""
        return block

    def init(self, params: Params, statistics: Array, rng: np.random.Generator) -> None:
        """Write first values into `params` and `statistics`."""

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> Any:
        """Arrays for what forward leaves to backward besides `x` and `y`; made once for each workspace."""
        return None

    def replay(self, scratch: Any, y: Nodes) -> Any:
        """Scratch for other parameters on the same samples: the same noise, and statistics of its own."""
        return self.scratch(y, np.empty(0), np.random.default_rng(0))

    def weigh(self, scratch: Any, weights: Array | None) -> Any:
        """`scratch` for a pass whose samples count `weights` (N,); None: all the same. Called before such a pass.

        A sample of weight k counts like k samples. For layers that take each sample by itself, the loss takes care of
        that. A layer that looks across samples, as batch norm does for a mean, must weigh them.
        """
        return scratch

    def fork(self, scratch: Any) -> Any:
        """Scratch for one more backward pass through the same nodes: what `backward` writes there is its own."""
        return scratch

    @abstractmethod
    def forward(self, params: Params, x: Nodes, y: Nodes, scratch: Any) -> None:
        """Write f(x) into `y.values`, as in training."""

    def infer(self, params: Params, x: Nodes, y: Nodes, scratch: Any) -> None:
        """Write f(x) into `y.values`, as in use. Differs from `forward` for dropout and batch norm only."""
        self.forward(params, x, y, scratch)

    def calibrate(self, params: Params, x: Nodes, y: Nodes, scratch: Any) -> None:
        """Measure the statistics that are kept anew, on `x` alone; then write f(x) into `y.values`, as in use."""
        self.infer(params, x, y, scratch)

    @abstractmethod
    def backward(
        self, params: Params, x: Nodes, y: Nodes, d_y: Array, scratch: Any, grad: Params, d_x: Array | None
    ) -> None:
        """Write ∂L/∂params into `grad` and ∂L/∂x into `d_x`, given ∂L/∂y.

        `d_x` is None where nobody needs it: at the first layer with parameters. `d_y` is only read.
        """

    def name_arrays(self, params: Params, statistics: Array) -> dict[str, Array]:
        """Its numbers by name, as files call them: views. PyTorch's names and shapes where PyTorch has the layer.

        By default the fields of `params`, or `weight` where it is one array, and `statistics`.
        """
        found = params._asdict() if hasattr(params, "_asdict") else {"weight": params} if self.n_params else {}
        return found | ({"statistics": statistics} if self.n_statistics else {})

    def penalty(self, params: Params, grad: Params) -> Any:
        """Add the gradient of the weight penalty to `grad`; return the penalty (*population,)."""
        return 0.0

    def linearise(self, params: Params, x: Nodes, y: Nodes, scratch: Any) -> Any:
        """What derivatives along many directions have in common at one point, and arrays for them.

        Made once for a point, after a forward pass; `forward_along` and `backward_along` get it as their `scratch`.
        """
        return scratch

    def forward_along(
        self, params: Params, v: Params, x: Nodes, r_x: Array | None, y: Nodes, scratch: Any, r_y: Array
    ) -> None:
        """Write R{y}, the derivative of y along v, into `r_y`: ∂y/∂params v + ∂y/∂x R{x}.

        R{·} = d/dε · at params + εv, ε = 0 (Pearlmutter 1994). `r_x` is R{x}; None where the inputs do not move.
        `scratch` is what `linearise` gave.
        """
        raise DerivativeError(f"{type(self).__name__} gives no derivative along a direction: it has no forward_along.")

    def backward_along(
        self,
        params: Params,
        v: Params,
        x: Nodes,
        r_x: Array | None,
        y: Nodes,
        r_y: Array,
        d_y: Array,
        r_d_y: Array,
        scratch: Any,
        r_grad: Params,
        r_d_x: Array | None,
    ) -> None:
        """Write R{∂L/∂params} into `r_grad` and R{∂L/∂x} into `r_d_x`, given R{∂L/∂y}: R of what `backward` says.

        `scratch` is what `linearise` gave, after `forward_along` along the same v.
        """
        raise DerivativeError(f"{type(self).__name__} gives no second derivative: it has no backward_along.")

    def penalty_along(self, params: Params, v: Params, r_grad: Params) -> None:
        """Add R{the gradient of the weight penalty} to `r_grad`."""
        if self.penalised:
            raise DerivativeError(f"{type(self).__name__} gives no second derivative of its penalty.")

    def factors(self, x: Nodes, d_y: Array) -> tuple[Array, Array]:
        """(inputs, signals), whose outer product signals[:, i] inputs[:, i]ᵀ is ∂L/∂params of sample i, given ∂L/∂y."""
        raise DerivativeError(
            f"{type(self).__name__} gives no gradient for single samples as an outer product; dense layers do."
        )

    def places(self, place: Place, scratch: Any) -> Iterator[Place]:
        """The place of this layer in a pass, then the places of the layers inside it, if there are any."""
        yield place


class Place(NamedTuple):
    """One layer in one pass: everything that an instrument may read there.

    `d_x` is None at the first layer with parameters; `d_y` and `grad` are what backward met and left.

    >>> import mlp
    >>> network = mlp.Network([mlp.Dense(2, 3), mlp.ReLU(), mlp.Dense(3, 1)], rng=0)
    >>> batch = mlp.as_batch(np.ones((5, 2)), np.ones((5, 1)))
    >>> step = next(mlp.train(network, [batch], mlp.SquaredError(), mlp.SGD(0.1)))
    >>> [(place.name, place.y.values.shape) for place in step.workspace.places(network)]
    [('dense1', (3, 5)), ('relu1', (3, 5)), ('dense2', (1, 5))]
    """

    name: str
    layer: Layer
    params: Params
    grad: Params
    x: Nodes
    y: Nodes
    d_x: Array | None
    d_y: Array


UNSIZED = 0
"""The width of a layer that has not yet been put into a network."""


def check_width(name: str, value: Any) -> None:
    """Refuse what is no width, and UNSIZED is one."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < UNSIZED:
        raise HyperparameterError(name, value, "a whole number, 1 or more; left out, it follows")


Width: TypeAlias = Annotated[int, check_width]


@dataclass(frozen=True)
class WidthFollows(Layer):
    """A layer with as many nodes as the layer before it has."""

    n_in: Width = field(default=UNSIZED, kw_only=True)

    @property
    def n_out(self) -> int:
        """As many as go in."""
        return self.n_in

    def settled(self, n_in: int, following: Sequence[Layer]) -> Self:
        """Take on the width of what stands before."""
        if self.n_in not in (UNSIZED, n_in):
            raise ShapeError(f"{self} is fed by {n_in} nodes. Leave its n_in out: it follows.")
        return replace(self, n_in=n_in)


@dataclass(frozen=True)
class Weighted(Layer):
    """A layer with a weight for each pair of an input and a unit, and one more number for each unit."""

    n_in: Count
    n_out: Count

    @property
    def n_params(self) -> int:
        """(n_in + 1) · n_out."""
        return (self.n_in + 1) * self.n_out

    def settled(self, n_in: int, following: Sequence[Layer]) -> Self:
        """Check the width."""
        if n_in != self.n_in:
            kind = type(self).__name__
            raise ShapeError(
                f"{kind}({self.n_in}, {self.n_out}) takes {self.n_in} inputs, but what stands before it gives {n_in}. "
                f"Make it {kind}({n_in}, {self.n_out})."
            )
        return self


def find_preferred_initializer(following: Sequence[Layer]) -> str:
    """The name of the initializer that suits weights before these layers."""
    return next((wish for layer in following if (wish := layer.preferred_initializer)), "lecun_normal")
