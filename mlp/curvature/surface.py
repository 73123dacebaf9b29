"""The loss on fixed rows around one point: value, gradient, products with the Hessian, each counted.

What trains is often noisy and in float32; a question about a point needs neither. A `Surface` is made of the same
layers and parameters in float64, without dropout and noise, on its own arrays and with its own generator: the network
and its run are left as they are. Batch norm normalises by these rows, as in training.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlp.arrays import Array
from mlp.backprop import check_batch, check_parts, value_and_grad
from mlp.curvature.work import PRODUCT, Meter
from mlp.data.batches import Batch, as_batch
from mlp.errors import DataError, ShapeError
from mlp.layers import Dropout, Identity, Layer, Noise, Residual
from mlp.losses import Loss
from mlp.network import Network, Workspace
from mlp.objective import Objective

CHUNK = 1 << 20
"""Numbers that a population may have between two layers: about what a cache holds."""


class Surface:
    """L(θ) on all rows of X (n, n_features), penalties included, at the parameters of `network`.

    `value`, `grad` (P,): there. `products`: with the Hessian or the Gauss-Newton matrix, so far; a dense matrix counts
    one for each column. `meter` counts the work.

    >>> import mlp
    >>> network = mlp.Network([mlp.Dense(2, 1)], rng=0)
    >>> surface = Surface(network, mlp.SquaredError(), np.eye(2), np.ones((2, 1)))
    >>> surface.grad.shape, surface.hessian().round(6).tolist()
    ((3,), [[0.5, 0.0, 0.5], [0.0, 0.5, 0.5], [0.5, 0.5, 1.0]])
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        X: Array,
        t: Array,
        weights: Array | None = None,
        meter: Meter | None = None,
    ) -> None:
        check_point(network, loss)
        self.meter = meter or Meter()
        self.loss, self.network = loss, quiet(network)
        self.batch: Batch = as_batch(X, t, weights, dtype=np.float64)
        check_batch(self.network, loss, self.batch)
        self.objective, self.products = Objective(self.network, loss), 0
        self.objective.batch, self.objective.workspace = self.batch, Workspace(self.network, self.batch.x.n_samples)
        with np.errstate(all="ignore"):
            self.value = float(value_and_grad(self.network, loss, self.batch, self.objective.workspace))
        self.grad: Array = self.objective.workspace.grad.copy()
        if not np.isfinite(self.value) or not np.isfinite(self.grad).all():
            raise DataError(
                f"the loss here is {self.value:g}, or its gradient is no numbers: look at X and at the weights."
            )

    @property
    def params(self) -> Array:
        """θ, (P,)."""
        return self.network.params

    @property
    def size(self) -> int:
        """P."""
        return self.network.layout.size

    @property
    def outputs(self) -> Array:
        """The raw outputs, (n_out, N)."""
        return self.objective.workspace.nodes[-1].values

    def times(self, v: Array) -> Array:
        """∂²L/∂θ² v."""
        self.count(PRODUCT)
        self.products += 1
        out = np.empty_like(v)
        self.objective.hvp(v, out)
        return out

    def gauss_newton_times(self, v: Array) -> Array:
        """Jᵀ (∂²L/∂output²) J v."""
        self.count(PRODUCT)
        self.products += 1
        out = np.empty_like(v)
        self.objective.gnvp(v, out)
        return out

    def at(self, params: Array) -> Surface:
        """The same rows elsewhere; of a population (K, P) `value` is (K,) and `grad` (K, P)."""
        other = Surface.__new__(Surface)
        other.loss, other.batch, other.products, other.meter = self.loss, self.batch, 0, self.meter
        other.network = self.network.at(params)
        other.count()
        other.objective = Objective(other.network, self.loss)
        other.objective.batch = self.batch
        other.objective.workspace = Workspace(other.network, self.batch.x.n_samples)
        other.value = value_and_grad(other.network, self.loss, self.batch, other.objective.workspace)
        other.grad = other.objective.workspace.grad
        return other

    def values_at(self, params: Array) -> Array:
        """L at each row of `params` (K, P), as populations."""
        found = [self.at(params[part]).value for part in _parts(len(params), self._members())]
        return np.concatenate(found)

    def hessian(self) -> Array:
        """∂²L/∂θ², (P, P): products with unit vectors, many at a time as populations of equal members."""
        found = np.empty((self.size, self.size))
        for part in _parts(self.size, self._members()):
            directions = np.eye(self.size)[part]
            equal = self.at(np.broadcast_to(self.params, directions.shape).copy())
            equal.count(PRODUCT)
            equal.objective.hvp(directions, found[part])
        self.products += self.size
        return (found + found.T) / 2

    def count(self, passes: float = 1.0) -> None:
        """Count so many passes over all rows."""
        self.meter.spend(self.network, self.batch.x.n_samples, passes)

    def _members(self) -> int:
        """How many members a population may have."""
        widest = max(self.network.n_in, *(layer.n_out for layer in self.network.layers))
        return max(1, CHUNK // (widest * self.batch.x.n_samples))


def _parts(n: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def quiet(network: Network) -> Network:
    """The same function in float64, without dropout and noise; parameters and statistics are copies."""
    layers = [_quiet(layer) for layer in network.layers]
    other = Network(layers, rng=0, dtype=np.float64)
    other.params[...], other.statistics[...] = network.params, network.statistics
    return other


def _quiet(layer: Layer) -> Layer:
    if isinstance(layer, Dropout | Noise):
        return Identity(n_in=layer.n_in)
    return replace(layer, layers=[_quiet(inner) for inner in layer.layers]) if isinstance(layer, Residual) else layer


def check_point(network: Network, loss: Loss) -> None:
    """Refuse what has no point to ask about."""
    check_parts(network, loss)
    if network.population:
        raise ShapeError(
            f"a population of {network.population} stands at as many points. Ask about one: network.member(0)."
        )
    for name, part in zip(network.layout.names, network.layout.slices, strict=True):
        if not np.isfinite(network.params[part]).all():
            raise DataError(
                f"{name} holds parameters that are no numbers: there is no point to look at. Restore others."
            )
    if not network.layout.size:
        raise ShapeError("the network has no parameters: there is nothing that could move.")
