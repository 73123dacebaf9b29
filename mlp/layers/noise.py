"""Noise that is added to nodes, so that a small change of them changes no answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.errors import check_not_negative
from mlp.layers.activation import Activation


class NoiseScratch(NamedTuple):
    """`noise` (*population, n, N); `rng` draws it, or None: the noise stays."""

    noise: Array
    rng: np.random.Generator | None


@dataclass(frozen=True)
class Noise(Activation):
    """y = x + std · ε, ε ~ N(0, 1) for each node and sample, drawn anew at each step. In use: y = x.

    Before the first weights it is a penalty on the slope of the answer: for squared errors, to first order,
    ½ std² Σ(∂y/∂x)². Bishop (1995), "Training with noise is equivalent to Tikhonov regularization", eq. 15.
    """

    std: float = 0.1

    suits: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative("std", self.std)

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> NoiseScratch:
        """Room for the noise, and the generator that draws it."""
        return NoiseScratch(np.zeros(y.values.shape, y.values.dtype), rng)

    def replay(self, scratch: NoiseScratch, y: Nodes) -> NoiseScratch:
        """The same noise, not drawn again."""
        return NoiseScratch(scratch.noise, None)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: NoiseScratch) -> None:
        """Draw the noise and add it."""
        noise, rng = scratch
        if rng is not None:
            rng.standard_normal(out=noise, dtype=noise.dtype)
            noise *= self.std
        np.add(x.values, noise, out=y.values)

    def infer(self, params: Array, x: Nodes, y: Nodes, scratch: NoiseScratch) -> None:
        """y = x."""
        np.copyto(y.values, x.values)

    def slope(self, x: Array, y: Array, scratch: NoiseScratch, out: Array) -> None:
        """1."""
        out.fill(1)

    def bend(self, x: Array, y: Array, scratch: NoiseScratch) -> Any:
        """0."""
        return 0.0
