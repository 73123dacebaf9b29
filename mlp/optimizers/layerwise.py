"""Rules that measure the parameters in blocks, one for each layer, and let each move by a share of its own length.

θ are the parameters, g the gradient, u the update, η `learning_rate`, λ `weight_decay`; ‖·‖ is the norm of one block.
A rule knows no network: `slices` says where the blocks are (network.layout.slices; experiment files fill it in), and
None is one block of everything. What is in no slice has a ratio of 1. Bias weights belong to the block of their layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import numpy as np

from mlp.arrays import Array, each_norm
from mlp.hyperparameters import EachFraction, EachNotNegative, EachPositive
from mlp.optimizers.adam import AdamNumbers, write_direction
from mlp.optimizers.gradient import VelocityState, move_velocity
from mlp.optimizers.moving_averages import ScratchState, decay_weights
from mlp.optimizers.optimizer import Evaluation, Optimizer, Rate, check_inside, check_slices


def check_blocks(name: str, given: Any) -> None:
    """Refuse what is neither None nor a sequence of slices."""
    if given is not None:
        check_slices(name, given)


Slices: TypeAlias = Annotated[Sequence[slice] | None, check_blocks]


class Layerwise(Optimizer):
    """A rule that is told where the blocks are."""

    slices: Slices

    def begin(self, params: Array) -> dict[str, Any]:
        """At rest."""
        check_inside(self.slices or (), params)
        return {}

    def stretch(self, params: Array, out: Array, trust: Any) -> None:
        """Scale each block of `out` to `trust` times the norm of its parameters, unless one of the two norms is 0."""
        for where in (slice(None),) if self.slices is None else self.slices:
            length, old = each_norm(params[..., where]), each_norm(out[..., where])
            neither = (length > 0) & (old > 0)
            out[..., where] /= np.where(neither, old, 1)  # not trust · length / old, for which there may be no number
            out[..., where] *= np.where(neither, trust * length, 1)


@dataclass(kw_only=True)
class LARSState(VelocityState):
    """`v`: the velocity. `scratch`: memory for products."""

    scratch: Array


@dataclass(frozen=True)
class LARS(Layerwise):
    """Layer-wise adaptive rate scaling: momentum with gradients as long as the weights they belong to.

        d = g + λ θ
        v ← μ v - η τ ‖θ‖/‖d‖ d         in each block
        u = v

    τ is `trust`, μ is `momentum`. A block of norm 0, or without a gradient, has a ratio of 1 instead of τ ‖θ‖/‖d‖.

    You, Gitman & Ginsburg (2017), algorithm 1, with ‖d‖ in the place of ‖g‖ + λ ‖θ‖, as in optax.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(LARS(0.1), [8.0, 4.0], 2).round(3)
    array([[7.999, 4.   ],
           [7.998, 3.999]])
    """

    name, usual_rate, keeps = "lars", 1.0, LARSState

    learning_rate: Rate = 1.0
    momentum: EachFraction = 0.9
    trust: EachPositive = 0.001
    weight_decay: EachNotNegative = 0.0
    slices: Slices = None

    def update(self, at: Evaluation, state: LARSState, out: Array) -> None:
        """v, moved on."""
        np.copyto(out, at.grad)
        decay_weights(out, -self.weight_decay, at.params, state.scratch)
        self.stretch(at.params, out, self.trust)
        out *= -state.pace.next(at.loss)
        move_velocity(state.v, self.momentum, out)


@dataclass(frozen=True)
class LAMB(Layerwise, AdamNumbers):
    """Adam with steps as long as the weights they belong to.

        d = m̂ / (√v̂ + ε) + λ θ          m̂, v̂ as in Adam
        u = -η ‖θ‖/‖d‖ d                in each block

    A block of norm 0, or with no d, has a ratio of 1 instead of ‖θ‖/‖d‖.

    You et al. (2020), algorithm 2 with φ(z) = z, and Adam's bias corrections, as in optax.

    >>> from mlp.optimizers.bowl import follow
    >>> follow(LAMB(0.1), [8.0, 4.0], 2).round(3)
    array([[7.368, 3.368],
           [6.793, 2.796]])
    """

    name, usual_rate, keeps = "lamb", 0.005, ScratchState

    epsilon: EachPositive = 1e-6
    weight_decay: EachNotNegative = 0.0
    slices: Slices = None

    def update(self, at: Evaluation, state: ScratchState, out: Array) -> None:
        """-η ‖θ‖/‖d‖ d."""
        rate = state.pace.next(at.loss)
        write_direction(state.m, state.v, at.grad, (self.beta1, self.beta2, self.epsilon), state.t, out)
        decay_weights(out, -self.weight_decay, at.params, state.scratch)
        self.stretch(at.params, out, 1.0)
        out *= -rate
