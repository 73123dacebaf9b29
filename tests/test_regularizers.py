"""What keeps a network from learning rows by heart: max-norm, noise, smoothed targets, changed batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlp
from mlp.config.optimizer import hidden_matrices
from mlp.errors import ConfigError, HyperparameterError, ShapeError
from mlp.experiment import begin

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def run_with(**network: Any) -> mlp.Run:
    config = {"network": {"hidden": [8, 8], **network}, "training": {"epochs": 5}, "record": {"probe": "never"}}
    return mlp.run(config, (X, Y))


# max-norm


def stepped(rule: mlp.Optimizer, params: np.ndarray, grad: np.ndarray) -> np.ndarray:
    out = np.empty_like(params)
    rule.update(mlp.Evaluation(params, np.zeros(params.shape[:-1]), grad), rule.init(params), out)
    return params + out


def test_a_unit_that_grew_too_long_comes_back_to_the_ball() -> None:
    """Two units of two weights and a bias: (3, 4 | 7) has norm 5 and becomes (1.5, 2 | 7) in a ball of 2.5."""
    rule = mlp.MaxNorm(mlp.SGD(1.0), 2.5, ((slice(0, 6), (2, 3)),))
    found = stepped(rule, np.zeros(6), -np.array([3.0, 4, 7, 1, 2, 9]))
    np.testing.assert_allclose(found, [1.5, 2, 7, 1, 2, 9], rtol=1e-15)


def test_units_inside_the_ball_move_as_without_it() -> None:
    grad = RNG.normal(size=12)
    rule = mlp.MaxNorm(mlp.SGD(0.1), 100.0, ((slice(0, 12), (3, 4)),))
    np.testing.assert_array_equal(stepped(rule, np.ones(12), grad), stepped(mlp.SGD(0.1), np.ones(12), grad))


@pytest.mark.parametrize("limit", [1.0, np.array([[0.5], [2.0]])])
def test_each_member_of_a_population_is_held_by_itself(limit: Any) -> None:
    params, grad = RNG.normal(size=(2, 12)), RNG.normal(size=(2, 12))
    places = ((slice(0, 12), (3, 4)),)
    many = stepped(mlp.MaxNorm(mlp.SGD(1.0), limit, places), params, grad)
    for i, radius in enumerate(np.broadcast_to(limit, (2, 1))[:, 0]):
        alone = stepped(mlp.MaxNorm(mlp.SGD(1.0), float(radius), places), params[i], grad[i])
        np.testing.assert_allclose(many[i], alone, rtol=1e-15)


@pytest.mark.parametrize("more", [{}, {"residual": True}, {"input_dropout": 0.2}, {"batch_norm": True}])
def test_no_hidden_unit_is_longer_than_max_norm(more: dict[str, Any]) -> None:
    net = run_with(max_norm=0.7, **more).network
    for part, shape in hidden_matrices(net.layout):
        weights = net.params[part].reshape(shape)[:, :-1]
        assert 0 < np.linalg.norm(weights, axis=1).max() <= 0.7 * (1 + 1e-6)  # rounding in float32


def test_hidden_matrices_are_the_weights_of_all_dense_layers_but_the_last() -> None:
    """Worked by hand: 4·3 weights and biases, then a batch norm of 3 + 3, a block 3 → 3 of 12; the last is left out."""
    layers = [mlp.Dense(3, 3), mlp.BatchNorm(), mlp.Residual([mlp.Tanh(), mlp.Dense(3, 3)]), mlp.Dense(3, 1)]
    found = hidden_matrices(mlp.Network(layers).layout)
    assert found == ((slice(0, 12), (3, 4)), (slice(18, 30), (3, 4)))


@pytest.mark.parametrize("name", ["lbfgs", "levenberg_marquardt", "schedule_free_sgd"])
def test_a_rule_that_would_not_go_on_from_the_ball_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"max_norm = 1 .* {name}"):
        mlp.run({"network": {"max_norm": 1.0}, "optimizer": {"name": name}}, (X, Y))


def test_max_norm_refuses_a_search_and_places_that_are_none() -> None:
    with pytest.raises(HyperparameterError, match="search"):
        mlp.MaxNorm(mlp.LBFGS(), 1.0)
    with pytest.raises(ShapeError, match="no matrix 3 × 4"):
        mlp.MaxNorm(mlp.SGD(), 1.0, ((slice(0, 10), (3, 4)),)).init(np.zeros(10))


# noise


def test_noise_has_its_deviation_and_mean_0() -> None:
    net = mlp.Network([mlp.Noise(0.3, n_in=50)], rng=0)
    x = mlp.as_batch(np.ones((2000, 50)), np.zeros(2000)).x
    found = mlp.forward(net, x, mlp.Workspace(net, 2000)) - 1
    assert abs(found.mean()) < 5 * 0.3 / 100_000**0.5  # five standard errors of 100,000 numbers
    assert abs(found.std() - 0.3) < 5 * 0.3 / 200_000**0.5


def test_noise_is_drawn_anew_at_each_step_and_for_each_member() -> None:
    net = mlp.Network([mlp.Noise(0.3, n_in=5)], rng=0, population=(2,))
    x, room = mlp.as_batch(np.ones((3, 5)), np.zeros(3)).x, mlp.Workspace(net, 3)
    first = mlp.forward(net, x, room).copy()
    assert (first[0] != first[1]).all()
    assert (mlp.forward(net, x, room) != first).all()


def test_noise_in_use_changes_nothing() -> None:
    rows = RNG.normal(size=(4, 3))
    np.testing.assert_array_equal(mlp.predict(mlp.Network([mlp.Noise(0.5, n_in=3)]), rows), rows)


def test_input_noise_is_a_penalty_on_the_slope() -> None:
    """Bishop (1995): for y = w x and squared errors the mean loss rises by ½ σ² w², exactly."""
    net = mlp.Network([mlp.Noise(0.5, n_in=1), mlp.Dense(1, 1)], rng=0)
    net.params = np.array([2.0, 0.0])
    n = 200_000
    batch = mlp.as_batch(np.ones((n, 1)), np.full((n, 1), 2.0))
    loss = mlp.value_and_grad(net, mlp.SquaredError(), batch, mlp.Workspace(net, n))
    assert abs(loss - 0.5 * 0.5**2 * 2**2) < 0.01  # its standard error is 0.5 · √(2 / 200,000) = 0.0016


def test_noise_and_dropout_of_inputs_stand_before_the_first_weights() -> None:
    kinds = [layer.kind for layer in run_with(input_noise=0.1, input_dropout=0.2).network.layers]
    assert kinds[:3] == ["noise", "dropout", "dense"]


def test_without_regularisers_nothing_stands_there() -> None:
    setup, state = begin({"network": {"hidden": [3]}}, (X, Y))
    assert [layer.kind for layer in state.network.layers] == ["dense", "relu", "dense"]
    assert type(setup.rule) is mlp.Adam


# label smoothing


def test_smoothed_targets_are_those_of_szegedy() -> None:
    """Szegedy et al. (2016), section 7: q' = (1 - ε) δ + ε / K. K = 4, ε = 0.1 and equal outputs: ∂ℓ/∂z = ¼ - q'."""
    d_output = np.empty((4, 1))
    loss = mlp.SoftmaxCrossEntropy(label_smoothing=0.1)
    value = loss.value_and_grad(np.zeros((4, 1)), np.array([2]), None, d_output)
    np.testing.assert_allclose(d_output[:, 0], [0.225, 0.225, 0.25 - 0.925, 0.225], rtol=1e-12)
    np.testing.assert_allclose(value, np.log(4), rtol=1e-12)


def test_label_smoothing_is_a_key_of_the_cross_entropy_alone() -> None:
    setup, _ = begin({"loss": {"label_smoothing": 0.2}}, (X, Y))
    assert setup.head.loss == mlp.SigmoidCrossEntropy(label_smoothing=0.2)
    with pytest.raises(ConfigError, match="hinge has no key 'label_smoothing'"):
        mlp.run({"loss": {"name": "hinge", "label_smoothing": 0.2}}, (X, Y))


# everything together


@pytest.mark.parametrize("restarts", [1, 3])
def test_the_same_seed_gives_the_same_bits(restarts: int) -> None:
    config = {
        "network": {"input_noise": 0.1, "input_dropout": 0.1, "max_norm": 1.0},
        "training": {"epochs": 2, "restarts": restarts},
    }
    np.testing.assert_array_equal(mlp.run(config, (X, Y)).network.params, mlp.run(config, (X, Y)).network.params)


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("network", "max_norm", -1, "0 or more"),
        ("network", "input_noise", -0.1, "0 or more"),
        ("network", "input_dropout", 1.0, "0 ≤ rate < 1"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_key(section: str, key: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=f"{key} = .*{words}"):
        mlp.run({section: {key: value}}, (X, Y))


@pytest.mark.parametrize(
    ("network", "cause"),
    [
        ({"input_dropout": 0.97}, "dropout_too_high"),
        ({"input_noise": 10.0}, "dropout_too_high"),
        ({"max_norm": 1e-3}, "weight_decay_too_high"),
    ],
)
def test_too_much_of_it_is_found_and_mended(network: dict[str, float], cause: str) -> None:
    repair = mlp.repair({"data": {"source": "wine"}, "network": network})
    assert cause in [c.name for finding in repair.before.findings for c in finding.causes]
    assert repair.repaired
    assert repair.after.metrics["test_accuracy"] > 0.9
