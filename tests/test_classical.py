"""The classical full-batch rules: against pseudo-code, the invariants of their papers, SciPy and PyTorch."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import SEARCHING

import mlp

# what the papers say, parameter by parameter, in plain Python


def rprop_twin(variant: str, gradients: list[float], losses: list[float]) -> list[float]:
    """Igel & Hüsken (2003), algorithms 1-4, for one weight: its steps."""
    delta, before, step, last, found = 0.1, 0.0, 0.0, float("inf"), []
    for g, loss in zip(gradients, losses, strict=True):
        if g * before > 0:
            delta = min(delta * 1.2, 50.0)
            step = -np.sign(g) * delta
        elif g * before < 0:
            delta = max(delta * 0.5, 1e-6)
            if variant == "plus":
                step, g = -step, 0.0
            elif variant == "minus":
                step = -np.sign(g) * delta
            elif variant == "iplus":
                step, g = (-step if loss > last else 0.0), 0.0
            else:
                step, g = 0.0, 0.0
        else:
            step = -np.sign(g) * delta
        before, last = g, loss
        found.append(float(step))
    return found


def quickprop_twin(gradients: list[float], rate: float, growth: float) -> list[float]:
    """Fahlman's quickprop.c for one weight (his slopes are ∂E/∂w too): its steps."""
    step, before, found = 0.0, 0.0, []
    shrink = growth / (1 + growth)
    for s in gradients:
        following = 0.0
        if step < 0:
            if s > 0:
                following -= rate * s
            following += growth * step if s >= shrink * before else step * s / (before - s)
        elif step > 0:
            if s < 0:
                following -= rate * s
            following += growth * step if s <= shrink * before else step * s / (before - s)
        else:
            following -= rate * s
        step, before = following, s
        found.append(following)
    return found


def gdx_twin(function: Any, x: np.ndarray, n: int, rate: float, momentum: float) -> list[np.ndarray]:
    """traingdx.m, where the step to be judged is an evaluation and not an epoch: the points that are evaluated."""
    grad = np.empty_like(x)
    loss = function(x, grad)
    step, tried = -rate * grad, []  # dX = lr*gX, of which mc*dX + (1-mc)*lr*gX makes lr*gX
    for _ in range(n):
        new, new_grad = x + step, np.empty_like(x)
        tried.append(new)
        new_loss = function(new, new_grad)
        if new_loss / loss > 1.04:
            rate *= 0.7
            step = -rate * grad
        else:
            if new_loss < loss:
                rate *= 1.05
            x, loss, grad = new, new_loss, new_grad
            step = momentum * step - (1 - momentum) * rate * grad
    return tried


def delta_bar_delta_twin(gradients: list[float]) -> list[float]:
    """Jacobs (1988), eq. 5-6, κ = 0.01, φ = 0.2, θ = 0.7, first rate 0.1."""
    rate, trend, found = 0.1, 0.0, []
    for g in gradients:
        rate += 0.01 if trend * g > 0 else -0.2 * rate if trend * g < 0 else 0.0
        trend = 0.3 * g + 0.7 * trend
        found.append(-rate * g)
    return found


def steps_for(rule: mlp.Optimizer, gradients: list[float], losses: list[float]) -> list[float]:
    """The steps of a rule with one parameter."""
    params, out, found = np.zeros(1), np.empty(1), []
    state = rule.init(params)
    for g, loss in zip(gradients, losses, strict=True):
        rule.update(mlp.Evaluation(params, loss, np.array([g])), state, out)
        params += out
        found.append(float(out[0]))
    return found


def some_gradients(n: int = 300) -> tuple[list[float], list[float]]:
    """Gradients that keep and change their signs, with zeros among them, and losses that rise and fall."""
    rng = np.random.default_rng(0)
    gradients = np.cumsum(rng.standard_normal(n)) + 0.5 * rng.standard_normal(n)
    gradients[::17] = 0
    return list(gradients), list(rng.random(n))


RPROPS = {"plus": mlp.Rprop(), "minus": mlp.RpropMinus(), "iplus": mlp.IRpropPlus(), "iminus": mlp.IRpropMinus()}


@pytest.mark.parametrize("variant", RPROPS)
def test_rprop_is_the_papers_pseudo_code(variant: str) -> None:
    gradients, losses = some_gradients()
    expected = rprop_twin(variant, gradients, losses)
    np.testing.assert_allclose(steps_for(RPROPS[variant], gradients, losses), expected, rtol=1e-13)  # 300 products


def test_the_four_rprops_are_four() -> None:
    gradients, losses = some_gradients()
    found = {tuple(steps_for(rule, gradients, losses)) for rule in RPROPS.values()}
    assert len(found) == 4


