"""Many trials over any executor, each of them once: none is lost, none counts twice, whatever is interrupted.

`sweep` hands trials to an executor and takes their outcomes, a `Journal` keeps these on disk, `Serial`, `ProcessPool`
and `cluster` are the places where trials run. All executors are those of `concurrent.futures`. Nothing here knows what
a trial is, except that JSON can write it.

Every worker process computes with one BLAS thread: two trials side by side are faster than one trial on two threads,
and the bits of a matrix product depend on the number of threads. NumPy reads this number when it is loaded, so it is
set in the environment of new processes. Set OPENBLAS_NUM_THREADS=1 before you start Python if trials in this process
are to give the same bits.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mlp.dask_cluster import AHEAD, GLANCE
from mlp.dask_cluster import cluster as cluster
from mlp.errors import DataError, HyperparameterError, check_count, os_reason
from mlp.storage.atomic import explaining
from mlp.storage.reading import check_regular, read_file
from mlp.storage.schema import is_finite

try:
    import fcntl
except ImportError:  # on Windows, where nothing stops a second sweep from writing to the same journal
    fcntl = None  # type: ignore[assignment]

T = TypeVar("T")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
ATTEMPTS = 4  # how often a trial is handed out at most: after that its workers die because of it
BEGINNING = b'{"about": '  # of every journal


class Outcome(NamedTuple):
    """The result of a trial. `seconds`: how long it ran. `recalled`: it was on disk already."""

    trial: Any
    result: Any
    seconds: float
    recalled: bool = False


def identity(trial: Any) -> str:
    """The name of a trial: its JSON with sorted keys. Equal trials have equal names, on every machine.

    >>> identity({"seed": 1, "rule": "sgd"})
    '{"rule":"sgd","seed":1}'
    """
    return json.dumps(trial, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _has_name(trial: Any) -> bool:
    """Whether a trial that was read has a name: NaN and infinity are no JSON, though Python reads them."""
    try:
        return bool(identity(trial))
    except ValueError:
        return False


class Serial(Executor):
    """One trial after another, in this process. A future is done when you get it."""

    ahead = 1

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call it now."""
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class ProcessPool(Executor):
    """`jobs` processes of this machine with one BLAS thread each; a new pool where a process has died.

    When a process dies, the standard library's pool is broken for good and all its futures fail. Here the next
    submission makes a new pool, and the sweep submits again what was lost.
    """

    def __init__(self, jobs: int) -> None:
        check_count("jobs", jobs)
        self.ahead = 2 * jobs  # for each process a trial to run and one to go on with: few to wait for at the end
        self._jobs = jobs
        self._pool: Executor | None = None

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Hand it to the pool, which is made if there is none or it is broken."""
        with _one_blas_thread():  # the pool starts its processes when there is something to do
            try:
                return self._running().submit(fn, *args, **kwargs)
            except BrokenExecutor:
                self._pool = None
                return self._running().submit(fn, *args, **kwargs)

    def drop(self) -> None:
        """Forget the trials that wait. The processes end with the trial that they are at.

        The pool's own thread cancels the futures that wait. Where somebody else does, and a process dies (of a Ctrl-C
        that reached it too), that thread meets a future it cannot mark and ends with a traceback: InvalidStateError.
        """
        self.shutdown(wait=False, cancel_futures=True)
        self._pool = None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes when they have finished their present trials."""
        if self._pool is not None:
            self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _running(self) -> Executor:
        if self._pool is None:
            import multiprocessing  # brings sockets and temporary files, which `import mlp` does without
            from concurrent.futures import ProcessPoolExecutor

            context = multiprocessing.get_context("spawn")  # NumPy loads again, and reads how many threads it may have
            self._pool = ProcessPoolExecutor(self._jobs, context, _prepare_worker)
        return self._pool


