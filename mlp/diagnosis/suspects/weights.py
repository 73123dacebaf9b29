"""Weights: how they begin, and what pulls them down."""

from __future__ import annotations

from collections.abc import Iterator

from mlp.diagnosis.reading import Reading
from mlp.diagnosis.suspicion import Suspicion, between, suspect

AUTO = 'init = "auto"'


def alike(r: Reading) -> Iterator[Suspicion]:
    """Weights of a hidden layer that begin all alike. A last layer may: a regression from zeros is a fine one."""
    doubles, spread = r.by_layer("identical_units"), list(r.by_layer("weight_std").values())[:-1]
    if max(doubles.values(), default=0.0) == 1:
        yield suspect(1.0, "constant_initialization", "the units of a layer begin all alike", AUTO)
    elif min(spread, default=1.0) == 0:
        yield suspect(0.97, "constant_initialization", "the weights of a layer begin all alike", AUTO)


def size(r: Reading) -> Iterator[Suspicion]:
    """Weights that begin too small or too large to keep a signal's strength; not those that were chosen for that."""
    gains = r.by_layer("weight_gain")
    if not gains or r.setting("automatic_init", 0.0) == 1:
        return
    low, high = min(gains.values()), max(gains.values())
    if 0 < low < 0.5:
        why = f"weights begin at {low:.2g} times the size that keeps a signal's strength"
        yield suspect(0.6 + 0.3 * between(1 / low, 3, 10), "initialization_too_small", why, AUTO)
    if high > 2:
        why = f"weights begin at {high:.2g} times the size that keeps a signal's strength"
        weight = 0.9 if r.start > 5 * r.reference else 0.55 + 0.37 * between(high, 2.2, 4.5)
        yield suspect(weight, "initialization_too_large", why, AUTO)


def bias(r: Reading) -> Iterator[Suspicion]:
    """A bias that holds units off."""
    value = r.setting("bias", min(r.by_layer("bias_mean").values(), default=0.0))
    if value <= -0.5:
        why = f"a bias of {value:g} holds the sums below 0"
        yield suspect(0.6 + 0.36 * between(-value, 0.5, 4), "negative_bias", why, "bias = 0.0")


def decay(r: Reading) -> Iterator[Suspicion]:
    """A penalty that takes the weights away."""
    given = max(r.setting("l2"), r.setting("l1"), r.setting("weight_decay"))
    if given > 2e-3:
        why = f"a penalty of {given:g} pulls the weights to 0 harder than the data pulls them away"
        yield suspect(0.35 + 0.57 * between(given, 3e-3, 0.1), "weight_decay_too_high", why, "l2 = 1e-4")
    elif given != given and "param_norm" in r and len(r["param_norm"]) > 1:
        left = float(r["param_norm"][-1] / r["param_norm"][0])
        if left < 0.2:
            why = f"the weights shrank to {left:.1g} of what they were"
            yield suspect(0.85, "weight_decay_too_high", why, "l2 = 1e-4")


def ball(r: Reading) -> Iterator[Suspicion]:
    """A ball too small for the weights into a unit: first ones that keep the signal's size have norms of 1 to √2."""
    radius = r.setting("max_norm", 0.0)
    if 0 < radius <= 0.5:
        why = f"max_norm = {radius:g} holds the weights into each hidden unit shorter than the signal needs them"
        yield suspect(0.35 + 0.6 * between(1 / radius, 2, 20), "weight_decay_too_high", why, "max_norm = 3")


WEIGHTS = (alike, size, bias, decay, ball)
