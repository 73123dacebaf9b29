"""A bowl to try a rule on: ½‖θ‖², whose gradient is θ and whose curvature is 1 in every direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.optimizers.optimizer import Evaluation, Optimizer


class Bowl:
    """L = ½ Σ θ², with everything that a rule may ask for. `at`: the present parameters."""

    def __init__(self, at: Array) -> None:
        self.at, self.n_residuals = at, at.shape[-1]

    def value(self, params: Array) -> Any:
        """½ Σ θ²."""
        return 0.5 * np.square(params).sum(-1)

    def value_and_grad(self, params: Array, out: Array) -> Any:
        """Write θ into `out`; return ½ Σ θ²."""
        np.copyto(out, params)
        return self.value(params)

    def hvp(self, v: Array, out: Array) -> None:
        """The Hessian is I."""
        np.copyto(out, v)

    gnvp = hvp

    def root_jacobian(self, out: Array) -> None:
        """The Jacobian of the residuals θ is I."""
        np.copyto(out, np.eye(self.n_residuals))

    def jacobian(self, out: Array) -> Array:
        """Write I into `out`; return the residuals θ."""
        self.root_jacobian(out)
        return self.at.copy()


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
