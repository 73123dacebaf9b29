"""Layers that learn without targets: Boltzmann machines and autoencoders, one layer after another."""

from __future__ import annotations

from itertools import pairwise, product
from math import exp, log
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.errors import ConfigError, DataError, HyperparameterError, ShapeError, UnknownNameError
from mlp.experiment import begin
from mlp.experiment.trial import first_rows, run_trial, score_part
from mlp.pretraining import pretrain_layers
from mlp.pretraining.autoencoder import corrupted, folded
from mlp.pretraining.rbm import Machine, contrast
from mlp.pretraining.stack import unexplained

RNG = np.random.default_rng(0)
SIX = RNG.integers(0, 2, (150, 2)).repeat(3, axis=1).astype(float)  # two coins, each seen three times


def sigmoids(*widths: int, population: tuple[int, ...] = (), seed: int = 0) -> mlp.Network:
    hidden = [layer for a, b in pairwise(widths) for layer in (mlp.Dense(a, b), mlp.Sigmoid())]
    return mlp.Network([*hidden, mlp.Dense(widths[-1], 2)], rng=seed, population=population)


# Boltzmann machines


def sigma(x: float) -> float:
    return 1 / (1 + exp(-x))


def slow_contrast(W: Any, b: Any, a: Any, binary: bool, v: Any, uniform: Any) -> tuple[Any, Any, Any]:
    """CD-1 as in the textbook: one sample, one unit, one weight at a time."""
    n_h, n_v = W.shape
    dW, db, da = np.zeros_like(W), np.zeros(n_h), np.zeros(n_v)
    for s in range(v.shape[1]):
        p = [sigma(b[j] + sum(W[j, i] * v[i, s] for i in range(n_v))) for j in range(n_h)]
        h = [1.0 if uniform[j, s] < p[j] else 0.0 for j in range(n_h)]
        mean = [a[i] + sum(W[j, i] * h[j] for j in range(n_h)) for i in range(n_v)]
        back = [sigma(m) for m in mean] if binary else mean
        q = [sigma(b[j] + sum(W[j, i] * back[i] for i in range(n_v))) for j in range(n_h)]
        for j, i in product(range(n_h), range(n_v)):
            dW[j, i] += (p[j] * v[i, s] - q[j] * back[i]) / v.shape[1]
        db += (np.array(p) - q) / v.shape[1]
        da += (v[:, s] - back) / v.shape[1]
    return dW, db, da


@pytest.mark.parametrize("binary", [True, False])
def test_contrastive_divergence_is_the_slow_one(binary: bool) -> None:
    weights, a, uniform = RNG.normal(size=(3, 5)), RNG.normal(size=(4, 1)), RNG.random((3, 6))
    v = RNG.random((4, 6)) if binary else RNG.normal(size=(4, 6))
    d_weights, d_a = np.empty_like(weights), np.empty_like(a)
    contrast(Machine(weights, a, binary), v, uniform, d_weights, d_a)
    dW, db, da = slow_contrast(weights[:, :-1], weights[:, -1], a[:, 0], binary, v, uniform)
    np.testing.assert_allclose(-d_weights, np.c_[dW, db], rtol=1e-12)
    np.testing.assert_allclose(-d_a[:, 0], da, rtol=1e-12)


def log_likelihood(weights: np.ndarray, a: np.ndarray, rows: np.ndarray) -> float:
    """Mean ln p(v), every state of a tiny machine enumerated: p(v) = Σ_h exp(aᵀv + bᵀh + hᵀWv) / Z."""
    W, b = weights[:, :-1], weights[:, -1]

    def mass(v: Any) -> float:
        states = product((0, 1), repeat=len(W))
        return sum(exp(float(a @ v + b @ np.array(h) + np.array(h) @ W @ v)) for h in states)

    total = sum(mass(np.array(v)) for v in product((0, 1), repeat=W.shape[1]))
    return float(np.mean([log(mass(v) / total) for v in rows]))


