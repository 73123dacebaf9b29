"""Parts that the package does not have: rules, layers, losses, instruments, detectors and problems of one's own.

An experiment names its parts. `OwnParts` are those that somebody brings: classes and objects, or a Python file that
defines some. `name_parts` puts them in the place of their names, and objects in the place of names and keys. A file is
run only where somebody named it: `--use FILE.py` on the command line, `use=` in Python. An experiment file cannot name
one, for a stranger's file must not run code. A run notes the name of the file and its SHA-256.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any, NamedTuple

from mlp.config.loss import ONE_OF_MANY, REGRESSION, YES_OR_NO
from mlp.config.network import HIDDEN
from mlp.config.schema import DERIVED, OwnName, unknown_name
from mlp.diagnosis import Detector
from mlp.errors import ConfigError, HyperparameterError, in_one_line
from mlp.instruments import DETAILED, Instrument
from mlp.layers import Layer
from mlp.losses import Loss
from mlp.optimizers import OPTIMIZERS, Optimizer
from mlp.storage.reading import read_file

MODULE = "mlp_own_parts_"
"""How the names of modules begin that are made of files which somebody named; the hash of the text follows."""


class Family(NamedTuple):
    """Parts of one kind: what they are called, what they must be, and those of the package by name.

    `keyed`: a configuration holds the keys of such a part. The others are objects that it holds by name alone.
    """

    what: str
    kind: type[Any]
    known: Mapping[str, Any]
    keyed: bool = True

    def has(self, part: Any) -> bool:
        """Whether it is a part of this family: a class, or an object."""
        return self.kind in (part if isinstance(part, type) else type(part)).__mro__ and part is not self.kind

    def name_here(self, kind: Any) -> str | None:
        """The name of a class of the package; None for other classes."""
        named = (*YES_OR_NO.items(), *self.known.items()) if self.kind is Loss else self.known.items()
        return next((name for name, known in named if known is kind), None)


RULE = Family("optimizer", Optimizer, OPTIMIZERS)
ACTIVATION = Family("activation", Layer, HIDDEN)
LOSS = Family("loss", Loss, {"auto": None, **ONE_OF_MANY, **REGRESSION})
INSTRUMENT = Family("instrument", Instrument, {instrument.name: instrument for instrument in DETAILED}, keyed=False)
DETECTOR = Family("detector", Detector, {}, keyed=False)


@cache
def problem_family() -> Family:
    """Problems to try rules on."""
    from mlp.problems import PROBLEMS, Problem  # 20 ms, for whoever brings a part or tries rules

    return Family("problem", Problem, PROBLEMS, keyed=False)


def families() -> tuple[Family, ...]:
    """All kinds of parts."""
    return RULE, ACTIVATION, LOSS, INSTRUMENT, DETECTOR, problem_family()


def name_of(part: Any) -> str:
    """What a part is called: the `name` that its class or the object itself says, or else its class in snake case.

    >>> class WarmLion(Optimizer):
    ...     pass
    >>> name_of(WarmLion)
    'warm_lion'
    """
    kind = part if isinstance(part, type) else type(part)
    said = vars(kind).get("name") if issubclass(kind, Optimizer | Layer | Loss) else getattr(part, "name", None)
    return said if isinstance(said, str) and said else snake_case(kind.__name__)


def snake_case(name: str) -> str:
    """The name of a class as an experiment file writes it.

    >>> snake_case("MyRMSProp"), snake_case("my_rule"), snake_case("SGD2")
    ('my_rms_prop', 'my_rule', 'sgd2')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


@dataclass(frozen=True)
class OwnParts:
    """Classes and objects that somebody brings."""

    parts: tuple[Any, ...] = ()

    def of(self, family: Family) -> dict[str, Any]:
        """Those of a family by name."""
        return {name_of(part): part for part in self.parts if family.has(part)}

    def find(self, family: Family, name: str) -> OwnName | None:
        """The part of that name, which may be written in snake case or as the class; None where there is none."""
        for own, part in self.of(family).items():
            if name == own or snake_case(name) == own:
                return OwnName(own, part)
        return None

    def detectors(self) -> list[Detector]:
        """Its detectors, ready to judge."""
        return [part() if isinstance(part, type) else part for part in self.of(DETECTOR).values()]


