"""Rules around a rule: they change the gradient it sees or the step it takes, and are optimizers themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, ShapeError, check_each, check_positive
from mlp.optimizers.masked import masked
from mlp.optimizers.optimizer import Evaluation, Optimizer, Pace, WrappedState, check_fit, check_rule


def _around(wrapper: Any, params: Array) -> WrappedState:
    check_fit(wrapper, params)
    inner = wrapper.rule.init(params)
    own = getattr(inner, "pace", None) or Pace(None, None, nan)  # a rule of one's own need not keep a pace
    return WrappedState(own, inner, np.empty_like(params))


@dataclass(frozen=True)
class ClipNorm(Optimizer):
    """Shorten the gradient to a norm of at most `max_norm` before `rule` sees it.

        g ← g · min(1, max_norm / ‖g‖)

    Pascanu, Mikolov & Bengio (2013), algorithm 1. Each member of a population has a norm of its own. PyTorch divides by
    ‖g‖ + 1e-6.
    """

    rule: Optimizer
    max_norm: float | Array

    def __post_init__(self) -> None:
        check_rule(self.rule)
        check_each(check_positive, "max_norm", self.max_norm)

    def init(self, params: Array) -> WrappedState:
        """The rule's memory, and room for the clipped gradient."""
        return _around(self, params)

    def update(self, at: Evaluation, state: WrappedState, out: Array) -> None:
        """The rule's step for the clipped gradient."""
        size = np.sqrt(np.square(at.grad).sum(-1, keepdims=True))
        # min(1, c/‖g‖) as c/max(‖g‖, c), which a gradient of 0 cannot overflow
        np.multiply(at.grad, self.max_norm / np.maximum(size, self.max_norm), out=state.scratch)
        self.rule.update(at._replace(grad=state.scratch), state.inner, out)


@dataclass(frozen=True)
class ClipValue(Optimizer):
    """Hold each component of the gradient within ± `max_value` before `rule` sees it."""

    rule: Optimizer
    max_value: float | Array

    def __post_init__(self) -> None:
        check_rule(self.rule)
        check_each(check_positive, "max_value", self.max_value)

    def init(self, params: Array) -> WrappedState:
        """The rule's memory, and room for the clipped gradient."""
        return _around(self, params)

    def update(self, at: Evaluation, state: WrappedState, out: Array) -> None:
        """The rule's step for the clipped gradient."""
        np.clip(at.grad, -self.max_value, self.max_value, out=state.scratch)
        self.rule.update(at._replace(grad=state.scratch), state.inner, out)


@dataclass(frozen=True)
class Frozen(Optimizer):
    """Let the parameters in `slices` stay where they are; `rule` moves the others."""

    rule: Optimizer
    slices: Sequence[slice]

    def __post_init__(self) -> None:
        check_rule(self.rule)
        if not isinstance(self.slices, Sequence) or not all(isinstance(s, slice) for s in self.slices):
            raise HyperparameterError("slices", self.slices, "slices of the flat vector: network.layout.slices[2:3]")

    def init(self, params: Array) -> Any:
        """The rule's memory."""
        for s in self.slices:
            if s.start is not None and s.start >= params.shape[-1]:
                raise ShapeError(f"{s} holds none of the {params.shape[-1]} parameters that are to be frozen.")
        return self.rule.init(params)

    def update(self, at: Evaluation, state: Any, out: Array) -> None:
        """The rule's step, 0 in `slices`. A rule that searches does so among the other parameters."""
        if self.rule.alone:
            at = masked(at, self.slices)
        self.rule.update(at, state, out)
        for s in self.slices:
            out[..., s] = 0
