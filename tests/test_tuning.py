"""Tuning: settings that are drawn from lists and ranges, and what a rule is worth after so many trials."""

from __future__ import annotations

from itertools import combinations_with_replacement, product
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.errors import ConfigError
from mlp.optimizer_bench import OptimizerComparison, parse_bench_settings, run_protocol
from mlp.optimizer_bench.bench_trial import train_members
from mlp.optimizer_bench.budgets import compute_budgets, format_budgets
from mlp.optimizer_bench.protocol import Cell
from mlp.optimizer_bench.setting import Length, apply_settings, group_settings
from mlp.optimizer_bench.tables import write_tables
from mlp.optimizer_bench.tuning import draw_settings, expected_best
from mlp.problems import OBSTACLES

BENCH = {
    "optimizers": ["adam", "sgd"], "problems": ["saddle"], "seeds": 3, "tuning_seeds": 2, "rates": 4,
    "search": "random",
}  # fmt: skip
TUNE = {"adam": {"beta2": {"low": 0.9, "high": 0.999, "log": "1 - x"}, "beta1": [0.0, 0.9]}}


def parse(tune: Any = TUNE, **changes: Any) -> Any:
    return parse_bench_settings({"bench": {**BENCH, **changes}, "tune": tune})


def test_expected_best_is_the_mean_over_all_draws() -> None:
    """All nᵏ ways to draw k of n settings, with repetition, counted out."""
    scores = [5.0, 1.0, 3.0, 2.0]
    for k, found in zip((1, 2, 3), expected_best(scores, [1, 2, 3]), strict=True):
        assert found == pytest.approx(np.mean([min(draw) for draw in product(scores, repeat=k)]))
    assert len(list(combinations_with_replacement(scores, 2))) < 4**2  # order counts


def test_a_budget_that_was_not_spent_is_not_known_and_failures_count() -> None:
    assert np.isnan(expected_best([1.0, 2.0], [3])).all()
    assert expected_best([1.0, inf], [1, 2]) == [inf, inf]  # a quarter of the pairs fails twice
    assert expected_best([inf, inf], [2]) == [inf]


def test_ranges_are_drawn_in_the_logarithm_and_of_1_minus_x_where_asked() -> None:
    space = {"a": {"low": 1e-4, "high": 1.0}, "b": TUNE["adam"]["beta2"], "c": {"low": -1, "high": 1}, "d": [1, 2]}
    drawn = draw_settings(space, 2000, np.random.default_rng(0))
    a, b, c, d = (np.array([setting[key] for setting in drawn]) for key in "abcd")
    assert np.median(np.log10(a)) == pytest.approx(-2, abs=0.1)  # the error of a median of 2000 of U(-4, 0) is 0.045
    assert np.median(np.log10(1 - b)) == pytest.approx(-2, abs=0.05)
    assert abs(c.mean()) < 0.06 and set(d) == {1, 2}
    assert b.min() >= 0.9 and b.max() <= 0.999


def test_a_rule_draws_its_settings_again_for_the_same_seed_and_others_for_another() -> None:
    assert parse().settings("adam") == parse().settings("adam") != parse(seed=1).settings("adam")
    assert all(setting.keys() == {"beta2", "beta1", "learning_rate"} for setting in parse().settings("adam"))
    own, *drawn = parse().settings("adam")
    assert own == {"beta2": 0.999, "beta1": 0.9, "learning_rate": 0.001} and len(drawn) == 4
    assert all(isinstance(rate, float) for rate in parse().settings("sgd"))


def test_a_grid_has_every_combination_and_the_learning_rates() -> None:
    settings = parse({"adam": {"beta1": [0.0, 0.9]}}, search="grid", rates=3).settings("adam")
    assert len(settings) == 6
    assert {setting["learning_rate"] for setting in settings} == {1e-5, 1e-3, 0.1}


@pytest.mark.parametrize(
    ("tune", "words"),
    [
        ({"adam": {"beta3": [1.0]}}, r"\[tune\.adam\].*beta3"),
        ({"adam": {"beta2": 0.9}}, "a list to choose from is needed"),
        ({"adam": {"beta2": []}}, "a list to choose from is needed"),
        ({"adam": {"beta2": {"low": 0.9}}}, "a low and a higher high"),
        ({"adam": {"beta2": {"low": 0.9, "high": 0.1}}}, "a low and a higher high"),
        ({"adam": {"beta2": {"low": 0.9, "high": 1.0, "log": "1 - x"}}}, "numbers below 1"),
        ({"adam": {"beta2": [1.5]}}, "beta2"),
        ({"adam": [1]}, "a table is needed"),
        ({"adaam": {"beta2": [0.9]}}, "no optimizer 'adaam'"),
    ],
)
def test_a_space_that_cannot_be_meant_says_where(tune: Any, words: str) -> None:
    with pytest.raises((ConfigError, mlp.MLPError), match=words):
        parse(tune)


