"""Residual blocks: layers with a way around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from mlp.arrays import Array, Nodes, empty_nodes
from mlp.errors import ShapeError
from mlp.family import OperatorGraph
from mlp.layers.chain import check_layers, names, settle, slices
from mlp.layers.layer import Layer, Params, Place, WidthFollows


class BlockScratch(NamedTuple):
    """The arrays inside a block: `nodes` after each layer, `d_nodes` before each but the first, their scratch."""

    nodes: tuple[Nodes, ...]
    d_nodes: tuple[Array, ...]
    scratch: tuple[Any, ...]


class BlockTangent(NamedTuple):
    """A block at one point: its scratch, what `linearise` gave inside, R{nodes} and R{∂L/∂nodes} between the layers."""

    block: BlockScratch
    inside: tuple[Any, ...]
    r_nodes: tuple[Array, ...]
    r_d_nodes: tuple[Array, ...]


@dataclass(frozen=True)
class Residual(WidthFollows):
    """y = x + f(x), where f is `layers` one after another; they end as wide as they begin.

    The gradient has a way around f: ∂L/∂x = ∂L/∂y + fᵀ(∂L/∂y), so it cannot vanish there. He et al. (2016), eq. 1.

    >>> from mlp import Dense, Network, Tanh
    >>> Network([Dense(2, 4), Residual([Dense(4, 4), Tanh()])], rng=0).params.shape
    (32,)
    """

    layers: Sequence[Layer]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "layers", check_layers(self.layers))

    @property
    def n_params(self) -> int:
        """Those of all layers inside."""
        return sum(layer.n_params for layer in self.layers)

    @property
    def n_statistics(self) -> int:
        """Those of all layers inside."""
        return sum(layer.n_statistics for layer in self.layers)

    @property
    def penalised(self) -> bool:
        """Whether any layer inside is."""
        return any(layer.penalised for layer in self.layers)

    def settled(self, n_in: int, following: Sequence[Layer]) -> Self:
        """Settle the layers inside; check that they end as wide as they begin."""
        inside = settle(self.layers, n_in)
        if not inside or inside[-1].n_out != n_in:
            ends = inside[-1].n_out if inside else "nothing"
            raise ShapeError(
                f"a residual block adds what goes in ({n_in}) to what comes out of its layers ({ends}). "
                f"Let its last dense layer give {n_in}."
            )
        return replace(self, layers=inside, n_in=n_in)

    def view(self, block: Array) -> tuple[Params, ...]:
        """The views of the layers inside."""
        parts = slices(layer.n_params for layer in self.layers)
        return tuple(layer.view(block[..., s]) for layer, s in zip(self.layers, parts, strict=True))

    def init(self, params: tuple[Params, ...], statistics: Array, rng: np.random.Generator) -> None:
        """Each layer inside in turn."""
        for layer, mine, s in zip(self.layers, params, self._statistics(), strict=True):
            layer.init(mine, statistics[..., s], rng)

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> BlockScratch:
        """Nodes and derivatives between the layers inside, and their own scratch."""
        between = self._between(y)
        inside = tuple(
            layer.scratch(after, statistics[..., s], rng)
            for layer, after, s in zip(self.layers, between.nodes, self._statistics(), strict=True)
        )
        return between._replace(scratch=inside)

    def replay(self, scratch: BlockScratch, y: Nodes) -> BlockScratch:
        """The noise of every layer inside."""
        between = self._between(y)
        inside = tuple(
            layer.replay(theirs, after)
            for layer, theirs, after in zip(self.layers, scratch.scratch, between.nodes, strict=True)
        )
        return between._replace(scratch=inside)

    def weigh(self, scratch: BlockScratch, weights: Array | None) -> BlockScratch:
        """For every layer inside."""
        inside = zip(self.layers, scratch.scratch, strict=True)
        return scratch._replace(scratch=tuple(layer.weigh(theirs, weights) for layer, theirs in inside))

    def fork(self, scratch: BlockScratch) -> BlockScratch:
        """Derivatives between the layers, which `backward` writes."""
        inside = tuple(layer.fork(theirs) for layer, theirs in zip(self.layers, scratch.scratch, strict=True))
        return scratch._replace(d_nodes=tuple(np.empty_like(d) for d in scratch.d_nodes), scratch=inside)

    def forward(self, params: tuple[Params, ...], x: Nodes, y: Nodes, scratch: BlockScratch) -> None:
        """f(x), then + x."""
        self._pass("forward", params, x, y, scratch)

    def infer(self, params: tuple[Params, ...], x: Nodes, y: Nodes, scratch: BlockScratch) -> None:
        """f(x) as in use, then + x."""
        self._pass("infer", params, x, y, scratch)

    def calibrate(self, params: tuple[Params, ...], x: Nodes, y: Nodes, scratch: BlockScratch) -> None:
        """Each layer inside in turn, on the nodes that the one before it gives in use; then + x."""
        self._pass("calibrate", params, x, y, scratch)

    def _pass(self, method: str, params: tuple[Params, ...], x: Nodes, y: Nodes, scratch: BlockScratch) -> None:
        """Call this method of each layer inside on the nodes before it; then + x."""
        before = x
        for layer, mine, after, theirs in zip(self.layers, params, scratch.nodes, scratch.scratch, strict=True):
            getattr(layer, method)(mine, before, after, theirs)
            before = after
        np.add(x.values, before.values, out=y.values)

    def backward(
        self,
        params: tuple[Params, ...],
        x: Nodes,
        y: Nodes,
        d_y: Array,
        scratch: BlockScratch,
        grad: tuple[Params, ...],
        d_x: Array | None,
    ) -> None:
        """Backward through f, then + ∂L/∂y."""
        before = (x, *scratch.nodes)
        d_before = (d_x, *scratch.d_nodes, d_y)
        for i in reversed(range(len(self.layers))):
            d_after = d_before[i + 1]
            assert d_after is not None
            self.layers[i].backward(
                params[i], before[i], before[i + 1], d_after, scratch.scratch[i], grad[i], d_before[i]
            )
        if d_x is not None:
            d_x += d_y

    def penalty(self, params: tuple[Params, ...], grad: tuple[Params, ...]) -> Any:
        """The sum over the layers inside."""
        return sum(layer.penalty(p, g) for layer, p, g in zip(self.layers, params, grad, strict=True))

    def places(self, place: Place, scratch: BlockScratch) -> Iterator[Place]:
        """The block, then each layer inside, called residual1.dense1 and so on."""
        yield place
        before = (place.x, *scratch.nodes)
        d_before = (place.d_x, *scratch.d_nodes, place.d_y)
        for i, (layer, name) in enumerate(zip(self.layers, names(self.layers), strict=True)):
            d_after = d_before[i + 1]
            assert d_after is not None
            inner = Place(
                f"{place.name}.{name}", layer, place.params[i], place.grad[i],
                before[i], before[i + 1], d_before[i], d_after,
            )  # fmt: skip
            yield from layer.places(inner, scratch.scratch[i])

    def _statistics(self) -> tuple[slice, ...]:
        return slices(layer.n_statistics for layer in self.layers)

    def _between(self, y: Nodes) -> BlockScratch:
        """Room between the layers, shaped after the block's output."""
        population, n_samples, dtype = y.values.shape[:-2], y.n_samples, y.values.dtype
        after = tuple(empty_nodes(population, layer.n_out, n_samples, dtype) for layer in self.layers)
        return BlockScratch(after, tuple(np.empty_like(n.values) for n in after[:-1]), ())

    def linearise(self, params: tuple[Params, ...], x: Nodes, y: Nodes, scratch: BlockScratch) -> BlockTangent:
        """Each layer inside in turn."""
        before = (x, *scratch.nodes)
        inside = tuple(
            layer.linearise(params[i], before[i], before[i + 1], scratch.scratch[i])
            for i, layer in enumerate(self.layers)
        )
        r_nodes = tuple(np.empty_like(after.values) for after in scratch.nodes)
        return BlockTangent(scratch, inside, r_nodes, tuple(np.empty_like(d) for d in scratch.d_nodes))

    def forward_along(
        self,
        params: tuple[Params, ...],
        v: tuple[Params, ...],
        x: Nodes,
        r_x: Array | None,
        y: Nodes,
        scratch: BlockTangent,
        r_y: Array,
    ) -> None:
        """R{f(x)} + R{x}."""
        before, r_before = (x, *scratch.block.nodes), (r_x, *scratch.r_nodes)
        for i, layer in enumerate(self.layers):
            layer.forward_along(
                params[i], v[i], before[i], r_before[i], before[i + 1], scratch.inside[i], scratch.r_nodes[i]
            )
        np.copyto(r_y, scratch.r_nodes[-1])
        if r_x is not None:
            r_y += r_x

    def backward_along(
        self,
        params: tuple[Params, ...],
        v: tuple[Params, ...],
        x: Nodes,
        r_x: Array | None,
        y: Nodes,
        r_y: Array,
        d_y: Array,
        r_d_y: Array,
        scratch: BlockTangent,
        r_grad: tuple[Params, ...],
        r_d_x: Array | None,
    ) -> None:
        """R of the way back through f, then + R{∂L/∂y}."""
        before, r_before = (x, *scratch.block.nodes), (r_x, *scratch.r_nodes)
        d_after, r_d_before = (*scratch.block.d_nodes, d_y), (r_d_x, *scratch.r_d_nodes, r_d_y)
        for i in reversed(range(len(self.layers))):
            r_d_after = r_d_before[i + 1]
            assert r_d_after is not None
            self.layers[i].backward_along(
                params[i], v[i], before[i], r_before[i], before[i + 1], scratch.r_nodes[i],
                d_after[i], r_d_after, scratch.inside[i], r_grad[i], r_d_before[i],
            )  # fmt: skip
        if r_d_x is not None:
            r_d_x += r_d_y

    def penalty_along(self, params: tuple[Params, ...], v: tuple[Params, ...], r_grad: tuple[Params, ...]) -> None:
        """Each layer inside in turn."""
        for layer, mine, direction, theirs in zip(self.layers, params, v, r_grad, strict=True):
            layer.penalty_along(mine, direction, theirs)

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """x + f(x)."""
        return graph.apply("Add", x, graph.apply_layers(names(self.layers), self.layers, params, statistics, x))
