"""Proben1: real problems with official parts and published figures.

    E = 100 (o_max - o_min) / (N P) Σ Σ (o - t)²          squared error percentage, with o in [0, 1]

Softsign hidden units, linear outputs, weights from U(±0.01), all rows in every step; the class is the largest output.
Training stops by `GeneralizationLoss`, and what is reported is the network of the lowest validation error. The files
are read from a folder and are no part of the package. Prechelt (1994), "Proben1: a set of neural network benchmark
problems and benchmarking rules", report 21/94, Karlsruhe; sections 2.7 and 3.3, architectures and figures of table 10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.numpy_files import refusing_damage
from mlp.errors import DataError
from mlp.layers import Softsign
from mlp.losses import Loss, SquaredError
from mlp.problems.networks import Part, Task, beginning
from mlp.problems.problem import Measures, Problem, Target
from mlp.problems.toys import chain

STRIP = 5
MOST = 3000


class Published(NamedTuple):
    """A row of table 10: hidden layers; mean and deviation of test error and wrong classes, in percent; epochs."""

    hidden: tuple[int, ...]
    error: tuple[float, float]
    wrong: tuple[float, float]
    epochs: int


TABLE10 = {
    "cancer1": Published((4, 2), (1.32, 0.13), (1.38, 0.49), 116),
    "card1": Published((32,), (10.35, 0.29), (14.05, 1.03), 30),
    "diabetes1": Published((32,), (16.99, 0.91), (24.10, 1.91), 201),
    "gene1": Published((4, 2), (8.66, 1.28), (16.67, 3.75), 124),
    "glass1": Published((16, 8), (9.24, 0.32), (32.70, 5.34), 71),
    "heart1": Published((32,), (14.19, 0.64), (19.72, 0.96), 57),
    "heartc1": Published((16, 8), (16.99, 0.77), (20.82, 1.47), 38),
    "horse1": Published((16, 8), (13.32, 0.48), (29.19, 2.62), 19),
    "soybean1": Published((16, 8), (2.10, 0.07), (29.40, 2.50), 219),
    "thyroid1": Published((16, 8), (1.28, 0.12), (2.38, 0.35), 377),
}


@dataclass(frozen=True)
class GeneralizationLoss:
    """Stop when validation has got worse by more than `most` percent, or training stands still.

        GL = 100 (E_va / min E_va - 1) > most
        P = 1000 (mean E_tr / min E_tr - 1) < least          over the last strip of five epochs

    GL₅ of Prechelt (1994), section 3.3, with P₅ < 0.1. Judged once in a strip, of which each loss is that before the
    update. Any loss in proportion to E_tr will do.
    """

    most: float = 5.0
    least: float = 0.1

    def begin(self, n_members: int) -> Callable[[Array, Measures], Array]:
        """A judge of so many members."""
        lowest = np.full(n_members, np.inf)

        def judge(losses: Array, measures: Measures) -> Array:
            error = measures["validation_loss"]
            np.minimum(lowest, error, out=lowest)
            progress = 1000 * (losses.mean(0) / losses.min(0) - 1)
            return np.asarray((100 * (error / lowest - 1) > self.most) | (progress < self.least))

        return judge


def percentage(loss: Loss, raw: Array, target: Array) -> Measures:
    """E; and for classes the share of rows whose largest output is the right one."""
    error = 100 * np.square(raw - target).mean((-1, -2))
    if not ((target == 0) | (target == 1)).all() or target.shape[-1] == 1:
        return {"loss": error}
    return {"loss": error, "accuracy": (raw.argmax(-1) == target.argmax(-1)).mean(-1)}


def _task(name: str, folder: str | None, hidden: tuple[int, ...]) -> Task:
    parts = _parts(name, folder)
    widths = (parts["train"].X.shape[1], *hidden, parts["train"].target.shape[1])
    return Task(chain(widths, Softsign, 0.01), SquaredError(), parts, None, percentage, np.float32)


def _parts(name: str, folder: str | None) -> dict[str, Part]:
    """The official parts; `folder` holds NAME.npz, or a folder proben1 that does."""
    if folder is None:
        raise DataError(f"{name} is a file of Proben1. Say with --data FOLDER where {name}.npz is.")
    places = (Path(folder) / f"{name}.npz", Path(folder) / "proben1" / f"{name}.npz")
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise DataError(f"{folder} holds no {name}.npz, nor proben1/{name}.npz. Give the folder that does.")
    entries = {"train": "train", "validation": "valid", "test": "test"}
    needed = "X_train, T_train, X_valid, T_valid, X_test and T_test are needed"
    with refusing_damage(path, "a problem of Proben1", needed), np.load(path, allow_pickle=False) as stored:
        return {part: Part(stored[f"X_{key}"], stored[f"T_{key}"]) for part, key in entries.items()}


def proben1_problem(name: str, folder: str | None) -> Problem:
    """One of Proben1's files, as `proben1-NAME`; table 10's network, or 16 + 8 where the table has none."""
    published = TABLE10.get(name)
    hidden = published.hidden if published else (16, 8)
    return Problem(
        f"proben1-{name}",
        f"{name}, {'+'.join(map(str, hidden))} softsign units, stopped by GL5",
        "Prechelt, Proben1 (1994)",
        beginning(partial(_task, name, folder, hidden)),
        epochs=MOST,
        every=STRIP,
        score="test_loss",
        chosen_by="validation_loss",
        target=Target("test_loss", published.error[0] + published.error[1] if published else 0.0),
        members=5,  # as many as the cache holds: more are slower on thyroid (12 runs: 24 s at 12, 13 s at 3)
        stop=GeneralizationLoss(),
    )
