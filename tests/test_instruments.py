"""Instruments: each against a slow twin, by worked numbers, for populations, and leaving everything as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from cases import LAYERS, POPULATIONS, arrays_in, batch_for, inside, member

import mlp
from mlp.instruments import CHECKS, DETAILED, nodes, samples, vectors
from mlp.training import Step

ALONE = [i for i in DETAILED if i.measure and i not in CHECKS]  # what one step alone has an answer to
WATCHES = [instrument for instrument in DETAILED if instrument.watch]
EVERY = pytest.mark.parametrize("instrument", ALONE, ids=lambda i: i.name)


def network(population: tuple[int, ...] = ()) -> mlp.Network:
    """Layers of all sorts: squashing, rectifying, normalising, nested, neighbours of one size."""
    block = mlp.Residual([mlp.Tanh(), mlp.Dense(6, 6), mlp.ReLU()])
    tower = [mlp.Dense(6, 6), mlp.Tanh(), mlp.Dense(6, 6), mlp.Tanh()]
    layers = [mlp.Dense(5, 6), mlp.BatchNorm(), mlp.Sigmoid(), block, mlp.ReLU(), *tower, mlp.Dense(6, 3)]
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


def dot(a: Any, b: Any) -> float:
    return sum(float(u) * float(v) for u, v in zip(np.ravel(a), np.ravel(b), strict=True))


def noise(step: Step) -> float:
    """√(Var/(B‖ḡ‖²)) from one gradient for each sample, all in full."""
    n = step.workspace.n_samples
    samples = [[n * np.outer(d_y[:, i], [*x[:, i], 1.0]).ravel() for layer, x, _, _, d_y in chain(step)
                if isinstance(layer, mlp.Dense)] for i in range(n)]  # fmt: skip
    grads = np.array([np.concatenate(parts) for parts in samples])
    return sqrt(grads.var(0, ddof=1).sum() / (n * norm_of(grads.mean(0)) ** 2))


def dead(layer: Any, x: np.ndarray) -> float:
    return sum(all(v <= 0 for v in row) for row in x) / len(x)


def saturated(layer: Any, x: np.ndarray) -> float:
    """Share of x where the slope, by differences, is under 1 % of the largest."""
    largest = {"Sigmoid": 0.25, "Tanh": 1.0}[type(layer).__name__]
    slopes = {"Sigmoid": lambda v: 0.25 / np.cosh(v / 2) ** 2, "Tanh": lambda v: 1 / np.cosh(v) ** 2}
    return float(np.mean([slopes[type(layer).__name__](v) < 0.01 * largest for v in x.ravel()]))


def began(step: Step) -> list[tuple[np.ndarray, np.ndarray]]:
    """(weights, bias) of each dense layer of the chain, before the update."""
    found = []
    for layer, slice_ in zip(step.network.layers, step.network.layout.slices, strict=True):
        if isinstance(layer, mlp.Dense):
            flat = step.network.params[slice_] - step.update[slice_]
            whole = flat.reshape(layer.n_out, layer.n_in + 1)
            found.append((whole[:, :-1], whole[:, -1]))
    return found


def doubles(w: np.ndarray, after: np.ndarray) -> float:
    """The share of units of which another one has the same row in and the same column out."""
    units = [(tuple(row), tuple(column)) for row, column in zip(w, after.T, strict=True)]
    return sum(units.count(unit) > 1 for unit in units) / len(units)


def gain(w: np.ndarray) -> float:
    """Before a squashing unit √(n_in · mean w²); below 1, √(mean w² · (n_in + n_out) / 2) may be nearer."""
    forward, halfway = norm_of(w) / sqrt(len(w)), sqrt(np.square(w).mean() * sum(w.shape) / 2)
    return forward if forward >= 1 else max(forward, min(halfway, 1.0))  # no rectifier reads either


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
    "descent": lambda s: dot(s.workspace.grad, s.update),
    "noise_ratio": noise,
    "backward_gain": lambda s: [norm_of(d_x) / norm_of(d_y) for _, _, _, d_x, d_y in chain(s) if d_x is not None],
    "activation_mean": lambda s: [sum(y.ravel()) / y.size for _, _, y, _, _ in chain(s)],
    "activation_std": lambda s: [
        sqrt(sum((v - y.mean()) ** 2 for v in y.ravel()) / y.size) for _, _, y, _, _ in chain(s)
    ],
    "saturated_fraction": lambda s: [
        saturated(layer, x) for layer, x, _, _, _ in chain(s) if isinstance(layer, mlp.Sigmoid | mlp.Tanh)
    ],
    "weight_std": lambda s: [float(np.std(w)) for w, _ in began(s)],
    "bias_mean": lambda s: [sum(b) / len(b) for _, b in began(s)],
    "weight_gain": lambda s: [gain(w) for w, _ in began(s)],
    "identical_units": lambda s: [doubles(w, after) for (w, _), (after, _) in pairwise(began(s))],
    "guess_loss": lambda s: log(3),
    "input_size": lambda s: norm_of(s.batch.x.values) / sqrt(s.batch.x.values.size),
    # rows, inputs, batch norm, dropout, l1, l2; of nested layers no more is known. Usual rate, momentum, usual momentum
    "settings": lambda s: [9, 5, 1, 0, 0, 0, 0.02, 0.9, 0.9],
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
    if instrument.name == "guess_loss":  # of labels only, and these targets are numbers
        assert np.isnan(measured(instrument, step))
    else:
        assert np.isfinite(measured(instrument, step)).all()


@EVERY
def test_a_measurement_changes_no_bit_of_the_step(instrument: mlp.Instrument) -> None:
    step = stepped(network())
    kept = [*arrays_in(step.workspace), step.network.params, step.update, *arrays_in(step.state)]
    before, noise = [a.copy() for a in kept], step.network.rng.bit_generator.state
    instrument.read(step)
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
    if instrument.shared:  # one for all: of the weights at the start those of the first
        first = measured(instrument, stepped(members[(0,) * len(population)]))
        assert found.shape == first.shape
        np.testing.assert_allclose(found, first, rtol=1e-12, atol=1e-15)  # its update goes another way round
        return
    for index, one in members.items():
        # two steps; one large product sums in another order than many small ones
        np.testing.assert_allclose(found[index], measured(instrument, stepped(one)), rtol=1e-9, atol=1e-12)


@EVERY
def test_a_population_whose_block_comes_first_measures_as_its_members(instrument: mlp.Instrument) -> None:
    """The first layer inside the block is fed by the batch, which all members share."""
    layers = [mlp.Residual([mlp.Tanh(), mlp.ReLU(), mlp.Dense(5, 5)], n_in=5), mlp.Dense(5, 3)]
    many = mlp.Network(layers, rng=0, population=(2,))
    members = [member(many, (i,)) for i in range(2)]
    found = measured(instrument, stepped(many))
    if instrument.shared:
        np.testing.assert_allclose(found, measured(instrument, stepped(members[0])), rtol=1e-12)  # as above
        return
    for i, one in enumerate(members):
        np.testing.assert_allclose(found[i], measured(instrument, stepped(one)), rtol=1e-9, atol=1e-12)  # as above


@EVERY
@pytest.mark.parametrize("population", [(), (2,)], ids=str)
def test_where_there_is_nothing_to_measure_there_are_no_numbers(instrument: mlp.Instrument, population: Any) -> None:
    net = mlp.Network([mlp.Dense(5, 3)], population=population)
    step = stepped(net)
    found = measured(instrument, step)
    if instrument.labels and not instrument.labels(step):
        assert found.shape == ((0,) if instrument.shared else (*population, 0))
    else:
        assert np.isfinite(found).all()


def test_names_are_told_apart() -> None:
    names = [i.name for i in DETAILED]
    assert len(names) == len(set(names))
    assert {i.name for i in mlp.ESSENTIAL} <= {i.name for i in mlp.STANDARD} <= set(names)


# learning rates


def test_the_learning_rate_is_that_of_each_member_and_of_the_schedule() -> None:
    rates = np.array([[0.1], [0.2]])
    assert vectors.learning_rate(stepped(network((2,)), mlp.SGD(rates))).tolist() == [0.1, 0.2]
    assert vectors.learning_rate(stepped(network(), mlp.SGD(mlp.StepDecay(0.8, every=1, factor=0.5)))) == 0.4
    wrapped = mlp.ClipNorm(mlp.Frozen(mlp.SGD(0.3), ()), 1.0)
    assert vectors.learning_rate(stepped(network(), wrapped)) == 0.3


# worked numbers


def one_step(layers: list[mlp.Layer], params: list[float], x: list[list[float]], t: list[list[float]]) -> Step:
    net = mlp.Network(layers)
    net.params[...] = params
    return next(mlp.train(net, [mlp.as_batch(np.array(x), np.array(t))], mlp.SquaredError(), mlp.SGD(0.5)))


def test_norms_by_worked_numbers() -> None:
    """y = 1·2 + 0, e = 2: gradient (4, 2), update (-2, -1), parameters (-1, -1)."""
    step = one_step([mlp.Dense(1, 1)], [1, 0], [[2]], [[0]])
    assert vectors.grad_norm(step) == pytest.approx(sqrt(20), rel=1e-15)  # one root
    assert vectors.update_norm(step) == pytest.approx(sqrt(5), rel=1e-15)  # one root
    assert vectors.param_norm(step) == pytest.approx(sqrt(2), rel=1e-15)  # one root
    assert vectors.update_ratio_by_layer(step) == pytest.approx([sqrt(2.5)], rel=1e-15)  # one root


def test_saturated_fraction_by_worked_numbers() -> None:
    """Of -10, -1, 0, 7 a sigmoid saturates at the first and the last: σ′(7) = 9e-4 < ¼ %."""
    step = one_step([mlp.Dense(1, 1), mlp.Sigmoid()], [1, 0], [[-10], [-1], [0], [7]], [[0]] * 4)
    assert nodes.saturated_fraction(step).tolist() == [0.5]


def test_dead_fraction_by_worked_numbers() -> None:
    """Four units see x, -x, 1, -1 for x = 1, 2: the second and the last are never above 0."""
    params = [1, 0, -1, 0, 0, 1, 0, -1]
    layers = [mlp.Dense(1, 4), mlp.ReLU()]
    assert nodes.dead_fraction(one_step(layers, params, [[1], [2]], [[0] * 4] * 2)).tolist() == [0.5]


def test_activation_mean_and_std_by_worked_numbers() -> None:
    """Outputs 1, 3 and their rectified negatives' none: mean 2, deviation 1."""
    step = one_step([mlp.Dense(1, 1), mlp.ReLU()], [1, 0], [[1], [3]], [[0], [0]])
    assert nodes.activation_mean(step).tolist() == [2, 2]
    assert nodes.activation_std(step).tolist() == [1, 1]


