"""Standard output and standard error, whatever they lead to: a full disk, a reader that went away, nothing at all.

What cannot be written there is met once; from then on the stream is silent. A command whose output is all that it makes
ends there. One that leaves its work on disk goes on to its end, and then says that its output is lost: no training is
given up because of a terminal that was closed. What is said on standard error ends nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EBADF, EPIPE
from typing import Any

from mlp.errors import DataError, os_reason, visible_lines


class Stream:
    """A text stream that fails once at most. `given`: the one behind it; None where it is closed (>&-).

    `ends`: whether a failure ends the command, as BrokenPipeError or DataError. `error`: what failed, if anything.
    """

    def __init__(self, given: Any, *, ends: bool) -> None:
        self.given: Any = None if getattr(given, "closed", False) else given
        self.ends = ends
        self.error: OSError | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is lost: a reader that went away wanted no more."""
        return self.error is None or self.error.errno == EPIPE

    def write(self, text: str) -> int:
        """Write the text, or nothing where that cannot be."""
        with self._failing():
            if self.given is not None:
                self.given.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what waits."""
        with self._failing():
            if self.given is not None:
                self.given.flush()

    def fileno(self) -> int:
        """The number of the file behind it; OSError where there is none."""
        if self.given is None:
            raise OSError(EBADF, os.strerror(EBADF))
        found: int = self.given.fileno()
        return found

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.given is not None and bool(self.given.isatty())

    @property
    def encoding(self) -> str:
        """How letters become bytes."""
        return getattr(self.given, "encoding", None) or "utf-8"

    def reconfigure(self, **how: str) -> None:
        """Change encoding and errors, where the stream behind it can."""
        if hasattr(self.given, "reconfigure"):
            self.given.reconfigure(**how)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Be silent after a failure: what Python still holds of the stream goes where nothing fails."""
        try:
            yield
        except OSError as error:
            self.error = self.error or error
            with suppress(OSError, ValueError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, self.given.fileno())
                os.close(null)
            if self.ends:
                raise error if error.errno == EPIPE else DataError(lost_output(error)) from None


def lost_output(error: OSError | None) -> str:
    """What is said of output that could not be written."""
    return "standard output cannot be written" + (f": {os_reason(error)}" if error else ".")


@contextmanager
def guarded_streams() -> Iterator[Stream]:
    """Standard output and error that fail once, and take every character: not in ASCII, not in code page 1252.

    Yields standard output. The streams are as before when it ends.
    """
    before = sys.stdout, sys.stderr
    _open_closed_files()
    output, complaints = Stream(sys.stdout, ends=True), Stream(sys.stderr, ends=False)
    for name, stream in (("stdout", output), ("stderr", complaints)):
        stream.reconfigure(errors="replace")
        setattr(sys, name, stream)
    try:
        yield output
    finally:
        output.ends = False
        for stream in (output, complaints):
            stream.flush()
        sys.stdout, sys.stderr = before


def _open_closed_files() -> None:
    """Let no file that we open be called 0, 1 or 2: libraries write to these what they have to say."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the first number that is free


def show(text: object) -> None:
    """Print on standard output. Names in it are visible: a terminal obeys none of their characters."""
    print(visible_lines(text))


def complain(text: object) -> None:
    """The same on standard error."""
    print(visible_lines(text), file=sys.stderr)


def is_colored() -> bool:
    """Whether standard output is a terminal, and nobody asked for no colour (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def takes(letters: str) -> bool:
    """Whether standard output has these letters."""
    try:
        letters.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write_as_utf8() -> None:
    """Standard output is a table or a page that other programs read: UTF-8 whatever a terminal has."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
