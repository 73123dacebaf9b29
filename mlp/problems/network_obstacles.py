"""Obstacles as small networks: what stands in the way of training, one difficulty at a time.

Each row is a function that takes the dial. Most of them train on the same 64 rows: four normal features, and a target
of mean 0 and variance 1, so that the best constant answer has a loss of ½. `mlp.curvature.classify_point` says at what
kind of point those stand that do not get past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.curvature import classify_point
from mlp.data import xor
from mlp.initializers import HeNormal, Initializer
from mlp.layers import Layer, ReLU, Sigmoid, Tanh
from mlp.losses import SquaredError
from mlp.optimizers import Optimizer
from mlp.problems.networks import Cube, Examples, NetworkDescent, Task, measure_bits, stack_layers
from mlp.problems.obstacle import BUDGET, DIVERGED, FINDINGS, Obstacle, Past, Place
from mlp.problems.problem import Seeds, Target, Update

EVERY = 5  # updates from one measurement to the next
LATEST = 50  # losses that are kept for the question where a member stands
LOOKED_AT = 64  # rows that are looked at then


class LocatedDescent(NetworkDescent):
    """A training of a task that can say where its members stand."""

    def __init__(self, task: Task, seeds: Seeds, order: int, full_batch: bool) -> None:
        super().__init__(task, seeds, order, full_batch)
        self._task = task
        self._latest: list[Any] = []

    def steps(self, rule: Optimizer) -> Iterator[Update]:
        """Train, and keep the latest losses."""
        for update in super().steps(rule):
            self._latest = [*self._latest[1 - LATEST :], update.loss]
            yield update

    def locate(self, index: int | None, rate: Any) -> Place:
        """The kind of point that a member stands at."""
        network = self._network if index is None else self._network.member(index)
        losses = np.array(self._latest, float)
        losses = losses if index is None else losses[:, index]
        if not np.isfinite(network.params).all() or not np.isfinite(losses).all():
            return DIVERGED
        X, target = (values[:LOOKED_AT] for values in self._task.parts["train"])
        point = classify_point(
            network, self._task.loss, X, target,
            rate=rate, batch_size=self._task.size, budget=BUDGET, losses=losses.tolist(), rows=LOOKED_AT,
        )  # fmt: skip
        never = "; never by itself" if np.isinf(point.escape_steps) else ""
        return Place(point.kind, FINDINGS[point.kind], point.why + never)


def _begin(make: Callable[[], Task], seeds: Seeds, order: int, full_batch: bool) -> LocatedDescent:
    """The batches are those of the task, also for rules that want all rows: small batches are an obstacle."""
    return LocatedDescent(make(), seeds, order, False)


def _row(
    name: str, make: Callable[[], Task], level: float, *, default: float, measure: str = "train_loss", **words: Any
) -> Obstacle:
    """An obstacle; with another dial than the usual one, its number stands in its name."""
    target, hardness = Target(measure, level), words["hardness"]
    words.setdefault("past", f"{measure.replace('_', ' ')} ≤ {level:g}")
    return Obstacle(
        name if hardness == default else f"{name}-{hardness:g}",
        begin=partial(_begin, make), epochs=BUDGET, every=EVERY, target=target, stop=Past(target),
        budget=BUDGET, by_target=True, sort="network", **words,
    )  # fmt: skip


def draw_rows(n: int = 64, noise: float = 0.0) -> Mapping[str, Examples]:
    """Rows to train on, and others without noise, "test". t = sin(1.5 x₁) + x₂ + ½ x₃ x₄, brought to variance 1."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n + 256, 4))
    t = np.sin(1.5 * X[:, :1]) + X[:, 1:2] + 0.5 * X[:, 2:3] * X[:, 3:]
    t = (t - t[:n].mean()) / t[:n].std()
    drawn = t[:n] + noise * rng.standard_normal((n, 1))
    return {"train": (X[:n], drawn)} | ({"test": (X[n:], t[n:])} if noise else {})


def _train_on(layers: Callable[[], tuple[Layer, ...]], rows: Mapping[str, Examples], size: int | None = None) -> Task:
    return Task(layers(), SquaredError(), rows, size)


