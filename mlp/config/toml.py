"""Experiment files: TOML read, written, and overridden key by key.

Paths in an experiment file (source, target, validation, test) start from the working directory, as those on the command
line do, and not from the folder of the file. Knows tables; what their keys mean is for `config`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

from mlp.config.names_elsewhere import find_place
from mlp.config.schema import toml_key, toml_text
from mlp.errors import ConfigError, DataError, MLPError, UnknownNameError
from mlp.storage.permission import as_path, is_there
from mlp.storage.reading import read_text

DEEPEST = 20  # tables within tables; the deepest key there is has four names


def read_toml(path: str | Path) -> dict[str, Any]:
    """The experiment file at `path` as a dict; ConfigError names the line where it is not TOML."""
    place = as_path("config", path)
    try:
        found = tomllib.loads(read_text(place, "utf-8-sig"))
        _check_depth(found)
        return found
    except MLPError:
        raise
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file. Give the path of an experiment file (.toml).") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a text file ({type(error).__name__}).") from None
    except (ValueError, RecursionError) as error:  # tables nested too deep, numbers of 5,000 digits
        raise ConfigError(f"{path}: this is not TOML: {' '.join(str(error).split())[:200]}.") from None


def _check_depth(found: Any) -> None:
    """Refuse tables within tables without end: no key is so deep, and whoever walks through them recurses."""
    level = [found]
    for _ in range(DEEPEST):
        level = [v for part in level for v in (part.values() if isinstance(part, dict) else part)]
        level = [part for part in level if isinstance(part, dict | list)]
        if not level:
            return
    raise ValueError(f"tables are nested more than {DEEPEST} deep")


def to_toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Sections of plain values as TOML. The standard library reads TOML but does not write it."""
    blocks = (
        f"[{name}]\n" + "".join(f"{toml_key(k)} = {to_toml_value(v)}\n" for k, v in section.items())
        for name, section in sections.items()
    )
    return "\n".join(blocks)


def to_toml_value(value: Any) -> str:
    """A plain value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return toml_text(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(to_toml_value, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml_key(k)} = {to_toml_value(v)}" for k, v in value.items()) + "}"
    return repr(value)


def override(given: dict[str, Any], assignment: str) -> dict[str, Any]:
    """The dict with `section.key=value` set; the value is TOML, or else text.

    >>> override({}, "network.hidden=[64, 32]")
    {'network': {'hidden': [64, 32]}}
    >>> override({}, "optimizer.name=sgd")
    {'optimizer': {'name': 'sgd'}}
    """
    path, equals, text = assignment.partition("=")
    names = path.strip().split(".")
    if not equals or not 2 <= len(names) <= DEEPEST or not all(names):
        place = find_place(names[0]) if len(names) == 1 else None
        raise ConfigError(
            f"--set {shorten(assignment, 80, placeholder=' …')}: needed is section.key=value, like training.epochs=50."
            + (f" Did you mean {place}?" if place else "")
        )
    return put(given, names, _parse_value(text.strip()))


def put(given: Mapping[str, Any], names: Sequence[str], value: Any) -> dict[str, Any]:
    """The dict with `value` under `names`; the last of them is the key in the table of those before it."""
    for name in reversed(names[1:]):
        value = {name: value}
    return _merge(given, {names[0]: value})


def _parse_value(text: str) -> Any:
    try:
        found = tomllib.loads(f"value = {text}")
        _check_depth(found)
    except (ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both dicts as one. Tables that both have are merged; of other keys `over` counts."""
    merged = dict(under)
    for name, value in over.items():
        old = merged.get(name)
        merged[name] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


@contextmanager
def explaining_paths(path: str | Path, given: Mapping[str, Any]) -> Iterator[None]:
    """Let an error about a missing file say where paths start, if `given` was read from a file in another folder."""
    try:
        yield
    except (DataError, UnknownNameError) as error:
        missing = _missing_files(given)
        if Path(path).parent.resolve() != Path.cwd() and any(name in str(error) for name in missing):
            error.args = (f"{error} Paths in {path} start from the working directory, {Path.cwd()}.",)
        raise


def _missing_files(given: Mapping[str, Any]) -> list[str]:
    """The paths in [data] where there is no file."""
    data = given.get("data", {})
    paths = (data.get(name) for name in ("source", "target", "validation", "test")) if isinstance(data, Mapping) else ()
    return [path for path in paths if isinstance(path, str) and Path(path).suffix and not is_there(Path(path))]
