"""What a loop finds on rows that it does not train on: the losses and answers of passes without a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.frameworks.targets import decide, find_task, name_loss
from mlp.history import History
from mlp.model.metrics import score_numbers


class Evaluations:
    """Losses and answers since the latest step, written as one record of "validation_loss" and the score."""

    def __init__(self, history: History) -> None:
        self.history, self.n_rows = history, 0
        self._step = -1
        self._losses: list[tuple[float, int]] = []
        self._answers: list[tuple[Array, Array]] = []
        self._task = ""

    def note_batch(self, step: int, value: float, outputs: Array, target: Array, loss: Any) -> None:
        """Note one batch, evaluated after so many steps."""
        if step != self._step:
            self.flush(step)
        self._losses.append((value, len(target) if target.ndim else 1))
        self._task = find_task(name_loss(loss), target, outputs.shape[1] if outputs.ndim > 1 else 1)
        if self._task:
            self._answers.append((decide(loss, outputs, target), np.array(target)))

    def flush(self, step: int) -> None:
        """Write what was noted at the step before; begin anew."""
        if self._losses and self._step >= 0:
            sizes = [n for _, n in self._losses]
            at = max(0, self._step - 1)
            self.history.append("validation_loss", np.average([v for v, _ in self._losses], weights=sizes), at)
            self.n_rows = sum(sizes)
            if self._answers:
                answers, target = (np.concatenate(part) for part in zip(*self._answers, strict=True))
                name = "validation_r2" if self._task == "regression" else "validation_accuracy"
                self.history.append(name, score(answers, target, self._task), at)
        self._losses, self._answers, self._step = [], [], step


def score(answers: Array, target: Array, task: str) -> float:
    """The accuracy of classes, or r² of numbers."""
    if task == "regression":
        with np.errstate(all="ignore"):
            return float(score_numbers(answers.reshape(len(target), -1).astype(np.float64), target)["r2"])
    return float(np.mean(answers == target))