def _tanh_layers(weights: Initializer | str = "auto") -> tuple[Layer, ...]:
    return stack_layers((4, 12, 1), Tanh, weights)


# saddles and flat places


@dataclass(frozen=True)
class Equal:
    """All units of a layer alike, but for `difference`: weights from a node are the same to every unit, and so on."""

    difference: float

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw the weights of one unit, and give them to all; units of the layer before count alike too."""
        n_out, n_in = weights.shape[-2:]
        shared = rng.standard_normal((1, n_in) if n_out > 1 else (1, 1)) / np.sqrt(n_in)
        weights[...] = shared
        bias[...] = 0.1 * rng.standard_normal()
        if self.difference:
            weights += self.difference * rng.standard_normal(weights.shape)


def _make_equal(difference: float) -> Task:
    return _train_on(partial(_tanh_layers, Equal(difference)), draw_rows())


def symmetry_saddle(digits: float = 0.0) -> Obstacle:
    """4-12-1 tanh whose units begin equal, or 10^-digits apart if the dial is not 0."""
    return _row(
        "symmetry_saddle", partial(_make_equal, 10.0**-digits if digits else 0.0), 0.05,
        description="hidden units that begin equal", source="Rumelhart et al. (1986); Fukumizu & Amari (2000)",
        dial="digits", hardness=digits, default=0.0,
        answer="equal units get equal gradients: they stay one unit, but for the rounding of a matrix solve",
    )  # fmt: skip


def broken_symmetry(digits: float = 6.0) -> Obstacle:
    """The same network with units 10^-digits apart."""
    return _row(
        "broken_symmetry", partial(_make_equal, 10.0**-digits), 0.05,
        description=f"hidden units that begin 1e-{digits:g} apart", source="Fukumizu & Amari (2000)",
        dial="digits", hardness=digits, default=6.0,
        answer="differences grow by the negative curvature: gradient descent needs a time of order digits",
    )  # fmt: skip


def _make_saturated(scale: float) -> Task:
    return _train_on(lambda: stack_layers((4, 12, 1), Sigmoid, Cube(scale)), draw_rows())


def saturated_plateau(scale: float = 10.0) -> Obstacle:
    """4-12-1 sigmoid with all weights from U(± scale): most units stand where σ' is nearly 0."""
    return _row(
        "saturated_plateau", partial(_make_saturated, scale), 0.1,
        description=f"sigmoids that begin saturated, weights within ±{scale:g}", source="Fahlman (1988): the flat spot",
        dial="scale", hardness=scale, default=10.0,
        answer="a gradient through a saturated unit is of order e^-|z|; rules that divide by its size still move",
    )  # fmt: skip


def _make_tower(depth: int) -> Task:
    return _train_on(lambda: stack_layers((4, *[8] * depth, 1), Sigmoid), draw_rows())


def sigmoid_tower(depth: float = 6.0) -> Obstacle:
    """4-8-…-8-1 with `depth` layers of sigmoids, begun as Glorot & Bengio (2010) say."""
    return _row(
        "sigmoid_tower", partial(_make_tower, max(1, int(depth))), 0.25,
        description=f"{depth:g} layers of sigmoids", dial="depth", hardness=depth, default=6.0,
        source="Hochreiter (1991); Glorot & Bengio (2010)",
        answer="each layer hands back at most ¼ of the signal; the last layer learns the mean, and there it stays",
    )  # fmt: skip


@dataclass(frozen=True)
class Gain:
    """He's normal weights, times `gain`."""

    gain: float

    def fill(self, weights: Array, bias: Array, rng: np.random.Generator) -> None:
        """Draw every weight."""
        HeNormal().fill(weights, bias, rng)
        weights *= self.gain


def _make_exploding(gain: float) -> Task:
    return _train_on(lambda: stack_layers((4, *[12] * 4, 1), ReLU, Gain(gain)), draw_rows())


def exploding_start(gain: float = 3.0) -> Obstacle:
    """4-12-12-12-12-1 ReLU with weights `gain` times as large as He et al. (2015) say: outputs are gain⁵ too large."""
    return _row(
        "exploding_start", partial(_make_exploding, gain), 0.25,
        description=f"weights {gain:g} times too large in five layers", source="He et al. (2015)",
        dial="gain", hardness=gain, default=3.0,
        answer="curvature is of order gain^(2D): a constant rate that survives the start is too slow for the rest",
    )  # fmt: skip


