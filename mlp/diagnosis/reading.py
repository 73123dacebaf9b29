"""A history, read: the numbers that several detectors ask for, each computed once.

Everything here is a ratio or is compared with a reference of the same unit: what a loss or a gradient norm is in
itself depends on the loss, the batch and the width.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import inf, nan, sqrt
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis.thresholds import ENOUGH_HELD_OUT, EXPLODED, RISEN
from mlp.history import History

MOMENTS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75)
"""Shares of the planned steps after which a run is judged, and at its end."""


def moments(planned: int) -> list[int]:
    """Numbers of steps after which to judge a run of `planned`, the end left out.

    >>> moments(200)
    [1, 2, 4, 6, 10, 20, 40, 70, 100, 150]
    """
    return sorted({round(share * planned) for share in MOMENTS} - {0, planned})


class Trend(NamedTuple):
    """A straight line through the recent losses: `level` at its end and change `slope` per step, with errors."""

    level: float
    level_error: float
    slope: float
    slope_error: float


class Reading(History):
    """A view of a history, as far as `until` (a number of steps; None: all of it). Columns are read once.

    Of a population it is the member that does best: the one to be kept.

    >>> reading = Reading(History({"loss": [0.7, 0.5, 0.4]}))
    >>> reading["loss"].min(), reading.done
    (np.float64(0.4), 3)
    """

    def __init__(self, history: History, until: int | None = None) -> None:
        super().__init__()
        self.own_causes: Sequence[Any] = ()  # of detectors from elsewhere, asked beside those of the table
        columns = best_member(history if until is None else history.until(until - 1))._columns
        self._columns = {name: column for name, column in columns.items() if column.steps and _fits(name, column)}
        self._arrays: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        if name not in self._arrays:
            self._arrays[name] = super().__getitem__(name)
        return self._arrays[name]

    def one(self, name: str, label: str | None = None, default: float = nan) -> float:
        """The latest record of a column, or of one label of it; `default` where there is none."""
        if name not in self or not len(self[name]):
            return default
        if label is None:
            return float(np.ravel(self[name][-1])[0])
        labels = self.labels(name)
        return float(self[name][-1][labels.index(label)]) if label in labels else default

    def first(self, name: str, n: int) -> Array:
        """The records of a column that were made in the first n steps; none where there is no such column."""
        return self[name][self.steps(name) < n] if name in self else np.empty(0)

    def setting(self, name: str, default: float = nan) -> float:
        """One of the settings."""
        return self.one("settings", name, default)

    def by_layer(self, name: str) -> dict[str, float]:
        """The latest record of a column by layer; {} where there is none."""
        if name not in self or not len(self[name]):
            return {}
        return dict(zip(self.labels(name), map(float, self[name][-1]), strict=False))

    def at_start(self, name: str) -> dict[str, float]:
        """A column by layer before anything had moved: of the dry pass, or else its first record."""
        found = self.by_layer(f"initial_{name}")
        if found or name not in self or not len(self[name]):
            return found
        return dict(zip(self.labels(name), map(float, self[name][0]), strict=False))

    @cached_property
    def loss(self) -> Array:
        """The recorded losses."""
        return self["loss"] if "loss" in self else np.empty(0)

    @cached_property
    def done(self) -> int:
        """Steps made, as far as was recorded: where losses are rare, the end of an epoch knows better."""
        if not len(self.loss):
            return 0
        return 1 + max(int(self.steps(name)[-1]) for name in ("loss", "train_loss", "ended") if name in self)

    @cached_property
    def planned(self) -> int:
        """Steps planned; as many as made, where that is not known."""
        planned = self.setting("planned_steps", 0.0)
        return int(planned) if 0 < planned < inf else self.done

    @cached_property
    def finished(self) -> bool:
        """Whether no more steps will come: all were made, or the run says that it ended."""
        return self.done >= self.planned or "ended" in self

    @cached_property
    def start(self) -> float:
        """The loss before anything had moved."""
        return self.one("initial_loss", default=float(self.loss[0]) if len(self.loss) else nan)

    @cached_property
    def reference(self) -> float:
        """The loss of the best constant answer, or to the targets met; else of a guess, or at the start."""
        known = (self.one(name) for name in ("reference_loss", "constant_loss", "guess_loss"))
        return next((value for value in known if value == value), self.start)

    @cached_property
    def is_bare(self) -> bool:
        """Whether nothing but the losses themselves says what a good one is."""
        return not any(name in self for name in ("reference_loss", "constant_loss", "guess_loss", "initial_loss"))

    @cached_property
    def recent(self) -> slice:
        """The records that say where the loss is now: the last quarter, at least 4, at most an epoch or 200."""
        n, epoch = len(self.loss), self.setting("planned_steps") / (self.setting("epochs") or nan)
        most = int(min(200.0, max(epoch, 8))) if epoch == epoch else 200
        return slice(n - max(min(n, 4), min(n // 4, most)), n)

    @cached_property
    def now(self) -> float:
        """The mean recent loss: at the end of an epoch, of that epoch."""
        return float(self.loss[self.recent].mean()) if len(self.loss) else nan

    @cached_property
    def error(self) -> float:
        """The standard error of `now`."""
        recent = self.loss[self.recent]
        return deviation(recent) / sqrt(len(recent)) if len(recent) > 1 else inf

    @cached_property
    def skill(self) -> float:
        """Which share of the reference loss is gone: 0 is a constant answer, 1 no loss."""
        return 1 - self.now / self.reference if self.reference > 0 else nan

    @cached_property
    def trend(self) -> Trend:
        """Of the later half of the records, at most 500."""
        return trend(self.loss[-max(4, min(500, len(self.loss) // 2)) :])

    @cached_property
    def is_rising(self) -> bool:
        """Whether the loss went up instead of down, or left the numbers; not where it never was one."""
        if not len(self.loss) or not 0 < self.start < inf:
            return False
        lost = not np.isfinite(self.loss[-1]) or not np.isfinite(self.one("train_loss", default=0.0))
        return bool(lost or self.now - 2 * self.error > RISEN * max(self.start, self.reference))

    @cached_property
    def exploding(self) -> float:
        """The loss above which a run has lost its way: a million times what it began with, and the reference."""
        return EXPLODED * max(self.start, self.reference) if 0 < self.start < inf else inf

    @cached_property
    def has_exploded(self) -> bool:
        """Whether the loss is above that now."""
        return self.exploding < self.now < inf

    @cached_property
    def promised(self) -> float:
        """By how much a step promises to lower the loss, to first order: the mean of -⟨g, u⟩ so far."""
        return float(-self["descent"].mean()) if "descent" in self and len(self["descent"]) else nan

    @cached_property
    def pace(self) -> float:
        """The typical step: the median of ‖u‖/‖θ‖."""
        if "update_norm" not in self or "param_norm" not in self:
            return nan
        n = min(len(self["update_norm"]), len(self["param_norm"]))
        if not n:
            return nan
        params = self["param_norm"][-n:]
        return float(np.median(self["update_norm"][-n:] / np.where(params > 0, params, 1.0)))

    @cached_property
    def score_name(self) -> str:
        """The metric by which answers are judged: "accuracy", or "r2"."""
        return (
            "r2" if "target_std" in self and "class_counts" not in self and "train_accuracy" not in self else "accuracy"
        )

    def score(self, part: str) -> float:
        """The latest accuracy or r² of a part; no r² of a few rows held out, whose spread may be tiny by chance."""
        if self.score_name == "r2" and part == "validation" and self.setting("validation_scored") < ENOUGH_HELD_OUT:
            return nan
        return self.one(f"{part}_{self.score_name}")


BY_LABEL = {
    "settings", "unseen", "drifted_inputs", "drifted_test_inputs", "counterfactuals",
    "few_rows", "balanced_scores", "baseline_balanced", "leaked_scores", "target_copies", "telling_columns",
    "identifiers",
    "baseline_rows", "recall_rows", "input_mean", "input_std", "class_counts", "recall", "loss_along",
    "weight_std", "weight_gain",
    "bias_mean", "identical_units", "gradient_error", "backward_gain", "silent_units", "saturated_units",
    "point_kind", "point_layers",
    "saturated_share", "initial_backward_gain", "initial_saturated_fraction", "initial_dead_fraction",
}  # fmt: skip
"""Columns that have a number for each label in every record, as those by layer have."""
EITHER = {"target_mean", "target_std"}
"""One number, or one for each output."""


def _fits(name: str, column: Any) -> bool:
    """Whether a column has the shape that its name asks for; another was not recorded here, and says nothing."""
    shape, labelled = column.shape, name in BY_LABEL or name.endswith("_by_layer")
    if any(size == 0 for size in shape) or len(shape) > 1:
        return False
    return name in EITHER or (len(shape) == labelled and len(column.labels) in (0, *shape))


def deviation(values: Array) -> float:
    """The standard deviation of a sample, of numbers too whose squares are none."""
    size = float(np.abs(values).max())
    unit = size if 1e100 < size < inf else 1.0
    return float((values / unit).std(ddof=1)) * unit


def trend(loss: Array) -> Trend:
    """A straight line by least squares, with the standard errors of its end and of its slope."""
    n = len(loss)
    if n < 4 or not np.isfinite(loss).all():
        return Trend(float(loss[-1]) if n else nan, inf, 0.0, inf)
    x = np.arange(n) - (n - 1) / 2
    slope = float(x @ loss / (x @ x))
    residual = loss - loss.mean() - slope * x
    spread = sqrt(float(residual @ residual) / (n - 2))
    slope_error = spread / sqrt(float(x @ x))
    return Trend(float(loss.mean()) + slope * x[-1], spread * sqrt(4 / n), slope, slope_error)


def best_member(history: History) -> History:
    """Of a population the member that stays a number longest, and then has the lowest loss; else the history itself."""
    losses = history["loss"] if "loss" in history else np.empty(0)
    if losses.ndim < 2 or not losses.size:
        return history
    finite = np.isfinite(losses).sum(0)
    last = np.where(np.isfinite(losses[-1]), losses[-1], np.inf)
    best = np.unravel_index(np.lexsort((last.ravel(), -finite.ravel()))[0], last.shape)
    for axis, index in enumerate(best):
        history = history.member(int(index), last.shape[axis:])
    return history
