"""What a PyTorch model, its optimizer and its first batch say of the training: settings, and ends that do not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.config.optimizer import usual_rate
from mlp.experiment.before_training import note_once
from mlp.frameworks.network_section import FirstWeights
from mlp.frameworks.targets import SQUASHING
from mlp.frameworks.torch_modules import (
    DENSE,
    LINKS,
    OUTPUT_RANGE,
    PASSING,
    Part,
    as_numbers,
    find_activation,
    read_weights,
)
from mlp.frameworks.torch_nodes import Look, record_start
from mlp.history import History
from mlp.model import quiet

KNOWN_RULES = (
    "sgd",
    "adam",
    "adamw",
    "rmsprop",
    "adagrad",
    "nadam",
    "radam",
    "adamax",
    "adadelta",
    "momentum",
    "nesterov",
)
SHALLOW = 4  # dense layers through which PyTorch's own start carries a signal


class Start(NamedTuple):
    """What the first look showed: weights as PyTorch leaves them; dense layers with nothing between them."""

    is_default: bool
    is_linear: bool


NO_START = Start(False, False)


def is_default_start(look: Look) -> bool:
    """Whether all weights look as PyTorch leaves them, uniform in ±1/√n_in, or Keras, in ±√(6/(n_in + n_out))."""
    for p in look.dense:
        w = read_weights(p.module)[0]
        most = sqrt(6 / sum(w.shape)) if type(p.module).__name__ == "Dense" else 1 / sqrt(w.shape[1])
        spread = float(np.sqrt(np.square(w).mean())) / (most / sqrt(3))
        if np.abs(w).max(initial=0) > 1.0001 * most or abs(spread - 1) > 3 / sqrt(w.size):
            return False
    return bool(look.dense)


def is_linear(look: Look) -> bool:
    """Whether there are hidden layers, and nothing but weighted sums from the first dense layer to the last."""
    dense = [i for i, p in enumerate(look.passages) if p.is_dense]
    if len(dense) < 2:
        return False
    between = {p.kind for p in look.passages[dense[0] : dense[-1]]}
    return between <= {*DENSE, "Dropout", "Flatten", "Identity"}


def last_link(parts: list[Part]) -> str:
    """The kind of the last part, if it is a softmax or the like."""
    kinds = [part.kind for part in parts]
    return kinds[-1] if kinds and kinds[-1] in LINKS else ""


def note_output_loss_mismatch(history: History, loss: str, kind: str, answers: Array, wanted: Array) -> None:
    """Note how the end of the model, an activation of this kind or "", does not fit the loss and the targets."""
    n_out = answers.shape[1] if answers.ndim > 1 else 1
    is_labels = loss.lower().startswith(("cross", "nll", "probabilities"))
    if n_out == 1 and (kind == "Softmax" or (is_labels and wanted.ndim == 1)):
        note_once(history, "constant_output", 1.0)
    elif loss in SQUASHING and kind in OUTPUT_RANGE:
        note_once(history, "squashed_twice", 1.0)
    elif kind in OUTPUT_RANGE and not is_labels and wanted.dtype.kind == "f":
        low, high = OUTPUT_RANGE[kind]
        margin = 0.01 * (high - low) if np.isfinite(high - low) else 0.0
        note_once(history, "out_of_reach", float(((wanted < low - margin) | (wanted > high + margin)).mean()))
    if loss.lower().startswith("nll") and kind != "LogSoftmax" and answers.max(initial=0) > 1e-6:
        note_once(history, "raw_outputs", float(answers.max()))
    if loss == "probabilities" and ((answers < -1e-6) | (answers > 1 + 1e-6)).any():
        note_once(history, "raw_outputs", float(np.abs(answers).max()))
    if not is_labels and answers.shape != wanted.shape and answers.size == wanted.size > 1:
        note_once(history, "broadcast_targets", 1.0)


def read_settings(parts: list[Part], optimizer: Any, start: Start, *, is_read: bool) -> dict[str, Any]:
    """The settings as numbers by name, as far as the optimizer and the modules tell them."""
    group = optimizer.param_groups[0]
    rule = getattr(optimizer, "name_of_rule", type(optimizer).__name__).lower()
    if rule == "sgd" and group.get("momentum"):
        rule = "nesterov" if group.get("nesterov") else "momentum"
    dense = [part.module for part in parts if part.kind in DENSE]
    widths = [int(getattr(layer, "out_features", 0) or layer.units) for layer in dense]
    found: dict[str, Any] = {
        "usual_rate": (usual_rate(rule) or 0.0) if rule in KNOWN_RULES else 0.0,
        "momentum": group.get("momentum", group.get("betas", (0.0,))[0]),
        "epsilon": 0.0 if rule == "adagrad" else group.get("eps", 0.0),
        "weight_decay" if rule == "adamw" else "l2": group.get("weight_decay", 0.0),
        "dropout": max(map(_read_dropout, parts), default=0.0),
        "linear": start.is_linear,
        "automatic_init": start.is_default and len(widths) <= SHALLOW,
        "scaled": any(part.kind in PASSING and "Norm" in part.kind for part in parts[:1]),
    }
    if widths and is_read:
        found |= {"hidden_layers": len(widths) - 1, "narrowest": min(widths[:-1], default=0)}
    return found


def _read_dropout(part: Part) -> float:
    """The rate of a dropout; 0 for other parts."""
    return float(getattr(part.module, "p", getattr(part.module, "rate", 0.0))) if part.kind == "Dropout" else 0.0


def list_modal(parts: list[Part], *, is_training: bool) -> list[str]:
    """The parts that do something else in training than in use, and are in that mode; Keras' have no mode."""
    modal = (p for p in parts if p.kind.startswith("BatchNorm") or (p.kind == "Dropout" and _read_dropout(p)))
    own = (p for p in modal if type(p.module).__module__.startswith("torch."))
    return [p.name for p in own if p.module.training == is_training]


@dataclass
class FirstBatch:
    """What the first batch showed: its rows, the outputs, how the weights began, and those of each dense module."""

    batch: int = 1
    n_out: int = 1
    start: Start = NO_START
    weights: dict[Any, FirstWeights] = field(default_factory=dict)

    @property
    def has_moved(self) -> bool:
        """Whether the weights are others now."""
        with np.errstate(all="ignore"):
            return any(repr(FirstWeights.of(*read_weights(m))) != repr(first) for m, first in self.weights.items())


def note_first_batch(
    history: History, loss: str, parts: list[Part], look: Look | None, batch: tuple[Array | None, Any, Any]
) -> FirstBatch:
    """Note what the first batch (rows, outputs, targets) says of outputs and targets, and the first weights."""
    x, outputs, target = batch
    answers = as_numbers(outputs)
    found = FirstBatch(len(answers) if answers.ndim else 1, answers.shape[1] if answers.ndim > 1 else 1)
    with quiet():
        kind = find_activation(outputs) or last_link(parts)
        note_output_loss_mismatch(history, loss, kind, answers, as_numbers(target))
        if x is not None:
            note_once(history, "input_size", float(np.sqrt(np.square(x, dtype=np.float64).mean())))
        if look is not None:
            record_start(history, look)
            found.start = Start(is_default_start(look), is_linear(look))
        if list_modal(parts, is_training=False):
            note_once(history, "evaluation_mode", 1.0)
        dense = [part.module for part in parts if type(part.module).__name__ in DENSE]
        found.weights = {module: FirstWeights.of(*read_weights(module)) for module in dense}
    return found
