"""The numbers of one step of a small network, wherever they come from: a live `Step`, or a recording.

Parameters are those before the update, values and derivatives those of the pass that gave the gradient. Everything is
read and nothing is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, check_kind
from mlp.losses import Loss
from mlp.microscope.graph import Graph, build_graph
from mlp.microscope.loss_formulas import compared_targets, loss_formula
from mlp.optimizers import SGD, Optimizer
from mlp.training import Step


@dataclass(frozen=True, eq=False)
class Numbers:
    """One step. `values[k]` (n, N) came out of layer k - 1, `derivatives[k]` is ∂L/∂ of it; None where nobody asks.

    `target` (n_out, N) is what the loss compares with, `shares` (N,) what each sample counts in the mean. `before` and
    `after` are the rule's memory by name, (P,) each; empty where only one of them, or none, is known. `rate` is the
    learning rate, NaN of a rule without one, and `t` the number of the update, counted from 1. `recovered`: the
    parameters are those after the update minus the update, and so rounded once more.
    """

    graph: Graph
    loss: Loss
    index: int
    value: float
    target: Array
    shares: Array
    params: Array
    grad: Array
    update: Array
    values: tuple[Array, ...]
    derivatives: tuple[Any, ...]
    rule: Optimizer | None = None
    rate: float = float("nan")
    t: int = 1
    before: Mapping[str, Array] = field(default_factory=dict)
    after: Mapping[str, Array] = field(default_factory=dict)
    recovered: bool = False

    @property
    def n_samples(self) -> int:
        """N."""
        return int(self.target.shape[-1])

    def size(self, k: int) -> float:
        """What rounding of parameter k is measured by: |w|, and |Δw| where it was recovered with it."""
        return abs(float(self.params[k])) + (abs(float(self.update[k])) if self.recovered else 0.0)

    def x(self, c: int, i: int, s: int) -> float:
        """What node i of column c hands on for sample s; the bias node hands on 1."""
        column = self.graph.columns[c]
        return 1.0 if i == column.n else float(self.values[self.graph.output_index(c)][i, s])

    def z(self, c: int, j: int, s: int) -> float:
        """The weighted sum of a node."""
        return float(self.values[self.graph.sum_index(c)][j, s])

    def delta(self, c: int, j: int, s: int) -> float:
        """δ = ∂L/∂z of a node."""
        return float(self.derivatives[self.graph.sum_index(c)][j, s])

    def d_a(self, c: int, j: int, s: int) -> float:
        """∂L/∂a of a node."""
        return float(self.derivatives[self.graph.output_index(c)][j, s])


def numbers_of(step: Step, rule: Optimizer | None = None) -> Numbers:
    """The numbers of a step that was just made. They are live, as those of the step are.

    `rule`: the optimizer, which a step does not know. Without it, plain gradient descent is recognised by its numbers.
    """
    check_kind("step", step, Step, "one of the steps of train(...)")
    if rule is not None:
        check_kind("rule", rule, Optimizer, "an optimizer: SGD(0.1), Adam(), ..., or None")
    if step.objective is None:
        raise HyperparameterError("step", "a step without its objective", "one of the steps of train(...)")
    loss, batch = step.objective.loss, step.batch
    loss_formula(loss)
    graph = build_graph(step.network)
    n = batch.x.n_samples
    weights = np.ones(n) if batch.weights is None else batch.weights
    total = float(weights.sum())
    rate = float(getattr(step.state, "learning_rate", np.nan))
    if rule is None and np.array_equal(step.update, -rate * step.workspace.grad):
        rule = SGD(rate)
    return Numbers(
        graph, loss, step.index, float(step.loss),
        compared_targets(loss, batch.target, graph.columns[-1].n),
        np.full(n, 1 / n) if batch.weights is None else weights / total if total > 0 else weights,
        step.network.params - step.update, step.workspace.grad, step.update,
        tuple(nodes.values for nodes in step.workspace.nodes), tuple(step.workspace.d_nodes),
        rule, rate, int(getattr(step.state, "t", step.index + 1)), recovered=True,
    )  # fmt: skip
