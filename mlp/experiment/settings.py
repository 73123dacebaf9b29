"""The settings of an experiment as numbers, so that whoever judges a history can name the one to change.

One column of the history, "settings", with one record: a detector that reads "the momentum was 0.999" needs no
configuration, and a history typed by hand may say so too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from math import nan
from typing import Any

import numpy as np

from mlp.experiment.config import Config
from mlp.optimizers import OPTIMIZERS

USUAL_RATES: Mapping[str, float] = {
    "sgd": 0.1,
    "averaged_sgd": 0.1,
    "momentum": 0.02,
    "nesterov": 0.02,
    "qhm": 0.3,
    "aggmo": 0.01,
    "sign_sgd": 0.003,
    "signum": 0.001,
    "lion": 0.002,
    "adagrad": 0.02,
    "adadelta": 1.0,
    "rmsprop": 0.003,
    "centered_rmsprop": 0.001,
    "adam": 0.005,
    "adamw": 0.005,
    "amsgrad": 0.005,
    "adamax": 0.02,
    "nadam": 0.005,
    "radam": 0.01,
    "adabelief": 0.005,
    "yogi": 0.01,
    "adan": 0.01,
    "ademamix": 0.003,
    "adopt": 0.005,
    "qhadam": 0.01,
    "lars": 1.0,
    "lamb": 0.005,
    "muon": 0.005,
    "shampoo": 0.1,
    "soap": 0.005,
    "adahessian": 0.05,
    "sophia": 0.002,
    "polyak": 1.0,
    "dog": 1.0,
    "dadapt_adam": 1.0,
    "prodigy": 1.0,
    "schedule_free_sgd": 0.5,
    "schedule_free_adamw": 0.01,
    "bold_driver": 0.1,
    "delta_bar_delta": 0.05,
    "rprop": 0.1,
    "rprop_minus": 0.1,
    "irprop_plus": 0.1,
    "irprop_minus": 0.1,
    "quickprop": 0.1,
}
"""A learning rate of each rule that suits inputs of deviation 1 and weights that start as they should.

About a third of the rate that brings the training loss of digits lowest in 8 epochs (32 rectifiers, batches of 32), as
what is best for one network is too high for another; rules that find their own rate have the 1 of their papers.
"""


def settings(config: Config, n_train: int, steps_per_epoch: int) -> dict[str, float]:
    """What was chosen, by name; settings that are off are 0."""
    network, optimizer, training, loss = config.network, config.optimizer, config.training, config.loss
    own: Mapping[str, Any] = optimizer.own
    rates = network.dropout if isinstance(network.dropout, list) else [network.dropout]
    numbers = {
        "planned_steps": steps_per_epoch * training.epochs,
        "epochs": training.epochs,
        "batch_size": n_train if training.batch_size == "full" else training.batch_size,
        "rows": n_train,
        "shuffle": training.shuffle,
        "learning_rate": own.get("learning_rate", 0.0),
        "usual_rate": USUAL_RATES.get(optimizer.name, 0.0),
        "momentum": own.get("momentum", own.get("beta1", 0.0)),
        "usual_momentum": max(0.9, _default(optimizer.name, "momentum"), _default(optimizer.name, "beta1")),
        "beta2": own.get("beta2", 0.0),
        "epsilon": own.get("epsilon", 0.0),
        "weight_decay": own.get("weight_decay", 0.0),
        "clip_norm": optimizer.clip_norm,
        "clip_value": optimizer.clip_value,
        "l1": loss.l1,
        "l2": loss.l2,
        "dropout": max(rates, default=0.0),
        "input_dropout": network.input_dropout,
        "input_noise": network.input_noise,
        "max_norm": network.max_norm,
        "bias": network.bias,
        "hidden_layers": len(network.hidden),
        "narrowest": min(network.hidden, default=0),
        "linear": _is_linear(config),
        "frozen": len(network.frozen),
        "automatic_init": network.init == "auto",
        "batch_norm": network.batch_norm,
        "residual": network.residual,
        "early_stopping": training.early_stopping is not False,
        "scaled": config.data.scale != "none",
        "balanced": config.data.class_weight == "balanced",
    }
    return {name: float(value) for name, value in numbers.items()}


def _is_linear(config: Config) -> bool:
    """Whether all hidden layers together are one weighted sum."""
    given = config.network.activation
    names = given if isinstance(given, list) else [given]
    return bool(config.network.hidden) and all(name == "identity" for name in names)


def _default(rule: str, name: str) -> float:
    """What a rule takes for a hyperparameter if nothing is said; 0 for one that it has not."""
    kind: Any = OPTIMIZERS[rule]
    found = next((f.default for f in fields(kind) if f.name == name), 0.0)
    return float(found) if isinstance(found, int | float) else 0.0


def mean_rate(rule: Any, steps: int) -> float:
    """The mean learning rate over so many steps; NaN for rules without one and schedules that watch the loss."""
    while hasattr(rule, "rule"):
        rule = rule.rule
    rate: Any = getattr(rule, "learning_rate", nan)
    if not hasattr(rate, "rate"):
        return float(np.mean(rate))
    if rate.init() is not None:
        return nan
    moments = np.linspace(0, steps - 1, min(steps, 100)).astype(int)
    return float(np.mean([rate.rate(int(t), 0.0, None) for t in moments]))
