"""Obstacles: their formulas, what is known of them beforehand, and the table of which rule gets past which."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from itertools import islice
from math import inf, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.curvature.point import KINDS
from mlp.diagnosis.glossary import kinds as known_kinds
from mlp.errors import DataError, UnknownNameError
from mlp.optimizer_bench import OptimizerComparison, parse_bench_settings, run_protocol
from mlp.optimizer_bench.bench_trial import train_members
from mlp.optimizer_bench.obstacle_table import count_decades, judge_obstacles
from mlp.optimizer_bench.protocol import Cell
from mlp.optimizer_bench.tables import write_tables
from mlp.optimizers import Evaluation, Optimizer
from mlp.problems import OBSTACLES, problem_named
from mlp.problems.obstacle import FINDINGS, LeastSquaresObjective, VectorDescent, classify_vector
from mlp.problems.vector_obstacles import ravine_formula, saddle_formula
from mlp.sweep import ProcessPool

VECTORS = [name for name, row in OBSTACLES.items() if row.sort == "vector"]
RATES = [float(rate) for rate in np.geomspace(1e-3, 10, 9)]


def runs(name: str, rule: Optimizer, seeds: int = 5, rates: Any = (None,)) -> list[dict[str, Any]]:
    """What is known of each start, for each rate; a rule that searches is run one start at a time."""
    pairs = [(rate, seed) for rate in rates for seed in range(seeds)]
    if rule.single_network:
        return [train_members(problem_named(name), rule, [r], [s], 0)[0] for r, s in pairs]
    return train_members(problem_named(name), rule, [r for r, _ in pairs], [s for _, s in pairs], 0)


def gradients(name: str, rule: Optimizer, seeds: int = 5) -> list[float]:
    """What each start needed; infinite where it never got past."""
    return [inf if run["reached"] is None else run["reached"]["gradients"] for run in runs(name, rule, seeds)]


def places(found: list[dict[str, Any]]) -> set[str]:
    return {run["place"]["finding"] for run in found if "place" in run}


# formulas


@pytest.mark.parametrize("name", VECTORS)
def test_the_gradient_of_an_obstacle_is_that_of_its_value(name: str) -> None:
    descent = OBSTACLES[name].begin([3, 4], 0, False)
    assert isinstance(descent, VectorDescent)
    params, grad, h = descent.params, np.empty_like(descent.params), 1e-6
    descent.whole.value_and_grad(params, grad)
    for i in range(params.shape[-1]):
        apart = h * np.eye(params.shape[-1])[i]
        slope = (descent.whole.value(params + apart) - descent.whole.value(params - apart)) / (2 * h)
        np.testing.assert_allclose(grad[:, i], slope, rtol=1e-5, atol=1e-5)  # h² and 1e-16 · loss / h


@pytest.mark.parametrize("name", ["ravine", "turned_ravine", "stiff_spiral"])
def test_residuals_are_those_of_the_loss(name: str) -> None:
    """L = ½ ‖r‖², ∇L = Jᵀ r, and on the ravine, which is linear, H v = Jᵀ J v."""
    descent = OBSTACLES[name].begin(3, 0, False)
    assert isinstance(descent, VectorDescent)
    objective, params = descent.whole, descent.params
    assert isinstance(objective, LeastSquaresObjective)
    objective.params = params
    grad, jacobian = np.empty_like(params), np.empty((objective.n_residuals, len(params)))
    loss, r = objective.value_and_grad(params, grad), objective.jacobian(jacobian)
    np.testing.assert_allclose([0.5 * r @ r, *(jacobian.T @ r)], [loss, *grad], rtol=1e-9)
    if name != "stiff_spiral":
        v, hv = np.ones_like(params), np.empty_like(params)
        objective.hvp(v, hv)
        np.testing.assert_allclose(hv, jacobian.T @ jacobian @ v, rtol=1e-8)  # differences are exact for quadratics


def test_ravines_have_the_condition_of_their_dial() -> None:
    for name in ("ravine-50", "turned_ravine-50"):
        descent = problem_named(name).begin(0, 0, False)
        assert isinstance(descent, VectorDescent)
        hessian = np.zeros((10, 10))
        for row, axis in zip(hessian, np.eye(10), strict=True):
            descent.whole.hvp(axis, row)
        values = np.linalg.eigvalsh(hessian)
        assert values[-1] / values[0] == pytest.approx(50)


@pytest.mark.parametrize("name", OBSTACLES)
def test_a_row_says_what_it_is_and_nobody_begins_past_it(name: str) -> None:
    row = OBSTACLES[name]
    assert all((row.description, row.source, row.dial, row.past, row.answer))
    assert f"{name}-{row.hardness:g}" != row.name == name
    assert problem_named(f"{name}-{row.hardness:g}").name == name  # the usual setting is the row itself
    descent = row.begin([0, 1, 2], 0, False)
    assert not row.target.met(descent.measure(descent.params)).any()


def test_there_are_the_obstacles_of_the_suite() -> None:
    assert len(OBSTACLES) >= 18


def test_a_dial_that_is_no_number_names_what_there_is() -> None:
    for name in ("ravine-1e", "ravine-1-1", "gorge-10"):
        with pytest.raises(UnknownNameError, match="no problem"):
            problem_named(name)


@pytest.mark.parametrize("name", OBSTACLES)
def test_a_member_meets_what_it_meets_alone(name: str) -> None:
    """Also the noise: each member draws its own, so company does not change it. To the bit on vectors."""
    row, rule = replace(OBSTACLES[name], epochs=20), mlp.Momentum(1e-6)
    for i, member in enumerate(train_members(row, rule, [None] * 3, [5, 6, 7], 0, False)):
        alone = train_members(row, rule, [None], [5 + i], 0, False)[0]["final"]
        tolerance = 0.0 if name in VECTORS and name != "turned_ravine" else 1e-6  # products of other shapes round apart
        assert member["final"]["train_loss"] == pytest.approx(alone["train_loss"], rel=tolerance, abs=0)


# what is known beforehand


@pytest.mark.parametrize("rule", [mlp.SGD(), mlp.Momentum(), mlp.Adam(), mlp.Rprop(), mlp.LBFGS()], ids=repr)
def test_no_rule_that_reads_gradients_leaves_a_saddle_from_its_ridge(rule: Optimizer) -> None:
    """∂L/∂θₙ = θₙ (θₙ² - 1) is 0 at θₙ = 0, so every rule that adds up gradients stays at 0 in this component."""
    found = runs("blind_saddle", rule, 3, (None,) if rule.single_network else RATES)
    assert all(run["reached"] is None for run in found)
    assert "saddle_point" in places(found)


@dataclass(frozen=True)
class Noisy(Optimizer):
    """Gradient descent with noise of its own."""

    learning_rate: float = 0.1

    def update(self, at: Evaluation, state: Any, out: np.ndarray) -> None:
        rng = np.random.default_rng(state.t)
        np.multiply(at.grad + 0.01 * rng.standard_normal(at.grad.shape), -state.pace.next(at.loss), out=out)


def test_noise_leaves_a_saddle_from_its_ridge() -> None:
    """The component then begins as a random walk, and grows by 1 + η in each step."""
    assert np.isfinite(gradients("blind_saddle", Noisy())).all()


def test_gradient_descent_never_leaves_the_symmetry_saddle() -> None:
    """Equal units get equal gradients, so they stay one unit; one unit of tanh cannot fit the rows."""
    found = runs("symmetry_saddle", mlp.SGD(0.1))
    assert all(run["reached"] is None for run in found)
    assert "saddle_point" in places(found)
    descent = OBSTACLES["symmetry_saddle"].begin(0, 0, False)
    for _ in islice(descent.steps(mlp.SGD(0.1)), 300):
        pass
    hidden = descent.params[:60].reshape(12, 5)  # 4-12-1: a row for each unit
    np.testing.assert_allclose(hidden, hidden[:1].repeat(12, 0), rtol=1e-9)  # rounding grows, but stays rounding


def test_gradient_descent_leaves_a_saddle_in_the_logarithm_of_its_distance() -> None:
    """Near θₙ = 0 a step multiplies θₙ by 1 + η: each digit costs ln 10 / ln(1 + η) steps, and no more."""
    rate = 0.1
    near, far = (np.array(gradients(f"saddle-{digits}", mlp.SGD(rate))) for digits in (9, 3))
    np.testing.assert_allclose(near - far, 6 * log(10) / log(1 + rate), atol=1.01)  # whole steps at both ends


def test_steps_of_one_length_leave_a_saddle_however_faint_the_way_out_is() -> None:
    """The first step of sign descent is η, whatever the gradient. Past it is θₙ² = 1 - √0.04: 0.89/η steps."""
    counts = [gradients(f"saddle-{digits}", mlp.SignSGD(0.01)) for digits in (3, 6, 12)]
    assert counts[0] == counts[1] == counts[2]
    assert min(counts[0]) == pytest.approx(90, abs=1)  # the other components may need longer


def test_newton_like_rules_do_not_care_for_the_condition_of_a_turned_ravine() -> None:
    """On a quadratic one Newton step is the solution; CG finds it in as many products as there are dimensions, 10."""
    for rule in (mlp.LevenbergMarquardt(), mlp.GaussNewton(), mlp.NewtonCG()):
        counts = [gradients(f"turned_ravine-{condition}", rule, 2) for condition in ("10", "1e3", "1e5")]
        assert np.max(counts) <= 100, rule  # gradient descent needs more than 1,000 already at 1e3


def test_gradient_descent_needs_steps_in_proportion_to_the_condition() -> None:
    """With η = 2/(L + μ) a step shrinks the error by (κ - 1)/(κ + 1): the steps for one factor grow as κ / 2."""
    steps = [contraction(mlp.SGD(2 / (10 + 10 / k)), k) for k in (20.0, 40.0, 80.0)]
    np.testing.assert_allclose(steps, [(k - 1) / (k + 1) for k in (20, 40, 80)], rtol=1e-6)


def contraction(rule: Optimizer, condition: float, begin: int = 300, n: int = 300) -> float:
    """By how much ‖θ‖ shrinks in a step of a rule on the turned ravine, in the long run."""
    params = np.random.default_rng(0).standard_normal(10)
    state, grad, out, sizes = rule.init(params), np.empty(10), np.empty(10), []
    for _ in range(begin + n + 1):
        sizes.append(float(np.linalg.norm(params)))
        loss = ravine_formula(condition, True, params, grad)
        rule.update(Evaluation(params, loss, grad), state, out)
        params += out
    return float((sizes[begin + n] / sizes[begin]) ** (1 / n))


def test_the_best_rate_of_the_heavy_ball_is_polyaks() -> None:
    """η* = (2/(√L + √μ))² with momentum ((√κ - 1)/(√κ + 1))² contracts by (√κ - 1)/(√κ + 1), and no other rate better.

    Polyak (1964). At η* both ends of the spectrum have a double root, so ‖θ‖ is t ρᵗ: (600/300)^(1/300) is 1.0023.
    """
    condition, largest = 100.0, 10.0
    root = (sqrt(condition) - 1) / (sqrt(condition) + 1)
    best = (2 / (sqrt(largest) + sqrt(largest / condition))) ** 2
    assert 2 / largest < best < 4 / largest  # far above what gradient descent bears
    at_best, below, above = (contraction(mlp.Momentum(f * best, root**2), condition, 60, 60) for f in (1, 0.9, 1.02))
    assert at_best == pytest.approx(root, rel=0.02)
    assert below > at_best + 0.01 and above > at_best + 0.01


def test_rprop_fails_with_batches_of_one_row_and_not_with_all_rows() -> None:
    """It compares the signs of two gradients, and of two different rows they say nothing. Riedmiller (1994)."""
    small, whole = runs("small_batches", mlp.Rprop(), 5, [0.01, 0.1]), runs("small_batches-64", mlp.Rprop(), 5, [0.01])
    assert all(run["reached"] is None for run in small)
    assert all(run["reached"] for run in whole)
    assert all(np.isfinite(gradients("small_batches", mlp.SGD(0.05))))  # the rows can be learnt one by one


SIGN_RULES = [mlp.SignSGD(0.01), mlp.Signum(0.01), mlp.Lion(0.01), mlp.Rprop(), mlp.RpropMinus(), mlp.IRpropMinus()]


@pytest.mark.parametrize("rule", [*SIGN_RULES, mlp.SGD(0.01)], ids=lambda rule: type(rule).__name__)
def test_rules_of_signs_do_not_care_for_the_scale_of_the_loss(rule: Optimizer) -> None:
    """The sign of 1024 g is that of g: the same way to the bit. Gradient descent makes 1024 times the step."""
    ends = []
    for scale in (1.0, 1024.0):
        params = np.full(4, 0.3)
        state, grad, out = rule.init(params), np.empty(4), np.empty(4)
        for _ in range(5):
            loss = saddle_formula(params, grad)
            rule.update(Evaluation(params, scale * loss, scale * grad), state, out)
            params += out
        ends.append(params)
    assert (ends[0].tolist() == ends[1].tolist()) == (rule in SIGN_RULES)


def test_gradient_descent_settles_where_noise_and_curvature_balance() -> None:
    """θ ← (1 - η λ) θ - η ξ has variance η σ² / (λ (2 - η λ)), so L ends at Σ ½ η σ² / (2 - η λ); here σ = 5."""
    rate, curvatures = 0.05, np.geomspace(1, 10, 10)
    descent = OBSTACLES["gradient_noise"].begin(list(range(400)), 0, False)
    for _ in islice(descent.steps(mlp.SGD(rate)), 200):  # 0.95²⁰⁰ is 3e-5
        pass
    losses = descent.measure(descent.params)["train_loss"]
    expected = (0.5 * rate * 25 / (2 - rate * curvatures)).sum()
    assert losses.mean() == pytest.approx(expected, abs=4 * losses.std() / 20)  # four standard errors of 400 members


def test_clipping_survives_the_cliff_and_gradient_descent_does_not_at_any_rate() -> None:
    """The wall is 0.4 wide with a slope of 250: one step there throws by 250 η, and each step back makes 0.1 η.

    So it takes 2,500 steps back, at every rate that meets the wall. Of 0.1 η = 0.4 on it may jump over it, and above
    η = 2 the other component, of curvature 1, diverges.
    """
    assert all(run["reached"] is None for run in runs("cliff", mlp.SGD(), 5, RATES))
    assert all(np.isfinite(gradients("cliff", mlp.ClipNorm(mlp.SGD(0.5), 1.0))))


def test_gradient_descent_stays_in_a_narrow_minimum_below_two_over_its_curvature_and_leaves_above() -> None:
    """The well of width 1/20 has curvature 400 at its bottom: η = 2/400 is the border. Wu, Ma & E (2018)."""
    assert not np.isfinite(gradients("narrow_minimum", mlp.SGD(0.8 * 2 / 400))).any()
    assert np.isfinite(gradients("narrow_minimum", mlp.SGD(20 * 2 / 400))).all()


# where a member stands


def test_kinds_of_points_on_vectors_by_hand() -> None:
    def kind(at: list[float], largest: float = 1.0, noisy: bool = False, rate: Any = None) -> str:
        return classify_vector(saddle_formula, np.array(at), largest, noisy, rate)[0]

    assert kind([0.0, 0.0]) == "saddle"  # eigenvalues 1 and -1
    assert kind([0.0, 1.0]) == "local_minimum"  # eigenvalues 1 and 2, gradient 0
    assert kind([2.0, 1.0]) == "descending"
    assert kind([2.0, 1.0], noisy=True) == "noise_floor"
    assert kind([2.0, 1.0], rate=1.1) == "bouncing"  # 1.1 · 2 is above 2
    assert kind([np.nan, 1.0]) == "diverged"


def test_every_kind_of_point_has_a_finding() -> None:
    assert set(FINDINGS) == {*KINDS, "diverged"}
    assert set(FINDINGS.values()) <= set(known_kinds())


# the table


SETTINGS = {
    "optimizers": ["sgd", "rprop", "levenberg_marquardt"], "problems": ["saddle", "blind_saddle", "turned_ravine"],
    "seeds": 4, "tuning_seeds": 2, "rates": 3, "together": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def table() -> OptimizerComparison:
    found = OptimizerComparison()
    steps = list(run_protocol(parse_bench_settings({"bench": SETTINGS}), found.cells))
    assert steps[-1].done == steps[-1].total
    return found


def test_a_row_says_share_gradients_decades_and_findings(table: OptimizerComparison) -> None:
    rows = {(row.obstacle.name, row.rule): row for row in judge_obstacles(table.cells)}
    blind = rows["blind_saddle", "sgd"]
    assert (blind.past.value, blind.n, blind.gradients.value, blind.decades) == (0.0, 4, inf, 0.0)
    assert blind.findings == (("saddle_point", 4),) and blind.kinds == (("saddle", 4),)
    newton = rows["turned_ravine", "levenberg_marquardt"]
    assert newton.past.value == 1.0 and newton.gradients.value < 10 and not newton.findings
    assert newton.past.low == pytest.approx(1 / (1 + 1.959963984540054**2 / 4))  # Wilson at 4 of 4: n/(n + z²)
    assert "root_jacobian" in rows["saddle", "levenberg_marquardt"].error


@dataclass(frozen=True)
class Singular(Optimizer):
    """Its matrix cannot be factorised after the third step."""

    learning_rate: float = 0.1

    def update(self, at: Evaluation, state: Any, out: np.ndarray) -> None:
        np.multiply(at.grad, -state.pace.next(at.loss), out=out)
        np.linalg.cholesky(np.eye(2) * (3 - state.t))


def test_a_rule_whose_matrix_cannot_be_factorised_any_more_is_timed_until_then() -> None:
    """The error of NumPy ended the whole bench: members that diverge were taken care of, and the timing was not."""
    found = mlp.bench(Singular(), "saddle", seeds=2, tuning_seeds=2, rates=2)
    (row,) = found.obstacles()
    assert row.findings == (("divergence", 2),)
    assert 0 < found.rows()[0].seconds_per_update < 60


def test_decades_count_the_rates_at_which_half_of_the_starts_get_past() -> None:
    """Of 0.01, 0.1, 1 two do: one decade each."""
    cell = Cell(OBSTACLES["saddle"], "sgd", [0.01, 0.1, 1.0])
    passed = {0.01: [None, None], 0.1: [{"gradients": 9}, None], 1.0: [{"gradients": 5}, {"gradients": 7}]}
    cell.tuning = [{"rate": rate, "reached": one} for rate, both in passed.items() for one in both]
    assert count_decades(cell) == pytest.approx(2.0)
    for run in cell.tuning:
        run["final"] = {"train_loss": 0.0}
    assert cell.rate == 1.0  # most starts


def test_tables_of_obstacles_are_the_same_in_processes_and_after_going_on(
    table: OptimizerComparison, tmp_path: Path
) -> None:
    settings, folder = parse_bench_settings({"bench": SETTINGS}), tmp_path / "journal"
    write_tables(table.cells, tmp_path / "serial")
    first = OptimizerComparison()
    for step in run_protocol(settings, first.cells, None, folder):
        if step.done == 4:  # stopped in the middle
            break
    going_on = OptimizerComparison()
    with ProcessPool(2) as pool:
        assert sum(step.outcome.recalled for step in run_protocol(settings, going_on.cells, pool, folder)) == 4
    write_tables(going_on.cells, tmp_path / "gone_on")
    for name in ("obstacles.csv", "results.csv", "summary.csv", "sensitivity.csv"):
        assert (tmp_path / "gone_on" / name).read_bytes() == (tmp_path / "serial" / name).read_bytes()
    assert going_on.text() == table.text()


def test_a_place_that_somebody_has_edited_is_refused(tmp_path: Path) -> None:
    settings = parse_bench_settings({"bench": {**SETTINGS, "optimizers": ["sgd"], "problems": ["blind_saddle"]}})
    list(run_protocol(settings, {}, None, tmp_path))
    journal = tmp_path / "trials.jsonl"
    journal.write_text(journal.read_text().replace('"finding": "saddle_point"', '"finding": 3'))
    with pytest.raises(DataError, match=r"place.finding is 3, and .*text is needed"):
        list(run_protocol(settings, {}, None, tmp_path))


def test_the_command_shows_the_table_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = "bench --obstacles --problems blind_saddle --optimizers sgd --seeds 3 --jobs 1 -o"
    assert main([*command.split(), str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "blind_saddle: a strict saddle, begun on its ridge; past it: loss ≤ 0.01" in shown
    assert "saddle_point 3" in shown
    with (tmp_path / "out" / "obstacles.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["obstacle"], row["past"], row["findings"]) == ("blind_saddle", "0.0", "saddle_point:3")


def test_every_obstacle_has_its_row_in_the_manual() -> None:
    page = (Path(mlp.__file__).parent / "manual" / "obstacles.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+ \| `(\w+)` \| (\w+) \| ([\d.]+) \|", page, re.MULTILINE)
    assert [(name, dial, float(usual)) for name, dial, usual in rows] == [
        (name, row.dial, row.hardness) for name, row in OBSTACLES.items()
    ]
