"""What the flat vectors say: the gradient, the update, the parameters, and the numbers that come with a step.

All of it costs O(parameters). A dot product of 1.3 million float32 takes 0.12-0.25 ms, some 2 % of a step of
784-1000-500-100-10, and there are four of them; in a small network the call alone takes 1 %. So what is not the
gradient's norm is `thinned`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from math import inf, nan, sqrt
from operator import attrgetter
from typing import Any

import numpy as np

from mlp.arrays import LEAST_SQUARE, Array, each_norm, squared_norm
from mlp.instruments.instrument import Gathering, Measure, Rhythm
from mlp.layers.chain import slices
from mlp.network import Layout, Network
from mlp.optimizers.optimizer import State
from mlp.training import Step

SMALL = 20_000
"""Up to so many parameters a network is small: calling a function takes longer than what it computes."""

GATHERED = 65_536
"""So many numbers of gradients are kept until their squares are summed, 256 kB of float32."""

LARGE = 500_000
"""From so many parameters on, vectors do not stay in the cache: reading one takes 0.25 ms for 1.3 million."""


def thinned(step: Step) -> Rhythm:
    """When to read all parameters: at every 7th step of small networks, 11th of others, 23rd of large ones; later less.

    What is done seldom is slow: the code is not in the cache, and what takes 15 µs in a loop takes 40.

    They are primes: the number of steps in an epoch is often a round number, and a period that divides it would always
    meet the same part of the epoch.
    """
    size = step.network.params.size
    return Rhythm(7, 97, 700) if size <= SMALL else Rhythm(11, 97, 330) if size < LARGE else Rhythm(23, 197, 690)


def rare(_: Step) -> Rhythm:
    """When to read the nodes: of small networks that takes two steps' time, of others half a step's."""
    return Rhythm(97, 997, 970)


def counted(_: Step) -> Rhythm:
    """From how many steps to how many units are counted over an epoch."""
    return Rhythm(150, 600, 1500)


def norm(flat: Array) -> Any:
    """‖·‖ along the last axis of a contiguous vector, or of each member's."""
    return sqrt(squared_norm(flat)) if flat.ndim == 1 else each_norm(flat)[..., 0]


def stack_layers(layout: Layout, flat: Array) -> tuple[Array, ...]:
    """The part of `flat` (size,) of each layer that has parameters; neighbours of one size are the rows of one matrix.

    No copy.
    """
    sizes = [s.stop - s.start for s in layout.slices if s.stop > s.start]
    runs = [(size, len(list(run))) for size, run in groupby(sizes)]
    parts = zip(runs, slices(size * n for size, n in runs), strict=True)
    return tuple(flat[part].reshape(n, size) if n > 1 else flat[part] for (size, n), part in parts)


def squares(stacks: Sequence[Array]) -> list[float]:
    """‖·‖² of each layer: `stacks` are vectors, or matrices with a layer in each row."""
    # a dot product with itself: 0.25 µs for a small vector where np.linalg.norm takes 1.5 µs; 8 layers of 64 in a
    # matrix take 2.7 µs, one by one 4.0
    found: list[float] = []
    for stack in stacks:
        if stack.ndim == 1:
            found.append(float(stack.dot(stack)))
        else:
            found += np.vecdot(stack, stack).tolist()
    if min(found) > LEAST_SQUARE and max(found) < inf:
        return found
    return [squared_norm(row) for stack in stacks for row in np.atleast_2d(stack)]


def member_squares(blocks: Sequence[Array]) -> Array:
    """‖·‖² of each block (*population, n_params) of every member, (*population, n_blocks)."""
    each = np.stack([np.vecdot(block, block) for block in blocks], axis=-1).astype(np.float64)
    if LEAST_SQUARE < each.min() <= each.max() < inf:
        return each
    return np.stack([np.square(each_norm(block)[..., 0], dtype=np.float64) for block in blocks], axis=-1)


@np.errstate(all="ignore")
def squares_by_layer(network: Network, flat: Array) -> Any:
    """‖·‖² of the part of `flat` of each layer that has parameters: a list, or (*population, n_layers)."""
    layout = network.layout
    return member_squares(layout.blocks(flat)) if flat.ndim > 1 else squares(stack_layers(layout, flat))


loss = attrgetter("loss")
"""The loss of the batch, before the update, weight penalties included."""


def learning_rate(step: Step) -> Any:
    """η of the update; NaN for a rule that has none."""
    rate, population = getattr(step.state, "learning_rate", nan), step.network.population
    if not population:
        return rate
    return np.broadcast_to(np.asarray(rate)[..., 0] if np.ndim(rate) else rate, population)


def learning_rate_along(step: Step) -> Measure:
    """Begin to measure `learning_rate`."""
    state = step.state
    if step.network.population or not hasattr(state, "learning_rate"):
        return learning_rate
    if getattr(type(state), "learning_rate", None) is State.learning_rate:  # without the property 0.03 µs less
        return attrgetter("state.pace.learning_rate")
    return attrgetter("state.learning_rate")


index = attrgetter("index")
"""The number of the step, from 0; counts on where a recorder goes on."""

epoch = attrgetter("epoch")
"""How often the data were gone through before."""


def grad_norm(step: Step) -> Any:
    """‖∂L/∂θ‖ over all parameters."""
    return norm(step.workspace.grad)


