"""A Dask cluster as an executor: one that says when it is lost, and waits for nobody.

Knows Dask, which is imported when a cluster is asked for, and nothing of trials.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from mlp.errors import DataError, MissingExtraError

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
        self._client, self._address = client, address
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
                f"the cluster at {self._address} {missing}. What is finished is kept: start it again, then the same "
                "command."
            )

    def _find_missing(self) -> str:
        """What the cluster lacks to go on; "" for nothing."""
        try:
            if self._client.status != "running":
                return "is gone"
            workers = self._client.sync(self._client.scheduler.ncores, callback_timeout=ANSWER)
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


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
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
