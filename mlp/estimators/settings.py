"""From the parameters of an estimator to the configuration of an experiment.

The two have the same names for the same things. What "auto" means for an estimator, how long it trains, stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import ceil
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import ConfigError, HyperparameterError, check_fraction
from mlp.experiment.build import ONE_OF_MANY, PLACES, REGRESSION, YES_OR_NO, adam_rate
from mlp.optimizers import OPTIMIZERS

LENGTHS = {"classification": (20, 150), "multilabel": (20, 150), "regression": (40, 600)}
"""How long a training is, where nothing is said: so many epochs, and more for at least so many steps.

Twenty epochs of a small table are some dozen steps, and end before the network has gone anywhere. Numbers take longer
than classes: r² on a sine of two periods is 0.47 after 150 steps and 0.69 after 600.
"""
HIGHEST_RATE = 0.02
"""What Adam's learning rate begins with at most, where none is given: twice that of an experiment, `adam_rate`.

A run with a cosine schedule goes at half its first rate on average.
"""


def configuration(estimator: Any, task: str, n_rows: int, seed: int, *, validates: bool) -> dict[str, Any]:
    """The experiment that the estimator's parameters describe, for `n_rows` rows.

    `validates`: rows to validate on were given, and none are to be held out.
    """
    e = estimator
    held_out = 0.0 if validates or not e.early_stopping else _fraction(e.validation_fraction)
    n_train = max(1, round(n_rows * (1 - held_out)))
    scale_target = getattr(e, "scale_target", "none")
    loss, n_epochs = _loss(e, task), epochs(e.epochs, task, e.batch_size, n_train)
    optimizer = _optimizer(e, n_epochs, n_train)
    if scale_target == "auto":
        scale_target = "none" if loss["name"] == "poisson" else "standard"
    return {
        "data": {
            "task": task,
            "validation": held_out,
            "test": 0.0,
            "scale": e.scale,
            "scale_target": scale_target,
            "class_weight": "balanced" if _is(getattr(e, "class_weight", None), "balanced") else "none",
        },
        "network": {
            "hidden": [e.hidden] if isinstance(e.hidden, int | np.integer) else e.hidden,
            "activation": e.activation,
            "output": e.output,
            "init": e.init,
            "dropout": e.dropout,
            "batch_norm": e.batch_norm,
            "residual": e.residual,
        },
        "loss": {"l1": e.l1, "l2": _l2(e.l2, optimizer["name"]), **loss},
        "optimizer": optimizer,
        "training": {
            "epochs": n_epochs,
            "batch_size": e.batch_size,
            "shuffle": e.shuffle,
            "seed": seed,
            "dtype": _dtype(e.dtype),
            "restarts": e.restarts,
            "early_stopping": _stopping(e),
        },
        "record": {"probe": "never"},
    }


def epochs(given: Any, task: str, batch_size: Any, n_train: int) -> Any:
    """How often to go through the rows: what was given, or for "auto" what `LENGTHS` says."""
    if not _is(given, "auto"):
        return given
    least, steps = LENGTHS[task]
    return max(least, ceil(steps / _per_epoch(batch_size, n_train)))


def _per_epoch(batch_size: Any, n_train: int) -> int:
    """Steps in an epoch; 1 too for what is no size, which the configuration refuses."""
    is_size = isinstance(batch_size, int | np.integer) and batch_size >= 1
    return ceil(n_train / int(batch_size)) if is_size else 1


def _is(given: Any, word: str) -> bool:
    """Whether it is that word; arrays compare by element, so `==` alone will not do."""
    return isinstance(given, str) and given == word


def _fraction(given: Any) -> float:
    check_fraction("validation_fraction", given)
    return float(given)


def _dtype(given: Any) -> Any:
    """Its name, for NumPy's types as well."""
    try:
        return given if isinstance(given, str) else np.dtype(given).name
    except TypeError:
        return given


def _stopping(e: Any) -> Any:
    if e.early_stopping is not True:
        return e.early_stopping
    return {"patience": e.patience, "min_delta": e.min_delta}


