"""Rules of PyTorch and optax beside ours of the same name, at every obstacle: from the same starts, at the same rate.

    python benchmarks/twins.py torch > benchmarks/results/twins_torch.csv
    python benchmarks/twins.py optax --only adam,lion

A line for each rule at each obstacle: how many of the starts get past, the median of the gradients that they need, the
spread of these between starts (standard deviation), and the difference between the two libraries at one start (root
mean square). `verdict`: "same" where the same starts get past with the same gradients, but for one; "within seeds"
where the medians differ by less than the spread between starts, and Wilson's 95 % intervals of the shares overlap:
there a rounding grows until the two are two draws; else "differs". The rates are those of
`benchmarks/results/obstacles.csv`. Why a cell differs stands in `benchmarks/results/README.md`.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from mlp.optimizer_bench.bench_trial import train_members
from mlp.optimizer_bench.other_rules import FromOptax, FromTorch
from mlp.optimizers import OPTIMIZERS
from mlp.problems import OBSTACLES
from mlp.statistics.intervals import wilson_interval

RESULTS = Path(__file__).parent / "results"
TORCH: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {}),
    "adadelta": ("Adadelta", {}),
    "rmsprop": ("RMSprop", {}),
    "adam": ("Adam", {}),
    "adamw": ("AdamW", {}),
    "amsgrad": ("Adam", {"amsgrad": True}),
    "adamax": ("Adamax", {}),
    "nadam": ("NAdam", {}),
    "radam": ("RAdam", {}),
    "irprop_minus": ("Rprop", {}),
    "averaged_sgd": ("ASGD", {"lambd": 0.0, "alpha": 0.0, "t0": -1.0}),
}
"""Ours, and the class and keys that mean the same there."""
OPTAX: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("sgd", {}),
    "momentum": ("sgd", {"momentum": 0.9}),
    "nesterov": ("sgd", {"momentum": 0.9, "nesterov": True}),
    "sign_sgd": ("sign_sgd", {}),
    "lion": ("lion", {"weight_decay": 0.0}),
    "adagrad": ("adagrad", {"initial_accumulator_value": 0.0, "eps": 1e-10}),
    "adadelta": ("adadelta", {}),
    "rmsprop": ("rmsprop", {"decay": 0.99, "eps_in_sqrt": False}),
    "adam": ("adam", {}),
    "adamw": ("adamw", {"weight_decay": 0.01}),
    "amsgrad": ("amsgrad", {}),
    "adamax": ("adamax", {}),
    "nadam": ("nadam", {}),
    "radam": ("radam", {}),
    "adabelief": ("adabelief", {}),
    "yogi": ("yogi", {}),
    "adan": ("adan", {}),
}
HEAD = (
    "library", "obstacle", "rule", "theirs", "rate", "starts", "past", "past_theirs", "gradients", "gradients_theirs",
    "spread", "difference", "verdict",
)  # fmt: skip


def needed(obstacle: str, rule: Any, rate: float, starts: int) -> np.ndarray:
    """Gradients that each start needs; infinite where it never gets past."""
    found = train_members(OBSTACLES[obstacle], rule, [rate] * starts, list(range(starts)), 0, False)
    return np.array([run["reached"]["gradients"] if run["reached"] else np.inf for run in found])


def compare(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float, str]:
    """The spread between starts, the root mean square of the differences at each start, and the verdict."""
    past, theirs_past = np.isfinite(ours), np.isfinite(theirs)
    both = past & theirs_past
    if not both.any():
        return 0.0, 0.0, "same" if (past == theirs_past).all() else "differs"
    apart, spread = ours[both] - theirs[both], float(np.std(ours[past]))
    difference = float(np.sqrt(np.mean(apart**2)))
    if (past == theirs_past).all() and np.abs(apart).max() <= 1:
        return spread, difference, "same"
    mine, other = (wilson_interval(int(share.sum()), len(ours)) for share in (past, theirs_past))
    medians = abs(np.median(ours[past]) - np.median(theirs[theirs_past]))
    alike = medians <= max(spread, 1) and mine.low <= other.high and other.low <= mine.high
    return spread, difference, "within seeds" if alike else "differs"


def read_rates(path: Path) -> dict[tuple[str, str], float]:
    """The learning rates of a table of obstacles."""
    with path.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if re.fullmatch(r"[\d.e-]+", row["learning_rate"])]
    return {(row["obstacle"], row["rule"]): float(row["learning_rate"]) for row in rows}


def main() -> None:
    """Write the table to standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", choices=("torch", "optax"))
    parser.add_argument("--only", help="rules of ours, A,B")
    parser.add_argument("--obstacles", help="X,Y; all if not given")
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--rates", type=Path, default=RESULTS / "obstacles.csv", help="a table of obstacles")
    given = parser.parse_args()
    pairs, adapter = (TORCH, FromTorch) if given.library == "torch" else (OPTAX, FromOptax)
    rates, out = read_rates(given.rates), csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(HEAD)
    for name in given.only.split(",") if given.only else pairs:
        theirs, keys = pairs[name]
        for obstacle in given.obstacles.split(",") if given.obstacles else OBSTACLES:
            rate = rates[obstacle, name]
            mine = needed(obstacle, OPTIMIZERS[name](), rate, given.starts)
            other = needed(obstacle, adapter(theirs, rate, keys), rate, given.starts)
            numbers = (np.isfinite(mine).mean(), np.isfinite(other).mean(), np.median(mine), np.median(other))
            spread, difference, verdict = compare(mine, other)
            shown = [f"{value:.6g}" for value in (*numbers, spread, difference)]
            called = f"{theirs} {keys or ''}".strip()
            out.writerow([given.library, obstacle, name, called, rate, given.starts, *shown, verdict])
            sys.stdout.flush()


if __name__ == "__main__":
    main()
