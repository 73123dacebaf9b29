"""Several trainings of one shape in one pass: each from its own seed, with its own batches and learning rate.

Every member gets the numbers that it would get alone, up to rounding. What makes that impossible trains alone: noise
and pretraining, which draw from a generator on the way; weights of rows; early stopping, which ends each training at
another step; and rules that search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from mlp.arrays import Array, Nodes
from mlp.backprop import value_and_grad
from mlp.data.batches import Batch
from mlp.experiment.loop import make_batches
from mlp.experiment.setup import Setup
from mlp.experiment.state import State, answering_model, initial_state
from mlp.losses import Labelled
from mlp.model import Model
from mlp.network import Network, Workspace
from mlp.objective import Objective
from mlp.optimizers import Evaluation, Optimizer
from mlp.optimizers.optimizer import Schedule
from mlp.problems import takes_populations
from mlp.schedules import Timed

PARAMETERS = 1 << 16  # of larger networks a population is no faster than one network after another (784-128-10: 0.8 ×)
CELLS = 1 << 19  # of a batch at most: every member has its own copy


@dataclass(frozen=True)
class Schedules:
    """A schedule for each member, (R, 1): all go by the number of the step alone."""

    each: tuple[Schedule, ...]

    def init(self) -> None:
        """Nothing is remembered."""

    def rate(self, t: int, loss: Any, memory: Any) -> Array:
        """The learning rates of update t."""
        return np.array([schedule.rate(t, None, None) for schedule in self.each])[:, None]


def group_setups(setups: Sequence[Setup]) -> list[list[int]]:
    """The numbers of those that train in one pass; one that must train alone is a group of its own.

    The setups are of one shape, and on the same rows. They may differ in the seed and in the learning rate.
    """
    together = [i for i, setup in enumerate(setups) if _may_join(setup)]
    if len(together) < 2 or merge_rules([setups[i].rule for i in together], setups[0].dtype) is None:
        together = []
    return [*([together] if together else []), *([i] for i in range(len(setups)) if i not in together)]


def _may_join(setup: Setup) -> bool:
    """Whether this training gets the same numbers beside others."""
    config, loss, rule = setup.config, setup.head.loss, setup.rule
    noise = (config.network.dropout, config.network.input_dropout, config.network.input_noise)
    plain = (
        not np.any([np.any(amount) for amount in noise])
        and config.training.early_stopping is False
        and not (setup.population or setup.augmentations or setup.pretrainer or config.own_parts)
        and setup.row_weights is None
        and not setup.prepared.train.is_streamed
        and not getattr(loss, "labels_only", False)
    )
    searches = rule.single_network or rule.full_batch or rule.least_squares or hasattr(rule, "seed")
    size = min(config.training.rows_per_batch(len(setup.prepared.train)), len(setup.prepared.train))
    small = setup.layout.size <= PARAMETERS and size * setup.layout.layers[0].n_in <= CELLS
    return plain and not searches and small and takes_populations(rule, np.zeros(setup.layout.size))


def merge_rules(rules: Sequence[Optimizer], dtype: Any) -> Optimizer | None:
    """One rule for all members, with a learning rate for each; None where they differ in more than that."""
    first = rules[0]
    if all(rule == first for rule in rules):
        return first
    inner = [f.name for f in fields(first) if isinstance(getattr(first, f.name), Optimizer)]  # type: ignore[arg-type]
    name = inner[0] if inner else "learning_rate"
    if any(type(rule) is not type(first) for rule in rules) or not hasattr(first, name):
        return None
    parts = [getattr(rule, name) for rule in rules]
    if any(replace(rule, **{name: parts[0]}) != first for rule in rules):  # type: ignore[type-var]
        return None
    merged = merge_rules(parts, dtype) if inner else _merge_rates(parts, dtype)
    return None if merged is None else replace(first, **{name: merged})  # type: ignore[type-var]


def _merge_rates(rates: Sequence[Any], dtype: Any) -> Any:
    """Numbers as an array (R, 1), schedules as one that gives such an array; None for any others."""
    if all(isinstance(rate, Timed) for rate in rates):
        return Schedules(tuple(rates))
    if all(isinstance(rate, int | float) for rate in rates):
        return np.array(rates, dtype)[:, None]
    return None


@np.errstate(all="ignore")  # the scores of members that diverge say so
def train_population(setups: Sequence[Setup]) -> tuple[Model, Array]:
    """Train all of them, to the last step. The model that answers, and which members came to a number, (R,)."""
    first, states = setups[0], [initial_state(setup) for setup in setups]
    network = Network(first.layout.layers, 0, population=(len(setups),), dtype=first.dtype)
    np.copyto(network.params, np.stack([state.network.params for state in states]))
    np.copyto(network.statistics, np.stack([state.network.statistics for state in states]))
    rule = merge_rules([setup.rule for setup in setups], first.dtype)
    assert rule is not None
    memory, update, loss = rule.init(network.params), np.empty_like(network.params), first.head.loss
    objective, workspaces, finite = Objective(network, loss), dict[int, Workspace](), np.ones(len(setups), bool)
    for batch in _stack_batches(setups, states):
        workspace = workspaces.get(batch.x.n_samples)
        if workspace is None:
            workspace = workspaces[batch.x.n_samples] = Workspace(network, batch.x.n_samples)
        objective.batch, objective.workspace = batch, workspace
        value = value_and_grad(network, loss, batch, workspace)
        rule.update(Evaluation(network.params, value, workspace.grad, objective), memory, update)
        network.params += update
        finite &= np.isfinite(value)
        if not finite.any():
            break
    finite &= np.abs(network.params).max(-1) < np.sqrt(np.finfo(network.dtype).max)
    return answering_model(first, replace(states[0], network=network, memory=memory)), finite


def _stack_batches(setups: Sequence[Setup], states: Sequence[State]) -> Iterator[Batch]:
    """A batch for each member, as one: inputs (R, n_in, N), targets (R, n_out, N). Equal seeds share theirs."""
    seeds = [setup.config.training.seed for setup in setups]
    first = [seeds.index(seed) for seed in dict.fromkeys(seeds)]  # a member of each seed
    place = np.array([list(dict.fromkeys(seeds)).index(seed) for seed in seeds])
    head, dtype = setups[0].head, setups[0].dtype
    classes = np.arange(head.n_out)[:, None]
    takes_classes = isinstance(head.loss, Labelled)
    for batches in zip(*(make_batches(setups[i], states[i]) for i in first), strict=True):
        x = np.stack([batch.x.with_bias.T for batch in batches])[place].swapaxes(-1, -2)
        target = np.stack([np.atleast_2d(batch.target) for batch in batches])[place]
        if takes_classes and batches[0].target.ndim == 1:
            target = np.equal(target, classes).astype(dtype)
        yield Batch(Nodes(x[:, :-1], x), target, None, batches[0].epoch)