@pytest.mark.parametrize("variant", RPROPS)
def test_rprop_steps_stay_within_their_bounds_and_know_no_scale(variant: str) -> None:
    gradients, losses = some_gradients(1000)
    rule = type(RPROPS[variant])(0.1, max_step=0.5, min_step=1e-3)
    found = np.abs(steps_for(rule, gradients, losses))
    assert found.max() <= 0.5
    assert found[found > 0].min() >= 1e-3
    np.testing.assert_array_equal(found, np.abs(steps_for(rule, [1e-200 * g for g in gradients], losses)))


def test_quickprop_is_fahlmans_program() -> None:
    """While no step goes uphill: there the program may leap and this rule may not."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        gradients = list(np.array([1.0, *rng.uniform(-0.7, 1.0, 1)]) * rng.choice([-1, 1]))
        found = steps_for(mlp.Quickprop(0.3), gradients, [1.0] * 2)
        np.testing.assert_allclose(found, quickprop_twin(gradients, 0.3, 1.75), rtol=1e-13)  # a handful of roundings


def test_quickprop_finds_the_minimum_of_a_parabola_with_its_second_step() -> None:
    """S = 2(θ - 3). Before the minimum the gradient's step is added to the jump, so let the first step pass it."""
    params, out = np.zeros(1), np.empty(1)
    rule = mlp.Quickprop(0.6)  # the first step, 3.6, passes the minimum
    state = rule.init(params)
    for _ in range(2):
        rule.update(mlp.Evaluation(params, 0.0, 2 * (params - 3)), state, out)
        params += out
    np.testing.assert_allclose(params, 3, rtol=1e-15)


def test_quickprop_never_grows_more_than_its_limit() -> None:
    gradients, losses = some_gradients(500)
    steps = np.array(steps_for(mlp.Quickprop(1e-6), gradients, losses))  # hardly any gradient step
    before, after = np.abs(steps[:-1]), np.abs(steps[1:])
    assert (after <= 1.75 * before + 1e-6 * 50).all()


def test_quickprop_decays_weights_through_their_slope() -> None:
    rule, out = mlp.Quickprop(0.5, weight_decay=0.1), np.empty(1)
    params = np.array([2.0])
    rule.update(mlp.Evaluation(params, 0.0, np.zeros(1)), rule.init(params), out)
    assert out[0] == -0.5 * 0.1 * 2


def test_delta_bar_delta_is_the_papers_rule() -> None:
    gradients, losses = some_gradients()
    found = steps_for(mlp.DeltaBarDelta(0.1, 0.01, 0.2, 0.7), gradients, losses)
    np.testing.assert_allclose(found, delta_bar_delta_twin(gradients), rtol=1e-12)  # 300 sums


def bent(x: np.ndarray, out: np.ndarray) -> float:
    """Rosenbrock's valley and a little more, so that no loss is 0."""
    a, b = x
    out[...] = [-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)]
    return float((1 - a) ** 2 + 100 * (b - a * a) ** 2 + 0.1)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_bold_driver_tries_the_points_that_matlabs_rule_tries(momentum: float) -> None:
    x, grad, out, tried = np.array([-1.2, 1.0]), np.empty(2), np.empty(2), []
    rule = mlp.BoldDriver(0.01, momentum)
    state = rule.init(x)
    for _ in range(200):
        rule.update(mlp.Evaluation(x, bent(x, grad), grad), state, out)
        x += out
        tried.append(x.copy())
    expected = gdx_twin(bent, np.array([-1.2, 1.0]), 200, 0.01, momentum)
    assert state.rejected.item() > 5
    np.testing.assert_allclose(tried, expected, rtol=1e-6)  # steps back round, and the valley doubles what they round


def test_bold_driver_takes_back_what_is_not_finite() -> None:
    rule, out = mlp.BoldDriver(1.0), np.empty(1)
    params = np.zeros(1)
    state = rule.init(params)
    rule.update(mlp.Evaluation(params, 1.0, np.ones(1)), state, out)
    params += out
    rule.update(mlp.Evaluation(params, float("nan"), np.array([np.nan])), state, out)
    assert out[0] == pytest.approx(1 - 0.7)


# where PyTorch and SciPy go: reference/classic.py

REFERENCE = dict(np.load(Path(__file__).parent / "reference" / "classic.npz"))


class Function:
    """A function with its derivatives; `at` is where a product is asked for."""

    def __init__(self, value: Any, grad: Any, product: Any = None) -> None:
        self.value, self.grad, self.product = value, grad, product
        self.at, self.evaluations = np.empty(0), 0

    def value_and_grad(self, params: np.ndarray, out: np.ndarray) -> float:
        self.evaluations += 1
        out[...] = self.grad(params)
        return float(self.value(params))

    def hvp(self, v: np.ndarray, out: np.ndarray) -> None:
        out[...] = self.product(self.at, v)

    gnvp = hvp


