"""How long a rule's own steps take to lower the loss from here, told from the quadratic model alone.

With Ritz values λᵢ of Lanczos from the gradient and cᵢ = ‖g‖ s₁ᵢ, the loss along the i-th Ritz vector is
cᵢ x + ½ λᵢ x². A rule that is linear in the gradients moves each x by itself, so that t steps are the t-th power of a
small matrix, and the sum over i is a Gauss quadrature: it costs no product that the eigenvalues did not cost already.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.optimizers import SGD, Adam, AdamW, Momentum, Nesterov, Optimizer

LONGEST = 1 << 50
"""Steps beyond which "never" is said."""


class Escape(NamedTuple):
    """`steps` until the model has fallen by the amount asked for; inf: never by itself.

    `share`: how much of that fall is owed to growth along negative curvature, beyond what a slope without curvature
    gives; 0 … 1.

    >>> downhill = Motion(keep=0.0, take=1.0, along=-0.1, direct=0.0)
    >>> escape(np.array([-1.0]), np.array([0.01]), downhill, target=0.5).share > 0.9
    True
    """

    steps: float
    share: float


@dataclass(frozen=True)
class Motion:
    """A rule that is linear in the gradients g.

        v ← keep · v + take · g
        u = along · v + direct · g

    `velocity` (P,): v now. `metric` (P,): D, if the rule divides u by it; in coordinates √D θ it divides by nothing,
    the gradient is g/√D and the Hessian D^(-½) H D^(-½).

    >>> from mlp import SGD
    >>> rule = SGD(0.1)
    >>> motion(rule, rule.init(np.zeros(2)), 0.1).keep
    0.0
    """

    keep: float
    take: float
    along: float
    direct: float
    velocity: Array | None = None
    metric: Array | None = None


def motion(rule: Optimizer, state: Any, rate: float) -> Motion | None:
    """How `rule` moves at learning rate `rate`, with its memory as it is; None if it is not linear in the gradients.

    Adam is taken with its present mean squares, right for about 1/(1 - β₂) steps; without a memory it has none.
    """
    if isinstance(rule, SGD):
        return Motion(0.0, 0.0, 0.0, -rate)
    if isinstance(rule, Momentum | Nesterov):
        mu, nesterov = float(np.max(rule.momentum)), isinstance(rule, Nesterov)
        velocity = None if state is None else np.asarray(state.v, np.float64)
        return Motion(mu, -rate, mu if nesterov else 1.0, -rate if nesterov else 0.0, velocity)
    if isinstance(rule, Adam | AdamW) and state is not None and state.t:
        beta1, beta2, t = float(np.max(rule.beta1)), float(np.max(rule.beta2)), state.t
        root = np.sqrt(np.asarray(state.v, np.float64) * (1 - beta2) / (1 - beta2**t)) + rule.epsilon
        return Motion(beta1, 1.0, -rate * (1 - beta1) / (1 - beta1**t), 0.0, np.asarray(state.m, np.float64), root)
    return None


def escape(values: Array, slopes: Array, moving: Motion, target: float, velocity: Array | None = None) -> Escape:
    """Steps until Σ cᵢ xᵢ + ½ λᵢ xᵢ² has fallen by `target`.

    `values` λᵢ, `slopes` cᵢ, `velocity` v along each, (k,).
    """
    moves = (slopes != 0) | (False if velocity is None else velocity != 0)  # what does not would be 0 · ∞ in time
    values, slopes, velocity = values[moves], slopes[moves], None if velocity is None else velocity[moves]
    step = _matrices(values, slopes, moving)
    start = np.zeros((len(values), 3))
    start[:, 2] = 1
    if velocity is not None:
        start[:, 1] = velocity
    doubled = [step]  # the 2ᵏ-th powers
    with np.errstate(over="ignore", invalid="ignore"):
        while _fall(doubled[-1] @ start[..., None], values, slopes) < target:
            if 1 << len(doubled) > LONGEST:
                return Escape(inf, 0.0)
            doubled.append(doubled[-1] @ doubled[-1])
        here, steps = start[..., None], 0
        for k in reversed(range(len(doubled))):
            there = doubled[k] @ here
            if _fall(there, values, slopes) < target:
                here, steps = there, steps + (1 << k)
        return Escape(steps + 1.0, _share(step @ here, values, slopes, moving, steps + 1))


def _matrices(values: Array, slopes: Array, moving: Motion) -> Array:
    """One step as (k, 3, 3) matrices on (x, v, 1), with g = c + λ x."""
    found = np.zeros((len(values), 3, 3))
    found[:, 2, 2] = 1
    found[:, 1] = np.stack([moving.take * values, np.full(len(values), moving.keep), moving.take * slopes], 1)
    found[:, 0] = moving.along * found[:, 1] + moving.direct * np.stack([values, 0 * values, slopes], 1)
    found[:, 0, 0] += 1
    return found


def _falls(at: Array, values: Array, slopes: Array) -> Array:
    """How much each direction has given; inf where it grew beyond all numbers."""
    x = at[:, 0, 0]
    found = -(slopes * x + 0.5 * values * x * x)
    return np.where(np.isfinite(found), found, np.where(values < 0, inf, -inf))


def _fall(at: Array, values: Array, slopes: Array) -> float:
    found = _falls(at, values, slopes)
    return inf if (found == inf).any() else float(np.maximum(found, 0).sum())


def _share(at: Array, values: Array, slopes: Array, moving: Motion, steps: int) -> float:
    """(fall along λ < 0, less what λ = 0 would have given) / fall."""
    falls = np.minimum(_falls(at, values, slopes), 1e300)
    down = values < 0
    if not down.any():
        return 0.0
    pull = steps * abs(moving.direct + moving.along * moving.take / (1 - moving.keep))
    flat = pull * slopes**2
    whole = float(np.maximum(falls, 0).sum())
    return float(np.maximum(falls - flat, 0)[down].sum()) / whole if whole else 0.0
