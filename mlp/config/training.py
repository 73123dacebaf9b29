"""The sections [training] and [record]: how long, in what portions, from which seed; and what is kept of it."""

# ruff: noqa: RUF009  -- `key` makes a field, as `field` does
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from mlp.config.schema import (
    BATCH_SIZE,
    COUNT,
    EPOCHS,
    FLAG,
    NAMES,
    SEED,
    STOPPING,
    Allowed,
    OwnName,
    find_part,
    key,
    one_of,
)
from mlp.diagnosis import DETECTORS, Detector
from mlp.errors import ConfigError
from mlp.instruments import BY_HAND, DETAILED, EXPERIMENT, Instrument


@dataclass(frozen=True)
class TrainingConfig:
    """How long, in what portions, from which seed."""

    epochs: int = key(20, EPOCHS, "how often all rows are seen")
    batch_size: int | str = key(32, BATCH_SIZE, 'rows of one step, or `"full"`')
    shuffle: bool = key(True, FLAG, "draw a new order of the rows for each epoch")
    seed: int = key(0, SEED, "the same seed gives the same bits")
    dtype: str = key("float32", one_of("float32", "float64"), '`"float32"` or `"float64"`')
    restarts: int = key(1, COUNT, "networks that are trained at once: see [restarts](restarts.md)")
    ensemble: bool = key(False, FLAG, "all restarts answer together")
    early_stopping: bool | dict[str, Any] = key(False, STOPPING, "`true`, or `{patience = 10, min_delta = 0.0}`")

    def rows_per_batch(self, n_rows: int) -> int:
        """How many of `n_rows` rows a step takes; "full": all of them."""
        return n_rows if self.batch_size == "full" else int(self.batch_size)

    def steps_per_epoch(self, n_rows: int) -> int:
        """How many steps go through `n_rows` rows; the last may take fewer than the others."""
        return ceil(n_rows / self.rows_per_batch(n_rows))

    def generator(self, *place: int) -> np.random.Generator:
        """The generator at a place in the tree that grows from the seed: one for each purpose."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=place))

    @property
    def population(self) -> tuple[int, ...]:
        """The leading axes of the parameters: (restarts,) where several networks train at once."""
        return (self.restarts,) if self.restarts > 1 else ()

    @property
    def patience(self) -> int | None:
        """How many epochs without improvement early stopping waits; None where it is off."""
        if self.early_stopping is False:
            return None
        return int(self.early_stopping.get("patience", 10)) if isinstance(self.early_stopping, Mapping) else 10

    @property
    def min_delta(self) -> float:
        """By how much the loss must fall to count as an improvement."""
        return float(self.early_stopping.get("min_delta", 0.0)) if isinstance(self.early_stopping, Mapping) else 0.0


PROBE = Allowed(one_of("auto", "never").fits, "auto | never (probes at an interval are not built yet)")


@dataclass(frozen=True)
class RecordConfig:
    """What is kept of what happened.

    `instruments` and `detectors`: further ones, by name. `baseline`: whether a plain network may be trained beside a
    run that looks slow or ends poorly. `probe`: whether the curvature may be looked at there, to say what kind of point
    the run stands at.
    """

    every: int = key(1, COUNT, "record at every so many steps")
    baseline: str = key("auto", one_of("auto", "never"), '`"never"`: train no plain network beside the run')
    probe: str = key(
        "auto", PROBE, '`"never"`: do not look at the curvature where the run stalls: see [landscape](landscape.md)'
    )
    instruments: list[str] = key([], NAMES, "names of [your own](own-parts.md) instruments")
    detectors: list[str] = key([], NAMES, "names of your own detectors")


def build_instruments(record: RecordConfig) -> tuple[Instrument, ...]:
    """The instruments of a run: those of every experiment, and those that are named besides."""
    known = {instrument.name: instrument for instrument in (*EXPERIMENT, *DETAILED) if instrument not in BY_HAND}
    standard = {instrument.name for instrument in EXPERIMENT}
    named = {name: find_part("[record] instruments", name, known) for name in record.instruments}
    return (*EXPERIMENT, *(part for name, part in named.items() if name not in standard))


def build_detectors(record: RecordConfig) -> tuple[Detector, ...]:
    """The detectors of a run: those of the package, and those that are named besides."""
    parts = [_find_detector(name) for name in record.detectors]
    return (*DETECTORS, *(part() if isinstance(part, type) else part for part in parts))


def _find_detector(name: str) -> Any:
    """A detector of one's own; those of the package judge every run, and need no name."""
    if isinstance(name, OwnName):
        return name.part
    raise ConfigError(f"[record] detectors: no detector {name!r}. Known: none; --use FILE brings some, use= in Python.")