def valley_value(x: np.ndarray) -> float:
    """Rosenbrock's function of any number of parameters."""
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def valley_grad(x: np.ndarray) -> np.ndarray:
    gap, g = x[1:] - x[:-1] ** 2, np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * gap - 2 * (1 - x[:-1])
    g[1:] += 200 * gap
    return g


def valley_product(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    out = np.zeros_like(v)
    out[:-1] = (1200 * x[:-1] ** 2 - 400 * x[1:] + 2) * v[:-1] - 400 * x[:-1] * v[1:]
    out[1:] += 200 * v[1:] - 400 * x[:-1] * v[:-1]
    return out


def quadratic_of(matrix: np.ndarray) -> Function:
    return Function(lambda x: 0.5 * x @ matrix @ x, lambda x: matrix @ x, lambda x, v: matrix @ v)


def function_of(name: str) -> Function:
    if name == "bowl":
        return quadratic_of(REFERENCE["bowl_matrix"])
    return Function(valley_value, valley_grad, valley_product)


def followed(
    rule: Any, function: Function, start: np.ndarray, steps: int, enough: float = 0.0
) -> tuple[Any, np.ndarray]:
    """The state after so many steps, or once no slope is above `enough`, and the parameters after each."""
    x, path = start.copy(), []
    state, grad, out = rule.init(x), np.empty_like(x), np.empty_like(x)
    for _ in range(steps):
        function.at = x
        loss = function.value_and_grad(x, grad)
        if np.abs(grad).max() <= enough:
            break
        rule.update(mlp.Evaluation(x, loss, grad, function), state, out)
        x += out
        path.append(x.copy())
    return state, np.array(path)


@pytest.mark.parametrize(
    ("name", "problem", "rule", "steps"),
    [
        ("rprop", "valley", mlp.IRpropMinus(), 100),
        ("rprop", "bowl", mlp.IRpropMinus(), 100),
        ("lbfgs", "valley", mlp.LBFGS(), 20),
        (
            "lbfgs",
            "bowl",
            mlp.LBFGS(),
            20,
        ),  # curvatures 1 to 10⁴: from here on each step makes a rounding 2 times as large
        ("trust", "valley", mlp.TrustRegion(), 12),
    ],
)
def test_a_path_is_that_of_pytorch_or_scipy(name: str, problem: str, rule: Any, steps: int) -> None:
    _, path = followed(rule, function_of(problem), REFERENCE[f"start_{problem}"], steps)
    np.testing.assert_allclose(path, REFERENCE[f"{name}_{problem}"][:steps], rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("method", "rule"),
    [
        ("CG", mlp.PolakRibiere()),
        ("CG", mlp.FletcherReeves()),
        ("CG", mlp.HestenesStiefel()),
        ("CG", mlp.PowellBeale()),
        ("CG", mlp.ScaledConjugateGradient()),
        ("BFGS", mlp.BFGS()),
        ("L-BFGS-B", mlp.LBFGS()),
        ("Newton-CG", mlp.NewtonCG()),
    ],
)
def test_the_minimum_is_scipys_and_costs_about_as_much(method: str, rule: Any) -> None:
    """Evaluations beyond one for each update: that one repeats the last of the search before it."""
    loss, evaluations = REFERENCE[f"cost_{method}"]
    state, path = followed(rule, function_of("valley"), REFERENCE["start_valley"], 500, enough=1e-6)
    assert len(path) < 500
    assert max(loss, valley_value(path[-1])) < 1e-9  # slopes of 1e-6, curvatures of 1 and more
    products = getattr(state, "products", 0)
    assert state.evaluations - state.t - products <= 1.5 * evaluations


# invariants of the papers

EXACT = 1e-9
"""A curvature condition so tight that a search ends where the slope is 0, as the theorems demand."""


def spread(n: int = 6, worst: float = 30.0) -> np.ndarray:
    """A quadratic's matrix, eigenvalues from 1 to `worst` along axes that are not the parameters'."""
    axes = np.linalg.qr(np.random.default_rng(3).standard_normal((n, n)))[0]
    return np.asarray(axes @ np.diag(np.linspace(1, worst, n)) @ axes.T)


CONJUGATE = [mlp.FletcherReeves, mlp.PolakRibiere, mlp.HestenesStiefel, mlp.PowellBeale]
TIGHT: dict[str, Any] = {"decrease": 1e-10, "curvature": EXACT, "tries": 60}


@pytest.mark.parametrize("rule", [*(kind(**TIGHT) for kind in CONJUGATE), mlp.BFGS(**TIGHT), mlp.LBFGS(**TIGHT)])
def test_a_quadratic_of_n_parameters_takes_n_steps(rule: Any) -> None:
    """With exact searches. From ‖g‖ = 50 to what searches for a slope of 1e-9 leave behind."""
    start = np.random.default_rng(0).standard_normal(6)
    _, path = followed(rule, quadratic_of(spread()), start, 6)
    before, after = (np.abs(spread() @ x).max() for x in (path[3], path[5]))
    assert before > 1e-3
    assert after < 1e-5


def test_scaled_conjugate_gradients_take_n_steps_too() -> None:
    """Its curvature is a difference of gradients, exact on a quadratic; only the damping of 5e-7 is in the way."""
    _, path = followed(mlp.ScaledConjugateGradient(), quadratic_of(spread()), np.ones(6), 6)
    assert np.abs(spread() @ path[-1]).max() < 1e-5


def test_conjugate_gradients_and_bfgs_walk_the_same_path_on_a_quadratic() -> None:
    paths = [followed(kind(**TIGHT), quadratic_of(spread()), np.ones(6), 5)[1] for kind in (*CONJUGATE, mlp.BFGS)]
    for path in paths[1:]:
        np.testing.assert_allclose(path, paths[0], atol=1e-5)  # searches end at slopes of 1e-9, and gradients of 30


def test_gradients_along_a_conjugate_path_are_orthogonal() -> None:
    _, path = followed(mlp.FletcherReeves(**TIGHT), quadratic_of(spread()), np.ones(6), 4)
    g = np.array([spread() @ x for x in (np.ones(6), *path)])
    g /= np.linalg.norm(g, axis=1, keepdims=True)
    assert np.abs(g @ g.T - np.eye(5)).max() < 1e-5


def test_bfgs_keeps_the_secant_equation_and_stays_positive() -> None:
    x = REFERENCE["start_valley"].copy()
    function, rule = function_of("valley"), mlp.BFGS()
    state, grad, out = rule.init(x), np.empty_like(x), np.empty_like(x)
    for _ in range(30):
        before, s = state.grad.copy(), state.s.copy()
        loss = function.value_and_grad(x, grad)
        rule.update(mlp.Evaluation(x, loss, grad, function), state, out)
        if s.any():
            np.testing.assert_allclose(state.h @ (grad - before), s, atol=1e-10 * np.abs(state.h).max())
        assert np.linalg.eigvalsh(state.h).min() > 0
        x += out


def test_lbfgs_that_remembers_everything_is_bfgs_with_a_rescaled_start() -> None:
    """Twin: the two-loop recursion against the matrix, built from the same pairs."""
    from mlp.optimizers.quasi_newton import apply_pairs, update_inverse

    rng = np.random.default_rng(0)
    steps = rng.standard_normal((4, 6))
    changes = steps @ spread()
    h = np.eye(6) * (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for s, y in zip(steps, changes, strict=True):
        update_inverse(h, s, y, fresh=False)
    d = rng.standard_normal(6)
    expected = h @ d
    apply_pairs(steps, changes, d)
    np.testing.assert_allclose(d, expected, rtol=1e-12)


def test_the_one_step_secant_is_one_bfgs_update_of_the_identity() -> None:
    from mlp.optimizers.quasi_newton import update_inverse

    function, rule = function_of("valley"), mlp.OneStepSecant()
    state, path = followed(rule, function, REFERENCE["start_valley"], 5)
    x, grad, out, s = path[-1].copy(), np.empty(6), np.empty(6), state.s.copy()
    y, h = function.grad(x) - state.grad, np.eye(6)
    rule.update(mlp.Evaluation(x, function.value_and_grad(x, grad), grad, function), state, out)
    update_inverse(h, s, y, fresh=False)
    np.testing.assert_allclose(state.d, -h @ grad, rtol=1e-9)  # A and B nearly cancel


@pytest.mark.parametrize("curvature", [0.1, 0.9])
def test_a_line_search_meets_the_strong_wolfe_conditions(curvature: float) -> None:
    from mlp.optimizers.line_search import Line, StrongWolfe

    rng, function = np.random.default_rng(0), function_of("valley")
    for _ in range(200):
        x = rng.uniform(-1.5, 1.5, 6)
        grad = valley_grad(x)
        line = Line(function, mlp.Evaluation(x, valley_value(x), grad, function), -grad * rng.uniform(0.5, 1.5, 6))
        found = StrongWolfe(1e-4, curvature, tries=40, tolerance=1e-15).search(line, 10.0 ** rng.uniform(-6, 3))
        assert found.loss <= line.start.loss + 1e-4 * found.alpha * line.start.slope
        assert abs(found.slope) <= -curvature * line.start.slope
        assert line.evaluations <= 40


def test_a_search_never_ends_higher_than_it_began() -> None:
    from mlp.optimizers.line_search import Line, StrongWolfe

    wall = Function(lambda x: float("nan") if x[0] > 0.01 else -float(x[0]), lambda x: np.array([-1.0]))
    line = Line(wall, mlp.Evaluation(np.zeros(1), 0.0, np.array([-1.0]), wall), np.ones(1))
    found = StrongWolfe(tries=8).search(line, 100.0)
    assert found.loss <= 0


def test_a_rule_counts_the_gradients_it_asked_for() -> None:
    for rule in (mlp.PolakRibiere(), mlp.BFGS(), mlp.LBFGS(), mlp.OneStepSecant(), mlp.ScaledConjugateGradient()):
        function = function_of("valley")
        state, _ = followed(rule, function, REFERENCE["start_valley"], 20)
        assert state.evaluations == function.evaluations


def test_a_rule_that_searches_refuses_a_population_and_names_what_is_missing() -> None:
    with pytest.raises(mlp.ShapeError, match="BFGS searches for one network at a time"):
        mlp.BFGS().init(np.zeros((3, 2)))
    with pytest.raises(mlp.DerivativeError, match="LevenbergMarquardt asks its objective for value, root_jacobian"):
        rule = mlp.LevenbergMarquardt()
        rule.update(mlp.Evaluation(np.zeros(2), 1.0, np.ones(2)), rule.init(np.zeros(2)), np.empty(2))


# trust regions


def test_no_step_of_steihaugs_is_longer_than_its_radius() -> None:
    from mlp.optimizers.trust_region import minimise_within

    rng = np.random.default_rng(0)
    for _ in range(200):
        matrix = rng.standard_normal((6, 6))
        matrix += matrix.T  # indefinite
        g, radius = rng.standard_normal(6), 10.0 ** rng.uniform(-3, 2)
        step, fall = minimise_within(g, lambda v, m=matrix: m @ v, radius)
        assert np.linalg.norm(step) <= radius * (1 + 1e-12)
        assert fall == pytest.approx(-(g @ step + 0.5 * step @ matrix @ step), rel=1e-9, abs=1e-12)
        bend = g @ matrix @ g
        far = min(radius / np.linalg.norm(g), g @ g / bend) if bend > 0 else radius / np.linalg.norm(g)
        assert fall >= far * g @ g - 0.5 * far**2 * bend - 1e-12  # no worse than Cauchy's point


def test_a_dogleg_is_the_newton_step_or_as_long_as_its_radius() -> None:
    from mlp.optimizers.trust_region import find_dogleg

    rng = np.random.default_rng(0)
    for _ in range(200):
        jacobian = rng.standard_normal((9, 6))
        square, g, radius = jacobian.T @ jacobian, rng.standard_normal(6), 10.0 ** rng.uniform(-3, 1)
        newton = -np.linalg.solve(square, g)
        step = find_dogleg(g, float(g @ square @ g), newton, radius)
        if np.linalg.norm(newton) <= radius:
            assert step is newton
        else:
            assert np.linalg.norm(step) == pytest.approx(radius, rel=1e-10)
        assert g @ step + 0.5 * step @ square @ step < 0


# networks


def sine(units: int = 5, seed: int = 0) -> tuple[mlp.Network, mlp.Batch]:
    X = np.linspace(-1, 1, 41)[:, None]
    net = mlp.Network([mlp.Dense(1, units, "nguyen_widrow"), mlp.Tanh(), mlp.Dense(units, 1)], rng=seed)
    return net, mlp.as_batch(X, np.sin(np.pi * X))


def losses_of(rule: Any, net: mlp.Network, batch: mlp.Batch, steps: int) -> tuple[list[float], Any]:
    found, state = [], None
    for step in mlp.train(net, [batch] * steps, mlp.SquaredError(), rule):
        found.append(float(step.loss))
        state = step.state
    return found, state


@pytest.mark.parametrize("name", [*SEARCHING, "kfac"])
def test_every_rule_that_searches_fits_a_sine_and_never_goes_up(name: str) -> None:
    net, batch = sine()
    rule = SEARCHING[name] if name in SEARCHING else mlp.KFAC()
    found, _ = losses_of(rule, net, batch, 100)
    assert found[-1] < 2e-3
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(found))


def test_levenberg_marquardt_solves_linear_least_squares_in_one_step_as_its_damping_goes_to_zero() -> None:
    rng = np.random.default_rng(0)
    X, t = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    net = mlp.Network([mlp.Dense(3, 2)], rng=0)
    losses_of(mlp.LevenbergMarquardt(damping=1e-14), net, mlp.as_batch(X, t), 1)
    expected = np.linalg.lstsq(np.c_[X, np.ones(20)], t, rcond=None)[0]
    np.testing.assert_allclose(net.views[0], expected.T, atol=1e-11)  # the damping, and roundings of JᵀJ


def test_the_damping_falls_after_a_success_and_rises_until_there_is_one() -> None:
    net, batch = sine()
    before, values = 1e-3, 0
    for step in mlp.train(net, [batch] * 60, mlp.SquaredError(), mlp.LevenbergMarquardt()):
        tries = step.state.values - values
        assert step.state.damping == pytest.approx(before * 10.0 ** (tries - 2), rel=1e-9)
        before, values = step.state.damping, step.state.values


def test_levenberg_marquardt_rests_where_nothing_helps() -> None:
    """At a minimum every step goes up: μ runs to its end, the step is 0, and stays so."""
    rng = np.random.default_rng(0)
    net = mlp.Network([mlp.Dense(3, 1)], rng=0)
    batch = mlp.as_batch(rng.standard_normal((20, 3)), rng.standard_normal((20, 1)))
    *_, step = mlp.train(net, [batch] * 30, mlp.SquaredError(), mlp.LevenbergMarquardt())
    assert step.state.damping == 1e10
    assert not step.update.any()


def test_the_effective_number_of_parameters_lies_between_none_and_all() -> None:
    rng = np.random.default_rng(0)
    net, batch = sine(units=12)
    noise = 0.2 * rng.standard_normal((41, 1))
    batch = mlp.as_batch(batch.x.values.T, batch.target.reshape(-1, 1) + noise)
    gammas = []
    for step in mlp.train(net, [batch] * 150, mlp.SquaredError(), mlp.BayesianRegularization()):
        gammas.append(step.state.gamma)
        assert step.state.alpha > 0
        assert step.state.beta > 0
    assert min(gammas) > 0
    assert max(gammas) <= net.layout.size == 37
    assert gammas[-1] < 10  # a sine does not take 37 parameters
    assert (41 / step.state.beta) ** 0.5 == pytest.approx(noise.std(), rel=0.1)  # what was added, found again


def test_the_evidence_does_not_fall_in_a_linear_model() -> None:
    """There every step reaches the best weights for α and β, and re-estimating climbs. MacKay (1992), section 4."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 8))
    t = X[:, :3] @ np.ones((3, 1)) + 0.5 * rng.standard_normal((30, 1))
    net, evidence = mlp.Network([mlp.Dense(8, 1)], rng=0), []
    for step in mlp.train(
        net, [mlp.as_batch(X, t)] * 30, mlp.SquaredError(), mlp.BayesianRegularization(damping=1e-12)
    ):
        evidence.append(step.state.evidence)
    rises = np.diff(evidence[2:])
    assert (rises >= -1e-9).all()
    assert evidence[-1] > evidence[2] + 0.1
    a, b, size = step.state.alpha, step.state.beta, 9
    phi = np.c_[X, np.ones(30)] / 30**0.5  # residuals carry 1/√N
    covariance = np.eye(30) / b + phi @ phi.T / a
    y = t[:, 0] / 30**0.5
    exact = -0.5 * (y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    assert evidence[-1] == pytest.approx(exact, rel=1e-6), size  # the marginal likelihood, without any weights in it


def test_kfac_whitens_a_linear_layer() -> None:
    """One layer, squared error: B = A ⊗ I exactly, so with little damping the first step is Newton's."""
    rng = np.random.default_rng(0)
    X, t = rng.standard_normal((50, 4)) @ np.diag([1, 3, 10, 30]), rng.standard_normal((50, 2))
    net = mlp.Network([mlp.Dense(4, 2)], rng=0)
    losses_of(mlp.KFAC(damping=1e-12), net, mlp.as_batch(X, t), 1)
    expected = np.linalg.lstsq(np.c_[X, np.ones(50)], t, rcond=None)[0]
    np.testing.assert_allclose(net.views[0], expected.T, atol=1e-5)  # √λ = 1e-6 beside A


@pytest.mark.parametrize(
    "kind", [mlp.LevenbergMarquardt, mlp.NewtonCG, mlp.TrustRegion, mlp.HessianFree, mlp.KFAC, mlp.LBFGS]
)
def test_rules_that_search_classify_in_float32_too(kind: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2)).astype(np.float32)
    t = (X[:, 0] * X[:, 1] > 0).astype(int)
    net = mlp.Network([mlp.Dense(2, 8), mlp.Tanh(), mlp.Dense(8, 2)], rng=0, dtype=np.float32)
    batch = mlp.as_batch(X, t, dtype=np.float32)
    *_, step = mlp.train(net, [batch] * 60, mlp.SoftmaxCrossEntropy(), kind())
    assert step.loss < 0.1
    assert step.update.dtype == np.float32


