"""Proben1: real problems with official parts and published figures.

    E = 100 (o_max - o_min) / (N P) Σ Σ (o - t)²          squared error percentage, with o in [0, 1]

Softsign hidden units, linear outputs, weights from U(±0.01), all rows in every step, connections between neighbouring
layers only. The class is the largest output. Validation is measured after every fifth epoch, `GeneralizationLoss` stops
the training, and the network with the lowest validation error is reported. Here the network is also measured before the
first epoch; on the files of the tables it was never the best then. The files are read from a folder and are no part of
the package.

Prechelt (1994), "Proben1: a set of neural network benchmark problems and benchmarking rules", report 21/94, Karlsruhe;
sections 2.7 and 3.3, architectures and figures of tables 3 and 10. Training stops by GL₅, as the text says, and gives
the figures of table 3. Table 10 has about half the epochs, and its GL at the end belongs to a limit of 2.
`benchmarks/optimizers.py proben1` shows both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.data.numpy_files import check_growth, refusing_damage
from mlp.errors import DataError
from mlp.layers import Softsign
from mlp.losses import Loss, SquaredError
from mlp.problems.networks import Cube, Examples, Task, begin_network, stack_layers
from mlp.problems.problem import Measures, Problem, Target

Figure = tuple[float, float]
"""Mean and standard deviation over runs."""


class Published(NamedTuple):
    """A row of a table: hidden layers, and figures in the order of the columns.

    Errors and wrong classes, in percent, are those of the network with the lowest validation error. `overfit`: GL at
    the end of training. `total`: epochs trained, a multiple of five in each run. `relevant`: epochs up to that network.
    """

    hidden: tuple[int, ...]
    validation: Figure
    test: Figure
    wrong: Figure
    overfit: Figure
    total: Figure
    relevant: Figure


TABLE3 = {  # linear networks, 10 runs each
    "cancer1": Published((), (2.91, 0.01), (3.52, 0.04), (2.93, 0.18), (0.55, 0.59), (129, 13), (104, 31)),
    "card1": Published((), (8.89, 0.11), (10.61, 0.11), (13.37, 0.67), (4.57, 1.05), (62, 9), (26, 3)),
    "diabetes1": Published((), (16.30, 0.04), (17.22, 0.06), (25.83, 0.56), (0.05, 0.07), (209, 50), (203, 47)),
    "gene1": Published((), (9.58, 0.01), (9.92, 0.01), (13.64, 0.10), (0.03, 0.07), (47, 6), (43, 10)),
    "glass1": Published((), (9.70, 0.04), (9.98, 0.10), (46.04, 2.21), (3.81, 0.42), (129, 13), (23, 5)),
    "heart1": Published((), (13.28, 0.06), (14.29, 0.05), (20.65, 0.31), (1.14, 0.45), (134, 15), (41, 5)),
    "heartc1": Published((), (9.65, 0.03), (16.12, 0.04), (19.73, 0.56), (0.15, 0.11), (128, 10), (114, 23)),
    "horse1": Published((), (15.53, 0.29), (12.93, 0.38), (26.70, 1.87), (6.22, 0.57), (27, 7), (9, 2)),
    "soybean1": Published((), (0.98, 0.00), (1.16, 0.00), (9.47, 0.51), (0.28, 0.18), (553, 11), (418, 41)),
    "thyroid1": Published((), (3.78, 0.01), (3.84, 0.01), (6.56, 0.00), (0.01, 0.03), (104, 16), (99, 22)),
}
TABLE10 = {  # one or two hidden layers, no shortcuts, 60 runs each
    "cancer1": Published((4, 2), (1.89, 0.12), (1.32, 0.13), (1.38, 0.49), (3.10, 2.54), (116, 123), (95, 115)),
    "card1": Published((32,), (8.69, 0.26), (10.35, 0.29), (14.05, 1.03), (3.54, 1.25), (30, 7), (22, 5)),
    "diabetes1": Published((32,), (15.93, 1.04), (16.99, 0.91), (24.10, 1.91), (2.23, 0.53), (201, 119), (117, 83)),
    "gene1": Published((4, 2), (8.19, 1.33), (8.66, 1.28), (16.67, 3.75), (2.46, 0.53), (124, 58), (101, 53)),
    "glass1": Published((16, 8), (9.15, 0.21), (9.24, 0.32), (32.70, 5.34), (2.69, 0.64), (71, 31), (52, 27)),
    "heart1": Published((32,), (13.10, 0.65), (14.19, 0.64), (19.72, 0.96), (3.16, 2.38), (57, 15), (38, 12)),
    "heartc1": Published((16, 8), (8.08, 0.49), (16.99, 0.77), (20.82, 1.47), (5.08, 2.64), (38, 10), (30, 9)),
    "horse1": Published((16, 8), (15.47, 0.37), (13.32, 0.48), (29.19, 2.62), (6.09, 2.53), (19, 3), (13, 3)),
    "soybean1": Published((16, 8), (1.94, 0.06), (2.10, 0.07), (29.40, 2.50), (3.14, 1.99), (219, 112), (159, 79)),
    "thyroid1": Published((16, 8), (1.01, 0.16), (1.28, 0.12), (2.38, 0.35), (3.99, 7.14), (377, 308), (341, 280)),
}


def generalization_loss(error: Any, lowest: Any) -> Any:
    """GL = 100 (E_va / min E_va - 1): by how many percent validation is worse than its best until now."""
    return 100 * (error / lowest - 1)


def training_progress(losses: Array) -> Array:
    """P_k = 1000 (Σ E_tr / (k min E_tr) - 1) of a strip of k epochs, (k, R) → (R,), per thousand.

    It is large where training errors fall, and also where they jump up and down. 0: they stand still.
    """
    return np.asarray(1000 * (losses.mean(0) / losses.min(0) - 1))


@dataclass(frozen=True)
class GeneralizationLoss:
    """Stop when validation has become worse by more than `most` percent, or when training stands still.

        GL > most   or   P_k < least

    GL₅ of Prechelt (1994), section 3.3, with P₅ < 0.1. Both are judged at the end of a strip of k = 5 epochs, and the
    lowest E_va is that of the strips until now. E_tr is measured during an epoch: it is the loss before the update. Any
    loss that is proportional to E_tr gives the same.
    """

    most: float = 5.0
    least: float = 0.1

    def begin(self, n_members: int) -> Callable[[Array, Measures], Array]:
        """A judge for so many members."""
        lowest = np.full(n_members, np.inf)

        def judge(losses: Array, measures: Measures) -> Array:
            error = measures["validation_loss"]
            np.minimum(lowest, error, out=lowest)
            return np.asarray(
                (generalization_loss(error, lowest) > self.most) | (training_progress(losses) < self.least)
            )

        return judge


def measure_percentage(loss: Loss, raw: Array, target: Array) -> Measures:
    """E; for classes also the share of rows whose largest output is the right one."""
    error = 100 * np.square(raw - target).mean((-1, -2))
    if not ((target == 0) | (target == 1)).all() or target.shape[-1] == 1:
        return {"loss": error}
    return {"loss": error, "accuracy": (raw.argmax(-1) == target.argmax(-1)).mean(-1)}


def _load_task(name: str, folder: str | None, hidden: tuple[int, ...]) -> Task:
    parts = _load_parts(name, folder)
    widths = (parts["train"][0].shape[1], *hidden, parts["train"][1].shape[1])
    layers = stack_layers(widths, Softsign, Cube(0.01))
    return Task(layers, SquaredError(), parts, None, measure_percentage, np.float32)


def _load_parts(name: str, folder: str | None) -> dict[str, Examples]:
    """The official parts. `folder` holds NAME.npz, or a folder proben1 that holds it."""
    if folder is None:
        raise DataError(f"{name} is a file of Proben1. Say with --data FOLDER where {name}.npz is.")
    places = (Path(folder) / f"{name}.npz", Path(folder) / "proben1" / f"{name}.npz")
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise DataError(f"{folder} holds no {name}.npz, nor proben1/{name}.npz. Give the folder that does.")
    entries = {"train": "train", "validation": "valid", "test": "test"}
    needed = "X_train, T_train, X_valid, T_valid, X_test and T_test are needed"
    with refusing_damage(path, "a problem of Proben1", needed), np.load(path, allow_pickle=False) as stored:
        check_growth(path, stored.zip, stored.files)
        return {part: (stored[f"X_{key}"], stored[f"T_{key}"]) for part, key in entries.items()}


def proben1_problem(name: str, folder: str | None, table: Mapping[str, Published] = TABLE10) -> Problem:
    """One of Proben1's files, as `proben1-NAME`, with the network of `table`, or with 16 + 8 units if it has none."""
    published = table.get(name)
    hidden = published.hidden if published else (16, 8)
    units = f"{'+'.join(map(str, hidden))} softsign units" if hidden else "no hidden units"
    return Problem(
        f"proben1-{name}",
        f"{name}, {units}, stopped by GL5",
        "Prechelt, Proben1 (1994)",
        partial(begin_network, partial(_load_task, name, folder, hidden)),
        epochs=3000,
        target=Target("test_loss", sum(published.test) if published else 0.0),
        every=5,
        score="test_loss",
        chosen_by="validation_loss",
        members=5,  # as many as the cache holds: more are slower on thyroid (12 runs: 24 s at 12, 13 s at 3)
        stop=GeneralizationLoss(),
    )
