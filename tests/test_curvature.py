"""Lanczos and its kin against dense algebra, the loss as a surface, escape times against steps that were taken."""

from __future__ import annotations

import copy
from itertools import islice
from typing import Any

import numpy as np
import pytest
from cases import LAYERS, LOSSES, batch_for, inside, target

import mlp
from mlp.curvature import (
    Motion,
    Surface,
    blocks,
    density,
    ends,
    escape,
    lanczos,
    motion,
    reaches,
    spectrum,
    trace,
)  # fmt: skip
from mlp.curvature.davidson import Davidson
from mlp.curvature.floor import best_answers, scale
from mlp.curvature.preconditioner import precondition
from mlp.curvature.trace import student
from mlp.curvature.trials import begin, displaced, has_rate, losses_along, noisy_levels, steps_until


def symmetric(size: int, seed: int = 0) -> np.ndarray:
    a = np.random.default_rng(seed).standard_normal((size, size))
    return a + a.T


def tanh_net(seed: int = 0, dtype: Any = np.float64) -> mlp.Network:
    return mlp.Network([mlp.Dense(3, 5), mlp.Tanh(), mlp.Dense(5, 2)], rng=seed, dtype=dtype)


def rows(n: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 2))


# Lanczos


def test_as_many_steps_as_there_are_dimensions_find_all_eigenvalues() -> None:
    A, start = symmetric(12), np.random.default_rng(1).standard_normal(12)
    ritz = lanczos(lambda v: A @ v, start, 50)
    np.testing.assert_allclose(ritz.values, np.linalg.eigvalsh(A), atol=1e-12)
    np.testing.assert_allclose(A @ ritz.vectors, ritz.vectors * ritz.values, atol=1e-12)
    assert (ritz.residuals == 0).all()


def test_ritz_values_lie_within_and_some_eigenvalue_within_each_residual() -> None:
    A = symmetric(60)
    true, ritz = np.linalg.eigvalsh(A), lanczos(lambda v: A @ v, np.ones(60), 15)
    assert true[0] <= ritz.values[0] and ritz.values[-1] <= true[-1]
    assert (np.abs(true[:, None] - ritz.values).min(0) <= ritz.residuals + 1e-12).all()
    found = np.linalg.norm(A @ ritz.vectors - ritz.vectors * ritz.values, axis=0)
    np.testing.assert_allclose(found, ritz.residuals, atol=1e-12)


def test_ritz_values_are_the_nodes_of_a_gauss_quadrature() -> None:
    """k nodes integrate polynomials up to degree 2k - 1: Σ s₁ᵢ² θᵢᵖ = vᵀAᵖv (Golub & Meurant, theorem 6.2)."""
    A, v = symmetric(30) / 10, np.random.default_rng(1).standard_normal(30)
    v /= np.linalg.norm(v)
    ritz, power = lanczos(lambda x: A @ x, v, 5), v
    for p in range(10):
        assert abs(ritz.first**2 @ ritz.values**p - v @ power) < 1e-12
        power = A @ power


def test_no_ghosts_after_an_eigenvalue_has_converged() -> None:
    """Without orthogonality the eigenvalue 1000 comes back again and again."""
    A = np.diag([1000.0, *np.linspace(0, 1, 199)])
    ritz = lanczos(lambda v: A @ v, np.ones(200), 60)
    assert (ritz.values > 500).sum() == 1
    np.testing.assert_allclose(ritz.vectors.T @ ritz.vectors, np.eye(60), atol=1e-12)


def test_a_span_that_is_closed_ends_lanczos() -> None:
    calls: list[np.ndarray] = []

    def times(v: np.ndarray) -> np.ndarray:
        calls.append(v)
        return np.array([2.0, 2.0, 5.0]) * v

    ritz = lanczos(times, np.array([1.0, 1.0, 0.0]), 3)
    assert len(calls) == 1
    np.testing.assert_allclose(ritz.values, [2.0])


def test_lanczos_refuses_a_start_without_length() -> None:
    for start in (np.zeros(3), np.array([1.0, np.nan, 0.0])):
        with pytest.raises(mlp.HyperparameterError, match="start"):
            lanczos(lambda v: v, start, 3)


