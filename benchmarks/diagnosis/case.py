"""One experiment of the zoo before it runs, and the ways to change it.

A `Case` is a configuration, rows, rows to score it on, and a `Tamper` for what no configuration can express. A change
is a function from case to case; faults and look-alikes are chains of them. The base experiments stand here too: what
a sensible person would type, varied by seed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from data_sets import Problem

from mlp.arrays import Array
from mlp.config.network import build_layers
from mlp.experiment import Setup, State, begin, initial_state
from mlp.layers import Layer
from mlp.model import OutputHead
from mlp.network import Layout


@dataclass(frozen=True)
class Tamper:
    """What is wrong beyond the configuration: how a head, a list of layers and a rule become others.

    They are replaced before the network is made, so that what is measured before the first step is measured on the
    network that will be trained. The rule may need to know the layers, and is replaced last.
    """

    head: Callable[[OutputHead], OutputHead] | None = None
    layers: Callable[[list[Layer]], list[Layer]] | None = None
    rule: Callable[[Setup], Any] | None = None


@dataclass(frozen=True)
class Case:
    """A run to be. `X_held`, `y_held` are clean rows that the run never sees; `seed` is for what a change draws."""

    problem: Problem
    seed: int
    config: Mapping[str, Any]
    X: Array
    y: Array
    X_held: Array
    y_held: Array
    tamper: Tamper = field(default_factory=Tamper)

    def rng(self, purpose: str) -> np.random.Generator:
        """The generator of one change."""
        return np.random.default_rng([self.seed, *self.problem.name.encode(), *purpose.encode()])

    @property
    def hidden(self) -> list[int]:
        """The widths of the hidden layers."""
        return list(self.config["network"]["hidden"])


Change = Callable[[Case], Case]


def changed(case: Case, changes: Iterable[Change]) -> Case:
    """The case after all changes, in order."""
    for change in changes:
        case = change(case)
    return case


def having(**sections: Mapping[str, Any]) -> Change:
    """Set keys of the configuration, by section. An optimizer with a name replaces the one before it."""

    def change(case: Case) -> Case:
        config = {name: dict(section) for name, section in case.config.items()}
        for name, keys in sections.items():
            kept = {} if name == "optimizer" and "name" in keys else config.get(name, {})
            config[name] = {**kept, **keys}
        return replace(case, config=config)

    return change


def tampered(**how: Any) -> Change:
    """Set parts of the tamper."""
    return lambda case: replace(case, tamper=replace(case.tamper, **how))


def epochs_times(factor: float) -> Change:
    """Train longer or shorter."""
    return lambda case: having(training={"epochs": max(1, round(case.config["training"]["epochs"] * factor))})(case)


def base(problem: Problem, seed: int, variant: int) -> Case:
    """A healthy experiment: row `variant` of `BASES` on the rows of `seed`."""
    own = zlib.crc32(f"{problem.name} {seed} {variant}".encode()) % 2**31
    activation, hidden, optimizer, batch_size = BASES[variant]
    sections = {
        "data": {"task": "classification" if problem.classes else "regression", "validation": 0.2, "test": 0.0},
        "network": {"hidden": hidden, "activation": activation},
        "optimizer": optimizer,
        "training": {"epochs": problem.epochs, "batch_size": batch_size, "seed": own},
    }
    return Case(problem, seed, sections, *problem.parts(seed))


SGD = {"name": "sgd", "learning_rate": 0.1}
MOMENTUM = {"name": "momentum", "learning_rate": 0.03}
ADAM = {"name": "adam", "learning_rate": 0.005}

BASES: tuple[tuple[str, list[int], Mapping[str, Any], int], ...] = (
    ("relu", [32, 32], ADAM, 32),
    ("tanh", [32], SGD, 16),
    ("relu", [64, 32], MOMENTUM, 32),
    ("sigmoid", [32], {"name": "adam", "learning_rate": 0.02}, 16),
    ("relu", [32, 32, 16], SGD, 16),
    ("tanh", [24, 24], ADAM, 32),
)
"""Activation, widths, rule, batch size."""


def built(case: Case) -> tuple[Setup, State]:
    """The experiment, ready to train, tampered with."""
    setup, _ = begin(case.config, (case.X, case.y))
    tamper, config = case.tamper, setup.config
    head = setup.head if tamper.head is None else tamper.head(setup.head)
    n_in = setup.prepared.preprocessing.n_in
    layers = build_layers(config.network, config.loss, n_in, head.n_out, head.layers)
    layout = Layout.of(layers if tamper.layers is None else tamper.layers(layers))
    setup = replace(setup, head=head, layout=layout)
    if tamper.rule is not None:
        setup = replace(setup, rule=tamper.rule(setup))
    return setup, initial_state(setup)