def test_contrastive_divergence_makes_the_rows_more_likely() -> None:
    """Six pixels that are two coins: 4 of 64 states. Independent pixels give -6 ln 2 = -4.16, the truth -2 ln 2."""
    rule, draw = mlp.Momentum(0.1, 0.5), np.random.default_rng(1)
    flat = np.concatenate([0.01 * draw.standard_normal(3 * 7), np.zeros(6)])
    weights, a = flat[:21].reshape(3, 7), flat[21:, None]
    grad, out = np.empty_like(flat), np.empty_like(flat)
    state, likely = rule.init(flat), []
    for _ in range(5):
        likely.append(log_likelihood(weights, a[:, 0], SIX[:40]))
        for _ in range(100):
            contrast(Machine(weights, a, True), SIX.T, draw.random((3, 150)), grad[:21].reshape(3, 7), grad[21:, None])
            rule.update(mlp.optimizers.Evaluation(flat, 0.0, grad), state, out)
            flat += out
    assert -4.3 < likely[0] < -4.0
    assert likely == sorted(likely)
    assert likely[-1] > -2.6


def test_a_real_valued_machine_learns_to_give_back_standardised_rows() -> None:
    hidden = RNG.normal(size=(400, 2))
    X = hidden @ RNG.normal(size=(2, 8))
    X = (X - X.mean(0)) / X.std(0)
    errors = mlp.pretrain(sigmoids(8, 10), X, mlp.RBM(epochs=40), rng=0)["pretraining_error_by_layer"][:, 0]
    assert errors[-1] < 0.5 < errors[0]


# autoencoders


@pytest.mark.parametrize("inputs", [RNG.random((20, 5)), RNG.normal(size=(20, 5))])
@pytest.mark.parametrize("activation", [mlp.Sigmoid(), mlp.Tanh()])
def test_the_gradient_of_an_autoencoder_is_that_of_differences(inputs: np.ndarray, activation: mlp.Layer) -> None:
    dense = mlp.Network([mlp.Dense(5, 3), mlp.Sigmoid()], rng=0)
    network, loss = folded(dense.layers[0], activation, dense.views[0], inputs, RNG)
    assert mlp.gradcheck(network, loss, inputs, inputs) < 1e-7


def test_corruption_puts_its_share_of_nodes_to_0_and_leaves_the_rest() -> None:
    (batch,) = corrupted([mlp.as_batch(np.full((200, 100), 3.0), np.zeros(200))], 0.25, np.random.default_rng(0))
    assert set(np.unique(batch.x.values)) == {0.0, 3.0}
    assert abs((batch.x.values == 0).mean() - 0.25) < 5 * (0.25 * 0.75 / 20_000) ** 0.5
    assert (batch.x.with_bias[-1] == 1).all()


def test_an_autoencoder_learns_to_give_back_what_it_was_fed() -> None:
    errors = mlp.pretrain(sigmoids(6, 4), SIX, mlp.Autoencoder(epochs=60, learning_rate=0.02), rng=0)
    assert errors["pretraining_error_by_layer"][-1, 0] < 0.1


# the stack


BOTH = pytest.mark.parametrize("pretrainer", [mlp.RBM(epochs=3), mlp.Autoencoder(epochs=3)], ids=["rbm", "autoencoder"])


@BOTH
def test_every_hidden_layer_learns_and_the_last_stays(pretrainer: Any) -> None:
    net = sigmoids(6, 5, 4)
    before = [view.copy() for view in net.views]
    history = mlp.pretrain(net, SIX, pretrainer, rng=0)
    assert history.labels("pretraining_error_by_layer") == ("dense1", "dense2")
    assert history["pretraining_error_by_layer"].shape == (4, 2)
    assert [bool((a != b).any()) for a, b in zip(before, net.views, strict=True)] == [True, False, True, False, False]


@BOTH
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(pretrainer: Any) -> None:
    nets = [sigmoids(6, 5, 4) for _ in range(3)]
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        mlp.pretrain(net, SIX, pretrainer, rng=seed)
    np.testing.assert_array_equal(nets[0].params, nets[1].params)
    assert (nets[0].params != nets[2].params).any()


@BOTH
def test_a_member_of_a_population_learns_as_if_alone(pretrainer: Any) -> None:
    many = sigmoids(6, 5, 4, population=(2,))
    alone = sigmoids(6, 5, 4)
    alone.params = many.params[0]
    both = mlp.pretrain(many, SIX, pretrainer, rng=3)["pretraining_error_by_layer"]
    one = mlp.pretrain(alone, SIX, pretrainer, rng=3)["pretraining_error_by_layer"]
    np.testing.assert_array_equal(many.params[0], alone.params)
    np.testing.assert_array_equal(both[:, 0], one)
    assert both.shape == (4, 2, 2)


