"""What can be measured at a step: functions that read arrays.

An instrument turns a `Step` into a number, or into one number for each layer; it never writes, draws or keeps anything,
so a run is the same bit for bit with or without it. When to measure and where it goes is the recorder's business.

Numbers belong to the step that was just made: the gradient and the nodes are those before the update, the parameters
those after it. For a population every number has a leading axis (R,).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan, sqrt
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array
from mlp.layers import Activation, Place
from mlp.training import Step


class Instrument(NamedTuple):
    """A quantity: `measure(step)` gives a number, or one for each of `labels(step)`; every `period` records.

    `shared`: the same for all members of a population, as the epoch is. `finish` makes the quantity of what was
    measured, when it is read: a root over a whole column costs nothing, at every step it costs 1 % of a small network.
    """

    name: str
    measure: Callable[[Step], Any]
    unit: str = ""
    period: int = 1
    labels: Callable[[Step], tuple[str, ...]] | None = None
    shared: bool = False
    finish: Callable[[Any], Any] = np.asarray

    def read(self, step: Step) -> Any:
        """The quantity at a step."""
        return self.finish(self.measure(step))


def _norm(flat: Array) -> Any:
    """‖·‖ along the last axis of a contiguous vector, or of each member's."""
    # a dot product with itself: 0.25 µs for a small vector where np.linalg.norm takes 1.5 µs
    return sqrt(flat.dot(flat)) if flat.ndim == 1 else np.sqrt(np.vecdot(flat, flat))


def _squares(blocks: Sequence[Array]) -> Any:
    """‖·‖² of each block: a list, or (*population, n_blocks)."""
    if blocks[0].ndim > 1:
        return np.stack([np.vecdot(block, block) for block in blocks], axis=-1)
    return [block.dot(block) for block in blocks]


loss = attrgetter("loss")
"""The loss of the batch, before the update, weight penalties included."""


def learning_rate(step: Step) -> Any:
    """η of the update; NaN for a rule that has none."""
    rate, population = getattr(step.state, "learning_rate", nan), step.network.population
    if not population:
        return rate
    return np.broadcast_to(np.asarray(rate)[..., 0] if np.ndim(rate) else rate, population)


index = attrgetter("index")
"""The number of the step, from 0; counts on where a recorder goes on."""


def epoch(step: Step) -> int:
    """How often the data were gone through before."""
    return step.epoch


def grad_norm(step: Step) -> Any:
    """‖∂L/∂θ‖ over all parameters."""
    return _norm(step.workspace.grad)


def grad_squares_by_layer(step: Step) -> Any:
    """‖∂L/∂θ‖² of each layer that has parameters."""
    return _squares(step.workspace.blocks)


def update_norm(step: Step) -> Any:
    """‖u‖ over all parameters."""
    return _norm(step.update)


def update_squares_by_layer(step: Step) -> Any:
    """‖u‖² of each layer that has parameters."""
    return _squares(step.network.layout.blocks(step.update))


def param_norm(step: Step) -> Any:
    """‖θ‖ over all parameters, after the update."""
    return _norm(step.network.params)


def param_squares_by_layer(step: Step) -> Any:
    """‖θ‖² of each layer that has parameters, after the update."""
    return _squares(step.network.layout.blocks(step.network.params))


def update_ratio_by_layer(step: Step) -> Any:
    """‖u‖/‖θ‖ of each layer that has parameters: 1e-3 is lively, 1e-6 stands still, 1e-1 jumps. 0 where both are 0."""
    update, params = np.sqrt(update_squares_by_layer(step)), np.sqrt(param_squares_by_layer(step))
    return update / np.where(params > 0, params, np.where(update > 0, update, 1.0))


def backward_gain(step: Step) -> Any:
    """‖∂L/∂x‖/‖∂L/∂y‖ of every layer that is asked for ∂L/∂x: how much of the error signal it hands back.

    1 hands everything on; a sigmoid can give at most ¼ (σ′ ≤ ¼). The product over layers is what decays when gradients
    vanish (Hochreiter 1991; Bengio, Simard & Frasconi 1994). 0 where no signal came.
    """
    return _by_layer(step, [_gain(place) for place in _places(step) if place.d_x is not None])


