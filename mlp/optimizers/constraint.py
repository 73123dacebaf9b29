"""A rule whose steps end inside a set: the weights into each unit stay within a ball.

Knows which rows of the flat vector are the weights of a unit, and nothing else of the network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlp.arrays import Array, each_norm
from mlp.errors import ShapeError, check_each, check_positive
from mlp.optimizers.matrix import check_matrices
from mlp.optimizers.optimizer import Evaluation, Optimizer, WrappedState, check_follows
from mlp.optimizers.wrapper import _around


@dataclass(frozen=True)
class MaxNorm(Optimizer):
    """Let `rule` make its step, then bring every unit whose weights have grown too long back to the ball.

        θ' = θ + u;  for the weights w into each unit of θ':  w ← w · min(1, c / ‖w‖)

    c is `max_norm`. `matrices`: where the weights lie in the flat vector, and their shapes (n_out, n_in + 1), as dense
    layers have them: a row for each unit, the weight of its bias node last. Bias weights have no part in the norm.

    Srebro, Rennie & Jaakkola (2004); after each update, as in Srivastava et al. (2014), section 5.1. Momentum is kept
    as it is.
    """

    rule: Optimizer
    max_norm: float | Array
    matrices: tuple[tuple[slice, tuple[int, int]], ...] = ()

    def __post_init__(self) -> None:
        check_follows(self.rule)
        check_matrices(self.matrices)
        check_each(check_positive, "max_norm", self.max_norm)

    def init(self, params: Array) -> WrappedState:
        """The rule's memory, and room for where its step leads."""
        for part, (n_out, n_in) in self.matrices:
            if part.stop > params.shape[-1] or part.stop - part.start != n_out * n_in:
                raise ShapeError(f"{part} of {params.shape[-1]} parameters is no matrix {n_out} × {n_in}.")
        return _around(self, params)  # type: ignore[no-any-return]

    def update(self, at: Evaluation, state: WrappedState, out: Array) -> None:
        """The rule's step, and for units that it takes outside the step back to the edge."""
        self.rule.update(at, state.inner, out)
        for part, shape in self.matrices:
            reached = state.scratch[..., part]
            np.add(at.params[..., part], out[..., part], out=reached)
            w = reached.reshape(*reached.shape[:-1], *shape)[..., :-1]
            norms = each_norm(w)[..., 0]
            far = norms > self.max_norm
            excess = np.broadcast_to(self.max_norm, norms.shape)[far] / norms[far] - 1
            weights = out[..., part].reshape(*w.shape[:-1], shape[1])[..., :-1]
            weights[far] += w[far] * excess[:, None].astype(w.dtype, copy=False)
