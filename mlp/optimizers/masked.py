"""A function of some of its parameters: what a rule that searches sees while the others are frozen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlp.arrays import Array
from mlp.optimizers.optimizer import Evaluation


def masked(at: Evaluation, slices: Sequence[slice]) -> Evaluation:
    """What is known at a point, as if nothing depended on the parameters in `slices`."""
    grad = at.grad.copy()
    _silence(grad, slices)
    return at._replace(grad=grad, objective=None if at.objective is None else Masked(at.objective, slices))


class Masked:
    """An objective whose derivatives are 0 in `slices`; what the other cannot answer, this one has not either."""

    def __init__(self, objective: Any, slices: Sequence[slice]) -> None:
        self._objective, self._slices = objective, slices

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._objective, name)
        return self._silent(asked) if name in ("value_and_grad", "hvp", "gnvp", "jacobian", "root_jacobian") else asked

    def _silent(self, asked: Any) -> Any:
        """`asked`, its last argument silenced: all of them write there, along the last axis."""

        def answer(*arguments: Any) -> Any:
            found = asked(*arguments)
            _silence(arguments[-1], self._slices)
            return found

        return answer


def _silence(values: Array, slices: Sequence[slice]) -> None:
    for s in slices:
        values[..., s] = 0
