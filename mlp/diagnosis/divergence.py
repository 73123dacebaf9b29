"""Divergence: the loss left the numbers, or is on its way there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis.finding import Cause, Finding
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.suspects import ranked


@dataclass(frozen=True)
class Divergence:
    """Critical at the first step whose loss is NaN or infinite: nothing after it can be trusted.

    The loss of every recorded step is looked at, and where there is one the mean of every epoch, "train_loss": it tells
    of steps that were not recorded. A population has diverged when all of its members have. Where there is "n_classes"
    the targets are classes, which cannot be too large.

    Critical too where the mean recent loss is a million times what the run began with, and what a constant answer has:
    a few more such steps would have left the numbers.
    """

    needs: tuple[str, ...] = ("loss",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding."""
        for name in ("loss", "train_loss"):
            if name in r:
                lost = np.flatnonzero(~np.isfinite(_best(r, name)))
                if lost.size:
                    yield self._finding(r, name, int(lost[0]))
                    return
        if r.has_exploded:
            yield self._exploded(r)

    def _exploded(self, r: Reading) -> Finding:
        step = int(r.steps("loss")[np.argmax(r.loss > r.exploding)])
        causes = _causes(r, _grown(_rate(r, step)))
        evidence = {"loss": r.now, "first_loss": r.start, "threshold": r.exploding}
        message = (
            f"The loss has grown from {r.start:.3g} to {r.now:.3g} in {r.done} steps: training diverges. "
            f"Most likely: {causes[0].why}; try {causes[0].remedy}."
        )
        return Finding("divergence", "critical", message, (), step, evidence, causes)

    def _finding(self, r: Reading, name: str, record: int) -> Finding:
        step, lost = int(r.steps(name)[record]), _best(r, name)[record]
        before = _best(r, "loss")[r.steps("loss") < step]
        evidence: dict[str, Any] = {"loss": str(lost)}
        if before.size:
            evidence |= {"first_loss": float(before[0]), "largest_finite_loss": float(before.max())}
        causes = _causes(r, _grown(_rate(r, step)) if before.size else _from_the_start(r))
        message = (
            f"The loss is {lost} at step {step}: training has diverged and was stopped. "
            f"Most likely: {causes[0].why}; try {causes[0].remedy}."
        )
        kind = "non_finite_data" if causes[0].name == "non_finite_data" else "divergence"
        return Finding(kind, "critical", message, (), step, evidence, causes)


def _causes(r: Reading, guesses: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The suspects, and after them what else it may be."""
    settled = {"scaled": "unscaled_inputs", "automatic_init": "initialization_too_large"}
    known = ranked(r)
    excused = {cause for setting, cause in settled.items() if r.setting(setting, 0.0) == 1} | {c.name for c in known}
    return (*known, *(cause for cause in guesses if cause.name not in excused))


INITIALIZATION = Cause("initialization_too_large", "the first weights are so large that sums overflow", 'init = "auto"')
INPUTS = Cause("unscaled_inputs", "large inputs make large gradients", 'scale = "standard"')
TARGETS = Cause("unscaled_targets", "the targets are so large that their errors overflow", "targets of about 1")


def _from_the_start(r: Reading) -> tuple[Cause, ...]:
    """Causes where no step was made before: the learning rate cannot be to blame."""
    return (INITIALIZATION, INPUTS) if "n_classes" in r else (TARGETS, INPUTS, INITIALIZATION)


def _grown(rate: float) -> tuple[Cause, ...]:
    """Causes of a loss that was a number at first."""
    lower = f"learning_rate {rate:g} → {rate / 10:g}" if rate > 0 else "a learning rate ten times lower"
    why = "the learning rate is too high, and the loss grew until it left the range of numbers"
    return Cause("learning_rate_too_high", why, lower), INITIALIZATION, INPUTS


def _best(r: Reading, name: str) -> Array:
    """The loss of each record; for a population the lowest there is, (n_records,)."""
    losses = r[name]
    lowest: Array = np.fmin.reduce(losses, axis=tuple(range(1, losses.ndim)))  # fmin passes over NaN
    return lowest


def _rate(r: Reading, step: int) -> float:
    """The learning rate at that step or the last recorded before it; 0 where none was."""
    if "learning_rate" not in r:
        return 0.0
    until = r["learning_rate"][r.steps("learning_rate") <= step]
    return float(np.max(until[-1])) if len(until) else 0.0
