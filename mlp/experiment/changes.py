"""Changes of an experiment: what the causes of the diagnosis advise, as keys that a configuration can take.

Nothing here is trained or tried, and no remedy is written here: the causes know them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from mlp.config import Config, parse, to_toml
from mlp.config.optimizer import find_rule, usual_rate
from mlp.config.training import build_detectors
from mlp.diagnosis import KnownCause, known_causes
from mlp.diagnosis.causes import Changes, Experiment
from mlp.diagnosis.reading import Reading
from mlp.history import History


def remedies(name: str, config: Config, history: History) -> Iterator[Changes]:
    """The remedy for the cause `name`, and then those that go further, if there are any: trials choose among them.

    None where no setting mends it, or all of it is so already.

    >>> next(remedies("frozen_layer", parse({"network": {"frozen": ["dense1"]}}), History({})))
    {'network': {'frozen': []}}
    """
    if cause := find_cause(name, config):
        yield from cause.new_changes(as_experiment(config, history))


def find_cause(name: str, config: Config) -> KnownCause | None:
    """What is known of a cause, be it of the package or of a detector that the experiment brings."""
    return known_causes(build_detectors(config.record)).get(name)


def as_experiment(config: Config, history: History) -> Experiment:
    """What the causes read of a configuration."""
    rule = find_rule(config.optimizer.name)
    own: dict[str, Any] = {field.name: field.default for field in fields(rule)} | config.optimizer.own
    rate = float(own.get("learning_rate") or 0.0)
    return Experiment(config.to_dict(), own, usual_rate(config.optimizer.name) or rate, Reading(history))


def apply_changes(config: Config, changes: Changes) -> Config:
    """The configuration with the changes."""
    given = config.to_dict()
    for section, keys in changes.items():
        merged = given[section] | dict(keys)
        given[section] = {key: value for key, value in merged.items() if value is not None}
    return parse(given)


def merge_changes(first: Changes, second: Changes) -> Changes:
    """Both; where they change the same key, `first` counts: it is for the likelier cause."""
    return {name: {**second.get(name, {}), **first.get(name, {})} for name in {**first, **second}}


def describe_changes(config: Config, changes: Changes) -> Iterator[str]:
    """Each change as people read it: "optimizer.learning_rate 25.0 → 0.1"."""
    given = config.to_dict()
    for section, keys in changes.items():
        for key, value in keys.items():
            before = _show(given[section].get(key))
            yield f"{section}.{key} {before} → {_show(value)}" if value is not None else f"{section}.{key} left out"


def _show(value: Any) -> str:
    """A value as an experiment file has it."""
    return "not given" if value is None else to_toml({"x": {"x": value}}).split(" = ", 1)[1].strip()
