"""A population gives what a loop over its members gives."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from cases import (
    LAYERS,
    LOSSES,
    POPULATIONS,
    RULES,
    batch_for,
    first,
    inside,
    known,
    member,
    noise_of,
    passed,
    target,
)  # fmt: skip

import mlp
from mlp.training import Step

CLOSE: dict[str, Any] = {
    "rtol": 1e-10,
    "atol": 1e-13,
}  # one large product sums in another order than many small ones
POPULATION = pytest.mark.parametrize("population", POPULATIONS, ids=str)


@POPULATION
@pytest.mark.parametrize("place", [inside, first])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_gives_what_its_members_give(name: str, place: Any, population: tuple[int, ...]) -> None:
    many = place(LAYERS[name], population=population)
    batch = batch_for(many)
    before = many.statistics.copy()
    values, everything = passed(many, mlp.SquaredError(), batch)
    for index in np.ndindex(*population):
        one = member(many, index)
        one.statistics[...] = before[index]
        workspace = mlp.Workspace(one, 7, input_gradient=True)
        workspace.scratch = [noise_of(*pair, index) for pair in zip(everything.scratch, workspace.scratch, strict=True)]
        value = mlp.value_and_grad(one, mlp.SquaredError(), batch, workspace)
        np.testing.assert_allclose(values[index], value, **CLOSE)
        np.testing.assert_allclose(everything.grad[index], workspace.grad, **CLOSE)
        np.testing.assert_allclose(many.statistics[index], one.statistics, **CLOSE)
        for theirs, mine in zip(everything.nodes[1:], workspace.nodes[1:], strict=True):
            np.testing.assert_allclose(theirs.values[index], mine.values, **CLOSE)
        for d_theirs, d_mine in zip(everything.d_nodes, workspace.d_nodes, strict=True):
            np.testing.assert_allclose(d_theirs[index], d_mine, **CLOSE)


@POPULATION
@pytest.mark.parametrize("place", [inside, first])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_predicts_what_its_members_predict(name: str, place: Any, population: tuple[int, ...]) -> None:
    many = place(LAYERS[name], population=population)
    X = np.random.default_rng(0).standard_normal((5, many.n_in))
    found = mlp.predict(many, X)
    for index in np.ndindex(*population):
        np.testing.assert_allclose(found[index], mlp.predict(member(many, index), X), **CLOSE)


@POPULATION
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_gives_what_its_members_give(name: str, weighted: bool, population: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    loss, kind, n_out = LOSSES[name]
    output, t = rng.standard_normal((*population, n_out, 7)), target(kind, 7, n_out, rng).T
    weights = rng.random(7) if weighted else None
    d_output, links = np.empty_like(output), loss.predict(output)
    values, again = loss.value_and_grad(output, t, weights, d_output), loss.value(output, t, weights)
    assert np.shape(values) == population
    for index in np.ndindex(*population):
        d_one = np.empty_like(output[index])
        np.testing.assert_allclose(values[index], loss.value_and_grad(output[index], t, weights, d_one), **CLOSE)
        np.testing.assert_allclose(again[index], values[index], **CLOSE)
        np.testing.assert_allclose(d_output[index], d_one, **CLOSE)
        np.testing.assert_allclose(links[index], loss.predict(output[index]), **CLOSE)


def numbers_of(rule: Any) -> dict[str, float]:
    """The hyperparameters of a rule that are plain numbers, and may be half as large."""
    found = {f.name: v for f in fields(rule) if isinstance(v := getattr(rule, f.name), float)}
    return {name: v for name, v in found.items() if name not in ("increase", "max_rise")}


def stepped(rule: mlp.Optimizer, params: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Parameters after a step for each of `gradients` (steps, *params.shape)."""
    params, state, out = params.copy(), rule.init(params), np.empty_like(params)
    for g in gradients:
        rule.update(known(params, np.square(params).sum(-1), g.copy()), state, out)
        params += out
    return params