def test_more_vectors_than_memory_holds_are_refused_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlp.curvature.memory.free_bytes", lambda: 1000)
    with pytest.raises(mlp.ShapeError, match=r"20 vectors of 100 parameters take 0.0 GB and 0.0 GB are free\. Ask"):
        lanczos(lambda v: v, np.ones(100), 20)
    with pytest.raises(mlp.ShapeError, match="parameters take"):
        mlp.curvature.classify_point(tanh_net(), mlp.SquaredError(), *rows())


# the whole spectrum


def test_the_trace_is_exact_where_the_subspace_holds_the_matrix() -> None:
    u = np.linalg.qr(np.random.default_rng(0).standard_normal((50, 3)))[0]
    A = u @ np.diag([5.0, -2.0, 0.5]) @ u.T
    found = trace(lambda v: A @ v, 50, 30)
    assert abs(found.value - 3.5) < 1e-12
    assert found.low <= 3.5 <= found.high < found.low + 1e-9
    assert found.products == 30


def test_the_interval_of_the_trace_holds_it_in_95_of_100_draws() -> None:
    """2,000 draws by benchmarks/curvature cover 94.0 to 95.6 %; of 400 here, four deviations are 4.4 %."""
    A = np.diag(np.linspace(-1, 3, 80)) + 0.1 * symmetric(80)
    found = [trace(lambda v: A @ v, 80, 30, rng=seed) for seed in range(400)]
    hits = sum(e.low <= np.trace(A) <= e.high for e in found)
    assert 0.906 * 400 <= hits <= 0.994 * 400


def test_the_trace_of_a_small_matrix_is_read_off() -> None:
    found = trace(lambda v: np.array([1.0, 2.0, 4.0]) * v, 3)
    assert found == (7.0, 7.0, 7.0, 3)
    with pytest.raises(mlp.HyperparameterError, match="12 or more"):
        trace(lambda v: v, 100, 6)


def test_student_is_the_table() -> None:
    """Abramowitz & Stegun, table 26.10."""
    for n, expected in ((3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)):
        assert abs(student(n) - expected) < 0.005


def test_the_density_of_a_diagonal_matrix_is_exact() -> None:
    """With random signs every eigenvalue has the same weight there, so quadrature has nothing to vary."""
    values = np.repeat([-1.0, 0.0, 2.0, 5.0], [1, 4, 2, 1])
    found = density(lambda v: values * v, 8, steps=8, runs=2)
    assert abs(found.weights.sum() - 1) < 1e-12
    assert abs(found.weights @ found.nodes - values.mean()) < 1e-12
    assert abs(found.share_below(-0.5) - 1 / 8) < 1e-12
    assert abs(found.share_below(1.0) - 5 / 8) < 1e-12
    x = np.linspace(-4, 9, 2001)
    assert abs(np.trapezoid(found.at(x, 0.3), x) - 1) < 1e-9


# the loss of a network


def test_the_spectrum_of_linear_regression_is_that_of_the_data() -> None:
    """∂²L/∂W² = I ⊗ X̃ᵀX̃/N, for squared error summed over two outputs."""
    X, t = rows()
    net = mlp.Network([mlp.Dense(3, 2)], rng=0)
    tilde = np.column_stack([X, np.ones(12)])
    expected = np.repeat(np.linalg.eigvalsh(tilde.T @ tilde / 12), 2)
    np.testing.assert_allclose(spectrum(Surface(net, mlp.SquaredError(), X, t)), expected, atol=1e-14)


@pytest.mark.parametrize("name", ["dense_penalised", "gelu", "batch_norm", "residual_nested", "rbf", "maxout"])
def test_the_dense_hessian_is_the_differences_of_gradients(name: str) -> None:
    """Twin: one parameter at a time, five points."""
    net = inside(LAYERS[name])
    batch = batch_for(net)
    surface = Surface(net, mlp.SquaredError(), batch.x.values.T, batch.target.T)
    expected, h = np.empty((surface.size, surface.size)), 1e-4
    for i, e in enumerate(np.eye(surface.size)):
        g = {k: surface.at(surface.params + k * h * e).grad for k in (-2, -1, 1, 2)}
        expected[:, i] = (8 * (g[1] - g[-1]) - (g[2] - g[-2])) / (12 * h)
    found = surface.hessian()
    assert np.abs(found - expected).max() < 1e-8 * np.abs(found).max()
    np.testing.assert_allclose(found @ surface.grad, surface.times(surface.grad), atol=1e-12 * np.abs(found).max())


