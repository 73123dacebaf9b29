"""What the parameters of a foreign loop say: norms of gradient, update and weights by layer, and how they agree.

The columns are those of `mlp.instruments.vectors`: the norm of the gradient at each of the first steps and then at
every few, what reads updates and weights more seldom. It knows arrays only; who gives them is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import nan, sqrt
from typing import Any

import numpy as np

from mlp.arrays import Array, squared_norm
from mlp.history import History
from mlp.history_columns import Column
from mlp.instruments.instrument import Rhythm
from mlp.instruments.vectors import SMALL

EVERY = 100  # steps at each of which the gradient is recorded
NORMS = Rhythm(4, 13, 400)  # and then: its norm takes a sixth of a step of 784-128-10
RHYTHMS = (Rhythm(7, 97, 700), Rhythm(23, 197, 690))
"""When updates and weights are read, in small models and in others: tensors are copied for it, 0.1 ms for 100,000."""

Arrays = Callable[[Any], "Array | None"]
"""The numbers of a parameter, or of its gradient; None where it has none."""


class Gradients:
    """Records the steps of one training.

    `layers`: the parameters of each layer, by its name; `value` and `grad` read the arrays of one of them. `before` is
    called when gradients are there and the step is not made, `after` when it is. A parameter that several layers share
    is the first one's.
    """

    def __init__(self, history: History, layers: Mapping[str, Sequence[Any]], value: Arrays, grad: Arrays) -> None:
        self.history, self.value, self.grad = history, value, grad
        self.layers = _list_once(layers.values())
        size = sum(int(np.prod(p.shape)) for params in self.layers for p in params)
        self.rhythm, self.due = RHYTHMS[size > SMALL], 0
        labels = tuple(layers)
        shape = (len(labels),)
        self.grads = history.column("grad_norm_by_layer", shape, "", labels)
        self.grads.finish_with(np.sqrt)
        self.thinned = {}
        for name in ("update_norm_by_layer", "param_norm_by_layer"):
            self.thinned[name] = history.column(name, shape, "", labels)
            self.thinned[name].finish_with(np.sqrt)
        for name in ("grad", "update", "param"):
            history.derive(f"{name}_norm", f"{name}_norm_by_layer")
        self.descent, self.cosine = history.column("descent"), history.column("grad_cosine")
        self.copies: list[Array] = []
        self.kept: tuple[int, list[Array]] = (-2, [])
        self.squares: list[float] = []

    def before(self, step: int, *, wanted: bool = False) -> None:
        """Record the gradients; at some steps keep a copy of the weights, from which the update is read.

        `wanted`: at this step in any case.
        """
        if step <= EVERY or wanted or step == self.due or NORMS.meets(step):
            self.squares = self._square_grads()
            self.grads.steps.append(step)
            self.grads.values.extend(self.squares)
        if step == self.due:
            self._compare(step)
            self.keep_weights(step)
        elif step + 1 == self.due:
            self.kept = step, [np.array(g) for g in self._all_grads()]

    def keep_weights(self, step: int) -> None:
        """Copy the weights, if the update is due and they are not copied; before a step that asks for its gradients."""
        if step == self.due and not self.copies:
            self.copies = [np.array(self.value(p)) for params in self.layers for p in params]

    @property
    def are_there(self) -> bool:
        """Whether any parameter has a gradient."""
        return any(self.grad(p) is not None for params in self.layers for p in params)

    def _square_grads(self) -> list[float]:
        """‖∂L/∂θ‖² of each layer."""
        grad, squares = self.grad, []
        for params in self.layers:
            total = 0.0
            for p in params:
                if (g := grad(p)) is not None:
                    total += squared_norm(g.reshape(-1))
            squares.append(total)
        return squares

    def _all_grads(self) -> list[Array]:
        found = [self.grad(p) for params in self.layers for p in params]
        return [g for g in found if g is not None]

    def after(self, step: int) -> None:
        """Record the update and the weights, where they are due."""
        if self.copies:
            self._record_update(step)
            self.copies, self.due = [], self.rhythm.next(step)

    @np.errstate(all="ignore")  # of a run that diverges, numbers that are none are recorded, not warned of
    def _record_update(self, step: int) -> None:
        updates: list[float] = []
        params: list[float] = []
        along, copies = 0.0, iter(self.copies)
        for layer in self.layers:
            moved = length = 0.0
            for p in layer:
                now, grad = self.value(p), self.grad(p)
                assert now is not None
                update = now - next(copies)
                moved, length = moved + _square(update), length + _square(now)
                along += 0.0 if grad is None else float(np.vdot(grad, update))
            updates.append(moved)
            params.append(length)
        for column, numbers in zip(self.thinned.values(), (updates, params), strict=True):
            column.steps.append(step)
            column.values.extend(numbers)
        _put(self.descent, step, along)

    @np.errstate(all="ignore")
    def _compare(self, step: int) -> None:
        """The cosine of this gradient and the one before, if that was kept."""
        when, earlier = self.kept
        now = self._all_grads()
        if when != step - 1 or len(now) != len(earlier):
            return
        dot = sum(float(np.vdot(a, b)) for a, b in zip(now, earlier, strict=True))
        lengths = sqrt(sum(self.squares)) * sqrt(sum(map(_square, earlier)))
        _put(self.cosine, step, dot / lengths if lengths > 0 else (0.0 if lengths == 0 else nan))


def _list_once(layers: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """The parameters of each layer that no layer before it has."""
    seen: set[int] = set()
    found = []
    for params in layers:
        found.append([p for p in params if id(p) not in seen])
        seen.update(map(id, params))
    return found


def _square(values: Array) -> float:
    return squared_norm(values.reshape(-1))


def _put(column: Column, step: int, value: float) -> None:
    column.steps.append(step)
    column.values.append(value)
