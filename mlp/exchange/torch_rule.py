"""Our rules in a training loop of PyTorch: the parameters of its model are views of one NumPy vector, without a copy.

PyTorch is not imported before such a loop begins. Knows rules and tensors, and no networks of this library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, MissingExtraError
from mlp.optimizers import Evaluation, Optimizer
from mlp.optimizers.optimizer import check_rule


class TorchRule:
    """A rule of this library with the face of a `torch.optim` optimizer.

    >>> optimizer = mlp.TorchRule(model.parameters(), mlp.Adam(0.001))  # doctest: +SKIP
    >>> optimizer.zero_grad(); criterion(model(x), t).backward(); optimizer.step()  # doctest: +SKIP

    `params` (P,) holds all parameters one after another, in their order; each tensor becomes a view of it, and each
    gradient a view of `grad` (P,). So the rule reads and writes what PyTorch computes with. `state` is its memory.
    A rule that asks about other points needs `step(closure)`; the closure sets gradients to 0, runs the model backward
    and returns the loss. A loss that a schedule reads also comes from there.

    All parameters must be on the CPU, of one type, float32 or float64, and no two of them the same.
    HyperparameterError where they are not, MissingExtraError without torch.
    """

    def __init__(self, params: Iterable[Any], rule: Optimizer) -> None:
        check_rule("rule", rule)
        self._torch = _import_torch()
        self.rule, self.tensors = rule, list(params)
        self._check(self.tensors)
        self.params = np.concatenate([tensor.detach().numpy().ravel() for tensor in self.tensors])
        self.grad, self._out = np.zeros_like(self.params), np.zeros_like(self.params)
        self._grads = self._views(self.grad)
        for tensor, values in zip(self.tensors, self._views(self.params), strict=True):
            tensor.data = values
        self.zero_grad()
        self.state = rule.init(self.params)

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set all gradients to 0, in place: they stay views of `grad`."""
        self.grad.fill(0)
        for tensor, grad in zip(self.tensors, self._grads, strict=True):
            tensor.grad = grad

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step with the gradients that are there, or with those of the closure. Return its loss, or None."""
        loss = None if closure is None else self._evaluate(closure)
        self._gather()
        objective = None if closure is None else ClosureObjective(self, closure)
        known = Evaluation(self.params, np.nan if loss is None else loss, self.grad.copy(), objective)
        with np.errstate(all="ignore"):
            self.rule.update(known, self.state, self._out)
        self.params += self._out
        return loss

    def _evaluate(self, closure: Callable[[], Any]) -> float:
        with self._torch.enable_grad():
            loss = closure()
        return float(loss.detach() if isinstance(loss, self._torch.Tensor) else loss)

    def _gather(self) -> None:
        """Bring gradients into `grad` that the model made anew (`model.zero_grad()`); without one it is 0."""
        for tensor, grad in zip(self.tensors, self._grads, strict=True):
            if tensor.grad is None:
                grad.zero_()
            elif tensor.grad is not grad:
                grad.copy_(tensor.grad)
            tensor.grad = grad

    def _views(self, flat: Array) -> list[Any]:
        """A tensor for each parameter, of its shape, on the memory of `flat`."""
        ends = np.cumsum([tensor.numel() for tensor in self.tensors])
        parts = np.split(flat, ends[:-1])
        return [self._torch.from_numpy(part).view(t.shape) for part, t in zip(parts, self.tensors, strict=True)]

    def _check(self, tensors: list[Any]) -> None:
        kinds = {
            (str(tensor.device), str(tensor.dtype)) for tensor in tensors if isinstance(tensor, self._torch.Tensor)
        }
        fits = len(kinds) == 1 and kinds <= {("cpu", "torch.float32"), ("cpu", "torch.float64")}
        if not fits or len({id(tensor) for tensor in tensors}) < len(tensors):
            needed = "distinct tensors on the CPU, all float32 or all float64: model.parameters()"
            raise HyperparameterError("params", sorted(kinds) or tensors, needed)


class ClosureObjective:
    """The loss that a closure computes, at other parameters. The gradients of the step are left as they are."""

    def __init__(self, loop: TorchRule, closure: Callable[[], Any]) -> None:
        self._loop, self._closure = loop, closure

    def value(self, params: Array) -> float:
        """L(params)."""
        return self.value_and_grad(params, np.empty_like(params))

    def value_and_grad(self, params: Array, out: Array) -> float:
        """Write the gradient at `params` into `out`; return L(params)."""
        loop = self._loop
        before, grad = loop.params.copy(), loop.grad.copy()
        loop.params[...] = params
        loss = loop._evaluate(self._closure)
        loop._gather()
        out[...] = loop.grad
        loop.params[...], loop.grad[...] = before, grad
        return loss


def _import_torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("a loop of PyTorch", "bench") from None
    return torch
