"""Batch norm and layer norm: layers that give their nodes a chosen mean and spread.

One normalises a node over the samples of a batch, the other a sample over the nodes of a layer; the algebra is the same
along another axis, so it is written once. Batch norm's running statistics are data of the network, not of the layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mlp.arrays import Array, Nodes, effective_size
from mlp.family import OperatorGraph
from mlp.hyperparameters import Fraction, Positive
from mlp.layers.layer import WidthFollows


class NormParams(NamedTuple):
    """`scale` γ and `shift` β, (*population, n, 1) each."""

    scale: Array
    shift: Array


class Running(NamedTuple):
    """Batch norm's running `mean` and `variance`, (*population, n, 1) each: views of `network.statistics`."""

    mean: Array
    variance: Array


class Counted(NamedTuple):
    """The weights of a batch: `shares` (N,), wᵢ / Σ w, and `n_rows`: how many rows of weight 1 they stand for."""

    shares: Array
    n_rows: float


class NormScratch(NamedTuple):
    """`normed`: (x - mean)/std, like y; `mean` and `inverse_std`: along the normalised axis.

    `running`: batch norm's, or None. `counted`: the weights of its samples, None where all count the same.
    """

    normed: Array
    mean: Array
    inverse_std: Array
    running: Running | None = None
    counted: Counted | None = None


def _column_pair(block: Array) -> tuple[Array, Array]:
    """(*population, 2n) as two columns (*population, n, 1). No copy."""
    n = block.shape[-1] // 2
    return block[..., :n, None], block[..., n:, None]


