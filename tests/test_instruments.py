"""Instruments: each against a slow twin, by worked numbers, for populations, and leaving everything as it was."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import pytest
from cases import LAYERS, POPULATIONS, arrays_in, batch_for, inside, member

import mlp
from mlp import instruments
from mlp.instruments import DETAILED
from mlp.training import Step

EVERY = pytest.mark.parametrize("instrument", DETAILED, ids=lambda i: i.name)


def network(population: tuple[int, ...] = ()) -> mlp.Network:
    """Layers of all sorts: squashing, rectifying, normalising, nested."""
    block = mlp.Residual([mlp.Tanh(), mlp.Dense(6, 6), mlp.ReLU()])
    layers = [mlp.Dense(5, 6), mlp.BatchNorm(), mlp.Sigmoid(), block, mlp.ReLU(), mlp.Dense(6, 3)]
    return mlp.Network(layers, rng=3, population=population)


def stepped(net: mlp.Network, rule: mlp.Optimizer | None = None, n: int = 9) -> Step:
    """The second of two steps, of which memory has a say."""
    rng = np.random.default_rng(1)
    batch = mlp.as_batch(2 * rng.standard_normal((n, net.n_in)), rng.integers(0, 3, n))
    *_, step = mlp.train(net, [batch, batch], mlp.SoftmaxCrossEntropy(), rule or mlp.Momentum(0.1))
    return step


def measured(instrument: mlp.Instrument, step: Step) -> np.ndarray:
    return np.asarray(instrument.read(step), float)


# slow twins: the definition, number by number, for one network


def norm_of(numbers: Any) -> float:
    return sqrt(sum(float(v) ** 2 for v in np.ravel(numbers)))


def by_layer(step: Step, flat: np.ndarray) -> list[float]:
    return [norm_of(flat[s]) for s in step.network.layout.slices if s.stop > s.start]


def chain(step: Step) -> list[tuple[mlp.Layer, np.ndarray, np.ndarray, Any, np.ndarray]]:
    """(layer, x, y, d_x, d_y) of each layer, and after a block those inside it."""
    w, found = step.workspace, []
    for i, layer in enumerate(step.network.layers):
        x, y, d_x, d_y = w.nodes[i].values, w.nodes[i + 1].values, w.d_nodes[i], w.d_nodes[i + 1]
        found.append((layer, x, y, d_x, d_y))
        if isinstance(layer, mlp.Residual):
            scratch = w.scratch[i]
            xs = [x, *(n.values for n in scratch.nodes)]
            ds = [d_x, *scratch.d_nodes, d_y]
            found += [(inner, xs[k], xs[k + 1], ds[k], ds[k + 1]) for k, inner in enumerate(layer.layers)]
    return found


def dead(layer: Any, x: np.ndarray) -> float:
    return sum(all(v <= 0 for v in row) for row in x) / len(x)


def saturated(layer: Any, x: np.ndarray) -> float:
    """Share of x where the slope, by differences, is under 1 % of the largest."""
    largest = {"Sigmoid": 0.25, "Tanh": 1.0}[type(layer).__name__]
    slopes = {"Sigmoid": lambda v: 0.25 / np.cosh(v / 2) ** 2, "Tanh": lambda v: 1 / np.cosh(v) ** 2}
    return float(np.mean([slopes[type(layer).__name__](v) < 0.01 * largest for v in x.ravel()]))


TWINS: dict[str, Callable[[Step], Any]] = {
    "loss": lambda s: s.loss,
    "step": lambda s: 1,
    "epoch": lambda s: 0,
    "learning_rate": lambda s: 0.1,
    "grad_norm": lambda s: norm_of(s.workspace.grad),
    "grad_norm_by_layer": lambda s: by_layer(s, s.workspace.grad),
    "update_norm": lambda s: norm_of(s.update),
    "update_norm_by_layer": lambda s: by_layer(s, s.update),
    "param_norm": lambda s: norm_of(s.network.params),
    "param_norm_by_layer": lambda s: by_layer(s, s.network.params),
    "update_ratio_by_layer": lambda s: [
        u / p for u, p in zip(by_layer(s, s.update), by_layer(s, s.network.params), strict=True)
    ],
    "backward_gain": lambda s: [norm_of(d_x) / norm_of(d_y) for _, _, _, d_x, d_y in chain(s) if d_x is not None],
    "activation_mean": lambda s: [sum(y.ravel()) / y.size for _, _, y, _, _ in chain(s)],
    "activation_std": lambda s: [
        sqrt(sum((v - y.mean()) ** 2 for v in y.ravel()) / y.size) for _, _, y, _, _ in chain(s)
    ],
    "saturated_fraction": lambda s: [
        saturated(layer, x) for layer, x, _, _, _ in chain(s) if isinstance(layer, mlp.Sigmoid | mlp.Tanh)
    ],
    "dead_fraction": lambda s: [dead(layer, x) for layer, x, _, _, _ in chain(s) if isinstance(layer, mlp.ReLU)],
}


@EVERY
def test_an_instrument_measures_what_its_slow_twin_measures(instrument: mlp.Instrument) -> None:
    step = stepped(network())
    expected = TWINS[instrument.name](step)
    np.testing.assert_allclose(measured(instrument, step), expected, rtol=1e-12)  # order of summing


@EVERY
@pytest.mark.parametrize("name", LAYERS)
def test_a_measurement_is_finite_whatever_the_layer(name: str, instrument: mlp.Instrument) -> None:
    net = inside(LAYERS[name])
    *_, step = mlp.train(net, [batch_for(net)], mlp.SquaredError(), mlp.Adam())
    assert np.isfinite(measured(instrument, step)).all()


@EVERY
def test_a_measurement_changes_no_bit_of_the_step(instrument: mlp.Instrument) -> None:
    step = stepped(network())
    kept = [*arrays_in(step.workspace), step.network.params, step.update, *arrays_in(step.state)]
    before, noise = [a.copy() for a in kept], step.network.rng.bit_generator.state
    instrument.measure(step)
    assert all((a == b).all() for a, b in zip(kept, before, strict=True))
    assert step.network.rng.bit_generator.state == noise


@EVERY
def test_there_is_a_label_for_every_number(instrument: mlp.Instrument) -> None:
    step = stepped(network())
    shape = measured(instrument, step).shape
    assert shape == ((len(instrument.labels(step)),) if instrument.labels else ())


@pytest.mark.parametrize("population", POPULATIONS, ids=str)
@EVERY
def test_a_population_measures_what_its_members_measure(instrument: mlp.Instrument, population: Any) -> None:
    many = network(population)
    members = {index: member(many, index) for index in np.ndindex(*population)}
    found = measured(instrument, stepped(many))
    if instrument.shared:
        assert found.shape == ()
        found = np.broadcast_to(found, population)
    for index, one in members.items():
        # two steps; one large product sums in another order than many small ones
        np.testing.assert_allclose(found[index], measured(instrument, stepped(one)), rtol=1e-9, atol=1e-12)


@EVERY
def test_a_population_whose_block_comes_first_measures_as_its_members(instrument: mlp.Instrument) -> None:
    """The first layer inside the block is fed by the batch, which all members share."""
    layers = [mlp.Residual([mlp.Tanh(), mlp.ReLU(), mlp.Dense(5, 5)], n_in=5), mlp.Dense(5, 3)]
    many = mlp.Network(layers, rng=0, population=(2,))
    members = [member(many, (i,)) for i in range(2)]
    found = np.broadcast_to(measured(instrument, stepped(many)).T, (2,)).T if instrument.shared else measured(
        instrument, stepped(many))  # fmt: skip
    for i, one in enumerate(members):
        np.testing.assert_allclose(found[i], measured(instrument, stepped(one)), rtol=1e-9, atol=1e-12)  # as above


@EVERY
@pytest.mark.parametrize("population", [(), (2,)], ids=str)
def test_where_there_is_nothing_to_measure_there_are_no_numbers(instrument: mlp.Instrument, population: Any) -> None:
    net = mlp.Network([mlp.Dense(5, 3)], population=population)
    step = stepped(net)
    found = measured(instrument, step)
    if instrument.labels and not instrument.labels(step):
        assert found.shape == (*population, 0)
    else:
        assert np.isfinite(found).all()


def test_names_are_told_apart() -> None:
    names = [i.name for i in DETAILED]
    assert len(names) == len(set(names))
    assert {i.name for i in mlp.ESSENTIAL} <= {i.name for i in mlp.STANDARD} <= set(names)


# learning rates


def test_the_learning_rate_is_that_of_each_member_and_of_the_schedule() -> None:
    rates = np.array([[0.1], [0.2]])
    assert instruments.learning_rate(stepped(network((2,)), mlp.SGD(rates))).tolist() == [0.1, 0.2]
    assert instruments.learning_rate(stepped(network(), mlp.SGD(mlp.StepDecay(0.8, every=1, factor=0.5)))) == 0.4
    wrapped = mlp.ClipNorm(mlp.Frozen(mlp.SGD(0.3), ()), 1.0)
    assert instruments.learning_rate(stepped(network(), wrapped)) == 0.3


# worked numbers


def one_step(layers: list[mlp.Layer], params: list[float], x: list[list[float]], t: list[list[float]]) -> Step:
    net = mlp.Network(layers)
    net.params[...] = params
    return next(mlp.train(net, [mlp.as_batch(np.array(x), np.array(t))], mlp.SquaredError(), mlp.SGD(0.5)))


def test_norms_by_worked_numbers() -> None:
    """y = 1·2 + 0, e = 2: gradient (4, 2), update (-2, -1), parameters (-1, -1)."""
    step = one_step([mlp.Dense(1, 1)], [1, 0], [[2]], [[0]])
    assert instruments.grad_norm(step) == pytest.approx(sqrt(20), rel=1e-15)  # one root
    assert instruments.update_norm(step) == pytest.approx(sqrt(5), rel=1e-15)  # one root
    assert instruments.param_norm(step) == pytest.approx(sqrt(2), rel=1e-15)  # one root
    assert instruments.update_ratio_by_layer(step) == pytest.approx([sqrt(2.5)], rel=1e-15)  # one root


def test_saturated_fraction_by_worked_numbers() -> None:
    """Of -10, -1, 0, 7 a sigmoid saturates at the first and the last: σ′(7) = 9e-4 < ¼ %."""
    step = one_step([mlp.Dense(1, 1), mlp.Sigmoid()], [1, 0], [[-10], [-1], [0], [7]], [[0]] * 4)
    assert instruments.saturated_fraction(step).tolist() == [0.5]


def test_dead_fraction_by_worked_numbers() -> None:
    """Four units see x, -x, 1, -1 for x = 1, 2: the second and the last are never above 0."""
    params = [1, 0, -1, 0, 0, 1, 0, -1]
    layers = [mlp.Dense(1, 4), mlp.ReLU()]
    assert instruments.dead_fraction(one_step(layers, params, [[1], [2]], [[0] * 4] * 2)).tolist() == [0.5]


def test_activation_mean_and_std_by_worked_numbers() -> None:
    """Outputs 1, 3 and their rectified negatives' none: mean 2, deviation 1."""
    step = one_step([mlp.Dense(1, 1), mlp.ReLU()], [1, 0], [[1], [3]], [[0], [0]])
    assert instruments.activation_mean(step).tolist() == [2, 2]
    assert instruments.activation_std(step).tolist() == [1, 1]


