"""Whether pretraining taught the layers anything. Information: the training that follows is judged by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis.beginning import listed
from mlp.diagnosis.finding import Cause, Finding
from mlp.diagnosis.reading import Reading

LEAST = 0.98
"""The share of its first error that a layer is to get below."""


@dataclass(frozen=True)
class PretrainingStalled:
    """Layers that describe what they are fed no better after pretraining than before it."""

    needs: tuple[str, ...] = ("pretraining_error_by_layer",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """At most one finding, for all such layers."""
        errors = r["pretraining_error_by_layer"]
        first, best = errors[0], np.fmin.reduce(errors[1:], 0)
        stalled = ~(best < LEAST * first)
        layers = tuple(name for name, s in zip(r.labels("pretraining_error_by_layer"), stalled, strict=False) if s)
        if layers:
            worst = float(np.max(np.where(np.isfinite(best), best / first, np.inf)))
            yield Finding(
                "no_progress",
                "info",
                f"Pretraining taught {listed(list(layers))} nothing: what goes in can be got back from what comes out "
                "no better than before.",
                layers,
                0,
                {"best_to_first": worst, "threshold": LEAST},
                (_why(errors[:, stalled]),),
            )


def _why(errors: Array) -> Cause:
    """Steps too long, if the error rises at once or is no number; else too short."""
    first, second = errors[0], errors[1]
    if not np.isfinite(errors).all() or (second > 1.02 * first).any():
        remedy = "pretrain = {learning_rate = ...} with a tenth of it"
        return Cause("learning_rate_too_high", "the reconstruction gets worse with the first steps", remedy)
    remedy = "pretrain = {learning_rate = ...} with ten times as much, or more of its epochs"
    return Cause("learning_rate_too_low", "the reconstruction hardly changes", remedy)
