"""What rules remember with: vectors that begin at 0, and averages in which old gradients fade.

Every function writes in place and through room that it is given, so that a step allocates nothing as long as the
parameters. Knows no rule.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np

from mlp.arrays import Array
from mlp.optimizers.optimizer import State, pace

S = TypeVar("S", bound=State)


@dataclass
class MeanState(State):
    """`m`: the mean of the gradients met."""

    m: Array


@dataclass
class MeansState(State):
    """`m` and `v`: the means of the gradients met and of their squares."""

    m: Array
    v: Array


def begun(kind: type[S], rule: Any, params: Array, **others: Any) -> S:
    """The memory of a rule that has met nothing: 0 in every vector, but for `others`."""
    rule_pace = pace(rule, params)
    vectors = {f.name: np.zeros_like(params) for f in fields(kind) if f.name != "pace" and f.name not in others}
    return kind(pace=rule_pace, **vectors, **others)


def fade(kept: Array, decay: Any, new: Array, room: Array) -> None:
    """kept ← decay · kept + (1 - decay) · new. `room` is overwritten, and may be `new`."""
    np.multiply(new, 1 - decay, out=room)
    kept *= decay
    kept += room


def fade_squares(kept: Array, decay: Any, new: Array, room: Array) -> None:
    """kept ← decay · kept + (1 - decay) · new². `room` is overwritten."""
    np.multiply(new, new, out=room)
    fade(kept, decay, room, room)


def unbiased_root(v: Array, beta2: Any, epsilon: float, t: int, out: Array) -> None:
    """Write √v̂ + ε into `out`, v̂ = v / (1 - β₂ᵗ) being the mean of the squares met without its bias towards 0."""
    np.sqrt(v, out=out)
    out *= (1 - beta2**t) ** -0.5
    out += epsilon


def is_on(number: Any) -> bool:
    """Whether a hyperparameter, or that of any member, is not 0. For a plain number this is no work, np.any is 3 µs."""
    return bool(number.any()) if isinstance(number, np.ndarray) else number != 0


def plain(number: Any) -> Any:
    """One number as Python's, which leaves float32 as it is; NumPy's would make the product float64, and slow."""
    return number if np.ndim(number) else float(number)


def shrink(out: Array, share: Any, params: Array, room: Array) -> None:
    """out ← out - share · params: decoupled weight decay. `room` is overwritten; a share of 0 costs nothing."""
    if is_on(share):
        np.multiply(params, share, out=room)
        out -= room


def average(state: Any) -> Array | None:
    """The mean of the places it came to that a rule's memory holds, or that of a rule inside; None where none does."""
    holder = _with(state, "average")
    return None if holder is None else np.asarray(holder.average)


def looks_ahead(state: Any) -> bool:
    """Whether this is the memory of a rule that now and then goes back a part of its way, or that is around one."""
    return _with(state, "slow") is not None


def _with(state: Any, name: str) -> Any:
    """The memory of a rule, or of a rule inside it, that has an attribute of that name; None where none has."""
    while state is not None and not hasattr(state, name):
        state = getattr(state, "inner", None)
    return state
