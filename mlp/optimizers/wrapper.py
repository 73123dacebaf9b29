"""Rules around a rule: they change the gradient it sees or the step it takes, and are optimizers themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from mlp.arrays import Array, each_norm
from mlp.errors import HyperparameterError, check_count, check_each, check_fraction, check_positive
from mlp.optimizers.masked import masked
from mlp.optimizers.memory import average
from mlp.optimizers.optimizer import (
    Evaluation,
    Optimizer,
    Pace,
    WrappedState,
    check_fit,
    check_follows,
    check_inside,
    check_params,
    check_rule,
    check_slices,
)


def _around(wrapper: Any, params: Array, kind: type[Any] = WrappedState, **more: Any) -> Any:
    check_fit(wrapper, params)
    inner = wrapper.rule.init(params)
    own = getattr(inner, "pace", None) or Pace(None, None, nan)  # a rule of one's own need not keep a pace
    return kind(own, inner, np.empty_like(params), **more)


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
        check_follows(self.rule)
        check_each(check_positive, "max_norm", self.max_norm)

    def init(self, params: Array) -> WrappedState:
        """The rule's memory, and room for the clipped gradient."""
        return _around(self, params)  # type: ignore[no-any-return]

    def update(self, at: Evaluation, state: WrappedState, out: Array) -> None:
        """The rule's step for the clipped gradient."""
        size = each_norm(at.grad)
        # min(1, c/‖g‖) as c/max(‖g‖, c), which a gradient of 0 cannot overflow
        np.multiply(at.grad, self.max_norm / np.maximum(size, self.max_norm), out=state.scratch)
        self.rule.update(at._replace(grad=state.scratch), state.inner, out)


@dataclass(frozen=True)
class ClipValue(Optimizer):
    """Hold each component of the gradient within ± `max_value` before `rule` sees it."""

    rule: Optimizer
    max_value: float | Array

    def __post_init__(self) -> None:
        check_follows(self.rule)
        check_each(check_positive, "max_value", self.max_value)

    def init(self, params: Array) -> WrappedState:
        """The rule's memory, and room for the clipped gradient."""
        return _around(self, params)  # type: ignore[no-any-return]

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
        check_slices(self.slices)

    def init(self, params: Array) -> Any:
        """The rule's memory."""
        check_params(params)
        check_inside(self.slices, params)
        return self.rule.init(params)

    def update(self, at: Evaluation, state: Any, out: Array) -> None:
        """The rule's step, 0 in `slices`. A rule that searches does so among the other parameters."""
        if self.rule.alone:
            at = masked(at, self.slices)
        self.rule.update(at, state, out)
        mean = average(state)
        for s in self.slices:
            out[..., s] = 0
            if mean is not None:  # of places these parameters never came to
                mean[..., s] = at.params[..., s]


@dataclass
class LookaheadState(WrappedState):
    """The memory of a rule around a rule; `slow`: the parameters that follow; `n`: updates made."""

    slow: Any = None
    n: int = 0


@dataclass(frozen=True)
class Lookahead(Optimizer):
    """Let `rule` go ahead for k steps, then follow it a part of the way, and let it go on from there.

        every k updates:  φ ← φ + α (θ + u - φ),  u ← φ - θ

    k is `every`, α is `share`; φ starts at θ. Zhang, Lucas, Hinton & Ba (2019), algorithm 1; the rule's own memory
    stays as it is. Batch norm's running statistics are those of the way ahead: experiments measure them anew where the
    network is, by hand `mlp.update_statistics(network, batches)` does.
    """

    rule: Optimizer
    every: int = 5
    share: float | Array = 0.5

    def __post_init__(self) -> None:
        check_follows(self.rule)
        check_count("every", self.every)
        check_each(check_positive, "share", self.share)

    def init(self, params: Array) -> LookaheadState:
        """The rule's memory, and φ."""
        check_params(params)
        return _around(self, params, LookaheadState, slow=params.copy())  # type: ignore[no-any-return]

    def update(self, at: Evaluation, state: LookaheadState, out: Array) -> None:
        """The rule's step, or every k updates the way to φ."""
        self.rule.update(at, state.inner, out)
        state.n += 1
        if state.n % self.every == 0:
            out += at.params
            out -= state.slow
            out *= self.share
            state.slow += out
            np.subtract(state.slow, at.params, out=out)


@dataclass(frozen=True)
class SAM(Optimizer):
    """Sharpness-aware minimisation: let `rule` see the gradient at the worst place nearby.

        g ← ∇L(θ + ρ g/‖g‖)

    ρ is `radius`. A second gradient at every step, of the same batch. Foret et al. (2021), eq. 2 and 3.
    """

    rule: Optimizer
    radius: float | Array = 0.05

    def __post_init__(self) -> None:
        check_follows(self.rule)
        check_each(check_positive, "radius", self.radius)

    def init(self, params: Array) -> WrappedState:
        """The rule's memory, and room for the other gradient."""
        return _around(self, params)  # type: ignore[no-any-return]

    def update(self, at: Evaluation, state: WrappedState, out: Array) -> None:
        """The rule's step for the gradient at θ + ρ g/‖g‖."""
        if at.objective is None:
            raise HyperparameterError("objective", None, "given in the Evaluation: SAM asks for a gradient elsewhere")
        size = each_norm(at.grad)
        np.divide(at.grad, np.where(size > 0, size, 1), out=out)
        out *= self.radius
        out += at.params
        at.objective.value_and_grad(out, state.scratch)
        self.rule.update(at._replace(grad=state.scratch), state.inner, out)


@dataclass
class AveragedState(WrappedState):
    """The memory of a rule around a rule, `average` and `n`: the updates in it."""

    average: Any = None
    n: int = 0


@dataclass(frozen=True)
class MovingAverage(Optimizer):
    """Keep a fading average of the parameters beside those that `rule` moves: `state.average`.

        θ̄ ← δ θ̄ + (1 - δ)(θ + u)        and θ̄ = θ + u after the first update

    δ is `decay`: about the last 1/(1 - δ) steps count. Nothing about the training changes; to use the average, copy it:
    `network.params = state.average`; then, where there is batch norm, `mlp.update_statistics(network, batches)`.
    Polyak & Juditsky (1992) with fading weights; PyTorch's AveragedModel.
    """

    rule: Optimizer
    decay: float | Array = 0.999

    def __post_init__(self) -> None:
        check_rule(self.rule)
        check_each(check_fraction, "decay", self.decay)

    def init(self, params: Array) -> AveragedState:
        """The rule's memory, and the parameters as they are."""
        check_params(params)
        return _around(self, params, AveragedState, average=params.copy())  # type: ignore[no-any-return]

    def update(self, at: Evaluation, state: AveragedState, out: Array) -> None:
        """The rule's step."""
        self.rule.update(at, state.inner, out)
        np.add(at.params, out, out=state.scratch)
        if state.n == 0:
            np.copyto(state.average, state.scratch)
        state.n += 1
        state.scratch -= state.average
        state.scratch *= 1 - self.decay
        state.average += state.scratch
