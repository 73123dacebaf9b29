"""What would happen from here: the rule's own steps, lower and higher rates, minibatches, a trust region, small pushes.

Each trial starts at a surface's point and leaves it there; rates and pushes run side by side as one population. It
reports losses and decides nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import islice
from math import inf
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.backprop import forward, value_and_grad
from mlp.curvature.surface import Surface
from mlp.data.batches import batches
from mlp.network import Network, Workspace
from mlp.objective import Objective
from mlp.optimizers import Evaluation, Optimizer, TrustRegion
from mlp.optimizers.optimizer import Pace


def descend(surface: Surface, rule: Optimizer, params: Array, state: Any = None) -> Iterator[Any]:
    """Steps of `rule` on all rows without end: the loss before each, (*population,).

    `params` (*population, P) is where they start, and is moved.
    """
    network = surface.network.at(params)
    workspace = Workspace(network, surface.batch.x.n_samples)
    objective = Objective(network, surface.loss)
    state, update = rule.init(params) if state is None else state, np.empty_like(params)
    while True:
        with np.errstate(all="ignore"):
            value = value_and_grad(network, surface.loss, surface.batch, workspace)
        yield value
        with np.errstate(all="ignore"):
            objective.batch, objective.workspace = surface.batch, workspace
            rule.update(Evaluation(params, value, workspace.grad, objective), state, update)
            params += update


def losses_along(surface: Surface, rule: Optimizer, steps: int, params: Array, state: Any = None) -> Array:
    """The loss before each of `steps` steps and after the last, (steps + 1, *population); infinite if no number."""
    found = np.array(list(islice(descend(surface, rule, params, state), steps + 1)))
    return np.where(np.isfinite(found), found, np.inf)


def steps_until(surface: Surface, rule: Optimizer, state: Any, rate: float, loss: float, most: int) -> float:
    """Steps of the rule until the loss on all rows is at most `loss`; inf if `most` do not bring it there."""
    memory = alone(rule, state, rate, surface.params)
    path = descend(surface, with_rate(rule, rate) if has_rate(rule) else rule, surface.params.copy(), memory)
    return next((float(k) for k, here in enumerate(islice(path, most + 1)) if here <= loss), inf)


def at_rates(surface: Surface, rule: Optimizer, state: Any, rates: Array, steps: int) -> Array:
    """The losses of `rule` at each of `rates` (R,), all starting with the same memory: (steps + 1, R)."""
    params = np.repeat(surface.params[None], len(rates), 0)
    moved = with_rate(rule, rates[:, None])
    memory = moved.init(params) if state is None else spread(state, rates[:, None], surface.size)
    return losses_along(surface, moved, steps, params, memory)


def with_rate(rule: Any, rate: Any) -> Any:
    """The rule with this constant learning rate; of a rule around a rule, the inner one."""
    if hasattr(rule, "rule"):
        return replace(rule, rule=with_rate(rule.rule, rate))
    return replace(rule, learning_rate=rate)


def has_rate(rule: Any) -> bool:
    """Whether a learning rate scales the steps of this rule, for several vectors at once."""
    inner = rule
    while hasattr(inner, "rule"):
        inner = inner.rule
    return hasattr(inner, "learning_rate") and not rule.alone and is_dataclass(inner)


def spread(state: Any, rates: Array, size: int) -> Any:
    """A copy of a rule's memory in float64, a row for each of `rates` (R, 1), its pace at those rates."""
    if isinstance(state, Pace):
        return Pace(None, None, rates, state.t)
    if isinstance(state, np.ndarray) and state.shape == (size,):
        return np.repeat(state[None].astype(np.float64), len(rates), 0)
    if is_dataclass(state) and not isinstance(state, type):
        other = copy.copy(state)
        for field in fields(state):
            setattr(other, field.name, spread(getattr(state, field.name), rates, size))
        return other
    return copy.deepcopy(state)


def noisy_levels(
    surface: Surface, rule: Optimizer, state: Any, size: int, steps: int, marks: Array, rng: np.random.Generator
) -> Array:
    """The loss on all rows after each of `marks` of `steps` steps on minibatches of `size` rows."""
    network = surface.network.at(surface.params.copy())
    objective, update = Objective(network, surface.loss), np.empty_like(surface.params)
    workspaces: dict[int, Workspace] = {}
    whole, found = Workspace(network, surface.batch.x.n_samples), []
    x, target = surface.batch.x.values.T, surface.batch.target.T
    epochs = 1 + steps * size // len(x) + 1
    with np.errstate(all="ignore"):
        for k, batch in enumerate(batches(x, target, size, rng=rng, epochs=epochs, weights=surface.batch.weights)):
            if k == steps:
                break
            n = batch.x.n_samples
            workspace = workspaces.setdefault(n, Workspace(network, n)) if n not in workspaces else workspaces[n]
            value = value_and_grad(network, surface.loss, batch, workspace)
            objective.batch, objective.workspace = batch, workspace
            rule.update(Evaluation(network.params, value, workspace.grad, objective), state, update)
            network.params += update
            if k in marks:
                found.append(_level(network, surface, whole))
    return np.where(np.isfinite(found), found, np.inf)


def _level(network: Network, surface: Surface, workspace: Workspace) -> float:
    """The loss on all rows, penalties included."""
    batch = surface.batch
    value = surface.loss.value(forward(network, batch.x, workspace), batch.target, batch.weights)
    for i in network.penalised:
        value = value + network.layers[i].penalty(network.views[i], workspace.grads[i])
    return float(value)


def polished(surface: Surface, steps: int, reach: float = 0.1) -> float:
    """The loss after `steps` of a trust region that goes at most `reach` to 4 `reach` times ‖θ‖ at once."""
    size = reach * max(float(np.linalg.norm(surface.params)), 1.0)
    rule = TrustRegion(radius=size, max_radius=4 * size)
    return float(losses_along(surface, rule, steps, surface.params.copy())[-1])


def displaced(surface: Surface, size: float, rng: np.random.Generator) -> Array:
    """θ after a random push of `size` times each layer's weights; weights that are next to nothing count as normal."""
    params = surface.params.copy()
    for layer, part in zip(surface.network.layers, surface.network.layout.slices, strict=True):
        if part.stop > part.start:
            typical, fan = float(np.sqrt(np.mean(params[part] ** 2))), layer.n_in**0.5
            own = typical if typical * fan > 0.1 else 5 / fan
            params[part] += size * own * rng.standard_normal(part.stop - part.start)
    return params


def alone(rule: Optimizer, state: Any, rate: float, params: Array) -> Any:
    """A copy of a rule's memory for one vector, in float64 and at a constant rate; a new one if there is none."""
    if state is None:
        return rule.init(params)
    return _first(spread(state, np.array([[rate]]), params.size), rate)


def _first(state: Any, rate: float) -> Any:
    """The memory of the first of many."""
    if isinstance(state, Pace):
        return Pace(None, None, rate, state.t)
    if isinstance(state, np.ndarray) and state.ndim == 2:
        return state[0]
    if is_dataclass(state) and not isinstance(state, type):
        for field in fields(state):
            setattr(state, field.name, _first(getattr(state, field.name), rate))
    return state
