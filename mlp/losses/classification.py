"""Losses for classes.

Softmax: exactly one of the classes. Sigmoid: each output a yes or no of its own (one output: binary; several:
multi-label). Outputs are logits; the link to probabilities is `predict`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import SHORT, Array, column_sums, number, ones
from mlp.errors import DataError
from mlp.family import Operator
from mlp.hyperparameters import Fraction, NotNegative
from mlp.losses.loss import Labelled, Pointwise, as_one_hot, check_values, share_out, weighted_mean


def softmax(z: Array) -> Array:
    """eᶻʲ / Σₖ eᶻᵏ over the outputs, without overflow."""
    p: Array = z - np.maximum.reduce(z, axis=-2, keepdims=True)
    np.exp(p, out=p)
    p /= np.add.reduce(p, axis=-2, keepdims=True)
    return p


def sigmoid(z: Array) -> Array:
    """1/(1 + e⁻ᶻ), without overflow."""
    found: Array = 0.5 * (1 + np.tanh(0.5 * z))
    return found


def finite_log(p: Array) -> Array:
    """ln p, finite for 0."""
    return np.asarray(np.log(np.maximum(p, np.finfo(p.dtype).tiny)))


def sign_of(t: Array, z: Array) -> Array:
    """2t - 1, that is -1 for no and 1 for yes, in the dtype of the outputs: unsigned labels have no -1."""
    found: Array = 2 * t.astype(z.dtype, copy=False) - 1
    return found


class OfSoftmax(Labelled):
    """A loss whose outputs are the logarithms of probabilities, up to a constant: p = softmax z."""

    onnx = Operator("Softmax", {"axis": -1})

    def curvature(self, output: Array, target: Array, weights: Array | None, v: Array, out: Array) -> None:
        """∂²ℓ/∂z² v, times the sample's share."""
        self.curvature_along(self.linearise(output, target, weights), v, out)

    def predict(self, output: Array) -> Array:
        """Probabilities."""
        return softmax(output)

    def outputs_for(self, values: Array) -> Array:
        """ln p."""
        return finite_log(values)


@dataclass(frozen=True)
class SoftmaxCrossEntropy(OfSoftmax):
    """ℓ = -Σⱼ tⱼ ln pⱼ,  p = softmax z,  ∂ℓ/∂z = p - t.

    `label_smoothing` ε replaces t by (1 - ε) t + ε / n_classes. Szegedy et al. (2016), section 7.

    >>> output, labels = np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([0, 1])  # (classes, samples)
    >>> round(float(SoftmaxCrossEntropy().value(output, labels, None)), 4)
    0.41
    """

    name = "cross_entropy"
    aliases = (
        "ce", "crossentropy", "categoricalcrossentropy", "sparsecategoricalcrossentropy", "logloss", "nll",
    )  # fmt: skip

    label_smoothing: Fraction = 0.0

    def value(self, output: Array, target: Array, weights: Array | None) -> Any:
        """L."""
        return self.value_and_grad(output, target, weights, np.empty_like(output))

    def value_and_grad(self, output: Array, target: Array, weights: Array | None, d_output: Array) -> Any:
        """With s = z - max z:  ℓ = ln Σ eˢ - Σ t s, which neither overflows nor takes the logarithm of 0."""
        n, n_samples = output.shape[-2:]
        if weights is None and output.ndim == 2 and max(n, n_samples) <= SHORT:
            return self._of_equal_samples(output, target, d_output)
        t = self._smooth(as_one_hot(target, n, output.dtype), 1.0)
        np.subtract(output, np.maximum.reduce(output, axis=-2, keepdims=True), out=d_output)
        losses = column_sums(d_output * t)
        np.exp(d_output, out=d_output)
        total = column_sums(d_output)
        d_output /= total[..., None, :]
        d_output -= t
        d_output *= share_out(weights, n_samples)
        np.subtract(np.log(total), losses, out=losses)
        return weighted_mean(losses, weights)

    def _of_equal_samples(self, output: Array, target: Array, d_output: Array) -> Any:
        """The same in 5 µs, where that takes 7: t / N at once, and no array of the samples' losses."""
        (n, n_samples), dtype = output.shape, output.dtype
        t = self._smooth(as_one_hot(target, n, dtype, 1 / n_samples), 1 / n_samples)
        np.subtract(output, np.maximum.reduce(output, 0), out=d_output)
        right = np.vdot(d_output, t)
        np.exp(d_output, out=d_output)
        total = ones(n, dtype).dot(d_output)
        value = ones(n_samples, dtype).dot(np.log(total)) / n_samples - right
        total *= number(n_samples, dtype)
        d_output /= total
        d_output -= t
        return value

    def _smooth(self, t: Array, share: float) -> Array:
        """Some of each target given to all classes alike. `share`: what a target sums to."""
        epsilon = self.label_smoothing
        return (1 - epsilon) * t + epsilon * share / t.shape[-2] if epsilon else t

    def check(self, n_out: int, target: Array) -> None:
        """Probabilities must sum to 1 for each sample."""
        super().check(n_out, target)
        if target.ndim == 2 and not np.allclose(target.sum(0), 1, atol=1e-3):
            raise DataError(
                "SoftmaxCrossEntropy takes labels or, for each sample, probabilities that sum to 1; given were rows "
                "that do not. For several labels at once use SigmoidCrossEntropy."
            )

    def linearise(self, output: Array, target: Array, weights: Array | None) -> tuple[Array, Array]:
        """The softmax p, and p times the sample's share."""
        p = softmax(output)
        return p, p * share_out(weights, output.shape[-1])

    def curvature_along(self, point: tuple[Array, Array], v: Array, out: Array) -> None:
        """(diag p - p pᵀ) v, times the sample's share."""
        p, weighed = point
        np.multiply(p, v, out=out)
        np.subtract(v, np.add.reduce(out, axis=-2, keepdims=True), out=out)
        out *= weighed

    def root(self, output: Array, target: Array, weights: Array | None) -> Array:
        """S = diag √p - p √pᵀ, for S Sᵀ = diag p - 2 p pᵀ + p (Σ p) pᵀ."""
        p = softmax(output)
        steep = np.sqrt(p)
        found: Array = np.stack([-p * steep[..., k : k + 1, :] for k in range(p.shape[-2])])
        for k in range(len(found)):
            found[k, ..., k, :] += steep[..., k, :]
        found *= np.sqrt(share_out(weights, output.shape[-1]))
        return found


