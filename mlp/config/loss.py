"""The section [loss]: what is made small.

The same name means another loss for numbers, for one class of many and for yes or no. Which of them it is depends on
the task and the outputs, and is decided in `model.output_head`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlp.config.schema import NAME, NOT_NEGATIVE, OwnName, build_part, find_part, key
from mlp.losses import LOSSES, Loss

REGRESSION, ONE_OF_MANY, YES_OR_NO = LOSSES["numbers"], LOSSES["one_of_many"], LOSSES["yes_or_no"]


@dataclass(frozen=True)
class LossConfig:
    """What is made small. Further keys are the loss's own: delta, quantile, label_smoothing, gamma."""

    name: str = key("auto", NAME, "the loss: see [losses](losses.md)")
    l1: float = key(0.0, NOT_NEGATIVE, "penalty: the sum of |w| over the weights, times this")
    l2: float = key(0.0, NOT_NEGATIVE, "penalty: the sum of ½ w² over the weights, times this")
    own: dict[str, Any] = field(default_factory=dict)


def build_loss(name: str, own: Mapping[str, Any], known: Mapping[str, Callable[..., Loss]]) -> Loss:
    """The loss of that name: one's own, or among those that are `known`, with its own keys."""
    found: Loss = build_part(find_part("[loss] name", name, known), own, f"[loss] {name}")
    return found


def resolve_loss_name(given: str, output: str, task: str) -> str:
    """The loss that "auto" stands for, with the output as it was given; any other name as it is."""
    if given != "auto":
        return given
    return "squared_error" if task == "regression" or output == "identity" else "cross_entropy"


def gives_probabilities(loss: str, output: str) -> bool:
    """Whether what the loss of that name predicts for classes are probabilities, and not scores."""
    if isinstance(loss, OwnName):
        return has_link(loss.part) or (output != "identity" and not takes_labels(loss.part))
    return output != "identity" if loss in REGRESSION else loss != "hinge"


def takes_labels(kind: type[Loss]) -> bool:
    """Whether a loss of one's own takes class labels, and not values."""
    return kind.targets == "one_of_many"


def has_link(kind: type[Loss]) -> bool:
    """Whether a loss of one's own says itself what raw outputs stand for: it then gives probabilities for classes."""
    return kind.predict is not Loss.predict
