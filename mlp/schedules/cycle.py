"""Learning rates that rise as well: a warm-up before another schedule, restarts, cycles."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Any

from mlp.errors import check_count, check_fraction, check_not_negative, check_positive
from mlp.schedules.decay import Constant, Timed


@dataclass(frozen=True)
class WarmUp:
    """η_t = `then`'s, times (t + 1) / `steps` for the first `steps` updates. Goyal et al. (2017), section 2.2."""

    then: Any
    steps: int

    def __post_init__(self) -> None:
        if not hasattr(self.then, "rate"):
            object.__setattr__(self, "then", Constant(self.then))
        check_count("steps", self.steps)

    def init(self) -> Any:
        """What `then` remembers."""
        return self.then.init()

    def rate(self, t: int, loss: Any, memory: Any) -> Any:
        """The learning rate of update t."""
        return min(1.0, (t + 1) / self.steps) * self.then.rate(t, loss, memory)


@dataclass(frozen=True)
class CosineRestarts(Timed):
    """Cosine again and again: from η₀ to η_end = `final` in `steps` updates, then in `growth` times as many, ...

    Loshchilov & Hutter (2017), eq. 5: T₀ is `steps`, T_mult is `growth`.
    """

    rate0: float
    steps: int
    growth: int = 2
    final: float = 0.0

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.rate0)
        check_count("steps", self.steps)
        check_count("growth", self.growth)
        check_not_negative("final", self.final)

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        length = self.steps
        if self.growth == 1:
            t %= length
        while t >= length:
            t, length = t - length, length * self.growth
        return self.final + 0.5 * (self.rate0 - self.final) * (1 + cos(pi * t / length))


@dataclass(frozen=True)
class OneCycle(Timed):
    """Up and down once, by cosines: from `start` · η to η, then to `final` · η at the end of all `steps` updates.

    `rise` is the share of updates that go up. η is `rate0`, the highest rate: larger than one that could be held for
    long ("super-convergence").

    Smith & Topin (2018), with PyTorch's cosines and shares; the momentum stays as it is, where theirs falls meanwhile.
    """

    rate0: float
    steps: int
    rise: float = 0.3
    start: float = 0.04
    final: float = 4e-6

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.rate0)
        check_count("steps", self.steps)
        check_fraction("rise", self.rise)
        check_not_negative("start", self.start)
        check_not_negative("final", self.final)

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        top, end = self.rise * self.steps - 1, self.steps - 1
        if t < top:
            return self.rate0 * _from(self.start, 1.0, t / top)
        return self.rate0 * _from(1.0, self.final, min(1.0, (t - top) / max(end - top, 1e-9)))


def _from(first: float, last: float, done: float) -> float:
    """Half a cosine."""
    return last + 0.5 * (first - last) * (1 + cos(pi * done))


@dataclass(frozen=True)
class Triangular(Timed):
    """Up in `steps` updates from `low` · η to η, down in as many, and again; each time `factor` times as high.

    η is `rate0`, the highest rate. Smith (2017), section 3: triangular at a factor of 1, triangular2 at ½.
    """

    rate0: float
    steps: int
    low: float = 0.25
    factor: float = 1.0

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.rate0)
        check_count("steps", self.steps)
        check_fraction("low", self.low)
        check_positive("factor", self.factor)

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        cycle, within = divmod(t, 2 * self.steps)
        height = 1 - abs(within / self.steps - 1)
        return float(self.rate0 * (self.low + (1 - self.low) * height * self.factor**cycle))
