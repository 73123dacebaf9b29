"""Learning rates that change.

A schedule stands where a learning rate stands: `SGD(Cosine(0.1, steps=1000))`. It is a function of t, the number of
updates made, and of the losses met if it keeps a memory. η₀ is `rate0`. It knows neither optimizers nor networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import cos, inf, pi
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np

from mlp.errors import HyperparameterError, check_count, check_not_negative
from mlp.family import Named, collect
from mlp.hyperparameters import Count, Fraction, NotNegative, Positive


def check_first_rate(_: str, value: Any) -> None:
    """Refuse a first rate below 0, by the name that it has in a rule."""
    check_not_negative("learning_rate", value)


FirstRate: TypeAlias = Annotated[float, check_first_rate]


@dataclass(frozen=True)
class Timed(Named):
    """A schedule that remembers nothing: t says everything.

    `lengths(n, epoch)`: the lengths that suit a run of n updates, of which an epoch has so many, by names of fields.
    """

    lengths: ClassVar[Any] = staticmethod(lambda n, epoch: {})

    rate0: FirstRate

    def init(self) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Constant(Timed):
    """η_t = η₀."""

    name = "constant"

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return self.rate0


@dataclass(frozen=True)
class StepDecay(Timed):
    """η_t = η₀ · `factor`^⌊t / `every`⌋.

    >>> [round(float(StepDecay(0.1, every=2).rate(t, 1.0, None)), 4) for t in range(5)]
    [0.1, 0.1, 0.01, 0.01, 0.001]
    """

    name = "step"
    lengths = staticmethod(lambda n, epoch: {"every": max(1, n // 3)})  # two steps down

    every: Count
    factor: Positive = 0.1

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return float(self.rate0 * self.factor ** (t // self.every))


@dataclass(frozen=True)
class MultiStep(Timed):
    """η_t = η₀ · `factor`^k, where k of the updates in `at` have been reached: at[k-1] ≤ t < at[k].

    >>> [round(float(MultiStep(0.1, at=[1, 3]).rate(t, 1.0, None)), 4) for t in range(5)]
    [0.1, 0.01, 0.01, 0.001, 0.001]
    """

    name = "multi_step"
    lengths = staticmethod(lambda n, epoch: {"at": [max(1, n // 2), max(1, n * 3 // 4)]})

    at: Sequence[int]
    factor: Positive = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.at, Sequence) or isinstance(self.at, str):
            raise HyperparameterError("at", self.at, "updates after which the rate falls: (500, 800)")
        for t in self.at:
            check_count("at", t)
        object.__setattr__(self, "at", tuple(self.at))  # equal to what was given as a list

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return float(self.rate0 * self.factor ** sum(t >= reached for reached in self.at))


@dataclass(frozen=True)
class Exponential(Timed):
    """η_t = η₀ · `factor`^(t / `every`): StepDecay without the steps.

    >>> [round(float(Exponential(0.1, every=2).rate(t, 1.0, None)), 4) for t in range(5)]
    [0.1, 0.0316, 0.01, 0.0032, 0.001]
    """

    name = "exponential"
    lengths = staticmethod(lambda n, epoch: {"every": max(1, n // 2)})  # the factor twice

    every: Count
    factor: Positive = 0.1

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return float(self.rate0 * self.factor ** (t / self.every))


@dataclass(frozen=True)
class InverseTime(Timed):
    """η_t = η₀ / (1 + t/`every`)^`power`.

    Robbins & Monro (1951) need a power above ½ and at most 1 for noise to average out; averaged SGD takes one between.

    >>> [round(float(InverseTime(0.1, every=1).rate(t, 1.0, None)), 4) for t in range(5)]
    [0.1, 0.05, 0.0333, 0.025, 0.02]
    """

    name = "inverse_time"
    lengths = staticmethod(lambda n, epoch: {"every": max(1, n // 10)})  # an eleventh at a power of 1

    every: Count
    power: Positive = 1.0

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return float(self.rate0 / (1 + t / self.every) ** self.power)


@dataclass(frozen=True)
class Planned(Timed):
    """A schedule for a run of T = `steps` updates."""

    steps: Count

    lengths = staticmethod(lambda n, epoch: {"steps": n})  # the whole run


@dataclass(frozen=True)
class Polynomial(Planned):
    """η_t = η_end + (η₀ - η_end)(1 - t/T)^`power` for t < T = `steps`, then η_end = `final`.

    Power 1 is a straight line.

    >>> [round(float(Polynomial(0.1, steps=4).rate(t, 1.0, None)), 4) for t in range(5)]
    [0.1, 0.075, 0.05, 0.025, 0.0]
    """

    name = "polynomial"

    power: Positive = 1.0
    final: NotNegative = 0.0

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        left = 1 - min(t / self.steps, 1.0)
        return float(self.final + (self.rate0 - self.final) * left**self.power)


@dataclass(frozen=True)
class Cosine(Planned):
    """η_t = η_end + ½(η₀ - η_end)(1 + cos π t/T) for t < T = `steps`, then η_end = `final`.

    Loshchilov & Hutter (2017), eq. 5, one period.

    >>> [round(float(Cosine(0.1, steps=4).rate(t, 1.0, None)), 4) for t in range(5)]
    [0.1, 0.0854, 0.05, 0.0146, 0.0]
    """

    name = "cosine"

    final: NotNegative = 0.0

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return _go_by_cosine(self.rate0, self.final, min(t / self.steps, 1.0))


@dataclass(frozen=True)
class CosineRestarts(Planned):
    """Cosine again and again: from η₀ to η_end = `final` in `steps` updates, then in `growth` times as many, ...

    Loshchilov & Hutter (2017), eq. 5: T₀ is `steps`, T_mult is `growth`.

    >>> [round(float(CosineRestarts(0.1, steps=2).rate(t, 1.0, None)), 4) for t in range(5)]
    [0.1, 0.05, 0.1, 0.0854, 0.05]
    """

    name = "cosine_restarts"

    growth: Count = 2
    final: NotNegative = 0.0

    lengths = staticmethod(lambda n, epoch: {"steps": max(1, n // 7)})  # 1 + 2 + 4: ends at the end of a period

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        length = self.steps
        if self.growth == 1:
            t %= length
        while t >= length:
            t, length = t - length, length * self.growth
        return self.final + 0.5 * (self.rate0 - self.final) * (1 + cos(pi * t / length))


@dataclass(frozen=True)
class OneCycle(Planned):
    """Up and down once, by cosines: from `start` · η to η, then to `final` · η at the end of all `steps` updates.

    `rise` is the share of updates that go up. η is `rate0`, the highest rate: larger than one that could be held for
    long ("super-convergence").

    Smith & Topin (2018), with PyTorch's cosines and shares; the momentum stays as it is, where theirs falls meanwhile.

    >>> [round(float(OneCycle(0.1, steps=4).rate(t, 1.0, None)), 4) for t in range(5)]
    [0.004, 0.0812, 0.0283, 0.0, 0.0]
    """

    name = "one_cycle"

    rise: Fraction = 0.3
    start: NotNegative = 0.04
    final: NotNegative = 4e-6

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        top, end = self.rise * self.steps - 1, self.steps - 1
        if t < top:
            return self.rate0 * _go_by_cosine(self.start, 1.0, t / top)
        return self.rate0 * _go_by_cosine(1.0, self.final, min(1.0, (t - top) / max(end - top, 1e-9)))


def _go_by_cosine(first: float, last: float, done: float) -> float:
    """Half a cosine."""
    return last + 0.5 * (first - last) * (1 + cos(pi * done))


@dataclass(frozen=True)
class Triangular(Planned):
    """Up in `steps` updates from `low` · η to η, down in as many, and again; each time `factor` times as high.

    η is `rate0`, the highest rate. Smith (2017), section 3: triangular at a factor of 1, triangular2 at ½.

    >>> [round(float(Triangular(0.1, steps=2).rate(t, 1.0, None)), 4) for t in range(5)]
    [0.025, 0.0625, 0.1, 0.0625, 0.025]
    """

    name = "triangular"

    low: Fraction = 0.25
    factor: Positive = 1.0

    lengths = staticmethod(lambda n, epoch: {"steps": 2 * epoch})  # two epochs

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        cycle, within = divmod(t, 2 * self.steps)
        height = 1 - abs(within / self.steps - 1)
        return float(self.rate0 * (self.low + (1 - self.low) * height * self.factor**cycle))


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
class ReduceOnPlateau(Named):
    """η ← η · `factor` when the mean loss of `patience` windows in a row was not lower than the best by `threshold`.

    A window is `window` updates; one epoch is a good choice. `threshold` is relative, as in PyTorch. What is watched is
    the training loss at each update, not a validation score. η stays at or above `minimum`. In a population each member
    has its own.

    Other than in PyTorch a best is forgotten instead if the loss has leapt away from it, to half or twice as much or
    more, and stays there: it is one of other rows or another penalty, and no η could bring it back.

    >>> schedule = ReduceOnPlateau(0.1, window=1, patience=2)
    >>> memory = schedule.init()
    >>> [round(schedule.rate(t, loss=1.0, memory=memory), 4) for t in range(5)]
    [0.1, 0.1, 0.1, 0.01, 0.01]
    """

    name = "plateau"
    lengths = staticmethod(lambda n, epoch: {"window": epoch})  # an epoch

    rate0: FirstRate
    window: Count
    factor: Fraction = 0.1
    patience: Count = 10
    threshold: Fraction = 1e-4
    minimum: NotNegative = 0.0

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


@dataclass(frozen=True)
class WarmUp(Named):
    """η_t = `then`'s, times (t + 1) / `steps` for the first `steps` updates. Goyal et al. (2017), section 2.2.

    >>> [round(float(WarmUp(0.1, steps=4).rate(t, 1.0, None)), 4) for t in range(5)]
    [0.025, 0.05, 0.075, 0.1, 0.1]
    """

    name = "warmup"
    lengths = staticmethod(lambda n, epoch: {"steps": max(1, n // 20)})  # a twentieth of the run

    then: Any
    steps: Count

    def __post_init__(self) -> None:
        if not hasattr(self.then, "rate"):
            object.__setattr__(self, "then", Constant(self.then))
        super().__post_init__()

    def init(self) -> Any:
        """What `then` remembers."""
        return self.then.init()

    def rate(self, t: int, loss: Any, memory: Any) -> Any:
        """The learning rate of update t."""
        return min(1.0, (t + 1) / self.steps) * self.then.rate(t, loss, memory)


SCHEDULES: dict[str, Any] = collect(Named, vars())
