"""A learning rate that looks at the loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp.errors import check_count, check_fraction, check_not_negative, check_positive


@dataclass
class PlateauMemory:
    """`total`: the losses of the present window; `best`: the lowest mean of a window; `waited`: windows since then."""

    factor: Any = 1.0
    total: Any = 0.0
    best: Any = np.finfo(np.float64).max
    waited: Any = field(default_factory=lambda: np.zeros((), int))


@dataclass(frozen=True)
class ReduceOnPlateau:
    """η ← η · `factor` when the mean loss of `patience` windows in a row was not lower than the best by `threshold`.

    A window is `window` updates; one epoch is a good choice. `threshold` is relative, as in PyTorch. What is watched is
    the training loss at each update, not a validation score. η stays at or above `minimum`. In a population each member
    has its own.
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
        memory.best = np.where(better, mean, memory.best)
        memory.waited = np.where(better, 0, memory.waited + 1)
        late = memory.waited >= self.patience
        memory.factor = np.where(late, memory.factor * self.factor, memory.factor)
        memory.waited = np.where(late, 0, memory.waited)
        memory.total = 0.0
