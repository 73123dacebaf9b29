"""The one-line progress gate: the best loss so far must have come clearly below that of the best constant answer.

    alarm if  min loss ≥ 0.95 · floor    after so many epochs

The floor is the entropy of the class shares, for numbers their variance. It needs no gradient and names no cause. Any
set of rules must beat it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from observer import Seen

import mlp

NO_PROGRESS = 0.95
"""The notes on diagnosis, section 1.4: a loss above this share of the floor has not moved."""


def at(share: float) -> Callable[[Seen], tuple[mlp.Finding, ...]]:
    """The gate after this share of the planned epochs, at least one; a loss that is no number fails at once."""

    def judge(seen: Seen) -> tuple[mlp.Finding, ...]:
        assert seen.observed is not None
        history, floor = seen.history, float(seen.observed["floor"][0])
        due = max(1, round(share * float(seen.observed["epochs"][0])))
        losses = history["train_loss"][:due] if "train_loss" in history else np.empty(0)
        lost = not np.isfinite(losses).all()
        if not lost and (len(losses) < due or losses.min() < NO_PROGRESS * floor):
            return ()
        best = float(np.min(losses, where=np.isfinite(losses), initial=np.inf))
        step = int(history.steps("train_loss")[len(losses) - 1])
        message = f"After {len(losses)} epochs the best loss is {best:.3g}; a constant answer has {floor:.3g}."
        return (mlp.Finding("no_progress", "critical", message, (), step, {"loss": best, "floor": floor}),)

    return judge