def test_backward_gain_by_worked_numbers() -> None:
    """Through a weight of 3 the error comes back threefold; through σ at 0 a quarter of it."""
    step = one_step([mlp.Dense(1, 1), mlp.Sigmoid(), mlp.Dense(1, 1)], [1, 0, 3, 0], [[0]], [[0]])
    assert list(nodes.backward_gain(step)) == [0.25, 3]


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
    assert list(nodes.backward_gain(step)) == [0, 0]


def test_a_network_that_stands_still_at_zero_has_ratio_0() -> None:
    step = one_step([mlp.Dense(1, 1)], [0, 0], [[1]], [[0]])
    assert vectors.update_ratio_by_layer(step).tolist() == [0]


def test_norms_by_layer_add_up_to_the_norm() -> None:
    step = stepped(network())
    for name in ("grad", "update", "param"):
        squares = getattr(vectors, f"{name}_squares_by_layer")(step)
        whole = getattr(vectors, f"{name}_norm")(step)
        assert whole == pytest.approx(sum(squares) ** 0.5, rel=1e-14)  # order of summing


# what looks its arrays up once


@pytest.mark.parametrize("population", [(), (2,)], ids=str)
@pytest.mark.parametrize("instrument", [i for i in ALONE if i.begin], ids=lambda i: i.name)
def test_begun_it_measures_the_same(instrument: mlp.Instrument, population: Any) -> None:
    """Over two epochs with a smaller last batch, and then with batches that each bring arrays of their own."""
    net, rng = network(population), np.random.default_rng(2)
    X, t = rng.standard_normal((20, 5)), rng.integers(0, 3, 20)
    assert instrument.begin
    assert instrument.measure
    for data in (mlp.batches(X, t, 8, epochs=2), [mlp.as_batch(X[k : k + 5], t[k : k + 5]) for k in (0, 5, 10)]):
        measure = None
        for step in mlp.train(net, data, mlp.SoftmaxCrossEntropy(), mlp.Adam()):
            measure = measure or instrument.begin(step)
            np.testing.assert_array_equal(measure(step), instrument.measure(step))


