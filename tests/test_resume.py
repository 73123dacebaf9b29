"""A run that was killed and resumed ends with the bytes of one that never stopped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.experiment import checkpoint
from mlp.experiment.checkpoint import Keeper
from mlp.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
CLASSES = np.digitize(X[:, 0] * X[:, 1], [-0.3, 0.3])
NUMBERS = X @ [1.0, -2.0, 3.0, 0.5]

Check = Callable[[dict[str, Any], Any, int, Path], mlp.Run]


class Killed(BaseException):
    """The process is gone; nothing after it runs but `finally`."""


def config(rule: str = "adam", **sections: Any) -> dict[str, Any]:
    """Small, with what has a memory or draws: dropout, batch norm, curvature probes as usual."""
    linear = mlp.optimizers.OPTIMIZERS[rule].least_squares
    plain = rule == "kfac"  # dense layers only
    found: dict[str, Any] = {
        "data": {"task": "regression" if linear else "classification"},
        "network": {"hidden": [6, 5], "activation": ["tanh", "relu"]},
        "optimizer": {"name": rule},
        "training": {"epochs": 4, "batch_size": 16},
        "record": {"probe": "never"},
    }
    if not plain and not OPTIMIZERS[rule].alone:
        found["network"] |= {"dropout": 0.2, "batch_norm": True}
    for name, keys in sections.items():
        found[name] = found.get(name, {}) | keys
    return found


def target(given: dict[str, Any]) -> np.ndarray:
    return NUMBERS if given["data"]["task"] == "regression" else CLASSES


def killed(monkeypatch: pytest.MonkeyPatch, given: Any, y: Any, step: int, folder: Path, every: int = 1) -> None:
    """Train with a checkpoint after every so many steps, and at the ends of epochs, until that step is done."""

    def look(self: Keeper) -> None:
        self.next = self.ready.steps + 1
        if self.ready.steps % every == 0:
            self.write()
        if self.ready.steps >= step:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "look", look)
        patch.setattr(Keeper, "is_due", lambda self: True)
        with pytest.raises(Killed):
            mlp.run(given, (X, y), out=folder)


def assert_same(found: mlp.Run, whole: mlp.Run) -> None:
    assert found.network.params.tobytes() == whole.network.params.tobytes()
    assert found.network.statistics.tobytes() == whole.network.statistics.tobytes()
    assert list(found.history) == list(whole.history)
    differing = [
        name
        for name in whole.history
        if found.history[name].tobytes() != whole.history[name].tobytes()
        or found.history.steps(name).tobytes() != whole.history.steps(name).tobytes()
    ]
    assert not differing
    assert found.history.seal() == whole.history.seal(), "labels, units, and what members share"
    assert (repr(found.metrics), found.findings, found.steps) == (repr(whole.metrics), whole.findings, whole.steps)
    assert found.config == whole.config


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_every_optimizer_goes_on_as_if_never_stopped(
    rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = config(rule, training={"epochs": 9 if OPTIMIZERS[rule].full_batch else 4})
    y = target(given)
    whole = mlp.run(given, (X, y), out=tmp_path / "whole")
    step = int(np.random.default_rng(list(OPTIMIZERS).index(rule)).integers(1, whole.steps - 1))
    if OPTIMIZERS[rule].full_batch:
        killed_at_epoch(monkeypatch, given, y, step, tmp_path / "run")
    else:
        step -= step % 3 == 0
        killed(monkeypatch, given, y, step, tmp_path / "run")
    assert_same(mlp.resume(tmp_path / "run", data=(X, y)), whole)
    left = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    assert set(left) == {"config.toml", "metrics.json", "findings.json", "history.npz", "model.npz", "checkpoint.npz"}
    assert left["history.npz"] == (tmp_path / "whole" / "history.npz").read_bytes()


def killed_at_epoch(monkeypatch: pytest.MonkeyPatch, given: Any, y: Any, epoch: int, folder: Path) -> None:
    """Train with a checkpoint after every epoch, until so many are done."""
    write = Keeper.write

    def counted(self: Keeper) -> None:
        write(self)
        if self.ready.epoch >= epoch:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "is_due", lambda self: True)
        patch.setattr(Keeper, "write", counted)
        with pytest.raises(Killed):
            mlp.run(given, (X, y), out=folder)