@dataclass(frozen=True)
class _Norm(WidthFollows):
    """y = γ (x - mean)/√(variance + ε) + β, mean and variance taken along one axis."""

    epsilon: Positive = 1e-5

    preferred_initializer = None
    axis: ClassVar[int]

    @property
    def n_params(self) -> int:
        """γ and β."""
        return 2 * self.n_in

    def view(self, block: Array) -> NormParams:
        """γ, then β."""
        return NormParams(*_column_pair(block))

    def init(self, params: NormParams, statistics: Array, rng: np.random.Generator) -> None:
        """γ = 1, β = 0."""
        params.scale.fill(1)
        params.shift.fill(0)

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> NormScratch:
        """Room for the normalised values, mean and 1/std."""
        normed = np.empty_like(y.values)
        return NormScratch(normed, normed.take([0], self.axis), normed.take([0], self.axis))  # taken for its shape

    def forward(self, params: NormParams, x: Nodes, y: Nodes, scratch: NormScratch) -> None:
        """Leave (x - mean)/std, mean and 1/std in `scratch`."""
        normed, inverse_std = scratch.normed, scratch.inverse_std
        scratch.mean[...] = self._mean(x.values, scratch)  # of inputs that a population shares it has fewer axes
        np.subtract(x.values, scratch.mean, out=normed)
        self._mean(np.square(normed), scratch, inverse_std)
        inverse_std += self.epsilon
        np.sqrt(inverse_std, out=inverse_std)
        np.reciprocal(inverse_std, out=inverse_std)
        normed *= inverse_std
        np.multiply(normed, params.scale, out=y.values)
        y.values[...] += params.shift

    def backward(
        self,
        params: NormParams,
        x: Nodes,
        y: Nodes,
        d_y: Array,
        scratch: NormScratch,
        grad: NormParams,
        d_x: Array | None,
    ) -> None:
        """∂L/∂x = (e - s Σe - n · s Σ(e n))/std, e = γ ∂L/∂y, n the normalised x. Ioffe & Szegedy (2015), p. 4.

        s is the share of a value in mean and variance: 1 over their number, or the share of its sample.
        """
        normed, inverse_std = scratch.normed, scratch.inverse_std
        np.sum(d_y * normed, axis=-1, keepdims=True, out=grad.scale)
        np.sum(d_y, axis=-1, keepdims=True, out=grad.shift)
        if d_x is not None:
            e = d_y * params.scale
            np.multiply(e, normed, out=d_x)
            np.multiply(normed, self._shared(d_x, scratch), out=d_x)
            np.subtract(e, d_x, out=d_x)
            d_x -= self._shared(e, scratch)
            d_x *= inverse_std

    def _mean(self, values: Array, scratch: NormScratch, out: Array | None = None) -> Any:
        """Σ s v along the normalised axis, which stays with length 1."""
        if scratch.counted is None:
            return values.mean(self.axis, keepdims=True, out=out)
        return np.matmul(values, scratch.counted.shares[:, None], out=out)

    def _shared(self, values: Array, scratch: NormScratch) -> Any:
        """s Σ v: each value's share of the sum; where all count the same it is the mean."""
        if scratch.counted is None:
            return values.mean(self.axis, keepdims=True)
        return values.sum(self.axis, keepdims=True) * scratch.counted.shares

    def forward_along(
        self,
        params: NormParams,
        v: NormParams,
        x: Nodes,
        r_x: Array | None,
        y: Nodes,
        scratch: NormScratch,
        r_y: Array,
    ) -> None:
        """R{y} = γ R{n} + R{γ} n + R{β}."""
        r_normed, _ = self._normed_along(r_x, scratch)
        np.multiply(params.scale, r_normed, out=r_y)
        r_y += v.scale * scratch.normed
        r_y += v.shift

    def backward_along(
        self,
        params: NormParams,
        v: NormParams,
        x: Nodes,
        r_x: Array | None,
        y: Nodes,
        r_y: Array,
        d_y: Array,
        r_d_y: Array,
        scratch: NormScratch,
        r_grad: NormParams,
        r_d_x: Array | None,
    ) -> None:
        """R of what `backward` says, with R{1/std} = -Σ s n R{x - mean} / std²."""
        normed, inverse_std = scratch.normed, scratch.inverse_std
        r_normed, r_inverse = self._normed_along(r_x, scratch)
        np.sum(r_d_y * normed + d_y * r_normed, axis=-1, keepdims=True, out=r_grad.scale)
        np.sum(r_d_y, axis=-1, keepdims=True, out=r_grad.shift)
        if r_d_x is None:
            return

        def shared(values: Array) -> Any:
            return self._shared(values, scratch)

        e, r_e = params.scale * d_y, params.scale * r_d_y + v.scale * d_y
        np.subtract(r_e - shared(r_e), r_normed * shared(e * normed), out=r_d_x)
        r_d_x -= normed * shared(r_e * normed + e * r_normed)
        r_d_x *= inverse_std
        r_d_x += r_inverse * (e - shared(e) - normed * shared(e * normed))

    def _normed_along(self, r_x: Array | None, scratch: NormScratch) -> tuple[Any, Any]:
        """R{n} = (R{x - mean} - n Σ s n R{x - mean})/std, and R{1/std}."""
        normed, inverse_std = scratch.normed, scratch.inverse_std
        if r_x is None:
            return 0.0 * normed, 0.0 * inverse_std
        r_centred = r_x - self._mean(r_x, scratch)
        share = self._mean(normed * r_centred, scratch)
        return inverse_std * (r_centred - normed * share), -(inverse_std**2) * share

    def name_arrays(self, params: NormParams, statistics: Array) -> dict[str, Array]:
        """γ and β."""
        return {"weight": params.scale[:, 0], "bias": params.shift[:, 0]}


@dataclass(frozen=True)
class LayerNorm(_Norm):
    """Normalise each sample over the nodes: y = γ (x - mean)/√(variance + ε) + β. Ba, Kiros & Hinton (2016), eq. 4.

    >>> from mlp import Network, predict
    >>> predict(Network([LayerNorm(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-1.336,  0.267,  1.069]])
    """

    axis = -2

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """Over the nodes of each row."""
        scale, shift = graph.constant(params.scale[..., 0], "scale"), graph.constant(params.shift[..., 0], "shift")
        return graph.apply("LayerNormalization", x, scale, shift, axis=-1, epsilon=self.epsilon)


