"""Optimizers held to published numbers, and how fast comparisons are.

    python benchmarks/optimizers.py quadratic                     DeepOBS quadratic_deep, both batch orders, 10 seeds
    python benchmarks/optimizers.py encoders                      mean epochs on 10-5-10 and 12-2-12, 100 starts
    python benchmarks/optimizers.py population                    trials per second: 256 at once against one at a time
    python benchmarks/optimizers.py grid [--every 5 | --whole]    30 rules x 3 problems x 10 seeds x 7 rates: the time
    python benchmarks/optimizers.py proben1 --data DIR            table 10 of Proben1 with Rprop, 60 runs each

`grid` runs half of the seeds and says what all of them would take; --whole runs all, --every a slice of the rules.
Figures depend on the machine where seconds stand, and on nothing else elsewhere.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: as `mlp bench` computes

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import mlp
from mlp.bench import compare, n_trials, settings
from mlp.bench.folder import opened
from mlp.bench.trial import trained
from mlp.optimizers import OPTIMIZERS, Optimizer
from mlp.problems import PROBLEMS, Problem, problem_named
from mlp.problems.proben1 import TABLE10
from mlp.sweep import ProcessPool

# rule, and as published: mean and deviation of the final test loss over seeds 42 to 51, epochs to 87.7032
DEEPOBS: dict[str, tuple[Optimizer, float, float, float]] = {
    "SGD 1.585e-2": (mlp.SGD(1.585e-2), 87.3975, 0.1603, 51.1),
    "momentum .99 2.512e-3": (mlp.Momentum(2.512e-3, 0.99), 87.0450, 0.0239, 70.5),
    "Adam 3.981e-2": (mlp.Adam(3.981e-2), 87.1119, 0.0230, 39.9),
}


def members(problem: Problem, rule: Optimizer, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """What each seed comes to, all of them at once."""
    return trained(problem, rule, [None] * len(seeds), seeds, order=seeds[0]).members()


def quadratic(given: argparse.Namespace) -> None:
    """Test loss at the end and epochs to the convergence level, beside the published."""
    print(f"{'quadratic_deep':24}{'published':>26}{'one order per seed':>26}{'reshuffled':>26}")
    for name, (rule, mean, deviation, epochs) in DEEPOBS.items():
        cells = [f"{mean:.3f} ± {deviation:.3f}, {epochs:.1f}"]
        for problem in ("quadratic_deep", "quadratic_deep_reshuffled"):
            found = members(PROBLEMS[problem], rule, range(42, 52))
            losses = [member["final"]["test_loss"] for member in found]
            reached = [member["reached"]["step"] / 7 if member["reached"] else 100.0 for member in found]
            away = (statistics.mean(losses) - mean) / deviation
            cells.append(
                f"{statistics.mean(losses):.3f} ± {statistics.stdev(losses):.3f}, {statistics.mean(reached):.1f}"
                f" ({away:+.1f} σ)"
            )
        print(f"{name:24}" + "".join(f"{cell:>32}" if i else f"{cell:>20}" for i, cell in enumerate(cells)))


# rule, problem, and mean epochs as published by Riedmiller & Braun (1993), from memory
ENCODERS: tuple[tuple[str, Optimizer, float], ...] = (
    ("encoder-10-5-10", mlp.Quickprop(10.0), 21),
    ("encoder-10-5-10", mlp.Rprop(), 19),
    ("encoder-10-5-10", mlp.Rprop(2.0), 19),
    ("encoder-12-2-12", mlp.Rprop(), 322),
    ("encoder-12-2-12-flat_spot", mlp.Rprop(), 322),
)


def encoders(given: argparse.Namespace) -> None:
    """Epochs until every output of every pattern is right, and how many of 100 starts come that far."""
    for name, rule, published in ENCODERS:
        found = members(PROBLEMS[name], rule, range(100))
        epochs = [member["reached"]["step"] for member in found if member["reached"]]
        mean = f"{statistics.mean(epochs):.1f} ± {statistics.stdev(epochs):.1f}" if len(epochs) > 1 else "–"
        label = f"{type(rule).__name__}({rule.learning_rate})"  # type: ignore[attr-defined]
        print(f"{name:28}{label:18}published {published:5}   here {mean:>16}   solved {len(epochs)} of 100")


def best_of(repeats: int, call: Callable[[], Any]) -> float:
    """Seconds, the least of several: other processes only ever make it slower."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def population(given: argparse.Namespace) -> None:
    """Trials per second, all of what a trial takes included: first weights, training, measuring, notes."""
    print(f"{'Adam, 256 seeds':18}{'one at a time':>16}{'population':>14}{'ratio':>8}")
    for name in ("xor", "parity-3", "parity-4"):
        alone = seconds_each(replace(PROBLEMS[name], epochs=given.epochs), [[seed] for seed in range(4)])
        together = seconds_each(replace(PROBLEMS[name], epochs=given.epochs), [range(256)])
        print(f"{name:18}{1 / alone:>14.1f}/s{1 / together:>12.0f}/s{alone / together:>8.1f}")


