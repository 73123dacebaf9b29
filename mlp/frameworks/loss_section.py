"""A loss of PyTorch as the keys of [loss] that mean the same, and by how much the two differ.

PyTorch's losses for numbers are means over rows and outputs, ours sums over outputs; its squared error has no ½. So a
loss there is ours times a factor, which belongs to the learning rate of rules whose steps grow with the gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.errors import ConfigError
from mlp.frameworks.network_section import describe_activation
from mlp.frameworks.targets import CLASSES, COUNTS, LOGITS, NUMBERS, PROBABILITIES, name_loss
from mlp.layers import Layer, Sigmoid, Softmax

ERRORS = {
    "MSELoss": "squared_error", "mse_loss": "squared_error", "L1Loss": "absolute_error", "l1_loss": "absolute_error",
    "HuberLoss": "huber", "huber_loss": "huber", "SmoothL1Loss": "huber", "smooth_l1_loss": "huber",
}  # fmt: skip
"""What losses of a difference are called here."""
BALANCED = 0.1  # by how much weights may differ from being balanced: those who counted had other rows too


class Ending(NamedTuple):
    """How a loop ends: the name of its loss, activations after the last dense layer, outputs, and kept targets.

    `is_log`: whether a logarithm of a softmax is last, which is no layer here. `target`: None where none were kept.
    """

    loss: Any
    layers: Sequence[Layer]
    is_log: bool
    n_out: int
    target: Array | None


class LossSection(NamedTuple):
    """[loss], and what belongs to it: the task, [network] output, whether classes are balanced, and the factor."""

    keys: dict[str, Any]
    task: str
    output: Any
    factor: float = 1.0
    is_balanced: bool = False


def describe_loss(ending: Ending) -> LossSection:
    """The loss of a loop; ConfigError names what an experiment cannot say."""
    name = name_loss(ending.loss)
    if ending.is_log and name not in CLASSES:
        raise ConfigError(f"LogSoftmax before {name}: an experiment has it in a cross-entropy only.")
    if name in CLASSES:
        return _describe_classes(ending, name)
    if name in PROBABILITIES | LOGITS:
        return _describe_yes_or_no(ending, name)
    if name in NUMBERS | COUNTS:
        return _describe_numbers(ending, name)
    raise ConfigError(f"the loss {name} has no counterpart that an experiment could name.")


def _describe_classes(ending: Ending, name: str) -> LossSection:
    loss, target = ending.loss, ending.target
    if name.lower().startswith("nll") and not ending.is_log:
        raise ConfigError(f"{name} is given raw outputs, which no experiment can do: take CrossEntropyLoss.")
    if ending.n_out == 1 or (ending.n_out == 2 and ending.layers):
        raise ConfigError(
            f"{name} of {ending.n_out} outputs{_after(ending.layers)}: an experiment has one output for two classes."
        )
    if target is not None and target.ndim > 1 and not (np.isin(target, (0, 1)).all() and (target.sum(1) == 1).all()):
        raise ConfigError(f"{name} of targets that are probabilities: an experiment has one class for each row.")
    labels = None if target is None else (target if target.ndim == 1 else target.argmax(1)).astype(int)
    if labels is not None and len(labels) >= 30 * ending.n_out and labels.max() + 1 < ending.n_out:
        raise ConfigError(
            f"{ending.n_out} outputs for {labels.max() + 1} classes: an experiment has an output for each class."
        )
    smoothing = float(getattr(loss, "label_smoothing", 0.0))
    keys = {"name": "cross_entropy", **({"label_smoothing": smoothing} if smoothing else {})}
    output = _force(ending.layers) if ending.layers else "softmax"
    weight = getattr(loss, "weight", None)
    if weight is not None:
        _check_balanced(name, weight.detach().cpu().double().numpy(), labels)
    return LossSection(keys, "classification", output, is_balanced=weight is not None)


def _after(layers: Sequence[Layer]) -> str:
    return f" after {type(layers[-1]).__name__}" if layers else ""


def _check_balanced(name: str, weight: Array, labels: Array | None) -> None:
    """Refuse weights of classes that are not the inverse of their counts."""
    if labels is not None:
        share = weight * np.bincount(labels, minlength=len(weight))[: len(weight)]
        if share.max() <= (1 + BALANCED) * share.min():
            return
    raise ConfigError(f"{name} with a weight for each class: an experiment balances them, or weighs none.")


def _describe_yes_or_no(ending: Ending, name: str) -> LossSection:
    loss, layers = ending.loss, list(ending.layers)
    factor = _read_balance(loss, name, ending) / _count_meant(ending)
    if name in PROBABILITIES:
        if not layers or not isinstance(layers[-1], Sigmoid | Softmax):
            raise ConfigError(f"{name} takes probabilities, and no sigmoid stands before it: no experiment can be so.")
        layers = layers[:-1] if isinstance(layers[-1], Sigmoid) else layers
    task = "multilabel" if ending.n_out > 1 else "classification"
    is_balanced = getattr(loss, "pos_weight", None) is not None
    return LossSection({"name": "cross_entropy"}, task, _force(layers) if layers else "sigmoid", factor, is_balanced)


def _read_balance(loss: Any, name: str, ending: Ending) -> float:
    """What a `pos_weight` that balances two classes multiplies the loss by; 1 without one."""
    weight, target = getattr(loss, "pos_weight", None), ending.target
    if getattr(loss, "weight", None) is None and weight is None:
        return 1.0
    share = float(target.mean()) if target is not None and ending.n_out == 1 else 0.0
    if weight is not None and 0 < share < 1 and abs(float(weight) * share / (1 - share) - 1) <= BALANCED:
        return 2 * (1 - share)
    raise ConfigError(f"{name} with weights: an experiment balances the classes, or weighs none.")


def _describe_numbers(ending: Ending, name: str) -> LossSection:
    loss, output = ending.loss, _force(ending.layers) if ending.layers else "identity"
    if name in COUNTS and not getattr(loss, "log_input", True):
        raise ConfigError(f"{name}(log_input=False): an experiment's poisson takes the logarithm of a rate.")
    here = ERRORS.get(name, "poisson")
    factor = 2.0 if here == "squared_error" else 1.0
    keys: dict[str, Any] = {"name": here}
    if here == "huber":
        keys["delta"] = float(getattr(loss, "delta", getattr(loss, "beta", 1.0)))
        factor = 1 / keys["delta"] if name.lower().startswith("smooth") else 1.0
    return LossSection(keys, "regression", output, factor / _count_meant(ending))


def _count_meant(ending: Ending) -> int:
    """Over how many outputs the loss is a mean: a sum over rows is one over outputs too."""
    return 1 if getattr(ending.loss, "reduction", "mean") == "sum" else ending.n_out


def _force(layers: Sequence[Layer]) -> dict[str, Any]:
    """[network] output where an activation stands last."""
    described = [describe_activation(layer) for layer in layers]
    if len(described) != 1 or not isinstance(described[0], str):
        shown = " and ".join(type(layer).__name__ for layer in layers)
        raise ConfigError(f"{shown} after the last dense layer: an experiment forces one activation there, as it is.")
    return {"name": described[0], "force": True}
