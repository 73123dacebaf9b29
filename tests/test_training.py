"""The loop: it is what one would write by hand, it repeats itself exactly, and it grows nothing."""

from __future__ import annotations

import tracemalloc
from itertools import islice, repeat, takewhile
from typing import Any

import numpy as np
import pytest
from cases import LAYERS, RULES, arrays_in, batch_for, inside

import mlp
from mlp.training import Step

RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 5))
LABELS = RNG.integers(0, 3, 50)


def network(dtype: Any = np.float64, population: tuple[int, ...] = ()) -> mlp.Network:
    layers = [mlp.Dense(5, 8, l2=1e-3), mlp.BatchNorm(), mlp.ReLU(), mlp.Dropout(0.2), mlp.Dense(8, 8), mlp.Sigmoid()]
    return mlp.Network([*layers, mlp.Dense(8, 3)], rng=4, dtype=dtype, population=population)


def run(net: mlp.Network, rule: mlp.Optimizer, epochs: int = 3, recorder: mlp.Recorder | None = None) -> Step:
    """The last step of a run in batches of 16, with a remainder of 2."""
    data = mlp.batches(X, LABELS, 16, rng=2, epochs=epochs, dtype=net.dtype)
    steps = mlp.train(net, data, mlp.SoftmaxCrossEntropy(), rule)
    *_, last = recorder.tap(steps) if recorder else steps
    return last


# what a step is


def test_a_step_of_gradient_descent_by_worked_numbers() -> None:
    """y = 2·3 + 1 = 7, t = 5: L = 2, gradient (6, 2); at rate 0.1 the weights become 1.4 and 0.8."""
    net = mlp.Network([mlp.Dense(1, 1)])
    net.params[...] = [2, 1]
    (step,) = mlp.train(net, [mlp.as_batch(np.array([[3.0]]), np.array([5.0]))], mlp.SquaredError(), mlp.SGD(0.1))
    assert step.loss == 2
    assert step.workspace.grad.tolist() == [6, 2]
    np.testing.assert_allclose(net.params, [1.4, 0.8], rtol=1e-15)  # one rounding


@pytest.mark.parametrize("name", RULES)
def test_train_is_the_three_lines_by_hand(name: str) -> None:
    net, by_hand, rule = network(), network(), RULES[name]
    run(net, rule)
    state, update = rule.init(by_hand.params), np.empty_like(by_hand.params)
    spaces = {n: mlp.Workspace(by_hand, n) for n in (16, 2)}
    objective = mlp.Objective(by_hand, mlp.SoftmaxCrossEntropy())
    for batch in mlp.batches(X, LABELS, 16, rng=2, epochs=3):
        space = objective.workspace = spaces[batch.x.n_samples]
        value = mlp.value_and_grad(by_hand, mlp.SoftmaxCrossEntropy(), batch, space)
        objective.batch = batch
        rule.update(mlp.Evaluation(by_hand.params, value, space.grad, objective), state, update)
        by_hand.params += update
    assert (net.params == by_hand.params).all()
    assert (net.statistics == by_hand.statistics).all()


def test_steps_count_on_over_epochs_and_remainders() -> None:
    steps = [(s.index, s.epoch, s.batch.x.n_samples) for s in mlp.train(
        network(), mlp.batches(X, LABELS, 16, epochs=2), mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1))]  # fmt: skip
    assert [index for index, _, _ in steps] == list(range(8))
    assert [epoch for _, epoch, _ in steps] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [n for _, _, n in steps] == [16, 16, 16, 2] * 2


def test_the_update_leads_from_where_the_loss_was_to_where_the_parameters_are() -> None:
    net = network()
    before = net.params.copy()
    for step in mlp.train(net, mlp.batches(X, LABELS, 16, epochs=2), mlp.SoftmaxCrossEntropy(), mlp.Adam()):
        assert (before + step.update == net.params).all()
        before = net.params.copy()


def test_the_loss_of_a_step_is_that_before_its_update() -> None:
    net = mlp.Network([mlp.Dense(5, 3)], rng=0)
    batch = mlp.as_batch(X, LABELS)
    start = net.params.copy()
    step = next(mlp.train(net, [batch], mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1)))
    again = mlp.value_and_grad(net.at(start), mlp.SoftmaxCrossEntropy(), batch, mlp.Workspace(net, 50))
    assert step.loss == again


def test_the_arrays_of_a_step_are_live() -> None:
    steps = list(islice(mlp.train(network(), mlp.batches(X, LABELS, 25, epochs=2),
                                  mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1)), 3))  # fmt: skip
    assert steps[0].workspace is steps[2].workspace
    assert steps[0].update is steps[2].update


def test_stopping_is_up_to_the_reader() -> None:
    net = network()
    data = mlp.batches(X, LABELS, 16, epochs=1000)
    steps = takewhile(lambda s: s.loss > 0.7, mlp.train(net, data, mlp.SoftmaxCrossEntropy(), mlp.Adam(0.01)))
    assert 0 < sum(1 for _ in steps) < 4000


def test_going_on_with_the_state_is_never_having_stopped() -> None:
    def halves(parts: list[int]) -> np.ndarray:
        net, rule = mlp.Network([mlp.Dense(5, 4), mlp.Tanh(), mlp.Dense(4, 3)], rng=4), mlp.Adam(mlp.Cosine(0.1, 20))
        data = mlp.batches(X, LABELS, 16, rng=2, epochs=5)
        state = rule.init(net.params)
        for n in parts:
            *_, _ = mlp.train(net, islice(data, n), mlp.SoftmaxCrossEntropy(), rule, state=state)
        return net.params

    assert (halves([20]) == halves([7, 13])).all()