@pytest.mark.parametrize("name", [*SEARCHING, "kfac", "bayesian_regularization"])
def test_a_rule_that_searches_leaves_frozen_layers_alone_and_still_goes_down(name: str) -> None:
    net, batch = sine()
    first, second = net.layout.slices[0], net.layout.slices[2]
    before, rule = net.params.copy(), mlp.optimizers.OPTIMIZERS[name]()
    found, _ = losses_of(mlp.Frozen(rule, (first,)), net, batch, 30)
    assert (net.params[first] == before[first]).all()
    assert (net.params[second] != before[second]).all()
    assert found[-1] < 0.5 * found[0]
    assert name == "bayesian_regularization" or all(b <= a * (1 + 1e-12) for a, b in pairwise(found))


# twins and certified answers


def moller_twin(function: Any, w: np.ndarray, steps: int) -> tuple[list[np.ndarray], list[float]]:
    """Møller (1993), section 4, steps 1-9 as printed, with both λ and λ̄: points and λ after every iteration."""
    sigma, lam, lam_bar = 5e-5, 5e-7, 0.0
    r = -function.grad(w)
    p, success, k, points, lams = r.copy(), True, 1, [], []
    delta = 0.0
    for _ in range(steps):
        if success:
            s_k = sigma / np.linalg.norm(p)
            delta = float(p @ (function.grad(w + s_k * p) - function.grad(w)) / s_k)
        delta += (lam - lam_bar) * float(p @ p)
        if delta <= 0:
            lam_bar = 2 * (lam - delta / float(p @ p))
            delta = -delta + lam * float(p @ p)
            lam = lam_bar
        mu, size = float(p @ r), float(p @ p)
        alpha = mu / delta
        comparison = 2 * delta * (function.value(w) - function.value(w + alpha * p)) / mu**2
        if comparison >= 0:
            w = w + alpha * p
            r_new = -function.grad(w)
            lam_bar, success = 0.0, True
            beta = float(r_new @ r_new - r_new @ r) / mu
            p = r_new.copy() if k % w.size == 0 else r_new + beta * p
            r = r_new
            if comparison >= 0.75:
                lam *= 0.25
            k += 1
        else:
            lam_bar, success = lam, False
        if comparison < 0.25:
            lam += delta * (1 - comparison) / size
        points.append(w.copy())
        lams.append(lam)
    return points, lams


