"""Networks may be assigned to, copied and pickled; what cannot be copied says so."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

import mlp
from mlp.errors import HyperparameterError, ShapeError

X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
T = np.array([[0.0], [1], [1], [0]])


def net() -> mlp.Network:
    return mlp.Network([mlp.Dense(2, 4), mlp.BatchNorm(), mlp.Tanh(), mlp.Dense(4, 1)], rng=1)


def last_loss(network: mlp.Network) -> float:
    loss = np.inf
    for step in mlp.train(network, mlp.batches(X, T, 4, epochs=300), mlp.SquaredError(), mlp.Momentum(0.1)):
        loss = float(step.loss)
    return loss


def test_assigning_parameters_writes_into_the_memory_that_the_views_show() -> None:
    """`net.params = net.params - 0.3 * grad` once bound a new array, and forward went on with the old one."""
    network = net()
    memory = network.params
    network.params = np.arange(network.params.size)
    assert network.params is memory
    assert network.views[0].ravel().tolist() == list(range(12))


def test_assigned_statistics_are_those_that_inference_uses() -> None:
    network = net()
    before = mlp.predict(network, X)
    network.statistics = network.statistics + 1
    assert not np.allclose(mlp.predict(network, X), before)


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((2, 25)), 0.0, np.array(["a"] * 25)], ids=repr)
def test_assigning_what_does_not_fit_is_refused(values: object) -> None:
    with pytest.raises(ShapeError, match=r"params is .*; the network holds numbers \(25,\)"):
        net().params = values  # type: ignore[assignment]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))], ids=["deepcopy", "pickle"])
def test_a_copy_learns_as_the_original_does_and_apart_from_it(again: Callable[[mlp.Network], mlp.Network]) -> None:
    """Views of the original's memory once survived in the copy: its parameters moved, its outputs did not."""
    original = net()
    start = original.params.copy()
    other = again(original)
    reached = last_loss(other)
    assert reached < 1e-3
    assert (original.params == start).all()
    assert last_loss(original) == reached


def test_a_workspace_refuses_to_be_copied() -> None:
    with pytest.raises(ShapeError, match="Make another"):
        copy.deepcopy(mlp.Workspace(net(), 4))


def test_a_batch_of_another_size_than_the_workspace_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"4 samples and the workspace room for 3.*n_samples=4"):
        mlp.value_and_grad(net(), mlp.SquaredError(), mlp.as_batch(X, T), mlp.Workspace(net(), 3))


def test_the_memory_of_another_rule_or_network_is_refused() -> None:
    network, other = net(), mlp.Network([mlp.Dense(2, 1)])
    data, loss = [mlp.as_batch(X, T)], mlp.SquaredError()
    with pytest.raises(HyperparameterError, match="AdamState"):
        mlp.train(network, data, loss, mlp.Adam(), state=mlp.SGD().init(network.params))
    with pytest.raises(ShapeError, match=r"state.m has shape \(3,\); this network needs \(25,\)"):
        mlp.train(network, data, loss, mlp.Adam(), state=mlp.Adam().init(other.params))


def test_arguments_in_the_wrong_order_are_named() -> None:
    with pytest.raises(HyperparameterError, match="network"):
        mlp.gradcheck(mlp.SquaredError(), net(), X, T)  # type: ignore[arg-type]
    with pytest.raises(HyperparameterError, match="batch"):
        next(mlp.train(net(), iter([(X, T)]), mlp.SquaredError(), mlp.SGD()))  # type: ignore[arg-type]


def test_the_norm_takes_lists_and_numbers() -> None:
    assert mlp.norm([3, 4]) == mlp.norm(np.array([3, 4])) == mlp.norm((np.array([3]), [4.0])) == 5


def bad(name: str = "mine", **how: object) -> mlp.Instrument:
    return mlp.Instrument(name, lambda step: np.zeros(3), **how)  # type: ignore[arg-type]


def test_an_instrument_that_measures_another_shape_than_it_says_is_refused_at_its_first_step() -> None:
    """It once recorded in silence, and the column could not be read afterwards."""
    for instrument, shape in ((bad(), r"\(\)"), (bad(labels=lambda step: ("a", "b")), r"\(2,\)")):
        steps = mlp.train(net(), [mlp.as_batch(X, T)], mlp.SquaredError(), mlp.SGD())
        with pytest.raises(ShapeError, match=rf"'mine' measured a value of shape \(3,\); its labels say {shape}"):
            next(mlp.Recorder([instrument]).tap(steps))


@pytest.mark.parametrize(
    "instruments",
    [None, bad(), [bad(), bad()], [bad(period=0)], ["loss"]],
    ids=["none", "no list", "twice", "period 0", "a name"],
)
def test_instruments_that_cannot_be_recorded_are_refused(instruments: object) -> None:
    with pytest.raises(HyperparameterError):
        mlp.Recorder(instruments)  # type: ignore[arg-type]


def test_a_rule_of_ones_own_that_keeps_no_pace_can_be_clipped() -> None:
    class SignDescent(mlp.Optimizer):
        def init(self, params: np.ndarray) -> None:
            return None

        def update(self, at: mlp.Evaluation, state: None, out: np.ndarray) -> None:
            np.multiply(np.sign(at.grad), -0.01, out=out)

    steps = list(mlp.train(net(), [mlp.as_batch(X, T)], mlp.SquaredError(), mlp.ClipNorm(SignDescent(), 1.0)))
    assert np.isnan(steps[0].state.learning_rate)
    assert set(np.abs(steps[0].update).round(6)) <= {0.0, 0.01}
