"""The command line: `mlp train`, `resume`, `evaluate`, `predict`, `diagnose`, `compare`, `export`, `bench` and so on.

`arguments` reads them and carries out one command; `commands` has a function for each; `process` knows signals,
streams and exit statuses. Results go to standard output, progress and complaints to standard error. What a command
reads it never writes, and what is there already it replaces only with --force.

Nothing is imported here but the standard library: Ctrl-C while NumPy and the rest are loaded, which takes a good part
of a second, ends the process in one line as it does later.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from typing import NoReturn


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; return the exit status."""
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, _leave) if in_main else None
    try:
        from mlp.cli.arguments import run_command
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)
    return run_command(arguments)


def _leave(number: int, frame: object) -> NoReturn:
    """End at once. There is nothing to put in order yet, and half imported modules raise whatever they like."""
    os.write(2, b"\nmlp: interrupted.\n")
    os._exit(130)
