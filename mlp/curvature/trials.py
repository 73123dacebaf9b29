"""What would happen from here: the rule's own steps, lower and higher rates, minibatches, a trust region, small pushes.

Each trial starts at a surface's point and leaves it there; rates run side by side as one population. It reports losses
and decides nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import partial
from itertools import islice
from math import inf
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.backprop import forward, value_and_grad
from mlp.curvature.surface import Surface
from mlp.curvature.work import PRODUCT, Meter
from mlp.data.batches import batches
from mlp.errors import ShapeError
from mlp.network import Network, Workspace
from mlp.objective import Objective
from mlp.optimizers import Evaluation, Optimizer, TrustRegion
from mlp.optimizers.optimizer import Pace


class Counted(Objective):
    """An objective whose work is counted: what a rule asks beside the gradient that it is given."""

    def __init__(self, network: Network, loss: Any, meter: Meter) -> None:
        super().__init__(network, loss)
        self.meter = meter

    def _count(self, passes: float) -> None:
        self.meter.spend(self.network, self.batch.x.n_samples, passes)

    def value(self, params: Array) -> Any:
        """L(params), counted."""
        self._count(0.5)
        return super().value(params)

    def value_and_grad(self, params: Array, out: Array) -> Any:
        """L(params) and its gradient, counted."""
        self._count(1.0)
        return super().value_and_grad(params, out)

    def hvp(self, v: Array, out: Array) -> None:
        """The product with the Hessian, counted."""
        self._count(PRODUCT)
        super().hvp(v, out)

    def gnvp(self, v: Array, out: Array) -> None:
        """The product with the Gauss-Newton matrix, counted."""
        self._count(PRODUCT)
        super().gnvp(v, out)


# the rule and its memory, elsewhere


def has_rate(rule: Any) -> bool:
    """Whether a learning rate scales the steps of this rule, of several vectors at once."""
    inner = rule
    while hasattr(inner, "rule"):
        inner = inner.rule
    return is_dataclass(inner) and hasattr(inner, "learning_rate") and not rule.single_network


def with_rate(rule: Any, rate: Any) -> Any:
    """The rule with this constant learning rate; of a rule around a rule, the inner one."""
    if hasattr(rule, "rule"):
        return replace(rule, rule=with_rate(rule.rule, rate))
    return replace(rule, learning_rate=rate)


def remembered(state: Any, fresh: Any) -> Any:
    """The numbers of a rule's memory in a fresh one, which may be that of a population and of another dtype."""
    return _fill(fresh, state, _for_members)


def memory_of_member(state: Any, fresh: Any, member: int) -> Any:
    """The numbers of one member in the memory of a rule that moves a population, in a fresh one of a single network."""
    return _fill(fresh, state, partial(_of_member, member))


def _fill(fresh: Any, state: Any, fit: Callable[[Array, tuple[int, ...]], Array]) -> Any:
    """The fresh memory with the numbers of another; `fit` gives an array the shape that is needed."""
    if isinstance(fresh, np.ndarray):
        np.copyto(fresh, fit(np.asarray(state), fresh.shape))
        return fresh
    if isinstance(fresh, Pace):
        return replace(fresh, t=state.t) if fresh.schedule is None else copy.deepcopy(state)
    if is_dataclass(fresh) and not isinstance(fresh, type):
        for field in fields(fresh):
            setattr(fresh, field.name, _fill(getattr(fresh, field.name), getattr(state, field.name), fit))
        return fresh
    if isinstance(fresh, list | tuple) and len(fresh) == len(state):
        return type(fresh)(_fill(new, mine, fit) for mine, new in zip(state, fresh, strict=True))
    return copy.deepcopy(state)


def _of_member(member: int, values: Array, shape: tuple[int, ...]) -> Array:
    """One member of an array that holds all of them, wherever their axis is."""
    axes = [k for k in range(values.ndim) if values.shape[:k] + values.shape[k + 1 :] == shape]
    return np.take(values, member, axes[0]) if axes else values


def _for_members(values: Array, shape: tuple[int, ...]) -> Array:
    """An array of one memory so that it broadcasts to that of a population, wherever the axis of members is."""
    if values.ndim == len(shape) - 1:
        axes = [k for k in range(len(shape) - 1) if values.shape == shape[:k] + shape[k + 1 :]]
        values = np.expand_dims(values, axes[0]) if axes else values
    if values.ndim and values.shape[-1:] != shape[-1:]:
        raise ShapeError(f"the rule's memory is of {values.shape[-1]} parameters; this network has {shape[-1]}.")
    return values


def begin(rule: Optimizer, state: Any, rate: Any, params: Array) -> tuple[Optimizer, Any]:
    """The rule at a constant rate, if it has one, and a copy of its memory for `params` (*population, P)."""
    moved = with_rate(rule, rate) if has_rate(rule) else rule
    fresh = moved.init(params)
    return moved, fresh if state is None else remembered(state, fresh)


