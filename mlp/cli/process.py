"""The process around a command: exit statuses, signals, and complaints in one line."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from mlp.errors import MLPError, os_reason, visible

if TYPE_CHECKING:
    from mlp.experiment import Stop

DONE, FAILED, WRONG, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
"""Exit statuses: done; the training diverged; the input was wrong, said in one line; ended by a signal."""


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
    """The message; of an error of the system where it was, what it means and what to do."""
    if not isinstance(error, OSError) or isinstance(error, MLPError):
        return str(error)
    import tempfile  # it imports random and more, and is needed for this message only

    where = error.filename2 or error.filename or f"{os.getcwd()} or {tempfile.gettempdir()}"
    return f"{where}: {os_reason(error)}"