# samples


def bare(layer: mlp.Layer) -> mlp.Layer:
    """The layer without weight penalties."""
    if isinstance(layer, mlp.Residual):
        return replace(layer, layers=[bare(inner) for inner in layer.layers])
    return replace(layer, l1=0.0, l2=0.0) if isinstance(layer, mlp.Dense) else layer


def alone(step: Step, loss: mlp.Loss, X: np.ndarray, t: np.ndarray) -> np.ndarray:
    """(N, P): the gradient of the dense layers for each sample, by one pass for each; before the update."""
    net = mlp.Network([bare(layer) for layer in step.network.layers], dtype=step.network.dtype)
    net.params, net.statistics = step.network.params - step.update, step.network.statistics
    found = []
    for i in range(len(X)):
        workspace = mlp.Workspace(net, 1)
        mlp.value_and_grad(net, loss, mlp.as_batch(X[i : i + 1], t[i : i + 1]), workspace)
        parts = [place.grad.ravel() for place in workspace.places(net) if isinstance(place.layer, mlp.Dense)]
        found.append(np.concatenate(parts))
    return np.array(found)


SEPARATE = [
    name for name in LAYERS if name not in ("dropout", "noise", "batch_norm", "residual_nested")
]  # samples do not meet


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", SEPARATE)
def test_the_gradient_norms_of_samples_are_those_of_a_loop_over_samples(name: str, weighted: bool) -> None:
    net, rng = inside(LAYERS[name]), np.random.default_rng(5)
    X, t = rng.standard_normal((7, 5)), rng.standard_normal((7, 3))
    weights = np.array([1, 2, 0.5, 1, 3, 0, 1.0]) if weighted else None
    step = next(mlp.train(net, [mlp.as_batch(X, t, weights)], mlp.SquaredError(), mlp.SGD(0.0625)))
    loop = np.linalg.norm(alone(step, mlp.SquaredError(), X, t), axis=1)
    if weighted:
        loop[5] = 0  # of no weight: nothing is known
    np.testing.assert_allclose(mlp.sample_grad_norms(step), loop, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["dense_penalised", "relu", "residual_activation_first"])