def _gain(place: Place) -> Any:
    assert place.d_x is not None
    given, met = _frobenius(place.d_x), _frobenius(place.d_y)
    return given / np.where(met > 0, met, 1.0)


def _frobenius(values: Array) -> Any:
    """The norm over nodes and samples, (*population,)."""
    return np.sqrt(np.square(values).sum((-2, -1)))


def activation_mean(step: Step) -> Any:
    """The mean output of each layer, over its nodes and the batch."""
    return _by_layer(step, [place.y.values.mean((-2, -1)) for place in _places(step)])


def activation_std(step: Step) -> Any:
    """The standard deviation of each layer's output, over its nodes and the batch."""
    return _by_layer(step, [place.y.values.std((-2, -1)) for place in _places(step)])


def saturated_fraction(step: Step) -> Any:
    """The share of pre-activations where a squashing activation's slope is under 1 % of its largest, by layer."""
    return _by_layer(step, [_saturated(place) for place in _squashing(step)])


def _saturated(place: Place) -> Any:
    assert isinstance(place.layer, Activation) and place.layer.saturation
    low, high = place.layer.saturation
    x = place.x.values
    return ((x <= low) | (x >= high)).mean((-2, -1))


def dead_fraction(step: Step) -> Any:
    """The share of units that no sample of this batch switches on, by rectifying layer.

    A unit is dead only if that stays so over all the data: a small batch may leave a healthy one off.
    """
    return _by_layer(step, [_dead(place) for place in _rectifying(step)])


def _dead(place: Place) -> Any:
    assert isinstance(place.layer, Activation) and place.layer.dead_below is not None
    return (place.x.values.max(-1) <= place.layer.dead_below).mean(-1)


def _by_layer(step: Step, numbers: list[Any]) -> Array:
    """(*population, n_layers), of numbers for each layer that may be shared: a layer fed by the batch itself."""
    found = np.empty((*step.network.population, len(numbers)))
    for i, number in enumerate(numbers):
        found[..., i] = number
    return found


def _places(step: Step) -> list[Place]:
    return step.workspace.places(step.network)


def _squashing(step: Step) -> list[Place]:
    return [p for p in _places(step) if isinstance(p.layer, Activation) and p.layer.saturation]


def _rectifying(step: Step) -> list[Place]:
    return [p for p in _places(step) if isinstance(p.layer, Activation) and p.layer.dead_below is not None]


def _names(places: list[Place]) -> tuple[str, ...]:
    return tuple(place.name for place in places)


def _trained(step: Step) -> tuple[str, ...]:
    return step.network.layout.block_names


ESSENTIAL = (
    Instrument("loss", loss),
    Instrument("grad_norm_by_layer", grad_squares_by_layer, labels=_trained, finish=np.sqrt),
)
"""What a run cannot be judged without; 7 % of a step on a 2-4-2 network, 5 % on 64-32-10, 1 % above."""

STANDARD = (
    *ESSENTIAL,
    Instrument("step", index, "steps", shared=True),
    Instrument("epoch", epoch, "epochs", shared=True),
    Instrument("learning_rate", learning_rate),
    Instrument("grad_norm", grad_norm),
    Instrument("update_norm", update_norm),
    Instrument("param_norm", param_norm),
)
"""What an experiment records at every step."""

DETAILED = (
    *STANDARD,
    Instrument("update_norm_by_layer", update_squares_by_layer, labels=_trained, finish=np.sqrt),
    Instrument("param_norm_by_layer", param_squares_by_layer, labels=_trained, finish=np.sqrt),
    Instrument("update_ratio_by_layer", update_ratio_by_layer, labels=_trained),
    Instrument("backward_gain", backward_gain, labels=lambda s: _names([p for p in _places(s) if p.d_x is not None])),
    Instrument("activation_mean", activation_mean, labels=lambda s: _names(_places(s))),
    Instrument("activation_std", activation_std, labels=lambda s: _names(_places(s))),
    Instrument("saturated_fraction", saturated_fraction, labels=lambda s: _names(_squashing(s))),
    Instrument("dead_fraction", dead_fraction, labels=lambda s: _names(_rectifying(s))),
)
"""Everything there is; for study. Those by layer that read the nodes cost about as much as a small step."""
