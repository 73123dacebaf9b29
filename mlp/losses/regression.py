"""Losses for numbers. With e = z - t, the output minus its target; summed over outputs, averaged over samples."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from mlp.arrays import Array, column_sums
from mlp.errors import DataError
from mlp.family import Operator
from mlp.hyperparameters import Between, Positive
from mlp.losses.loss import Pointwise, share_out, weighted_mean


@dataclass(frozen=True)
class SquaredError(Pointwise):
    """p = ½ e²,  ∂p/∂z = e.

    Summed over the outputs, not averaged. With a Sigmoid as the network's last layer it is the loss of the classic
    sigmoid networks.

    >>> round(float(SquaredError().value(np.array([[3.0]]), np.array([[1.0]]), None)), 4)  # output 3, target 1
    2.0
    """

    name, aliases = "squared_error", ("mse", "l2", "meansquarederror")

    def point(self, z: Array, t: Array) -> Array:
        """½ e²."""
        e = z - t
        e *= e
        e *= 0.5
        return e

    def slope(self, z: Array, t: Array, out: Array) -> None:
        """e."""
        np.subtract(z, t, out=out)

    def value_and_grad(self, output: Array, target: Array, weights: Array | None, d_output: Array) -> Any:
        """Write ∂L/∂output; return L. e is computed once for both."""
        np.subtract(output, target, out=d_output)
        losses = column_sums(np.square(d_output))
        d_output *= share_out(weights, d_output.shape[-1])
        return 0.5 * weighted_mean(losses, weights)

    def second_derivative(self, z: Array, t: Array) -> Any:
        """1."""
        return 1.0

    def residuals(self, output: Array, target: Array, weights: Array | None) -> Array:
        """e √(wᵢ / Σ wᵢ)."""
        found: Array = (output - target) * np.sqrt(share_out(weights, output.shape[-1])).astype(output.dtype)
        return found


class _OfDifference(Pointwise):
    """A loss of e alone."""

    @abstractmethod
    def of_error(self, e: Array) -> Array:
        """p(e)."""

    @abstractmethod
    def slope_of_error(self, e: Array) -> Array:
        """dp/de."""

    def point(self, z: Array, t: Array) -> Array:
        """p(z - t)."""
        return self.of_error(z - t)

    def slope(self, z: Array, t: Array, out: Array) -> None:
        """dp/de at z - t."""
        np.copyto(out, self.slope_of_error(z - t))


@dataclass(frozen=True)
class AbsoluteError(_OfDifference):
    """p = |e|,  ∂p/∂z = sign e (0 at 0).

    >>> round(float(AbsoluteError().value(np.array([[3.0]]), np.array([[1.0]]), None)), 4)  # output 3, target 1
    2.0
    """

    name, aliases = "absolute_error", ("mae", "l1", "meanabsoluteerror")

    def of_error(self, e: Array) -> Array:
        """|e|."""
        return np.abs(e)

    def slope_of_error(self, e: Array) -> Array:
        """Sign e."""
        return np.sign(e)

    def second_derivative(self, z: Array, t: Array) -> Any:
        """0."""
        return 0.0


@dataclass(frozen=True)
class Huber(_OfDifference):
    """p = ½ e² for |e| ≤ δ, else δ(|e| - ½δ). Huber (1964).

    >>> round(float(Huber().value(np.array([[3.0]]), np.array([[1.0]]), None)), 4)  # output 3, target 1
    1.5
    """

    name, aliases = "huber", ("smoothl1",)

    delta: Positive = 1.0

    def of_error(self, e: Array) -> Array:
        """With c = min(|e|, δ):  c(|e| - ½c)."""
        size = np.abs(e)
        clipped = np.minimum(size, self.delta)
        return clipped * (size - 0.5 * clipped)

    def slope_of_error(self, e: Array) -> Array:
        """The error, held within ±δ."""
        return np.clip(e, -self.delta, self.delta)

    def second_derivative(self, z: Array, t: Array) -> Any:
        """1 within ±δ, else 0."""
        return np.less_equal(np.abs(z - t), self.delta)


@dataclass(frozen=True)
class LogCosh(_OfDifference):
    """p = ln cosh e = |e| + ln(1 + e^(-2|e|)) - ln 2,  ∂p/∂z = tanh e.

    >>> round(float(LogCosh().value(np.array([[3.0]]), np.array([[1.0]]), None)), 4)  # output 3, target 1
    1.325
    """

    name = "log_cosh"

    def of_error(self, e: Array) -> Array:
        """Written so that a large e does not overflow."""
        size = np.abs(e)
        found: Array = size + np.log1p(np.exp(-2 * size)) - log(2)  # np.log(2) would make float32 float64
        return found

    def slope_of_error(self, e: Array) -> Array:
        """Tanh e."""
        return np.tanh(e)

    def second_derivative(self, z: Array, t: Array) -> Any:
        """1 - tanh² e."""
        return 1 - np.tanh(z - t) ** 2


@dataclass(frozen=True)
class Quantile(_OfDifference):
    """p = q(t - z) where z ≤ t, else (1 - q)(z - t): its minimiser is the q-th quantile. Koenker & Bassett (1978).

    >>> round(float(Quantile().value(np.array([[3.0]]), np.array([[1.0]]), None)), 4)  # output 3, target 1
    1.0
    """

    name, aliases = "quantile", ("pinball",)

    quantile: Between = 0.5

    def of_error(self, e: Array) -> Array:
        """The larger of the two lines."""
        return np.maximum((1 - self.quantile) * e, -self.quantile * e)

    def slope_of_error(self, e: Array) -> Array:
        """1 - q above the target, -q below, 0 on it."""
        return np.where(e > 0, 1 - self.quantile, np.where(e < 0, -self.quantile, 0))

    def second_derivative(self, z: Array, t: Array) -> Any:
        """0."""
        return 0.0


@dataclass(frozen=True)
class Poisson(Pointwise):
    """p = eᶻ - t z: the output is the logarithm of a rate, t ≥ 0 a count. Up to ln t!, minus the log-likelihood.

    >>> round(float(Poisson().value(np.array([[3.0]]), np.array([[1.0]]), None)), 4)  # output 3, target 1
    17.0855
    """

    name, onnx = "poisson", Operator("Exp")

    def point(self, z: Array, t: Array) -> Array:
        """eᶻ - t z."""
        found: Array = np.exp(z) - t * z
        return found

    def slope(self, z: Array, t: Array, out: Array) -> None:
        """eᶻ - t."""
        np.exp(z, out=out)
        out -= t

    def predict(self, output: Array) -> Array:
        """The rate eᶻ."""
        return np.exp(output)

    def outputs_for(self, values: Array) -> Array:
        """ln of the rate, finite for 0."""
        return np.asarray(np.log(np.maximum(values, np.finfo(values.dtype).tiny)))

    def check(self, n_out: int, target: Array) -> None:
        """Counts are not negative."""
        super().check(n_out, target)
        if target.size and target.min() < 0:
            raise DataError(f"Poisson counts events; given was the target {target.min()}. Targets must be 0 or more.")

    def second_derivative(self, z: Array, t: Array) -> Any:
        """eᶻ."""
        return np.exp(z)