def check_yes_or_no(loss: str, n_out: int, target: Array) -> None:
    """Refuse targets outside [0, 1]."""
    check_values(loss, n_out, target)
    if target.size and (target.min() < 0 or target.max() > 1):
        raise DataError(
            f"{loss} takes targets from 0 (no) to 1 (yes); given were {target.min()} … {target.max()}. "
            "For more than two classes use SoftmaxCrossEntropy with one output for each."
        )


class YesOrNo(Pointwise):
    """A loss whose outputs are yes-or-no questions, each of its own."""

    targets = "yes_or_no"

    def check(self, n_out: int, target: Array) -> None:
        """Targets must lie in [0, 1]."""
        check_yes_or_no(type(self).__name__, n_out, target)


class OfSigmoid(YesOrNo):
    """A loss whose outputs are the logarithms of odds: p = σ(z)."""

    onnx = Operator("Sigmoid")

    def predict(self, output: Array) -> Array:
        """Probabilities."""
        return sigmoid(output)

    def outputs_for(self, values: Array) -> Array:
        """ln p/(1 - p)."""
        return finite_log(values) - finite_log(1 - values)


@dataclass(frozen=True)
class SigmoidCrossEntropy(OfSigmoid):
    """p = ln(1 + eᶻ) - t z,  ∂p/∂z = σ(z) - t,  t in [0, 1]: binary with one output, multi-label with several.

    `label_smoothing` ε replaces t by (1 - ε) t + ½ε.

    >>> round(float(SigmoidCrossEntropy().value(np.array([[2.0, 0.0]]), np.array([[1.0, 0.0]]), None)), 4)
    0.41
    """

    name, aliases = "cross_entropy", ("bce", "bcewithlogits", "binarycrossentropy")

    label_smoothing: Fraction = 0.0

    def point(self, z: Array, t: Array) -> Array:
        """ln(1 + eᶻ) - t z."""
        found: Array = np.logaddexp(0, z) - self._smooth(t, z) * z
        return found

    def slope(self, z: Array, t: Array, out: Array) -> None:
        """σ(z) - t."""
        np.multiply(z, 0.5, out=out)
        np.tanh(out, out=out)
        out += 1
        out *= 0.5
        out -= self._smooth(t, z)

    def _smooth(self, t: Array, z: Array) -> Array:
        """The target, smoothed, in the dtype of the outputs."""
        t = t.astype(z.dtype, copy=False)
        return (1 - self.label_smoothing) * t + 0.5 * self.label_smoothing if self.label_smoothing else t

    def second_derivative(self, z: Array, t: Array) -> Any:
        """σ(1 - σ)."""
        q = sigmoid(z)
        return q * (1 - q)


class FocalPoint(NamedTuple):
    """The focal loss at one point: p, [j = t] - pⱼ, and the sample's share of ℓ' and ℓ''."""

    p: Array
    miss: Array
    slope: Array
    second: Array


