"""Pretraining in words: a line for each layer, and on a terminal how far the layer is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

import numpy as np

from mlp.experiment import Setup, State, Stop
from mlp.experiment.loop import pretrain


def pretraining(setup: Setup, state: State, stop: Stop) -> Iterator[str]:
    """Pretrain, if that is asked for; yield what became of each layer. Of a population the mean is shown."""
    if setup.pretrainer is None:
        return
    title = "pretrain"
    for layer, facts in groupby(pretrain(setup, state, stop), attrgetter("layer")):
        errors = []
        for fact in facts:
            errors.append(float(np.mean(fact.error)))
            _show(f"{layer}, epoch {fact.number}: {errors[-1]:.0%} of the variance is lost")
        _show("")
        epochs = f"{len(errors) - 1} epochs of {setup.pretrainer.name}"
        yield f"{title:10}{layer}: {errors[0]:.0%} → {errors[-1]:.0%} of the variance lost, {epochs}"
        title = ""


def _show(line: str) -> None:
    """Write over the last line of standard error, if that is a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