def _prepare_worker() -> None:
    """Let Ctrl-C, which reaches every process of a terminal, end this one silently, and end it with its parent.

    A worker holds both ends of the pipe that brings its tasks, so it would not notice that its parent is gone.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Give processes that start inside one BLAS thread each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name in THREADS:
            del os.environ[name]
        os.environ.update({name: value for name, value in before.items() if value is not None})


class Journal:
    """Finished trials in a file of JSON lines at `path`, to write to and to go on from. Use it in a `with`.

    The first line says what the numbers depend on besides the trials, `about`: versions. A file with another first line
    is refused, because old and new numbers would stand side by side in it. Every other line is one finished trial: its
    result, which is the same on every machine and each time, and its seconds, which are not. A line is written by one
    call, so a sweep that is killed leaves whole lines and at most one torn line at the end. This one is cut off when
    the file is opened again.
    """

    def __init__(self, path: Path, about: Mapping[str, Any] | None = None) -> None:
        self.path = path
        if path.is_symlink():  # planted, maybe: it would be emptied or written to, whatever it leads to
            raise DataError(f"{path} is a link, and no journal. Remove it, or take a new folder.")
        if path.exists():
            check_regular(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        with explaining(path):
            self._file = os.open(path, flags, 0o666)
        try:
            self._lock()
            self.done = self._read(dict(about or {}))
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def add(self, trial: Any, result: Any, seconds: float) -> None:
        """Write one finished trial: one line, one call, on the disk when this returns."""
        self._write({"trial": trial, "result": result, "seconds": round(seconds, 6)})
        self.done[identity(trial)] = (result, seconds)

    def _write(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps(entry, allow_nan=False).encode() + b"\n"
        before = os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(ENOSPC, os.strerror(ENOSPC))
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, before)
            said = os_reason(error)
            raise DataError(
                f"{self.path} cannot be written: {said} Then start again: finished trials are kept."
            ) from None

    def _lock(self) -> None:
        try:
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(
                f"{self.path} is being written by another sweep. Wait for it, or take a new folder."
            ) from None

    def _read(self, about: dict[str, Any]) -> dict[str, tuple[Any, float]]:
        """Results and seconds by the name of the trial. The file is left with whole lines only."""
        text = read_file(self.path)
        if not text.startswith(BEGINNING[: len(text)]):
            raise DataError(f"{self.path}, line 1: this is no journal of a sweep. Take a new folder.")
        whole = text[: text.rfind(b"\n") + 1]
        lines = [self._entry(line, number) for number, line in enumerate(whole.splitlines(), 1)]
        if len(whole) < len(text):
            os.ftruncate(self._file, len(whole))
        if not lines:
            self._write({"about": about})
        elif lines[0].get("about") != about:
            raise DataError(f"{self.path} was made with {lines[0].get('about')}, this is {about}. Take a new folder.")
        return {identity(line["trial"]): (line["result"], line["seconds"]) for line in reversed(lines[1:])}

    def _entry(self, line: bytes, number: int) -> dict[str, Any]:
        needed = {"about"} if number == 1 else {"trial", "result", "seconds"}
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        fits = isinstance(entry, dict) and needed <= entry.keys()
        if not fits or not is_finite(entry.get("seconds", 0.0)) or not _has_name(entry.get("trial")):
            raise DataError(f"{self.path}, line {number}: this is no journal of a sweep. Take a new folder.")
        found: dict[str, Any] = entry
        return found


def sweep(
    trials: Iterable[Any],
    run: Callable[[Any], Any],
    executor: Executor | None = None,
    journal: Journal | None = None,
) -> Iterator[Outcome]:
    """Run every trial once, somewhere. Yield outcomes as they come, those of the journal first.

    A trial and the result of `run(trial)` are whatever JSON can write: the same text is the same trial. `executor` is
    any of `concurrent.futures`; without one, trials run here, one after another. Results are those of `run` and do not
    depend on the executor.

    An error that `run` raises ends the sweep; finished trials stay in the journal. A future that fails in any other way
    lost its worker, and the trial is submitted again, `ATTEMPTS` times at most.
    """
    waiting = _distinct(trials)
    if journal is not None:
        for name in [name for name in waiting if name in journal.done]:
            yield Outcome(waiting.pop(name), *journal.done[name], recalled=True)
    for outcome in _run_all(list(waiting.values()), run, executor or Serial()):
        if journal is not None:
            journal.add(outcome.trial, outcome.result, outcome.seconds)
        yield outcome


def _distinct(trials: Iterable[Any]) -> dict[str, Any]:
    """Trials by their names; refuses the same trial twice."""
    found: dict[str, Any] = {}
    for trial in trials:
        try:
            name = identity(trial)
        except (TypeError, ValueError) as error:
            raise HyperparameterError("trials", trial, f"of what JSON can write ({error})") from None
        if name in found:
            raise HyperparameterError("trials", trial, "there once; give repetitions a seed of their own")
        found[name] = trial
    return found


def _run_all(trials: list[Any], run: Callable[[Any], Any], executor: Executor) -> Iterator[Outcome]:
    """Outcomes as they come, at most `AHEAD` trials handed out at a time."""
    ahead = getattr(executor, "ahead", AHEAD)
    queue = [(trial, 1) for trial in reversed(trials)]
    under_way: dict[Future[Any], tuple[Any, int]] = {}
    try:
        while queue or under_way:
            while queue and len(under_way) < ahead:
                trial, attempt = queue.pop()
                under_way[executor.submit(run_timed, run, trial)] = trial, attempt
            for future in _wait_for_one(under_way, executor):
                trial, attempt = under_way.pop(future)
                if attempt < ATTEMPTS and (future.cancelled() or future.exception() is not None):
                    queue.append((trial, attempt + 1))
                else:
                    result, error, seconds = future.result()
                    if error is not None:
                        error.add_note(f"in the trial {identity(trial)}")
                        raise error
                    yield Outcome(trial, result, seconds)
    finally:
        if under_way:  # after an error, after Ctrl-C, or when the reader has stopped
            _drop(under_way, executor)


def _wait_for_one(futures: Iterable[Future[Any]], executor: Executor) -> set[Future[Any]]:
    """The futures that are done, one at least. An executor that can lose all its workers is looked at meanwhile."""
    check = getattr(executor, "check", None)
    while True:
        done = wait(futures, timeout=GLANCE if check else None, return_when=FIRST_COMPLETED).done
        if check is not None:
            check()
        if done:
            return done


def _drop(futures: Iterable[Future[Any]], executor: Executor) -> None:
    """Cancel what waits, in the executor's own way if it has one."""
    drop = getattr(executor, "drop", None)
    if drop is not None:
        drop()
    else:
        for future in futures:
            future.cancel()


def run_timed(run: Callable[[Any], Any], trial: Any) -> tuple[Any, Exception | None, float]:
    """What a worker does: return the result, or the error of the trial itself, and the seconds it took.

    Errors of the trial come back as values, so that every exception of a future means that a worker was lost.
    """
    start = time.perf_counter()
    try:
        result, error = run(trial), None
    except Exception as raised:
        result, error = None, raised
    return result, error, time.perf_counter() - start
