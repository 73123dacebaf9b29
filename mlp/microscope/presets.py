"""Trainings to look at: each shows one thing that happens in backpropagation, and says where to look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlp.arrays import Array
from mlp.layers import Dense, Layer, ReLU, Sigmoid, Tanh
from mlp.losses import Loss, SigmoidCrossEntropy, SquaredError
from mlp.microscope.recording import Recording, record
from mlp.network import Network
from mlp.optimizers import SGD, Adam, Optimizer

XOR_INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR_TARGETS = np.array([[0.0], [1.0], [1.0], [0.0]])
AND_TARGETS = np.array([[0.0], [0.0], [0.0], [1.0]])


@dataclass(frozen=True)
class Place:
    """Where to look, and what is seen there. `sample` and `run` are counted from 1, as in the address of a page."""

    text: str
    step: int
    sample: int
    view: str
    at: str
    run: int = 1

    @property
    def address(self) -> str:
        """What stands after the # in the address."""
        return f"run={self.run}&step={self.step}&sample={self.sample}&view={self.view}&at={self.at}"


@dataclass(frozen=True)
class Preset:
    """A training to look at. `record` trains it for so many steps: one recording for each of its optimizers."""

    title: str
    summary: str
    steps: int
    places: tuple[Place, ...]
    record: Callable[[int], tuple[Recording, ...]]


def _train(
    layers: list[Layer],
    X: Array,
    target: Array,
    *rules: Optimizer,
    loss: Loss | None = None,
    params: list[float] | None = None,
    seed: int = 0,
) -> Callable[[int], tuple[Recording, ...]]:
    """What records one network under some rules, from the same first weights."""

    def record_all(steps: int) -> tuple[Recording, ...]:
        network = Network(layers, rng=seed)
        if params is not None:
            network.params = np.array(params)
        return tuple(record(network, X, target, loss or SquaredError(), rule, steps) for rule in rules)

    return record_all


def _tower() -> list[Layer]:
    """Eight hidden layers of four sigmoids, and a sigmoid on top."""
    layers: list[Layer] = [Dense(2, 4), Sigmoid()]
    for _ in range(7):
        layers += [Dense(4, 4), Sigmoid()]
    return [*layers, Dense(4, 1), Sigmoid()]


