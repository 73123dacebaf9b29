"""In which order the rows of a loop come, and whether the network forgets those that are far off in it.

Batches of sorted rows teach the latest rows only. The loss of a step is measured just after its neighbours were
learned, and looks well. So where the first epoch shows an order, some of its rows are kept and asked again
now and then. Of rows in random order nothing is kept for long, and nothing is asked.
"""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array
from mlp.backprop import predict
from mlp.instruments.instrument import NEVER
from mlp.instruments.targets_met import FirstEpoch, TargetsMet
from mlp.training import Step

ENOUGH = 40  # targets whose order says something
ROWS_TOGETHER = 8  # batches of fewer rows are put together, for their order
KEPT = 512  # rows that are asked again at most
IN_ORDER = 0.3  # share of the spread between batches from which on rows are asked again
LATER = 1.5  # how many times as late rows are asked again


def share_between(batches: list[Array], n_out: int) -> float | None:
    """(η² - e) / (1 - e), with η² the spread between batches over all, and e what chance makes of it.

    `batches`: targets (n,), or (n_out, n). Small ones are put together with the next. None of fewer than four.
    """
    values = [np.eye(n_out)[b] if b.ndim == 1 and n_out > 1 else b.reshape(-1, b.shape[-1]).T for b in batches]
    together = max(1, -(-ROWS_TOGETHER // len(values[0])))
    groups = [np.concatenate(values[i : i + together]) for i in range(0, len(values), together)]
    rows = np.concatenate(groups).astype(np.float64)
    total = float(np.square(rows - rows.mean(0)).sum())
    if len(groups) < 4 or not total > 0:
        return None
    between = sum(len(group) * float(np.square(group.mean(0) - rows.mean(0)).sum()) for group in groups) / total
    chance = (len(groups) - 1) / (len(rows) - 1)
    return float((between - chance) / (1 - chance))


class Order(TargetsMet):
    """Whether the targets of a batch are more alike than those of any rows: rows that come sorted."""

    def read(self) -> float | None:
        """What `share_between` says of the targets met."""
        return share_between(self.targets, self.n_out) if self.kept >= ENOUGH else None


def ordered_batches(step: Step, period: int) -> FirstEpoch:
    """Begin to note whether rows come in an order that says something of the targets."""
    met = Order(step)
    return FirstEpoch(met.look, met.read)


class Remembered:
    """The loss of rows of the first epoch, kept evenly, and asked again after it now and then; None in random order."""

    def __init__(self, step: Step) -> None:
        self.order = Order(step)
        self.rows: list[tuple[Array, Array]] = []
        self.every, self.met, self.due, self.epoch = 1, 0, 0, 0
        self.is_over = self.order.loss is None or bool(step.network.population) or bool(step.epoch)

    def __call__(self, step: Step) -> float | None:
        """The loss, at a step that is due: that of the weights after it."""
        if self.is_over:
            return None
        if not step.epoch:
            self._keep(step)
            return None
        if self.epoch == 0 and not (self.order.read() or 0.0) > IN_ORDER:
            self.is_over, self.rows = True, []
            return None
        self.epoch = step.epoch
        if step.index < self.due:
            return None
        self.due = int(LATER * step.index) + 1
        X, targets = (np.array(part) for part in zip(*self.rows, strict=True))
        try:
            return float(self.order.loss.value(predict(step.network, X).T, targets.T, None))
        except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
            self.is_over = True  # a loss or layer that is not this library's may take other things
            return None

    def _keep(self, step: Step) -> None:
        """Keep every so many of the rows; half as many where they become too many."""
        self.order.look(step)
        chosen = slice(-self.met % self.every, None, self.every)
        rows, targets = step.batch.x.values.T[chosen], step.batch.target.T[chosen]
        self.rows += [(x.copy(), target.copy()) for x, target in zip(rows, targets, strict=True)]
        self.met += step.batch.x.values.shape[-1]
        if len(self.rows) > KEPT:
            self.rows, self.every = self.rows[::2], 2 * self.every

    def next_look(self, index: int) -> int:
        """Every step of the first epoch; then those that are due."""
        return NEVER if self.is_over else max(index + 1, self.due)


def remembered_loss(step: Step, period: int) -> Remembered:
    """Begin to keep rows, and to ask them again."""
    return Remembered(step)
