"""The command line: `mlp train`, `resume`, `evaluate`, `predict`, `diagnose`, `compare`, `export`, `bench` and so on.

`main` reads the arguments and carries out one command; `commands` has a function for each; `process` knows signals,
streams and exit statuses. Results go to standard output, progress and complaints to standard error. What a command
reads it never writes, and what is there already it replaces only with --force.
"""

from mlp.cli.main import main as main
