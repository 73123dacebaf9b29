"""What a checkpoint holds was written by the training: no byte of it was in memory before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import mlp
from mlp.storage.snapshot import Snapshot, restore

SCRIPT = Path(__file__).with_name("checkpoints_of_every_rule.py")


def test_a_checkpoint_does_not_depend_on_what_was_in_memory_before() -> None:
    """Scratch arrays, and arrays made by np.empty that no step had written yet, went to the disk as malloc gave them.

    So another program's bytes could stand in a checkpoint, and two equal runs had different files. MALLOC_PERTURB_
    fills what malloc gives: here with two bytes, for every rule and all that is put around one, with every instrument.
    """
    own = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    running = [
        subprocess.Popen([sys.executable, SCRIPT], env=own | {"MALLOC_PERTURB_": byte}, stdout=subprocess.PIPE)
        for byte in ("17", "203")
    ]
    first, second = (process.communicate()[0].decode().splitlines() for process in running)
    assert [process.returncode for process in running] == [0, 0]
    assert len(first) > len(mlp.optimizers.OPTIMIZERS)
    assert [line for line in first if line not in second] == []


def test_scratch_is_not_state() -> None:
    """It was saved as all fields were. Now it is not, and where an earlier version saved it, it is not read."""
    rule, params = mlp.NAdam(0.1), np.ones(3)
    memory = rule.init(params)
    rule.update(mlp.optimizers.optimizer.Evaluation(params, 1.0, params), memory, np.empty(3))
    snapshot = Snapshot()
    saved = snapshot.take(memory, "memory")
    assert {"memory/m", "memory/v"} <= snapshot.arrays.keys()
    assert not {"memory/scratch", "memory/room"} & snapshot.arrays.keys()
    earlier = {"fields": saved["fields"] | {"room": {"array": "memory/room"}}}
    found = restore(earlier, snapshot.arrays, rule.init(params))
    assert found.m.tobytes() == memory.m.tobytes() and found.t == 1
