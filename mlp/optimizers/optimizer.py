"""What an optimizer is: a rule that is never changed, and the memory it works with.

A rule minimises any function of a vector. It knows nothing of networks: it sees parameters, a loss and a gradient, and
writes the step to add. Everything it remembers is in a `State` that the caller owns and may read, plot and save. With
parameters (R, P) it moves R vectors at once; hyperparameters may then be arrays (R, 1), one for each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol, TypeAlias

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, ShapeError, check_kind, check_not_negative
from mlp.family import Named
from mlp.hyperparameters import each


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
    """What is known at the present point. Rules only read it.

    `params` and `grad` (*population, P); `loss` (*population,); rules that search ask `objective` about other points.

    >>> known = Evaluation(np.array([3.0]), 4.5, np.array([3.0]))  # ½θ² at θ = 3
    >>> known.loss, known.objective is None
    (4.5, True)
    """

    params: Array
    loss: Any
    grad: Array
    objective: Objective | None = None


class Schedule(Protocol):
    """A learning rate that changes. One of your own needs these two methods only.

    >>> class Halved:
    ...     def init(self):
    ...         return None
    ...
    ...     def rate(self, t, loss, memory):
    ...         return 0.5 ** (t + 1)
    >>> from mlp.optimizers.bowl import follow
    >>> from mlp.optimizers.gradient import SGD
    >>> follow(SGD(Halved()), [8.0], 2)
    array([[4.],
           [3.]])
    """

    def init(self) -> Any:
        """What it remembers from step to step; None if the number of the step is enough."""

    def rate(self, t: int, loss: Any, memory: Any) -> Any:
        """The learning rate of update t = 0, 1, ..., where the loss is `loss`; may write to `memory`."""


def check_rate(name: str, value: Any) -> None:
    """Refuse learning rates below 0; at 0 nothing moves. A schedule checks its own."""
    if not hasattr(value, "rate"):
        each(check_not_negative)(name, value)


Rate: TypeAlias = Annotated[float | Array | Schedule, check_rate]


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
    """The pace of a rule that has made no update yet. One without a learning rate begins at 1."""
    check_rule("rule", rule)
    check_params(params)
    check_fit(rule, params)
    rate: Any = getattr(rule, "learning_rate", 1.0)
    if hasattr(rate, "rate"):
        return Pace(rate, rate.init(), float("nan"))
    return Pace(None, None, rate)


def check_fit(rule: Any, params: Array) -> None:
    """Refuse arrays of hyperparameters with another shape than the parameters' population has."""
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
    """What every rule remembers. Rules add arrays, named as in their equations.

    >>> from mlp.optimizers import Momentum
    >>> state = Momentum(0.1).init(np.zeros(2))
    >>> state.t, state.learning_rate, state.v
    (0, 0.1, array([0., 0.]))
    """

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


class Optimizer(ABC, Named):
    """A rule θ ← θ + u. A frozen dataclass: its repr is the experiment.

    A rule says its `name`, and what kind of memory it `keeps`. `usual_rate`: a learning rate that suits inputs of
    deviation 1 and weights that start as they should; None where it is not known or there is none. `full_batch`: it
    compares one step with the next, so every step should see the same samples. `single_network`: it searches for one
    vector of parameters and not for a population, asks the objective, and has no learning rate to choose.
    `least_squares`: it minimises squares only.

    >>> @dataclass(frozen=True)
    ... class Mine(Optimizer):
    ...     learning_rate: float = 0.5
    ...
    ...     def update(self, at, state, out):
    ...         np.multiply(at.grad, -state.pace.next(at.loss), out=out)
    >>> from mlp.optimizers.bowl import follow
    >>> follow(Mine(), [8.0], 2)
    array([[4.],
           [2.]])
    """

    keeps: ClassVar[type[State]] = State
    usual_rate: ClassVar[float | None] = None
    full_batch: ClassVar[bool] = False
    single_network: ClassVar[bool] = False
    least_squares: ClassVar[bool] = False

    def init(self, params: Array) -> Any:
        """The memory of a run that starts at `params`: 0 in every vector that `begin` does not set."""
        own = pace(self, params)
        known = self.begin(params)
        open_fields = (f for f in fields(self.keeps) if f.default is MISSING and f.name not in ("pace", *known))
        return self.keeps(own, **{f.name: np.zeros_like(params) for f in open_fields}, **known)

    def begin(self, params: Array) -> dict[str, Any]:
        """What of the memory does not begin at 0, by name."""
        return {}

    @abstractmethod
    def update(self, at: Evaluation, state: Any, out: Array) -> None:
        """Write the step to add to the parameters into `out`; move `state` on. Never writes to `at`.

        What leaves the range of numbers becomes ∞ or NaN, and is no error. NumPy may warn of it; `train` does not.
        """


def check_rule(name: str, given: Any) -> None:
    """Refuse what is no rule."""
    check_kind(name, given, Optimizer, "an optimizer: SGD(0.1), Adam(), ...")


def check_params(params: Any) -> None:
    """Refuse what is no vector of parameters."""
    if not isinstance(params, np.ndarray) or params.dtype.kind != "f" or not params.ndim:
        raise HyperparameterError("params", params, "an array of floats, (P,) or (*population, P)")


def check_slices(name: str, given: Any) -> None:
    """Refuse what is not a sequence of slices."""
    if not isinstance(given, Sequence) or not all(isinstance(s, slice) for s in given):
        raise HyperparameterError(name, given, "slices of the flat vector: network.layout.slices[2:3]")


def check_inside(slices: Sequence[slice], params: Array) -> None:
    """Refuse slices that begin after the last parameter."""
    for s in slices:
        if s.start is not None and s.start >= params.shape[-1] and s.stop != s.start:
            raise ShapeError(f"{s} holds none of the {params.shape[-1]} parameters.")
