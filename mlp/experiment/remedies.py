"""Remedies: what to change in an experiment for each cause that a setting can mend.

One row for each cause, by the names of the diagnosis: a function of the configuration and of what was recorded, to the
keys that change. Where one change alone cannot work they come together: a deep network of sigmoids needs other
activations *and* first weights that suit them. Causes without a row are faults of the data or of code, which no setting
mends. Nothing here is trained or tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from math import ceil, isfinite
from typing import Any

import numpy as np

from mlp.config import Config, parse, to_toml
from mlp.config.optimizer import USUAL_RATES
from mlp.diagnosis.reading import Reading
from mlp.history import History
from mlp.optimizers import OPTIMIZERS

Changes = Mapping[str, Mapping[str, Any]]
"""Keys by section: {"optimizer": {"learning_rate": 0.1}}. None takes a key away."""

Remedy = Callable[[Config, Reading], Changes]

STEPS = 1500
"""Steps that a small network needs at most at a usual rate, twice what the baseline has."""


def changes(name: str, config: Config, history: History) -> Changes | None:
    """What to change for the cause `name`; None where no setting mends it, or all of it is so already.

    >>> changes("frozen_layer", parse({"network": {"frozen": ["dense1"]}}), History({}))
    {'network': {'frozen': []}}
    """
    return next(alternatives(name, config, history), None)


def alternatives(name: str, config: Config, history: History) -> Iterator[Changes]:
    """The remedy for the cause `name`, and then those that go further, if there are any: trials choose among them."""
    if name not in REMEDIES or config.data.task not in (ONLY_FOR.get(name, config.data.task), "auto"):
        return
    for remedy in (REMEDIES[name], *FURTHER.get(name, ())):
        made = _new(config, remedy(config, Reading(history)))
        if made:
            yield made


def _new(config: Config, made: Changes) -> Changes:
    """Without what is so already."""
    given = config.to_dict()
    found = {
        section: {key: value for key, value in keys.items() if given[section].get(key) != value}
        for section, keys in made.items()
    }
    return {section: keys for section, keys in found.items() if keys}


def changed(config: Config, made: Changes) -> Config:
    """The configuration with `made` applied."""
    given = config.to_dict()
    for section, keys in made.items():
        merged = given[section] | dict(keys)
        given[section] = {key: value for key, value in merged.items() if value is not None}
    return parse(given)


def together(first: Changes, second: Changes) -> Changes:
    """Both; where they change the same key, `first` counts: it is for the likelier cause."""
    return {name: {**second.get(name, {}), **first.get(name, {})} for name in {**first, **second}}


def described(config: Config, made: Changes) -> Iterator[str]:
    """Each change as people read it: "optimizer.learning_rate 25.0 → 0.1"."""
    given = config.to_dict()
    for section, keys in made.items():
        for key, value in keys.items():
            before = _shown(given[section].get(key))
            yield f"{section}.{key} {before} → {_shown(value)}" if value is not None else f"{section}.{key} left out"


def _shown(value: Any) -> str:
    """A value as an experiment file has it."""
    return "not given" if value is None else to_toml({"x": {"x": value}}).split(" = ", 1)[1].strip()


def _own(config: Config, key: str) -> Any:
    """A key of the rule: as given, or its default; None where the rule has no such key."""
    rule: Any = OPTIMIZERS[config.optimizer.name]  # its fields are those of a dataclass
    defaults = {field.name: field.default for field in fields(rule)}
    return config.optimizer.own.get(key, defaults.get(key))


def _always(**sections: Mapping[str, Any]) -> Remedy:
    """The same keys for every run."""
    return lambda config, reading: sections


def _lower_rate(config: Config, reading: Reading) -> Changes:
    """The usual rate of the rule; a tenth, where the rate is no higher than that."""
    rate, usual = _rates(config)
    return {"optimizer": {"learning_rate": usual if rate > 1.5 * usual else float(f"{rate / 10:.3g}")}}


def _higher_rate(config: Config, reading: Reading) -> Changes:
    """The usual rate, or three times what is as high already; and no schedule that takes it away again."""
    rate, usual = _rates(config)
    unscheduled = {} if config.optimizer.schedule == "constant" else {"schedule": "constant"}
    higher = usual if rate < usual else rate if unscheduled else 3 * rate
    return {"optimizer": {"learning_rate": float(f"{higher:.3g}"), **unscheduled}}


def _times(factor: float, remedy: Remedy) -> Remedy:
    """The remedy with its learning rate times a factor."""

    def further(config: Config, reading: Reading) -> Changes:
        made = remedy(config, reading)
        rate = made["optimizer"]["learning_rate"] * factor
        return {**made, "optimizer": {**made["optimizer"], "learning_rate": float(f"{rate:.3g}")}}

    return further


def _rates(config: Config) -> tuple[float, float]:
    """The rate that is, and the one that is usual for the rule."""
    rate = float(_own(config, "learning_rate") or 0.0)
    return rate, USUAL_RATES.get(config.optimizer.name, rate)


def _no_higher_rate(config: Config) -> dict[str, float]:
    """The usual rate, if the rate is higher."""
    rate, usual = _rates(config)
    return {"learning_rate": usual} if rate > usual else {}


def _less_momentum(config: Config, reading: Reading) -> Changes:
    """0.9, under whichever name the rule has it; a step then goes on for 10 more, and the usual rates suit that."""
    key = "momentum" if _own(config, "momentum") is not None else "beta1"
    if _own(config, key) is None:
        return {}
    return {"optimizer": {key: 0.9, **_no_higher_rate(config)}}


def _small_epsilon(config: Config, reading: Reading) -> Changes:
    """1e-8 as in the paper on Adam, and a rate that is not below the usual: it was chosen for another epsilon."""
    if _own(config, "epsilon") is None:
        return {}
    rate, usual = _rates(config)
    return {"optimizer": {"epsilon": 1e-8, "learning_rate": min(max(rate, usual / 3), usual)}}


def _usual_epsilon(config: Config, reading: Reading) -> Changes:
    """The same, at the usual rate."""
    made = _small_epsilon(config, reading)
    return {"optimizer": {**made["optimizer"], "learning_rate": _rates(config)[1]}} if made else {}


def _less_decay(config: Config, reading: Reading) -> Changes:
    """No penalty on the loss, no ball; AdamW's own decay, which is times the rate, no more than its default of 0.01."""
    decay = _own(config, "weight_decay")
    own = {} if decay is None else {"weight_decay": min(float(decay), 0.01)}
    return {"loss": {"l1": 0.0, "l2": 0.0}, "network": {"max_norm": 0.0}, "optimizer": own}