def test_halving_tries_all_for_a_while_and_the_best_quarter_for_longer() -> None:
    """16 settings for a quarter of the updates, then the best 4 for all of them; the winner is one of the 4."""
    found, seen = OptimizerComparison(), []
    settings = parse(search="halving", rates=16, optimizers=["adam"])
    assert len(settings.settings("adam")) == 16
    steps = list(run_protocol(settings, found.cells))
    seen = [
        (len(s.outcome.trial["rates"]), s.outcome.trial["epochs"]) for s in steps if s.outcome.trial["kind"] == "tuning"
    ]
    (cell,) = found.cells.values()
    assert seen == [(16, 250), (4, 1000)]
    assert cell.rate in cell.rates and len(cell.rates) == 4
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))


def test_after_halving_the_edge_is_still_that_of_what_was_tried() -> None:
    """The best of the quarter that was left stood at an end of this quarter, and was marked as at the edge."""
    cell = Cell(OBSTACLES["saddle"], "sgd", [0.001, 0.01, 0.1, 1.0, 10.0])
    needed = {0.001: None, 0.01: {"gradients": 90}, 0.1: {"gradients": 30}, 1.0: {"gradients": 9}, 10.0: None}
    final = {"train_loss": 0.0, "gradients": 9, "step": 9}
    cell.tuning = [{"rate": rate, "reached": reached, "final": final} for rate, reached in needed.items()]
    cell.keep_best(2)
    assert cell.rates == [0.1, 1.0]
    cell.tuning = [{"rate": rate, "reached": needed[rate], "final": final} for rate in (0.1, 1.0)]
    assert cell.rate == 1.0 and not cell.at_edge and cell.n_tried == 5


def test_a_grid_refuses_a_range() -> None:
    with pytest.raises(ConfigError, match='search = "random"'):
        parse(search="grid")


def test_members_with_settings_of_their_own_train_as_each_would_alone() -> None:
    settings = parse().settings("adam")[1:]
    together = train_members(OBSTACLES["saddle"], mlp.Adam(), settings, [0, 1, 2, 3], 0)
    for i, member in enumerate(together):
        alone = train_members(OBSTACLES["saddle"], mlp.Adam(), settings[i : i + 1], [i], 0)[0]
        assert (alone["reached"] is None) == (member["reached"] is None)
        assert alone["final"] == pytest.approx(member["final"], rel=1e-9)  # powers of arrays and of numbers round apart


def test_what_was_tuned_is_in_the_tables_and_goes_on_from_its_folder(tmp_path: Path) -> None:
    found, again = OptimizerComparison(), OptimizerComparison()
    settings = parse(problems=["saddle", "xor"], epochs=20)
    list(run_protocol(settings, found.cells, None, tmp_path / "run"))
    assert all(step.outcome.recalled for step in run_protocol(settings, again.cells, None, tmp_path / "run"))
    for comparison, name in ((found, "a"), (again, "b")):
        write_tables(comparison.cells, tmp_path / name)
    names = [path.name for path in (tmp_path / "a").iterdir() if path.name != "times.csv"]
    assert {"budgets.csv", "obstacles.csv"} <= set(names)
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    assert "beta2=0.9" in (tmp_path / "a" / "obstacles.csv").read_text()
    written = mlp.config.read_toml(tmp_path / "run" / "bench.toml")
    assert parse_bench_settings(written).to_dict() == settings.to_dict()


# schedules

SCHEDULES = ["constant", "cosine", {"name": "step", "factor": 0.3}, {"name": "warmup", "then": "cosine"}, "plateau"]


