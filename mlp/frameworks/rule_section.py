"""The settings of an optimizer of PyTorch as the keys of [optimizer] that mean the same.

Which rule it is the name of its class says, and which keys it has our own rule of that name: every key of PyTorch's
that is set and has no counterpart is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from mlp.config.optimizer import find_rule
from mlp.errors import ConfigError

RULES = {
    "SGD": "sgd", "Adam": "adam", "AdamW": "adamw", "NAdam": "nadam", "RAdam": "radam", "Adamax": "adamax",
    "RMSprop": "rmsprop", "Adagrad": "adagrad", "Adadelta": "adadelta",
}  # fmt: skip
"""The rule that a class of `torch.optim` is."""
KEYS = {
    "lr": "learning_rate", "eps": "epsilon", "alpha": "decay", "rho": "decay", "momentum_decay": "decay",
    "momentum": "momentum", "beta1": "beta1", "beta2": "beta2",
}  # fmt: skip
"""What its settings are called here."""
SILENT = {"params", "foreach", "fused", "capturable", "differentiable", "initial_lr", "weight_decay"}
"""Settings that change no step, and the decay, which is read by itself."""
SAID = {
    "nesterov": {"nesterov": True}, "amsgrad": {"amsgrad": True}, "adamw": {"decoupled_weight_decay": True},
}  # fmt: skip
"""Settings that the name of a rule says."""


class Rule(NamedTuple):
    """A rule and its keys, the weight decay that is a penalty of the loss, and whether steps grow with the gradient."""

    keys: dict[str, Any]
    penalty: float
    is_proportional: bool


def describe_rule(name: str, groups: Sequence[Mapping[str, Any]]) -> Rule:
    """The rule of an optimizer class with these parameter groups; ConfigError names what has no counterpart."""
    settings = [_read_settings(group) for group in groups]
    for group in settings[1:]:
        for key, value in group.items():
            if value != settings[0].get(key):
                raise ConfigError(
                    f"{name} has groups of parameters with {key} = {settings[0].get(key)!r} and {value!r}: an "
                    "experiment has one rule for all parameters."
                )
    rule, given = _name_rule(name, settings[0]), settings[0]
    known = {f.name for f in fields(find_rule(rule))}
    keys: dict[str, Any] = {"name": rule}
    for key, value in given.items():
        if KEYS.get(key) in known:
            keys[KEYS[key]] = value
        elif value and key not in SILENT and key not in SAID.get(rule, {}):
            raise ConfigError(f"{name}({key}={value!r}): the rule {rule} has no key for {key}.")
    decay = float(given.get("weight_decay") or 0.0)
    if "weight_decay" in known:
        keys["weight_decay"], decay = decay, 0.0
    return Rule(keys, decay, rule in ("sgd", "momentum", "nesterov"))


def _name_rule(name: str, given: Mapping[str, Any]) -> str:
    """What the rule is called here."""
    rule = RULES.get(name)
    if rule is None:
        raise ConfigError(f"the optimizer {name} has no counterpart that an experiment could name.")
    if rule == "sgd" and given.get("momentum"):
        return "nesterov" if given.get("nesterov") else "momentum"
    if rule == "adam" and given.get("decoupled_weight_decay"):
        rule = "adamw"
    return "amsgrad" if rule == "adam" and given.get("amsgrad") else rule


def _read_settings(group: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a group, each a plain value; `betas` as two."""
    found = {key: _as_plain(value) for key, value in group.items() if key not in ("params", "betas")}
    if "betas" in group:
        found["beta1"], found["beta2"] = map(_as_plain, group["betas"])
    return found


def _as_plain(value: Any) -> Any:
    """A tensor of one number as that number."""
    return value.item() if hasattr(value, "item") else value
