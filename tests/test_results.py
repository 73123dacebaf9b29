"""What `benchmarks/results` publishes comes out again: a slice of it, with the settings that stand beside it."""

from __future__ import annotations

import csv
import re
import sys
from itertools import product
from pathlib import Path
from textwrap import indent

import pytest

import mlp
from mlp import problems
from mlp.cli import main
from mlp.config import read_toml
from mlp.optimizer_bench import OptimizerComparison, parse_bench_settings, run_protocol
from mlp.optimizer_bench.obstacle_table import judge_obstacles

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"
sys.path.insert(0, str(RESULTS.parent))
import show_obstacles  # noqa: E402

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


def test_the_manual_shows_the_published_table() -> None:
    page = (Path(mlp.__file__).parent / "manual" / "obstacles.md").read_text(encoding="utf-8")
    assert indent(show_obstacles.show(show_obstacles.read_rows()), "    ") in page


def test_ours_and_torchs_differ_in_no_published_cell_by_more_than_their_seeds() -> None:
    with (RESULTS / "twins_torch.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["obstacle"] for row in rows} == set(problems.OBSTACLES)
    assert len({row["rule"] for row in rows}) >= 14 and len(rows) == 23 * len({row["rule"] for row in rows})
    assert all(row["verdict"] in ("same", "within seeds") for row in rows)


def test_every_rule_of_optax_that_differs_is_explained() -> None:
    with (RESULTS / "twins_optax.csv").open(encoding="utf-8") as file:
        differing = {row["rule"] for row in csv.DictReader(file) if row["verdict"] == "differs"}
    explained = re.findall(r"^- `(\w+)`", (RESULTS / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert differing == set(explained)


def test_the_published_networks_are_those_of_their_settings() -> None:
    asked = read_toml(RESULTS / "networks.toml")["bench"]
    with (RESULTS / "networks.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {(row["problem"], row["rule"]) for row in rows} == set(product(asked["problems"], asked["optimizers"]))
    untuned = [row for row in rows if row["rule"] in ("lbfgs", "scaled_conjugate_gradient") and row["quantity"] == "p"]
    assert untuned and all(row["value"] == "nan" for row in untuned)


def test_the_published_table_has_every_pair_and_says_how_each_rule_was_tuned() -> None:
    rows = show_obstacles.read_rows()
    rules, names = {row["rule"] for row in rows}, {row["obstacle"] for row in rows}
    assert len(rows) == len(rules) * len(names) and len(rules) >= 30 and names == set(problems.OBSTACLES)
    ran = [row for row in rows if not row["error"]]
    assert all(int(row["tried"]) >= 8 and row["tuned"] == "True" and int(row["n"]) == 20 for row in ran)