def test_each_member_of_a_population_follows_its_own_schedule() -> None:
    """Cosine over 4 updates from 0.2: 0.2, 0.2 · ½(1 + cos π/4), ...; half of it after 2; the constant one stays."""
    settings: list[Any] = [{"learning_rate": 0.2, "schedule": "cosine"}, {"learning_rate": 0.1, "schedule": "constant"}]
    rule = apply_settings(mlp.SGD(), settings, Length(4, 1), float)
    state = rule.init(np.zeros((2, 3)))
    rates = [state.pace.next(np.zeros(2)).tolist() for _ in range(4)]
    expected = [[[0.1 * (1 + np.cos(np.pi * t / 4))], [0.1]] for t in range(4)]
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_a_member_with_a_schedule_trains_as_it_would_alone(schedule: Any) -> None:
    """Also where it remembers losses: each member has a memory of its own."""
    settings = [{"learning_rate": rate, "schedule": one} for one in (schedule, "constant") for rate in (0.01, 0.1)]
    together = train_members(OBSTACLES["ravine"], mlp.Adam(), settings, [0, 1, 2, 3], 0)
    for i, member in enumerate(together):
        alone = train_members(OBSTACLES["ravine"], mlp.Adam(), settings[i : i + 1], [i], 0)[0]
        assert alone["final"] == pytest.approx(member["final"], rel=1e-6)  # 1000 steps of two roundings


def test_a_schedule_is_tuned_like_a_number_and_stands_in_the_table() -> None:
    found = mlp.bench(
        "momentum", "gradient_noise", seeds=3, tuning_seeds=3, rates=[0.003, 0.1],
        tune={"momentum": {"schedule": ["constant", {"name": "polynomial", "final": 0.0}]}},
    )  # fmt: skip
    (row,) = found.obstacles()
    assert row.tried == 4 and row.tuned
    assert isinstance(row.rate, dict) and row.rate["schedule"] == {"name": "polynomial", "final": 0.0}
    assert "schedule=polynomial(final=0)" in found.text()  # noise needs a rate that goes to 0: Robbins & Monro (1951)


@pytest.mark.parametrize(
    ("tune", "words"),
    [
        ({"adam": {"schedule": "cosine"}}, "a list of schedules is needed"),
        ({"adam": {"schedule": [{"factor": 0.3}]}}, "a list of schedules is needed"),
        ({"adam": {"schedule": ["cosin"]}}, r"\[tune\.adam\].*Did you mean 'cosine'"),
        ({"adam": {"schedule": [{"name": "step", "facto": 0.3}]}}, r"\[tune\.adam\]: schedule step has no key 'facto'"),
        ({"lbfgs": {"schedule": ["cosine"]}}, "finds its own step lengths"),
    ],
)
def test_a_schedule_that_cannot_be_meant_says_where(tune: Any, words: str) -> None:
    with pytest.raises(mlp.MLPError, match=words):
        parse(tune, optimizers=["adam", "lbfgs"])


def test_a_schedule_among_the_keys_of_a_rule_says_where_it_belongs() -> None:
    with pytest.raises(ConfigError, match=r"a schedule stands in \[tune\.adam\]: schedule = \['cosine'\]"):
        parse_bench_settings({"bench": BENCH, "optimizers": {"adam": {"schedule": "cosine"}}})


# what is no number


def test_members_share_a_population_where_they_differ_in_numbers_alone() -> None:
    settings: list[Any] = [{"momentum": m, "learning_rate": 0.1} for m in (0.5, 0.9)]
    assert group_settings(mlp.Momentum(), settings, Length(10, 1)) == [[0, 1]]
    mixed: list[Any] = [{"every": k, "learning_rate": rate} for k in (1, 2) for rate in (0.1, 0.2)]
    assert group_settings(mlp.Shampoo(), mixed, Length(10, 1)) == [[0, 1], [2, 3]]


def test_whole_numbers_and_words_of_a_rule_are_tuned_too() -> None:
    """`(R, 1)` arrays took the place of every key, and a whole number or a flag cannot be one: the cell was lost."""
    found = mlp.bench(
        "shampoo", "saddle", seeds=2, tuning_seeds=2, rates=[0.1], tune={"shampoo": {"every": [1, 5]}}, epochs=30
    )
    (row,) = found.obstacles()
    assert not row.error and isinstance(row.rate, dict) and row.rate["every"] in (1, 5)


# what is expected after so many trials


def cell_of(scores: dict[float, list[int | None]], own: float | None) -> Cell:
    """A cell of the saddle whose tuning needed these gradients, None for never."""
    cell = Cell(OBSTACLES["saddle"], "sgd", list(scores), own=own, seconds_per_update=0.5)
    cell.tuning = [
        {
            "rate": rate, "reached": None if n is None else {"gradients": n},
            "final": {"train_loss": 0.0, "gradients": n or 100, "step": n or 100},
        }
        for rate, runs in scores.items() for n in runs
    ]  # fmt: skip
    return cell


