"""A real cluster of several processes, one of which is killed. Needs dask and distributed."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sweeping import die_once, draw

import mlp
from mlp import dask_cluster
from mlp.errors import DataError, MissingExtraError
from mlp.sweep import Journal, cluster, identity, sweep

pytestmark = pytest.mark.filterwarnings("default")  # those of dask are not ours


def test_a_killed_worker_of_a_cluster_costs_no_trial_and_counts_none_twice(tmp_path: Path) -> None:
    """The worker kills itself in the middle of a trial: one that is killed from outside may be between two of them."""
    distributed = pytest.importorskip("distributed")
    trials: list[dict[str, Any]] = [{"seed": seed, "flag": str(tmp_path / "died")} for seed in range(30)]
    with (
        distributed.LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None) as local,
        cluster(local.scheduler_address) as executor,
        Journal(tmp_path / "trials.jsonl", {}) as journal,
    ):
        found = list(sweep(trials, die_once, executor, journal))
    assert (tmp_path / "died").exists()
    assert len(found) == len({identity(outcome.trial) for outcome in found}) == 30
    assert {o.trial["seed"]: o.result for o in found} == {seed: draw({"seed": seed}) for seed in range(30)}
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 31


def test_a_cluster_that_does_not_answer_is_an_error_of_one_line() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(DataError, match="no cluster answers at nonsense"), cluster("nonsense://nowhere:1"):
        pass


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"mlp\[cluster\]"), cluster("tcp://127.0.0.1:1"):
        pass


class Gone(Executor):
    """An executor of a cluster that never answers, and its client."""

    def __init__(self, status: str, workers: dict[str, int]) -> None:
        self.status, self.workers, self.futures = status, workers, list[Future[Any]]()
        self.scheduler = SimpleNamespace(ncores=None)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]

    def get_executor(self, pure: bool) -> Gone:
        return self

    def sync(self, function: Any, callback_timeout: float) -> dict[str, int]:
        if self.workers is None:
            raise TimeoutError
        return self.workers


@pytest.mark.parametrize(
    ("status", "workers", "said"),
    [("closed", {}, "is gone"), ("running", None, "does not answer"), ("running", {}, "has no worker any more")],
)
def test_a_cluster_that_is_gone_ends_the_sweep(
    status: str, workers: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A future of Dask whose scheduler or workers were killed is never done, and `wait` waited for it for ever."""
    monkeypatch.setattr(dask_cluster, "PATIENCE", 0.0)
    monkeypatch.setattr(dask_cluster, "GLANCE", 0.0)
    monkeypatch.setattr(mlp.sweep, "GLANCE", 0.01)
    gone = Gone(status, workers)
    with Journal(tmp_path / "trials.jsonl", {}) as journal:
        journal.add({"seed": 0}, 1, 0.0)
        found = sweep([{"seed": 0}, {"seed": 1}], draw, dask_cluster.Cluster(gone, "tcp://here:1"), journal)
        assert next(found).recalled
        with pytest.raises(DataError, match=f"the cluster at tcp://here:1 {said}. What is finished is kept"):
            next(found)
    assert len(gone.futures) == 1 and not gone.futures[0].cancelled(), "nobody is there to be told"
