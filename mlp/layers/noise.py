"""Noise while a network trains: dropout, which keeps units from relying on one another, and noise that is added.

In use both give what they are given.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.family import OperatorGraph
from mlp.hyperparameters import Fraction, NotNegative
from mlp.layers.activation import StraightPieces


class NoiseScratch(NamedTuple):
    """`noise` (*population, n, N): what was drawn. `rng` draws it, or None: the noise stays."""

    noise: Array
    rng: np.random.Generator | None


class Noisy(StraightPieces):
    """A layer that draws a number for each node and sample at each step."""

    preferred_initializer = None

    @abstractmethod
    def draw(self, rng: np.random.Generator, out: Array) -> None:
        """Write new noise into `out`."""

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> NoiseScratch:
        """An array for the noise, and the generator that draws it."""
        return NoiseScratch(np.zeros(y.values.shape, y.values.dtype), rng)

    def replay(self, scratch: NoiseScratch, y: Nodes) -> NoiseScratch:
        """The same noise, not drawn again."""
        return NoiseScratch(scratch.noise, None)

    def _next(self, scratch: NoiseScratch) -> Array:
        """The noise of this pass."""
        if scratch.rng is not None:
            self.draw(scratch.rng, scratch.noise)
        return scratch.noise

    def infer(self, params: Array, x: Nodes, y: Nodes, scratch: NoiseScratch) -> None:
        """y = x."""
        np.copyto(y.values, x.values)


@dataclass(frozen=True)
class Dropout(Noisy):
    """y = mask · x; each node is 0 with probability `rate` and else 1/(1 - rate) times as large. In use: y = x.

    Srivastava et al. (2014), section 4, in the "inverted" form that needs no scaling in use.

    >>> from mlp import Network, predict
    >>> predict(Network([Dropout(0.5, n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)  # in use, nothing is left out
    array([[-2.,  0.,  1.]])
    """

    rate: Fraction = 0.5

    def draw(self, rng: np.random.Generator, out: Array) -> None:
        """The mask: 0 or 1/(1 - rate)."""
        rng.random(out=out, dtype=out.dtype)
        np.greater_equal(out, self.rate, out=out)
        out *= 1 / (1 - self.rate)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: NoiseScratch) -> None:
        """Draw a mask and apply it."""
        np.multiply(x.values, self._next(scratch), out=y.values)

    def slope(self, x: Array, y: Array, scratch: NoiseScratch, out: Array) -> None:
        """The mask."""
        np.copyto(out, scratch.noise)

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """y = x."""
        return x


@dataclass(frozen=True)
class Noise(Noisy):
    """y = x + std · ε, ε ~ N(0, 1) for each node and sample, drawn anew at each step. In use: y = x.

    Before the first weights it is a penalty on the slope of the answer: for squared errors, to first order,
    ½ std² Σ(∂y/∂x)². Bishop (1995), "Training with noise is equivalent to Tikhonov regularization", eq. 15.

    >>> from mlp import Network, predict
    >>> predict(Network([Noise(0.1, n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)  # in use, without noise
    array([[-2.,  0.,  1.]])
    """

    std: NotNegative = 0.1

    def draw(self, rng: np.random.Generator, out: Array) -> None:
        """std · ε."""
        rng.standard_normal(out=out, dtype=out.dtype)
        out *= self.std

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: NoiseScratch) -> None:
        """Draw the noise and add it."""
        np.add(x.values, self._next(scratch), out=y.values)

    def slope(self, x: Array, y: Array, scratch: NoiseScratch, out: Array) -> None:
        """1."""
        out.fill(1)

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """y = x."""
        return x
