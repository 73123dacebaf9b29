"""Rules that measure the parameters in blocks, one for each layer, and let each move by a share of its own length.

θ are the parameters, g the gradient, u the update, η `learning_rate`, λ `weight_decay`; ‖·‖ is the norm of one block.
A rule knows no network: `slices` says where the blocks are (network.layout.slices; experiment files fill it in), and
None is one block of everything. What is in no slice has a ratio of 1. Bias weights belong to the block of their layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array, each_norm
from mlp.optimizers.adam import direction
from mlp.optimizers.memory import MeansState, begun, shrink
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, State, check_inside, check_numbers, check_slices

Slices = Sequence[slice] | None


def _check_slices(given: Any) -> None:
    if given is not None:
        check_slices(given)


def _stretch(slices: Slices, params: Array, out: Array, trust: Any) -> None:
    """Scale each block of `out` to `trust` times the norm of its parameters, unless one of the two norms is 0."""
    for where in (slice(None),) if slices is None else slices:
        length, old = each_norm(params[..., where]), each_norm(out[..., where])
        neither = (length > 0) & (old > 0)
        out[..., where] /= np.where(neither, old, 1)  # not trust · length / old, for which there may be no number
        out[..., where] *= np.where(neither, trust * length, 1)


@dataclass
class LARSState(State):
    """`v`: the velocity; `room`: scratch."""

    v: Array
    room: Array


@dataclass(frozen=True)
class LARS(Optimizer):
    """Layer-wise adaptive rate scaling: momentum with gradients as long as the weights they belong to.

        d = g + λ θ
        v ← μ v - η τ ‖θ‖/‖d‖ d         in each block
        u = v

    τ is `trust`, μ is `momentum`. A block of norm 0, or without a gradient, has a ratio of 1 instead of τ ‖θ‖/‖d‖.

    You, Gitman & Ginsburg (2017), algorithm 1, with ‖d‖ in the place of ‖g‖ + λ ‖θ‖, as in optax.
    """

    learning_rate: Rate = 1.0
    momentum: float | Array = 0.9
    trust: float | Array = 0.001
    weight_decay: float | Array = 0.0
    slices: Slices = None

    def __post_init__(self) -> None:
        check_numbers(self)
        _check_slices(self.slices)

    def init(self, params: Array) -> LARSState:
        """At rest."""
        check_inside(self.slices or (), params)
        return begun(LARSState, self, params)

    def update(self, at: Evaluation, state: LARSState, out: Array) -> None:
        """v, moved on."""
        v = state.v
        np.copyto(out, at.grad)
        shrink(out, -self.weight_decay, at.params, state.room)
        _stretch(self.slices, at.params, out, self.trust)
        out *= -state.pace.next(at.loss)
        v *= self.momentum
        v += out
        np.copyto(out, v)


@dataclass
class LAMBState(MeansState):
    """`m` and `v`: the means of the gradients met and of their squares; `room`: scratch."""

    room: Array


@dataclass(frozen=True)
class LAMB(Optimizer):
    """Adam with steps as long as the weights they belong to.

        d = m̂ / (√v̂ + ε) + λ θ          m̂, v̂ as in Adam
        u = -η ‖θ‖/‖d‖ d                in each block

    A block of norm 0, or with no d, has a ratio of 1 instead of ‖θ‖/‖d‖.

    You et al. (2020), algorithm 2 with φ(z) = z, and Adam's bias corrections, as in optax.
    """

    learning_rate: Rate = 0.001
    beta1: float | Array = 0.9
    beta2: float | Array = 0.999
    epsilon: float = 1e-6
    weight_decay: float | Array = 0.0
    slices: Slices = None

    def __post_init__(self) -> None:
        check_numbers(self)
        _check_slices(self.slices)

    def init(self, params: Array) -> LAMBState:
        """No gradients met."""
        check_inside(self.slices or (), params)
        return begun(LAMBState, self, params)

    def update(self, at: Evaluation, state: LAMBState, out: Array) -> None:
        """-η ‖θ‖/‖d‖ d."""
        rate = state.pace.next(at.loss)
        direction(state.m, state.v, at.grad, (self.beta1, self.beta2, self.epsilon), state.t, out)
        shrink(out, -self.weight_decay, at.params, state.room)
        _stretch(self.slices, at.params, out, 1.0)
        out *= -rate