MISRA1A = np.array(  # NIST, Statistical Reference Datasets: dental research, monomolecular adsorption
    [
        [77.6, 10.07], [114.9, 14.73], [141.1, 17.94], [190.8, 23.93], [239.9, 29.61], [289.0, 35.18], [332.8, 40.02],
        [378.4, 44.82], [434.8, 50.76], [477.3, 55.05], [536.8, 61.01], [593.1, 66.40], [689.1, 75.47], [760.0, 81.78],
    ]
)  # fmt: skip


class Misra:
    """y = b₁ (1 - exp(-b₂ x)) by least squares; `at` is where the Jacobian is asked for."""

    n_residuals = len(MISRA1A)

    def __init__(self) -> None:
        self.at = np.empty(0)

    def residuals(self, b: np.ndarray) -> np.ndarray:
        x, y = MISRA1A.T
        return np.asarray(b[0] * -np.expm1(-b[1] * x) - y)

    def value(self, b: np.ndarray) -> float:
        return float(0.5 * (self.residuals(b) ** 2).sum())

    def root_jacobian(self, out: np.ndarray) -> None:
        self.jacobian(out)

    def jacobian(self, out: np.ndarray) -> np.ndarray:
        b, x = self.at, MISRA1A[:, 0]
        out[:, 0], out[:, 1] = -np.expm1(-b[1] * x), b[0] * x * np.exp(-b[1] * x)
        return self.residuals(b)

    def value_and_grad(self, b: np.ndarray, out: np.ndarray) -> float:
        kept, self.at, jacobian = self.at, b, np.empty((self.n_residuals, 2))
        out[...] = self.jacobian(jacobian) @ jacobian
        self.at = kept
        return self.value(b)


