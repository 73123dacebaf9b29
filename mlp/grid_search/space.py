"""What is tried: keys of an experiment with their values, or with ranges to draw from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import exp, log
from typing import Any, TypeAlias

import numpy as np

from mlp.config import SECTIONS, override, put
from mlp.config.schema import is_number, is_text, is_whole, show, suggest, to_toml_values
from mlp.errors import ConfigError

Combination: TypeAlias = dict[str, Any]
"""A value for each key."""

RANGE = re.compile(r"\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\.\.([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*")
ROWS = ("source", "target", "task", "ignore", "categorical", "numeric", "missing", "unseen", "encoding", "separator",
        "header", "comment", "decimal", "group", "time", "folds", "fold", "validation", "test")  # fmt: skip
"""Keys of [data] that change the rows: scores on other rows cannot be compared."""
MOST = 10_000  # combinations


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, drawn evenly in their logarithm; whole ones where both ends are whole."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """How far it lies from the low end to the high one, from 0 to 1."""
        return log(value / self.low) / log(self.high / self.low)

    def draw_number(self, rng: np.random.Generator) -> float:
        """A number, to four digits."""
        whole = is_whole(self.low) and is_whole(self.high)
        if whole:  # from half a number below to half a number above: the ends are as likely as their neighbours
            value = exp(rng.uniform(log(self.low - 0.5), log(self.high + 0.5)))
            return int(min(max(round(value), self.low), self.high))
        return float(f"{exp(rng.uniform(log(self.low), log(self.high))):.4g}")


Over: TypeAlias = dict[str, list[Any] | Range]
"""The values, or the range, of each key."""


def parse_grid(given: Sequence[str] | Mapping[str, Any]) -> Over:
    """The keys and values of `--over KEY=A,B,C` or of `over={KEY: [A, B, C]}`. ConfigError for what cannot be.

    >>> parse_grid(["network.hidden=4,8", "optimizer.learning_rate=1e-4..0.1"])
    {'network.hidden': [[4], [8]], 'optimizer.learning_rate': Range(low=0.0001, high=0.1)}
    """
    found: Over = {}
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Mapping) and not (isinstance(given, list | tuple) and all(map(is_text, given))):
        raise ConfigError(f'over = {show(given)}: a dict is needed, like {{"network.hidden": [4, 8, 16]}}.')
    if not given:
        raise ConfigError("over: nothing to try. Give --over KEY=VALUES, like --over network.hidden=4,8,16.")
    pairs = given.items() if isinstance(given, Mapping) else (_parse_text(text) for text in given)
    for key, values in pairs:
        if key in found:
            raise ConfigError(f"--over {key} is there twice. Give all its values at once.")
        _check_key(key)
        found[key] = _read_values(key, values)
    return found


def _parse_text(text: str) -> tuple[str, Any]:
    """The key and the values of KEY=A,B,C."""
    name, equals, values = text.partition("=")
    if not equals:
        raise ConfigError(f"--over {show(text)}: needed is KEY=VALUES, like network.hidden=4,8,16.")
    if RANGE.fullmatch(values):
        return name.strip(), values
    return name.strip(), [override({}, f"a.b={value.strip()}")["a"]["b"] for value in _split(values)]


def _split(text: str) -> list[str]:
    """A,B,C at its commas, but not inside brackets and quotes."""
    found, depth, quote = [""], 0, ""
    for c in text:
        if c == "," and not depth and not quote:
            found.append("")
            continue
        if c in "\"'":
            quote = "" if c == quote else quote or c
        elif not quote:
            depth += (c in "[{") - (c in "]}")
        found[-1] += c
    return found


def _check_key(key: Any) -> None:
    """Refuse what is no key of an experiment, or changes what scores are scores of."""
    section, dot, name = key.partition(".") if isinstance(key, str) else ("", "", "")
    if not dot or not name:
        raise ConfigError(f"--over {show(key)}: needed is section.key, like network.hidden.")
    if section not in SECTIONS or section == "record":
        known = [known for known in SECTIONS if known != "record"]
        raise ConfigError(f"--over {key}: there is no section {section!r} to try. {suggest(section, known)}")
    if key == "training.seed":
        raise ConfigError("--over training.seed: every combination is trained from the same seeds. Give --seeds N.")
    if section == "data" and name.partition(".")[0] in ROWS:
        raise ConfigError(f"--over {key}: scores on other rows cannot be compared. Set it with --set for all.")


def _read_values(key: str, given: Any) -> list[Any] | Range:
    """The values of a key, each there once, or its range."""
    if isinstance(given, str) and (found := RANGE.fullmatch(given)):
        return _read_range(key, given, *found.groups())
    if isinstance(given, Range):
        return given
    values = to_toml_values(list(given) if isinstance(given, range) else given)
    if not isinstance(values, list):
        raise ConfigError(f"--over {key}: a list of values is needed; given was {show(given)}.")
    if not values or "" in values:
        raise ConfigError(f"--over {key}: there is nothing to try. Give values, like {key}=A,B,C.")
    if key == "network.hidden":
        values = [[value] if is_whole(value) else value for value in values]
    twice = [value for i, value in enumerate(values) if any(_is_same(value, other) for other in values[:i])]
    if twice:
        raise ConfigError(f"--over {key}: {show(twice[0])} is there twice. Once is enough.")
    return values


def _is_same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)  # 1 is True


def _read_range(key: str, text: str, low: str, high: str) -> Range:
    try:
        ends = [int(end) if re.fullmatch(r"[-+]?\d+", end) else float(end) for end in (low, high)]
    except ValueError:
        raise ConfigError(f"--over {key}={text}: these are no numbers. Give LOW..HIGH, like 1e-4..1e-1.") from None
    if not all(map(is_number, ends)) or not 0 < ends[0] < ends[1]:
        raise ConfigError(f"--over {key}={text}: a range LOW..HIGH needs 0 < LOW < HIGH, as it is drawn in logarithms.")
    return Range(*ends)


def combine(over: Over, n_random: int = 0, seed: int = 0) -> list[Combination]:
    """All combinations; or `n_random` that are drawn, each there once. ConfigError for ranges without a number."""
    ranges = [key for key, values in over.items() if isinstance(values, Range)]
    if not n_random:
        if ranges:
            raise ConfigError(f"--over {ranges[0]}: a range is drawn from. Say how often, --random N, or list values.")
        lists = [values for values in over.values() if isinstance(values, list)]
        n = int(np.prod([float(len(values)) for values in lists]))
        if n > MOST:
            raise ConfigError(f"{n:,} combinations are too many, at most {MOST:,}. Give fewer values, or --random N.")
        return [dict(zip(over, values, strict=True)) for values in product(*lists)]
    if n_random > MOST:
        raise ConfigError(f"--random {n_random} is too many, at most {MOST:,}.")
    rng = np.random.default_rng([seed, n_random])
    found: dict[str, Combination] = {}
    for _ in range(100 * n_random):  # there may be fewer different ones
        drawn = {key: _draw(key, values, rng) for key, values in over.items()}
        found.setdefault(repr(drawn), drawn)
        if len(found) == n_random:
            break
    return list(found.values())


def _draw(key: str, values: list[Any] | Range, rng: np.random.Generator) -> Any:
    if isinstance(values, Range):
        value = values.draw_number(rng)
        return [value] if key == "network.hidden" else value
    return values[int(rng.integers(len(values)))]


def apply(given: Mapping[str, Any], combination: Combination) -> dict[str, Any]:
    """The experiment with the values of a combination."""
    found = dict(given)
    for key, value in combination.items():
        found = put(found, key.split("."), value)
    return found
