"""What `benchmarks/results` publishes comes out again: a slice of it, with the settings that stand beside it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mlp.cli import main
from mlp.config import read_toml
from mlp.optimizer_bench import OptimizerComparison, parse_bench_settings, run_protocol
from mlp.optimizer_bench.obstacle_table import judge_obstacles

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"
RULES, OBSTACLES = ["sgd", "momentum", "rprop"], ["saddle", "blind_saddle", "ravine", "cliff"]


def test_a_slice_of_the_published_table_comes_out_again() -> None:
    """The verdict, past or not, is that of every machine; gradients may differ where rounding decides a step."""
    with (RESULTS / "obstacles.csv").open(encoding="utf-8") as file:
        published = {(row["obstacle"], row["rule"]): row for row in csv.DictReader(file)}
    asked = read_toml(RESULTS / "bench.toml")
    asked["bench"].update(optimizers=RULES, problems=OBSTACLES)
    found = OptimizerComparison()
    list(run_protocol(parse_bench_settings(asked), found.cells))
    rows = judge_obstacles(found.cells)
    assert len(rows) == len(RULES) * len(OBSTACLES)
    for row in rows:
        there = published[row.obstacle.name, row.rule]
        assert row.past.value == pytest.approx(float(there["past"]), abs=0.051), there  # one start of 20
        assert row.rate == pytest.approx(float(there["learning_rate"])), there
        assert row.gradients.value == pytest.approx(float(there["gradients"]), rel=0.05), there


def test_the_same_command_gives_the_same_bytes_in_one_process_and_in_two(tmp_path: Path) -> None:
    """Two people with one command: only what the clock says may differ, `times.csv` and the seconds of the journal."""
    (tmp_path / "asked.toml").write_text("[bench]\nepochs = 60\nrates = 3\nseeds = 3\ntuning_seeds = 2\n")
    names = "--optimizers sgd,adam,lbfgs --problems saddle,turned_ravine,gradient_noise,broken_symmetry,small_batches"
    asked = ["bench", "--obstacles", "-c", str(tmp_path / "asked.toml"), *names.split()]
    for jobs in ("1", "2"):
        assert main([*asked, "--jobs", jobs, "-o", str(tmp_path / jobs)]) == 0
    for path in (tmp_path / "1").glob("*.csv"):
        if path.name != "times.csv":
            assert path.read_bytes() == (tmp_path / "2" / path.name).read_bytes(), path.name
    assert (tmp_path / "1" / "bench.toml").read_bytes() == (tmp_path / "2" / "bench.toml").read_bytes()
