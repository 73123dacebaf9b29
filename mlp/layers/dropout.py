"""Dropout: noise that keeps units from relying on one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.errors import check_fraction
from mlp.layers.activation import Activation


class DropoutScratch(NamedTuple):
    """`mask` (*population, n, N): 0 or 1/(1 - rate); `rng` draws it, or None: the mask stays."""

    mask: Array
    rng: np.random.Generator | None


@dataclass(frozen=True)
class Dropout(Activation):
    """y = mask · x; each node is 0 with probability `rate` and else 1/(1 - rate) times as large. In use: y = x.

    Srivastava et al. (2014), section 4, in the "inverted" form that needs no scaling in use.
    """

    rate: float = 0.5

    suits: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fraction("rate", self.rate)

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> DropoutScratch:
        """A mask, and the generator that draws it."""
        return DropoutScratch(np.ones(y.values.shape, y.values.dtype), rng)

    def replay(self, scratch: DropoutScratch, y: Nodes) -> DropoutScratch:
        """The same mask, not drawn again."""
        return DropoutScratch(scratch.mask, None)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: DropoutScratch) -> None:
        """Draw a mask and apply it."""
        mask, rng = scratch
        if rng is not None:
            rng.random(out=mask, dtype=mask.dtype)
            np.greater_equal(mask, self.rate, out=mask)
            mask *= 1 / (1 - self.rate)
        np.multiply(x.values, mask, out=y.values)

    def infer(self, params: Array, x: Nodes, y: Nodes, scratch: DropoutScratch) -> None:
        """y = x."""
        np.copyto(y.values, x.values)

    def slope(self, x: Array, y: Array, scratch: DropoutScratch, out: Array) -> None:
        """The mask."""
        np.copyto(out, scratch.mask)

    def bend(self, x: Array, y: Array, scratch: DropoutScratch) -> Any:
        """0."""
        return 0.0