def _make_xor(limit: float) -> Task:
    data = xor()
    assert data.y is not None
    layers = (*stack_layers((2, 2, 1), Sigmoid, Cube(limit)), Sigmoid())
    return Task(layers, SquaredError(), {"train": (data.X, data.y.astype(float))}, None, measure_bits)


def xor_minima(limit: float = 1.0) -> Obstacle:
    """XOR with 2-2-1 sigmoids and weights from U(± limit); solved by the 40-20-40 rule."""
    return _row(
        "xor_minima", partial(_make_xor, limit), 1.0, measure="train_solved", past="all four rows right",
        description="XOR with two hidden units", source="Rumelhart, Hinton & Williams (1986); Hamey (1998)",
        dial="limit", hardness=limit, default=1.0,
        answer="a share of the starts goes to places at infinity, or stays near ⅛ on the plateau",
    )  # fmt: skip


# scales, rows and noise


def _make_scaled(decades: float) -> Task:
    rows = draw_rows()
    X, t = rows["train"]
    return _train_on(_tanh_layers, {"train": (X * np.logspace(-decades / 2, decades / 2, 4), t)})


def scaled_inputs(decades: float = 3.0) -> Obstacle:
    """4-12-1 tanh on features whose deviations are spread over so many decades."""
    return _row(
        "scaled_inputs", partial(_make_scaled, decades), 0.1,
        description=f"features {decades:g} decades apart in scale", source="LeCun et al. (1998), Efficient backprop",
        dial="decades", hardness=decades, default=3.0,
        answer="the condition grows with the square of the ratio; a rate for each parameter takes it back",
    )  # fmt: skip


def _make_unscaled(scale: float) -> Task:
    X, t = draw_rows()["train"]
    return _train_on(_tanh_layers, {"train": (X, scale * t)})


def unscaled_targets(scale: float = 100.0) -> Obstacle:
    """4-12-1 tanh with targets of deviation `scale`; past: a tenth of the loss of the best constant answer."""
    return _row(
        "unscaled_targets", partial(_make_unscaled, scale), 0.1 * 0.5 * scale**2,
        description=f"targets of deviation {scale:g}", source="Bishop (1995), section 8.2",
        dial="scale", hardness=scale, default=100.0,
        answer="rules of bounded steps need scale/η updates; gradient steps grow with the targets",
    )  # fmt: skip


def _make_small_batches(size: int) -> Task:
    return _train_on(_tanh_layers, draw_rows(), size)


def small_batches(size: float = 1.0) -> Obstacle:
    """4-12-1 tanh in batches of so many rows, also for rules that ask for all of them."""
    return _row(
        "small_batches", partial(_make_small_batches, max(1, int(size))), 0.1,
        description=f"batches of {size:g} of 64 rows", source="Riedmiller (1994); Tieleman & Hinton (2012), lecture 6",
        dial="size", hardness=size, default=1.0,
        answer="Rprop takes nine steps of +0.1 and one of -0.9 for nine steps up: it fails",
    )  # fmt: skip


def _make_noisy_labels(noise: float) -> Task:
    return _train_on(_tanh_layers, draw_rows(256, noise), 16)


def label_noise(noise: float = 1.0) -> Obstacle:
    """4-12-1 tanh, 256 rows in batches of 16 with noise of deviation `noise` on the targets; measured on clean rows."""
    return _row(
        "label_noise", partial(_make_noisy_labels, noise), 0.15, measure="test_loss",
        description=f"targets with noise of deviation {noise:g}", source="Bishop (1995), section 6.1",
        dial="noise", hardness=noise, default=1.0, past="loss on clean rows ≤ 0.15",
        answer="the loss on the noisy rows cannot go below ½ noise² but by memorising",
    )  # fmt: skip


NETWORKS: tuple[Callable[..., Obstacle], ...] = (
    symmetry_saddle, broken_symmetry, saturated_plateau, sigmoid_tower, exploding_start, xor_minima, scaled_inputs,
    unscaled_targets, small_batches, label_noise,
)  # fmt: skip
"""Those on networks."""
