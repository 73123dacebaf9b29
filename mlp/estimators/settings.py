"""From the parameters of an estimator to the configuration of an experiment.

The two have the same names for the same things; what "auto" means for an estimator stands in `defaults`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.config import naming_place, parse
from mlp.config.loss import ONE_OF_MANY, REGRESSION, YES_OR_NO, gives_probabilities, resolve_loss_name
from mlp.config.optimizer import open_lengths
from mlp.config.schema import PLACES
from mlp.errors import (
    ConfigError,
    HyperparameterError,
    MLPError,
    check_count,
    check_fraction,
    check_kind,
    check_not_negative,
)
from mlp.estimators import defaults
from mlp.estimators.defaults import is_word
from mlp.optimizers import OPTIMIZERS

LOSSES = {kind: name for known in (YES_OR_NO, ONE_OF_MANY, REGRESSION) for name, kind in known.items()}
RULES = {kind: name for name, kind in OPTIMIZERS.items()}


def configuration(e: Any, task: str, n_rows: int, seed: int, *, validates: bool) -> dict[str, Any]:
    """The experiment that the parameters of estimator `e` describe, for `n_rows` rows.

    `validates`: rows to validate on were given, and none are to be held out.
    """
    _check(e)
    held_out = 0.0 if validates or not e.early_stopping else _fraction(e.validation_fraction)
    training = _training(e, task, max(1, round(n_rows * (1 - held_out))), seed)
    loss, optimizer = _loss(e, task), _optimizer(e, training, max(1, round(n_rows * (1 - held_out))))
    return {
        "data": {"task": task, "validation": held_out, "test": 0.0, **_data(e, loss["name"])},
        "network": _network(e),
        "loss": {"l1": e.l1, "l2": defaults.l2(e.l2, optimizer["name"]), **loss},
        "optimizer": optimizer,
        "training": training,
        "record": {"baseline": "never"},
    }


def _check(e: Any) -> None:
    """Refuse what no key of an experiment would be asked about, used or not."""
    check_kind("early_stopping", e.early_stopping, bool | np.bool_ | Mapping, "True, False, or a dict with a patience")
    check_count("patience", e.patience)
    check_not_negative("min_delta", e.min_delta)
    check_fraction("validation_fraction", e.validation_fraction)


def in_portions(e: Any, config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The configuration for one of many calls with a portion of the rows each: one epoch, and nothing planned ahead."""
    if config["training"]["early_stopping"]:
        raise ConfigError("partial_fit goes through rows once: early_stopping has nothing to stop. Set it to False.")
    schedule = "constant" if is_word(e.schedule, "auto") else e.schedule
    optimizer, own = {**config["optimizer"], "schedule": schedule}, _named(e.optimizer, RULES, "optimizer")
    if is_word(e.learning_rate, "auto") and own["name"] in ("adam", "adamw") and "learning_rate" not in own:
        optimizer["learning_rate"] = defaults.PORTION_RATE
    found = {**config, "optimizer": optimizer, "training": {**config["training"], "epochs": 1}}
    given = parse(found, where).optimizer.schedule
    with naming_place(where):
        planned = open_lengths(given)
    if planned:
        raise ConfigError(
            f"partial_fit does not know how many calls will follow, and schedule = {schedule!r} is planned over all of "
            f"them. Give {' and '.join(planned)}, in steps over all calls, as in {{'name': 'cosine', 'steps': 1000}}, "
            "or 'constant'."
        )
    return found


def _data(e: Any, loss: Any) -> dict[str, Any]:
    balances = is_word(getattr(e, "class_weight", None), "balanced")
    target = defaults.scale_target(e.scale_target, loss) if hasattr(e, "scale_target") else "none"
    return {"scale": e.scale, "scale_target": target, "class_weight": "balanced" if balances else "none"}


