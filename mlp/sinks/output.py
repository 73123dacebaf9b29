"""Where the bytes of a log go: a file, a device or a pipe, and never a reason to wait.

What is appended is there as a whole, or not at all: a disk that fills up half way leaves no torn line. A pipe that
nobody reads is given up after some seconds. Nothing is buffered, and nothing happens in another thread: what fails,
fails here and at once.
"""

from __future__ import annotations

import os
import select
import time
from errno import ENXIO, ETIMEDOUT
from pathlib import Path

from mlp.storage.permission import is_stream

PATIENCE = 10.0
"""Seconds for the reader of a pipe to take what is written to it."""


class Output:
    """An open file to append to; it is made if it is not there. `is_new`: it was not there, and has to be.

    OSError where something cannot be written; a regular file is then as long as before.
    """

    def __init__(self, path: Path, *, is_new: bool = False) -> None:
        self.is_stream = is_stream(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_EXCL if is_new else 0) | getattr(os, "O_BINARY", 0)
        self._latest = time.monotonic() + PATIENCE
        self._file = self._open_pipe(path, flags) if self.is_stream else os.open(path, flags, 0o666)

    def append(self, data: bytes) -> None:
        """Write all of it."""
        before, left = os.fstat(self._file).st_size, memoryview(data)
        self._latest = time.monotonic() + PATIENCE
        try:
            while left:
                left = left[self._write(left) :]
        except OSError:
            if not self.is_stream:
                os.ftruncate(self._file, before)
            raise

    def close(self) -> None:
        """Close the file; a second time changes nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open_pipe(self, path: Path, flags: int) -> int:
        """The file of a device or a pipe that never blocks. A pipe that nobody reads yet has some seconds."""
        while True:
            try:
                return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
            except OSError as error:
                if error.errno != ENXIO or time.monotonic() > self._latest:
                    raise
            time.sleep(0.05)

    def _write(self, data: memoryview) -> int:
        """Write as much as goes at once, and wait for a reader if that is nothing."""
        try:
            return os.write(self._file, data)
        except BlockingIOError:
            wait = self._latest - time.monotonic()
            if wait <= 0 or not select.select([], [self._file], [], wait)[1]:
                raise OSError(ETIMEDOUT, f"nobody has read from it for {PATIENCE:g} seconds") from None
            return 0
