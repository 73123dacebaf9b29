"""How the sections of an experiment are read: keys, and parts that are named.

A section is a frozen dataclass. Each of its keys is one line: the name, the default and what is allowed.
`parse_section` makes a section of a table. `build_part` makes an object of a part: a name, or a table with a name and
the part's own keys. Errors say the place, what was given, what is allowed, and the nearest known name. This module
knows no section, and of parts only what other libraries call them.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, fields
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from mlp.config.names_elsewhere import find_place
from mlp.errors import ConfigError, HyperparameterError, UnknownNameError
from mlp.family import names_elsewhere
from mlp.layers import ACTIVATIONS as HIDDEN
from mlp.losses import LOSSES
from mlp.optimizers import OPTIMIZERS


class Allowed(NamedTuple):
    """What a key takes: a test, and the words for it."""

    fits: Callable[[Any], bool]
    words: str


def key(default: Any, allowed: Allowed, meaning: str = "") -> Any:
    """A key of a section. `meaning`: what it is, in the Markdown of the manual's page, which says the same."""
    about = {"allowed": allowed, "meaning": meaning}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=about)
    return field(default=default, metadata=about)


def is_whole(value: Any) -> bool:
    """Whether it is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a number, finite and not beyond a float."""
    return (isinstance(value, float) or is_whole(value)) and abs(value) <= sys.float_info.max


def is_text(value: Any) -> bool:
    """Whether it is text, and not empty."""
    return isinstance(value, str) and value != ""


def is_rate(value: Any) -> bool:
    """Whether it is a number in [0, 1)."""
    return is_number(value) and 0 <= value < 1


def is_positive(value: Any) -> bool:
    """Whether it is a whole number, 1 or more."""
    return is_whole(value) and value >= 1


def is_count(value: Any) -> bool:
    """Whether there can be so many: a whole number, 1 or more, that the machine can count to."""
    return is_positive(value) and value <= sys.maxsize


def is_simple(value: Any) -> bool:
    """Whether it is a number, text or a truth value."""
    return isinstance(value, bool | str) or is_number(value)


def list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A test for a list of values that pass the test `fits`."""
    return lambda value: isinstance(value, list) and all(map(fits, value))


def one_or_list(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A test for a value that passes the test `fits`, or a list of such values."""
    return lambda value: fits(value) or list_of(fits)(value)


def is_named(value: Any, fits: Callable[[Any], bool] = is_simple) -> bool:
    """Whether it is a name, or a table with a name whose other values pass the test `fits`."""
    if not isinstance(value, Mapping):
        return is_text(value)
    return is_text(value.get("name")) and all(fits(v) or is_named(v, fits) for v in value.values())


def is_stopping(value: Any) -> bool:
    """Whether it says how to stop early."""
    if not isinstance(value, Mapping):
        return isinstance(value, bool)
    patience, delta = value.get("patience", 10), value.get("min_delta", 0.0)
    return value.keys() <= {"patience", "min_delta"} and is_positive(patience) and is_number(delta) and delta >= 0


def one_of(*names: str) -> Allowed:
    """One of these words."""
    return Allowed(lambda value: isinstance(value, str) and value in names, " | ".join(names))


def one_of_or_forced(*names: str) -> Allowed:
    """One of these words, or a table that forces any activation into its place."""

    def fits(value: Any) -> bool:
        if not isinstance(value, Mapping):
            return value in names
        return value.keys() == {"name", "force"} and is_text(value["name"]) and value["force"] is True

    return Allowed(fits, " | ".join(names) + ', or any activation as it is: {name = "relu", force = true}')


