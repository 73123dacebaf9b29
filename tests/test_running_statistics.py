"""Batch norm's statistics: of the weights that answer, and of the samples as they count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import LAYERS, arrays_in, batch_for, first, inside, passed, prepared

import mlp
from mlp.arrays import effective_size
from mlp.config import parse
from mlp.errors import DataError, HyperparameterError, ShapeError
from mlp.experiment import begin, finish, watch_epochs
from mlp.experiment import state as experiment_state
from mlp.experiment.state import answering_model, statistics_batch
from mlp.experiment.trial import run_trial
from mlp.optimizers.moving_averages import find_average
from mlp.preprocessing import Part
from mlp.problems.networks import NetworkDescent, Task

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((90, 4)), RNG.integers(0, 3, 90)
NORMED = ["batch_norm", "residual_nested"]
WEIGHTS = np.array([2.0, 1, 3, 1, 2, 0, 1])
REPEATS = WEIGHTS.astype(int)


def own_statistics(network: mlp.Network, X: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Twin: layer by layer, each batch norm divided by its own deviation over the rows X, each row w times."""
    x, found = X.T.astype(float), []
    w = np.ones(len(X)) if weights is None else weights
    for layer, view in zip(network.layers, network.views, strict=True):
        if isinstance(layer, mlp.Dense):
            x = view[:, :-1] @ x + view[:, -1:]
        elif isinstance(layer, mlp.BatchNorm):
            mean = (x * w).sum(1, keepdims=True) / w.sum()
            variance = (np.square(x - mean) * w).sum(1, keepdims=True) / (w.sum() - 1)
            found += [mean.ravel(), variance.ravel()]
            x = view.scale * (x - mean) / np.sqrt(variance + layer.epsilon) + view.shift
        elif not isinstance(layer, mlp.Dropout | mlp.Noise):
            x = np.maximum(x, 0)
    return np.concatenate(found)


def stack(*before: mlp.Layer, dropout: float = 0.0) -> mlp.Network:
    """Two batch norms, the second fed by what the first one gives."""
    between = [mlp.Dropout(dropout)] if dropout else []
    layers = [
        *before, mlp.Dense(4, 6, bias=0.1), mlp.BatchNorm(), mlp.ReLU(), *between,
        mlp.Dense(6, 5), mlp.BatchNorm(), mlp.ReLU(), mlp.Dense(5, 3),
    ]  # fmt: skip
    return mlp.Network(layers, rng=1)


# statistics measured anew, by hand


def test_statistics_are_those_of_all_samples_layer_by_layer() -> None:
    net = stack()
    mlp.update_statistics(net, mlp.batches(X, Y, 32))
    np.testing.assert_allclose(net.statistics, own_statistics(net, X), rtol=1e-11)  # ε is taken off again


def test_how_samples_are_parted_into_batches_says_nothing() -> None:
    """PyTorch's `update_bn` takes the mean over batches: of rows in the order of their classes it sees no spread."""
    net, order = stack(), np.argsort(X[:, 0])
    mlp.update_statistics(net, [mlp.as_batch(X, Y)])
    whole = net.statistics.copy()
    mlp.update_statistics(net, mlp.batches(X[order], Y[order], 7, rng=None))
    np.testing.assert_allclose(net.statistics, whole, rtol=1e-12)  # order of summing


def test_statistics_are_those_of_inputs_that_use_meets() -> None:
    """Under dropout the next batch norm sees a variance that no row has in use; noise before the first, the same."""
    net = stack(mlp.Noise(0.7, n_in=4), dropout=0.5)
    state = net.rng.bit_generator.state
    mlp.update_statistics(net, [mlp.as_batch(X, Y)])
    np.testing.assert_allclose(net.statistics, own_statistics(net, X), rtol=1e-11)  # ε is taken off again
    assert net.rng.bit_generator.state == state


def test_a_sample_of_weight_k_is_k_samples_to_the_statistics() -> None:
    net, k = stack(), RNG.integers(0, 4, 90)
    mlp.update_statistics(net, mlp.batches(X, Y, 25, weights=k))
    np.testing.assert_allclose(net.statistics, own_statistics(net, X.repeat(k, 0)), rtol=1e-11)  # ε, as above


