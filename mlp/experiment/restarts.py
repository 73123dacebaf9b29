"""Many starts of one network: into which minima they fell, and what they answer together.

Knows losses and raw outputs; trains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import ConfigError
from mlp.experiment import metrics
from mlp.experiment.build import Head
from mlp.experiment.config import Config
from mlp.experiment.prepare import Part
from mlp.network import Network

APART = 0.05
"""Two training losses belong to different minima if they differ by more than this share of the loss of a guess."""


def check(config: Config) -> None:
    """Refuse an ensemble of one."""
    if config.training.ensemble and config.training.restarts == 1:
        raise ConfigError("[training] ensemble = true answers with all restarts, and restarts = 1. Set restarts = 5.")


def minima(losses: Sequence[float], guess: float) -> list[list[float]]:
    """Finite losses by minimum, the best first: each holds all within 5 % of `guess` above its own lowest.

    `guess` is the loss of the best constant answer.

    >>> minima([0.35, 0.01, 0.02, 0.36, float("nan"), 0.48], guess=0.69)
    [[0.01, 0.02], [0.35, 0.36], [0.48]]
    """
    found: list[list[float]] = []
    for loss in sorted(loss for loss in losses if np.isfinite(loss)):
        if not found or loss > found[-1][0] + APART * guess:
            found.append([])
        found[-1].append(loss)
    return found


def spread(network: Network, head: Head, task: str, train: Part, guess: float) -> dict[str, Any]:
    """The training loss of each member, as in use, and how many fell into a worse minimum than the best did."""
    losses = np.asarray(metrics.evaluate(network, head, task, train)["loss"]).tolist()
    fallen = minima(losses, guess)
    return {"restart_train_losses": losses, "restart_worse": sum(map(len, fallen[1:]))}


def together(head: Head, raw: Array) -> Array:
    """The raw outputs (n, n_out) that stand for the mean of what members (R, n, n_out) say: of their probabilities.

    Breiman (1996), "Bagging predictors", without the bootstrap: members differ by their first weights alone.
    """
    said = head.loss.predict(raw.astype(np.float64).swapaxes(-1, -2)).mean(0)
    return head.loss.outputs_for(said).swapaxes(-1, -2)


def answers(network: Network, head: Head, part: Part) -> Array:
    """Raw outputs (n, n_out): of a network, or of the members of an ensemble together."""
    raw = metrics.raw_outputs(network, part)
    return together(head, raw) if network.population else raw


def numbers(network: Network, head: Head, task: str, part: Part) -> dict[str, Any]:
    """What `metrics.evaluate` gives, of an ensemble for its common answer."""
    return metrics.judged(head, task, answers(network, head, part), part)


def ensemble(network: Network, losses: Array) -> Network:
    """The members of a population whose loss is a number, as a population of their own."""
    fine = np.isfinite(losses)
    found = Network(network.layers, 0, population=(int(fine.sum()),), dtype=network.dtype)
    np.copyto(found.params, network.params[fine])
    np.copyto(found.statistics, network.statistics[fine])
    return found