NO_PARTS = OwnParts()


# in a configuration


def name_parts(given: Mapping[str, Any], own: OwnParts = NO_PARTS) -> dict[str, Any]:
    """The sections of an experiment with an `OwnName` for each part of one's own, and with keys in place of objects."""
    found = dict(given)
    sections = {name: table for name, table in given.items() if isinstance(table, Mapping)}
    for section, family in (("optimizer", RULE), ("loss", LOSS)):
        if "name" in (table := sections.get(section, {})):
            named = name_and_keys(table["name"], family, own)
            found[section] = {**named, **table, "name": named["name"]}
    if "activation" in (network := sections.get("network", {})):
        found["network"] = {**network, "activation": _name_activations(network["activation"], own)}
    for key, family in (("instruments", INSTRUMENT), ("detectors", DETECTOR)):
        listed: Any = sections.get("record", {}).get(key, [])
        if not isinstance(listed, list | tuple) or isinstance(listed, Instrument):
            listed = [listed]
        if listed:
            names = [name_and_keys(part, family, own)["name"] for part in listed]
            found["record"] = {**found["record"], key: names}
    return found


def _name_activations(given: Any, own: OwnParts) -> Any:
    """An activation, or a list of them; without keys it is a name alone."""
    if isinstance(given, list | tuple):
        return [_name_activations(one, own) for one in given]
    if isinstance(given, Mapping):
        if "name" not in given:
            return given
        named = name_and_keys(given["name"], ACTIVATION, own)
        return {**named, **given, "name": named["name"]}
    named = name_and_keys(given, ACTIVATION, own)
    return named if len(named) > 1 else named["name"]


def name_and_keys(given: Any, family: Family, own: OwnParts = NO_PARTS) -> dict[str, Any]:
    """The name of a part and its keys, where a name, a class or an object was given. What is none of these stays."""
    if isinstance(given, str):
        if isinstance(given, OwnName) or given in family.known or not own.of(family):
            return {"name": given}
        found = own.find(family, given)
        if found is None:
            raise unknown_name(family.what, given, [*family.known, *own.of(family)])
        return {"name": found}
    kind = given if isinstance(given, type) or not family.keyed else type(given)
    name = family.name_here(kind)
    if not family.has(given) or (family.keyed and name is None and getattr(kind, "__module__", "").startswith("mlp.")):
        if is_dataclass(kind):
            kinds = ", ".join(sorted(known.__name__ for known in {*family.known.values()} if known))
            raise HyperparameterError(
                family.what, given, f"a name, or one of {kinds}, or of a class of yours like them"
            )
        return {"name": given}
    if name is None:
        check_part(kind)
        name = OwnName(name_of(kind), kind)
    return {"name": name, **(_keys(given, family.what) if family.keyed and given is not kind else {})}


def _keys(part: Any, what: str) -> dict[str, Any]:
    """The keys of an object, by name."""
    keys = {f.name: getattr(part, f.name) for f in fields(part) if f.init and f.name not in DERIVED}
    if hasattr(keys.get("learning_rate"), "rate"):
        raise ConfigError(f"{what} = {in_one_line(part)} contains a schedule. Give it apart: schedule='cosine'.")
    return keys


# where parts come from


def read_parts(use: Any = ()) -> OwnParts:
    """Parts from what was given: classes and objects, paths of Python files, or a list of these.

    ConfigError in one line for a file that is missing, is not Python, fails or defines no part, and for a part with a
    name of the package.
    """
    if isinstance(use, OwnParts):
        return use
    given = list(use) if isinstance(use, list | tuple) and not isinstance(use, Instrument) else [use]
    parts: list[Any] = []
    for one in given:
        is_file = isinstance(one, str | Path)
        parts += _parts_of(load_file(one)) if is_file else [one]
    found = OwnParts(tuple({id(part): part for part in parts}.values()))
    for part in found.parts:
        check_part(part)
    _check_names(found)
    return found


def load_file(path: str | Path) -> ModuleType:
    """The module that a Python file makes; ConfigError in one line where it makes none."""
    place = Path(path)
    try:
        text = read_file(place)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file. Give a Python file (.py) with parts of your own.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}). Give a Python file (.py).") from None
    if place.suffix != ".py":
        raise ConfigError(f"{path} is not named as a Python file. Give a file that ends in .py.")
    try:
        return load_module(text, str(path))
    except SyntaxError as error:
        raise ConfigError(f"{path}, line {error.lineno or 1}: this is not Python: {error.msg}.") from None
    except (Exception, SystemExit) as error:  # a file may raise anything
        raise ConfigError(describe_error(error)) from None


