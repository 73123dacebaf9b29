"""The classical full-batch rules: against pseudo-code, the invariants of their papers, SciPy and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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
    step, tried = -(1 - momentum) * rate * grad, []
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