@dataclass(frozen=True)
class BatchNorm(_Norm):
    """Normalise each node over the batch: y = γ (x - mean)/√(variance + ε) + β. Ioffe & Szegedy (2015), algorithm 1.

    In use, `infer` takes running statistics instead, which every forward pass moves by `momentum`:

        running ← running + momentum (batch - running)

    They are in `network.statistics`, and belong to the weights of those passes. For other weights, such as an average,
    `update_statistics` measures them anew. `momentum` and the unbiased variance in the running statistic are PyTorch's;
    the paper and Keras write 1 - momentum. A batch of one sample is normalised to 0. A node that is constant but for
    rounding stays so: no factor is above 1/√ε.

    A sample of weight k counts like k samples, here as in the loss:

        mean = Σ s x,  variance = Σ s (x - mean)²,  s = w / Σ w
        unbiased: times n / (n - 1),  n = effective_size(w): for whole weights their sum

    A batch whose weights are all 0 is normalised as if they were equal, and leaves the running statistics as they are.

    >>> from mlp import Network, predict
    >>> predict(Network([BatchNorm(n_in=3)]), [[-2.0, 0.0, 1.0]]).round(3)
    array([[-2.,  0.,  1.]])
    """

    momentum: Fraction = 0.1

    axis = -1

    @property
    def n_statistics(self) -> int:
        """Running mean and variance."""
        return 2 * self.n_in

    def init(self, params: NormParams, statistics: Array, rng: np.random.Generator) -> None:
        """γ = 1, β = 0; running mean 0, running variance 1."""
        super().init(params, statistics, rng)
        mean, variance = _column_pair(statistics)
        mean.fill(0)
        variance.fill(1)

    def scratch(self, y: Nodes, statistics: Array, rng: np.random.Generator) -> NormScratch:
        """With the running statistics."""
        return super().scratch(y, statistics, rng)._replace(running=Running(*_column_pair(statistics)))

    def replay(self, scratch: NormScratch, y: Nodes) -> NormScratch:
        """With statistics of its own: a pass elsewhere must not move the network's."""
        mine = _Norm.scratch(self, y, np.empty(0), np.random.default_rng(0))
        assert scratch.running is not None
        shape = (*y.values.shape[:-1], 1)  # the look may be at a population that the network is not
        return mine._replace(running=Running(*(np.broadcast_to(a, shape).copy() for a in scratch.running)))

    def weigh(self, scratch: NormScratch, weights: Array | None) -> NormScratch:
        """With the share of each sample."""
        return scratch._replace(counted=None if weights is None else _count_samples(weights))

    def forward(self, params: NormParams, x: Nodes, y: Nodes, scratch: NormScratch) -> None:
        """Normalise by the batch; move the running statistics towards it."""
        super().forward(params, x, y, scratch)
        self._move(x, scratch, self.momentum)

    def calibrate(self, params: NormParams, x: Nodes, y: Nodes, scratch: NormScratch) -> None:
        """Take the statistics of `x` for the running ones, and normalise by those."""
        super().forward(params, x, y, scratch)
        self._move(x, scratch, 1.0)
        self.infer(params, x, y, scratch)

    def _move(self, x: Nodes, scratch: NormScratch, momentum: float) -> None:
        """Move the running statistics towards those of the batch that was just normalised."""
        running, counted = scratch.running, scratch.counted
        assert running is not None
        n = x.n_samples if counted is None else counted.n_rows
        if n == 0:
            return
        variance = (scratch.inverse_std**-2 - self.epsilon) * (n / max(n - 1, 1))
        running.mean[...] += momentum * (scratch.mean - running.mean)
        running.variance[...] += momentum * (variance - running.variance)

    def infer(self, params: NormParams, x: Nodes, y: Nodes, scratch: NormScratch) -> None:
        """Normalise by the running statistics."""
        assert scratch.running is not None
        mean, variance = scratch.running
        np.subtract(x.values, mean, out=y.values)
        y.values[...] *= params.scale / np.sqrt(variance + self.epsilon)
        y.values[...] += params.shift

    def onnx(self, graph: OperatorGraph, params: Any, statistics: Array, x: str) -> str:
        """Scale, shift and running statistics as ONNX has them."""
        mean, variance = np.split(statistics, 2)
        arrays = {"scale": params.scale[..., 0], "shift": params.shift[..., 0], "mean": mean, "variance": variance}
        inputs = [graph.constant(values, name) for name, values in arrays.items()]
        return graph.apply("BatchNormalization", x, *inputs, epsilon=self.epsilon)

    def name_arrays(self, params: NormParams, statistics: Array) -> dict[str, Array]:
        """γ and β, and what runs along."""
        mean, variance = np.split(statistics, 2)
        return {**super().name_arrays(params, statistics), "running_mean": mean, "running_var": variance}


def _count_samples(weights: Array) -> Counted:
    """What samples of these weights (N,) count."""
    total = weights.sum()
    shares = weights / total if total > 0 else np.full_like(weights, 1 / len(weights))
    return Counted(shares, effective_size(weights))