def test_the_noise_ratio_is_that_of_a_loop_over_samples(name: str, weighted: bool) -> None:
    net, rng = inside(LAYERS[name]), np.random.default_rng(6)
    X, t = rng.standard_normal((7, 5)), rng.standard_normal((7, 3))
    weights = np.array([1, 2, 0.5, 1, 3, 0, 1.0]) if weighted else None
    step = next(mlp.train(net, [mlp.as_batch(X, t, weights)], mlp.SquaredError(), mlp.SGD(0.0625)))
    grads = alone(step, mlp.SquaredError(), X, t)
    if weights is not None:
        grads *= (7 * weights / weights.sum())[:, None]
    expected = sqrt(grads.var(0, ddof=1).sum() / (7 * np.square(grads.mean(0)).sum()))
    assert samples.noise_ratio(step) == pytest.approx(expected, rel=1e-11)  # a difference of sums


@pytest.mark.parametrize("name", ["dense", "relu", "residual", "maxout", "layer_norm"])
def test_the_samples_of_a_population_are_those_of_its_members(name: str) -> None:
    many = inside(LAYERS[name], population=(2,))
    members = [member(many, (i,)) for i in range(2)]
    found = mlp.sample_grad_norms(stepped(many))
    assert found.shape == (2, 9)
    for i, one in enumerate(members):
        np.testing.assert_allclose(found[i], mlp.sample_grad_norms(stepped(one)), rtol=1e-9)  # order of summing


def test_samples_that_agree_have_no_noise_and_one_alone_has_none_to_tell() -> None:
    same = one_step([mlp.Dense(1, 1)], [1, 0], [[2], [2]], [[0], [0]])
    assert samples.noise_ratio(same) == 0
    assert mlp.sample_grad_norms(same).tolist() == pytest.approx([sqrt(20)] * 2, rel=1e-15)  # one root
    assert np.isnan(samples.noise_ratio(one_step([mlp.Dense(1, 1)], [1, 0], [[2]], [[0]])))
    assert samples.noise_ratio(one_step([mlp.Dense(1, 1)], [0, 0], [[2], [1]], [[0], [0]])) == 0


def test_samples_that_cancel_are_all_noise() -> None:
    """Gradients (1, 1)·(±1): they add up to nothing."""
    step = one_step([mlp.Dense(1, 1)], [0, 0], [[1], [1]], [[1], [-1]])
    assert samples.noise_ratio(step) == np.inf


# what must see every step


