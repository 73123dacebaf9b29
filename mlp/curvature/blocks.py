"""The layers apart: the curvature within each, and how far each still reaches the outputs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array, Seed, generator
from mlp.curvature.lanczos import Times, lanczos
from mlp.curvature.surface import Surface
from mlp.curvature.work import PRODUCT
from mlp.layers import Activation, Dense, Layer


class Block(NamedTuple):
    """One layer's diagonal block of the Hessian: its size, ‖∂L/∂θ‖, and its two ends as Lanczos' method found them.

    >>> import mlp
    >>> network = mlp.Network([mlp.Dense(2, 1)], rng=0)
    >>> surface = mlp.curvature.Surface(network, mlp.SquaredError(), np.eye(2), np.ones((2, 1)))
    >>> [(block.name, block.size) for block in blocks(surface)]
    [('dense1', 3)]
    """

    name: str
    size: int
    grad_norm: float
    least: float
    largest: float


class Reach(NamedTuple):
    """What a random change of one layer's parameters does, all three relative to the change itself.

    `own`: to the layer's own outputs. `outputs`: to those of the network. `slopes`: the part that the activations after
    it let through, the product of the root mean square of their slopes; weights have no part in it.

    >>> import mlp
    >>> network = mlp.Network([mlp.Dense(2, 1)], rng=0)
    >>> surface = mlp.curvature.Surface(network, mlp.SquaredError(), np.eye(2), np.ones((2, 1)))
    >>> [(reach.name, reach.slopes) for reach in reaches(surface)]
    [('dense1', 1.0)]
    """

    name: str
    own: float
    outputs: float
    slopes: float


def blocks(surface: Surface, *, steps: int = 10, rng: Seed = 0) -> tuple[Block, ...]:
    """The diagonal block of each layer that has parameters, in order: `steps` products each."""
    draw, found = generator(rng), []
    for name, part in _parts(surface):
        ritz = lanczos(_within(surface, part), draw.standard_normal(part.stop - part.start), steps)
        grad_norm = float(np.linalg.norm(surface.grad[part]))
        found.append(Block(name, part.stop - part.start, grad_norm, float(ritz.values[0]), float(ritz.values[-1])))
    return tuple(found)


def _within(surface: Surface, part: slice) -> Times:
    """The product with one diagonal block."""

    def times(v: Array) -> Array:
        whole = np.zeros(surface.size)
        whole[part] = v
        return surface.times(whole)[part]

    return times


def reaches(surface: Surface, *, rng: Seed = 0, draws: int = 3) -> tuple[Reach, ...]:
    """How far each layer with parameters reaches, in order. Weights of a dense layer change by 1/√n_in each."""
    draw, found = generator(rng), []
    slopes = _slopes(surface)
    for i, layer in enumerate(surface.network.layers):
        part = surface.network.layout.slices[i]
        if part.stop == part.start:
            continue
        seen = np.array([_response(surface, i, part, _size(layer), draw) for _ in range(draws)])
        own, outputs = np.median(seen, 0)
        found.append(Reach(surface.network.layout.names[i], float(own), float(outputs), slopes[i]))
    return tuple(found)


def _size(layer: Layer) -> float:
    """How much one parameter changes."""
    return (layer.n_in + 1) ** -0.5 if isinstance(layer, Dense) else 1.0


def _response(surface: Surface, i: int, part: slice, size: float, draw: np.random.Generator) -> tuple[float, float]:
    """The root mean square change of layer i's outputs and of the network's."""
    v = np.zeros(surface.size)
    v[part] = size * draw.standard_normal(part.stop - part.start)
    nodes = surface.objective.linearised().nodes_along(v)
    surface.count(PRODUCT)
    surface.products += 1
    return _typical(nodes[i + 1]), _typical(nodes[-1])


def _slopes(surface: Surface) -> list[float]:
    """For each layer, what the activations from it to the outputs let through."""
    network, workspace, found, passed = surface.network, surface.objective.workspace, [], 1.0
    for i in reversed(range(len(network.layers))):
        layer, y = network.layers[i], workspace.nodes[i + 1].values
        if isinstance(layer, Activation) and workspace.d_nodes[i + 1] is not None:
            slope = np.empty_like(y)
            layer.slope(workspace.nodes[i].values, y, workspace.scratch[i], slope)
            passed *= float(np.abs(slope).mean())
        found.append(passed)
    return found[::-1]


def _parts(surface: Surface) -> list[tuple[str, slice]]:
    layout = surface.network.layout
    return [(name, part) for name, part in zip(layout.names, layout.slices, strict=True) if part.stop > part.start]


def _typical(values: Array) -> float:
    """The median over rows of the root mean square over nodes."""
    return float(np.median(np.sqrt(np.mean(np.square(values), -2))))
