"""Noise on the gradient, whatever the gradient is: a rule around a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array, generator
from mlp.hyperparameters import EachNotNegative, EachPositive, Whole
from mlp.optimizers.optimizer import Evaluation
from mlp.optimizers.wrappers import WrappedState, Wrapper


@dataclass(kw_only=True)
class NoisyState(WrappedState):
    """The memory of a rule around a rule; `rng` draws the noise, `n`: updates made."""

    rng: np.random.Generator
    n: int = 0


@dataclass(frozen=True)
class GradientNoise(Wrapper):
    """Add noise to the gradient that `rule` sees, less and less of it.

        g ← g + σ_t ξ            ξ normal, σ_t = σ / (1 + t)^(γ/2), t = 0, 1, ...

    σ is `scale`, γ is `decay`; `seed` draws ξ, the same for all members of a population. The noise does not know the
    gradient: it leads off a saddle at which the gradients of all rows are equal, where that of minibatches does not.

    Neelakantan et al. (2015), eq. 2, with γ = 0.55 and σ² of 0.01, 0.3 or 1.

    >>> from mlp.optimizers.bowl import follow
    >>> from mlp.optimizers.gradient import SGD
    >>> follow(GradientNoise(SGD(0.1), 0.1), [8.0, 4.0], 2).round(3)
    array([[7.199, 3.601],
           [6.474, 3.24 ]])
    """

    keeps = NoisyState

    scale: EachPositive = 0.1
    decay: EachNotNegative = 0.55
    seed: Whole = 0

    def begin(self, params: Array) -> dict[str, Any]:
        """No noise drawn."""
        return {"rng": generator(self.seed)}

    def update(self, at: Evaluation, state: NoisyState, out: Array) -> None:
        """The rule's step for the noisy gradient."""
        size = self.scale * (1.0 + state.n) ** (-0.5 * np.asarray(self.decay))
        state.n += 1
        state.scratch[...] = size * state.rng.standard_normal(at.params.shape[-1])
        state.scratch += at.grad
        self.rule.update(at._replace(grad=state.scratch), state.inner, out)