@pytest.mark.parametrize("start", [(500, 1e-4), (250, 5e-4)])  # NIST's start 1 and start 2
@pytest.mark.parametrize(
    "rule", [mlp.LevenbergMarquardt(), mlp.GaussNewton(rank=1e-13), mlp.Dogleg(1e3, 1e4, rank=1e-13)]
)
def test_least_squares_reach_what_nist_has_certified(rule: Any, start: tuple[float, float]) -> None:
    _, path = followed(rule, Misra(), np.array(start, float), 200)  # type: ignore[arg-type]
    np.testing.assert_allclose(path[-1], [2.3894212918e2, 5.5015643181e-4], rtol=1e-7)
    assert 2 * Misra().value(path[-1]) == pytest.approx(1.2455138894e-1, rel=1e-9)


def test_scaled_conjugate_gradients_walk_mollers_path() -> None:
    """His steps 1-9, from a start where the curvature is negative at times and steps are refused."""
    start = np.array([-0.6, 0.9, 0.2, -0.3, 0.5, 1.2])
    points, lams = moller_twin(function_of("valley"), start, 40)
    x, function, rule = start.copy(), function_of("valley"), mlp.ScaledConjugateGradient()
    state, grad, out = rule.init(x), np.empty(6), np.empty(6)
    refused = 0
    for point, lam in zip(points, lams, strict=True):
        rule.update(mlp.Evaluation(x, function.value_and_grad(x, grad), grad, function), state, out)
        x += out
        refused += not out.any()
        np.testing.assert_allclose(x, point, rtol=1e-6)
        assert state.damping == pytest.approx(lam, rel=1e-4)
    assert refused > 0