def watched(net: mlp.Network, data: Any, kinds: Any = WATCHES, rule: mlp.Optimizer | None = None) -> Any:
    """The history, and copies of each step's gradient and of what went into each activation."""
    recorder, seen = mlp.Recorder(kinds), []
    for step in recorder.tap(mlp.train(net, data, mlp.SoftmaxCrossEntropy(), rule or mlp.Momentum(0.1))):
        places = step.workspace.places(net)
        seen.append((step.epoch, step.workspace.grad.copy(), {p.name: (p.layer, p.x.values.copy()) for p in places}))
    return recorder.history, seen


def whole_epochs(seen: Any, name: str) -> list[np.ndarray]:
    """What went into layer `name` in each epoch, (*population, n, all samples)."""
    epochs = sorted({epoch for epoch, *_ in seen})
    return [np.concatenate([places[name][1] for epoch, _, places in seen if epoch == e], axis=-1) for e in epochs]


@pytest.mark.parametrize("population", [(), (2,), (2, 3)], ids=str)
def test_cosines_are_those_of_neighbouring_gradients(population: Any) -> None:
    rng = np.random.default_rng(0)
    data = mlp.batches(rng.standard_normal((40, 5)), rng.integers(0, 3, 40), 8, epochs=2)
    history, seen = watched(network(population), data)
    pairs = [(a, b) for (_, a, _), (_, b, _) in pairwise(seen)]
    expected = [(a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1)) for a, b in pairs]
    np.testing.assert_allclose(history["grad_cosine"], expected, rtol=1e-12)  # order of summing
    assert history.steps("grad_cosine").tolist() == list(range(1, 10))


def test_cosines_of_a_longer_period_are_those_of_two_steps_side_by_side() -> None:
    rng = np.random.default_rng(0)
    data = list(mlp.batches(rng.standard_normal((40, 5)), rng.integers(0, 3, 40), None, epochs=12))
    cosine = next(i for i in WATCHES if i.name == "grad_cosine")
    every, _ = watched(network(), data, [cosine])
    some, _ = watched(network(), data, [cosine._replace(period=5)])
    assert some.steps("grad_cosine").tolist() == [5, 10]
    np.testing.assert_allclose(some["grad_cosine"], every["grad_cosine"][[4, 9]], rtol=1e-14)  # order of summing


def test_the_cosine_beside_no_gradient_is_0() -> None:
    net = mlp.Network([mlp.Dense(1, 1)])
    net.params[...] = 0
    batch = mlp.as_batch(np.ones((1, 1)), np.zeros((1, 1)))
    recorder = mlp.Recorder(WATCHES)
    for _ in recorder.tap(mlp.train(net, [batch] * 3, mlp.SquaredError(), mlp.SGD(0.1))):
        pass
    assert recorder.history["grad_cosine"].tolist() == [0, 0]


