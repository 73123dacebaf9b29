"""Rules against what other people's code computes: the same way through the same ill-conditioned problem.

How the reference was made stands in reference/make_optimizers.py, what it is in reference/problem.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import MATRICES, RULE_CASES, RULES
from reference.problem import SEEN, SIZE, STEPS, Problem

import mlp
from mlp import optimizers
from mlp.optimizers.matrices import orthogonalize

REFERENCE = dict(np.load(Path(__file__).parent / "reference" / "optimizers.npz"))
START = REFERENCE["start"]
WAYS = {name: row.on_way for name, row in RULE_CASES.items() if row.on_way} | {
    "ademamix_warm_up": mlp.AdEMAMix(0.01, 0.9, 0.99, 0.999, warm_up=50),
}
INVARIANTS = {name: row.invariant for name, row in RULE_CASES.items() if row.invariant}


def way(rule: mlp.Optimizer, *, hvp: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """The parameters, and the averages if there are any, after the updates that the file holds."""
    points, averages = [], []
    for t, (params, _, out, state) in enumerate(walk(rule, hvp=hvp), 1):
        if t in SEEN:
            points.append(params + out)
            averages.append(np.copy(getattr(state, "average", np.nan)))
    return np.array(points), np.array(averages)


def walk(rule: mlp.Optimizer, *, hvp: bool = True) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, Any]]:
    """Each point, its gradient, the step from there, and the rule's memory."""
    problem = Problem(REFERENCE["matrix"], REFERENCE["minimum"])
    objective: Any = problem if hvp else WithoutCurvature(problem)
    params, grad, out = START.copy(), np.empty(SIZE), np.empty(SIZE)
    state = rule.init(params)
    problem.at = params
    for _ in range(STEPS):
        loss = problem.value_and_grad(params, grad)
        rule.update(mlp.Evaluation(params, loss, grad, objective), state, out)
        yield params, grad, out, state
        params += out


class WithoutCurvature:
    """A problem that has no hvp."""

    def __init__(self, problem: Problem) -> None:
        self.value, self.value_and_grad = problem.value, problem.value_and_grad


