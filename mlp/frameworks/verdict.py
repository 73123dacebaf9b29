"""From what was recorded of a foreign loop to findings: settings, facts about rows, a baseline, and remedies in words.

The detectors and causes are those of every run. What a remedy is called where the network lives stands here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis import DETECTORS, Cause, Detector, Finding, diagnose
from mlp.diagnosis.causes import CAUSES
from mlp.diagnosis.evidence import is_suspicious
from mlp.diagnosis.reading import Reading
from mlp.errors import MLPError
from mlp.experiment.before_training import note_once
from mlp.experiment.state import State, begin
from mlp.experiment.watch import BASELINE_STEPS, note_baseline
from mlp.history import History
from mlp.model import quiet
from mlp.preprocessing.data_facts import data_facts

REMEDIES = {
    "saturating_activations": "nn.ReLU() between the layers, and nn.init.kaiming_normal_ for their weights",
    "dead_relu": "nn.LeakyReLU(), and a lower learning rate",
    "missing_nonlinearity": "nn.ReLU() after every hidden Linear",
    "frozen_layer": "give the optimizer all of them: model.parameters(), and requires_grad = True",
    "loss_output_mismatch": "no activation last: CrossEntropyLoss, BCEWithLogitsLoss and MSELoss take raw outputs",
    "initialization_too_small": "nn.init.kaiming_normal_(layer.weight), or leave the weights as nn.Linear makes them",
    "initialization_too_large": "nn.init.kaiming_normal_(layer.weight), or leave the weights as nn.Linear makes them",
    "constant_initialization": "leave the weights as nn.Linear makes them, or draw them at random",
    "negative_bias": "nn.init.zeros_(layer.bias)",
    "unscaled_inputs": "X = (X - X.mean(0)) / X.std(0), with mean and deviation of the training rows",
    "unscaled_targets": "y = (y - y.mean()) / y.std(), and back again for the answers",
    "weight_decay_too_high": "weight_decay = 1e-4, or 0",
    "too_little_regularization": "stop when the validation loss rises, weight_decay = 1e-3, nn.Dropout(0.2), more rows",
    "class_imbalance": "the loss's weight= or pos_weight=, or a WeightedRandomSampler",
    "unshuffled_batches": "DataLoader(..., shuffle=True)",
    "dropout_too_high": "nn.Dropout(0.1)",
    "epsilon_too_large": "eps = 1e-8",
    "momentum_too_high": "momentum = 0.9",
    "too_little_capacity": "a hidden layer of 64",
    "wrong_gradient": "maximize=False, and torch.autograd.gradcheck for functions of your own",
}
"""Remedies in PyTorch's words, for those that the package tells as keys of an experiment."""


class UnclearedGradients(Detector):
    """A warning where gradients were not set to zero before a backward pass, so that old ones add up."""

    kinds = {"uncleared_gradients": "gradients of earlier steps are still in the new ones"}
    needs = ("uncleared_gradients",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding, where it was so at nearly all of the steps that were looked at."""
        share = float(r["uncleared_gradients"].mean())
        if share > 0.9 and len(r["uncleared_gradients"]) >= 3:
            message = (
                "At every step that was looked at the gradients of the step before were still there when backward "
                "began: each update goes along the sum of all gradients so far."
            )
            why = Cause("uncleared_gradients", "gradients add up from step to step", "optimizer.zero_grad() every step")
            yield self.finding("warning", message, {"share": share}, why)


class BroadcastTargets(Detector):
    """Critical where outputs and targets have different shapes and are spread over one another."""

    kinds = {"broadcast_targets": "every output is compared with the targets of all rows"}
    needs = ("broadcast_targets",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding."""
        message = (
            "Outputs and targets have different shapes, such as (n, 1) and (n,), and the loss spreads them over one "
            "another: every output is compared with the targets of all rows, and the mean is the best answer."
        )
        why = Cause("broadcast_targets", "shapes of outputs and targets differ", "target.unsqueeze(1), or out.squeeze(1)")
        yield self.finding("critical", message, {"broadcast": 1.0}, why)


class RawOutputs(Detector):
    """Critical where a loss takes log-probabilities and is given other numbers."""

    kinds = {"raw_outputs": "the loss takes log-probabilities, and outputs are raw"}
    needs = ("raw_outputs",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding."""
        message = "NLLLoss takes log-probabilities, and the outputs are none: the loss falls below 0 without end."
        why = Cause("loss_output_mismatch", "outputs are no log-probabilities", "nn.LogSoftmax(1) last, or CrossEntropyLoss")
        yield self.finding("critical", message, {"largest_output": r.one("raw_outputs")}, why)


class NoUpdates(Detector):
    """A warning where losses were computed and no step was made, or no gradient ever came."""

    kinds = {"no_updates": "losses are computed, and nothing is updated"}
    needs = ("missing_updates",)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """One finding."""
        message = f"{r.one('missing_updates'):.0f} losses were computed with a gradient, and the optimizer made no step."
        why = Cause("missing_updates", "optimizer.step() was not called", "loss.backward(); optimizer.step()")
        yield self.finding("critical", message, {"losses": r.one("missing_updates")}, why)


OWN: tuple[Detector, ...] = (UnclearedGradients(), BroadcastTargets(), RawOutputs(), NoUpdates())
"""What only loops of others can do wrong."""


def judge_loop(history: History, remedies: Mapping[str, str] = REMEDIES) -> tuple[Finding, ...]:
    """The findings of a recording, with remedies in the words of the library."""
    found = diagnose(history, (*OWN, *DETECTORS))
    return tuple(replace(f, causes=tuple(_translate(f.causes, remedies))) for f in found)


def _translate(causes: Iterable[Cause], remedies: Mapping[str, str]) -> Iterator[Cause]:
    for cause in causes:
        known = CAUSES.get(cause.name)
        is_general = known is not None and cause.remedy == known.remedy
        yield replace(cause, remedy=remedies.get(cause.name, cause.remedy)) if is_general else cause


def note_rows(history: History, X: Array, y: Array, task: str, steps: int) -> None:
    """Note facts about the rows that were kept, and what a plain network learns of them, if that is worth while."""
    config: dict[str, Any] = {"data": {"task": task, "scale": "none", "validation": 0.0, "test": 0.0}}
    if task == "regression":
        y = y.reshape(len(y), -1)
    try:
        setup, state = begin(config, (X.astype(np.float64), y))
    except MLPError:  # rows with NaN, a single class: what is wrong with them, the loss shows
        return
    part, head = setup.prepared.train, setup.head
    with quiet():
        target = head.encode(part.y, np.float64)
        for fact in data_facts(X.astype(np.float64), part.y, target, setup.prepared.preprocessing):
            note_once(history, *fact)
        note_once(history, "scanned_rows", len(X))
        if is_suspicious(Reading(history)) and not any(name.startswith("baseline_") for name in history):
            note_baseline(setup, _beside(state, history, steps), BASELINE_STEPS)


def _beside(state: State, history: History, steps: int) -> State:
    """A state that notes into the history of the loop."""
    state.recorder.history, state.steps = history, max(steps, 1)
    return state
