"""A part of the Gauss-Newton matrix that can be inverted: that of the residuals whose gradients are longest.

The Hessian is the Gauss-Newton matrix, which has no negative eigenvalue, plus what is left of the residuals. Late in a
training the first is all of it but a little, so its inverse leads to the lower end of the Hessian's spectrum.
"""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array
from mlp.curvature.davidson import Precondition
from mlp.curvature.surface import Surface
from mlp.errors import DerivativeError
from mlp.objective import Factors

RESIDUALS, NUMBERS = 64, 1 << 22  # that are kept at most, and numbers in all: 32 MB. Four times as many gain 1 %
PASSES = 10  # backward passes; of more outputs than that, sums with random signs


def precondition(surface: Surface, rng: np.random.Generator) -> Precondition | None:
    """(JᵀJ - θ)⁻¹ for the longest rows of the root J of the Gauss-Newton matrix.

    None where layers or the loss give no gradients of single rows, and where the network is too large to keep some.
    """
    most = min(RESIDUALS, NUMBERS // surface.size)
    if most < 1:
        return None
    try:
        rows = _longest_rows(surface, most, rng)
    except DerivativeError:
        return None
    squares, within = np.linalg.eigh(rows @ rows.T)
    kept = squares > 1e-12 * squares[-1]
    squares, vectors = squares[kept], (within[:, kept] / np.sqrt(squares[kept])).T @ rows

    def invert(residual: Array, shift: float) -> Array:
        along = vectors @ residual * (squares / (squares - shift))
        found: Array = residual - along @ vectors
        return found

    return invert


def _longest_rows(surface: Surface, most: int, rng: np.random.Generator) -> Array:
    """The longest rows of J, (k, P): ∂ of each residual, or of a sum of those of a sample with random signs."""
    passes = [surface.objective.factors(d_output) for d_output in _roots(surface, rng)]
    surface.count(0.5 * len(passes) + most * most / (4 * surface.batch.x.n_samples))  # and their products
    lengths = np.array([sum(_lengths(part) for part in found) for found in passes])  # (passes, N)
    order = np.argsort(-lengths, axis=None)[:most]
    rows = np.empty((len(order), surface.size))
    for row, place in zip(rows, order, strict=True):
        k, sample = divmod(int(place), lengths.shape[1])
        for part in passes[k]:
            row[part.part] = np.outer(part.signals[:, sample], part.inputs[:, sample]).ravel()
    return rows


def _lengths(found: Factors) -> Array:
    """‖signals inputsᵀ‖² of each sample."""
    lengths: Array = np.square(found.inputs).sum(0) * np.square(found.signals).sum(0)
    return lengths


def _roots(surface: Surface, rng: np.random.Generator) -> Array:
    """The columns of S, S Sᵀ = ∂²L/∂output² sample by sample; of more than a few, as many sums with random signs."""
    batch = surface.batch
    root: Array = np.asarray(surface.loss.root(surface.outputs, batch.target, batch.weights))
    if len(root) <= PASSES:
        return root
    signs = rng.choice([-1.0, 1.0], (PASSES, len(root), batch.x.n_samples)) / PASSES**0.5
    sums: Array = np.einsum("kcn,con->kon", signs, root)
    return sums
