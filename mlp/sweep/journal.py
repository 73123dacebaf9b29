"""What a sweep has done so far, on disk: a file of JSON lines that only ever grows.

The first line says what the numbers were made with, every other is one finished trial. A line is written by a single
call, so a sweep that is killed leaves whole lines and at most a torn last one, which is cut off when the file is opened
again. What a trial came to is told apart from how long it took: the first is the same on every machine and each time,
the second is not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlp.errors import DataError

try:
    import fcntl
except ImportError:  # not on Windows, where nobody keeps a second sweep from writing as well
    fcntl = None  # type: ignore[assignment]


def identity(trial: Any) -> str:
    """The name of a trial: its JSON with sorted keys. Equal trials have equal names, on every machine.

    >>> identity({"seed": 1, "rule": "sgd"})
    '{"rule":"sgd","seed":1}'
    """
    return json.dumps(trial, sort_keys=True, separators=(",", ":"), allow_nan=False)


class Journal:
    """Finished trials in a file at `path`, to write to and to go on from; close it, or use it in a `with`.

    `about` says what the numbers depend on besides the trials: versions. A file that says otherwise is refused, for
    old and new numbers would stand side by side in it.
    """

    def __init__(self, path: Path, about: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
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
        if os.write(self._file, line) != len(line):
            raise DataError(f"{self.path}: the disk is full. Make room and start again: what is finished is kept.")
        os.fsync(self._file)

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(
                f"{self.path} is being written by another sweep. Wait for it, or take a new folder."
            ) from None

    def _read(self, about: dict[str, Any]) -> dict[str, tuple[Any, float]]:
        """Results and seconds by the name of the trial; the file is left with whole lines only."""
        text = self.path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            os.ftruncate(self._file, len(whole))
        lines = [self._entry(line, number) for number, line in enumerate(whole.splitlines(), 1)]
        if not lines:
            self._write({"about": about})
        elif lines[0].get("about") != about:
            raise DataError(f"{self.path} was made with {lines[0].get('about')}, this is {about}. Take a new folder.")
        return {identity(line["trial"]): (line["result"], line["seconds"]) for line in reversed(lines[1:])}

    def _entry(self, line: bytes, number: int) -> dict[str, Any]:
        needed = {"about"} if number == 1 else {"trial", "result", "seconds"}
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict) or not needed <= entry.keys():
            raise DataError(f"{self.path}, line {number}: this is no journal of a sweep. Take a new folder.")
        return entry
