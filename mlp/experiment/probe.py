"""The probe: what kind of point a training stands at, noted where it stalls or ends poorly.

While a run trains, a brief look comes at the moments at which it is judged, where its loss looks slow. At the end of a
run that came to nothing, one whole look is taken. Both have an allowance that is counted in parameters times rows, not
in seconds: the same seed notes the same numbers. The rows are fixed, the generator is the probe's own, and nothing of
the run is written to but its history.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.curvature import KINDS, Point, classify_point
from mlp.curvature.work import PRODUCT, SECOND, pass_work, row_work
from mlp.errors import MLPError
from mlp.experiment.rule_memory import memory_at, usual_rate
from mlp.experiment.setup import RUN_SEEDS, Setup
from mlp.experiment.state import State
from mlp.model import quiet
from mlp.network import Network

SHARE, LEAST = 0.05, 0.05 * SECOND  # of the work of training so far, and at least: for all brief looks together
LAST_SHARE, LAST_LEAST = 0.1, SECOND  # the same for the look at the end
PROBE_ROWS, BRIEF_ROWS, FEWEST = 1000, 256, 64  # rows that are looked at, and below which a look is not worth while
PASSES = 100 * PRODUCT  # what a brief look costs at most: Lanczos twice, and the layers
LOSSES = 1000  # latest losses that are told


def note_brief(setup: Setup, state: State) -> None:
    """Note a brief look, if the allowance has enough left for one."""
    network, n = _network(state), len(setup.prepared.train)
    allowed = max(SHARE * _trained(setup, state), LEAST) - _spent(state)
    rows = min(BRIEF_ROWS, n, int(allowed / PASSES / row_work(network)))
    if rows >= min(n, FEWEST):
        _note(setup, state, network, rows, allowed, brief=True)


def note_last(setup: Setup, state: State) -> None:
    """Note a whole look at the end of a run that came to nothing; undecided where the allowance does not reach."""
    network, n = _network(state), len(setup.prepared.train)
    allowed = max(LAST_SHARE * _trained(setup, state), LAST_LEAST)
    rows = min(PROBE_ROWS, n, max(FEWEST, int(allowed / PASSES / row_work(network) / 10)))
    _note(setup, state, network, rows, allowed, brief=False)


def _trained(setup: Setup, state: State) -> float:
    """The work of all steps so far."""
    size = setup.config.training.rows_per_batch(len(setup.prepared.train))
    return state.steps * pass_work(state.network, size)


def _spent(state: State) -> float:
    """The work of all looks so far."""
    return float(state.history["point_work"].sum()) if "point_work" in state.history else 0.0


def _network(state: State) -> Network:
    """The network; of a population the member that does best."""
    if not state.network.population:
        return state.network
    return state.network.member(_best_member(state))


def _best_member(state: State) -> int:
    latest = np.asarray(state.history["loss"][-1])
    return int(np.argmin(np.where(np.isfinite(latest), latest, inf)))


def _note(setup: Setup, state: State, network: Network, rows: int, allowed: float, brief: bool) -> None:
    """Look at the point, and note what was seen; nothing where there is none to look at."""
    try:
        with quiet():
            found = classify_here(setup, network, state, rows, allowed, brief)
    except MLPError:  # weights or losses that are no numbers: other findings say so
        return
    note_point(state, found)


def classify_here(setup: Setup, network: Network, state: State, rows: int, allowed: float, brief: bool) -> Point:
    """The point at which a training stands, on fixed rows."""
    draw, train, training = (
        setup.config.training.generator(*RUN_SEEDS.probe),
        setup.prepared.train,
        setup.config.training,
    )
    chosen = np.sort(draw.choice(len(train), rows, replace=False, shuffle=False))
    size = training.rows_per_batch(len(train))
    return classify_point(
        network,
        setup.head.loss,
        train.at(chosen, np.dtype(np.float64)),
        setup.head.encode(train.y[chosen], np.float64),
        rate=None if brief else usual_rate(state.history),
        batch_size=size if size < rows else None,
        budget=max(setup.n_steps - (state.steps if brief else setup.past.steps), 1),
        losses=_latest_losses(setup, state),
        rule=setup.rule,
        state=memory_at(network, setup.rule, state.network.params, state.memory),
        rng=draw,
        rows=rows,
        weights=None if setup.row_weights is None else setup.row_weights[chosen],
        brief=brief,
        work=allowed,
    )


def _latest_losses(setup: Setup, state: State) -> Array | None:
    """Those of the latest steps, if each was recorded."""
    if setup.config.record.every > 1:
        return None
    losses = np.asarray(state.history["loss"][-LOSSES:])
    return losses[:, _best_member(state)] if state.network.population else losses


def note_point(state: State, point: Point) -> None:
    """Note a point in the history, one column for each number."""
    layout = state.network.layout
    layers = tuple(name for name, part in zip(layout.names, layout.slices, strict=True) if part.stop > part.start)
    records: dict[str, tuple[Any, tuple[str, ...]]] = {
        "point_kind": ([kind == point.kind for kind in KINDS], KINDS),
        "point_layers": ([name in point.layers for name in layers], layers),
        "point_loss": (point.loss, ()),
        "point_floor": (point.floor, ()),
        "point_grad": (point.grad_norm, ()),
        "point_least": (point.least, ()),
        "point_largest": (point.largest, ()),
        "point_tolerance": (point.tolerance, ()),
        "point_escape": (point.escape_steps, ()),
        "point_rows": (point.rows, ()),
        "point_work": (point.work, ()),
    }
    for name, (value, labels) in records.items():
        numbers = np.asarray(value, float)
        if np.isnan(numbers).any():  # nobody had to ask
            continue
        column = state.history.column(name, numbers.shape, "", labels)
        column.shared = True
        state.note(name, numbers)
