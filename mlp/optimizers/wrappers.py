"""Rules around a rule: they change the gradient it sees or the step it takes, and are optimizers themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np

from mlp.arrays import Array, each_norm
from mlp.errors import HyperparameterError, ShapeError
from mlp.hyperparameters import Count, EachFraction, EachPositive
from mlp.optimizers.matrices import Matrices
from mlp.optimizers.moving_averages import find_average
from mlp.optimizers.optimizer import (
    Evaluation,
    Optimizer,
    Pace,
    State,
    check_fit,
    check_inside,
    check_params,
    check_rule,
    check_slices,
)


@dataclass(kw_only=True)
class WrappedState(State):
    """The memory of a rule around a rule: `inner` is the other's. `scratch`: memory for another gradient or place."""

    inner: Any
    scratch: Array


def check_follower(name: str, given: Any) -> None:
    """Refuse what is no rule, and one that searches: it would not see the gradient of what it asks, nor end there."""
    check_rule(name, given)
    if given.single_network:
        needed = "one that only follows its gradient, as momentum and Adam do: a search asks the loss itself"
        raise HyperparameterError(name, given, needed)


AnyRule: TypeAlias = Annotated[Optimizer, check_rule]
Follower: TypeAlias = Annotated[Optimizer, check_follower]


@dataclass(frozen=True)
class Wrapper(Optimizer):
    """A rule around a rule."""

    keeps: ClassVar[type[State]] = WrappedState

    rule: Follower

    def init(self, params: Array) -> Any:
        """The rule's memory, and memory for another gradient or place."""
        check_params(params)
        check_fit(self, params)
        more, inner = self.begin(params), self.rule.init(params)
        own = getattr(inner, "pace", None) or Pace(None, None, nan)  # a rule of one's own need not keep a pace
        kind: Any = self.keeps
        return kind(own, inner=inner, scratch=np.empty_like(params), **more)


@dataclass(frozen=True)
class ClipNorm(Wrapper):
    """Shorten the gradient to a norm of at most `max_norm` before `rule` sees it.

        g ← g · min(1, max_norm / ‖g‖)

    Pascanu, Mikolov & Bengio (2013), algorithm 1. Each member of a population has a norm of its own. PyTorch divides by
    ‖g‖ + 1e-6.

    >>> from mlp.optimizers.bowl import follow
    >>> from mlp.optimizers.gradient import SGD
    >>> follow(ClipNorm(SGD(0.1), 5.0), [8.0, 4.0], 2).round(3)
    array([[7.553, 3.776],
           [7.106, 3.553]])
    """

    max_norm: EachPositive

    def update(self, at: Evaluation, state: WrappedState, out: Array) -> None:
        """The rule's step for the clipped gradient."""
        size = each_norm(at.grad)
        # min(1, c/‖g‖) as c/max(‖g‖, c), which a gradient of 0 cannot overflow
        np.multiply(at.grad, self.max_norm / np.maximum(size, self.max_norm), out=state.scratch)
        self.rule.update(at._replace(grad=state.scratch), state.inner, out)


@dataclass(frozen=True)
class ClipValue(Wrapper):
    """Hold each component of the gradient within ± `max_value` before `rule` sees it.

    >>> from mlp.optimizers.bowl import follow
    >>> from mlp.optimizers.gradient import SGD
    >>> follow(ClipValue(SGD(0.1), 5.0), [8.0, 4.0], 2).round(3)
    array([[7.5 , 3.6 ],
           [7.  , 3.24]])
    """

    max_value: EachPositive

    def update(self, at: Evaluation, state: WrappedState, out: Array) -> None:
        """The rule's step for the clipped gradient."""
        np.clip(at.grad, -self.max_value, self.max_value, out=state.scratch)
        self.rule.update(at._replace(grad=state.scratch), state.inner, out)


@dataclass(frozen=True)
class MaxNorm(Wrapper):
    """Let `rule` make its step, then bring every unit whose weights have grown too long back to the ball.

        θ' = θ + u;  for the weights w into each unit of θ':  w ← w · min(1, c / ‖w‖)

    c is `max_norm`. `matrices`: where the weights lie in the flat vector, and their shapes (n_out, n_in + 1), as dense
    layers have them: a row for each unit, the weight of its bias node last. Bias weights have no part in the norm.

    Srebro, Rennie & Jaakkola (2004); after each update, as in Srivastava et al. (2014), section 5.1. Momentum is kept
    as it is.

    >>> from mlp.optimizers import SGD
    >>> from mlp.optimizers.bowl import follow
    >>> rule = MaxNorm(SGD(0.1), 1.0, [(slice(0, 2), (1, 2))])
    >>> follow(rule, [8.0, 4.0], 1).round(3)
    array([[1. , 3.6]])
    """

    max_norm: EachPositive
    matrices: Matrices = ()

    def begin(self, params: Array) -> dict[str, Any]:
        """Memory for where the step leads."""
        for part, (n_out, n_in) in self.matrices or ():
            if part.stop > params.shape[-1] or part.stop - part.start != n_out * n_in:
                raise ShapeError(f"{part} of {params.shape[-1]} parameters is no matrix {n_out} × {n_in}.")
        return {}

    def update(self, at: Evaluation, state: WrappedState, out: Array) -> None:
        """The rule's step, and for units that it takes outside the step back to the edge."""
        self.rule.update(at, state.inner, out)
        for part, shape in self.matrices or ():
            reached = state.scratch[..., part]
            np.add(at.params[..., part], out[..., part], out=reached)
            w = reached.reshape(*reached.shape[:-1], *shape)[..., :-1]
            norms = each_norm(w)[..., 0]
            far = norms > self.max_norm
            excess = np.broadcast_to(self.max_norm, norms.shape)[far] / norms[far] - 1
            weights = out[..., part].reshape(*w.shape[:-1], shape[1])[..., :-1]
            weights[far] += w[far] * excess[:, None].astype(w.dtype, copy=False)


