"""From the parameters of an estimator to the configuration of an experiment.

The two have the same names for the same things. What "auto" means for an estimator is decided here: how long it trains,
how fast, and with what restraint. It was chosen on digits, wine, breast cancer and iris (`benchmarks/estimators.py`),
whose numbers are therefore not those of data never looked at. Whoever names a value gets that value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import ceil
from typing import Any

import numpy as np

from mlp import errors
from mlp.config import naming_place, parse
from mlp.config.loss import ONE_OF_MANY, REGRESSION, YES_OR_NO, gives_probabilities, resolve_loss_name
from mlp.config.named_parts import DERIVED
from mlp.config.optimizer import adam_rate, open_lengths
from mlp.config.training import TrainingConfig
from mlp.errors import ConfigError, HyperparameterError, MLPError
from mlp.optimizers import OPTIMIZERS

LOSSES = {kind: name for known in (YES_OR_NO, ONE_OF_MANY, REGRESSION) for name, kind in known.items()}
RULES = {kind: name for name, kind in OPTIMIZERS.items()}

LENGTHS = {"classification": (20, 150), "multilabel": (20, 150), "regression": (40, 600)}
"""How long a training is: so many epochs, and more for at least so many steps.

Twenty epochs of a small table are some dozen steps, and end before the network has gone anywhere. Numbers take longer
than classes: r² on a sine of two periods is 0.47 after 150 steps and 0.69 after 600.
"""
HIGHEST_RATE = 0.02
"""What Adam's learning rate begins with at most: twice the limit of `adam_rate`.

A run with a cosine schedule goes at half its first rate on average.
"""
PORTION_RATE = 0.001
"""Adam's learning rate in `partial_fit`, which does not know how long it will train: that of its paper."""
L2 = 1e-3
SMOOTHING = 0.1
"""How much of each label goes to all classes evenly, in the cross-entropy.

Accuracy without and with it: iris 0.955, 0.973; digits 0.980, 0.987; breast cancer 0.977, 0.982; wine 0.976, 0.970
(`benchmarks/estimators.py smoothing`, 25 fits each, 10 of digits).
"""


def describe_experiment(e: Any, task: str, n_rows: int, seed: int, *, validates: bool) -> dict[str, Any]:
    """The experiment that the parameters of estimator `e` describe, for `n_rows` rows.

    `validates`: rows to validate on were given, and none are to be held out.
    """
    _check(e)
    held_out = 0.0 if validates or not e.early_stopping else float(e.validation_fraction)
    n_train = max(1, round(n_rows * (1 - held_out)))
    training = _training(e, task, n_train, seed)
    loss, optimizer = _loss(e, task), _optimizer(e, training, n_train)
    return {
        "data": {"task": task, "validation": held_out, "test": 0.0, **_data(e, loss["name"])},
        "network": _network(e),
        "loss": {"l1": e.l1, "l2": resolve_l2(e.l2, optimizer["name"]), **loss},
        "optimizer": optimizer,
        "training": training,
        "record": {"baseline": "never"},
    }


def _check(e: Any) -> None:
    """Refuse what no key of an experiment would be asked about, used or not."""
    needed = "True, False, or a dict with a patience"
    errors.check_kind("early_stopping", e.early_stopping, bool | np.bool_ | Mapping, needed)
    errors.check_count("patience", e.patience)
    errors.check_not_negative("min_delta", e.min_delta)
    errors.check_fraction("validation_fraction", e.validation_fraction)


