"""What an optimizer is: a rule that is never changed, and the memory it works with.

A rule minimises any function of a vector. It knows nothing of networks: it sees parameters, a loss and a gradient, and
writes the step to add. Everything it remembers is in a `State` that the caller owns and may read, plot and save. With
parameters (R, P) it moves R vectors at once; hyperparameters may then be arrays (R, 1), one for each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

import numpy as np

from mlp.arrays import Array
from mlp.errors import (
    HyperparameterError,
    ShapeError,
    check_each,
    check_finite,
    check_fraction,
    check_kind,
    check_not_negative,
    check_positive,
)


class Objective(Protocol):
    """The loss of this step's batch, at other parameters.

    Rules may ask for more; where it is missing they say so by name, or take differences of gradients. Of networks
    `mlp.Objective` has all of it, at the present parameters: `hvp(v, out)` and `gnvp(v, out)`, the Hessian and the
    Gauss-Newton matrix times v; `jacobian(out)`, which returns the residuals, `root_jacobian(out)` and `n_residuals`;
    `kronecker()`; what samples count, `shares` and `n_observed`.
    """

    def value(self, params: Array) -> Any:
        """L(params)."""

    def value_and_grad(self, params: Array, out: Array) -> Any:
        """Write ∂L/∂params into `out`; return L(params)."""


class Evaluation(NamedTuple):
    """What is known at the present point. Only read by rules.

    `params` and `grad` (*population, P); `loss` (*population,); `objective` asks elsewhere, for rules that search.
    """

    params: Array
    loss: Any
    grad: Array
    objective: Objective | None = None


class Schedule(Protocol):
    """A learning rate that changes."""

    def init(self) -> Any:
        """What it remembers from step to step; None if the number of the step is enough."""

    def rate(self, t: int, loss: Any, memory: Any) -> Any:
        """The learning rate of update t = 0, 1, ..., where the loss is `loss`; may write to `memory`."""


Rate: TypeAlias = float | Array | Schedule


def check_rate(rate: Rate) -> None:
    """Refuse learning rates that are not numbers above 0; a schedule checks its own."""
    if not hasattr(rate, "rate"):
        check_each(check_positive, "learning_rate", rate)


RANGES = {  # of the numbers that many rules have
    "momentum": check_fraction,
    "decay": check_fraction,
    "beta1": check_fraction,
    "beta2": check_fraction,
    "beta3": check_fraction,
    "nu": check_not_negative,
    "nu1": check_not_negative,
    "nu2": check_not_negative,
    "alpha": check_not_negative,
    "epsilon": check_positive,
    "weight_decay": check_not_negative,
    "trust": check_positive,
    "distance": check_positive,
    "gamma": check_positive,
    "lowest": check_finite,
}


def check_numbers(rule: Any) -> None:
    """Refuse a learning rate or another number of the rule that is out of its range."""
    check_rate(rule.learning_rate)
    for name, value in vars(rule).items():
        if name in RANGES:
            check_each(RANGES[name], name, value)


@dataclass
class Pace:
    """How far an optimizer is and how fast it goes.

    `t`: updates made. `learning_rate`: that of the latest; write to it to change a constant one by hand.
    """

    schedule: Schedule | None
    memory: Any
    learning_rate: Any
    t: int = 0

    def next(self, loss: Any) -> Any:
        """Count one more update; return its learning rate."""
        if self.schedule is not None:
            self.learning_rate = self.schedule.rate(self.t, loss, self.memory)
        self.t += 1
        return self.learning_rate


def pace(rule: Any, params: Array) -> Pace:
    """The pace of a rule that has made no update yet."""
    check_rule(rule)
    check_fit(rule, params)
    rate = rule.learning_rate
    if hasattr(rate, "rate"):
        return Pace(rate, rate.init(), float("nan"))
    return Pace(None, None, rate)


def check_params(params: Any) -> None:
    """Refuse what is no vector of parameters."""
    if not isinstance(params, np.ndarray) or params.dtype.kind != "f" or not params.ndim:
        raise HyperparameterError("params", params, "an array of floats, (P,) or (*population, P)")


def check_fit(rule: Any, params: Array) -> None:
    """Refuse arrays of hyperparameters with another shape than the parameters' population has."""
    check_params(params)
    for name, value in vars(rule).items():
        if isinstance(value, np.ndarray) and not _broadcasts(value.shape, params.shape):
            raise ShapeError(
                f"{name} has shape {value.shape} for parameters {params.shape}; "
                "one for each member of a population is (R, 1)."
            )


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of `shape` fits into one of shape `to`."""
    there = to[len(to) - len(shape) :]
    return len(shape) <= len(to) and all(n in (1, m) for n, m in zip(shape, there, strict=True))


@dataclass
class State:
    """What every rule remembers. Rules add arrays, named as in their equations."""

    pace: Pace

    @property
    def t(self) -> int:
        """Updates made."""
        return self.pace.t

    @property
    def learning_rate(self) -> Any:
        """η of the latest update."""
        return self.pace.learning_rate

    @property
    def evaluations(self) -> int:
        """Gradients asked for: one for each update, for rules that look nowhere else."""
        return self.pace.t


class Optimizer(ABC):
    """A rule θ ← θ + u. A frozen dataclass: its repr is the experiment.

    `full_batch`: it compares one step with the next, so every step should see the same samples. `alone`: it searches
    for one vector of parameters and not for a population, asks the objective, and has no learning rate to choose.
    `least_squares`: it minimises squares only.
    """

    full_batch: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    least_squares: ClassVar[bool] = False

    @abstractmethod
    def init(self, params: Array) -> State:
        """The memory of a run that starts at `params`."""

    @abstractmethod
    def update(self, at: Evaluation, state: Any, out: Array) -> None:
        """Write the step to add to the parameters into `out`; move `state` on. Never writes to `at`.

        What leaves the range of numbers becomes ∞ or NaN, and is no error. NumPy may warn of it; `train` does not.
        """


def check_slices(given: Any) -> None:
    """Refuse what is not a sequence of slices."""
    if not isinstance(given, Sequence) or not all(isinstance(s, slice) for s in given):
        raise HyperparameterError("slices", given, "slices of the flat vector: network.layout.slices[2:3]")


def check_inside(slices: Sequence[slice], params: Array) -> None:
    """Refuse slices that begin after the last parameter."""
    for s in slices:
        if s.start is not None and s.start >= params.shape[-1] and s.stop != s.start:
            raise ShapeError(f"{s} holds none of the {params.shape[-1]} parameters.")


def check_rule(rule: Any) -> None:
    """Refuse what is no rule to wrap."""
    check_kind("rule", rule, Optimizer, "an optimizer: SGD(0.1), Adam(), ...")


def check_follows(rule: Any) -> None:
    """Refuse what is no rule, and one that searches: it would not see the gradient of what it asks, nor end there."""
    check_rule(rule)
    if rule.alone:
        needed = "one that only follows its gradient, as momentum and Adam do: a search asks the loss itself"
        raise HyperparameterError("rule", rule, needed)


@dataclass
class WrappedState(State):
    """The memory of a rule around a rule: `inner` is the other's, `scratch` room for a changed gradient."""

    inner: Any = None
    scratch: Array = field(default_factory=lambda: np.empty(0))
