"""A look at where a run ended: what kind of point it is, and the landscape around it.

The rows are those that the run trained on, read again from where they came. A run that was given arrays is given them
again. What is looked at is the network that answers, with the configuration that it was trained by; the run stays as
it is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.config import NO_PARTS, Config, OwnParts
from mlp.curvature import Point, Surface, classify_point
from mlp.errors import DataError, ShapeError
from mlp.experiment.rule_memory import usual_rate
from mlp.experiment.setup import RUN_SEEDS, Setup
from mlp.experiment.state import begin
from mlp.experiment.waypoints import Waypoints
from mlp.history import History
from mlp.landscape import (
    Landscape,
    Trajectory,
    extremes,
    filter_direction,
    find_spectrum,
    line_along,
    line_between,
    plane_along,
    trajectory,
)
from mlp.network import Network

POINT_ROWS = 1000  # that a landscape and a point are computed on, at most


class Scene(NamedTuple):
    """What is looked at: the setup of the run and its rows, as inputs and targets of the network."""

    setup: Setup
    network: Network
    X: Array
    t: Array
    weights: Array | None

    @property
    def surface(self) -> Surface:
        """The loss on these rows."""
        return Surface(self.network, self.setup.head.loss, self.X, self.t, self.weights)


def open_scene(
    config: Config, network: Network, data: Any = None, where: str = "this run", own: OwnParts = NO_PARTS
) -> Scene:
    """The rows of a run, and the network that answers. DataError where the rows are not at hand."""
    if not config.data.source and data is None:
        raise DataError(f"{where} was given its data as arrays. Give them again in Python: data=(X, y).")
    if network.population:
        raise ShapeError(f"{where} is an ensemble of {network.population[0]} networks, at as many points.")
    setup, _ = begin(config.to_dict(), data, where, own)
    if setup.layout.size != network.layout.size:
        raise DataError(
            f"{where}: the network has {network.layout.size} parameters, and these rows make one of "
            f"{setup.layout.size}. Give the rows that it was trained on."
        )
    train, training = setup.prepared.train, setup.config.training
    rows = min(POINT_ROWS, len(train))
    chosen = np.sort(training.generator(*RUN_SEEDS.probe).choice(len(train), rows, replace=False, shuffle=False))
    weights = None if setup.row_weights is None else setup.row_weights[chosen]
    target = setup.head.encode(train.y[chosen], np.float64)
    return Scene(setup, network, train.at(chosen, np.dtype(np.float64)), target, weights)


def find_point(scene: Scene, history: History, memory: Any = None, rng: int = 0) -> Point:
    """What kind of point it is, for a training that would go on as it was planned.

    `memory`: that of its rule; None: it begins anew.
    """
    setup, every = scene.setup, scene.setup.config.record.every
    losses = history["loss"] if "loss" in history and every == 1 else None
    size = setup.config.training.rows_per_batch(len(setup.prepared.train))
    return classify_point(
        scene.network,
        setup.head.loss,
        scene.X,
        scene.t,
        rate=usual_rate(history),
        batch_size=size if size < len(scene.X) else None,
        budget=setup.n_steps,
        losses=None if losses is None or losses.ndim > 1 else losses[-POINT_ROWS:],
        rule=setup.rule,
        state=memory,
        rng=rng,
        weights=scene.weights,
    )


def find_landscape(
    scene: Scene,
    way: Waypoints | None,
    steps: int,
    *,
    line: bool,
    plane: bool,
    trajectory: bool,
    spectrum: bool,
    points: int = 51,
    rng: int = 0,
) -> Landscape:
    """What was asked for, of a run that took so many `steps`. Where no first weights were kept, no line leads there."""
    surface, network = scene.surface, scene.network
    draw = np.random.default_rng(rng)
    first, second, third = (filter_direction(network, draw) for _ in range(3))
    kept = Waypoints() if way is None else way.finite
    lines = [line_along(surface, third, points)] if line else []
    if line and kept.steps:
        lines.insert(0, line_between(surface, kept.params[0].astype(np.float64), surface.params))
    return Landscape(
        tuple(lines),
        plane_along(surface, first, second, points) if plane else None,
        extremes(surface, first, second) if plane and spectrum else None,
        _find_trajectory(surface, kept, steps, points) if trajectory else None,
        find_spectrum(surface, rng) if spectrum else None,
    )


def _find_trajectory(surface: Surface, kept: Waypoints, steps: int, points: int) -> Trajectory:
    """The way from the first weights to those that answer."""
    params = np.array(kept.params, np.float64).reshape(-1, surface.size)
    if len(params) and np.array_equal(params[-1], surface.params):
        params = params[:-1]
    if len(params) < 2:
        raise DataError(
            f"this run kept its weights at {len(params)} moments before the last, and a trajectory needs two. Runs "
            "keep them since version 0.2, fewer the larger the network is. Train again, or a smaller network."
        )
    when = np.append(kept.steps[: len(params)], steps)
    return trajectory(surface, np.vstack([params, surface.params]), when, points)
