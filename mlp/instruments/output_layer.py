"""Whether the last layer can give what the loss asks for: read from the layer, the loss and the first targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.layers import Activation, Identity, Softmax
from mlp.losses import Loss
from mlp.training import Step


def constant_output(step: Step) -> Any:
    """1 where a softmax has a single output, which is then always 1; else None."""
    last = step.network.layers[-1]
    return 1.0 if isinstance(last, Softmax) and last.n_out == 1 else None


def squashed_twice(step: Step) -> Any:
    """1 where the outputs pass an activation and the loss takes raw outputs, which it squashes itself; else None."""
    return 1.0 if _is_activated(step) and _squashes(step) else None


def out_of_reach(step: Step) -> Any:
    """The share of targets that the last layer cannot give; None where it can give any number, and for labels."""
    target = step.batch.target
    if not _is_activated(step) or _squashes(step) or target.dtype.kind != "f":
        return None
    last = step.network.layers[-1]
    low, high = last.output_range if isinstance(last, Activation) else (-np.inf, np.inf)
    margin = 0.01 * (high - low) if np.isfinite(high - low) else 0.0
    far = (target < low - margin) | (target > high + margin)
    if isinstance(last, Softmax) and target.ndim == 2 and len(target) > 1:
        far = far | (np.abs(target.sum(0) - 1) > 0.01)  # what a softmax gives sums to 1
    return float(np.mean(far))


def _is_activated(step: Step) -> bool:
    """Whether an activation stands last."""
    last = step.network.layers[-1]
    return isinstance(last, Activation) and not isinstance(last, Identity)


def _squashes(step: Step) -> bool:
    """Whether the loss has a link of its own between raw outputs and answers."""
    return step.objective is not None and type(step.objective.loss).predict is not Loss.predict