PRESETS = {
    "xor": Preset(
        "XOR: a hidden layer learns what no line can",
        "Three hidden sigmoids learn the exclusive or. No straight line separates its four points, so the hidden nodes "
        "must first bend the plane.",
        200,
        (
            Place("At the start every answer is near ½, and the loss stands still.", 0, 2, "forward", "2.0"),
            Place("The plateau ends: δ of the hidden nodes has grown.", 60, 2, "backward", "1.1"),
            Place("One weight, its gradient as a sum over the samples.", 60, 2, "gradient", "1.0.1"),
            Place("The end: all four answers are right, and little is left to push.", 199, 2, "update", "2.0"),
        ),
        _train([Dense(2, 3), Sigmoid(), Dense(3, 1), Sigmoid()], XOR_INPUTS, XOR_TARGETS, SGD(10.0), seed=4),
    ),
    "perceptron": Preset(
        "One node: logistic regression of AND",
        "One output, two inputs, one bias node: the smallest network. Its error signal is the answer minus the target.",
        100,
        (
            Place("δ = (σ(o) − t) / N, and ∂L/∂w is δ times the input.", 0, 4, "backward", "1.0"),
            Place("The bias weight trains like any other: its node hands on 1.", 20, 4, "gradient", "1.0.2"),
        ),
        _train([Dense(2, 1)], XOR_INPUTS, AND_TARGETS, SGD(2.0), loss=SigmoidCrossEntropy()),
    ),
    "worked": Preset(
        "The classic worked example: 2-2-2 sigmoids, one sample",
        "The numbers that many lecture notes work out by hand: inputs .05 and .10, targets .01 and .99, weights .15 to "
        ".55, learning rate ½. Here every one of them can be looked up. (In the notes the two nodes of a layer share "
        "one bias weight that is never trained; here each has its own, and trains.)",
        100,
        (
            Place("Forward: the first hidden node is .5933, the loss .2984.", 0, 1, "forward", "1.0"),
            Place("Backward: ∂L/∂w of the first output weight is .0822.", 0, 1, "gradient", "2.0.0"),
            Place("After the update that weight is .3589.", 0, 1, "update", "2.0.0"),
        ),
        _train(
            [Dense(2, 2), Sigmoid(), Dense(2, 2), Sigmoid()],
            np.array([[0.05, 0.10]]),
            np.array([[0.01, 0.99]]),
            SGD(0.5),
            params=[0.15, 0.20, 0.35, 0.25, 0.30, 0.35, 0.40, 0.45, 0.60, 0.50, 0.55, 0.60],
        ),
    ),
    "tower": Preset(
        "A tower of nine sigmoid layers: the error signal fades on its way down",
        "A sigmoid hands back at most a quarter of the signal that it gets. After nine of them nothing is left for the "
        "first weights to learn from.",
        80,
        (
            Place("‖δ‖ shrinks from the output down to the first layer.", 40, 2, "backward", "1.0"),
            Place("The gradient of a first weight: right, and of no use.", 40, 2, "gradient", "1.0.0"),
        ),
        _train(_tower(), XOR_INPUTS, XOR_TARGETS, SGD(10.0)),
    ),
    "dead-relu": Preset(
        "Dead ReLUs: nodes that never fire never learn",
        "Bias weights of −4 keep every hidden sum below 0. The slope of a ReLU is 0 there, so its weights get no "
        "gradient, and no step can bring it back.",
        60,
        (
            Place("z is below 0 for every sample, so the node answers 0.", 0, 4, "forward", "1.0"),
            Place("δ = ∂L/∂a · 0: nothing comes through.", 0, 4, "backward", "1.0"),
            Place("The gradient of its weight is a sum of zeros.", 30, 4, "gradient", "1.0.0"),
        ),
        _train([Dense(2, 4, bias=-4.0), ReLU(), Dense(4, 1), Sigmoid()], XOR_INPUTS, XOR_TARGETS, SGD(1.0)),
    ),
    "saddle": Preset(
        "A saddle point: equal weights stay equal",
        "All hidden nodes begin with the same weights. They get the same gradient, take the same step, and three nodes "
        "work as one for ever.",
        150,
        (
            Place("Three nodes, one value.", 0, 2, "forward", "1.0"),
            Place("Their gradients are the same numbers.", 100, 2, "gradient", "1.1.0"),
        ),
        _train(
            [Dense(2, 3), Tanh(), Dense(3, 1), Sigmoid()],
            XOR_INPUTS,
            XOR_TARGETS,
            SGD(1.0),
            params=[0.5, -0.5, 0.1] * 3 + [0.4, 0.4, 0.4, 0.0],
        ),
    ),
    "local-minimum": Preset(
        "A local minimum: two hidden nodes, and one pattern is given up",
        "XOR with two hidden nodes has bad minima. Two samples with different targets get the same answer, one half, "
        "and no small step lowers the loss.",
        300,
        (
            Place("Two of four answers are near one half, and stay there.", 299, 4, "forward", "2.0"),
            Place("Every gradient is nearly 0: the loss is flat along this weight.", 299, 4, "gradient", "1.0.0"),
        ),
        _train(
            [Dense(2, 2), Sigmoid(), Dense(2, 1), Sigmoid()],
            XOR_INPUTS,
            XOR_TARGETS,
            SGD(8.0),
            params=[4.0, -4.0, -2.0, 6.0, 6.0, -3.0, 4.0, 4.0, -4.0],
        ),
    ),
    "plateau": Preset(
        "A plateau: sigmoids far out",
        "Large first weights push the sigmoids into their flat ends. Their slope there is almost 0, and it takes many "
        "steps before anything moves.",
        300,
        (
            Place("z is far from 0, and a is next to 0 or 1.", 0, 4, "forward", "1.0"),
            Place("σ′(z) = a (1 − a) is almost 0, and so is δ.", 0, 4, "backward", "1.0"),
        ),
        _train(
            [Dense(2, 3), Sigmoid(), Dense(3, 1), Sigmoid()],
            XOR_INPUTS,
            XOR_TARGETS,
            SGD(5.0),
            params=[9.0, 9.0, 6.0, -8.0, 9.0, 7.0, 9.0, -8.0, 8.0, 2.0, 2.0, 2.0, 2.0],
        ),
    ),
    "too-high": Preset(
        "A learning rate that is too high",
        "Each step is longer than the valley is wide: it lands on the other side, higher than before, where the "
        "gradient is larger, and the next step is longer still. The loss grows without end.",
        30,
        (
            Place("The gradient is right; the ring shows that the step is too long for it.", 2, 2, "update", "2.0.3"),
            Place("One step later, on the other side.", 3, 2, "update", "2.0.3"),
            Place("The detectors call it divergence.", 14, 2, "forward", "2.0"),
        ),
        _train([Dense(2, 3), Tanh(), Dense(3, 1)], XOR_INPUTS, XOR_TARGETS, SGD(1.5), seed=3),
    ),
    "adam": Preset(
        "Adam beside plain gradient descent",
        "One network, two optimizers, the same first weights. Adam divides each mean gradient by its size, so that "
        "weights with small gradients take steps as long as others.",
        200,
        (
            Place("The first step of Adam has the length η for every weight.", 0, 2, "update", "1.0.0", run=2),
            Place("The same weight under SGD.", 0, 2, "update", "1.0.0"),
        ),
        _train([Dense(2, 4), Tanh(), Dense(4, 1), Sigmoid()], XOR_INPUTS, XOR_TARGETS, SGD(0.1), Adam(0.1), seed=3),
    ),
}  # fmt: skip
