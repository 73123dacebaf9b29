"""When the checkpoint of a run is written: seldom enough to cost at most 2 % of the time of training.

Between two of them fifty times as long passes as the latest one took. For the first a guess is taken, by the number of
parameters. The clock is looked at some twenty times a second, and at the ends of epochs; it decides when a checkpoint
is written, and never what is in the run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlp.errors import DataError
from mlp.experiment import checkpoint
from mlp.experiment.files import CHECKPOINT

if TYPE_CHECKING:
    from mlp.experiment.run import Experiment

SHARE = 0.02  # of the time: what writing may cost
FIRST = 1.0  # seconds before the first one, for a small network
SPEED = 3e7  # bytes of parameters a second, with all that belongs to them; a first guess
GLANCE = 0.05  # seconds between looks at the clock


@dataclass
class Keeper:
    """Writes the checkpoint of one experiment. `next`: after how many steps to look at the clock again.

    `cost`: the seconds that the latest one took. The next is due when 1/SHARE times as many have passed since.
    `written`: how many were.
    """

    ready: Experiment
    folder: Path
    next: int
    cost: float
    written: int = 0
    _latest: float = field(default_factory=lambda: time.perf_counter())
    _looked: tuple[int, float] = (0, 0.0)

    def look(self) -> None:
        """Write if it is time, in the middle of an epoch."""
        now, steps = time.perf_counter(), self.ready.steps
        if self.is_due():
            self.write()
        before, then = self._looked
        pace = (steps - before) / max(now - then, 1e-9)
        self.next, self._looked = steps + max(1, int(GLANCE * pace)), (steps, now)

    def is_due(self) -> bool:
        """Whether writing now keeps to its share of the time."""
        return time.perf_counter() - self._latest >= self.cost / SHARE

    def write(self) -> None:
        """Write now."""
        start = time.perf_counter()
        path = self.folder / CHECKPOINT
        try:
            checkpoint.write(path, self.ready)
        except OSError as error:
            last = f"The last one, {path}, is whole: " if path.is_file() else "There is no earlier one: "
            raise DataError(
                f"{path}: the checkpoint could not be written: {error.strerror}. {last}"
                f"free some room, then {'mlp resume ' + str(self.folder) if path.is_file() else 'train again'}."
            ) from None
        self._latest = time.perf_counter()
        self.cost, self.written = self._latest - start, self.written + 1


def keeper(ready: Experiment, folder: Path) -> Keeper:
    """What writes the checkpoint of `ready` into `folder`."""
    return Keeper(ready, folder, ready.steps + 1, FIRST * SHARE + ready.network.params.nbytes / SPEED)
