"""Checkpoints: the state of a training in one file.

A run that goes on from a checkpoint ends with the same bytes as one that never stopped; only its seconds differ. What
the setup can make again (rows, rule, layers) is not in the file. The configuration is, and a fingerprint of the data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.config import Config, parse
from mlp.errors import FileFormatError
from mlp.experiment.loop import is_over
from mlp.experiment.run_place import CHECKPOINT
from mlp.experiment.setup import Setup
from mlp.experiment.state import State, initial_state
from mlp.experiment.waypoints import Waypoints
from mlp.history import History
from mlp.storage import archive, schema
from mlp.storage.atomic import replacing_itself
from mlp.storage.snapshot import Snapshot, restore

FORMAT = 1


class Checkpoint(NamedTuple):
    """What was read: the `config` of the experiment, the fingerprint of its `data`, its state as JSON and arrays."""

    path: Path
    config: Config
    data: dict[str, Any]
    state: dict[str, Any]
    columns: dict[str, Any]
    arrays: dict[str, Array]

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return int(self.state["epoch"])

    @property
    def steps(self) -> int:
        """How many steps are done."""
        return int(self.state["steps"])

    @property
    def is_between_epochs(self) -> bool:
        """Whether no epoch is half done."""
        return not (self.state["losses"] and self.arrays["state/losses"].size)

    @property
    def history(self) -> History:
        """What was recorded until then."""
        with archive.explained(self.path):
            return History.unpacked(self.columns, self.arrays)


def write_checkpoint(path: Path, setup: Setup, state: State) -> None:
    """Write the state of a training. An earlier checkpoint stays until this one is whole."""
    snapshot = Snapshot()
    taken = {name: snapshot.take(value, name) for name, value in _parts(state).items()}
    columns, arrays = state.history.packed()
    arrays |= {f"state/{name}": array for name, array in snapshot.arrays.items()}
    places, arrays = archive.join_small(arrays)
    about = {
        "format": FORMAT,
        "config": setup.config.to_dict(),
        "data": setup.fingerprint,
        "state": {**taken, "over": is_over(setup, state)},
        "columns": columns,
        "places": places,
    }
    with replacing_itself(path) as file:
        archive.write_into(file, about, arrays)


def _parts(state: State) -> dict[str, Any]:
    """Everything that moves, by name, without the history, which is packed in another way."""
    return {
        "epoch": state.epoch,
        "steps": state.steps,
        "seconds": state.seconds,
        "diverged": state.diverged,
        "losses": np.array(state.losses, np.float64),
        "order": state.order if state.losses else state.shuffle_rng.bit_generator.state,
        "network_rng": state.network.rng,
        "augment_rng": state.augment_rng,
        "params": state.network.params,
        "statistics": state.network.statistics,
        "best": state.best,
        "memory": state.memory,
        "watching": state.recorder.watching,
        "alarms": state.alarms,
        "waypoints": state.waypoints.packed(),
    }


def read_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint in a run directory; FileFormatError where there is none, or where it is damaged."""
    path = folder / CHECKPOINT
    if not path.is_file():
        raise FileFormatError(
            f"{folder}: there is no {CHECKPOINT} to go on from. mlp train and mlp.run(..., out=) write one, for the "
            "first time after some seconds. Train again."
        )
    with archive.explained(path):
        found = archive.read(path)
        archive.check_format(found.about["format"], FORMAT)
        if not found.seal:
            raise FileFormatError("it has no seal")
        schema.check(found.about, schema.CHECKPOINT, "about")
        config = parse(found.about["config"])
        data, state, columns = (dict(found.about[name]) for name in ("data", "state", "columns"))
        return Checkpoint(path, config, data, state, columns, archive.split_joined(found.about["places"], found.arrays))


def restore_state(setup: Setup, saved: Checkpoint) -> State:
    """The state that a checkpoint of a training with this setup holds."""
    state = initial_state(setup)
    arrays = {name.removeprefix("state/"): array for name, array in saved.arrays.items()}
    with archive.explained(saved.path):

        def part(name: str, fresh: Any = None) -> Any:
            return restore(saved.state[name], arrays, fresh)

        for name in ("epoch", "steps", "seconds", "diverged", "order", "alarms"):
            setattr(state, name, part(name))
        state.losses = list(part("losses"))
        if "waypoints" in saved.state:  # not in those of version 0.1
            state.waypoints = Waypoints.unpacked(part("waypoints"))
        state.shuffle_rng.bit_generator.state = state.order
        for name in ("params", "statistics"):
            np.copyto(getattr(state.network, name), part(name, getattr(state.network, name)), casting="no")
        part("network_rng", state.network.rng)
        part("augment_rng", state.augment_rng)
        part("best", state.best)
        state.memory = part("memory", state.memory)
        state.recorder.go_on(saved.history, state.steps)

        def recall(watching: dict[str, Any]) -> None:
            with archive.explained(saved.path):
                for name, content in saved.state["watching"]["dict"].items():
                    restore(content, arrays, watching[name])

        state.recorder.recall = recall
    return state
