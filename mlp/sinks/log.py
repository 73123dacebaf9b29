"""Where a log goes, by the ending of its path, and how it is kept while a training goes on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from mlp.errors import DataError, HyperparameterError, MLPError, check_count, check_iterable, in_one_line, os_reason
from mlp.history import History
from mlp.sinks.tensorboard import TensorBoardLog
from mlp.sinks.text import CSVLog, JSONLog
from mlp.storage.permission import Permission, as_path

Item = TypeVar("Item")
Place: TypeAlias = str | os.PathLike[str]


class Sink(Protocol):
    """What writes a history in one format."""

    def update(self, *, final: bool = False) -> None:
        """Write what was recorded since this was last called; the latest step only when `final`."""

    def close(self) -> None:
        """Write the rest."""

    def abandon(self) -> None:
        """Close it without writing; a file that nothing was written to is gone."""


ENDINGS: dict[str, Callable[[Place, History], Sink]] = {".csv": CSVLog, ".jsonl": JSONLog, "": TensorBoardLog}
"""By the ending of a path; a folder has none."""


class Log:
    """A file or folder that follows a history. DataError where it cannot be written."""

    def __init__(self, history: History, path: Place, kind: Callable[[Place, History], Sink]) -> None:
        if not isinstance(history, History):
            needed = "a History: recorder.history, run.history or mlp.History({...})"
            raise HyperparameterError("history", history, needed)
        self.path = as_path("path", path)
        with self._writing():
            self.sink = kind(self.path, history)

    def update(self) -> None:
        """Write what was recorded since this was last called. The latest step waits: more may be said of it."""
        with self._writing():
            self.sink.update()

    def close(self) -> None:
        """Write the rest."""
        with self._writing():
            self.sink.close()

    def abandon(self) -> None:
        """Close it without a word."""
        with suppress(Exception):
            self.sink.abandon()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except MLPError:
            raise
        except OSError as error:
            raise DataError(f"{self.path}: the log cannot be written: {os_reason(error)}") from None
        except Exception as error:  # whatever the library behind a sink has to say
            what = f"{in_one_line(error)}"
            raise DataError(f"{self.path}: the log cannot be written: {what}.") from error


@contextmanager
def log(history: History, path: Place) -> Iterator[Log]:
    """A log of `history` at `path`: .csv, .jsonl, or a folder for TensorBoard. `update()` it when you like.

    DataError for another ending, and where nothing can be written; MissingExtraError for a folder without the extra
    `tensorboard`.
    """
    made = Log(history, path, _kind(path))
    try:
        yield made
    finally:
        made.close()


class Logs:
    """Several logs of one history, for a training that goes on whatever becomes of them.

    One that cannot be written is given up and `complain`ed of, once. A sink writes at once, or fails: none is waited
    for.
    """

    def __init__(self, made: Iterable[Log], complain: Callable[[Exception], object]) -> None:
        self.made, self.complain = list(made), complain

    def update(self) -> None:
        """Update all."""
        self.made = [made for made in self.made if self._done(made, made.update)]

    def close(self) -> None:
        """Close all."""
        self.made = [made for made in self.made if self._done(made, made.close)]

    def _done(self, made: Log, act: Callable[[], object]) -> bool:
        try:
            act()
        except DataError as error:
            self.complain(error)
            made.abandon()
            return False
        return True


@contextmanager
def logs(history: History, paths: Iterable[Place], complain: Callable[[Exception], object]) -> Iterator[Logs]:
    """Logs of `history` at `paths`. What is wrong with a path is raised before anything is written."""
    made = Logs(_opened(history, [(path, _kind(path)) for path in paths]), complain)
    try:
        yield made
    finally:
        made.close()


def _opened(history: History, kinds: Iterable[tuple[Place, Callable[[Place, History], Sink]]]) -> list[Log]:
    """A log for each path, or none at all."""
    made: list[Log] = []
    try:
        for path, kind in kinds:
            made.append(Log(history, path, kind))
    except MLPError:
        for one in made:
            one.abandon()
        raise
    return made


def check_logs(paths: Sequence[str], folders: Iterable[Path], permission: Permission) -> None:
    """Refuse paths at which no log can be, or none may be written, and two that are one.

    Nor may a log lie in one of the run directories `folders`: they hold what `mlp` reads again, and nothing else.
    """
    real: list[Path] = []
    for path in paths:
        place = as_path("--log", path)
        real.append(Path(os.path.realpath(place)))
        if inside := [folder for folder in folders if real[-1].is_relative_to(os.path.realpath(folder))]:
            raise DataError(f"--log {path} lies in the run directory {inside[0]}. Give a path outside of it.")
        if real[-1] in real[:-1]:
            raise DataError(f"--log {path} is given twice. Once is enough.")
        (permission.check_folder if _kind(path) is TensorBoardLog else permission.check_file)(place)


def logged(steps: Iterable[Item], history: History, path: Place, *, every: int = 100) -> Iterator[Item]:
    """Hand on `steps`; after every `every`-th, write to `path` what was recorded since, and the rest at the end.

        recorder = mlp.Recorder()
        for step in mlp.logged(recorder.tap(mlp.train(...)), recorder.history, "run.csv"):
            ...

    Leave the loop early, and the rest is written when the iterator is closed: at once in CPython. A file at `path` is
    replaced as soon as there is something to write. A log that cannot be written any more is given up, with a line on
    standard error; one that cannot be begun is a DataError.
    """
    check_count("every", every)
    check_iterable("steps", steps, "steps: recorder.tap(train(...))")
    with logs(history, [path], _say) as made:
        for number, step in enumerate(steps, 1):
            yield step
            if number % every == 0:
                made.update()


def _say(error: Exception) -> None:
    print(f"mlp: {' '.join(str(error).split())} The training goes on without it.", file=sys.stderr)


def to_csv(history: History, path: Place) -> None:
    """Write a history as a table: `step`, then a column for each name, empty where nothing was recorded.

    A file at `path` is replaced.

    A column of several numbers becomes one for each: `grad_norm_by_layer/dense1`. Facts of the start, single records
    at step 0, are left out beside curves.
    """
    Log(history, path, CSVLog).close()


def to_jsonl(history: History, path: Place) -> None:
    """Write a history as JSON lines: an object for each step with what was recorded then; names as in `to_csv`.

    A file at `path` is replaced.
    """
    Log(history, path, JSONLog).close()


def to_tensorboard(history: History, folder: Place) -> None:
    """Write a history as TensorBoard's event files; names as in `to_csv`. Needs the extra `tensorboard`.

    As with TensorBoard's own writers, a file is added to those in `folder`; nothing there is removed.
    """
    Log(history, folder, TensorBoardLog).close()


def _kind(path: Any) -> Callable[[Place, History], Sink]:
    """What writes to such a path."""
    if not isinstance(path, str) or path:  # the empty one is named below
        as_path("path", path)
    ending, folder = Path(str(path)).suffix.lower(), Path(str(path)).is_dir()
    if not str(path) or (ending not in ENDINGS and not folder):
        given = str(path) or "an empty path"
        raise DataError(f"{given}: logs are .csv or .jsonl files, or a folder without an ending, for TensorBoard.")
    return ENDINGS.get(ending, TensorBoardLog)
