"""What the targets of the first epoch say: the loss of the best constant answer, and which targets are out of reach.

A loop that is driven by hand has no table that could be looked through before. So the targets are read as they come, in
the first epoch only, up to some thousand of them. What was found so far is noted after 1, 2, 4, 8 ... steps, and when
the epoch ends. Experiments know all this before the first step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.blocks import CELLS_PER_BLOCK
from mlp.data.check import FEW_VALUES
from mlp.data.order import COMPARED, raw_neighbour_gap
from mlp.instruments.instrument import NEVER
from mlp.instruments.output_layer import out_of_reach
from mlp.losses import Loss
from mlp.training import Step

MOST = 4096  # targets that are kept at most


def best_constant_loss(loss: Loss, target: Array, n_out: int, weights: Array | None = None) -> float:
    """The loss of a network that ignores its inputs: the lowest of a few constant answers.

    `target` is what the loss takes: labels (n,), or values (n,) or (n_out, n). For losses of numbers the best answer is
    the mean, the median or a quantile of the targets; for counts and classes it is their logarithm or log-odds. For
    losses in between (Huber, focal) the lowest of these is close to the best, and never below it. `weights` (n,) are
    those of the loss.
    """
    if target.ndim == 1 and target.dtype.kind in "iu" and n_out > 1:
        return _best_of_classes(loss, target, n_out, weights)
    values = target.reshape(-1, target.shape[-1]).T.astype(np.float64)
    mean = values.mean(0) if weights is None else np.average(values, 0, weights)
    share = np.clip(mean, 1e-12, 1 - 1e-12)
    quantile = _quantile(values, getattr(loss, "quantile", 0.5), weights)
    candidates = (mean, quantile, np.log(np.maximum(mean, 1e-12)), np.log(share / (1 - share)))
    answers = (np.repeat(candidate[:, None], len(values), axis=1) for candidate in candidates)
    return float(np.fmin.reduce([float(loss.value(answer, target, weights)) for answer in answers]))


def _best_of_classes(loss: Loss, target: Array, n_out: int, weights: Array | None) -> float:
    """The same for class labels, in memory and time that grow with the number of classes, and not with its square.

    A constant answer loses the same at two classes of the same share, as a loss does not know which class is which: one
    of them stands for both.
    """
    shares = np.bincount(target, weights, n_out)
    shares = shares / shares.sum()
    _, classes, group = np.unique(shares, return_index=True, return_inverse=True)
    weight = np.bincount(group, shares)
    limited = np.clip(shares, 1e-12, 1 - 1e-12)
    candidates = (shares, np.log(limited), np.log(limited / (1 - limited)), (shares > 0.5) * 1.0)
    size = max(1, CELLS_PER_BLOCK // n_out)
    blocks = [
        slice(start, start + size) for start in range(0, len(classes), size) if weight[start : start + size].any()
    ]
    return min(
        sum(
            float(loss.value(np.repeat(answer[:, None], len(classes[part]), 1), classes[part], weight[part]))
            * float(weight[part].sum())
            for part in blocks
        )
        for answer in candidates
    )


def _quantile(values: Array, share: float, weights: Array | None) -> Array:
    """A quantile of each column; with weights, the first value at which their sum reaches that share."""
    if weights is None:
        return np.asarray(np.quantile(values, share, axis=0))
    return np.asarray(np.quantile(values, share, axis=0, weights=weights, method="inverted_cdf"))


class FirstEpoch:
    """A measure of the steps of the first epoch: `read` is asked after 1, 2, 4, ... of them, and after the last.

    `look` sees every one of them before. Later steps cost a comparison.
    """

    def __init__(self, look: Callable[[Step], None], read: Callable[[], Any]) -> None:
        self.look, self.read, self.due, self.done = look, read, 1, False

    def __call__(self, step: Step) -> Any:
        """What was found so far, where it is due."""
        if self.done:
            return None
        if step.epoch:
            self.done = True
            return None
        self.look(step)
        is_last = bool(step.batch.last)
        self.done = is_last
        if is_last or step.index + 1 >= self.due:
            self.due *= 2
            return self.read()
        return None

    def next_look(self, index: int) -> int:
        """Every step until the epoch is over, and none after."""
        return NEVER if self.done else index + 1


class TargetsMet:
    """The targets that were met, and the loss of the best constant answer to them."""

    def __init__(self, step: Step) -> None:
        self.loss: Any = None if step.objective is None else step.objective.loss
        self.n_out = step.network.n_out
        self.targets: list[Array] = []
        self.weights: list[Array] = []
        self.kept = 0

    def look(self, step: Step) -> None:
        """Keep the targets of a step, while there is room."""
        if self.kept < MOST and self.loss is not None:
            self.targets.append(step.batch.target.copy())
            self.kept += step.batch.target.shape[-1]
            if step.batch.weights is not None:
                self.weights.append(step.batch.weights.copy())

    def read(self) -> float | None:
        """The loss of the best constant answer so far; None where the loss cannot be asked."""
        if not self.targets:
            return None
        weights = np.concatenate(self.weights) if len(self.weights) == len(self.targets) else None
        try:
            return best_constant_loss(self.loss, np.concatenate(self.targets, axis=-1), self.n_out, weights)
        except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
            return None  # a loss that is not this library's may take other things


def constant_loss(step: Step, period: int) -> FirstEpoch:
    """Begin to note the loss of the best constant answer to the targets of the first epoch."""
    met = TargetsMet(step)
    return FirstEpoch(met.look, met.read)


class Reach:
    """The share of the targets met that the last layer cannot give."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def look(self, step: Step) -> None:
        """Look at the targets of a step."""
        share = out_of_reach(step)
        if share is not None:
            self.found.append(float(share))

    def read(self) -> float | None:
        """The mean share; None where any target can be given."""
        return float(np.mean(self.found)) if self.found else None


