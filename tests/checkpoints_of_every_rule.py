"""Print a hash of the checkpoint of every rule and of all that can be put around one, with every instrument.

Started by `test_scratch` with memory that malloc fills with one byte or another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import mlp
from mlp.experiment import Stop, begin
from mlp.experiment.checkpoint import write_checkpoint
from mlp.experiment.loop import Companion, epochs

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 5))
Y = X[:, 0] * X[:, 1] - X[:, 2]
AROUND: dict[str, dict[str, Any]] = {
    "clip_norm": {"clip_norm": 0.1},
    "clip_value": {"clip_value": 0.1},
    "sam": {"sam": 0.05},
    "lookahead": {"lookahead": 2},
    "average": {"average": 0.9},
    "plateau": {"schedule": "plateau"},
    "warmup": {"schedule": "warmup"},
}
STEPS = 3
INSTRUMENTS = (*mlp.STANDARD, *(one for one in mlp.DETAILED if one.name not in {other.name for other in mlp.STANDARD}))


class Stopping(Companion):
    """Stops the training in the middle of an epoch, with all memories in use."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop

    def tap(self, steps: Iterator[mlp.Step]) -> Iterator[mlp.Step]:
        """The same steps; the last of them asks for a stop."""
        for step in steps:
            self.stop.accepted = step.index >= STEPS - 1
            yield step


def checkpoint(folder: Path, optimizer: dict[str, Any], network: dict[str, Any]) -> str:
    """The hash of the checkpoint of a run that was stopped; its seconds, which no two runs share, are 0."""
    rule = mlp.optimizers.OPTIMIZERS[optimizer["name"]]
    searches = rule.single_network
    config = {
        "network": {"hidden": [60], "batch_norm": not rule.full_batch} | network,
        "optimizer": optimizer,
        "training": {"epochs": 4, "batch_size": 24 if rule.full_batch else 4, "restarts": 1 if searches else 2},
        "data": {"validation": 0.0, "test": 0.0},
    }
    setup, state = begin(config, (X, Y))
    state.recorder.instruments = INSTRUMENTS
    stop = Stop()
    for _ in epochs(setup, state, [Stopping(stop)], stop):
        pass
    state.seconds = 0.0
    write_checkpoint(folder / "checkpoint.npz", setup, state)
    return hashlib.sha256((folder / "checkpoint.npz").read_bytes()).hexdigest()


def main() -> None:
    """A line for each."""
    with TemporaryDirectory() as name:
        for rule in mlp.optimizers.OPTIMIZERS:
            print(rule, checkpoint(Path(name), {"name": rule}, {}))
        for around, keys in AROUND.items():
            print(around, checkpoint(Path(name), {"name": "momentum"} | keys, {"max_norm": 1.0}))


if __name__ == "__main__":
    main()
