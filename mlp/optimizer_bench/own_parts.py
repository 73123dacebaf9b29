"""Rules and problems that the package does not know: by which name a bench uses them, and how workers get them.

Workers in other processes and on other machines get the pickle of `OwnParts`, and the text of each file that somebody
named (`--use`, `use=`): they make its module first. Of other classes a worker imports the module, so a class that only
a notebook knows can train in this process only. Only `send` and `receive` know this.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import FunctionType
from typing import Any

from mlp.config import own_parts as parts
from mlp.errors import ConfigError, DataError, HyperparameterError, UnknownNameError, check_iterable
from mlp.optimizer_bench.data_problem import DATA_SETS, data_problem, is_data
from mlp.optimizer_bench.other_rules import find_other_rule
from mlp.optimizers import OPTIMIZERS, Optimizer
from mlp.problems import PROBLEMS, Problem, problem_named
from mlp.sweep import Serial

CANNOT_TRAVEL = (pickle.PickleError, AttributeError, TypeError, ValueError, ImportError)
"""What `pickle` raises for an object that another process cannot make."""


@dataclass(frozen=True)
class OwnParts:
    """Rules, or their classes, and problems by names that the package does not have."""

    rules: Mapping[str, Optimizer | type[Optimizer]] = field(default_factory=dict)
    problems: Mapping[str, Problem] = field(default_factory=dict)

    def make_rule(self, name: str, keys: Mapping[str, Any]) -> Optimizer:
        """One's own rule of that name, or else the package's; with these keys."""
        rule: Any = self.rules.get(name, OPTIMIZERS.get(name))
        found: Optimizer = rule(**keys) if isinstance(rule, type) else replace(rule, **keys)
        return found

    def find_problem(self, name: str, folder: str | None) -> Problem:
        """One's own problem of that name, or else the package's with its data in `folder`."""
        try:
            return self.problems[name] if name in self.problems else problem_named(name, folder)
        except UnknownNameError as error:
            raise UnknownNameError("problem", name, [*error.known, *DATA_SETS]) from None

    def hash_parts(self, rule: str, problem: str) -> dict[str, str]:
        """Hashes of the rule and of the problem; those of the package have none."""
        used = {"rule": self.rules.get(rule), "problem": self.problems.get(problem)}
        return {what: hash_part(part) for what, part in used.items() if part is not None}


def name_parts(given: Any, kind: type[Any], what: str) -> dict[str, Any]:
    """What stands under each name: a name of the package, which is the same, or an object of class `kind`.

    Of rules the class will do. Objects in a list are called by their `name`, or else by their class.
    """

    def is_part(part: Any) -> bool:
        return isinstance(part, kind) or (kind is Optimizer and isinstance(part, type) and issubclass(part, kind))

    listed = [given] if isinstance(given, str) or is_part(given) else given
    check_iterable(what, listed, f"a name or an object of class {kind.__name__}, or a list of them")
    named = [(part if isinstance(part, str) else _call(part), part) for part in listed]
    named = list(given.items()) if isinstance(given, Mapping) else named
    for name, part in named:
        if not is_part(part) and not (isinstance(part, str) and part == name):
            raise HyperparameterError(what, part, f"a name or an object of class {kind.__name__}")
        if sum(name == other for other, _ in named) > 1:
            raise ConfigError(f"{what}: {name!r} is there twice. Give a dict {{name: ...}} where two are of one class.")
    return dict(named)


def _call(part: Any) -> str:
    """What an object in a list is called: a rule by its class, beside the rules of the package."""
    if isinstance(part, type):
        return part.__name__
    return type(part).__name__ if isinstance(part, Optimizer) else getattr(part, "name", type(part).__name__)


def find_named(own: parts.OwnParts, rules: Iterable[str], problems: Iterable[str]) -> OwnParts:
    """What these names stand for, as far as it is of one's own, of another library, or a data set."""
    found_rules = {name: found.part for name in rules if (found := own.find(parts.RULE, name))}
    others = {name: rule for name in rules if (rule := find_other_rule(name))}
    found_problems = {name: found.part for name in problems if (found := own.find(parts.problem_family(), name))}
    data = {name: data_problem(name) for name in problems if name not in found_problems and is_data(name)}
    return OwnParts({**others, **found_rules}, {**data, **found_problems})