@pytest.mark.parametrize("place", [inside, first])
@pytest.mark.parametrize("name", NORMED)
def test_statistics_of_a_population_are_those_of_its_members(name: str, place: Any) -> None:
    net = place(LAYERS[name], population=(2, 2))
    net.params[...] = np.random.default_rng(2).normal(0, 0.5, net.params.shape)
    mlp.update_statistics(net, [batch_for(net)])
    for index in np.ndindex(2, 2):
        one = mlp.Network(net.layers, 0)
        one.params = net.params[index]
        mlp.update_statistics(one, [batch_for(net)])
        np.testing.assert_array_equal(net.statistics[index], one.statistics)


def test_statistics_in_a_block_are_those_of_a_training_pass_without_noise() -> None:
    """A pass with momentum 1 leaves the statistics of its batch, but normalises by n where use has n - 1."""
    net = inside(mlp.Residual([mlp.Dense(6, 5), mlp.BatchNorm(momentum=0.999999), mlp.Tanh(), mlp.Dense(5, 6)]))
    batch = batch_for(net)
    passed(net, mlp.SquaredError(), batch)
    trained_on = net.statistics.copy()
    mlp.update_statistics(net, [batch])
    np.testing.assert_allclose(net.statistics, trained_on, rtol=1e-4, atol=1e-5)  # momentum is not quite 1