def test_the_ends_are_those_of_the_spectrum_and_blocks_those_of_their_part() -> None:
    net, (X, t) = tanh_net(), rows()
    surface = Surface(net, mlp.SquaredError(), X, t)
    H = surface.hessian()
    found, true = ends(surface.times, surface.size, steps=10), np.linalg.eigvalsh(H)
    np.testing.assert_allclose((found.least, found.largest), (true[0], true[-1]), rtol=1e-3)
    assert found.products <= 32
    for block, part in zip(blocks(surface, steps=20), (slice(0, 20), slice(20, 32)), strict=True):
        inner = np.linalg.eigvalsh(H[part, part])
        np.testing.assert_allclose((block.least, block.largest), (inner[0], inner[-1]), atol=1e-8)
        assert block.grad_norm == pytest.approx(np.linalg.norm(surface.grad[part]))


def late() -> Surface:
    """Late in a training: a few large eigenvalues, many next to nothing, and the least among those."""
    iris = mlp.data.load("iris")
    X, loss = (iris.X - iris.X.mean(0)) / iris.X.std(0), mlp.SoftmaxCrossEntropy()
    net = mlp.Network([mlp.Dense(4, 12), mlp.GELU(), mlp.Dense(12, 3)], rng=1, dtype=np.float64)
    for _ in mlp.train(net, mlp.batches(X, iris.y, 150, rng=None, epochs=1500), loss, mlp.Adam(0.01)):
        pass
    return Surface(net, loss, X, iris.y)


def test_a_preconditioner_leads_to_the_least_eigenvalue_late_in_a_training() -> None:
    """Lanczos' method meets the large eigenvalues first, and has nothing left for those that are next to nothing."""
    surface = late()
    true = np.linalg.eigvalsh(surface.hessian())
    errors = {}
    for name, led in (("plain", None), ("led", precondition(surface, np.random.default_rng(0)))):
        found = ends(surface.times, surface.size, most=20, start=surface.grad, precondition=led)
        assert true[0] <= found.least < 0 and found.largest <= true[-1] * (1 + 1e-12)
        for value, vector, residual in zip(found[:2], found.vectors.T, found.residuals, strict=True):
            assert np.linalg.norm(surface.times(vector) - value * vector) == pytest.approx(
                residual, rel=1e-6, abs=1e-14
            )
            assert np.abs(true - value).min() <= residual + 1e-14  # rounding, of eigenvalues up to 0.25
        assert found.products == 20 and found.largest == pytest.approx(true[-1], rel=0.01)
        errors[name] = 1 - found.least / true[0]
    assert errors["led"] < 1e-6 < 1e-4 < errors["plain"]  # a hundredth of it at least


def test_the_preconditioner_is_the_inverse_where_all_residuals_are_kept() -> None:
    net, (X, t) = tanh_net(), rows(7)
    surface = Surface(net, mlp.SquaredError(), X, t)
    G = np.array([surface.gauss_newton_times(v) for v in np.eye(surface.size)])
    led, r = precondition(surface, np.random.default_rng(0)), np.random.default_rng(1).standard_normal(surface.size)
    assert led is not None
    mine, true = led(r, -0.3), np.linalg.solve(G + 0.3 * np.eye(surface.size), r)
    np.testing.assert_allclose(mine / np.linalg.norm(mine), true / np.linalg.norm(true), atol=1e-10)


def test_layers_without_gradients_of_single_rows_have_no_preconditioner() -> None:
    X, t = rows()
    net = mlp.Network([mlp.Dense(3, 4), mlp.BatchNorm(), mlp.Tanh(), mlp.Dense(4, 2)], rng=0)
    assert precondition(Surface(net, mlp.SquaredError(), X, t), np.random.default_rng(0)) is None


def test_davidson_without_a_preconditioner_is_lanczos() -> None:
    A, start = symmetric(40), np.random.default_rng(1).standard_normal(40)
    found = Davidson(lambda v: A @ v, start)
    found.grow(8)
    found.grow(4)
    ritz = lanczos(lambda v: A @ v, start, 12)
    np.testing.assert_allclose(found.values, ritz.values, atol=1e-10)
    np.testing.assert_allclose([np.linalg.norm(found.residual(k)) for k in range(12)], ritz.residuals, atol=1e-8)


