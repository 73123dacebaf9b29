"""Whether the last layer can say what the loss asks for, told by the layer, the loss and the first targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlp.layers import (
    Activation,
    HardSigmoid,
    HardTanh,
    Identity,
    Layer,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from mlp.losses import Loss
from mlp.training import Step

RANGES: Mapping[type[Layer], tuple[float, float]] = {
    Sigmoid: (0, 1), HardSigmoid: (0, 1), Softmax: (0, 1), Tanh: (-1, 1), HardTanh: (-1, 1), Softsign: (-1, 1),
    ReLU: (0, np.inf), Softplus: (0, np.inf),
}  # fmt: skip
"""What comes out of layers that bound it."""


def constant_output(step: Step) -> Any:
    """1 where a softmax has a single output, which is then always 1; else None."""
    last = step.network.layers[-1]
    return 1.0 if isinstance(last, Softmax) and last.n_out == 1 else None


def squashed_twice(step: Step) -> Any:
    """1 where the outputs pass an activation and the loss takes raw outputs, which it squashes itself; else None."""
    return 1.0 if _is_bent(step) and _squashes(step) else None


def out_of_reach(step: Step) -> Any:
    """The share of targets, numbers, outside what the last layer can give; None where it can give any, or labels."""
    target = step.batch.target
    if not _is_bent(step) or _squashes(step) or target.dtype.kind != "f":
        return None
    low, high = RANGES.get(type(step.network.layers[-1]), (-np.inf, np.inf))
    margin = 0.01 * (high - low) if np.isfinite(high - low) else 0.0
    return float(np.mean((target < low - margin) | (target > high + margin)))


def _is_bent(step: Step) -> bool:
    """Whether an activation stands last."""
    last = step.network.layers[-1]
    return isinstance(last, Activation | Softmax) and not isinstance(last, Identity)


def _squashes(step: Step) -> bool:
    """Whether the loss has a link of its own between raw outputs and answers."""
    return step.objective is not None and type(step.objective.loss).predict is not Loss.predict
