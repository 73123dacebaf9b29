"""The command line: `mlp train`, `resume`, `evaluate`, `predict`, `diagnose`, `compare`, `export`, `bench` and so on.

`arguments` reads them and carries out one command; `commands` and its neighbours have a function for each; `process`
knows signals, streams and exit statuses. Results go to standard output, progress and complaints to standard error. What
a command reads it never writes, and what is there already it replaces only with --force.

Nothing is imported here but the standard library, and later what the one command needs: Ctrl-C while NumPy and the rest
are loaded ends the process in one line as it does later.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mlp.cli.interruption import ending_at_once
from mlp.cli.threads import limit_threads


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; return the exit status."""
    limit_threads(sys.argv[1:] if arguments is None else arguments)
    with ending_at_once():
        from mlp.cli.arguments import run_command
    return run_command(arguments)
