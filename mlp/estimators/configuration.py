"""The parameters of an estimator, and the experiment that they describe.

An estimator stores its parameters untouched, as scikit-learn's `BaseEstimator` does, so that `clone`, pipelines and
searches work. An experiment has the same names for the same things. A parameter with a value keeps it. What "auto"
stands for is decided here: how long an estimator trains, how fast, and with how much regularization. The values were
chosen on digits, wine, breast cancer and iris (`benchmarks/estimators.py`): scores on these say little of other data.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import fields
from functools import wraps
from inspect import signature
from math import ceil
from typing import Any, TypeVar

import numpy as np

from mlp import errors
from mlp.config import naming_place, parse
from mlp.config.loss import gives_probabilities, resolve_loss_name
from mlp.config.names_elsewhere import find_parameter
from mlp.config.optimizer import adam_rate, planned_lengths
from mlp.config.own_parts import LOSS, RULE, Family, name_and_keys
from mlp.config.schema import OwnName
from mlp.config.training import TrainingConfig
from mlp.data import ColumnRules
from mlp.data.encoding import Policy
from mlp.errors import ConfigError, HyperparameterError, MLPError
from mlp.estimators.defaults import Facts
from mlp.optimizers import OPTIMIZERS


class UnknownParameterError(MLPError, TypeError):
    """A parameter that an estimator does not have; a TypeError, as Python raises it."""


class Parameters:
    """What an estimator was constructed with: read, set and shown by name."""

    @classmethod
    def _names(cls) -> list[str]:
        return sorted(name for name in signature(cls.__init__).parameters if name != "self")

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name. `deep` is for scikit-learn only: no parameter is an estimator."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Any:
        """Set parameters by name. They are checked when it is fitted. Returns itself."""
        known = self._names()
        for name in params:
            if name not in known:
                raise HyperparameterError(
                    "parameter", name, f"one of {', '.join(known)}{_in_brackets(_hint(name, known))}"
                )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """The call that makes it, without parameters that have their defaults."""
        defaults = {name: p.default for name, p in signature(type(self).__init__).parameters.items()}
        own = {name: value for name, value in self.get_params().items() if not _is_equal(value, defaults[name])}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in own.items())})"


def _hint(name: str, known: list[str]) -> str:
    """The parameter that is meant by a name, also by what other libraries call it."""
    meant = find_parameter(name)
    if meant not in known:
        meant = next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.5)), None)
    return f"Did you mean {meant!r}? " if meant else ""


def _in_brackets(hint: str) -> str:
    """The hint as a part of a sentence."""
    return f" (d{hint.strip()[1:]})" if hint else ""


K = TypeVar("K", bound=type["Parameters"])


def explain_names(kind: K) -> K:
    """The class, whose constructor says what is meant by a parameter that it does not have."""
    construct = kind.__init__
    known = kind._names()

    @wraps(construct)
    def explain(self: Any, *args: Any, **parameters: Any) -> None:
        for name in parameters:
            if name not in known:
                said = f"{kind.__name__} has no parameter {name!r}. {_hint(name, known)}"
                raise UnknownParameterError(f"{said}It has {', '.join(known)}.")
        construct(self, *args, **parameters)

    kind.__init__ = explain  # type: ignore[method-assign]
    return kind


def _is_equal(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and not isinstance(a, np.ndarray) and bool(a == b))


P = TypeVar("P", bound=Parameters)


def clone(estimator: P) -> P:
    """A new estimator with the same parameters, not fitted. scikit-learn's `clone` does the same."""
    return type(estimator)(**{name: deepcopy(value) for name, value in estimator.get_params().items()})


# from parameters to an experiment


LENGTHS = {"classification": (30, 200), "multilabel": (30, 200), "regression": (40, 600)}
"""How long a training is, by task: epochs, and the least number of steps, for which there may be more epochs.

Thirty epochs of a small table are some dozen steps: too few for the network to learn anything. Numbers take longer than
classes: r² on a sine of two periods is 0.47 after 150 steps and 0.69 after 600. Twice as many epochs for classes give
letter 0.960 in place of 0.957 and heart 0.823 in place of 0.813, in twice the time.
"""
RATES = (0.01, 0.02)
"""Adam's lowest and highest learning rate at the start of a cosine, whose mean is half of that.

`adam_rate` is for a constant rate, which has to be low at the end of a long run. A cosine ends at 0 by itself: letter,
12,800 rows, has an accuracy of 0.91 with a start at 0.002, and 0.95 at 0.01.
"""
PORTION_RATE = 0.001
"""Adam's learning rate in `partial_fit`, which does not know how long it will train: the one of the paper."""


