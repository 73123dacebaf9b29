"""Rules and problems that the package does not know: by which name a bench uses them, and how workers get them.

A worker process or a machine of a cluster gets the pickle of `OwnParts`. It holds no code: a worker imports the module
of a class, so a class that only a notebook knows can train in this process only. Whatever else workers need to make own
parts has its place between `send` and `receive`, which nobody else knows about.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any

from mlp.errors import ConfigError, DataError
from mlp.optimizers import OPTIMIZERS, Optimizer
from mlp.problems import Problem, problem_named

UNPICKLED = (pickle.PickleError, AttributeError, TypeError, ValueError, ImportError, EOFError)
"""What `pickle` raises for an object that cannot travel."""


@dataclass(frozen=True)
class OwnParts:
    """Rules and problems by names that the package does not have."""

    rules: Mapping[str, Optimizer] = field(default_factory=dict)
    problems: Mapping[str, Problem] = field(default_factory=dict)

    def make_rule(self, name: str, keys: Mapping[str, Any]) -> Optimizer:
        """One's own rule of that name, or else the package's with these keys."""
        return self.rules[name] if name in self.rules else OPTIMIZERS[name](**keys)

    def find_problem(self, name: str, folder: str | None) -> Problem:
        """One's own problem of that name, or else the package's with its data in `folder`."""
        return self.problems[name] if name in self.problems else problem_named(name, folder)

    def fingerprints(self, rule: str, problem: str) -> dict[str, str]:
        """Fingerprints of the rule and of the problem, of what is one's own."""
        parts = {"rule": self.rules.get(rule), "problem": self.problems.get(problem)}
        return {what: fingerprint(part) for what, part in parts.items() if part is not None}


class _ModuleNoter(pickle.Pickler):
    """A pickler that notes the modules of all classes and functions it meets."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, protocol=5)
        self.modules: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        """Pickle as always."""
        if isinstance(obj, type | FunctionType):
            self.modules.add(obj.__module__)
        return NotImplemented


def fingerprint(part: Any) -> str:
    """A hash of a part and of the files with its code. It changes with both, so that results are not mixed up.

    DataError where there is nothing to hash: classes and functions of a notebook stand in no file.
    """
    noter = _ModuleNoter(stream := io.BytesIO())
    try:
        noter.dump(part)
        own = sorted(m for m in noter.modules if m.partition(".")[0] not in {"mlp", "numpy", *sys.stdlib_module_names})
        files = [Path(sys.modules[name].__file__ or "").read_bytes() for name in own]
    except (*UNPICKLED, OSError):
        raise DataError(
            f"the code of {part!r} stands in no file, so the folder could not say from which version of it results "
            "are. Define it in a file, or leave out the folder."
        ) from None
    return hashlib.sha256(b"\0".join([stream.getvalue(), *files])).hexdigest()


def send(own: OwnParts, executor: Executor) -> bytes:
    """The parts as workers get them; ConfigError where a worker cannot make them."""
    try:
        sent = pickle.dumps(own)
        why = executor.submit(explain_failure, sent).result() if own.rules or own.problems else ""
    except UNPICKLED as error:
        why = f"{error}"
    except BrokenExecutor:
        why = 'its workers ended at once; a script must call mlp.bench under if __name__ == "__main__"'
    if why:
        names = ", ".join([*own.rules, *own.problems])
        raise ConfigError(
            f"another process cannot make {names}: {why}. Define it in a file that can be imported there, or train in "
            "this process: leave out jobs, cluster and executor."
        )
    return sent


@lru_cache(maxsize=4)
def receive(sent: bytes) -> OwnParts:
    """The parts, on a worker, where they are made once."""
    found: OwnParts = pickle.loads(sent)
    return found


def explain_failure(sent: bytes) -> str:
    """Why a worker cannot make the parts; "" if it can."""
    try:
        receive(sent)
    except Exception as error:  # the import of a stranger's module may raise anything
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return ""