def _network(e: Any) -> dict[str, Any]:
    hidden = [e.hidden] if isinstance(e.hidden, int | np.integer) else e.hidden
    names = ("activation", "output", "init", "dropout", "batch_norm", "residual")
    return {"hidden": hidden, **{name: getattr(e, name) for name in names}}


def _training(e: Any, task: str, n_train: int, seed: int) -> dict[str, Any]:
    names = ("batch_size", "shuffle", "restarts")
    stops = {"patience": e.patience, "min_delta": e.min_delta} if e.early_stopping is True else e.early_stopping
    own = {"epochs": defaults.epochs(e.epochs, task, e.batch_size, n_train), "early_stopping": stops}
    return {"seed": seed, "dtype": _dtype(e.dtype), **own, **{name: getattr(e, name) for name in names}}


def _loss(e: Any, task: str) -> dict[str, Any]:
    if is_word(e.loss, "auto") and task != "regression" and not is_word(e.output, "identity"):
        return {"name": "cross_entropy", "label_smoothing": defaults.SMOOTHING}
    return _named(e.loss, LOSSES, "loss")


def promises_probabilities(e: Any) -> bool:
    """Whether classifier `e` will give probabilities once it is fitted; True for a loss that fitting refuses."""
    try:
        name = _loss(e, "classification")["name"]
    except MLPError:
        return True
    if not isinstance(name, str):
        return True
    return gives_probabilities(resolve_loss_name(name, e.output, "classification"), e.output)


def _optimizer(e: Any, training: Mapping[str, Any], n_train: int) -> dict[str, Any]:
    found = _named(e.optimizer, RULES, "optimizer")
    usual: dict[str, Any] = {}
    if e.learning_rate is not None and not is_word(e.learning_rate, "auto"):
        found["learning_rate"] = e.learning_rate
    elif is_word(e.schedule, "auto"):
        usual = defaults.rate(found["name"], training["epochs"], defaults.per_epoch(e.batch_size, n_train))
    return {"schedule": defaults.schedule(e.schedule, found["name"]), "clip_norm": e.clip_norm, **usual, **found}


def _fraction(given: Any) -> float:
    check_fraction("validation_fraction", given)
    return float(given)


def _dtype(given: Any) -> Any:
    """Its name, for NumPy's types as well."""
    try:
        return np.dtype(given).name if isinstance(given, type | np.dtype) else given
    except TypeError:
        return given


def _named(given: Any, names: Mapping[Any, str], what: str) -> dict[str, Any]:
    """A name, a table with a name and keys, or one of our objects, as a table with a name and keys."""
    if isinstance(given, Mapping):
        if "name" not in given:
            raise ConfigError(f"{what} = {dict(given)!r} has no name. Give {{'name': ..., key: value}}.")
        return dict(given)
    if not is_dataclass(given) or isinstance(given, type):
        if isinstance(given, np.ndarray):  # which no name can be compared with
            raise HyperparameterError(what, given, "a name, a dict with a name, or one of this library's objects")
        return {"name": given}
    if type(given) not in names:
        needed = f"a name, or one of {', '.join(sorted({kind.__name__ for kind in names}))}"
        raise HyperparameterError(what, given, needed)
    own = {f.name: getattr(given, f.name) for f in fields(given) if f.name not in PLACES}
    if hasattr(own.get("learning_rate"), "rate"):
        raise ConfigError(f"{what} = {given!r} has a schedule in it. Name it apart: schedule='cosine'.")
    return {"name": names[type(given)], **own}


def seed_of(random_state: Any) -> int:
    """The seed of this training: an int as it is, one drawn from a generator of NumPy's, or a fresh one for None."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**32))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**32, dtype=np.uint64))
    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer) or random_state < 0:
        raise HyperparameterError("random_state", random_state, "None, a whole number ≥ 0, or a NumPy generator")
    return int(random_state)


def columns(names: Array | None, n_features: int) -> tuple[str, ...]:
    """What the features are called in findings."""
    return tuple(f"x{i}" for i in range(n_features)) if names is None else tuple(map(str, names))