LOSSES = {kind: name for known in (YES_OR_NO, ONE_OF_MANY, REGRESSION) for name, kind in known.items()}
L2 = 1e-3
SMOOTHING = 0.1
"""How much of each label goes to the other classes where nothing is said of the loss.

Mean accuracy of the defaults without it and with it, 5 folds and 5 seeds: iris 0.960, 0.973; digits 0.978, 0.985
(`benchmarks/estimators.py smoothing`).
"""


def _loss(e: Any, task: str) -> dict[str, Any]:
    if _is(e.loss, "auto") and task != "regression" and not _is(e.output, "identity"):
        return {"name": "cross_entropy", "label_smoothing": SMOOTHING}
    return _named(e.loss, LOSSES, "loss")


RULES = {kind: name for name, kind in OPTIMIZERS.items()}


def _optimizer(e: Any, n_epochs: Any, n_train: int) -> dict[str, Any]:
    found = _named(e.optimizer, RULES, "optimizer")
    if e.learning_rate is not None and not _is(e.learning_rate, "auto"):
        found["learning_rate"] = e.learning_rate
    elif _is(e.schedule, "auto") and found["name"] in ("adam", "adamw") and isinstance(n_epochs, int) and n_epochs > 0:
        found.setdefault("learning_rate", adam_rate(n_epochs * _per_epoch(e.batch_size, n_train), HIGHEST_RATE))
    schedule = _usual_schedule(found["name"]) if _is(e.schedule, "auto") else e.schedule
    return {"schedule": schedule, "clip_norm": e.clip_norm, **found}


def _kind(rule: Any) -> Any:
    """The rule of that name; None where there is none, which the configuration refuses."""
    return OPTIMIZERS.get(rule) if isinstance(rule, str) else None


def _usual_schedule(rule: Any) -> str:
    """A cosine; but rules that compare one step with the next, and those that do without a schedule, get none."""
    kind = _kind(rule)
    suits = kind is not None and not (kind.full_batch or kind.alone or rule.startswith("schedule_free"))
    return "cosine" if suits and any(f.name == "learning_rate" for f in fields(kind)) else "constant"


def _l2(given: Any, rule: Any) -> Any:
    """What was given, or for "auto" a little; none for rules that search, some of which know no penalties."""
    if not _is(given, "auto"):
        return given
    kind = _kind(rule)
    return 0.0 if kind is not None and kind.alone else L2


def _named(given: Any, names: Mapping[Any, str], what: str) -> dict[str, Any]:
    """A name, a table with a name and keys, or one of our objects, as a table with a name and keys."""
    if isinstance(given, Mapping):
        if "name" not in given:
            raise ConfigError(f"{what} = {dict(given)!r} has no name. Give {{'name': ..., key: value}}.")
        return dict(given)
    if not is_dataclass(given) or isinstance(given, type):
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


def in_portions(e: Any, config: dict[str, Any], goes_on: bool) -> dict[str, Any]:
    """The configuration for one of many calls with a portion of the rows each: one epoch, and nothing planned ahead."""
    training = {**config["training"], "epochs": 1}
    if training["early_stopping"]:
        raise ConfigError(
            "partial_fit goes through the rows once: early_stopping has nothing to stop. Set it to False."
        )
    schedule = "constant" if _is(e.schedule, "auto") else e.schedule
    optimizer = {**config["optimizer"], "schedule": schedule}
    if not _is(schedule, "constant") and not (isinstance(schedule, Mapping) and len(schedule) > 1):
        raise ConfigError(
            f"partial_fit does not know how many calls will follow, and schedule = {schedule!r} is planned over all of "
            "them. Give its length in steps, {'name': 'cosine', 'steps': 1000}, or 'constant'."
        )
    own = _named(e.optimizer, RULES, "optimizer")
    if _is(e.learning_rate, "auto") and own["name"] in ("adam", "adamw") and "learning_rate" not in own:
        optimizer["learning_rate"] = 0.001  # how long it will train is not known
    return {**config, "optimizer": optimizer, "training": training}