# all rows


def descend(surface: Surface, rule: Optimizer, state: Any, params: Array) -> Iterator[Any]:
    """Steps of `rule` on all rows without end: the loss before each, (*population,).

    `params` (*population, P) is where they start, and is moved.
    """
    network = surface.network.at(params)
    workspace, update = Workspace(network, surface.batch.x.n_samples), np.empty_like(params)
    objective = Counted(network, surface.loss, surface.meter)
    while True:
        surface.meter.spend(network, surface.batch.x.n_samples)
        with np.errstate(all="ignore"):
            value = value_and_grad(network, surface.loss, surface.batch, workspace)
        yield value
        with np.errstate(all="ignore"):
            objective.batch, objective.workspace = surface.batch, workspace
            rule.update(Evaluation(params, value, workspace.grad, objective), state, update)
            params += update


def losses_along(surface: Surface, rule: Optimizer, state: Any, rates: Array, steps: int) -> Array:
    """The loss before each step of `rule` and after the last, side by side at each of `rates`: (steps + 1, R).

    A loss that is no number is infinite. A rule without a rate has one column.
    """
    many = has_rate(rule)
    params = np.repeat(surface.params[None], len(rates), 0) if many else surface.params.copy()
    moved, memory = begin(rule, state, rates[:, None], params)
    found = np.array(list(islice(descend(surface, moved, memory, params), steps + 1)))
    return np.where(np.isfinite(found), found, inf).reshape(steps + 1, -1)


def steps_until(surface: Surface, rule: Optimizer, state: Any, rate: float, loss: float, most: int) -> float:
    """Steps of the rule until the loss on all rows is at most `loss`; inf if `most` do not bring it there."""
    params = surface.params.copy()
    moved, memory = begin(rule, state, rate, params)
    path = islice(descend(surface, moved, memory, params), most + 1)
    return next((float(k) for k, here in enumerate(path) if here <= loss), inf)


# minibatches


def noisy_levels(
    surface: Surface, rule: Optimizer, state: Any, rate: float, size: int, marks: Array, rng: np.random.Generator
) -> Array:
    """The loss on all rows after the steps `marks` on minibatches of `size` rows."""
    network = surface.network.at(surface.params.copy())
    moved, memory = begin(rule, state, rate, network.params)
    objective, update = Counted(network, surface.loss, surface.meter), np.empty_like(surface.params)
    workspaces: dict[int, Workspace] = {}
    whole, found = Workspace(network, surface.batch.x.n_samples), []
    x, target, steps = surface.batch.x.values.T, surface.batch.target.T, int(marks[-1]) + 1
    drawn = batches(x, target, size, rng=rng, epochs=2 + steps * size // len(x), weights=surface.batch.weights)
    with np.errstate(all="ignore"):
        for k, batch in enumerate(islice(drawn, steps)):
            workspace = workspaces.get(batch.x.n_samples) or Workspace(network, batch.x.n_samples)
            workspaces[batch.x.n_samples] = workspace
            surface.meter.spend(network, batch.x.n_samples)
            value = value_and_grad(network, surface.loss, batch, workspace)
            objective.batch, objective.workspace = batch, workspace
            moved.update(Evaluation(network.params, value, workspace.grad, objective), memory, update)
            network.params += update
            if k in marks:
                found.append(_level(network, surface, whole))
    return np.where(np.isfinite(found), found, inf)


def _level(network: Network, surface: Surface, workspace: Workspace) -> float:
    """The loss on all rows, penalties included."""
    batch = surface.batch
    surface.count(0.5)
    value = surface.loss.value(forward(network, batch.x, workspace, batch.weights), batch.target, batch.weights)
    for i in network.penalised:
        value = value + network.layers[i].penalty(network.views[i], workspace.grads[i])
    return float(value)


# what sees curvature, and what looks around


def polished(surface: Surface, steps: int, reach: float = 0.1) -> float:
    """The loss after `steps` of a trust region that goes at most `reach` to 4 `reach` times ‖θ‖ at once."""
    size = reach * max(float(np.linalg.norm(surface.params)), 1.0)
    rule = TrustRegion(radius=size, max_radius=4 * size)
    return float(losses_along(surface, rule, None, np.ones(1), steps)[-1, 0])


def displaced(surface: Surface, size: float, rng: np.random.Generator) -> Array:
    """θ after a random push of `size` times each layer's weights; weights that are next to nothing count as normal."""
    params = surface.params.copy()
    for layer, part in zip(surface.network.layers, surface.network.layout.slices, strict=True):
        if part.stop > part.start:
            typical, fan = float(np.sqrt(np.mean(params[part] ** 2))), layer.n_in**0.5
            own = typical if typical * fan > 0.1 else 5 / fan
            params[part] += size * own * rng.standard_normal(part.stop - part.start)
    return params