def test_backward_gain_by_worked_numbers() -> None:
    """Through a weight of 3 the error comes back threefold; through σ at 0 a quarter of it."""
    step = one_step([mlp.Dense(1, 1), mlp.Sigmoid(), mlp.Dense(1, 1)], [1, 0, 3, 0], [[0]], [[0]])
    assert instruments.backward_gain(step).tolist() == [0.25, 3]


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_a_sigmoid_hands_back_a_quarter_at_most(scale: float) -> None:
    layers = [layer for _ in range(4) for layer in (mlp.Dense(5, 5, mlp.initializers.Normal(scale)), mlp.Sigmoid())]
    step = stepped(mlp.Network([*layers, mlp.Dense(5, 3)], rng=0))
    detail = next(i for i in DETAILED if i.name == "backward_gain")
    gains = dict(zip(detail.labels(step), detail.read(step), strict=True))  # type: ignore[misc]
    of_sigmoids = [gain for name, gain in gains.items() if name.startswith("sigmoid")]
    assert len(of_sigmoids) == 4
    assert 0 < max(of_sigmoids) <= 0.25


def test_where_no_signal_comes_the_gain_is_0() -> None:
    step = one_step([mlp.Dense(1, 1), mlp.Tanh(), mlp.Dense(1, 1)], [1, 0, 0, 0], [[1]], [[0]])
    assert instruments.backward_gain(step).tolist() == [0, 0]


def test_a_network_that_stands_still_at_zero_has_ratio_0() -> None:
    step = one_step([mlp.Dense(1, 1)], [0, 0], [[1]], [[0]])
    assert instruments.update_ratio_by_layer(step).tolist() == [0]


def test_norms_by_layer_add_up_to_the_norm() -> None:
    step = stepped(network())
    for name in ("grad", "update", "param"):
        squares = getattr(instruments, f"{name}_squares_by_layer")(step)
        whole = getattr(instruments, f"{name}_norm")(step)
        assert whole == pytest.approx(sum(squares) ** 0.5, rel=1e-14)  # order of summing
