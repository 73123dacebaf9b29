"""When the checkpoint of a run is written: seldom enough to cost at most 2 % of the time of training.

The time between two checkpoints is fifty times as long as the latest one took to write; for the first, that is guessed
from the number of parameters. The clock is read some twenty times a second, and at the end of every epoch. It decides
when a checkpoint is written, and never what the run does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mlp.errors import DataError, os_reason
from mlp.experiment import checkpoint
from mlp.experiment.loop import Companion, Epoch, Stop
from mlp.experiment.run_place import CHECKPOINT
from mlp.experiment.setup import Setup
from mlp.experiment.state import State
from mlp.training import Step

SHARE = 0.02  # of the time may be spent on writing
FIRST = 1.0  # seconds before the first checkpoint of a small network
SPEED = 3e7  # bytes of parameters that are written in a second, with all that belongs to them; a first guess
CHECK_EVERY = 0.05  # seconds between two looks at the clock


class CheckpointSchedule(Companion):
    """Writes the checkpoints of one training into `folder`. `written` counts them.

    `next`: after how many steps to look at the clock again. `cost`: the seconds for the latest checkpoint. The next one
    is due after 1/SHARE times as many seconds.
    """

    def __init__(self, setup: Setup, state: State, folder: Path, stop: Stop | None = None) -> None:
        self.setup, self.state, self.folder, self.stop = setup, state, folder, stop or Stop()
        self.next, self.written = state.steps + 1, 0
        self.cost = FIRST * SHARE + state.network.params.nbytes / SPEED
        self._latest = time.perf_counter()
        self._last_check = (0, 0.0)
        self._written_at_step, self._cut_short = -1, False

    def tap(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same steps. A checkpoint is written between two of them if it is time, or if the training is to stop."""
        for step in steps:
            if self.stop.accepted and self._is_within_epoch(step):
                self._cut_short = True
                self.write()
            elif self.state.steps >= self.next and self._is_within_epoch(step):
                self.write_if_due()
            yield step

    def write_if_due(self) -> None:
        """Write if it is time; choose when to look at the clock again."""
        now, steps = time.perf_counter(), self.state.steps
        if self.is_due():
            self.write()
        before, then = self._last_check
        pace = (steps - before) / max(now - then, 1e-9)
        self.next, self._last_check = steps + max(1, int(CHECK_EVERY * pace)), (steps, now)

    def after_epoch(self, epoch: Epoch) -> Epoch:
        """The same epoch. A checkpoint is written if it is time, but not at the end of an epoch that was cut short."""
        if not self._cut_short and self.is_due():
            self.write()
        return epoch

    def end(self) -> None:
        """Write at the end of training, if the latest checkpoint is older."""
        if not self._cut_short and self._written_at_step != self.state.steps:
            self.write()

    def is_due(self) -> bool:
        """Whether enough time has passed to write now."""
        return time.perf_counter() - self._latest >= self.cost / SHARE

    def write(self) -> None:
        """Write a checkpoint now."""
        start = time.perf_counter()
        path = self.folder / CHECKPOINT
        try:
            checkpoint.write_checkpoint(path, self.setup, self.state)
        except OSError as error:
            last = f"The last one, {path}, is whole: " if path.is_file() else "There is no earlier one: "
            raise DataError(
                f"{path}: the checkpoint could not be written: {os_reason(error)} {last}"
                f"then {'mlp resume ' + str(self.folder) if path.is_file() else 'train again'}."
            ) from None
        self._latest = time.perf_counter()
        self.cost, self.written = self._latest - start, self.written + 1
        self._written_at_step = self.state.steps

    def _is_within_epoch(self, step: Step) -> bool:
        """Whether the epoch at hand has more steps, and the loss is a number."""
        return len(self.state.losses) < self.setup.steps_per_epoch and bool(np.isfinite(step.loss).any())
