"""MNIST, permutation-invariant: test error of three networks beside what was published for them.

    python benchmarks/mnist.py [../shared/data/mnist.npz] [--seeds 3] [--only 800] [--validate]

No augmentation, nothing that knows which pixels are neighbours. All 60,000 rows are trained on for a number of epochs
that is fixed beforehand; the 10,000 test rows are read once, after the last. `--validate` holds out 10,000 training
rows and prints the error there instead, the test rows unread: this is how recipes are chosen. Float32.

Pixels are scaled to 0 ... 1, not standardised: a pixel at the edge that is lit in five images of 60,000 would become an
input of 100, and a network of 300 units ends at 2.3 to 3.0 % instead of 1.8 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from mlp.experiment import begin, finish, watch_epochs


class Recipe(NamedTuple):
    """What is trained, and what it is held to: `published` test errors in percent, and the one to reach."""

    network: Mapping[str, Any]
    epochs: int
    published: str
    goal: float
    optimizer: Mapping[str, Any] = {"learning_rate": 0.001, "schedule": "cosine"}  # Adam
    loss: Mapping[str, Any] = {}


RECIPES = {
    "800": Recipe(
        {"hidden": [800]},
        20,
        "1.6 (Simard, Steinkraus & Platt 2003, cross-entropy)",
        1.6,
        loss={"label_smoothing": 0.1},  # held out: 1.39; without 1.87, dropout 0.5 instead 1.70
    ),
    "300-100": Recipe(
        {"hidden": [300, 100], "dropout": 0.2, "input_dropout": 0.1},  # held out: 1.70; without 2.04
        20,
        "3.05 (LeCun et al. 1998, squared error)",
        1.9,
    ),
    "3x1024": Recipe(
        {"hidden": [1024] * 3, "dropout": 0.5, "input_dropout": 0.2, "max_norm": 3.0},
        60,
        "1.06 (Srivastava et al. 2014, table 2: ReLU, dropout, max-norm; 1.25 without max-norm)",
        1.2,
    ),
}


def config(recipe: Recipe, source: str, seed: int, validation: float) -> dict[str, Any]:
    """The experiment."""
    return {
        "data": {"source": source, "scale": "minmax", "validation": validation},
        "network": dict(recipe.network),
        "loss": dict(recipe.loss),
        "optimizer": dict(recipe.optimizer),
        "training": {"epochs": recipe.epochs, "batch_size": 128, "seed": seed},
        "record": {"every": 100, "baseline": "never"},
    }


def error(recipe: Recipe, source: str, seed: int, validate: bool) -> tuple[float, float]:
    """Percent wrong after the last epoch, on test rows or on those held out; and the seconds of training."""
    setup, state = begin(config(recipe, source, seed, 1 / 6 if validate else 0.0))
    for epoch in watch_epochs(setup, state):
        print(f" {epoch.number}:{epoch.train_loss:.4f}", end="", flush=True)
    metrics = finish(setup, state).metrics
    print(f"  training rows {100 - 100 * metrics['train_accuracy']:.2f} %", end="")
    return 100 - 100 * metrics["validation_accuracy" if validate else "test_accuracy"], state.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default="../shared/data/mnist.npz")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", choices=RECIPES, action="append")
    parser.add_argument("--validate", action="store_true")
    given = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {}
    for name in given.only or RECIPES:
        for seed in range(given.seeds):
            print(f"{name}, seed {seed}, training loss by epoch:", end="", flush=True)
            found.setdefault(name, []).append(error(RECIPES[name], given.source, seed, given.validate))
            print(f", {'held out' if given.validate else 'test'} {found[name][-1][0]:.2f} %", flush=True)
    table(found, "held-out error, %" if given.validate else "test error, %")


def with_what(recipe: Recipe) -> str:
    """What there is beside the widths."""
    keys = {**recipe.network, **recipe.loss}
    return ", ".join(f"{key} {value:g}" for key, value in keys.items() if key != "hidden")


def table(found: Mapping[str, list[tuple[float, float]]], title: str) -> None:
    """Two rows for each network: the numbers, and how it was trained."""
    print(f"\n{'network':10}{title:>20}{'seeds':>7}{'goal':>7}{'seconds':>9}  published")
    for name, runs in found.items():
        errors, seconds = np.array(runs).T
        spread = f" ± {errors.std(ddof=1):.2f}" if len(runs) > 1 else ""
        shown = f"{errors.mean():.2f}{spread}"
        recipe = RECIPES[name]
        print(f"{name:10}{shown:>20}{len(runs):7}{recipe.goal:7.1f}{seconds.mean():9.0f}  {recipe.published}")
        print(f"{'':12}{recipe.epochs} epochs, {with_what(recipe)}")


if __name__ == "__main__":
    main()
