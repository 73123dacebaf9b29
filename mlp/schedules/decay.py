"""Learning rates that fall, each by a formula of t, the number of updates made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import Any

from mlp.errors import HyperparameterError, check_count, check_not_negative, check_positive


class Timed:
    """A schedule that remembers nothing: t says everything."""

    def init(self) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Constant(Timed):
    """η_t = `rate0`."""

    rate0: float

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.rate0)

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return self.rate0


@dataclass(frozen=True)
class _Decay(Timed):
    rate0: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.rate0)
        check_count("every", self.every)
        check_positive("factor", self.factor)


@dataclass(frozen=True)
class StepDecay(_Decay):
    """η_t = η₀ · `factor`^⌊t / `every`⌋."""

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return float(self.rate0 * self.factor ** (t // self.every))


@dataclass(frozen=True)
class MultiStep(Timed):
    """η_t = η₀ · `factor`^k, where k of the updates in `at` have been reached: at[k-1] ≤ t < at[k]."""

    rate0: float
    at: Sequence[int]
    factor: float = 0.1

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.rate0)
        check_positive("factor", self.factor)
        if not isinstance(self.at, Sequence) or isinstance(self.at, str):
            raise HyperparameterError("at", self.at, "updates after which the rate falls: (500, 800)")
        for t in self.at:
            check_count("at", t)
        object.__setattr__(self, "at", tuple(self.at))  # equal to what was given as a list

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return float(self.rate0 * self.factor ** sum(t >= reached for reached in self.at))


@dataclass(frozen=True)
class Exponential(_Decay):
    """η_t = η₀ · `factor`^(t / `every`): StepDecay without the steps."""

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return float(self.rate0 * self.factor ** (t / self.every))


@dataclass(frozen=True)
class InverseTime(Timed):
    """η_t = η₀ / (1 + t/`every`)^`power`.

    Robbins & Monro (1951) need a power above ½ and at most 1 for noise to average out; averaged SGD takes one between.
    """

    rate0: float
    every: int
    power: float = 1.0

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.rate0)
        check_count("every", self.every)
        check_positive("power", self.power)

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        return float(self.rate0 / (1 + t / self.every) ** self.power)


@dataclass(frozen=True)
class Polynomial(Timed):
    """η_t = η_end + (η₀ - η_end)(1 - t/T)^`power` for t < T = `steps`, then η_end = `final`.

    Power 1 is a straight line.
    """

    rate0: float
    steps: int
    power: float = 1.0
    final: float = 0.0

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.rate0)
        check_count("steps", self.steps)
        check_positive("power", self.power)
        check_not_negative("final", self.final)

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        left = 1 - min(t / self.steps, 1.0)
        return float(self.final + (self.rate0 - self.final) * left**self.power)


@dataclass(frozen=True)
class Cosine(Timed):
    """η_t = η_end + ½(η₀ - η_end)(1 + cos π t/T) for t < T = `steps`, then η_end = `final`.

    Loshchilov & Hutter (2017), eq. 5, one period.
    """

    rate0: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        check_positive("learning_rate", self.rate0)
        check_count("steps", self.steps)
        check_not_negative("final", self.final)

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        """The learning rate of update t."""
        done = min(t / self.steps, 1.0)
        return self.final + 0.5 * (self.rate0 - self.final) * (1 + cos(pi * done))