def test_a_loop_over_one_batch_may_be_a_list_a_generator_or_repeat() -> None:
    batch, ends = mlp.as_batch(X, LABELS), []
    for data in ([batch] * 5, (batch for _ in range(5)), repeat(batch, 5)):
        net = mlp.Network([mlp.Dense(5, 3)], rng=0)
        *_, _ = mlp.train(net, data, mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1))
        ends.append(net.params)
    assert (ends[0] == ends[1]).all()
    assert (ends[0] == ends[2]).all()


def test_train_refuses_before_the_first_step_is_asked_for() -> None:
    with pytest.raises(mlp.HyperparameterError):
        mlp.train(network(), mlp.batches(X, LABELS), mlp.SoftmaxCrossEntropy(), "adam")  # type: ignore[arg-type]


# two equal runs


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_equal_runs_are_equal_bit_for_bit(name: str, dtype: Any) -> None:
    ends = []
    for _ in range(2):
        net = network(dtype)
        run(net, RULES[name])
        ends.append((net.params.tobytes(), net.statistics.tobytes()))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("population", [(), (3,)], ids=str)
@pytest.mark.parametrize("name", RULES)
def test_recording_changes_no_bit(name: str, population: tuple[int, ...]) -> None:
    plain, watched = network(population=population), network(population=population)
    run(plain, RULES[name])
    run(watched, RULES[name], recorder=mlp.Recorder(mlp.DETAILED))
    assert plain.params.tobytes() == watched.params.tobytes()
    assert plain.statistics.tobytes() == watched.statistics.tobytes()


@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_float32_through_training(name: str) -> None:
    net = inside(LAYERS[name], dtype=np.float32)
    data = repeat(batch_for(net), 3)
    *_, step = mlp.train(net, data, mlp.SquaredError(), mlp.Adam(mlp.Cosine(0.1, 10)))
    kept = [net.params, net.statistics, step.update, step.state.m, step.state.v, *arrays_in(step.workspace)]
    assert {a.dtype for a in kept if a.dtype.kind == "f"} == {np.dtype(np.float32)}
    assert np.asarray(step.loss).dtype == np.float32


# it learns


def test_xor_is_learned() -> None:
    corners, t = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])
    net = mlp.Network([mlp.Dense(2, 4), mlp.Tanh(), mlp.Dense(4, 1)], rng=1)
    *_, last = mlp.train(net, mlp.batches(corners, t, None, epochs=1000), mlp.SquaredError(), mlp.Momentum(0.1))
    assert last.loss < 1e-6
    np.testing.assert_allclose(mlp.predict(net, corners).ravel(), t, atol=0.01)  # √(2 · 4 · 1e-6) and less


def test_a_line_is_fitted_as_least_squares_fit_it() -> None:
    t = X @ [1.0, -2.0, 0.5, 0.0, 3.0] + 0.7 + 0.1 * RNG.standard_normal(50)
    net = mlp.Network([mlp.Dense(5, 1)], rng=0)
    *_, _ = mlp.train(net, mlp.batches(X, t, None, epochs=2000), mlp.SquaredError(), mlp.SGD(0.3))
    expected = np.linalg.lstsq(np.hstack([X, np.ones((50, 1))]), t, rcond=None)[0]
    np.testing.assert_allclose(net.params, expected, rtol=1e-9)  # 2,000 contractions by at least 0.9


def test_frozen_layers_stay_bit_for_bit_while_the_others_learn() -> None:
    net = network()
    before, (mine, *_, last) = net.params.copy(), net.layout.slices
    run(net, mlp.Frozen(mlp.AdamW(0.01), (mine, last)))
    moved = net.params != before
    assert not moved[mine].any()
    assert not moved[last].any()
    assert moved.any()


def test_zero_weights_leave_samples_out() -> None:
    weights = np.repeat([1.0, 0.0], 25)
    ends = []
    for data in (mlp.batches(X, LABELS, None, rng=None, epochs=9, weights=weights),
                 mlp.batches(X[:25], LABELS[:25], None, rng=None, epochs=9)):  # fmt: skip
        net = mlp.Network([mlp.Dense(5, 3)], rng=0)
        *_, _ = mlp.train(net, data, mlp.SoftmaxCrossEntropy(), mlp.SGD(0.1))
        ends.append(net.params)
    np.testing.assert_allclose(*ends, rtol=1e-12)  # order of summing


# memory


@pytest.mark.parametrize("recorded", [False, True])
def test_a_thousand_steps_grow_nothing(recorded: bool) -> None:
    """Past the small integers that Python keeps, 300 steps of one epoch each; a number kept to compare would count.

    What leaks grows in each of four thousands; now and then the interpreter keeps 100 bytes of its own in one of them.
    """
    net = network(np.float32)
    data = mlp.batches(X, LABELS, None, epochs=10**6, dtype=np.float32)
    steps: Any = mlp.train(net, data, mlp.SoftmaxCrossEntropy(), mlp.Adam())
    if recorded:
        steps = mlp.Recorder(mlp.STANDARD, every=10**6).tap(steps)
    traced = np.zeros(5, np.int64)
    for _ in islice(steps, 300):
        pass
    tracemalloc.start()
    try:
        for i, n in enumerate((20, 1000, 1000, 1000, 1000)):
            for _ in islice(steps, n):
                pass
            traced[i] = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert np.diff(traced).min() <= 0