def describe_portion(e: Any, config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The configuration for one of many calls with a portion of the rows each: one epoch, and nothing planned ahead."""
    if config["training"]["early_stopping"]:
        raise ConfigError("partial_fit goes through rows once: early_stopping has nothing to stop. Set it to False.")
    schedule = "constant" if is_word(e.schedule, "auto") else e.schedule
    optimizer, own = {**config["optimizer"], "schedule": schedule}, _named(e.optimizer, RULES, "optimizer")
    if is_word(e.learning_rate, "auto") and own["name"] in ("adam", "adamw") and "learning_rate" not in own:
        optimizer["learning_rate"] = PORTION_RATE
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
    target = resolve_scale_target(e.scale_target, loss) if hasattr(e, "scale_target") else "none"
    return {"scale": e.scale, "scale_target": target, "class_weight": "balanced" if balances else "none"}


def _network(e: Any) -> dict[str, Any]:
    hidden = [e.hidden] if isinstance(e.hidden, int | np.integer) else e.hidden
    names = ("activation", "output", "init", "dropout", "batch_norm", "residual")
    return {"hidden": hidden, **{name: getattr(e, name) for name in names}}


def _training(e: Any, task: str, n_train: int, seed: int) -> dict[str, Any]:
    names = ("batch_size", "shuffle", "restarts")
    stops = {"patience": e.patience, "min_delta": e.min_delta} if e.early_stopping is True else e.early_stopping
    own = {"epochs": resolve_epochs(e.epochs, task, e.batch_size, n_train), "early_stopping": stops}
    return {"seed": seed, "dtype": _dtype(e.dtype), **own, **{name: getattr(e, name) for name in names}}


def _loss(e: Any, task: str) -> dict[str, Any]:
    if is_word(e.loss, "auto") and task != "regression" and not is_word(e.output, "identity"):
        return {"name": "cross_entropy", "label_smoothing": SMOOTHING}
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
        usual = resolve_rate(found["name"], training["epochs"], steps_per_epoch(e.batch_size, n_train))
    return {"schedule": resolve_schedule(e.schedule, found["name"]), "clip_norm": e.clip_norm, **usual, **found}


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
    own = {f.name: getattr(given, f.name) for f in fields(given) if f.name not in DERIVED}
    if hasattr(own.get("learning_rate"), "rate"):
        raise ConfigError(f"{what} = {given!r} has a schedule in it. Name it apart: schedule='cosine'.")
    return {"name": names[type(given)], **own}


def draw_seed(random_state: Any) -> int:
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


# what "auto" means


def is_word(given: Any, word: str) -> bool:
    """Whether it is that word; arrays compare by element, so `==` alone will not do."""
    return isinstance(given, str) and given == word


def resolve_epochs(given: Any, task: str, batch_size: Any, n_train: int) -> Any:
    """How often to go through the rows."""
    if not is_word(given, "auto"):
        return given
    least, steps = LENGTHS[task]
    return max(least, ceil(steps / steps_per_epoch(batch_size, n_train)))


def steps_per_epoch(batch_size: Any, n_train: int) -> int:
    """Steps in an epoch; 1 for what is no size, which the configuration refuses."""
    is_size = is_word(batch_size, "full") or (isinstance(batch_size, int | np.integer) and batch_size >= 1)
    return TrainingConfig(batch_size=batch_size).steps_per_epoch(n_train) if is_size else 1


def resolve_rate(rule: Any, n_epochs: Any, steps_per_epoch: int) -> dict[str, Any]:
    """The learning rate of a run with a cosine, where the rule should not have its usual one."""
    if rule not in ("adam", "adamw") or not isinstance(n_epochs, int | np.integer) or n_epochs < 1:
        return {}
    return {"learning_rate": adam_rate(int(n_epochs) * steps_per_epoch, HIGHEST_RATE)}


def resolve_schedule(given: Any, rule: Any) -> Any:
    """A cosine; but rules that compare one step with the next, and those that do without a schedule, get none."""
    if not is_word(given, "auto"):
        return given
    kind = _kind(rule)
    suits = kind is not None and not (kind.full_batch or kind.alone or rule.startswith("schedule_free"))
    return "cosine" if suits and any(f.name == "learning_rate" for f in fields(kind)) else "constant"


def resolve_l2(given: Any, rule: Any) -> Any:
    """A little; none for rules that search, some of which know no penalties."""
    if not is_word(given, "auto"):
        return given
    kind = _kind(rule)
    return 0.0 if kind is not None and kind.alone else L2


def resolve_scale_target(given: Any, loss: Any) -> Any:
    """Numbers are scaled to be learned, but not counts."""
    if not is_word(given, "auto"):
        return given
    return "none" if loss == "poisson" else "standard"


def _kind(rule: Any) -> Any:
    """The class of a rule; None where there is none of that name, which the configuration refuses."""
    return OPTIMIZERS.get(rule) if isinstance(rule, str) else None