def _quieter(most: float) -> Remedy:
    """Noise no higher than that, wherever it is."""

    def remedy(config: Config, reading: Reading) -> Changes:
        given = config.to_dict()["network"]
        keys = ("dropout", "input_dropout", "input_noise")
        return {"network": {key: most for key in keys if max(np.ravel(given[key]), default=0.0) > most}}

    return remedy


def _living_units(config: Config, reading: Reading) -> Changes:
    """Units that have a slope everywhere, a start that keeps them on, and no step long enough to throw them off."""
    return {
        "network": {"activation": "leaky_relu", "init": "auto", "bias": 0.0},
        "optimizer": _no_higher_rate(config),
    }


def _even_classes(config: Config, reading: Reading) -> Changes:
    """Classes that weigh the same, and some l2: a few rows with a large weight are learned by heart otherwise."""
    return {"data": {"class_weight": "balanced"}, "loss": {"l2": max(config.loss.l2, 1e-3)}}


def _matching_end(config: Config, reading: Reading) -> Changes:
    """Output and loss by the task; keys of the loss that was there are taken away with it."""
    return {"network": {"output": "auto"}, "loss": {"name": "auto", **dict.fromkeys(config.loss.own)}}


def _wider(config: Config, reading: Reading) -> Changes:
    """One layer of 64, as the baseline has: enough for every table of a few dozen columns that we know."""
    network = config.network
    one = {
        key: value[0] if value else default
        for key, value, default in (("activation", network.activation, "relu"), ("dropout", network.dropout, 0.0))
        if isinstance(value, list)
    }
    return {"network": {"hidden": [64], **one, **({"frozen": []} if network.frozen else {})}}


