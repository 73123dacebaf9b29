"""Maxout: a unit that is the largest of several sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.errors import ShapeError, check_count
from mlp.layers.layer import UNSIZED, Layer, check_width


@dataclass(frozen=True)
class Maxout(Layer):
    """y_j = the largest of x_j·k … x_j·k+k-1,  k = `pieces`. Goodfellow et al. (2013), eq. 1-2.

    The sums are made by the dense layer before it, which has k rows for each unit: `Dense(n, k * m), Maxout(k)`. The
    gradient goes to the first largest.
    """

    pieces: int = 2
    n_in: int = field(default=UNSIZED, kw_only=True)

    suits: ClassVar[str | None] = "lecun_normal"

    def __post_init__(self) -> None:
        check_width(self.n_in)
        check_count("pieces", self.pieces)

    @property
    def n_out(self) -> int:
        """n_in / pieces."""
        return self.n_in // self.pieces

    def settled(self, n_in: int, following: Sequence[Layer]) -> Self:
        """Take on the width of what stands before; it must divide."""
        if n_in % self.pieces or self.n_in not in (UNSIZED, n_in):
            raise ShapeError(
                f"{self} is fed by {n_in} nodes; it takes a multiple of {self.pieces}: Dense(n, {self.pieces} * m)."
            )
        return replace(self, n_in=n_in)

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> Array:
        """Room for which piece was the largest: (*population, n_out, 1, N)."""
        return np.empty((*y.values.shape[:-1], 1, y.n_samples), np.intp)

    def forward(self, params: Array, x: Nodes, y: Nodes, scratch: Array) -> None:
        """Leave the index of the largest piece in `scratch`; y = that piece."""
        pieces = np.broadcast_to(self._pieces(x.values), (*y.values.shape[:-1], self.pieces, y.n_samples))
        np.argmax(pieces, axis=-2, keepdims=True, out=scratch)
        np.max(pieces, axis=-2, out=y.values)

    def backward(
        self, params: Array, x: Nodes, y: Nodes, d_y: Array, scratch: Array, grad: Array, d_x: Array | None
    ) -> None:
        """∂L/∂y to the largest piece, 0 to the others."""
        if d_x is not None:
            d_x.fill(0)
            np.put_along_axis(self._pieces(d_x), scratch, d_y[..., None, :], axis=-2)

    def _pieces(self, values: Array) -> Array:
        """(*population, n_in, N) as (*population, n_out, pieces, N)."""
        return values.reshape(*values.shape[:-2], self.n_out, self.pieces, values.shape[-1])

    def forward_along(
        self, params: Array, v: Array, x: Nodes, r_x: Array | None, y: Nodes, scratch: Array, r_y: Array
    ) -> None:
        """R{the largest piece}."""
        r_y.fill(0)
        if r_x is not None:
            pieces = np.broadcast_to(self._pieces(r_x), (*r_y.shape[:-1], self.pieces, r_y.shape[-1]))
            np.copyto(r_y, np.take_along_axis(pieces, scratch, axis=-2)[..., 0, :])

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
        scratch: Array,
        r_grad: Array,
        r_d_x: Array | None,
    ) -> None:
        """R{∂L/∂y} to the largest piece: between two changes of which that is, maxout is linear."""
        self.backward(params, x, y, r_d_y, scratch, r_grad, r_d_x)