def pick_own(rules: Mapping[str, Any], problems: Mapping[str, Any]) -> OwnParts:
    """The parts that are objects; ConfigError where one of them has a name of the package's."""
    own_rules = {name: part for name, part in rules.items() if part != name}
    own_problems = {name: part for name, part in problems.items() if part not in (name, PROBLEMS.get(name))}
    for name in [*(own_rules.keys() & OPTIMIZERS.keys()), *(own_problems.keys() & PROBLEMS.keys())]:
        raise ConfigError(f"{name!r} is a name of the package. Give yours a name of its own.")
    return OwnParts(own_rules, own_problems)


class _ModuleNoter(pickle.Pickler):
    """A pickler that notes the modules of all classes and functions it meets."""

    modules: set[str]

    def reducer_override(self, obj: Any) -> Any:
        """Pickle as always."""
        if isinstance(obj, type | FunctionType):
            self.modules.add(obj.__module__)
        return NotImplemented


def hash_part(part: Any) -> str:
    """A hash of a part and of the files with its code. It changes with both, so that results are not mixed up.

    DataError where the code stands in no file, as that of a notebook.
    """
    try:
        pickled, modules = _pickle(part)
        texts = [parts.source(sys.modules[name]) for name in modules]
        if None in texts:
            raise OSError
    except (*CANNOT_TRAVEL, OSError):
        raise DataError(
            f"the code of {part!r} stands in no file, so a folder could not say from which version of it results are. "
            "Define it in a file, or leave out the folder."
        ) from None
    return hashlib.sha256(b"\0".join([pickled, *filter(None, texts)])).hexdigest()


def _pickle(part: Any) -> tuple[bytes, list[str]]:
    """The pickle of a part, and the names of the modules that it needs and that are not installed with the package."""
    noter = _ModuleNoter(pickled := io.BytesIO(), protocol=5)
    noter.modules = set()
    noter.dump(part)
    ours = {"mlp", "numpy", *sys.stdlib_module_names} - {"__main__"}
    return pickled.getvalue(), sorted(name for name in noter.modules if name.partition(".")[0] not in ours)


def runs_in_process(executor: Executor) -> bool:
    """Whether an executor runs its trials in this process, where nothing must be sent."""
    return isinstance(executor, Serial | ThreadPoolExecutor)


def send(own: OwnParts, executor: Executor) -> bytes:
    """The parts as workers get them; ConfigError where a worker cannot make them."""
    try:
        pickled, modules = _pickle(own)
        named = [sys.modules[name] for name in modules if name.startswith(parts.MODULE)]
        sent = pickle.dumps((pickled, [(module.__text__, module.__file__) for module in named]))
        why = executor.submit(explain_failure, sent).result() if own != OwnParts() else ""
    except CANNOT_TRAVEL as error:
        why = f"{error}"
    except BrokenExecutor:
        why = 'it ended at once (a script must call mlp.bench under if __name__ == "__main__":)'
    if why:
        raise ConfigError(
            f"another process cannot make {', '.join([*own.rules, *own.problems])}: {why}. Define it in a file that "
            "can be imported there, or train in this process: leave out jobs, cluster and executor."
        )
    return sent


@lru_cache(maxsize=4)
def receive(sent: bytes) -> OwnParts:
    """The parts, on a worker, which makes them once."""
    pickled, texts = pickle.loads(sent)
    for text, file in texts:
        parts.load_module(text, file)
    found: OwnParts = pickle.loads(pickled)
    return found


def explain_failure(sent: bytes) -> str:
    """Why a worker cannot make the parts; "" if it can."""
    try:
        receive(sent)
    except Exception as error:  # a module that is imported may raise anything
        return " ".join(str(error).split()) or type(error).__name__
    return ""
