"""Activations as a textbook writes them: a symbol, the function and its slope, in words and for one number.

These are twins of the layers, written from the definitions for a single z, so that what a layer computed for a whole
batch can be checked against them. The page has the same table in `network.js`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, exp, expm1, log1p, pi, sqrt, tanh
from typing import Any, NamedTuple

from mlp.layers import (
    ELU,
    GELU,
    SELU,
    ExactGELU,
    HardSigmoid,
    HardTanh,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)


class ActivationFormula(NamedTuple):
    """φ(z) and φ′, in words, and as functions of (z, layer) and (z, a, layer)."""

    symbol: str
    words: str
    slope_words: str
    value: Callable[[float, Any], float]
    slope: Callable[[float, float, Any], float]


def _exp(z: float) -> float:
    """eᶻ; e⁷⁰⁹ where it is larger than any number."""
    return exp(min(z, 709.0))


def _sigmoid(z: float) -> float:
    return 1 / (1 + _exp(-z))


def _gelu_inner(z: float) -> float:
    return sqrt(2 / pi) * (z + 0.044715 * z**3)


def _gelu_slope(z: float) -> float:
    t = tanh(_gelu_inner(z))
    return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * sqrt(2 / pi) * (1 + 3 * 0.044715 * z * z)


ACTIVATION_FORMULAS: dict[type, ActivationFormula] = {
    Identity: ActivationFormula("id", "z", "1", lambda z, _: z, lambda z, a, _: 1.0),
    Sigmoid: ActivationFormula(
        "σ", "1 / (1 + e⁻ᶻ)", "a (1 − a)", lambda z, _: _sigmoid(z), lambda z, a, layer: a * (1 - a) + layer.flat_spot
    ),
    Tanh: ActivationFormula("tanh", "tanh z", "1 − a²", lambda z, _: tanh(z), lambda z, a, _: 1 - a * a),
    ReLU: ActivationFormula(
        "relu", "max(z, 0)", "1 if z > 0, else 0", lambda z, _: max(z, 0.0), lambda z, a, _: float(z > 0)
    ),
    LeakyReLU: ActivationFormula(
        "lrelu", "z if z > 0, else αz", "1 if z > 0, else α",
        lambda z, layer: z if z > 0 else layer.negative_slope * z,
        lambda z, a, layer: 1.0 if z > 0 else layer.negative_slope,
    ),
    ELU: ActivationFormula(
        "elu", "z if z > 0, else α(eᶻ − 1)", "1 if z > 0, else a + α",
        lambda z, layer: z if z > 0 else layer.alpha * expm1(z),
        lambda z, a, layer: 1.0 if z > 0 else a + layer.alpha,
    ),
    SELU: ActivationFormula(
        "selu", "λz if z > 0, else λα(eᶻ − 1)", "λ if z > 0, else a + λα",
        lambda z, layer: layer.scale * z if z > 0 else layer.scale * layer.alpha * expm1(z),
        lambda z, a, layer: layer.scale if z > 0 else a + layer.scale * layer.alpha,
    ),
    GELU: ActivationFormula(
        "gelu", "½z(1 + tanh(√(2/π)(z + 0.044715z³)))", "dφ/dz",
        lambda z, _: 0.5 * z * (1 + tanh(_gelu_inner(z))), lambda z, a, _: _gelu_slope(z),
    ),
    ExactGELU: ActivationFormula(
        "gelu", "z Φ(z)", "Φ(z) + z e^(−½z²)/√(2π)",
        lambda z, _: 0.5 * z * erfc(-z / sqrt(2)),
        lambda z, a, _: 0.5 * erfc(-z / sqrt(2)) + z * exp(-0.5 * z * z) / sqrt(2 * pi),
    ),
    SiLU: ActivationFormula(
        "silu", "z σ(z)", "σ(z) + a(1 − σ(z))",
        lambda z, _: z * _sigmoid(z), lambda z, a, _: _sigmoid(z) + a * (1 - _sigmoid(z)),
    ),
    Softplus: ActivationFormula(
        "softplus", "ln(1 + eᶻ)", "σ(z)",
        lambda z, _: max(z, 0.0) + log1p(exp(-abs(z))), lambda z, a, _: _sigmoid(z),
    ),
    Softsign: ActivationFormula(
        "softsign", "z / (1 + |z|)", "(1 − |a|)²", lambda z, _: z / (1 + abs(z)), lambda z, a, _: (1 - abs(a)) ** 2
    ),
    HardSigmoid: ActivationFormula(
        "hσ", "z/6 + ½, within 0 … 1", "⅙ if |z| < 3, else 0",
        lambda z, _: min(max(z / 6 + 0.5, 0.0), 1.0), lambda z, a, _: float(abs(z) < 3) / 6,
    ),
    HardTanh: ActivationFormula(
        "htanh", "z, within −1 … 1", "1 if |z| < 1, else 0",
        lambda z, _: min(max(z, -1.0), 1.0), lambda z, a, _: float(abs(z) < 1),
    ),
}  # fmt: skip
