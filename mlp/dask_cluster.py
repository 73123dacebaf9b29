"""A Dask cluster as an executor: one that says when it is lost, and waits for nobody.

Knows Dask, which is imported when a cluster is asked for, and nothing of trials. Rows may lie with its workers too,
for steps of which each worker computes its part.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from mlp.arrays import Array
from mlp.data_parallel import Rows, Sums, add_sums, sum_rows
from mlp.errors import DataError, MissingExtraError
from mlp.losses import Loss
from mlp.network import Network

T = TypeVar("T")
AHEAD = 64  # trials handed out and not back: enough for every worker of a cluster, few enough to be cancelled
GLANCE = 1.0  # seconds between two looks at a cluster
ANSWER = 3.0  # seconds for its scheduler to answer
PATIENCE = 8.0  # seconds that a cluster may be without a scheduler or a worker
LOGGERS = ("distributed.client", "distributed.core", "distributed.comm", "tornado.application", "asyncio")


class Cluster(Executor):
    """A Dask cluster as an executor that notices when nobody is there any more.

    Dask waits for ever for a scheduler that was killed, and for workers that may never come. `check` raises DataError
    when there has been none for `PATIENCE` seconds.
    """

    ahead = AHEAD

    def __init__(self, client: Any, address: str) -> None:
        self.client, self.address = client, address
        self._executor: Executor = client.get_executor(pure=False)
        self._futures: set[Future[Any]] = set()
        self._seen = self._looked = time.monotonic()
        self._lost = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Hand it to the scheduler."""
        future = self._executor.submit(fn, *args, **kwargs)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def check(self) -> None:
        """Ask once a second, at most, how many workers there are."""
        now = time.monotonic()
        if now < self._looked + GLANCE:
            return
        missing = self._find_missing()
        self._looked = time.monotonic()
        if not missing:
            self._seen = self._looked
        elif self._looked > self._seen + PATIENCE:
            self._lost = True
            raise DataError(
                f"the cluster at {self.address} {missing}. What is finished is kept: start it again, then the same "
                "command."
            )

    def wait(self, future: Any) -> Any:
        """What a future of the client holds when it is done; DataError where nobody is there to finish it."""
        while True:
            try:
                return future.result(timeout=GLANCE)
            except TimeoutError:
                self.check()
            except Exception as error:  # KilledWorker, CancelledError and what a task itself raised
                raise DataError(f"the cluster at {self.address} could not compute a step: {error}") from None

    def _find_missing(self) -> str:
        """What the cluster lacks to go on; "" for nothing."""
        try:
            if self.client.status != "running":
                return "is gone"
            workers = self.client.sync(self.client.scheduler.ncores, callback_timeout=ANSWER)
        except Exception:  # Dask, Tornado and asyncio have many for a connection that is lost
            return "does not answer"
        return "" if workers else "has no worker any more"

    def drop(self) -> None:
        """Forget the trials that wait, if there is somebody to say so to."""
        if not self._lost:
            for future in list(self._futures):
                future.cancel()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Forget the trials that wait; the cluster belongs to others."""
        self.drop()


class RowsOnCluster:
    """Rows that lie with the workers of a cluster, as `data_parallel.Workers`.

    Each part is a task that loads it, and stays where it was loaded. Where a worker is lost, Dask runs that task again
    on another one, and the pass that waited for it; nothing else is repeated.
    """

    def __init__(self, cluster: Cluster, loads: Sequence[tuple[Callable[..., Rows], tuple[Any, ...]]]) -> None:
        self.cluster = cluster
        workers = find_workers(cluster)
        self._parts = [
            cluster.client.submit(
                load, *args, pure=False, workers=[workers[i % len(workers)]], allow_other_workers=True
            )
            for i, (load, args) in enumerate(loads)
        ]
        self.sizes = [int(cluster.wait(cluster.client.submit(len, part, pure=False))) for part in self._parts]
        self._known: tuple[Any, Any] = (None, None)

    def reduce(self, network: Network, loss: Loss, params: Array, chosen: Sequence[Array | None]) -> Sums:
        """One task for each part, and one that adds what they found: one vector comes back."""
        submit = self.cluster.client.submit
        if self._known[0] is not network:  # its layers go there once, and parameters with each step
            self._known = network, submit(_same, network, pure=False)
        each = zip(self._parts, chosen, strict=True)
        sums = [submit(sum_rows, part, self._known[1], loss, params, some, pure=False) for part, some in each]
        found: Sums = self.cluster.wait(submit(add_sums, sums, pure=False))
        return found


def find_workers(cluster: Cluster) -> list[str]:
    """The addresses of all workers; DataError where there is none within `PATIENCE` seconds."""
    while not (found := list(cluster.client.ncores())):
        cluster.check()
        time.sleep(GLANCE / 10)
    return found


def _same(given: T) -> T:
    return given


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """The Dask cluster whose scheduler listens at `address`, as an executor. Its workers must be able to import mlp.

    Workers that Dask's nannies start have one BLAS thread each, as here. Machines of the same kind with the same NumPy
    give the same bits: OpenBLAS chooses its kernels by the processor. Dask hands the trials of a lost worker to another
    worker, three times; after that the sweep does. Where no scheduler or no worker is left, a sweep ends with
    DataError.
    """
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtraError("--cluster", "cluster") from None
    with _silence(*LOGGERS):
        try:
            client = Client(address, timeout="10s")
        except (OSError, ValueError, TimeoutError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(
                f"no cluster answers at {address} ({reason}). Start one: dask scheduler, dask worker."
            ) from None
        try:
            yield Cluster(client, address)
        finally:
            with suppress(Exception):  # a scheduler that is gone cannot say goodbye
                client.close(timeout=ANSWER)


@contextmanager
def _silence(*names: str) -> Iterator[None]:
    """Let nothing be logged under these names: what matters is raised, and said in one line."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was
