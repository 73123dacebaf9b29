"""Rules that keep an average of where they have been, which is the better answer: `state.average`.

θ are the parameters, g the gradient, u the update, η `learning_rate`. What trains are the parameters; to use the
average instead, copy it: `network.params = state.average`, and in a network with batch norm have its statistics follow:
`mlp.update_statistics(network, batches)`. Experiments do, whatever they measure. Any other rule has an average in
`MovingAverage(rule)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError
from mlp.optimizers.memory import begun, fade_squares, is_on, plain, unbiased_root
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_numbers, check_params


@dataclass
class AverageState(State):
    """`average`: the mean of the parameters so far."""

    average: Array
    room: Array


@dataclass(frozen=True)
class AveragedSGD(Optimizer):
    """Gradient descent, and the mean of all places it came to.

        u = -η g
        θ̄ ← θ̄ + (θ + u - θ̄) / max(1, t - T)            after update t

    T is `start`: how many updates are left out of the mean. With steps longer than plain SGD could end on, the mean is
    as good as the best rule can be (asymptotically).

    Polyak & Juditsky (1992); Ruppert (1988). η is what it is given, where PyTorch lets it fall: here schedules do that.
    PyTorch leaves the first parameters out, too: its t0 is T - 1.
    """

    learning_rate: Rate = 0.1
    start: int = 0

    def __post_init__(self) -> None:
        check_numbers(self)
        if isinstance(self.start, bool) or not isinstance(self.start, int | np.integer) or self.start < 0:
            raise HyperparameterError("start", self.start, "a whole number, 0 or more")

    def init(self, params: Array) -> AverageState:
        """No places yet."""
        check_params(params)
        return begun(AverageState, self, params, average=params.copy())

    def update(self, at: Evaluation, state: AverageState, out: Array) -> None:
        """-η g."""
        np.multiply(at.grad, -state.pace.next(at.loss), out=out)
        np.add(at.params, out, out=state.room)
        state.room -= state.average
        state.room /= max(1, state.t - self.start)
        state.average += state.room


@dataclass
class FreeState(State):
    """`z`: where plain steps lead; `average`: the mean of these places; `longest`, `total`: η's maximum, Σ weights."""

    z: Array
    average: Array
    room: Array
    longest: Any
    total: Any


@dataclass(frozen=True)
class ScheduleFreeSGD(Optimizer):
    """Gradient descent that needs no schedule: the gradient is taken between the newest place and the mean of all.

        θ = (1 - β) z + β x             where g is taken
        z ← z - η (g + λ θ)
        x ← (1 - c) x + c z             c = w / Σw,  w = (max η so far)²
        u = (1 - β) z + β x - θ

    β is `momentum`, λ is `weight_decay`; x is `state.average`, and the answer. Give a warm-up for η at most.

    Defazio et al. (2024), eq. 3-5, with the weights w of its algorithm 1.
    """

    learning_rate: Rate = 1.0
    momentum: float | Array = 0.9
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> FreeState:
        """z and x where the parameters are."""
        check_params(params)
        return begun(FreeState, self, params, z=params.copy(), average=params.copy(), longest=0.0, total=0.0)

    def update(self, at: Evaluation, state: FreeState, out: Array) -> None:
        """From θ to the new one."""
        np.copyto(out, at.grad)
        _freed(at, state, self.momentum, self.weight_decay, out)


@dataclass
class FreeAdamState(FreeState):
    """As in schedule-free SGD, and `v`: the mean of the squares of the gradients met."""

    v: Array


@dataclass(frozen=True)
class ScheduleFreeAdamW(Optimizer):
    """AdamW that needs no schedule.

        θ = (1 - β₁) z + β₁ x           where g is taken
        v ← β₂ v + (1 - β₂) g²          v̂ = v / (1 - β₂ᵗ)
        z ← z - η (g / (√v̂ + ε) + λ θ)
        x ← (1 - c) x + c z             c = w / Σw,  w = (max η so far)²
        u = (1 - β₁) z + β₁ x - θ

    λ is `weight_decay`; x is `state.average`, and the answer. Give a warm-up for η at most.

    Defazio et al. (2024), algorithm 1.
    """

    learning_rate: Rate = 0.0025
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-8
    weight_decay: float | Array = 0.0

    def __post_init__(self) -> None:
        check_numbers(self)

    def init(self, params: Array) -> FreeAdamState:
        """z and x where the parameters are."""
        check_params(params)
        return begun(FreeAdamState, self, params, z=params.copy(), average=params.copy(), longest=0.0, total=0.0)

    def update(self, at: Evaluation, state: FreeAdamState, out: Array) -> None:
        """From θ to the new one."""
        fade_squares(state.v, self.beta2, at.grad, out)
        unbiased_root(state.v, self.beta2, self.epsilon, state.t + 1, out)
        np.divide(at.grad, out, out=out)
        _freed(at, state, self.beta1, self.weight_decay, out)


def _freed(at: Evaluation, state: FreeState, beta: Any, decay: Any, out: Array) -> None:
    """Move z and x on along the direction in `out`, and write the way to the new θ into it."""
    z, x, room, rate = state.z, state.average, state.room, state.pace.next(at.loss)
    if is_on(decay):
        np.multiply(at.params, decay, out=room)
        out += room
    out *= rate
    z -= out
    state.longest = np.maximum(state.longest, rate)
    state.total = state.total + state.longest**2
    np.subtract(z, x, out=room)
    room *= plain(state.longest**2 / state.total)
    x += room
    np.subtract(x, z, out=out)
    out *= beta
    out += z
    out -= at.params
