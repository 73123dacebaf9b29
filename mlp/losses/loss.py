"""What a loss is, and the two shapes it comes in.

A loss takes the network's *raw* outputs, so the stable form is the only form: softmax and sigmoid live in the loss,
not in the network. It is the weighted mean over samples of a number for each sample, so a sample of weight k counts
exactly like k samples. Leading axes of the outputs are a population; targets and weights are shared by all its
members.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from mlp.arrays import Array, column_sums, row_sum, unit_matrix
from mlp.errors import DataError, DerivativeError, ShapeError
from mlp.family import Named, Operator


class Loss(ABC, Named):
    """L = Σᵢ wᵢ ℓ(outputᵢ, targetᵢ) / Σᵢ wᵢ.

    `output` (*population, n_out, N): raw outputs. `target`: class labels (N,), or values (n_out, N). `weights` (N,), or
    None: all 1. A batch whose weights are all 0 has loss 0 and gradient 0.

    A loss says its `name`, and what its `targets` are: "numbers", "one_of_many" (classes) or "yes_or_no" (an answer for
    each output). Two losses for other targets may have one name. `onnx`: the operator of ONNX that `predict` is. A loss
    with a `predict` of its own must name it to be exported.

    >>> class Linear(Loss):
    ...     def value(self, output, target, weights):
    ...         return (target * output).sum(-2).mean(-1)
    ...
    ...     def value_and_grad(self, output, target, weights, d_output):
    ...         d_output[...] = target / output.shape[-1]
    ...         return self.value(output, target, weights)
    >>> float(Linear().value(np.array([[3.0, 1.0]]), np.array([[1.0, 2.0]]), None))
    2.5
    """

    targets: ClassVar[str] = "numbers"
    onnx: ClassVar[Operator | None] = Operator("Identity")

    @abstractmethod
    def value(self, output: Array, target: Array, weights: Array | None) -> Any:
        """L, (*population,)."""

    @abstractmethod
    def value_and_grad(self, output: Array, target: Array, weights: Array | None, d_output: Array) -> Any:
        """Write ∂L/∂output into `d_output`; return L, (*population,)."""

    def curvature(self, output: Array, target: Array, weights: Array | None, v: Array, out: Array) -> None:
        """Write ∂²L/∂output² v into `out`; v is like `output`."""
        raise DerivativeError(f"{type(self).__name__} gives no second derivative: it has no curvature.")

    def linearise(self, output: Array, target: Array, weights: Array | None) -> Any:
        """What `curvature` has in common for many v, computed once; `curvature_along` gets it."""
        return output, target, weights

    def curvature_along(self, point: Any, v: Array, out: Array) -> None:
        """Write ∂²L/∂output² v into `out`, given what `linearise` found."""
        output, target, weights = point
        self.curvature(output, target, weights, v, out)

    def root(self, output: Array, target: Array, weights: Array | None) -> Array:
        """S with S Sᵀ = ∂²L/∂output² for each sample, (n_out, *output.shape): first axis columns, then outputs."""
        raise DerivativeError(f"{type(self).__name__} gives no root of its second derivative.")

    def residuals(self, output: Array, target: Array, weights: Array | None) -> Array:
        """r with L = ½ Σ r², like `output`."""
        raise DerivativeError(f"{type(self).__name__} is no sum of squares, as least squares need. Use SquaredError.")

    def predict(self, output: Array) -> Array:
        """The link: probabilities or values, made of raw outputs; shape of `output`."""
        return output

    def outputs_for(self, values: Array) -> Array:
        """The inverse of `predict`: raw outputs that give these values. Finite, also for a probability of 0 or 1."""
        return values

    def check(self, n_out: int, target: Array) -> None:
        """Refuse targets that do not fit n_out outputs. Called in the first epoch, not at each step."""
        check_values(type(self).__name__, n_out, target)


def check_values(loss: str, n_out: int, target: Array) -> None:
    """Refuse targets other than (n_out, N), or (N,) for one output."""
    if target.ndim == 1 and n_out == 1:
        return
    if target.ndim != 2 or target.shape[0] != n_out:
        width = 1 if target.ndim == 1 else target.shape[0]
        given = f"(n,) = ({target.shape[-1]},)" if target.ndim == 1 else f"(n, {width})"
        raise ShapeError(
            f"{loss} was given targets of shape {given} for a network with {n_out} outputs. "
            f"Give targets (n, {n_out}), or end the network with Dense(..., {width})."
        )


def check_labels(loss: str, n_classes: int, target: Array) -> None:
    """Refuse class labels other than whole numbers 0 … n_classes - 1."""
    if not np.issubdtype(target.dtype, np.integer):
        raise DataError(
            f"{loss} takes class labels as integers 0 … {n_classes - 1}; given were {target.dtype} numbers."
        )
    low, high = target.min(initial=0), target.max(initial=0)
    if low < 0 or high >= n_classes:
        raise DataError(
            f"{loss} met the class label {low if low < 0 else high} in a network with {n_classes} outputs. "
            f"Labels run from 0 to {n_classes - 1}."
        )


def weighted_mean(losses: Array, weights: Array | None) -> Any:
    """Σ wᵢ ℓᵢ / Σ wᵢ over the last axis of `losses` (*population, N)."""
    if weights is None:
        return row_sum(losses) / losses.shape[-1]
    total = np.add.reduce(weights)
    return losses @ weights / total if total > 0 else np.zeros(losses.shape[:-1], losses.dtype)[()]


def share_out(weights: Array | None, n_samples: int) -> Any:
    """What each sample counts: wᵢ / Σ wᵢ, or 1 / N."""
    if weights is None:
        return 1 / n_samples
    total = np.add.reduce(weights)
    return weights / total if total > 0 else weights


class Pointwise(Loss):
    """A loss that is a sum over outputs: ℓ = Σⱼ p(zⱼ, tⱼ).

    >>> import mlp
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Quartic(mlp.Pointwise):
    ...     def point(self, z, t):
    ...         return (z - t) ** 4 / 4
    ...     def slope(self, z, t, out):
    ...         out[...] = (z - t) ** 3
    >>> mlp.check_part(Quartic())
    """

    @abstractmethod
    def point(self, z: Array, t: Array) -> Array:
        """p(z, t) for each output."""

    @abstractmethod
    def slope(self, z: Array, t: Array, out: Array) -> None:
        """Write ∂p/∂z into `out`."""

    def second_derivative(self, z: Array, t: Array) -> Any:
        """∂²p/∂z²."""
        raise DerivativeError(f"{type(self).__name__} gives no second derivative: it has no method second_derivative.")

    def linearise(self, output: Array, target: Array, weights: Array | None) -> Array:
        """∂²p/∂z², times the sample's share."""
        found = self.second_derivative(output, target) * share_out(weights, output.shape[-1])
        return np.asarray(found, output.dtype)

    def curvature_along(self, point: Array, v: Array, out: Array) -> None:
        """∂²p/∂z² v."""
        np.multiply(point, v, out=out)

    def curvature(self, output: Array, target: Array, weights: Array | None, v: Array, out: Array) -> None:
        """∂²p/∂z² v, times the sample's share."""
        self.curvature_along(self.linearise(output, target, weights), v, out)

    def root(self, output: Array, target: Array, weights: Array | None) -> Array:
        """√(∂²p/∂z²) on the diagonal. Convex losses only."""
        found = np.zeros((output.shape[-2], *output.shape), output.dtype)
        squared = self.second_derivative(output, target) * share_out(weights, output.shape[-1])
        steep = np.sqrt(squared * np.ones_like(output))
        for k in range(len(found)):
            found[k, ..., k, :] = steep[..., k, :]
        return found

    def value(self, output: Array, target: Array, weights: Array | None) -> Any:
        """L."""
        return weighted_mean(column_sums(self.point(output, target)), weights)

    def value_and_grad(self, output: Array, target: Array, weights: Array | None, d_output: Array) -> Any:
        """Write ∂L/∂output; return L."""
        self.slope(output, target, d_output)
        d_output *= share_out(weights, d_output.shape[-1])
        return self.value(output, target, weights)


