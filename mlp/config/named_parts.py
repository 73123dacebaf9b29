"""Parts that are named in an experiment: a name, or a table with a name and the part's own keys, becomes an object.

What a part does not know or refuses is said with its place. Knows no part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from mlp.config.schema import suggest
from mlp.errors import ConfigError, HyperparameterError, UnknownNameError

DERIVED = ("slices", "matrices", "rate0")
"""Keys that nobody gives: what a rule is told about the network, and the rate that a schedule starts from."""

ELSEWHERE = {
    "mse": "squared_error", "l2": "squared_error", "meansquarederror": "squared_error",
    "mae": "absolute_error", "l1": "absolute_error", "meanabsoluteerror": "absolute_error",
    "smoothl1": "huber", "pinball": "quantile",
    "ce": "cross_entropy", "crossentropy": "cross_entropy", "categoricalcrossentropy": "cross_entropy",
    "sparsecategoricalcrossentropy": "cross_entropy", "bce": "cross_entropy", "bcewithlogits": "cross_entropy",
    "binarycrossentropy": "cross_entropy", "logloss": "cross_entropy", "nll": "cross_entropy",
    "swish": "silu", "linear": "identity", "none": "identity", "logistic": "sigmoid",
    "gd": "sgd", "heavyball": "momentum", "nag": "nesterov", "asgd": "averaged_sgd", "sps": "polyak",
    "sophiah": "sophia", "dadaptation": "dadapt_adam", "graves": "centered_rmsprop",
}  # fmt: skip
"""What other libraries call it, in small letters and without underscores. For hints only: a thing has one name here."""


def unknown_name(what: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that is not known. Its hint knows what other libraries call things."""
    error = UnknownNameError(what, name, known)
    meant = ELSEWHERE.get(re.sub("[^a-z0-9]", "", name.lower()))
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
    known = [f.name for f in fields(kind) if f.name not in DERIVED]  # type: ignore[arg-type]
    for name in own:
        if name not in known:
            raise ConfigError(f"{where} has no key {name!r}. {suggest(name, known or ['none'])}")
    try:
        return kind(**own, **derived)
    except HyperparameterError as error:
        raise ConfigError(f"{where}: {error}") from None
    except TypeError:
        missing = [f.name for f in fields(kind) if f.name not in own]  # type: ignore[arg-type]
        raise ConfigError(f"{where} needs {', '.join(missing)} as well.") from None
