"""Where a training stands: everything that decides how it goes on, in one file.

Parameters, statistics, the rule's memory, the generators, the place in the order of the rows, the best weights so far,
the history, and what instruments with a memory have seen. A run that goes on from here ends with the same bytes as one
that never stopped; only its seconds differ. What can be made again from the configuration and the data (the rows, their
order within an epoch, the rule itself) is not kept: the configuration is, and a fingerprint of the data.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mlp import archive
from mlp.errors import FileFormatError
from mlp.experiment import config as configuration
from mlp.experiment.files import CHECKPOINT
from mlp.experiment.snapshot import Snapshot, restored
from mlp.history import History

if TYPE_CHECKING:
    from mlp.arrays import Array
    from mlp.experiment.run import Experiment

FORMAT = 1


class Checkpoint(NamedTuple):
    """What was read: the experiment's `config`, the fingerprint of its `data`, and its state as it was taken."""

    path: Path
    config: configuration.Config
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


def write(path: Path, ready: Experiment) -> None:
    """Write where `ready` stands; an earlier checkpoint stays until this one is whole."""
    snapshot = Snapshot()
    state = {name: snapshot.taken(value, name) for name, value in _state(ready).items()}
    columns, arrays = ready.recorder.history.packed()
    arrays |= {f"state/{name}": array for name, array in snapshot.arrays.items()}
    places, arrays = archive.joined(arrays)
    about = {
        "format": FORMAT,
        "config": ready.config.to_dict(),
        "data": ready.fingerprint,
        "state": state,
        "columns": columns,
        "places": places,
    }
    archive.write(path, about, arrays)


def read(folder: Path) -> Checkpoint:
    """The checkpoint in a run directory; FileFormatError where there is none, or none that is whole."""
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
        config = configuration.parse(found.about["config"])
        data, state, columns = (dict(found.about[name]) for name in ("data", "state", "columns"))
        arrays = archive.parted(found.about["places"], found.arrays)
        return Checkpoint(path, config, data, state, columns, arrays)


def _state(ready: Experiment) -> dict[str, Any]:
    """By name, all that changes while an experiment trains."""
    watch, network = ready.watch, ready.network
    return {
        "epoch": ready.epoch,
        "steps": ready.steps,
        "seconds": ready.elapsed,
        "diverged": ready.diverged,
        "over": ready.over,
        "losses": np.array(ready.losses, np.float64),
        "order": ready.order if ready.losses else ready.shuffle_rng.bit_generator.state,
        "network_rng": network.rng,
        "augment_rng": ready.augment_rng,
        "params": network.params,
        "statistics": network.statistics,
        "best": ready.best,
        "memory": ready.memory,
        "watching": ready.recorder.watching,
        "alarms": watch.shown(),
    }


def remove_other(folder: Path, config: configuration.Config, steps: int) -> None:
    """Remove a checkpoint that is damaged, or not where this run ended."""
    path = folder / CHECKPOINT
    with suppress(FileFormatError), archive.explained(path):
        found = archive.about(path)
        if (configuration.parse(found["config"]), found["state"]["steps"]) == (config, steps):
            return
    path.unlink(missing_ok=True)


def history(saved: Checkpoint) -> History:
    """What had been recorded."""
    with archive.explained(saved.path):
        return History.unpacked(saved.columns, saved.arrays)


def restore(ready: Experiment, saved: Checkpoint) -> None:
    """Bring an experiment that was just made to where the checkpoint was taken."""
    arrays = {name.removeprefix("state/"): array for name, array in saved.arrays.items()}
    with archive.explained(saved.path):

        def back(name: str, fresh: Any = None) -> Any:
            return restored(saved.state[name], arrays, fresh)

        ready.epoch, ready.steps, ready.seconds = (back(name) for name in ("epoch", "steps", "seconds"))
        ready.diverged, ready.losses, ready.order = back("diverged"), list(back("losses")), back("order")
        ready.shuffle_rng.bit_generator.state = ready.order
        for name in ("params", "statistics"):
            np.copyto(getattr(ready.network, name), back(name, getattr(ready.network, name)), casting="no")
        back("network_rng", ready.network.rng)
        back("augment_rng", ready.augment_rng)
        back("best", ready.best)
        ready.memory = back("memory", ready.rule.init(ready.network.params))
        ready.recorder.go_on(history(saved), ready.steps)
        ready.watch.go_on(back("alarms"))

        def recall(watching: dict[str, Any]) -> None:
            for name, content in saved.state["watching"]["dict"].items():
                restored(content, arrays, watching[name])

        ready.recorder.recall = recall
