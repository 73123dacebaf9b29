"""The process around a command: exit statuses, signals, and streams that take every character."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Any, NoReturn

from mlp.errors import MLPError, visible, visible_lines

if TYPE_CHECKING:
    from mlp.experiment import Stop

DONE, FAILED, WRONG, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
"""Exit statuses: done; the training diverged; the input was wrong, said in one line; ended by a signal."""


def prepare_streams() -> None:
    """Let no character be one too many: not in ASCII, not in code page 1252, not where output is closed (>&-)."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, StringIO())
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def terminate(number: int, frame: object) -> NoReturn:
    """Leave by way of all that has to be put in order first."""
    sys.exit(TERMINATED)


@contextmanager
def handling_signals(handlers: Mapping[signal.Signals, Any]) -> Iterator[None]:
    """Have signals handled inside so, and after it as before. Only the main thread may, elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interruptible(wish: Stop) -> Iterator[None]:
    """Let Ctrl-C end the training between two steps, so that weights and history fit together; a second one kills."""

    def stop(number: int, frame: object) -> None:
        wish.requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    with handling_signals({signal.SIGINT: stop}):
        yield


def warn(error: Warning | Exception | str) -> None:
    """Say what is wrong in one line on standard error."""
    print(f"mlp: {visible(' '.join(_said(error).split()))}", file=sys.stderr)


def _said(error: Exception | str) -> str:
    """The message; of an error of the system without a path, what it means and what to do."""
    remedies = {ENOSPC: "The disk is full. Make room, or write elsewhere.", EDQUOT: "Your quota is used up. Make room."}
    if isinstance(error, OSError) and error.errno in remedies and not isinstance(error, MLPError):
        import tempfile  # it imports random and more, and is needed for this message only

        where = f"{error.filename}: " if error.filename else f"in {os.getcwd()} or {tempfile.gettempdir()}: "
        return f"{where}{remedies[error.errno]}"
    return str(error)


def show(text: object) -> None:
    """Print on standard output. Names in it are visible: a terminal obeys none of their characters."""
    print(visible_lines(text))


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


def drop_output() -> None:
    """Be quiet from here on: whoever read the output went away (`mlp data | head`)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