@dataclass(frozen=True)
class Frozen(Wrapper):
    """Let the parameters in `slices` stay where they are; `rule` moves the others.

    >>> from mlp.optimizers.bowl import follow
    >>> from mlp.optimizers.gradient import SGD
    >>> follow(Frozen(SGD(0.1), [slice(0, 1)]), [8.0, 4.0], 2).round(3)
    array([[8.  , 3.6 ],
           [8.  , 3.24]])
    """

    rule: AnyRule
    slices: Annotated[Sequence[slice], check_slices]

    def init(self, params: Array) -> Any:
        """The rule's memory."""
        check_params(params)
        check_inside(self.slices, params)
        return self.rule.init(params)

    def update(self, at: Evaluation, state: Any, out: Array) -> None:
        """The rule's step, 0 in `slices`. A rule that searches does so among the other parameters."""
        if self.rule.single_network:
            at = mask(at, self.slices)
        self.rule.update(at, state, out)
        mean = find_average(state)
        for s in self.slices:
            out[..., s] = 0
            if mean is not None:  # an average of points at which these parameters were other ones
                mean[..., s] = at.params[..., s]


def mask(at: Evaluation, slices: Sequence[slice]) -> Evaluation:
    """What is known at a point, as if nothing depended on the parameters in `slices`."""
    grad = at.grad.copy()
    _clear(grad, slices)
    return at._replace(grad=grad, objective=None if at.objective is None else Masked(at.objective, slices))


class Masked:
    """An objective whose derivatives are 0 in `slices`; what the other cannot answer, this one has not either."""

    def __init__(self, objective: Any, slices: Sequence[slice]) -> None:
        self._objective, self._slices = objective, slices

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._objective, name)
        return self._mask(method) if name in ("value_and_grad", "hvp", "gnvp", "jacobian", "root_jacobian") else method

    def _mask(self, method: Any) -> Any:
        """`method`, its last argument cleared afterwards: all of them write there, along the last axis."""

        def answer(*arguments: Any) -> Any:
            found = method(*arguments)
            _clear(arguments[-1], self._slices)
            return found

        return answer


def _clear(values: Array, slices: Sequence[slice]) -> None:
    for s in slices:
        values[..., s] = 0


@dataclass(kw_only=True)
class LookaheadState(WrappedState):
    """The memory of a rule around a rule; `slow`: the parameters that follow; `n`: updates made."""

    slow: Array
    n: int = 0


@dataclass(frozen=True)
class Lookahead(Wrapper):
    """Let `rule` go ahead for k steps, then follow it a part of the way, and let it go on from there.

        every k updates:  φ ← φ + α (θ + u - φ),  u ← φ - θ

    k is `every`, α is `share`; φ starts at θ. Zhang, Lucas, Hinton & Ba (2019), algorithm 1; the rule's own memory
    stays as it is. Batch norm's running statistics are those of the way ahead: experiments measure them anew where the
    network is, by hand `mlp.update_statistics(network, batches)` does.

    >>> from mlp.optimizers.bowl import follow
    >>> from mlp.optimizers.gradient import SGD
    >>> follow(Lookahead(SGD(0.1), every=2), [8.0, 4.0], 2).round(3)
    array([[7.2 , 3.6 ],
           [7.24, 3.62]])
    """

    keeps = LookaheadState

    every: Count = 5
    share: EachPositive = 0.5

    def begin(self, params: Array) -> dict[str, Any]:
        """φ."""
        return {"slow": params.copy()}

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
class SAM(Wrapper):
    """Sharpness-aware minimisation: let `rule` see the gradient at the worst place nearby.

        g ← ∇L(θ + ρ g/‖g‖)

    ρ is `radius`. A second gradient at every step, of the same batch. Foret et al. (2021), eq. 2 and 3.

    >>> from mlp.optimizers.bowl import follow
    >>> from mlp.optimizers.gradient import SGD
    >>> follow(SAM(SGD(0.1), 0.05), [8.0, 4.0], 2).round(3)
    array([[7.196, 3.598],
           [6.472, 3.236]])
    """

    radius: EachPositive = 0.05

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


@dataclass(kw_only=True)
class AveragedState(WrappedState):
    """The memory of a rule around a rule, `average` and `n`: the updates in it."""

    average: Array
    n: int = 0


@dataclass(frozen=True)
class MovingAverage(Wrapper):
    """Keep an exponential moving average of the parameters beside those that `rule` moves: `state.average`.

        θ̄ ← δ θ̄ + (1 - δ)(θ + u)        and θ̄ = θ + u after the first update

    δ is `decay`: about the last 1/(1 - δ) steps count. Nothing about the training changes; to use the average, copy it:
    `network.params = state.average`; then, where there is batch norm, `mlp.update_statistics(network, batches)`.
    Polyak & Juditsky (1992) with exponential weights; PyTorch's AveragedModel.

    >>> from mlp.optimizers.bowl import follow
    >>> from mlp.optimizers.gradient import SGD
    >>> follow(MovingAverage(SGD(0.1), 0.9), [8.0, 4.0], 2).round(3)
    array([[7.2 , 3.6 ],
           [6.48, 3.24]])
    """

    keeps = AveragedState

    rule: AnyRule
    decay: EachFraction = 0.999

    def begin(self, params: Array) -> dict[str, Any]:
        """The parameters as they are."""
        return {"average": params.copy()}

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
