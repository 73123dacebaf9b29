"""A learning rate that looks at the loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from mlp.errors import check_count, check_fraction, check_not_negative, check_positive


@dataclass
class PlateauMemory:
    """`total`: the losses of the present window; `best`: the lowest mean of a window; `waited`: windows since then.

    `lowest`: the lowest mean of those that were waited for.
    """

    factor: Any = 1.0
    total: Any = 0.0
    best: Any = np.finfo(np.float64).max
    waited: Any = field(default_factory=lambda: np.zeros((), int))
    lowest: Any = inf


@dataclass(frozen=True)
class ReduceOnPlateau:
    """η ← η · `factor` when the mean loss of `patience` windows in a row was not lower than the best by `threshold`.

    A window is `window` updates; one epoch is a good choice. `threshold` is relative, as in PyTorch. What is watched is
    the training loss at each update, not a validation score. η stays at or above `minimum`. In a population each member
    has its own.

    Other than in PyTorch a best is forgotten instead if the loss has leapt away from it, to half or twice as much or
    more, and stays there: it is one of other rows or another penalty, and no η could bring it back.
    """

    rate0: float
    window: int
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    minimum: float = 0.0

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.rate0)
        check_count("window", self.window)
        check_fraction("factor", self.factor)
        check_count("patience", self.patience)
        check_fraction("threshold", self.threshold)
        check_not_negative("minimum", self.minimum)

    def init(self) -> PlateauMemory:
        """Nothing seen."""
        return PlateauMemory()

    def rate(self, t: int, loss: Any, memory: PlateauMemory) -> Any:
        """The learning rate of update t."""
        if t and t % self.window == 0:
            self._judge(memory)
        memory.total = memory.total + loss
        eta = np.maximum(self.rate0 * memory.factor, self.minimum)
        return eta[..., None] if np.ndim(eta) else float(eta)

    def _judge(self, memory: PlateauMemory) -> None:
        """Compare the window that ended with the best so far."""
        mean = memory.total / self.window
        # a share of |best|: PyTorch's best · (1 - threshold) lies above a negative best, and standing still is progress
        better = mean < memory.best - self.threshold * np.abs(memory.best)
        memory.waited = np.where(better, 0, memory.waited + 1)
        lowest = np.minimum(memory.lowest, mean)
        late = memory.waited >= self.patience
        gone = late & _is_far(lowest, memory.best) & ~_is_far(mean, lowest)
        memory.best = np.where(better, mean, np.where(gone, lowest, memory.best))
        memory.factor = np.where(late & ~gone, memory.factor * self.factor, memory.factor)
        memory.lowest = np.where(better | late, inf, lowest)
        memory.waited = np.where(late, 0, memory.waited)
        memory.total = 0.0


@np.errstate(invalid="ignore")  # neither is, of two that are infinite
def _is_far(a: Any, b: Any) -> Any:
    """Whether the larger of two losses is more than twice the other, or of another sign."""
    return np.abs(a - b) > 0.5 * np.maximum(np.abs(a), np.abs(b))
