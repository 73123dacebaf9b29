"""Rules that keep an average of the parameters, which is the better answer: `state.average`.

θ are the parameters, g the gradient, u the update, η `learning_rate`. The parameters themselves go on training. To use
the average instead, copy it: `network.params = state.average`. In a network with batch norm its statistics must follow:
`mlp.update_statistics(network, batches)`. Experiments do both. `MovingAverage(rule)` adds an average to any other rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mlp.arrays import Array
from mlp.hyperparameters import EachFraction, EachNotNegative, EachPositive, Whole
from mlp.optimizers.moving_averages import as_python_float, is_on, update_mean_square, write_unbiased_root
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State


@dataclass(kw_only=True)
class AverageState(State):
    """`average`: the mean of the parameters so far. `scratch`: memory for differences."""

    average: Array
    scratch: Array


class Averaging(Optimizer):
    """A rule that keeps an average of the parameters."""

    keeps: ClassVar[type[State]] = AverageState

    def begin(self, params: Array) -> dict[str, Any]:
        """The average is where the parameters are."""
        return {"average": params.copy()}


TINY = np.finfo(np.float64).tiny
"""In the place of a sum of weights that is 0, as long as η is 0 and nothing moves."""


@dataclass(frozen=True)
class AveragedSGD(Averaging):
    """Gradient descent, and the mean of the parameters after every update.

        u = -η g
        θ̄ ← θ̄ + (θ + u - θ̄) / max(1, t - T)            after update t

    T is `start`: how many updates are left out of the mean. With steps so long that plain SGD does not settle, the mean
    is asymptotically as good as the best rule.

    Polyak & Juditsky (1992); Ruppert (1988). PyTorch lets η fall by itself; here a schedule does that. PyTorch leaves
    the first parameters out, too: its t0 is T - 1.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(AveragedSGD(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2 , 3.6 ],
           [6.48, 3.24]])
    """

    name, usual_rate, aliases = "averaged_sgd", 0.1, ("asgd",)

    learning_rate: Rate = 0.1
    start: Whole = 0

    def update(self, at: Evaluation, state: AverageState, out: Array) -> None:
        """-η g."""
        np.multiply(at.grad, -state.pace.next(at.loss), out=out)
        np.add(at.params, out, out=state.scratch)
        state.scratch -= state.average
        state.scratch /= max(1, state.t - self.start)
        state.average += state.scratch


@dataclass(kw_only=True)
class FreeState(AverageState):
    """`z`: where plain steps lead; `average`: the mean of these places; `longest`, `total`: η's maximum, Σ weights."""

    z: Array
    longest: Any = 0.0
    total: Any = 0.0


class ScheduleFree(Averaging):
    """A rule that takes the gradient between the newest place z and the mean of all, x."""

    keeps: ClassVar[type[State]] = FreeState

    def begin(self, params: Array) -> dict[str, Any]:
        """z and x where the parameters are."""
        return super().begin(params) | {"z": params.copy()}

    def move(self, at: Evaluation, state: FreeState, beta: Any, decay: Any, out: Array) -> None:
        """Move z and x on along the direction in `out`, and write the way to the new θ into it."""
        z, x, scratch, rate = state.z, state.average, state.scratch, state.pace.next(at.loss)
        if is_on(decay):
            np.multiply(at.params, decay, out=scratch)
            out += scratch
        out *= rate
        z -= out
        state.longest = np.maximum(state.longest, rate)
        state.total = state.total + state.longest**2
        np.subtract(z, x, out=scratch)
        scratch *= as_python_float(state.longest**2 / np.maximum(state.total, TINY))
        x += scratch
        np.subtract(x, z, out=out)
        out *= beta
        out += z
        out -= at.params


@dataclass(frozen=True)
class ScheduleFreeSGD(ScheduleFree):
    """Gradient descent that needs no schedule: the gradient is taken between the newest place and the mean of all.

        θ = (1 - β) z + β x             where g is taken
        z ← z - η (g + λ θ)
        x ← (1 - c) x + c z             c = w / Σw,  w = (max η so far)²
        u = (1 - β) z + β x - θ

    β is `momentum`, λ is `weight_decay`; x is `state.average`, and the answer. Give η a warm-up at most.

    Defazio et al. (2024), eq. 3-5, with the weights w of its algorithm 1.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(ScheduleFreeSGD(0.1), [8.0, 4.0], 2).round(3)
    array([[7.2  , 3.6  ],
           [6.804, 3.402]])
    """

    name, usual_rate = "schedule_free_sgd", 0.5

    learning_rate: Rate = 1.0
    momentum: EachFraction = 0.9
    weight_decay: EachNotNegative = 0.0

    def update(self, at: Evaluation, state: FreeState, out: Array) -> None:
        """From θ to the new one."""
        np.copyto(out, at.grad)
        self.move(at, state, self.momentum, self.weight_decay, out)


@dataclass(kw_only=True)
class FreeAdamState(FreeState):
    """As in schedule-free SGD, and `v`: the mean of the squares of the gradients met."""

    v: Array


@dataclass(frozen=True)
class ScheduleFreeAdamW(ScheduleFree):
    """AdamW that needs no schedule.

        θ = (1 - β₁) z + β₁ x           where g is taken
        v ← β₂ v + (1 - β₂) g²          v̂ = v / (1 - β₂ᵗ)
        z ← z - η (g / (√v̂ + ε) + λ θ)
        x ← (1 - c) x + c z             c = w / Σw,  w = (max η so far)²
        u = (1 - β₁) z + β₁ x - θ

    λ is `weight_decay`; x is `state.average`, and the answer. Give η a warm-up at most.

    Defazio et al. (2024), algorithm 1.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(ScheduleFreeAdamW(0.1), [8.0, 4.0], 2).round(3)
    array([[7.9  , 3.9  ],
           [7.845, 3.846]])
    """

    name, usual_rate, keeps = "schedule_free_adamw", 0.01, FreeAdamState

    learning_rate: Rate = 0.0025
    beta1: EachFraction = 0.9
    beta2: EachFraction = 0.999
    epsilon: EachPositive = 1e-8
    weight_decay: EachNotNegative = 0.0

    def update(self, at: Evaluation, state: FreeAdamState, out: Array) -> None:
        """From θ to the new one."""
        update_mean_square(state.v, self.beta2, at.grad, out)
        write_unbiased_root(state.v, self.beta2, self.epsilon, state.t + 1, out)
        np.divide(at.grad, out, out=out)
        self.move(at, state, self.beta1, self.weight_decay, out)