@dataclass(frozen=True)
class Focal(OfSoftmax):
    """ℓ = -(1 - p_t)^γ ln p_t,  p = softmax z: easy samples count less. γ = 0 is the cross-entropy.

    With ℓ' = dℓ/d ln p_t = (1 - p_t)^(γ-1) (γ p_t ln p_t - (1 - p_t)):  ∂ℓ/∂zⱼ = ℓ' ([j = t] - pⱼ).

    Lin et al. (2017), eq. 4, there for two classes; here for n, as usual since. No α: weigh samples or classes instead.

    >>> output, labels = np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([0, 1])  # (classes, samples)
    >>> round(float(Focal().value(output, labels, None)), 4)
    0.0875
    """

    name, labels_only = "focal", True

    gamma: NotNegative = 2.0

    def value(self, output: Array, target: Array, weights: Array | None) -> Any:
        """L."""
        log_p, miss = self._measure_target(output, target)
        return weighted_mean(-(miss**self.gamma) * log_p, weights)

    def value_and_grad(self, output: Array, target: Array, weights: Array | None, d_output: Array) -> Any:
        """Write ∂L/∂output; return L."""
        log_p, miss = self._measure_target(output, target)
        hit = np.exp(log_p)
        # (1 - p)^(γ-1) · (1 - p) is written (1 - p)^γ, and γ (1 - p)^(γ-1) held finite where γ < 1 and p = 1
        steep = self.gamma * np.maximum(miss, np.finfo(miss.dtype).tiny) ** (self.gamma - 1) if self.gamma else 0.0
        slope = steep * hit * log_p - miss**self.gamma
        np.subtract(as_one_hot(target, output.shape[-2], output.dtype), softmax(output), out=d_output)
        d_output *= slope[..., None, :]
        d_output *= share_out(weights, d_output.shape[-1])
        return weighted_mean(-(miss**self.gamma) * log_p, weights)

    def linearise(self, output: Array, target: Array, weights: Array | None) -> FocalPoint:
        """With p of the target, q = 1 - p:  ℓ'' = dℓ'/d ln p = γ p q^(γ-1) (2 + ln p - (γ - 1) p ln p / q).

        q is the sum of the other probabilities, which is exact where p is next to 1; there ln p / q goes to -1, and
        what q^(γ-1) multiplies falls like q², so that q may be held above 0.
        """
        right, p = as_one_hot(target, output.shape[-2], output.dtype), softmax(output)
        q = np.maximum(np.add.reduce(p * (1 - right), axis=-2), np.finfo(p.dtype).tiny)
        log_p = np.where(q < 0.5, np.log1p(-np.minimum(q, 0.5)), self._measure_target(output, target)[0])
        hit, count = np.exp(log_p), share_out(weights, output.shape[-1])
        slope = self.gamma * q ** (self.gamma - 1) * hit * log_p - q**self.gamma
        second = self.gamma * hit * q ** (self.gamma - 1) * (2 + log_p - (self.gamma - 1) * hit * log_p / q)
        return FocalPoint(p, right - p, (slope * count)[..., None, :], (second * count)[..., None, :])

    def curvature_along(self, point: FocalPoint, v: Array, out: Array) -> None:
        """Not convex: ∂²ℓ/∂z² v = ℓ'' (e_t - p)(e_t - p)ᵀ v - ℓ' (diag p - p pᵀ) v."""
        along = point.second * np.add.reduce(point.miss * v, axis=-2, keepdims=True)
        np.multiply(point.p, v, out=out)
        np.subtract(v, np.add.reduce(out, axis=-2, keepdims=True), out=out)
        out *= point.p
        out *= point.slope
        np.subtract(along * point.miss, out, out=out)

    def _measure_target(self, output: Array, target: Array) -> tuple[Array, Array]:
        """ln p_t and 1 - p_t, (*population, N)."""
        s = output - np.maximum.reduce(output, axis=-2, keepdims=True)
        t = as_one_hot(target, output.shape[-2], output.dtype)
        log_p = np.add.reduce(s * t, axis=-2) - np.log(np.add.reduce(np.exp(s), axis=-2))
        return log_p, -np.expm1(log_p)


@dataclass(frozen=True)
class SigmoidFocal(OfSigmoid):
    """p = -(1 - q)^γ ln q,  q = σ(z) where t = 1 and σ(-z) where t = 0. Lin et al. (2017), eq. 4.

    >>> round(float(SigmoidFocal().value(np.array([[2.0, 0.0]]), np.array([[1.0, 0.0]]), None)), 4)
    0.0875
    """

    name = "focal"

    gamma: NotNegative = 2.0

    def point(self, z: Array, t: Array) -> Array:
        """(1 - q)^γ ln(1 + e^(-z±)), z± = z or -z."""
        signed = sign_of(t, z) * z
        found: Array = sigmoid(-signed) ** self.gamma * np.logaddexp(0, -signed)
        return found

    def slope(self, z: Array, t: Array, out: Array) -> None:
        """±(1 - q)^γ (γ q ln q - (1 - q))."""
        sign = sign_of(t, z)
        q, miss = sigmoid(sign * z), sigmoid(-sign * z)
        log_q = -np.logaddexp(0, -sign * z)
        np.copyto(out, sign * miss**self.gamma * (self.gamma * q * log_q - miss))

    def second_derivative(self, z: Array, t: Array) -> Any:
        """With m = 1 - q:  q m^γ (γ (m - γ q) ln q + (2γ + 1) m), the derivative of the slope in ±z."""
        signed, gamma = sign_of(t, z) * z, self.gamma
        q, miss = sigmoid(signed), sigmoid(-signed)
        return q * miss**gamma * ((2 * gamma + 1) * miss - gamma * (miss - gamma * q) * np.logaddexp(0, -signed))

    def check(self, n_out: int, target: Array) -> None:
        """Targets are 0 or 1, not between."""
        super().check(n_out, target)
        if not np.isin(target, (0, 1)).all():
            raise DataError("SigmoidFocal takes targets 0 or 1, nothing between.")