class Labelled(Loss):
    """A loss on a choice among classes: targets are labels (N,), or a probability for each class (n_classes, N).

    `labels_only`: it takes no probabilities.

    >>> import mlp
    >>> issubclass(mlp.SoftmaxCrossEntropy, mlp.Labelled), mlp.SoftmaxCrossEntropy().labels_only
    (True, False)
    """

    targets = "one_of_many"
    labels_only: ClassVar[bool] = False

    def check(self, n_out: int, target: Array) -> None:
        """Labels must be whole numbers below n_out, and n_out at least 2."""
        name = type(self).__name__
        if n_out < 2:
            raise ShapeError(
                f"{name} chooses among outputs, and the network has {n_out}: one output is always certain. "
                "Use two outputs, or SigmoidCrossEntropy with one."
            )
        if target.ndim != 1:
            check_values(name, n_out, target)
        if target.ndim == 1 or self.labels_only:
            check_labels(name, n_out, target)


FEW_CLASSES = 256
"""Up to so many classes labels pick columns of a unit matrix: 0.3 µs, where comparing them with all takes 1.4."""


def as_one_hot(target: Array, n_classes: int, dtype: Any, share: float = 1.0) -> Array:
    """Labels (N,) as (n_classes, N) of 0 and `share`; anything with more axes as it is, times that."""
    if target.ndim > 1:
        return target if share == 1 else target * share
    if n_classes <= FEW_CLASSES:
        # NumPy 2.0 takes no uint64. To ask first costs 0.05 µs; `astype` 0.17 where there is nothing to do
        labels = target if target.dtype == np.intp else target.astype(np.intp)
        return unit_matrix(n_classes, dtype, share).take(labels, 1)
    found: Array = np.equal(target, np.arange(n_classes)[:, None]).astype(dtype)
    return found if share == 1 else found * share