@pytest.mark.parametrize("name", [*SEARCHING, "kfac", "bayesian_regularization"])
def test_a_run_that_goes_on_with_its_state_is_a_run_that_never_stopped(name: str) -> None:
    rule, paths = mlp.optimizers.OPTIMIZERS[name](), []
    for parts in ((16,), (7, 9)):
        (net, batch), state = sine(), None
        for steps in parts:
            *_, last = mlp.train(net, [batch] * steps, mlp.SquaredError(), rule, state=state)
            state = last.state
        paths.append(net.params)
    assert (paths[0] == paths[1]).all()


# numbers at the end of their range


class Bowl:
    """½ `scale` ‖θ‖²."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def value(self, params: Any) -> Any:
        return 0.5 * self.scale * (params * params).sum()

    def value_and_grad(self, params: Any, out: Any) -> Any:
        np.multiply(params, self.scale, out=out)
        return self.value(params)

    def hvp(self, v: Any, out: Any) -> None:
        np.multiply(v, self.scale, out=out)

    gnvp = hvp


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-150, 1e100, 1e160, 1e290])
@pytest.mark.parametrize("name", sorted({*SEARCHING} - {"gauss_newton", "dogleg", "levenberg_marquardt"}))
def test_a_gradient_whose_square_is_no_number_ends_in_no_error(name: str, scale: float) -> None:
    """‖g‖² underflows to 0 (or overflows) though g is there: rules that divided by it raised ZeroDivisionError."""
    rule, objective, params = mlp.optimizers.OPTIMIZERS[name](), Bowl(scale), np.ones(3)
    state, grad, out = rule.init(params), np.empty(3), np.empty(3)
    with np.errstate(all="ignore"):
        for _ in range(4):
            loss = objective.value_and_grad(params, grad)
            rule.update(mlp.optimizers.Evaluation(params, loss, grad, objective), state, out)
            params = params + out
    assert objective.value(params) <= objective.value(np.ones(3))


def test_bayesian_regularisation_of_targets_that_say_nothing_leaves_nothing() -> None:
    """With t = 0 no parameter is determined: γ and α fell to 0, and ln α was a math domain error."""
    net = mlp.Network([mlp.Dense(1, 2), mlp.Tanh(), mlp.Dense(2, 1)], rng=0)
    net.params = np.zeros_like(net.params)
    X, rule = np.linspace(-1, 1, 9)[:, None], mlp.BayesianRegularization()
    with np.errstate(all="ignore"):
        steps = [step.loss for step in mlp.train(net, mlp.batches(X, 0 * X, None, epochs=5), mlp.SquaredError(), rule)]
    assert steps == [0] * 5


@pytest.mark.parametrize("rule", [mlp.GaussNewton(), mlp.optimizers.Dogleg(), mlp.BayesianRegularization()])
@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_least_squares_of_what_is_no_number_stay_where_they_are(rule: Any, broken: float) -> None:
    """LAPACK refuses NaN with LinAlgError: a run whose loss is none shall end as one that diverged, not in a trace."""
    net = mlp.Network([mlp.Dense(1, 2), mlp.Tanh(), mlp.Dense(2, 1)], rng=0)
    before, X = net.params.copy(), np.linspace(-1, 1, 9)[:, None]
    batch = mlp.as_batch(X, X)
    batch.target[0, 4] = broken
    with np.errstate(all="ignore"):
        for _ in mlp.train(net, [batch] * 3, mlp.SquaredError(), rule):
            pass
    np.testing.assert_array_equal(net.params, before)


@pytest.mark.parametrize("size", [1e12, 1e15])
def test_kfac_ends_in_no_error_where_its_damping_is_lost_beside_large_inputs(size: float) -> None:
    """[x; 1] of inputs of 1e15 makes an A that is singular with λ = 1 on its diagonal: LinAlgError."""
    rng = np.random.default_rng(0)
    X, t = size * rng.standard_normal((30, 3)), rng.standard_normal((30, 1))
    net = mlp.Network([mlp.Dense(3, 5), mlp.Tanh(), mlp.Dense(5, 1)], rng=0)
    found, _ = losses_of(mlp.KFAC(), net, mlp.as_batch(X, t), 20)
    assert found[-1] <= found[0]
