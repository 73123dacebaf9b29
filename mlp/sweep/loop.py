"""The loop: hand trials to an executor, write down what comes back, hand out again what was lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any, NamedTuple

from mlp.errors import HyperparameterError
from mlp.sweep.executors import Serial
from mlp.sweep.journal import Journal, identity

ATTEMPTS = 4  # that a trial is handed out at most, before its workers' dying is its own fault
AHEAD = 64  # trials handed out and not back: enough for every worker of a cluster, few enough to be cancelled


class Outcome(NamedTuple):
    """What a trial came to. `seconds`: how long it ran. `recalled`: it was on disk already."""

    trial: Any
    result: Any
    seconds: float
    recalled: bool = False


def sweep(
    trials: Iterable[Any],
    run: Callable[[Any], Any],
    executor: Executor | None = None,
    journal: Journal | None = None,
) -> Iterator[Outcome]:
    """Run every trial once, somewhere; yield outcomes as they come, those that are in the journal first.

    A trial, and what `run(trial)` returns, is whatever JSON can write: the same text is the same trial. `executor` is
    any of `concurrent.futures`; by default everything happens here, one after another. Outcomes come in the order in
    which they are finished; their results are those of `run` and depend on no executor.

    An error that `run` raises ends the sweep; finished trials stay in the journal. A future that fails in any other way
    lost its worker: the trial is submitted again, `ATTEMPTS` times at most.
    """
    waiting = _distinct(trials)
    if journal is not None:
        for name in [name for name in waiting if name in journal.done]:
            result, seconds = journal.done[name]
            yield Outcome(waiting.pop(name), result, seconds, recalled=True)
    for outcome in _finished(list(waiting.values()), run, executor or Serial()):
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


def _finished(trials: list[Any], run: Callable[[Any], Any], executor: Executor) -> Iterator[Outcome]:
    """Outcomes as they come, at most `AHEAD` trials handed out at a time."""
    ahead = getattr(executor, "ahead", AHEAD)
    queue = [(trial, 1) for trial in reversed(trials)]
    under_way: dict[Future[Any], tuple[Any, int]] = {}
    try:
        while queue or under_way:
            while queue and len(under_way) < ahead:
                trial, attempt = queue.pop()
                under_way[executor.submit(carried_out, run, trial)] = trial, attempt
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                trial, attempt = under_way.pop(future)
                if future.cancelled() or future.exception() is not None:
                    queue.append(_again(trial, attempt, future))
                else:
                    yield _outcome(trial, *future.result())
    finally:  # left by an error, by Ctrl-C or by a reader who had enough
        for future in under_way:
            future.cancel()


def carried_out(run: Callable[[Any], Any], trial: Any) -> tuple[Any, Exception | None, float]:
    """What happens on a worker: the result, or the error of the trial itself, and the seconds it took.

    Errors of the trial come back as values, so that every exception of a future means a worker that was lost.
    """
    start = time.perf_counter()
    try:
        result, error = run(trial), None
    except Exception as raised:
        result, error = None, raised
    return result, error, time.perf_counter() - start


def _outcome(trial: Any, result: Any, error: Exception | None, seconds: float) -> Outcome:
    if error is not None:
        error.add_note(f"in the trial {identity(trial)}")
        raise error
    return Outcome(trial, result, seconds)


def _again(trial: Any, attempt: int, future: Future[Any]) -> tuple[Any, int]:
    """The trial with one more attempt to its account; its exception when there were enough."""
    if attempt == ATTEMPTS:
        future.result()
    return trial, attempt + 1