def describe_experiment(e: Any, facts: Facts, seed: int, *, validates: bool, dtype: np.dtype[Any]) -> dict[str, Any]:
    """The experiment that the parameters of estimator `e` describe, for rows with those facts.

    `dtype`: what dtype="auto" stands for. `validates`: rows to validate on were given, so that none are held out.
    """
    _check(e)
    task, held_out = facts.task, share_held_out(e, validates)
    steps_per_epoch = _steps_per_epoch(e.batch_size, facts.n_rows)
    training = {**_describe_training(e, task, steps_per_epoch, seed), "dtype": _dtype(_or_auto(e.dtype, dtype))}
    loss, optimizer = _describe_loss(e, facts), _describe_optimizer(e, training["epochs"], steps_per_epoch)
    l2 = _or_auto(e.l2, 0.0 if _searches(optimizer["name"]) else facts.l2)
    return {
        "data": {"task": task, "validation": held_out, "test": 0.0, **_describe_data(e)},
        "network": _describe_network(e),
        "loss": {"l1": e.l1, "l2": l2, **loss},
        "optimizer": optimizer,
        "training": training,
        "record": {"baseline": "never"},
    }


def share_held_out(e: Any, validates: bool) -> float:
    """Which share of the rows estimator `e` holds out to validate on, where none were given for that."""
    needed = "True, False, or a dict with a patience"
    errors.check_kind("early_stopping", e.early_stopping, bool | np.bool_ | Mapping, needed)
    errors.check_fraction("validation_fraction", e.validation_fraction)
    return 0.0 if validates or not e.early_stopping else float(e.validation_fraction)


def _check(e: Any) -> None:
    """Refuse wrong values of the parameters that are no keys of an experiment, or are not used in this one."""
    errors.check_count("patience", e.patience)
    errors.check_not_negative("min_delta", e.min_delta)
    if not isinstance(e.verbose, bool | np.bool_ | int | np.integer) or e.verbose < 0:
        raise errors.HyperparameterError("verbose", e.verbose, "True or False, or a whole number, 0 or more")


def describe_columns(e: Any) -> ColumnRules:
    """What the parameters of estimator `e` say of the columns of a frame, and of cells that say nothing."""
    for name, known in (("missing", ("refuse", "impute", "drop")), ("unseen", ("refuse", "ignore"))):
        if not any(is_word(getattr(e, name), word) for word in known):
            raise HyperparameterError(name, getattr(e, name), f"one of {', '.join(known)}")
    if not isinstance(e.categorical, list | tuple) or not all(isinstance(name, str) for name in e.categorical):
        raise HyperparameterError("categorical", e.categorical, "a list of the names of columns")
    return ColumnRules(categorical=e.categorical, policy=Policy(e.missing, e.unseen))