@BOTH
def test_dropout_and_noise_stand_aside(pretrainer: Any) -> None:
    net = mlp.Network(
        [mlp.Noise(0.1, n_in=6), mlp.Dense(6, 5), mlp.Sigmoid(), mlp.Dropout(0.5), mlp.Dense(5, 4), mlp.Sigmoid(),
         mlp.Dense(4, 2)],
        rng=0,
    )  # fmt: skip
    assert mlp.pretrain(net, SIX, pretrainer, rng=0).labels("pretraining_error_by_layer") == ("dense1", "dense2")


def test_a_layer_that_diverges_keeps_the_weights_that_it_had() -> None:
    net = sigmoids(6, 5)
    before = net.params.copy()
    with np.errstate(all="ignore"):
        errors = mlp.pretrain(net, 5 * SIX - 1, mlp.RBM(epochs=4, learning_rate=1e6), rng=0)[
            "pretraining_error_by_layer"
        ]
    assert not (errors[1:] < errors[0]).any()
    np.testing.assert_array_equal(net.params, before)


def test_the_share_that_is_lost_is_1_for_the_mean_and_0_for_the_inputs() -> None:
    X = RNG.normal(size=(30, 4))
    assert unexplained(X, X) == 0
    assert unexplained(X, np.broadcast_to(X.mean(0), X.shape)) == pytest.approx(1)


def test_pretraining_by_hand_has_short_names() -> None:
    for pretrain, kind in ((mlp.pretrain_rbm, mlp.RBM()), (mlp.pretrain_autoencoder, mlp.Autoencoder())):
        nets = sigmoids(6, 5), sigmoids(6, 5)
        pretrain(nets[0], SIX, rng=0)
        mlp.pretrain(nets[1], SIX, kind, rng=0)
        np.testing.assert_array_equal(nets[0].params, nets[1].params)


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ([mlp.Dense(6, 4), mlp.Tanh(), mlp.Dense(4, 2)], "tanh1"),
        ([mlp.Dense(6, 4), mlp.BatchNorm(), mlp.Sigmoid(), mlp.Dense(4, 2)], "batchnorm1"),
        ([mlp.Dense(6, 4), mlp.Dense(4, 4), mlp.Sigmoid(), mlp.Dense(4, 2)], "dense2"),
        ([mlp.Dense(6, 4), mlp.Sigmoid(), mlp.Residual([mlp.Dense(4, 4)]), mlp.Dense(4, 2)], "residual1"),
        ([mlp.Dense(6, 4), mlp.Sigmoid(), mlp.Dense(4, 4), mlp.Dense(4, 2)], "dense3"),
        ([mlp.Dense(6, 2)], "none"),
    ],
)
def test_a_network_that_a_machine_cannot_describe_is_refused(layers: list[mlp.Layer], name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        mlp.pretrain(mlp.Network(layers), SIX, mlp.RBM(), rng=0)


def test_what_is_no_pretrainer_or_no_number_is_refused() -> None:
    pretrainer: Any = "rbm"
    with pytest.raises(HyperparameterError, match=r"RBM\(\) or Autoencoder\(\)"):
        mlp.pretrain(sigmoids(6, 3), SIX, pretrainer, rng=0)
    with pytest.raises(DataError, match="finite"):
        mlp.pretrain(sigmoids(6, 3), np.where(SIX > 0, SIX, np.nan), mlp.RBM(), rng=0)


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ShapeError, match="takes"):
        list(pretrain_layers(sigmoids(5, 3), SIX, mlp.RBM(), RNG))


@pytest.mark.parametrize("bad", [{"epochs": 0}, {"learning_rate": 0.0}, {"batch_size": 0}])
@pytest.mark.parametrize("kind", [mlp.RBM, mlp.Autoencoder])
def test_settings_that_cannot_be_are_refused(kind: Any, bad: dict[str, Any]) -> None:
    with pytest.raises(HyperparameterError):
        kind(**bad)


# in an experiment


DEEP: dict[str, Any] = {
    "data": {"source": "digits"},
    "network": {"hidden": [32] * 6, "activation": "sigmoid"},
    "optimizer": {"name": "momentum", "learning_rate": 0.1},
    "record": {"probe": "never"},
}


def deep(pretrain: Any, **training: Any) -> dict[str, Any]:
    return DEEP | {"network": {**DEEP["network"], "pretrain": pretrain}, "training": training}


@pytest.mark.parametrize("pretrain", ["rbm", "autoencoder"])
def test_a_deep_sigmoid_network_learns_with_pretraining_and_not_without(pretrain: str) -> None:
    assert mlp.run(deep("none")).metrics["test_accuracy"] < 0.2
    assert mlp.run(deep(pretrain)).metrics["test_accuracy"] > 0.9


