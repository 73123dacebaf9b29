"""Families of tables that the zoo's problems do not have: small, stochastic, discrete, leaking, tiny, weighted.

    python benchmarks/diagnosis/families.py [--healthy 40] [--faulty 10] [--first-seed 0] [--only NAME,...]

Each family is drawn anew for every seed. A healthy run counts if, on 20 000 fresh rows, its score is within 3 points of
the best that is possible there, which the family knows, and not more than 10 points better in training. It must raise
no alarm. A faulty run must raise one, or name the kind as information, and the cause first; where the best that is
possible is known, it counts if it is more than 3 points below. `small_tables.py` draws many more small tables.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "programs"))

from score import share

import mlp
from mlp.arrays import Array

FRESH = 20_000
NEAR = 0.03  # so far below the best that is possible a healthy run may be
GAP = 0.1

Rows = tuple[Array, Array]


class Family(NamedTuple):
    """`draw(rng, n)` gives rows, `best(X)` the best answers to them; `n` are to train on. `causes`: () for healthy."""

    name: str
    n: int
    draw: Callable[[np.random.Generator, int], Rows]
    best: Callable[[Array], Array] | None
    sections: dict[str, Any]
    causes: tuple[str, ...] = ()


def logistic(weights: list[float], noise: float = 1.0) -> tuple[Any, Any]:
    w = np.array(weights)

    def draw(rng: np.random.Generator, n: int) -> Rows:
        X = rng.normal(size=(n, len(w)))
        return X, (X @ w + noise * rng.logistic(size=n) > 0).astype(int)

    return draw, lambda X: (X @ w > 0).astype(int)


def discrete(chances: Callable[[Array], Array], *sizes: int) -> tuple[Any, Any]:
    def draw(rng: np.random.Generator, n: int) -> Rows:
        X = np.column_stack([rng.integers(0, size, n) for size in sizes]).astype(float)
        return X, (rng.random(n) < chances(X)).astype(int)

    return draw, lambda X: (chances(X) > 0.5).astype(int)


def numbers(function: Callable[[Array], Array], n_in: int, noise: float, values: int = 0) -> tuple[Any, Any]:
    def draw(rng: np.random.Generator, n: int) -> Rows:
        X = rng.integers(0, values, (n, n_in)).astype(float) if values else rng.uniform(-1, 1, (n, n_in))
        return X, function(X) + noise * rng.normal(size=n)

    return draw, function


def majority(rng: np.random.Generator, n: int) -> Rows:
    X = rng.normal(size=(n, 6))
    return X, (_clean(X) ^ (rng.random(n) < 0.18)).astype(int)


def _clean(X: Array) -> Array:
    return np.asarray(X[:, 0] + 0.7 * X[:, 1] > 0.65).astype(int)


def rare(rng: np.random.Generator, n: int) -> Rows:
    y = (rng.random(n) < 0.05).astype(int)
    return rng.normal(size=(n, 5)) + y[:, None] * np.array([2.5, -2.0, 1.5, 0, 0]), y


def stars(rng: np.random.Generator, n: int) -> Rows:
    X = rng.normal(size=(n, 3))
    return X, np.clip(np.round(3 + X[:, 0] + 0.4 * X[:, 1]), 1, 5)


def clouds(rng: np.random.Generator, n: int) -> Rows:
    y = rng.integers(0, 5, n)
    angle = 2 * np.pi * np.array([0, 3, 1, 4, 2])[y] / 5
    return np.column_stack([3 * np.cos(angle), 3 * np.sin(angle)]) + rng.normal(size=(n, 2)), y


def days(rng: np.random.Generator, n: int) -> Rows:
    X = rng.normal(size=(n, 4))
    return X, np.clip(np.round(180 + 70 * X[:, 0] - 40 * np.tanh(X[:, 1]) + 8 * rng.normal(size=n)), 0, 365).astype(int)


def shuffled(draw: Any) -> Any:
    def spoil(rng: np.random.Generator, n: int) -> Rows:
        X, y = draw(rng, n)
        return X, rng.permutation(y)

    return spoil


def tiled(rng: np.random.Generator, n: int) -> Rows:
    X, y = clouds(rng, n // 4)
    y = np.where(rng.random(len(y)) < 0.3, rng.permutation(y), y)
    return np.tile(X, (4, 1)), np.tile(y, 4)


def copied(rng: np.random.Generator, n: int) -> Rows:
    X, y = clouds(rng, n)
    return np.column_stack([X, y]), y


def numbered(rng: np.random.Generator, n: int) -> Rows:
    X, y = clouds(rng, n)
    order = np.argsort(y, kind="stable")
    return np.column_stack([X[order], np.arange(n)]), y[order]


def wide(rng: np.random.Generator, n: int) -> Rows:
    X = rng.normal(size=(n, 45))
    return X, ((X[:, 0] + X[:, 1] > 0) ^ (rng.random(n) < 0.1)).astype(int)


SMALL = {"network": {"hidden": [8]}, "training": {"epochs": 20}}
LONGER = {"network": {"hidden": [8]}, "training": {"epochs": 60}, "optimizer": {"name": "adam", "learning_rate": 0.01}}
SCALED = {**LONGER, "data": {"scale_target": "standard", "task": "regression"}}
TINY = {
    "data": {"scale_target": "standard", "task": "regression", "validation": 0.0, "test": 0.0},
    "network": {"hidden": [8]}, "training": {"epochs": 500}, "optimizer": {"name": "adam", "learning_rate": 0.01},
}  # fmt: skip
CLASSES = {"data": {"task": "classification"}}
OUTPUT = {"name": "relu", "force": True}

FAMILIES = (
    *(Family(f"logistic_{n}", n, *logistic([1.2, -1.2, 0.8, 0.0]), SMALL) for n in (60, 100, 200, 500)),
    *(Family(f"noisy_logistic_{n}", n, *logistic([0.8, -0.6, 0.0]), SMALL) for n in (100, 200, 500)),
    Family("passengers", 600, *discrete(lambda X: 0.15 + 0.6 * X[:, 0] + 0.05 * X[:, 1], 2, 3, 4), SMALL),
    Family("votes", 400, *discrete(lambda X: 0.1 + 0.2 * X.sum(1), 2, 2, 2, 2), SMALL),
    Family("doses", 300, *numbers(lambda X: X[:, 0] ** 2 - 3 * X[:, 1], 2, 0.5, 5), SCALED),
    Family("noisy_numbers", 400, *numbers(lambda X: 2 * X[:, 0] - X[:, 1], 3, 1.0), SCALED),
    Family("majority", 500, majority, _clean, SMALL),
    Family("weighted", 1500, rare, None, {**LONGER, "data": {"class_weight": "balanced"}}),
    Family("stars", 500, stars, None, SCALED),
    Family("clouds", 400, clouds, None, LONGER),
    Family("line_of_7", 7, *numbers(lambda X: 2 * X[:, 0] + 1, 1, 0.0), TINY),
    Family("line_of_12", 12, *numbers(lambda X: 2 * X[:, 0] + 1, 1, 0.05), TINY),
    Family("shuffled", 500, shuffled(clouds), None, LONGER, ("uninformative_labels", "noisy_labels")),
    Family("seventy_wide", 70, wide, None, LONGER, ("too_few_rows", "too_little_regularization")),
    Family("tiled", 480, tiled, None, {"network": {"hidden": [128]}, "training": {"epochs": 100},
           "optimizer": {"name": "adam", "learning_rate": 0.01}}, ("leaked_rows",)),
    Family("copied", 400, copied, None, LONGER, ("leaked_target",)),
    Family("numbered", 400, numbered, None, LONGER, ("identifier_feature",)),
    Family("days", 1500, days, None, {**SMALL, **CLASSES}, ("numbers_as_classes",)),
    Family("names", 500, clouds, None, SCALED, ("classes_as_numbers", "loss_output_mismatch")),
    Family("relu_last", 400, *numbers(lambda X: 2 * X[:, 0] - X[:, 1], 3, 0.1),
           {**SCALED, "network": {"output": OUTPUT}}, ("loss_output_mismatch",)),
    Family("line_ended_early", 7, *numbers(lambda X: 2 * X[:, 0] + 1, 1, 0.0),
           {**TINY, "training": {"epochs": 15}}, ("too_few_epochs", "learning_rate_too_low")),
    Family("line_of_20_ended_early", 20, *numbers(lambda X: 3 - 40 * X[:, 0], 1, 0.0),
           {**TINY, "training": {"epochs": 15}}, ("too_few_epochs", "learning_rate_too_low")),
    Family("square_ended_early", 10, *numbers(lambda X: X[:, 0] ** 2, 1, 0.01),
           {**TINY, "training": {"epochs": 40}}, ("too_few_epochs", "learning_rate_too_low")),
)  # fmt: skip


def score(task: str, answers: Array, y: Array) -> float:
    if task == "classification":
        return float(np.mean(answers == y))
    return float(1 - np.square(answers - y).sum() / np.square(y - y.mean()).sum())


def run_one(family: Family, seed: int) -> tuple[str, list[mlp.Finding]]:
    """Whether a run of a family came out well, and its findings."""
    rng = np.random.default_rng([seed, *family.name.encode()])
    X, y = family.draw(rng, family.n)
    sections = {name: dict(keys) for name, keys in family.sections.items()}
    sections["training"]["seed"] = seed
    run = mlp.run(sections, (X, y))
    task = run.config.data.task
    if family.causes and family.best is None:
        return "faulty", list(run.findings)
    fresh, truth = family.draw(rng, FRESH)
    mine = score(task, run.predict(fresh), truth)
    best = mine if family.best is None else score(task, family.best(fresh), truth)
    if family.causes:
        return "faulty" if mine < best - NEAR else "between", list(run.findings)
    train = run.metrics["train_accuracy" if task == "classification" else "train_r2"]
    return "healthy" if mine >= best - NEAR and train - mine <= GAP else "between", list(run.findings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--healthy", type=int, default=40, help="seeds of each healthy family")
    parser.add_argument("--faulty", type=int, default=10, help="seeds of each faulty family")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only")
    arguments = parser.parse_args()
    total = dict.fromkeys(("healthy", "alarmed", "faulty", "found", "first"), 0)
    for family in FAMILIES:
        if arguments.only and family.name not in arguments.only.split(","):
            continue
        counts, told = dict.fromkeys(total, 0), []
        n = arguments.faulty if family.causes else arguments.healthy
        for seed in range(arguments.first_seed, arguments.first_seed + n):
            state, findings = run_one(family, seed)
            loud = [finding for finding in findings if finding.severity != "info"]
            names = [c.name for f in loud or findings for c in f.causes] or [f.kind for f in loud or findings]
            if state == "healthy":
                counts["healthy"] += 1
                counts["alarmed"] += bool(loud)
                told += [f"seed {seed}: {loud[0].kind}, {', '.join(names[:3])}"] if loud else []
            elif state == "faulty":
                counts["faulty"] += 1
                counts["found"] += bool(loud) or any(finding.kind in family.causes for finding in findings)
                counts["first"] += names[:1] != [] and names[0] in family.causes
                told += (
                    [f"seed {seed}: {', '.join(names[:3])}"] if names[:1] == [] or names[0] not in family.causes else []
                )
        print(f"{family.name:<22}", {key: value for key, value in counts.items() if value}, *told[:4], flush=True)
        total = {key: total[key] + counts[key] for key in total}
    print(f"alarms of healthy runs {share(total['alarmed'], total['healthy'])}")
    print(f"found {share(total['found'], total['faulty'])}, cause first {share(total['first'], total['faulty'])}")


if __name__ == "__main__":
    main()
