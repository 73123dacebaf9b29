"""A real cluster of several processes, one of which is killed. Needs dask and distributed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sweeping import draw, slow

from mlp.errors import DataError, MissingExtraError
from mlp.sweep import Journal, cluster, identity, sweep

pytestmark = pytest.mark.filterwarnings("default")  # those of dask are not ours


def test_a_killed_worker_of_a_cluster_costs_no_trial_and_counts_none_twice(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    log = tmp_path / "processes"
    trials: list[dict[str, Any]] = [{"seed": seed, "log": str(log)} for seed in range(30)]
    with (
        distributed.LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None) as local,
        cluster(local.scheduler_address) as executor,
        Journal(tmp_path / "trials.jsonl", {}) as journal,
    ):
        found = []
        for outcome in sweep(trials, slow, executor, journal):
            found.append(outcome)
            if len(found) == 6:
                os.kill(int(log.read_text().split()[-1]), signal.SIGKILL)  # of a trial that is running or just over
    assert len(found) == len({identity(outcome.trial) for outcome in found}) == 30
    assert {o.trial["seed"]: o.result for o in found} == {seed: draw({"seed": seed}) for seed in range(30)}
    assert len(set(log.read_text().split())) >= 3
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 31


def test_a_cluster_that_does_not_answer_is_an_error_of_one_line() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(DataError, match="no cluster answers at nonsense"), cluster("nonsense://nowhere:1"):
        pass


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"mlp\[cluster\]"), cluster("tcp://127.0.0.1:1"):
        pass