def test_a_run_with_pretraining_is_the_same_for_the_same_seed_and_keeps_its_record(tmp_path: Any) -> None:
    config = deep({"name": "rbm", "epochs": 1}, epochs=1, restarts=2)
    run = mlp.run(config, out=tmp_path / "run")
    np.testing.assert_array_equal(run.network.params, mlp.run(config).network.params)
    saved = mlp.load_run(tmp_path / "run")
    assert saved.history["pretraining_error_by_layer"].shape == (2, 6)
    np.testing.assert_array_equal(saved.network.params, run.network.params)


def test_without_pretraining_a_run_is_as_it_was_before_there_was_any() -> None:
    """It has a generator of its own: weights, split and order of the rows are those of a run without it."""
    (plain, state), (other, other_state) = begin(deep("none")), begin(deep("rbm"))
    np.testing.assert_array_equal(state.network.params, other_state.network.params)
    np.testing.assert_array_equal(plain.prepared.train.X, other.prepared.train.X)
    assert "pretraining_error_by_layer" not in state.history


@pytest.mark.parametrize(("rate", "cause"), [(1e-7, "learning_rate_too_low"), (3e3, "learning_rate_too_high")])
def test_pretraining_that_teaches_nothing_is_found_with_its_cause(rate: float, cause: str) -> None:
    run = mlp.run(deep({"name": "rbm", "epochs": 2, "learning_rate": rate}, epochs=1))
    (finding,) = [f for f in run.findings if f.kind == "no_progress" and "Pretraining" in f.message]
    assert finding.severity == "info"
    assert finding.causes[0].name == cause
    assert set(finding.layers) <= {f"dense{i}" for i in range(1, 7)}


def test_healthy_pretraining_finds_nothing() -> None:
    run = mlp.run(deep("rbm"))
    assert not [f for f in run.findings if "Pretraining" in f.message]


def test_a_short_trial_pretrains_as_the_run_does() -> None:
    """Else a repair would judge another experiment than the one to be repaired."""
    scores = []
    for pretrain in ("none", "rbm"):
        setup, _ = begin(deep(pretrain))
        rows = first_rows(setup.prepared, np.dtype(np.float32))
        scores.append(score_part(run_trial(setup.config, rows, steps=400), rows.train))
    assert scores[0] < 0.2
    assert scores[1] > 0.6


@pytest.mark.parametrize(
    ("network", "error", "words"),
    [
        ({"pretrain": "rmb"}, UnknownNameError, "Did you mean 'rbm'"),
        ({"pretrain": {"name": "rbm", "noise": 0.1}}, ConfigError, "rbm has no key 'noise'"),
        ({"pretrain": {"name": "rbm", "epochs": 0}}, ConfigError, "epochs = 0"),
        ({"pretrain": "rbm", "activation": "relu"}, ConfigError, "relu1"),
        ({"pretrain": "autoencoder", "batch_norm": True}, ConfigError, "batchnorm1"),
        ({"pretrain": "rbm", "hidden": []}, ConfigError, "has none"),
        ({"pretrain": 3}, ConfigError, "pretrain = 3"),
        ({"pretrain": {"name": "none", "epochs": 3}}, ConfigError, "none has no key 'epochs'"),
    ],
)
def test_pretraining_that_cannot_be_says_so(network: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        mlp.run(DEEP | {"network": {**DEEP["network"], **network}})


def test_rows_that_stay_on_disk_are_refused(tmp_path: Any) -> None:
    np.save(tmp_path / "X.npy", SIX)
    np.save(tmp_path / "y.npy", SIX[:, 0].astype(int))
    source = {"source": str(tmp_path / "X.npy"), "target": str(tmp_path / "y.npy")}
    with pytest.raises(ConfigError, match=r"Store them as \.npz"):
        mlp.run({"data": source, "network": {"activation": "sigmoid", "pretrain": "rbm"}})


def test_the_command_line_shows_what_became_of_each_layer(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    keys = ["network.hidden=[8,8]", "network.activation=sigmoid", "network.pretrain=rbm", "training.epochs=1"]
    assert main(["train", "iris", *(part for key in keys for part in ("--set", key)), "-o", str(tmp_path / "r")]) == 0
    shown = capsys.readouterr().out
    assert "pretrain  dense1: " in shown
    assert "          dense2: " in shown
    assert "of the variance lost, 10 epochs of rbm" in shown
