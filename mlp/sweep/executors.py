"""Where trials run: here, in processes of this machine, or on a cluster. All are `concurrent.futures` executors.

Every worker computes with one BLAS thread: two trials side by side are faster than one on two threads, and the bits of
a matrix product depend on the number of threads. NumPy reads that number when it is loaded, so it is set in the
environment of new processes; whoever runs trials in this process sets OPENBLAS_NUM_THREADS=1 before it starts, if bits
are to be those of a pool.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from mlp.errors import DataError, MissingExtraError, check_count

T = TypeVar("T")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Serial(Executor):
    """One trial after another, in this process; a future is done when it is handed out."""

    ahead = 1

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call it now."""
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class ProcessPool(Executor):
    """So many processes of this machine, one BLAS thread each; new ones where one has died.

    The pool of the standard library is broken for good by the death of one of its processes: all its futures fail.
    This one is then made anew at the next submission, and the sweep submits again what was lost.
    """

    def __init__(self, jobs: int) -> None:
        check_count("jobs", jobs)
        self.ahead = 2 * jobs  # one in hand and one to go on with: a sweep that is stopped has little to wait for
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Hand it to the pool, to a new one if need be."""
        with _one_thread():  # processes are started when there is something to do
            try:
                return self._running().submit(fn, *args, **kwargs)
            except BrokenExecutor:
                self._pool = None
                return self._running().submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes when they have finished what they have in hand."""
        if self._pool is not None:
            self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")  # NumPy loads anew, and reads how many threads it may have
            self._pool = ProcessPoolExecutor(self._jobs, context, _begin)
        return self._pool


def _begin() -> None:
    """Let Ctrl-C, which reaches every process of a terminal, end this one without a word; and do not outlive the sweep.

    A worker holds both ends of the pipe its tasks come by, so it would not notice that nobody is left to send any.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Give processes that start inside one BLAS thread each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """The Dask cluster whose scheduler listens at `address`, as an executor. Its workers must be able to import mlp.

    Workers that Dask's nannies start have one BLAS thread each, as here. Bits are the same on machines of the same kind
    with the same NumPy: OpenBLAS chooses its kernels by the processor. Dask itself hands the trials of a lost worker to
    another one, three times; after that the sweep does.
    """
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtraError("--cluster", "cluster") from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"no cluster answers at {address} ({reason}). Start one: dask scheduler, dask worker."
        ) from None
    with client:
        yield client.get_executor(pure=False)
