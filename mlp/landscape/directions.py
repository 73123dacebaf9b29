"""Random directions whose size fits the weights, so that pictures of two networks can be compared."""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array, Seed, generator
from mlp.network import Network


def filter_direction(network: Network, rng: Seed = 0) -> Array:
    """A random direction (P,) in which every filter is as long as that of the network.

        d_ij ← d_ij ‖w_ij‖ / ‖d_ij‖

    A filter is what leads into one unit: a row of a weight matrix with its bias weight. Rectifiers give the same
    answers with w ten times as large and the next layer ten times as small: without this, such a network looks flatter.
    What is in no matrix, the scales and shifts of batch norm say, stays as it is.

    Li, Xu, Taylor, Studer & Goldstein (2018), section 4. They leave biases out; here a bias is a weight like any other.
    """
    found = np.zeros(network.layout.size)
    draw = generator(rng)
    for part, shape in network.layout.rows:
        w = network.params[part].reshape(shape).astype(np.float64)
        d = draw.standard_normal(shape)
        sizes = np.linalg.norm(w, axis=1, keepdims=True) / np.linalg.norm(d, axis=1, keepdims=True)
        found[part] = (d * sizes).ravel()
    return found