def _batches_of_32(config: Config, reading: Reading) -> Changes:
    """32 rows a step, and as many epochs as that needs; a rate no higher than usual."""
    epochs = _epochs_for(STEPS, config, reading, 32)
    return {"training": {"batch_size": 32, "epochs": epochs}, "optimizer": _no_higher_rate(config)}


def _longer(config: Config, reading: Reading) -> Changes:
    """Three times as long, and at least `STEPS` steps."""
    rows = reading.setting("rows")
    size = config.training.rows_per_batch(int(rows)) if isfinite(rows) else rows
    epochs = _epochs_for(STEPS, config, reading, size)
    return {"training": {"epochs": max(epochs, 3 * config.training.epochs)}}


def _epochs_for(steps: int, config: Config, reading: Reading, size: float) -> int:
    """As many epochs as that many steps are, and no fewer than there were."""
    rows, epochs = reading.setting("rows"), config.training.epochs
    return max(epochs, ceil(steps / ceil(rows / size))) if isfinite(rows) else epochs


STOPPING = {"training": {"early_stopping": {"patience": 5}}}
HELD_BACK: Changes = {"loss": {"l2": 1e-3}, "network": {"dropout": 0.2}, **STOPPING}
RECTIFIED = {"network": {"activation": "relu", "init": "auto", "bias": 0.0}}
FRESH = {"network": {"init": "auto", "bias": 0.0}}

REMEDIES: dict[str, Remedy] = {
    "learning_rate_too_high": _lower_rate,
    "learning_rate_too_low": _higher_rate,
    "momentum_too_high": _less_momentum,
    "initialization_too_small": _always(**FRESH),
    "initialization_too_large": _always(**FRESH),
    "constant_initialization": _always(**FRESH),
    "negative_bias": _always(network={"bias": 0.0}),
    "saturating_activations": _always(**RECTIFIED),
    "dead_relu": _living_units,
    "unscaled_inputs": _always(data={"scale": "standard"}),
    "unscaled_targets": _always(data={"scale_target": "standard"}),
    "noisy_labels": _always(**STOPPING),
    "class_imbalance": _even_classes,
    "loss_output_mismatch": _matching_end,
    "weight_decay_too_high": _less_decay,
    "dropout_too_high": _quieter(0.1),
    "batch_too_small": _batches_of_32,
    "batch_too_large": _batches_of_32,
    "too_few_epochs": _longer,
    "too_little_capacity": _wider,
    "too_little_regularization": _always(**HELD_BACK),
    "missing_nonlinearity": _always(**RECTIFIED),
    "clipping_too_low": _always(optimizer={"clip_norm": 0.0, "clip_value": 0.0}),
    "unshuffled_batches": _always(training={"shuffle": True}),
    "frozen_layer": _always(network={"frozen": []}),
    "epsilon_too_large": _small_epsilon,
    "saddle_point": _always(**FRESH),
    "local_minimum": _wider,
    "flat_region": _always(**RECTIFIED),
}
"""By cause."""

FURTHER: dict[str, tuple[Remedy, ...]] = {
    "learning_rate_too_high": (_times(0.2, _lower_rate),),
    "learning_rate_too_low": (_times(5, _higher_rate),),
    "dropout_too_high": (_quieter(0.0),),
    "epsilon_too_large": (_usual_epsilon,),
}
"""By cause: what else may be tried, where rows and networks differ in what suits them."""

ONLY_FOR = {"unscaled_targets": "regression", "class_imbalance": "classification"}
"""By cause: the task that its remedy is for."""