TEXT = Allowed(is_text, "text")
NAME = Allowed(is_text, "a name")
NAMED = Allowed(is_named, 'a name, or a table like {name = "..."} with numbers for its keys')
INIT = Allowed(
    one_or_list(is_named),
    'a name, or a table like {name = "..."} with numbers for its keys, or a list with one for each layer of weights',
)
FLAG = Allowed(lambda value: isinstance(value, bool), "true | false")
COUNT = Allowed(is_positive, "a whole number, 1 or more")
SEED = Allowed(lambda value: is_whole(value) and value >= 0, "a whole number, 0 or more")
NUMBER = Allowed(is_number, "a number")
NONE_OR_NUMBER = Allowed(lambda value: value == "none" or is_number(value), 'a number, or "none"')
RATE = Allowed(is_rate, "a rate 0 ≤ rate < 1")
NOT_NEGATIVE = Allowed(lambda value: is_number(value) and value >= 0, "a number, 0 or more")
TARGETS = Allowed(
    lambda value: value != [] and one_or_list(lambda v: is_text(v) or is_whole(v))(value),
    'the name or the index of a column, or a list like ["y1", "y2"]',
)
COLUMNS = Allowed(list_of(is_text), 'a list of the names of columns, like ["id"]')
PART = Allowed(lambda value: is_rate(value) or is_text(value), "a fraction 0 ≤ value < 1, or the path of a file")
IMAGE = Allowed(
    lambda value: list_of(is_positive)(value) and len(value) in (0, 2, 3),
    "a list [rows, columns] or [rows, columns, channels]; [] for a square",
)
WIDTHS = Allowed(one_or_list(is_positive), "a list of widths, like [64, 32], or one width; [] for none")
ACTIVATIONS = Allowed(
    one_or_list(lambda value: is_named(value, lambda v: is_simple(v) or list_of(is_number)(v))),
    'a name, or a table like {name = "..."}, or a list with one for each hidden layer',
)
RATES = Allowed(one_or_list(is_rate), "a rate 0 ≤ rate < 1, or a list with one for each hidden layer")
NAMES = Allowed(list_of(is_text), "a list of names")
LAYERS = Allowed(list_of(is_text), 'a list of layer names, like ["dense1"]')
SCHEDULE = Allowed(lambda value: is_named(value, lambda v: is_simple(v) or list_of(is_number)(v)), NAMED.words)
EPOCHS = Allowed(is_count, COUNT.words)
BATCH_SIZE = Allowed(lambda value: is_count(value) or value == "full", 'a whole number, 1 or more, or "full"')
STOPPING = Allowed(is_stopping, "true | false | {patience = 10, min_delta = 0.0}")
OWN = Allowed(is_simple, "a finite number, text, true or false")
OWN_LISTS = {"momenta": Allowed(list_of(is_number), "a list of finite numbers")}
"""What a part's own keys take, those that are not among the keys of its section; by name where that is a list."""
OWN_OR_LIST = Allowed(lambda value: is_simple(value) or list_of(is_number)(value), f"{OWN.words}; a list of numbers")
"""What the keys of a part take that the package does not have."""


def parse_section(kind: type[Any], given: Any, where: str, usual: Allowed = OWN) -> Any:
    """The section of class `kind` that the table `given` says; every key is tested. `where` is what errors call it.

    `usual`: what the keys of its part take.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: a table of keys is needed; given was {show(given)}.")
    known = {f.name: f for f in fields(kind) if "allowed" in f.metadata}
    is_open = any(f.name == "own" for f in fields(kind))
    values: dict[str, Any] = {}
    for name, value in ((name, to_toml_values(value)) for name, value in given.items()):
        if name not in known and (not is_open or name == "own"):
            raise ConfigError(f"{where} has no key {name!r}. {suggest_key(name, known, where)}")
        allowed = known[name].metadata["allowed"] if name in known else OWN_LISTS.get(name, usual)
        if not allowed.fits(value):
            raise ConfigError(f"{where} {toml_key(str(name))} = {show(value)} cannot be. Allowed: {allowed.words}.")
        if name in known:
            values[name] = value
        else:
            values.setdefault("own", {})[name] = value
    return kind(**values)


def to_toml_values(value: Any) -> Any:
    """NumPy's numbers and arrays, tuples and mappings, as what TOML can hold."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: to_toml_values(v) for name, v in value.items()}
    return [to_toml_values(v) for v in value] if isinstance(value, list | tuple) else value


