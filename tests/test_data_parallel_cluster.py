"""Rows on the workers of a real Dask cluster. Needs dask and distributed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.dask_cluster import RowsOnCluster, cluster
from mlp.data_parallel import Rows, order_rows, train_sharded

pytestmark = pytest.mark.filterwarnings("default")  # those of dask are not ours
LOSS = mlp.SoftmaxCrossEntropy()


@pytest.fixture(scope="module")
def local() -> Any:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as found:
        yield found


def load_part(k: int) -> Rows:
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((60, 4)), rng.integers(0, 3, 60)
    return Rows(np.split(X, [25])[k], np.split(labels, [25])[k])


def network() -> mlp.Network:
    return mlp.Network([mlp.Dense(4, 5), mlp.Tanh(), mlp.Dense(5, 3)], rng=0)


def test_a_killed_worker_costs_its_rows_a_reload_and_nothing_else(local: Any) -> None:
    alone, sharded = network(), network()
    X, labels = np.concatenate([load_part(k).X for k in (0, 1)]), np.concatenate([load_part(k).target for k in (0, 1)])
    for _ in mlp.train(alone, mlp.batches(X, labels, 20, rng=1, epochs=6), LOSS, mlp.Adam(0.01)):
        pass
    with cluster(local.scheduler_address) as workers:
        rows = RowsOnCluster(workers, [(load_part, (0,)), (load_part, (1,))])
        victim = next(iter(workers.client.run(os.getpid).values()))
        steps = train_sharded(rows, sharded, order_rows(60, 20, np.random.default_rng(1), 6), LOSS, mlp.Adam(0.01))
        for step in steps:
            if step.index == 4:
                os.kill(victim, signal.SIGKILL)
    assert step.index == 17
    np.testing.assert_allclose(sharded.params, alone.params, rtol=1e-9, atol=1e-12)  # rounding of 18 steps in float64


def test_the_command_trains_on_a_cluster_as_it_does_here(local: Any, tmp_path: Path, capsys: Any) -> None:
    metrics = []
    for i, more in enumerate(([], ["--cluster", local.scheduler_address])):
        common = ["--set", "training.batch_size=400", "--set", "training.dtype=float64", "--epochs", "2", "--json"]
        assert main(["train", "digits", *common, "-q", "-o", str(tmp_path / f"run-{i}"), *more]) in (0, 1)
        metrics.append(json.loads(capsys.readouterr().out.splitlines()[-1])["metrics"])
    assert metrics[0]["train_loss"] == pytest.approx(metrics[1]["train_loss"], rel=1e-9)
    assert metrics[0]["test_accuracy"] == metrics[1]["test_accuracy"]


def test_the_doctor_says_whether_a_cluster_pays(local: Any, capsys: Any) -> None:
    assert main(["doctor", "8-4-2", "--batch", "16", "--cluster", local.scheduler_address, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["workers"] >= 1
    assert found["parameters"] == 9 * 4 + 5 * 2
    assert found["reduction"] > 0
    assert found["pays_from"] > 16  # a message takes longer than 16 rows of so small a network