def targets_out_of_reach(step: Step, period: int) -> FirstEpoch:
    """Begin to note the share of targets that the last layer cannot give."""
    reach = Reach()
    return FirstEpoch(reach.look, reach.read)


class OneHot:
    """Whether all targets met are one 1 among 0s, for a loss that takes them as numbers.

    Or, of a single output that is squashed, 0 or 1: yes or no.
    """

    def __init__(self, step: Step) -> None:
        loss, self.n_out = None if step.objective is None else step.objective.loss, step.network.n_out
        is_single = self.n_out == 1 and getattr(step.network.layers[-1], "output_range", None) == (0, 1)
        is_of_numbers = loss is not None and type(loss).predict is Loss.predict
        self.is_possible = is_of_numbers and (self.n_out > 1 or is_single)

    def look(self, step: Step) -> None:
        """Look at the targets of a step."""
        target = step.batch.target
        if self.is_possible:
            is_binary = target.ndim == 2 and bool(((target == 0) | (target == 1)).all())
            self.is_possible = is_binary and (self.n_out == 1 or bool((target.sum(0) == 1).all()))

    def read(self) -> float | None:
        """1 if so; else None."""
        return 1.0 if self.is_possible else None


def classes_as_numbers(step: Step, period: int) -> FirstEpoch:
    """Begin to note whether targets are classes that the loss takes as numbers."""
    found = OneHot(step)
    return FirstEpoch(found.look, found.read)


class WholeTargets:
    """Inputs and targets met, while these are few different whole numbers that the loss takes as a quantity."""

    def __init__(self, step: Step) -> None:
        loss = None if step.objective is None else step.objective.loss
        self.is_possible = loss is not None and type(loss).predict is Loss.predict and step.network.n_out == 1
        self.rows: list[Array] = []
        self.targets: list[Array] = []
        self.kept = 0

    def look(self, step: Step) -> None:
        """Keep rows of a step, while there is room, and all targets are whole."""
        if not self.is_possible or self.kept >= COMPARED:
            return
        target = step.batch.target.reshape(-1, step.batch.target.shape[-1])
        if len(target) != 1 or (target != np.round(target)).any():
            self.is_possible = False
            return
        self.rows.append(step.batch.x.values.T.copy())
        self.targets.append(target[0].astype(np.float64))
        self.kept += target.shape[-1]

    def count(self) -> float | None:
        """How many different ones there are; None where they are no whole numbers, or fewer than three or many."""
        if not self.is_possible or not self.targets:
            return None
        n = len(np.unique(np.concatenate(self.targets)))
        return float(n) if 2 < n <= FEW_VALUES else None

    def gap(self) -> float | None:
        """How far apart those of neighbours are."""
        if self.count() is None:
            return None
        return raw_neighbour_gap(np.concatenate(self.rows), np.concatenate(self.targets))


def distinct_targets(step: Step, period: int) -> FirstEpoch:
    """Begin to note how many whole numbers are learned as a quantity, where they are few."""
    met = WholeTargets(step)
    return FirstEpoch(met.look, met.count)


def target_gap(step: Step, period: int) -> FirstEpoch:
    """Begin to note whether rows that look alike have close ones, as they have of a quantity."""
    met = WholeTargets(step)
    return FirstEpoch(met.look, met.gap)


class Classes(TargetsMet):
    """The targets that were met, where they are classes to the loss."""

    def __init__(self, step: Step) -> None:
        super().__init__(step)
        kind = getattr(self.loss, "targets", "numbers")
        if not (kind == "one_of_many" or (kind == "yes_or_no" and self.n_out == 1)):
            self.loss = None

    def read(self) -> float | None:
        """How frequent the rarest class is beside the most frequent, of those met; None of other targets."""
        if not self.targets:
            return None
        target = np.concatenate(self.targets, axis=-1)
        met = target.argmax(0) if target.ndim == 2 and len(target) > 1 else target.ravel()
        counts = np.unique(met, return_counts=True)[1]
        return float(counts.min() / counts.max())


def rarest_class(step: Step, period: int) -> FirstEpoch:
    """Begin to note how rare the rarest class is."""
    met = Classes(step)
    return FirstEpoch(met.look, met.read)