def test_too_many_eigenvalues_are_refused() -> None:
    net = mlp.Network([mlp.Dense(3, 600)])
    with pytest.raises(mlp.ShapeError, match=r"2,400 parameters; all eigenvalues are computed up to 2,000"):
        spectrum(Surface(net, mlp.SquaredError(), np.ones((2, 3)), np.ones((2, 600))))


def test_a_surface_has_no_noise_and_leaves_the_network_alone() -> None:
    layers = [
        mlp.Dense(3, 8),
        mlp.BatchNorm(),
        mlp.Dropout(0.5),
        mlp.Residual([mlp.Noise(1.0), mlp.Dense(8, 8)]),
        mlp.Dense(8, 2),
    ]
    net = mlp.Network(layers, rng=0, dtype=np.float32)
    before, draws = (net.params.copy(), net.statistics.copy()), copy.deepcopy(net.rng).random(3)
    X, t = rows()
    one, two = (Surface(net, mlp.SquaredError(), X, t) for _ in range(2))
    assert one.value == two.value and (one.grad == two.grad).all() and one.grad.dtype == np.float64
    one.hessian()
    assert (net.params == before[0]).all() and (net.statistics == before[1]).all()
    assert (net.rng.random(3) == draws).all()


def test_a_population_has_no_point_and_neither_have_weights_that_are_no_numbers() -> None:
    X, t = rows()
    with pytest.raises(mlp.ShapeError, match=r"population of \(3,\).*network.member\(0\)"):
        Surface(mlp.Network([mlp.Dense(3, 2)], population=(3,)), mlp.SquaredError(), X, t)
    net = tanh_net()
    net.views[2][0, 0] = np.nan
    with pytest.raises(mlp.DataError, match="dense2 holds parameters that are no numbers"):
        Surface(net, mlp.SquaredError(), X, t)
    with pytest.raises(mlp.DataError, match="X holds nan in row 0, column 0"):
        Surface(tanh_net(), mlp.SquaredError(), X * np.nan, t)


def test_reach_tells_a_dead_layer_from_small_weights() -> None:
    X, t = rows()
    dead, small = (mlp.Network([mlp.Dense(3, 5), mlp.ReLU(), mlp.Dense(5, 2)], rng=0) for _ in range(2))
    dead.views[0][:, -1] = -50
    small.params *= 1e-5
    first, last = reaches(Surface(dead, mlp.SquaredError(), X, t))
    assert (first.outputs, first.slopes, last.slopes) == (0, 0, 1)
    first, _ = reaches(Surface(small, mlp.SquaredError(), X, t))
    assert first.outputs < 1e-4 * first.own and first.slopes > 0.2


# floor and reference


@pytest.mark.parametrize("name", ["squared_error", "softmax", "softmax_smoothed", "softmax_soft", "sigmoid", "poisson",
                                  "absolute_error", "quantile", "huber", "log_cosh", "focal", "hinge"])  # fmt: skip
def test_no_constant_is_better_than_the_reference(name: str) -> None:
    """Twin: Adam on one vector of outputs for all rows, from ten starts."""
    case, rng = LOSSES[name], np.random.default_rng(0)
    t = target(case.target, 40, case.n_out, rng)
    batch = mlp.as_batch(np.zeros((40, 1)), t, rng.uniform(0.5, 2, 40))
    reference = best_answers(case.loss, batch, case.n_out, np.zeros(40, np.intp))
    net = mlp.Network([mlp.Dense(1, case.n_out)], population=(10,), rng=1)
    net.params[...] = rng.standard_normal(net.params.shape)
    falling = mlp.schedules.Exponential(0.1, 300)
    best = min(np.min(step.loss) for step in islice(mlp.train(net, [batch] * 1500, case.loss, mlp.Adam(falling)), 1500))
    assert best - 1e-3 * abs(best) - 1e-6 < reference <= best + 1e-6  # the search is no better than that


