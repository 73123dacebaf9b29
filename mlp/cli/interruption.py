"""Ctrl-C while modules are imported."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn


@contextmanager
def ending_at_once() -> Iterator[None]:
    """End the process at once, in one line, where Ctrl-C comes meanwhile.

    There is nothing to put in order yet, and half imported modules raise whatever they like.
    """
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, _leave) if in_main else None
    try:
        yield
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)


def _leave(number: int, frame: object) -> NoReturn:
    with suppress(OSError):
        os.write(2, b"\nmlp: interrupted.\n")
    os._exit(130)