def describe_portion(e: Any, config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The configuration for one of many calls, each with a portion of the rows: one epoch, and nothing planned."""
    if config["training"]["early_stopping"]:
        raise ConfigError("partial_fit goes through rows once: early_stopping has nothing to stop. Set it to False.")
    schedule = _or_auto(e.schedule, "constant")
    optimizer, own = {**config["optimizer"], "schedule": schedule}, _named(e.optimizer, RULE)
    if is_word(e.learning_rate, "auto") and own["name"] in ("adam", "adamw") and "learning_rate" not in own:
        optimizer["learning_rate"] = PORTION_RATE
    found = {**config, "optimizer": optimizer, "training": {**config["training"], "epochs": 1}}
    given = parse(found, where).optimizer.schedule
    with naming_place(where):
        planned = planned_lengths(given)
    if planned:
        raise ConfigError(
            f"partial_fit does not know how many calls will follow, and schedule = {schedule!r} is planned over all of "
            f"them. Give {' and '.join(planned)}, in steps over all calls, as in {{'name': 'cosine', 'steps': 1000}}, "
            "or 'constant'."
        )
    return found


def _describe_data(e: Any) -> dict[str, Any]:
    balances = is_word(getattr(e, "class_weight", None), "balanced")
    target = getattr(e, "scale_target", "auto")
    cells = {"missing": e.missing, "unseen": e.unseen}
    return {**cells, "scale": e.scale, "scale_target": target, "class_weight": "balanced" if balances else "none"}


def _describe_network(e: Any) -> dict[str, Any]:
    hidden = [e.hidden] if isinstance(e.hidden, int | np.integer) else e.hidden
    names = ("activation", "output", "init", "dropout", "batch_norm", "residual")
    return {"hidden": hidden, **{name: getattr(e, name) for name in names}}


def _describe_training(e: Any, task: str, steps_per_epoch: int, seed: int) -> dict[str, Any]:
    names = ("batch_size", "shuffle", "restarts")
    stops = {"patience": e.patience, "min_delta": e.min_delta} if e.early_stopping is True else e.early_stopping
    own = {"epochs": _or_auto(e.epochs, _least_epochs(task, steps_per_epoch)), "early_stopping": stops}
    return {"seed": seed, **own, **{name: getattr(e, name) for name in names}}


def _describe_loss(e: Any, facts: Facts) -> dict[str, Any]:
    if is_word(e.loss, "auto") and facts.task != "regression" and not is_word(e.output, "identity"):
        return {"name": "cross_entropy", "label_smoothing": facts.smoothing}
    return _named(e.loss, LOSS)


def promises_probabilities(e: Any) -> bool:
    """Whether classifier `e` will give probabilities once it is fitted; True for a loss that fitting refuses."""
    try:
        name = _describe_loss(e, Facts("classification", 1, 1, 1))["name"]
    except MLPError:
        return True
    if not isinstance(name, str):
        return True
    return gives_probabilities(resolve_loss_name(name, e.output, "classification"), e.output)


def _describe_optimizer(e: Any, n_epochs: Any, steps_per_epoch: int) -> dict[str, Any]:
    found = _named(e.optimizer, RULE)
    usual: dict[str, Any] = {}
    if e.learning_rate is not None and not is_word(e.learning_rate, "auto"):
        found["learning_rate"] = e.learning_rate
    elif is_word(e.schedule, "auto"):
        usual = _usual_rate(found["name"], n_epochs, steps_per_epoch)
    return {
        "schedule": _or_auto(e.schedule, _usual_schedule(found["name"])),
        "clip_norm": e.clip_norm,
        **usual,
        **found,
    }


def _dtype(given: Any) -> Any:
    """The name of a dtype, also where one of NumPy's types was given."""
    try:
        return np.dtype(given).name if isinstance(given, type | np.dtype) else given
    except TypeError:
        return given


def _named(given: Any, family: Family) -> dict[str, Any]:
    """A table with a name and keys, for a name, such a table, or an object: the library's or one's own."""
    what = family.what
    if isinstance(given, Mapping):
        if "name" not in given:
            raise ConfigError(f"{what} = {dict(given)!r} has no name. Give {{'name': ..., key: value}}.")
        return {**name_and_keys(given["name"], family), **{k: v for k, v in given.items() if k != "name"}}
    is_other = isinstance(given, type) and not family.has(given)
    if is_other or isinstance(given, np.ndarray):  # no name can be compared with an array
        raise HyperparameterError(what, given, "a name, a dict with a name, or an object, as mlp.SGD(0.1) is")
    return name_and_keys(given, family)


def draw_seed(random_state: Any) -> int:
    """The seed of this training: an int itself, a number drawn from a NumPy generator, or a fresh seed for None."""
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
    """Whether `given` is that word. `==` alone would compare arrays element by element."""
    return isinstance(given, str) and given == word


def _or_auto(given: Any, auto: Any) -> Any:
    """`auto` where that word was given, and what was given otherwise."""
    return auto if is_word(given, "auto") else given


def _least_epochs(task: str, steps_per_epoch: int) -> int:
    """How many times to go through the rows."""
    least, steps = LENGTHS[task]
    return max(least, ceil(steps / steps_per_epoch))


def _steps_per_epoch(batch_size: Any, n_train: int) -> int:
    """Steps in an epoch; 1 where the batch size is wrong, which the configuration refuses."""
    is_size = is_word(batch_size, "full") or (isinstance(batch_size, int | np.integer) and batch_size >= 1)
    return TrainingConfig(batch_size=batch_size).steps_per_epoch(n_train) if is_size else 1


def _usual_rate(rule: Any, n_epochs: Any, steps_per_epoch: int) -> dict[str, Any]:
    """The learning rate of a run with a cosine, where it is another than the rule's usual one."""
    if rule not in ("adam", "adamw") or not isinstance(n_epochs, int | np.integer) or n_epochs < 1:
        return {}
    lowest, highest = RATES
    return {"learning_rate": max(lowest, adam_rate(int(n_epochs) * steps_per_epoch, highest))}


def _usual_schedule(rule: Any) -> str:
    """A cosine, but a constant rate for rules that compare one step with the next or need no schedule."""
    kind = _find_rule(rule)
    fits = kind is not None and not (kind.full_batch or kind.single_network or rule.startswith("schedule_free"))
    return "cosine" if fits and any(f.name == "learning_rate" for f in fields(kind)) else "constant"


def _searches(rule: Any) -> bool:
    """Whether a rule searches by itself. It has no penalty then, because some of these cannot have any."""
    kind = _find_rule(rule)
    return kind is not None and bool(kind.single_network)


def _find_rule(name: Any) -> Any:
    """The class of a rule; None where there is none of that name, which the configuration refuses."""
    if isinstance(name, OwnName):
        return name.part
    return OPTIMIZERS.get(name) if isinstance(name, str) else None
