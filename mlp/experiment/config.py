"""What an experiment file may say.

Every section is a frozen dataclass, every key one line: its name, its default and what it allows. `parse` turns a file
or a dict into a `Config`, and refuses what cannot be meant with the place, what was given, what is allowed and the
nearest known name. Nothing here knows how a key is carried out.

Paths in an experiment file (source, target, validation, test) start from the working directory, as those on the command
line do, and not from the folder of the file.
"""

# ruff: noqa: RUF009  -- `key` makes a field, as `field` does
from __future__ import annotations

import difflib
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlp.errors import ConfigError, DataError, UnknownNameError
from mlp.output import as_path


class Allowed(NamedTuple):
    """What a key takes: a test, and the words for it."""

    fits: Callable[[Any], bool]
    words: str


def key(default: Any, allowed: Allowed) -> Any:
    """A key of a section."""
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata={"allowed": allowed})
    return field(default=default, metadata={"allowed": allowed})


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    """Not NaN, not infinite, and no whole number that is beyond a float."""
    return (isinstance(value, float) or _whole(value)) and abs(value) <= sys.float_info.max


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _listed(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _rate(value: Any) -> bool:
    return _number(value) and 0 <= value < 1


def _positive(value: Any) -> bool:
    return _whole(value) and value >= 1


def _countable(value: Any) -> bool:
    """Of which there can be so many in a machine's life, and which a float can hold."""
    return _positive(value) and value <= sys.maxsize


def _simple(value: Any) -> bool:
    return isinstance(value, bool | str) or _number(value)


def _named(value: Any, fits: Callable[[Any], bool] = _simple) -> bool:
    if not isinstance(value, Mapping):
        return _text(value)
    return _text(value.get("name")) and all(fits(v) or _named(v, fits) for v in value.values())


def one_of(*names: str) -> Allowed:
    """One of these words."""
    return Allowed(lambda value: isinstance(value, str) and value in names, " | ".join(names))


TEXT = Allowed(_text, "text")
NAME = Allowed(_text, "a name")
NAMED = Allowed(_named, 'a name, or a table like {name = "..."} with numbers for its keys')
SCHEDULE = Allowed(lambda value: _named(value, lambda v: _simple(v) or _listed(_number)(v)), NAMED.words)
OWN = Allowed(_simple, "a finite number, text, true or false")
OWN_LISTS = {"momenta": Allowed(_listed(_number), "a list of finite numbers")}
FLAG = Allowed(lambda value: isinstance(value, bool), "true | false")
COUNT = Allowed(_positive, "a whole number, 1 or more")
SEED = Allowed(lambda value: _whole(value) and value >= 0, "a whole number, 0 or more")
NUMBER = Allowed(_number, "a number")
RATE = Allowed(_rate, "a rate 0 ≤ rate < 1")
NOT_NEGATIVE = Allowed(lambda value: _number(value) and value >= 0, "a number, 0 or more")
IMAGE = Allowed(
    lambda value: _listed(_positive)(value) and len(value) in (0, 2, 3),
    "a list [rows, columns] or [rows, columns, channels]; [] for a square",
)
COLUMNS = Allowed(_listed(_text), 'a list of the names of columns, like ["id"]')
PART = Allowed(lambda value: _rate(value) or _text(value), "a fraction 0 ≤ value < 1, or the path of a file")


@dataclass(frozen=True)
class DataConfig:
    """Where the data comes from, and how it is parted and scaled."""

    source: str = key("", TEXT)
    target: str | int | None = key(None, Allowed(lambda v: _text(v) or _whole(v), "the name or the index of a column"))
    task: str = key("auto", one_of("auto", "classification", "multilabel", "regression"))
    ignore: list[str] = key([], COLUMNS)
    categorical: list[str] = key([], COLUMNS)
    validation: float | str = key(0.15, PART)
    test: float | str = key(0.15, PART)
    scale: str = key("standard", one_of("standard", "minmax", "none"))
    scale_target: str = key("none", one_of("none", "standard"))
    class_weight: str = key("none", one_of("none", "balanced"))
    shift: int = key(0, SEED)
    image: list[int] = key([], IMAGE)
    mixup: float = key(0.0, NOT_NEGATIVE)


@dataclass(frozen=True)
class NetworkConfig:
    """The layers between inputs and outputs."""

    hidden: list[int] = key([32], Allowed(_listed(_positive), "a list of widths, like [64, 32]; [] for none"))
    activation: str | list[str] = key(
        "relu",
        Allowed(lambda v: _text(v) or _listed(_text)(v), "a name, or a list with one for each hidden layer"),
    )
    output: str = key("auto", one_of("auto", "softmax", "sigmoid", "identity"))
    init: str | dict[str, Any] = key("auto", NAMED)
    bias: float = key(0.0, NUMBER)
    pretrain: str | dict[str, Any] = key("none", NAMED)
    dropout: float | list[float] = key(
        0.0,
        Allowed(
            lambda v: _rate(v) or _listed(_rate)(v),
            "a rate 0 ≤ rate < 1, or a list with one for each hidden layer",
        ),
    )
    input_dropout: float = key(0.0, RATE)
    input_noise: float = key(0.0, NOT_NEGATIVE)
    max_norm: float = key(0.0, NOT_NEGATIVE)
    batch_norm: bool = key(False, FLAG)
    residual: bool = key(False, FLAG)
    frozen: list[str] = key([], Allowed(_listed(_text), 'a list of layer names, like ["dense1"]'))


@dataclass(frozen=True)
class LossConfig:
    """What is made small. Further keys are the loss's own: delta, quantile, label_smoothing, gamma."""

    name: str = key("auto", NAME)
    l1: float = key(0.0, NOT_NEGATIVE)
    l2: float = key(0.0, NOT_NEGATIVE)
    own: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OptimizerConfig:
    """How it is made small. Further keys are the rule's own: learning_rate, momentum, beta1, ...

    `sam`: how far away the gradient is taken, at the worst place nearby. `lookahead`: after how many steps to go back
    half of the way. `average`: the decay of a moving average of the parameters, which then answers, batch norm with
    statistics of its own. All off at 0.
    """

    name: str = key("adam", NAME)
    clip_norm: float = key(0.0, NOT_NEGATIVE)
    clip_value: float = key(0.0, NOT_NEGATIVE)
    sam: float = key(0.0, NOT_NEGATIVE)
    lookahead: int = key(0, SEED)
    average: float = key(0.0, RATE)
    schedule: str | dict[str, Any] = key("constant", SCHEDULE)
    own: dict[str, Any] = field(default_factory=dict)


def _stopping(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return isinstance(value, bool)
    patience, delta = value.get("patience", 10), value.get("min_delta", 0.0)
    return value.keys() <= {"patience", "min_delta"} and _positive(patience) and _number(delta) and delta >= 0


@dataclass(frozen=True)
class TrainingConfig:
    """How long, in what portions, from which seed."""

    epochs: int = key(20, Allowed(_countable, COUNT.words))
    batch_size: int | str = key(
        32, Allowed(lambda v: _countable(v) or v == "full", 'a whole number, 1 or more, or "full"')
    )
    shuffle: bool = key(True, FLAG)
    seed: int = key(0, SEED)
    dtype: str = key("float32", one_of("float32", "float64"))
    restarts: int = key(1, COUNT)
    ensemble: bool = key(False, FLAG)
    early_stopping: bool | dict[str, Any] = key(
        False, Allowed(_stopping, "true | false | {patience = 10, min_delta = 0.0}")
    )


@dataclass(frozen=True)
class RecordConfig:
    """What is kept of what happened."""

    every: int = key(1, COUNT)
    probe: str = key(
        "auto",
        Allowed(
            lambda v: isinstance(v, str) and v in ("auto", "never"),
            "auto | never (curvature probes at an interval are not built yet)",
        ),
    )


@dataclass(frozen=True)
class Config:
    """An experiment, every key resolved."""

    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    record: RecordConfig = field(default_factory=RecordConfig)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """As an experiment file says it; keys without a value are left out."""
        sections = asdict(self)
        for section in sections.values():
            section.update(section.pop("own", {}))
        return {
            name: {k: v for k, v in section.items() if v is not None and v != ""} for name, section in sections.items()
        }


SECTIONS: dict[str, type[Any]] = {
    "data": DataConfig,
    "network": NetworkConfig,
    "loss": LossConfig,
    "optimizer": OptimizerConfig,
    "training": TrainingConfig,
    "record": RecordConfig,
}


def read(path: str | Path) -> dict[str, Any]:
    """The experiment file at `path` as a dict; ConfigError names the line where it is not TOML."""
    place = as_path("config", path)
    try:
        return tomllib.loads(place.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file. Give the path of an experiment file (.toml).") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a text file ({type(error).__name__}).") from None
    except (ValueError, RecursionError) as error:  # tables nested too deep, numbers of 5,000 digits
        raise ConfigError(f"{path}: this is not TOML: {' '.join(str(error).split())}.") from None


@contextmanager
def blaming(where: str) -> Iterator[None]:
    """Let an error about a name or a value that is met inside begin with `where` it was given."""
    try:
        yield
    except (ConfigError, UnknownNameError) as error:
        error.args = (f"{where}: {error}",)
        raise


@contextmanager
def explaining_paths(path: str | Path, given: Mapping[str, Any]) -> Iterator[None]:
    """Let an error about a file that is missing say where paths start, if `given` was read from another folder."""
    try:
        yield
    except (DataError, UnknownNameError) as error:
        missing = _missing(given)
        if Path(path).parent.resolve() != Path.cwd() and any(name in str(error) for name in missing):
            error.args = (f"{error} Paths in {path} start from the working directory, {Path.cwd()}.",)
        raise


def _missing(given: Mapping[str, Any]) -> list[str]:
    """The paths in [data] where nothing is."""
    data = given.get("data", {})
    paths = (data.get(name) for name in ("source", "target", "validation", "test")) if isinstance(data, Mapping) else ()
    return [path for path in paths if isinstance(path, str) and Path(path).suffix and not Path(path).exists()]


def parse(given: Any, where: str = "config") -> Config:
    """A dict as a `Config`; what is not said takes its default. `where` is what errors call it."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: a table of sections is needed ({', '.join(SECTIONS)}); given was {_shown(given)}.")
    for name in given:
        if name not in SECTIONS:
            raise ConfigError(f"{where}: there is no section {_shown(name)}. {suggestion(name, SECTIONS)}")
    return Config(
        **{name: parse_section(kind, given.get(name, {}), f"{where}, [{name}]") for name, kind in SECTIONS.items()}
    )


def parse_section(kind: type[Any], given: Any, where: str) -> Any:
    """One section, every key tested."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: a table of keys is needed; given was {_shown(given)}.")
    known = {f.name: f for f in fields(kind) if "allowed" in f.metadata}
    is_open = any(f.name == "own" for f in fields(kind))
    values: dict[str, Any] = {}
    for name, value in ((name, _plain(value)) for name, value in given.items()):
        if name not in known and (not is_open or name == "own"):
            raise ConfigError(f"{where} has no key {name!r}. {suggestion(name, known)}")
        allowed = known[name].metadata["allowed"] if name in known else OWN_LISTS.get(name, OWN)
        if not allowed.fits(value):
            raise ConfigError(f"{where} {_toml_key(str(name))} = {_shown(value)} cannot be. Allowed: {allowed.words}.")
        if name in known:
            values[name] = value
        else:
            values.setdefault("own", {})[name] = value
    return kind(**values)


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays, tuples and mappings as what TOML can hold."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(v) for name, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def suggestion(name: object, known: Any) -> str:
    """What is known, and which of it is nearest to `name`."""
    close = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"Known: {', '.join(known)}." + (f" Did you mean {close[0]!r}?" if close else "")


def _shown(value: Any) -> str:
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a whole number of more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def override(given: dict[str, Any], assignment: str) -> dict[str, Any]:
    """The dict with `section.key=value` set; the value is TOML, or else text.

    >>> override({}, "network.hidden=[64, 32]")
    {'network': {'hidden': [64, 32]}}
    >>> override({}, "optimizer.name=sgd")
    {'optimizer': {'name': 'sgd'}}
    """
    path, equals, text = assignment.partition("=")
    names = path.strip().split(".")
    if not equals or len(names) < 2 or not all(names):
        raise ConfigError(f"--set {assignment}: needed is section.key=value, like training.epochs=50.")
    return put(given, names, _toml_value(text.strip()))


def put(given: Mapping[str, Any], names: Sequence[str], value: Any) -> dict[str, Any]:
    """The dict with `value` under `names`, the last of which is the key in the table of those before it."""
    for name in reversed(names[1:]):
        value = {name: value}
    return _merged(given, {names[0]: value})


def _toml_value(text: str) -> Any:
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both dicts as one; where both have a key, tables are merged and else `over` counts."""
    merged = dict(under)
    for name, value in over.items():
        old = merged.get(name)
        merged[name] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def to_toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Sections of plain values as TOML. The standard library reads TOML but does not write it."""
    blocks = (
        f"[{name}]\n" + "".join(f"{_toml_key(k)} = {_toml(v)}\n" for k, v in section.items())
        for name, section in sections.items()
    )
    return "\n".join(blocks)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _toml_text(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml_key(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    return repr(value)


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml_text(name)


def _toml_text(text: str) -> str:
    """A basic string: quotes, backslashes and control characters escaped."""
    escaped = "".join(
        "\\" + c if c in '"\\' else f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c for c in text
    )
    return f'"{escaped}"'
