"""How a network ends: its loss, its last layers, and what its raw outputs mean.

What "auto" stands for, for outputs and losses, is decided here, once, by the task. Raw outputs come with a leading
population, if any, as (*population, n, n_out); everything that is made of them keeps it. Knows no network and no rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.config import Config
from mlp.config.loss import (
    ONE_OF_MANY,
    REGRESSION,
    YES_OR_NO,
    build_loss,
    gives_probabilities,
    has_link,
    resolve_loss_name,
    takes_labels,
)
from mlp.config.network import build_activation
from mlp.config.schema import OwnName, unknown_name
from mlp.data import Scaling
from mlp.errors import ConfigError
from mlp.layers import Layer, Sigmoid, Softmax
from mlp.losses import Loss
from mlp.losses.classification import OfSoftmax

OUTPUT_LAYERS: dict[str, tuple[Layer, ...]] = {
    "identity": (),
    "sigmoid": (Sigmoid(),),
    "softmax": (Softmax(),),
}


@dataclass(frozen=True)
class OutputHead:
    """How a network ends, and what its raw outputs mean.

    `output` and `loss_name`: what "auto" stands for; an output that is forced stays the table that it was. `layers`
    stand after the last dense layer, where the loss has no link of its own, or where one is forced. `takes_labels`: the
    loss takes class labels, not values. `certain`: its predictions are probabilities, not scores. A raw output above
    `threshold` means yes. `targets`: what brings numbers to the scale the network answers in; None where it answers in
    their own.
    """

    task: str
    n_out: int
    output: Any
    loss_name: str
    loss: Loss
    layers: tuple[Layer, ...]
    takes_labels: bool
    certain: bool
    threshold: float
    targets: Scaling | None = None

    def encode(self, y: Array, dtype: Any) -> Array:
        """Codes or numbers y as the loss takes them: labels (n,), or values (n,) or (n, n_out), scaled."""
        if self.targets is not None:
            return self.targets.apply(y.reshape(len(y), -1), dtype).reshape(y.shape)
        if self.takes_labels:
            return y.astype(np.intp)
        if y.dtype.kind in "iu" and self.n_out > 1:
            return np.equal(y[:, None], np.arange(self.n_out)).astype(dtype)
        return y.astype(dtype)

    def values(self, raw: Array) -> Array:
        """The numbers that raw outputs stand for, in the units of the targets as they were given."""
        found = self._predictions(raw)
        return found if self.targets is None else self.targets.undo(found)

    def decide(self, raw: Array) -> Array:
        """What is answered: class codes (*population, n), or 0 and 1 for each label (*population, n, k)."""
        if self.task == "multilabel":
            return (raw > self.threshold).astype(np.int64)
        if self.n_out == 1:
            return (raw[..., 0] > self.threshold).astype(np.int64)
        return np.asarray(raw.argmax(-1))

    def probabilities(self, raw: Array) -> Array | None:
        """A probability for each class or label, (*population, n, n_classes); None where outputs are only scores."""
        if not self.certain:
            return None
        p = self._predictions(raw)
        if self.task == "multilabel":
            return p
        if self.n_out == 1:
            return np.concatenate([1 - p, p], axis=-1)
        if isinstance(self.loss, OfSoftmax):
            return p
        total = p.sum(-1, keepdims=True)
        out = np.empty_like(p) if np.may_share_memory(p, raw) else p
        return np.asarray(np.divide(p, np.where(total > 0, total, 1), out=out))

    def combine(self, raw: Array) -> Array:
        """The raw outputs (n, n_out) that stand for the mean of what members (R, n, n_out) predict.

        Breiman (1996), "Bagging predictors", without the bootstrap: members differ by their first weights alone.
        """
        mean = self.loss.predict(raw.astype(np.float64).swapaxes(-1, -2)).mean(0)
        return self.loss.outputs_for(mean).swapaxes(-1, -2)

    def _predictions(self, raw: Array) -> Array:
        """What the loss makes of raw outputs, a row for each sample."""
        return self.loss.predict(raw.swapaxes(-1, -2)).swapaxes(-1, -2)


def build_output_head(config: Config, task: str, n_targets: int, targets: Scaling | None = None) -> OutputHead:
    """The end of a network for `n_targets` classes, labels or values, which `targets` scales."""
    _check_keys(config, task, targets)
    given, own = config.network.output, config.loss.own
    if isinstance(given, Mapping):
        return _force_output(config, task, n_targets, targets)
    output, name = _resolve_output(given, task, n_targets), resolve_loss_name(config.loss.name, given, task)
    n_out = 1 if task == "classification" and n_targets == 2 and output != "softmax" else n_targets
    _check_softmax(output, task, n_targets)
    certain = gives_probabilities(name, output)
    if isinstance(name, OwnName):
        return _build_own_head(config, task, n_targets, n_out, output, targets)
    if name in REGRESSION:
        if name == "poisson" and task != "regression":
            raise ConfigError("[loss] name = 'poisson' is for counts, and the targets are classes.")
        loss = build_loss(name, own, REGRESSION)
        return OutputHead(task, n_out, output, name, loss, OUTPUT_LAYERS[output], False, certain, 0.5, targets)
    if name not in ONE_OF_MANY:
        raise unknown_name("[loss] name", name, {*REGRESSION, *ONE_OF_MANY, "auto"})
    if task == "regression":
        raise ConfigError(f"[loss] name = {name!r} is for classes, and the targets are numbers. Use squared_error.")
    chooses = output == "softmax" or (output == "identity" and n_out > 1 and task == "classification")
    loss = build_loss(name, own, ONE_OF_MANY if chooses else YES_OR_NO)
    return OutputHead(task, n_out, output, name, loss, (), chooses, certain, 0.0)


def _build_own_head(
    config: Config, task: str, n_targets: int, n_out: int, output: str, targets: Scaling | None
) -> OutputHead:
    """The end of a network with a loss of one's own.

    A `Labelled` loss chooses among classes, with an output for each. Any other loss takes values: 0 and 1 for classes.
    Where it has a link of its own (`predict`), no layer stands before it, and an answer is yes above ½.
    """
    name: Any = config.loss.name
    loss, linked = build_loss(name, config.loss.own, {}), has_link(name.part)
    certain = gives_probabilities(name, output)
    if takes_labels(name.part):
        if task != "classification":
            raise ConfigError(f"[loss] name = {name!r} is for classes, one for each row, and the task is {task}.")
        return OutputHead(task, n_targets, "softmax" if linked else "identity", name, loss, (), True, certain, 0.0)
    if linked:
        half = float(np.ravel(loss.outputs_for(np.full((n_out, 1), 0.5)))[0])
        return OutputHead(task, n_out, output, name, loss, (), False, certain, half, targets)
    return OutputHead(task, n_out, output, name, loss, OUTPUT_LAYERS[output], False, certain, 0.5, targets)


def _force_output(config: Config, task: str, n_targets: int, targets: Scaling | None) -> OutputHead:
    """The end that the configuration forces: its activation stands last, whatever the loss makes of what comes out.

    Two classes have one output, and no softmax makes it two. A loss for classes keeps its own link: a sigmoid before
    the cross-entropy is squashed twice. That may be wrong, and then the diagnosis says so.
    """
    free = replace(config, network=replace(config.network, output="auto"))
    head = build_output_head(free, task, n_targets, targets)
    given: Any = config.network.output
    name = given["name"]
    layers = (build_activation("[network] output", name),)
    certain = gives_probabilities(head.loss_name, name if name in OUTPUT_LAYERS else "identity")
    return replace(head, output=given, layers=layers, certain=certain)


def _check_keys(config: Config, task: str, targets: Scaling | None) -> None:
    """Refuse keys of [data] that do not go with the task or the loss."""
    if config.data.class_weight == "balanced" and task != "classification":
        raise ConfigError(f"[data] class_weight = 'balanced' is for classes, and the task is {task}. Use none.")
    if targets is not None and config.loss.name == "poisson":
        raise ConfigError(
            "[data] scale_target = 'standard' makes numbers below 0, and [loss] poisson counts. Use none."
        )


def _check_softmax(output: str, task: str, n_targets: int) -> None:
    """Refuse a softmax where nothing is chosen."""
    if output == "softmax" and task == "multilabel":
        raise ConfigError("[network] output = 'softmax' picks one class, and rows have several labels. Use sigmoid.")
    if output == "softmax" and n_targets == 1:
        raise ConfigError("[network] output = 'softmax' of one output is always 1. Use identity.")


def _resolve_output(name: str, task: str, n_targets: int) -> str:
    if name != "auto":
        return name
    if task == "regression":
        return "identity"
    return "softmax" if task == "classification" and n_targets > 2 else "sigmoid"
