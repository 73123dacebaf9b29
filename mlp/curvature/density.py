"""How the eigenvalues of a symmetric matrix are spread, from products only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlp.arrays import Array, Seed, generator
from mlp.curvature.lanczos import Times, lanczos
from mlp.errors import check_count, check_positive


class Density(NamedTuple):
    """Eigenvalues as a few nodes with weights that sum to 1: `weights[i]` of all eigenvalues lie about `nodes[i]`.

    >>> found = density(lambda v: np.array([1.0, 2.0, 4.0]) * v, size=3, steps=3, runs=1)
    >>> found.nodes.round(6), found.weights.round(6)
    (array([1., 2., 4.]), array([0.333333, 0.333333, 0.333333]))
    """

    nodes: Array
    weights: Array
    products: int

    def at(self, x: Array, width: float) -> Array:
        """The density at each x, every node a normal curve of this standard deviation; its integral is 1."""
        check_positive("width", width)
        z = (np.asarray(x)[..., None] - self.nodes) / width
        found: Array = np.exp(-0.5 * z * z) @ self.weights / (width * (2 * np.pi) ** 0.5)
        return found

    def share_below(self, x: float) -> float:
        """Which share of the eigenvalues is smaller than x."""
        return float(self.weights[self.nodes < x].sum())


def density(times: Times, size: int, *, steps: int = 40, runs: int = 5, rng: Seed = 0) -> Density:
    """Stochastic Lanczos quadrature: the mean over random unit vectors of the measure Σ (qᵢᵀv)² δ(λ - λᵢ).

    Lanczos from v gives the Gauss quadrature of that measure: Ritz values are its nodes, and the *squares* of the first
    components its weights. Each run costs `steps` products. Ubaru, Chen & Saad (2017), algorithm 1.
    """
    check_count("steps", steps)
    check_count("runs", runs)
    draw = generator(rng)
    found = [lanczos(times, draw.choice([-1.0, 1.0], size), steps) for _ in range(runs)]
    nodes = np.concatenate([ritz.values for ritz in found])
    weights = np.concatenate([ritz.first**2 for ritz in found]) / runs
    order = np.argsort(nodes)
    return Density(nodes[order], weights[order], len(nodes))