def grad_squares_by_layer(step: Step) -> Any:
    """‖∂L/∂θ‖² of each layer that has parameters."""
    return squares_by_layer(step.network, step.workspace.grad)


def gather_grads(step: Step) -> Gathering | None:
    """Squares by layer of many gradients at once: 0.2 to 0.4 µs a step, where two layers alone take 1.3.

    Of long gradients the copy alone takes as long as their squares do.
    """
    grad, slices = step.workspace.grad, [s for s in step.network.layout.slices if s.stop > s.start]
    n = min(64, GATHERED // grad.size)
    if grad.ndim > 1 or n < 8:
        return None
    room = np.empty((n, len(slices)))

    @np.errstate(all="ignore")
    def summarise(rows: Array) -> list[float]:
        for i, s in enumerate(slices):
            np.vecdot(rows[:, s], rows[:, s], out=room[: len(rows), i])
        found: list[float] = room[: len(rows)].ravel().tolist()
        if min(found) > LEAST_SQUARE and max(found) < inf:
            return found
        return [square for row in rows for square in squares([row[s] for s in slices])]

    return Gathering(attrgetter("workspace.grad"), n, summarise)


def update_norm(step: Step) -> Any:
    """‖u‖ over all parameters."""
    return norm(step.update)


def update_squares_by_layer(step: Step) -> Any:
    """‖u‖² of each layer that has parameters."""
    return squares_by_layer(step.network, step.update)


def param_norm(step: Step) -> Any:
    """‖θ‖ over all parameters, after the update."""
    return norm(step.network.params)


def param_squares_by_layer(step: Step) -> Any:
    """‖θ‖² of each layer that has parameters, after the update."""
    return squares_by_layer(step.network, step.network.params)


def squares_along(of: Callable[[Step], Array]) -> Callable[[Step], Measure]:
    """Begin to measure ‖·‖² by layer of a vector that stays in its place from step to step."""

    def begin(first: Step) -> Measure:
        layout, take = first.network.layout, member_squares if first.network.population else squares
        cut = layout.blocks if first.network.population else partial(stack_layers, layout)
        flat: Array | None = None
        parts: tuple[Array, ...] = ()

        @np.errstate(all="ignore")
        def measure(step: Step) -> Any:
            nonlocal flat, parts
            if (now := of(step)) is not flat:  # cutting it anew takes 3 µs
                flat, parts = now, cut(now)
            return take(parts)

        return measure

    return begin


def update_ratio_by_layer(step: Step) -> Any:
    """‖u‖/‖θ‖ of each layer that has parameters: 1e-3 is lively, 1e-6 stands still, 1e-1 jumps. 0 where both are 0."""
    update, params = np.sqrt(update_squares_by_layer(step)), np.sqrt(param_squares_by_layer(step))
    return update / np.where(params > 0, params, np.where(update > 0, update, 1.0))


def descent(step: Step) -> Any:
    """⟨∂L/∂θ, u⟩: by how much the step changes the loss of its batch, to first order. Negative is downhill.

    Unit: that of the loss. The gradient is that of the batch, penalties included, before the update.
    """
    grad = step.workspace.grad
    return grad.dot(step.update) if grad.ndim == 1 else np.vecdot(grad, step.update)


class GradCosine:
    """⟨g_t, g_{t-1}⟩ / (‖g_t‖ ‖g_{t-1}‖) at the steps t of a period; 0 where one of them is 0.

    Near 1 the steps are short for the valley, near -1 they jump from one side of it to the other, near 0 the batches
    say nothing about one another. The gradient is copied only at the step before it is needed: a copy of 1.3 million
    numbers takes 0.15-0.4 ms.
    """

    remembers = ("before", "norm", "kept")

    def __init__(self, step: Step, period: int | Rhythm) -> None:
        self.rhythm = Rhythm.of(period)
        self.before = np.zeros_like(step.workspace.grad)  # a checkpoint may hold it before the first copy
        self.norm: Any = None
        self.kept = -2

    def __call__(self, step: Step) -> Any:
        """The cosine, if it is due and the step before was seen."""
        at, grad, found, mine = step.index, step.workspace.grad, None, None
        if self.kept == at - 1 and self.rhythm.meets(at):
            mine = norm(grad)
            found = _cosine(grad, self.before, mine, norm(self.before) if self.norm is None else self.norm)
        if self.rhythm.meets(at + 1):
            np.copyto(self.before, grad)
            self.norm, self.kept = mine, at
        return found

    def next_look(self, index: int) -> int:
        """The step of a copy or of a cosine, whichever is next after that one."""
        due = self.rhythm.next(index)
        return due - 1 if due - 1 > index else due


def _cosine(a: Array, b: Array, norm_a: Any, norm_b: Any) -> Any:
    if a.ndim == 1:
        lengths = norm_a * norm_b
        if LEAST_SQUARE < lengths < 1 / LEAST_SQUARE:
            return float(a.dot(b)) / lengths
        return float((a / norm_a).dot(b / norm_b)) if norm_a and norm_b else 0.0
    with np.errstate(all="ignore"):  # a gradient that has diverged
        lengths = norm_a * norm_b
        return np.vecdot(a, b) / np.where(lengths != 0, lengths, 1)
