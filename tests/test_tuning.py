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
    assert len(parse().settings("adam")) == 4
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


def test_a_grid_refuses_a_range() -> None:
    with pytest.raises(ConfigError, match='search = "random"'):
        parse(search="grid")


def test_members_with_settings_of_their_own_train_as_each_would_alone() -> None:
    settings = parse().settings("adam")
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