def test_the_floor_is_what_equal_rows_with_other_targets_leave() -> None:
    """By hand: rows a, a, b. Squared error: ½ Var of the pair, (½ (1 - 2)² + ½ (3 - 2)²) / 3. Softmax: 2 ln 2 / 3."""
    X = np.array([[1.0], [1.0], [5.0]])
    batch = mlp.as_batch(X, np.array([[1.0], [3.0], [7.0]]))
    assert scale(mlp.SquaredError(), batch, 1).floor == pytest.approx(1 / 3)
    assert scale(mlp.SquaredError(), batch, 1).reference == pytest.approx(np.var([1, 3, 7]) / 2)
    labels = mlp.as_batch(X, np.array([0, 1, 1]))
    found = scale(mlp.SoftmaxCrossEntropy(), labels, 2)
    assert found.floor == pytest.approx(2 * np.log(2) / 3)
    assert found.reference == pytest.approx(-(np.log(1 / 3) + 2 * np.log(2 / 3)) / 3)


# escape


def counted(values: np.ndarray, slopes: np.ndarray, rule: mlp.Optimizer, goal: float, state: Any = None) -> int:
    """Twin: the rule's own steps on the quadratic Σ c x + ½ λ x² until it has fallen by `goal`."""
    x, out = np.zeros(len(values)), np.empty(len(values))
    state = rule.init(x) if state is None else copy.deepcopy(state)
    for k in range(10**6):
        if -(slopes @ x + 0.5 * values @ x**2) >= goal:
            return k
        rule.update(mlp.Evaluation(x, 0.0, slopes + values * x, None), state, out)
        x += out
    raise AssertionError("no escape")


@pytest.mark.parametrize("rule", [mlp.SGD(0.1), mlp.Momentum(0.02, 0.9), mlp.Nesterov(0.03, 0.8)], ids=repr)
@pytest.mark.parametrize("goal", [1e-6, 1e-3, 10.0])
def test_escape_counts_the_steps_that_the_rule_takes(rule: Any, goal: float) -> None:
    values, slopes = np.array([-0.3, -0.01, 0.0, 0.5, 4.0]), np.array([1e-4, 1e-3, 1e-3, 1e-3, 1e-3])
    moving = motion(rule, None, rule.learning_rate)
    assert moving is not None
    found = escape(values, slopes, moving, goal)
    assert found.steps == counted(values, slopes, rule, goal)
    assert (found.share > 0.9) == (goal > 1e-4)  # before that the slope does it


def test_escape_goes_on_with_the_velocity_there_is() -> None:
    values, slopes, rule = np.array([-0.2, 1.0]), np.array([1e-5, 1e-3]), mlp.Momentum(0.01)
    state = rule.init(slopes)
    state.v[...] = [3e-3, -2e-3]
    moving = motion(rule, state, 0.01)
    assert moving is not None and moving.velocity is not None
    found = escape(values, slopes, moving, 0.01, moving.velocity)
    assert found.steps == counted(values, slopes, rule, 0.01, state)
    assert found.steps < escape(values, slopes, moving, 0.01).steps


def test_adam_moves_like_momentum_in_a_metric_while_its_mean_squares_stay() -> None:
    """√D θ as coordinates, D = √v̂ + ε. β₂ is next to 1, so that v stays."""
    values, slopes, rule = np.array([-0.3, -0.1, 0.5]), np.array([1e-4, 2e-4, 1e-3]), mlp.Adam(0.01, beta2=1 - 1e-9)
    state = rule.init(slopes)
    state.pace.t, state.v[...] = 10**11, np.array([1.0, 0.04, 0.25]) * 1e9
    moving = motion(rule, state, 0.01)
    assert moving is not None and moving.metric is not None
    np.testing.assert_allclose(moving.metric, [1.0, 0.2, 0.5], rtol=1e-4)
    root = np.sqrt(moving.metric)
    found = escape(values / moving.metric, slopes / root, moving, 1.0, np.zeros(3))
    assert found.steps == pytest.approx(counted(values, slopes, rule, 1.0, state), rel=0.01)


def test_what_nothing_points_out_of_is_never_left() -> None:
    flow = Motion(0.0, 0.0, 0.0, -0.1)
    assert escape(np.array([-1.0, 2.0]), np.zeros(2), flow, 0.1).steps == np.inf
    assert escape(np.array([1.0, 2.0]), np.array([0.1, 0.1]), flow, 0.1) == (np.inf, 0.0)  # ½ c²/λ is all there is
    assert motion(mlp.RpropMinus(), None, 0.1) is None