@pytest.mark.parametrize("population", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("first", [False, True])
def test_units_are_counted_over_whole_epochs(population: Any, first: bool) -> None:
    """Also those of layers inside a block, and of layers fed by the batch itself, which all members share."""
    rng = np.random.default_rng(3)
    layers = [mlp.Residual([mlp.Tanh(), mlp.ReLU(), mlp.Dense(5, 5)], n_in=5), mlp.Dense(5, 3)]
    net = mlp.Network(layers, rng=0, population=population) if first else network(population)
    data = mlp.batches(3 * rng.standard_normal((20, 5)) - 4, rng.integers(0, 3, 20), 8, rng=0, epochs=3)
    history, seen = watched(net, data)
    assert history.steps("silent_units").tolist() == history.steps("saturated_units").tolist() == [2, 5, 8]
    for k, name in enumerate(history.labels("silent_units")):
        expected = [(x <= 0).all(-1).mean(-1) for x in whole_epochs(seen, name)]
        np.testing.assert_array_equal(history["silent_units"][..., k], _spread(expected, population))
    for k, name in enumerate(history.labels("saturated_units")):
        low, high = seen[0][2][name][0].saturation
        firsts = [s for i, s in enumerate(seen) if i % 3 == 0]  # every 8th step of an epoch: of three the first
        stuck = [(x <= low) | (x >= high) for x in whole_epochs(firsts, name)]
        units = _spread([(s.mean(-1) >= 0.95).mean(-1) for s in stuck], population)
        np.testing.assert_array_equal(history["saturated_units"][..., k], units)
        shares = _spread([s.mean((-1, -2)) for s in stuck], population)
        np.testing.assert_allclose(history["saturated_share"][..., k], shares, rtol=1e-15)  # two divisions


def _spread(numbers: list[Any], population: tuple[int, ...]) -> np.ndarray:
    return np.stack([np.broadcast_to(number, population) for number in numbers])


def one_layer(activation: mlp.Layer, weights: Any, X: Any, size: int, epochs: int = 1) -> mlp.History:
    """What the watches say of an activation fed by `weights` · [x; 1]; nothing is trained."""
    weights, X = np.array(weights, float), np.array(X, float)
    net = mlp.Network([mlp.Dense(weights.shape[1] - 1, len(weights)), activation, mlp.Dense(len(weights), 1)])
    net.views[0][...] = weights
    frozen = mlp.Frozen(mlp.SGD(0.1), net.layout.slices)
    data = mlp.batches(X, np.zeros(len(X)), size, rng=None, epochs=epochs)
    recorder = mlp.Recorder(DETAILED)
    for _ in recorder.tap(mlp.train(net, data, mlp.SquaredError(), frozen)):
        pass
    return recorder.history


def test_a_layer_that_is_seventy_per_cent_off_has_no_silent_unit() -> None:
    """Dead is told by unit over an epoch, and not by the share of zeros: here each unit is on for 3 samples of 10."""
    X = np.arange(10.0)[:, None]
    history = one_layer(mlp.ReLU(), [[1, -6.5], [-1, 2.5]], X, 10)
    assert history["silent_units"].tolist() == [[0]]


def test_a_unit_that_is_off_for_a_whole_batch_is_not_silent() -> None:
    """Samples 0 … 9 in batches of five: x > 6.5 has its turn in the second batch, x > 9.5 has none."""
    history = one_layer(mlp.ReLU(), [[1, -6.5], [1, -9.5]], np.arange(10.0)[:, None], 5)
    assert history["dead_fraction"].ravel().tolist() == [1, 0.5]
    assert history["silent_units"].tolist() == [[0.5]]
    assert history.steps("silent_units").tolist() == [1]


def test_a_unit_at_its_threshold_is_off() -> None:
    assert one_layer(mlp.ReLU(), [[1, 0]], [[0], [-1]], 2)["silent_units"].tolist() == [[1]]


def test_saturation_is_told_before_the_squashing() -> None:
    """tanh 2.9 = 0.994 is beyond 99 % of its range and has 1.2 % of its slope: not saturated. tanh 3.1 is."""
    assert one_layer(mlp.Tanh(), [[1, 0]], [[2.9], [-2.9]], 2)["saturated_share"].tolist() == [[0]]
    assert one_layer(mlp.Tanh(), [[1, 0]], [[3.1], [-2.9]], 2)["saturated_share"].tolist() == [[0.5]]
    assert one_layer(mlp.Tanh(), [[1, 0], [0, 9]], [[3.1], [-2.9]], 2)["saturated_units"].tolist() == [[0.5]]


def test_a_unit_is_saturated_at_95_per_cent_of_the_samples() -> None:
    X = np.array([[9.0]] * 19 + [[0.0]])
    assert one_layer(mlp.Sigmoid(), [[1, 0]], X, 20)["saturated_units"].tolist() == [[1]]
    X[0] = 0
    assert one_layer(mlp.Sigmoid(), [[1, 0]], X, 20)["saturated_units"].tolist() == [[0]]


def test_units_that_wake_late_are_struck_out_one_by_one() -> None:
    """Sample k of eight wakes unit k; the last of nine units sleeps on."""
    X = np.vstack([np.eye(9)[:8]])
    history = one_layer(mlp.ReLU(), np.hstack([np.eye(9), np.full((9, 1), -0.5)]), X, 1, epochs=2)
    np.testing.assert_allclose(history["silent_units"], [[1 / 9]] * 2, rtol=1e-15)  # one division
    assert history.steps("silent_units").tolist() == [7, 15]


def test_neighbouring_layers_of_one_size_are_the_rows_of_one_matrix_and_no_number_is_copied() -> None:
    widths = [3, 5, 5, 5, 2, 2, 5, 5]
    net = mlp.Network([layer for a, b in pairwise(widths) for layer in (mlp.Dense(a, b), mlp.ReLU())], rng=0)
    stacks = vectors.stack_layers(net.layout, net.params)
    assert [stack.shape for stack in stacks] == [(20,), (2, 30), (12,), (6,), (15,), (30,)]
    assert all(np.shares_memory(stack, net.params) for stack in stacks)
    rows = [row for stack in stacks for row in np.atleast_2d(stack)]
    assert all(np.array_equal(a, b) for a, b in zip(rows, net.layout.blocks(net.params), strict=True))
