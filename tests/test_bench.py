"""The comparison of optimizers: its statistics, its protocol, and the command."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from itertools import product
from math import comb, inf, isnan, nan
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.errors import ConfigError, MLPError
from mlp.optimizer_bench import OptimizerComparison, n_trials, parse_bench_settings, run_protocol
from mlp.optimizer_bench.bench_trial import run_bench_trial, train_members
from mlp.optimizer_bench.own_parts import OwnParts
from mlp.optimizer_bench.tables import format_number, write_tables
from mlp.problems import PROBLEMS
from mlp.statistics.intervals import median_interval, performance_profile, wilson_interval
from mlp.statistics.significance import holm, signed_rank_test, smallest_p
from mlp.sweep import ProcessPool

SMALL = {
    "bench": {
        "optimizers": ["sgd", "adam"], "problems": ["xor", "rosenbrock"], "seeds": 3, "tuning_seeds": 2, "rates": 3,
        "epochs": 30, "together": 2,
    }
}  # fmt: skip

# statistics


def test_the_median_of_ten_lies_between_the_second_and_the_ninth() -> None:
    """1 - 2 (1 + 10) / 1024 = 0.979; from the third to the eighth it would be 0.891."""
    found = median_interval([float(x) for x in (5, 3, 9, 1, 7, 2, 8, 10, 4, 6)])
    assert found == (5.5, 2, 9, 1 - 22 / 1024)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 9, 30, 65, 66, 1100])
def test_the_interval_of_the_median_covers_what_it_says(n: int) -> None:
    """65 and 66: the sums of C(n, i) up to n/2 are beyond 64 bits, and wrapped around to a coverage of 1.23."""
    found = median_interval([float(i) for i in range(n)])
    k = int(found.low) + 1
    assert found.coverage == pytest.approx(max(0, 1 - 2 * sum(comb(n, i) for i in range(k)) / 2**n))
    assert found.coverage >= 0.95 or found.low == 0


def test_a_run_that_diverged_is_worse_than_every_number() -> None:
    assert median_interval([1.0, inf, 2.0]).value == 2
    assert median_interval([inf, inf, 2.0]).value == inf
    assert median_interval([1.0, inf, inf, 2.0]).value == 2  # not half way to infinity


def test_wilson_by_worked_numbers() -> None:
    """8 of 10: (0.8 + 0.19207 ± 1.95996 √(0.016 + 0.0096036)) / 1.384146. Newcombe (1998), method 3."""
    found = wilson_interval(8, 10)
    assert found[:3] == pytest.approx((0.8, 0.490162, 0.943318), abs=1e-6)
    assert wilson_interval(10, 10).high == pytest.approx(1)
    assert wilson_interval(0, 10).low == pytest.approx(0)


def test_signed_rank_by_worked_numbers() -> None:
    """Differences 1, 2, 3, -4: W- = 4, and 4 or less in 7 of the 16 signs: p = 2 · 7/16."""
    assert signed_rank_test([1, 2, 3, 0], [0, 0, 0, 4]) == 14 / 16
    assert signed_rank_test([1, 2, 3, 4, 5], [0] * 5) == smallest_p(5) == 2 / 32
    assert signed_rank_test([1.0, inf], [1.0, inf]) == 1


@pytest.mark.parametrize("seed", range(5))
def test_signed_rank_is_that_of_scipy(seed: int) -> None:
    scipy = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal(12), rng.standard_normal(12)
    assert signed_rank_test(a, b) == pytest.approx(scipy.wilcoxon(a, b, method="exact").pvalue, rel=1e-12)


def test_signed_rank_of_more_seeds_than_a_double_has_powers_of_two() -> None:
    """2ⁿ signs were counted as doubles: from n = 1024 on ∞/∞, and min(1, NaN) said p = 1 whatever the differences."""
    d = np.arange(1.0, 1051)
    d[:20] *= -1
    assert signed_rank_test(d, np.zeros(1050)) < 1e-100
    assert signed_rank_test(d * np.resize([1, -1], 1050), np.zeros(1050)) > 0.5


def test_signed_rank_with_ties_counts_out_all_signs() -> None:
    """The definition: of all 2ⁿ signs of the ranks 1½, 1½, 3, 4½, 4½."""
    d, ranks = np.array([1, -1, 2, 3, 3.0]), np.array([1.5, 1.5, 3, 4.5, 4.5])
    sums = [np.dot(signs, ranks) for signs in product([0, 1], repeat=5)]
    observed = ranks[d > 0].sum()
    tail = min(sum(s <= observed for s in sums), sum(s >= observed for s in sums))
    assert signed_rank_test(d, [0] * 5) == min(1, 2 * tail / 32)


def test_holm_by_worked_numbers() -> None:
    """0.01 · 4, 0.02 · 3, 0.04 · 2, and 0.03 may not be below what stands before it."""
    assert holm([0.04, 0.01, 0.02, 0.3]) == pytest.approx([0.08, 0.04, 0.06, 0.3])
    assert holm([0.01, 0.0101, 0.9]) == pytest.approx([0.03, 0.03, 0.9])
    assert holm([]) == []


def test_a_profile_by_worked_numbers() -> None:
    """Costs of two rules on three instances: ratios (1, 2), (3, 1), and (∞, ∞) where none solves."""
    costs = np.array([[10, 20], [30, 10], [inf, inf]])
    found = performance_profile(costs, (1, 2, 3, inf))
    np.testing.assert_allclose(found, np.array([[1, 1], [1, 2], [2, 2], [2, 2]]) / 3)


def test_an_instance_that_is_solved_before_the_first_step_is_solved_by_all() -> None:
    """Costs 0 and 0: 0/0 was NaN, and 5/0 infinite, and both counted as never solved."""
    costs = np.array([[0, 0], [0, inf], [5, 0]])
    np.testing.assert_allclose(performance_profile(costs, (1, inf)), np.array([[2, 2], [3, 2]]) / 3)


# protocol


def small(own: OwnParts | None = None, **changes: Any) -> Any:
    return parse_bench_settings({"bench": {**SMALL["bench"], **changes}}, own=own)


@pytest.fixture(scope="module")
def serial() -> OptimizerComparison:
    found = OptimizerComparison()
    steps = list(run_protocol(small(), found.cells))
    assert [step.done for step in steps] == list(range(1, n_trials(small()) + 1))
    assert {step.total for step in steps} == {n_trials(small())}
    return found


def files(comparison: OptimizerComparison, folder: Path) -> dict[str, bytes]:
    """What is written, but for what depends on the clock."""
    folder.mkdir()
    write_tables(comparison.cells, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "times.csv"}


def test_a_comparison_in_processes_is_that_of_one_after_another(serial: OptimizerComparison, tmp_path: Path) -> None:
    pooled = OptimizerComparison()
    with ProcessPool(2) as pool:
        for _ in run_protocol(small(), pooled.cells, pool):
            pass
    assert files(pooled, tmp_path / "pool") == files(serial, tmp_path / "serial")
    for place, cell in serial.cells.items():
        other = pooled.cells[place]
        assert (cell.tuning, cell.members, cell.rate) == (other.tuning, other.members, other.rate)


def test_rates_are_chosen_with_other_seeds_than_those_that_count(serial: OptimizerComparison) -> None:
    for cell in serial.cells.values():
        assert {m["seed"] for m in cell.members} == {0, 1, 2}
        assert not {m["seed"] for m in cell.tuning} & {0, 1, 2}
        assert {m["rate"] for m in cell.members} == {cell.rate}
        assert len(cell.tuning) == 3 * 2


def test_the_rate_with_the_best_median_is_chosen_and_diverged_runs_are_worst(serial: OptimizerComparison) -> None:
    cell = serial.cells["rosenbrock", "sgd"]  # learning rates of 10: diverges at once
    assert cell.tuning_median(cell.rates[-1]) == inf
    assert cell.tuning_median(cell.rate) == min(cell.tuning_median(rate) for rate in cell.rates)


def test_a_member_of_a_population_comes_to_what_it_comes_to_alone() -> None:
    """Losses, the moment the target is reached, where the best was: of four rates and seeds, in float64."""
    problem, rule = PROBLEMS["parity-3"], mlp.Adam()
    rates, seeds = [0.03, 0.1, 0.03, 0.1], [1, 1, 2, 2]
    together = train_members(problem, rule, rates, seeds, 0)
    for i, many in enumerate(together):
        (one,) = train_members(problem, rule, rates[i : i + 1], seeds[i : i + 1], 0)
        assert many["reached"] is None or many["reached"]["step"] == one["reached"]["step"]
        assert many["final"]["train_loss"] == pytest.approx(one["final"]["train_loss"], rel=1e-6, abs=1e-12)


def test_a_rule_that_refuses_populations_is_trained_one_at_a_time() -> None:
    from test_problems import Searching

    trial = {
        "kind": "fresh", "problem": "xor", "rule": "searching", "keys": {}, "rates": [0.1, 1.0], "seeds": [0, 1],
        "order": 0, "epochs": 10, "data": None,
    }  # fmt: skip
    alone = run_bench_trial(OwnParts({"searching": Searching}), trial)["members"]
    together = run_bench_trial(OwnParts(), {**trial, "rule": "sgd"})["members"]
    for one, other in zip(alone, together, strict=True):
        assert one["final"]["train_loss"] == pytest.approx(other["final"]["train_loss"], rel=1e-12)


def test_a_rule_that_cannot_be_run_on_a_problem_says_why_and_costs_nobody_else() -> None:
    class Demanding(mlp.SGD):
        def update(self, at: Any, state: Any, out: Any) -> None:
            raise MLPError("it asks for a Jacobian")

    found, own = OptimizerComparison(), OwnParts({"demanding": Demanding})
    list(run_protocol(small(own, optimizers=["sgd", "demanding"], problems=["xor"]), found.cells))
    best, failed = found.rows()
    assert best.rule == "sgd"
    assert best.best
    assert failed.error == "it asks for a Jacobian"
    assert "demanding: cannot be run here: it asks for a Jacobian" in found.text()


def test_rows_are_ranked_and_only_the_best_has_nothing_to_be_compared_with(serial: OptimizerComparison) -> None:
    found = serial.rows()
    assert [row.best for row in found] == [True, False, True, False]
    assert [isnan(row.p) for row in found] == [True, False, True, False]
    assert found[0].final.value <= found[1].final.value


def test_profiles_count_every_problem_and_seed(serial: OptimizerComparison) -> None:
    for shares in serial.profiles().values():
        assert all(float(6 * value).is_integer() for value in shares)  # 2 problems of 3 seeds
        assert shares == sorted(shares)


def test_every_rate_of_a_grid_is_a_tenth_of_the_decades_apart() -> None:
    grid = parse_bench_settings({"bench": {"rates": 5, "decades": 4.0}}).learning_rates("sgd")
    assert grid == [0.001, 0.01, 0.1, 1.0, 10.0]


def test_a_rate_is_tried_once_however_often_it_is_meant() -> None:
    """Equal rates were trained apart, and each then had the runs of all: `decades = 0` cost nine times its worth."""
    assert parse_bench_settings({"bench": {"decades": 0.0}}).learning_rates("sgd") == [0.1]
    own = {"optimizers": {"sgd": {"learning_rate": [0.2, 0.1, 0.2]}}}
    assert parse_bench_settings(own).learning_rates("sgd") == [0.1, 0.2]


def test_a_random_search_draws_the_same_rates_again_and_others_for_another_rule() -> None:
    wanted = parse_bench_settings({"bench": {"search": "random", "rates": 6}})
    rates = wanted.learning_rates("sgd")
    assert rates == wanted.learning_rates("sgd") == sorted(rates)
    assert len(set(rates)) == 7 and 0.1 in rates  # the rule's own, and six that are drawn
    assert not {*rates} & {*wanted.learning_rates("adam")}


def test_numbers_in_a_table() -> None:
    assert [format_number(x) for x in (0.123456, nan, inf)] == ["0.1235", "", "–"]


def test_plots_are_drawn_for_every_problem(serial: OptimizerComparison, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    one = {place: cell for place, cell in serial.cells.items() if place[0] == "rosenbrock"}  # where a rate diverges
    assert OptimizerComparison(one).save(tmp_path) == f"page: {tmp_path}/report.html; tables and plots: {tmp_path}"
    names = {"curves-rosenbrock.png", "sensitivity-rosenbrock.png", "profile.png"}
    assert {path.name for path in tmp_path.iterdir() if path.suffix == ".png"} == names


def test_without_matplotlib_the_extra_is_named(
    serial: OptimizerComparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "pip install 'mlp[plot]'" in serial.save(tmp_path)


# the command

BAD = {
    "optimizer": (["--optimizers", "addam"], "no optimizer 'addam'.*Did you mean 'adam'"),
    "problem": (["--problems", "xro"], "no problem 'xro'.*Did you mean 'xor'"),
    "twice": (["--problems", "xor,xor"], "names 'xor' twice"),
    "seeds": (["--seeds", "0"], "seeds = 0 cannot be"),
    "words": (["--seeds", "many"], "invalid int value"),
    "jobs": (["--jobs", "0"], "jobs = 0 cannot be"),
    "file": (["-c", "there/is/none.toml"], "there is no such file"),
    "data": (["--problems", "proben1-cancer1", "--data", "nowhere"], "nowhere holds no cancer1.npz"),
    "no data": (["--problems", "proben1-cancer1"], "--data FOLDER"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_status_2(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, words = BAD[name]
    try:
        status = main(["bench", *arguments])
    except SystemExit as stopped:
        status = int(str(stopped.code))
    error = capsys.readouterr().err
    assert status == 2
    assert error.count("\n") == 1
    assert re.search(words, error), error
    assert not list(tmp_path.iterdir())  # nothing is left behind


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"bensh": {}}, "no section 'bensh'.*Did you mean 'bench'"),
        ({"bench": {"sead": 1}}, "no key 'sead'.*Did you mean 'seed'"),
        ({"bench": {"rates": 1.5}}, "rates = 1.5 cannot be. Allowed: a whole number"),
        ({"bench": {"search": "walk"}}, "grid | random"),
        ({"bench": 3}, "a table of keys is needed"),
        ({"optimizers": {"adam": {"beta": 0.9}}}, "no key 'beta'.*Did you mean 'beta2'"),
        ({"optimizers": {"adam": {"beta1": 1.5}}}, "beta1 = 1.5 cannot be"),
        ({"optimizers": {"adam": {"learning_rate": [0.1, -1]}}}, "learning_rate = -1 cannot be"),
        (
            {"optimizers": {"adam": {"learning_rate": []}}},
            "leaves nothing to try",
        ),  # was: argmin of nothing, at the end
        (
            {"optimizers": {"adam": {"learning_rate": ["a", 0.1]}}},
            "learning_rate = 'a' cannot be",
        ),  # was: '<' of sorted
        ({"bench": {"decades": 1000}}, "decades = 1000 cannot be. Allowed: a number from 0 to 100"),
    ],
)
def test_a_file_that_cannot_be_meant_says_where_and_what(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_bench_settings(config, "bench.toml")


LITTLE = """
[bench]
optimizers = ["sgd", "adam"]
problems = ["xor", "parity-3"]
seeds = 4
rates = 5
epochs = 250
together = 1
"""


def command(folder: Path) -> list[str]:
    (folder.parent / "little.toml").write_text(LITTLE)
    return ["bench", "-c", str(folder.parent / "little.toml"), "--jobs", "1", "-o", str(folder)]


BLOCKED = """
import signal, sys
from itertools import count
from mlp import sweep
from mlp.cli import main

