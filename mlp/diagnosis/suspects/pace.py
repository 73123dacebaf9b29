"""Pace: steps that are too long, too short, too few, or lead astray."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite

import numpy as np

from mlp.diagnosis.evidence import clipped_to
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.suspicion import Suspicion, between, suspect


def _moved(r: Reading) -> str:
    return (
        f"a typical update moves the weights by {r.pace:.1g} of their size" if isfinite(r.pace) else "updates are odd"
    )


def _rate(r: Reading, to: float, otherwise: str) -> str:
    rate = r.setting("learning_rate", r.one("learning_rate"))
    return f"learning_rate {rate:g} → {to:.2g}" if isfinite(to) and isfinite(rate) else otherwise


def too_high(r: Reading) -> Iterator[Suspicion]:
    """A rate far above what is usual for the rule, steps long beside the weights, or a loss that rises."""
    rate, usual = r.setting("learning_rate", r.one("learning_rate")), r.setting("usual_rate")
    share = rate / usual if usual > 0 and isfinite(rate) else 1.0
    lower = _rate(r, usual if share > 2 else rate / 10, "a tenth of the learning rate")
    if share > 2 or r.pace > 0.1:
        weight = max(0.85 * between(share, 1.5, 15), 0.55 * between(r.pace, 0.05, 0.5))
        yield suspect(weight, "learning_rate_too_high", _moved(r), lower)
    if r.is_rising:
        yield suspect(0.6, "learning_rate_too_high", "the loss rises from step to step", lower)


def too_low(r: Reading) -> Iterator[Suspicion]:
    """A rate, mean of the whole schedule, far below what is usual for the rule, or steps tiny beside the weights."""
    rate, usual = r.setting("learning_rate", r.one("learning_rate")), r.setting("usual_rate")
    mean = r.setting("mean_rate", rate)
    lack = usual / mean if usual > 0 and mean > 0 else 1.0
    if lack > 2 or r.pace < 1e-4:
        weight = max(0.88 * between(lack, 2, 50), 0.5 * between(1e-3 / max(r.pace, 1e-30), 3, 100))
        higher = _rate(r, usual if lack > 2 else rate * 100, "a hundred times the learning rate")
        yield suspect(weight, "learning_rate_too_low", _moved(r), higher)


def along(r: Reading) -> Iterator[Suspicion]:
    """Steps along which the loss rises, while it falls along a tenth of them; or falls ten times as far still."""
    if "loss_along" not in r:
        return
    begun, tenth, whole, tenfold = r["loss_along"][-1]
    rate = r.setting("learning_rate", r.one("learning_rate"))
    if whole > begun > tenth:
        lower = _rate(r, rate / 10, "a tenth of the learning rate")
        yield suspect(
            0.58, "learning_rate_too_high", "the loss rises along the step, and falls along a tenth of it", lower
        )
    elif tenfold < whole and begun - whole < 0.01 * begun:
        higher = _rate(r, rate * 10, "ten times the learning rate")
        yield suspect(0.45, "learning_rate_too_low", "the loss still falls ten times as far along the step", higher)


def momentum(r: Reading) -> Iterator[Suspicion]:
    """Steps that go on and on."""
    rest = 1 - r.setting("momentum", 0.0)
    if rest < 0.05 and 1 - rest > r.setting("usual_momentum", 0.9):
        why = f"with a momentum of {1 - rest:g} a step goes on for {1 / max(rest, 1e-9):.0f} more"
        yield suspect(0.3 + 0.63 * between(0.05 / max(rest, 1e-9), 1.2, 10), "momentum_too_high", why, "momentum = 0.9")


def epsilon(r: Reading) -> Iterator[Suspicion]:
    """An ε that outweighs the gradients it is to guard."""
    value = r.setting("epsilon", 0.0)
    if value > 1e-5:
        why = f"an epsilon of {value:g} is larger than the gradients it should guard"
        yield suspect(0.3 + 0.63 * between(value, 1e-4, 0.1), "epsilon_too_large", why, "epsilon = 1e-8")


def clipping(r: Reading) -> Iterator[Suspicion]:
    """Gradients cut to a small part of themselves."""
    norm = float(np.median(r["grad_norm"])) if "grad_norm" in r and len(r["grad_norm"]) else 0.0
    given = max(r.setting("clip_norm"), r.setting("clip_value"))
    limit = given if given > 0 else clipped_to(r)
    if 0 < limit < norm / 3:
        why = f"gradients of {norm:.2g} are cut to {limit:g}"
        yield suspect(0.3 + 0.62 * between(norm / limit, 3, 100), "clipping_too_low", why, "clip_norm = 0.0")


def not_numbers(r: Reading) -> Iterator[Suspicion]:
    """A loss that is no number from one step to the next, although it was low and the steps short."""
    if not len(r.loss) or np.isfinite(r.loss[-1]):
        return
    before = r.loss[np.isfinite(r.loss)]
    calm = len(before) and before.max() < 3 * before[0] and r.pace < 0.5
    if calm and "input_std" not in r:  # the rows of an experiment were looked through
        why = f"the loss was {before[-1]:.3g} one step earlier"
        yield suspect(0.8, "non_finite_data", why, "look for NaN and infinite cells in the batch of that step")


def small_batch(r: Reading) -> Iterator[Suspicion]:
    """Steps that see too few rows to know where to go."""
    size = r.setting("batch_size")
    if size <= 4:
        normed = size <= 2 and r.setting("batch_norm", 0.0) == 1
        why = (
            "batch norm takes mean and deviation from two rows" if normed else f"each step sees {size:.0f} of the rows"
        )
        yield suspect(0.88 if normed else 0.6 if size == 1 else 0.3, "batch_too_small", why, "batch_size = 32")


def length(r: Reading) -> Iterator[Suspicion]:
    """Too few steps, for want of epochs or because each takes so many rows; not where the loss rises."""
    steps, rows, size, epochs = r.planned, r.setting("rows"), r.setting("batch_size"), r.setting("epochs")
    if r.is_rising or not 0 < epochs < inf or not steps:
        return
    few, hopeless = between(500 / steps, 1, 10), between(120 / steps, 1, 3)
    if size > 48 and size >= 0.25 * rows and few > 0:
        why = f"{size:.0f} of {rows:.0f} rows in each step make only {steps} steps"
        yield suspect(max(0.4 + 0.35 * few, 0.9 * hopeless), "batch_too_large", why, "batch_size = 32")
    why = f"{epochs:.0f} epochs are {steps} steps"
    weight = max(0.15 + 0.6 * few * between(20 / epochs, 1, 6), 0.88 * hopeless)
    yield suspect(weight, "too_few_epochs", why, f"epochs {epochs:.0f} → {max(5 * epochs, 20):.0f}")


def order(r: Reading) -> Iterator[Suspicion]:
    """Rows that come in the same order in every epoch."""
    if r.setting("shuffle", 1.0) == 0:
        yield suspect(0.85, "unshuffled_batches", "rows come in the same order in every epoch", "shuffle = true")


PACE = (too_high, too_low, along, momentum, epsilon, clipping, not_numbers, small_batch, length, order)
