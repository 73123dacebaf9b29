"""What single samples say: how long the gradient of each is, and how far they agree.

The gradient of a dense layer's weights for one sample is an outer product δᵢ x̃ᵢᵀ, with x̃ = [x; 1] what went in and δᵢ
the derivative of that sample's loss with respect to what came out. So ‖gᵢ‖² = ‖δᵢ‖²‖x̃ᵢ‖²: the norms of all samples
come from arrays that one backward pass leaves behind, without a gradient for any of them. Goodfellow (2015), "Efficient
per-example gradient computations", section 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.instruments.instrument import Measure
from mlp.instruments.nodes import Sites, places, square
from mlp.layers import Dense, Place
from mlp.training import Step


def dense(place: Place) -> bool:
    """Whether a layer's gradient is a sum of outer products."""
    return isinstance(place.layer, Dense)


def sample_grad_norms(step: Step) -> Array:
    """‖∂ℓᵢ/∂θ‖ of every sample of the batch, (*population, N), over the weights of all dense layers.

    ℓᵢ is the loss of sample i alone: not divided by N, not weighted, without weight penalties. Samples of weight 0 have
    0 here. The parameters of other layers (batch norm, layer norm, RBF) have no such identity and are left out. Behind
    a batch norm the gradient of a sample is its share in that of the batch: its effect on the others is in it.
    """
    raw = np.sqrt(_squares([place for place in places(step) if dense(place)]))
    weights = step.batch.weights
    if weights is None:
        return np.asarray(raw * raw.shape[-1])
    return np.asarray(raw * np.divide(weights.sum(), weights, out=np.zeros_like(weights), where=weights > 0))


def noise_ratio(step: Step) -> Any:
    """θ = √(Var / (B ‖ḡ‖²)),  Var = (Σ‖gᵢ‖² - B‖ḡ‖²)/(B - 1): the error of the batch's gradient, relative to it.

    The norm test of Byrd et al. (2012, eq. 3.2), over the dense layers and without weight penalties. Under 1 the batch
    knows the way, far above it says little of it and a larger one or a smaller rate would help. Weights of samples are
    taken into gᵢ. NaN for a batch of one sample; 0 where all gradients are 0.
    """
    return _noise(step, [place for place in places(step) if dense(place)])


def noise_along(_: Step, period: int) -> Measure:
    """Begin to measure `noise_ratio`."""
    sites = Sites(dense)

    def measure(step: Step) -> Any:
        if step.index % period or step.workspace.n_samples == 1:
            return None
        return _noise(step, layers) if (layers := sites(step)) else None

    return measure


def _noise(step: Step, layers: list[Place]) -> Any:
    n, population = step.workspace.n_samples, step.network.population
    if n == 1 or not layers:
        return np.full(population, np.nan)[()]
    with np.errstate(all="ignore"):  # gradients that have diverged
        # every ∂L/∂y carries 1/n, so the sum here is Σ‖gᵢ‖²/n²
        spread = _squares(layers).sum(-1, dtype=np.float64) * n
        mean = sum(_mean_square(place, population) for place in layers)
        variance = np.maximum(spread - mean, 0) * n / (n - 1)
        return np.where(variance == 0, 0.0, np.sqrt(variance / (n * mean)))[()]


def _squares(layers: list[Place]) -> Any:
    """Σ over layers of ‖δᵢ‖²‖x̃ᵢ‖², (*population, N)."""
    return sum(_columns(place.x.with_bias) * _columns(place.d_y) for place in layers)


def _columns(values: Array) -> Array:
    """‖·‖² of each sample."""
    # 34 µs at 1000 × 128, where np.square(values).sum(-2) takes 50 and vecdot, against the grain, 110
    return np.asarray(np.einsum("...ij,...ij->...j", values, values))


def _mean_square(place: Place, population: tuple[int, ...]) -> Any:
    """‖∂L/∂W‖² without the weight penalty, which is added to the gradient only after backward."""
    if not place.layer.penalised:
        return square(place.grad, population)
    return square(np.matmul(place.d_y, place.x.with_bias.swapaxes(-1, -2)), population)
