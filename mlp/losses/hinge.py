"""Hinge losses: the right answer leads by a margin of 1, or pays for what is missing.

They are made of straight pieces, so their curvature is 0. `predict` gives the scores as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.losses.classification import YesOrNo, sign_of
from mlp.losses.loss import Labelled, as_one_hot, share_out, weighted_mean


@dataclass(frozen=True)
class Hinge(Labelled):
    """ℓ = max(0, 1 + max_{j≠t} zⱼ - z_t): the right output leads by a margin of 1 or pays.

    Crammer & Singer (2001), eq. 5. The gradient goes to the first largest rival. `predict` gives the scores.

    >>> output, labels = np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([0, 1])  # (classes, samples)
    >>> round(float(Hinge().value(output, labels, None)), 4)
    0.5
    """

    name, labels_only = "hinge", True

    def value(self, output: Array, target: Array, weights: Array | None) -> Any:
        """L."""
        _, losses = self._find_rivals(output, target)
        return weighted_mean(losses, weights)

    def value_and_grad(self, output: Array, target: Array, weights: Array | None, d_output: Array) -> Any:
        """Write ∂L/∂output; return L."""
        rivals, losses = self._find_rivals(output, target)
        d_output.fill(0)
        np.put_along_axis(d_output, np.argmax(rivals, axis=-2, keepdims=True), 1, axis=-2)
        d_output -= as_one_hot(target, output.shape[-2], output.dtype)
        d_output *= (losses > 0)[..., None, :]
        d_output *= share_out(weights, d_output.shape[-1])
        return weighted_mean(losses, weights)

    def curvature(self, output: Array, target: Array, weights: Array | None, v: Array, out: Array) -> None:
        """0: it is made of straight pieces."""
        out.fill(0)

    def _find_rivals(self, output: Array, target: Array) -> tuple[Array, Array]:
        """The outputs with the right one taken out, and ℓ."""
        right = as_one_hot(target, output.shape[-2], output.dtype)
        rivals = np.where(right > 0, -np.inf, output)
        lead = np.add.reduce(output * right, axis=-2)
        return rivals, np.maximum(0, 1 + np.maximum.reduce(rivals, axis=-2) - lead)


@dataclass(frozen=True)
class BinaryHinge(YesOrNo):
    """p = max(0, 1 - (2t - 1) z),  t = 0 or 1: one output for each yes-or-no question. Cortes & Vapnik (1995).

    >>> round(float(BinaryHinge().value(np.array([[2.0, 0.0]]), np.array([[1.0, 0.0]]), None)), 4)
    0.5
    """

    name = "hinge"

    def point(self, z: Array, t: Array) -> Array:
        """How much is missing from a margin of 1."""
        found: Array = np.maximum(0, 1 - sign_of(t, z) * z)
        return found

    def slope(self, z: Array, t: Array, out: Array) -> None:
        """1 - 2t within the margin, else 0."""
        sign = sign_of(t, z)
        np.copyto(out, np.where(sign * z < 1, -sign, 0))

    def second_derivative(self, z: Array, t: Array) -> Any:
        """0."""
        return 0.0
