"""Where the weights start.

An initializer fills the weights of one layer, and may set its bias weights too. It knows the numbers of inputs and
outputs from the shape, and nothing else: which initializer suits which activation is said by the activation.
Every draw comes from the generator that is passed in; members of a population are drawn independently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, UnknownNameError
from mlp.family import Named, collect
from mlp.hyperparameters import Finite, NotNegative


class Initializer(Protocol):
    """How a layer's weights begin. One of your own needs this method only."""

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Write `weights` (*population, n_out, n_in); `bias` (*population, n_out) may be left as it is."""


@dataclass(frozen=True)
class Constant(Named):
    """w = `value`. All units of a layer then stay equal for ever: for study, not for training."""

    name = "constant"

    value: Finite

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Write `value` everywhere."""
        weights.fill(self.value)


@dataclass(frozen=True)
class Zeros(Named):
    """w = 0."""

    name = "zeros"

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Write 0 everywhere."""
        weights.fill(0)


@dataclass(frozen=True)
class Normal(Named):
    """w ~ N(0, `std`²)."""

    name = "normal"

    std: NotNegative = 0.01

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        weights[...] = self.std * rng.standard_normal(weights.shape)


@dataclass(frozen=True)
class TruncatedNormal(Named):
    """w ~ N(0, `std`²), drawn again wherever |w| > 2 `std`; the variance that is left is 0.774 `std`².

    As in TensorFlow's `truncated_normal`, which DeepOBS' networks start from.
    """

    name = "truncated_normal"

    std: NotNegative = 0.01

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight, and draw again those too far out."""
        drawn = rng.standard_normal(weights.shape)
        while (far := np.abs(drawn) > 2).any():
            drawn[far] = rng.standard_normal(np.count_nonzero(far))
        weights[...] = self.std * drawn


@dataclass(frozen=True)
class Uniform(Named):
    """w ~ U[`low`, `high`)."""

    name = "uniform"

    low: Finite = -0.5
    high: Finite = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low > self.high:
            raise HyperparameterError("low", self.low, f"at most high = {self.high}")

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        weights[...] = rng.uniform(self.low, self.high, weights.shape)


def _draw_normal(weights: Array, variance: float, rng: np.random.Generator) -> None:
    weights[...] = variance**0.5 * rng.standard_normal(weights.shape)


def _draw_uniform(weights: Array, variance: float, rng: np.random.Generator) -> None:
    limit = (3 * variance) ** 0.5  # U[-a, a) has variance a²/3
    weights[...] = rng.uniform(-limit, limit, weights.shape)


@dataclass(frozen=True)
class HeNormal(Named):
    """w ~ N(0, 2/n_in): keeps the size of the signal through ReLU. He et al. (2015), eq. 10."""

    name = "he_normal"

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        _draw_normal(weights, 2 / weights.shape[-1], rng)


@dataclass(frozen=True)
class HeUniform(Named):
    """w ~ U(±√(6/n_in)): the variance of He et al. (2015), eq. 10."""

    name = "he_uniform"

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        _draw_uniform(weights, 2 / weights.shape[-1], rng)


@dataclass(frozen=True)
class GlorotNormal(Named):
    """w ~ N(0, 2/(n_in + n_out)): the variance of Glorot & Bengio (2010), eq. 12."""

    name = "glorot_normal"

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        _draw_normal(weights, 2 / (weights.shape[-1] + weights.shape[-2]), rng)


@dataclass(frozen=True)
class GlorotUniform(Named):
    """w ~ U(±√(6/(n_in + n_out))): the "normalized initialization" of Glorot & Bengio (2010), eq. 16."""

    name = "glorot_uniform"

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        _draw_uniform(weights, 2 / (weights.shape[-1] + weights.shape[-2]), rng)


@dataclass(frozen=True)
class LeCunNormal(Named):
    """w ~ N(0, 1/n_in): keeps the size of the signal through a linear layer. LeCun et al. (1998), eq. 16."""

    name = "lecun_normal"

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        _draw_normal(weights, 1 / weights.shape[-1], rng)


@dataclass(frozen=True)
class LeCunUniform(Named):
    """w ~ U(±√(3/n_in)): the variance of LeCun et al. (1998), eq. 16."""

    name = "lecun_uniform"

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        _draw_uniform(weights, 1 / weights.shape[-1], rng)


@dataclass(frozen=True)
class Orthogonal(Named):
    """W = `gain` · Q with orthonormal rows or columns, whichever are fewer; uniform over such matrices.

    Saxe, McClelland & Ganguli (2014), section 3. The signs of R's diagonal go into Q, or QR would not be uniform.
    """

    name = "orthogonal"

    gain: Finite = 1.0

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw a Gaussian matrix for each member and orthogonalise it."""
        n_out, n_in = weights.shape[-2:]
        drawn = rng.standard_normal((*weights.shape[:-2], max(n_out, n_in), min(n_out, n_in)))
        q, r = np.linalg.qr(drawn)
        q *= np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
        weights[...] = self.gain * (q if n_out >= n_in else q.swapaxes(-1, -2))


@dataclass(frozen=True)
class NguyenWidrow(Named):
    """Spread the active regions of tanh units evenly over inputs in [-1, 1]; sets the bias weights too.

        ‖w_j‖ = β = 0.7 n_out^(1/n_in),  direction uniform in the cube,  b_j ~ U(-β, β)

    Nguyen & Widrow (1990), section 3. MATLAB's initnw stretches this to each input's own range; scale the inputs
    instead.
    """

    name = "nguyen_widrow"

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw directions, give all of them the same length, draw biases."""
        n_out, n_in = weights.shape[-2:]
        beta = 0.7 * n_out ** (1 / n_in)
        drawn = rng.uniform(-1, 1, weights.shape)
        weights[...] = beta * drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)
        bias[...] = rng.uniform(-beta, beta, bias.shape)


INITIALIZERS: dict[str, type[Named]] = collect(Named, vars())


def find_initializer(name: str) -> Initializer:
    """The initializer of that name, with its own defaults."""
    if name not in INITIALIZERS or name == "constant":
        raise UnknownNameError("initializer", name, INITIALIZERS.keys() - {"constant"})
    found: Initializer = INITIALIZERS[name]()  # type: ignore[assignment]
    return found
