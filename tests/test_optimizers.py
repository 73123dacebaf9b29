"""Rules: they minimise, they only read, they repeat themselves exactly. No network in sight."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pytest
from cases import BY_NETWORK, RESTLESS, SEARCHING, Quadratic, arrays_in, known
from cases import RULES as GRADIENT_RULES

import mlp
from mlp import optimizers

RULES = GRADIENT_RULES | SEARCHING
RULES = GRADIENT_RULES | SEARCHING
EVERY = pytest.mark.parametrize("name", RULES)

CURVATURE = np.array([1.0, 3.0, 10.0])
MINIMUM = np.array([1.0, -2.0, 0.5])


def quadratic(params: np.ndarray, out: np.ndarray) -> Any:
    """½ Σ c (θ - θ*)²."""
    out[...] = CURVATURE * (params - MINIMUM)
    return 0.5 * (CURVATURE * (params - MINIMUM) ** 2).sum(-1)


def rosenbrock(params: np.ndarray, out: np.ndarray) -> Any:
    """(1 - x)² + 100 (y - x²)²: a bent valley with its minimum at (1, 1)."""
    x, y = params
    out[...] = [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def told(params: np.ndarray, grad: np.ndarray) -> mlp.Evaluation:
    """What is known at `params` where the gradient is `grad`: a round bowl with its minimum at params - grad."""
    bowl = Quadratic(1.0, params - grad, params)
    return mlp.Evaluation(params, bowl.value(params), grad, bowl)


class Elsewhere:
    """A function at other parameters."""

    def __init__(self, function: Any) -> None:
        self.value_and_grad = function

    def value(self, params: np.ndarray) -> Any:
        return self.value_and_grad(params, np.empty_like(params))


def minimised(rule: mlp.Optimizer, function: Any, start: Any, steps: int) -> tuple[np.ndarray, Any, list[np.ndarray]]:
    """Parameters after `steps` updates, the state, and every update."""
    params = np.array(start, float)
    state, grad, out, updates = rule.init(params), np.empty_like(params), np.empty_like(params), []
    objective: Any = Quadratic(CURVATURE, MINIMUM, params) if function is quadratic else Elsewhere(function)
    for _ in range(steps):
        loss = function(params, grad)
        rule.update(mlp.Evaluation(params, loss, grad, objective), state, out)
        params += out
        updates.append(out.copy())
    return params, state, updates


@EVERY
def test_a_quadratic_is_minimised(name: str) -> None:
    params, _, _ = minimised(RULES[name], quadratic, np.zeros(3), 2000)
    np.testing.assert_allclose(params, MINIMUM, atol=1e-3)  # a thousandth of the way there


@pytest.mark.parametrize(
    "rule",
    [
        mlp.SGD(1e-3),
        mlp.Momentum(2e-4),
        mlp.Nesterov(2e-4),
        mlp.Adagrad(0.5),
        mlp.RMSprop(mlp.Exponential(0.01, 3000)),
        mlp.Adam(0.02),
        mlp.AdamW(0.02, weight_decay=0.0),
        mlp.ClipNorm(mlp.Momentum(2e-4), 100.0),
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_rosenbrock_is_minimised(rule: mlp.Optimizer) -> None:
    params, _, _ = minimised(rule, rosenbrock, [-1.2, 1.0], 20_000)
    np.testing.assert_allclose(params, [1, 1], atol=2e-2)  # from 2.2 away, along the whole valley


@EVERY
def test_a_rule_only_reads_what_is_known(name: str) -> None:
    params, grad, out = np.arange(3.0), np.array([1.0, -2.0, 30.0]), np.empty(3)
    state = RULES[name].init(params)
    before = params.copy(), grad.copy()
    for _ in range(5):
        RULES[name].update(told(params, grad), state, out)
    assert (params == before[0]).all()
    assert (grad == before[1]).all()


@EVERY
def test_no_memory_is_that_of_parameters_gradient_or_step(name: str) -> None:
    params, grad, out = np.arange(3.0), np.ones(3), np.empty(3)
    state = RULES[name].init(params)
    RULES[name].update(told(params, grad), state, out)
    kept = arrays_in(state)
    assert not any(np.shares_memory(a, b) for a in kept for b in (params, grad, out))


@EVERY
def test_two_runs_of_one_rule_do_not_meet(name: str) -> None:
    """Interleaved with another run, a run takes the very steps it takes alone."""
    rule, alone = RULES[name], minimised(RULES[name], quadratic, np.zeros(3), 30)[2]
    params, other = np.zeros(3), np.full(3, 9.0)
    states, grad, out = [rule.init(params), rule.init(other)], np.empty(3), np.empty(3)
    for expected in alone:
        for p, state in zip((params, other), states, strict=True):
            bowl = Quadratic(CURVATURE, MINIMUM, p)
            rule.update(mlp.Evaluation(p, quadratic(p, grad), grad, bowl), state, out)
            p += out
            if p is params:
                assert (out == expected).all()


@EVERY
def test_two_equal_runs_are_equal_bit_for_bit(name: str) -> None:
    a, b = (minimised(RULES[name], quadratic, np.zeros(3), 50)[0] for _ in range(2))
    assert (a == b).all()


@EVERY
def test_a_state_copied_goes_on_where_it_was(name: str) -> None:
    rule = RULES[name]
    params, state, _ = minimised(rule, quadratic, np.zeros(3), 20)
    twin, grad, out, out_twin = deepcopy(state), np.empty(3), np.empty(3), np.empty(3)
    loss = quadratic(params, grad)
    at = mlp.Evaluation(params, loss, grad, Quadratic(CURVATURE, MINIMUM, params))
    rule.update(at, state, out)
    rule.update(at, twin, out_twin)
    assert (out == out_twin).all()


@EVERY
def test_the_whole_step_is_written(name: str) -> None:
    params, out = np.zeros(3), np.full(3, np.nan)
    RULES[name].update(told(params, np.ones(3)), RULES[name].init(params), out)
    assert np.isfinite(out).all()


@pytest.mark.parametrize("name", sorted(set(RULES) - RESTLESS))
def test_a_gradient_of_zero_at_the_start_moves_nothing(name: str) -> None:
    params, out = np.zeros(3), np.full(3, np.nan)
    RULES[name].update(told(params, np.zeros(3)), RULES[name].init(params), out)
    assert not out.any()


@EVERY
def test_the_first_step_goes_downhill(name: str) -> None:
    """SOAP and ADOPT only look at the first gradient: their first step is the second update."""
    _, _, updates = minimised(RULES[name], quadratic, np.zeros(3), 2)
    grad = np.empty(3)
    quadratic(np.zeros(3), grad)
    assert next(update for update in updates if update.any()) @ grad < 0


@EVERY
@pytest.mark.parametrize("rate", [None, np.float64(0.01), np.full((2, 1), 0.01)], ids=["own", "scalar", "array"])
def test_float32_stays_float32(name: str, rate: Any) -> None:
    rule = RULES[name]
    if rate is not None and name not in SEARCHING:
        rule = with_rate(rule, rate)
    params = np.zeros(3 if name in SEARCHING else (2, 3), np.float32)
    state, out = rule.init(params), np.empty_like(params)
    for _ in range(5):
        rule.update(told(params, np.ones_like(params)), state, out)
        params += out
    vectors = [a for a in arrays_in(state) if a.shape == params.shape]
    assert {a.dtype for a in [params, out, *vectors]} == {np.dtype(np.float32)}


def with_rate(rule: Any, rate: Any) -> mlp.Optimizer:
    """The rule, or the one it is wrapped around, at another learning rate."""
    values = {f.name: getattr(rule, f.name) for f in fields(rule)}
    if "rule" in values:
        return type(rule)(**values | {"rule": with_rate(rule.rule, rate)})  # type: ignore[no-any-return]
    return type(rule)(**values | {"learning_rate": rate})  # type: ignore[no-any-return]


@EVERY
def test_the_state_counts_its_updates_and_knows_its_rate(name: str) -> None:
    _, state, _ = minimised(RULES[name], quadratic, np.zeros(3), 7)
    assert state.t == 7
    assert name in SEARCHING or 0 < state.learning_rate <= 1


@EVERY
def test_a_rule_is_frozen_and_its_repr_is_the_experiment(name: str) -> None:
    from mlp import schedules

    rule = RULES[name]
    assert eval(repr(rule), vars(optimizers) | vars(schedules)) == rule
    with pytest.raises(FrozenInstanceError):
        rule.learning_rate = 1.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(set(optimizers.OPTIMIZERS) - BY_NETWORK))
def test_every_rule_begins_with_its_learning_rate_has_a_default_and_a_row(name: str) -> None:
    kind = optimizers.OPTIMIZERS[name]
    assert name in SEARCHING or fields(kind)[0].name == "learning_rate"  # type: ignore[arg-type]
    assert kind() == kind()
    assert type(RULES[name]) is kind


# each rule by worked numbers; gradients 1 and then 2 unless said otherwise


def steps_of(rule: mlp.Optimizer, gradients: list[float], start: float = 0.0) -> list[float]:
    params, out, found = np.array([start]), np.empty(1), []
    state = rule.init(params)
    for g in gradients:
        rule.update(known(params, 1.0, np.array([g])), state, out)
        params += out
        found.append(float(out[0]))
    return found


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (mlp.SGD(0.5), [-0.5, -1.0]),
        (mlp.Momentum(0.5, 0.5), [-0.5, -1.25]),  # ½·(-0.5) - 1
        (mlp.Nesterov(0.5, 0.5), [-0.75, -1.625]),  # ½·(-0.5) - 0.5, ½·(-1.25) - 1
        (mlp.Adagrad(0.5, 1e-300), [-0.5, -1 / np.sqrt(5)]),  # 1/√1, 2/√(1 + 4)
        (mlp.RMSprop(0.5, 0.75, 1e-300), [-1.0, -1 / np.sqrt(0.1875 + 1)]),  # 1/√¼, 2/√(¾·¼ + ¼·4)
        # m̂ = 1, v̂ = 1; then m̂ = (¼ + 1)/(1 - ¼), v̂ = (¾·¼ + ¼·4)/(1 - 9/16)
        (mlp.Adam(0.5, 0.5, 0.75, 1e-300), [-0.5, -0.5 * (1.25 / 0.75) / np.sqrt(1.1875 / 0.4375)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_two_steps_by_worked_numbers(rule: mlp.Optimizer, expected: list[float]) -> None:
    np.testing.assert_allclose(steps_of(rule, [1.0, 2.0]), expected, rtol=1e-15)  # a handful of roundings


def test_adamw_decays_what_adam_would_leave() -> None:
    """No gradient, θ = 2: -η λ θ = -0.1 · 0.5 · 2."""
    assert steps_of(mlp.AdamW(0.1, weight_decay=0.5), [0.0], start=2.0) == [-0.1]


def test_adam_epsilon_stands_after_the_bias_correction() -> None:
    """m̂ = g, √v̂ = |g| at the first step: -η g/(|g| + ε), here -1/(1 + 1); ε̂ before it would give -1/(1 + 1/√(1-β₂))."""
    assert steps_of(mlp.Adam(1.0, epsilon=1.0), [1.0]) == pytest.approx([-0.5], rel=1e-12)  # 1 - 0.999 rounds


def test_a_steady_gradient_drives_momentum_to_its_final_speed() -> None:
    assert steps_of(mlp.Momentum(0.1, 0.9), [1.0] * 500)[-1] == pytest.approx(-1.0, rel=1e-12)  # 0.9^500 = 1e-23


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_adam_step_is_bounded_by_its_learning_rate_whatever_the_gradient(scale: float) -> None:
    gradients = scale * np.random.default_rng(0).standard_normal(300)
    # (1 - β₁)/√(1 - β₂) = 3.2 is the paper's bound; for gradients that are not sparse it is about 1
    assert np.abs(steps_of(mlp.Adam(0.01), list(gradients))).max() <= 0.01 * 1.05


@pytest.mark.parametrize("kind", [mlp.Adagrad, mlp.RMSprop, mlp.Adam])
def test_an_adaptive_step_does_not_depend_on_the_scale_of_the_loss(kind: Any) -> None:
    gradients = np.random.default_rng(0).standard_normal(50)
    a, b = (steps_of(kind(0.01), list(scale * gradients)) for scale in (1.0, 1e4))
    np.testing.assert_allclose(a, b, rtol=1e-4)  # ε = 1e-8 beside gradients that may be as small as 1e-3


def test_decay_hyperparameters_may_be_zero() -> None:
    assert steps_of(mlp.Momentum(0.5, 0.0), [1.0, 2.0]) == [-0.5, -1.0]
    np.testing.assert_allclose(steps_of(mlp.Adam(0.5, 0.0, 0.0), [1.0, -2.0]), [-0.5, 0.5], rtol=1e-7)  # ε


# wrappers


def test_clip_norm_by_worked_numbers() -> None:
    """(3, 4) has norm 5: at 1 it becomes (0.6, 0.8), at 10 it stays."""
    g, params, out = np.array([3.0, 4.0]), np.zeros(2), np.empty(2)
    for limit, expected in ((1.0, [-0.6, -0.8]), (10.0, [-3, -4])):
        rule = mlp.ClipNorm(mlp.SGD(1.0), limit)
        rule.update(known(params, 1.0, g), rule.init(params), out)
        np.testing.assert_allclose(out, expected, rtol=1e-15)  # one rounding


def test_clip_value_by_worked_numbers() -> None:
    rule, out = mlp.ClipValue(mlp.SGD(1.0), 0.5), np.empty(3)
    rule.update(known(np.zeros(3), 1.0, np.array([3.0, -4.0, 0.25])), rule.init(np.zeros(3)), out)
    assert out.tolist() == [-0.5, 0.5, -0.25]


# others refuse to be clipped
FOLLOWING = {name for name, kind in optimizers.OPTIMIZERS.items() if not kind.single_network}


@pytest.mark.parametrize("wrap", [lambda r: mlp.ClipNorm(r, 1e9), lambda r: mlp.ClipValue(r, 1e9)])
@pytest.mark.parametrize("name", sorted(FOLLOWING - BY_NETWORK))
def test_clipping_that_never_clips_changes_no_bit(name: str, wrap: Any) -> None:
    a = minimised(RULES[name], quadratic, np.zeros(3), 50)[0]
    b = minimised(wrap(RULES[name]), quadratic, np.zeros(3), 50)[0]
    assert (a == b).all()


def test_clip_norm_of_no_gradient_is_no_gradient() -> None:
    assert steps_of(mlp.ClipNorm(mlp.SGD(1.0), 1.0), [0.0]) == [0.0]


@pytest.mark.parametrize("name", RULES)
def test_frozen_parameters_stay_bit_for_bit(name: str) -> None:
    start = np.array([0.1, 0.2, 0.3])
    params, _, _ = minimised(mlp.Frozen(RULES[name], (slice(0, 1), slice(2, 3))), quadratic, start, 100)
    assert (params[[0, 2]] == start[[0, 2]]).all()
    assert params[1] != start[1]


def test_gradient_noise_has_the_deviation_that_its_formula_says() -> None:
    """Neelakantan et al. (2015), eq. 2: σ² / (1 + t)^γ."""
    n = 20_000
    params, grad, out = np.zeros(n), np.full(n, 3.0), np.empty(n)
    rule = mlp.GradientNoise(mlp.SGD(1.0), 0.5, 1.2)
    state = rule.init(params)
    for t in range(4):
        rule.update(mlp.Evaluation(params, 0.0, grad, None), state, out)
        noise = -out - grad
        assert noise.std() == pytest.approx(0.5 / (1 + t) ** 0.6, rel=0.03) and abs(noise.mean()) < 0.02
    assert (grad == 3).all()


def test_wrappers_wrap_wrappers() -> None:
    rule = mlp.Frozen(mlp.ClipNorm(mlp.ClipValue(mlp.Adam(0.1), 1.0), 1.0), (slice(0, 1),))
    params, state, _ = minimised(rule, quadratic, np.zeros(3), 100)
    assert params[0] == 0
    assert state.t == 100
    assert state.learning_rate == 0.1