def seconds_each(problem: Problem, groups: Sequence[Sequence[int]]) -> float:
    """Seconds for a trial when the seeds of a group train together."""
    seconds = best_of(5, lambda: [members(problem, mlp.Adam(0.05), group) for group in groups])
    return seconds / sum(map(len, groups))


def grid(given: argparse.Namespace) -> None:
    """The time of a large comparison on nets of the size of digits."""
    rules = list(OPTIMIZERS)[:30][:: given.every]
    asked = {"optimizers": rules, "problems": ["digits", "digits_logreg", "digits_deep"], "seeds": 10, "rates": 7}
    whole = settings({"bench": {**asked, "tuning_seeds": 10, "decades": 3.0}})
    wanted = whole if given.whole else replace(whole, seeds=5, tuning_seeds=5)
    start = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPool(given.jobs) as pool,
        opened(Path(folder), wanted) as journal,
    ):
        steps = list(compare(wanted, {}, pool, journal))
    seconds = time.perf_counter() - start
    runs = len(rules) * 3 * 10 * 7
    print(f"{len(rules)} rules x 3 problems x 10 seeds x 7 rates, and 10 fresh seeds each: {runs} + {runs // 7} runs")
    if given.whole:
        print(f"{seconds:.0f} s with {given.jobs} processes, {n_trials(wanted)} trials")
        return
    paced = sum(step.outcome.seconds for step in steps if step.outcome.trial["kind"] == "pace")
    all_seeds = 2 * seconds - paced  # twice the trials, but for those against the clock
    print(f"half of the seeds: {seconds:.0f} s with {given.jobs} processes; all of them would take {all_seeds:.0f} s")
    print(f"30 rules like these: {all_seeds * 30 / len(rules):.0f} s")


def proben1(given: argparse.Namespace) -> None:
    """Table 10: test error and wrong classes in percent, mean and deviation over 60 runs, epochs; beside the published.

    The network is that of the lowest validation error. Errors within one published deviation are counted.
    """
    print(f"{'':12}{'published':>34}{'here':>34}")
    start, within = time.perf_counter(), 0
    blocks = [range(first, min(first + 5, given.seeds)) for first in range(0, given.seeds, 5)]
    with ProcessPool(given.jobs) as pool:
        begun = {name: [pool.submit(prechelt, name, given.data, block) for block in blocks] for name in TABLE10}
        for name, row in TABLE10.items():
            found = [member for block in begun[name] for member in block.result()]
            errors = [member["best"]["test_loss"] for member in found]
            wrong = [100 * (1 - member["best"]["test_accuracy"]) for member in found]
            epochs = statistics.mean(member["final"]["step"] for member in found)
            hit = abs(statistics.mean(errors) - row.error[0]) <= row.error[1]
            within += hit
            here = figures(*moments(errors), *moments(wrong), epochs)
            print(f"{name:12}{figures(*row.error, *row.wrong, row.epochs):>34}{here:>34}{'' if hit else '  outside'}")
    print(f"{within} of {len(TABLE10)} test errors within one deviation; {time.perf_counter() - start:.0f} s")


def prechelt(name: str, data: str, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Runs of Rprop+ as in section 3.3: Δ at the start from U(0.005, 0.02) for each weight, at most 50, at least 0."""
    problem = problem_named(f"proben1-{name}", data)
    size = problem.begin(seeds[0], 0, True).params.size
    drawn = [np.random.default_rng([seed, 1]).uniform(0.005, 0.02, size) for seed in seeds]
    first = np.array(drawn if len(drawn) > 1 else drawn[0], np.float32)
    return members(problem, mlp.Rprop(first, min_step=0.0), seeds)


def moments(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation."""
    return statistics.mean(values), statistics.stdev(values)


def figures(error: float, error_sd: float, wrong: float, wrong_sd: float, epochs: float) -> str:
    """As a cell of the table."""
    return f"{error:.2f} ± {error_sd:.2f}; {wrong:.2f} ± {wrong_sd:.2f}; {epochs:.0f}"


def main() -> None:
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(required=True)
    for act in (quadratic, encoders, population, grid, proben1):
        commands.add_parser(act.__name__).set_defaults(act=act)
    commands.choices["population"].add_argument("--epochs", type=int, default=500)
    commands.choices["grid"].add_argument("--every", type=int, default=1, help="take every so manieth rule only")
    commands.choices["grid"].add_argument("--jobs", type=int, default=2)
    commands.choices["grid"].add_argument("--whole", action="store_true")
    commands.choices["proben1"].add_argument("--data", required=True)
    commands.choices["proben1"].add_argument("--seeds", type=int, default=60)
    commands.choices["proben1"].add_argument("--jobs", type=int, default=2)
    given = top.parse_args()
    given.act(given)


if __name__ == "__main__":
    main()
