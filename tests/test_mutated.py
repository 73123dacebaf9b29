"""A thousand damaged files: each is refused in one line, or loads as what was written. Never anything else."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.errors import MLPError
from mlp.experiment.checkpoint import read_checkpoint
from mlp.experiment.run_directory import CHECKPOINT

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)
DAMAGES = {
    "model.npz": 220,
    "checkpoint.npz": 260,
    "history.npz": 220,
    "config.toml": 100,
    "metrics.json": 100,
    "findings.json": 100,
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory as mlp wrote it, with a finding in it. No byte of it depends on the clock, nor does a damage."""
    folder = tmp_path_factory.mktemp("good") / "run"
    config = {"network": {"hidden": [3]}, "training": {"epochs": 2}, "record": {"probe": "never"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "perf_counter", lambda: 0.0)
        assert mlp.run(config, (X, Y), out=folder).findings
    return folder


def mutated(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Cut short, spliced, with bytes changed, lost or doubled, or with the numbers in a header edited."""
    place, length = int(rng.integers(len(content))), int(rng.integers(1, 40))
    kind = rng.integers(7)
    if kind == 0:
        return content[:place]
    if kind == 1:
        return content[:place] + content[place + length :]
    if kind == 2:
        return content[:place] + content[place : place + length] + content[place:]
    if kind == 3:
        start = int(rng.integers(len(other)))
        return content[:place] + other[start : start + length] + content[place + length :]
    if kind == 4:
        return edited(content, rng)
    damaged = bytearray(content)
    for index in rng.integers(0, len(content), size=1 if kind == 5 else 12):
        damaged[index] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def edited(content: bytes, rng: np.random.Generator) -> bytes:
    """One number in a header of an array, or of a text, is another one; sizes of a zip too."""
    numbers = [match.span() for match in re.finditer(rb"'shape': \((\d+)|<f(\d)|(\d+)|PK\x01\x02.{16}(....)", content)]
    start, stop = numbers[int(rng.integers(len(numbers)))]
    middle = bytearray(content[start:stop])
    middle[-1] = int(rng.integers(48, 58))
    return content[:start] + bytes(middle) + content[stop:]


def same_run(folder: Path) -> Callable[[], None]:
    """Load the run again and compare everything that it says with what it says now."""

    def said() -> Any:
        run = mlp.load_run(folder)
        return (run.predict_proba(X).tobytes(), run.metrics, run.config, run.findings, run.steps, run.history.seal())

    right = said()

    def compare() -> None:
        assert said() == right

    return compare


def same_checkpoint(folder: Path) -> Callable[[], None]:
    """The same of its checkpoint."""

    def said() -> Any:
        found = read_checkpoint(folder)
        arrays = {name: (a.tobytes(), a.dtype, a.shape) for name, a in found.arrays.items()}
        return found._replace(arrays={}), arrays

    right = said()

    def compare() -> None:
        assert said() == right

    return compare


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_files_load_as_the_right_run_or_are_refused_in_one_line(good: Path, name: str) -> None:
    path, rng = good / name, np.random.default_rng(list(DAMAGES).index(name))
    content, other = path.read_bytes(), (good / "history.npz").read_bytes()
    compare = same_checkpoint(good) if name == CHECKPOINT else same_run(good)
    n_refused = 0
    try:
        for _ in range(DAMAGES[name]):
            path.write_bytes(mutated(content, other, rng))
            try:
                compare()
            except MLPError as error:
                assert "\n" not in str(error)
                assert name in str(error)
                n_refused += 1
    finally:
        path.write_bytes(content)
    assert n_refused > DAMAGES[name] / 2
    assert not list(good.glob("*.part"))


def test_there_are_a_thousand() -> None:
    assert sum(DAMAGES.values()) == 1000