def toml_key(name: str) -> str:
    """A key as TOML writes it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_text(name)


def toml_text(text: str) -> str:
    """Text as TOML writes it: quotes, backslashes and control characters are escaped."""
    escaped = "".join(
        "\\" + c if c in '"\\' else f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c for c in text
    )
    return f'"{escaped}"'


def suggest(name: object, known: Iterable[str]) -> str:
    """What is known, and which of it is nearest to `name`."""
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    return f"Known: {', '.join(names)}." + (f" Did you mean {close[0]!r}?" if close else "")


def suggest_key(name: object, known: Iterable[str], where: str) -> str:
    """The same of a key in the section that `where` ends with. Its hint knows what other libraries call keys."""
    said, place = suggest(name, known), find_place(name)
    section, _, meant = (place or "").partition(".")
    is_here = f"[{section}]" in where
    if place is None or (is_here and meant == name):
        return said
    return f"{said.partition(' Did you')[0]} Did you mean {meant if is_here else place!r}?"


def show(value: Any) -> str:
    """A value in one line of at most 60 characters."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a whole number of more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


@contextmanager
def naming_place(where: str) -> Iterator[None]:
    """Let an error about a name or a value begin with `where` it was given."""
    try:
        yield
    except (ConfigError, UnknownNameError) as error:
        error.args = (f"{where}: {error}",)
        raise


def refuse_use(given: Mapping[str, Any], where: str) -> None:
    """Refuse the key `use`: an experiment file may come from a stranger, and must not run code."""
    tables = [table for table in given.values() if isinstance(table, Mapping)]
    if any("use" in table for table in (given, *tables)):
        raise ConfigError(
            f"{where}: use cannot stand here: a stranger's file must not run code. Give --use FILE.py on the command "
            "line, or use= in Python."
        )


# parts that are named


DERIVED = ("slices", "matrices", "rate0", "n_in")
"""Keys that nobody gives: what a rule or layer is told about the network, and the rate that a schedule starts from."""


class OwnName(str):
    """The name of a part that the package does not have, and the `part` itself: a class, or an object without keys.

    It is text wherever text is written, so a configuration stays a table of plain values, and equal to the same text.
    Two of them are equal if their parts are the same: a notebook may define a class anew.
    """

    part: Any

    def __new__(cls, name: str, part: Any) -> OwnName:
        """The name with its part."""
        made = super().__new__(cls, name)
        made.part = part
        return made

    def __eq__(self, other: object) -> bool:
        return str(self) == other and getattr(other, "part", self.part) is self.part

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return OwnName, (str(self), self.part)

    def __deepcopy__(self, memo: Any) -> OwnName:
        return self


def find_part(what: str, name: str, known: Mapping[str, Any]) -> Any:
    """What a name stands for: a part of one's own, or else the one that is `known` by that name."""
    if isinstance(name, OwnName):
        return name.part
    if name not in known:
        raise unknown_name(what, name, known)
    return known[name]


@cache
def list_elsewhere() -> dict[str, str]:
    """The name here of what other libraries call in small letters and without underscores. For hints only."""
    return names_elsewhere(kind for family in (OPTIMIZERS, HIDDEN, *LOSSES.values()) for kind in family.values())


def unknown_name(what: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that is not known. Its hint knows what other libraries call things."""
    error = UnknownNameError(what, name, known)
    meant = list_elsewhere().get(re.sub("[^a-z0-9]", "", name.lower()))
    if meant in error.known:
        error.nearest = meant
        error.args = (f"{str(error).partition(' Did you mean')[0]} Did you mean {meant!r}?",)
    return error


def name_and_keys(given: str | Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The name and the own keys of a part that was given as a name or as a table."""
    table = given if isinstance(given, Mapping) else {"name": given}
    return table["name"], {k: v for k, v in table.items() if k != "name"}


def build_part(kind: Callable[..., Any], own: Mapping[str, Any], where: str, **derived: Any) -> Any:
    """`kind(**own, **derived)`; an own key that it does not know or refuses is named with its place."""
    check_keys([f.name for f in fields(kind) if f.name not in DERIVED], own, where)  # type: ignore[arg-type]
    try:
        return kind(**own, **derived)
    except HyperparameterError as error:
        raise ConfigError(f"{where}: {error}") from None
    except TypeError:
        missing = [f.name for f in fields(kind) if f.name not in own]  # type: ignore[arg-type]
        raise ConfigError(f"{where} needs {', '.join(missing)} as well.") from None


def check_keys(known: Iterable[str], own: Mapping[str, Any], where: str) -> None:
    """Refuse keys that are not `known`."""
    names = list(known)
    for name in own:
        if name not in names:
            raise ConfigError(f"{where} has no key {name!r}. {suggest_key(name, names or ['none'], where)}")