def test_budgets_by_worked_numbers() -> None:
    """Drawn from 0, ½, 1: ½, then (0 + 3 · ½ + 5 · 1) / 9. Own first: ½, then (½ + ½ + 1) / 3."""
    cell = cell_of({0.01: [None, None], 0.1: [20, None], 1.0: [30, 50], 0.2: [10, None]}, own=0.2)
    rows = compute_budgets({("saddle", "sgd"): cell})
    assert [row.trials for row in rows] == [1, 2, 4]
    assert [row.drawn for row in rows[:2]] == pytest.approx([0.5, 6.5 / 9])
    assert [row.own_first for row in rows[:2]] == pytest.approx([0.5, 2 / 3])
    one = (4 * 100 + 20 + 30 + 50 + 10) / 4  # gradients of a trial
    assert [row.gradients for row in rows] == pytest.approx([one, 2 * one, 4 * one])
    assert [row.seconds for row in rows] == pytest.approx([0.5 * row.gradients for row in rows])
    assert np.isnan(rows[2].drawn) and not np.isnan(rows[2].own_first)  # three were drawn, and four with its own


def test_a_rule_without_a_default_is_compared_by_what_is_drawn() -> None:
    rows = compute_budgets({("saddle", "sgd"): cell_of({0.01: [None], 0.1: [20]}, own=None)})
    assert [row.drawn for row in rows] == [0.5, 0.75] and all(np.isnan(row.own_first) for row in rows)
    assert "own+1" in format_budgets({("saddle", "sgd"): cell_of({0.01: [None], 0.1: [20]}, own=None)})


def test_sixty_four_trials_are_known_after_sixty_four_draws() -> None:
    found = mlp.bench(
        ["adam", "sgd"], ["saddle", "himmelblau"], seeds=2, tuning_seeds=2, rates=64, search="random", epochs=60,
        tune={"adam": {"beta1": {"low": 0.0, "high": 0.95}, "schedule": ["constant", "cosine"]}},
    )  # fmt: skip
    for rule in ("adam", "sgd"):
        rows = [row for row in found.budgets() if row.rule == rule and row.problem == "saddle"]
        assert [row.trials for row in rows] == [1, 2, 4, 8, 16, 32, 64]
        drawn, own = ([getattr(row, name) for row in rows] for name in ("drawn", "own_first"))
        assert drawn == sorted(drawn) and own == sorted(own)  # more trials are never worse
    assert "what tuning is worth: himmelblau: train_loss at the end of tuning" in found.text()


def test_halving_says_what_it_cost() -> None:
    """16 settings for 250 updates and 4 for 1000, 2 starts each; those that are past stop earlier."""
    found = OptimizerComparison()
    list(run_protocol(parse(search="halving", rates=16, optimizers=["adam"]), found.cells))
    (row,) = found.budgets()
    assert row.trials == 16 and np.isnan(row.own_first)
    assert 0 < row.gradients <= 16 * 250 * 2 + 4 * 1000 * 2


def test_a_rule_that_nobody_tuned_is_marked_and_never_called_worse() -> None:
    found = mlp.bench(["lbfgs", "adam"], ["xor", "saddle"], seeds=6, tuning_seeds=2, rates=3, epochs=50)
    rows = {row.rule: row for row in found.rows() if row.problem == "xor"}
    assert not rows["lbfgs"].tuned and np.isnan(rows["lbfgs"].p)
    assert rows["adam"].tuned and rows["adam"].tried == 3
    assert "lbfgs°" in found.text() and "nobody tuned it" in found.text()
    chosen = parse_bench_settings({"bench": BENCH, "optimizers": {"sgd": {"learning_rate": 0.1}}})
    assert chosen.is_chosen("sgd") and not chosen.is_chosen("adam")


def test_the_page_shows_what_tuning_is_worth_and_who_was_not_tuned() -> None:
    found = mlp.bench(["lbfgs", "adam"], ["xor", "saddle", "cliff"], seeds=3, tuning_seeds=2, rates=3, epochs=50)
    page = str(found.report())
    assert "What tuning is worth" in page and "xor: train_loss at the end of tuning" in page
    assert "share of starts that get past, mean over 2 obstacles" in page
    assert "Of its own settings, with no tuning: adam" in page
    assert "nobody tuned the rule, so it is not called worse" in page