def load_module(text: bytes, file: str) -> ModuleType:
    """The module that a text makes, once in a process: the same text is the same module, with the same classes."""
    name = f"{MODULE}{hashlib.sha256(text).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    try:
        code = compile(text, file, "exec")
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:  # null bytes, too many brackets
        raise SyntaxError(f"{error}") from None
    module = sys.modules[name] = ModuleType(name)  # `dataclass` and `pickle` look for a class there
    module.__file__, module.__text__ = file, text  # type: ignore[attr-defined]
    try:
        exec(code, vars(module))
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _parts_of(module: ModuleType) -> list[Any]:
    """The parts that a module defines: its own classes, and its objects that are not the package's."""
    found = [part for name, part in vars(module).items() if not name.startswith("_") and _is_part(part, module)]
    if not found:
        raise ConfigError(
            f"{module.__file__} defines no part: no class of mlp.Optimizer, mlp.Layer, mlp.Loss or mlp.Detector, and "
            "no mlp.Instrument or mlp.Problem."
        )
    return found


def _is_part(part: Any, module: ModuleType) -> bool:
    family = next((family for family in families() if family.has(part)), None)
    if isinstance(part, type):
        return family is not None and part.__module__ == module.__name__ and not inspect.isabstract(part)
    return family is not None and not family.keyed and family.known.get(name_of(part)) is not part


def check_part(part: Any) -> None:
    """Refuse what is no part, or has a name of the package's."""
    family = next((family for family in families() if family.has(part)), None)
    if family is None:
        needed = "a class of mlp.Optimizer, mlp.Layer or mlp.Loss, an instrument, a detector, a problem, or a .py file"
        raise HyperparameterError("use", part, needed)
    if family.keyed and not is_dataclass(part):
        raise ConfigError(f"{part.__name__} is no dataclass. Write @dataclass(frozen=True) above it: fields are keys.")
    if (name := name_of(part)) in family.known:
        raise ConfigError(f"{file_of(part)}: the package has the {family.what} {name!r}. Give yours another name.")


def _check_names(found: OwnParts) -> None:
    """Refuse two parts of one name."""
    for family in families() if found.parts else ():
        names = [name_of(part) for part in found.parts if family.has(part)]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"there are two parts of the name {name!r} ({family.what}). Rename one.")


# a part's file


def _module_of(part: Any) -> ModuleType | None:
    """The module with the code of a part. An instrument's code is its function."""
    code = part if isinstance(part, type) else type(part)
    if isinstance(part, Instrument):
        code = part.measure or part.begin or part.watch  # type: ignore[assignment]
    return sys.modules.get(getattr(code, "__module__", ""))


def file_of(part: Any) -> str:
    """The path of the file with the code of a part; "" for code in no file."""
    return str(getattr(_module_of(part), "__file__", None) or "")


def origin(part: Any) -> dict[str, str]:
    """The name of the file with the code of a part, and its SHA-256; {} for code in no file, as that of a notebook."""
    text = source(_module_of(part))
    return {} if text is None else {"file": Path(file_of(part)).name, "sha256": hashlib.sha256(text).hexdigest()}


def source(module: ModuleType | None) -> bytes | None:
    """The text of a module: as it was loaded, if somebody named its file; None where it stands in no file."""
    if module is None or hasattr(module, "__text__"):
        return getattr(module, "__text__", None)
    try:
        return Path(getattr(module, "__file__", None) or "").read_bytes()
    except OSError:
        return None


def describe_error(error: BaseException) -> str:
    """An error in one line, with its place in a file that somebody named, or else where it was raised."""
    files = {module.__file__ for name, module in list(sys.modules.items()) if name.startswith(MODULE)}
    frames = extract_tb(error.__traceback__)[::-1]
    at = next((frame for frame in frames if frame.filename in files), frames[0])
    said = " ".join(str(error).split())
    return f"{at.filename}, line {at.lineno}: {type(error).__name__}{': ' if said else ''}{said}"
