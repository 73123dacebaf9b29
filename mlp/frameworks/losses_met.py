"""The losses of a loop since its last step, and how they went backward: what they were multiplied by, how often.

Knows numbers and gradients of losses, and no models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CHECKED = 20  # steps whose losses are followed backward
SCALED = 256  # losses that are multiplied by more are those of a GradScaler, which divides again


class LossesMet:
    """The losses of one training. `n` and `total`: of the step that is coming, and `first` of them.

    `passes` and `rows`: how many in all, and of how many rows. `shares`: for each step that was followed, the factor of
    the mean loss in what was minimised, all its losses together: ¼ four times of gradients that are added up.
    """

    def __init__(self, has_old: Callable[[], bool], note_old: Callable[[bool], None]) -> None:
        self._has_old, self._note_old = has_old, note_old
        self.n, self.total, self.first = 0, 0.0, 0.0
        self.passes = self.rows = 0
        self.steps = 0
        self.shares: list[float] = []
        self._once = (0, 0)  # passes and rows with the first loss of the step, and without what follows
        self._share = 0.0
        self._is_backward = False
        self._followed = self._heard = 0

    def add_loss(self, value: Any, mean: Any, n_rows: int, factor: float) -> None:
        """Note a loss: the tensor, its mean over rows, and by how much what is minimised is larger than that mean."""
        self.n += 1
        self.total += mean
        self.passes += 1
        self.rows += n_rows
        if self.n == 1:
            self.first, self._once = mean, (self.passes, self.rows)
        if self.steps < CHECKED:
            self._followed += 1
            value.register_hook(lambda d: self._hear(d, factor))

    def _hear(self, d: Any, factor: float) -> None:
        """Note what backward begins with, and whether gradients of an earlier step are still there."""
        if not self._is_backward and self.steps:
            self._note_old(self._has_old())
        self._is_backward = True
        self._heard += 1
        share = float(d.sum())
        self._share += factor * (1.0 if share > SCALED else share)

    def take(self, *, is_closure: bool) -> float:
        """The loss of the step that was made: the mean, and of a closure the first; begins anew.

        A closure asks for the loss of one batch again and again: its rows count once.
        """
        found = float(self.first) if is_closure else float(self.total) / self.n
        if is_closure:
            self.passes, self.rows = self._once
        if self.steps < CHECKED and self._is_backward:
            self.shares.append(self._share / (self.n if is_closure else 1))
        self.n, self.total, self._share, self._is_backward = 0, 0.0, 0.0, False
        self.steps += 1
        return found

    @property
    def factor_of_step(self) -> float:
        """The factor of the mean loss in what each step minimised; 1 where that was not followed."""
        return sorted(self.shares)[len(self.shares) // 2] if self.shares else 1.0

    @property
    def times_backward(self) -> float:
        """How often a loss went backward: once in most loops."""
        return self._heard / max(1, self._followed)
