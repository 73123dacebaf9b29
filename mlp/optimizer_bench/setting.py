"""A setting: the numbers that a rule is tried with, and its schedule.

A setting is a learning rate, a dict of hyperparameters, or None for a rule as it is. A dict may also name a `schedule`,
as an experiment does: by a name, or as a table with a name and keys. Knows rules and schedules, and no problems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mlp.arrays import Array
from mlp.config.optimizer import build_schedule
from mlp.errors import ConfigError, HyperparameterError, ShapeError
from mlp.optimizers import Optimizer

Setting: TypeAlias = "float | dict[str, Any] | None"
SCHEDULE = "schedule"


class Length(NamedTuple):
    """How long a training is: `steps` updates, of which an epoch has `per_epoch`. Schedules follow it."""

    steps: int
    per_epoch: int


@dataclass(frozen=True)
class MemberSchedules:
    """The schedules of the members of a population, as one: its rates are (R, 1)."""

    schedules: tuple[Any, ...]
    dtype: Any

    def init(self) -> list[Any]:
        """What each of them remembers."""
        return [schedule.init() for schedule in self.schedules]

    def rate(self, t: int, loss: Any, memory: list[Any]) -> Array:
        """The learning rate of each member at update t."""
        losses = np.broadcast_to(loss, len(self.schedules))
        parts = zip(self.schedules, losses, memory, strict=True)
        return np.array([[float(one.rate(t, its_loss, own))] for one, its_loss, own in parts], self.dtype)


def apply_setting(rule: Optimizer, setting: Setting, length: Length) -> Optimizer:
    """The rule with the setting, for a training of that length; ConfigError where it takes no schedule."""
    if setting is None:
        return rule
    changes = dict(setting) if isinstance(setting, dict) else {"learning_rate": setting}
    if SCHEDULE in changes:
        changes["learning_rate"] = _schedule(rule, changes.pop(SCHEDULE), changes.get("learning_rate"), length)
    return replace(rule, **changes)  # type: ignore[type-var]  # a dataclass


def _schedule(rule: Optimizer, given: Any, rate: Any, length: Length) -> Any:
    """The learning rate with its schedule."""
    if not takes_schedule(rule):
        raise ConfigError(f"{type(rule).__name__} finds its own step lengths. Leave out the schedule.")
    usual = getattr(rule, "learning_rate", None) if rate is None else rate
    if hasattr(usual, "rate"):
        raise ConfigError(f"{type(rule).__name__} has a schedule already: {usual!r}. Give it a number.")
    return build_schedule(given, usual, length.per_epoch, length.steps, "")


def takes_schedule(rule: Optimizer) -> bool:
    """Whether the rule has a learning rate that may change."""
    names = [f.name for f in fields(rule)]  # type: ignore[arg-type]
    return not rule.single_network and "learning_rate" in names


def own_setting(rule: Optimizer, keys: Sequence[str]) -> dict[str, Any] | None:
    """What the rule has of these keys if nobody tunes it; None where a value of it is no plain one."""
    known = {key: "constant" if key == SCHEDULE else getattr(rule, key) for key in keys}
    plain = all(isinstance(value, bool | int | float | str) for value in known.values())
    return known if plain else None


def like_own(rule: Optimizer, setting: Mapping[str, Any]) -> dict[str, Any]:
    """The setting with numbers of the kinds that the rule has: whole ones become floats where it has floats."""
    return {
        key: float(value) if type(value) is int and isinstance(getattr(rule, key, None), float) else value
        for key, value in setting.items()
    }


# populations


def apply_settings(rule: Optimizer, settings: Sequence[Setting], length: Length, dtype: Any) -> Optimizer:
    """The rule for a population with a setting for each member, as arrays (R, 1) in the place of numbers.

    What is no number is the same for all of them, except for the schedule.
    """
    first = settings[0]
    if first is None:
        return rule
    if not isinstance(first, dict):
        return apply_setting(rule, _column(settings, dtype), length)  # type: ignore[arg-type]
    stacked = {
        key: _column([setting[key] for setting in settings], dtype) if isinstance(first[key], float) else first[key]  # type: ignore[index]
        for key in first
        if key != SCHEDULE
    }
    if SCHEDULE in first:
        members = [apply_setting(rule, setting, length).learning_rate for setting in settings]  # type: ignore[attr-defined]
        stacked["learning_rate"] = MemberSchedules(tuple(members), dtype)
    return apply_setting(rule, stacked, length)


def _column(values: Sequence[Any], dtype: Any) -> Array:
    return np.array(values, dtype)[:, None]


def group_settings(rule: Optimizer, settings: Sequence[Setting], length: Length) -> list[list[int]]:
    """Which of the settings may train as one population, by their places; rules take arrays for most numbers only."""
    groups = _group(settings, _alike)
    try:
        for group in groups:
            apply_settings(rule, [settings[place] for place in group], length, float)
    except (HyperparameterError, ShapeError, TypeError, ValueError):
        return _group(settings, repr)
    return groups


def _group(settings: Sequence[Setting], sort: Callable[[Setting], str]) -> list[list[int]]:
    """The places of the settings of each sort."""
    found: dict[str, list[int]] = {}
    for place, setting in enumerate(settings):
        found.setdefault(sort(setting), []).append(place)
    return list(found.values())


def _alike(setting: Setting) -> str:
    """What members of a population must have in common: all that is no number and no schedule."""
    table = setting if isinstance(setting, dict) else {}
    return repr({key: value for key, value in table.items() if key != SCHEDULE and not isinstance(value, float)})


# in words


def learning_rate_of(setting: Setting) -> float | None:
    """The learning rate of a setting, if it has one that stays."""
    if isinstance(setting, dict):
        return setting.get("learning_rate") if setting.get(SCHEDULE, "constant") == "constant" else None
    return setting


def format_setting(setting: Setting) -> str:
    """A setting in a cell of a table: the learning rate, or every key with its value.

    >>> format_setting({"beta2": 0.99, "schedule": {"name": "step", "factor": 0.3}})
    'beta2=0.99 schedule=step(factor=0.3)'
    """
    if isinstance(setting, dict):
        return " ".join(f"{key}={_show(value)}" for key, value in setting.items())
    return "" if setting is None else f"{setting:g}"


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        keys = ", ".join(f"{key}={_show(part)}" for key, part in value.items() if key != "name")
        return f"{value.get('name')}({keys})"
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def plain_setting(setting: Setting) -> float | str | None:
    """A setting in a cell of a file: a number where it is one."""
    return format_setting(setting) if isinstance(setting, dict) else setting