run_timed, number = sweep.run_timed, count(1)


def blocked(run, trial):
    if next(number) == 5:
        print("blocked", flush=True)
        while True:
            signal.pause()
    return run_timed(run, trial)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell runs the tests beside itself
    sys.exit(main())
sweep.run_timed = blocked  # in the process of the trials, which imports this file under another name
"""
"""`mlp` with a fifth trial that says so when it begins, and never ends."""


def interrupted(folder: Path, number: signal.Signals) -> tuple[int, str]:
    """Begin it, and send it and its processes a signal while they wait for the fifth trial; its status and words.

    Sent when some trials were on disk, the signal came after the last one wherever the rest were quick.
    """
    program = folder.parent / "blocked.py"
    program.write_text(BLOCKED)
    arguments = [sys.executable, str(program), *command(folder)]
    process = subprocess.Popen(arguments, stdout=PIPE, stderr=PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    begun = process.stdout.readline()
    os.killpg(process.pid, number)
    try:
        _, error = process.communicate(timeout=600)  # of one that hangs
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert begun == "blocked\n", error
    assert not (folder / "results.csv").exists()
    return process.returncode, error


def test_killed_in_the_middle_and_gone_on_gives_the_bytes_of_a_run_that_was_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlp.optimizer_bench.compare_optimizers.draw_plots", lambda cells, folder: None)
    torn, whole = tmp_path / "torn", tmp_path / "whole"
    interrupted(torn, signal.SIGKILL)
    for folder in (torn, whole):
        assert main(command(folder)) == 0
    for name in ("results.csv", "summary.csv", "sensitivity.csv", "profile.csv"):
        assert (torn / name).read_bytes() == (whole / name).read_bytes()
    assert "xor: train_loss" in capsys.readouterr().out


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    status, error = interrupted(folder, signal.SIGINT)
    assert status == 130
    assert re.search(r"interrupted; [34] of \d+ trials are in", error), error
    assert f"Go on with: mlp bench -c {folder}/bench.toml -o {folder}" in error
    assert "Traceback" not in error
