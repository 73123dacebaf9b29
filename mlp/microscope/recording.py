"""A training of a small network, recorded: every number of every step, as a page or a worksheet needs them.

Recording copies and computes nothing, so a run is the same bit for bit with or without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.backprop import check_parts
from mlp.data.batches import Batch, batches
from mlp.errors import HyperparameterError, ShapeError, check_count
from mlp.instruments import STANDARD
from mlp.losses import Loss
from mlp.microscope.findings import Period, begin_history, find_periods
from mlp.microscope.graph import Graph, build_graph
from mlp.microscope.loss_formulas import compared_targets, loss_formula
from mlp.microscope.numbers import Numbers
from mlp.microscope.rule_formulas import RULE_FORMULAS
from mlp.network import Network
from mlp.optimizers import Optimizer
from mlp.recorder import Recorder
from mlp.training import Step, train

MOST_STEPS = 5000
"""Of more the page would hold nothing but the numbers of its slider."""


MOST_NUMBERS = 10_000_000
"""Of one kind, nodes × rows × steps: 80 MB."""

INSTRUMENTS = tuple(instrument for instrument in STANDARD if instrument.name != "noise_ratio")
"""Without the noise of a batch: every step uses all rows, and their gradient has none."""


@dataclass(frozen=True, eq=False)
class Recording:
    """T steps of a network on N samples, all of them in every step.

    `arrays`, all float64: "params0" (P,) the first parameters; "params", "grad", "update" (T, P), the parameters after
    each step; "loss" and "rate" (T,); "y1" … "yL" (T, n, N), what came out of each layer; "d1" … "dL", ∂L/∂ of it; and
    the memory of the rule after each step by its names, (T, P) each. `periods`: the findings, and when they held.
    """

    graph: Graph
    loss: Loss
    rule: Optimizer
    X: Array
    target: Array
    arrays: Mapping[str, Array]
    periods: tuple[Period, ...] = ()

    @property
    def n_steps(self) -> int:
        """T."""
        return len(self.arrays["loss"])

    @property
    def memory(self) -> tuple[str, ...]:
        """What the rule remembers, by name; () of a rule without a formula."""
        formula = RULE_FORMULAS.get(type(self.rule))
        return formula.memory if formula else ()

    def numbers(self, index: int) -> Numbers:
        """The numbers of one step, counted from 0."""
        if not 0 <= index < self.n_steps:
            raise HyperparameterError("step", index, f"one of the recorded steps, 0 … {self.n_steps - 1}")
        arrays, n_layers, n = self.arrays, len(self.graph.network.layers), self.target.shape[1]
        zeros = np.zeros_like(arrays["params0"])
        values = (self.X.T, *(arrays[f"y{i}"][index] for i in range(1, n_layers + 1)))
        derivatives = (None, *(arrays[f"d{i}"][index] for i in range(1, n_layers + 1)))
        return Numbers(
            self.graph, self.loss, index, float(arrays["loss"][index]), self.target, np.full(n, 1 / n),
            arrays["params"][index - 1] if index else arrays["params0"],
            arrays["grad"][index], arrays["update"][index], values, derivatives,
            self.rule, float(arrays["rate"][index]), index + 1,
            {name: arrays[name][index - 1] if index else zeros for name in self.memory},
            {name: arrays[name][index] for name in self.memory},
        )  # fmt: skip


def record(
    network: Network,
    X: Array,
    target: Array,
    loss: Loss,
    rule: Optimizer,
    steps: int = 200,
    *,
    inputs: Sequence[str] | None = None,
) -> Recording:
    """Train a copy of `network` for so many steps, all rows in each, and record them.

    `X` (n, n_features), `target` as for `batches`; `inputs` are the names of the features. The network itself is left
    as it was. ShapeError for networks, and losses, that the microscope cannot show.
    """
    check_parts(network, loss)
    graph = build_graph(network, inputs)
    loss_formula(loss)
    check_count("steps", steps)
    if steps > MOST_STEPS:
        raise HyperparameterError("steps", steps, f"at most {MOST_STEPS}: every number of every step is kept")
    if not isinstance(rule, Optimizer):
        raise HyperparameterError("rule", rule, "an optimizer: SGD(0.1), Adam(), ...")
    copy = network.at(network.params.copy())
    data = list(batches(X, target, size=None, rng=None, dtype=np.float64))
    _check_size(graph, data[0].x.n_samples, steps)
    recorder, kept = Recorder(INSTRUMENTS), _Keeper(copy, rule)
    begin_history(recorder.history, copy, loss, rule, data[0], steps)
    for step in recorder.tap(train(copy, _repeat(data[0], steps), loss, rule)):
        kept.keep(step)
    periods = find_periods(recorder.history, steps)
    rows, t = np.asarray(X, np.float64), compared_targets(loss, data[0].target, network.n_out)
    return Recording(graph, loss, rule, rows, t, kept.arrays(), periods)


def _check_size(graph: Graph, n: int, steps: int) -> None:
    """Refuse more rows than can be kept of every node and step."""
    most = MOST_NUMBERS // (steps * graph.n_nodes)
    if n > most:
        raise ShapeError(
            f"X has {n} rows, and every node is recorded for each of them at {steps} steps. "
            f"Give at most {most} rows, or fewer steps."
        )


def _repeat(batch: Batch, steps: int) -> list[Batch]:
    """All rows, in every step of an epoch of its own."""
    return [batch._replace(epoch=epoch, last=True) for epoch in range(steps)]


class _Keeper:
    """Copies of what each step leaves behind, by name."""

    def __init__(self, network: Network, rule: Optimizer) -> None:
        self.params0, self.rows = network.params.copy(), dict[str, list[Array]]()
        formula = RULE_FORMULAS.get(type(rule))
        self.memory = formula.memory if formula else ()

    def keep(self, step: Step) -> None:
        """Copy everything that a step holds."""
        rate = float(np.mean(getattr(step.state, "learning_rate", np.nan)))
        self._put("loss", step.loss)
        self._put("rate", rate)
        self._put("params", step.network.params)
        self._put("grad", step.workspace.grad)
        self._put("update", step.update)
        for name in self.memory:
            self._put(name, getattr(step.state, name))
        for i, (nodes, derivative) in enumerate(zip(step.workspace.nodes, step.workspace.d_nodes, strict=True)):
            if i:
                self._put(f"y{i}", nodes.values)
                self._put(f"d{i}", derivative)

    def _put(self, name: str, value: Any) -> None:
        self.rows.setdefault(name, []).append(np.array(value, np.float64))

    def arrays(self) -> dict[str, Array]:
        """What was kept, one array for each name."""
        return {"params0": self.params0, **{name: np.stack(rows) for name, rows in self.rows.items()}}
