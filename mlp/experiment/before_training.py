"""What is known before the first step, noted in the history.

These are facts about the rows, the settings as numbers, the first weights, and one dry pass forward and backward. Each
is a column with one record, so that detectors read nothing but a history. Nothing is trained or changed, and no
generator of the run is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from itertools import islice
from math import nan
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.backprop import value_and_grad
from mlp.config import Config
from mlp.config.network import activation_names
from mlp.config.optimizer import find_rule, usual_rate
from mlp.data.batches import Batch, as_batch
from mlp.experiment.setup import Setup
from mlp.experiment.state import State
from mlp.history import History
from mlp.instruments import CHECKS, DETAILED, START
from mlp.instruments.targets_met import best_constant_loss
from mlp.losses import Loss, SigmoidCrossEntropy
from mlp.model import OutputHead, quiet
from mlp.network import Network, Workspace
from mlp.objective import Objective
from mlp.preprocessing.data_facts import data_facts
from mlp.preprocessing.leaks import leak_facts
from mlp.preprocessing.preprocessing import BLOCK
from mlp.training import Step

LARGE = 1e300
DRY = 512  # rows of the dry pass: enough for a number of each layer, and cheap compared with an epoch
SCAN = 5 * BLOCK  # rows in which constant columns and contradictions are looked for


def note_before_training(setup: Setup, state: State) -> None:
    """Note what is known before the first step. For a network that was trained before, only the settings are new."""
    if "settings" not in state.history:
        _note_facts(setup, state)
    note_settings(setup, state)


def _note_facts(setup: Setup, state: State) -> None:
    """Facts about the rows, the loss of the best constant answer, the first weights and the dry pass.

    Row weights count in the loss, and so in the loss of a constant answer. In means, deviations and counts of rows only
    the weights of samples count, not those of classes.
    """
    part, head, history, dtype = setup.prepared.train, setup.head, state.history, setup.dtype
    X = scanned_rows(setup)
    y, weights = part.y[: len(X)], None if setup.row_weights is None else setup.row_weights[: len(X)]
    counts = None if part.weights is None else part.weights[: len(X)] / part.weights[: len(X)].mean()
    with quiet():
        note_once(history, "scanned_rows", len(X))
        target = head.encode(y, np.float64)
        for fact in data_facts(X, y, target, setup.prepared.preprocessing, counts):
            note_once(history, *fact)
        for fact in leak_facts(setup.prepared, X):
            note_once(history, *fact)
        note_once(history, "reference_loss", reference_loss(head, target, weights))
        if not head.takes_labels and not isinstance(head.loss, SigmoidCrossEntropy) and y.dtype.kind in "iu":
            note_once(history, "classes_as_numbers", 1.0)
        some = None if weights is None else weights[:DRY]
        note_once(history, "dry_rows", len(X[:DRY]))
        batch = as_batch(X[:DRY], head.encode(y[:DRY], dtype), some, dtype=dtype)
        note_dry_pass(history, state.network, head.loss, batch)


def scanned_rows(setup: Setup) -> Array:
    """The first training rows, scaled, that are looked through."""
    return np.concatenate(list(islice(setup.prepared.train.blocks(setup.dtype), SCAN // BLOCK)))


def note_once(history: History, name: str, value: Any, labels: Sequence[str] = ()) -> None:
    """Note a column with one record at step 0, in the place of an earlier one."""
    numbers = np.asarray(value, float)
    if not numbers.size:
        return
    column = history.column(name, numbers.shape, "", tuple(labels))
    column.shape, column.labels, column.shared = numbers.shape, tuple(labels), True
    del column.values[:], column.steps[:]
    column.values.extend(numbers.ravel().tolist())
    column.steps.append(0)


def reference_loss(head: OutputHead, target: Array, weights: Array | None = None) -> float:
    """The loss of a network that ignores its inputs, for targets (n,) or (n, n_out) as the head encodes them."""
    return best_constant_loss(head.loss, target.T, head.n_out, weights)


def note_dry_pass(history: History, network: Network, loss: Loss, batch: Batch) -> None:
    """Note the first loss, and for each layer the gradient, gain, activations, saturated and dead units."""
    own = network.member(0) if network.population else network
    first = own.at(own.params)  # statistics and generator of the run stay as they are
    first.rng = np.random.default_rng(0)
    workspace = Workspace(first, batch.x.n_samples)
    value = value_and_grad(first, loss, batch, workspace)
    step = Step(0, 0, batch, value, first, workspace, np.zeros_like(first.params), None, Objective(first, loss))
    note_once(history, "initial_loss", value)
    for instrument in (*START, *CHECKS):
        labels = instrument.labels(step) if instrument.labels else ()
        if (labels or not instrument.labels) and (found := instrument.read(step)) is not None:
            note_once(history, instrument.name, found, labels)
    for instrument in DETAILED:
        labels = instrument.labels(step) if instrument.labels else ()
        if labels and instrument.measure and instrument.period and not instrument.name.startswith("update"):
            note_once(history, f"initial_{instrument.name}", instrument.read(step), labels)


# settings


def note_settings(setup: Setup, state: State) -> None:
    """Note the settings as numbers by name: one column, with 0 for settings that are off.

    A detector that reads "the momentum was 0.999" then needs no configuration, and a history that was typed by hand can
    say so too. Steps and epochs are counted over all trainings of the network.
    """
    numbers = _number_settings(setup)
    note_once(state.history, "settings", [float(value) for value in numbers.values()], list(numbers))
    if setup.head.task == "classification":
        asked, names = setup.prepared.validation or setup.scored, setup.prepared.preprocessing.class_names or ()
        note_once(
            state.history, "recall_rows", np.bincount(asked.y, minlength=setup.prepared.preprocessing.n_targets), names
        )


def _number_settings(setup: Setup) -> dict[str, float]:
    """The settings as numbers, by name."""
    config, n_train, validation = setup.config, len(setup.prepared.train), setup.prepared.validation
    network, optimizer, training = config.network, config.optimizer, config.training
    own: Mapping[str, Any] = optimizer.own
    rates = network.dropout if isinstance(network.dropout, list) else [network.dropout]
    return {
        "planned_steps": setup.n_steps,
        "epochs": setup.past.epochs + training.epochs,
        "batch_size": training.rows_per_batch(n_train),
        "rows": n_train,
        "inputs": setup.prepared.preprocessing.n_in,
        "shuffle": training.shuffle,
        "learning_rate": own.get("learning_rate", 0.0),
        "usual_rate": usual_rate(optimizer.name) or 0.0,
        "momentum": own.get("momentum", own.get("beta1", 0.0)),
        "usual_momentum": max(0.9, _default(optimizer.name, "momentum"), _default(optimizer.name, "beta1")),
        **{name: own.get(name, 0.0) for name in ("beta2", "epsilon", "weight_decay")},
        **{name: getattr(optimizer, name) for name in ("clip_norm", "clip_value")},
        **{name: getattr(config.loss, name) for name in ("l1", "l2")},
        "dropout": max(rates, default=0.0),
        **{name: getattr(network, name) for name in ("input_dropout", "input_noise", "max_norm")},
        "bias": 0.0 if network.bias == "none" else network.bias,
        "without_bias": network.bias == "none",
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
        "mean_rate": mean_rate(setup.rule, setup.n_steps),
        "train_scored": len(setup.scored),
        "validation_scored": 0 if validation is None else len(validation),
    }


def _is_linear(config: Config) -> bool:
    """Whether all hidden layers together are one weighted sum."""
    return bool(config.network.hidden) and all(name == "identity" for name in activation_names(config.network))


def _default(rule: str, name: str) -> float:
    """The default of a rule's hyperparameter; 0 for one that it does not have."""
    found = next((f.default for f in fields(find_rule(rule)) if f.name == name), 0.0)
    return float(found) if isinstance(found, int | float) else 0.0


def mean_rate(rule: Any, steps: int) -> float:
    """The mean learning rate over so many steps; NaN for rules without one, and for schedules that watch the loss."""
    while hasattr(rule, "rule"):
        rule = rule.rule
    rate: Any = getattr(rule, "learning_rate", nan)
    if not hasattr(rate, "rate"):
        return float(np.mean(rate))
    if rate.init() is not None:
        return nan
    moments = np.linspace(0, steps - 1, min(steps, 100)).astype(int)
    rates = np.array([rate.rate(int(t), 0.0, None) for t in moments])
    unit = max(float(np.abs(rates).max(initial=0)) / LARGE, 1.0)  # the sum of a hundred rates of 1e307 is no number
    return float(np.mean(rates / unit)) * unit