def test_a_network_without_batch_norm_reads_no_batch() -> None:
    def never() -> Iterator[mlp.Batch]:
        raise AssertionError("read")
        yield

    mlp.update_statistics(mlp.Network([mlp.Dense(4, 3), mlp.LayerNorm()]), never())


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ([], DataError),
        (mlp.as_batch(X, Y), HyperparameterError),
        (X, HyperparameterError),
        ([X], HyperparameterError),
        (iter([X]), HyperparameterError),
        ([mlp.as_batch(X[:, :2], Y)], ShapeError),
        ([mlp.as_batch(X.astype(np.float32), Y)], mlp.DtypeError),
    ],
    ids=["none", "one batch", "rows", "rows in a list", "rows in an iterator", "narrow", "float32"],
)
def test_what_are_no_batches_for_the_network_is_refused(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        mlp.update_statistics(stack(), given)
    with pytest.raises(HyperparameterError, match="network"):
        mlp.update_statistics(X, given)  # type: ignore[arg-type]


# the network that answers


def config(**sections: Any) -> dict[str, Any]:
    return {
        "data": {"scale": "none"},
        "network": {"hidden": [6, 5], "batch_norm": True},
        "optimizer": {"name": "sgd", "learning_rate": 0.3, "average": 0.95},
        "training": {"epochs": 4, "batch_size": 8, "dtype": "float64"},
        "record": {"probe": "never"},
    } | sections


RULES = {
    "moving": {"name": "sgd", "learning_rate": 0.3, "average": 0.95},
    "averaged_sgd": {"name": "averaged_sgd", "learning_rate": 0.5},
    "schedule_free_sgd": {"name": "schedule_free_sgd", "learning_rate": 0.5},
    "schedule_free_adamw": {"name": "schedule_free_adamw", "learning_rate": 0.01},
    "clipped": {"name": "averaged_sgd", "learning_rate": 0.5, "clip_norm": 0.5},
    "lookahead": {"name": "sgd", "learning_rate": 0.5, "lookahead": 4},
}


@pytest.mark.parametrize("name", RULES)
def test_weights_answer_with_statistics_of_their_own(name: str) -> None:
    """The running statistics are those of the weights that train; an average of weights lies elsewhere.

    On digits the average answered with .45 of accuracy, and .97 with statistics measured where it is.
    """
    setup, state = begin(config(optimizer=RULES[name]), (X, Y))
    train, validation = setup.prepared.train, setup.prepared.validation
    assert validation is not None
    for epoch in watch_epochs(setup, state):
        there = state.network.at(np.array(state.network.params if name == "lookahead" else find_average(state.memory)))
        there.statistics = own_statistics(there, train.X)
        answers = mlp.predict(there, validation.X).argmax(1)
        assert epoch.validation["accuracy"] == pytest.approx((answers == validation.y).mean())
    run = finish(setup, state)
    np.testing.assert_allclose(run.network.statistics, own_statistics(run.network, train.X), rtol=1e-9)  # ε, as above
    assert not np.allclose(run.network.statistics, state.network.statistics, rtol=1e-3)
    assert run.metrics["validation_loss"] == pytest.approx(run.history["validation_loss"][-1])


def test_weights_that_train_answer_with_their_running_statistics() -> None:
    setup, state = begin(config(optimizer={"name": "sgd", "learning_rate": 0.3}), (X, Y))
    list(watch_epochs(setup, state))
    assert answering_model(setup, state).network is state.network


def test_an_average_trains_as_if_nobody_asked_it() -> None:
    """Measuring statistics draws from no generator of the run and leaves the running ones."""
    states = []
    for optimizer, network in _asked_and_not():
        setup, state = begin(config(optimizer=optimizer, network=network), (X, Y))
        list(watch_epochs(setup, state))
        states.append(state)
    plain, asked = states
    for mine, theirs in zip(arrays_in(plain.network), arrays_in(asked.network), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert plain.network.rng.bit_generator.state == asked.network.rng.bit_generator.state
    assert plain.shuffle_rng.bit_generator.state == asked.shuffle_rng.bit_generator.state


def _asked_and_not() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    network = {"hidden": [6, 5], "batch_norm": True, "dropout": 0.3, "input_noise": 0.1}
    return [({"name": "sgd", "learning_rate": 0.3} | more, network) for more in ({}, {"average": 0.9})]


@pytest.mark.parametrize("restarts", [1, 3])
def test_early_stopping_keeps_statistics_with_the_best_average(restarts: int) -> None:
    training = {"epochs": 40, "batch_size": 8, "dtype": "float64", "early_stopping": {"patience": 3}}
    setup, state = begin(config(training=training | {"restarts": restarts}), (X, Y))
    list(watch_epochs(setup, state))
    run = finish(setup, state)
    assert len(run.history["validation_loss"]) < 40
    assert run.metrics["validation_loss"] == pytest.approx(float(run.history["validation_loss"].min()), rel=1e-12)
    own = own_statistics(run.network, setup.prepared.train.X)
    np.testing.assert_allclose(run.network.statistics, own, rtol=1e-9)  # ε is taken off again


def test_an_ensemble_of_averages_has_statistics_for_each_member() -> None:
    training = {"epochs": 3, "batch_size": 8, "dtype": "float64", "restarts": 3, "ensemble": True}
    setup, state = begin(config(training=training), (X, Y))
    list(watch_epochs(setup, state))
    run = finish(setup, state)
    for i in range(3):
        one = run.network.member(i)
        own = own_statistics(one, setup.prepared.train.X)
        np.testing.assert_allclose(one.statistics, own, rtol=1e-9)  # ε, as above


def test_a_run_with_an_average_is_read_as_it_was_and_resumed_to_the_bit(tmp_path: Path) -> None:
    short = config(training={"epochs": 2, "batch_size": 8})
    mlp.run(short, (X, Y), out=tmp_path / "run")
    longer = mlp.run(config(training={"epochs": 4, "batch_size": 8}), (X, Y))
    resumed = mlp.resume(tmp_path / "run", epochs=4, data=(X, Y))
    assert resumed.network.statistics.tobytes() == longer.network.statistics.tobytes()
    assert mlp.load_run(tmp_path / "run").predict_proba(X).tobytes() == longer.predict_proba(X).tobytes()


def test_of_many_rows_the_same_sample_is_taken_from_memory_and_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every 10th row would be one class of ten that take turns: the sample is drawn, from a generator of its own."""
    monkeypatch.setattr(experiment_state, "STATISTICS_ROWS", 30)
    rows = X.astype(np.float32)
    np.save(tmp_path / "X.npy", rows)
    np.save(tmp_path / "y.npy", Y)
    given = config(training={"epochs": 2, "shuffle": False, "batch_size": 8})
    mapped = mlp.run(given | {"data": {"scale": "none", "source": str(tmp_path / "X.npy"), "target": "y.npy"}})
    setup, state = begin(given, (rows, Y))
    list(watch_epochs(setup, state))
    run = finish(setup, state)
    assert mapped.network.statistics.tobytes() == run.network.statistics.tobytes()
    taken = statistics_batch(run.network, setup.prepared.train, None)
    assert taken.x.n_samples == 30
    np.testing.assert_allclose(run.network.statistics, own_statistics(run.network, taken.x.values.T), rtol=1e-3)


def test_wide_layers_take_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment_state, "CELLS", 6 * 20)
    monkeypatch.setattr(experiment_state, "FEWEST", 10)
    assert statistics_batch(stack(), Part(X, Y), None).x.n_samples == 20
    assert statistics_batch(stack(), Part(X[:15], Y[:15]), None).x.n_samples == 15
    monkeypatch.setattr(experiment_state, "CELLS", 1)
    assert statistics_batch(stack(), Part(X, Y), None).x.n_samples == 10


def test_estimators_answer_with_statistics_of_the_average() -> None:
    """`partial_fit` goes on with the weights that train and their running statistics; what answers is the average."""
    own: dict[str, Any] = {"scale": "none", "batch_norm": True, "hidden": 6, "activation": "relu", "random_state": 0}
    rule = {"name": "sgd", "learning_rate": 0.3, "average": 0.9}
    fitted = mlp.MLPClassifier(**own, epochs=3, optimizer=rule, schedule="constant").fit(X, Y)
    np.testing.assert_allclose(fitted.network_.statistics, own_statistics(fitted.network_, X), rtol=1e-9)  # ε
    portion = mlp.MLPClassifier(**own, optimizer=rule, schedule="constant")
    for _ in range(3):
        portion.partial_fit(X, Y, classes=[0, 1, 2])
    np.testing.assert_array_equal(portion.network_.statistics, fitted.network_.statistics)


def test_trials_beside_a_run_answer_so_too() -> None:
    given = config() | {"data": {}}
    network = run_trial(parse(given), prepared(Part(X, Y)), 20).network
    np.testing.assert_allclose(network.statistics, own_statistics(network, X), rtol=1e-9)  # ε is taken off again


def test_a_benchmark_measures_an_average_so_too() -> None:
    parts = {"train": (X, Y), "test": (X[:20], Y[:20])}
    descent = NetworkDescent(Task(stack().layers, mlp.SoftmaxCrossEntropy(), parts, 16), 0, 0, False)
    steps = descent.steps(mlp.AveragedSGD(0.3))
    update = [next(steps) for _ in range(30)][-1]
    there = mlp.Network(stack().layers, 0)
    there.params = update.state.average
    mlp.update_statistics(there, [mlp.as_batch(X, Y)])
    output = mlp.predict(there, X[:20]).T
    expected = float(mlp.SoftmaxCrossEntropy().value(output, Y[:20], None))
    assert descent.measure(update.state.average)["test_loss"] == pytest.approx(expected, rel=1e-12)
    assert descent.measure(descent.params)["test_loss"] != pytest.approx(expected, rel=1e-3)


# samples that count more or less


def weighed_and_repeated(net: mlp.Network) -> tuple[mlp.Batch, mlp.Batch]:
    """Seven samples of weights 0 … 3, and each as often as it weighs."""
    rng = np.random.default_rng(3)
    inputs, t = rng.standard_normal((7, net.n_in)), rng.standard_normal((7, net.n_out))
    return mlp.as_batch(inputs, t, WEIGHTS), mlp.as_batch(inputs.repeat(REPEATS, 0), t.repeat(REPEATS, 0))


@pytest.mark.parametrize("population", [(), (2,)])
@pytest.mark.parametrize("place", [inside, first])
@pytest.mark.parametrize("name", ["batch_norm"])
def test_a_sample_of_weight_k_is_k_samples_to_batch_norm(name: str, place: Any, population: tuple[int, ...]) -> None:
    """Mean and variance were those of the rows, whatever they weigh; only the loss knew the weights."""
    one, many = (place(LAYERS[name], population=population) for _ in range(2))
    weighed, repeated = weighed_and_repeated(one)
    value, workspace = passed(one, mlp.SquaredError(), weighed)
    expected, theirs = passed(many, mlp.SquaredError(), repeated)
    np.testing.assert_allclose(value, expected, rtol=1e-13)  # order of summing, here and below
    np.testing.assert_allclose(workspace.grad, theirs.grad, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(one.statistics, many.statistics, rtol=1e-12)
    d_x, d_repeated = workspace.d_nodes[0], theirs.d_nodes[0]
    np.testing.assert_allclose((d_x / np.maximum(WEIGHTS, 1)).repeat(REPEATS, -1), d_repeated, atol=1e-14)
    assert not d_x[..., WEIGHTS == 0].any()


@pytest.mark.parametrize("name", ["batch_norm"])
def test_the_hessian_weighs_samples_too(name: str) -> None:
    products = []
    for i in range(2):
        net = inside(LAYERS[name])
        objective = mlp.Objective(net, mlp.SquaredError())
        objective.batch = weighed_and_repeated(net)[i]
        _, objective.workspace = passed(net, mlp.SquaredError(), objective.batch)
        v = np.random.default_rng(5).standard_normal(net.params.shape)
        for product in (objective.hvp, objective.gnvp):
            products.append(np.empty_like(v))
            product(v, products[-1])
    np.testing.assert_allclose(products[0], products[2], rtol=1e-9, atol=1e-12)  # order of summing
    np.testing.assert_allclose(products[1], products[3], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NORMED)
def test_the_gradient_of_weighed_samples_is_that_of_differences(name: str) -> None:
    """A look elsewhere has to weigh the samples as well: its workspace is another, and kept from step to step."""
    net = inside(LAYERS[name])
    batch = batch_for(net)
    for weights in (WEIGHTS, WEIGHTS / 100):
        error = mlp.gradcheck(net, mlp.SquaredError(), batch.x.values.T, batch.target.T, weights)
        assert error <= 1e-8  # as without weights


def test_batch_norm_with_weights_is_the_loop_over_samples() -> None:
    """Twin: the mean of each node, its variance, γ n + β, and the running statistics, sample by sample."""
    net = mlp.Network([mlp.BatchNorm(n_in=2, momentum=0.25)])
    net.params[...] = [2.0, 3.0, 0.5, -0.5]
    rows = np.random.default_rng(4).standard_normal((7, 2))
    workspace = mlp.Workspace(net, 7)
    y = mlp.forward(net, mlp.as_batch(rows, rows).x, workspace, WEIGHTS)
    for j in range(2):
        total = sum(WEIGHTS)
        mean = sum(w * x for w, x in zip(WEIGHTS, rows[:, j], strict=True)) / total
        squares = sum(w * (x - mean) ** 2 for w, x in zip(WEIGHTS, rows[:, j], strict=True))
        for i in range(7):
            normed = (rows[i, j] - mean) / np.sqrt(squares / total + 1e-5)
            assert y[j, i] == pytest.approx(net.params[j] * normed + net.params[2 + j], rel=1e-12)
        assert net.statistics[j] == pytest.approx(0.25 * mean, rel=1e-12)
        assert net.statistics[2 + j] == pytest.approx(0.75 + 0.25 * squares / (total - 1), rel=1e-12)


def test_a_pass_without_weights_forgets_those_of_the_one_before() -> None:
    net, batch = inside(mlp.BatchNorm()), batch_for(inside(mlp.BatchNorm()))
    fresh = mlp.forward(net, batch.x, mlp.Workspace(net, 7)).copy()
    workspace = mlp.Workspace(net, 7)
    assert not np.allclose(mlp.forward(net, batch.x, workspace, WEIGHTS), fresh)
    np.testing.assert_array_equal(mlp.forward(net, batch.x, workspace), fresh)


def test_a_node_that_is_constant_but_for_rounding_stays_so() -> None:
    """Shares that sum to 1 to a bit: ε holds the factor under 1/√ε = 316, where scaling by the deviation had 1e16."""
    total = np.random.default_rng(0).dirichlet([1, 1, 1], 300).sum(1)[:, None]
    net = mlp.Network([mlp.BatchNorm(n_in=1)])
    y = mlp.forward(net, mlp.as_batch(total, total).x, mlp.Workspace(net, 300))
    assert len(np.unique(total)) > 1 and np.abs(y).max() < 1e-12
    mlp.update_statistics(net, [mlp.as_batch(total, total)])
    assert mlp.predict(net, np.array([[0.9999]])).item() == pytest.approx(-1e-4 / np.sqrt(1e-5), rel=1e-9)


@pytest.mark.parametrize("scale", [1e-300, 1 / 7, 1.0])
def test_weights_that_only_compare_samples_give_the_variance_of_as_many(scale: float) -> None:
    """Σ w / (Σ w - 1) is no number, or negative, for weights that add up to 1 or less: 1/n each, as many have them."""
    found = []
    for weights in (None, np.full(7, scale)):
        net = inside(mlp.BatchNorm())
        mlp.forward(net, batch_for(net).x, mlp.Workspace(net, 7), weights)
        found.append(net.statistics)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)  # order of summing


def test_samples_that_weigh_next_to_nothing_are_as_if_absent() -> None:
    """Far away and of weight 1e-9, they set the mean and the variance of all."""
    rows, t = RNG.standard_normal((40, 5)), RNG.standard_normal((40, 3))
    far, light = np.concatenate([rows, rows * 50 + 200]), np.repeat([1.0, 1e-12], 40)
    grads, statistics = [], []
    for batch in (mlp.as_batch(rows, t), mlp.as_batch(far, np.concatenate([t, t]), light)):
        net = inside(mlp.BatchNorm())
        _, workspace = passed(net, mlp.SquaredError(), batch)
        grads.append(workspace.grad)
        statistics.append(net.statistics)
    np.testing.assert_allclose(grads[1], grads[0], rtol=1e-5, atol=1e-7)  # 1e-12 · 200² of a variance near 1
    np.testing.assert_allclose(statistics[1], statistics[0], rtol=1e-5, atol=1e-7)  # as above


def test_a_batch_without_weight_moves_nothing() -> None:
    net = inside(mlp.BatchNorm())
    before, batch = net.statistics.copy(), batch_for(net)
    value, workspace = passed(net, mlp.SquaredError(), batch._replace(weights=np.zeros(7)))
    assert value == 0 and not workspace.grad.any()
    np.testing.assert_array_equal(net.statistics, before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_class_of_weight_k_is_k_copies_of_its_rows(dtype: str) -> None:
    """Class weights count rows in training, in batch norm as in the loss; the scaling of inputs does not know them."""
    own: dict[str, Any] = {
        "scale": "none", "batch_norm": True, "hidden": 6, "batch_size": "full", "optimizer": "sgd",
        "learning_rate": 0.3, "schedule": "constant", "epochs": 10, "random_state": 0, "dtype": dtype, "shuffle": False,
    }  # fmt: skip
    weighed = mlp.MLPClassifier(**own, class_weight={1: 3}).fit(X, Y)
    copies = np.where(Y == 1, 3, 1)
    repeated = mlp.MLPClassifier(**own).fit(X.repeat(copies, 0), Y.repeat(copies))
    tolerance = 1e-11 if dtype == "float64" else 1e-4  # ten steps of rounding
    np.testing.assert_allclose(weighed.predict_proba(X), repeated.predict_proba(X), atol=tolerance)


@pytest.mark.parametrize(
    "rule",
    [mlp.KFAC(), mlp.BayesianRegularization(), mlp.LevenbergMarquardt(), mlp.HessianFree(), mlp.LBFGS()],
    ids=lambda rule: type(rule).__name__,
)
def test_rules_that_ask_for_more_than_the_gradient_take_weights_for_rows(rule: Any) -> None:
    """K-FAC took the plain mean of x xᵀ, Bayesian regularisation counted residuals and not what they weigh."""
    ends = []
    for i in range(2):
        net = mlp.Network([mlp.Dense(3, 4), mlp.Tanh(), mlp.Dense(4, 1)], rng=1)
        for _ in mlp.train(net, [weighed_and_repeated(net)[i]] * 5, mlp.SquaredError(), rule):
            pass
        ends.append(net.params)
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-8)  # rounding, through five solved systems


def test_the_effective_size_by_worked_numbers() -> None:
    """3 + 1 = 4 rows; (0.3)²/(0.01 + 0.04) = 1.8 of weights that add up to 0.3."""
    assert effective_size(np.array([3.0, 1.0, 0.0])) == 4
    assert effective_size(np.array([0.1, 0.2])) == pytest.approx(1.8)
    assert effective_size(np.full(5, 1e-320)) == pytest.approx(5)
    assert effective_size(np.full(1000, 3e38, np.float32)) == pytest.approx(3e41)
    assert effective_size(np.zeros(3)) == 0


@pytest.mark.parametrize("weight", [1e-60, 1e60])
def test_weights_that_vanish_in_the_dtype_of_the_network_are_refused(weight: float) -> None:
    """As float32 they were all 0, or infinite: nothing was learned, in silence."""
    with pytest.raises(DataError, match=r"in float32 their sum is (0|inf)\. Multiply all of them"):
        mlp.as_batch(X, Y, np.full(90, weight), dtype=np.float32)
    mlp.as_batch(X, Y, np.full(90, weight))