@pytest.mark.parametrize("name", WAYS)
def test_a_rule_goes_the_way_of_its_reference(name: str) -> None:
    points, averages = way(WAYS[name])
    np.testing.assert_allclose(points, REFERENCE[name], rtol=1e-10, atol=1e-11)
    if f"{name}/average" in REFERENCE:
        np.testing.assert_allclose(averages, REFERENCE[f"{name}/average"], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", INVARIANTS)
def test_a_rule_keeps_its_invariant(name: str) -> None:
    way = [(params.copy(), grad.copy(), out.copy()) for params, grad, out, _ in walk(RULES[name])]
    points, grads, steps = map(np.array, zip(*way, strict=True))
    assert np.all(INVARIANTS[name](points, grads, steps))


def test_every_rule_has_a_reference_or_an_invariant() -> None:
    """A rule that is new says which in its row of `RULE_CASES`; rules of all rows at once stand in test_classical."""
    stochastic = {kind for kind in optimizers.OPTIMIZERS.values() if not kind.full_batch}
    assert {type(rule) for rule in WAYS.values()} | {type(RULES[name]) for name in INVARIANTS} >= stochastic
    others = {"matrix", "minimum", "start", "versions", "schedule"}
    assert set(WAYS) == {key.split("/")[0] for key in REFERENCE} - others


# what no reference says


@pytest.mark.parametrize("name", ["adahessian", "sophia"])
def test_curvature_from_two_gradients_is_that_of_the_objective(name: str) -> None:
    """A polynomial of degree 4: the difference leaves out h²·6d, about 1e-9, and rounding takes 1e-10."""
    np.testing.assert_allclose(way(WAYS[name], hvp=False)[0], REFERENCE[name], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [mlp.AdaHessian(), mlp.SophiaH(), mlp.SAM(mlp.SGD(0.1))], ids=repr)
def test_a_rule_that_asks_elsewhere_says_so_where_nobody_answers(kind: mlp.Optimizer) -> None:
    params, out = np.zeros(3), np.empty(3)
    with pytest.raises(mlp.HyperparameterError, match="objective = None"):
        kind.update(mlp.Evaluation(params, 1.0, np.ones(3)), kind.init(params), out)


@pytest.mark.parametrize("name", ["lars", "lamb", "muon", "shampoo", "soap"])
def test_a_rule_that_sees_blocks_moves_members_as_if_alone(name: str) -> None:
    rule, rng = WAYS[name], np.random.default_rng(0)
    start, gradients = rng.standard_normal((2, 3, SIZE)), rng.standard_normal((25, 2, 3, SIZE))

    def moved(params: np.ndarray, given: np.ndarray) -> np.ndarray:
        params, state, out = params.copy(), rule.init(params), np.empty_like(params)
        for g in given:
            rule.update(mlp.Evaluation(params, np.zeros(params.shape[:-1]), g), state, out)
            params += out
        return params

    many = moved(start, gradients)
    for index in np.ndindex(2, 3):
        one = moved(start[index], gradients[(slice(None), *index)])
        np.testing.assert_allclose(many[index], one, rtol=1e-9, atol=1e-11)  # products in another order


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_newton_schulz_brings_all_singular_values_near_1(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(0).standard_normal((2, *shape))
    found = np.linalg.svd(orthogonalize(matrix), compute_uv=False)
    assert found.min() > 0.6 and found.max() < 1.25
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    across = np.swapaxes(u, -1, -2) @ orthogonalize(matrix) @ np.swapaxes(v, -1, -2)
    np.testing.assert_allclose(across * (1 - np.eye(min(shape))), 0, atol=1e-12)  # in the same directions


def test_the_first_step_of_shampoo_is_orthogonal() -> None:
    """L^(-¼) G R^(-¼) of G = U S Vᵀ with ε → 0 is U S^(-½) S S^(-½) Vᵀ = U Vᵀ."""
    g = np.random.default_rng(0).standard_normal((3, 3))
    rule, params, out = mlp.Shampoo(1.0, 1e-12, matrices=((slice(0, 9), (3, 3)),)), np.zeros(9), np.empty(9)
    rule.update(mlp.Evaluation(params, 0.0, g.ravel()), rule.init(params), out)
    u, _, v = np.linalg.svd(g)
    np.testing.assert_allclose(out.reshape(3, 3), -u @ v, atol=1e-8)  # √ε


def test_sides_that_are_too_long_are_left_as_they_are() -> None:
    """With no side left Shampoo is gradient descent and SOAP is Adam, but for its idle first update and its ε."""
    start, g = np.zeros(12), np.random.default_rng(0).standard_normal((6, 12))
    long = {"largest": 2, "matrices": ((slice(0, 12), (3, 4)),)}

    def moved(rule: mlp.Optimizer, given: np.ndarray) -> np.ndarray:
        params, state, out = start.copy(), rule.init(start), np.empty(12)
        for one in given:
            rule.update(mlp.Evaluation(params, 0.0, one), state, out)
            params += out
        return params

    np.testing.assert_allclose(moved(mlp.Shampoo(0.1, **long), g), moved(mlp.SGD(0.1), g), rtol=1e-14)  # type: ignore[arg-type]
    soap = mlp.SOAP(0.1, epsilon=1e-300, **long)  # type: ignore[arg-type]
    np.testing.assert_allclose(moved(soap, g), moved(mlp.Adam(0.1, 0.95, 0.95, 1e-300), g[1:]), rtol=1e-12)


def test_lars_steps_are_a_share_of_the_weights_in_each_block() -> None:
    """Blocks of norm 5 and 13, a share of 0.1: steps of 0.5 and 1.3, whatever the gradient; outside, η g."""
    params, g, out = np.array([3.0, 4, 5, 12, 1]), np.array([0.1, 0, 0, 700, 2.0]), np.empty(5)
    rule = mlp.LARS(1.0, trust=0.1, slices=(slice(0, 2), slice(2, 4)))
    rule.update(mlp.Evaluation(params, 0.0, g), rule.init(params), out)
    np.testing.assert_allclose(out, [-0.5, 0, 0, -1.3, -2], rtol=1e-15)


def test_polyak_reaches_the_minimum_of_a_cone_at_once() -> None:
    """L = |θ|: the linear model is right, and the step goes all the way. A loss below the lowest stops it."""
    params, out = np.array([-3.0]), np.empty(1)
    for lowest, expected in ((0.0, 3.0), (1.0, 2.0), (4.0, 0.0)):
        rule = mlp.PolyakStep(10.0, lowest)
        rule.update(mlp.Evaluation(params, 3.0, np.array([-1.0])), rule.init(params), out)
        assert out[0] == expected


def test_averages_are_means_of_the_places_they_name() -> None:
    gradients = np.random.default_rng(0).standard_normal((6, 2))
    states, places = {}, []
    rules = {
        "all": mlp.AveragedSGD(0.1),
        "late": mlp.AveragedSGD(0.1, 2),
        "fading": mlp.MovingAverage(mlp.SGD(0.1), 0.5),
    }
    for name, rule in rules.items():
        params, out, places = np.zeros(2), np.empty(2), []
        states[name] = rule.init(params)
        for g in gradients:
            rule.update(mlp.Evaluation(params, 0.0, g), states[name], out)
            params += out
            places.append(params.copy())
    np.testing.assert_allclose(states["all"].average, np.mean(places, 0), rtol=1e-13)
    np.testing.assert_allclose(states["late"].average, np.mean(places[2:], 0), rtol=1e-13)
    weights = 0.5 ** np.array([5, 5, 4, 3, 2, 1])
    np.testing.assert_allclose(states["fading"].average, weights @ places, rtol=1e-13)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mlp.Muon(matrices=((slice(0, 6), 6),)), "matrices"),  # type: ignore[arg-type]
        (lambda: mlp.SOAP(matrices=3), "network.layout.matrices"),  # type: ignore[arg-type]
        (lambda: mlp.LAMB(slices=3), "network.layout.slices"),  # type: ignore[arg-type]
        (lambda: mlp.Shampoo(every=0), "every = 0"),
        (lambda: mlp.AggMo(momenta=()), "momenta"),
        (lambda: mlp.AggMo(momenta=(1.0,)), "momenta = 1.0"),
        (lambda: mlp.AdEMAMix(warm_up=-1), "warm_up = -1"),
        (lambda: mlp.AveragedSGD(start=-1), "start = -1"),
        (lambda: mlp.Lookahead(mlp.SGD(), every=0), "every = 0"),
        (lambda: mlp.SAM(mlp.SGD(), 0.0), "radius = 0.0"),
        (lambda: mlp.MovingAverage(3), "rule = 3"),  # type: ignore[arg-type]
        (lambda: mlp.SophiaH(seed=-1), "seed = -1"),
        (lambda: mlp.Lion(0.1, beta1=1.0), "beta1 = 1.0"),
        (lambda: mlp.MultiStep(0.1, 3), "at = 3"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(mlp.HyperparameterError, match=message):
        make()


def test_blocks_that_do_not_fit_the_parameters_are_refused() -> None:
    for rule in (mlp.Muon(matrices=((slice(0, 9), (3, 3)),)), mlp.SOAP(matrices=((slice(0, 4), (2, 3)),))):
        with pytest.raises(mlp.ShapeError, match="is no matrix of"):
            rule.init(np.zeros(6))
    with pytest.raises(mlp.ShapeError, match="holds none of the 6 parameters"):
        mlp.LARS(slices=(slice(6, 9),)).init(np.zeros(6))


def test_a_network_knows_its_matrices() -> None:
    """Weights inside residual blocks and centres too; biases, norms and single rows are no matrices."""
    inside = mlp.Residual([mlp.Dense(4, 4), mlp.BatchNorm()])
    net = mlp.Network([mlp.Dense(2, 4), inside, mlp.RBF(4, 3), mlp.Dense(3, 1)])
    assert net.layout.matrices == ((slice(0, 12), (4, 3)), (slice(12, 32), (4, 5)), (slice(40, 52), (3, 4)))
    for where, shape in net.layout.matrices:
        assert np.shares_memory(net.params[where].reshape(shape), net.params)


@pytest.mark.parametrize("rule", [mlp.Shampoo(matrices=MATRICES), mlp.SOAP(matrices=MATRICES)])
@pytest.mark.parametrize("population", [(), (2,)])
def test_a_member_that_diverged_has_nan_steps_and_the_others_their_own(rule: Any, population: tuple[int, ...]) -> None:
    """LAPACK refuses a stack of matrices if one of them holds ∞: the whole population ended in a LinAlgError."""
    params = np.ones((*population, 9))
    grad = np.random.default_rng(0).standard_normal(params.shape)
    healthy, steps = grad.copy(), {}
    for kind, g in (("healthy", healthy), ("broken", grad)):
        if kind == "broken":
            g[-1] = np.inf
        state, out = rule.init(params), np.empty_like(params)
        with np.errstate(all="ignore"):
            for _ in range(3):
                rule.update(mlp.optimizers.Evaluation(params, np.zeros(population), g), state, out)
        steps[kind] = out
    if population:
        np.testing.assert_array_equal(steps["broken"][0], steps["healthy"][0])
        assert np.isnan(steps["broken"][1]).all()
    else:
        assert np.isnan(steps["broken"]).any()
