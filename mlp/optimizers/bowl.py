"""A bowl to try a rule on: ½ Σ c θ², whose gradient is cθ and whose curvatures are c; 1 where none are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.optimizers.optimizer import Evaluation, Optimizer


class Bowl:
    """L = ½ Σ c θ², with everything that a rule may ask for. `at`: the present parameters; `curvature`: c, (P,)."""

    def __init__(self, at: Array, curvature: Any = 1.0) -> None:
        self.at, self.curvature, self.n_residuals = at, curvature, at.shape[-1]

    def value(self, params: Array) -> Any:
        """½ Σ c θ²."""
        return 0.5 * (self.curvature * np.square(params)).sum(-1)

    def value_and_grad(self, params: Array, out: Array) -> Any:
        """Write cθ into `out`; return ½ Σ c θ²."""
        np.multiply(self.curvature, params, out=out)
        return self.value(params)

    def hvp(self, v: Array, out: Array) -> None:
        """The Hessian is diag c."""
        np.multiply(self.curvature, v, out=out)

    gnvp = hvp

    def root_jacobian(self, out: Array) -> None:
        """The Jacobian of the residuals √c θ is diag √c."""
        np.copyto(out, np.sqrt(self.curvature) * np.eye(self.n_residuals))

    def jacobian(self, out: Array) -> Array:
        """Write diag √c into `out`; return the residuals √c θ."""
        self.root_jacobian(out)
        return np.asarray(np.sqrt(self.curvature) * self.at)


def follow(rule: Optimizer, start: Sequence[float], steps: int) -> Array:
    """The parameters after each step of `rule` down the bowl ½‖θ‖² from `start`, (steps, P).

    >>> from mlp.optimizers import SGD
    >>> follow(SGD(0.1), [8.0, 4.0], 2)
    array([[7.2 , 3.6 ],
           [6.48, 3.24]])
    """
    params = np.array(start, float)
    bowl, state, out, path = Bowl(params), rule.init(params), np.empty_like(params), []
    for _ in range(steps):
        rule.update(Evaluation(params, bowl.value(params), params.copy(), bowl), state, out)
        params += out
        path.append(params.copy())
    return np.array(path)