@POPULATION
@pytest.mark.parametrize("name", RULES)
def test_every_rule_moves_members_as_if_alone(name: str, population: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    params, gradients = rng.standard_normal((*population, 5)), rng.standard_normal((300, *population, 5))
    found = stepped(RULES[name], params, gradients)
    for index in np.ndindex(*population):
        one = stepped(RULES[name], params[index], gradients[(slice(None), *index)])
        np.testing.assert_allclose(found[index], one, **CLOSE)


@pytest.mark.parametrize("name", RULES)
def test_every_number_of_a_rule_may_be_one_for_each_member(name: str) -> None:
    rng, rule = np.random.default_rng(0), RULES[name]
    params, gradients = rng.standard_normal((3, 5)), rng.standard_normal((20, 3, 5))
    factors = np.array([[1.0], [0.9], [0.5]])
    numbers = numbers_of(rule)
    found = stepped(replace(rule, **{k: v * factors for k, v in numbers.items()}), params, gradients)  # type: ignore[arg-type]
    for i in range(3):
        alone = replace(rule, **{k: v * factors[i, 0] for k, v in numbers.items()})  # type: ignore[arg-type]
        np.testing.assert_allclose(found[i], stepped(alone, params[i], gradients[:, i]), **CLOSE)


def test_clip_norm_measures_each_member_alone() -> None:
    """Gradients (3, 4) and (0.3, 0.4) at max_norm 1: the first is divided by 5, the second stays."""
    g = np.array([[3.0, 4.0], [0.3, 0.4]])
    moved = stepped(mlp.ClipNorm(mlp.SGD(1.0), 1.0), np.zeros((2, 2)), g[None])
    np.testing.assert_allclose(moved, [[-0.6, -0.8], [-0.3, -0.4]], rtol=1e-15)  # one rounding


def test_plateau_slows_the_member_that_stands_still_only() -> None:
    """Losses 1, 1, 1, ... and 1, ½, ¼, ...: windows of one update, patience 2, factor ½."""
    rule = mlp.SGD(mlp.ReduceOnPlateau(0.1, window=1, factor=0.5, patience=2))
    params, out = np.zeros((2, 1)), np.empty((2, 1))
    state = rule.init(params)
    for t in range(6):
        rule.update(mlp.Evaluation(params, np.array([1.0, 0.5**t]), np.ones((2, 1))), state, out)
    # the first window is the best; judged at t = 2 and 3, and again at 4 and 5
    np.testing.assert_allclose(state.learning_rate, [[0.025], [0.1]], rtol=1e-15)  # halved twice: one rounding


@pytest.mark.parametrize("name", ["dense_penalised", "batch_norm", "residual", "maxout", "rbf"])
def test_a_population_of_learning_rates_trains_as_each_would_alone(name: str) -> None:
    rates = np.array([[0.001], [0.01], [0.1]])
    many = inside(LAYERS[name], population=(3,))
    starts = [member(many, (i,)) for i in range(3)]
    rng = np.random.default_rng(0)
    X, t = rng.standard_normal((20, 5)), rng.integers(0, 3, 20)

    def run(net: mlp.Network, rate: Any) -> list[Step]:
        data = mlp.batches(X, t, 8, rng=3, epochs=10)
        return list(mlp.train(net, data, mlp.SoftmaxCrossEntropy(0.1), mlp.Adam(rate)))

    run(many, rates)
    for i, one in enumerate(starts):
        run(one, float(rates[i, 0]))
        # 30 steps; a rounding apart at the start and Adam divides by small roots
        np.testing.assert_allclose(many.params[i], one.params, rtol=1e-7, atol=1e-9)


@POPULATION
def test_members_begin_differently(population: tuple[int, ...]) -> None:
    net = inside(mlp.Tanh(), population=population)
    weights = net.views[0].reshape(-1, *net.views[0].shape[-2:])[..., :-1]
    assert len({w.tobytes() for w in weights}) == np.prod(population)
