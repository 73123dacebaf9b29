"""What the nodes say, layer by layer: signal forward, signal backward, units that are off or stuck."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from mlp.arrays import Array, Nodes, each_norm, squared_norm
from mlp.instruments.instrument import Measure
from mlp.layers import Activation, Place
from mlp.network import Workspace
from mlp.training import Step


def places(step: Step) -> list[Place]:
    """Every layer in its place, inside residual blocks too."""
    return step.workspace.places(step.network)


def has_input_gradient(place: Place) -> bool:
    """Whether a layer is asked for ∂L/∂x."""
    return place.d_x is not None


def squashing(place: Place) -> bool:
    """Whether a layer is an activation that saturates."""
    return isinstance(place.layer, Activation) and place.layer.saturation is not None


def rectifying(place: Place) -> bool:
    """Whether a layer is an activation whose units can be off."""
    return isinstance(place.layer, Activation) and place.layer.dead_below is not None


def every_layer(place: Place) -> bool:
    """Every layer."""
    return True


def name_places(wanted: Callable[[Place], bool]) -> Callable[[Step], tuple[str, ...]]:
    """The names of the layers that are wanted, as labels."""
    return lambda step: tuple(place.name for place in places(step) if wanted(place))


class Sites:
    """The places that are wanted, of the latest step.

    They are looked up again only when the arrays are not those of the last step: a look-up takes 6 µs or more.
    """

    def __init__(self, wanted: Callable[[Place], bool]) -> None:
        self.wanted = wanted
        self.workspace: Workspace | None = None
        self.x: Nodes | None = None
        self.found: list[Place] = []

    def __call__(self, step: Step) -> list[Place]:
        """The places at `step`."""
        workspace = step.workspace
        if workspace is not self.workspace or workspace.nodes[0] is not self.x:  # a batch may bring an array of its own
            self.workspace, self.x = workspace, workspace.nodes[0]
            self.found = [place for place in places(step) if self.wanted(place)]
        return self.found


def by_layer(step: Step, numbers: list[Any]) -> Array:
    """(*population, n_layers), of numbers for each layer that may be shared: a layer fed by the batch itself."""
    found = np.empty((*step.network.population, len(numbers)))
    for i, number in enumerate(numbers):
        found[..., i] = number
    return found


def square(values: Array, population: tuple[int, ...]) -> Any:
    """Σ values² over all but the axes of the population."""
    # a dot product takes 12 µs at 1000 × 128 and 0.5 at 32 × 32, where np.square(values).sum() takes 49 and 2.9
    if population:
        return np.square(each_norm(values.reshape(*population, -1))[..., 0], dtype=np.float64)
    return squared_norm(values.ravel())


def backward_gain(step: Step) -> Any:
    """‖∂L/∂x‖/‖∂L/∂y‖ of every layer that is asked for ∂L/∂x: how much of the error signal it hands back.

    1 hands everything on; a sigmoid can give at most ¼ (σ′ ≤ ¼). The product over layers is what decays when gradients
    vanish (Hochreiter 1991; Bengio, Simard & Frasconi 1994). It is 0 where no signal came.
    """
    return gains(step, [place for place in places(step) if has_input_gradient(place)])


def gains(step: Step, asked: list[Place]) -> Any:
    """`backward_gain` of layers that are asked for ∂L/∂x."""
    population, signals = step.network.population, {}
    for place in asked:  # the ∂L/∂x of one is the ∂L/∂y of another
        for d in (place.d_x, place.d_y):
            if id(d) not in signals:
                assert d is not None
                signals[id(d)] = square(d, population)
    pairs = [(signals[id(place.d_x)], signals[id(place.d_y)]) for place in asked]
    if not population:
        return [sqrt(given) / sqrt(met) if met != 0 else 0.0 for given, met in pairs]
    with np.errstate(all="ignore"):  # a signal that has diverged
        return by_layer(step, [np.sqrt(given) / np.where(met != 0, np.sqrt(met), 1) for given, met in pairs])


def gains_along(_: Step) -> Measure:
    """Begin to measure `backward_gain`."""
    sites = Sites(has_input_gradient)
    return lambda step: gains(step, sites(step))


def activation_mean(step: Step) -> Any:
    """The mean output of each layer, over its nodes and the batch."""
    return by_layer(step, [place.y.values.mean((-2, -1)) for place in places(step)])


def activation_std(step: Step) -> Any:
    """The standard deviation of each layer's output, over its nodes and the batch."""
    return by_layer(step, [place.y.values.std((-2, -1)) for place in places(step)])


def saturated_fraction(step: Step) -> Any:
    """The share of pre-activations where a squashing activation's slope is under 1 % of its largest, by layer."""
    return by_layer(step, [outside(place).mean((-2, -1)) for place in places(step) if squashing(place)])


def outside(place: Place) -> Array:
    """Which pre-activations lie where a squashing activation is saturated, (*population, n, N)."""
    assert isinstance(place.layer, Activation) and place.layer.saturation
    low, high = place.layer.saturation
    x = place.x.values
    return np.asarray((x <= low) | (x >= high))


def dead_fraction(step: Step) -> Any:
    """The share of units that no sample of this batch switches on, by rectifying layer.

    A unit is dead only if that stays so over all the data: a small batch may leave a healthy one off. `silent_units`
    tells the two apart.
    """
    return by_layer(step, [off(place).mean(-1) for place in places(step) if rectifying(place)])


def threshold(place: Place) -> float:
    """What the pre-activation of a unit must exceed for it to be on."""
    assert isinstance(place.layer, Activation) and place.layer.dead_below is not None
    return place.layer.dead_below


def off(place: Place) -> Array:
    """Which units no sample of the batch switches on, (*population, n)."""
    return np.asarray(place.x.values.max(-1) <= threshold(place))
