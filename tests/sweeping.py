"""Trials, a rule and a function that other processes can import."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mlp


def draw(trial: dict[str, Any]) -> dict[str, Any]:
    """Some numbers that depend on the seed and on nothing else."""
    rng = np.random.default_rng(trial["seed"])
    A = rng.standard_normal((20, 20))
    return {"seed": trial["seed"], "numbers": np.linalg.solve(A, rng.standard_normal(20)).tolist()}


def die_once(trial: dict[str, Any]) -> dict[str, Any]:
    """As `draw`, but the process of one trial is killed the first time it is tried."""
    flag = Path(trial["flag"])
    if trial["seed"] == 3 and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return draw(trial)


def die_when_told(trial: dict[str, Any]) -> dict[str, Any]:
    """As `draw`, but all after the first wait for a file and then take their process with them."""
    while trial["seed"] > 0:
        if Path(trial["flag"]).exists():
            os._exit(1)
        time.sleep(0.001)
    return draw(trial)


def fail(trial: dict[str, Any]) -> dict[str, Any]:
    """As `draw`, but one trial cannot be."""
    if trial["seed"] == 3:
        raise ValueError("three is no number")
    return draw(trial)


def mortal(trial: dict[str, Any]) -> dict[str, Any]:
    """Never comes back."""
    os._exit(1)


@dataclass(frozen=True)
class Halved(mlp.SGD):
    """u = -η g / 2: a rule that the package does not know."""

    def update(self, at: Any, state: Any, out: Any) -> None:
        super().update(at, state, out)
        out *= 0.5


def bowl(params: Any, out: Any) -> Any:
    """Σ x²: a function that the package does not know."""
    out[...] = 2 * params
    return (params * params).sum(-1)
