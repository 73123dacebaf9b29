"""Divergence: the loss left the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlp.diagnosis.finding import Cause, Finding
from mlp.history import History


@dataclass(frozen=True)
class Divergence:
    """Critical at the first step whose loss is NaN or infinite: nothing after it can be trusted."""

    needs: tuple[str, ...] = ("loss",)

    def __call__(self, history: History) -> Iterator[Finding]:
        """At most one finding."""
        loss = history["loss"]
        bad = np.flatnonzero(~np.isfinite(loss.reshape(len(loss), -1)).any(axis=1))
        if bad.size:
            yield self._finding(history, int(bad[0]))

    def _finding(self, history: History, record: int) -> Finding:
        loss = history["loss"]
        step = int(history.steps("loss")[record])
        finite = loss[:record][np.isfinite(loss[:record])]
        evidence = {"loss": str(loss[record]), "first_loss": float(loss[0])}
        if finite.size:
            evidence["largest_finite_loss"] = float(finite.max())
        rate = _rate(history, record)
        lower = f"learning_rate {rate:g} → {rate / 10:g}" if rate else "a learning rate ten times lower"
        causes = (
            Cause("learning_rate_too_high", "the loss grew until it left the range of numbers", lower),
            Cause("initialization_too_large", "activations may overflow from the start", 'init = "auto"'),
            Cause("unscaled_inputs", "large inputs make large gradients", 'scale = "standard"'),
        )
        message = (
            f"The loss is {loss[record]} at step {step}: training has diverged and was stopped. "
            f"Most often the learning rate is too high; try {lower}."
        )
        return Finding("divergence", "critical", message, (), step, evidence, causes)


def _rate(history: History, record: int) -> float:
    """The learning rate at that record, or 0 where it was not recorded."""
    if "learning_rate" not in history or len(history["learning_rate"]) <= record:
        return 0.0
    return float(np.max(history["learning_rate"][record]))
