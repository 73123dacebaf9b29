"""The rules whose update the microscope writes out: SGD, momentum, RMSprop and Adam, for a single weight.

A rule is a few equations, each with the number that comes out. What a rule remembers is read from its state; of other
rules the update is shown, and that there is no formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any, NamedTuple

from mlp.optimizers import SGD, Adam, Momentum, Optimizer, RMSprop

Equation = tuple[str, str, float, float]
"""What is computed, how, the number, and Σ|terms| of the sum that gave it."""


class Moment(NamedTuple):
    """What one weight's update is made of: its gradient, the learning rate, the number of the update, the memory.

    `before` and `after`: what the rule remembered of this weight, by name, as its state keeps it.
    """

    g: float
    rate: float
    t: int
    before: Mapping[str, float]
    after: Mapping[str, float]


class RuleFormula(NamedTuple):
    """`words`: the rule in one line. `memory`: the arrays of its state. `equations`: its lines for one weight.

    The last equation gives the update. Each that gives a memory names it, so that it can be compared.
    """

    words: str
    memory: tuple[str, ...]
    equations: Callable[[Any, Moment], list[Equation]]


def _sgd(rule: SGD, m: Moment) -> list[Equation]:
    return [("Δw", "−η·∂L/∂w", -m.rate * m.g, abs(m.rate * m.g))]


def _momentum(rule: Momentum, m: Moment) -> list[Equation]:
    v, scale = _add_velocity(float(rule.momentum), m, -m.rate * m.g)
    return [("v", "μ·v − η·∂L/∂w", v, scale), ("Δw", "v", v, scale)]


def _add_velocity(momentum: float, m: Moment, push: float) -> tuple[float, float]:
    """μ v + push, and the sum of the sizes of the two."""
    return momentum * m.before["v"] + push, abs(momentum * m.before["v"]) + abs(push)


def _rmsprop(rule: RMSprop, m: Moment) -> list[Equation]:
    decay = float(rule.decay)
    s = decay * m.before["s"] + (1 - decay) * m.g**2
    push = -m.rate * m.g / (sqrt(s) + float(rule.epsilon))
    found: list[Equation] = [("s", "α·s + (1 − α)·(∂L/∂w)²", s, s)]
    if not rule.momentum:
        return [*found, ("Δw", "−η·∂L/∂w / (√s + ε)", push, abs(push))]
    v, scale = _add_velocity(float(rule.momentum), m, push)
    return [*found, ("v", "μ·v − η·∂L/∂w / (√s + ε)", v, scale), ("Δw", "v", v, scale)]


def _adam(rule: Adam, m: Moment) -> list[Equation]:
    """The state keeps m/(1 - β₁) and v/(1 - β₂); here they are the paper's."""
    beta1, beta2 = float(rule.beta1), float(rule.beta2)
    kept, new = beta1 * (1 - beta1) * m.before["m"], (1 - beta1) * m.g
    mean, scale = kept + new, abs(kept) + abs(new)
    square = beta2 * (1 - beta2) * m.before["v"] + (1 - beta2) * m.g**2
    bias, root = 1 - beta1**m.t, square / (1 - beta2**m.t)
    pace = m.rate / (sqrt(root) + float(rule.epsilon)) / bias
    return [
        ("m", "β₁·m + (1 − β₁)·∂L/∂w", mean, scale),
        ("v", "β₂·v + (1 − β₂)·(∂L/∂w)²", square, square),
        ("m̂", "m / (1 − β₁ᵗ)", mean / bias, scale / bias),
        ("v̂", "v / (1 − β₂ᵗ)", root, root),
        ("Δw", "−η·m̂ / (√v̂ + ε)", -pace * mean, pace * scale),
    ]


RULE_FORMULAS: dict[type, RuleFormula] = {
    SGD: RuleFormula("Δw = −η · ∂L/∂w", (), _sgd),
    Momentum: RuleFormula("v ← μ·v − η·∂L/∂w,  Δw = v", ("v",), _momentum),
    RMSprop: RuleFormula("s ← α·s + (1 − α)·(∂L/∂w)²,  Δw = −η·∂L/∂w / (√s + ε)", ("s", "v"), _rmsprop),
    Adam: RuleFormula("m, v: means of ∂L/∂w and of its square,  Δw = −η·m̂ / (√v̂ + ε)", ("m", "v"), _adam),
}


def recorded_memory(rule: Optimizer, name: str, value: float) -> float:
    """A number of the state as the equations mean it: Adam's state keeps m/(1 - β₁) and v/(1 - β₂)."""
    if isinstance(rule, Adam):
        return float(value * (1 - (rule.beta1 if name == "m" else rule.beta2)))
    return value
