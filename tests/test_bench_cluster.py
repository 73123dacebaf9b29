"""The table of obstacles on a real cluster of two workers, one of which is killed. Needs dask and distributed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlp.optimizer_bench import OptimizerComparison, parse_bench_settings, run_protocol
from mlp.optimizer_bench.tables import write_tables
from mlp.sweep import cluster

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default")  # those of dask are not ours
SETTINGS = {
    "bench": {
        "optimizers": ["sgd", "adam", "irprop_minus", "lbfgs", "levenberg_marquardt"],
        "problems": ["saddle", "blind_saddle", "turned_ravine", "gradient_noise", "symmetry_saddle", "small_batches"],
        "seeds": 3, "tuning_seeds": 2, "rates": 3, "together": 3, "epochs": 150,
    },
    "tune": {"adam": {"beta1": [0.0, 0.9], "schedule": ["constant", "cosine"]}, "lbfgs": {"memory": [3, 10]}},
}  # fmt: skip
FILES = ("obstacles.csv", "budgets.csv", "results.csv", "summary.csv", "sensitivity.csv", "profile.csv")


def write(found: OptimizerComparison, folder: Path) -> dict[str, bytes]:
    """What does not depend on the clock, byte for byte."""
    write_tables(found.cells, folder)
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The table of one process."""
    found = OptimizerComparison()
    list(run_protocol(parse_bench_settings(SETTINGS), found.cells))
    return write(found, tmp_path_factory.mktemp("here"))


@pytest.fixture
def local() -> Iterator[Any]:
    """Two workers, each a process of its own."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as found:
        yield found


def test_the_table_of_obstacles_is_the_same_on_two_workers_one_of_which_is_killed(
    local: Any, here: dict[str, bytes], tmp_path: Path
) -> None:
    """Stopped after a few trials; then gone on with, and in the middle of that a worker dies: the same bytes."""
    settings, folder, first, found = parse_bench_settings(SETTINGS), tmp_path / "run", OptimizerComparison(), 0
    with cluster(local.scheduler_address) as executor:
        for step in run_protocol(settings, first.cells, executor, folder):
            if step.done == 7:
                break
        finished = len((folder / "trials.jsonl").read_text().splitlines()) - 1
        again = OptimizerComparison()
        for step in run_protocol(settings, again.cells, executor, folder):
            found += step.outcome.recalled
            if step.done == finished + 5:
                os.kill(next(iter(local.workers.values())).pid, signal.SIGKILL)
    assert found == finished >= 7
    assert write(again, tmp_path / "there") == here