# trials


@pytest.mark.parametrize("rule", [mlp.SGD(0.1), mlp.Momentum(0.05), mlp.Adam(0.01), mlp.AggMo(0.05), mlp.Shampoo(0.1),
                                  mlp.ClipNorm(mlp.Momentum(0.05), 0.1)], ids=repr)  # fmt: skip
def test_rates_side_by_side_are_rates_one_by_one(rule: Any) -> None:
    """Also with a memory, in float32, that began elsewhere; it is left alone."""
    net, (X, t), loss = tanh_net(dtype=np.float32), rows(), mlp.SquaredError()
    batch = mlp.as_batch(X, t, dtype=np.float32)
    state = next(iter(islice(mlp.train(net, [batch] * 3, loss, rule), 2, 3))).state
    kept, surface = copy.deepcopy(state), Surface(net, loss, X, t)
    found = losses_along(surface, rule, state, np.array([0.1, 0.01]), 20)
    for k, rate in enumerate((0.1, 0.01)):
        one, params = surface.network.at(surface.params.copy()), surface.params.copy()
        moved, memory = begin(rule, state, rate, params)
        steps = mlp.train(one, [surface.batch] * 21, loss, moved, state=memory)
        np.testing.assert_allclose(found[:, k], [float(step.loss) for step in steps], rtol=1e-10)
    assert repr(state) == repr(kept)


def test_the_memory_of_another_network_is_refused() -> None:
    X, t = rows()
    state = mlp.Adam().init(np.zeros(7))
    with pytest.raises(mlp.ShapeError, match="memory is of 7 parameters; this network has 32"):
        mlp.curvature.classify_point(tanh_net(), mlp.SquaredError(), X, t, rule=mlp.Adam(), state=state)
    with pytest.raises(mlp.HyperparameterError, match="the memory of this rule, State"):
        mlp.curvature.classify_point(tanh_net(), mlp.SquaredError(), X, t, rule=mlp.SGD(), state=state)


def test_rules_without_a_rate_and_rules_that_search_go_their_own_way() -> None:
    surface = Surface(tanh_net(), mlp.SquaredError(), *rows())
    assert [has_rate(rule) for rule in (mlp.LBFGS(), mlp.ClipNorm(mlp.Adam(), 1.0))] == [False, True]
    path = losses_along(surface, mlp.LBFGS(), None, np.ones(1), 10)
    assert path.shape == (11, 1) and path[-1, 0] < 0.5 * path[0, 0]
    assert steps_until(surface, mlp.LBFGS(), None, 1.0, path[4, 0], 10) == 4
    assert steps_until(surface, mlp.SGD(0.1), None, 1e-9, 0.0, 5) == np.inf


def test_minibatches_are_those_of_the_rule_and_levels_those_of_all_rows() -> None:
    """With all rows in a batch there is no noise: the levels are the path's."""
    surface = Surface(tanh_net(), mlp.SquaredError(), *rows())
    path = losses_along(surface, mlp.SGD(0.1), None, np.array([0.1]), 10)[:, 0]
    marks = np.array([0, 4, 9])
    levels = noisy_levels(surface, mlp.SGD(0.1), None, 0.1, 12, marks, np.random.default_rng(0))
    np.testing.assert_allclose(levels, path[marks + 1], rtol=1e-12)
    assert not np.allclose(noisy_levels(surface, mlp.SGD(0.1), None, 0.1, 3, marks, np.random.default_rng(0)), levels)


def test_a_push_has_the_size_of_the_weights_or_a_normal_one() -> None:
    net = mlp.Network([mlp.Dense(3, 400), mlp.Tanh(), mlp.Dense(400, 2)], rng=0)
    net.params[net.layout.slices[2]] = 0
    surface = Surface(net, mlp.SquaredError(), *rows())
    moved = displaced(surface, 0.02, np.random.default_rng(0)) - net.params
    first, last = moved[net.layout.slices[0]], moved[net.layout.slices[2]]
    assert first.std() == pytest.approx(0.02 * np.sqrt(np.mean(net.params[net.layout.slices[0]] ** 2)), rel=0.1)
    assert last.std() == pytest.approx(0.1 / 20, rel=0.1)
