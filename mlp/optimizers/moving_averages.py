"""How rules remember: exponential moving averages of gradients and of their squares.

All functions write in place, with the scratch arrays they are given, so a step allocates no array as long as the
parameters. Knows no rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.optimizers.optimizer import State


@dataclass(kw_only=True)
class MeanState(State):
    """`m`: the mean of the gradients met."""

    m: Array


@dataclass(kw_only=True)
class MeansState(MeanState):
    """`m` and `v`: the means of the gradients met and of their squares."""

    v: Array


@dataclass(kw_only=True)
class ScratchState(MeansState):
    """`m` and `v`: the means of the gradients met and of their squares. `scratch`: memory for products."""

    scratch: Array


def update_mean(mean: Array, decay: Any, new: Array, scratch: Array) -> None:
    """mean ← decay · mean + (1 - decay) · new. `scratch` is overwritten, and may be `new`."""
    np.multiply(new, 1 - decay, out=scratch)
    mean *= decay
    mean += scratch


def update_mean_square(mean: Array, decay: Any, new: Array, scratch: Array) -> None:
    """mean ← decay · mean + (1 - decay) · new². `scratch` is overwritten."""
    np.multiply(new, new, out=scratch)
    update_mean(mean, decay, scratch, scratch)


def write_unbiased_root(v: Array, beta2: Any, epsilon: Any, t: int, out: Array) -> None:
    """Write √v̂ + ε into `out`; v̂ = v / (1 - β₂ᵗ) is the mean of the squares without its bias towards 0."""
    np.sqrt(v, out=out)
    out *= (1 - beta2**t) ** -0.5
    out += epsilon


def is_on(number: Any) -> bool:
    """Whether a hyperparameter, or that of any member, is not 0. A plain number is quick; np.any takes 3 µs."""
    return bool(number.any()) if isinstance(number, np.ndarray) else number != 0


def as_python_float(number: Any) -> Any:
    """One number as Python's, which leaves float32 as it is; NumPy's would make the product float64, and slow."""
    return number if np.ndim(number) else float(number)


def decay_weights(out: Array, share: Any, params: Array, scratch: Array) -> None:
    """out ← out - share · params: decoupled weight decay. `scratch` is overwritten; a share of 0 costs nothing."""
    if is_on(share):
        np.multiply(params, share, out=scratch)
        out -= scratch


def find_average(state: Any) -> Array | None:
    """The average of the parameters that a rule's memory holds, or that of a rule inside; None where none does."""
    holder = _find_holder(state, "average")
    return None if holder is None else np.asarray(holder.average)


def looks_ahead(state: Any) -> bool:
    """Whether this is the memory of a rule that goes back a part of its way now and then, or of one around it."""
    return _find_holder(state, "slow") is not None


def _find_holder(state: Any, name: str) -> Any:
    """The memory of a rule, or of a rule inside it, that has an attribute of that name; None where none has."""
    while state is not None and not hasattr(state, name):
        state = getattr(state, "inner", None)
    return state
